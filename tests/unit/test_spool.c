/* What commands print: when it comes, that all of it comes, and what is said when there is no room for it. */
#include "cli/spool.h"

#include "base/buf.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LINES 300000 /* more than is kept in memory */

static int saved = -1;

/* Standard output becomes fd, until show_again. */
static void print_to(int fd)
{
    fflush(stdout);
    saved = dup(STDOUT_FILENO);
    assert_true(saved >= 0);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    close(fd);
}

static void show_again(void)
{
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
}

static void write_lines(FILE *out, int count)
{
    for (int i = 0; i < count; i++)
        fprintf(out, "%d\n", i);
}

/* What a spool prints to a pipe, and the code of its end. The process of its own ends when all was read. */
static int printed(struct rung_buf *text, int lines, int code_before, struct rung_err *err)
{
    int out[2], words[2], status;
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(words), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct rung_err said = {.code = code_before};
        dup2(out[1], STDOUT_FILENO);
        struct rung_spool *spool = rung_spool_create();
        write_lines(rung_spool_stream(spool), lines);
        int code = rung_spool_end(spool, code_before, &said);
        fflush(stdout);
        _exit(write(words[1], &said, sizeof said) == sizeof said ? -code : 100);
    }
    close(out[1]);
    close(words[1]);
    rung_buf_init(text, RUNG_BUF_UNLIMITED);
    for (ssize_t got = 1; got > 0; text->length += got > 0 ? (size_t)got : 0)
        got = read(out[0], rung_buf_reserve(text, 65536), 65535);
    rung_buf_append(text, "", 0);
    assert_int_equal(read(words[0], err, sizeof *err), sizeof *err);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    close(out[0]);
    close(words[0]);
    return -WEXITSTATUS(status);
}

static void all_lines_are_there(const struct rung_buf *text, int count)
{
    char *expected = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&expected, &length);
    write_lines(stream, count);
    fclose(stream);
    assert_int_equal(text->length, length);
    assert_memory_equal(text->data, expected, length);
    free(expected);
}

static int set_up(void **state)
{
    (void)state;
    return setenv("TMPDIR", "/tmp", 1);
}

static void nothing_comes_before_the_end(void **state)
{
    (void)state;
    struct pollfd ready = {.events = POLLIN};
    struct rung_err err;
    char text[16] = "";
    int out[2];
    assert_int_equal(pipe(out), 0);
    print_to(out[1]);
    struct rung_spool *spool = rung_spool_create();
    fputs("a line\n", rung_spool_stream(spool));
    fflush(NULL);
    ready.fd = out[0];
    int before = poll(&ready, 1, 0);
    int code = rung_spool_end(spool, 0, &err);
    show_again();
    assert_int_equal(before, 0);
    assert_int_equal(code, 0);
    assert_int_equal(read(out[0], text, sizeof text - 1), 7);
    assert_string_equal(text, "a line\n");
    close(out[0]);
}

static void long_ones_come_whole(void **state)
{
    (void)state;
    struct rung_buf text;
    struct rung_err err;
    assert_int_equal(printed(&text, LINES, 0, &err), 0);
    all_lines_are_there(&text, LINES);
    rung_buf_free(&text);
}

static void short_ones_need_no_folder(void **state)
{
    (void)state;
    struct rung_buf text;
    struct rung_err err;
    setenv("TMPDIR", "/none/at/all", 1);
    assert_int_equal(printed(&text, 1000, 0, &err), 0);
    all_lines_are_there(&text, 1000);
    rung_buf_free(&text);
}

static void long_ones_without_room_say_so(void **state)
{
    (void)state;
    struct rung_buf text;
    struct rung_err err;
    setenv("TMPDIR", "/none/at/all", 1);
    assert_int_equal(printed(&text, LINES, 0, &err), RUNG_EFAIL);
    assert_int_equal(text.length, 0);
    assert_string_equal(
        err.text, "/none/at/all: what is to be printed cannot be kept there: No such file or directory");
    assert_non_null(strstr(err.way_out, "TMPDIR"));
    rung_buf_free(&text);
}

static void a_failure_keeps_its_code_and_what_came_before(void **state)
{
    (void)state;
    struct rung_buf text;
    struct rung_err err;
    assert_int_equal(printed(&text, 10, RUNG_EUSE, &err), RUNG_EUSE);
    all_lines_are_there(&text, 10);
    rung_buf_free(&text);
}

static void a_file_gets_it_at_once(void **state)
{
    (void)state;
    struct rung_err err;
    FILE *file = tmpfile();
    assert_non_null(file);
    print_to(dup(fileno(file)));
    struct rung_spool *spool = rung_spool_create();
    bool direct = rung_spool_stream(spool) == stdout;
    write_lines(rung_spool_stream(spool), LINES);
    fflush(stdout);
    off_t before = lseek(fileno(file), 0, SEEK_END);
    int code = rung_spool_end(spool, 0, &err);
    show_again();
    assert_true(direct);
    assert_int_equal(code, 0);
    assert_true(before > LINES);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), before);
    fclose(file);
}

static void what_is_freed_is_not_printed(void **state)
{
    (void)state;
    char byte;
    int out[2];
    assert_int_equal(pipe(out), 0);
    print_to(out[1]);
    struct rung_spool *spool = rung_spool_create();
    fputs("a line\n", rung_spool_stream(spool));
    rung_spool_free(spool);
    rung_spool_free(NULL);
    show_again();
    assert_int_equal(read(out[0], &byte, 1), 0);
    assert_int_equal(rung_spool_end(NULL, -7, NULL), -7);
    close(out[0]);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_comes_before_the_end),
        TEST(long_ones_come_whole),
        TEST(short_ones_need_no_folder),
        TEST(long_ones_without_room_say_so),
        TEST(a_failure_keeps_its_code_and_what_came_before),
        TEST(a_file_gets_it_at_once),
        TEST(what_is_freed_is_not_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
