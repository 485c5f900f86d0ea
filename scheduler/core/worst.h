/*
 * The P worst of a bracket at its decision points, and the median that they share as a priority
 * (docs/algorithms.md). Alive here is who has a place in the bracket: training, paused, or plateaued and not
 * at the bracket's end.
 */
#ifndef RUNG_CORE_WORST_H
#define RUNG_CORE_WORST_H

#include "base/heap.h"
#include "base/ordered.h"
#include "core/roster.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_worst {
    struct rung_ordered near; /* scored ones that are alive: the worst of them, at least 2 P + 1 if there are;
                                 ids count from the bracket's first model */
    struct rung_heap far;     /* the others, worst first */
    uint64_t cursor;          /* in the bracket's journal of changes */
    double low_to;            /* scores up to this one have the shared priority; -INFINITY: none has */
    double shared;
};

void rung_worst_init(struct rung_worst *worst);
void rung_worst_free(struct rung_worst *worst);
/* A decision point of the bracket, with P = trainers >= 1. Models of ranks *first to *end in near, the latter
 * excluded, are all whose priority is shared from now on or was until now, and not both; valid until the
 * next. */
void rung_worst_decide(struct rung_worst *worst, const struct rung_roster *roster, size_t bracket,
                       size_t trainers, size_t *first, size_t *end);

#endif
