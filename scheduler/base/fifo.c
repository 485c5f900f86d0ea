/*
 * The queue by age. Invariants:
 *   1. items[first], when first < end, is no gap;
 *   2. place[items[i].id] == i + 1 for every i that is no gap, and 0 for every other id.
 */
#include "base/fifo.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define GAP UINT32_MAX

void rung_fifo_init(struct rung_fifo *fifo)
{
    *fifo = (struct rung_fifo){0};
}

void rung_fifo_free(struct rung_fifo *fifo)
{
    free(fifo->items);
    free(fifo->place);
    rung_fifo_init(fifo);
}

static void know_id(struct rung_fifo *fifo, uint32_t id)
{
    if (id < fifo->ids)
        return;
    size_t wanted = fifo->ids < 8 ? 16 : fifo->ids * 2;
    if (wanted <= id)
        wanted = (size_t)id + 1;
    fifo->place = rung_mem_resize(fifo->place, wanted, sizeof *fifo->place);
    memset(fifo->place + fifo->ids, 0, (wanted - fifo->ids) * sizeof *fifo->place);
    fifo->ids = wanted;
}

static void close_gaps(struct rung_fifo *fifo)
{
    size_t end = 0;
    for (size_t i = fifo->first; i < fifo->end; i++) {
        if (fifo->items[i].id == GAP)
            continue;
        fifo->items[end++] = fifo->items[i];
        fifo->place[fifo->items[i].id] = (uint32_t)end;
    }
    fifo->first = 0;
    fifo->end = end;
}

void rung_fifo_put(struct rung_fifo *fifo, uint32_t id, uint64_t order)
{
    know_id(fifo, id);
    if (fifo->end == fifo->capacity && 2 * fifo->count < fifo->capacity)
        close_gaps(fifo);
    fifo->items = rung_mem_grow(fifo->items, fifo->end, &fifo->capacity, sizeof *fifo->items);
    fifo->items[fifo->end++] = (struct rung_fifo_item){.order = order, .id = id};
    fifo->place[id] = (uint32_t)fifo->end;
    fifo->count++;
}

bool rung_fifo_has(const struct rung_fifo *fifo, uint32_t id)
{
    return id < fifo->ids && fifo->place[id] != 0;
}

const struct rung_fifo_item *rung_fifo_top(const struct rung_fifo *fifo)
{
    return fifo->count > 0 ? &fifo->items[fifo->first] : NULL;
}

bool rung_fifo_remove(struct rung_fifo *fifo, uint32_t id)
{
    if (!rung_fifo_has(fifo, id))
        return false;
    fifo->items[fifo->place[id] - 1].id = GAP;
    fifo->place[id] = 0;
    fifo->count--;
    if (fifo->count == 0)
        fifo->first = fifo->end = 0;
    while (fifo->first < fifo->end && fifo->items[fifo->first].id == GAP)
        fifo->first++;
    return true;
}
