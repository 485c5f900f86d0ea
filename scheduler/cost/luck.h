/*
 * Luck as a function of its name: numbers that look random and are the same whenever they are asked for
 * again, for drawing futures and taking samples. Not for the search's own draws, which core/rng.h makes.
 *
 * Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014), the finalizer of
 * splitmix64.
 */
#ifndef RUNG_COST_LUCK_H
#define RUNG_COST_LUCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t rung_luck_mix(uint64_t name);   /* 64 bits */
double rung_luck_uniform(uint64_t name); /* (0, 1) */
double rung_luck_normal(uint64_t name);  /* mean 0, standard deviation 1 */

/* An even sample of a stream of unknown length in bounded room: whenever the room is full, half of what is
 * there goes, and from then on every second one that comes. Which ones is luck, so that no rhythm of the
 * stream matters. */
struct rung_luck_sample {
    uint64_t seen;
    unsigned halvings;
};
bool rung_luck_takes(struct rung_luck_sample *sample); /* the next of the stream? */
/* To be asked once per place, in order, when the room is full; rung_luck_halved afterwards. */
bool rung_luck_keeps(const struct rung_luck_sample *sample, size_t place);
void rung_luck_halved(struct rung_luck_sample *sample);

#endif
