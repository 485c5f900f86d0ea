/*
 * The queue of ready jobs.
 *
 * With `score`, the P worst of a bracket share their median, so that a barrier does not wait for models that
 * were postponed until last (Sievert, Augspurger, Rocklin: Better and faster hyperparameter optimization with
 * Dask, SciPy 2019, and the branch of Dask-ML behind it). Alive here is who has a place in the bracket:
 * training, paused, or plateaued and not at the bracket's end.
 *
 * A decision point costs O(P log P) and what changed in its bracket since the last one, whatever the
 * bracket's size: each bracket keeps a heap of its scored models, worst first, whose front is walked.
 */
#include "core/jobq.h"

#include "base/heap.h"
#include "base/mem.h"
#include "core/roster.h"

#include <math.h>
#include <stdlib.h>

struct rung_jobq_job {
    uint64_t order; /* of becoming ready */
    bool low;       /* shares its bracket's median */
};

struct rung_jobq_bracket {
    struct rung_heap scored; /* alive, finite score: key -score; ids count from the bracket's first model */
    uint64_t cursor;         /* in its journal of changes */
    uint32_t *low, *was_low;
    size_t low_count, low_capacity, was_count, was_capacity;
    double shared;
    bool pending; /* has a decision point in the decisions being applied */
};

struct rung_jobq {
    const struct rung_roster *roster;
    enum rung_priority priority;
    struct rung_heap ready;
    uint64_t next_order;
    struct rung_jobq_job *jobs;
    size_t job_count; /* models that jobs has room for */
    struct rung_jobq_bracket *brackets;
    size_t bracket_count;
    struct rung_heap front; /* of a scored heap: ids are indices in its items */
};

struct rung_jobq *rung_jobq_create(const struct rung_search *search, enum rung_priority priority)
{
    struct rung_jobq *queue = rung_mem_zalloc(1, sizeof *queue);
    queue->roster = rung_search_roster(search);
    queue->priority = priority;
    rung_heap_init(&queue->ready);
    rung_heap_init(&queue->front);
    queue->bracket_count = queue->roster->bracket_count;
    queue->brackets = rung_mem_zalloc(queue->bracket_count, sizeof *queue->brackets);
    return queue;
}

void rung_jobq_free(struct rung_jobq *queue)
{
    if (queue == NULL)
        return;
    for (size_t i = 0; i < queue->bracket_count; i++) {
        rung_heap_free(&queue->brackets[i].scored);
        free(queue->brackets[i].low);
        free(queue->brackets[i].was_low);
    }
    rung_heap_free(&queue->ready);
    rung_heap_free(&queue->front);
    free(queue->brackets);
    free(queue->jobs);
    free(queue);
}

static void make_room(struct rung_jobq *queue)
{
    size_t models = queue->roster->model_count;
    if (models <= queue->job_count)
        return;
    size_t wanted = models > queue->job_count * 2 ? models : queue->job_count * 2;
    queue->jobs = rung_mem_resize(queue->jobs, wanted, sizeof *queue->jobs);
    for (size_t i = queue->job_count; i < wanted; i++)
        queue->jobs[i] = (struct rung_jobq_job){0};
    queue->job_count = wanted;
}

static void follow_model(struct rung_jobq *queue, struct rung_jobq_bracket *bracket, uint32_t first,
                         uint32_t model)
{
    const struct rung_model *m = &queue->roster->models[model];
    bool alive = !m->ended && (m->status == RUNG_MODEL_TRAINING || m->status == RUNG_MODEL_PAUSED ||
                               m->status == RUNG_MODEL_PLATEAUED);
    double score = rung_roster_oriented(queue->roster, m->score);
    if (alive && isfinite(score))
        rung_heap_put(&bracket->scored, model - first, -score, model);
    else
        rung_heap_remove(&bracket->scored, model - first);
}

/* Brings the bracket's heap up to date. */
static void follow(struct rung_jobq *queue, size_t index)
{
    const struct rung_bracket *source = &queue->roster->brackets[index];
    struct rung_jobq_bracket *bracket = &queue->brackets[index];
    struct rung_changes changes = rung_roster_changes(queue->roster, index, &bracket->cursor);
    uint32_t first = (uint32_t)source->plan->first_model;
    for (size_t i = 0; i < changes.count; i++)
        follow_model(queue, bracket, first, changes.models[i]);
    if (!changes.all)
        return;
    size_t count = source->alive != NULL ? (size_t)source->plan->rungs[0].models : queue->roster->model_count;
    rung_heap_clear(&bracket->scored);
    for (size_t i = 0; i < count; i++)
        follow_model(queue, bracket, first, first + (uint32_t)i);
}

static double score_at(const struct rung_jobq_bracket *bracket, size_t index)
{
    return -bracket->scored.items[index].key;
}

static void reach(struct rung_jobq *queue, const struct rung_jobq_bracket *bracket, size_t index)
{
    if (index < bracket->scored.count)
        rung_heap_put(&queue->front, (uint32_t)index, bracket->scored.items[index].key, index);
}

/*
 * Walks the worst scores upwards into low and sets shared. Ties at the threshold belong to low, but once they
 * outnumber what is below them the median is their own score, and the rest of them need not be visited: they
 * have that priority anyway.
 */
static void find_low(struct rung_jobq *queue, struct rung_jobq_bracket *bracket, uint32_t first,
                     size_t trainers)
{
    double threshold = INFINITY, previous = NAN, middle = NAN, below_middle = NAN;
    size_t tied = 0;
    rung_heap_clear(&queue->front);
    reach(queue, bracket, 0);
    while (queue->front.count > 0) {
        size_t index = rung_heap_top(&queue->front)->id, count = bracket->low_count;
        double score = score_at(bracket, index);
        if (score > threshold || (count >= trainers && 2 * tied > count))
            break;
        rung_heap_remove(&queue->front, (uint32_t)index);
        reach(queue, bracket, 2 * index + 1);
        reach(queue, bracket, 2 * index + 2);
        tied = score == previous ? tied + 1 : 1;
        previous = score;
        if (count + 1 == trainers)
            threshold = score;
        bracket->low = rung_mem_grow(bracket->low, count, &bracket->low_capacity, sizeof *bracket->low);
        bracket->low[bracket->low_count++] = first + bracket->scored.items[index].id;
    }
    if (bracket->low_count == 0)
        return;
    middle = rung_roster_ranked(queue->roster, bracket->low[bracket->low_count / 2]).score;
    below_middle = rung_roster_ranked(queue->roster, bracket->low[(bracket->low_count - 1) / 2]).score;
    bracket->shared = middle == below_middle ? middle : 0.5 * middle + 0.5 * below_middle;
}

static double priority_of(const struct rung_jobq *queue, uint32_t model)
{
    if (queue->priority == RUNG_PRIORITY_FIFO)
        return 0;
    const struct rung_model *m = &queue->roster->models[model];
    if (queue->jobs[model].low)
        return queue->brackets[m->bracket].shared;
    double score = rung_roster_oriented(queue->roster, m->score);
    return isfinite(score) ? score : -INFINITY;
}

static void update_ready(struct rung_jobq *queue, const uint32_t *models, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rung_heap_has(&queue->ready, models[i]))
            rung_heap_put(&queue->ready, models[i], priority_of(queue, models[i]),
                          queue->jobs[models[i]].order);
}

static void new_priorities(struct rung_jobq *queue, size_t index, size_t trainers)
{
    struct rung_jobq_bracket *bracket = &queue->brackets[index];
    uint32_t *spare = bracket->was_low;
    size_t spare_capacity = bracket->was_capacity;
    bracket->was_low = bracket->low;
    bracket->was_count = bracket->low_count;
    bracket->was_capacity = bracket->low_capacity;
    bracket->low = spare;
    bracket->low_count = 0;
    bracket->low_capacity = spare_capacity;

    follow(queue, index);
    find_low(queue, bracket, (uint32_t)queue->roster->brackets[index].plan->first_model, trainers);
    for (size_t i = 0; i < bracket->was_count; i++)
        queue->jobs[bracket->was_low[i]].low = false;
    for (size_t i = 0; i < bracket->low_count; i++)
        queue->jobs[bracket->low[i]].low = true;
    update_ready(queue, bracket->was_low, bracket->was_count);
    update_ready(queue, bracket->low, bracket->low_count);
}

/* A rung that sends nobody to train changes the priority of no job: only TRAINs are looked for. */
static void apply_priorities(struct rung_jobq *queue, const struct rung_decisions *decisions, size_t trainers)
{
    for (size_t i = 0; i < decisions->count; i++) {
        const struct rung_decision *decision = &decisions->items[i];
        if (decision->kind == RUNG_DECISION_TRAIN)
            queue->brackets[queue->roster->models[decision->model].bracket].pending = true;
    }
    for (size_t i = 0; i < queue->bracket_count; i++) {
        if (queue->brackets[i].pending)
            new_priorities(queue, i, trainers);
        queue->brackets[i].pending = false;
    }
}

void rung_jobq_apply(struct rung_jobq *queue, const struct rung_decisions *decisions, size_t trainers)
{
    if (decisions->count == 0)
        return;
    make_room(queue);
    if (queue->priority == RUNG_PRIORITY_SCORE)
        apply_priorities(queue, decisions, trainers > 0 ? trainers : 1);
    for (size_t i = 0; i < decisions->count; i++) {
        const struct rung_decision *decision = &decisions->items[i];
        if (decision->kind != RUNG_DECISION_TRAIN)
            continue;
        queue->jobs[decision->model].order = queue->next_order++;
        rung_jobq_return(queue, decision->model);
    }
}

void rung_jobq_return(struct rung_jobq *queue, uint32_t model)
{
    rung_heap_put(&queue->ready, model, priority_of(queue, model), queue->jobs[model].order);
}

size_t rung_jobq_count(const struct rung_jobq *queue)
{
    return queue->ready.count;
}

bool rung_jobq_has(const struct rung_jobq *queue, uint32_t model)
{
    return rung_heap_has(&queue->ready, model);
}

uint32_t rung_jobq_peek(const struct rung_jobq *queue)
{
    const struct rung_heap_item *top = rung_heap_top(&queue->ready);
    return top != NULL ? top->id : RUNG_NO_MODEL;
}

bool rung_jobq_ties_next(const struct rung_jobq *queue, uint32_t model)
{
    const struct rung_heap_item *item = rung_heap_get(&queue->ready, model),
                                *top = rung_heap_top(&queue->ready);
    if (queue->priority == RUNG_PRIORITY_FIFO) /* all keys are equal, and the order is all that counts */
        return false;
    return item != NULL && item->key == top->key;
}

void rung_jobq_remove(struct rung_jobq *queue, uint32_t model)
{
    rung_heap_remove(&queue->ready, model);
}
