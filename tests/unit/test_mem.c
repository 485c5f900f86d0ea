/*
 * Allocation: sizes, and the end of the process where memory is out.
 */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Lets malloc under the address sanitizer return NULL, as it does elsewhere. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Runs `body` in a child; true when it ended with status 1 and said why on standard error. */
static int runs_out(void (*body)(void))
{
    int pipes[2], status;
    char text[8192] = {0};
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        body();
        _exit(0);
    }
    close(pipes[1]);
    for (size_t length = 0; length < sizeof text - 1;) {
        ssize_t got = read(pipes[0], text + length, sizeof text - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    const char *said = strstr(text, "rung: out of memory\n"); /* a sanitizer may have warned before */
    return WIFEXITED(status) && WEXITSTATUS(status) == 1 && said &&
           strcmp(said, "rung: out of memory\n") == 0;
}

static void test_zalloc_is_zeroed_and_never_null(void **state)
{
    (void)state;
    unsigned char *bytes = rung_mem_zalloc(100, 3);
    for (int i = 0; i < 300; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
    void *none = rung_mem_zalloc(0, 8);
    assert_non_null(none);
    free(none);
}

static void test_resize_keeps_content(void **state)
{
    (void)state;
    int *numbers = rung_mem_resize(NULL, 4, sizeof *numbers);
    for (int i = 0; i < 4; i++)
        numbers[i] = i;
    numbers = rung_mem_resize(numbers, 1000, sizeof *numbers);
    for (int i = 0; i < 4; i++)
        assert_int_equal(numbers[i], i);
    numbers = rung_mem_resize(numbers, 0, sizeof *numbers);
    assert_non_null(numbers);
    free(numbers);
}

static void test_grow_doubles_and_only_when_full(void **state)
{
    (void)state;
    size_t count = 0, capacity = 0, moves = 0;
    uint64_t *numbers = NULL;
    for (; count < 1000; count++) {
        size_t before = capacity;
        numbers = rung_mem_grow(numbers, count, &capacity, sizeof *numbers);
        assert_true(capacity > count);
        moves += capacity != before;
        numbers[count] = count * count;
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(numbers[i], i * i);
    assert_true(moves <= 8);
    free(numbers);
}

static void test_text_copies(void **state)
{
    (void)state;
    assert_null(rung_mem_strdup(NULL));
    assert_null(rung_mem_strndup(NULL, 3));
    char *whole = rung_mem_strdup("rung"), *part = rung_mem_strndup("rung", 2),
         *more = rung_mem_strndup("rung", 99);
    assert_string_equal(whole, "rung");
    assert_string_equal(part, "ru");
    assert_string_equal(more, "rung");
    free(whole);
    free(part);
    free(more);
    const char unended[3] = {'a', 'b', 'c'};
    char *copy = rung_mem_strndup(unended, sizeof unended);
    assert_string_equal(copy, "abc");
    free(copy);
}

static void test_copies(void **state)
{
    (void)state;
    const int numbers[] = {3, 1, 4};
    int *copy = rung_mem_copy(numbers, 3, sizeof *numbers);
    assert_memory_equal(copy, numbers, sizeof numbers);
    free(copy);
    assert_null(rung_mem_copy(NULL, 3, sizeof *numbers));
    copy = rung_mem_copy(numbers, 0, sizeof *numbers);
    assert_non_null(copy);
    free(copy);
}

static void test_printf_of_any_length(void **state)
{
    (void)state;
    char *text = rung_mem_printf("%s.%d.%0*d", "5", 9, 3000, 17);
    assert_int_equal(strlen(text), 3004);
    assert_memory_equal(text, "5.9.000", 7);
    assert_string_equal(text + 3002, "17");
    free(text);
    text = rung_mem_printf("%s", "");
    assert_string_equal(text, "");
    free(text);
}

static void ask_for_everything(void)
{
    free(rung_mem_zalloc(PTRDIFF_MAX / 2, 1));
}

static void ask_for_a_product_that_wraps(void)
{
    free(rung_mem_resize(NULL, SIZE_MAX / 4, 8));
}

static void third_fails(void)
{
    rung_mem_fail_after(3);
    free(rung_mem_zalloc(1, 1));
    free(rung_mem_strdup("a"));
    free(rung_mem_printf("b"));
}

static void third_fails_but_is_not_asked_for(void)
{
    rung_mem_fail_after(3);
    free(rung_mem_zalloc(1, 1));
    free(rung_mem_strdup("a"));
    rung_mem_fail_after(0);
    free(rung_mem_printf("b"));
}

static void test_out_of_memory_ends_the_process(void **state)
{
    (void)state;
    assert_true(runs_out(ask_for_everything));
    assert_true(runs_out(ask_for_a_product_that_wraps));
    assert_true(runs_out(rung_mem_out));
}

static void test_fault_hook_fails_the_nth_allocation(void **state)
{
    (void)state;
    assert_true(runs_out(third_fails));
    assert_false(runs_out(third_fails_but_is_not_asked_for));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zalloc_is_zeroed_and_never_null),
        cmocka_unit_test(test_resize_keeps_content),
        cmocka_unit_test(test_grow_doubles_and_only_when_full),
        cmocka_unit_test(test_text_copies),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_printf_of_any_length),
        cmocka_unit_test(test_out_of_memory_ends_the_process),
        cmocka_unit_test(test_fault_hook_fails_the_nth_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
