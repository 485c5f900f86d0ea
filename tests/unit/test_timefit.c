/* The time of jobs: what a law with noise is predicted as, how wide intervals are, and what is no time. */
#include "cost/timefit.h"

#include "base/buf.h"
#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t add_model(struct rung_timefit *fit, int batch, const char *net, const char *host)
{
    char text[128];
    snprintf(text, sizeof text, "{\"batch\": %d, \"net\": \"%s\"}", batch, net);
    struct rung_json *json = rung_json_parse(text, strlen(text), 0, NULL);
    size_t model = rung_timefit_model(fit, json, host);
    rung_json_free(json);
    return model;
}

/* Seconds of a call: smaller batches and the large net take longer. */
static double rate(int batch, bool large)
{
    return 0.1 * (1 + 0.5 * (9 - log2(batch)) / 4) * (large ? 2.5 : 1);
}

static double law(int batch, bool large, double calls)
{
    return 0.02 + calls * rate(batch, large);
}

static double noisy(struct rung_rng *rng, double seconds, double sd)
{
    return seconds * exp(sd * rung_rng_normal(rng));
}

/* 60 models at 1, 3, 9, 27 calls. */
static struct rung_timefit *sixty(double sd, double stalls)
{
    struct rung_timefit *fit = rung_timefit_create();
    struct rung_rng rng;
    rung_rng_init(&rng, 5, 0, "timefit");
    for (int k = 0; k < 60; k++) {
        int batch = 32 << (k % 5);
        size_t model = add_model(fit, batch, k % 2 ? "large" : "small", "here");
        for (int calls = 1; calls <= 27; calls *= 3) {
            double seconds = noisy(&rng, law(batch, k % 2, calls), sd);
            if (rung_rng_uniform(&rng) < stalls)
                seconds *= 50;
            struct rung_time_row row = {model, calls, NAN, 1, seconds, 0.1 * seconds / calls};
            rung_timefit_add(fit, &row);
        }
    }
    return fit;
}

static void within(double value, double expected, double share)
{
    if (!(fabs(value / expected - 1) <= share))
        fail_msg("%g is not within %g %% of %g", value, 100 * share, expected);
}

/* Residuals of few models are 0, or nearly: no reason to be sure of others. */
static void who_saw_few_models_does_not_know_much(void **state)
{
    (void)state;
    double before = INFINITY;
    for (int models = 1; models <= 64; models *= 4) {
        struct rung_timefit *fit = rung_timefit_create();
        for (int k = 0; k < models; k++) {
            size_t model = add_model(fit, 32, "small", NULL);
            struct rung_time_row row = {model, 1, NAN, 1, 1, NAN};
            rung_timefit_add(fit, &row);
        }
        assert_int_equal(rung_timefit_fit(fit, NULL), 0);
        struct rung_time_guess guess = rung_timefit_train(fit, add_model(fit, 64, "large", NULL), 1, NAN, 1);
        within(guess.seconds, 1, 1e-6);
        assert_true(guess.high / guess.low < before);
        before = guess.high / guess.low;
        if (models == 1)
            assert_true(before > 3);
        rung_timefit_free(fit);
    }
    assert_true(before < 1.3);
}

static void a_law_is_found(void **state)
{
    (void)state;
    struct rung_timefit *fit = sixty(0.02, 0);
    assert_int_equal(rung_timefit_fit(fit, NULL), 0);
    assert_int_equal(rung_timefit_observations(fit), 240);
    for (int batch = 32; batch <= 512; batch *= 2)
        for (int large = 0; large < 2; large++) {
            size_t model = add_model(fit, batch, large ? "large" : "small", "here");
            struct rung_time_guess guess = rung_timefit_train(fit, model, 81, NAN, 1);
            within(guess.seconds, law(batch, large, 81), 0.25); /* a product, which the sum only approaches */
            assert_true(guess.low < guess.seconds && guess.seconds < guess.high);
            assert_int_equal(guess.observations, 240);
        }
    rung_timefit_free(fit);
}

static void totals_agree_whatever_stalls(void **state)
{
    (void)state;
    static const double stalls[] = {0, 0.02};
    for (size_t s = 0; s < 2; s++) {
        struct rung_timefit *fit = sixty(0.1, stalls[s]);
        double expected = 0, guessed = 0;
        assert_int_equal(rung_timefit_fit(fit, NULL), 0);
        for (size_t k = 0; k < 60; k++)
            for (int calls = 1; calls <= 27; calls *= 3) {
                expected += law(32 << (k % 5), k % 2, calls);
                guessed += rung_timefit_train(fit, k, calls, NAN, 1).seconds;
            }
        within(guessed, expected, 0.06);
        rung_timefit_free(fit);
    }
}

/* A model that is twice as slow as its like is so in its next job, the more sure the more it has run. */
static void a_model_keeps_its_own_ratio(void **state)
{
    (void)state;
    struct rung_timefit *fit = rung_timefit_create();
    struct rung_rng rng;
    rung_rng_init(&rng, 6, 0, "timefit");
    for (int k = 0; k < 40; k++) {
        size_t model = add_model(fit, 64, "small", "here");
        double own = k % 2 ? 2 : 1;
        for (int job = 0; job < 6; job++) {
            struct rung_time_row row = {model, 1 + job, NAN, 1, noisy(&rng, own * (1 + job), 0.05), NAN};
            rung_timefit_add(fit, &row);
        }
    }
    assert_int_equal(rung_timefit_fit(fit, NULL), 0);
    within(rung_timefit_train(fit, 0, 10, NAN, 1).seconds, 10, 0.1);
    within(rung_timefit_train(fit, 1, 10, NAN, 1).seconds, 20, 0.1);
    size_t fresh = add_model(fit, 64, "small", "here");
    within(rung_timefit_train(fit, fresh, 10, NAN, 1).seconds, 15, 0.15);
    assert_true(rung_timefit_model_spread(fit, fresh) > 3 * rung_timefit_model_spread(fit, 0));
    rung_timefit_free(fit);
}

/* Intervals of jobs to come hold about 8 times of 10, and never much less. */
static void intervals_hold(void **state)
{
    (void)state;
    struct rung_timefit *fit = sixty(0.2, 0);
    struct rung_rng rng;
    int inside = 0, count = 0;
    rung_rng_init(&rng, 8, 0, "timefit");
    assert_int_equal(rung_timefit_fit(fit, NULL), 0);
    for (size_t k = 0; k < 60; k++)
        for (int calls = 2; calls <= 60; calls *= 2, count++) {
            double truth = noisy(&rng, law(32 << (k % 5), k % 2, calls), 0.2);
            struct rung_time_guess guess = rung_timefit_train(fit, k, calls, NAN, 1);
            inside += guess.low <= truth && truth <= guess.high;
        }
    print_message("%d of %d\n", inside, count);
    assert_true(inside >= 0.72 * count && inside <= 0.95 * count);
    rung_timefit_free(fit);
}

static void sharing_and_hosts(void **state)
{
    (void)state;
    struct rung_timefit *fit = rung_timefit_create();
    for (int k = 0; k < 40; k++) {
        size_t model = add_model(fit, 64, "small", k % 2 ? "slow" : "fast");
        double sharing = 1 + k % 4, seconds = (k % 2 ? 3 : 1) * 2 + 0.5 * 2 * (sharing - 1);
        for (int calls = 1; calls < 9; calls *= 2) {
            struct rung_time_row row = {model, calls, 1000.0 * calls, sharing, seconds * calls / 2, 0.25};
            rung_timefit_add(fit, &row);
        }
    }
    assert_int_equal(rung_timefit_fit(fit, NULL), 0);
    size_t fast = add_model(fit, 64, "small", "fast"), slow = add_model(fit, 64, "small", "slow");
    within(rung_timefit_train(fit, fast, 4, 4000, 1).seconds, 4, 0.05);
    within(rung_timefit_train(fit, fast, 4, 4000, 3).seconds, 8, 0.05);
    within(rung_timefit_train(fit, slow, 4, NAN, 1).seconds, 12, 0.05);
    within(rung_timefit_score(fit, fast, 1).seconds, 0.25, 0.01);
    struct rung_buf text;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_timefit_describe(fit, &text);
    assert_non_null(strstr(rung_buf_cstr(&text), "work on slow"));
    rung_buf_free(&text);
    rung_timefit_free(fit);
}

static void check_guess(const struct rung_timefit *fit, size_t model)
{
    struct rung_time_guess guess = rung_timefit_train(fit, model, 100, NAN, 2);
    assert_true(isfinite(guess.seconds) && guess.seconds > 0);
    assert_true(guess.low > 0 && guess.low < guess.seconds && guess.high > guess.seconds &&
                isfinite(guess.high));
    guess = rung_timefit_score(fit, model, 2);
    assert_true(isfinite(guess.seconds) && guess.low <= guess.seconds && isfinite(guess.high));
}

static void whatever_was_measured_ends_in_a_number_or_a_sentence(void **state)
{
    (void)state;
    static const double seconds[] = {NAN, 0, -1, INFINITY, 1e300};
    struct rung_timefit *fit = rung_timefit_create();
    struct rung_err err;
    size_t model = add_model(fit, 32, "small", NULL);

    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct rung_time_row row = {model, 1, NAN, NAN, seconds[i], seconds[i]};
        rung_timefit_add(fit, &row);
    }
    assert_int_equal(rung_timefit_observations(fit), 0);
    assert_int_equal(rung_timefit_fit(fit, &err), RUNG_EUSE);
    assert_string_equal(err.text, "no job with a time above 0 has been recorded");

    struct rung_time_row one = {model, 2, NAN, NAN, 3, NAN};
    rung_timefit_add(fit, &one);
    assert_int_equal(rung_timefit_fit(fit, &err), 0);
    within(rung_timefit_train(fit, model, 4, NAN, 1).seconds, 6, 0.01); /* in proportion */
    check_guess(fit, model);
    for (int i = 0; i < 50; i++)
        rung_timefit_add(fit, &one); /* identical rows */
    assert_int_equal(rung_timefit_fit(fit, &err), 0);
    within(rung_timefit_train(fit, model, 4, NAN, 1).seconds, 6, 0.01);
    check_guess(fit, model);
    struct rung_time_row none = {model + 5, 2, NAN, NAN, 3, NAN}; /* no such model */
    rung_timefit_add(fit, &none);
    assert_int_equal(rung_timefit_observations(fit), 51);
    rung_timefit_free(fit);
}

/* More columns than rows, of which some say what others say. */
static void more_columns_than_rows(void **state)
{
    (void)state;
    struct rung_timefit *fit = rung_timefit_create();
    struct rung_buf text;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (int k = 0; k < 6; k++) {
        rung_buf_clear(&text);
        rung_buf_char(&text, '{');
        for (int p = 0; p < 20; p++)
            rung_buf_printf(&text, "%s\"p%d\": %d", p ? "," : "", p, (k * (1 + p / 10)) % 5 + 1);
        rung_buf_char(&text, '}');
        struct rung_json *json = rung_json_parse(text.data, text.length, 0, NULL);
        size_t model = rung_timefit_model(fit, json, "h");
        rung_json_free(json);
        struct rung_time_row row = {model, 1 + k, NAN, 1, 0.5 * (1 + k) * (1 + k % 2), 0.1};
        rung_timefit_add(fit, &row);
    }
    rung_buf_free(&text);
    assert_int_equal(rung_timefit_fit(fit, NULL), 0);
    for (size_t k = 0; k < 6; k++)
        check_guess(fit, k);
    rung_timefit_free(fit);
}

static void a_million_rows(void **state)
{
    (void)state;
    struct rung_timefit *fit = rung_timefit_create();
    struct rung_rng rng;
    rung_rng_init(&rng, 9, 0, "timefit");
    for (int k = 0; k < 100; k++)
        add_model(fit, 32 << (k % 5), k % 2 ? "large" : "small", "here");
    for (size_t i = 0; i < 1000000; i++) {
        size_t k = i % 100;
        double calls = (double)(1 + i % 7);
        struct rung_time_row row = {k,  calls, NAN, 1, noisy(&rng, law(32 << (k % 5), k % 2, calls), 0.1),
                                    NAN};
        rung_timefit_add(fit, &row);
    }
    assert_int_equal(rung_timefit_observations(fit), 1000000);
    assert_int_equal(rung_timefit_fit(fit, NULL), 0);
    within(rung_timefit_train(fit, 3, 20, NAN, 1).seconds, law(256, true, 20), 0.15);
    rung_timefit_free(fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_law_is_found),
        cmocka_unit_test(totals_agree_whatever_stalls),
        cmocka_unit_test(a_model_keeps_its_own_ratio),
        cmocka_unit_test(intervals_hold),
        cmocka_unit_test(who_saw_few_models_does_not_know_much),
        cmocka_unit_test(sharing_and_hosts),
        cmocka_unit_test(whatever_was_measured_ends_in_a_number_or_a_sentence),
        cmocka_unit_test(more_columns_than_rows),
        cmocka_unit_test(a_million_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
