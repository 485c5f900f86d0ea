/*
 * Logarithm and exponential against the C library's long double functions, in units in the last place.
 */
#include "core/elementary.h"

#include "core/rng.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static double ulps(double got, long double truth)
{
    double unit = nextafter(fabs((double)truth), INFINITY) - fabs((double)truth);
    return (double)(fabsl((long double)got - truth) / (long double)unit);
}

static void test_log_is_within_two_units(void **state)
{
    (void)state;
    struct rung_rng rng;
    double worst = 0;
    rung_rng_init(&rng, 1, 0, "log");
    for (int i = 0; i < 200000; i++) {
        double x = ldexp(0.5 + rung_rng_uniform(&rng) / 2, (int)rung_rng_below(&rng, 2000) - 1000);
        if (i % 4 == 0) /* close to 1, where the result is small */
            x = 1 + (rung_rng_uniform(&rng) - 0.5) * ldexp(1, -(int)rung_rng_below(&rng, 30));
        double off = ulps(rung_elementary_log(x), logl((long double)x));
        worst = off > worst ? off : worst;
    }
    assert_true(worst <= 2);
    assert_true(rung_elementary_log(1) == 0);
    assert_true(isfinite(rung_elementary_log(DBL_MAX)));
    assert_true(isfinite(rung_elementary_log(DBL_MIN)));
    assert_true(isfinite(rung_elementary_log(5e-324)));
}

static void test_exp_is_within_two_units(void **state)
{
    (void)state;
    struct rung_rng rng;
    double worst = 0;
    rung_rng_init(&rng, 1, 0, "exp");
    for (int i = 0; i < 200000; i++) {
        double x = (rung_rng_uniform(&rng) - 0.5) * (i % 2 ? 1400 : 2);
        double off = ulps(rung_elementary_exp(x), expl((long double)x));
        worst = off > worst ? off : worst;
    }
    assert_true(worst <= 2);
    assert_true(rung_elementary_exp(0) == 1);
}

static void test_exp_stays_positive_and_finite(void **state)
{
    (void)state;
    assert_true(rung_elementary_exp(710) == DBL_MAX);
    assert_true(rung_elementary_exp(DBL_MAX) == DBL_MAX);
    assert_true(rung_elementary_exp(-709) == DBL_MIN);
    assert_true(rung_elementary_exp(-DBL_MAX) == DBL_MIN);
    assert_true(isfinite(rung_elementary_exp(709.779999)));
    assert_true(rung_elementary_exp(-708.389999) >= DBL_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_is_within_two_units),
        cmocka_unit_test(test_exp_is_within_two_units),
        cmocka_unit_test(test_exp_stays_positive_and_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
