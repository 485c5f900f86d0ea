/*
 * The binary heap. Invariants:
 *   1. no item comes before its parent (larger key first, then smaller order);
 *   2. place[items[i].id] == i + 1 for every i < count, and 0 for every other id.
 */
#include "base/heap.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void rung_heap_init(struct rung_heap *heap)
{
    *heap = (struct rung_heap){0};
}

void rung_heap_free(struct rung_heap *heap)
{
    free(heap->items);
    free(heap->place);
    rung_heap_init(heap);
}

struct rung_heap rung_heap_copy(const struct rung_heap *heap)
{
    struct rung_heap copy = *heap;
    copy.items = rung_mem_copy(heap->items, heap->capacity, sizeof *heap->items);
    copy.place = rung_mem_copy(heap->place, heap->ids, sizeof *heap->place);
    return copy;
}

static bool before(const struct rung_heap_item *a, const struct rung_heap_item *b)
{
    return a->key != b->key ? a->key > b->key : a->order < b->order;
}

static void set_item(struct rung_heap *heap, size_t index, struct rung_heap_item item)
{
    heap->items[index] = item;
    heap->place[item.id] = (uint32_t)index + 1;
}

static size_t sift_up(struct rung_heap *heap, size_t index)
{
    struct rung_heap_item item = heap->items[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!before(&item, &heap->items[parent]))
            break;
        set_item(heap, index, heap->items[parent]);
        index = parent;
    }
    set_item(heap, index, item);
    return index;
}

static void sift_down(struct rung_heap *heap, size_t index)
{
    struct rung_heap_item item = heap->items[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && before(&heap->items[child + 1], &heap->items[child]))
            child++;
        if (!before(&heap->items[child], &item))
            break;
        set_item(heap, index, heap->items[child]);
        index = child;
    }
    set_item(heap, index, item);
}

static void know_id(struct rung_heap *heap, uint32_t id)
{
    if (id < heap->ids)
        return;
    size_t wanted = heap->ids < 8 ? 16 : heap->ids * 2;
    if (wanted <= id)
        wanted = (size_t)id + 1;
    heap->place = rung_mem_resize(heap->place, wanted, sizeof *heap->place);
    memset(heap->place + heap->ids, 0, (wanted - heap->ids) * sizeof *heap->place);
    heap->ids = wanted;
}

void rung_heap_put(struct rung_heap *heap, uint32_t id, double key, uint64_t order)
{
    know_id(heap, id);
    size_t index = heap->place[id];
    if (index == 0) {
        heap->items = rung_mem_grow(heap->items, heap->count, &heap->capacity, sizeof *heap->items);
        index = ++heap->count;
    }
    index--;
    heap->items[index] = (struct rung_heap_item){.key = key, .order = order, .id = id};
    sift_down(heap, sift_up(heap, index));
}

bool rung_heap_has(const struct rung_heap *heap, uint32_t id)
{
    return id < heap->ids && heap->place[id] != 0;
}

const struct rung_heap_item *rung_heap_get(const struct rung_heap *heap, uint32_t id)
{
    return rung_heap_has(heap, id) ? &heap->items[heap->place[id] - 1] : NULL;
}

const struct rung_heap_item *rung_heap_top(const struct rung_heap *heap)
{
    return heap->count > 0 ? &heap->items[0] : NULL;
}

bool rung_heap_remove(struct rung_heap *heap, uint32_t id)
{
    if (!rung_heap_has(heap, id))
        return false;
    size_t index = heap->place[id] - 1;
    heap->place[id] = 0;
    struct rung_heap_item last = heap->items[--heap->count];
    if (index < heap->count) {
        heap->items[index] = last;
        sift_down(heap, sift_up(heap, index));
    }
    return true;
}

void rung_heap_clear(struct rung_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->place[heap->items[i].id] = 0;
    heap->count = 0;
}
