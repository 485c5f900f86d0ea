/*
 * What is ahead of a search by its plan, and what that costs by a sum: for searches of more jobs than can be
 * simulated.
 */
#ifndef RUNG_FORECAST_OUTLOOK_SUM_H
#define RUNG_FORECAST_OUTLOOK_SUM_H

#include "base/err.h"
#include "core/plan.h"
#include "forecast/outlook.h"

/* Half of an interval that holds 80 % of a normal, in standard deviations. */
#define RUNG_OUTLOOK_HALF_WIDTH 1.2815515655446004

struct rung_outlook_ahead {
    struct rung_plan plan;
    double **jobs; /* per bracket and rung: planned and not done yet */
    double count;  /* of jobs; 0 for a search without an end */
};

/* RUNG_EUSE when the search cannot be made. Free with rung_outlook_ahead_free, also after a failure. */
int rung_outlook_look_ahead(struct rung_outlook_ahead *ahead, const struct rung_outlook_options *options,
                            struct rung_err *err) RUNG_CHECK_RESULT;
void rung_outlook_ahead_free(struct rung_outlook_ahead *ahead);

/* Fills out, but for what only a simulation tells (NaN): the work of all rungs, as if models of all kinds
 * survived, none failed and none ran out of patience. On N trainers a list of jobs takes at least the larger
 * of work / N and the longest chain of jobs that follow each other, and at most work / N + (1 - 1 / N) chain
 * (Graham 1969); told is the middle. */
void rung_outlook_sum_up(struct rung_outlook *out, const struct rung_outlook_options *options,
                         const struct rung_outlook_ahead *ahead);

#endif
