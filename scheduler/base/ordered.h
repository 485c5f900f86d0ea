/*
 * A set of small integers (ids below a capacity that grows on demand) in order of their keys, ties by smaller
 * id, that can be asked which is the k-th: O(log n) for everything. NaN is not a key.
 */
#ifndef RUNG_BASE_ORDERED_H
#define RUNG_BASE_ORDERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_ordered_item {
    double key;
    uint32_t id;
};

struct rung_ordered_node {
    double key;
    uint32_t left, right; /* ids, or RUNG_ORDERED_NONE */
    uint32_t size;        /* of the tree below it, itself included; 0: the id is not in the set */
};

#define RUNG_ORDERED_NONE UINT32_MAX

struct rung_ordered {
    struct rung_ordered_node *nodes; /* by id */
    size_t ids;                      /* entries of nodes */
    uint32_t root;
};

void rung_ordered_init(struct rung_ordered *set);
void rung_ordered_free(struct rung_ordered *set);
/* Adds id, or changes its key when it is there. */
void rung_ordered_put(struct rung_ordered *set, uint32_t id, double key);
/* Removes id; false when it was not there. */
bool rung_ordered_remove(struct rung_ordered *set, uint32_t id);
/* By key, ties by id. */
void rung_ordered_sort(struct rung_ordered_item *items, size_t count);
/* The set consists of these alone, which are sorted and differ, in O(count). */
void rung_ordered_fill(struct rung_ordered *set, const struct rung_ordered_item *items, size_t count);
size_t rung_ordered_count(const struct rung_ordered *set);
/* The id with `rank` others before it; rank < count. */
uint32_t rung_ordered_at(const struct rung_ordered *set, size_t rank);
double rung_ordered_key(const struct rung_ordered *set, uint32_t id); /* of an id that is in the set */
/* How many have a smaller key, or one of at most key. */
size_t rung_ordered_count_below(const struct rung_ordered *set, double key);
size_t rung_ordered_count_to(const struct rung_ordered *set, double key);

#endif
