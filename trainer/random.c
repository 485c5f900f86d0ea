/* Owns the trainers' random numbers: seeding, uniform, normal, shuffles. */
#include "random.h"

#include <math.h>

/* SplitMix64 (Steele, Lea & Flood 2014): spreads a seed over the state. */
static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void rung_random_seed(struct rung_random *random, uint64_t seed, const char *purpose, uint64_t index)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a of the purpose */
    uint64_t x;

    for (const char *p = purpose; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3u;
    /* Mixed one after the other, so that no two of the three can cancel each other out. */
    x = seed;
    x = splitmix(&x) ^ hash;
    x = splitmix(&x) ^ index;
    for (int i = 0; i < 4; i++)
        random->s[i] = splitmix(&x);
}

double rung_random_unit(struct rung_random *random)
{
    return (double)(rung_random_bits(random) >> 11) * 0x1p-53;
}

uint64_t rung_random_below(struct rung_random *random, uint64_t bound)
{
    /* Lemire (2019): multiply and take the high half; redraw in the few values that would be
     * drawn too often. */
    unsigned __int128 product = (unsigned __int128)rung_random_bits(random) * bound;

    if ((uint64_t)product < bound) {
        uint64_t threshold = -bound % bound;

        while ((uint64_t)product < threshold)
            product = (unsigned __int128)rung_random_bits(random) * bound;
    }
    return (uint64_t)(product >> 64);
}

double rung_random_normal(struct rung_random *random)
{
    double u, v, square;

    do { /* Marsaglia & Bray (1964); the second value is dropped, so that a stream has no hidden state */
        u = 2 * rung_random_unit(random) - 1;
        v = 2 * rung_random_unit(random) - 1;
        square = u * u + v * v;
    } while (square >= 1 || square == 0);
    return u * sqrt(-2 * log(square) / square);
}

void rung_random_shuffle(struct rung_random *random, uint32_t *rows, int64_t count)
{
    for (int64_t left = count; left > 1; left--) {
        uint64_t pick = rung_random_below(random, (uint64_t)left);
        uint32_t other = rows[pick];

        rows[pick] = rows[left - 1];
        rows[left - 1] = other;
    }
}
