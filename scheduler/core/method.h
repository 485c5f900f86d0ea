/*
 * What an algorithm implements, and the table of all of them. An algorithm is a plan (which brackets and
 * rungs) and operations (what happens when a model reports). Every synchronous algorithm shares those of
 * halving.c and differs in its plan alone.
 *
 * To add one: its file, a value of enum rung_algorithm, its row in method.c, a transcript in tests/trace, and
 * its section in docs/algorithms.md.
 */
#ifndef RUNG_CORE_METHOD_H
#define RUNG_CORE_METHOD_H

#include "base/err.h"
#include "core/plan.h"
#include "core/roster.h"
#include "core/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* They change the roster only through rung_roster_…, which appends the decisions. `state`
 * is what create returned. */
struct rung_method_ops {
    void *(*create)(const struct rung_roster *roster); /* NULL: no state of its own */
    void *(*clone)(const void *state);                 /* where create is */
    void (*free)(void *state);
    void (*start)(struct rung_roster *roster, void *state);
    void (*report)(struct rung_roster *roster, void *state,
                   uint32_t model); /* it is paused, its score recorded */
    void (*failure)(struct rung_roster *roster, void *state, uint32_t model); /* it is failed */
    /* Gives a failed model its open TRAIN back; false when its rung is decided. */
    bool (*retry)(struct rung_roster *roster, void *state, uint32_t model);
    bool (*asks)(const struct rung_roster *roster, const void *state); /* NULL: it is never asked */
    bool (*climbs)(const void *state); /* an ask would send on a model that exists; where asks is */
    void (*ask)(struct rung_roster *roster, void *state);
};

struct rung_method {
    /* Adds the brackets; totals and the check for empty rungs follow in rung_plan_make. */
    int (*plan)(struct rung_plan *plan, const struct rung_search_spec *spec, struct rung_err *err);
    const struct rung_method_ops *ops;
};

const struct rung_method *rung_method_of(enum rung_algorithm algorithm);

/* Appends a bracket whose rungs are zero and to be filled; valid until the next is added. */
struct rung_plan_bracket *rung_plan_add(struct rung_plan *plan, uint32_t number, size_t rung_count);
/* The largest k with first * eta^k <= last, in integers; first <= last. */
int64_t rung_plan_levels(int64_t first, int64_t last, int64_t eta);

extern const struct rung_method_ops rung_halving_ops;
extern const struct rung_method_ops rung_asha_ops;

int rung_hyperband_plan(struct rung_plan *plan, const struct rung_search_spec *spec,
                        struct rung_err *err) RUNG_CHECK_RESULT;
int rung_halving_plan(struct rung_plan *plan, const struct rung_search_spec *spec,
                      struct rung_err *err) RUNG_CHECK_RESULT;
int rung_asha_plan(struct rung_plan *plan, const struct rung_search_spec *spec,
                   struct rung_err *err) RUNG_CHECK_RESULT;
int rung_random_plan(struct rung_plan *plan, const struct rung_search_spec *spec,
                     struct rung_err *err) RUNG_CHECK_RESULT;
int rung_incremental_plan(struct rung_plan *plan, const struct rung_search_spec *spec,
                          struct rung_err *err) RUNG_CHECK_RESULT;

#endif
