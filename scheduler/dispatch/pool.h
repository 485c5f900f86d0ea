/*
 * The trainers' slots: who is starting, idle, busy or given up, what each runs, and when patience with it
 * ends. Pure: told the time, it starts and kills nobody. O(1) or O(log slots), and no memory for slots beyond
 * the last one that was ever there.
 */
#ifndef RUNG_DISPATCH_POOL_H
#define RUNG_DISPATCH_POOL_H

#include "core/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_POOL_NEXT           3 /* jobs that wait behind a slot's job, at most */
#define RUNG_POOL_START_FAILURES 3 /* in a row, then the slot is given up */

enum rung_slot_state {
    RUNG_SLOT_ABSENT,   /* no place for a trainer now */
    RUNG_SLOT_EMPTY,    /* may be started, from not_before on */
    RUNG_SLOT_STARTING, /* started, not ready yet */
    RUNG_SLOT_IDLE,
    RUNG_SLOT_BUSY,
    RUNG_SLOT_LEAVING, /* told to stop, or killed; `gone` will come */
    RUNG_SLOT_GIVEN_UP,
    RUNG_SLOT_STATES
};

enum rung_job_purpose {
    RUNG_JOB_TRAIN,
    RUNG_JOB_REBUILD, /* train from call 0 to the recorded calls: the state is missing; nothing is recorded */
    RUNG_JOB_EVALUATE,
    RUNG_JOB_VOID /* its model got its result otherwise: whatever comes of it is dropped */
};

struct rung_job {
    int64_t number;
    uint32_t model;
    enum rung_job_purpose purpose;
    int64_t from, to; /* as sent: from 0 for a trainer that cannot save */
    double sent_at;
    int64_t last_call; /* of the progress so far */
    bool too_long;     /* for a message: it was not sent */
    bool sent;
    bool ahead; /* it was sent while the slot had another one */
};

struct rung_slot {
    enum rung_slot_state state; /* changed by the functions below only */
    struct rung_job job;        /* while BUSY */
    struct rung_job *next; /* that it begins by itself, in this order, when that is over; of next_count */
    size_t next_count;
    double next_timeout;
    double last_seconds;       /* that its last job took; INFINITY: not known */
    int start_failures;        /* in a row: since a trainer of it last worked */
    bool stateless, evaluates; /* as its `ready` said */
    uint32_t held;             /* the model it ran last and still holds, or RUNG_NO_MODEL */
    int64_t jobs;              /* finished since it joined */
    double busy_seconds;
    int64_t row;       /* its row in the record */
    bool closed;       /* LEAVING by itself, from idle */
    bool start_failed; /* LEAVING without ever having been ready */
    double not_before, deadline;
    int32_t after, before; /* list of its state */
};

struct rung_pool;

/* The last `absent` of them are not there yet. */
struct rung_pool *rung_pool_create(size_t slots, size_t absent);
void rung_pool_free(struct rung_pool *pool);
size_t rung_pool_slots(const struct rung_pool *pool);
/* Of one that is there or was; valid until another joins. */
struct rung_slot *rung_pool_slot(struct rung_pool *pool, int slot);
size_t rung_pool_count(const struct rung_pool *pool, enum rung_slot_state state);
/* Trainers that work or will: all but absent and given up ones. */
size_t rung_pool_present(const struct rung_pool *pool);

/* Any slot in that state, which is not ABSENT, or -1; next: another one after it, for walking all. */
int rung_pool_first(const struct rung_pool *pool, enum rung_slot_state state);
int rung_pool_next(const struct rung_pool *pool, int slot);

/* The empty slot with the smallest number that may be started now, or -1. */
int rung_pool_startable(struct rung_pool *pool, double now);

/* Changes of state; timeout in seconds, INFINITY for none. */
void rung_pool_started(struct rung_pool *pool, int slot, double now, double timeout);
void rung_pool_ready(struct rung_pool *pool, int slot);
void rung_pool_assigned(struct rung_pool *pool, int slot, const struct rung_job *job, double timeout);
void rung_pool_heard(struct rung_pool *pool, int slot, double now,
                     double timeout); /* life sign of a busy one */
/* A busy one gets another job, the last of those that it begins by itself: each is its job when
 * rung_pool_finished was called for the one before, and its time begins then. RUNG_POOL_NEXT of them at most.
 */
void rung_pool_assigned_next(struct rung_pool *pool, int slot, const struct rung_job *job, double timeout);
/* It has not begun that one of its next jobs, and will not. */
struct rung_job rung_pool_take_next(struct rung_pool *pool, int slot, size_t place);
void rung_pool_finished(struct rung_pool *pool, int slot, double now); /* busy -> idle, or its next job */
void rung_pool_leaving(struct rung_pool *pool, int slot);
void rung_pool_gone(struct rung_pool *pool, int slot);   /* -> empty */
void rung_pool_joined(struct rung_pool *pool, int slot); /* absent -> empty */
void rung_pool_left(struct rung_pool *pool, int slot);   /* empty or given up -> absent */
/* A start that came to nothing: the slot is empty again and waits longer each time. True: it is given up. */
bool rung_pool_start_failed(struct rung_pool *pool, int slot, double now);

/* A starting or busy slot whose deadline has passed, or -1. */
int rung_pool_expired(const struct rung_pool *pool, double now);
/* The next time after now at which rung_pool_expired or rung_pool_startable may have a new answer; INFINITY:
 * none. */
double rung_pool_wake_at(struct rung_pool *pool, double now);

#endif
