/* Tenants of a share that want so and so many trainers and use what they have, and a world beneath them. */
#ifndef RUNG_TESTS_SHARE_HELP_H
#define RUNG_TESTS_SHARE_HELP_H

#include "dispatch/share.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 8, TENANTS = 4 };

/* A search that starts a trainer in every slot it has, as far as it wants. */
struct guest {
    struct world *world;
    struct rung_tenant *tenant;
    struct rung_executor *executor;
    bool has[SLOTS]; /* slots that were lent to it */
    size_t wants, recalled;
    int messages, late;
    bool hopeless;
};

struct world {
    struct rung_executor executor;
    struct rung_executor_listener tell;
    struct rung_share *share;
    struct guest guests[TENANTS];
    struct guest *runs[SLOTS]; /* whose trainer it is */
    struct guest *starting;    /* who is inside start */
    double now;
};

/* ---- beneath ---- */

static inline int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct world *w = self;
    (void)message;
    if (strcmp(message->metric, "never") == 0)
        return rung_err_set(err, RUNG_EFAIL, "cannot");
    assert_null(w->runs[slot]);
    w->runs[slot] = w->starting;
    return 0;
}

/* Two slots to a machine. */
static inline struct rung_place place(void *self, int slot)
{
    static const char *const machines[] = {"n0", "n1", "n2", "n3"};
    (void)self;
    return (struct rung_place){machines[slot / 2], "test"};
}

/* Its end comes when a test says so. */
static inline void kill_one(void *self, int slot)
{
    assert_non_null(((struct world *)self)->runs[slot]);
}

static inline struct world *world_new(size_t slots, size_t absent)
{
    struct world *w = rung_mem_zalloc(1, sizeof *w);
    w->executor = (struct rung_executor){
        .self = w, .slots = slots, .absent = absent, .place = place, .start = start, .kill = kill_one};
    w->share = rung_share_create(&w->executor);
    w->tell = rung_share_listener(w->share);
    return w;
}

static inline void world_free(struct world *w)
{
    rung_share_free(w->share);
    free(w);
}

/* ---- a guest ---- */

static inline void on_joined(void *context, int slot, double now)
{
    struct guest *g = context;
    (void)now;
    assert_false(g->has[slot]);
    for (int i = 0; i < TENANTS; i++)
        assert_false(g->world->guests[i].has[slot]); /* nobody else has it */
    g->has[slot] = true;
}

static inline void on_left(void *context, int slot, double now)
{
    struct guest *g = context;
    (void)now;
    assert_true(g->has[slot]);
    assert_true(g->world->runs[slot] == NULL);
    g->has[slot] = false;
}

static inline void on_message(void *context, int slot, const struct rung_proto_message *message, double now)
{
    struct guest *g = context;
    (void)message;
    (void)now;
    assert_true(g->has[slot]);
    g->messages++;
}

static inline void on_gone(void *context, int slot, const struct rung_exit *how, double now)
{
    (void)how;
    (void)now;
    assert_true(((struct guest *)context)->has[slot]);
}

static inline bool on_wanted(void *context, const struct rung_late *late, struct rung_late_wanted *wanted,
                             double now)
{
    (void)context;
    (void)wanted;
    (void)now;
    return late->model == 1;
}

static inline void on_late(void *context, const struct rung_late *late,
                           const struct rung_proto_message *messages, size_t count, double now)
{
    (void)late;
    (void)messages;
    (void)count;
    (void)now;
    ((struct guest *)context)->late++;
}

static inline void on_recall(void *context, size_t slots)
{
    ((struct guest *)context)->recalled = slots;
}

static inline void on_hopeless(void *context, double now)
{
    (void)now;
    ((struct guest *)context)->hopeless = true;
}

static inline struct guest *join(struct world *w, int number, const char *identity)
{
    struct guest *g = &w->guests[number];
    struct rung_tenant_options options = {
        .identity = identity, .context = g, .recall = on_recall, .hopeless = on_hopeless};
    *g = (struct guest){.world = w};
    g->tenant = rung_share_join(w->share, &options);
    g->executor = rung_tenant_executor(g->tenant);
    rung_tenant_listen(g->tenant, (struct rung_executor_listener){.context = g,
                                                                  .message = on_message,
                                                                  .gone = on_gone,
                                                                  .joined = on_joined,
                                                                  .left = on_left,
                                                                  .wanted = on_wanted,
                                                                  .late = on_late});
    return g;
}

static inline void want(struct guest *g, size_t trainers)
{
    g->wants = trainers;
    rung_tenant_want(g->tenant, trainers, g->world->now);
}

static inline void start_in(struct guest *g, int slot)
{
    struct rung_start message = {.metric = "score"};
    struct rung_err err;
    g->world->starting = g;
    assert_int_equal(g->executor->start(g->executor->self, slot, &message, &err), 0);
}

static inline void ready(struct world *w, int slot)
{
    struct rung_proto_message message = {.type = RUNG_PROTO_READY};
    w->tell.message(w->tell.context, slot, &message, w->now);
}

static inline size_t running(const struct guest *g)
{
    size_t count = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        count += g->world->runs[slot] == g;
    return count;
}

/* Starts trainers as far as it wants, in slots of its own. */
static inline bool use(struct guest *g)
{
    bool started = false;
    for (int slot = 0; slot < SLOTS && running(g) < g->wants; slot++)
        if (g->has[slot] && !g->world->runs[slot]) {
            start_in(g, slot);
            ready(g->world, slot);
            started = true;
        }
    return started;
}

static inline void ends(struct world *w, int slot)
{
    struct rung_exit how = {0};
    w->runs[slot] = NULL;
    w->tell.gone(w->tell.context, slot, &how, w->now);
}

static inline void balance(struct world *w)
{
    while (rung_share_touched(w->share))
        ;
    rung_share_balance(w->share, w->now);
}

/* One trainer of it ends, of those that are recalled. */
static inline bool obey(struct guest *g)
{
    for (int slot = 0; slot < SLOTS && g->recalled > 0; slot++)
        if (g->world->runs[slot] == g && g->executor->recalled(g->executor->self, slot)) {
            ends(g->world, slot);
            return true;
        }
    return false;
}

/* Until nobody is asked for anything any more. */
static inline void settle(struct world *w)
{
    for (int rounds = 0; rounds < 100; rounds++) {
        bool moved = false;
        balance(w);
        for (int i = 0; i < TENANTS; i++)
            if (w->guests[i].tenant) {
                moved |= use(&w->guests[i]);
                moved |= obey(&w->guests[i]);
            }
        if (!moved) {
            while (rung_share_touched(w->share))
                ;
            return;
        }
    }
    fail_msg("slots change hands for ever");
}

static inline size_t held(const struct guest *g)
{
    size_t count = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        count += g->has[slot];
    assert_int_equal(count, rung_tenant_held(g->tenant));
    return count;
}

static inline void give_up(struct guest *g, int slot)
{
    g->executor->given_up(g->executor->self, slot);
}

#endif
