/* Scores of models that have not run: which kind survives, how curves go on, and what is no score. */
#include "cost/scorefit.h"

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

static size_t add_model(struct rung_scorefit *fit, double rate, const char *net)
{
    char text[128];
    snprintf(text, sizeof text, "{\"rate\": %.17g, \"net\": \"%s\"}", rate, net);
    struct rung_json *json = rung_json_parse(text, strlen(text), 0, NULL);
    size_t model = rung_scorefit_model(fit, json);
    rung_json_free(json);
    return model;
}

static double law(double rate, bool large, double calls)
{
    return 0.25 + (large ? 0.5 : 0.25) * rate * (1 - 1 / sqrt(1 + calls));
}

/* Halving as it happens: all models at 1 call, the better third at 3, and so on; sign -1: a loss. */
static struct rung_scorefit *halved(double sign)
{
    struct rung_scorefit *fit = rung_scorefit_create();
    struct rung_rng rng;
    double rates[81];
    rung_rng_init(&rng, 4, 0, "scorefit");
    for (int k = 0; k < 81; k++) {
        rates[k] = rung_rng_uniform(&rng);
        add_model(fit, rates[k], k % 2 ? "large" : "small");
    }
    for (int calls = 1; calls <= 27; calls *= 3)
        for (int k = 0; k < 81; k++) {
            double score = law(rates[k], k % 2, calls);
            if (calls == 1 || score > 0.25 + 0.35 * (1 - 1.0 / calls) * 0.7)
                rung_scorefit_add(fit, (size_t)k, calls, sign * (score + 0.004 * rung_rng_normal(&rng)));
        }
    rung_scorefit_fit(fit);
    return fit;
}

static void the_better_kind_is_expected_to_be_better(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct rung_scorefit *fit = halved(sign);
        size_t good = add_model(fit, 0.95, "large"), middling = add_model(fit, 0.5, "large");
        size_t bad = add_model(fit, 0.05, "small");
        rung_scorefit_fit(fit);
        double expected[] = {sign * rung_scorefit_expect(fit, good, 27),
                             sign * rung_scorefit_expect(fit, middling, 27),
                             sign * rung_scorefit_expect(fit, bad, 27)};
        assert_true(expected[0] > expected[1] + 0.05 && expected[1] > expected[2] + 0.05);
        assert_true(fabs(expected[0] - law(0.95, true, 27)) < 0.1);
        assert_true(fabs(expected[2] - law(0.05, false, 27)) < 0.1);
        rung_scorefit_free(fit);
    }
}

/* What has not moved does not move later: its gain from 27 to 54 calls is a fraction of a good one's. */
static void what_stands_still_goes_on_standing(void **state)
{
    (void)state;
    struct rung_scorefit *fit = halved(1);
    size_t good = add_model(fit, 0.95, "large"), bad = add_model(fit, 0.01, "small");
    rung_scorefit_fit(fit);
    double gain_good = rung_scorefit_expect(fit, good, 54) - rung_scorefit_expect(fit, good, 27);
    double gain_bad = rung_scorefit_expect(fit, bad, 54) - rung_scorefit_expect(fit, bad, 27);
    assert_true(gain_good > 0 && gain_bad < 0.3 * gain_good);
    rung_scorefit_free(fit);
}

static void a_draw_is_one_future(void **state)
{
    (void)state;
    struct rung_scorefit *fit = halved(1);
    size_t model = add_model(fit, 0.5, "large");
    double sum = 0, squares = 0;
    rung_scorefit_fit(fit);
    for (uint64_t draw = 0; draw < 400; draw++) {
        double score = rung_scorefit_draw(fit, model, 9, draw);
        assert_true(isfinite(score) && score == rung_scorefit_draw(fit, model, 9, draw));
        double later = rung_scorefit_draw(fit, model, 10, draw);
        assert_true(fabs(later - score) < 0.05); /* smooth in calls */
        sum += score;
        squares += score * score;
    }
    double mean = sum / 400, sd = sqrt(squares / 400 - mean * mean);
    assert_true(fabs(mean - rung_scorefit_expect(fit, model, 9)) < 0.05);
    assert_true(sd > 0.001 && sd < 0.2);
    /* one that has run is known better than one that has not */
    double own = 0, own_squares = 0;
    for (uint64_t draw = 0; draw < 400; draw++) {
        double score = rung_scorefit_draw(fit, 1, 9, draw);
        own += score;
        own_squares += score * score;
    }
    assert_true(sqrt(fmax(0, own_squares / 400 - own / 400 * own / 400)) <= sd + 1e-9);
    rung_scorefit_free(fit);
}

static void whatever_was_scored_can_be_drawn(void **state)
{
    (void)state;
    struct rung_scorefit *fit = rung_scorefit_create();
    size_t model = add_model(fit, 0.5, "large");
    rung_scorefit_fit(fit); /* nothing to go on: every model is like every other */
    assert_true(isfinite(rung_scorefit_draw(fit, model, 3, 1)));

    rung_scorefit_add(fit, model, 1, NAN);
    rung_scorefit_add(fit, model, 1, -INFINITY);
    rung_scorefit_add(fit, model, 0, 1);
    rung_scorefit_add(fit, 77, 1, 1); /* no such model */
    assert_int_equal(rung_scorefit_observations(fit), 2);
    rung_scorefit_fit(fit);
    int diverged = 0;
    for (uint64_t draw = 0; draw < 100; draw++)
        diverged += isnan(rung_scorefit_draw(fit, model, 3, draw));
    assert_true(diverged > 20); /* it has, twice */

    for (int i = 0; i < 20; i++) /* identical rows */
        rung_scorefit_add(fit, model, 1, 0.5);
    size_t other = add_model(fit, 0.7, "small");
    rung_scorefit_add(fit, other, 2, 1e300);
    rung_scorefit_add(fit, other, 3, -1e300);
    rung_scorefit_fit(fit);
    for (uint64_t draw = 0; draw < 50; draw++) {
        double score = rung_scorefit_draw(fit, other, 1e6, draw);
        assert_true(isnan(score) || isfinite(score));
    }
    rung_scorefit_free(fit);
}

static void a_million_scores(void **state)
{
    (void)state;
    struct rung_scorefit *fit = rung_scorefit_create();
    for (int k = 0; k < 500; k++)
        add_model(fit, k / 500.0, k % 2 ? "large" : "small");
    for (size_t i = 0; i < 1000000; i++)
        rung_scorefit_add(fit, i % 500, (double)(1 + i % 30),
                          law((double)(i % 500) / 500, i % 2, (double)(1 + i % 30)));
    assert_int_equal(rung_scorefit_observations(fit), 1000000);
    rung_scorefit_fit(fit);
    assert_true(fabs(rung_scorefit_expect(fit, 401, 20) - law(401 / 500.0, true, 20)) < 0.05);
    rung_scorefit_free(fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_better_kind_is_expected_to_be_better),
        cmocka_unit_test(what_stands_still_goes_on_standing),
        cmocka_unit_test(a_draw_is_one_future),
        cmocka_unit_test(whatever_was_scored_can_be_drawn),
        cmocka_unit_test(a_million_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
