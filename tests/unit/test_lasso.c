/* The Lasso: published values, optimality, and the choice of the penalty. */
#include "cost/lasso.h"

#include "base/mem.h"
#include "core/rng.h"

#include <cmocka.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.12g is not within %g of %.12g", value, within, expected);
}

static const double five_x[] = {1, 2, 3, 4, 5, 2, 1, 5, 3, 8}, five_y[] = {1, 2, 3, 5, 6};

static void five_rows(void **state)
{
    (void)state;
    static const struct {
        double alpha, w[2];
    } cases[] = {{1, {.65, .107143}}, {.5, {1.025, .017857}}, {.1, {1.25, 0}}, {.01, {1.38, -.060714}}};
    struct rung_lasso fit;

    near(rung_lasso_alpha_max(five_x, five_y, 5, 2, NULL), 3.48, 1e-12);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(rung_lasso_fit(&fit, five_x, five_y, 5, 2, cases[k].alpha, NULL, NULL), 0);
        near(fit.weights[0], cases[k].w[0], 1e-6);
        near(fit.weights[1], cases[k].w[1], 1e-6);
        if (cases[k].alpha == 1) {
            near(fit.intercept, 1.042857, 1e-6);
            near(fit.objective, 1.067143, 1e-6);
        } else if (cases[k].alpha == .1) {
            assert_true(fit.weights[1] == 0);
            near(fit.intercept, -.35, 1e-6);
            near(fit.objective, .1575, 1e-6);
        }
        rung_lasso_free(&fit);
    }
    struct rung_lasso_options standardise = {.standardise = true};
    assert_int_equal(rung_lasso_fit(&fit, five_x, five_y, 5, 2, .1, &standardise, NULL), 0);
    near(fit.weights[0], 1.229289, 1e-6);
    near(fit.weights[0] * sqrt(2), 1.738478, 1e-6); /* on the standardised column */
    assert_true(fit.weights[1] == 0);
    rung_lasso_free(&fit);
}

/* |x_j'r| <= n alpha, with equality and the weight's sign where it is not 0. */
static void solutions_are_optimal(void **state)
{
    (void)state;
    struct rung_rng rng;
    rung_rng_init(&rng, 3, 0, "lasso");
    for (int round = 0; round < 100; round++) {
        size_t rows = 2 + rung_rng_below(&rng, 40), columns = 1 + rung_rng_below(&rng, 10);
        double *x = rung_mem_zalloc(rows * columns, sizeof *x), *y = rung_mem_zalloc(rows, sizeof *y);
        for (size_t i = 0; i < rows * columns; i++)
            x[i] = rung_rng_normal(&rng) + 3;
        for (size_t i = 0; i < rows; i++)
            y[i] = x[i] + rung_rng_normal(&rng);
        if (round % 5 == 1) /* a constant column */
            for (size_t i = 0; i < rows; i++)
                x[i + rows * (columns - 1)] = .1;
        double alpha = .3 * rung_rng_uniform(&rng);
        struct rung_lasso fit;
        assert_int_equal(rung_lasso_fit(&fit, x, y, rows, columns, alpha, NULL, NULL), 0);
        for (size_t j = 0; j < columns; j++) {
            double mean = 0, along = 0, n = (double)rows;
            for (size_t i = 0; i < rows; i++)
                mean += x[i + j * rows] / n;
            for (size_t i = 0; i < rows; i++)
                along += (x[i + j * rows] - mean) * (y[i] - rung_lasso_predict(&fit, x + i, rows));
            if (fit.weights[j] != 0)
                near(along, copysign(n * alpha, fit.weights[j]), 1e-3 * n);
            else
                assert_true(fabs(along) <= n * alpha + 1e-3 * n);
        }
        rung_lasso_free(&fit);
        free(x);
        free(y);
    }
}

/* All products of {1, i, sqrt i, log i, 1/i, i^2} and {1, 1/m, 1/sqrt m, log m, m, 1/m^2} but 1: the library
 * of Pan et al. (2017) on a curve i * log(1 - .6 / sqrt m), which it does not contain. */
static void degrees_of_parallelism(void **state)
{
    (void)state;
    enum { GROUPS = 8, STEPS = 100, ROWS = GROUPS * STEPS, COLUMNS = 35 };
    double *x = rung_mem_zalloc(ROWS * COLUMNS, sizeof *x), y[ROWS];
    size_t folds[ROWS], row = 0;

    for (size_t g = 0; g < GROUPS; g++)
        for (int step = 1; step <= STEPS; step++, row++) {
            double m = (double)(1 << g), i = step;
            double a[] = {1, i, sqrt(i), log(i), 1 / i, i * i},
                   b[] = {1, 1 / m, 1 / sqrt(m), log(m), m, 1 / (m * m)};
            for (size_t j = 1; j < 36; j++)
                x[row + (j - 1) * ROWS] = a[j / 6] * b[j % 6];
            y[row] = i * log(1 - .6 / sqrt(m));
            folds[row] = g;
        }
    struct rung_lasso fit;
    struct rung_lasso_options standardise = {.standardise = true};
    assert_int_equal(rung_lasso_fit_cv(&fit, x, y, ROWS, COLUMNS, folds, GROUPS, &standardise, NULL), 0);
    double squares = 0, mean = 0, around = 0;
    for (size_t i = 0; i < ROWS; i++) {
        squares += pow(y[i] - rung_lasso_predict(&fit, x + i, ROWS), 2);
        mean += y[i] / ROWS;
    }
    for (size_t i = 0; i < ROWS; i++)
        around += pow(y[i] - mean, 2);
    print_message("rmse %.4f, R2 %.6f, alpha %.3g\n", sqrt(squares / ROWS), 1 - squares / around, fit.alpha);
    assert_true(1 - squares / around >= .9999);
    assert_true(sqrt(squares / ROWS) <= .05);
    rung_lasso_free(&fit);
    free(x);
}

static void what_cannot_be_fitted_is_said(void **state)
{
    (void)state;
    struct rung_lasso fit;
    struct rung_err err;
    double x[12], y[12] = {0};
    size_t folds[12] = {0};

    for (size_t i = 0; i < 12; i++)
        x[i] = (double)i;
    assert_int_equal(rung_lasso_fit_cv(&fit, x, y, 9, 1, folds, 2, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "cross-validation: 9 observations, 10 are needed");
    assert_int_equal(rung_lasso_fit_cv(&fit, x, y, 12, 1, folds, 1, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "cross-validation: one fold, 2 are needed");
    assert_int_equal(rung_lasso_fit_cv(&fit, x, y, 12, 1, folds, 2, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "cross-validation: a fold without observations");
    y[3] = NAN;
    assert_int_equal(rung_lasso_fit(&fit, x, y, 12, 1, 1, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "lasso: the target of row 3 is not finite");
    y[3] = 0; /* all targets equal */
    assert_int_equal(rung_lasso_fit(&fit, x, y, 12, 1, 0, NULL, &err), 0);
    assert_true(fit.weights[0] == 0 && fit.intercept == 0);
    rung_lasso_free(&fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_rows),
        cmocka_unit_test(solutions_are_optimal),
        cmocka_unit_test(degrees_of_parallelism),
        cmocka_unit_test(what_cannot_be_fitted_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
