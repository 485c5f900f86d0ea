/*
 * Searches on the virtual clock: durations that are known, seconds that add up whatever happens, and searches
 * that go on from the middle.
 */
#include "../virtual_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define EVERYBODY   100000 /* trainers: more than there are models */
#define NEARLY_BEST 0.95   /* of the final best score */

/* ---- known durations: a second per call, one and a half per score ---- */

enum subject { DASK_243, EXACT_243, EXACT_81 };

static struct rung_search_spec spec_of(enum subject subject)
{
    struct rung_search_spec spec = help_spec(subject == EXACT_81 ? 81 : 243, 3);
    if (subject == DASK_243) {
        spec.variant = RUNG_VARIANT_DASK;
        spec.patience = 81;
        spec.tol = NAN;
    }
    return spec;
}

struct line {
    enum subject subject;
    enum rung_virtual_unit unit;
    enum rung_priority priority;
    int64_t calls, scores;
    double work;
    size_t count;
    size_t trainers[10];
    double ends[10];
    double reaches[10]; /* 0: not stated */
};

static const struct line LINES[] = {
    {DASK_243,
     RUNG_UNIT_CALL,
     RUNG_PRIORITY_FIFO,
     4743,
     364,
     5289,
     10,
     {1, 2, 4, 8, 16, 20, 24, 32, 64, EVERYBODY},
     {5289, 2644.5, 1324, 662.5, 394, 349, 318.5, 294.5, 263, 253.5},
     {0}},
    {DASK_243,
     RUNG_UNIT_CALL,
     RUNG_PRIORITY_SCORE,
     4743,
     364,
     5289,
     10,
     {1, 2, 4, 8, 16, 20, 24, 32, 64, EVERYBODY},
     {5289, 2646, 1324, 704, 436.5, 372, 344.5, 307, 264.5, 253.5},
     {0}},
    {DASK_243,
     RUNG_UNIT_JOB,
     RUNG_PRIORITY_FIFO,
     4743,
     364,
     5289,
     10,
     {1, 2, 4, 8, 16, 20, 24, 32, 64, EVERYBODY},
     {5289, 2677.5, 1414, 760.5, 445, 390, 366, 320.5, 265.5, 253.5},
     {0}},
    {DASK_243,
     RUNG_UNIT_JOB,
     RUNG_PRIORITY_SCORE,
     4743,
     364,
     5289,
     4,
     {8, 16, 24, 32},
     {711, 459, 335, 314},
     {0}},
    {EXACT_243,
     RUNG_UNIT_CALL,
     RUNG_PRIORITY_FIFO,
     6831,
     611,
     7747.5,
     8,
     {1, 2, 4, 8, 16, 24, 32, EVERYBODY},
     {7747.5, 3874, 1938, 971, 508, 393.5, 339, 252},
     {0}},
    {EXACT_81,
     RUNG_UNIT_CALL,
     RUNG_PRIORITY_FIFO,
     1581,
     206,
     1890,
     6,
     {1, 2, 4, 8, 16, EVERYBODY},
     {1890, 945, 474, 238.5, 141, 88.5},
     {1881, 941, 471, 235.5, 138, 84}},
    {EXACT_81,
     RUNG_UNIT_CALL,
     RUNG_PRIORITY_SCORE,
     1581,
     206,
     1890,
     6,
     {1, 2, 4, 8, 16, EVERYBODY},
     {1890, 945.5, 473.5, 241, 143, 88.5},
     {540.5, 300, 183.5, 130.5, 107, 84}},
};

static double reaches(const struct rung_virtual_result *result, double share)
{
    size_t i = 0;
    while (result->points[i].score < share * result->points[result->point_count - 1].score)
        i++;
    return result->points[i].seconds;
}

static uint32_t check_cell(const struct line *line, size_t i)
{
    struct rung_search_spec spec = spec_of(line->subject);
    struct help_virtual help;
    help_virtual_open(&help, &spec, line->trainers[i]);
    help.options.unit = line->unit;
    help.options.priority = line->priority;
    help_virtual_run(&help);
    const struct rung_virtual_result *result = &help.result;
    if (result->seconds != line->ends[i])
        fail_msg("line %td, %zu trainers: %g s instead of %g", line - LINES, line->trainers[i],
                 result->seconds, line->ends[i]);
    assert_true(result->done);
    assert_int_equal(result->calls, line->calls);
    assert_int_equal(result->scores, line->scores);
    assert_int_equal(result->jobs, line->scores);
    assert_true(result->fit_seconds + result->score_seconds == line->work);
    assert_true(help_virtual_seconds(result) == (double)line->trainers[i] * result->seconds);
    if (line->reaches[i] != 0)
        assert_true(reaches(result, NEARLY_BEST) == line->reaches[i]);
    uint32_t best = result->best;
    help_virtual_close(&help);
    return best;
}

/* The best model depends on neither trainers, unit nor priority. */
static void test_known_durations(void **state)
{
    (void)state;
    uint32_t best[3] = {RUNG_NO_MODEL, RUNG_NO_MODEL, RUNG_NO_MODEL};
    for (size_t line = 0; line < sizeof LINES / sizeof *LINES; line++)
        for (size_t i = 0; i < LINES[line].count; i++) {
            uint32_t found = check_cell(&LINES[line], i);
            uint32_t *expected = &best[LINES[line].subject];
            if (*expected == RUNG_NO_MODEL)
                *expected = found;
            assert_int_equal(found, *expected);
        }
}

/* The authors' own times for that search, with score priority. */
static void test_recorded_durations(void **state)
{
    (void)state;
    static const struct {
        size_t trainers;
        double seconds;
    } recorded[] = {{8, 743}, {16, 430}, {24, 352}, {32, 319}};
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        struct rung_search_spec spec = spec_of(DASK_243);
        struct help_virtual help;
        help_virtual_open(&help, &spec, recorded[i].trainers);
        help_virtual_run(&help);
        assert_true(fabs(help.result.seconds / recorded[i].seconds - 1) <= 0.07);
        help_virtual_close(&help);
    }
}

/* ---- small examples that can be done by hand ---- */

static struct rung_search_spec random_spec(int64_t models, int64_t calls)
{
    struct rung_search_spec spec = help_spec(calls, 3);
    spec.algorithm = RUNG_RANDOM;
    spec.models = models;
    return spec;
}

#define assert_seconds(value, expected) assert_true((value) == (expected))

/* Five jobs of 3 + 1.5 s on two trainers that take 2 s to start, half a second around each. */
static void test_start_and_overhead(void **state)
{
    (void)state;
    struct rung_search_spec spec = random_spec(5, 3);
    struct help_virtual help;
    help_virtual_open(&help, &spec, 2);
    help.options.start_seconds = 2;
    help.options.overhead_seconds = 0.5;
    help_virtual_run(&help);
    assert_seconds(help.result.seconds, 17);
    assert_seconds(help.result.idle_start, 4);
    assert_seconds(help.result.overhead_seconds, 2.5);
    assert_seconds(help.result.fit_seconds, 15);
    assert_seconds(help.result.score_seconds, 7.5);
    assert_seconds(help.result.idle_no_work, 5);
    assert_seconds(help.result.idle_barrier, 0);
    assert_int_equal(help.result.states_peak, 2); /* the best so far, and one that has just ended */
    assert_seconds(help.result.brackets[0].ended, 17);
    help_virtual_close(&help);
}

/* Nine models of 1, 3 and 9 calls on as many trainers, of which one takes ten times as long. */
static void test_barriers_and_slow_trainers(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(9, 3);
    struct help_virtual help;
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 9;
    help_virtual_open(&help, &spec, 9);
    help.options.slow_trainers = 1;
    help.options.slow_factor = 10;
    help_virtual_run(&help);
    /* Rung 0 waits for the slow one: 25 s, of which eight idle 22.5. The last freed, which is that one, gets
     * the first job again: 2 calls, 35 s; two wait 31.5 s for it and six have nothing to wait for. It trains
     * the winner: 6 calls, 75 s. */
    assert_seconds(help.result.seconds, 25 + 35 + 75);
    assert_seconds(help.result.idle_barrier, 8 * 22.5 + 2 * 31.5);
    assert_seconds(help.result.idle_no_work, 6 * 35 + 8 * 75);
    assert_int_equal(help.result.states_peak, 9);
    assert_int_equal(help.result.jobs, 13);
    help_virtual_close(&help);
}

static void test_all_slow_is_twice_as_long(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(27, 3);
    double seconds[2];
    for (int slow = 0; slow < 2; slow++) {
        struct help_virtual help;
        help_virtual_open(&help, &spec, 5);
        help.options.slow_trainers = slow ? 5 : 0;
        help.options.slow_factor = 2;
        help_virtual_run(&help);
        seconds[slow] = help.result.seconds;
        help_virtual_close(&help);
    }
    assert_seconds(seconds[1], 2 * seconds[0]);
}

/* One trainer holds everything; of two, each what it trained last. */
static void test_transfers(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(27, 3);
    double apart[2];
    for (size_t trainers = 1; trainers <= 2; trainers++) {
        struct help_virtual help;
        help_virtual_open(&help, &spec, trainers);
        help.options.transfer_seconds = 0.25;
        help_virtual_run(&help);
        apart[trainers - 1] = help.result.transfer_seconds;
        help_virtual_close(&help);
    }
    assert_seconds(apart[0], 0);
    assert_true(apart[1] > 0 && fmod(apart[1], 0.25) == 0);
    /* The 20 jobs of later rungs, at the most. */
    assert_true(apart[1] <= 0.25 * (69 - 49));
}

static void test_brackets_add_up_to_the_plan(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(81, 3);
    struct help_virtual help;
    help_virtual_open(&help, &spec, 7);
    help_virtual_run(&help);
    const struct rung_plan *plan = rung_search_plan(help.search);
    assert_int_equal(help.result.bracket_count, plan->bracket_count);
    assert_int_equal(help.result.models, plan->models);
    for (size_t i = 0; i < plan->bracket_count; i++) {
        const struct rung_virtual_bracket *bracket = &help.result.brackets[i];
        assert_int_equal(bracket->bracket, plan->brackets[i].bracket);
        assert_int_equal(bracket->models, plan->brackets[i].rungs[0].models);
        assert_int_equal(bracket->calls, plan->brackets[i].calls);
        assert_int_equal(bracket->scores, plan->brackets[i].scores);
        assert_seconds(bracket->busy_seconds, (double)bracket->calls + 1.5 * (double)bracket->scores);
        assert_true(bracket->ended > 0 && bracket->ended <= help.result.seconds);
    }
    help_virtual_close(&help);
}

static void test_brackets_in_another_order(void **state)
{
    (void)state;
    static const uint32_t orders[][3] = {{0, 2, 1}, {1, 0, 2}};
    struct rung_search_spec spec = help_spec(9, 3);
    for (size_t k = 0; k < 2; k++) {
        struct help_virtual help;
        help_virtual_open(&help, &spec, 1);
        help.options.priority = RUNG_PRIORITY_FIFO;
        help.options.bracket_order = orders[k];
        help.options.bracket_order_count = k == 0 ? 3 : 2; /* what is not named comes last */
        help_virtual_run(&help);
        uint32_t first = 2 - orders[k][0]; /* where the plan has it */
        for (uint32_t i = 0; i < 3;
             i++) /* of one rung or all first jobs before second ones: the first ends first */
            assert_true(i == first || k == 1 ||
                        help.result.brackets[i].ended > help.result.brackets[first].ended);
        assert_true(help.result.done);
        help_virtual_close(&help);
    }
}

static void test_points_rise(void **state)
{
    (void)state;
    for (int maximize = 0; maximize < 2; maximize++) {
        struct rung_search_spec spec = help_spec(27, 3);
        struct help_virtual help;
        spec.maximize = maximize;
        help_virtual_open(&help, &spec, 3);
        help_virtual_run(&help);
        double sign = maximize ? 1 : -1;
        assert_true(help.result.point_count > 2);
        for (size_t i = 1; i < help.result.point_count; i++) {
            assert_true(help.result.points[i].seconds >= help.result.points[i - 1].seconds);
            assert_true(sign * help.result.points[i].score > sign * help.result.points[i - 1].score);
        }
        assert_seconds(help.result.best_score, rung_search_model(help.search, help.result.best).score);
        assert_true(sign * help.result.best_score > 0);
        help_virtual_close(&help);
    }
}

/* ---- stopping ---- */

static void test_until_and_max_jobs(void **state)
{
    (void)state;
    struct rung_search_spec spec = random_spec(10, 3);
    struct help_virtual help;
    help_virtual_open(&help, &spec, 2);
    help.options.until = 6; /* the second two are a second and a half into their scoring or training */
    help_virtual_run(&help);
    assert_seconds(help.result.seconds, 6);
    assert_seconds(help.result.fit_seconds, 9);
    assert_seconds(help.result.score_seconds, 3);
    assert_int_equal(help.result.jobs, 2);
    assert_int_equal(help.result.calls, 6);
    assert_false(help.result.done);
    assert_true(isnan(help.result.brackets[0].ended));
    help_virtual_close(&help);

    help_virtual_open(&help, &spec, 2);
    help.options.max_jobs = 5; /* they end in pairs */
    help_virtual_run(&help);
    assert_int_equal(help.result.jobs, 6);
    assert_seconds(help.result.seconds, 13.5);
    assert_false(help.result.done);
    help_virtual_close(&help);
}

/* Model 3 cannot be said. */
static void all_but_one(void *context, const struct rung_virtual_job *job,
                        struct rung_virtual_outcome *outcome)
{
    const struct rung_oracle *known = context;
    known->job(known->context, job, outcome);
    outcome->unknown = job->model == 3;
}

static void test_unknown_jobs_are_left_out(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(9, 3);
    struct help_virtual help;
    help_virtual_open(&help, &spec, 4);
    struct rung_oracle known = help.options.oracle;
    help.options.oracle = (struct rung_oracle){&known, all_but_one};
    help_virtual_run(&help);
    assert_false(help.result.done);
    assert_int_equal(help.result.unknown, 1);
    assert_true(isnan(help.result.brackets[0].ended)); /* its bracket waits for it */
    assert_false(isnan(help.result.brackets[1].ended));
    assert_false(isnan(help.result.brackets[2].ended));
    assert_true(fabs(help_virtual_seconds(&help.result) - 4 * help.result.seconds) < 1e-9);
    help_virtual_close(&help);

    spec.algorithm = RUNG_ASHA;
    spec.models = RUNG_UNSET;
    help_virtual_open(&help, &spec, 4);
    known = help.options.oracle;
    help.options.oracle = (struct rung_oracle){&known, all_but_one};
    help.options.max_jobs = 1000000;
    help_virtual_run(&help);
    assert_int_equal(help.result.unknown, 1);
    assert_int_equal(help.result.models, 4);
    help_virtual_close(&help);
}

/* ---- what goes wrong ---- */

/* A lost attempt is done again, and leaves no trace but time. */
static void test_losses_change_time_alone(void **state)
{
    (void)state;
    for (int unit = RUNG_UNIT_JOB; unit <= RUNG_UNIT_CALL; unit++) {
        struct rung_search_spec spec = help_spec(27, 3);
        struct help_virtual help;
        int64_t jobs = 0;
        uint32_t best = RUNG_NO_MODEL;
        double seconds = 0;
        for (int lossy = 0; lossy < 2; lossy++) {
            help_virtual_open(&help, &spec, 4);
            struct rung_oracle known = help.options.oracle;
            help.options.oracle = (struct rung_oracle){&known, help_virtual_rough};
            help.options.unit = (enum rung_virtual_unit)unit;
            help.options.loss_rate = lossy ? 0.3 : 0;
            help.options.restart_seconds = lossy ? 2 : 0;
            help_virtual_run(&help);
            if (lossy) {
                assert_true(help.result.lost > 5);
                assert_true(help.result.lost_seconds > 10);
                assert_int_equal(help.result.jobs, jobs);
                assert_int_equal(help.result.best, best);
                assert_true(help.result.seconds > seconds);
            }
            jobs = help.result.jobs;
            best = help.result.best;
            seconds = help.result.seconds;
            assert_true(help.result.done);
            help_virtual_close(&help);
        }
    }
}

/* The search is over: nothing to do, but what there is to say is said. */
static void test_of_a_search_that_is_done(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(9, 3);
    struct help_virtual help;
    help_virtual_open(&help, &spec, 2);
    help_virtual_run(&help);
    uint32_t best = help.result.best;
    double score = help.result.best_score;
    rung_virtual_free(&help.result);
    help.options.start_seconds = 3;
    help_virtual_run(&help);
    assert_true(help.result.done);
    assert_int_equal(help.result.jobs, 0);
    assert_int_equal(help.result.best, best);
    assert_seconds(help.result.seconds, 0);
    assert_seconds(help.result.brackets[0].ended, 0);
    assert_int_equal(help.result.point_count, 1);
    assert_true(help.result.points[0].score >= score);
    help_virtual_close(&help);
}

/* ---- refusals ---- */

static void assert_refused(struct help_virtual *help, const char *text)
{
    struct rung_err err = {0};
    assert_int_equal(rung_virtual_run(&help->options, &help->result, &err), RUNG_EUSE);
    if (strstr(err.text, text) == NULL)
        fail_msg("%s, not about %s", err.text, text);
    help_virtual_close(help);
}

static void no_time(void *context, const struct rung_virtual_job *job, struct rung_virtual_outcome *outcome)
{
    (void)job;
    outcome->fit_seconds = 1;
    outcome->score_seconds = *(const double *)context;
}

static void test_what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const uint32_t twice[] = {1, 1}, beyond[] = {7};
    static const double wrong[] = {NAN, INFINITY, -1};
    struct rung_virtual_running running[] = {{0, 1}, {0, 1}, {500, 1}, {1, NAN}};
    struct rung_search_spec spec = help_spec(9, 3), endless = spec;
    struct help_virtual help;
    endless.algorithm = RUNG_ASHA;
#define refuse(change, text)                                                                                 \
    do {                                                                                                     \
        help_virtual_open(&help, &spec, 3);                                                                  \
        change;                                                                                              \
        assert_refused(&help, text);                                                                         \
    } while (0)
    refuse(help.options.trainers = 0, "trainers");
    refuse(help.options.trainers = SIZE_MAX, "trainers");
    refuse(help.options.running_count = 4, "4 jobs");
    refuse((help.options.running = running, help.options.running_count = 2), "model 0");
    refuse((help.options.running = running + 2, help.options.running_count = 1), "model 500");
    refuse((help.options.running = running + 3, help.options.running_count = 1), "model 1");
    refuse(help.options.loss_rate = 1, "lost");
    refuse(help.options.loss_rate = NAN, "lost");
    refuse(help.options.until = NAN, "stop");
    refuse(help.options.start_seconds = -1, "ready");
    refuse(help.options.overhead_seconds = NAN, "around");
    refuse(help.options.slow_factor = INFINITY, "slow");
    refuse((help.options.bracket_order = twice, help.options.bracket_order_count = 2), "bracket 1");
    refuse((help.options.bracket_order = beyond, help.options.bracket_order_count = 1), "bracket 7");
    for (size_t i = 0; i < 3; i++)
        refuse((help.options.oracle = (struct rung_oracle){(void *)&wrong[i], no_time}), "time to score");
    help_virtual_open(&help, &endless, 3);
    assert_refused(&help, "no end");
#undef refuse
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_durations),
        cmocka_unit_test(test_recorded_durations),
        cmocka_unit_test(test_start_and_overhead),
        cmocka_unit_test(test_barriers_and_slow_trainers),
        cmocka_unit_test(test_all_slow_is_twice_as_long),
        cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_brackets_add_up_to_the_plan),
        cmocka_unit_test(test_brackets_in_another_order),
        cmocka_unit_test(test_points_rise),
        cmocka_unit_test(test_until_and_max_jobs),
        cmocka_unit_test(test_unknown_jobs_are_left_out),
        cmocka_unit_test(test_losses_change_time_alone),
        cmocka_unit_test(test_of_a_search_that_is_done),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
