/* The trainer protocol: what rung writes, what it reads, what it refuses and how it says so. */
#include "core/spec.h"
#include "dispatch/proto.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct rung_buf written(void)
{
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    return buf;
}

static void start_message_has_every_field(void **state)
{
    (void)state;
    struct rung_err err;
    struct rung_buf buf = written();
    struct rung_json *settings = rung_json_parse("{\"a\":[1,2]}", 11, 0, &err);
    struct rung_proto_start start = {.search = "four-circles",
                                     .seed = 42,
                                     .trainer = 0,
                                     .threads = 1,
                                     .settings = settings,
                                     .examples_per_call = 8361};
    rung_proto_write_start(&buf, &start);
    assert_string_equal(
        buf.data, "{\"type\":\"start\",\"protocol\":1,\"search\":\"four-circles\",\"seed\":42,\"trainer\":0,"
                  "\"threads\":1,\"settings\":{\"a\":[1,2]},\"examples_per_call\":8361}\n");
    rung_buf_clear(&buf);
    start.examples_per_call = RUNG_UNSET;
    rung_proto_write_start(&buf, &start);
    assert_null(strstr(buf.data, "examples_per_call"));
    rung_json_free(settings);
    rung_buf_free(&buf);
}

static void job_message_has_every_field(void **state)
{
    (void)state;
    struct rung_buf buf = written();
    struct rung_proto_job job = {.job = 17,
                                 .model = 5,
                                 .seed = 4294967295u,
                                 .parameters = "{\"alpha\":0.5}",
                                 .from = 3,
                                 .to = 9,
                                 .state_in = "/p/5.3",
                                 .state_out = "/p/5.9.17"};
    rung_proto_write_job(&buf, &job);
    assert_string_equal(
        buf.data,
        "{\"type\":\"job\",\"job\":17,\"model\":5,\"seed\":4294967295,\"parameters\":{\"alpha\":0.5},"
        "\"from\":3,\"to\":9,\"state_in\":\"/p/5.3\",\"state_out\":\"/p/5.9.17\"}\n");
    rung_buf_clear(&buf);
    job.from = 0;
    job.state_in = job.state_out = NULL;
    rung_proto_write_job(&buf, &job);
    assert_non_null(strstr(buf.data, "\"state_in\":null,\"state_out\":null}\n"));
    rung_buf_free(&buf);
}

static void short_messages(void **state)
{
    (void)state;
    struct rung_buf buf = written();
    struct rung_proto_job job = {.job = 99, .model = 5, .parameters = "{}", .state_in = "/p/5.81"};
    rung_proto_write_evaluate(&buf, &job);
    rung_proto_write_forget(&buf, 7);
    rung_proto_write_stop(&buf);
    assert_string_equal(
        buf.data,
        "{\"type\":\"evaluate\",\"job\":99,\"model\":5,\"parameters\":{},\"state_in\":\"/p/5.81\"}\n"
        "{\"type\":\"forget\",\"model\":7}\n{\"type\":\"stop\"}\n");
    rung_buf_free(&buf);
}

static struct rung_proto_message read_well(const char *line, const char *metric)
{
    struct rung_proto_message message;
    struct rung_err err = {0};
    if (rung_proto_read(&message, line, strlen(line), metric, &err))
        fail_msg("%s", err.text);
    return message;
}

static void ready_is_read(void **state)
{
    (void)state;
    struct rung_proto_message m = read_well("{\"type\":\"ready\",\"protocol\":1,\"name\":\"x\",\"evaluate\":"
                                            "true,\"platform\":\"zen\",\"new\":{}}",
                                            "score");
    assert_int_equal(m.type, RUNG_PROTO_READY);
    assert_true(m.evaluates);
    assert_false(m.stateless);
    assert_string_equal(m.platform, "zen");
    rung_proto_free(&m);
    m = read_well("{\"type\":\"ready\",\"protocol\":1,\"state\":\"none\"}", "score");
    assert_true(m.stateless);
    assert_false(m.evaluates);
    rung_proto_free(&m);
}

static void result_is_read_with_its_objective(void **state)
{
    (void)state;
    struct rung_proto_message m =
        read_well("{\"type\":\"result\",\"job\":17,\"score\":0.91,\"metrics\":{\"loss\":0.33},"
                  "\"fit_seconds\":1.27,\"score_seconds\":0.1,\"examples\":50166}",
                  "loss");
    assert_int_equal(m.type, RUNG_PROTO_RESULT);
    assert_int_equal(m.job, 17);
    assert_true(m.has_score && m.has_metric);
    assert_true(m.score == 0.91 && m.metric == 0.33 && m.fit_seconds == 1.27 && m.score_seconds == 0.1);
    assert_int_equal(m.examples, 50166);
    assert_string_equal(m.metrics, "{\"loss\":0.33}");
    rung_proto_free(&m);
}

static void a_line_is_read_as_a_part_of_something_else(void **state)
{
    (void)state;
    const char *text =
        "{\"line\":{\"type\":\"result\",\"job\":3,\"score\":NaN,\"metrics\":{\"loss\":2}},\"no\":7}";
    struct rung_err err = {0};
    struct rung_proto_message m;
    struct rung_json *whole = rung_json_parse(text, strlen(text), RUNG_JSON_NONFINITE, &err);
    assert_int_equal(rung_proto_read_json(&m, rung_json_get(whole, "line"), "loss", &err), 0);
    assert_true(m.type == RUNG_PROTO_RESULT && m.job == 3 && isnan(m.score) && m.metric == 2);
    assert_null(m.line);
    rung_proto_free(&m);
    assert_int_equal(rung_proto_read_json(&m, rung_json_get(whole, "no"), "loss", &err), RUNG_EFAIL);
    assert_string_equal(err.text, "a line that is no JSON object");
    rung_proto_free(&m);
    assert_int_equal(rung_proto_read_json(&m, rung_json_get(whole, "none"), "loss", &err), RUNG_EFAIL);
    rung_proto_free(&m);
    rung_json_free(whole);
    const char *line = " {\"type\":\"failure\",\"job\":1e0}";
    m = read_well(line, "score");
    assert_ptr_equal(m.line, line); /* as it was, for whoever passes it on */
    assert_int_equal(m.length, strlen(line));
    rung_proto_free(&m);
}

static void numbers_that_are_not_finite_are_read_as_nan(void **state)
{
    (void)state;
    static const char *const values[] = {"null", "NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < 4; i++) {
        char line[100];
        snprintf(line, sizeof line, "{\"type\":\"result\",\"job\":1,\"score\":%s}", values[i]);
        struct rung_proto_message m = read_well(line, "score");
        assert_true(m.has_score);
        assert_true(isnan(m.score));
        assert_int_equal(m.examples, RUNG_UNSET);
        rung_proto_free(&m);
    }
}

static void failure_is_retried_unless_it_says_not(void **state)
{
    (void)state;
    struct rung_proto_message m = read_well("{\"type\":\"failure\",\"job\":1}", "score");
    assert_true(m.retry);
    assert_null(m.reason);
    rung_proto_free(&m);
    m = read_well("{\"type\":\"failure\",\"job\":1,\"reason\":\"r\",\"retry\":false}", "score");
    assert_false(m.retry);
    assert_string_equal(m.reason, "r");
    rung_proto_free(&m);
}

static void what_is_no_message_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"hello", "a line that is no JSON: line 1, column 1: "},
        {"", "a line that is no JSON: "},
        {"[1]", "a line that is no JSON object"},
        {"{\"job\":1}", "its message has no \"type\""},
        {"{\"type\":3}", "\"type\" of its message is a number, not a string"},
        {"{\"type\":\"resul\"}", "a message of the unknown type \"resul\""},
        {"{\"type\":\"result\",\"score\":1}", "its result has no \"job\""},
        {"{\"type\":\"result\",\"job\":1.5,\"score\":1}",
         "\"job\" of its result is a number, not a whole number >= 0"},
        {"{\"type\":\"result\",\"job\":1,\"score\":\"good\"}",
         "\"score\" of its result is a string, not a number"},
        {"{\"type\":\"result\",\"job\":1,\"score\":1,\"metrics\":[]}",
         "\"metrics\" of its result is an array, not an object"},
        {"{\"type\":\"result\",\"job\":1,\"score\":1,\"metrics\":{\"loss\":\"x\"}}",
         "\"loss\" of its result is a string, not a number"},
        {"{\"type\":\"result\",\"job\":1,\"score\":1,\"examples\":-1}",
         "\"examples\" of its result is a number, not a whole number >= 0"},
        {"{\"type\":\"result\",\"job\":1,\"score\":1,\"fit_seconds\":-5}",
         "\"fit_seconds\" of its result is a number, not >= 0"},
        {"{\"type\":\"progress\",\"job\":1}", "its progress has no \"call\""},
        {"{\"type\":\"failure\",\"job\":1,\"retry\":1}",
         "\"retry\" of its failure is a number, not true or false"},
        {"{\"type\":\"ready\"}", "its ready has no \"protocol\""},
        {"{\"type\":\"ready\",\"protocol\":2}", "it speaks protocol 2, this rung speaks 1"},
        {"{\"type\":\"result\",\"job\":1,\"job\":1,\"score\":1}", "a line that is no JSON: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rung_proto_message message;
        struct rung_err err = {0};
        assert_int_equal(rung_proto_read(&message, cases[i][0], strlen(cases[i][0]), "loss", &err),
                         RUNG_EFAIL);
        if (strncmp(err.text, cases[i][1], strlen(cases[i][1])) != 0)
            fail_msg("%s\n gives: %s\n not:   %s", cases[i][0], err.text, cases[i][1]);
        rung_proto_free(&message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_message_has_every_field),
        cmocka_unit_test(job_message_has_every_field),
        cmocka_unit_test(short_messages),
        cmocka_unit_test(ready_is_read),
        cmocka_unit_test(result_is_read_with_its_objective),
        cmocka_unit_test(a_line_is_read_as_a_part_of_something_else),
        cmocka_unit_test(numbers_that_are_not_finite_are_read_as_nan),
        cmocka_unit_test(failure_is_retried_unless_it_says_not),
        cmocka_unit_test(what_is_no_message_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
