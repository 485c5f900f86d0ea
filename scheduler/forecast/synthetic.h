/*
 * Models without training: scores that rise with calls as those of real ones do, each model towards a limit
 * of its own, and a time per call and per score. For simulations without a record.
 */
#ifndef RUNG_FORECAST_SYNTHETIC_H
#define RUNG_FORECAST_SYNTHETIC_H

#include "core/plan.h"
#include "forecast/virtual.h"

struct rung_synthetic {
    const struct rung_plan *plan; /* of the search */
    bool maximize;
    double fit_seconds, score_seconds; /* per call, per score */
};

/* Model j of bracket b after c calls: q (1 - 1 / sqrt(1 + c)), q = frac((j + 1) 0.6180339887498949 + 0.37 b);
 * where the goal is to minimize, the negative of it. */
double rung_synthetic_score(const struct rung_synthetic *synthetic, uint32_t model, uint32_t bracket,
                            int64_t calls);
/* synthetic stays the caller's. */
struct rung_oracle rung_synthetic_oracle(struct rung_synthetic *synthetic);

#endif
