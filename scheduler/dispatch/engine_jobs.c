#include "dispatch/engine_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROOM_MIN (64 * 1024) /* bytes: a disk with less is full, whatever the size of states */

/* ---- sending ---- */

static const char *state_path(struct rung_engine *engine, struct rung_buf *buf, uint32_t model, int64_t calls)
{
    rung_states_path(engine->states, model, calls, buf);
    return rung_buf_cstr(buf);
}

static void note_job(struct rung_engine *engine, int slot, const struct rung_job *job)
{
    struct rung_note note = rung_engine_note(engine, RUNG_NOTE_JOB, job->sent_at);
    note.job = job->number;
    note.model = job->model;
    note.from = job->from;
    note.to = job->to;
    note.trainer = slot;
    rung_outbox_note(&engine->outbox, &note);
}

static bool is_too_long(const struct rung_proto_job *message)
{
    struct rung_buf line;
    if (strlen(message->parameters) < RUNG_PROTO_LINE_MAX / 2) /* paths are far from the other half */
        return false;
    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_proto_write_job(&line, message);
    bool too_long = line.length > RUNG_PROTO_LINE_MAX;
    rung_buf_free(&line);
    return too_long;
}

/* False: it is too long for a message. */
static bool send_job(struct rung_engine *engine, int slot, struct rung_job *job, double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    struct rung_executor *executor = engine->executor;
    uint64_t seed = engine->options.spec->search.seed;
    rung_buf_clear(&engine->text);
    rung_space_draw(engine->options.spec->space, seed, job->model, &engine->text);
    struct rung_proto_job message = {.job = job->number,
                                     .model = job->model,
                                     .seed = rung_space_model_seed(seed, job->model),
                                     .parameters = rung_buf_cstr(&engine->text),
                                     .from = job->from,
                                     .to = job->to};
    job->sent = true;
    job->sent_at = now;
    job->too_long = is_too_long(&message);
    if (job->too_long)
        return false;
    if (job->from > 0 || job->purpose == RUNG_JOB_EVALUATE)
        message.state_in = state_path(engine, &engine->path_in, job->model, job->from);
    if (job->purpose == RUNG_JOB_EVALUATE) {
        executor->evaluate(executor->self, slot, &message);
        return true;
    }
    if (!s->stateless) {
        rung_states_attempt_path(engine->states, job->model, job->to, job->number, &engine->path_out);
        message.state_out = rung_buf_cstr(&engine->path_out);
    }
    executor->job(executor->self, slot, &message);
    if (engine->options.watcher_count)
        note_job(engine, slot, job);
    return true;
}

/* Nobody has begun it. */
static void return_job(struct rung_engine *engine, int slot, size_t place)
{
    struct rung_job job = rung_pool_take_next(engine->pool, slot, place);
    if (job.purpose != RUNG_JOB_VOID)
        rung_jobq_return(engine->queue, job.model);
}

void rung_engine_send(struct rung_engine *engine, int slot, double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    if (!s->job.sent) {
        bool sent =
            send_job(engine, slot, &s->job, now); /* else the next turn fails it: the commit is over */
        rung_pool_heard(engine->pool, slot, now, sent ? engine->options.spec->limits.job_timeout : 0);
    }
    for (size_t i = 0; i < s->next_count; i++)
        if (!s->next[i].sent && !send_job(engine, slot, &s->next[i], now))
            return_job(engine, slot, i--); /* who has nothing else to do gets it, and fails it */
}

void rung_engine_return_next(struct rung_engine *engine, int slot)
{
    while (rung_pool_slot(engine->pool, slot)->next_count > 0)
        return_job(engine, slot, 0);
}

void rung_engine_returned(struct rung_engine *engine, int slot, int64_t job)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    for (size_t i = 0; i < s->next_count && !engine->broken; i++)
        if (s->next[i].number == job) {
            s->last_seconds = INFINITY; /* it is not that fast */
            return_job(engine, slot, i);
            return;
        }
}

/* ---- answers ---- */

static void job_over(struct rung_engine *engine, int slot, double now)
{
    rung_pool_finished(engine->pool, slot, now);
    rung_engine_trainer_changed(engine, slot);
}

void rung_engine_progress(struct rung_engine *engine, int slot, const struct rung_proto_message *message,
                          double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    if (message->call <= s->job.last_call || message->call > s->job.to) {
        rung_engine_violation(engine, slot, "a progress message whose call does not rise within its job",
                              now);
        return;
    }
    s->job.last_call = message->call;
    rung_pool_heard(engine->pool, slot, now, engine->options.spec->limits.job_timeout);
    if (s->job.purpose == RUNG_JOB_TRAIN)
        rung_report_add(&engine->reports[slot], message->call, message->fit_seconds, message->metrics);
}

/* From now on slot, and no other trainer, holds the model in memory at its present call. */
static void held_by(struct rung_engine *engine, int slot, uint32_t model)
{
    struct rung_engine_model *facts = &engine->models[model];
    if (facts->holder >= 0 && facts->holder != slot)
        rung_outbox_forget(&engine->outbox, facts->holder, model);
    facts->holder = slot;
    rung_pool_slot(engine->pool, slot)->held = model;
}

bool rung_engine_take_state(struct rung_engine *engine, const struct rung_job *job)
{
    struct rung_err err;
    int64_t bytes = rung_states_attempt_size(engine->states, job->model, job->to, job->number);
    if (bytes < 0)
        return false;
    if (rung_states_adopt(engine->states, job->model, job->to, job->number, &err)) {
        if (rung_states_attempt_size(engine->states, job->model, job->to, job->number) < 0)
            return false; /* removed meanwhile */
        rung_engine_break(engine, &err);
        return true;
    }
    if (job->purpose == RUNG_JOB_TRAIN)
        rung_engine_state_gone(engine, job->model, job->from);
    else if (engine->models[job->model].state_bytes != RUNG_NO_VALUE)
        engine->state_bytes -= engine->models[job->model].state_bytes;
    engine->models[job->model].state_bytes = bytes;
    engine->state_bytes += bytes;
    if (bytes > engine->largest_state)
        engine->largest_state = bytes;
    return true;
}

static void record_progress(struct rung_engine *engine, struct rung_report *report, uint32_t model)
{
    struct rung_err err;
    for (size_t i = 0; i < report->count && !engine->broken; i++) {
        const struct rung_report_call *call = &report->calls[i];
        if (rung_record_progress(engine->options.record, model, call->call, call->fit_seconds, call->metrics,
                                 &err))
            rung_engine_break(engine, &err);
    }
    rung_report_clear(report);
}

bool rung_engine_objective(const struct rung_engine *engine, const struct rung_proto_message *message,
                           double *score)
{
    bool by_score = strcmp(engine->options.spec->metric, "score") == 0 && message->has_score;
    *score = by_score ? message->score : message->metric;
    return by_score || message->has_metric;
}

void rung_engine_take_training(struct rung_engine *engine, int64_t trainer, struct rung_report *report,
                               const struct rung_job *job, double score,
                               const struct rung_proto_message *message, double now)
{
    struct rung_model_view view = rung_search_model(engine->search, job->model);
    struct rung_engine_model *facts = &engine->models[job->model];
    struct rung_result_facts row = rung_engine_facts(engine, now);
    struct rung_event event = {
        .kind = RUNG_EVENT_RESULT, .model = job->model, .calls = job->to, .score = score};
    row.bracket = view.bracket;
    row.rung = view.target_rung;
    row.metrics = message->metrics;
    row.fit_seconds = isfinite(message->fit_seconds) ? message->fit_seconds : now - job->sent_at;
    row.score_seconds = message->score_seconds;
    if (message->examples != RUNG_UNSET)
        row.examples = message->examples;
    row.trainer = trainer;
    row.state_bytes = facts->state_bytes;
    facts->attempts = facts->lost = 0;
    facts->failed_slot = -1;
    record_progress(engine, report, job->model);
    rung_engine_feed(engine, &event, &row);
}

static void take_evaluation(struct rung_engine *engine, const struct rung_proto_message *message)
{
    struct rung_err err;
    if (message->metrics && rung_record_test_metrics(engine->options.record, message->metrics, &err))
        rung_engine_break(engine, &err);
}

void rung_engine_result(struct rung_engine *engine, int slot, const struct rung_proto_message *message,
                        double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    struct rung_job job = s->job;
    double score;
    if (job.purpose == RUNG_JOB_EVALUATE) {
        job_over(engine, slot, now);
        take_evaluation(engine, message);
        return;
    }
    if (job.purpose == RUNG_JOB_VOID) {
        job_over(engine, slot, now);
        rung_outbox_forget(&engine->outbox, slot, job.model);
        rung_states_remove_attempt(engine->states, job.model, job.to, job.number);
        return;
    }
    if (!rung_engine_objective(engine, message, &score)) {
        char reason[200];
        snprintf(reason, sizeof reason, "its result has no \"%.100s\", which is the objective",
                 engine->options.spec->metric);
        rung_engine_violation(engine, slot, reason, now);
        return;
    }
    if (!s->stateless && !rung_engine_take_state(engine, &job)) {
        rung_engine_violation(engine, slot,
                              "it answered without having made its state file (a trainer that cannot save "
                              "says \"state\":\"none\")",
                              now);
        return;
    }
    held_by(engine, slot, job.model);
    job_over(engine, slot, now);
    if (job.purpose == RUNG_JOB_TRAIN)
        rung_engine_take_training(engine, slot, &engine->reports[slot], &job, score, message, now);
    else
        rung_jobq_return(engine->queue, job.model);
}

/* ---- failed attempts ---- */

static void model_failed(struct rung_engine *engine, int slot, uint32_t model, const char *reason, double now)
{
    struct rung_model_view view = rung_search_model(engine->search, model);
    struct rung_event event = {.kind = RUNG_EVENT_FAILURE, .model = model, .calls = view.calls, .score = NAN};
    struct rung_result_facts facts = rung_engine_facts(engine, now);
    facts.bracket = view.bracket;
    facts.rung = view.target_rung;
    facts.trainer = slot;
    facts.reason = reason;
    rung_engine_feed(engine, &event, &facts);
}

static void record_failure(struct rung_engine *engine, int slot, const struct rung_job *job, int64_t attempt,
                           enum rung_failure_kind kind, const char *reason, double now)
{
    struct rung_err err;
    struct rung_buf log;
    rung_buf_init(&log, RUNG_BUF_UNLIMITED);
    engine->executor->log_tail(engine->executor->self, slot, 20, &log);
    struct rung_failure_facts facts = {.model = job->model,
                                       .from = rung_search_model(engine->search, job->model).calls,
                                       .to = rung_search_model(engine->search, job->model).target,
                                       .attempt = attempt,
                                       .trainer = slot,
                                       .kind = kind,
                                       .reason = reason,
                                       .log = log.length ? log.data : NULL,
                                       .at = now + engine->epoch};
    if (rung_record_failure(engine->options.record, &facts, &err))
        rung_engine_break(engine, &err);
    rung_buf_free(&log);
}

static void note_failure(struct rung_engine *engine, int slot, uint32_t model, enum rung_failure_kind kind,
                         const char *reason, bool final, double now)
{
    struct rung_note note = rung_engine_note(engine, RUNG_NOTE_FAILURE, now);
    note.model = model;
    note.kind = rung_failure_kind_name(kind);
    note.reason = reason;
    note.trainer = slot;
    note.final = final;
    rung_outbox_note(&engine->outbox, &note);
}

/* Whether so little room is left that a state may not have found any. */
static bool lacks_room(const struct rung_engine *engine, const struct rung_job *job)
{
    int64_t room = rung_states_room(engine->states);
    int64_t written = rung_states_attempt_size(engine->states, job->model, job->to, job->number);
    int64_t needed = engine->largest_state + engine->largest_state / 4 + ROOM_MIN; /* states grow */
    return room < ROOM_MIN || (room < needed && room + written < needed);
}

/* A trainer that cannot save for want of room has not failed: no other attempt would fare better, and models
 * would fail that are only unlucky. Then the search stops, as when the database finds no room. One that says
 * itself that its model cannot work is believed, but for the system's own words. */
static bool disk_is_full(struct rung_engine *engine, const struct rung_job *job, enum rung_failure_kind kind,
                         const char *reason, bool final)
{
    bool by_trainer = kind == RUNG_FAILURE_SAID || kind == RUNG_FAILURE_EXIT;
    bool says_so = strcasestr(reason, "no space left on device") != NULL;
    struct rung_err err;
    if (!by_trainer || !(says_so || (!final && lacks_room(engine, job))))
        return false;
    if (says_so)
        rung_err_set(&err, RUNG_EFAIL, "the disk is full: model %u: %s", job->model, reason);
    else
        rung_err_set(&err, RUNG_EFAIL, "the disk is full: %lld bytes are left for states",
                     (long long)rung_states_room(engine->states));
    rung_err_remedy(&err, RUNG_STORE_FREE_SPACE);
    rung_engine_break(engine, &err);
    return true;
}

void rung_engine_attempt_failed(struct rung_engine *engine, int slot, enum rung_failure_kind kind,
                                const char *reason, bool final, double now)
{
    struct rung_job job = rung_pool_slot(engine->pool, slot)->job;
    rung_report_clear(&engine->reports[slot]);
    if (job.purpose == RUNG_JOB_EVALUATE) {
        rung_engine_warn(engine, now, "no test score: trainer %d: %s", slot, reason);
        return;
    }
    if (job.purpose == RUNG_JOB_VOID) {
        rung_states_remove_attempt(engine->states, job.model, job.to, job.number);
        return;
    }
    struct rung_engine_model *facts = &engine->models[job.model];
    int64_t attempt = facts->attempts + 1;
    bool full = disk_is_full(engine, &job, kind, reason, final);
    rung_states_remove_attempt(engine->states, job.model, job.to, job.number);
    if (!full && kind != RUNG_FAILURE_TIMEOUT && rung_engine_was_robbed(engine, &job, now)) {
        kind = RUNG_FAILURE_LOST;
        final = false;
    }
    if (engine->broken)
        return;
    if (kind == RUNG_FAILURE_LOST)
        facts->lost++;
    else
        facts->attempts++;
    facts->failed_slot = slot;
    if (facts->holder == slot)
        facts->holder = -1;
    final = final || facts->attempts > engine->options.spec->limits.retries || facts->lost > RUNG_LOST_MAX;
    record_failure(engine, slot, &job, attempt, kind, reason, now);
    note_failure(engine, slot, job.model, kind, reason, final, now);
    if (final)
        model_failed(engine, slot, job.model, reason, now);
    else
        rung_jobq_return(engine->queue, job.model);
}
