/* Times as text: UTC, milliseconds, rounded and never past a second's end. */
#include "base/time.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_time(double seconds, const char *expected)
{
    char text[RUNG_TIME_TEXT];
    rung_time_format(seconds, text);
    assert_string_equal(text, expected);
}

static void times_are_utc_with_milliseconds(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01T00:00:00.000Z");
    assert_time(1795167000.123, "2026-11-20T09:30:00.123Z");
    assert_time(951782399.5, "2000-02-28T23:59:59.500Z");
}

static void rounding_carries_into_the_next_second(void **state)
{
    (void)state;
    assert_time(951868799.9996, "2000-03-01T00:00:00.000Z");
    assert_time(0.0004, "1970-01-01T00:00:00.000Z");
}

static void what_is_no_time_is_empty(void **state)
{
    (void)state;
    assert_time(NAN, "");
    assert_time(INFINITY, "");
    assert_time(-1, "");
    assert_time(1e15, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_utc_with_milliseconds),
        cmocka_unit_test(rounding_carries_into_the_next_second),
        cmocka_unit_test(what_is_no_time_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
