#include "dispatch/engine_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A trainer that cannot save begins at call 0 whatever its model has reached. */
static bool fits(const struct rung_engine *engine, const struct rung_late *late)
{
    if (engine->broken || engine->phase >= RUNG_PHASE_LEAVING || late->model >= engine->model_count)
        return false;
    struct rung_model_view view = rung_search_model(engine->search, late->model);
    return view.status == RUNG_MODEL_TRAINING && late->to == view.target &&
           (late->from == view.calls || (late->from == 0 && !late->has_state));
}

static void drop(struct rung_engine *engine, const struct rung_late *late)
{
    engine->late_dropped++;
    rung_states_remove_attempt(engine->states, late->model, late->to, late->job);
}

void rung_engine_tell_late(struct rung_engine *engine, double now)
{
    if (engine->late_taken + engine->late_dropped > 0)
        rung_engine_warn(engine, now,
                         "late results of workers that came back: %lld taken, %lld dropped, which were not "
                         "wanted any more",
                         (long long)engine->late_taken, (long long)engine->late_dropped);
}

bool rung_engine_wants(struct rung_engine *engine, const struct rung_late *late,
                       struct rung_late_wanted *wanted)
{
    if (strcmp(late->identity, rung_record_identity(engine->options.record)) != 0)
        return false;
    if (!fits(engine, late)) {
        drop(engine, late);
        return false;
    }
    rung_buf_clear(wanted->state);
    if (late->has_state)
        rung_states_attempt_path(engine->states, late->model, late->to, late->job, wanted->state);
    wanted->metric = engine->options.spec->metric;
    return true;
}

/* The job was handed out again, or waits for that. */
static void call_off(struct rung_engine *engine, uint32_t model)
{
    if (rung_jobq_has(engine->queue, model)) {
        rung_jobq_remove(engine->queue, model);
        return;
    }
    for (size_t i = 0; i < engine->blocked.count; i++)
        if (engine->blocked.models[i] == model) {
            engine->blocked.models[i] = engine->blocked.models[--engine->blocked.count];
            return;
        }
    for (int slot = rung_pool_first(engine->pool, RUNG_SLOT_BUSY); slot >= 0;
         slot = rung_pool_next(engine->pool, slot)) {
        struct rung_slot *s = rung_pool_slot(engine->pool, slot);
        for (size_t i = 0; i < s->next_count; i++)
            if (s->next[i].model == model)
                s->next[i].purpose = RUNG_JOB_VOID;
        if (s->job.model == model && s->job.purpose != RUNG_JOB_VOID) {
            rung_engine_supersede(engine, slot);
            return;
        }
    }
}

/* Whoever has it in memory has it as it was before. */
static void nobody_holds(struct rung_engine *engine, uint32_t model)
{
    struct rung_engine_model *facts = &engine->models[model];
    if (facts->holder < 0)
        return;
    rung_outbox_forget(&engine->outbox, facts->holder, model);
    rung_pool_slot(engine->pool, facts->holder)->held = RUNG_NO_MODEL;
    facts->holder = -1;
}

void rung_engine_late(struct rung_engine *engine, const struct rung_late *late,
                      const struct rung_proto_message *messages, size_t count, double now)
{
    const struct rung_proto_message *result = &messages[count - 1];
    struct rung_report report = {0};
    struct rung_job job = {.number = late->job,
                           .model = late->model,
                           .purpose = RUNG_JOB_TRAIN,
                           .from = late->from,
                           .to = late->to,
                           .sent_at = NAN};
    double score;
    if (engine->broken)
        return;
    if (!fits(engine, late) || result->type != RUNG_PROTO_RESULT ||
        !rung_engine_objective(engine, result, &score) ||
        (late->has_state && !rung_engine_take_state(engine, &job))) {
        drop(engine, late);
        return;
    }
    for (size_t i = 0; i + 1 < count; i++)
        if (messages[i].type == RUNG_PROTO_PROGRESS && messages[i].call > job.last_call &&
            messages[i].call > late->from && messages[i].call <= late->to) {
            job.last_call = messages[i].call;
            rung_report_add(&report, messages[i].call, messages[i].fit_seconds, messages[i].metrics);
        }
    call_off(engine, late->model);
    nobody_holds(engine, late->model);
    engine->late_taken++;
    rung_engine_take_training(engine, late->trainer, &report, &job, score, result, now);
    rung_report_free(&report);
}
