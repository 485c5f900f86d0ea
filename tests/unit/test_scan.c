/*
 * The strict reader: what is accepted, what is refused, and the place that is named.
 */
#include "base/scan.h"

#include "base/json.h"

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

static void assert_reads(const char *text, int flags, const char *written)
{
    struct rung_err err = {0};
    struct rung_buf buf;
    struct rung_json *root = parse_bytes(text, strlen(text), flags, &err);
    if (!root)
        fail_msg("%s: %s", text, err.text);
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_json_write(&buf, root);
    assert_string_equal(rung_buf_cstr(&buf), written);
    rung_buf_free(&buf);
    rung_json_free(root);
}

static void assert_refused(const char *text, size_t length, int flags, const char *why)
{
    struct rung_err err = {0};
    struct rung_json *root = parse_bytes(text, length, flags, &err);
    if (root)
        fail_msg("accepted: %s", text);
    assert_int_equal(err.code, RUNG_EUSE);
    if (strcmp(err.text, why) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", text, err.text, why);
}

static void test_accepts_what_the_grammar_allows(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } CASES[] = {
        {"null", "null"},
        {"true", "true"},
        {" false ", "false"},
        {"0", "0"},
        {"-0", "-0"},
        {"-1", "-1"},
        {"1.5", "1.5"},
        {"1e3", "1000"},
        {"1E+3", "1000"},
        {"1e-3", "0.001"},
        {"0e1", "0"},
        {"0.0e+00", "0"},
        {"20.001e0", "20.001"},
        {"1e-400", "0"},
        {"123456789012345678901234567890", "1.2345678901234568e+29"},
        {"\"\"", "\"\""},
        {"\"a b\"", "\"a b\""},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {"\"\\u0041\\u00e4\\u20AC\"", "\"A\xc3\xa4\xe2\x82\xac\""},
        {"\"\\ud83d\\uDE00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\u001f\\u007f\"", "\"\\u001f\x7f\""},
        {"\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbf\"",
         "\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbf\""},
        {"\"\xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"",
         "\"\xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\""},
        {"\"// no comment /* here */\"", "\"// no comment /* here */\""},
        {"[]", "[]"},
        {"[ ]", "[]"},
        {"{}", "{}"},
        {"{ }", "{}"},
        {"[1,2 , 3]", "[1,2,3]"},
        {"[[],{},[[]]]", "[[],{},[[]]]"},
        {"\t\r\n{\"a\" : 1 ,\"b\":[true,null]}\n", "{\"a\":1,\"b\":[true,null]}"},
        {"{\"\":0}", "{\"\":0}"},
        {"{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":2}}", "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":2}}"},
        {"{\"a\":1,\"A\":2,\"\\u00e4\":3}", "{\"a\":1,\"A\":2,\"\xc3\xa4\":3}"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_reads(CASES[i].text, 0, CASES[i].written);
}

struct refusal {
    const char *text, *why;
};

static void assert_all_refused(const struct refusal *cases, size_t count, int flags)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(cases[i].text, strlen(cases[i].text), flags, cases[i].why);
}

static void test_refuses_broken_structure(void **state)
{
    (void)state;
    static const struct refusal CASES[] = {
        {"", "line 1, column 1: expected a value, found the end of the text"},
        {" \n ", "line 2, column 2: expected a value, found the end of the text"},
        {"[1,]", "line 1, column 3: a comma after the last element"},
        {"{\"a\":1 ,}", "line 1, column 8: a comma after the last element"},
        {"[,1]", "line 1, column 2: expected a value, found ','"},
        {"[1,,2]", "line 1, column 4: expected a value, found ','"},
        {"[1 2]", "line 1, column 4: expected ',' or ']', found '2'"},
        {"[1", "line 1, column 3: expected ',' or ']', found the end of the text"},
        {"[1,", "line 1, column 4: expected a value, found the end of the text"},
        {"[", "line 1, column 2: expected a value, found the end of the text"},
        {"[1}", "line 1, column 3: expected ',' or ']', found '}'"},
        {"{\"a\":1]", "line 1, column 7: expected ',' or '}', found ']'"},
        {"]", "line 1, column 1: expected a value, found ']'"},
        {"[]]", "line 1, column 3: expected the end of the text, found ']'"},
        {"1 2", "line 1, column 3: expected the end of the text, found '2'"},
        {"{} {}", "line 1, column 4: expected the end of the text, found '{'"},
        {"nullx", "line 1, column 5: expected the end of the text, found 'x'"},
        {"{", "line 1, column 2: expected a key in double quotes, found the end of the text"},
        {"{a:1}", "line 1, column 2: expected a key in double quotes, found 'a'"},
        {"{'a':1}", "line 1, column 2: expected a key in double quotes, found '''"},
        {"{1:1}", "line 1, column 2: expected a key in double quotes, found '1'"},
        {"{,}", "line 1, column 2: expected a key in double quotes, found ','"},
        {"{\"a\"}", "line 1, column 5: expected ':', found '}'"},
        {"{\"a\" 1}", "line 1, column 6: expected ':', found '1'"},
        {"{\"a\"", "line 1, column 5: expected ':', found the end of the text"},
        {"{\"a\":}", "line 1, column 6: expected a value, found '}'"},
        {"{\"a\"::1}", "line 1, column 6: expected a value, found ':'"},
        {"{\"a\":1,,\"b\":2}", "line 1, column 8: expected a key in double quotes, found ','"},
        {"{\"a\":1 \"b\":2}", "line 1, column 8: expected ',' or '}', found '\"'"},
        {"tru", "line 1, column 1: expected a value, found 't'"},
        {"True", "line 1, column 1: expected a value, found 'T'"},
        {"[nul]", "line 1, column 2: expected a value, found 'n'"},
        {"undefined", "line 1, column 1: expected a value, found 'u'"},
        {"\xef\xbb\xbf{}", "line 1, column 1: expected a value, found byte 0xef"},
        {"[\f1]", "line 1, column 2: expected a value, found byte 0x0c"},
        {"[1\xc2\xa0]", "line 1, column 3: expected ',' or ']', found byte 0xc2"},
        {"{\n  \"a\": 1,\n  \"b\" 2\n}", "line 3, column 7: expected ':', found '2'"},
        {"[\r\n1,\r\nx]", "line 3, column 1: expected a value, found 'x'"},
        {"// c\n1", "line 1, column 1: expected a value, found '/'"},
        {"[1/**/]", "line 1, column 3: expected ',' or ']', found '/'"},
    };
    assert_all_refused(CASES, sizeof CASES / sizeof *CASES, 0);
}

static void test_refuses_broken_numbers(void **state)
{
    (void)state;
    static const struct refusal CASES[] = {
        {"01", "line 1, column 1: a number may not begin with 0"},
        {"-01", "line 1, column 1: a number may not begin with 0"},
        {"[00]", "line 1, column 2: a number may not begin with 0"},
        {"-", "line 1, column 2: expected a digit, found the end of the text"},
        {"+1", "line 1, column 1: expected a value, found '+'"},
        {".5", "line 1, column 1: expected a value, found '.'"},
        {"[1.]", "line 1, column 4: expected a digit, found ']'"},
        {"-.5", "line 1, column 2: expected a digit, found '.'"},
        {"1.e5", "line 1, column 3: expected a digit, found 'e'"},
        {"1e", "line 1, column 3: expected a digit, found the end of the text"},
        {"1e+", "line 1, column 4: expected a digit, found the end of the text"},
        {"[1e+-2]", "line 1, column 5: expected a digit, found '-'"},
        {"1.5.5", "line 1, column 4: expected the end of the text, found '.'"},
        {"--1", "line 1, column 2: expected a digit, found '-'"},
        {"0x10", "line 1, column 2: expected the end of the text, found 'x'"},
        {"1_000", "line 1, column 2: expected the end of the text, found '_'"},
        {"1f", "line 1, column 2: expected the end of the text, found 'f'"},
        {"1e400", "line 1, column 1: the number is too large"},
        {"[0, -1.8e308]", "line 1, column 5: the number is too large"},
        {"NaN", "line 1, column 1: expected a value, found 'N'"},
        {"Infinity", "line 1, column 1: expected a value, found 'I'"},
        {"-Infinity", "line 1, column 2: expected a value, found 'I'"},
        {"nan", "line 1, column 1: expected a value, found 'n'"},
        {"1 000", "line 1, column 3: expected the end of the text, found '0'"},
        {"\xd9\xa1", "line 1, column 1: expected a value, found byte 0xd9"},
    };
    assert_all_refused(CASES, sizeof CASES / sizeof *CASES, 0);
}

static void test_refuses_broken_strings(void **state)
{
    (void)state;
    static const struct refusal CASES[] = {
        {"\"", "line 1, column 1: the string is not closed"},
        {"[\"abc", "line 1, column 2: the string is not closed"},
        {"\"a\\\"", "line 1, column 1: the string is not closed"},
        {"\"a\\", "line 1, column 3: the string is not closed"},
        {"\"a\nb\"", "line 1, column 3: the string is not closed on its line"},
        {"\"a\tb\"", "line 1, column 3: a control character in a string must be escaped"},
        {"\"01234567\x1f\"", "line 1, column 10: a control character in a string must be escaped"},
        {"\"\\x41\"", "line 1, column 2: no such escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"},
        {"\"\\'\"", "line 1, column 2: no such escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"},
        {"\"\\U0041\"", "line 1, column 2: no such escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"},
        {"\"\\u12\"", "line 1, column 2: \\u needs four hexadecimal digits"},
        {"\"\\u12G4\"", "line 1, column 2: \\u needs four hexadecimal digits"},
        {"\"\\u123", "line 1, column 2: \\u needs four hexadecimal digits"},
        {"\"\\u0000\"", "line 1, column 2: a string may not hold NUL"},
        {"{\"\\u0000\":1}", "line 1, column 3: a string may not hold NUL"},
        {"\"\\ud800\"", "line 1, column 2: half of a surrogate pair"},
        {"\"\\ud800x\"", "line 1, column 2: half of a surrogate pair"},
        {"\"\\udc00\"", "line 1, column 2: half of a surrogate pair"},
        {"\"\\ud800\\ud800\"", "line 1, column 2: half of a surrogate pair"},
        {"\"\\ud800\\u0041\"", "line 1, column 2: half of a surrogate pair"},
        {"\"\\ud800\\n\"", "line 1, column 2: half of a surrogate pair"},
        {"\"\\udbff\\udc0", "line 1, column 2: half of a surrogate pair"},
        {"\"\x80\"", "line 1, column 2: not UTF-8"},
        {"\"a\xff\"", "line 1, column 3: not UTF-8"},
        {"\"\xc0\x80\"", "line 1, column 2: not UTF-8"},
        {"\"\xc1\xbf\"", "line 1, column 2: not UTF-8"},
        {"\"\xe0\x9f\xbf\"", "line 1, column 2: not UTF-8"},
        {"\"\xed\xa0\x80\"", "line 1, column 2: not UTF-8"},
        {"\"\xf0\x8f\xbf\xbf\"", "line 1, column 2: not UTF-8"},
        {"\"\xf4\x90\x80\x80\"", "line 1, column 2: not UTF-8"},
        {"\"\xf5\x80\x80\x80\"", "line 1, column 2: not UTF-8"},
        {"\"\xe2\x82\"", "line 1, column 2: not UTF-8"},
        {"\"\xe2\x82", "line 1, column 2: not UTF-8"},
        {"\"\xf0\x9f\x98", "line 1, column 2: not UTF-8"},
        {"{\"\xff\":1}", "line 1, column 3: not UTF-8"},
    };
    assert_all_refused(CASES, sizeof CASES / sizeof *CASES, 0);
}

static void test_refuses_nul_bytes(void **state)
{
    (void)state;
    assert_refused("\"a\0b\"", 5, 0, "line 1, column 3: a control character in a string must be escaped");
    assert_refused("1\0", 2, 0, "line 1, column 2: expected the end of the text, found byte 0x00");
    assert_refused("[\0]", 3, 0, "line 1, column 2: expected a value, found byte 0x00");
    assert_refused("\"\\\0\"", 4, 0,
                   "line 1, column 2: no such escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
}

static void test_every_beginning_of_a_text_is_refused(void **state)
{
    (void)state;
    static const char TEXT[] =
        "{\"type\":\"r\\u00e4\\ud83d\\ude00\",\"n\":[-1.5e-3,true,null,\"\xe2\x82\xac\"],\"o\":{}}";
    struct rung_err err;
    for (size_t length = 0; length < sizeof TEXT - 1; length++)
        assert_null(parse_bytes(TEXT, length, 0, &err));
    rung_json_free(parse(TEXT));
}

static void test_duplicate_keys_are_named_and_placed(void **state)
{
    (void)state;
    static const struct refusal CASES[] = {
        {"{\"a\":1,\"a\":2}", "line 1, column 8: duplicate key \"a\""},
        {"{\"a\":1,\n \"b\":2,\n  \"a\":3}", "line 3, column 3: duplicate key \"a\""},
        {"{\"a\":1,\"\\u0061\":2}", "line 1, column 8: duplicate key \"a\""},
        {"{\"\":1,\"\":2}", "line 1, column 7: duplicate key \"\""},
        {"[{\"a\":{\"a\":0}},{\"b\":[{\"a\":1,\"x\":{\"a\":1},\"a\":2}]}]",
         "line 1, column 41: duplicate key \"a\""},
        {"{\"a\":1, /* \"a\": */ \"b\":\"a\", // \"a\"\n\"a\":NaN}", "line 2, column 1: duplicate key \"a\""},
        {"{\"k\\n\":1,\"k\\n\":2}", "line 1, column 10: duplicate key \"k?\""},
    };
    assert_all_refused(CASES, sizeof CASES / sizeof *CASES, RUNG_JSON_COMMENTS | RUNG_JSON_NONFINITE);
}

static void test_duplicate_keys_in_large_objects(void **state)
{
    (void)state;
    for (int count = 2; count < 200; count += 7) {
        struct rung_buf buf;
        char why[80];
        struct rung_err err;
        rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
        for (int i = 0; i < count; i++)
            rung_buf_printf(&buf, "%s\"key%d\":[{\"key0\":0}]\n", i ? "," : "{", i);
        rung_buf_char(&buf, '}');
        struct rung_json *root = parse_bytes(buf.data, buf.length, 0, &err);
        assert_non_null(root);
        assert_int_equal(rung_json_size(root), count);
        rung_json_free(root);
        rung_buf_consume(&buf, 1);
        buf.data[buf.length - 1] = ','; /* instead of the brace: the first key again, then another */
        struct rung_buf twice;
        rung_buf_init(&twice, RUNG_BUF_UNLIMITED);
        rung_buf_printf(&twice, "{%s\"key%d\":1,\"key0\":2}", rung_buf_cstr(&buf), count / 2);
        snprintf(why, sizeof why, "line %d, column 2: duplicate key \"key%d\"", count + 1, count / 2);
        assert_refused(twice.data, twice.length, 0, why);
        rung_buf_free(&twice);
        rung_buf_free(&buf);
    }
}

static void test_comments_are_blanks_and_keep_columns(void **state)
{
    (void)state;
    static const struct refusal REFUSED[] = {
        {"/* a */ x", "line 1, column 9: expected a value, found 'x'"},
        {"/* a\n b */ x", "line 2, column 7: expected a value, found 'x'"},
        {"// a\n\n  x", "line 3, column 3: expected a value, found 'x'"},
        {"{\"a\": /* one */ 1, // two\n \"b\": // three\n x}",
         "line 3, column 2: expected a value, found 'x'"},
        {"/* a", "line 1, column 1: the comment is not closed"},
        {"[1, /*/ 2]", "line 1, column 5: the comment is not closed"},
        {"[1 / 2]", "line 1, column 4: unexpected '/'"},
        {"1 /", "line 1, column 3: unexpected '/'"},
        {"# a\n1", "line 1, column 1: expected a value, found '#'"},
        {"// only", "line 1, column 8: expected a value, found the end of the text"},
        {"1/**/2", "line 1, column 6: expected the end of the text, found '2'"},
        {"[1, /* c */]", "line 1, column 3: a comma after the last element"},
    };
    const int flags = RUNG_JSON_COMMENTS;
    assert_reads("// head\n[1, /* two \" ** */ 2, // \"three\n 3]// end", flags, "[1,2,3]");
    assert_reads("/**/{/**/\"a\"/**/:/**/1/**/,/**/\"b\"/**/:/**/[/**/]/**/}/**/", flags,
                 "{\"a\":1,\"b\":[]}");
    assert_reads("{/* all */}", flags, "{}");
    assert_reads("\"/* kept */ // kept\"", flags, "\"/* kept */ // kept\"");
    assert_reads("[\"\\\"/*\", 1, \"*/\"]", flags, "[\"\\\"/*\",1,\"*/\"]");
    assert_reads("1 // \xff\x01 any bytes", flags, "1");
    assert_all_refused(REFUSED, sizeof REFUSED / sizeof *REFUSED, flags);
}

static void test_nonfinite_numbers_are_null_only_when_asked_for(void **state)
{
    (void)state;
    static const struct refusal REFUSED[] = {
        {"nan", "line 1, column 1: expected a value, found 'n'"},
        {"-NaN", "line 1, column 2: expected a digit, found 'N'"},
        {"Inf", "line 1, column 1: expected a value, found 'I'"},
        {"[-Inf]", "line 1, column 3: expected a value, found 'I'"},
        {"NaNs", "line 1, column 4: expected the end of the text, found 's'"},
        {"+Infinity", "line 1, column 1: expected a value, found '+'"},
        {"{NaN:1}", "line 1, column 2: expected a key in double quotes, found 'N'"},
        {"[NaN,1,]", "line 1, column 7: a comma after the last element"},
        {"1e999", "line 1, column 1: the number is too large"},
    };
    const int flags = RUNG_JSON_NONFINITE;
    assert_reads("NaN", flags, "null");
    assert_reads("[NaN,Infinity,-Infinity,1]", flags, "[null,null,null,1]");
    assert_reads("{\"score\": NaN,\"NaN\":\"NaN\",\"l\":-Infinity}", flags,
                 "{\"score\":null,\"NaN\":\"NaN\",\"l\":null}");
    assert_all_refused(REFUSED, sizeof REFUSED / sizeof *REFUSED, flags);
}

static void test_nesting_has_a_limit(void **state)
{
    (void)state;
    struct rung_err err;
    char why[80];
    for (int object = 0; object < 2; object++)
        for (size_t depth = RUNG_JSON_DEPTH_MAX; depth <= RUNG_JSON_DEPTH_MAX + 1; depth++) {
            struct rung_buf buf;
            rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
            for (size_t i = 0; i < depth; i++)
                rung_buf_text(&buf, object ? "{\"\":" : "[");
            rung_buf_text(&buf, "7");
            for (size_t i = 0; i < depth; i++)
                rung_buf_char(&buf, object ? '}' : ']');
            if (depth == RUNG_JSON_DEPTH_MAX) {
                struct rung_json *root = parse_bytes(buf.data, buf.length, 0, &err);
                assert_non_null(root);
                rung_json_free(root);
            } else {
                snprintf(why, sizeof why, "line 1, column %d: nested too deeply",
                         RUNG_JSON_DEPTH_MAX * (object ? 4 : 1) + 1);
                assert_refused(buf.data, buf.length, 0, why);
                struct rung_json *root = parse_bytes(buf.data, buf.length, RUNG_JSON_DEEPER, &err);
                assert_non_null(root); /* what was read without it, and something around it */
                rung_json_free(root);
            }
            rung_buf_free(&buf);
        }
    char *brackets = malloc(1000000);
    assert_non_null(brackets);
    memset(brackets, '[', 1000000);
    assert_null(parse_bytes(brackets, 1000000, 0, &err));
    free(brackets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_the_grammar_allows),
        cmocka_unit_test(test_refuses_broken_structure),
        cmocka_unit_test(test_refuses_broken_numbers),
        cmocka_unit_test(test_refuses_broken_strings),
        cmocka_unit_test(test_refuses_nul_bytes),
        cmocka_unit_test(test_every_beginning_of_a_text_is_refused),
        cmocka_unit_test(test_duplicate_keys_are_named_and_placed),
        cmocka_unit_test(test_duplicate_keys_in_large_objects),
        cmocka_unit_test(test_comments_are_blanks_and_keep_columns),
        cmocka_unit_test(test_nonfinite_numbers_are_null_only_when_asked_for),
        cmocka_unit_test(test_nesting_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
