/*
 * Results that did not get to their scheduler before it gave their worker up, or was killed: the worker keeps
 * them, with their states, and offers them to each scheduler it meets until one says what becomes of them.
 */
#ifndef RUNG_DISPATCH_LATES_H
#define RUNG_DISPATCH_LATES_H

#include "dispatch/cache.h"
#include "dispatch/peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_lates_kept;

struct rung_lates {
    struct rung_lates_kept *kept; /* the oldest first */
    size_t count, capacity;
    uint64_t next;
};

/* What the slot's trainer of that life is; false: it is not known any more. */
struct rung_lates_trainer {
    const char *identity; /* of its search */
    int64_t number;       /* slot of the scheduler's */
};
typedef bool rung_lates_trainer_fn(void *context, int64_t slot, int64_t life,
                                   struct rung_lates_trainer *trainer);

/* Takes the results that wait in peer, which is about to be freed, and moves their states aside. */
void rung_lates_collect(struct rung_lates *lates, const struct rung_peer *peer,
                        const struct rung_cache *cache, rung_lates_trainer_fn *trainer, void *context);
/* Says of each what it is. */
void rung_lates_offer(const struct rung_lates *lates, struct rung_peer *peer);
/* The scheduler wants that one: its state goes out; or it wants to hear no more of it. */
void rung_lates_send(const struct rung_lates *lates, uint64_t number, struct rung_peer *peer);
void rung_lates_drop(struct rung_lates *lates, uint64_t number);
void rung_lates_free(struct rung_lates *lates); /* removes their states */

#endif
