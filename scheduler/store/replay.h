/*
 * Folding the record back into a search: every recorded event goes through the same step as live ones, and
 * every decision recomputed must equal the recorded one.
 */
#ifndef RUNG_STORE_REPLAY_H
#define RUNG_STORE_REPLAY_H

#include "core/search.h"
#include "store/store.h"

/* Feeds all events of a search to `search` (freshly created). At the first difference: RUNG_EUSE, text naming
 * the event and both decisions (recorded and recomputed). */
int rung_replay(struct rung_store *store, int64_t search_id, struct rung_search *search,
                struct rung_err *err) RUNG_CHECK_RESULT;

/* The attempts that failed so far at each model's present call (from = its recorded calls): called once per
 * (model) with how many count as attempts and how many were lost. */
typedef void rung_replay_attempts_fn(void *context, uint32_t model, int64_t attempts, int64_t lost);
int rung_replay_attempts(struct rung_store *store, int64_t search_id, rung_replay_attempts_fn *each,
                         void *context, struct rung_err *err) RUNG_CHECK_RESULT;

/* The recorded state size of each model that has a state: called once per model, in order. */
typedef void rung_replay_state_fn(void *context, uint32_t model, int64_t calls, int64_t bytes);
int rung_replay_states(struct rung_store *store, int64_t search_id, rung_replay_state_fn *each, void *context,
                       struct rung_err *err) RUNG_CHECK_RESULT;

#endif
