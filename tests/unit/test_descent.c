/* Coordinate descent on products of columns: it ends, soon, where nothing can be gained any more. */
#include "cost/descent.h"

#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { N = 30, ROWS = 200 };

/* Powers of numbers in [0, 1], each of norm 1: columns that nearly depend on each other. */
static double draw(double *gram, double *cross)
{
    static double x[ROWS][N];
    struct rung_rng rng;
    double square = 0;

    rung_rng_init(&rng, 1, 0, "descent");
    for (size_t j = 0; j < N; j++) {
        double norm = 0;
        for (size_t i = 0; i < ROWS; i++) {
            x[i][j] = pow((double)(i + 1) / ROWS, (double)j / 4 + .5);
            norm += x[i][j] * x[i][j];
        }
        for (size_t i = 0; i < ROWS; i++)
            x[i][j] /= sqrt(norm);
        cross[j] = 0;
    }
    for (size_t i = 0; i < ROWS; i++) {
        double y = sin(6. * (double)i / ROWS) + .01 * rung_rng_normal(&rng);
        square += y * y;
        for (size_t j = 0; j < N; j++)
            cross[j] += x[i][j] * y;
    }
    for (size_t j = 0; j < N; j++)
        for (size_t k = 0; k < N; k++) {
            gram[j + k * N] = 0;
            for (size_t i = 0; i < ROWS; i++)
                gram[j + k * N] += x[i][j] * x[i][k];
        }
    return square;
}

/* At 0 the residual is y; scaled by s it is dual feasible, and the gap is half of (1 - s)^2 of its square. */
static void the_gap_where_it_starts(void **state)
{
    (void)state;
    double gram[N * N], cross[N], square = draw(gram, cross), largest = 0;
    struct rung_descent at;

    for (size_t j = 0; j < N; j++)
        largest = fmax(largest, fabs(cross[j]));
    rung_descent_start(&at, gram, cross, square, N);
    assert_true(rung_descent_residual(&at) == square);
    for (double s = .125; s < 1; s *= 2)
        assert_true(fabs(rung_descent_gap(&at, s * largest) - .5 * square * (1 - s) * (1 - s)) <
                    1e-12 * square);
    assert_true(rung_descent_gap(&at, 2 * largest) < 1e-12 * square);
    rung_descent_stop(&at);
}

/* Down a path of penalties, to where coordinates alone would take more than 20,000 sweeps. */
static void columns_that_nearly_depend(void **state)
{
    (void)state;
    double gram[N * N], cross[N], square = draw(gram, cross), last = INFINITY;
    struct rung_descent at;

    rung_descent_start(&at, gram, cross, square, N);
    for (int k = 0; k <= 50; k++) {
        double penalty = pow(10, 1 - k / 10.);
        size_t sweeps = rung_descent_run(&at, penalty, 1e-8, 20000);
        assert_true(sweeps < 20000);
        assert_true(rung_descent_gap(&at, penalty) <= 1e-8 * square);
        assert_true(rung_descent_residual(&at) <= last * (1 + 1e-9)); /* less penalty, less residual */
        last = rung_descent_residual(&at);
        for (size_t j = 0; j < N; j++) {
            double q = cross[j];
            for (size_t i = 0; i < N; i++)
                q -= gram[j + i * N] * at.w[i];
            assert_true(fabs(q - at.q[j]) < 1e-10);
            assert_true(fabs(q) <= penalty * (1 + 1e-3) + 1e-9);
        }
    }
    rung_descent_stop(&at);
}

static void a_column_that_is_there_twice_and_one_of_zeros(void **state)
{
    (void)state;
    const double gram[] = {4, 4, 0, 4, 4, 0, 0, 0, 0}, cross[] = {8, 8, 0};
    struct rung_descent at;

    rung_descent_start(&at, gram, cross, 16, 3);
    rung_descent_run(&at, 4, 1e-10, 100);
    assert_true(fabs(at.w[0] + at.w[1] - 1) < 1e-9); /* (8 - 4) / 4 */
    assert_true(at.w[2] == 0 && isfinite(rung_descent_gap(&at, 4)));
    rung_descent_run(&at, 0, 1e-10, 100);
    assert_true(fabs(at.w[0] + at.w[1] - 2) < 1e-9);
    assert_true(rung_descent_residual(&at) < 1e-9);
    rung_descent_stop(&at);
}

static void no_more_sweeps_than_allowed(void **state)
{
    (void)state;
    double gram[N * N], cross[N], square = draw(gram, cross);
    struct rung_descent at;

    for (size_t most = 0; most <= 6; most++) {
        rung_descent_start(&at, gram, cross, square, N);
        size_t sweeps = rung_descent_run(&at, 1e-6, 1e-14, most);
        assert_int_equal(sweeps, most);
        rung_descent_stop(&at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gap_where_it_starts),
        cmocka_unit_test(columns_that_nearly_depend),
        cmocka_unit_test(a_column_that_is_there_twice_and_one_of_zeros),
        cmocka_unit_test(no_more_sweeps_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
