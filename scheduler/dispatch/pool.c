#include "dispatch/pool.h"

#include "base/heap.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BACK_OFF 0.1 /* seconds; doubled per failure in a row */

struct list {
    int32_t first;
    size_t count;
};

struct rung_pool {
    struct rung_slot *slots;
    size_t count, known; /* in all; those that slots has, beyond which all are absent */
    struct list lists[RUNG_SLOT_STATES];
    struct rung_heap deadlines;  /* key -deadline: the earliest is on top */
    struct rung_heap startable;  /* empty ones; key -slot */
    struct rung_heap backed_off; /* empty ones that have to wait; key -not_before */
};

static void enter_empty(struct rung_pool *pool, int slot)
{
    double not_before = pool->slots[slot].not_before;
    if (isfinite(not_before))
        rung_heap_put(&pool->backed_off, (uint32_t)slot, -not_before, (uint64_t)slot);
    else
        rung_heap_put(&pool->startable, (uint32_t)slot, -(double)slot, 0);
}

/* Of absent slots there is a number and no list. */
static void link_slot(struct rung_pool *pool, int slot, enum rung_slot_state state)
{
    struct rung_slot *s = &pool->slots[slot];
    struct list *list = &pool->lists[state];
    s->state = state;
    list->count++;
    if (state == RUNG_SLOT_EMPTY)
        enter_empty(pool, slot);
    if (state == RUNG_SLOT_ABSENT)
        return;
    s->before = -1;
    s->after = list->first;
    if (list->first >= 0)
        pool->slots[list->first].before = slot;
    list->first = slot;
}

static void unlink_slot(struct rung_pool *pool, int slot)
{
    struct rung_slot *s = &pool->slots[slot];
    struct list *list = &pool->lists[s->state];
    list->count--;
    if (s->state == RUNG_SLOT_EMPTY && !rung_heap_remove(&pool->startable, (uint32_t)slot))
        rung_heap_remove(&pool->backed_off, (uint32_t)slot);
    if (s->state == RUNG_SLOT_ABSENT)
        return;
    if (s->before >= 0)
        pool->slots[s->before].after = s->after;
    else
        list->first = s->after;
    if (s->after >= 0)
        pool->slots[s->after].before = s->before;
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
    pool->count = slots;
    pool->lists[RUNG_SLOT_ABSENT].count = slots;
    rung_heap_init(&pool->deadlines);
    rung_heap_init(&pool->startable);
    rung_heap_init(&pool->backed_off);
    for (int state = 0; state < RUNG_SLOT_STATES; state++)
        pool->lists[state].first = -1;
    for (size_t i = slots - absent; i-- > 0;)
        rung_pool_joined(pool, (int)i);
    return pool;
}

void rung_pool_free(struct rung_pool *pool)
{
    if (!pool)
        return;
    rung_heap_free(&pool->deadlines);
    rung_heap_free(&pool->startable);
    rung_heap_free(&pool->backed_off);
    for (size_t i = 0; i < pool->known; i++)
        free(pool->slots[i].next);
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
    return pool->slots[slot].after;
}

static void end_back_off(struct rung_pool *pool, double now)
{
    const struct rung_heap_item *first;
    while ((first = rung_heap_top(&pool->backed_off)) && -first->key <= now) {
        uint32_t slot = first->id;
        rung_heap_remove(&pool->backed_off, slot);
        rung_heap_put(&pool->startable, slot, -(double)slot, 0);
    }
}

int rung_pool_startable(struct rung_pool *pool, double now)
{
    end_back_off(pool, now);
    const struct rung_heap_item *first = rung_heap_top(&pool->startable);
    return first ? (int)first->id : -1;
}

void rung_pool_started(struct rung_pool *pool, int slot, double now, double timeout)
{
    struct rung_slot *s = &pool->slots[slot];
    s->held = RUNG_NO_MODEL;
    s->jobs = 0;
    s->busy_seconds = 0;
    s->stateless = s->evaluates = s->closed = s->start_failed = false;
    s->next_count = 0;
    s->last_seconds = INFINITY;
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

void rung_pool_assigned_next(struct rung_pool *pool, int slot, const struct rung_job *job, double timeout)
{
    struct rung_slot *s = &pool->slots[slot];
    if (!s->next) /* most slots never have one */
        s->next = rung_mem_zalloc(RUNG_POOL_NEXT, sizeof *s->next);
    s->next[s->next_count++] = *job;
    s->next_timeout = timeout;
}

struct rung_job rung_pool_take_next(struct rung_pool *pool, int slot, size_t place)
{
    struct rung_slot *s = &pool->slots[slot];
    struct rung_job job = s->next[place];
    s->next_count--;
    memmove(s->next + place, s->next + place + 1, (s->next_count - place) * sizeof *s->next);
    return job;
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
    s->last_seconds = now - s->job.sent_at;
    s->busy_seconds += s->last_seconds;
    if (s->next_count > 0) {
        s->job = rung_pool_take_next(pool, slot, 0);
        s->job.sent_at = now;
        set_deadline(pool, slot, now + s->next_timeout);
    } else {
        move(pool, slot, RUNG_SLOT_IDLE, INFINITY);
    }
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

static void know(struct rung_pool *pool, int slot)
{
    size_t known = pool->known;
    if ((size_t)slot < known)
        return;
    pool->known = (size_t)slot + 1 > 2 * known ? (size_t)slot + 1 : 2 * known;
    pool->slots = rung_mem_resize(pool->slots, pool->known, sizeof *pool->slots);
    for (size_t i = known; i < pool->known; i++)
        pool->slots[i] = (struct rung_slot){
            .state = RUNG_SLOT_ABSENT, .held = RUNG_NO_MODEL, .not_before = -INFINITY, .deadline = INFINITY};
}

void rung_pool_joined(struct rung_pool *pool, int slot)
{
    know(pool, slot);
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

double rung_pool_wake_at(struct rung_pool *pool, double now)
{
    end_back_off(pool, now);
    const struct rung_heap_item *deadline = rung_heap_top(&pool->deadlines);
    const struct rung_heap_item *start = rung_heap_top(&pool->backed_off);
    return fmin(deadline ? -deadline->key : INFINITY, start ? -start->key : INFINITY);
}
