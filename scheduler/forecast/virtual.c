/* A run on the virtual clock: its options, its instants, its sums. */
#include "forecast/virtual.h"

#include "base/mem.h"
#include "forecast/virtual_parts.h"

#include <math.h>
#include <stdlib.h>

#define TRAINERS_MAX 100000000

void rung_virtual_defaults(struct rung_virtual_options *options)
{
    *options = (struct rung_virtual_options){.priority = RUNG_PRIORITY_SCORE,
                                             .unit = RUNG_UNIT_JOB,
                                             .slow_factor = 1,
                                             .until = INFINITY,
                                             .max_jobs = INT64_MAX};
}

/* ---- options ---- */

static int check_seconds(const struct rung_virtual_options *options, struct rung_err *err)
{
    const struct {
        const char *what;
        double value;
    } amounts[] = {{"seconds until trainers are ready", options->start_seconds},
                   {"seconds around a job", options->overhead_seconds},
                   {"seconds of a state's transfer", options->transfer_seconds},
                   {"how many times as long slow trainers take", options->slow_factor},
                   {"seconds until a lost trainer is replaced", options->restart_seconds}};
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
        if (!isfinite(amounts[i].value) || amounts[i].value < 0)
            return rung_err_set(err, RUNG_EUSE, "%s: expected a number >= 0, found %g", amounts[i].what,
                                amounts[i].value);
    return 0;
}

static int check_options(const struct rung_virtual_options *options, struct rung_err *err)
{
    const struct rung_search_spec *spec = rung_search_spec(options->search);
    bool endless = spec->algorithm == RUNG_ASHA && spec->models == RUNG_UNSET;
    if (options->trainers < 1 || options->trainers > TRAINERS_MAX)
        return rung_err_set(err, RUNG_EUSE, "trainers: expected 1 to %d, found %zu", TRAINERS_MAX,
                            options->trainers);
    if (options->running_count > options->trainers)
        return rung_err_set(err, RUNG_EUSE, "%zu jobs cannot be running on %zu trainers",
                            options->running_count, options->trainers);
    if (!(options->loss_rate >= 0 && options->loss_rate < 1))
        return rung_err_set(err, RUNG_EUSE,
                            "share of attempts that are lost: expected 0 to below 1, found %g",
                            options->loss_rate);
    if (!(options->until >= 0))
        return rung_err_set(err, RUNG_EUSE, "the clock cannot stop at %g s", options->until);
    if (endless && isinf(options->until) && options->max_jobs == INT64_MAX)
        return rung_err_set(err, RUNG_EUSE,
                            "search.models: asha without it has no end: say when the simulation stops");
    return check_seconds(options, err);
}

/* ---- a run ---- */

/* A job that is done in part has as much less ahead. */
static double expect_rest(void *context, uint32_t model, int64_t from, int64_t to)
{
    const struct rung_virtual *sim = context;
    bool present = from < to && rung_search_model(sim->search, model).calls == from;
    if (present && model < sim->models && sim->promises[model].asked)
        from += sim->promises[model].done;
    if (sim->options->expect != NULL)
        return sim->options->expect(sim->options->expect_context, model, from, to);
    return (double)(to - from);
}

static void open_sim(struct rung_virtual *sim)
{
    const struct rung_virtual_options *options = sim->options;
    struct rung_virtual_result *result = sim->result;
    sim->search = options->search;
    sim->queue = rung_jobq_create(sim->search, options->priority);
    sim->holding = options->holders || options->transfer_seconds > 0;
    sim->promising = options->unit == RUNG_UNIT_CALL || options->loss_rate > 0;
    sim->barriers = rung_search_spec(sim->search)->algorithm != RUNG_ASHA;
    sim->best = RUNG_NO_MODEL;
    sim->best_score = NAN;
    rung_heap_init(&sim->agenda);
    rung_rng_init(&sim->losses, options->seed, 0, "losses");
    if (options->unit == RUNG_UNIT_CALL)
        rung_jobq_predict(sim->queue, expect_rest, sim);
    else
        rung_jobq_predict(sim->queue, options->expect, options->expect_context);
    result->bracket_count = rung_search_bracket_count(sim->search);
    result->brackets = rung_mem_zalloc(result->bracket_count, sizeof *result->brackets);
    for (size_t i = 0; i < result->bracket_count; i++) {
        result->brackets[i].bracket = rung_search_bracket(sim->search, i).bracket;
        result->brackets[i].ended = NAN;
    }
}

static void close_sim(struct rung_virtual *sim)
{
    rung_jobq_free(sim->queue);
    rung_decisions_free(&sim->decisions);
    rung_heap_free(&sim->agenda);
    free(sim->trainers);
    free(sim->holders);
    free(sim->promises);
    free(sim->waiting);
    free(sim->due);
}

/* Everything that happens at the next instant. Trainers are freed before results are stepped, so that all of
 * them compete for what becomes ready. */
static int instant(struct rung_virtual *sim, struct rung_err *err)
{
    const struct rung_heap_item *next = rung_heap_top(&sim->agenda);
    double key = next->key;
    size_t count = 0;
    int code = 0;
    rung_virtual_pass(sim, -key);
    while (next != NULL && next->key == key) {
        uint32_t trainer = next->id;
        rung_heap_remove(&sim->agenda, trainer);
        if (rung_virtual_due(sim, trainer)) {
            sim->due = rung_mem_grow(sim->due, count, &sim->due_capacity, sizeof *sim->due);
            sim->due[count++] = trainer;
        }
        next = rung_heap_top(&sim->agenda);
    }
    for (size_t i = 0; i < count && code == 0; i++)
        code = rung_virtual_report(sim, sim->due[i], err);
    return code;
}

/* Something runs, or trainers will come for what is ready. */
static bool goes_on(const struct rung_virtual *sim)
{
    bool jobs = rung_jobq_count(sim->queue) > 0 || rung_virtual_asks(sim);
    if (sim->result->jobs >= sim->options->max_jobs)
        return false;
    return sim->working > 0 || (sim->starting + sim->replacing > 0 && jobs);
}

/* Until nothing runs any more, or it is to stop. */
static int run(struct rung_virtual *sim, struct rung_err *err)
{
    const struct rung_virtual_options *options = sim->options;
    for (;;) {
        int code = rung_virtual_ask(sim, err);
        if (code == 0)
            code = rung_virtual_dispatch(sim, err);
        const struct rung_heap_item *next = rung_heap_top(&sim->agenda);
        if (code != 0 || !goes_on(sim))
            return code;
        if (-next->key > options->until) {
            rung_virtual_pass(sim, options->until);
            return 0;
        }
        code = instant(sim, err);
        if (code != 0)
            return code;
    }
}

static void sum_up(struct rung_virtual *sim)
{
    struct rung_virtual_result *result = sim->result;
    rung_virtual_cut_off(sim);
    result->seconds = sim->now;
    result->models = rung_search_model_count(sim->search);
    result->done = rung_search_done(sim->search);
    result->best = rung_search_best(sim->search);
    result->best_score =
        result->best != RUNG_NO_MODEL ? rung_search_model(sim->search, result->best).score : NAN;
}

int rung_virtual_run(const struct rung_virtual_options *options, struct rung_virtual_result *result,
                     struct rung_err *err)
{
    struct rung_virtual sim = {.options = options, .result = result};
    *result = (struct rung_virtual_result){.best = RUNG_NO_MODEL, .best_score = NAN};
    int code = check_options(options, err);
    if (code != 0)
        return code;
    open_sim(&sim);
    code = rung_virtual_begin(&sim, err);
    if (code == 0)
        code = rung_virtual_open_trainers(&sim, err);
    if (code == 0)
        code = run(&sim, err);
    if (code == 0)
        sum_up(&sim);
    if (code == 0 && !isfinite(result->seconds))
        code = rung_err_set(err, RUNG_EUSE, "the durations add up to more seconds than a number can hold");
    close_sim(&sim);
    return code;
}

void rung_virtual_free(struct rung_virtual_result *result)
{
    free(result->points);
    free(result->brackets);
    *result = (struct rung_virtual_result){.best = RUNG_NO_MODEL, .best_score = NAN};
}
