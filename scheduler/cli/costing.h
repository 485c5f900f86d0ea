/*
 * What a planned search will cost: forecasts for several numbers of trainers, and the longest search that
 * fits a deadline or a budget of calls.
 */
#ifndef RUNG_CLI_COSTING_H
#define RUNG_CLI_COSTING_H

#include "base/err.h"
#include "cli/experience.h"
#include "cli/specfile.h"
#include "core/plan.h"
#include "forecast/outlook.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_COSTING_MAX 24 /* numbers of trainers */

struct rung_costing {
    struct rung_experience experience;
    bool known; /* there is something to go on; else only basis is set */
    struct rung_buf
        basis; /* on what the forecast rests, or why there is none: a sentence without a full stop */
    size_t *cast, cast_count;
    size_t count;
    size_t trainers[RUNG_COSTING_MAX];
    struct rung_outlook outlooks[RUNG_COSTING_MAX];
    double state_bytes; /* of all states at their peak; NaN: unknown */
};

void rung_costing_init(struct rung_costing *costing);
void rung_costing_free(struct rung_costing *costing);

/* After the experience has been loaded: fits it. Sets known; never fails for want of data. */
void rung_costing_prepare(struct rung_costing *costing, const struct rung_spec *spec);

/* Forecasts for the numbers in costing->trainers, or, where count is 0, for 1, 2, 4, 8, … as long as more
 * trainers help. RUNG_EUSE when the search cannot be made. */
int rung_costing_forecast(struct rung_costing *costing, const struct rung_spec *spec,
                          struct rung_err *err) RUNG_CHECK_RESULT;

/* The largest max_iter that fits, of those up to this. */
#define RUNG_PROPOSAL_MAX 1000000000

struct rung_proposal {
    bool found;
    int64_t max_iter, models, calls;
    size_t trainers;            /* for a deadline */
    struct rung_amount seconds; /* for a deadline */
    struct rung_buf change;     /* --set … that makes the spec so */
};
void rung_proposal_free(struct rung_proposal *proposal);

/* By planned calls: needs no experience. RUNG_EUSE for an algorithm without an end. */
int rung_costing_within_calls(struct rung_proposal *out, const struct rung_specfile *file, int64_t calls,
                              struct rung_err *err) RUNG_CHECK_RESULT;
/* By the upper end of the forecast for that many trainers. RUNG_EUSE also when nothing is known. */
int rung_costing_within_seconds(struct rung_proposal *out, struct rung_costing *costing,
                                const struct rung_specfile *file, size_t trainers, double seconds,
                                struct rung_err *err) RUNG_CHECK_RESULT;

#endif
