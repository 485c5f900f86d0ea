#include "dispatch/pool.h"

#include "base/heap.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define FIRST_BACK_OFF 0.1 /* seconds; doubled per failure in a row */

struct list {
    int32_t first;
    size_t count;
};

struct rung_pool {
    struct rung_slot *slots;
    size_t count;
    struct list lists[RUNG_SLOT_STATES];
    struct rung_heap deadlines; /* key -deadline: the earliest is on top */
};

static void link_slot(struct rung_pool *pool, int slot, enum rung_slot_state state)
{
    struct rung_slot *s = &pool->slots[slot];
    struct list *list = &pool->lists[state];
    s->state = state;
    s->previous = -1;
    s->next = list->first;
    if (list->first >= 0)
        pool->slots[list->first].previous = slot;
    list->first = slot;
    list->count++;
}

static void unlink_slot(struct rung_pool *pool, int slot)
{
    struct rung_slot *s = &pool->slots[slot];
    struct list *list = &pool->lists[s->state];
    if (s->previous >= 0)
        pool->slots[s->previous].next = s->next;
    else
        list->first = s->next;
    if (s->next >= 0)
        pool->slots[s->next].previous = s->previous;
    list->count--;
}

static void set_deadline(struct rung_pool *pool, int slot, double deadline)
{
    pool->slots[slot].deadline = deadline;
    if (isfinite(deadline))
        rung_heap_put(&pool->deadlines, (uint32_t)slot, -deadline, (uint64_t)slot);
    else
        rung_heap_remove(&pool->deadlines, (uint32_t)slot);
}

static void move(struct rung_pool *pool, int slot, enum rung_slot_state state, double deadline)
{
    unlink_slot(pool, slot);
    link_slot(pool, slot, state);
    set_deadline(pool, slot, deadline);
}

struct rung_pool *rung_pool_create(size_t slots, size_t absent)
{
    struct rung_pool *pool = rung_mem_zalloc(1, sizeof *pool);
    pool->slots = rung_mem_zalloc(slots, sizeof *pool->slots);
    pool->count = slots;
    rung_heap_init(&pool->deadlines);
    for (int state = 0; state < RUNG_SLOT_STATES; state++)
        pool->lists[state].first = -1;
    for (size_t i = slots; i-- > 0;) {
        pool->slots[i].held = RUNG_NO_MODEL;
        pool->slots[i].not_before = -INFINITY;
        pool->slots[i].deadline = INFINITY;
        link_slot(pool, (int)i, i < slots - absent ? RUNG_SLOT_EMPTY : RUNG_SLOT_ABSENT);
    }
    return pool;
}

void rung_pool_free(struct rung_pool *pool)
{
    if (!pool)
        return;
    rung_heap_free(&pool->deadlines);
    free(pool->slots);
    free(pool);
}

size_t rung_pool_slots(const struct rung_pool *pool)
{
    return pool->count;
}

struct rung_slot *rung_pool_slot(struct rung_pool *pool, int slot)
{
    return &pool->slots[slot];
}

size_t rung_pool_count(const struct rung_pool *pool, enum rung_slot_state state)
{
    return pool->lists[state].count;
}

size_t rung_pool_present(const struct rung_pool *pool)
{
    return pool->count - pool->lists[RUNG_SLOT_GIVEN_UP].count - pool->lists[RUNG_SLOT_ABSENT].count;
}

int rung_pool_first(const struct rung_pool *pool, enum rung_slot_state state)
{
    return pool->lists[state].first;
}

int rung_pool_next(const struct rung_pool *pool, int slot)
{
    return pool->slots[slot].next;
}

int rung_pool_startable(const struct rung_pool *pool, double now)
{
    int best = -1;
    for (int slot = pool->lists[RUNG_SLOT_EMPTY].first; slot >= 0; slot = pool->slots[slot].next)
        if (pool->slots[slot].not_before <= now && (best < 0 || slot < best))
            best = slot;
    return best;
}

void rung_pool_started(struct rung_pool *pool, int slot, double now, double timeout)
{
    struct rung_slot *s = &pool->slots[slot];
    s->held = RUNG_NO_MODEL;
    s->jobs = 0;
    s->busy_seconds = 0;
    s->stateless = s->evaluates = s->closed = s->start_failed = false;
    move(pool, slot, RUNG_SLOT_STARTING, now + timeout);
}

void rung_pool_ready(struct rung_pool *pool, int slot)
{
    move(pool, slot, RUNG_SLOT_IDLE, INFINITY);
}

void rung_pool_assigned(struct rung_pool *pool, int slot, const struct rung_job *job, double timeout)
{
    pool->slots[slot].job = *job;
    move(pool, slot, RUNG_SLOT_BUSY, job->sent_at + timeout);
}

void rung_pool_heard(struct rung_pool *pool, int slot, double now, double timeout)
{
    set_deadline(pool, slot, now + timeout);
}

void rung_pool_finished(struct rung_pool *pool, int slot, double now)
{
    struct rung_slot *s = &pool->slots[slot];
    s->jobs++;
    s->start_failures = 0;
    s->busy_seconds += now - s->job.sent_at;
    move(pool, slot, RUNG_SLOT_IDLE, INFINITY);
}

void rung_pool_leaving(struct rung_pool *pool, int slot)
{
    move(pool, slot, RUNG_SLOT_LEAVING, INFINITY);
}

void rung_pool_gone(struct rung_pool *pool, int slot)
{
    pool->slots[slot].held = RUNG_NO_MODEL;
    pool->slots[slot].start_failures = 0;
    move(pool, slot, RUNG_SLOT_EMPTY, INFINITY);
}

void rung_pool_joined(struct rung_pool *pool, int slot)
{
    pool->slots[slot].start_failures = 0;
    pool->slots[slot].not_before = -INFINITY;
    move(pool, slot, RUNG_SLOT_EMPTY, INFINITY);
}

void rung_pool_left(struct rung_pool *pool, int slot)
{
    move(pool, slot, RUNG_SLOT_ABSENT, INFINITY);
}

bool rung_pool_start_failed(struct rung_pool *pool, int slot, double now)
{
    struct rung_slot *s = &pool->slots[slot];
    s->start_failures++;
    s->not_before = now + ldexp(FIRST_BACK_OFF, s->start_failures - 1);
    bool given_up = s->start_failures >= RUNG_POOL_START_FAILURES;
    move(pool, slot, given_up ? RUNG_SLOT_GIVEN_UP : RUNG_SLOT_EMPTY, INFINITY);
    return given_up;
}

int rung_pool_expired(const struct rung_pool *pool, double now)
{
    const struct rung_heap_item *first = rung_heap_top(&pool->deadlines);
    return first && -first->key <= now ? (int)first->id : -1;
}

double rung_pool_wake_at(const struct rung_pool *pool, double now)
{
    const struct rung_heap_item *first = rung_heap_top(&pool->deadlines);
    double at = first ? -first->key : INFINITY;
    for (int slot = pool->lists[RUNG_SLOT_EMPTY].first; slot >= 0; slot = pool->slots[slot].next)
        if (pool->slots[slot].not_before > now)
            at = fmin(at, pool->slots[slot].not_before);
    return at;
}
