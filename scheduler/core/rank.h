/* The one place where scores are compared: larger first, everything not finite last, ties by model number. */
#ifndef RUNG_CORE_RANK_H
#define RUNG_CORE_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_ranked {
    double score; /* oriented: larger is better; not finite counts as worst */
    uint32_t model;
};

bool rung_rank_before(struct rung_ranked a, struct rung_ranked b);
void rung_rank_sort(struct rung_ranked *items, size_t count);
/* Puts the best k in front, in any order, in O(count); k <= count. */
void rung_rank_select(struct rung_ranked *items, size_t count, size_t k);

#endif
