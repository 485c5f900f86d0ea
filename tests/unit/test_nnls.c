/* Non-negative least squares: published values, and the conditions that a solution must meet. */
#include "cost/nnls.h"

#include "base/mem.h"
#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

/* Times of 1, 2, 4, 8 machines; columns 1, 1/m, log m, m. */
static void a_bound_that_holds(void **state)
{
    (void)state;
    static const double m[] = {1, 2, 4, 8}, t[] = {4, 2.2, 1.2, .6};
    double a[16], x[4], residual;

    for (size_t i = 0; i < 4; i++) {
        a[i] = 1;
        a[i + 4] = 1 / m[i];
        a[i + 8] = log(m[i]);
        a[i + 12] = m[i];
    }
    assert_int_equal(rung_nnls(a, 4, 4, t, x, &residual, NULL), 0);
    near(x[0], .2, 1e-10);
    near(x[1], 3.84, 1e-10);
    assert_true(x[2] == 0 && x[3] == 0);
    near(residual, .126491, 1e-6);
    assert_int_equal(rung_least_squares(a, 4, 4, t, x, NULL, NULL), 0);
    near(x[0], .8, 1e-9);
    near(x[1], 3.2, 1e-9);
    near(x[2], -.288539, 1e-6);
    near(x[3], 0, 1e-9);
}

/* Karush, Kuhn and Tucker: where x is above 0 the gradient is 0, elsewhere it does not point inwards. */
static void check_conditions(const double *a, size_t rows, size_t columns, const double *t, const double *x)
{
    double target = 0;

    for (size_t i = 0; i < rows; i++)
        target += t[i] * t[i];
    for (size_t j = 0; j < columns; j++) {
        double w = 0, norm = 0;
        for (size_t i = 0; i < rows; i++) {
            double r = t[i];
            for (size_t k = 0; k < columns; k++)
                r -= a[i + k * rows] * x[k];
            w += a[i + j * rows] * r;
            norm += a[i + j * rows] * a[i + j * rows];
        }
        double within = 1e-11 * sqrt(norm * target);
        assert_true(x[j] >= 0 && isfinite(x[j]));
        assert_true(norm > 0 || x[j] == 0);
        if (x[j] > 0)
            near(w, 0, within);
        else
            assert_true(w <= within);
    }
}

enum shape { PLAIN, POSITIVE, ZERO_COLUMN, SAME_COLUMNS, LOW_RANK, WIDE, SIZES, SMALL_TARGET, SHAPES };

static void draw(struct rung_rng *rng, enum shape shape, double *a, size_t rows, size_t columns, double *t)
{
    for (size_t i = 0; i < rows * columns; i++)
        a[i] = rung_rng_normal(rng) + (shape == POSITIVE ? 1 : 0);
    for (size_t i = 0; i < rows; i++)
        t[i] = (5 * rung_rng_normal(rng) + 2) * (shape == SMALL_TARGET ? 1e-12 : 1);
    if (shape == ZERO_COLUMN)
        memset(a + rows * (columns / 2), 0, rows * sizeof *a);
    for (size_t i = 0; i < rows && columns > 1 && shape == SAME_COLUMNS; i++)
        a[i + rows] = 1e3 * a[i];
    for (size_t j = 2; j < columns && shape == LOW_RANK; j++)
        for (size_t i = 0; i < rows; i++)
            a[i + j * rows] = a[i] * cos((double)j) + a[i + rows] * sin((double)j);
    for (size_t j = 0; j < columns && shape == SIZES; j++)
        for (size_t i = 0; i < rows; i++)
            a[i + j * rows] *= pow(10, 8 - 4. * (double)(j % 5));
}

static void solutions_meet_the_conditions(void **state)
{
    (void)state;
    struct rung_rng rng;
    rung_rng_init(&rng, 7, 0, "nnls");
    for (int round = 0; round < 800; round++) {
        enum shape shape = (enum shape)(round % SHAPES);
        size_t rows = 1 + rung_rng_below(&rng, shape == WIDE ? 6 : 30),
               columns = shape == WIDE ? 60 : 1 + rung_rng_below(&rng, 12);
        double *a = rung_mem_zalloc(rows * columns, sizeof *a), *t = rung_mem_zalloc(rows, sizeof *t);
        double *x = rung_mem_zalloc(columns, sizeof *x);
        draw(&rng, shape, a, rows, columns, t);
        assert_int_equal(rung_nnls(a, rows, columns, t, x, NULL, NULL), 0);
        check_conditions(a, rows, columns, t, x);
        free(a);
        free(t);
        free(x);
    }
}

/* The least residual of all sets of columns whose own least squares solution is not negative. */
static double best_of_sets(const double *a, size_t rows, size_t columns, const double *t)
{
    double *part = rung_mem_zalloc(rows * columns, sizeof *part), x[8], residual, best = 0;

    for (size_t i = 0; i < rows; i++)
        best += t[i] * t[i];
    best = sqrt(best);
    for (unsigned set = 1; set < 1u << columns; set++) {
        size_t count = 0;
        bool positive = true;
        for (size_t j = 0; j < columns; j++)
            if (set >> j & 1)
                memcpy(part + rows * count++, a + rows * j, rows * sizeof *a);
        assert_int_equal(rung_least_squares(part, rows, count, t, x, &residual, NULL), 0);
        for (size_t k = 0; k < count; k++)
            positive = positive && x[k] >= 0;
        if (positive)
            best = fmin(best, residual);
    }
    free(part);
    return best;
}

static void no_set_of_columns_is_better(void **state)
{
    (void)state;
    struct rung_rng rng;
    rung_rng_init(&rng, 8, 0, "nnls");
    for (int round = 0; round < 160; round++) {
        size_t rows = 1 + rung_rng_below(&rng, 20), columns = 1 + rung_rng_below(&rng, 6);
        double *a = rung_mem_zalloc(rows * columns, sizeof *a), *t = rung_mem_zalloc(rows, sizeof *t);
        double x[8], residual;
        draw(&rng, (enum shape)(round % WIDE), a, rows, columns, t);
        assert_int_equal(rung_nnls(a, rows, columns, t, x, &residual, NULL), 0);
        near(residual, best_of_sets(a, rows, columns, t), 1e-10);
        free(a);
        free(t);
    }
}

/* A unit is a unit: seconds or nanoseconds, examples or millions of them. */
static void units_do_not_matter(void **state)
{
    (void)state;
    double a[24], t[8], x[3], y[3], residual, other;
    struct rung_rng rng;

    rung_rng_init(&rng, 9, 0, "nnls");
    draw(&rng, POSITIVE, a, 8, 3, t);
    assert_int_equal(rung_nnls(a, 8, 3, t, x, &residual, NULL), 0);
    for (size_t i = 0; i < 8; i++) {
        a[i] *= 1e90;
        a[i + 8] *= 1e-120;
        t[i] *= 1e-20;
    }
    assert_int_equal(rung_nnls(a, 8, 3, t, y, &other, NULL), 0);
    near(y[0] * 1e110, x[0], 1e-12 * (x[0] + 1));
    near(y[1] * 1e-100, x[1], 1e-12 * (x[1] + 1));
    near(y[2] * 1e20, x[2], 1e-12 * (x[2] + 1));
    near(other * 1e20, residual, 1e-12 * residual);
}

static void small_coefficients_are_found(void **state)
{
    (void)state;
    double a[24], t[8], x[3];
    struct rung_rng rng;

    rung_rng_init(&rng, 10, 0, "nnls");
    draw(&rng, PLAIN, a, 8, 3, t);
    for (size_t i = 0; i < 8; i++)
        t[i] = a[i] + 1e-9 * a[i + 8];
    assert_int_equal(rung_nnls(a, 8, 3, t, x, NULL, NULL), 0);
    near(x[0], 1, 1e-13);
    near(x[1], 1e-9, 1e-13);
    near(x[2], 0, 1e-13);
}

static void nothing_to_explain_and_nothing_that_explains(void **state)
{
    (void)state;
    double a[] = {1, 2, 3, 0, 0, 0}, t[] = {0, 0, 0}, x[2], residual;

    assert_int_equal(rung_nnls(a, 3, 2, t, x, &residual, NULL), 0);
    assert_true(x[0] == 0 && x[1] == 0 && residual == 0);
    t[0] = t[1] = t[2] = -2;
    assert_int_equal(rung_nnls(a, 3, 2, t, x, &residual, NULL), 0);
    assert_true(x[0] == 0 && x[1] == 0);
    near(residual, sqrt(12), 1e-12);
    assert_int_equal(rung_nnls(a + 3, 3, 1, t, x, &residual, NULL), 0);
    assert_true(x[0] == 0);
    t[0] = 5; /* one row */
    assert_int_equal(rung_nnls(a + 1, 1, 1, t, x, &residual, NULL), 0);
    near(x[0], 2.5, 1e-14);
    near(residual, 0, 1e-14);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    struct rung_err err;
    double a[] = {1, NAN}, t[] = {1, 2}, x;

    assert_int_equal(rung_nnls(a, 2, 1, t, &x, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "least squares: row 1 has a value that is not finite");
    a[1] = 1;
    t[0] = INFINITY;
    assert_int_equal(rung_nnls(a, 2, 1, t, &x, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "least squares: the target of row 0 is not finite");
    assert_int_equal(rung_nnls(a, 0, 1, t, &x, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "least squares: no observations");
    t[0] = a[0] = a[1] = 1.5e308; /* no norm */
    assert_int_equal(rung_nnls(a, 2, 1, t, &x, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "least squares: values are too large or too different in size");
    a[0] = a[1] = 1e-300; /* no quotient */
    t[0] = t[1] = 1e300;
    assert_int_equal(rung_least_squares(a, 2, 1, t, &x, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "least squares: values are too large or too different in size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_that_holds),
        cmocka_unit_test(solutions_meet_the_conditions),
        cmocka_unit_test(no_set_of_columns_is_better),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(small_coefficients_are_found),
        cmocka_unit_test(nothing_to_explain_and_nothing_that_explains),
        cmocka_unit_test(what_is_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
