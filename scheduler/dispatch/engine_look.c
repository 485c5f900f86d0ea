/* The database and the folders beside it, which others can remove while a search runs. */
#include "dispatch/engine_private.h"

/* Somebody may have removed files, and left the folder. What is found missing is so known from now on, and no
 * excuse for a failure to come. */
static bool misses_states(struct rung_engine *engine)
{
    bool missed = false;
    for (uint32_t model = 0; model < engine->model_count; model++) {
        struct rung_engine_model *facts = &engine->models[model];
        if (facts->state_bytes == RUNG_NO_VALUE ||
            rung_states_size(engine->states, model, rung_search_model(engine->search, model).calls) >= 0)
            continue;
        engine->state_bytes -= facts->state_bytes;
        facts->state_bytes = RUNG_NO_VALUE;
        missed = true;
    }
    return missed;
}

bool rung_engine_look(struct rung_engine *engine, double now)
{
    const char *made = NULL;
    struct rung_err err;
    if (engine->broken)
        return true;
    if (rung_store_look(engine->options.store, &err) || rung_states_keep(engine->states, &made, &err)) {
        rung_engine_break(engine, &err);
        return true;
    }
    if (!made)
        return false;
    engine->robbed_at = now;
    misses_states(engine);
    rung_engine_warn(engine, now, "%s was removed, and is made again", made);
    return true;
}

/* When the job went out, all that it needs was there. */
bool rung_engine_was_robbed(struct rung_engine *engine, const struct rung_job *job, double now)
{
    rung_engine_look(engine, now);
    if (now >= engine->missed_at + RUNG_ENGINE_LOOKS) {
        engine->missed_at = now;
        engine->robbed_at = misses_states(engine) ? now : engine->robbed_at;
    }
    return job->sent_at < engine->robbed_at ||
           (job->from > 0 && rung_states_size(engine->states, job->model, job->from) < 0);
}
