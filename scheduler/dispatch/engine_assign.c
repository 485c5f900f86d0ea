#include "dispatch/engine_private.h"

#include "base/mem.h"

#define JOB_BLOCK          4096 /* job numbers set aside at a time: one write of the search's row for so many jobs */
#define AHEAD_SECONDS      0.02  /* a trainer that answers faster would wait for the way to us and back */
#define MANY_AHEAD_SECONDS 0.002 /* one that answers so fast waits for it though it has another job */

static int64_t next_job_number(struct rung_engine *engine)
{
    struct rung_err err;
    if (engine->next_job == engine->job_ceiling) {
        if (rung_record_reserve_jobs(engine->options.record, JOB_BLOCK, &engine->next_job, &err)) {
            rung_engine_break(engine, &err);
            return engine->next_job;
        }
        engine->job_ceiling = engine->next_job + JOB_BLOCK;
    }
    return engine->next_job++;
}

/* ---- which job, to which trainer ---- */

static bool states_over_limit(const struct rung_engine *engine)
{
    return engine->state_bytes > engine->options.spec->limits.state_bytes;
}

/* Over limits.state_bytes only models that have a state go on, which frees some in the end. */
static bool may_start(const struct rung_engine *engine, uint32_t model)
{
    return !states_over_limit(engine) || rung_search_model(engine->search, model).calls > 0;
}

static bool failed_there(const struct rung_engine *engine, uint32_t model, int slot)
{
    return engine->models[model].failed_slot == slot && rung_pool_present(engine->pool) > 1;
}

/* An idle trainer for model: the one that holds it, else any where it has not just failed; -1: none. */
static int trainer_for(const struct rung_engine *engine, uint32_t model)
{
    int holder = engine->models[model].holder;
    if (holder >= 0 && rung_pool_slot(engine->pool, holder)->state == RUNG_SLOT_IDLE)
        return holder;
    int slot = rung_pool_first(engine->pool, RUNG_SLOT_IDLE);
    while (slot >= 0 && failed_there(engine, model, slot))
        slot = rung_pool_next(engine->pool, slot);
    return slot;
}

/* The trainer goes on with the model it holds when that model's job ties with the one it would get. */
static uint32_t preferred_by(const struct rung_engine *engine, int slot, uint32_t model)
{
    uint32_t held = rung_pool_slot(engine->pool, slot)->held;
    bool free_choice = held != RUNG_NO_MODEL && held != model && engine->models[model].holder != slot &&
                       rung_jobq_ties_next(engine->queue, held) && !failed_there(engine, held, slot);
    return free_choice ? held : model;
}

static bool state_is_whole(const struct rung_engine *engine, uint32_t model, int64_t calls)
{
    int64_t recorded = engine->models[model].state_bytes;
    return recorded != RUNG_NO_VALUE && rung_states_size(engine->states, model, calls) >= recorded;
}

static struct rung_job take_job(struct rung_engine *engine, int slot, uint32_t model, double now)
{
    struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    struct rung_model_view view = rung_search_model(engine->search, model);
    struct rung_job job = {.number = next_job_number(engine),
                           .model = model,
                           .purpose = RUNG_JOB_TRAIN,
                           .from = s->stateless ? 0 : view.calls,
                           .to = view.target,
                           .sent_at = now};
    if (job.from > 0 && !state_is_whole(engine, model, view.calls)) {
        rung_engine_warn(
            engine, now,
            "the state of model %u at call %lld is missing or damaged: it is trained again from call 0",
            model, (long long)view.calls);
        job.purpose = RUNG_JOB_REBUILD;
        job.from = 0;
        job.to = view.calls;
    }
    job.last_call = job.from;
    rung_jobq_remove(engine->queue, model);
    rung_outbox_send(&engine->outbox, slot);
    return job;
}

static void hand_out(struct rung_engine *engine, int slot, uint32_t model, double now)
{
    struct rung_job job = take_job(engine, slot, model, now);
    rung_pool_assigned(engine->pool, slot, &job, engine->options.spec->limits.job_timeout);
    rung_engine_trainer_changed(engine, slot);
}

static void put_aside(struct rung_aside *aside, struct rung_engine *engine, uint32_t model)
{
    rung_jobq_remove(engine->queue, model);
    aside->models = rung_mem_grow(aside->models, aside->count, &aside->capacity, sizeof *aside->models);
    aside->models[aside->count++] = model;
}

static void put_back(struct rung_aside *aside, struct rung_engine *engine)
{
    while (aside->count > 0)
        rung_jobq_return(engine->queue, aside->models[--aside->count]);
}

_Static_assert(RUNG_POOL_NEXT + 1 == RUNG_EXECUTOR_JOBS, "a slot has one job, and the others wait");

static bool takes_ahead(const struct rung_engine *engine, int slot)
{
    const struct rung_slot *s = rung_pool_slot(engine->pool, slot);
    const struct rung_executor *executor = engine->executor;
    size_t most = s->last_seconds < MANY_AHEAD_SECONDS ? RUNG_POOL_NEXT : s->last_seconds < AHEAD_SECONDS;
    return s->state == RUNG_SLOT_BUSY && s->job.purpose == RUNG_JOB_TRAIN && s->next_count < most &&
           rung_jobq_count(engine->queue) > (s->next_count + 1) * rung_pool_present(engine->pool) &&
           executor->takes_ahead(executor->self, slot);
}

static void send_ahead(struct rung_engine *engine, int slot, double now)
{
    while (!engine->broken && takes_ahead(engine, slot)) {
        uint32_t model = rung_jobq_peek(engine->queue);
        if (failed_there(engine, model, slot))
            return;
        struct rung_job job = take_job(engine, slot, preferred_by(engine, slot, model), now);
        job.ahead = true;
        rung_pool_assigned_next(engine->pool, slot, &job, engine->options.spec->limits.job_timeout);
    }
}

/* Who has just got a job, and lately was fast, gets another one ahead, where every trainer will have more to
 * do than that. A job that is ahead of a better one that comes meanwhile is so for a few hundredths of a
 * second. */
static void assign_ahead(struct rung_engine *engine, double now)
{
    if (!engine->executor->takes_ahead || engine->recalled > 0 || states_over_limit(engine))
        return;
    for (size_t i = 0; i < engine->changed_count; i++)
        send_ahead(engine, engine->changed[i], now);
}

/* Jobs that wait for bytes of states to be freed stay aside until they are, so that those behind them are
 * seen. */
void rung_engine_assign(struct rung_engine *engine, double now)
{
    uint32_t model;
    if (!states_over_limit(engine))
        put_back(&engine->blocked, engine);
    while (rung_pool_count(engine->pool, RUNG_SLOT_IDLE) > 0 && !engine->broken &&
           (model = rung_jobq_peek(engine->queue)) != RUNG_NO_MODEL) {
        bool blocked = !may_start(engine, model);
        int slot = blocked ? -1 : trainer_for(engine, model);
        if (slot >= 0)
            hand_out(engine, slot, preferred_by(engine, slot, model), now);
        else
            put_aside(blocked ? &engine->blocked : &engine->refused, engine, model);
    }
    assign_ahead(engine, now);
    put_back(&engine->refused, engine);
    bool stuck = engine->blocked.count > 0 && rung_jobq_count(engine->queue) == 0 &&
                 rung_pool_count(engine->pool, RUNG_SLOT_BUSY) == 0;
    if (stuck) {
        rung_engine_drain(engine, RUNG_END_LIMIT, now,
                          "limits.state_bytes: %lld bytes of states and no model can go on",
                          (long long)engine->state_bytes);
        engine->result.limit = "limits.state_bytes";
    }
}

/* ---- the test score ---- */

/* Asks one trainer for the best model's test score, once; a trainer that cannot is asked nothing. */
void rung_engine_evaluate(struct rung_engine *engine, double now)
{
    bool nothing_to_ask = engine->best == RUNG_NO_MODEL ||
                          engine->models[engine->best].state_bytes == RUNG_NO_VALUE ||
                          (rung_pool_present(engine->pool) == 0 && !engine->shared);
    if (engine->evaluated)
        return;
    engine->evaluated = nothing_to_ask;
    int holder = nothing_to_ask ? -1 : engine->models[engine->best].holder;
    int slot = holder >= 0 ? holder : rung_pool_first(engine->pool, RUNG_SLOT_IDLE);
    if (nothing_to_ask || slot < 0 || rung_pool_slot(engine->pool, slot)->state != RUNG_SLOT_IDLE)
        return;
    engine->evaluated = true; /* tried once, whatever comes of it */
    if (!rung_pool_slot(engine->pool, slot)->evaluates)
        return;
    int64_t calls = rung_search_model(engine->search, engine->best).calls;
    struct rung_job job = {.number = next_job_number(engine),
                           .model = engine->best,
                           .purpose = RUNG_JOB_EVALUATE,
                           .from = calls,
                           .to = calls,
                           .sent_at = now,
                           .last_call = calls};
    rung_pool_assigned(engine->pool, slot, &job, engine->options.spec->limits.job_timeout);
    rung_outbox_send(&engine->outbox, slot);
}
