/* Experiment design: the published problem, constraints, and candidates that tell nothing new. */
#include "cost/design.h"

#include <cmocka.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

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

static void values_of_ernest(void **state)
{
    (void)state;
    struct rung_design_candidates c;
    struct rung_design design;

    rung_design_candidates_make(&c, &grid);
    assert_int_equal(rung_design_optimise(&design, c.matrix, c.costs, c.count, 4, 10, RUNG_DESIGN_A, NULL),
                     0);
    near(design.value, 6.536763, 1e-5);
    near(design.cost, 10, 1e-9);
    assert_true(design.gap < 1e-5);
    rung_design_free(&design);
    assert_int_equal(rung_design_optimise(&design, c.matrix, c.costs, c.count, 4, 10, RUNG_DESIGN_D, NULL),
                     0);
    near(design.value, -4.201182, 1e-5);
    assert_true(design.gap < 1e-5);
    for (size_t i = 0; i < c.count; i++)
        assert_true(design.weights[i] >= 0 && design.weights[i] <= 1);
    rung_design_free(&design);
    rung_design_candidates_free(&c);
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_have_work_for_all_cores),
        cmocka_unit_test(values_of_ernest),
        cmocka_unit_test(dependent_columns_are_left_out),
        cmocka_unit_test(what_cannot_be_designed_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
