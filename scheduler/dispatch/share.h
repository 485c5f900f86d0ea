/*
 * One executor for several searches: each, a tenant, has an executor of its own whose slots bear the same
 * numbers as those beneath, and are all absent until they are lent to it. A slot changes hands only when it
 * is empty. Pure: told the time, it reads no clock.
 *
 * While several want more slots than there are, each gets as many as any other, those that want fewer leave
 * the rest to the others, and what does not divide goes round: each has a turn, and over time the same. Slots
 * that nobody else wants stay with whom they are. A slot costs its next tenant the start of a trainer: nobody
 * loses one for a moment's rest, and a turn is many times as long as a start.
 *
 * A tenant of which no trainer was ever ready may be one whose trainer never will be: while others want them
 * it has one slot, all of its kind together have half, and three failed starts are enough for a machine.
 */
#ifndef RUNG_DISPATCH_SHARE_H
#define RUNG_DISPATCH_SHARE_H

#include "dispatch/executor.h"

/* Seconds that a tenant must want less before others get what it does not want; where its trainers take
 * longer to be ready, so long, but a turn at most. */
#define RUNG_SHARE_MOMENT 0.2
/* Seconds that a turn takes, or so many times as long as the tenant's trainers take to be ready. */
#define RUNG_SHARE_TURN   5.0
#define RUNG_SHARE_STARTS 10.0

struct rung_share;
struct rung_tenant;

struct rung_tenant_options {
    const char *identity; /* of its search: late results go where they belong */
    void *context;
    /* So many of the slots that its executor calls recalled are to be emptied, each as soon as its job is
     * done; those included that are being emptied. */
    void (*recall)(void *context, size_t slots);
    /* It has given up every slot there is. */
    void (*hopeless)(void *context, double now);
};

/* below is borrowed. */
struct rung_share *rung_share_create(struct rung_executor *below);
void rung_share_free(struct rung_share *share); /* with its tenants; NULL is allowed */
/* Who is to hear the executor beneath. */
struct rung_executor_listener rung_share_listener(struct rung_share *share);

/* The youngest tenant. What options point to is borrowed. */
struct rung_tenant *rung_share_join(struct rung_share *share, const struct rung_tenant_options *options);
/* Its empty slots are free. Others, where the end of their trainers is not waited for, are lost to all. */
void rung_share_leave(struct rung_tenant *tenant);
struct rung_executor *rung_tenant_executor(struct rung_tenant *tenant); /* lives as long as the tenant */
/* Who hears its slots; before the first balance. */
void rung_tenant_listen(struct rung_tenant *tenant, struct rung_executor_listener listener);
/* How many trainers it could keep busy. To be said whenever that may have changed; costs little. */
void rung_tenant_want(struct rung_tenant *tenant, size_t trainers, double now);
size_t rung_tenant_held(const struct rung_tenant *tenant); /* slots that it has, given up ones not counted */

/* Lends slots, takes empty ones back and asks for others, where something has changed. Not from within one of
 * the callbacks; before the tenants use what they were told. */
void rung_share_balance(struct rung_share *share, double now);
/* When it wants to balance although nothing happens; INFINITY: never. */
double rung_share_wake_at(const struct rung_share *share);
/* The context of a tenant that was told something since this was last asked, or NULL: all were named. */
void *rung_share_touched(struct rung_share *share);
/* Something else has happened to it, of which it is to be named. */
void rung_share_touch(struct rung_tenant *tenant);

#endif
