/*
 * The error object: one line whatever was put in, no overrun, no half characters.
 */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_set_fills_and_returns_code(void **state)
{
    (void)state;
    struct rung_err err = {.way_out = "old"};
    assert_int_equal(rung_err_set(&err, RUNG_EUSE, "%s: line %d", "spec.json", 7), RUNG_EUSE);
    assert_int_equal(err.code, RUNG_EUSE);
    assert_string_equal(err.text, "spec.json: line 7");
    assert_string_equal(err.way_out, "");
}

static void test_null_error_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(rung_err_set(NULL, RUNG_EUSE, "x"), RUNG_EUSE);
    assert_int_equal(rung_err_prefix(NULL, "x"), RUNG_EFAIL);
    assert_int_equal(rung_err_way_out(NULL, "x"), RUNG_EFAIL);
}

static void test_prefixes_stack_in_front(void **state)
{
    (void)state;
    struct rung_err err;
    rung_err_set(&err, RUNG_EFAIL, "no space left");
    assert_int_equal(rung_err_prefix(&err, "state %d", 5), RUNG_EFAIL);
    rung_err_prefix(&err, "search.db");
    assert_string_equal(err.text, "search.db: state 5: no space left");
}

static void test_way_out_keeps_text_and_code(void **state)
{
    (void)state;
    struct rung_err err;
    rung_err_set(&err, RUNG_EUSE, "unfinished");
    assert_int_equal(rung_err_way_out(&err, "rung resume %s", "a.db"), RUNG_EUSE);
    assert_string_equal(err.text, "unfinished");
    assert_string_equal(err.way_out, "rung resume a.db");
    rung_err_prefix(&err, "a.db");
    assert_string_equal(err.way_out, "rung resume a.db");
}

static void test_arguments_may_lie_in_the_error(void **state)
{
    (void)state;
    struct rung_err err;
    rung_err_set(&err, RUNG_EFAIL, "why");
    rung_err_set(&err, RUNG_EUSE, "because of %s", err.text);
    assert_string_equal(err.text, "because of why");
    rung_err_prefix(&err, "<%s>", err.text);
    assert_string_equal(err.text, "<because of why>: because of why");
}

static void test_control_characters_become_question_marks(void **state)
{
    (void)state;
    struct rung_err err;
    rung_err_set(&err, RUNG_EFAIL, "%s", "a\nb\x1b[31m\x7f\tc \xc3\xa4");
    assert_string_equal(err.text, "a?b?[31m??c \xc3\xa4");
    rung_err_prefix(&err, "%s", "p\rq");
    assert_string_equal(err.text, "p?q: a?b?[31m??c \xc3\xa4");
    rung_err_way_out(&err, "%s", "x\ny");
    assert_string_equal(err.way_out, "x?y");
}

static void fill(char *text, size_t length, const char *tail)
{
    memset(text, 'a', length);
    strcpy(text + length, tail);
}

static void test_long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    static const char *const CHARACTERS[] = {"b", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    struct rung_err err;
    char text[2 * RUNG_ERR_TEXT_MAX];
    for (size_t c = 0; c < 4; c++)
        for (size_t spare = 0; spare <= 5; spare++) {
            size_t bytes = strlen(CHARACTERS[c]), start = RUNG_ERR_TEXT_MAX - 1 - spare;
            fill(text, start, CHARACTERS[c]);
            strcat(text, "zzzzzzzz");
            rung_err_set(&err, RUNG_EFAIL, "%s", text);
            size_t expected = bytes > spare ? start : RUNG_ERR_TEXT_MAX - 1;
            assert_int_equal(strlen(err.text), expected);
            assert_memory_equal(err.text, text, expected);
        }
}

static void test_long_prefix_cuts_the_reason_not_the_memory(void **state)
{
    (void)state;
    struct rung_err err;
    char text[RUNG_ERR_TEXT_MAX];
    fill(text, RUNG_ERR_TEXT_MAX - 10, "");
    rung_err_set(&err, RUNG_EFAIL, "the reason is long");
    rung_err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), RUNG_ERR_TEXT_MAX - 1);
    assert_string_equal(err.text + RUNG_ERR_TEXT_MAX - 10, ": the rea");
    fill(text, RUNG_ERR_TEXT_MAX - 2, "");
    rung_err_set(&err, RUNG_EFAIL, "the reason");
    rung_err_prefix(&err, "%s", text);
    assert_string_equal(err.text, "the reason");
}

static void test_prefix_that_cuts_a_character_drops_it(void **state)
{
    (void)state;
    struct rung_err err;
    char text[RUNG_ERR_TEXT_MAX];
    fill(text, RUNG_ERR_TEXT_MAX - 3, "\xc3\xa4");
    rung_err_set(&err, RUNG_EFAIL, "%s", text);
    assert_int_equal(strlen(err.text), RUNG_ERR_TEXT_MAX - 1);
    rung_err_prefix(&err, "%s", "x");
    assert_int_equal(strlen(err.text), RUNG_ERR_TEXT_MAX - 1);
    fill(text, RUNG_ERR_TEXT_MAX - 5, "\xc3\xa4\xc3\xa4");
    rung_err_set(&err, RUNG_EFAIL, "%s", text);
    rung_err_prefix(&err, "%s", "x");
    assert_int_equal((unsigned char)err.text[strlen(err.text) - 1], 'a');
}

/* What must be done first is known where the error is, the command with which it goes on elsewhere. */
static void test_a_command_follows_a_remedy(void **state)
{
    (void)state;
    struct rung_err err;
    rung_err_set(&err, RUNG_EFAIL, "no room");
    assert_int_equal(rung_err_remedy(&err, "free %s space", "some"), RUNG_EFAIL);
    assert_string_equal(err.way_out, "free some space");
    assert_int_equal(rung_err_then(&err, "rung resume a.db"), RUNG_EFAIL);
    assert_string_equal(err.way_out, "free some space, then: rung resume a.db");
    rung_err_then(&err, "rung serve a.db"); /* it is complete */
    assert_string_equal(err.way_out, "free some space, then: rung resume a.db");
    rung_err_set(&err, RUNG_EFAIL, "no trainer");
    rung_err_then(&err, "rung resume a.db");
    assert_string_equal(err.way_out, "rung resume a.db");
    rung_err_way_out(&err, "another way");
    rung_err_then(&err, "rung resume a.db");
    assert_string_equal(err.way_out, "another way");
    assert_int_equal(rung_err_remedy(NULL, "x"), RUNG_EFAIL);
    assert_int_equal(rung_err_then(NULL, "x"), RUNG_EFAIL);
}

static void test_exit_statuses(void **state)
{
    (void)state;
    assert_int_equal(rung_err_exit_status(RUNG_OK), 0);
    assert_int_equal(rung_err_exit_status(RUNG_EFAIL), 1);
    assert_int_equal(rung_err_exit_status(RUNG_EUSE), 2);
    assert_int_equal(rung_err_exit_status(RUNG_EINT), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_fills_and_returns_code),
        cmocka_unit_test(test_null_error_is_allowed),
        cmocka_unit_test(test_prefixes_stack_in_front),
        cmocka_unit_test(test_way_out_keeps_text_and_code),
        cmocka_unit_test(test_arguments_may_lie_in_the_error),
        cmocka_unit_test(test_control_characters_become_question_marks),
        cmocka_unit_test(test_long_text_is_cut_at_a_character),
        cmocka_unit_test(test_long_prefix_cuts_the_reason_not_the_memory),
        cmocka_unit_test(test_prefix_that_cuts_a_character_drops_it),
        cmocka_unit_test(test_a_command_follows_a_remedy),
        cmocka_unit_test(test_exit_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
