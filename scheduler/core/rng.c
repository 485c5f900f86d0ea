/*
 * xoshiro256** (Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2021), its state
 * filled by SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014) from
 * a 128-bit digest of the stream's name, so that two streams of a search never start alike in practice.
 */
#include "core/rng.h"

#include "core/elementary.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define GOLDEN 0x9e3779b97f4a7c15ull

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static uint64_t splitmix(uint64_t *state)
{
    *state += GOLDEN;
    return mix(*state);
}

static void absorb(uint64_t digest[2], uint64_t word)
{
    digest[0] = mix(digest[0] ^ mix(word + GOLDEN));
    digest[1] = mix(digest[1] ^ mix(word ^ 0x6a09e667f3bcc909ull)) + GOLDEN;
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

void rung_rng_init(struct rung_rng *rng, uint64_t seed, uint64_t model, const char *purpose)
{
    uint64_t digest[2] = {0x243f6a8885a308d3ull, 0x13198a2e03707344ull}; /* of pi: nothing up the sleeve */
    size_t length = strlen(purpose);
    absorb(digest, seed);
    absorb(digest, model);
    absorb(digest, length);
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = 0;
        for (size_t i = at; i < length && i < at + 8; i++)
            word |= (uint64_t)(unsigned char)purpose[i] << (8 * (i - at));
        absorb(digest, word);
    }
    for (int i = 0; i < 4; i++)
        rng->state[i] = splitmix(&digest[i % 2]);
    if ((rng->state[0] | rng->state[1] | rng->state[2] | rng->state[3]) == 0)
        rng->state[0] = GOLDEN; /* the one state that the generator cannot leave */
}

uint64_t rung_rng_next(struct rung_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double rung_rng_uniform(struct rung_rng *rng)
{
    return (double)(rung_rng_next(rng) >> 11) * 0x1p-53;
}

uint64_t rung_rng_below(struct rung_rng *rng, uint64_t bound)
{
    uint64_t surplus = -bound % bound; /* 2^64 mod bound: the draws that would favour small results */
    uint64_t x;
    do
        x = rung_rng_next(rng);
    while (x < surplus);
    return x % bound;
}

/* Marsaglia's polar method. Its second number is dropped: a stream then is in no half-used state. */
double rung_rng_normal(struct rung_rng *rng)
{
    double u, v, s;
    do {
        u = 2 * rung_rng_uniform(rng) - 1;
        v = 2 * rung_rng_uniform(rng) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * rung_elementary_log(s) / s);
}
