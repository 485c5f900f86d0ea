/* Experiment design: the published problem, constraints, and candidates that tell nothing new. */
#include "cost/design.h"

#include "base/mem.h"
#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.12g is not within %g of %.12g", value, within, expected);
}

static const struct rung_design_grid grid = {4, 16, 64, 4, 1, 8, 2};

static void candidates_have_work_for_all_cores(void **state)
{
    (void)state;
    struct rung_design_candidates c;
    static const double means[] = {1, .07465, 3.5, 1.052753};

    rung_design_candidates_make(&c, &grid);
    assert_int_equal(c.count, 20);
    for (size_t j = 0; j < 4; j++) {
        double mean = 0;
        for (size_t i = 0; i < c.count; i++)
            mean += c.matrix[i + j * c.count] / (double)c.count;
        near(mean, means[j], 5e-6);
    }
    rung_design_candidates_free(&c);
}

/* What is minimised, by Gauss and Jordan: trace of the inverse, or -log det, of the weighted sum of products
 * of the columns divided by their means. */
static double value_of(const double *matrix, size_t n, size_t k, const double *weights,
                       enum rung_design_kind kind)
{
    double m[8][16] = {{0}}, mean[8] = {0}, trace = 0, log_det = 0;

    for (size_t j = 0; j < k; j++)
        for (size_t i = 0; i < n; i++)
            mean[j] += matrix[i + j * n] / (double)n;
    for (size_t a = 0; a < k; a++) {
        for (size_t b = 0; b < k; b++)
            for (size_t i = 0; i < n; i++)
                m[a][b] += weights[i] * matrix[i + a * n] / mean[a] * matrix[i + b * n] / mean[b];
        m[a][k + a] = 1;
    }
    for (size_t a = 0; a < k; a++) { /* positive definite: no pivoting */
        double pivot = m[a][a];
        log_det += log(pivot);
        for (size_t c = 0; c < 2 * k; c++)
            m[a][c] /= pivot;
        for (size_t r = 0; r < k; r++) {
            double factor = m[r][a];
            for (size_t c = 0; c < 2 * k && r != a; c++)
                m[r][c] -= factor * m[a][c];
        }
    }
    for (size_t a = 0; a < k; a++)
        trace += m[a][k + a];
    return kind == RUNG_DESIGN_A ? trace : -log_det;
}

/* Weights that are allowed: drawn, and brought down to the budget. */
static void draw_weights(struct rung_rng *rng, const double *costs, size_t count, double budget,
                         double *weights)
{
    double cost = 0;

    for (size_t i = 0; i < count; i++) {
        weights[i] = pow(rung_rng_uniform(rng), 3);
        cost += weights[i] * costs[i];
    }
    for (size_t i = 0; i < count && cost > budget; i++)
        weights[i] *= budget / cost;
}

static void check_allowed(const struct rung_design *design, const double *costs, double budget)
{
    double cost = 0;

    for (size_t i = 0; i < design->candidates; i++) {
        assert_true(design->weights[i] >= 0 && design->weights[i] <= 1);
        cost += design->weights[i] * costs[i];
    }
    near(design->cost, cost, 1e-12 * cost);
    assert_true(cost <= budget * (1 + 1e-9));
    assert_true(isfinite(design->value) && design->gap >= -1e-9);
}

static void values_of_ernest(void **state)
{
    (void)state;
    static const double values[] = {6.536763, -4.201182};
    struct rung_design_candidates c;
    struct rung_design design;
    struct rung_rng rng;
    double weights[20];

    rung_rng_init(&rng, 1, 0, "design");
    rung_design_candidates_make(&c, &grid);
    for (enum rung_design_kind kind = RUNG_DESIGN_A; kind <= RUNG_DESIGN_D; kind++) {
        assert_int_equal(rung_design_optimise(&design, c.matrix, c.costs, c.count, 4, 10, kind, NULL), 0);
        near(design.value, values[kind], 5e-7);
        near(design.value, value_of(c.matrix, c.count, 4, design.weights, kind), 1e-9);
        near(design.cost, 10, 1e-9);
        assert_true(design.gap < 2e-6);
        assert_int_equal(design.columns, 4);
        check_allowed(&design, c.costs, 10);
        for (int round = 0; round < 200; round++) {
            draw_weights(&rng, c.costs, c.count, 10, weights);
            assert_true(value_of(c.matrix, c.count, 4, weights, kind) >= design.value - design.gap);
        }
        rung_design_free(&design);
    }
    rung_design_candidates_free(&c);
}

static void no_other_weights_are_better_than_the_gap_says(void **state)
{
    (void)state;
    enum { N = 40, K = 5 };
    struct rung_rng rng;
    double matrix[N * K], costs[N], weights[N];
    struct rung_design design;

    rung_rng_init(&rng, 2, 0, "design");
    for (int round = 0; round < 40; round++) {
        enum rung_design_kind kind = round % 2 ? RUNG_DESIGN_A : RUNG_DESIGN_D;
        double budget = 1 + 30 * rung_rng_uniform(&rng);
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < K; j++)
                matrix[i + j * N] =
                    j == 0 ? 1 : pow(10, (double)j) * (rung_rng_uniform(&rng) + (j == 4 ? -.3 : .1));
            costs[i] = .1 + rung_rng_uniform(&rng);
        }
        assert_int_equal(rung_design_optimise(&design, matrix, costs, N, K, budget, kind, NULL), 0);
        check_allowed(&design, costs, budget);
        near(design.value, value_of(matrix, N, K, design.weights, kind), 1e-8 * fmax(1, fabs(design.value)));
        assert_true(design.gap <= 1e-6 * fmax(1, fabs(design.value)));
        for (int k = 0; k < 50; k++) {
            draw_weights(&rng, costs, N, budget, weights);
            assert_true(value_of(matrix, N, K, weights, kind) >= design.value - design.gap);
        }
        rung_design_free(&design);
    }
}

static void what_can_be_paid_is_measured(void **state)
{
    (void)state;
    struct rung_design_candidates c;
    struct rung_design design;

    rung_design_candidates_make(&c, &grid);
    assert_int_equal(rung_design_optimise(&design, c.matrix, c.costs, c.count, 4, 1e6, RUNG_DESIGN_A, NULL),
                     0);
    for (size_t i = 0; i < c.count; i++)
        assert_true(design.weights[i] == 1);
    rung_design_free(&design);
    rung_design_candidates_free(&c);
}

static void the_largest_weights_are_picked(void **state)
{
    (void)state;
    double weights[] = {.2, .9, .30001, .3, .9, 1};
    struct rung_design design = {.weights = weights, .candidates = 6};
    size_t which[6];

    assert_int_equal(rung_design_pick(&design, .3, which), 4);
    assert_int_equal(which[0], 5);
    assert_int_equal(which[1], 1);
    assert_int_equal(which[2], 4);
    assert_int_equal(which[3], 2);
    assert_int_equal(rung_design_pick(&design, -1, which), 6);
    assert_int_equal(which[5], 0);
}

/* Models of a search: an intercept, numbers in [0, 1], levels of which one is always on, columns of zeros,
 * columns whose mean is 0, and more columns than candidates: always weights, and a value that is a number. */
static void whatever_the_columns(void **state)
{
    (void)state;
    struct rung_rng rng;
    rung_rng_init(&rng, 3, 0, "design");
    for (int round = 0; round < 60; round++) {
        size_t n = 1 + rung_rng_below(&rng, 80), k = 1 + rung_rng_below(&rng, 60);
        double *matrix = rung_mem_zalloc(n * k, sizeof *matrix), *costs = rung_mem_zalloc(n, sizeof *costs);
        struct rung_design design;
        for (size_t i = 0; i < n; i++) {
            size_t level = rung_rng_below(&rng, 3);
            for (size_t j = 0; j < k; j++) {
                double u = rung_rng_uniform(&rng);
                matrix[i + j * n] = j == 0           ? 1
                                    : j <= 3         ? j - 1 == level
                                    : j % 7 == 0     ? 0
                                    : j % 7 == 1     ? (i % 2 ? -1 : 1) * (double)j
                                    : j % 7 == 2     ? 1e-60 * u
                                    : j % 7 == 3     ? matrix[i + (j - 1) * n] * 3 + 1e-14 * u
                                    : round % 2 == 0 ? u
                                                     : matrix[i + (j / 2) * n] + 1e-9 * u;
            }
            costs[i] = round % 3 == 0 ? 1 : .01 + rung_rng_uniform(&rng);
        }
        enum rung_design_kind kind = round % 2 ? RUNG_DESIGN_A : RUNG_DESIGN_D;
        double budget = 1 + 10 * rung_rng_uniform(&rng);
        assert_int_equal(rung_design_optimise(&design, matrix, costs, n, k, budget, kind, NULL), 0);
        assert_true(design.columns >= 1 && design.columns <= k && design.columns <= n);
        check_allowed(&design, costs, budget);
        rung_design_free(&design);
        free(matrix);
        free(costs);
    }
}

/* A column that says what others say, one of zeros, and one that never changes beside the constant. */
static void dependent_columns_are_left_out(void **state)
{
    (void)state;
    enum { N = 12 };
    double matrix[N * 5], costs[N];
    struct rung_design design;

    for (size_t i = 0; i < N; i++) {
        double x = (double)(i % 4) / 3;
        matrix[i] = 1;
        matrix[i + N] = x;
        matrix[i + 2 * N] = 1 - x;
        matrix[i + 3 * N] = 0;
        matrix[i + 4 * N] = 7;
        costs[i] = 1;
    }
    assert_int_equal(rung_design_optimise(&design, matrix, costs, N, 5, 4, RUNG_DESIGN_D, NULL), 0);
    assert_int_equal(design.columns, 2);
    near(design.cost, 4, 1e-9);
    double ends = 0; /* a line is best measured at its ends */
    for (size_t i = 0; i < N; i++)
        ends += i % 4 == 0 || i % 4 == 3 ? design.weights[i] : 0;
    near(ends, 4, 1e-2);
    rung_design_free(&design);
}

/* +.3 and -.3, but for rounding, have a mean of about 1e-17: nothing to divide by. */
static void a_column_whose_mean_is_rounding(void **state)
{
    (void)state;
    enum { N = 10 };
    double matrix[N * 2], costs[N];
    struct rung_design design;

    for (size_t i = 0; i < N; i++) {
        matrix[i] = costs[i] = 1;
        matrix[i + N] = i % 2 ? .1 + .2 : -.3;
    }
    assert_int_equal(rung_design_optimise(&design, matrix, costs, N, 2, 4, RUNG_DESIGN_A, NULL), 0);
    assert_int_equal(design.columns, 2);
    near(design.value, .5, 1e-6); /* two effects, each from four measurements */
    rung_design_free(&design);
}

static void what_cannot_be_designed_is_said(void **state)
{
    (void)state;
    double matrix[] = {1, NAN}, costs[] = {1, 1};
    struct rung_design design;
    struct rung_err err;

    assert_int_equal(rung_design_optimise(&design, matrix, costs, 0, 1, 1, RUNG_DESIGN_A, &err), RUNG_EUSE);
    assert_string_equal(err.text, "experiment design: no candidates");
    assert_int_equal(rung_design_optimise(&design, matrix, costs, 2, 1, 1, RUNG_DESIGN_A, &err), RUNG_EUSE);
    assert_string_equal(err.text, "experiment design: candidate 1 has a value that is not finite");
    matrix[1] = 1;
    costs[0] = 0;
    assert_int_equal(rung_design_optimise(&design, matrix, costs, 2, 1, 1, RUNG_DESIGN_A, &err), RUNG_EUSE);
    assert_string_equal(err.text, "experiment design: candidate 0 has a cost that is not above 0");
    costs[0] = 1;
    assert_int_equal(rung_design_optimise(&design, matrix, costs, 2, 1, 1, RUNG_DESIGN_A, &err), 0);
    near(design.value, 1, 1e-6); /* one measurement of one constant */
    rung_design_free(&design);
    matrix[0] = matrix[1] = 0;
    assert_int_equal(rung_design_optimise(&design, matrix, costs, 2, 1, 1, RUNG_DESIGN_A, &err), RUNG_EUSE);
    assert_string_equal(err.text, "experiment design: all values are 0");
    rung_design_free(&design);
    assert_int_equal(rung_design_optimise(&design, matrix, costs, 2, 1, 0, RUNG_DESIGN_A, &err), RUNG_EUSE);
    assert_string_equal(err.text, "experiment design: a budget that is not above 0");
    matrix[0] = -2e100;
    assert_int_equal(rung_design_optimise(&design, matrix, costs, 2, 1, 1, RUNG_DESIGN_A, &err), RUNG_EUSE);
    assert_string_equal(err.text, "experiment design: candidate 0 has a value that is beyond 1e100");
}

/* One number of machines: m and log m never change beside the constant; and grids that hold nothing. */
static void small_grids(void **state)
{
    (void)state;
    struct rung_design_grid one = grid, none = grid;
    struct rung_design_candidates c;
    struct rung_design design;

    one.machines_min = one.machines_max = 1;
    rung_design_candidates_make(&c, &one);
    assert_int_equal(c.count, 4);
    assert_int_equal(rung_design_optimise(&design, c.matrix, c.costs, c.count, 4, 5, RUNG_DESIGN_A, NULL), 0);
    assert_int_equal(design.columns, 2);
    check_allowed(&design, c.costs, 5);
    rung_design_free(&design);
    rung_design_candidates_free(&c);
    none.machines_min = 9;
    rung_design_candidates_make(&c, &none);
    assert_int_equal(c.count, 0);
    rung_design_candidates_free(&c);
    none.machines_min = 0;
    rung_design_candidates_make(&c, &none);
    assert_int_equal(c.count, 0);
    rung_design_candidates_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_have_work_for_all_cores),
        cmocka_unit_test(values_of_ernest),
        cmocka_unit_test(no_other_weights_are_better_than_the_gap_says),
        cmocka_unit_test(what_can_be_paid_is_measured),
        cmocka_unit_test(the_largest_weights_are_picked),
        cmocka_unit_test(whatever_the_columns),
        cmocka_unit_test(dependent_columns_are_left_out),
        cmocka_unit_test(a_column_whose_mean_is_rounding),
        cmocka_unit_test(what_cannot_be_designed_is_said),
        cmocka_unit_test(small_grids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
