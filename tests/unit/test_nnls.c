/* Non-negative least squares: published values, and the conditions that a solution must meet. */
#include "cost/nnls.h"

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
    for (size_t j = 0; j < columns; j++) {
        double w = 0, scale = 0;
        for (size_t i = 0; i < rows; i++) {
            double r = t[i];
            for (size_t k = 0; k < columns; k++)
                r -= a[i + k * rows] * x[k];
            w += a[i + j * rows] * r;
            scale += fabs(a[i + j * rows]) * (1 + fabs(t[i]));
        }
        assert_true(x[j] >= 0);
        if (x[j] > 0)
            near(w, 0, 1e-9 * (scale + 1));
        else
            assert_true(w <= 1e-9 * (scale + 1));
    }
}

static void solutions_meet_the_conditions(void **state)
{
    (void)state;
    struct rung_rng rng;
    rung_rng_init(&rng, 7, 0, "nnls");
    for (int round = 0; round < 400; round++) {
        size_t rows = 1 + rung_rng_below(&rng, 30), columns = 1 + rung_rng_below(&rng, 12);
        double *a = rung_mem_zalloc(rows * columns, sizeof *a), *t = rung_mem_zalloc(rows, sizeof *t);
        double *x = rung_mem_zalloc(columns, sizeof *x);
        for (size_t i = 0; i < rows * columns; i++)
            a[i] = rung_rng_normal(&rng) + (round % 3 == 0 ? 1 : 0);
        for (size_t i = 0; i < rows; i++)
            t[i] = 5 * rung_rng_normal(&rng) + 2;
        if (round % 4 == 1) /* a column of zeros */
            memset(a + rows * (columns / 2), 0, rows * sizeof *a);
        if (round % 4 == 2 && columns > 1) /* two that are the same but for their length */
            for (size_t i = 0; i < rows; i++)
                a[i + rows] = 1e3 * a[i];
        assert_int_equal(rung_nnls(a, rows, columns, t, x, NULL, NULL), 0);
        check_conditions(a, rows, columns, t, x);
        free(a);
        free(t);
        free(x);
    }
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_that_holds),
        cmocka_unit_test(solutions_meet_the_conditions),
        cmocka_unit_test(what_is_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
