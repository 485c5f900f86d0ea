/*
 * A binary heap of small integers (ids below a capacity that grows on demand), largest key first,
 * ties by smaller order. It knows where every id lies, so an id's key can be changed and an id
 * removed in O(log n). NaN is not a key.
 */
#ifndef RUNG_BASE_HEAP_H
#define RUNG_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_heap_item {
    double key;
    uint64_t order;
    uint32_t id;
};

struct rung_heap {
    struct rung_heap_item *items;
    size_t count, capacity;
    uint32_t *place; /* place[id] = index in items + 1, 0 when absent */
    size_t ids;      /* entries of place */
};

void rung_heap_init(struct rung_heap *heap);
void rung_heap_free(struct rung_heap *heap);
struct rung_heap rung_heap_copy(const struct rung_heap *heap);
/* Adds id, or changes its key and order when it is there. */
void rung_heap_put(struct rung_heap *heap, uint32_t id, double key, uint64_t order);
bool rung_heap_has(const struct rung_heap *heap, uint32_t id);
/* The item of id, or NULL; valid until the heap changes. */
const struct rung_heap_item *rung_heap_get(const struct rung_heap *heap, uint32_t id);
/* The first item, or NULL when empty; valid until the heap changes. */
const struct rung_heap_item *rung_heap_top(const struct rung_heap *heap);
/* Removes id; false when it was not there. */
bool rung_heap_remove(struct rung_heap *heap, uint32_t id);
void rung_heap_clear(struct rung_heap *heap);

#endif
