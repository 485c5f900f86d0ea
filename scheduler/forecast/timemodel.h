/*
 * Time models that have a name, for simulations without a record: how long jobs take, by a formula. Scores
 * are synthetic.
 */
#ifndef RUNG_FORECAST_TIMEMODEL_H
#define RUNG_FORECAST_TIMEMODEL_H

#include "base/err.h"
#include "forecast/synthetic.h"
#include "forecast/virtual.h"

#include <stdint.h>

enum rung_timemodel_kind {
    RUNG_TIMEMODEL_SYNTHETIC, /* the same for every call, and for every score */
    RUNG_TIMEMODEL_ERNEST,    /* a job of c calls with m trainers at work: t0 + t1 c + t2 log m + t3 m */
    RUNG_TIMEMODEL_LOGNORMAL  /* synthetic, times exp(spread z) with a z of its own for each model, of which
                                 half are  below 0 */
};

struct rung_timemodel {
    enum rung_timemodel_kind kind;
    double terms[4]; /* ernest */
    double spread;   /* lognormal */
    uint64_t seed;   /* lognormal */
    struct rung_synthetic synthetic;
};

/* From "synthetic", "ernest:T0,T1,T2,T3" or "lognormal:SD": kind, terms and spread. RUNG_EUSE. */
int rung_timemodel_read(struct rung_timemodel *model, const char *text,
                        struct rung_err *err) RUNG_CHECK_RESULT;

/* model stays the caller's. */
struct rung_oracle rung_timemodel_oracle(struct rung_timemodel *model);
/* For the clock's expect. context: the struct. */
double rung_timemodel_expect(void *context, uint32_t model, int64_t from, int64_t to);

#endif
