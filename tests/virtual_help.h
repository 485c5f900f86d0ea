/*
 * What tests of the virtual clock share: searches with synthetic scores, run to their end.
 */
#ifndef TESTS_VIRTUAL_HELP_H
#define TESTS_VIRTUAL_HELP_H

#include "core_help.h"

#include "forecast/synthetic.h"
#include "forecast/virtual.h"

/* Options of a fresh search; one second per call, one and a half per score. */
struct help_virtual {
    struct rung_search *search;
    struct rung_synthetic synthetic;
    struct rung_virtual_options options;
    struct rung_virtual_result result;
};

static inline void help_virtual_open(struct help_virtual *help, const struct rung_search_spec *spec,
                                     size_t trainers)
{
    *help = (struct help_virtual){.search = help_search(spec)};
    help->synthetic = (struct rung_synthetic){.plan = rung_search_plan(help->search),
                                              .maximize = spec->maximize,
                                              .fit_seconds = 1,
                                              .score_seconds = 1.5};
    rung_virtual_defaults(&help->options);
    help->options.search = help->search;
    help->options.priority = spec->priority;
    help->options.trainers = trainers;
    help->options.oracle = rung_synthetic_oracle(&help->synthetic);
}

static inline void help_virtual_run(struct help_virtual *help)
{
    struct rung_err err = {0};
    if (rung_virtual_run(&help->options, &help->result, &err) != 0)
        help_fail("simulation", &err);
}

static inline void help_virtual_close(struct help_virtual *help)
{
    rung_virtual_free(&help->result);
    rung_search_free(help->search);
}

/* Of all trainers: what they did, and what they did not. */
static inline double help_virtual_seconds(const struct rung_virtual_result *result)
{
    return result->fit_seconds + result->score_seconds + result->overhead_seconds + result->transfer_seconds +
           result->lost_seconds + result->idle_barrier + result->idle_no_work + result->idle_start;
}

static inline uint64_t help_virtual_hash(uint64_t a, uint64_t b)
{
    uint64_t state = a * 1000003 + b;
    return help_random(&state);
}

/* On top of another oracle, the context: a model's own pace; some scores are none, and some jobs fail for
 * good. */
static inline void help_virtual_rough(void *context, const struct rung_virtual_job *job,
                                      struct rung_virtual_outcome *outcome)
{
    const struct rung_oracle *known = context;
    uint64_t luck = help_virtual_hash(job->model, (uint64_t)job->to) % 40;
    known->job(known->context, job, outcome);
    outcome->fit_seconds *= 0.5 + (double)(help_virtual_hash(job->model, 0) % 1000) / 1000;
    outcome->score_seconds *= 0.5 + (double)(help_virtual_hash(job->model, 1) % 1000) / 1000;
    if (luck == 0)
        outcome->score = NAN;
    outcome->fails = luck == 1;
}

#endif
