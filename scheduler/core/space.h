/*
 * The search space: what parameters model k gets. A draw is a pure function of (space, seed, k).
 *
 * Three sources: drawn from `parameters` (with `first` taking models 0, 1, …; what a `first` object
 * leaves out is drawn), the grid of `parameters`, or the list `configurations`.
 */
#ifndef RUNG_CORE_SPACE_H
#define RUNG_CORE_SPACE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

struct rung_space;

/* Reads the values of the spec's keys; each may be NULL when absent, but exactly one of parameters and
 * configurations is needed. Keeps copies. Errors (RUNG_EUSE) begin with the path of the key, such as
 * "parameters.alpha.uniform: …". grid: every form must be countable and weights are an error.
 * The caller frees *out with rung_space_free. */
int rung_space_read(struct rung_space **out, const struct rung_json *parameters,
                    const struct rung_json *first, const struct rung_json *configurations, bool grid,
                    struct rung_err *err) RUNG_CHECK_RESULT;
void rung_space_free(struct rung_space *space);

/* Number of models a grid has or a list names; INT64_MAX when models are drawn without end. */
int64_t rung_space_limit(const struct rung_space *space);

/* Number of models that `first` names (0 without). */
int64_t rung_space_first_count(const struct rung_space *space);

/* Appends model k's parameters as one JSON object, keys in the order of the spec, numbers canonical.
 * k < rung_space_limit(space). */
void rung_space_draw(const struct rung_space *space, uint64_t seed, uint32_t model, struct rung_buf *out);

/* The seed that model k's jobs carry, 0 … 2^32-1, from the search's seed. */
uint32_t rung_space_model_seed(uint64_t seed, uint32_t model);

#endif
