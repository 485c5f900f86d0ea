/*
 * An executor of trainers on a virtual clock that are late and, where the mood is such, fail, lie, fall
 * silent and die at random. What comes next, and when, is drawn as it is asked for; a driver delivers it in
 * its time.
 */
#ifndef TESTS_TRAINERS_HELP_H
#define TESTS_TRAINERS_HELP_H

#include "sim_help.h"

#include "base/heap.h"
#include "core/rng.h"

enum { MAX_SLOTS = 12 };

enum mood { CALM, RAGGED }; /* RAGGED: things go wrong */
enum coming { SILENCE, READY, RESULT, FAILURE, GARBAGE, DEATH };

struct slot {
    bool present, alive, evaluating;
    enum coming coming;
    struct rung_proto_job job;
    char state_out[512];
};

struct trainers {
    struct rung_executor executor;
    struct rung_executor_listener tell;
    struct rung_rng rng;
    enum mood mood;
    struct slot slots[MAX_SLOTS];
    struct rung_heap due; /* slot by -time */
    double now;
    uint64_t order;
    long starts;
};

static inline double chance(struct trainers *t)
{
    return rung_rng_uniform(&t->rng);
}

static inline double score_of(uint32_t model, uint32_t seed, int64_t calls)
{
    struct rung_rng rng;
    rung_rng_init(&rng, seed, model, "quality");
    double quality = rung_rng_uniform(&rng);
    return quality < 0.05 ? NAN : quality * (1 - 1 / sqrt(1 + (double)calls));
}

static inline void come_at(struct trainers *t, uint32_t what, double at)
{
    rung_heap_put(&t->due, what, -at, t->order++);
}

static inline void come(struct trainers *t, int slot, enum coming what, double delay)
{
    t->slots[slot].coming = what;
    come_at(t, (uint32_t)slot, t->now + delay);
}

/* ---- what an executor is asked for ---- */

static inline int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct trainers *t = self;
    (void)message;
    assert_true(t->slots[slot].present && !t->slots[slot].alive);
    t->starts++;
    if (t->mood == RAGGED && chance(t) < 0.02)
        return rung_err_set(err, RUNG_EFAIL, "not today");
    t->slots[slot] = (struct slot){.present = true, .alive = true};
    come(t, slot, t->mood == RAGGED && chance(t) < 0.02 ? DEATH : READY, chance(t));
    return 0;
}

static inline enum coming fate(struct trainers *t)
{
    static const enum coming misfortunes[] = {FAILURE, GARBAGE, SILENCE, DEATH, DEATH, DEATH};
    if (t->mood == CALM || chance(t) > 0.1)
        return RESULT;
    return misfortunes[rung_rng_below(&t->rng, 6)];
}

static inline void job(void *self, int slot, const struct rung_proto_job *message)
{
    struct trainers *t = self;
    struct slot *s = &t->slots[slot];
    assert_true(s->alive);
    s->job = *message;
    s->evaluating = false;
    snprintf(s->state_out, sizeof s->state_out, "%s", message->state_out);
    enum coming what = fate(t);
    if (what == SILENCE)
        return; /* the deadline will end it */
    come(t, slot, what, (double)(message->to - message->from) * (0.5 + chance(t)));
}

static inline void evaluate(void *self, int slot, const struct rung_proto_job *message)
{
    struct trainers *t = self;
    assert_true(t->slots[slot].alive);
    t->slots[slot].job = *message;
    t->slots[slot].evaluating = true;
    come(t, slot, RESULT, 1);
}

static inline void forget(void *self, int slot, uint32_t model)
{
    (void)model;
    assert_true(((struct trainers *)self)->slots[slot].alive);
}

static inline void end(void *self, int slot)
{
    assert_true(((struct trainers *)self)->slots[slot].alive);
    come(self, slot, DEATH, 0.01);
}

static inline struct rung_place place(void *self, int slot)
{
    (void)self;
    (void)slot;
    return (struct rung_place){"nowhere", "virtual"};
}

static inline void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    (void)self;
    (void)slot;
    (void)lines;
    rung_buf_text(out, "last words");
}

/* ---- what it tells ---- */

static inline void make_state(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("state", file);
    fclose(file);
}

static inline void answer(struct trainers *t, int slot)
{
    struct slot *s = &t->slots[slot];
    struct rung_proto_message message = {.type = RUNG_PROTO_RESULT,
                                         .job = s->job.job,
                                         .has_score = true,
                                         .score = NAN,
                                         .fit_seconds = 1,
                                         .score_seconds = NAN,
                                         .examples = 5,
                                         .metric = NAN};
    if (s->evaluating) {
        message.metrics = "{\"test_score\":0.5}";
    } else {
        make_state(s->state_out);
        message.score = score_of(s->job.model, s->job.seed, s->job.to);
    }
    t->tell.message(t->tell.context, slot, &message, t->now);
}

static inline void dies(struct trainers *t, int slot, const struct rung_exit *how)
{
    t->slots[slot].alive = false;
    t->tell.gone(t->tell.context, slot, how, t->now);
}

static inline void deliver(struct trainers *t, int slot)
{
    static const struct rung_exit killed = {.signaled = true, .number = 9};
    struct slot *s = &t->slots[slot];
    struct rung_proto_message ready = {.type = RUNG_PROTO_READY, .evaluates = true};
    struct rung_proto_message failure = {
        .type = RUNG_PROTO_FAILURE, .job = s->job.job, .retry = true, .reason = "unlucky"};
    enum coming what = s->coming;
    s->coming = SILENCE;
    if (what == READY)
        t->tell.message(t->tell.context, slot, &ready, t->now);
    else if (what == RESULT)
        answer(t, slot);
    else if (what == FAILURE)
        t->tell.message(t->tell.context, slot, &failure, t->now);
    else if (what == GARBAGE)
        t->tell.violation(t->tell.context, slot, "a line that is no JSON", t->now);
    else if (what == DEATH)
        dies(t, slot, &killed);
}

/* ---- the clock ---- */

/* When something comes next: INFINITY where nothing does. */
static inline double next_at(const struct trainers *t)
{
    const struct rung_heap_item *next = rung_heap_top(&t->due);
    return next ? -next->key : INFINITY;
}

/* Takes the next thing whose time has come: false where there is none. */
static inline bool next_due(struct trainers *t, uint32_t *what)
{
    if (next_at(t) > t->now)
        return false;
    *what = rung_heap_top(&t->due)->id;
    rung_heap_remove(&t->due, *what);
    return true;
}

static inline void trainers_init(struct trainers *t, uint64_t seed, size_t slots, enum mood mood)
{
    *t = (struct trainers){.executor = {.self = t,
                                        .slots = slots,
                                        .place = place,
                                        .start = start,
                                        .job = job,
                                        .evaluate = evaluate,
                                        .forget = forget,
                                        .stop = end,
                                        .kill = end,
                                        .log_tail = log_tail},
                           .mood = mood};
    rung_rng_init(&t->rng, seed, slots, "world");
    rung_heap_init(&t->due);
}

/* As at a start of the process: nobody lives, and the first `present` slots are there. */
static inline void trainers_anew(struct trainers *t, size_t present)
{
    t->executor.absent = t->executor.slots - present;
    memset(t->slots, 0, sizeof t->slots);
    for (size_t slot = 0; slot < present; slot++)
        t->slots[slot].present = true;
    rung_heap_clear(&t->due);
}

static inline void trainers_free(struct trainers *t)
{
    rung_heap_free(&t->due);
}

#endif
