/*
 * What score a model will have, from its hyperparameters, its calls and its scores so far: not good enough to
 * pick a winner, but enough to know which kind of model survives a rung, since those are the ones whose time
 * counts. A curve that all models share, over the logarithm of calls plus a speed that hyperparameters
 * explain in part; a distance from it that stays with a model; and a share of models that never learn.
 */
#ifndef RUNG_COST_SCOREFIT_H
#define RUNG_COST_SCOREFIT_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_scorefit;

struct rung_scorefit *rung_scorefit_create(void);
void rung_scorefit_free(struct rung_scorefit *fit); /* NULL is allowed */

/* Which way scores go as models learn, where they do not say so themselves: up unless this is called. */
void rung_scorefit_set_goal(struct rung_scorefit *fit, bool maximize);

size_t rung_scorefit_model(struct rung_scorefit *fit,
                           const struct rung_json *parameters); /* as in timefit.h */
/* calls > 0; a score that is not finite counts how often such scores come. */
void rung_scorefit_add(struct rung_scorefit *fit, size_t model, double calls, double score);

/* Always works: with nothing to go on every model is like every other (mean 0, sd 1). Of more than 20,000
 * scores, an even sample. */
void rung_scorefit_fit(struct rung_scorefit *fit);

/* Only after a fit. One possible score of model at calls: a pure function of its arguments, so that one
 * `draw` is one consistent future in which a model keeps its luck from call to call; it starts from the
 * model's scores so far. NaN: this model diverges in this draw. */
double rung_scorefit_draw(const struct rung_scorefit *fit, size_t model, double calls, uint64_t draw);
/* The middle of it. */
double rung_scorefit_expect(const struct rung_scorefit *fit, size_t model, double calls);
size_t rung_scorefit_observations(const struct rung_scorefit *fit);

#endif
