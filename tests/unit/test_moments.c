/* Means and products of rows: joined from groups they are those of the rows themselves. */
#include "cost/moments.h"

#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROWS = 900, COLUMNS = 3, WIDTH = COLUMNS + 1, GROUPS = 4 };

static void near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.17g is not within %g of %.17g", value, within, expected);
}

/* Column 1 is far from 0 beside its spread, column 2 a constant of its own in every group; no row is of
 * group 2. */
static void draw(double *x, double *y, size_t *group)
{
    struct rung_rng rng;

    rung_rng_init(&rng, 1, 0, "moments");
    for (size_t i = 0; i < ROWS; i++) {
        group[i] = rung_rng_below(&rng, 3);
        group[i] += group[i] == 2;
        x[i] = rung_rng_normal(&rng) + (double)group[i];
        x[i + ROWS] = 1e6 + rung_rng_normal(&rng);
        x[i + 2 * ROWS] = group[i] == 3 ? .7 : .1;
        y[i] = x[i] - x[i + ROWS] + rung_rng_normal(&rng);
    }
}

/* Two passes in long double over the rows of all groups but `without`. */
static void check_against_rows(const struct rung_moments *moments, const double *x, const double *y,
                               const size_t *group, size_t without)
{
    long double mean[WIDTH] = {0}, product[WIDTH][WIDTH] = {{0}};
    size_t rows = 0;

    for (size_t i = 0; i < ROWS; i++) {
        rows += group[i] != without;
        for (size_t j = 0; j < WIDTH && group[i] != without; j++)
            mean[j] += j < COLUMNS ? x[i + j * ROWS] : y[i];
    }
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < WIDTH && group[i] != without; j++)
            for (size_t k = 0; k < WIDTH; k++)
                product[j][k] += ((j < COLUMNS ? x[i + j * ROWS] : y[i]) - mean[j] / (long double)rows) *
                                 ((k < COLUMNS ? x[i + k * ROWS] : y[i]) - mean[k] / (long double)rows);
    assert_int_equal(moments->rows, rows);
    for (size_t j = 0; j < WIDTH; j++) {
        near(moments->mean[j], (double)(mean[j] / (long double)rows), 1e-9);
        for (size_t k = 0; k < WIDTH; k++)
            near(moments->product[j + k * WIDTH], (double)product[j][k],
                 1e-10 * (double)sqrtl(product[j][j] * product[k][k]) + 1e-9);
    }
}

static void groups_are_joined(void **state)
{
    (void)state;
    double x[ROWS * COLUMNS], y[ROWS];
    size_t group[ROWS];
    struct rung_row_groups groups;
    struct rung_moments parts[GROUPS], joined;

    draw(x, y, group);
    rung_row_groups_make(&groups, ROWS, group, GROUPS);
    for (size_t g = 0; g < GROUPS; g++)
        rung_moments_take(&parts[g], x, y, ROWS, COLUMNS, &groups, g);
    assert_int_equal(parts[2].rows, 0);
    for (size_t without = 0; without <= GROUPS; without++) {
        rung_moments_join(&joined, parts, GROUPS, without);
        check_against_rows(&joined, x, y, group, without);
        if (without == 3) { /* what is the same in all groups that are left has no spread at all */
            assert_true(joined.mean[2] == .1);
            for (size_t k = 0; k < WIDTH; k++)
                assert_true(joined.product[2 + k * WIDTH] == 0 && joined.product[k + 2 * WIDTH] == 0);
        }
        rung_moments_free(&joined);
    }
    for (size_t g = 0; g < GROUPS; g++)
        rung_moments_free(&parts[g]);
    rung_row_groups_free(&groups);
}

static void rows_are_sorted_into_groups(void **state)
{
    (void)state;
    static const size_t group[] = {2, 0, 2, 1, 0}, sorted[] = {1, 4, 3, 0, 2}, first[] = {0, 2, 3, 5};
    struct rung_row_groups groups;

    rung_row_groups_make(&groups, 5, group, 3);
    assert_memory_equal(groups.rows, sorted, sizeof sorted);
    assert_memory_equal(groups.first, first, sizeof first);
    rung_row_groups_free(&groups);
    rung_row_groups_make(&groups, 5, NULL, 1);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(groups.rows[i], i);
    assert_int_equal(groups.first[1], 5);
    rung_row_groups_free(&groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_joined),
        cmocka_unit_test(rows_are_sorted_into_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
