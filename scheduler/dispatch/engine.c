#include "dispatch/engine_private.h"

#include "base/mem.h"
#include "store/replay.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_GRACE 30 /* seconds that running jobs get when a limit is reached */

void rung_engine_break(struct rung_engine *engine, const struct rung_err *err)
{
    if (engine->broken)
        return;
    engine->broken = true;
    engine->failure = *err;
    engine->failure.code = RUNG_EFAIL;
}

double rung_engine_elapsed(const struct rung_engine *engine, double now)
{
    return engine->options.elapsed_before + rung_engine_running(engine, now);
}

double rung_engine_running(const struct rung_engine *engine, double now)
{
    return engine->queued ? 0 : now - engine->started;
}

void rung_engine_drain(struct rung_engine *engine, enum rung_session_end end, double grace_until,
                       const char *format, ...)
{
    va_list arguments;
    if (engine->phase != RUNG_PHASE_RUNNING && engine->phase != RUNG_PHASE_EVALUATING)
        return;
    va_start(arguments, format);
    vsnprintf(engine->result.reason, sizeof engine->result.reason, format, arguments);
    va_end(arguments);
    engine->result.end = end;
    engine->phase = RUNG_PHASE_DRAINING;
    engine->grace_until = grace_until;
}

/* ---- creation ---- */

static void load_attempts(void *context, uint32_t model, int64_t attempts, int64_t lost)
{
    struct rung_engine *engine = context;
    if (model >= engine->model_count)
        return;
    engine->models[model].attempts = (uint32_t)attempts;
    engine->models[model].lost = (uint32_t)lost;
}

static void load_state(void *context, uint32_t model, int64_t calls, int64_t bytes)
{
    struct rung_engine *engine = context;
    struct rung_model_view view;
    if (model >= engine->model_count)
        return;
    view = rung_search_model(engine->search, model);
    if (view.calls != calls)
        return;
    engine->models[model].state_bytes = bytes;
    engine->state_bytes += bytes;
    if (bytes > engine->largest_state)
        engine->largest_state = bytes;
}

static bool state_wanted(const struct rung_engine *engine, uint32_t model)
{
    struct rung_model_view view = rung_search_model(engine->search, model);
    bool unfinished = view.status == RUNG_MODEL_TRAINING || view.status == RUNG_MODEL_PAUSED ||
                      (view.status == RUNG_MODEL_PLATEAUED && !view.ended_last_rung);
    return unfinished || model == engine->best;
}

static bool keep_state(void *context, uint32_t model, int64_t calls)
{
    const struct rung_engine *engine = context;
    return model < engine->model_count && rung_search_model(engine->search, model).calls == calls &&
           state_wanted(engine, model);
}

/* Jobs that the record left open become ready again, in the order of brackets and models. */
static void requeue_open_jobs(struct rung_engine *engine)
{
    struct rung_decisions open = {0};
    for (uint32_t model = 0; model < engine->model_count; model++) {
        struct rung_model_view view = rung_search_model(engine->search, model);
        struct rung_decision train = {.kind = RUNG_DECISION_TRAIN,
                                      .model = model,
                                      .bracket = view.bracket,
                                      .rung = view.target_rung,
                                      .from = view.calls,
                                      .to = view.target};
        if (view.status == RUNG_MODEL_TRAINING)
            rung_decisions_add(&open, &train);
    }
    rung_jobq_apply(engine->queue, &open, rung_pool_present(engine->pool));
    rung_decisions_free(&open);
}

static void load_models(struct rung_engine *engine)
{
    uint32_t count = rung_search_model_count(engine->search);
    engine->models = rung_mem_zalloc(count, sizeof *engine->models);
    engine->model_count = engine->model_capacity = count;
    for (uint32_t model = 0; model < count; model++) {
        struct rung_model_view view = rung_search_model(engine->search, model);
        double oriented = rung_search_oriented(engine->search, view.score);
        engine->models[model] =
            (struct rung_engine_model){.state_bytes = RUNG_NO_VALUE, .holder = -1, .failed_slot = -1};
        engine->calls_done += view.calls;
        if (isfinite(oriented) && !(oriented <= engine->best_score))
            engine->best_score = oriented;
    }
    engine->calls_before = engine->calls_done;
}

static int load_resumed(struct rung_engine *engine, struct rung_err *err)
{
    int64_t id = rung_record_id(engine->options.record);
    int rc = rung_replay_attempts(engine->options.store, id, load_attempts, engine, err);
    if (rc == 0)
        rc = rung_replay_states(engine->options.store, id, load_state, engine, err);
    if (rc)
        return rc;
    for (uint32_t model = 0; model < engine->model_count; model++)
        if (engine->models[model].state_bytes != RUNG_NO_VALUE && !state_wanted(engine, model)) {
            engine->state_bytes -= engine->models[model].state_bytes;
            engine->models[model].state_bytes = RUNG_NO_VALUE;
        }
    requeue_open_jobs(engine);
    return 0;
}

static void make_room(struct rung_engine *engine, size_t slots)
{
    if (slots <= engine->report_count)
        return;
    engine->reports = rung_mem_resize(engine->reports, slots, sizeof *engine->reports);
    memset(engine->reports + engine->report_count, 0,
           (slots - engine->report_count) * sizeof *engine->reports);
    engine->report_count = slots;
}

int rung_engine_create(struct rung_engine **out, const struct rung_engine_options *options, double now,
                       struct rung_err *err)
{
    struct rung_engine *engine = rung_mem_zalloc(1, sizeof *engine);
    size_t slots = options->executor->slots;
    engine->options = *options->session;
    engine->shared = options->shared;
    engine->executor = options->executor;
    engine->states = options->states;
    engine->search = engine->options.search;
    engine->epoch = options->epoch;
    engine->started = now;
    engine->best_score = -INFINITY;
    engine->result.best = RUNG_NO_MODEL;
    engine->grace_until = engine->hopeless_until = INFINITY;
    engine->robbed_at = engine->missed_at = -INFINITY;
    rung_buf_init(&engine->text, RUNG_BUF_UNLIMITED);
    rung_buf_init(&engine->path_in, RUNG_BUF_UNLIMITED);
    rung_buf_init(&engine->path_out, RUNG_BUF_UNLIMITED);
    engine->pool = rung_pool_create(slots, options->executor->absent);
    engine->queue = rung_jobq_create(engine->search, engine->options.spec->search.priority);
    make_room(engine, slots - options->executor->absent);
    engine->best = rung_search_best(engine->search);
    load_models(engine);
    int rc = engine->model_count ? load_resumed(engine, err) : 0;
    if (rc) {
        rung_engine_free(engine);
        return rc;
    }
    rung_states_sweep(engine->states, keep_state, engine);
    if (rung_record_events(engine->options.record) == 0) {
        struct rung_event start = {.kind = RUNG_EVENT_START, .model = RUNG_NO_MODEL, .score = NAN};
        rung_engine_feed(engine, &start, NULL);
    }
    if (engine->shared)
        rung_engine_queue(engine, now);
    *out = engine;
    return 0;
}

void rung_engine_free(struct rung_engine *engine)
{
    if (!engine)
        return;
    for (size_t i = 0; i < engine->report_count; i++)
        rung_report_free(&engine->reports[i]);
    free(engine->reports);
    free(engine->changed);
    rung_pool_free(engine->pool);
    rung_jobq_free(engine->queue);
    rung_outbox_free(&engine->outbox);
    rung_decisions_free(&engine->decisions);
    rung_buf_free(&engine->text);
    rung_buf_free(&engine->path_in);
    rung_buf_free(&engine->path_out);
    free(engine->platform);
    free(engine->blocked.models);
    free(engine->refused.models);
    free(engine->models);
    free(engine);
}

/* ---- what the executor says ---- */

static bool answers_its_job(const struct rung_slot *slot, const struct rung_proto_message *message)
{
    return slot->state == RUNG_SLOT_BUSY && message->job == slot->job.number;
}

static void on_message(void *context, int slot, const struct rung_proto_message *message, double now)
{
    struct rung_engine *engine = context;
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    if (s->state == RUNG_SLOT_LEAVING || engine->broken)
        return;
    if (message->type == RUNG_PROTO_READY) {
        if (s->state == RUNG_SLOT_STARTING)
            rung_engine_ready(engine, slot, message, now);
        else
            rung_engine_violation(engine, slot, "a second ready message", now);
        return;
    }
    if (!answers_its_job(s, message)) {
        char reason[100];
        snprintf(reason, sizeof reason, "an answer to job %lld, which it does not have",
                 (long long)message->job);
        rung_engine_violation(engine, slot, reason, now);
    } else if (message->type == RUNG_PROTO_PROGRESS) {
        rung_engine_progress(engine, slot, message, now);
    } else if (message->type == RUNG_PROTO_RESULT) {
        rung_engine_result(engine, slot, message, now);
    } else {
        const char *reason = message->reason ? message->reason : "it gave no reason";
        rung_engine_attempt_failed(engine, slot, RUNG_FAILURE_SAID, reason, !message->retry, now);
        rung_pool_finished(engine->pool, slot, now);
        rung_engine_trainer_changed(engine, slot);
    }
}

static void on_violation(void *context, int slot, const char *reason, double now)
{
    struct rung_engine *engine = context;
    if (!engine->broken)
        rung_engine_violation(engine, slot, reason, now);
}

static void on_closing(void *context, int slot, bool unread, double now)
{
    rung_engine_closing(context, slot, unread, now);
}

static void on_gone(void *context, int slot, const struct rung_exit *how, double now)
{
    rung_engine_gone(context, slot, how, now);
}

static void on_returned(void *context, int slot, int64_t job, double now)
{
    (void)now;
    rung_engine_returned(context, slot, job);
}

static void on_joined(void *context, int slot, double now)
{
    struct rung_engine *engine = context;
    size_t doubled = 2 * engine->report_count;
    (void)now;
    if ((size_t)slot >= engine->report_count)
        make_room(engine, (size_t)slot < doubled ? doubled : (size_t)slot + 1);
    rung_pool_joined(engine->pool, slot);
}

static void on_left(void *context, int slot, double now)
{
    (void)now;
    rung_pool_left(((struct rung_engine *)context)->pool, slot);
}

static bool on_wanted(void *context, const struct rung_late *late, struct rung_late_wanted *wanted,
                      double now)
{
    (void)now;
    return rung_engine_wants(context, late, wanted);
}

static void on_late(void *context, const struct rung_late *late, const struct rung_proto_message *messages,
                    size_t count, double now)
{
    rung_engine_late(context, late, messages, count, now);
}

struct rung_executor_listener rung_engine_listener(struct rung_engine *engine)
{
    return (struct rung_executor_listener){.context = engine,
                                           .message = on_message,
                                           .violation = on_violation,
                                           .closing = on_closing,
                                           .returned = on_returned,
                                           .gone = on_gone,
                                           .joined = on_joined,
                                           .left = on_left,
                                           .wanted = on_wanted,
                                           .late = on_late};
}

/* ---- phases ---- */

/* Everything is recorded but a test score, which is not worth more waiting. */
static void give_up_evaluation(struct rung_engine *engine, double now)
{
    rung_engine_warn(engine, now, "no test score: the time is over");
    engine->evaluated = true;
    engine->phase = RUNG_PHASE_LEAVING;
    rung_engine_dismiss(engine, false);
}

/* Running jobs get a while. key: as of rung_session_result. */
static void reach_limit(struct rung_engine *engine, double now, const char *key, const char *format,
                        double value)
{
    rung_engine_drain(engine, RUNG_END_LIMIT, now + LIMIT_GRACE, format, value);
    engine->result.limit = key;
}

static void check_limits(struct rung_engine *engine, double now)
{
    const struct rung_limits *limits = &engine->options.spec->limits;
    double goal = rung_search_oriented(engine->search, limits->score);
    bool out_of_time = rung_engine_running(engine, now) >= engine->options.time_limit;
    if (engine->phase == RUNG_PHASE_EVALUATING &&
        (out_of_time || rung_engine_elapsed(engine, now) >= limits->time))
        give_up_evaluation(engine, now);
    if (engine->phase != RUNG_PHASE_RUNNING || rung_search_done(engine->search))
        return;
    if (rung_engine_elapsed(engine, now) >= limits->time)
        reach_limit(engine, now, "limits.time", "limits.time: %g s are over", limits->time);
    else if (engine->calls_done >= limits->calls)
        reach_limit(engine, now, "limits.calls", "limits.calls: %.0f calls are done",
                    (double)engine->calls_done);
    else if (isfinite(goal) && engine->best_score >= goal)
        reach_limit(engine, now, "limits.score", "limits.score: %g is reached", limits->score);
    else if (out_of_time)
        reach_limit(engine, now, NULL, "--time-limit: %g s are over", engine->options.time_limit);
}

static void ask_for_work(struct rung_engine *engine, double now)
{
    struct rung_event ask = {.kind = RUNG_EVENT_ASK, .model = RUNG_NO_MODEL, .score = NAN};
    struct rung_result_facts facts = rung_engine_facts(engine, now);
    bool waiting =
        engine->blocked.count > 0; /* new models, for bytes of states: more of them are of no use */
    while (!engine->broken &&
           (waiting ? rung_search_climbs(engine->search) : rung_search_asks(engine->search))) {
        size_t before = rung_jobq_count(engine->queue);
        if (before >= rung_pool_count(engine->pool, RUNG_SLOT_IDLE))
            return;
        rung_engine_feed(engine, &ask, &facts);
        if (rung_jobq_count(engine->queue) == before)
            return;
    }
}

static void run_phase(struct rung_engine *engine, double now)
{
    check_limits(engine, now);
    if (engine->phase == RUNG_PHASE_RUNNING) {
        ask_for_work(engine, now);
        rung_engine_assign(engine, now);
    }
    bool nothing_runs = rung_pool_count(engine->pool, RUNG_SLOT_BUSY) == 0;
    if (rung_search_done(engine->search) && nothing_runs &&
        (engine->phase == RUNG_PHASE_RUNNING || engine->phase == RUNG_PHASE_DRAINING)) {
        engine->result.end = RUNG_END_FINISHED;
        engine->result.reason[0] = '\0';
        engine->phase = RUNG_PHASE_EVALUATING;
        engine->evaluated = engine->stop_requests > 0;
    }
    if (engine->phase == RUNG_PHASE_EVALUATING)
        rung_engine_evaluate(engine, now);
    rung_engine_start_trainers(engine, now);
    rung_engine_despair(engine, now);
}

static void leave_when_drained(struct rung_engine *engine, double now)
{
    bool evaluated = engine->phase == RUNG_PHASE_EVALUATING && engine->evaluated &&
                     rung_pool_count(engine->pool, RUNG_SLOT_BUSY) == 0;
    bool drained = engine->phase == RUNG_PHASE_DRAINING &&
                   (rung_pool_count(engine->pool, RUNG_SLOT_BUSY) == 0 || now >= engine->grace_until);
    if (evaluated || drained) {
        engine->phase = RUNG_PHASE_LEAVING;
        rung_engine_dismiss(engine, false);
    }
    size_t alive =
        rung_pool_count(engine->pool, RUNG_SLOT_STARTING) + rung_pool_count(engine->pool, RUNG_SLOT_IDLE) +
        rung_pool_count(engine->pool, RUNG_SLOT_BUSY) + rung_pool_count(engine->pool, RUNG_SLOT_LEAVING);
    if (engine->phase == RUNG_PHASE_LEAVING && alive == 0)
        engine->phase = RUNG_PHASE_OVER;
}

static void deliver_notes(struct rung_engine *engine)
{
    const struct rung_outbox *box = &engine->outbox;
    for (size_t i = 0; i < box->note_count; i++) {
        struct rung_note note = box->notes[i].note;
        if (note.type == RUNG_NOTE_MODEL) {
            rung_buf_clear(&engine->text);
            rung_space_draw(engine->options.spec->space, engine->options.spec->search.seed, note.model,
                            &engine->text);
            note.parameters = rung_buf_cstr(&engine->text);
        }
        for (size_t w = 0; w < engine->options.watcher_count; w++)
            engine->options.watchers[w].note(engine->options.watchers[w].context, &note);
    }
    for (size_t w = 0; w < engine->options.watcher_count && box->note_count; w++)
        if (engine->options.watchers[w].batch_end)
            engine->options.watchers[w].batch_end(engine->options.watchers[w].context);
}

/* Forgetting goes first, so that it leaves with the job it makes room for. */
static void empty_outbox(struct rung_engine *engine, double now)
{
    struct rung_outbox *box = &engine->outbox;
    struct rung_executor *executor = engine->executor;
    for (size_t i = 0; i < box->forget_count; i++) {
        enum rung_slot_state state = rung_pool_slot(engine->pool, box->forgets[i].slot)->state;
        if (state == RUNG_SLOT_IDLE || state == RUNG_SLOT_BUSY)
            executor->forget(executor->self, box->forgets[i].slot, box->forgets[i].model);
    }
    for (size_t i = 0; i < box->send_count; i++)
        if (rung_pool_slot(engine->pool, box->sends[i])->state == RUNG_SLOT_BUSY)
            rung_engine_send(engine, box->sends[i], now);
    for (size_t i = 0; i < box->state_count; i++)
        rung_states_remove(engine->states, box->states[i].model, box->states[i].calls);
    deliver_notes(engine);
    rung_outbox_clear(box);
}

static int fail(struct rung_engine *engine, struct rung_err *err)
{
    rung_store_rollback(engine->options.store);
    *err = engine->failure;
    return RUNG_EFAIL;
}

int rung_engine_decide(struct rung_engine *engine, double now, struct rung_err *err)
{
    rung_engine_expire(engine, now);
    rung_engine_leave_recalled(engine);
    run_phase(engine, now);
    rung_engine_write_trainers(engine);
    return engine->broken ? fail(engine, err) : 0;
}

int rung_engine_turn(struct rung_engine *engine, double now, struct rung_err *err)
{
    struct rung_err failure;
    int rc = rung_engine_decide(engine, now, err);
    if (rc == 0 && rung_store_commit(engine->options.store, &failure)) {
        rung_engine_break(engine, &failure);
        rc = fail(engine, err);
    }
    return rc;
}

void rung_engine_act(struct rung_engine *engine, double now)
{
    empty_outbox(engine, now);
    leave_when_drained(engine, now);
}

bool rung_engine_judges(const struct rung_engine *engine, double now)
{
    return rung_pool_expired(engine->pool, now) >= 0 ||
           (engine->phase == RUNG_PHASE_DRAINING && now >= engine->grace_until);
}

double rung_engine_wake_at(const struct rung_engine *engine, double now)
{
    double at = fmin(rung_pool_wake_at(engine->pool, now), rung_engine_despair_at(engine, now));
    if (engine->phase == RUNG_PHASE_DRAINING)
        at = fmin(at, engine->grace_until);
    bool runs = engine->phase == RUNG_PHASE_RUNNING || engine->phase == RUNG_PHASE_EVALUATING;
    if (runs && !engine->queued) {
        at = fmin(at, engine->started + engine->options.time_limit);
        at = fmin(at, engine->started + engine->options.spec->limits.time - engine->options.elapsed_before);
    }
    return at;
}

void rung_engine_set_epoch(struct rung_engine *engine, double epoch)
{
    engine->epoch = epoch;
}

void rung_engine_tell(struct rung_engine *engine, double now, const char *text)
{
    rung_engine_warn(engine, now, "%s", text);
}

void rung_engine_interrupt(struct rung_engine *engine, double now)
{
    size_t running = rung_pool_count(engine->pool, RUNG_SLOT_BUSY);
    if (++engine->stop_requests > 1) {
        if (engine->phase == RUNG_PHASE_RUNNING || engine->phase == RUNG_PHASE_DRAINING)
            engine->result.end = RUNG_END_INTERRUPTED;
        engine->phase = RUNG_PHASE_LEAVING;
        rung_engine_dismiss(engine, true);
        return;
    }
    engine->evaluated = engine->evaluated || engine->phase == RUNG_PHASE_EVALUATING;
    if (engine->phase == RUNG_PHASE_DRAINING) /* a limit was first: it ends the running jobs in any case */
        engine->grace_until = -INFINITY;
    if (engine->phase == RUNG_PHASE_RUNNING)
        rung_engine_drain(engine, RUNG_END_INTERRUPTED, INFINITY, "interrupted");
    if (engine->phase == RUNG_PHASE_DRAINING && running > 0)
        rung_engine_warn(engine, now, "waiting for %zu running job%s; once more stops at once", running,
                         running == 1 ? "" : "s");
}

bool rung_engine_over(const struct rung_engine *engine, struct rung_session_result *result)
{
    if (engine->phase != RUNG_PHASE_OVER)
        return false;
    *result = engine->result;
    return true;
}

static bool has_usable_model(const struct rung_engine *engine)
{
    uint32_t leader = rung_search_leader(engine->search);
    return leader != RUNG_NO_MODEL && isfinite(rung_search_model(engine->search, leader).score);
}

int rung_engine_close(struct rung_engine *engine, double now, struct rung_err *err)
{
    static const char *const status[] = {[RUNG_END_FINISHED] = "finished",
                                         [RUNG_END_FAILED] = "failed",
                                         [RUNG_END_LIMIT] = "interrupted",
                                         [RUNG_END_INTERRUPTED] = "interrupted"};
    struct rung_session_result *result = &engine->result;
    result->best = has_usable_model(engine) ? rung_search_leader(engine->search) : RUNG_NO_MODEL;
    if (result->end == RUNG_END_FINISHED && result->best == RUNG_NO_MODEL) {
        result->end = RUNG_END_FAILED;
        snprintf(result->reason, sizeof result->reason, "no model ended with a finite score");
    }
    rung_engine_tell_late(engine, now);
    struct rung_note note = rung_engine_note(engine, RUNG_NOTE_SEARCH, now);
    bool parked = rung_engine_parked(engine);
    note.status = parked ? "queued" : status[result->end];
    note.reason = result->reason[0] && !parked ? result->reason : NULL;
    rung_states_sweep(engine->states, keep_state, engine); /* attempts of jobs that were ended */
    int rc = rung_record_status(engine->options.record, note.status, note.reason,
                                rung_engine_elapsed(engine, now), now + engine->epoch, err);
    if (rc == 0)
        rc = rung_store_commit(engine->options.store, err);
    rung_outbox_note(&engine->outbox, &note);
    if (rc == 0)
        empty_outbox(engine, now);
    return rc;
}

/* ---- displays ---- */

void rung_engine_view(const struct rung_engine *engine, double now, struct rung_session_view *view)
{
    int64_t planned = rung_search_plan(engine->search)->calls;
    double seconds = rung_engine_running(engine, now);
    int64_t calls = engine->calls_done - engine->calls_before;
    bool endless = rung_search_asks(engine->search) && rung_search_spec(engine->search)->models == RUNG_UNSET;
    memset(view, 0, sizeof *view);
    view->search = engine->search;
    view->busy = rung_pool_count(engine->pool, RUNG_SLOT_BUSY);
    view->trainers = view->busy + rung_pool_count(engine->pool, RUNG_SLOT_IDLE);
    view->calls_done = engine->calls_done;
    view->calls_planned = endless ? INT64_MAX : planned;
    view->leader = rung_search_leader(engine->search);
    view->leader_score =
        view->leader == RUNG_NO_MODEL ? NAN : rung_search_model(engine->search, view->leader).score;
    view->elapsed = rung_engine_elapsed(engine, now);
    view->remaining =
        endless || calls <= 0 ? NAN : seconds * (double)(planned - engine->calls_done) / (double)calls;
    view->remaining_low = view->remaining_high = NAN;
    view->final_score = view->final_low = view->final_high = NAN;
}
