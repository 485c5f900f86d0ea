/* Weighted ridge regression: what it finds, what it leaves alone, and what is too little to go on. */
#include "cost/ridge.h"

#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROWS    200
#define COLUMNS 4

/* Columns 0 and 1 count, 2 is constant, 3 repeats column 0. */
static void sample(double *x, double *y, double *precision, double noise)
{
    struct rung_rng rng;
    rung_rng_init(&rng, 3, 0, "ridge");
    for (int i = 0; i < ROWS; i++) {
        double *row = x + i * COLUMNS;
        row[0] = row[3] = rung_rng_uniform(&rng);
        row[1] = rung_rng_uniform(&rng);
        row[2] = 7;
        precision[i] = 1;
        y[i] = 5 + 2 * row[0] - 3 * row[1] + noise * rung_rng_normal(&rng);
    }
}

static void a_law_is_found(void **state)
{
    (void)state;
    double x[ROWS * COLUMNS], y[ROWS], precision[ROWS];
    static const double at[COLUMNS] = {0.25, 0.5, 7, 0.25};
    struct rung_ridge fit;

    sample(x, y, precision, 0);
    rung_ridge_fit(&fit, x, y, precision, ROWS, COLUMNS);
    assert_true(fabs(rung_ridge_predict(&fit, at) - 4) < 1e-3);
    assert_true(fit.weights[2] == 0);
    assert_true(fabs(fit.weights[0] - fit.weights[3]) < 1e-9); /* they share what is due to both */
    assert_true(fit.degrees > 2.9 && fit.degrees < 3.1);
    rung_ridge_free(&fit);
}

/* Without an effect the penalty grows until none is left to speak of. */
static void noise_is_left_alone(void **state)
{
    (void)state;
    double x[ROWS * COLUMNS], y[ROWS], precision[ROWS], most = 0;
    struct rung_ridge fit;
    struct rung_rng rng;

    sample(x, y, precision, 0);
    rung_rng_init(&rng, 4, 0, "ridge");
    for (int i = 0; i < ROWS; i++)
        y[i] = rung_rng_normal(&rng);
    rung_ridge_fit(&fit, x, y, precision, ROWS, COLUMNS);
    for (int i = 0; i < ROWS; i++)
        most = fmax(most, fabs(rung_ridge_predict(&fit, x + i * COLUMNS)));
    assert_true(most < 0.3);
    rung_ridge_free(&fit);
}

/* Rows of next to no precision do not count. */
static void precision_weighs(void **state)
{
    (void)state;
    double x[ROWS * COLUMNS], y[ROWS], precision[ROWS];
    static const double at[COLUMNS] = {0.25, 0.5, 7, 0.25};
    struct rung_ridge fit;

    sample(x, y, precision, 0.1);
    for (int i = 0; i < ROWS; i += 2) {
        y[i] = 100;
        precision[i] = 1e-9;
    }
    rung_ridge_fit(&fit, x, y, precision, ROWS, COLUMNS);
    assert_true(fabs(rung_ridge_predict(&fit, at) - 4) < 0.1);
    rung_ridge_free(&fit);
}

static void too_little_is_the_mean(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3, 4, 5, 6}, y[] = {2, 4}, precision[] = {1, 3};
    struct rung_ridge fit;

    rung_ridge_fit(&fit, x, y, precision, 2, 0);
    assert_true(fabs(rung_ridge_predict(&fit, x) - 3.5) < 1e-12);
    rung_ridge_free(&fit);
    rung_ridge_fit(&fit, x, y, precision, 1, 3);
    assert_true(rung_ridge_predict(&fit, x + 3) == 2);
    rung_ridge_free(&fit);
    rung_ridge_fit(&fit, x, y, precision, 2, 3); /* more columns than rows */
    assert_true(isfinite(rung_ridge_predict(&fit, x)));
    rung_ridge_free(&fit);
    rung_ridge_fit(&fit, NULL, NULL, NULL, 0, 3);
    assert_true(rung_ridge_predict(&fit, x) == 0);
    rung_ridge_free(&fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_law_is_found),
        cmocka_unit_test(noise_is_left_alone),
        cmocka_unit_test(precision_weighs),
        cmocka_unit_test(too_little_is_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
