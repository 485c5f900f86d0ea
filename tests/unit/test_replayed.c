/*
 * What the oracle over a recording answers: recorded outcomes, other stretches of calls in proportion,
 * failures, and what it does not know.
 */
#include "forecast/replayed.h"

#include "../core_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Nine models for 2 calls, three for 6, one for 18; one trainer that is ready at 1 and never idle. Jobs take
 * a second beside what the trainer says. */
static struct rung_recording recording;

static struct rung_search_spec three_models(void)
{
    struct rung_search_spec spec = help_spec(18, 3);
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 9;
    spec.first_calls = 2;
    return spec;
}

static double clock_now;

static void add(enum rung_event_kind kind, uint32_t model, int64_t to, double score, double fit,
                double seconds)
{
    clock_now += fmax(0, fit) + fmax(0, seconds) + 1;
    rung_recording_add_job(&recording, &(struct rung_recorded_job){.kind = kind,
                                                                   .model = model,
                                                                   .to = to,
                                                                   .score = score,
                                                                   .fit_seconds = fit,
                                                                   .score_seconds = seconds,
                                                                   .elapsed = clock_now});
}

/* The second of nine fails at once, and one in its way from 2 to 6. */
static int setup(void **state)
{
    struct rung_search_spec spec = three_models();
    struct rung_err err = {0};
    (void)state;
    rung_recording_init(&recording, &spec);
    rung_recording_add_trainer(&recording, 0, "here", 1, NAN);
    clock_now = 1;
    for (uint32_t k = 0; k < 9; k++)
        if (k == 1)
            add(RUNG_EVENT_FAILURE, 1, 0, NAN, 7, 0);
        else
            add(RUNG_EVENT_RESULT, k, 2, k == 2 ? (double)NAN : 0.1 * k, 4 + k, 0.5);
    add(RUNG_EVENT_RESULT, 8, 6, 0.9, 40, 0.5);
    add(RUNG_EVENT_FAILURE, 7, 2, NAN, 3, 0);
    add(RUNG_EVENT_RESULT, 6, 6, 0.7, 20, 0.5);
    add(RUNG_EVENT_RESULT, 8, 18, 0.95, 60, 0.5);
    return rung_recording_complete(&recording, &err);
}

static int teardown(void **state)
{
    (void)state;
    rung_recording_free(&recording);
    return 0;
}

static const struct rung_replayed_options recorded = {
    .fit_seconds = NAN, .score_seconds = NAN, .overhead_seconds = 1, .whole = true, .losses = true};

static struct rung_virtual_outcome ask(const struct rung_replayed_options *options, uint32_t model,
                                       int64_t from, int64_t to, struct rung_replayed_counts *counts)
{
    struct rung_replayed *replayed = rung_replayed_create(&recording, options);
    struct rung_oracle oracle = rung_replayed_oracle(replayed);
    struct rung_virtual_job job = {.model = model, .from = from, .to = to, .busy = 1};
    struct rung_virtual_outcome outcome = {.score = NAN};
    oracle.job(oracle.context, &job, &outcome);
    if (counts)
        *counts = rung_replayed_take_counts(replayed);
    rung_replayed_free(replayed);
    return outcome;
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9))
        fail_msg("%.17g, not %.17g", value, expected);
}

static void recorded_jobs_are_as_they_were(void **state)
{
    (void)state;
    struct rung_replayed_counts counts;
    struct rung_virtual_outcome outcome = ask(&recorded, 8, 2, 6, &counts);
    near(outcome.fit_seconds, 40);
    near(outcome.score_seconds, 0.5);
    near(outcome.score, 0.9);
    assert_false(outcome.fails || outcome.unknown);
    assert_true(counts.guessed == 0 && counts.untimed == 0);
    outcome = ask(&recorded, 2, 0, 2, NULL);
    assert_true(isnan(outcome.score) && !outcome.unknown && !outcome.fails);
}

static void the_overhead_is_not_counted_twice(void **state)
{
    (void)state;
    struct rung_replayed_options options = recorded;
    near(recording.overhead_seconds, 1);
    options.overhead_seconds = 0.25; /* the clock adds less: the rest is training */
    struct rung_virtual_outcome outcome = ask(&options, 8, 2, 6, NULL);
    near(outcome.fit_seconds + outcome.score_seconds, 41.25);
    options.overhead_seconds = 100; /* more than the job took */
    outcome = ask(&options, 8, 2, 6, NULL);
    assert_true(outcome.fit_seconds == 0 && outcome.score_seconds == 0);
    options.whole = false; /* what the trainer said, whatever lies around it */
    outcome = ask(&options, 8, 2, 6, NULL);
    assert_true(outcome.fit_seconds == 40 && outcome.score_seconds == 0.5);
}

static void fixed_durations_go_by_calls(void **state)
{
    (void)state;
    struct rung_replayed_options options = {.fit_seconds = 2, .score_seconds = 3};
    struct rung_virtual_outcome outcome = ask(&options, 8, 6, 18, NULL);
    assert_true(outcome.fit_seconds == 24 && outcome.score_seconds == 3 && outcome.score == 0.95);
    options.score_seconds = NAN;
    outcome = ask(&options, 8, 6, 18, NULL);
    assert_true(outcome.fit_seconds == 24 && outcome.score_seconds == 0.5);
    outcome = ask(&options, 1, 0, 2, NULL);
    assert_true(outcome.fails && outcome.fit_seconds == 4 && outcome.score_seconds == 0);
}

static void other_stretches_take_their_part(void **state)
{
    (void)state;
    struct rung_virtual_outcome outcome = ask(&recorded, 8, 0, 18, NULL); /* in one go */
    near(outcome.fit_seconds, 12 + 40 + 60);
    near(outcome.score, 0.95);
    outcome = ask(&recorded, 8, 4, 6, NULL); /* the second half of a job */
    near(outcome.fit_seconds, 20);
    near(outcome.score, 0.9);
    outcome = ask(&recorded, 8, 0, 4, NULL); /* a score that nobody took */
    assert_true(outcome.unknown);
}

static void failures_fail_again(void **state)
{
    (void)state;
    struct rung_virtual_outcome outcome = ask(&recorded, 1, 0, 2, NULL);
    assert_true(outcome.fails && !outcome.unknown);
    near(outcome.fit_seconds, 7);
    outcome = ask(&recorded, 7, 0, 2, NULL);
    assert_false(outcome.fails);
    near(outcome.score, 0.7);
    outcome = ask(&recorded, 7, 0, 6, NULL); /* both jobs in one: it fails on the way */
    assert_true(outcome.fails);
    near(outcome.fit_seconds, 11 + 3);
}

static void what_is_not_recorded_is_unknown(void **state)
{
    (void)state;
    assert_true(ask(&recorded, 0, 2, 6, NULL).unknown);
    assert_true(ask(&recorded, 8, 18, 54, NULL).unknown);
    assert_true(ask(&recorded, 9, 0, 2, NULL).unknown);
    assert_true(ask(&recorded, UINT32_MAX - 1, 0, 2, NULL).unknown);
}

static void or_the_last_score_stands_for_it(void **state)
{
    (void)state;
    struct rung_replayed_options options = recorded;
    struct rung_replayed_counts counts;
    options.last = true;
    struct rung_virtual_outcome outcome = ask(&options, 3, 2, 6, &counts);
    assert_false(outcome.unknown);
    near(outcome.score, 0.1 * 3);
    near(outcome.fit_seconds, 7.0 / 2 * 4); /* at the model's rate */
    near(outcome.score_seconds, 0.5);
    assert_int_equal(counts.guessed, 1);
    outcome = ask(&options, 8, 2, 10, NULL);
    near(outcome.score, 0.9);
    near(outcome.fit_seconds, 40 + 60.0 / 12 * 4);
    assert_true(ask(&options, 8, 0, 1, NULL).unknown); /* there is none before */
    assert_true(ask(&options, 9, 0, 2, NULL).unknown);
    assert_true(ask(&options, 1, 0, 2, NULL).fails);
}

static void jobs_without_a_time_get_the_mean(void **state)
{
    (void)state;
    struct rung_search_spec spec = three_models();
    struct rung_replayed_counts counts;
    struct rung_err err = {0};
    teardown(NULL);
    rung_recording_init(&recording, &spec);
    add(RUNG_EVENT_RESULT, 0, 2, 0, 6, NAN);
    add(RUNG_EVENT_RESULT, 1, 2, 0, NAN, NAN);
    recording.jobs[0].trainer = recording.jobs[1].trainer = -1; /* nor is it known from when to when */
    assert_int_equal(rung_recording_complete(&recording, &err), 0);
    struct rung_virtual_outcome outcome = ask(&recorded, 1, 0, 2, &counts);
    near(outcome.fit_seconds, 6);
    assert_true(outcome.score_seconds == 0);
    assert_int_equal(counts.untimed, 1);
}

static void expectations_are_rates(void **state)
{
    (void)state;
    struct rung_replayed *replayed = rung_replayed_create(&recording, &recorded);
    near(rung_replayed_expect(replayed, 8, 2, 6), (12 + 40 + 60) / 18.0 * 4 + 0.5 + 1);
    double mean = rung_replayed_expect(replayed, 9, 0, 1) - 1.5; /* of all models, of one that is not known */
    assert_true(mean > 0);
    near(rung_replayed_expect(replayed, 1, 0, 10), 10 * mean + 1.5); /* it failed before its first result */
    rung_replayed_free(replayed);
    struct rung_replayed_options fixed = {.fit_seconds = 2, .score_seconds = 3};
    replayed = rung_replayed_create(&recording, &fixed);
    assert_true(rung_replayed_expect(replayed, 8, 2, 6) == 11);
    rung_replayed_free(replayed);
}

/* The recorded search on the virtual clock: with its one trainer it ends when it ended. */
static void one_trainer_takes_what_it_took(void **state)
{
    (void)state;
    struct rung_replayed *replayed = rung_replayed_create(&recording, &recorded);
    struct rung_search *search = help_search(&recording.spec);
    struct rung_virtual_options options;
    struct rung_virtual_result result;
    struct rung_err err = {0};
    rung_virtual_defaults(&options);
    options.search = search;
    options.priority = RUNG_PRIORITY_FIFO;
    options.trainers = 1;
    options.oracle = rung_replayed_oracle(replayed);
    options.start_seconds = recording.start_seconds;
    options.overhead_seconds = recording.overhead_seconds;
    if (rung_virtual_run(&options, &result, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(result.done);
    assert_int_equal(result.best, 8);
    assert_int_equal(result.unknown, 0);
    near(result.seconds, clock_now);
    rung_virtual_free(&result);
    rung_search_free(search);
    rung_replayed_free(replayed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(recorded_jobs_are_as_they_were, setup, teardown),
        cmocka_unit_test_setup_teardown(the_overhead_is_not_counted_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(fixed_durations_go_by_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(other_stretches_take_their_part, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_fail_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_recorded_is_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(or_the_last_score_stands_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(jobs_without_a_time_get_the_mean, setup, teardown),
        cmocka_unit_test_setup_teardown(expectations_are_rates, setup, teardown),
        cmocka_unit_test_setup_teardown(one_trainer_takes_what_it_took, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
