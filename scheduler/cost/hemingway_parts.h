/* What the files of hemingway share. */
#ifndef RUNG_COST_HEMINGWAY_PARTS_H
#define RUNG_COST_HEMINGWAY_PARTS_H

#include "cost/hemingway.h"

extern const struct rung_lasso_options rung_hemingway_lasso;

/* Fits logarithms, all finite, all of them. */
int rung_hemingway_fit_prepared(struct rung_hemingway *fit, const struct rung_hemingway_row *rows,
                                size_t count, const struct rung_lasso_options *options,
                                struct rung_err *err) RUNG_CHECK_RESULT;

/* Sets fit->ahead, where enough rows lie in the first half of the iterations. */
void rung_hemingway_try_ahead(struct rung_hemingway *fit, const struct rung_hemingway_row *rows,
                              size_t count);

/* Keeps an even sample of at most 20,000 rows, in place; returns how many. */
size_t rung_hemingway_sample(struct rung_hemingway_row *rows, size_t count);

#endif
