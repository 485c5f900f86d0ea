/* Rows as table, JSON, JSON lines and CSV. */
#include "cli/rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const NAMES[] = {"rank", "score", "at", "reason", "parameters"};
#define COLUMNS 5

#define INTEGER(n)                                                                                           \
    {                                                                                                        \
        .type = RUNG_CELL_INTEGER, .integer = (n)                                                            \
    }
#define REAL(x)                                                                                              \
    {                                                                                                        \
        .type = RUNG_CELL_REAL, .real = (x)                                                                  \
    }
#define TEXT(t)                                                                                              \
    {                                                                                                        \
        .type = RUNG_CELL_TEXT, .text = (t)                                                                  \
    }
#define TIME(t)                                                                                              \
    {                                                                                                        \
        .type = RUNG_CELL_TIME, .text = (t)                                                                  \
    }
#define JSON(t)                                                                                              \
    {                                                                                                        \
        .type = RUNG_CELL_JSON, .text = (t)                                                                  \
    }
#define NIL                                                                                                  \
    {                                                                                                        \
        .type = RUNG_CELL_NULL                                                                               \
    }

static const struct rung_cell ROWS[][COLUMNS] = {
    {INTEGER(1), REAL(0.1), TIME("2026-11-20T09:30:00.123Z"), TEXT("said \"no\", twice\nthen left"),
     JSON("{\"a\":0.1,\"b\":[1,2]}")},
    {INTEGER(12), REAL(1.0 / 3), NIL, TEXT(""), JSON("{}")},
    {INTEGER(9007199254740991), REAL(NAN), NIL, NIL, JSON("null")},
};

/* What is printed of the first count rows. */
static char *printed(enum rung_format format, size_t count, size_t width)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    struct rung_rows *rows = rung_rows_create(out, format, NAMES, COLUMNS, width);
    for (size_t i = 0; i < count; i++)
        rung_rows_add(rows, ROWS[i]);
    rung_rows_end(rows);
    fclose(out);
    return text;
}

static void check(enum rung_format format, size_t count, size_t width, const char *expected)
{
    char *text = printed(format, count, width);
    assert_string_equal(text, expected);
    free(text);
}

static void test_json_is_one_array(void **state)
{
    (void)state;
    check(RUNG_FORMAT_JSON, 3, 0,
          "[{\"rank\":1,\"score\":0.1,\"at\":\"2026-11-20T09:30:00.123Z\",\"reason\":\"said \\\"no\\\", "
          "twice\\nthen left\","
          "\"parameters\":{\"a\":0.1,\"b\":[1,2]}},\n"
          " {\"rank\":12,\"score\":0.3333333333333333,\"at\":null,\"reason\":\"\",\"parameters\":{}},\n"
          " {\"rank\":9007199254740991,\"score\":null,\"at\":null,\"reason\":null,\"parameters\":null}]\n");
    check(RUNG_FORMAT_JSON, 0, 0, "[]\n");
}

static void test_json_lines(void **state)
{
    (void)state;
    check(RUNG_FORMAT_LINES, 0, 0, "");
    char *text = printed(RUNG_FORMAT_LINES, 3, 0);
    size_t lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        assert_int_equal(line[0], '{');
        assert_int_equal(line[strlen(line) - 1], '}');
    }
    assert_int_equal(lines, 3);
    free(text);
}

static void test_csv_quotes_and_tells_empty_from_null(void **state)
{
    (void)state;
    check(RUNG_FORMAT_CSV, 3, 0,
          "rank,score,at,reason,parameters\n"
          "1,0.1,2026-11-20T09:30:00.123Z,\"said \"\"no\"\", twice\nthen "
          "left\",\"{\"\"a\"\":0.1,\"\"b\"\":[1,2]}\"\n"
          "12,0.3333333333333333,,\"\",{}\n"
          "9007199254740991,,,,null\n");
    check(RUNG_FORMAT_CSV, 0, 0, "rank,score,at,reason,parameters\n");
}

static void test_table_aligns(void **state)
{
    (void)state;
    check(RUNG_FORMAT_TABLE, 2, 0,
          "rank    score  at                    reason                      parameters\n"
          "   1      0.1  2026-11-20T09:30:00Z  said \"no\", twice?then left  a=0.1 b=[1 2]\n"
          "  12  0.33333  -\n");
}

static void test_table_is_cut_at_the_width(void **state)
{
    (void)state;
    char *text = printed(RUNG_FORMAT_TABLE, 3, 30);
    size_t lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_true(strlen(line) <= 30);
    assert_int_equal(lines, 4);
    free(text);
}

static void test_numbers_read_back(void **state)
{
    (void)state;
    static const double VALUES[] = {0.1, 1e-300, 123456789.123456789, 2.0 / 3, 5e-324, -1e22, 1e15};
    static const char *const names[] = {"x"};
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        struct rung_rows *rows = rung_rows_create(out, RUNG_FORMAT_CSV, names, 1, 0);
        rung_rows_add(rows, &(struct rung_cell)REAL(VALUES[i]));
        rung_rows_end(rows);
        fclose(out);
        assert_true(strtod(text + 2, NULL) == VALUES[i]);
        free(text);
    }
}

static void test_format_option(void **state)
{
    (void)state;
    static const struct rung_option options[] = {{"format", 0, "FORMAT", ""}};
    static const struct {
        const char *word;
        int code;
        enum rung_format format;
    } CASES[] = {{"--format=table", 0, RUNG_FORMAT_TABLE},       {"--format=json", 0, RUNG_FORMAT_JSON},
                 {"--format=csv", 0, RUNG_FORMAT_CSV},           {"DB", 0, RUNG_FORMAT_LINES},
                 {"--format=xml", RUNG_EUSE, RUNG_FORMAT_LINES}, {"--format=", RUNG_EUSE, RUNG_FORMAT_LINES}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct rung_arguments arguments;
        struct rung_err err = {0};
        enum rung_format format;
        char *argv[] = {(char *)CASES[i].word};
        assert_int_equal(rung_options_parse(&arguments, options, 1, 1, argv, &err), 0);
        assert_int_equal(rung_rows_format(&arguments, RUNG_FORMAT_LINES, &format, &err), CASES[i].code);
        if (CASES[i].code == 0)
            assert_int_equal(format, CASES[i].format);
        rung_options_free(&arguments);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_one_array),
        cmocka_unit_test(test_json_lines),
        cmocka_unit_test(test_csv_quotes_and_tells_empty_from_null),
        cmocka_unit_test(test_table_aligns),
        cmocka_unit_test(test_table_is_cut_at_the_width),
        cmocka_unit_test(test_numbers_read_back),
        cmocka_unit_test(test_format_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
