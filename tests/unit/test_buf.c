/*
 * The text buffer: content, its limit, consuming from the front.
 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_empty_buffer_is_an_empty_text(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, 10);
    assert_null(buf.data);
    assert_string_equal(rung_buf_cstr(&buf), "");
    rung_buf_consume(&buf, 5);
    rung_buf_clear(&buf);
    rung_buf_append(&buf, NULL, 0);
    assert_string_equal(rung_buf_cstr(&buf), "");
    rung_buf_free(&buf);
    rung_buf_free(&buf);
}

static void test_appends_of_all_kinds(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_buf_text(&buf, "one");
    rung_buf_char(&buf, ' ');
    rung_buf_printf(&buf, "%d+%s", 2, "three");
    rung_buf_append(&buf, "\0x", 2);
    assert_int_equal(buf.length, 13);
    assert_memory_equal(buf.data, "one 2+three\0x", 14);
    assert_false(buf.overflow);
    rung_buf_free(&buf);
    assert_null(buf.data);
}

static void test_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < 100000; i++) {
        rung_buf_char(&buf, (char)('a' + i % 26));
        assert_int_equal(buf.data[buf.length], '\0');
    }
    assert_int_equal(buf.length, 100000);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    rung_buf_free(&buf);
}

static void test_printf_longer_than_its_own_room(void **state)
{
    (void)state;
    for (int width = 250; width < 262; width++) {
        struct rung_buf buf;
        rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
        rung_buf_printf(&buf, "%0*d", width, 7);
        assert_int_equal(buf.length, width);
        assert_int_equal(buf.data[0], '0');
        assert_int_equal(buf.data[width - 1], '7');
        rung_buf_free(&buf);
    }
}

static void test_limit_cuts_and_flags(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, 8);
    rung_buf_text(&buf, "12345678");
    assert_false(buf.overflow);
    rung_buf_append(&buf, "", 0);
    assert_false(buf.overflow);
    rung_buf_char(&buf, '9');
    assert_true(buf.overflow);
    assert_string_equal(rung_buf_cstr(&buf), "12345678");
    rung_buf_clear(&buf);
    assert_false(buf.overflow);
    rung_buf_printf(&buf, "%s-%s", "abcde", "fghij");
    rung_buf_text(&buf, "k");
    assert_true(buf.overflow);
    assert_string_equal(rung_buf_cstr(&buf), "abcde-fg");
    assert_true(buf.capacity <= 9);
    rung_buf_free(&buf);
}

static void test_limit_of_zero(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, 0);
    rung_buf_char(&buf, 'x');
    assert_true(buf.overflow);
    assert_int_equal(buf.length, 0);
    assert_string_equal(rung_buf_cstr(&buf), "");
    rung_buf_free(&buf);
}

static void test_consume_from_the_front(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, 10);
    rung_buf_text(&buf, "line\nrest");
    rung_buf_consume(&buf, 5);
    assert_string_equal(rung_buf_cstr(&buf), "rest");
    rung_buf_consume(&buf, 0);
    rung_buf_text(&buf, "123456"); /* room came back */
    assert_false(buf.overflow);
    assert_string_equal(rung_buf_cstr(&buf), "rest123456");
    rung_buf_consume(&buf, 999);
    assert_int_equal(buf.length, 0);
    assert_string_equal(rung_buf_cstr(&buf), "");
    rung_buf_free(&buf);
}

static void test_reserve_and_fill(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, 100);
    rung_buf_text(&buf, "ab");
    char *room = rung_buf_reserve(&buf, 98);
    assert_non_null(room);
    assert_ptr_equal(room, buf.data + 2);
    memset(room, 'c', 98);
    buf.length += 98;
    assert_int_equal(strlen(rung_buf_cstr(&buf)), 100);
    assert_null(rung_buf_reserve(&buf, 1));
    assert_non_null(rung_buf_reserve(&buf, 0));
    assert_null(rung_buf_reserve(&buf, (size_t)-1));
    assert_false(buf.overflow);
    rung_buf_free(&buf);
}

static void test_agrees_with_a_plain_array(void **state)
{
    (void)state;
    char model[4096];
    size_t length = 0;
    unsigned seed = 12345;
    struct rung_buf buf;
    rung_buf_init(&buf, sizeof model);
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1103515245u + 12345u;
        size_t n = seed >> 16 & 63;
        if (seed >> 30 != 0 && length + n <= sizeof model) {
            char piece[64];
            memset(piece, 'a' + round % 26, sizeof piece);
            rung_buf_append(&buf, piece, n);
            memcpy(model + length, piece, n);
            length += n;
        } else {
            n = n * 4 < length ? n * 4 : length;
            rung_buf_consume(&buf, n);
            length -= n;
            memmove(model, model + n, length);
        }
        assert_int_equal(buf.length, length);
        if (length > 0)
            assert_memory_equal(buf.data, model, length);
    }
    assert_false(buf.overflow);
    rung_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_buffer_is_an_empty_text),
        cmocka_unit_test(test_appends_of_all_kinds),
        cmocka_unit_test(test_grows_and_stays_terminated),
        cmocka_unit_test(test_printf_longer_than_its_own_room),
        cmocka_unit_test(test_limit_cuts_and_flags),
        cmocka_unit_test(test_limit_of_zero),
        cmocka_unit_test(test_consume_from_the_front),
        cmocka_unit_test(test_reserve_and_fill),
        cmocka_unit_test(test_agrees_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
