/*
 * A queue of small integers (ids below a capacity that grows on demand) by age. It knows where every id lies,
 * so that one can be removed out of turn in O(1), amortized.
 */
#ifndef RUNG_BASE_FIFO_H
#define RUNG_BASE_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_fifo_item {
    uint64_t order;
    uint32_t id;
};

struct rung_fifo {
    struct rung_fifo_item *items; /* oldest first; those removed out of turn stay as gaps for a while */
    size_t first, end, capacity;  /* items[first … end) */
    size_t count;                 /* ids in it */
    uint32_t *place;              /* place[id] = index in items + 1, 0 when absent */
    size_t ids;                   /* entries of place */
};

void rung_fifo_init(struct rung_fifo *fifo);
void rung_fifo_free(struct rung_fifo *fifo);
/* Adds id, which is not in it, at the end. order is the caller's. */
void rung_fifo_put(struct rung_fifo *fifo, uint32_t id, uint64_t order);
bool rung_fifo_has(const struct rung_fifo *fifo, uint32_t id);
/* The oldest, or NULL when empty; valid until the queue changes. */
const struct rung_fifo_item *rung_fifo_top(const struct rung_fifo *fifo);
/* Removes id; false when it was not there. */
bool rung_fifo_remove(struct rung_fifo *fifo, uint32_t id);

#endif
