#include "dispatch/engine_private.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- starting ---- */

static void note_trainer(struct rung_engine *engine, int slot, const char *status, const char *reason,
                         double now)
{
    struct rung_note note = rung_engine_note(engine, RUNG_NOTE_TRAINER, now);
    note.trainer = slot;
    note.status = status;
    note.reason = reason;
    rung_outbox_note(&engine->outbox, &note);
}

static void record_start_failure(struct rung_engine *engine, int slot, const char *reason, double now)
{
    struct rung_err err;
    struct rung_buf log;
    rung_buf_init(&log, RUNG_BUF_UNLIMITED);
    engine->executor->log_tail(engine->executor->self, slot, 20, &log);
    struct rung_failure_facts facts = {.model = RUNG_NO_MODEL,
                                       .from = RUNG_NO_VALUE,
                                       .to = RUNG_NO_VALUE,
                                       .attempt = rung_pool_slot(engine->pool, slot)->start_failures + 1,
                                       .trainer = slot,
                                       .kind = RUNG_FAILURE_START,
                                       .reason = reason,
                                       .log = log.length ? log.data : NULL,
                                       .at = now + engine->epoch};
    if (rung_record_failure(engine->options.record, &facts, &err))
        rung_engine_break(engine, &err);
    rung_buf_free(&log);
    snprintf(engine->start_reason, sizeof engine->start_reason, "trainer %d: %.400s", slot, reason);
    struct rung_note note = rung_engine_note(engine, RUNG_NOTE_FAILURE, now);
    note.trainer = slot;
    note.kind = rung_failure_kind_name(RUNG_FAILURE_START);
    note.reason = reason;
    rung_outbox_note(&engine->outbox, &note);
}

/* After `gone`, or when nothing was started at all. */
static void start_came_to_nothing(struct rung_engine *engine, int slot, double now)
{
    if (engine->phase == RUNG_PHASE_EVALUATING) { /* a test score is worth one start */
        rung_engine_warn(engine, now, "no test score: %s", engine->start_reason);
        engine->evaluated = true;
    }
    if (!rung_pool_start_failed(engine->pool, slot, now))
        return;
    note_trainer(engine, slot, "given up", "it failed to start 3 times in a row", now);
    if (engine->executor->given_up)
        engine->executor->given_up(engine->executor->self, slot);
}

static void start_one(struct rung_engine *engine, int slot, double now)
{
    const struct rung_spec *spec = engine->options.spec;
    struct rung_err err;
    struct rung_start start = {.line = {.search = engine->options.name,
                                        .seed = spec->search.seed,
                                        .trainer = slot,
                                        .threads = spec->trainer.threads,
                                        .settings = spec->trainer.settings,
                                        .examples_per_call = spec->search.examples_per_call},
                               .trainer = &spec->trainer,
                               .identity = rung_record_identity(engine->options.record),
                               .metric = spec->metric,
                               .folder = engine->options.folder,
                               .log_folder = rung_states_log_folder(engine->states)};
    rung_pool_started(engine->pool, slot, now, spec->limits.start_timeout);
    if (engine->executor->start(engine->executor->self, slot, &start, &err) == 0)
        return;
    record_start_failure(engine, slot, err.text, now);
    start_came_to_nothing(engine, slot, now);
}

static size_t trainers_wanted(const struct rung_engine *engine)
{
    if (engine->phase == RUNG_PHASE_EVALUATING)
        return engine->evaluated ? 0 : 1;
    if (engine->phase != RUNG_PHASE_RUNNING)
        return 0;
    return rung_search_asks(engine->search) ? rung_pool_slots(engine->pool) : rung_jobq_count(engine->queue);
}

size_t rung_engine_demand(const struct rung_engine *engine)
{
    return rung_pool_count(engine->pool, RUNG_SLOT_BUSY) + trainers_wanted(engine);
}

/* Called after jobs were assigned: who is idle although jobs are queued may not have them (they failed
 * there), and does not count. */
static size_t trainers_at_hand(const struct rung_engine *engine)
{
    bool useless = engine->phase == RUNG_PHASE_RUNNING && rung_jobq_count(engine->queue) > 0;
    size_t idle = useless ? 0 : rung_pool_count(engine->pool, RUNG_SLOT_IDLE);
    return idle + rung_pool_count(engine->pool, RUNG_SLOT_STARTING);
}

void rung_engine_start_trainers(struct rung_engine *engine, double now)
{
    size_t wanted = trainers_wanted(engine);
    int slot;
    while (!engine->broken && wanted > trainers_at_hand(engine) &&
           (slot = rung_pool_startable(engine->pool, now)) >= 0)
        start_one(engine, slot, now);
}

static void warn_of_platform(struct rung_engine *engine, int slot, const char *platform, double now)
{
    if (!platform)
        return;
    if (!engine->platform)
        engine->platform = rung_mem_strdup(platform);
    if (strcmp(platform, engine->platform) == 0 || engine->platform_warned)
        return;
    engine->platform_warned = true;
    rung_engine_warn(engine, now,
                     "trainers differ, so the same job may give another number elsewhere: trainer %d says "
                     "%s, an earlier one %s",
                     slot, platform, engine->platform);
}

void rung_engine_ready(struct rung_engine *engine, int slot, const struct rung_proto_message *message,
                       double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    struct rung_err err;
    s->stateless = message->stateless;
    s->evaluates = message->evaluates;
    rung_pool_ready(engine->pool, slot);
    rung_engine_begin(engine, now);
    warn_of_platform(engine, slot, message->platform, now);
    struct rung_place place = engine->executor->place(engine->executor->self, slot);
    if (rung_record_trainer_join(engine->options.record, slot, place.host, place.kind, message->platform,
                                 now + engine->epoch, &s->row, &err))
        rung_engine_break(engine, &err);
    note_trainer(engine, slot, "ready", NULL, now);
}

/* ---- what goes wrong ---- */

static void give_up_process(struct rung_engine *engine, int slot)
{
    engine->executor->kill(engine->executor->self, slot);
    rung_engine_return_next(engine, slot);
    rung_pool_leaving(engine->pool, slot);
}

void rung_engine_supersede(struct rung_engine *engine, int slot)
{
    rung_report_clear(&engine->reports[slot]);
    give_up_process(engine, slot);
}

/* It never came to a job: whatever ends it now makes its start a failed one, or it would be started for ever.
 */
static bool has_not_worked(const struct rung_slot *s)
{
    return s->state == RUNG_SLOT_STARTING || (s->state == RUNG_SLOT_IDLE && s->jobs == 0);
}

/* A trainer that misbehaved is stopped and replaced; before its first job that is a failed start, with a job
 * a failed attempt. */
static void fail_and_replace(struct rung_engine *engine, int slot, enum rung_failure_kind kind,
                             const char *reason, double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    if (has_not_worked(s)) {
        record_start_failure(engine, slot, reason, now);
        s->start_failed = true;
    } else if (s->state == RUNG_SLOT_BUSY) {
        rung_engine_attempt_failed(engine, slot, kind, reason, false, now);
    } else {
        rung_engine_warn(engine, now, "trainer %d is replaced: %s", slot, reason);
    }
    give_up_process(engine, slot);
}

void rung_engine_violation(struct rung_engine *engine, int slot, const char *reason, double now)
{
    if (rung_pool_slot(engine->pool, slot)->state != RUNG_SLOT_LEAVING)
        fail_and_replace(engine, slot, RUNG_FAILURE_PROTOCOL, reason, now);
}

/* It left without having read its job, which therefore was not tried. Of a trainer that has done none before
 * that is a failed start, or it would be started for ever. */
static void job_unread(struct rung_engine *engine, int slot, double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    const char *reason = "it left without having read its job";
    if (s->job.ahead) { /* it may have been about to leave all the time */
        if (s->job.purpose != RUNG_JOB_VOID)
            rung_jobq_return(engine->queue, s->job.model);
        return;
    }
    if (s->jobs > 0 || s->job.purpose == RUNG_JOB_EVALUATE) {
        rung_engine_attempt_failed(engine, slot, RUNG_FAILURE_LOST, reason, false, now);
        return;
    }
    record_start_failure(engine, slot, reason, now);
    s->start_failed = true;
    rung_report_clear(&engine->reports[slot]);
    rung_jobq_return(engine->queue, s->job.model);
}

/* A trainer that has closed its socket gets no more jobs; one that knows of its job is judged by how it ends.
 */
void rung_engine_closing(struct rung_engine *engine, int slot, bool unread, double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    bool busy_unread = s->state == RUNG_SLOT_BUSY && unread;
    if (engine->broken || (s->state != RUNG_SLOT_IDLE && !busy_unread))
        return;
    if (busy_unread)
        job_unread(engine, slot, now);
    rung_engine_return_next(engine, slot);
    s->closed = true;
    rung_pool_leaving(engine->pool, slot);
}

static void fail_too_long(struct rung_engine *engine, int slot, double now)
{
    rung_engine_attempt_failed(
        engine, slot, RUNG_FAILURE_SAID,
        "its parameters do not fit into a message to a trainer, which has at most 1 MiB", true, now);
    rung_pool_finished(engine->pool, slot, now);
}

void rung_engine_expire(struct rung_engine *engine, double now)
{
    const struct rung_limits *limits = &engine->options.spec->limits;
    char reason[128];
    int slot;
    while (!engine->broken && (slot = rung_pool_expired(engine->pool, now)) >= 0) {
        const struct rung_slot *s = rung_pool_slot(engine->pool, slot);
        if (s->state == RUNG_SLOT_BUSY && s->job.too_long) {
            fail_too_long(engine, slot, now);
            continue;
        }
        if (s->state == RUNG_SLOT_STARTING)
            snprintf(reason, sizeof reason, "not ready within %g s (limits.start_timeout)",
                     limits->start_timeout);
        else
            snprintf(reason, sizeof reason, "no answer and no progress for %g s (limits.job_timeout)",
                     limits->job_timeout);
        fail_and_replace(engine, slot, RUNG_FAILURE_TIMEOUT, reason, now);
    }
}

/* How it ended, with the last line it printed, which often is the reason. */
static void describe_end(struct rung_engine *engine, int slot, const struct rung_exit *how, const char *when,
                         char *text, size_t size)
{
    struct rung_buf last;
    rung_buf_init(&last, RUNG_BUF_UNLIMITED);
    engine->executor->log_tail(engine->executor->self, slot, 1, &last);
    if (how->worker_gone)
        snprintf(text, size, "its worker %s",
                 how->dismissed ? "was given back"
                 : how->parted  ? "has left"
                                : "is gone");
    else if (how->out_of_memory)
        snprintf(text, size, "the kernel killed it for memory%s", when);
    else if (how->by_us) /* for that alone it is ended while it has a job */
        snprintf(text, size, "it closed its socket%s", when);
    else if (how->signaled)
        snprintf(text, size, "it was killed by signal %d (%s)%s", how->number, strsignal(how->number), when);
    else if (last.length)
        snprintf(text, size, "it ended with exit status %d%s; its last line: %.300s", how->number, when,
                 last.data);
    else
        snprintf(text, size, "it ended with exit status %d%s", how->number, when);
    rung_buf_free(&last);
}

static void record_leave(struct rung_engine *engine, struct rung_slot *s, const char *reason, double now)
{
    struct rung_err err;
    if (s->row == 0 || engine->broken)
        return;
    if (rung_record_trainer_job(engine->options.record, s->row, RUNG_NO_MODEL, s->jobs, s->busy_seconds,
                                &err) ||
        rung_record_trainer_leave(engine->options.record, s->row, reason, now + engine->epoch, &err))
        rung_engine_break(engine, &err);
    s->row = 0;
}

static void forget_holder(struct rung_engine *engine, int slot)
{
    for (size_t model = 0; model < engine->model_count; model++)
        if (engine->models[model].holder == slot)
            engine->models[model].holder = -1;
}

void rung_engine_gone(struct rung_engine *engine, int slot, const struct rung_exit *how, double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    char reason[400];
    bool leaving = s->state == RUNG_SLOT_LEAVING && !s->closed;
    bool lost = how->worker_gone || (how->signaled && !how->by_us && !how->out_of_memory);
    bool was_idle = s->state == RUNG_SLOT_IDLE || (s->closed && !s->start_failed);
    bool came_to_nothing =
        !how->worker_gone && (s->state == RUNG_SLOT_STARTING || (was_idle && s->jobs == 0 && !lost));
    const char *when = !came_to_nothing                 ? ""
                       : s->state == RUNG_SLOT_STARTING ? " before it was ready"
                                                        : " before it had a job";
    describe_end(engine, slot, how, when, reason, sizeof reason);
    if (came_to_nothing) {
        record_start_failure(engine, slot, reason, now);
        s->start_failed = true;
    } else if (s->state == RUNG_SLOT_BUSY) {
        rung_engine_attempt_failed(engine, slot, lost ? RUNG_FAILURE_LOST : RUNG_FAILURE_EXIT, reason, false,
                                   now);
    }
    rung_engine_return_next(engine, slot);
    record_leave(engine, s, leaving ? "stopped" : reason, now);
    note_trainer(engine, slot, "gone", leaving ? "stopped" : reason, now);
    forget_holder(engine, slot);
    if (s->start_failed)
        start_came_to_nothing(engine, slot, now);
    else
        rung_pool_gone(engine->pool, slot);
}

/* ---- the end ---- */

void rung_engine_dismiss(struct rung_engine *engine, bool at_once)
{
    static const enum rung_slot_state states[] = {RUNG_SLOT_STARTING, RUNG_SLOT_IDLE, RUNG_SLOT_BUSY};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        int slot;
        while ((slot = rung_pool_first(engine->pool, states[i])) >= 0) {
            bool kill = at_once || states[i] != RUNG_SLOT_IDLE;
            (kill ? engine->executor->kill : engine->executor->stop)(engine->executor->self, slot);
            rung_pool_leaving(engine->pool, slot);
        }
    }
    for (int slot = at_once ? rung_pool_first(engine->pool, RUNG_SLOT_LEAVING) : -1; slot >= 0;
         slot = rung_pool_next(engine->pool, slot))
        engine->executor->kill(engine->executor->self, slot);
}

void rung_engine_trainer_changed(struct rung_engine *engine, int slot)
{
    engine->changed = rung_mem_grow(engine->changed, engine->changed_count, &engine->changed_capacity,
                                    sizeof *engine->changed);
    engine->changed[engine->changed_count++] = slot;
}

void rung_engine_write_trainers(struct rung_engine *engine)
{
    struct rung_err err;
    for (size_t i = 0; i < engine->changed_count && !engine->broken; i++) {
        struct rung_slot *s = rung_pool_slot(engine->pool, engine->changed[i]);
        uint32_t model = s->state == RUNG_SLOT_BUSY ? s->job.model : RUNG_NO_MODEL;
        if (s->row != 0 &&
            rung_record_trainer_job(engine->options.record, s->row, model, s->jobs, s->busy_seconds, &err))
            rung_engine_break(engine, &err);
    }
    engine->changed_count = 0;
}
