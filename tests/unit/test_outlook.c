/* Futures of a search: against what is known exactly, and against what must hold of any. */
#include "forecast/outlook.h"

#include "../core_help.h"
#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODELS 143

/* Jobs of a second a call, with a relative noise; half of the models take twice as long and score better. */
static void learn(struct rung_knowledge *knowledge, double noise)
{
    struct rung_rng rng;

    rung_knowledge_init(knowledge);
    rung_rng_init(&rng, 2, 0, "outlook");
    for (int k = 0; k < MODELS; k++) {
        const char *text = k % 2 ? "{\"net\":\"slow\"}" : "{\"net\":\"fast\"}";
        struct rung_json *json = rung_json_parse(text, strlen(text), 0, NULL);
        size_t model = rung_knowledge_model(knowledge, json, "here");
        rung_json_free(json);
        for (int calls = 1; calls <= 27; calls *= 3) {
            double seconds = (k % 2 ? 2 : 1) * calls * exp(noise * rung_rng_normal(&rng));
            struct rung_time_row row = {model, calls, NAN, 1, seconds, NAN};
            rung_knowledge_add(knowledge, &row, calls,
                               (k % 2 ? 0.8 : 0.4) * (1 - 0.5 / sqrt(calls)) + 0.01 * rung_rng_normal(&rng));
        }
    }
    assert_int_equal(rung_knowledge_fit(knowledge, NULL), 0);
}

static size_t cast[MODELS];

static struct rung_outlook_options options_for(const struct rung_knowledge *knowledge,
                                               const struct rung_search_spec *spec, size_t trainers)
{
    for (size_t k = 0; k < MODELS; k++)
        cast[k] = k;
    return (struct rung_outlook_options){.knowledge = knowledge,
                                         .spec = spec,
                                         .cast = cast,
                                         .cast_count = MODELS,
                                         .priority = spec->priority,
                                         .trainers = trainers,
                                         .draws_max = 30,
                                         .jobs_max = 1000000};
}

static void near(double value, double expected, double share)
{
    if (!(fabs(value / expected - 1) <= share))
        fail_msg("%g is not within %g %% of %g", value, 100 * share, expected);
}

/* Survivors are the slow ones: nearly all calls but those of the first rungs take two seconds. */
static void survivors_are_what_costs(void **state)
{
    (void)state;
    struct rung_knowledge knowledge;
    struct rung_search_spec spec = help_spec(81, 3);
    learn(&knowledge, 0.05);
    struct rung_outlook_options options = options_for(&knowledge, &spec, 1);
    struct rung_outlook outlook;
    assert_int_equal(rung_outlook_make(&outlook, &options, NULL), 0);
    assert_int_equal(outlook.bracket_count, 5);
    near(outlook.calls, 1581, 1e-9);
    near(outlook.scores, 206, 1e-9);
    /* bracket 4: 81 models, half of them slow, at 1 call; then 27 slow ones to 3, 9 to 9, 3 to 27, 1 to 81 */
    near(outlook.brackets[0].value, 81 * 1.5 + 2 * (27 * 2 + 9 * 6 + 3 * 18 + 54), 0.1);
    double sum = 0, calls = 0;
    for (size_t i = 0; i < 5; i++) {
        sum += outlook.brackets[i].value;
        calls += outlook.bracket_calls[i];
        assert_true(outlook.brackets[i].low < outlook.brackets[i].value);
        assert_true(outlook.brackets[i].value < outlook.brackets[i].high);
    }
    near(sum, outlook.trainer_seconds.value, 0.02);
    near(calls, 1581, 1e-9);
    near(outlook.seconds.value, outlook.trainer_seconds.value, 1e-6); /* one trainer never idles */
    near(outlook.utilisation, 1, 1e-6);
    assert_int_equal(outlook.observations, 4 * MODELS);
    rung_outlook_free(&outlook);
    rung_knowledge_free(&knowledge);
}

static void more_trainers_take_less_time_and_idle_more(void **state)
{
    (void)state;
    struct rung_knowledge knowledge;
    struct rung_search_spec spec = help_spec(81, 3);
    double before = INFINITY, idle = -1;
    learn(&knowledge, 0.05);
    for (size_t trainers = 1; trainers <= 64; trainers *= 4) {
        struct rung_outlook_options options = options_for(&knowledge, &spec, trainers);
        struct rung_outlook outlook;
        assert_int_equal(rung_outlook_make(&outlook, &options, NULL), 0);
        assert_true(outlook.seconds.value < before);
        assert_true(outlook.seconds.value * (double)trainers >= 0.98 * outlook.trainer_seconds.value);
        assert_true(outlook.idle_barrier + outlook.idle_no_work > idle);
        before = outlook.seconds.value;
        idle = outlook.idle_barrier + outlook.idle_no_work;
        rung_outlook_free(&outlook);
    }
    rung_knowledge_free(&knowledge);
}

/* The same question has the same answer. */
static void futures_repeat(void **state)
{
    (void)state;
    struct rung_knowledge knowledge;
    struct rung_search_spec spec = help_spec(27, 3);
    struct rung_outlook one, two;
    learn(&knowledge, 0.2);
    struct rung_outlook_options options = options_for(&knowledge, &spec, 3);
    assert_int_equal(rung_outlook_make(&one, &options, NULL), 0);
    assert_int_equal(rung_outlook_make(&two, &options, NULL), 0);
    assert_true(one.seconds.value == two.seconds.value && one.seconds.low == two.seconds.low);
    assert_true(one.draws == 30);
    rung_outlook_free(&one);
    rung_outlook_free(&two);
    rung_knowledge_free(&knowledge);
}

/* Halfway, and with one job that runs since three seconds, what is left is what is left. */
static void the_rest_of_a_search(void **state)
{
    (void)state;
    struct rung_knowledge knowledge;
    struct rung_search_spec spec = help_spec(9, 3);
    struct rung_decisions decisions = {0};
    struct rung_search *search;
    spec.algorithm = RUNG_RANDOM;
    spec.models = 4;
    learn(&knowledge, 0.01);
    assert_int_equal(rung_search_create(&search, &spec, NULL), 0);
    struct rung_event start = {.kind = RUNG_EVENT_START};
    assert_int_equal(rung_search_step(search, &start, &decisions, NULL), 0);
    for (uint32_t k = 0; k < 2; k++) { /* models 0 and 1 are done: 9 calls each */
        struct rung_event event = {.kind = RUNG_EVENT_RESULT, .model = k, .calls = 9, .score = 0.5};
        assert_int_equal(rung_search_step(search, &event, &decisions, NULL), 0);
    }
    struct rung_virtual_running running = {.model = 2, .seconds = 3};
    struct rung_outlook_options options = options_for(&knowledge, &spec, 1);
    struct rung_outlook outlook;
    options.search = search;
    options.running = &running;
    options.running_count = 1;
    assert_int_equal(rung_outlook_make(&outlook, &options, NULL), 0);
    near(outlook.seconds.value, (9 - 3) + 18, 0.06);         /* model 2 is fast, model 3 slow */
    assert_int_equal(rung_search_model(search, 2).calls, 0); /* the search itself is where it was */
    rung_outlook_free(&outlook);
    rung_search_free(search);
    rung_decisions_free(&decisions);
    rung_knowledge_free(&knowledge);
}

/* More models than are known, and more jobs than may be simulated: like those that are known, and summed up.
 */
static void what_is_too_large_is_summed_up(void **state)
{
    (void)state;
    struct rung_knowledge knowledge;
    struct rung_search_spec spec = help_spec(9, 3);
    struct rung_outlook whole, part;
    spec.algorithm = RUNG_RANDOM;
    spec.models = 3000;
    learn(&knowledge, 0.05);
    struct rung_outlook_options options = options_for(&knowledge, &spec, 10);
    options.draws_max = 2;
    assert_int_equal(rung_outlook_make(&whole, &options, NULL), 0);
    near(whole.trainer_seconds.value, 3000 * 9 * 1.5, 0.03);
    options.jobs_max = 500;
    assert_int_equal(rung_outlook_make(&part, &options, NULL), 0);
    near(part.seconds.value, whole.seconds.value, 0.05);
    assert_int_equal(part.draws, 0);
    near(part.scores, 3000, 1e-9);
    rung_outlook_free(&whole);
    rung_outlook_free(&part);
    rung_knowledge_free(&knowledge);
}

/* The sum knows long rungs from short ones, and no number of trainers beats the longest chain of jobs. */
static void brackets_that_are_summed_up(void **state)
{
    (void)state;
    struct rung_knowledge knowledge;
    struct rung_search_spec spec = help_spec(81, 3);
    learn(&knowledge, 0.05);
    for (size_t trainers = 1; trainers <= 64; trainers *= 8) {
        struct rung_outlook_options options = options_for(&knowledge, &spec, trainers);
        struct rung_outlook drawn, summed;
        assert_int_equal(rung_outlook_make(&drawn, &options, NULL), 0);
        options.jobs_max = 205;
        assert_int_equal(rung_outlook_make(&summed, &options, NULL), 0);
        assert_int_equal(summed.draws, 0);
        near(summed.calls, 1581, 1e-9);
        near(summed.scores, 206, 1e-9);
        /* survivors are slow: two seconds a call, where the sum takes 1.5 */
        near(summed.trainer_seconds.value, 1581 * 1.5, 0.03);
        near(summed.brackets[4].value, 405 * 1.5, 0.03);
        near(summed.seconds.value, drawn.seconds.value, 0.35);
        assert_true(summed.seconds.value > 0.9 * 81 * 1.5);
        rung_outlook_free(&drawn);
        rung_outlook_free(&summed);
    }
    rung_knowledge_free(&knowledge);
}

static void a_search_of_billions(void **state)
{
    (void)state;
    struct rung_knowledge knowledge;
    struct rung_search_spec spec = help_spec(1000000000, 3);
    struct rung_outlook outlook;
    learn(&knowledge, 0.05);
    struct rung_outlook_options options = options_for(&knowledge, &spec, 1000);
    assert_int_equal(rung_outlook_make(&outlook, &options, NULL), 0);
    assert_true(outlook.seconds.low > 1e9 && outlook.seconds.high < 1e12);
    rung_outlook_free(&outlook);
    rung_knowledge_free(&knowledge);
}

static void nothing_known_is_a_sentence(void **state)
{
    (void)state;
    struct rung_knowledge knowledge;
    struct rung_err err;
    rung_knowledge_init(&knowledge);
    rung_knowledge_model(&knowledge, NULL, NULL);
    assert_int_equal(rung_knowledge_fit(&knowledge, &err), RUNG_EUSE);
    assert_string_equal(err.text, "no job with a time above 0 has been recorded");
    rung_knowledge_free(&knowledge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survivors_are_what_costs),
        cmocka_unit_test(more_trainers_take_less_time_and_idle_more),
        cmocka_unit_test(futures_repeat),
        cmocka_unit_test(the_rest_of_a_search),
        cmocka_unit_test(what_is_too_large_is_summed_up),
        cmocka_unit_test(brackets_that_are_summed_up),
        cmocka_unit_test(a_search_of_billions),
        cmocka_unit_test(nothing_known_is_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
