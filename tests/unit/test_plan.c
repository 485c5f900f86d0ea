/*
 * Bracket arithmetic: the plans that docs/algorithms.md lists, what must hold for every R and eta, and
 * Dask-ML's plans as its own functions compute them.
 */
#include "core/plan.h"

#include "../core_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void make(struct rung_plan *plan, const struct rung_search_spec *spec)
{
    struct rung_err err = {0};
    if (rung_plan_make(plan, spec, &err) != 0)
        fail_msg("(%lld,%lld): %s", (long long)spec->max_iter, (long long)spec->aggressiveness, err.text);
}

/* "4: 81x1 27x3 … | 3: …" */
static void assert_brackets(const struct rung_search_spec *spec, const char *expected)
{
    struct rung_plan plan;
    struct rung_buf buf;
    make(&plan, spec);
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    for (size_t b = 0; b < plan.bracket_count; b++) {
        rung_buf_printf(&buf, "%s%u:", b > 0 ? " | " : "", plan.brackets[b].bracket);
        for (size_t i = 0; i < plan.brackets[b].rung_count; i++)
            rung_buf_printf(&buf, " %lldx%lld", (long long)plan.brackets[b].rungs[i].models,
                            (long long)plan.brackets[b].rungs[i].calls);
    }
    assert_string_equal(rung_buf_cstr(&buf), expected);
    rung_buf_free(&buf);
    rung_plan_free(&plan);
}

static void assert_totals(const struct rung_search_spec *spec, int64_t models, int64_t calls, int64_t scores)
{
    struct rung_plan plan;
    make(&plan, spec);
    assert_int_equal(plan.models, models);
    assert_int_equal(plan.calls, calls);
    assert_int_equal(plan.scores, scores);
    rung_plan_free(&plan);
}

static void assert_refused(const struct rung_search_spec *spec, const char *text, const char *way_out)
{
    struct rung_plan plan;
    struct rung_err err = {0};
    assert_int_equal(rung_plan_make(&plan, spec, &err), RUNG_EUSE);
    assert_string_equal(err.text, text);
    assert_string_equal(err.way_out, way_out);
    rung_plan_free(&plan);
}

static void test_exact_brackets(void **state)
{
    (void)state;
    struct {
        int64_t max_iter, eta, models, calls, scores;
        const char *brackets;
    } rows[] = {
        {81, 3, 143, 1581, 206,
         "4: 81x1 27x3 9x9 3x27 1x81 | 3: 34x3 11x9 3x27 1x81 | 2: 15x9 5x27 1x81 | 1: 8x27 2x81 | 0: 5x81"},
        {27, 3, 49, 357, 69, "3: 27x1 9x3 3x9 1x27 | 2: 12x3 4x9 1x27 | 1: 6x9 2x27 | 0: 4x27"},
        {243, 3, 415, 6831, 611,
         "5: 243x1 81x3 27x9 9x27 3x81 1x243 | 4: 98x3 32x9 10x27 3x81 1x243 | 3: 41x9 13x27 4x81 1x243 | "
         "2: 18x27 6x81 2x243 | 1: 9x81 3x243 | 0: 6x243"},
        {299, 4, 378, 6134, 498,
         "4: 256x1 64x5 16x19 4x75 1x299 | 3: 80x5 20x19 5x75 1x299 | 2: 27x19 6x75 1x299 | 1: 10x75 2x299 | "
         "0: 5x299"},
        {16, 4, 25, 124, 31, "2: 16x1 4x4 1x16 | 1: 6x4 1x16 | 0: 3x16"},
        {100, 3, 143, 1944, 206,
         "4: 81x1 27x4 9x11 3x33 1x100 | 3: 34x4 11x11 3x33 1x100 | 2: 15x11 5x33 1x100 | 1: 8x33 2x100 | "
         "0: 5x100"},
        {1, 3, 1, 1, 1, "0: 1x1"},
        {2, 3, 1, 2, 1, "0: 1x2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rung_search_spec spec = help_spec(rows[i].max_iter, rows[i].eta);
        assert_brackets(&spec, rows[i].brackets);
        assert_totals(&spec, rows[i].models, rows[i].calls, rows[i].scores);
    }
}

/* Hyperband's paper, Table 1. */
static void test_table_brackets(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(81, 3);
    spec.variant = RUNG_VARIANT_TABLE;
    assert_brackets(&spec,
                    "4: 81x1 27x3 9x9 3x27 1x81 | 3: 27x3 9x9 3x27 1x81 | 2: 9x9 3x27 1x81 | 1: 6x27 2x81 | "
                    "0: 5x81");
    assert_totals(&spec, 128, 1404, 187);
}

static void test_dask_brackets(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(243, 3);
    spec.variant = RUNG_VARIANT_DASK;
    assert_brackets(&spec, "4: 81x3 27x9 9x27 3x81 1x243 | 3: 34x9 11x27 3x81 1x243 | 2: 15x27 5x81 1x243 | "
                           "1: 8x81 2x243 | 0: 5x243");
    spec.max_iter = 299;
    spec.aggressiveness = 4;
    assert_brackets(&spec,
                    "4: 256x1 64x4 16x16 4x64 1x256 | 3: 80x4 20x16 5x64 1x256 | 2: 27x18 6x72 1x288 | "
                    "1: 10x74 2x296 | 0: 5x299");
}

/* Calls per bracket, most adaptive first. */
static void test_dask_calls_per_bracket(void **state)
{
    (void)state;
    struct {
        int64_t max_iter, eta, calls[5];
    } rows[] = {{243, 3, {891, 828, 837, 972, 1215}},
                {299, 4, {1024, 992, 1026, 1184, 1495}},
                {100, 3, {297, 276, 341, 396, 500}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rung_search_spec spec = help_spec(rows[i].max_iter, rows[i].eta);
        struct rung_plan plan;
        spec.variant = RUNG_VARIANT_DASK;
        make(&plan, &spec);
        assert_int_equal(plan.bracket_count, 5);
        for (size_t b = 0; b < 5; b++)
            assert_int_equal(plan.brackets[b].calls, rows[i].calls[b]);
        rung_plan_free(&plan);
    }
}

/* Printed by Dask-ML's _get_hyperband_params and the rungs of its _adapt, in Python. */
static void test_dask_totals_are_those_of_dask(void **state)
{
    (void)state;
    struct {
        int64_t max_iter, eta, models, calls, scores;
    } rows[] = {
        {81, 3, 143, 1581, 268},
        {27, 3, 49, 357, 91},
        {243, 3, 143, 4743, 349},
        {299, 4, 378, 5721, 620},
        {100, 3, 143, 1810, 268},
        {16, 4, 25, 124, 40},
        {59049, 9, 7636, 1314468, 16223},
        {1000, 10, 118, 8200, 248},
        {1, 3, 1, 1, 1},
        {1000000, 10, 113736, 33240000, 240107},
        {2, 3, 1, 2, 2},
        {2187, 3, 3573, 105861, 6729},
        {1000, 4, 378, 19326, 876},
        {6561, 3, 10582, 394992, 19869},
        {500, 2, 608, 23511, 1535},
        {12345, 5, 4134, 366096, 9296},
        {1023, 2, 1189, 58908, 3015},
        {1000000000, 7, 335264604, 102559357742, 726406613},
        {1024, 2, 2332, 75572, 5921},
        {125, 5, 173, 1765, 261},
        {625, 5, 842, 13230, 1264},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rung_search_spec spec = help_spec(rows[i].max_iter, rows[i].eta);
        spec.variant = RUNG_VARIANT_DASK;
        assert_totals(&spec, rows[i].models, rows[i].calls, rows[i].scores);
    }
}

static int64_t brackets_of(int64_t max_iter, int64_t eta, enum rung_variant variant)
{
    struct rung_search_spec spec = help_spec(max_iter, eta);
    struct rung_plan plan;
    struct rung_err err;
    spec.variant = variant;
    if (rung_plan_make(&plan, &spec, &err) != 0 && variant == RUNG_VARIANT_EXACT)
        fail_msg("%s", err.text);
    int64_t count = (int64_t)plan.bracket_count;
    rung_plan_free(&plan);
    return count;
}

/* The quotient of logarithms comes out below the whole number: Dask-ML plans a bracket less. */
static void test_dask_loses_a_bracket_to_rounding(void **state)
{
    (void)state;
    const int64_t rows[][2] = {{243, 3}, {59049, 9}, {1000, 10}, {1000000, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(brackets_of(rows[i][0], rows[i][1], RUNG_VARIANT_DASK) + 1,
                         brackets_of(rows[i][0], rows[i][1], RUNG_VARIANT_EXACT));
    assert_int_equal(brackets_of(243, 3, RUNG_VARIANT_EXACT), 6);
    for (int64_t eta = 2; eta <= 5; eta++)
        for (int64_t max_iter = 1; max_iter < 2000; max_iter++)
            if (brackets_of(max_iter, eta, RUNG_VARIANT_DASK) !=
                brackets_of(max_iter, eta, RUNG_VARIANT_EXACT))
                assert_true(max_iter == 243 && eta == 3);
}

static void test_dask_plan_with_an_empty_rung_is_refused(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(729, 3);
    spec.variant = RUNG_VARIANT_DASK;
    assert_refused(&spec, "search.variant: rung 0 of bracket 6 would have 0 calls",
                   "use \"variant\": \"exact\"");
    spec.variant = RUNG_VARIANT_EXACT;
    assert_int_equal(brackets_of(729, 3, RUNG_VARIANT_EXACT), 7);
}

__extension__ typedef __int128 wide;

static void assert_bracket_properties(const struct rung_plan_bracket *bracket, int64_t max_iter, int64_t eta)
{
    const struct rung_plan_rung *rungs = bracket->rungs;
    wide calls = 0, scores = 0, power = 1;
    for (uint32_t s = 0; s < bracket->bracket; s++)
        power *= eta;
    assert_int_equal(bracket->rung_count, bracket->bracket + 1);
    assert_true(rungs[0].models >= (int64_t)power);
    assert_true(power <= max_iter);
    for (size_t i = 0; i < bracket->rung_count; i++, power /= eta) {
        wide off = (wide)rungs[i].calls * power - max_iter; /* calls = R / power rounded half up */
        assert_true(2 * off <= power && 2 * off > -power);
        assert_true(rungs[i].models >= 1 && rungs[i].calls >= 1);
        if (i > 0) {
            assert_int_equal(rungs[i].models, rungs[i - 1].models / eta);
            assert_true(rungs[i].calls > rungs[i - 1].calls);
        }
        calls += (wide)rungs[i].models * (rungs[i].calls - (i > 0 ? rungs[i - 1].calls : 0));
        scores += rungs[i].models;
    }
    assert_int_equal(rungs[bracket->rung_count - 1].calls, max_iter);
    assert_true(calls == bracket->calls && scores == bracket->scores);
}

static void assert_properties(int64_t max_iter, int64_t eta)
{
    struct rung_search_spec spec = help_spec(max_iter, eta);
    struct rung_plan plan;
    wide models = 0, calls = 0;
    make(&plan, &spec);
    wide next = eta;
    for (size_t b = 1; b < plan.bracket_count; b++)
        next *= eta;
    assert_true(next > max_iter && next / eta <= max_iter);
    for (size_t b = 0; b < plan.bracket_count; b++) {
        assert_int_equal(plan.brackets[b].bracket, plan.bracket_count - 1 - b);
        assert_true(plan.brackets[b].first_model == models);
        assert_bracket_properties(&plan.brackets[b], max_iter, eta);
        models += plan.brackets[b].rungs[0].models;
        calls += plan.brackets[b].calls;
    }
    assert_true(models == plan.models && calls == plan.calls);
    rung_plan_free(&plan);
}

static void test_exact_properties(void **state)
{
    (void)state;
    for (int64_t eta = 2; eta <= 100; eta++) {
        for (int64_t max_iter = 1; max_iter <= 300; max_iter++)
            assert_properties(max_iter, eta);
        for (int64_t power = eta; power <= 1000000000; power *= eta)
            for (int64_t max_iter = power - 1; max_iter <= power + 1; max_iter++)
                assert_properties(max_iter, eta);
        assert_properties(1000000000, eta);
    }
    uint64_t seed = 20;
    for (int i = 0; i < 50000; i++)
        assert_properties(1 + (int64_t)help_below(&seed, 1000000000), 2 + (int64_t)help_below(&seed, 99));
}

static void test_totals_saturate(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(9007199254740991, 2);
    struct rung_plan plan;
    make(&plan, &spec);
    assert_int_equal(plan.bracket_count, 53);
    assert_int_equal(plan.calls, INT64_MAX);
    rung_plan_free(&plan);
}

static void test_successive_halving_rungs(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(RUNG_UNSET, 3);
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 34;
    spec.first_calls = 3;
    assert_brackets(&spec, "0: 34x3 11x9 3x27 1x81");
    assert_totals(&spec, 34, 276, 49);
    spec.max_iter = 30; /* a cap that no rung meets */
    assert_brackets(&spec, "0: 34x3 11x9 3x27 1x30");
    spec.max_iter = 27;
    assert_brackets(&spec, "0: 34x3 11x9 3x27");
    spec.max_iter = 2;
    assert_brackets(&spec, "0: 34x2");
    spec.models = 2;
    spec.max_iter = 100;
    assert_brackets(&spec, "0: 2x3");
    spec.max_iter = RUNG_UNSET;
    spec.models = 4;
    spec.first_calls = 9007199254740991;
    assert_refused(&spec, "search.first_calls: rung 1 would have more calls than can be counted", "");
}

static void test_random_and_grid_have_one_rung(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(299, 3);
    spec.algorithm = RUNG_RANDOM;
    spec.models = 19;
    assert_brackets(&spec, "0: 19x299");
    assert_totals(&spec, 19, 5681, 19);
    spec.algorithm = RUNG_GRID;
    assert_brackets(&spec, "0: 19x299");
}

static void test_incremental_rungs(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(10, 3);
    spec.algorithm = RUNG_INCREMENTAL;
    spec.models = 8;
    spec.fits_per_score = 4;
    assert_brackets(&spec, "0: 8x1 8x5 8x9 8x10");
    spec.decay_rate = 1; /* floor(8 / (1 + t)) after step t: 8, 4, 2 */
    assert_brackets(&spec, "0: 8x1 8x5 4x9 2x10");
    spec.decay_rate = 0.5; /* 8 / sqrt(2) = 5.66, 8 / sqrt(3) = 4.62 */
    assert_brackets(&spec, "0: 8x1 8x5 5x9 4x10");
    spec.decay_rate = 3;
    spec.max_iter = 21;
    assert_brackets(&spec, "0: 8x1 8x5 1x9 1x13 1x17 1x21");
    spec.max_iter = 1;
    assert_brackets(&spec, "0: 8x1");
    spec.max_iter = 4000002; /* 1 + 4000001 / 4, rounded up */
    assert_refused(&spec, "search.fits_per_score: 1000002 scores a model are too many (at most 1000000)", "");
}

static void test_asha_rungs(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(10, 3);
    spec.algorithm = RUNG_ASHA;
    assert_brackets(&spec, "0: 0x1 0x3 0x9");
    assert_totals(&spec, 0, 0, 0);
    spec.models = 12;
    assert_brackets(&spec, "0: 12x1 4x3 1x9");
    spec.first_calls = 2;
    assert_brackets(&spec, "0: 12x2 4x6");
    spec.first_calls = 11;
    assert_refused(&spec, "search.first_calls: 11 is more than max_iter, 10", "");
    spec.first_calls = 1;
    spec.models = 8;
    assert_refused(&spec, "search.models: rung 2 of bracket 0 would have 0 models",
                   "more models, or a smaller max_iter");
}

static void test_what_makes_no_plan(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(0, 3);
    assert_refused(&spec, "search.max_iter: must be at least 1", "");
    spec = help_spec(9007199254740992, 3);
    assert_refused(&spec, "search.max_iter: must be at most 2^53 - 1", "");
    spec = help_spec(81, 1);
    assert_refused(&spec, "search.aggressiveness: must be at least 2", "");
    spec = help_spec(81, 3);
    spec.algorithm = RUNG_RANDOM;
    assert_refused(&spec, "search.models: must be at least 1", "");
    spec.algorithm = RUNG_INCREMENTAL;
    spec.models = 5;
    spec.fits_per_score = 0;
    assert_refused(&spec, "search.fits_per_score: must be at least 1", "");
    spec.algorithm = RUNG_ASHA;
    spec.first_calls = 0;
    assert_refused(&spec, "search.first_calls: must be at least 1", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_brackets),
        cmocka_unit_test(test_table_brackets),
        cmocka_unit_test(test_dask_brackets),
        cmocka_unit_test(test_dask_calls_per_bracket),
        cmocka_unit_test(test_dask_totals_are_those_of_dask),
        cmocka_unit_test(test_dask_loses_a_bracket_to_rounding),
        cmocka_unit_test(test_dask_plan_with_an_empty_rung_is_refused),
        cmocka_unit_test(test_exact_properties),
        cmocka_unit_test(test_totals_saturate),
        cmocka_unit_test(test_successive_halving_rungs),
        cmocka_unit_test(test_random_and_grid_have_one_rung),
        cmocka_unit_test(test_incremental_rungs),
        cmocka_unit_test(test_asha_rungs),
        cmocka_unit_test(test_what_makes_no_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
