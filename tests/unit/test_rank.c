/*
 * The order of models, and sorting and selecting by it, against a sort by insertion.
 */
#include "core/rank.h"

#include "../core_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT_MAX 300

static struct rung_ranked ranked(double score, uint32_t model)
{
    return (struct rung_ranked){.score = score, .model = model};
}

static void test_larger_scores_come_first(void **state)
{
    (void)state;
    assert_true(rung_rank_before(ranked(0.5, 7), ranked(0.4, 1)));
    assert_false(rung_rank_before(ranked(0.4, 1), ranked(0.5, 7)));
    assert_true(rung_rank_before(ranked(-1e300, 7), ranked(-1e301, 1)));
}

static void test_ties_go_to_the_lower_model(void **state)
{
    (void)state;
    assert_true(rung_rank_before(ranked(0.5, 1), ranked(0.5, 7)));
    assert_false(rung_rank_before(ranked(0.5, 7), ranked(0.5, 1)));
    assert_true(rung_rank_before(ranked(-0.0, 1), ranked(0.0, 2)));
    assert_true(rung_rank_before(ranked(0.0, 1), ranked(-0.0, 2)));
    assert_false(rung_rank_before(ranked(0.5, 1), ranked(0.5, 1)));
}

static void test_not_finite_comes_last_by_model(void **state)
{
    (void)state;
    const double odd[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        assert_true(rung_rank_before(ranked(-1e308, 9), ranked(odd[i], 0)));
        assert_false(rung_rank_before(ranked(odd[i], 0), ranked(-1e308, 9)));
        for (size_t j = 0; j < 3; j++)
            assert_true(rung_rank_before(ranked(odd[i], 1), ranked(odd[j], 2)));
    }
}

static void sort_by_insertion(struct rung_ranked *items, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && rung_rank_before(items[j], items[j - 1]); j--) {
            struct rung_ranked kept = items[j];
            items[j] = items[j - 1];
            items[j - 1] = kept;
        }
}

/* Shapes that quicksorts are bad at, and scores with many ties and gaps. */
static void fill(struct rung_ranked *items, size_t count, int shape, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++) {
        double rising = (double)i, pipe = (double)(i < count / 2 ? i : count - i);
        double drawn = (double)help_below(seed, 5);
        double scores[] = {
            rising, -rising, pipe, 0.5, drawn == 4 ? NAN : drawn, (double)help_below(seed, 1000)};
        items[i] = ranked(scores[shape], (uint32_t)i);
    }
    for (size_t i = count; shape >= 3 && i > 1; i--) { /* model numbers in any order */
        size_t j = help_below(seed, i);
        uint32_t kept = items[i - 1].model;
        items[i - 1].model = items[j].model;
        items[j].model = kept;
    }
}

static void assert_same_models(const struct rung_ranked *a, const struct rung_ranked *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(a[i].model, b[i].model);
}

static void test_sort_and_select(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t round = 0; round < 1200; round++) {
        struct rung_ranked items[COUNT_MAX], sorted[COUNT_MAX], other[COUNT_MAX];
        size_t count = help_below(&seed, round < 600 ? 12 : COUNT_MAX), k = help_below(&seed, count + 1);
        fill(items, count, (int)(round % 6), &seed);
        memcpy(sorted, items, sizeof items);
        memcpy(other, items, sizeof items);
        sort_by_insertion(sorted, count);

        rung_rank_sort(other, count);
        assert_same_models(other, sorted, count);

        rung_rank_select(items, count, k);
        sort_by_insertion(items, k);
        assert_same_models(items, sorted, k);
        sort_by_insertion(items + k, count - k);
        assert_same_models(items + k, sorted + k, count - k);
    }
}

static void test_select_is_fast_whatever_the_order(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    struct rung_ranked *items = malloc(COUNT * sizeof *items);
    assert_non_null(items);
    uint64_t seed = 2;
    for (int shape = 0; shape < 4; shape++) { /* quadratic work would take hours */
        fill(items, COUNT, shape, &seed);
        rung_rank_select(items, COUNT, COUNT / 3);
        struct rung_ranked worst = items[0];
        for (size_t i = 1; i < COUNT / 3; i++)
            worst = rung_rank_before(worst, items[i]) ? items[i] : worst;
        for (size_t i = COUNT / 3; i < COUNT; i++)
            assert_true(rung_rank_before(worst, items[i]));
    }
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_larger_scores_come_first),
        cmocka_unit_test(test_ties_go_to_the_lower_model),
        cmocka_unit_test(test_not_finite_comes_last_by_model),
        cmocka_unit_test(test_sort_and_select),
        cmocka_unit_test(test_select_is_fast_whatever_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
