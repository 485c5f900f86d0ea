/*
 * What a record says of its jobs' durations: against schedules whose hand-overs are known, with trainers that
 * fail and are replaced, and schedulers that are killed; and small records by hand.
 */
#include "forecast/recording.h"

#include "../core_help.h"
#include "base/mem.h"
#include "core/jobq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OVERHEAD 0.125 /* of every job, beside what its trainer says */

/* ---- a live search in small, whose clock is moved by hand ---- */

struct worker {
    bool present, busy;
    uint32_t model;
    double begun, until;
    bool fails, dies;
};

struct live {
    struct rung_search *search;
    struct rung_jobq *queue;
    struct rung_decisions decisions;
    struct rung_recording recording;
    struct worker workers[8];
    size_t count;
    double now;
    uint64_t random;
    double *truth; /* per recorded event: from hand-over to the result */
    size_t truths, truth_capacity;
};

static void record(struct live *live, enum rung_event_kind kind, const struct worker *worker, double truth)
{
    struct rung_recorded_job job = {.kind = kind, .trainer = -1, .fit_seconds = NAN, .score_seconds = NAN};
    struct rung_event event = {.kind = kind, .model = RUNG_NO_MODEL};

    if (worker) {
        event = help_answer(live->search, worker->model, (double)(worker->model % 7));
        event.kind = kind;
        if (kind == RUNG_EVENT_FAILURE)
            event.calls = rung_search_model(live->search, worker->model).calls;
        job.trainer = (int32_t)(worker - live->workers);
        job.fit_seconds = (truth - OVERHEAD) * 0.75;
        job.score_seconds = (truth - OVERHEAD) * 0.25;
    }
    job.model = event.model;
    job.to = event.calls;
    job.score = event.score;
    job.elapsed = kind == RUNG_EVENT_START ? (double)NAN : live->now;
    live->truth = rung_mem_grow(live->truth, live->truths, &live->truth_capacity, sizeof *live->truth);
    live->truth[live->truths++] = truth;
    rung_recording_add_job(&live->recording, &job);
    help_step(live->search, &event, &live->decisions);
    rung_jobq_apply(live->queue, &live->decisions, live->count);
}

static void join(struct live *live, size_t slot)
{
    live->workers[slot] = (struct worker){.present = true};
    rung_recording_add_trainer(&live->recording, (int32_t)slot, "here", live->now, NAN);
}

static void hand_out(struct live *live)
{
    for (size_t i = 0; i < live->count; i++) {
        struct worker *worker = &live->workers[i];
        uint32_t model = rung_jobq_peek(live->queue);
        if (!worker->present || worker->busy || model == RUNG_NO_MODEL)
            continue;
        rung_jobq_remove(live->queue, model);
        *worker =
            (struct worker){.present = true,
                            .busy = true,
                            .model = model,
                            .begun = live->now,
                            .until = live->now + OVERHEAD + 0.01 * (double)help_below(&live->random, 300),
                            .fails = help_below(&live->random, 15) == 0};
        worker->dies = worker->fails && help_below(&live->random, 2) == 0;
    }
}

static void worked(struct live *live, struct worker *worker)
{
    worker->busy = false;
    if (!worker->fails) {
        record(live, RUNG_EVENT_RESULT, worker, live->now - worker->begun);
        return;
    }
    rung_recording_add_attempt(&live->recording, worker->model, (int32_t)(worker - live->workers), live->now);
    if (help_below(&live->random, 4) == 0)
        record(live, RUNG_EVENT_FAILURE, worker, live->now - worker->begun);
    else
        rung_jobq_return(live->queue, worker->model);
    if (worker->dies) {
        worker->present = false;
        worker->until = live->now + 0.3;
    }
}

/* Every trainer's next moment: its job's end, or its coming back. */
static bool pass(struct live *live)
{
    struct worker *next = NULL;
    for (size_t i = 0; i < live->count; i++) {
        struct worker *worker = &live->workers[i];
        bool waits = worker->busy || !worker->present;
        if (waits && (!next || worker->until < next->until))
            next = worker;
    }
    if (!next)
        return false;
    live->now = next->until;
    if (next->busy)
        worked(live, next);
    else
        join(live, (size_t)(next - live->workers));
    hand_out(live);
    return true;
}

/* Killed: what ran is lost, the clock of the next start goes on from the last event. */
static void restart(struct live *live)
{
    live->now = live->recording.jobs[live->recording.job_count - 1].elapsed;
    live->now = isnan(live->now) ? 0 : live->now;
    for (size_t i = 0; i < live->count; i++) {
        if (live->workers[i].busy)
            rung_jobq_return(live->queue, live->workers[i].model);
        live->workers[i] = (struct worker){.until = live->now + 0.4 + 0.01 * (double)i};
    }
}

static void begin(struct live *live, const struct rung_search_spec *spec, size_t trainers, uint64_t seed)
{
    *live = (struct live){.search = help_search(spec), .count = trainers, .random = seed};
    live->queue = rung_jobq_create(live->search, RUNG_PRIORITY_SCORE);
    rung_recording_init(&live->recording, spec);
    for (size_t i = 0; i < trainers; i++)
        live->workers[i].until = 0.5 + 0.25 * (double)i;
    record(live, RUNG_EVENT_START, NULL, NAN);
}

static void end(struct live *live)
{
    rung_recording_free(&live->recording);
    rung_jobq_free(live->queue);
    rung_search_free(live->search);
    rung_decisions_free(&live->decisions);
    free(live->truth);
}

static void complete(struct rung_recording *recording)
{
    struct rung_err err = {0};
    if (rung_recording_complete(recording, &err) != 0)
        fail_msg("%s", err.text);
}

static struct rung_search_spec any_spec(uint64_t number)
{
    struct rung_search_spec spec = help_spec(27, 3);
    spec.patience = number % 3 == 1 ? 5 : 0;
    spec.tol = number % 2 ? (double)NAN : 0.001;
    if (number % 5 == 4) {
        spec.algorithm = RUNG_SUCCESSIVE_HALVING;
        spec.models = 40;
        spec.max_iter = RUNG_UNSET;
    }
    return spec;
}

static void durations_are_those_of_the_schedule(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct rung_search_spec spec = any_spec(seed);
        struct live live;
        size_t known = 0, results = 0;
        begin(&live, &spec, 1 + seed % 8, seed);
        for (int step = 0; pass(&live); step++)
            if (seed % 4 == 3 && step % 37 == 20)
                restart(&live);
        complete(&live.recording);
        assert_true(live.recording.finished);
        for (size_t i = 0; i < live.recording.job_count; i++) {
            const struct rung_recorded_job *job = &live.recording.jobs[i];
            if (job->kind != RUNG_EVENT_RESULT)
                continue;
            results++;
            if (isnan(job->seconds))
                continue;
            known++;
            if (fabs(job->seconds - live.truth[i]) > 1e-9)
                fail_msg("seed %d: event %d took %.17g, not %.17g", (int)seed, (int)i, live.truth[i],
                         job->seconds);
        }
        assert_true(known >= results * 9 / 10);
        assert_true(fabs(live.recording.overhead_seconds - OVERHEAD) < 1e-9);
        assert_true(live.recording.start_seconds >= 0.5);
        assert_true(live.recording.start_seconds <= 0.5 + 0.125 * (double)(live.count - 1));
        end(&live);
    }
}

static void lost_attempts_are_counted_to_their_job(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(27, 3);
    double lost = 0, busy = 0;
    struct live live;
    begin(&live, &spec, 1, 5);
    while (pass(&live))
        ;
    complete(&live.recording);
    for (size_t i = 0; i < live.recording.job_count; i++) {
        lost += live.recording.jobs[i].lost_seconds;
        busy += live.recording.jobs[i].kind == RUNG_EVENT_RESULT ? live.truth[i] : 0;
    }
    assert_true(live.recording.attempt_count > 2);
    assert_true(live.recording.trainer_count > 2);          /* it was replaced */
    assert_true(fabs(0.5 + busy + lost - live.now) < 1e-9); /* one trainer, never idle */
    end(&live);
}

static void sharing_is_the_mean_of_trainers_at_work(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(81, 3);
    for (size_t trainers = 1; trainers <= 4; trainers += 3) {
        struct live live;
        double most = 0;
        begin(&live, &spec, trainers, 7);
        while (pass(&live))
            ;
        complete(&live.recording);
        for (size_t i = 0; i < live.recording.job_count; i++)
            most = fmax(most, live.recording.jobs[i].sharing);
        assert_true(live.recording.jobs[50].sharing > 0.9 * (double)trainers); /* many jobs are ready then */
        assert_true(most <= (double)trainers + 1e-9);
        end(&live);
    }
}

/* ---- by hand ---- */

static void add(struct rung_recording *recording, uint32_t model, int64_t to, int32_t trainer, double elapsed,
                double fit, double score_seconds)
{
    rung_recording_add_job(recording, &(struct rung_recorded_job){.kind = RUNG_EVENT_RESULT,
                                                                  .model = model,
                                                                  .trainer = trainer,
                                                                  .to = to,
                                                                  .score = (double)model,
                                                                  .fit_seconds = fit,
                                                                  .score_seconds = score_seconds,
                                                                  .examples = NAN,
                                                                  .elapsed = elapsed});
}

/* Two models for four calls, then one for eight. */
static struct rung_search_spec two_models(void)
{
    struct rung_search_spec spec = help_spec(8, 2);
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 2;
    spec.first_calls = 4;
    return spec;
}

static void trainers_of_different_hosts_do_not_share(void **state)
{
    (void)state;
    struct rung_search_spec spec = two_models();
    for (int hosts = 1; hosts <= 2; hosts++) {
        struct rung_recording recording;
        rung_recording_init(&recording, &spec);
        rung_recording_add_trainer(&recording, 0, "a", 1, NAN);
        rung_recording_add_trainer(&recording, 1, hosts == 2 ? "b" : "a", 2, NAN);
        add(&recording, 0, 4, 0, 5, 3, 1);
        add(&recording, 1, 4, 1, 8, 4, 2);
        add(&recording, 1, 8, 1, 10, 2, 0);
        complete(&recording);
        assert_true(recording.jobs[0].seconds == 4); /* from 1 to 5; the other trainer worked from 2 on */
        assert_true(recording.jobs[0].sharing == (hosts == 2 ? 1 : 1.75));
        assert_true(recording.jobs[1].sharing == (hosts == 2 ? 1 : 1.5));
        assert_true(recording.jobs[2].sharing == 1);
        assert_true(recording.start_seconds == 1.5);
        assert_true(recording.overhead_seconds == 0);
        assert_int_equal(recording.slots, 2);
        rung_recording_free(&recording);
    }
}

static void a_trainer_that_waited_did_not_work(void **state)
{
    (void)state;
    struct rung_search_spec spec = two_models();
    struct rung_recording recording;
    rung_recording_init(&recording, &spec);
    rung_recording_add_trainer(&recording, 0, "a", 0, NAN);
    rung_recording_add_trainer(&recording, 1, "a", 0, NAN);
    add(&recording, 0, 4, 0, 1, 1, NAN);
    add(&recording, 1, 4, 1, 5, 4, NAN);
    add(&recording, 1, 8, 0, 8, 2, NAN); /* trainer 0, idle since 1, got it at 5, when it was asked for */
    recording.elapsed = 9.5;
    complete(&recording);
    assert_true(recording.jobs[2].seconds == 3);
    assert_true(recording.end_seconds == 1.5);
    assert_true(recording.overhead_seconds == 1); /* no score_seconds at all: they belong to the rest */
    rung_recording_free(&recording);
}

static void what_is_not_known_is_nan(void **state)
{
    (void)state;
    struct rung_search_spec spec = two_models();
    struct rung_recording recording;
    rung_recording_init(&recording, &spec);
    add(&recording, 0, 4, -1, NAN, NAN, NAN);
    add(&recording, 1, 4, 0, 5, 2, 0);
    complete(&recording);
    assert_true(isnan(recording.jobs[0].seconds) && isnan(recording.jobs[1].seconds));
    assert_true(isnan(recording.overhead_seconds) && isnan(recording.start_seconds));
    assert_true(isnan(recording.end_seconds));
    assert_false(recording.finished);
    assert_true(recording.jobs[0].sharing == 1 && recording.jobs[1].sharing == 1);
    assert_int_equal(recording.model_count, 2); /* without rows of their own */
    assert_null(recording.models[1].parameters);
    rung_recording_free(&recording);
}

static void room_for_states_may_have_held_jobs_back(void **state)
{
    (void)state;
    struct rung_search_spec spec = two_models();
    struct rung_recording recording;
    rung_recording_init(&recording, &spec);
    recording.may_hold_back = true;
    rung_recording_add_trainer(&recording, 0, "a", 0, NAN);
    add(&recording, 0, 4, 0, 1, 1, 0);
    add(&recording, 1, 4, 0, 2, 1, 0);
    add(&recording, 1, 8, 0, 4, 1, 0);
    complete(&recording);
    assert_true(isnan(recording.jobs[1].seconds));
    assert_true(recording.jobs[2].seconds == 2);
    rung_recording_free(&recording);
}

static void none_and_garbage(void **state)
{
    (void)state;
    struct rung_search_spec spec = two_models();
    struct rung_recording recording;
    struct rung_err err = {0};
    rung_recording_init(&recording, &spec);
    complete(&recording);
    assert_null(rung_recording_job(&recording, 0, 0));
    rung_recording_free(&recording);
    rung_recording_init(&recording, &spec);
    assert_null(rung_recording_job(&recording, 0, 0));
    add(&recording, 0, 4, INT32_MAX, 1, 1, 0); /* a slot that is none */
    add(&recording, 7, 4, 0, 2, 1, 0);         /* a model that is none */
    assert_int_equal(rung_recording_complete(&recording, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "event 2"));
    assert_int_equal(rung_recording_complete(&recording, NULL), RUNG_EUSE);
    rung_recording_free(&recording);
}

static void jobs_are_found_by_where_they_began(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(27, 3);
    struct live live;
    size_t found = 0;
    spec.patience = 2;
    spec.tol = NAN;
    begin(&live, &spec, 3, 11);
    while (pass(&live))
        ;
    complete(&live.recording);
    for (size_t i = 0; i < live.recording.job_count; i++) {
        const struct rung_recorded_job *job = &live.recording.jobs[i];
        if (job->kind != RUNG_EVENT_RESULT)
            continue;
        assert_ptr_equal(rung_recording_job(&live.recording, job->model, job->from), job);
        assert_null(rung_recording_job(&live.recording, job->model, job->from + 1000));
        found++;
    }
    assert_true(found > 100);
    for (size_t k = 0; k < live.recording.model_count; k++) {
        int64_t calls = 0;
        for (int64_t i = live.recording.models[k].first; i >= 0; i = live.recording.jobs[i].next) {
            assert_int_equal(live.recording.jobs[i].model, k);
            assert_int_equal(live.recording.jobs[i].from, calls);
            calls = live.recording.jobs[i].to;
        }
        assert_int_equal(calls, rung_search_model(live.search, (uint32_t)k).calls);
    }
    end(&live);
}

/* One model alone, a score every third call: its million jobs are looked up one by one. */
static void a_million_rows(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(2999990, 3);
    struct rung_recording recording;
    spec.algorithm = RUNG_INCREMENTAL;
    spec.models = 1;
    spec.fits_per_score = 3;
    rung_recording_init(&recording, &spec);
    rung_recording_add_trainer(&recording, 0, "a", 0.5, NAN);
    struct rung_search *search = help_search(&spec);
    struct rung_decisions decisions = {0};
    struct rung_event event = help_start();
    help_step(search, &event, &decisions);
    for (int64_t i = 1; !rung_search_done(search); i++) {
        event = help_answer(search, 0, 1);
        add(&recording, 0, event.calls, 0, 0.5 + 2 * (double)i, 1.5, 0.25);
        help_step(search, &event, &decisions);
    }
    complete(&recording);
    assert_true(recording.job_count >= 999990);
    assert_true(fabs(recording.overhead_seconds - 0.25) < 1e-6);
    for (size_t i = 0; i < recording.job_count; i++)
        assert_ptr_equal(rung_recording_job(&recording, 0, recording.jobs[i].from), &recording.jobs[i]);
    rung_search_free(search);
    rung_decisions_free(&decisions);
    rung_recording_free(&recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_those_of_the_schedule),
        cmocka_unit_test(lost_attempts_are_counted_to_their_job),
        cmocka_unit_test(sharing_is_the_mean_of_trainers_at_work),
        cmocka_unit_test(trainers_of_different_hosts_do_not_share),
        cmocka_unit_test(a_trainer_that_waited_did_not_work),
        cmocka_unit_test(what_is_not_known_is_nan),
        cmocka_unit_test(room_for_states_may_have_held_jobs_back),
        cmocka_unit_test(none_and_garbage),
        cmocka_unit_test(jobs_are_found_by_where_they_began),
        cmocka_unit_test(a_million_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
