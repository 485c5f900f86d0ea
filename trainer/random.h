/*
 * Random numbers of the trainers: xoshiro256++ (Blackman & Vigna 2019), a stream per (seed,
 * purpose, index), so that what one purpose draws never shifts another.
 */
#ifndef RUNG_TRAINER_RANDOM_H
#define RUNG_TRAINER_RANDOM_H

#include <stdint.h>

struct rung_random {
    uint64_t s[4]; /* may be saved and restored as it is */
};

/* The stream of (seed, purpose, index); purpose is a short constant text ("weights", "order"). */
void rung_random_seed(struct rung_random *random, uint64_t seed, const char *purpose, uint64_t index);

/* 64 random bits. Here, so that loops over many of them need no call each. */
static inline uint64_t rung_random_bits(struct rung_random *random)
{
    uint64_t *s = random->s;
    uint64_t sum = s[0] + s[3], result = ((sum << 23) | (sum >> 41)) + s[0];
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

double rung_random_unit(struct rung_random *random); /* uniform in [0, 1), 53 bits */
uint64_t rung_random_below(struct rung_random *random,
                           uint64_t bound);            /* uniform in 0 … bound-1, bound > 0 */
double rung_random_normal(struct rung_random *random); /* mean 0, sd 1 */

/* Fisher-Yates over count row numbers, count < 2^32. */
void rung_random_shuffle(struct rung_random *random, uint32_t *rows, int64_t count);

#endif
