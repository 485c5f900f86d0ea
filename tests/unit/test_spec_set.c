/*
 * Single values: --set KEY=VALUE, and durations.
 */
#include "core/spec.h"

#include "base/mem.h"
#include "spec_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_override(const char *before, const char *assignment, const char *after, const char *error)
{
    struct rung_err err = {0};
    struct rung_json *value = json(before), *wanted = after ? json(after) : NULL;
    char *set = quoted(assignment), *text = error ? quoted(error) : NULL;
    int status = rung_spec_override(value, set, &err);
    if (error) {
        assert_int_equal(status, RUNG_EUSE);
        assert_string_equal(err.text, text);
    } else {
        assert_int_equal(status, 0);
        if (!rung_json_equal(value, wanted))
            fail_msg("%s", assignment);
    }
    rung_json_free(value);
    rung_json_free(wanted);
    free(set);
    free(text);
}

static void test_override_sets_one_value(void **state)
{
    (void)state;
    assert_override("{'a':1}", "a=2", "{'a':2}", NULL);
    assert_override("{}", "a=2", "{'a':2}", NULL);
    assert_override("{}", "a.b.c=[1,{}]", "{'a':{'b':{'c':[1,{}]}}}", NULL);
    assert_override("{'a':{'b':1,'c':2}}", "a.b=null", "{'a':{'b':null,'c':2}}", NULL);
    assert_override("{'a':[1,{'x':2}]}", "a.0=7", "{'a':[7,{'x':2}]}", NULL);
    assert_override("{'a':[1,{'x':2}]}", "a.1.x='y'", "{'a':[1,{'x':'y'}]}", NULL);
    assert_override("{}", "a=text", "{'a':'text'}", NULL);
    assert_override("{}", "a=[1,2", "{'a':'[1,2'}", NULL);
    assert_override("{}", "a=", "{'a':''}", NULL);
    assert_override("{}", "a=b=c", "{'a':'b=c'}", NULL);
    assert_override("{}", "a=10m", "{'a':'10m'}", NULL);
    assert_override("{}", "a= 1e3 ", "{'a':1000}", NULL);
}

static void test_override_finds_keys_that_hold_dots(void **state)
{
    (void)state;
    assert_override("{'p':{'a.b':1,'a':{'b':2}}}", "p.a.b=3", "{'p':{'a.b':3,'a':{'b':2}}}", NULL);
    assert_override("{'p':{'a.b':{'c':1}}}", "p.a.b.c=3", "{'p':{'a.b':{'c':3}}}", NULL);
    assert_override("{'p':{'a.bc':1}}", "p.a.b=3", "{'p':{'a.bc':1,'a':{'b':3}}}", NULL);
}

static void test_override_errors(void **state)
{
    (void)state;
    assert_override("{}", "a", NULL, "--set a: expected KEY=VALUE");
    assert_override("{}", "=3", NULL, "--set =3: expected KEY=VALUE");
    assert_override("{}", ".a=3", NULL, "--set .a: expected a path such as search.max_iter");
    assert_override("{}", "a.=3", NULL, "--set a.: expected a path such as search.max_iter");
    assert_override("{}", "a..b=3", NULL, "--set a..b: expected a path such as search.max_iter");
    assert_override("{'a':1}", "a.b=3", NULL, "--set a.b: 'b' is inside a number");
    assert_override("{'a':'x'}", "a.b.c=3", NULL, "--set a.b.c: 'b.c' is inside a string");
    assert_override("{'a':null}", "a.b=3", NULL, "--set a.b: 'b' is inside null");
    assert_override("[]", "b=3", NULL, "--set b: no element 'b' (the array is empty)");
    assert_override("{'a':[1,2]}", "a.2=3", NULL, "--set a.2: no element '2' (there are 0 to 1)");
    assert_override("{'a':[1,2]}", "a.-1=3", NULL, "--set a.-1: no element '-1' (there are 0 to 1)");
    assert_override("{'a':[1,2]}", "a.x=3", NULL, "--set a.x: no element 'x' (there are 0 to 1)");
    assert_override("{'a':[1,2]}", "a.99999999999999999999=3", NULL,
                    "--set a.99999999999999999999: no element '99999999999999999999' (there are 0 to 1)");
}

static void test_override_cannot_nest_deeper_than_text_can(void **state)
{
    (void)state;
    struct rung_err err;
    struct rung_buf path, text;
    rung_buf_init(&path, RUNG_BUF_UNLIMITED);
    for (int i = 0; i < RUNG_JSON_DEPTH_MAX - 1; i++)
        rung_buf_text(&path, "k.");
    rung_buf_text(&path, "k=1");
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    struct rung_json *value = rung_json_new_object();
    if (rung_spec_override(value, path.data, &err) == 0) { /* then what was made must read back */
        rung_json_write(&text, value);
        struct rung_json *again = rung_json_parse(text.data, text.length, 0, &err);
        assert_non_null(again);
        rung_json_free(again);
    }
    rung_json_free(value);
    value = rung_json_new_object();
    rung_buf_clear(&path);
    for (int i = 0; i < RUNG_JSON_DEPTH_MAX; i++)
        rung_buf_text(&path, "k.");
    rung_buf_text(&path, "k=1");
    assert_int_equal(rung_spec_override(value, path.data, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "nested too deep"));
    rung_json_free(value);
    rung_buf_free(&path);
    rung_buf_free(&text);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds; /* NaN: no duration */
    } CASES[] = {
        {"90", 90},      {"90s", 90},    {"10m", 600},      {"2h", 7200},  {"1d", 86400}, {"1.5h", 5400},
        {"0", 0},        {"0.25s", .25}, {"1e3", 1000},     {"", NAN},     {"s", NAN},    {"m10", NAN},
        {"10 m", NAN},   {" 10", NAN},   {"10 ", NAN},      {"-1", NAN},   {"+1", NAN},   {".5h", NAN},
        {"10ms", NAN},   {"10mm", NAN},  {"1h30m", NAN},    {"ten", NAN},  {"010", NAN},  {"1e400", NAN},
        {"1e308d", NAN}, {"NaN", NAN},   {"infinity", NAN}, {"0x10", NAN}, {"-0s", NAN},  {"null", NAN},
        {"truem", NAN},  {"1,5h", NAN},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        double seconds = -1;
        bool valid = rung_spec_duration_text(CASES[i].text, &seconds);
        if (valid == isnan(CASES[i].seconds) || (valid && seconds != CASES[i].seconds))
            fail_msg("\"%s\": %s, %g", CASES[i].text, valid ? "taken" : "refused", seconds);
    }
    struct rung_json *values = json("[90, '1m', -1, true, null, [1]]");
    double seconds;
    assert_true(rung_spec_duration(rung_json_at(values, 0), &seconds) && seconds == 90);
    assert_true(rung_spec_duration(rung_json_at(values, 1), &seconds) && seconds == 60);
    for (size_t i = 2; i < 6; i++)
        assert_false(rung_spec_duration(rung_json_at(values, i), &seconds));
    rung_json_free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_override_sets_one_value),
        cmocka_unit_test(test_override_finds_keys_that_hold_dots),
        cmocka_unit_test(test_override_errors),
        cmocka_unit_test(test_override_cannot_nest_deeper_than_text_can),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
