/* Command lines read by a table of options, and the help printed from it. */
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rung_option OPTIONS[] = {
    {"db", 0, "FILE", "the database"},
    {"set", 0, "KEY=VALUE", "override"},
    {"trainers", 't', "N",
     "how many trainers, which is a text that is so long that it does not fit into one line of help"},
    {"quiet", 'q', NULL, "print nothing"},
    {NULL, 'n', "N", "the first N"},
};
#define COUNT (sizeof OPTIONS / sizeof *OPTIONS)

static int parse(struct rung_arguments *out, struct rung_err *err, const char *const *words)
{
    int argc = 0;
    while (words[argc])
        argc++;
    return rung_options_parse(out, OPTIONS, COUNT, argc, (char **)words, err);
}
#define PARSE(out, err, ...) parse(out, err, (const char *const[]){__VA_ARGS__, NULL})

static void test_values_both_ways(void **state)
{
    (void)state;
    struct rung_arguments a;
    struct rung_err err;
    assert_int_equal(PARSE(&a, &err, "--db", "x.db", "spec.json", "--trainers=4", "--set=a=b"), 0);
    assert_string_equal(rung_options_value(&a, "db"), "x.db");
    assert_string_equal(rung_options_value(&a, "trainers"), "4");
    assert_string_equal(rung_options_value(&a, "set"), "a=b");
    assert_int_equal(a.word_count, 1);
    assert_string_equal(a.words[0], "spec.json");
    assert_false(rung_options_has(&a, "quiet"));
    assert_null(rung_options_value(&a, "n"));
    rung_options_free(&a);
}

static void test_letters(void **state)
{
    (void)state;
    struct rung_arguments a;
    struct rung_err err;
    assert_int_equal(PARSE(&a, &err, "-n", "3", "-qt5", "-"), 0);
    assert_string_equal(rung_options_value(&a, "n"), "3");
    assert_string_equal(rung_options_value(&a, "trainers"), "5");
    assert_true(rung_options_has(&a, "quiet"));
    assert_string_equal(a.words[0], "-");
    rung_options_free(&a);
    assert_int_equal(PARSE(&a, &err, "-n7"), 0);
    assert_string_equal(rung_options_value(&a, "n"), "7");
    rung_options_free(&a);
}

static void test_two_dashes_end_options(void **state)
{
    (void)state;
    struct rung_arguments a;
    struct rung_err err;
    assert_int_equal(PARSE(&a, &err, "--quiet", "--", "--db", "-x"), 0);
    assert_int_equal(a.word_count, 2);
    assert_string_equal(a.words[0], "--db");
    assert_string_equal(a.words[1], "-x");
    rung_options_free(&a);
}

static void test_repeated_in_order_last_wins(void **state)
{
    (void)state;
    struct rung_arguments a;
    struct rung_err err;
    size_t cursor = 0;
    assert_int_equal(PARSE(&a, &err, "--set", "a=1", "--db", "x", "--set", "b=2", "--db=y"), 0);
    assert_string_equal(rung_options_each(&a, "set", &cursor), "a=1");
    assert_string_equal(rung_options_each(&a, "set", &cursor), "b=2");
    assert_null(rung_options_each(&a, "set", &cursor));
    assert_string_equal(rung_options_value(&a, "db"), "y");
    rung_options_free(&a);
}

static void test_value_may_begin_with_dashes_or_be_empty(void **state)
{
    (void)state;
    struct rung_arguments a;
    struct rung_err err;
    assert_int_equal(PARSE(&a, &err, "--db", "--quiet", "--set="), 0);
    assert_string_equal(rung_options_value(&a, "db"), "--quiet");
    assert_string_equal(rung_options_value(&a, "set"), "");
    rung_options_free(&a);
}

static void test_help_is_always_known(void **state)
{
    (void)state;
    struct rung_arguments a;
    struct rung_err err;
    assert_int_equal(PARSE(&a, &err, "x", "--help"), 0);
    assert_true(a.help);
    rung_options_free(&a);
    assert_int_equal(PARSE(&a, &err, "-h"), 0);
    assert_true(a.help);
    rung_options_free(&a);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *word, *text;
    } CASES[] = {
        {"--trainer", "--trainer: unknown option (did you mean \"--trainers\"?)"},
        {"--trainer=3", "--trainer: unknown option (did you mean \"--trainers\"?)"},
        {"--hlep", "--hlep: unknown option (did you mean \"--help\"?)"},
        {"--wholly-other", "--wholly-other: unknown option"},
        {"-x", "-x: unknown option"},
        {"-qx", "-x: unknown option"},
        {"--db", "--db: needs a value (FILE)"},
        {"-n", "-n: needs a value (N)"},
        {"--quiet=1", "--quiet: takes no value"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct rung_arguments a;
        struct rung_err err = {0};
        assert_int_equal(PARSE(&a, &err, CASES[i].word), RUNG_EUSE);
        assert_string_equal(err.text, CASES[i].text);
        rung_options_free(&a);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why; /* NULL: it is one */
        int64_t value;
    } CASES[] = {
        {"0", NULL, 0},
        {"10", NULL, 10},
        {"11", "-n: 11 is not from 0 to 10", 0},
        {"-1", "-n: -1 is not from 0 to 10", 0},
        {"99999999999999999999", "-n: 99999999999999999999 is not from 0 to 10", 0},
        {"", "-n: \"\" is no whole number", 0},
        {" 1", "-n: \" 1\" is no whole number", 0},
        {"1 ", "-n: \"1 \" is no whole number", 0},
        {"1.5", "-n: \"1.5\" is no whole number", 0},
        {"+1", "-n: \"+1\" is no whole number", 0},
        {"0x1", "-n: \"0x1\" is no whole number", 0},
        {"many", "-n: \"many\" is no whole number", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct rung_err err = {0};
        int64_t value = -7;
        int code = rung_options_number(CASES[i].text, "-n", 0, 10, &value, &err);
        assert_int_equal(code, CASES[i].why ? RUNG_EUSE : 0);
        if (CASES[i].why)
            assert_string_equal(err.text, CASES[i].why);
        else
            assert_int_equal(value, CASES[i].value);
    }
}

static void test_integer_names_its_option(void **state)
{
    (void)state;
    struct rung_arguments a;
    struct rung_err err;
    int64_t value = 9;
    assert_int_equal(PARSE(&a, &err, "--trainers", "x", "-n", "-5"), 0);
    assert_int_equal(rung_options_integer(&a, "db", 0, 1, &value, &err), 0);
    assert_int_equal(value, 9);
    assert_int_equal(rung_options_integer(&a, "trainers", 0, 9, &value, &err), RUNG_EUSE);
    assert_string_equal(err.text, "--trainers: \"x\" is no whole number");
    assert_int_equal(rung_options_integer(&a, "n", 0, INT64_MAX, &value, &err), RUNG_EUSE);
    assert_string_equal(err.text, "-n: -5 is less than 0");
    rung_options_free(&a);
}

static void line_is(const char *expected, struct rung_arguments *a)
{
    char *line = rung_options_line("retry", a);
    assert_string_equal(line, expected);
    free(line);
    rung_options_free(a);
}

static void test_line_can_be_typed_again(void **state)
{
    (void)state;
    struct rung_arguments a;
    struct rung_err err;
    assert_int_equal(PARSE(&a, &err, "a b.db", "-q", "-n", "5", "3", "--set=k=[1, 2]"), 0);
    line_is("rung retry --quiet -n 5 --set 'k=[1, 2]' 'a b.db' 3", &a);
    assert_int_equal(PARSE(&a, &err, "--db", "-x.db", "--", "y.db", "-s"), 0);
    line_is("rung retry --db -x.db -- y.db -s", &a);
}

static void test_help_text(void **state)
{
    (void)state;
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_options_help(&out, OPTIONS, COUNT);
    assert_string_equal(rung_buf_cstr(&out),
                        "  --db FILE             the database\n"
                        "  --set KEY=VALUE       override\n"
                        "  -t, --trainers N      how many trainers, which is a text that is so long that\n"
                        "                        it does not fit into one line of help\n"
                        "  -q, --quiet           print nothing\n"
                        "  -n N                  the first N\n"
                        "  -h, --help            show this help\n");
    rung_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_both_ways),
        cmocka_unit_test(test_letters),
        cmocka_unit_test(test_two_dashes_end_options),
        cmocka_unit_test(test_repeated_in_order_last_wins),
        cmocka_unit_test(test_value_may_begin_with_dashes_or_be_empty),
        cmocka_unit_test(test_help_is_always_known),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_integer_names_its_option),
        cmocka_unit_test(test_line_can_be_typed_again),
        cmocka_unit_test(test_help_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
