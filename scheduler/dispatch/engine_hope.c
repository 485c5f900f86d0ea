/* A search all of whose trainers were given up: whether somebody may still come. */
#include "dispatch/engine_private.h"

#include <math.h>

static void wait_for_others(struct rung_engine *engine, double now)
{
    size_t count = rung_pool_count(engine->pool, RUNG_SLOT_GIVEN_UP);
    double seconds = engine->options.spec->limits.start_timeout;
    engine->hopeless_until = now + seconds;
    engine->hopeless_calls = engine->calls_done;
    rung_engine_warn(engine, now,
                     "%s given up: the search ends unless another worker comes within %g s "
                     "(limits.start_timeout)",
                     count == 1 ? "the only trainer was" : "all trainers were", seconds);
}

/* Workers that come have their chance, but not each of them so much time again: a cluster sends another one
 * for each that was of no use. Only a result, or a trainer that is ready when the time is over, is hope. */
void rung_engine_despair(struct rung_engine *engine, double now)
{
    bool none = rung_pool_present(engine->pool) == 0;
    if (engine->phase != RUNG_PHASE_RUNNING || engine->shared)
        return;
    bool ready =
        rung_pool_count(engine->pool, RUNG_SLOT_IDLE) + rung_pool_count(engine->pool, RUNG_SLOT_BUSY) > 0;
    if (engine->calls_done != engine->hopeless_calls || (now >= engine->hopeless_until && ready))
        engine->hopeless_until = INFINITY;
    bool given_up = rung_pool_count(engine->pool, RUNG_SLOT_GIVEN_UP) > 0;
    if (engine->options.listen && none && given_up && isinf(engine->hopeless_until))
        wait_for_others(engine, now);
    if (none && (!engine->options.listen || now >= engine->hopeless_until))
        rung_engine_abandon(engine, now);
}

double rung_engine_despair_at(const struct rung_engine *engine, double now)
{
    bool none = rung_pool_present(engine->pool) == 0;
    bool waits = engine->phase == RUNG_PHASE_RUNNING && (none || now < engine->hopeless_until);
    return waits ? engine->hopeless_until : INFINITY;
}
