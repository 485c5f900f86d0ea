/* The Lasso: published values, optimality, and the choice of the penalty. */
#include "cost/lasso.h"

#include "base/mem.h"
#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

/* ---- drawn problems ---- */

enum { ROWS_MAX = 60, COLUMNS_MAX = 12 };

struct drawn {
    size_t rows, columns;
    double x[ROWS_MAX * COLUMNS_MAX], y[ROWS_MAX];
};

/* Some with a constant column, two that are nearly the same, or more columns than rows. */
static void draw(struct rung_rng *rng, int round, struct drawn *d)
{
    d->rows = 2 + rung_rng_below(rng, round % 5 == 4 ? 6 : 50);
    d->columns = 1 + rung_rng_below(rng, COLUMNS_MAX);
    for (size_t i = 0; i < d->rows * d->columns; i++)
        d->x[i] = rung_rng_normal(rng) + 3;
    for (size_t i = 0; i < d->rows; i++)
        d->y[i] = d->x[i] + rung_rng_normal(rng);
    for (size_t i = 0; i < d->rows; i++) {
        if (round % 5 == 1)
            d->x[i + d->rows * (d->columns - 1)] = .1;
        if (round % 5 == 2 && d->columns > 1)
            d->x[i + d->rows] = d->x[i] * 2 + .01 * d->x[i + d->rows];
    }
}

/* Centred, and standardised if asked for, in place; means and scales (0: constant) come back. */
static void centre(struct drawn *d, bool standardise, double *mean, double *scale)
{
    double n = (double)d->rows;

    for (size_t j = 0; j <= d->columns; j++) {
        double *column = j < d->columns ? d->x + j * d->rows : d->y, square = 0;
        mean[j] = 0;
        for (size_t i = 0; i < d->rows; i++)
            mean[j] += column[i] / n;
        for (size_t i = 0; i < d->rows; i++) {
            column[i] -= mean[j];
            square += column[i] * column[i] / n;
        }
        scale[j] = square < 1e-20 ? 0 : standardise && j < d->columns ? sqrt(square) : 1;
        for (size_t i = 0; i < d->rows; i++)
            column[i] = scale[j] > 0 ? column[i] / scale[j] : 0;
    }
}

/* Coordinate descent with a residual, as it is written down: the weights of centred columns. */
static void reference(const struct drawn *d, double alpha, double *w)
{
    double r[ROWS_MAX], n = (double)d->rows, change = 1;

    memcpy(r, d->y, sizeof r);
    memset(w, 0, d->columns * sizeof *w);
    for (int round = 0; round < 200000 && change > 1e-14; round++) {
        change = 0;
        for (size_t j = 0; j < d->columns; j++) {
            const double *x = d->x + j * d->rows;
            double square = 0, rho = 0;
            for (size_t i = 0; i < d->rows; i++) {
                square += x[i] * x[i];
                rho += x[i] * r[i];
            }
            if (square == 0)
                continue;
            rho += w[j] * square;
            double to = copysign(fmax(fabs(rho) - n * alpha, 0), rho) / square;
            for (size_t i = 0; i < d->rows; i++)
                r[i] += (w[j] - to) * x[i];
            change = fmax(change, fabs(to - w[j]));
            w[j] = to;
        }
    }
}

/* 1/(2n) |y - Xw|^2 + alpha |w|_1 */
static double objective(const struct drawn *d, double alpha, const double *w)
{
    double sum = 0;

    for (size_t i = 0; i < d->rows; i++) {
        double off = d->y[i];
        for (size_t j = 0; j < d->columns; j++)
            off -= d->x[i + j * d->rows] * w[j];
        sum += .5 * off * off / (double)d->rows;
    }
    for (size_t j = 0; j < d->columns; j++)
        sum += alpha * fabs(w[j]);
    return sum;
}

static void solutions_are_those_of_plain_descent(void **state)
{
    (void)state;
    struct rung_rng rng;
    rung_rng_init(&rng, 3, 0, "lasso");
    for (int round = 0; round < 200; round++) {
        struct drawn d;
        double alpha = .3 * rung_rng_uniform(&rng), w[COLUMNS_MAX], mean[COLUMNS_MAX + 1],
               scale[COLUMNS_MAX + 1];
        struct rung_lasso fit;
        struct rung_lasso_options options = {.standardise = round % 2 == 1};
        draw(&rng, round, &d);
        assert_int_equal(rung_lasso_fit(&fit, d.x, d.y, d.rows, d.columns, alpha, &options, NULL), 0);
        centre(&d, options.standardise, mean, scale);
        reference(&d, alpha, w);
        double intercept = mean[d.columns];
        for (size_t j = 0; j < d.columns; j++) {
            near(fit.weights[j] * scale[j], w[j], 1e-6);
            intercept -= fit.weights[j] * mean[j];
        }
        near(fit.intercept, intercept, 1e-9);
        near(fit.objective, objective(&d, alpha, w), 1e-10);
        rung_lasso_free(&fit);
    }
}

/* |x_j'r| <= n alpha, with equality and the weight's sign where it is not 0; and what any other weights reach
 * is no lower than the gap says. */
static void solutions_are_optimal(void **state)
{
    (void)state;
    struct rung_rng rng;
    rung_rng_init(&rng, 4, 0, "lasso");
    for (int round = 0; round < 200; round++) {
        struct drawn d;
        double alpha = .3 * rung_rng_uniform(&rng), w[COLUMNS_MAX], mean[COLUMNS_MAX + 1],
               scale[COLUMNS_MAX + 1], square = 0;
        struct rung_lasso fit;
        draw(&rng, round, &d);
        assert_int_equal(rung_lasso_fit(&fit, d.x, d.y, d.rows, d.columns, alpha, NULL, NULL), 0);
        centre(&d, false, mean, scale);
        double n = (double)d.rows;
        for (size_t i = 0; i < d.rows; i++)
            square += d.y[i] * d.y[i];
        assert_true(fit.gap >= 0 && fit.gap <= 1e-8 * square);
        for (size_t j = 0; j < d.columns; j++) {
            double along = 0;
            for (size_t i = 0; i < d.rows; i++) {
                double off = d.y[i];
                for (size_t k = 0; k < d.columns; k++)
                    off -= d.x[i + k * d.rows] * fit.weights[k];
                along += d.x[i + j * d.rows] * off;
            }
            if (fit.weights[j] != 0)
                near(along, copysign(n * alpha, fit.weights[j]), 1e-7 * n);
            else
                assert_true(fabs(along) <= n * alpha + 1e-7 * n);
            w[j] = fit.weights[j] + .1 * rung_rng_normal(&rng);
        }
        assert_true(objective(&d, alpha, w) >= fit.objective - fit.gap / n - 1e-12);
        near(fit.objective, objective(&d, alpha, fit.weights), 1e-12 * square);
        rung_lasso_free(&fit);
    }
}

/* Standardised columns do not depend on where and in what unit they are measured. */
static void units_do_not_matter(void **state)
{
    (void)state;
    struct rung_rng rng;
    struct rung_lasso one, other;
    struct rung_lasso_options standardise = {.standardise = true};
    struct drawn d, e;

    rung_rng_init(&rng, 5, 0, "lasso");
    for (int round = 0; round < 20; round++) {
        draw(&rng, 0, &d);
        e = d;
        for (size_t j = 0; j < e.columns; j++)
            for (size_t i = 0; i < e.rows; i++)
                e.x[i + j * e.rows] = pow(10, 3. * (double)j - 15) * (d.x[i + j * e.rows] + 100);
        assert_int_equal(rung_lasso_fit(&one, d.x, d.y, d.rows, d.columns, .05, &standardise, NULL), 0);
        assert_int_equal(rung_lasso_fit(&other, e.x, e.y, e.rows, e.columns, .05, &standardise, NULL), 0);
        for (size_t i = 0; i < d.rows; i++)
            near(rung_lasso_predict(&other, e.x + i, e.rows), rung_lasso_predict(&one, d.x + i, d.rows),
                 1e-8);
        rung_lasso_free(&one);
        rung_lasso_free(&other);
    }
}

/* ---- the choice of the penalty ---- */

enum { MANY = 700, WIDTH = 4, FOLDS = 3 };

/* Uneven folds in no order; one column differs from a constant in one fold alone. */
static void draw_folds(double *x, double *y, size_t *folds)
{
    struct rung_rng rng;
    rung_rng_init(&rng, 6, 0, "lasso");
    for (size_t i = 0; i < MANY; i++) {
        folds[i] = rung_rng_below(&rng, 8) < 5 ? 0 : rung_rng_below(&rng, 2) + 1;
        for (size_t j = 0; j < WIDTH; j++)
            x[i + j * MANY] = rung_rng_normal(&rng) * pow(10, (double)j) + 7;
        x[i + 3 * MANY] = folds[i] == 2 ? 1 : .1;
        y[i] = 3 + x[i] - .02 * x[i + MANY] + x[i + 3 * MANY] + rung_rng_normal(&rng);
    }
}

/* The mean squared error on a fold of what is fitted to a copy of the others' rows. */
static double error_on_fold(const double *x, const double *y, const size_t *folds, size_t fold, double alpha,
                            const struct rung_lasso_options *options)
{
    double *part = rung_mem_zalloc((size_t)MANY * WIDTH, sizeof *part),
           *target = rung_mem_zalloc(MANY, sizeof *target), sum = 0;
    size_t count = 0, row = 0;
    struct rung_lasso fit;

    for (size_t i = 0; i < MANY; i++)
        count += folds[i] != fold;
    for (size_t i = 0; i < MANY; i++) {
        if (folds[i] == fold)
            continue;
        for (size_t j = 0; j < WIDTH; j++)
            part[row + j * count] = x[i + j * MANY];
        target[row++] = y[i];
    }
    assert_int_equal(rung_lasso_fit(&fit, part, target, count, WIDTH, alpha, options, NULL), 0);
    for (size_t i = 0; i < MANY; i++)
        if (folds[i] == fold)
            sum += pow(y[i] - rung_lasso_predict(&fit, x + i, MANY), 2) / (double)(MANY - count);
    rung_lasso_free(&fit);
    free(part);
    free(target);
    return sum;
}

static void the_penalty_is_the_best_over_folds(void **state)
{
    (void)state;
    double *x = rung_mem_zalloc((size_t)MANY * WIDTH, sizeof *x), y[MANY];
    size_t folds[MANY], best = 0;
    struct rung_lasso fit, again;

    draw_folds(x, y, folds);
    for (int standardise = 0; standardise < 2; standardise++) {
        struct rung_lasso_options options = {.standardise = standardise, .path = 12, .path_ratio = 1e-4};
        double largest = rung_lasso_alpha_max(x, y, MANY, WIDTH, &options), errors[12];
        assert_int_equal(rung_lasso_fit_cv(&fit, x, y, MANY, WIDTH, folds, FOLDS, &options, NULL), 0);
        best = 0;
        for (size_t k = 0; k < 12; k++) {
            double alpha = largest * pow(1e-4, (double)k / 11);
            errors[k] = 0;
            for (size_t f = 0; f < FOLDS; f++)
                errors[k] += error_on_fold(x, y, folds, f, alpha, &options) / FOLDS;
            best = errors[k] < errors[best] ? k : best;
        }
        assert_true(best > 0);
        near(fit.alpha, largest * pow(1e-4, (double)best / 11), 1e-12 * largest);
        near(fit.cv_error, errors[best], 1e-9);
        assert_int_equal(rung_lasso_fit(&again, x, y, MANY, WIDTH, fit.alpha, &options, NULL), 0);
        for (size_t j = 0; j < WIDTH; j++)
            near(fit.weights[j], again.weights[j], 1e-9);
        rung_lasso_free(&again);
        rung_lasso_free(&fit);
    }
    free(x);
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
    y[3] = 1e101;
    assert_int_equal(rung_lasso_fit(&fit, x, y, 12, 1, 1, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "lasso: the target of row 3 is beyond 1e100");
    y[3] = 0;
    x[5] = -INFINITY;
    assert_int_equal(rung_lasso_fit(&fit, x, y, 12, 1, 1, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "lasso: row 5 has a value that is not finite");
    x[5] = 5;
    assert_int_equal(rung_lasso_fit(&fit, x, y, 12, 1, -1, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "lasso: a penalty of -1 is not one of 0 or more");
    assert_int_equal(rung_lasso_fit(&fit, x, y, 0, 1, 1, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "lasso: no observations");
}

/* Equal targets, equal rows, one row, a column twice: a number each time. */
static void little_to_go_on(void **state)
{
    (void)state;
    struct rung_lasso fit;
    double x[24], y[12];
    size_t folds[12];

    for (size_t i = 0; i < 12; i++) {
        x[i] = (double)i;
        y[i] = .1;
        folds[i] = i % 3;
    }
    assert_int_equal(rung_lasso_fit_cv(&fit, x, y, 12, 1, folds, 3, NULL, NULL), 0);
    assert_true(fit.weights[0] == 0 && fit.intercept == .1 && fit.cv_error == 0);
    rung_lasso_free(&fit);
    for (size_t i = 0; i < 12; i++) {
        x[i] = x[i + 12] = .3;
        y[i] = (double)i;
    }
    assert_int_equal(rung_lasso_fit_cv(&fit, x, y, 12, 2, folds, 3, NULL, NULL), 0);
    assert_true(fit.weights[0] == 0 && fit.weights[1] == 0);
    near(fit.intercept, 5.5, 1e-12);
    rung_lasso_free(&fit);
    assert_int_equal(rung_lasso_fit(&fit, x, y + 7, 1, 1, 0, NULL, NULL), 0);
    assert_true(fit.weights[0] == 0 && fit.intercept == 7 && fit.objective == 0);
    rung_lasso_free(&fit);
    for (size_t i = 0; i < 12; i++) { /* the same but for rounding */
        x[i] = i % 2 ? .3 : .1 + .2;
        y[i] = (double)(i % 2);
    }
    assert_int_equal(
        rung_lasso_fit(&fit, x, y, 12, 1, .01, &(struct rung_lasso_options){.standardise = true}, NULL), 0);
    assert_true(fit.weights[0] == 0 && fit.intercept == .5);
    rung_lasso_free(&fit);
    for (size_t i = 0; i < 12; i++)
        x[i] = x[i + 12] = y[i] = (double)i;
    assert_int_equal(rung_lasso_fit(&fit, x, y, 12, 2, 0, NULL, NULL), 0);
    near(fit.weights[0] + fit.weights[1], 1, 1e-9);
    rung_lasso_free(&fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_rows),
        cmocka_unit_test(solutions_are_those_of_plain_descent),
        cmocka_unit_test(solutions_are_optimal),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(the_penalty_is_the_best_over_folds),
        cmocka_unit_test(degrees_of_parallelism),
        cmocka_unit_test(what_cannot_be_fitted_is_said),
        cmocka_unit_test(little_to_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
