#include "dispatch/engine_private.h"

/* ---- waiting for a trainer ---- */

static void set_status(struct rung_engine *engine, const char *status, double now)
{
    struct rung_err err;
    if (rung_record_status(engine->options.record, status, NULL, rung_engine_elapsed(engine, now),
                           now + engine->epoch, &err))
        rung_engine_break(engine, &err);
}

void rung_engine_queue(struct rung_engine *engine, double now)
{
    engine->queued = true;
    set_status(engine, "queued", now);
}

void rung_engine_begin(struct rung_engine *engine, double now)
{
    if (!engine->queued)
        return;
    engine->queued = false;
    engine->started = now;
    set_status(engine, "running", now);
}

void rung_engine_abandon(struct rung_engine *engine, double now)
{
    if (engine->phase == RUNG_PHASE_EVALUATING && !engine->evaluated) {
        rung_engine_warn(engine, now, "no test score: %s", engine->start_reason);
        engine->evaluated = true;
    }
    if (engine->phase == RUNG_PHASE_RUNNING)
        rung_engine_drain(engine, RUNG_END_FAILED, now, "no trainer could be started: %s",
                          engine->start_reason);
}

/* ---- slots that others want ---- */

void rung_engine_recall(struct rung_engine *engine, size_t slots)
{
    engine->recalled = slots;
}

static bool is_recalled(const struct rung_engine *engine, int slot)
{
    return engine->executor->recalled(engine->executor->self, slot);
}

static size_t leaving(const struct rung_engine *engine)
{
    size_t count = 0;
    for (int slot = rung_pool_first(engine->pool, RUNG_SLOT_LEAVING); slot >= 0;
         slot = rung_pool_next(engine->pool, slot))
        count += is_recalled(engine, slot);
    return count;
}

/* Whose going costs least: an idle trainer that holds no model, else any idle one, else one that starts; -1:
 * all are busy. */
static int dispensable(const struct rung_engine *engine)
{
    int found = -1, slot;
    for (slot = rung_pool_first(engine->pool, RUNG_SLOT_IDLE); slot >= 0;
         slot = rung_pool_next(engine->pool, slot)) {
        if (!is_recalled(engine, slot))
            continue;
        found = slot;
        if (rung_pool_slot(engine->pool, slot)->held == RUNG_NO_MODEL)
            break;
    }
    for (slot = rung_pool_first(engine->pool, RUNG_SLOT_STARTING); slot >= 0 && found < 0;
         slot = rung_pool_next(engine->pool, slot))
        if (is_recalled(engine, slot))
            found = slot;
    return found;
}

void rung_engine_leave_recalled(struct rung_engine *engine)
{
    struct rung_executor *executor = engine->executor;
    size_t gone = engine->recalled > 0 ? leaving(engine) : 0;
    int slot;
    while (gone++ < engine->recalled && (slot = dispensable(engine)) >= 0) {
        bool idle = rung_pool_slot(engine->pool, slot)->state == RUNG_SLOT_IDLE;
        (idle ? executor->stop : executor->kill)(executor->self, slot);
        rung_pool_leaving(engine->pool, slot);
    }
}

/* ---- a process that ends ---- */

void rung_engine_park(struct rung_engine *engine, bool parked)
{
    engine->parked = parked;
}

bool rung_engine_parked(const struct rung_engine *engine)
{
    return engine->parked && engine->result.end == RUNG_END_INTERRUPTED;
}
