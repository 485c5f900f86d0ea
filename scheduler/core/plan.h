/*
 * Bracket arithmetic: which brackets a search consists of, how many models each rung holds and how many
 * calls they reach. In integers (the variant `dask` excepted, which reproduces Dask-ML's doubles
 * operation for operation; `incremental` has a real exponent).
 */
#ifndef RUNG_CORE_PLAN_H
#define RUNG_CORE_PLAN_H

#include "base/err.h"
#include "core/spec.h"

#include <stddef.h>
#include <stdint.h>

struct rung_plan_rung {
    int64_t models; /* alive in this rung */
    int64_t calls;  /* each one's total after it */
};

struct rung_plan_bracket {
    uint32_t bracket;    /* the user's number: s of Hyperband, 0 elsewhere */
    int64_t first_model; /* its models are first_model … first_model + rungs[0].models - 1 */
    size_t rung_count;
    struct rung_plan_rung *rungs;
    int64_t calls; /* of all its models, training resumed */
    int64_t scores;
};

struct rung_plan {
    size_t bracket_count;
    struct rung_plan_bracket *brackets; /* in the order in which they start */
    int64_t models, calls, scores;      /* saturate at INT64_MAX */
};

/* Fills plan for any algorithm (asha: the rungs' calls, with models/eta^k models in rung k, 0 when models is
 * unset). RUNG_EUSE with "search…: WHY" when a rung would have 0 calls or 0 models. Free with rung_plan_free,
 * also after a failure. */
int rung_plan_make(struct rung_plan *plan, const struct rung_search_spec *search,
                   struct rung_err *err) RUNG_CHECK_RESULT;
void rung_plan_free(struct rung_plan *plan);
struct rung_plan rung_plan_copy(const struct rung_plan *plan);

#endif
