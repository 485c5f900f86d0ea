/*
 * Synthetic scores against values worked out elsewhere, and the times that go with them.
 */
#include "../virtual_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_scores(void **state)
{
    (void)state;
    static const struct {
        uint32_t bracket, number; /* of the model in its bracket */
        int64_t calls;
        double score;
    } rows[] = {
        {4, 0, 1, 0.02871349051807851},
        {3, 2, 9, 0.6592261552501059},
        {0, 4, 81, 0.08021233925513697},
        {2, 0, 3, 0.17901699437494745},
    };
    struct rung_search_spec spec = help_spec(81, 3);
    struct rung_search *search = help_search(&spec);
    struct rung_synthetic synthetic = {.plan = rung_search_plan(search), .maximize = true};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t model = (uint32_t)synthetic.plan->brackets[4 - rows[i].bracket].first_model + rows[i].number;
        double score = rung_synthetic_score(&synthetic, model, rows[i].bracket, rows[i].calls);
        assert_true(fabs(score - rows[i].score) < 1e-14);
        synthetic.maximize = false;
        assert_true(rung_synthetic_score(&synthetic, model, rows[i].bracket, rows[i].calls) == -score);
        synthetic.maximize = true;
    }
    rung_search_free(search);
}

static void test_times(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(81, 3);
    struct rung_search *search = help_search(&spec);
    struct rung_synthetic synthetic = {
        .plan = rung_search_plan(search), .maximize = true, .fit_seconds = 0.5, .score_seconds = 3};
    struct rung_oracle oracle = rung_synthetic_oracle(&synthetic);
    struct rung_virtual_job job = {.model = 7, .bracket = 4, .from = 9, .to = 27};
    struct rung_virtual_outcome outcome = {0};
    oracle.job(oracle.context, &job, &outcome);
    assert_true(outcome.fit_seconds == 9 && outcome.score_seconds == 3);
    assert_true(outcome.score == rung_synthetic_score(&synthetic, 7, 4, 27));
    assert_false(outcome.fails || outcome.unknown);
    rung_search_free(search);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
