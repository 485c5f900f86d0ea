/* Values as people read them. */
#include "cli/human.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct rung_buf out;

static const char *taken(void)
{
    static char text[512];
    strncpy(text, rung_buf_cstr(&out), sizeof text - 1);
    rung_buf_free(&out);
    return text;
}

static const char *number(double value)
{
    rung_human_number(&out, value);
    return taken();
}

static const char *duration(double value)
{
    rung_human_duration(&out, value);
    return taken();
}

static const char *seconds(double value)
{
    rung_human_seconds(&out, value);
    return taken();
}

static const char *json(const char *text)
{
    rung_human_json(&out, text);
    return taken();
}

static const char *clip(const char *text, size_t width)
{
    rung_human_clip(&out, text, width);
    return taken();
}

static const char *safe(const char *text)
{
    rung_human_text(&out, text);
    return taken();
}

static void test_numbers(void **state)
{
    (void)state;
    assert_string_equal(number(0.904612345), "0.90461");
    assert_string_equal(number(1), "1");
    assert_string_equal(number(0.00001234567), "1.2346e-05");
    assert_string_equal(number(1234567.6), "1234568");
    assert_string_equal(number(-2e20), "-2e+20");
    assert_string_equal(number(NAN), "-");
    assert_string_equal(number(-INFINITY), "-");
}

static void test_durations(void **state)
{
    (void)state;
    assert_string_equal(seconds(0.0664), "0.066 s");
    assert_string_equal(seconds(0.96), "1.0 s");
    assert_string_equal(seconds(187), "3:07");
    assert_string_equal(seconds(6.4e14), "6.4e+14 s");
    assert_string_equal(seconds(NAN), "-");
    assert_string_equal(duration(0), "0.0 s");
    assert_string_equal(duration(9.94), "9.9 s");
    assert_string_equal(duration(9.96), "10 s");
    assert_string_equal(duration(59.4), "59 s");
    assert_string_equal(duration(59.6), "1:00");
    assert_string_equal(duration(187), "3:07");
    assert_string_equal(duration(7509), "2:05:09");
    assert_string_equal(duration(360000), "100:00:00");
    assert_string_equal(duration(NAN), "-");
    assert_string_equal(duration(INFINITY), "-");
    assert_string_equal(duration(-1), "-");
}

static void test_json(void **state)
{
    (void)state;
    assert_string_equal(
        json("{\"alpha\":0.000012345678,\"sizes\":[12,6],\"rate\":\"constant\",\"on\":true,\"x\":null}"),
        "alpha=1.2346e-05 sizes=[12 6] rate=constant on=true x=-");
    assert_string_equal(json("[{\"models\":81,\"calls\":1},{\"models\":27,\"calls\":3}]"), "81x1 27x3");
    assert_string_equal(json("[{\"models\":null,\"calls\":1},{\"models\":null,\"calls\":3}]"), "?x1 ?x3");
    assert_string_equal(json("{\"a\":{\"b\":1}}"), "a={b=1}");
    assert_string_equal(json("[]"), "[]");
    assert_string_equal(json("no json\n"), "no json?");
}

static void test_clip_counts_characters(void **state)
{
    (void)state;
    assert_string_equal(clip("abc", 3), "abc");
    assert_string_equal(clip("abcd", 3), "ab>");
    assert_string_equal(clip("abcd", 1), ">");
    assert_string_equal(clip("abcd", 0), "");
    assert_string_equal(clip("äöü", 3), "äöü");
    assert_string_equal(clip("äöüß", 3), "äö>");
    assert_string_equal(clip("€€", 1), ">");
    assert_int_equal(rung_human_width("a€ß"), 3);
}

static void test_nothing_drives_the_terminal(void **state)
{
    (void)state;
    assert_string_equal(safe("a\033[2Jb\r\n\tc\x7f"), "a?[2Jb???c?");
    assert_string_equal(safe("\xc2\x9b"
                             "31m \xc2\xa9 é"),
                        "?31m \xc2\xa9 é");
}

static void test_time_and_count(void **state)
{
    (void)state;
    rung_human_time(&out, 1795253400.25);
    assert_string_equal(taken(), "2026-11-21T09:30:00.250Z");
    rung_human_count(&out, 1, "model");
    assert_string_equal(taken(), "1 model");
    rung_human_count(&out, 0, "model");
    assert_string_equal(taken(), "0 models");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_clip_counts_characters),
        cmocka_unit_test(test_nothing_drives_the_terminal),
        cmocka_unit_test(test_time_and_count),
    };
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
