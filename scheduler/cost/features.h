/*
 * Hyperparameters as columns of numbers, all within [0, 1]: a number by its value and, where all are
 * positive, its logarithm, each rising and falling (so that non-negative models can fall, too); everything
 * else (text, lists, null, booleans, a parameter that is absent) by a column per level. What a parameter is
 * and its range are learnt from examples.
 */
#ifndef RUNG_COST_FEATURES_H
#define RUNG_COST_FEATURES_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

#define RUNG_FEATURES_PARAMETERS                                                                             \
    128 /* at most, the first ones: fits take time with the cube of the columns, and a search waits for them \
         */

struct rung_features;

struct rung_features *rung_features_create(void);
void rung_features_free(struct rung_features *features); /* NULL is allowed */

/* Looks at one model's parameters (an object). All of these come before the first encode. A parameter with
 * more than 32 levels has the 32 most frequent ones only. */
void rung_features_learn(struct rung_features *features, const struct rung_json *parameters);

size_t rung_features_count(const struct rung_features *features); /* columns; may be 0 */
/* Writes rung_features_count values. Numbers beyond the range that was learnt are taken as its end; an
 * unknown level is all zeros. */
void rung_features_encode(const struct rung_features *features, const struct rung_json *parameters,
                          double *out);
/* True for the falling copy of a rising column: news only to models whose coefficients cannot be negative. */
bool rung_features_mirrored(const struct rung_features *features, size_t column);
/* What a column stands for, such as "log(batch_size)" or "activation=relu"; lives as long as features. */
const char *rung_features_name(const struct rung_features *features, size_t column);

#endif
