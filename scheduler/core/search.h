/*
 * The search: a deterministic state machine. It is told events and answers with decisions; it does no
 * I/O, reads no clock, and knows nothing of trainers, attempts or time. Live runs, resume and simulation
 * all feed this one machine.
 *
 * Invariants after every step:
 *  1. a model has at most one open TRAIN, and only while its status is RUNG_MODEL_TRAINING;
 *  2. a bracket's rung is decided exactly when each of its models has reported, failed for good or plateaued;
 *  3. models kept at a rung are the best of it by (score descending, model ascending), non-finite and failed
 * last;
 *  4. decisions depend on the multiset of results of a rung, not on their order (asha excepted).
 */
#ifndef RUNG_CORE_SEARCH_H
#define RUNG_CORE_SEARCH_H

#include "base/err.h"
#include "core/event.h"
#include "core/plan.h"
#include "core/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rung_model_status {
    RUNG_MODEL_TRAINING,  /* has an open TRAIN (whether a trainer has it is not known here) */
    RUNG_MODEL_PAUSED,    /* alive, waiting for its rung's barrier (asha: for a promotion) */
    RUNG_MODEL_STOPPED,   /* cut by halving */
    RUNG_MODEL_PLATEAUED, /* trains no further, keeps its place */
    RUNG_MODEL_FAILED,
    RUNG_MODEL_COMPLETED /* ended the last rung */
};

/* Read-only view of one model. */
struct rung_model_view {
    uint32_t bracket;       /* the user's number */
    uint32_t bracket_index; /* position in the order of starting */
    enum rung_model_status status;
    bool ended_last_rung; /* completed, or plateaued and alive at its bracket's end */
    int64_t calls;        /* recorded total */
    int64_t target;       /* of the open TRAIN; = calls when there is none */
    int32_t target_rung;  /* the rung that the open TRAIN's score decides, or RUNG_NO_RUNG */
    double score;         /* last reported; NaN before the first and when not finite */
};

struct rung_bracket_view {
    uint32_t bracket; /* the user's number */
    const struct rung_plan_bracket *plan;
    bool ended;
    size_t rung;           /* the rung that is being trained towards */
    int64_t rung_models;   /* models in it */
    int64_t rung_reported; /* of them: reported, failed or plateaued */
    uint32_t winner;       /* RUNG_NO_MODEL until ended, or when none */
};

struct rung_search;

/* The spec is copied. RUNG_EUSE when the plan is refused, or there are more models than fit (2^31 - 1).
 * Free with rung_search_free. */
int rung_search_create(struct rung_search **out, const struct rung_search_spec *spec,
                       struct rung_err *err) RUNG_CHECK_RESULT;
void rung_search_free(struct rung_search *search);
/* One that goes on from the same state on its own. Free with rung_search_free. */
struct rung_search *rung_search_clone(const struct rung_search *search);

/* The only way in. Appends to decisions (not cleared). An event that does not fit the state (a result nobody
 * asked for, a retry of a model whose rung is decided, …) changes nothing and returns RUNG_EUSE with the
 * reason. RUNG_EVENT_ASK answers with TRAIN (and MODEL for a new one), or nothing when there is nothing to
 * do. */
int rung_search_step(struct rung_search *search, const struct rung_event *event,
                     struct rung_decisions *decisions, struct rung_err *err) RUNG_CHECK_RESULT;

const struct rung_search_spec *rung_search_spec(const struct rung_search *search);
const struct rung_plan *rung_search_plan(const struct rung_search *search);
uint32_t rung_search_model_count(const struct rung_search *search); /* models that exist so far */
struct rung_model_view rung_search_model(const struct rung_search *search, uint32_t model);
size_t rung_search_bracket_count(const struct rung_search *search);
struct rung_bracket_view rung_search_bracket(const struct rung_search *search, size_t index);
bool rung_search_done(const struct rung_search *search);
bool rung_search_asks(
    const struct rung_search *search); /* true: feed RUNG_EVENT_ASK when trainers idle (asha) */
/* An ASK would be answered with a model that exists already, if one of those that may climb has not
 * plateaued. */
bool rung_search_climbs(const struct rung_search *search);
uint32_t rung_search_best(const struct rung_search *search); /* best that ended a last rung with a finite
                                                                score so far, or RUNG_NO_MODEL */
uint32_t rung_search_leader(
    const struct rung_search *search); /* rank 1 of the leaderboard so far: best(), else the best last score
                                          of any that has not failed; O(models) */
/* The score as the core compares it: negated when the goal is minimize; NaN when not finite. */
double rung_search_oriented(const struct rung_search *search, double score);

#endif
