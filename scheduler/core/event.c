/* The list of decisions that a step appends to. */
#include "core/event.h"

#include "base/mem.h"

#include <stdlib.h>

void rung_decisions_clear(struct rung_decisions *list)
{
    list->count = 0;
}

void rung_decisions_free(struct rung_decisions *list)
{
    free(list->items);
    *list = (struct rung_decisions){0};
}

void rung_decisions_add(struct rung_decisions *list, const struct rung_decision *decision)
{
    list->items = rung_mem_grow(list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = *decision;
}
