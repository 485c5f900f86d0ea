#include "dispatch/engine_private.h"

#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct rung_result_facts rung_engine_facts(const struct rung_engine *engine, double now)
{
    return rung_result_facts_at(rung_engine_elapsed(engine, now), now + engine->epoch);
}

struct rung_note rung_engine_note(const struct rung_engine *engine, enum rung_note_type type, double now)
{
    return (struct rung_note){.type = type,
                              .at = now + engine->epoch,
                              .model = RUNG_NO_MODEL,
                              .rung = RUNG_NO_RUNG,
                              .trainer = -1,
                              .score = NAN,
                              .seconds = NAN,
                              .score_seconds = NAN,
                              .examples = NAN};
}

void rung_engine_warn(struct rung_engine *engine, double now, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct rung_note note = rung_engine_note(engine, RUNG_NOTE_WARNING, now);
    note.reason = text;
    rung_outbox_note(&engine->outbox, &note);
}

/* ---- what a step means for models and their states ---- */

static void add_model(struct rung_engine *engine, uint32_t model)
{
    while (engine->model_count <= model) {
        engine->models = rung_mem_grow(engine->models, engine->model_count, &engine->model_capacity,
                                       sizeof *engine->models);
        engine->models[engine->model_count++] =
            (struct rung_engine_model){.state_bytes = RUNG_NO_VALUE, .holder = -1, .failed_slot = -1};
    }
}

void rung_engine_state_gone(struct rung_engine *engine, uint32_t model, int64_t calls)
{
    struct rung_engine_model *facts = &engine->models[model];
    if (facts->state_bytes == RUNG_NO_VALUE)
        return;
    rung_outbox_state(&engine->outbox, model, calls);
    engine->state_bytes -= facts->state_bytes;
    facts->state_bytes = RUNG_NO_VALUE;
}

/* The model will not be trained again: whoever holds it in memory drops it, and its state goes. */
static void model_dead(struct rung_engine *engine, uint32_t model)
{
    struct rung_engine_model *facts = &engine->models[model];
    if (facts->holder >= 0) {
        rung_outbox_forget(&engine->outbox, facts->holder, model);
        rung_pool_slot(engine->pool, facts->holder)->held = RUNG_NO_MODEL;
        facts->holder = -1;
    }
    rung_engine_state_gone(engine, model, rung_search_model(engine->search, model).calls);
}

/* Of the models that ended a last rung only the best one's state is kept. */
static void model_finished(struct rung_engine *engine, uint32_t model)
{
    uint32_t best = rung_search_best(engine->search);
    if (best != engine->best && engine->best != RUNG_NO_MODEL)
        model_dead(engine, engine->best);
    engine->best = best;
    if (model != best)
        model_dead(engine, model);
}

static void note_decision(struct rung_engine *engine, const struct rung_decision *decision, double now)
{
    static const enum rung_note_type types[] = {
        [RUNG_DECISION_MODEL] = RUNG_NOTE_MODEL,  [RUNG_DECISION_STOP] = RUNG_NOTE_STOP,
        [RUNG_DECISION_PLATEAU] = RUNG_NOTE_STOP, [RUNG_DECISION_FINISH] = RUNG_NOTE_STOP,
        [RUNG_DECISION_RUNG] = RUNG_NOTE_RUNG,    [RUNG_DECISION_BRACKET] = RUNG_NOTE_BRACKET,
    };
    if (decision->kind == RUNG_DECISION_TRAIN || decision->kind == RUNG_DECISION_DONE)
        return; /* said when the job goes out, and when the search's status is written */
    struct rung_note note = rung_engine_note(engine, types[decision->kind], now);
    note.model = decision->model;
    note.bracket = decision->bracket;
    note.rung = decision->rung;
    note.kept = decision->kept;
    note.kind = decision->kind == RUNG_DECISION_STOP      ? "halving"
                : decision->kind == RUNG_DECISION_PLATEAU ? "plateau"
                : decision->kind == RUNG_DECISION_FINISH  ? "completed"
                                                          : NULL;
    rung_outbox_note(&engine->outbox, &note);
}

static void apply_decisions(struct rung_engine *engine, double now)
{
    for (size_t i = 0; i < engine->decisions.count; i++) {
        const struct rung_decision *decision = &engine->decisions.items[i];
        if (decision->kind == RUNG_DECISION_MODEL)
            add_model(engine, decision->model);
        else if (decision->kind == RUNG_DECISION_STOP)
            model_dead(engine, decision->model);
        else if (decision->kind == RUNG_DECISION_FINISH)
            model_finished(engine, decision->model);
        if (engine->options.watcher_count)
            note_decision(engine, decision, now);
    }
    rung_jobq_apply(engine->queue, &engine->decisions, rung_pool_present(engine->pool));
}

/* Whoever forecasts seconds knows more with more results; asked anew when those have doubled, it costs
 * little. */
static void predict_anew(struct rung_engine *engine)
{
    if (!engine->options.expect || ++engine->results_heard < engine->predict_at)
        return;
    engine->predict_at = 2 * engine->results_heard;
    rung_jobq_predict(engine->queue, engine->options.expect, engine->options.expect_context);
}

/* ---- one event ---- */

static int step_and_record(struct rung_engine *engine, const struct rung_event *event,
                           const struct rung_result_facts *facts, struct rung_err *err)
{
    rung_decisions_clear(&engine->decisions);
    int rc = rung_search_step(engine->search, event, &engine->decisions, err);
    if (rc) {
        rung_err_prefix(err, "the search refused what it had asked for");
        return err->code = RUNG_EFAIL;
    }
    return rung_record_append(engine->options.record, event, &engine->decisions, facts, err);
}

static void note_result(struct rung_engine *engine, const struct rung_event *event, int64_t from,
                        const struct rung_result_facts *facts, double now)
{
    if (!engine->options.watcher_count)
        return;
    struct rung_note note = rung_engine_note(engine, RUNG_NOTE_RESULT, now);
    note.seq = rung_record_results(engine->options.record);
    note.model = event->model;
    note.bracket = facts->bracket;
    note.rung = facts->rung;
    note.from = from;
    note.to = event->calls;
    note.score = event->score;
    note.seconds = facts->fit_seconds;
    note.score_seconds = facts->score_seconds;
    if (facts->examples != RUNG_NO_VALUE)
        note.examples = (double)facts->examples;
    note.trainer = facts->trainer;
    rung_outbox_note(&engine->outbox, &note);
}

static void result_taken(struct rung_engine *engine, const struct rung_event *event, int64_t from,
                         const struct rung_result_facts *facts, double now)
{
    double oriented = rung_search_oriented(engine->search, event->score);
    if (isfinite(oriented) && !(oriented <= engine->best_score))
        engine->best_score = oriented;
    engine->calls_done += event->calls - from;
    note_result(engine, event, from, facts, now);
}

void rung_engine_feed(struct rung_engine *engine, const struct rung_event *event,
                      const struct rung_result_facts *facts)
{
    struct rung_err err;
    double now = facts ? facts->at - engine->epoch : engine->started;
    int64_t from =
        event->kind == RUNG_EVENT_RESULT ? rung_search_model(engine->search, event->model).calls : 0;
    if (engine->broken)
        return;
    if (step_and_record(engine, event, facts, &err)) {
        rung_engine_break(engine, &err);
        return;
    }
    if (event->kind == RUNG_EVENT_RESULT)
        result_taken(engine, event, from, facts, now);
    else if (event->kind == RUNG_EVENT_FAILURE)
        model_dead(engine, event->model);
    apply_decisions(engine, now);
    if (event->kind == RUNG_EVENT_RESULT)
        predict_anew(engine);
}
