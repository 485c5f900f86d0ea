/* The seconds around a job. */
#include "forecast/overhead.h"

#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void nothing_is_known(void **state)
{
    (void)state;
    struct rung_overhead overhead = {0};

    rung_overhead_fit(&overhead);
    assert_true(rung_overhead_at(&overhead, 1, 4) == 0);
    rung_overhead_add(&overhead, NAN, 1, 1);
    rung_overhead_add(&overhead, -1, 1, 1);
    rung_overhead_add(&overhead, INFINITY, 1, 1);
    rung_overhead_fit(&overhead);
    assert_true(rung_overhead_at(&overhead, 1, 4) == 0);
    rung_overhead_free(&overhead);
}

/* Those of one length say nothing of what length does, nor of sharing. */
static void few_jobs_tell_the_same_of_all(void **state)
{
    (void)state;
    struct rung_overhead overhead = {0};

    rung_overhead_add(&overhead, 0.5, NAN, NAN);
    rung_overhead_fit(&overhead);
    assert_true(fabs(rung_overhead_at(&overhead, 100, 8) - 0.5) < 1e-9);
    for (int i = 0; i < 5; i++)
        rung_overhead_add(&overhead, 0.5, 10, 4);
    rung_overhead_fit(&overhead);
    assert_true(fabs(rung_overhead_at(&overhead, 1e-3, 1) - 0.5) < 1e-9);
    assert_true(fabs(rung_overhead_at(&overhead, 1e4, 64) - 0.5) < 1e-9);
    rung_overhead_free(&overhead);
}

static double law(double work, double sharing)
{
    return 1e-4 + 5e-5 * fmax(log(work / 1e-3), 0) + 1e-4 * (sharing - 1);
}

/* Of jobs that are all short, noise must not be taken for what long ones cost. */
static void short_jobs_are_alike(void **state)
{
    (void)state;
    struct rung_overhead overhead = {0};

    for (int i = 1; i <= 22; i++)
        rung_overhead_add(&overhead, 2e-4 + 1e-5 * i, 4e-7 * i, 1);
    rung_overhead_fit(&overhead);
    assert_true(fabs(rung_overhead_at(&overhead, 1, 1) / 3.15e-4 - 1) < 0.1);
    assert_true(isfinite(rung_overhead_at(&overhead, 1.7e308, 1)));
    rung_overhead_free(&overhead);
}

/* More jobs than are kept; with a stall now and then, which is not what others will see. */
static void the_law_is_found(void **state)
{
    (void)state;
    struct rung_overhead overhead = {0};
    struct rung_rng rng;

    rung_rng_init(&rng, 5, 0, "overhead");
    for (int i = 0; i < 20000; i++) {
        double work = 1e-4 * exp(8 * rung_rng_uniform(&rng)), sharing = 1 + floor(4 * rung_rng_uniform(&rng));
        double stall = i % 500 == 0 ? 1 : 0;
        rung_overhead_add(&overhead, law(work, sharing) * exp(0.2 * rung_rng_normal(&rng)) + stall, work,
                          sharing);
    }
    rung_overhead_fit(&overhead);
    for (double work = 1e-4; work < 0.3; work *= 5)
        for (double sharing = 1; sharing <= 4; sharing++) {
            double ratio = rung_overhead_at(&overhead, work, sharing) / law(work, sharing);
            assert_true(ratio > 0.9 && ratio < 1.15);
        }
    rung_overhead_free(&overhead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known),
        cmocka_unit_test(few_jobs_tell_the_same_of_all),
        cmocka_unit_test(short_jobs_are_alike),
        cmocka_unit_test(the_law_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
