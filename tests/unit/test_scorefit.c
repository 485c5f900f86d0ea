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

static void a_model_is_foreseen_without_another_fit(void **state)
{
    (void)state;
    struct rung_scorefit *fit = halved(1);
    size_t good = add_model(fit, 0.95, "large"), bad = add_model(fit, 0.05, "small");
    assert_true(rung_scorefit_expect(fit, good, 27) > rung_scorefit_expect(fit, bad, 27) + 0.1);
    rung_scorefit_free(fit);
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The models that draws let survive to the last rung are about as good as those that would. */
static void survivors_are_of_the_right_kind(void **state)
{
    (void)state;
    struct rung_scorefit *fit = halved(1);
    struct rung_rng rng;
    size_t first = add_model(fit, 0, "small");
    double rates[81], drawn = 0, real = 0;

    rates[0] = 0;
    rung_rng_init(&rng, 9, 0, "survivors");
    for (int k = 1; k < 81; k++)
        add_model(fit, rates[k] = rung_rng_uniform(&rng), k % 2 ? "large" : "small");
    for (uint64_t draw = 0; draw < 50; draw++) {
        double scores[81], truths[81], sorted[81], sorted_truths[81];
        for (int k = 0; k < 81; k++) {
            sorted[k] = scores[k] = rung_scorefit_draw(fit, first + (size_t)k, 9, draw);
            sorted_truths[k] = truths[k] = law(rates[k], k % 2, 9);
        }
        qsort(sorted, 81, sizeof *sorted, descending);
        qsort(sorted_truths, 81, sizeof *sorted_truths, descending);
        for (int k = 0; k < 81; k++) {
            drawn += scores[k] >= sorted[8] ? rates[k] : 0;
            real += truths[k] >= sorted_truths[8] ? rates[k] : 0;
        }
    }
    assert_true(fabs(drawn / real - 1) < 0.15); /* of all models it is about 0.5, of the real ones 0.9 */
    rung_scorefit_free(fit);
}

/* Of models of which half never learn, about half do not improve from 27 to 54 calls. */
static void who_does_not_learn_is_drawn_so(void **state)
{
    (void)state;
    struct rung_scorefit *fit = rung_scorefit_create();
    struct rung_rng rng;
    int still = 0, count = 0;

    rung_rng_init(&rng, 5, 0, "still");
    for (int k = 0; k < 120; k++) {
        double rate = 0.3 + 0.7 * rung_rng_uniform(&rng), level = 0.25 + 0.01 * rung_rng_normal(&rng);
        size_t model = add_model(fit, rate, "large");
        for (int calls = 1; calls <= 27; calls *= 3)
            rung_scorefit_add(fit, model, calls, k % 2 ? level : law(rate, true, calls) + level - 0.25);
    }
    rung_scorefit_fit(fit);
    for (int k = 0; k < 40; k++) {
        size_t model = add_model(fit, 0.3 + 0.7 * k / 40, "large");
        for (uint64_t draw = 0; draw < 20; draw++, count++)
            still +=
                rung_scorefit_draw(fit, model, 54, draw) - rung_scorefit_draw(fit, model, 27, draw) < 0.002;
    }
    print_message("%d of %d\n", still, count);
    assert_true(still > 0.35 * count && still < 0.7 * count);
    rung_scorefit_free(fit);
}

/* Eight of ten scores of models that have not run lie within the middle eight tenths of their draws. */
static void draws_spread_as_scores_do(void **state)
{
    (void)state;
    struct rung_scorefit *fit = halved(1);
    struct rung_rng rng;
    int inside = 0, count = 0;

    rung_rng_init(&rng, 8, 0, "spread");
    for (int k = 0; k < 60; k++) {
        double rate = rung_rng_uniform(&rng);
        size_t model = add_model(fit, rate, k % 2 ? "large" : "small");
        for (int calls = 1; calls <= 27; calls *= 3, count++) {
            double draws[50], score = law(rate, k % 2, calls) + 0.004 * rung_rng_normal(&rng);
            for (uint64_t draw = 0; draw < 50; draw++)
                draws[draw] = rung_scorefit_draw(fit, model, calls, draw);
            qsort(draws, 50, sizeof *draws, descending);
            inside += draws[44] <= score && score <= draws[5];
        }
    }
    print_message("%d of %d\n", inside, count);
    assert_true(inside > 0.65 * count && inside < 0.95 * count);
    rung_scorefit_free(fit);
}

/* A tenth of the losses explodes: the others are told apart all the same. */
static void explosions_do_not_hide_the_rest(void **state)
{
    (void)state;
    struct rung_scorefit *fit = rung_scorefit_create();
    struct rung_rng rng;

    rung_rng_init(&rng, 6, 0, "explosions");
    for (int k = 0; k < 100; k++) {
        double rate = rung_rng_uniform(&rng);
        size_t model = add_model(fit, rate, "large");
        for (int calls = 1; calls <= 9; calls *= 3)
            rung_scorefit_add(fit, model, calls, k % 10 ? 1 - law(rate, true, calls) : 1e9 * calls);
    }
    rung_scorefit_fit(fit);
    double good = rung_scorefit_expect(fit, add_model(fit, 0.9, "large"), 9);
    double bad = rung_scorefit_expect(fit, add_model(fit, 0.1, "large"), 9);
    assert_true(good > 0 && bad < 3 && good < bad - 0.05);
    rung_scorefit_free(fit);
}

static void nothing_is_a_standard_normal(void **state)
{
    (void)state;
    struct rung_scorefit *fit = rung_scorefit_create();
    size_t model = add_model(fit, 0.5, "large");
    double sum = 0, squares = 0;

    rung_scorefit_fit(fit);
    for (uint64_t draw = 0; draw < 1000; draw++) {
        double score = rung_scorefit_draw(fit, model, 3, draw);
        sum += score;
        squares += score * score;
    }
    assert_true(fabs(sum / 1000) < 0.15 && fabs(squares / 1000 - 1) < 0.2);
    assert_true(rung_scorefit_expect(fit, model, 3) == 0);
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

/* Of which nothing could be learnt: a model that comes later is like every other. */
static void models_come_after_scores_that_are_none(void **state)
{
    (void)state;
    struct rung_scorefit *fit = rung_scorefit_create();

    for (int k = 0; k < 30; k++)
        rung_scorefit_add(fit, add_model(fit, k / 30.0, k % 2 ? "large" : "small"), 1, NAN);
    rung_scorefit_fit(fit);
    size_t model = add_model(fit, 0.5, "other");
    assert_true(rung_scorefit_expect(fit, model, 3) == 0);
    for (int k = 0; k < 30; k++)
        rung_scorefit_add(fit, (size_t)k, 1, k);
    rung_scorefit_fit(fit);
    assert_true(isfinite(rung_scorefit_expect(fit, add_model(fit, 0.5, "another"), 3)));
    rung_scorefit_free(fit);
}

/* However few models there are, all of them are learnt from. */
static void few_models_with_many_scores(void **state)
{
    (void)state;
    for (size_t models = 1; models <= 6; models++) {
        struct rung_scorefit *fit = rung_scorefit_create();
        for (size_t k = 0; k < models; k++) {
            add_model(fit, 0.5 + 0.05 * (double)k, "large");
            for (int calls = 1; calls <= 2500; calls++)
                rung_scorefit_add(fit, k, calls, law(0.5 + 0.05 * (double)k, true, calls));
        }
        rung_scorefit_fit(fit);
        for (double calls = 1; calls <= 2500; calls *= 5) {
            double off = rung_scorefit_expect(fit, 0, calls) - law(0.5, true, calls);
            assert_true(fabs(off) < (calls < 25 ? 0.13 : 0.03)); /* of a range of 0.25 */
        }
        rung_scorefit_free(fit);
    }
}

/* A loss is a score with another sign, also where no model was scored twice and nothing else says so. */
static void the_goal_tells_what_is_better(void **state)
{
    (void)state;
    struct rung_scorefit *fits[2];

    for (int loss = 0; loss < 2; loss++) {
        fits[loss] = rung_scorefit_create();
        rung_scorefit_set_goal(fits[loss], !loss);
        for (int k = 0; k < 60; k++) {
            size_t model = add_model(fits[loss], k / 60.0, "large");
            rung_scorefit_add(fits[loss], model, 9, (loss ? -1 : 1) * law(k / 60.0, true, 9));
        }
        rung_scorefit_fit(fits[loss]);
    }
    for (double calls = 1; calls <= 81; calls *= 3)
        for (size_t model = 0; model < 60; model += 7) {
            double score = rung_scorefit_expect(fits[0], model, calls);
            assert_true(fabs(score + rung_scorefit_expect(fits[1], model, calls)) < 1e-9);
        }
    rung_scorefit_free(fits[0]);
    rung_scorefit_free(fits[1]);
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
        cmocka_unit_test(a_model_is_foreseen_without_another_fit),
        cmocka_unit_test(survivors_are_of_the_right_kind),
        cmocka_unit_test(who_does_not_learn_is_drawn_so),
        cmocka_unit_test(draws_spread_as_scores_do),
        cmocka_unit_test(explosions_do_not_hide_the_rest),
        cmocka_unit_test(nothing_is_a_standard_normal),
        cmocka_unit_test(whatever_was_scored_can_be_drawn),
        cmocka_unit_test(models_come_after_scores_that_are_none),
        cmocka_unit_test(few_models_with_many_scores),
        cmocka_unit_test(the_goal_tells_what_is_better),
        cmocka_unit_test(a_million_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
