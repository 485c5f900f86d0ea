/*
 * Searches on a virtual clock: one second per call, one and a half per score, N workers. Checks the totals
 * and durations that docs/algorithms.md quotes, and at every hand-out that the job queue picks what a plain
 * recomputation of all priorities picks.
 *
 * Units of work: a job (calls and their score, as rung hands them out), or each call and each score by
 * itself, queued again behind the others (as Dask does).
 */
#include "../priority_oracle.h"

#include "base/heap.h"
#include "base/mem.h"
#include "core/jobq.h"

#define EVERYBODY   100000 /* workers: more than there are models */
#define NEARLY_BEST 0.95   /* of the final best score */

enum unit { UNIT_JOB, UNIT_CALL };

struct task {
    uint32_t model;
    uint64_t order;
    double ends;
};

struct clock {
    struct rung_search *search;
    struct rung_jobq *queue;
    enum unit unit;
    enum rung_priority priority;
    size_t workers, busy;
    double now;
    struct rung_heap ready; /* by the recomputed priority */
    struct task *running;   /* in no order */
    double *priorities;
    int64_t *done, *target; /* calls of each model in its present job; done > target while it is scored */
    uint64_t next_order;
    int64_t fits, scores;
    double *best_at, *best; /* when the best score so far rose, and to what */
    size_t best_count;
};

static int failures;

static void expect(const char *what, double got, double wanted)
{
    if (got == wanted)
        return;
    printf("%s: %.17g instead of %.17g\n", what, got, wanted);
    failures++;
}

/* Model j of bracket b after c calls. */
static double synthetic_score(const struct rung_search *search, uint32_t model, int64_t calls)
{
    struct rung_model_view view = rung_search_model(search, model);
    int64_t first = rung_search_bracket(search, view.bracket_index).plan->first_model;
    double q = (double)((int64_t)model - first + 1) * 0.6180339887498949 + 0.37 * (double)view.bracket;
    return (q - floor(q)) * (1 - 1 / sqrt(1 + (double)calls));
}

static void enqueue(struct clock *clock, uint32_t model)
{
    double key = clock->priority == RUNG_PRIORITY_FIFO ? 0 : clock->priorities[model];
    rung_heap_put(&clock->ready, model, key, clock->next_order++);
}

static void take(struct clock *clock, const struct rung_event *event)
{
    struct rung_decisions decisions = {0};
    help_step(clock->search, event, &decisions);
    rung_jobq_apply(clock->queue, &decisions, clock->workers);
    for (size_t i = 0; i < decisions.count; i++)
        if (decisions.items[i].kind == RUNG_DECISION_TRAIN)
            oracle_priorities(clock->search,
                              rung_search_model(clock->search, decisions.items[i].model).bracket_index,
                              clock->workers, clock->priorities);
    for (size_t i = 0; i < decisions.count; i++) {
        const struct rung_decision *decision = &decisions.items[i];
        if (decision->kind != RUNG_DECISION_TRAIN)
            continue;
        clock->done[decision->model] = decision->from;
        clock->target[decision->model] = decision->to;
        enqueue(clock, decision->model);
    }
    rung_decisions_free(&decisions);
}

static void dispatch(struct clock *clock)
{
    while (clock->busy < clock->workers && rung_heap_top(&clock->ready) != NULL) {
        struct rung_heap_item item = *rung_heap_top(&clock->ready);
        int64_t *done = &clock->done[item.id], target = clock->target[item.id];
        double duration = *done < target ? 1 : 1.5;
        rung_heap_remove(&clock->ready, item.id);
        if (clock->unit == UNIT_JOB) {
            expect("model that the queue hands out", rung_jobq_peek(clock->queue), item.id);
            rung_jobq_remove(clock->queue, item.id);
            duration = (double)(target - *done) + 1.5;
            clock->fits += target - *done;
            *done = target;
        } else {
            clock->fits += *done < target;
        }
        clock->running[clock->busy++] = (struct task){item.id, item.order, clock->now + duration};
        *done += 1;
    }
}

static void complete(struct clock *clock, uint32_t model)
{
    if (clock->done[model] <= clock->target[model]) { /* a call of a chain */
        enqueue(clock, model);
        return;
    }
    double score = synthetic_score(clock->search, model, clock->target[model]);
    struct rung_event event = help_result(model, clock->target[model], score);
    clock->scores++;
    if (clock->best_count == 0 || score > clock->best[clock->best_count - 1]) {
        clock->best_at[clock->best_count] = clock->now;
        clock->best[clock->best_count++] = score;
    }
    take(clock, &event);
}

static int by_end(const void *a, const void *b)
{
    const struct task *x = a, *y = b;
    if (x->ends != y->ends)
        return x->ends < y->ends ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* Frees all workers whose tasks end next, then handles those tasks in order of queueing. */
static void advance(struct clock *clock)
{
    struct task *ended = rung_mem_zalloc(clock->busy, sizeof *ended);
    size_t count = 0;
    qsort(clock->running, clock->busy, sizeof *clock->running, by_end);
    clock->now = clock->running[0].ends;
    while (count < clock->busy && clock->running[count].ends == clock->now)
        count++;
    memcpy(ended, clock->running, count * sizeof *ended);
    clock->busy -= count;
    memmove(clock->running, clock->running + count, clock->busy * sizeof *ended);
    for (size_t i = 0; i < count; i++)
        complete(clock, ended[i].model);
    free(ended);
}

struct outcome {
    double ends, reaches; /* seconds: all of it, and NEARLY_BEST of the best score */
    int64_t fits, scores;
    uint32_t best;
};

static struct outcome run(const struct rung_search_spec *spec, enum unit unit, enum rung_priority priority,
                          size_t workers)
{
    struct clock clock = {
        .search = help_search(spec), .unit = unit, .priority = priority, .workers = workers};
    size_t models = (size_t)rung_search_plan(clock.search)->models;
    clock.queue = rung_jobq_create(clock.search, priority);
    clock.priorities = rung_mem_zalloc(models, sizeof *clock.priorities);
    clock.done = rung_mem_zalloc(models, sizeof *clock.done);
    clock.target = rung_mem_zalloc(models, sizeof *clock.target);
    clock.running = rung_mem_zalloc(models, sizeof *clock.running);
    clock.best_at = rung_mem_zalloc(10 * models, sizeof *clock.best_at);
    clock.best = rung_mem_zalloc(10 * models, sizeof *clock.best);

    struct rung_event event = help_start();
    take(&clock, &event);
    for (dispatch(&clock); clock.busy > 0; dispatch(&clock))
        advance(&clock);
    expect("the search is done", rung_search_done(clock.search), true);

    struct outcome outcome = {.ends = clock.now,
                              .fits = clock.fits,
                              .scores = clock.scores,
                              .best = rung_search_best(clock.search)};
    for (size_t i = clock.best_count; i-- > 0;)
        if (clock.best[i] >= NEARLY_BEST * clock.best[clock.best_count - 1])
            outcome.reaches = clock.best_at[i];
    rung_jobq_free(clock.queue);
    rung_search_free(clock.search);
    rung_heap_free(&clock.ready);
    free(clock.priorities);
    free(clock.done);
    free(clock.target);
    free(clock.running);
    free(clock.best_at);
    free(clock.best);
    return outcome;
}

enum subject { DASK_243, EXACT_243, EXACT_81 };

static struct rung_search_spec spec_of(enum subject subject)
{
    struct rung_search_spec spec = help_spec(subject == EXACT_81 ? 81 : 243, 3);
    if (subject == DASK_243) {
        spec.variant = RUNG_VARIANT_DASK;
        spec.patience = 81;
        spec.tol = NAN;
    }
    return spec;
}

/* One line of a table of durations. */
struct line {
    const char *name;
    enum subject subject;
    enum unit unit;
    enum rung_priority priority;
    int64_t fits, scores;
    size_t count;
    size_t workers[10];
    double ends[10];
    double reaches[10]; /* 0: not stated */
};

static const struct line LINES[] = {
    {"dask (243,3), unit call, fifo",
     DASK_243,
     UNIT_CALL,
     RUNG_PRIORITY_FIFO,
     4743,
     364,
     10,
     {1, 2, 4, 8, 16, 20, 24, 32, 64, EVERYBODY},
     {5289, 2644.5, 1324, 662.5, 394, 349, 318.5, 294.5, 263, 253.5},
     {0}},
    {"dask (243,3), unit call, score",
     DASK_243,
     UNIT_CALL,
     RUNG_PRIORITY_SCORE,
     4743,
     364,
     10,
     {1, 2, 4, 8, 16, 20, 24, 32, 64, EVERYBODY},
     {5289, 2646, 1324, 704, 436.5, 372, 344.5, 307, 264.5, 253.5},
     {0}},
    {"dask (243,3), unit job, fifo",
     DASK_243,
     UNIT_JOB,
     RUNG_PRIORITY_FIFO,
     4743,
     364,
     10,
     {1, 2, 4, 8, 16, 20, 24, 32, 64, EVERYBODY},
     {5289, 2677.5, 1414, 760.5, 445, 390, 366, 320.5, 265.5, 253.5},
     {0}},
    {"dask (243,3), unit job, score",
     DASK_243,
     UNIT_JOB,
     RUNG_PRIORITY_SCORE,
     4743,
     364,
     4,
     {8, 16, 24, 32},
     {711, 459, 335, 314},
     {0}},
    {"exact (243,3), unit call, fifo",
     EXACT_243,
     UNIT_CALL,
     RUNG_PRIORITY_FIFO,
     6831,
     611,
     8,
     {1, 2, 4, 8, 16, 24, 32, EVERYBODY},
     {7747.5, 3874, 1938, 971, 508, 393.5, 339, 252},
     {0}},
    {"exact (81,3), unit call, fifo",
     EXACT_81,
     UNIT_CALL,
     RUNG_PRIORITY_FIFO,
     1581,
     206,
     6,
     {1, 2, 4, 8, 16, EVERYBODY},
     {1890, 945, 474, 238.5, 141, 88.5},
     {1881, 941, 471, 235.5, 138, 84}},
    {"exact (81,3), unit call, score",
     EXACT_81,
     UNIT_CALL,
     RUNG_PRIORITY_SCORE,
     1581,
     206,
     6,
     {1, 2, 4, 8, 16, EVERYBODY},
     {1890, 945.5, 473.5, 241, 143, 88.5},
     {540.5, 300, 183.5, 130.5, 107, 84}},
};

/* Returns the best model, which no number of workers changes. */
static uint32_t check_line(const struct line *line)
{
    uint32_t best = 0;
    int before = failures;
    struct rung_search_spec spec = spec_of(line->subject);
    for (size_t i = 0; i < line->count; i++) {
        char what[128];
        struct outcome outcome = run(&spec, line->unit, line->priority, line->workers[i]);
        snprintf(what, sizeof what, "%s, %zu workers", line->name, line->workers[i]);
        expect(what, outcome.ends, line->ends[i]);
        expect(what, (double)outcome.fits, (double)line->fits);
        expect(what, (double)outcome.scores, (double)line->scores);
        if (line->reaches[i] != 0)
            expect(what, outcome.reaches, line->reaches[i]);
        if (i > 0)
            expect("best model for another number of workers", outcome.best, best);
        best = outcome.best;
    }
    printf("%s %s\n", failures == before ? "ok" : "not ok", line->name);
    return best;
}

int main(void)
{
    uint32_t best = 0;
    for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
        uint32_t previous = best;
        best = check_line(&LINES[i]);
        if (i > 0 && LINES[i].subject == LINES[i - 1].subject)
            expect("best model for another unit of work or priority", best, previous);
    }
    printf("%s the best model depends on neither workers, unit nor priority\n",
           failures == 0 ? "ok" : "not ok");
    return failures != 0;
}
