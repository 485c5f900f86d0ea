/*
 * JSON values: the tree, its numbers, and the way out again.
 */
#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parses a copy that ends where the text ends, so that the sanitizers see reading beyond it. */
static struct rung_json *parse_bytes(const char *text, size_t length, int flags, struct rung_err *err)
{
    char *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, text, length);
    struct rung_json *root = rung_json_parse(exact, length, flags, err);
    free(exact);
    return root;
}

static struct rung_json *parse(const char *text)
{
    struct rung_err err = {0};
    struct rung_json *root = parse_bytes(text, strlen(text), 0, &err);
    if (!root)
        fail_msg("%s: %s", text, err.text);
    return root;
}

static void test_numbers_longer_than_cjson_reads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number;
    } CASES[] = {
        {"0.1000000000000000055511151231257827021181583404541015625000000000000000000", 0.1},
        {"1000000000000000000000000000000000000000000000000000000000000000000000000", 1e72},
        {"-0.0000000000000000000000000000000000000000000000000000000000000000000000000001e70", -1e-6},
        {"9007199254740993.00000000000000000000000000000000000000000000000000000000001", 9007199254740994.0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[300];
        snprintf(text, sizeof text, "[%s,{\"a\":%s}, 5]", CASES[i].text, CASES[i].text);
        struct rung_json *root = parse(text);
        assert_true(rung_json_number(rung_json_first(root)) == CASES[i].number);
        assert_true(rung_json_number(rung_json_get(rung_json_at(root, 1), "a")) == CASES[i].number);
        assert_true(rung_json_number(rung_json_at(root, 2)) == 5.0);
        rung_json_free(root);
    }
    struct rung_err err;
    char nines[400];
    memset(nines, '9', sizeof nines);
    assert_null(parse_bytes(nines, sizeof nines, 0, &err));
    assert_string_equal(err.text, "line 1, column 1: the number is too large");
}

static void test_a_mebibyte(void **state)
{
    (void)state;
    const size_t size = 1 << 20;
    struct rung_buf buf, again;
    struct rung_err err;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_buf_init(&again, RUNG_BUF_UNLIMITED);
    rung_buf_text(&buf, "{\"text\":\"");
    while (buf.length < size / 2)
        rung_buf_text(&buf, "plain text, \xe2\x82\xac, ");
    rung_buf_text(&buf, "\",\"numbers\":[0");
    for (int i = 0; buf.length < size - 40; i++)
        rung_buf_printf(&buf, ",%d,{\"k\":[%d.5]}", i, i);
    rung_buf_text(&buf, "]}");
    struct rung_json *root = parse_bytes(buf.data, buf.length, 0, &err);
    assert_non_null(root);
    rung_json_write(&again, root);
    assert_int_equal(again.length, buf.length);
    assert_memory_equal(again.data, buf.data, buf.length);
    rung_json_free(root);
    buf.data[buf.length - 1] = ']';
    assert_null(parse_bytes(buf.data, buf.length, 0, &err));
    rung_buf_free(&buf);
    rung_buf_free(&again);
}

static void test_types_and_values(void **state)
{
    (void)state;
    struct rung_json *root = parse("[null,true,false,2.5,\"s\",[1],{\"k\":1}]");
    static const enum rung_json_type TYPES[] = {RUNG_JSON_NULL,   RUNG_JSON_BOOL,   RUNG_JSON_BOOL,
                                                RUNG_JSON_NUMBER, RUNG_JSON_STRING, RUNG_JSON_ARRAY,
                                                RUNG_JSON_OBJECT};
    size_t i = 0;
    for (struct rung_json *v = rung_json_first(root); v; v = rung_json_next(v), i++) {
        assert_int_equal(rung_json_type(v), TYPES[i]);
        assert_true(rung_json_is(v, TYPES[i]));
        assert_ptr_equal(rung_json_at(root, i), v);
    }
    assert_int_equal(i, 7);
    assert_int_equal(rung_json_size(root), 7);
    assert_null(rung_json_at(root, 7));
    assert_false(rung_json_is(NULL, RUNG_JSON_NULL));
    assert_true(rung_json_bool(rung_json_at(root, 1)));
    assert_false(rung_json_bool(rung_json_at(root, 2)));
    assert_true(rung_json_number(rung_json_at(root, 3)) == 2.5);
    assert_string_equal(rung_json_string(rung_json_at(root, 4)), "s");
    assert_string_equal(rung_json_key(rung_json_first(rung_json_at(root, 6))), "k");
    assert_null(rung_json_get(root, "k"));
    assert_null(rung_json_get(NULL, "k"));
    assert_null(rung_json_get(rung_json_at(root, 6), "K"));
    assert_string_equal(rung_json_type_name(RUNG_JSON_OBJECT), "an object");
    assert_string_equal(rung_json_type_name(RUNG_JSON_NULL), "null");
    rung_json_free(root);
    rung_json_free(NULL);
}

static void test_integers_are_whole_and_in_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t lo, hi, expected;
        bool ok;
    } CASES[] = {
        {"5", 0, 10, 5, true},
        {"5.0", 0, 10, 5, true},
        {"5e0", 5, 5, 5, true},
        {"-0", 0, 10, 0, true},
        {"-3", -3, 10, -3, true},
        {"5.5", 0, 10, 0, false},
        {"11", 0, 10, 0, false},
        {"-1", 0, 10, 0, false},
        {"1e300", 0, 9007199254740991, 0, false},
        {"9007199254740991", 0, 9007199254740991, 9007199254740991, true},
        {"-9007199254740991", -9007199254740991, 0, -9007199254740991, true},
        {"9007199254740992", 0, 9007199254740991, 0, false},
        {"\"5\"", 0, 10, 0, false},
        {"null", 0, 10, 0, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct rung_json *value = parse(CASES[i].text);
        int64_t out = -77;
        assert_int_equal(rung_json_integer(value, CASES[i].lo, CASES[i].hi, &out), CASES[i].ok);
        assert_true(out == (CASES[i].ok ? CASES[i].expected : -77));
        rung_json_free(value);
    }
    int64_t out;
    assert_false(rung_json_integer(NULL, 0, 1, &out));
}

static void test_equality(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } CASES[] = {
        {"1", "1.0", true},
        {"0", "-0", true},
        {"1", "2", false},
        {"1", "\"1\"", false},
        {"true", "true", true},
        {"true", "false", false},
        {"null", "null", true},
        {"null", "false", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"\"a\"", "\"A\"", false},
        {"[]", "[]", true},
        {"[]", "{}", false},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1,2,3]", false},
        {"[1,2,3]", "[1,2]", false},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true},
        {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3,\"a\":1,\"b\":2}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":{\"x\":[1]}}", "{\"a\":{\"x\":[2]}}", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct rung_json *a = parse(CASES[i].a), *b = parse(CASES[i].b);
        assert_int_equal(rung_json_equal(a, b), CASES[i].equal);
        assert_int_equal(rung_json_equal(b, a), CASES[i].equal);
        rung_json_free(a);
        rung_json_free(b);
    }
}

static void assert_written(const struct rung_json *value, const char *expected)
{
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_json_write(&buf, value);
    assert_string_equal(rung_buf_cstr(&buf), expected);
    rung_buf_free(&buf);
}

static void test_building_and_replacing(void **state)
{
    (void)state;
    struct rung_json *root = rung_json_new_object(), *array = rung_json_new_array();
    rung_json_set(root, "n", rung_json_new_number(0.5));
    rung_json_set(root, "list", array);
    rung_json_set(root, "t", rung_json_new_string("x\"y"));
    rung_json_push(array, rung_json_new_bool(true));
    rung_json_push(array, rung_json_new_null());
    assert_written(root, "{\"n\":0.5,\"list\":[true,null],\"t\":\"x\\\"y\"}");
    rung_json_set(root, "n", rung_json_new_number(NAN)); /* in place */
    assert_written(root, "{\"n\":null,\"list\":[true,null],\"t\":\"x\\\"y\"}");
    rung_json_replace(array, rung_json_at(array, 0), rung_json_new_bool(false));
    rung_json_replace(array, rung_json_at(array, 1), rung_json_new_object());
    rung_json_push(array, rung_json_new_number(3));
    rung_json_replace(root, rung_json_get(root, "t"), rung_json_copy(array));
    assert_written(root, "{\"n\":null,\"list\":[false,{},3],\"t\":[false,{},3]}");
    assert_string_equal(rung_json_key(rung_json_at(root, 2)), "t");
    rung_json_set(root, "u", rung_json_copy(root));
    assert_int_equal(rung_json_size(root), 4);
    assert_true(rung_json_equal(rung_json_get(root, "list"), rung_json_get(root, "t")));
    struct rung_json *copy = rung_json_copy(root);
    rung_json_free(root);
    assert_written(copy, "{\"n\":null,\"list\":[false,{},3],\"t\":[false,{},3],"
                         "\"u\":{\"n\":null,\"list\":[false,{},3],\"t\":[false,{},3]}}");
    rung_json_free(copy);
}

static void test_a_moved_value_takes_its_new_key(void **state)
{
    (void)state;
    struct rung_json *root = parse("{\"a\":1,\"b\":2}"), *other = parse("{\"c\":{\"d\":3}}");
    rung_json_set(root, "b", rung_json_copy(rung_json_get(other, "c")));
    rung_json_set(root, "e", rung_json_copy(rung_json_get(other, "c")));
    assert_written(root, "{\"a\":1,\"b\":{\"d\":3},\"e\":{\"d\":3}}");
    rung_json_free(root);
    rung_json_free(other);
}

static void test_strings_are_written_as_valid_json(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } CASES[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
        {"a\xff"
         "b",
         "\"a\xef\xbf\xbd"
         "b\""},
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct rung_buf buf;
        rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
        rung_json_write_string(&buf, CASES[i].text);
        assert_string_equal(rung_buf_cstr(&buf), CASES[i].written);
        rung_json_free(parse(buf.data));
        rung_buf_free(&buf);
    }
}

static void test_numbers_are_written(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    const double numbers[] = {1, -0.1, 1.0 / 3, NAN, INFINITY, -INFINITY, 1e300};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        rung_json_write_number(&buf, numbers[i]);
        rung_buf_char(&buf, ' ');
    }
    const int64_t integers[] = {0, -1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        rung_json_write_integer(&buf, integers[i]);
        rung_buf_char(&buf, ' ');
    }
    assert_string_equal(rung_buf_cstr(&buf), "1 -0.1 0.3333333333333333 null null null 1e+300 "
                                             "0 -1 9223372036854775807 -9223372036854775808 ");
    rung_buf_free(&buf);
}

static void test_random_doubles_survive_a_round_trip(void **state)
{
    (void)state;
    uint64_t seed = 99;
    struct rung_buf buf;
    double numbers[1000];
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    for (int round = 0; round < 100; round++) {
        rung_buf_clear(&buf);
        for (size_t i = 0; i < 1000; i++) {
            do {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                uint64_t bits = seed ^ seed >> 29;
                memcpy(&numbers[i], &bits, sizeof bits);
            } while (!isfinite(numbers[i]));
            rung_buf_char(&buf, i ? ',' : '[');
            rung_json_write_number(&buf, numbers[i]);
        }
        rung_buf_char(&buf, ']');
        struct rung_json *root = parse(buf.data), *v = rung_json_first(root);
        for (size_t i = 0; i < 1000; i++, v = rung_json_next(v))
            if (rung_json_number(v) != numbers[i])
                fail_msg("%a came back as %a", numbers[i], rung_json_number(v));
        assert_null(v);
        rung_json_free(root);
    }
    rung_buf_free(&buf);
}

static void test_writing_stops_at_the_limit_of_the_buffer(void **state)
{
    (void)state;
    struct rung_json *root = parse("{\"key\":[1,2,3,\"text\"]}");
    for (size_t limit = 0; limit <= 22; limit++) {
        struct rung_buf buf;
        rung_buf_init(&buf, limit);
        rung_json_write(&buf, root);
        assert_int_equal(buf.overflow, limit < 22);
        assert_int_equal(buf.length, limit);
        rung_buf_free(&buf);
    }
    rung_json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_longer_than_cjson_reads),
        cmocka_unit_test(test_a_mebibyte),
        cmocka_unit_test(test_types_and_values),
        cmocka_unit_test(test_integers_are_whole_and_in_range),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_building_and_replacing),
        cmocka_unit_test(test_a_moved_value_takes_its_new_key),
        cmocka_unit_test(test_strings_are_written_as_valid_json),
        cmocka_unit_test(test_numbers_are_written),
        cmocka_unit_test(test_random_doubles_survive_a_round_trip),
        cmocka_unit_test(test_writing_stops_at_the_limit_of_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
