/*
 * The random numbers of a search: one independent stream per (seed, model, purpose), so that adding
 * a parameter, a model or a trainer leaves every other draw as it was. Integer arithmetic only up to
 * the last step; the same on every machine.
 */
#ifndef RUNG_CORE_RNG_H
#define RUNG_CORE_RNG_H

#include <stdint.h>

struct rung_rng {
    uint64_t state[4];
};

/* The stream named (seed, model, purpose); purpose is any text, a parameter's name for instance. */
void rung_rng_init(struct rung_rng *rng, uint64_t seed, uint64_t model, const char *purpose);
uint64_t rung_rng_next(struct rung_rng *rng);                  /* 64 random bits */
double rung_rng_uniform(struct rung_rng *rng);                 /* [0, 1), 53 bits */
uint64_t rung_rng_below(struct rung_rng *rng, uint64_t bound); /* 0 … bound-1 without bias; bound >= 1 */
double rung_rng_normal(struct rung_rng *rng);                  /* mean 0, standard deviation 1 */

#endif
