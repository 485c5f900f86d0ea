/* A hash, and what is made of it. */
#include "cost/luck.h"

#include <math.h>

#define TURN 6.283185307179586

uint64_t rung_luck_mix(uint64_t name)
{
    name += 0x9e3779b97f4a7c15u;
    name = (name ^ (name >> 30)) * 0xbf58476d1ce4e5b9u;
    name = (name ^ (name >> 27)) * 0x94d049bb133111ebu;
    return name ^ (name >> 31);
}

double rung_luck_uniform(uint64_t name)
{
    return ((double)(rung_luck_mix(name) >> 11) + 0.5) * 0x1p-53;
}

double rung_luck_normal(uint64_t name)
{
    return sqrt(-2 * log(rung_luck_uniform(name))) * cos(TURN * rung_luck_uniform(~name));
}

bool rung_luck_takes(struct rung_luck_sample *sample)
{
    uint64_t bits = rung_luck_mix(sample->seen++);

    return (bits & ((UINT64_C(1) << sample->halvings) - 1)) == 0;
}

bool rung_luck_keeps(const struct rung_luck_sample *sample, size_t place)
{
    return rung_luck_mix(place ^ (UINT64_C(1) << (63 - sample->halvings))) & 1;
}

void rung_luck_halved(struct rung_luck_sample *sample)
{
    sample->halvings++;
}
