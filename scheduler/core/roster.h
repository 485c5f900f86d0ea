/*
 * The models and brackets of a search, and the moves that algorithms make with them. Each move changes the
 * state and appends the decision that says so; nothing else appends decisions. Internal to core/.
 */
#ifndef RUNG_CORE_ROSTER_H
#define RUNG_CORE_ROSTER_H

#include "core/event.h"
#include "core/patience.h"
#include "core/plan.h"
#include "core/rank.h"
#include "core/search.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 40 bytes: there may be a million. */
struct rung_model {
    double score;        /* last reported; NaN before the first and when not finite */
    int64_t calls;       /* recorded */
    int64_t target;      /* of the last TRAIN, also when it failed */
    int32_t target_rung; /* which that TRAIN's score decides, or RUNG_NO_RUNG */
    uint32_t bracket;    /* index */
    uint8_t status;      /* enum rung_model_status */
    bool ended;          /* FINISHed */
};

struct rung_records {
    struct rung_patience_record *items;
    size_t count, capacity;
};

/* Numbers of models whose score or status changed, oldest first; the first `forgotten` of all time are gone.
 * It lets a reader follow a bracket without looking at all of its models each time. */
struct rung_journal {
    uint32_t *models;
    size_t count, capacity;
    uint64_t forgotten;
};

struct rung_bracket {
    const struct rung_plan_bracket *plan;
    size_t rung;     /* trained towards */
    uint32_t *alive; /* the models of that rung, ascending; NULL under asha */
    size_t alive_count;
    size_t reported; /* of them: reported, failed or plateaued */
    size_t training; /* of them: with an open TRAIN */
    uint32_t winner; /* best that finished so far */
    bool ended;
    struct rung_journal changes;
};

struct rung_roster {
    struct rung_search_spec spec;
    struct rung_plan plan;
    struct rung_model *models;
    size_t model_count, model_capacity;
    struct rung_records *records; /* per model; NULL without patience */
    struct rung_bracket *brackets;
    size_t bracket_count, brackets_open;
    struct rung_ranked *ranked; /* scratch for deciding a rung */
    uint32_t best;              /* of those that finished with a finite score */
    bool done;
    struct rung_decisions *out; /* of the running step */
};

int rung_roster_init(struct rung_roster *roster, const struct rung_search_spec *spec,
                     struct rung_err *err) RUNG_CHECK_RESULT;
void rung_roster_free(struct rung_roster *roster);
/* Independent of the original. Its journals are empty: who follows it begins with looking at all. */
struct rung_roster rung_roster_copy(const struct rung_roster *roster);

/* The rule in force: Dask-ML's first score and its barriers at patience splits. */
bool rung_roster_like_dask(const struct rung_roster *roster);
/* As the core compares: negated when the goal is minimize, NaN when not finite. */
double rung_roster_oriented(const struct rung_roster *roster, double score);
struct rung_ranked rung_roster_ranked(const struct rung_roster *roster, uint32_t model); /* failed: NaN */

/* Rank 1 so far: the best that finished, else the best last score of any that has not failed; RUNG_NO_MODEL.
 */
uint32_t rung_roster_leader(const struct rung_roster *roster);

/* Moves. */
uint32_t rung_roster_create_model(struct rung_roster *roster, uint32_t bracket);
/* Sends the model on towards target, whose score decides rung: TRAIN as far as patience (and Dask's first
 * score) lets it go, or PLATEAU. False when it plateaued. */
bool rung_roster_advance(struct rung_roster *roster, uint32_t model, int64_t target, int32_t rung);
void rung_roster_train_again(struct rung_roster *roster,
                             uint32_t model); /* the TRAIN that failed, once more */
void rung_roster_record(struct rung_roster *roster, uint32_t model,
                        double score); /* its TRAIN has a result */
void rung_roster_fail(struct rung_roster *roster, uint32_t model);
void rung_roster_stop(struct rung_roster *roster, uint32_t model, size_t rung);
void rung_roster_finish(struct rung_roster *roster, uint32_t model);
void rung_roster_decide(struct rung_roster *roster, uint32_t bracket, size_t rung, size_t kept);
void rung_roster_end_bracket(struct rung_roster *roster,
                             uint32_t bracket); /* and the search, with the last one */

/* What changed in a bracket since *cursor (0 at first), which is moved on. all: too much to tell, look at
 * all. */
struct rung_changes {
    bool all;
    const uint32_t *models; /* valid until the next step */
    size_t count;
};
struct rung_changes rung_roster_changes(const struct rung_roster *roster, size_t bracket, uint64_t *cursor);

const struct rung_roster *rung_search_roster(const struct rung_search *search);

#endif
