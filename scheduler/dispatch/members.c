#include "dispatch/members.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void rung_members_free(struct rung_members *members)
{
    free(members->list);
    *members = (struct rung_members){0};
}

static bool before(const struct rung_slurm_task *a, const struct rung_slurm_task *b)
{
    return a->job != b->job ? a->job < b->job : a->index < b->index;
}

/* The first that does not come before task. */
static size_t place_of(const struct rung_members *members, const struct rung_slurm_task *task)
{
    size_t low = 0, high = members->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (before(&members->list[middle].task, task))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct rung_member *rung_members_find(const struct rung_members *members, const struct rung_slurm_task *task)
{
    size_t at = place_of(members, task);
    bool found = at < members->count && !before(task, &members->list[at].task);

    return found ? &members->list[at] : NULL;
}

void rung_members_add(struct rung_members *members, const struct rung_slurm_task *task, double now)
{
    if (rung_members_find(members, task))
        return;
    size_t at = place_of(members, task);
    members->list = rung_mem_grow(members->list, members->count, &members->capacity, sizeof *members->list);
    memmove(members->list + at + 1, members->list + at, (members->count - at) * sizeof *members->list);
    members->list[at] = (struct rung_member){.task = *task, .state = RUNG_MEMBER_COMING, .since = now};
    members->count++;
}

void rung_members_remove(struct rung_members *members, size_t index)
{
    members->count--;
    memmove(members->list + index, members->list + index + 1,
            (members->count - index) * sizeof *members->list);
}

size_t rung_members_count(const struct rung_members *members, enum rung_member_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < members->count; i++)
        count += members->list[i].state == state;
    return count;
}
