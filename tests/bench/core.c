/*
 * How fast the core is on one processor: results a second, each with its decisions, and the same with a job
 * queue that hands out every job.
 */
#include "../core_help.h"

#include "core/jobq.h"

#include <time.h>

#define SECONDS_LEAST 0.5
#define TRAINERS      16

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Jobs that trainers hold, in a ring: results come in the order of handing out. */
struct ring {
    uint32_t *models;
    size_t first, count, capacity;
};

static void ring_put(struct ring *ring, uint32_t model)
{
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity == 0 ? 1024 : 2 * ring->capacity;
        uint32_t *models = malloc(capacity * sizeof *models);
        for (size_t i = 0; i < ring->count; i++)
            models[i] = ring->models[(ring->first + i) % ring->capacity];
        free(ring->models);
        *ring = (struct ring){models, 0, ring->count, capacity};
    }
    ring->models[(ring->first + ring->count++) % ring->capacity] = model;
}

static uint32_t ring_take(struct ring *ring)
{
    uint32_t model = ring->models[ring->first];
    ring->first = (ring->first + 1) % ring->capacity;
    ring->count--;
    return model;
}

static void take_jobs(struct rung_jobq *queue, struct ring *ring, const struct rung_decisions *decisions)
{
    if (queue == NULL) {
        for (size_t i = 0; i < decisions->count; i++)
            if (decisions->items[i].kind == RUNG_DECISION_TRAIN)
                ring_put(ring, decisions->items[i].model);
        return;
    }
    rung_jobq_apply(queue, decisions, TRAINERS);
    while (ring->count < TRAINERS && rung_jobq_count(queue) > 0) {
        ring_put(ring, rung_jobq_peek(queue));
        rung_jobq_remove(queue, ring->models[(ring->first + ring->count - 1) % ring->capacity]);
    }
}

/* A whole search; returns the number of its results. */
static size_t run(const struct rung_search_spec *spec, bool queued, bool tied)
{
    struct rung_search *search = help_search(spec);
    struct rung_jobq *queue = queued ? rung_jobq_create(search, RUNG_PRIORITY_SCORE) : NULL;
    struct rung_decisions decisions = {0};
    struct ring ring = {0};
    struct rung_event event = help_start(), ask = {.kind = RUNG_EVENT_ASK};
    uint64_t random = 1;
    size_t results = 0;
    help_step(search, &event, &decisions);
    take_jobs(queue, &ring, &decisions);
    while (!rung_search_done(search)) {
        while (ring.count < TRAINERS && rung_search_asks(search)) {
            help_step(search, &ask, &decisions);
            take_jobs(queue, &ring, &decisions);
        }
        uint32_t model = ring_take(&ring);
        event = help_answer(search, model, tied ? 0.1 : (double)(help_random(&random) >> 11) * 0x1p-53);
        help_step(search, &event, &decisions);
        take_jobs(queue, &ring, &decisions);
        results++;
    }
    free(ring.models);
    rung_decisions_free(&decisions);
    rung_jobq_free(queue);
    rung_search_free(search);
    return results;
}

static void measure(const char *name, const struct rung_search_spec *spec, bool queued, bool tied)
{
    double started = now(), seconds;
    size_t results = 0;
    do {
        results += run(spec, queued, tied);
        seconds = now() - started;
    } while (seconds < SECONDS_LEAST);
    printf("core: %.0f results/s for %s%s\n", (double)results / seconds, name,
           queued ? ", with its job queue" : "");
}

int main(void)
{
    struct rung_search_spec hyperband = help_spec(6561, 3), small = help_spec(243, 3),
                            large = help_spec(59049, 3);
    struct rung_search_spec patient = help_spec(6561, 3), asha = help_spec(729, 3),
                            random = help_spec(100, 3);
    patient.patience = 2187;
    asha.algorithm = RUNG_ASHA;
    asha.models = 1000000;
    random.algorithm = RUNG_RANDOM;
    random.models = 100000;
    random.patience = 10;
    random.tol = NAN;
    for (int queued = 0; queued < 2; queued++) {
        measure("hyperband (6561,3)", &hyperband, queued, false);
        measure("hyperband (243,3)", &small, queued, false);
        measure("hyperband (59049,3)", &large, queued, false);
        measure("hyperband (6561,3) with patience", &patient, queued, false);
        measure("asha of 1000000 models (729,3)", &asha, queued, false);
        measure("random search of 100000 models in jobs of 10 calls", &random, queued, false);
        measure("the same with one score for all", &random, queued, true);
    }
    return 0;
}
