/* Time models by name: what is read, what is refused, and the seconds that they give. */
#include "forecast/timemodel.h"

#include "../core_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rung_plan plan;

static int setup(void **state)
{
    struct rung_search_spec spec = help_spec(9, 3);
    struct rung_err err = {0};
    (void)state;
    return rung_plan_make(&plan, &spec, &err);
}

static int teardown(void **state)
{
    (void)state;
    rung_plan_free(&plan);
    return 0;
}

static struct rung_timemodel model_of(const char *text)
{
    struct rung_timemodel model = {.synthetic = {&plan, true, 2, 3}};
    struct rung_err err = {0};
    if (rung_timemodel_read(&model, text, &err) != 0)
        fail_msg("%s", err.text);
    return model;
}

static struct rung_virtual_outcome ask(struct rung_timemodel *model, uint32_t number, int64_t to, size_t busy)
{
    struct rung_oracle oracle = rung_timemodel_oracle(model);
    struct rung_virtual_job job = {.model = number, .bracket = 2, .from = 1, .to = to, .busy = busy};
    struct rung_virtual_outcome outcome = {.score = NAN};
    oracle.job(oracle.context, &job, &outcome);
    assert_false(outcome.fails || outcome.unknown);
    return outcome;
}

static void synthetic_is_the_same_for_all(void **state)
{
    (void)state;
    struct rung_timemodel model = model_of("synthetic");
    struct rung_virtual_outcome outcome = ask(&model, 4, 6, 8);
    assert_true(outcome.fit_seconds == 10 && outcome.score_seconds == 3);
    assert_true(outcome.score == rung_synthetic_score(&model.synthetic, 4, 2, 6));
    assert_true(rung_timemodel_expect(&model, 4, 1, 6) == 13);
}

static void ernest_counts_trainers(void **state)
{
    (void)state;
    struct rung_timemodel model = model_of("ernest:0.5,8,0.25,1e-1");
    assert_true(ask(&model, 0, 2, 1).fit_seconds == 0.5 + 8 + 0.1);
    assert_true(fabs(ask(&model, 0, 4, 16).fit_seconds - (0.5 + 24 + 0.25 * log(16) + 1.6)) < 1e-12);
    assert_true(ask(&model, 0, 4, 16).score_seconds == 3);
    assert_true(rung_timemodel_expect(&model, 0, 1, 4) == 0.5 + 24 + 0.1 + 3);
}

static void lognormal_has_a_factor_for_each_model(void **state)
{
    (void)state;
    struct rung_timemodel model = model_of("lognormal:0.5"), other = model, none = model_of("lognormal:0");
    double sum = 0, squares = 0;
    size_t above = 0, different = 0, count = 20000;
    other.seed = 1;
    for (uint32_t k = 0; k < count; k++) {
        struct rung_virtual_outcome outcome = ask(&model, k, 11, 1);
        double factor = outcome.fit_seconds / 20;
        assert_true(fabs(outcome.score_seconds / 3 - factor) < 1e-12);
        assert_true(fabs(ask(&model, k, 2, 9).fit_seconds / 2 - factor) <
                    1e-12 * factor); /* whatever the job */
        sum += log(factor);
        squares += log(factor) * log(factor);
        above += factor > 1;
        different += ask(&other, k, 11, 1).fit_seconds != outcome.fit_seconds;
        assert_true(ask(&none, k, 11, 1).fit_seconds == 20);
    }
    double mean = sum / (double)count;
    assert_true(fabs(mean) < 4 * 0.5 / sqrt((double)count));
    assert_true(fabs(sqrt(squares / (double)count) - 0.5) < 0.02);
    assert_true(above > count * 48 / 100 && above < count * 52 / 100);
    assert_int_equal(different, count);
}

static void names_that_are_none(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"", "unknown time model"},
        {"fast", "unknown time model"},
        {"ernes:1,2,3,4", "unknown time model"},
        {"synthetic:1", "no numbers"},
        {"ernest", "four numbers"},
        {"ernest:", "four numbers"},
        {"ernest:1,2,3", "four numbers"},
        {"ernest:1,2,3,4,5", "four numbers"},
        {"ernest:1,2,3,", "four numbers"},
        {"ernest:1,2,3,-4", "four numbers"},
        {"ernest:1,2,nan,4", "four numbers"},
        {"ernest:1,2,1e999,4", "four numbers"},
        {"lognormal", "a number"},
        {"lognormal:x", "a number"},
        {"lognormal:-1", "a number"},
        {"lognormal:1,2", "a number"},
        {"lognormal:11", "more than 10"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rung_timemodel model = {0};
        struct rung_err err = {0};
        assert_int_equal(rung_timemodel_read(&model, texts[i][0], &err), RUNG_EUSE);
        if (!strstr(err.text, texts[i][1]))
            fail_msg("'%s' of '%s' does not say '%s'", err.text, texts[i][0], texts[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synthetic_is_the_same_for_all),
        cmocka_unit_test(ernest_counts_trainers),
        cmocka_unit_test(lognormal_has_a_factor_for_each_model),
        cmocka_unit_test(names_that_are_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
