/*
 * The plateau rule on lists of records.
 */
#include "core/patience.h"

#include "../core_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const enum rung_variant VARIANTS[] = {RUNG_VARIANT_EXACT, RUNG_VARIANT_DASK, RUNG_VARIANT_TABLE};

static struct rung_search_spec with(int64_t patience, double tol, enum rung_variant variant)
{
    struct rung_search_spec spec = help_spec(243, 3);
    spec.patience = patience;
    spec.tol = tol;
    spec.variant = variant;
    return spec;
}

static void test_first_plateau_at_call_7(void **state)
{
    (void)state;
    const double scores[] = {.50, .60, .65, .660, .6605, .6604, .6609, .6612};
    struct rung_patience_record records[8];
    for (int i = 0; i < 8; i++)
        records[i] = (struct rung_patience_record){i + 1, scores[i]};
    for (int v = 0; v < 3; v++) {
        struct rung_search_spec spec = with(3, 0.001, VARIANTS[v]);
        for (size_t calls = 1; calls < 7; calls++)
            assert_false(rung_patience_plateau(records, calls, (int64_t)calls, &spec));
        assert_true(rung_patience_plateau(records, 7, 7, &spec));
    }
}

static void test_plateau_at_163_calls(void **state)
{
    (void)state;
    const struct rung_patience_record records[] = {{1, .50}, {82, .80}, {163, .8008}};
    for (int v = 0; v < 3; v++) {
        struct rung_search_spec spec = with(81, 0.001, VARIANTS[v]);
        assert_false(rung_patience_plateau(records, 1, 1, &spec));
        assert_false(rung_patience_plateau(records, 2, 82, &spec));
        assert_true(rung_patience_plateau(records, 3, 163, &spec));
        spec.tol = NAN;
        assert_false(rung_patience_plateau(records, 3, 163, &spec));
        spec.tol = 0.001;
        spec.patience = 0;
        assert_false(rung_patience_plateau(records, 3, 163, &spec));
    }
}

/* A first score that falls late: Dask-ML would judge the model on it alone. */
static void test_one_score_is_no_plateau(void **state)
{
    (void)state;
    const struct rung_patience_record records[] = {{81, .7}, {243, .7}};
    struct rung_search_spec exact = with(81, 0.001, RUNG_VARIANT_EXACT),
                            dask = with(81, 0.001, RUNG_VARIANT_DASK);
    assert_false(rung_patience_plateau(records, 0, 0, &exact));
    assert_false(rung_patience_plateau(records, 1, 81, &exact));
    assert_false(rung_patience_plateau(records, 1, 81, &dask));
    assert_true(rung_patience_plateau(records, 2, 243, &exact)); /* 162 calls back is far enough */
    assert_false(
        rung_patience_plateau(records, 2, 243, &dask)); /* too far: the newest is alone in the window */
}

/* exact looks at least patience calls back, so a score just before does not make the window short. */
static void test_windows_of_the_variants_differ(void **state)
{
    (void)state;
    const struct rung_patience_record records[] = {{10, .5}, {19, .6}, {25, .6}};
    struct rung_search_spec exact = with(10, 0.001, RUNG_VARIANT_EXACT),
                            dask = with(10, 0.001, RUNG_VARIANT_DASK);
    assert_false(rung_patience_plateau(records, 3, 25, &exact)); /* .5 at call 10: gained .1 */
    assert_true(rung_patience_plateau(records, 3, 25, &dask));   /* .6 at call 19: gained 0 */
}

static void test_compares_with_the_oldest(void **state)
{
    (void)state;
    struct rung_search_spec spec = with(3, 0.01, RUNG_VARIANT_EXACT);
    const struct rung_patience_record slow[] = {{1, .500}, {2, .503}, {3, .506}, {4, .509}};
    const struct rung_patience_record spike[] = {{1, .500}, {2, .520}, {3, .500}, {4, .500}};
    const struct rung_patience_record falling[] = {{1, .9}, {2, .8}, {3, .7}, {4, .6}};
    const struct rung_patience_record equal[] = {{1, .5}, {2, .25}, {3, .25}, {4, .75}};
    assert_true(rung_patience_plateau(slow, 4, 4, &spec));
    assert_false(rung_patience_plateau(spike, 4, 4, &spec));
    assert_true(rung_patience_plateau(falling, 4, 4, &spec));
    spec.tol = 0.25; /* a gain of exactly tol is none */
    assert_true(rung_patience_plateau(equal, 4, 4, &spec));
}

static void test_not_finite_scores_are_left_out(void **state)
{
    (void)state;
    struct rung_search_spec spec = with(3, 0.001, RUNG_VARIANT_EXACT);
    const struct rung_patience_record oldest[] = {{1, NAN}, {2, .5}, {3, .5}, {4, .5}};
    const struct rung_patience_record newest[] = {{1, .5}, {2, NAN}, {3, NAN}, {4, NAN}};
    const struct rung_patience_record middle[] = {{1, .5}, {2, INFINITY}, {3, NAN}, {4, .5}};
    assert_true(rung_patience_plateau(oldest, 4, 4, &spec));
    assert_false(rung_patience_plateau(newest, 4, 4, &spec));
    assert_true(rung_patience_plateau(middle, 4, 4, &spec));
}

/* What is before the window is never read again. */
static void test_forgetting_changes_nothing(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 2000; round++) {
        struct rung_patience_record records[40];
        struct rung_search_spec spec = with(2 + (int64_t)help_below(&seed, 20), 0.3, VARIANTS[round % 3]);
        size_t forgotten = 0;
        int64_t calls = 0;
        for (size_t count = 1; count <= 40; count++) {
            calls += 1 + (int64_t)help_below(&seed, 9);
            double score = help_below(&seed, 8) == 0 ? NAN : (double)help_below(&seed, 4) / 4;
            records[count - 1] = (struct rung_patience_record){calls, score};
            assert_int_equal(rung_patience_plateau(records + forgotten, count - forgotten, calls, &spec),
                             rung_patience_plateau(records, count, calls, &spec));
            if (help_below(&seed, 3) == 0)
                forgotten = rung_patience_window(records, count, calls, &spec);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_plateau_at_call_7),
        cmocka_unit_test(test_plateau_at_163_calls),
        cmocka_unit_test(test_one_score_is_no_plateau),
        cmocka_unit_test(test_windows_of_the_variants_differ),
        cmocka_unit_test(test_compares_with_the_oldest),
        cmocka_unit_test(test_not_finite_scores_are_left_out),
        cmocka_unit_test(test_forgetting_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
