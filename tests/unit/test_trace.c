/*
 * Events and decisions as text, both ways.
 */
#include "core/trace.h"

#include "../core_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *event_text(struct rung_buf *buf, const struct rung_event *event)
{
    rung_buf_clear(buf);
    rung_trace_write_event(buf, event);
    return rung_buf_cstr(buf);
}

static void test_events_both_ways(void **state)
{
    (void)state;
    const char *const lines[] = {"start",
                                 "ask",
                                 "result 5 9 0.91",
                                 "result 0 1 nan",
                                 "failure 5 3",
                                 "retry 5 3",
                                 "result 7 81 -1.5e-300",
                                 "result 3 3 0.1",
                                 "result 3 3 -0",
                                 "failure 9 0",
                                 "result 2147483646 9 1",
                                 "result 1 9223372036854775807 0.30000000000000004"};
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct rung_event event;
        struct rung_err err = {0};
        if (rung_trace_read_event(&event, lines[i], &err) != 0)
            fail_msg("%s", err.text);
        assert_string_equal(event_text(&buf, &event), lines[i]);
    }
    rung_buf_free(&buf);
}

static void test_scores_that_are_not_finite_are_nan(void **state)
{
    (void)state;
    const double odd[] = {NAN, -NAN, INFINITY, -INFINITY};
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < 4; i++) {
        struct rung_event event = help_result(1, 2, odd[i]);
        assert_string_equal(event_text(&buf, &event), "result 1 2 nan");
    }
    rung_buf_free(&buf);
}

static void test_what_is_no_event(void **state)
{
    (void)state;
    const char *const lines[] = {"",
                                 "begin",
                                 "start ",
                                 "start 1",
                                 "ask 1",
                                 "result",
                                 "result 1",
                                 "result 1 2",
                                 "result 1 2 ",
                                 "result 1 2 x",
                                 "result 1 2 0.5 3",
                                 "result 1 2 0.5 ",
                                 "result  1 2 0.5",
                                 "result 1 2  0.5",
                                 "result 01 2 0.5",
                                 "result -1 2 0.5",
                                 "result +1 2 0.5",
                                 "result 1.0 2 0.5",
                                 "result 2147483647 2 0.5",
                                 "result 1 9223372036854775808 0.5",
                                 "result 1 2 .5",
                                 "result 1 2 1e999",
                                 "result 1 2 NaN",
                                 "result 1 2 null",
                                 "result 1 2 \"0.5\"",
                                 "result 1 2 0.5\n",
                                 "failure 1 2 0.5",
                                 "retry 1",
                                 "Result 1 2 0.5"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct rung_event event;
        struct rung_err err = {0};
        char expected[100];
        if (rung_trace_read_event(&event, lines[i], &err) != RUNG_EUSE)
            fail_msg("\"%s\" was read", lines[i]);
        snprintf(expected, sizeof expected, "\"%s\" is no event", lines[i]);
        if (strchr(lines[i], '\n') == NULL)
            assert_string_equal(err.text, expected);
    }
}

static void add(struct rung_decisions *list, enum rung_decision_kind kind, uint32_t model, int32_t rung)
{
    struct rung_decision decision = {
        .kind = kind, .model = model, .bracket = 4, .rung = rung, .from = 3, .to = 9};
    rung_decisions_add(list, &decision);
}

static void test_consecutive_models_share_a_line(void **state)
{
    (void)state;
    struct rung_decisions list = {0};
    struct rung_buf buf;
    for (uint32_t model = 0; model < 5; model++)
        add(&list, RUNG_DECISION_MODEL, model, RUNG_NO_RUNG);
    list.items[4].bracket = 3;
    add(&list, RUNG_DECISION_TRAIN, 0, 0);
    add(&list, RUNG_DECISION_TRAIN, 1, 0);
    add(&list, RUNG_DECISION_TRAIN, 2, 1);
    add(&list, RUNG_DECISION_TRAIN, 3, RUNG_NO_RUNG);
    add(&list, RUNG_DECISION_TRAIN, 5, RUNG_NO_RUNG);
    add(&list, RUNG_DECISION_TRAIN, 6, RUNG_NO_RUNG);
    list.items[list.count - 1].to = 10;
    add(&list, RUNG_DECISION_TRAIN, 7, RUNG_NO_RUNG);
    list.items[list.count - 1].from = 2;
    add(&list, RUNG_DECISION_STOP, 8, 0);
    add(&list, RUNG_DECISION_STOP, 9, 0);
    add(&list, RUNG_DECISION_STOP, 10, 1);
    add(&list, RUNG_DECISION_PLATEAU, 11, RUNG_NO_RUNG);
    add(&list, RUNG_DECISION_PLATEAU, 12, RUNG_NO_RUNG);
    add(&list, RUNG_DECISION_FINISH, 12, RUNG_NO_RUNG);
    add(&list, RUNG_DECISION_FINISH, 11, RUNG_NO_RUNG);
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_trace_write_decisions(&buf, &list);
    assert_string_equal(rung_buf_cstr(&buf),
                        "model 0-3 bracket 4\nmodel 4 bracket 3\n"
                        "train 0-1 3>9 rung 0\ntrain 2 3>9 rung 1\ntrain 3 3>9\ntrain 5 3>9\n"
                        "train 6 3>10\ntrain 7 2>9\n"
                        "stop 8-9 rung 0\nstop 10 rung 1\n"
                        "plateau 11-12\nfinish 12\nfinish 11");
    rung_buf_free(&buf);
    rung_decisions_free(&list);
}

static void test_decisions_both_ways(void **state)
{
    (void)state;
    const char *text = "model 0-80 bracket 4\n"
                       "train 0-80 0>1 rung 0\n"
                       "train 5 3>9\n"
                       "stop 8 rung 0\n"
                       "stop 10-12 rung 0\n"
                       "plateau 5\n"
                       "finish 5\n"
                       "rung 4 0 kept 27\n"
                       "bracket 4 winner 17\n"
                       "bracket 3 winner none\n"
                       "done 17\n"
                       "done none";
    struct rung_decisions list = {0};
    struct rung_err err = {0};
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    assert_int_equal(rung_trace_read_decisions(&list, text, &err), 0);
    assert_int_equal(list.count, 81 + 81 + 1 + 1 + 3 + 7);
    assert_int_equal(list.items[162].kind, RUNG_DECISION_TRAIN);
    assert_int_equal(list.items[162].rung, RUNG_NO_RUNG);
    assert_int_equal(list.items[162].from, 3);
    assert_int_equal(list.items[162].to, 9);
    assert_int_equal(list.items[169].kept, 27);
    assert_int_equal(list.items[171].model, RUNG_NO_MODEL);
    rung_trace_write_decisions(&buf, &list);
    assert_string_equal(rung_buf_cstr(&buf), text);
    rung_buf_free(&buf);
    rung_decisions_free(&list);
}

static void test_no_decisions_are_no_text(void **state)
{
    (void)state;
    struct rung_decisions list = {0};
    struct rung_err err = {0};
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_trace_write_decisions(&buf, &list);
    assert_int_equal(buf.length, 0);
    assert_int_equal(rung_trace_read_decisions(&list, "", &err), 0);
    assert_int_equal(list.count, 0);
    rung_buf_free(&buf);
}

static void test_what_is_no_decision(void **state)
{
    (void)state;
    const char *const texts[] = {"\n",
                                 "start",
                                 "done",
                                 "done 1\n",
                                 "done 1\n\ndone 1",
                                 "done none ",
                                 "done 2147483647",
                                 "model 1",
                                 "model 1 bracket",
                                 "model 1 bracket 4294967296",
                                 "model 3-1 bracket 0",
                                 "model 3-3 bracket 0",
                                 "model 1- bracket 0",
                                 "model 0-2147483646 bracket 0",
                                 "train 1 0>1 rung",
                                 "train 1 0>1 rung 2147483648",
                                 "train 1 0-1",
                                 "train 1 0",
                                 "train 1 0>1 ",
                                 "stop 1",
                                 "stop 1 rung 0 kept 1",
                                 "plateau",
                                 "plateau 1 2",
                                 "finish -1",
                                 "rung 4 0",
                                 "rung 4 0 kept",
                                 "rung 4 0 kept x",
                                 "bracket 4",
                                 "bracket 4 winner",
                                 "bracket 4 winner nobody"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rung_decisions list = {0};
        struct rung_err err = {0};
        if (rung_trace_read_decisions(&list, texts[i], &err) != RUNG_EUSE)
            fail_msg("\"%s\" was read", texts[i]);
        assert_non_null(strstr(err.text, "is no decision"));
        rung_decisions_free(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_both_ways),    cmocka_unit_test(test_scores_that_are_not_finite_are_nan),
        cmocka_unit_test(test_what_is_no_event),    cmocka_unit_test(test_consecutive_models_share_a_line),
        cmocka_unit_test(test_decisions_both_ways), cmocka_unit_test(test_no_decisions_are_no_text),
        cmocka_unit_test(test_what_is_no_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
