/* The table of workers that were asked for, in the order of their numbers, and what became of each. Pure. */
#ifndef RUNG_DISPATCH_MEMBERS_H
#define RUNG_DISPATCH_MEMBERS_H

#include "dispatch/slurm_text.h"

#include <stdbool.h>
#include <stddef.h>

enum rung_member_state {
    RUNG_MEMBER_COMING, /* not there yet: it waits for its turn, or starts */
    RUNG_MEMBER_HERE,
    RUNG_MEMBER_MISSING, /* it was here; who started it knows what became of it */
    RUNG_MEMBER_LEAVING, /* it was cancelled or dismissed */
    RUNG_MEMBER_STATES
};

struct rung_member {
    struct rung_slurm_task task;
    enum rung_member_state state;
    double since; /* it was asked for or, of one that leaves, told to */
    /* By the last look at who is there: */
    bool seen, connected, idle, worked;
    double idle_since; /* while it is idle */
};

struct rung_members {
    struct rung_member *list;
    size_t count, capacity;
};

void rung_members_free(struct rung_members *members);
/* As one that is coming; one that is there already is left as it is. */
void rung_members_add(struct rung_members *members, const struct rung_slurm_task *task, double now);
/* NULL: there is none. Valid until one is added or removed. */
struct rung_member *rung_members_find(const struct rung_members *members, const struct rung_slurm_task *task);
void rung_members_remove(struct rung_members *members, size_t index);
size_t rung_members_count(const struct rung_members *members, enum rung_member_state state);

#endif
