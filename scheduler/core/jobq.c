/*
 * The queue of ready jobs.
 *
 * A job's key is its priority. Most keys never change and are those of many: all of `fifo`, models without a
 * score, and with `critical` those of one bracket. Such jobs stand in line by age, which costs no comparison;
 * the others, and those that were returned to a place before the line's end, are in a heap.
 *
 * With `score`, the P worst of a bracket share their median, so that a barrier does not wait for models that
 * were postponed until last (Sievert, Augspurger, Rocklin: Better and faster hyperparameter optimization with
 * Dask, SciPy 2019, and the branch of Dask-ML behind it). They are in a heap of their own, by age: a new
 * median moves none of them, and only those that became one of the P worst, or are none any more, change
 * heaps.
 */
#include "core/jobq.h"

#include "base/fifo.h"
#include "base/heap.h"
#include "base/mem.h"
#include "core/roster.h"
#include "core/worst.h"

#include <math.h>
#include <stdlib.h>

struct rung_jobq_bracket {
    struct rung_worst worst;
    struct rung_heap low; /* ready jobs of the worst: key 0; ids count from the bracket's first model */
    size_t scored;        /* ready jobs with a priority of their own */
    bool pending;         /* has a decision point in the decisions being applied */
};

struct rung_jobq {
    const struct rung_roster *roster;
    enum rung_priority priority;
    struct rung_heap ready;
    struct rung_fifo *lines; /* critical: of each bracket; else one, of those without a score or priority */
    size_t line_count;
    size_t count;           /* ready jobs */
    struct rung_heap paths; /* critical: ready jobs by what is ahead of their models */
    rung_jobq_expect *expect;
    void *expect_context;
    size_t trainers;
    uint64_t next_order;
    uint64_t *orders; /* per model: of its job's becoming ready */
    size_t order_count;
    struct rung_jobq_bracket *brackets;
    size_t bracket_count;
};

struct rung_jobq *rung_jobq_create(const struct rung_search *search, enum rung_priority priority)
{
    struct rung_jobq *queue = rung_mem_zalloc(1, sizeof *queue);
    queue->roster = rung_search_roster(search);
    queue->priority = priority;
    rung_heap_init(&queue->ready);
    rung_heap_init(&queue->paths);
    queue->trainers = 1;
    queue->bracket_count = queue->roster->bracket_count;
    queue->brackets = rung_mem_zalloc(queue->bracket_count, sizeof *queue->brackets);
    for (size_t i = 0; i < queue->bracket_count; i++)
        rung_worst_init(&queue->brackets[i].worst);
    queue->line_count = priority == RUNG_PRIORITY_CRITICAL ? queue->bracket_count : 1;
    queue->lines = rung_mem_zalloc(queue->line_count, sizeof *queue->lines);
    return queue;
}

void rung_jobq_free(struct rung_jobq *queue)
{
    if (queue == NULL)
        return;
    for (size_t i = 0; i < queue->bracket_count; i++) {
        rung_worst_free(&queue->brackets[i].worst);
        rung_heap_free(&queue->brackets[i].low);
    }
    for (size_t i = 0; i < queue->line_count; i++)
        rung_fifo_free(&queue->lines[i]);
    free(queue->lines);
    rung_heap_free(&queue->ready);
    rung_heap_free(&queue->paths);
    free(queue->brackets);
    free(queue->orders);
    free(queue);
}

static void make_room(struct rung_jobq *queue)
{
    size_t models = queue->roster->model_count;
    if (models <= queue->order_count)
        return;
    queue->order_count = models > queue->order_count * 2 ? models : queue->order_count * 2;
    queue->orders = rung_mem_resize(queue->orders, queue->order_count, sizeof *queue->orders);
}

/* ---- where a job waits ---- */

static uint32_t first_of_bracket(const struct rung_jobq *queue, size_t bracket)
{
    return (uint32_t)queue->roster->brackets[bracket].plan->first_model;
}

static uint32_t first_of_line(const struct rung_jobq *queue, size_t line)
{
    return queue->line_count > 1 ? first_of_bracket(queue, line) : 0;
}

/* A line, and what the model is called in it: a bracket's line counts from the bracket's first model. */
static struct rung_fifo *line_of(const struct rung_jobq *queue, uint32_t model, uint32_t *id)
{
    size_t line = queue->line_count > 1 ? queue->roster->models[model].bracket : 0;
    *id = model - first_of_line(queue, line);
    return &queue->lines[line];
}

static double line_key(const struct rung_jobq *queue, size_t line)
{
    return queue->priority == RUNG_PRIORITY_CRITICAL ? -(double)line : -INFINITY;
}

static struct rung_jobq_bracket *bracket_of(const struct rung_jobq *queue, uint32_t model, uint32_t *id)
{
    size_t bracket = queue->roster->models[model].bracket;
    *id = model - first_of_bracket(queue, bracket);
    return &queue->brackets[bracket];
}

/* The key of a job that does not share it. */
static double own_key(const struct rung_jobq *queue, uint32_t model)
{
    const struct rung_model *m = &queue->roster->models[model];
    if (queue->priority == RUNG_PRIORITY_FIFO)
        return -INFINITY;
    if (queue->priority == RUNG_PRIORITY_CRITICAL)
        return -(double)m->bracket; /* brackets are planned most adaptive first */
    double score = rung_roster_oriented(queue->roster, m->score);
    return isfinite(score) ? score : -INFINITY;
}

static bool is_low(const struct rung_jobq *queue, uint32_t model, double key)
{
    uint32_t id;
    return queue->priority == RUNG_PRIORITY_SCORE && key > -INFINITY &&
           key <= bracket_of(queue, model, &id)->worst.low_to;
}

/* In one of the heaps. */
static void put_in_heap(struct rung_jobq *queue, uint32_t model, double key)
{
    uint32_t id;
    struct rung_jobq_bracket *bracket = bracket_of(queue, model, &id);
    if (is_low(queue, model, key))
        rung_heap_put(&bracket->low, id, 0, queue->orders[model]);
    else
        rung_heap_put(&queue->ready, model, key, queue->orders[model]);
    bracket->scored += queue->priority == RUNG_PRIORITY_SCORE && key > -INFINITY;
}

static bool take_from_heap(struct rung_jobq *queue, uint32_t model)
{
    uint32_t id;
    struct rung_jobq_bracket *bracket = bracket_of(queue, model, &id);
    if (!rung_heap_remove(&bracket->low, id) && !rung_heap_remove(&queue->ready, model))
        return false;
    bracket->scored -= queue->priority == RUNG_PRIORITY_SCORE && own_key(queue, model) > -INFINITY;
    return true;
}

/* ---- decision points ---- */

static void new_priorities(struct rung_jobq *queue, size_t index)
{
    struct rung_jobq_bracket *bracket = &queue->brackets[index];
    size_t rank, end;
    rung_worst_decide(&bracket->worst, queue->roster, index, queue->trainers, &rank, &end);
    for (; rank < end && bracket->scored > 0; rank++) {
        uint32_t model = first_of_bracket(queue, index) + rung_ordered_at(&bracket->worst.near, rank);
        if (take_from_heap(queue, model))
            put_in_heap(queue, model, own_key(queue, model));
    }
}

/* A rung that sends nobody to train changes the priority of no job: only TRAINs are looked for. */
static void apply_priorities(struct rung_jobq *queue, const struct rung_decisions *decisions)
{
    for (size_t i = 0; i < decisions->count; i++) {
        const struct rung_decision *decision = &decisions->items[i];
        if (decision->kind == RUNG_DECISION_TRAIN)
            queue->brackets[queue->roster->models[decision->model].bracket].pending = true;
    }
    for (size_t i = 0; i < queue->bracket_count; i++) {
        if (queue->brackets[i].pending)
            new_priorities(queue, i);
        queue->brackets[i].pending = false;
    }
}

void rung_jobq_apply(struct rung_jobq *queue, const struct rung_decisions *decisions, size_t trainers)
{
    queue->trainers = trainers > 0 ? trainers : 1;
    if (decisions->count == 0)
        return;
    make_room(queue);
    if (queue->priority == RUNG_PRIORITY_SCORE)
        apply_priorities(queue, decisions);
    for (size_t i = 0; i < decisions->count; i++) {
        const struct rung_decision *decision = &decisions->items[i];
        if (decision->kind != RUNG_DECISION_TRAIN)
            continue;
        rung_jobq_requeue(queue, decision->model);
    }
}

/* ---- critical ---- */

/* Rungs that a model has ahead when it has made so many calls. */
static size_t rungs_after(const struct rung_plan_bracket *plan, int64_t calls)
{
    size_t low = 0, high = plan->rung_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->rungs[middle].calls <= calls)
            low = middle + 1;
        else
            high = middle;
    }
    return plan->rung_count - low;
}

/* From the job's start to the end of its bracket's last rung, scores included: one for each later rung. */
static double path_of(const struct rung_jobq *queue, uint32_t model)
{
    const struct rung_model *m = &queue->roster->models[model];
    const struct rung_plan_bracket *plan = queue->roster->brackets[m->bracket].plan;
    int64_t end = plan->rungs[plan->rung_count - 1].calls;
    size_t later = rungs_after(plan, m->target);
    if (queue->expect == NULL)
        return (double)(end - m->calls);
    double seconds = queue->expect(queue->expect_context, model, m->calls, m->target);
    if (later > 0)
        seconds += queue->expect(queue->expect_context, model, m->target, end);
    if (later > 1)
        seconds += (double)(later - 1) * queue->expect(queue->expect_context, model, end, end);
    return isnan(seconds) ? 0 : seconds;
}

static void put_path(struct rung_jobq *queue, uint32_t model)
{
    if (queue->priority == RUNG_PRIORITY_CRITICAL)
        rung_heap_put(&queue->paths, model, path_of(queue, model), queue->orders[model]);
}

void rung_jobq_predict(struct rung_jobq *queue, rung_jobq_expect *expect, void *context)
{
    queue->expect = expect;
    queue->expect_context = context;
    size_t count = queue->paths.count;
    uint32_t *ready = rung_mem_resize(NULL, count, sizeof *ready);
    for (size_t i = 0; i < count; i++)
        ready[i] = queue->paths.items[i].id;
    for (size_t i = 0; i < count; i++)
        put_path(queue, ready[i]);
    free(ready);
}

/* ---- in and out ---- */

void rung_jobq_requeue(struct rung_jobq *queue, uint32_t model)
{
    uint32_t id;
    struct rung_fifo *line = line_of(queue, model, &id);
    double key = own_key(queue, model);
    queue->orders[model] = queue->next_order++;
    queue->count++;
    if (key == line_key(queue, (size_t)(line - queue->lines)))
        rung_fifo_put(line, id, queue->orders[model]);
    else
        put_in_heap(queue, model, key);
    put_path(queue, model);
}

void rung_jobq_return(struct rung_jobq *queue, uint32_t model)
{
    queue->count++;
    put_in_heap(queue, model, own_key(queue, model));
    put_path(queue, model);
}

uint64_t rung_jobq_order(const struct rung_jobq *queue, uint32_t model)
{
    return queue->orders[model];
}

size_t rung_jobq_count(const struct rung_jobq *queue)
{
    return queue->count;
}

bool rung_jobq_has(const struct rung_jobq *queue, uint32_t model)
{
    uint32_t id;
    if (model >= queue->roster->model_count)
        return false;
    const struct rung_fifo *line = line_of(queue, model, &id);
    if (rung_fifo_has(line, id) || rung_heap_has(&queue->ready, model))
        return true;
    const struct rung_jobq_bracket *bracket = bracket_of(queue, model, &id);
    return rung_heap_has(&bracket->low, id);
}

static struct rung_heap_item better(struct rung_heap_item a, double key, uint64_t order, uint32_t model)
{
    bool first = a.id == RUNG_NO_MODEL || key > a.key || (key == a.key && order < a.order);
    return first ? (struct rung_heap_item){.key = key, .order = order, .id = model} : a;
}

/* The first of lines and heaps. */
static struct rung_heap_item first_by_key(const struct rung_jobq *queue)
{
    struct rung_heap_item first = {.key = NAN, .id = RUNG_NO_MODEL};
    if (queue->ready.count > 0)
        first = *rung_heap_top(&queue->ready);
    for (size_t i = 0; i < queue->bracket_count && queue->priority == RUNG_PRIORITY_SCORE; i++) {
        const struct rung_heap_item *low = rung_heap_top(&queue->brackets[i].low);
        if (low != NULL)
            first = better(first, queue->brackets[i].worst.shared, low->order,
                           first_of_bracket(queue, i) + low->id);
    }
    for (size_t i = 0; i < queue->line_count; i++) {
        const struct rung_fifo_item *oldest = rung_fifo_top(&queue->lines[i]);
        if (oldest == NULL)
            continue;
        return better(first, line_key(queue, i), oldest->order, first_of_line(queue, i) + oldest->id);
    }
    return first;
}

static bool by_path(const struct rung_jobq *queue)
{
    return queue->priority == RUNG_PRIORITY_CRITICAL && queue->count <= queue->trainers;
}

uint32_t rung_jobq_peek(const struct rung_jobq *queue)
{
    if (queue->count == 0)
        return RUNG_NO_MODEL;
    return by_path(queue) ? rung_heap_top(&queue->paths)->id : first_by_key(queue).id;
}

bool rung_jobq_ties_next(const struct rung_jobq *queue, uint32_t model)
{
    if (queue->priority == RUNG_PRIORITY_FIFO) /* all keys are equal, and the order is all that counts */
        return false;
    if (!rung_jobq_has(queue, model))
        return false;
    if (by_path(queue))
        return rung_heap_get(&queue->paths, model)->key == rung_heap_top(&queue->paths)->key;
    double key = own_key(queue, model);
    if (is_low(queue, model, key))
        key = queue->brackets[queue->roster->models[model].bracket].worst.shared;
    return key == first_by_key(queue).key;
}

void rung_jobq_remove(struct rung_jobq *queue, uint32_t model)
{
    uint32_t id;
    struct rung_fifo *line = line_of(queue, model, &id);
    if (!rung_fifo_remove(line, id) && !take_from_heap(queue, model))
        return;
    queue->count--;
    if (queue->priority == RUNG_PRIORITY_CRITICAL)
        rung_heap_remove(&queue->paths, model);
}
