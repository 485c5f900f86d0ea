/* Drawing futures and summing them up. */
#include "forecast/outlook.h"

#include "base/mem.h"
#include "cost/luck.h"
#include "forecast/outlook_sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One future: whose luck stays what it is however often it is asked. */
struct future {
    const struct rung_outlook_options *options;
    struct rung_time_spread spread;
    uint64_t draw;
};

/* ---- the oracle ---- */

/* Log-normal with mean 1. */
static double factor(double sd, uint64_t key)
{
    return sd > 0 ? exp(sd * rung_luck_normal(key) - 0.5 * sd * sd) : 1;
}

/* Who stands for the model in the knowledge; *itself: it is the model itself. */
static size_t cast(const struct future *future, uint32_t model, bool *itself)
{
    const struct rung_outlook_options *options = future->options;
    size_t stride = options->cast_stride > 0 ? options->cast_stride : 1, place = model / stride;

    *itself = place < options->cast_count && model % stride == 0;
    return options->cast[place < options->cast_count ? place : rung_luck_mix(model) % options->cast_count];
}

static void seconds_of(const struct future *future, size_t known, int64_t calls, size_t busy,
                       struct rung_virtual_outcome *outcome)
{
    const struct rung_timefit *time = future->options->knowledge->time;
    size_t processors = future->options->processors;
    double sharing = (double)(processors > 0 && busy > processors ? processors : busy);

    outcome->fit_seconds = rung_timefit_train(time, known, (double)calls, NAN, sharing).seconds;
    outcome->score_seconds = rung_timefit_score(time, known, sharing).seconds;
    outcome->overhead_seconds = rung_overhead_at(&future->options->knowledge->overhead,
                                                 outcome->fit_seconds + outcome->score_seconds, sharing);
}

/* A model that another one stands for has luck of its own, in time and in score. */
static void draw_job(void *context, const struct rung_virtual_job *job, struct rung_virtual_outcome *outcome)
{
    const struct future *future = context;
    const struct rung_knowledge *knowledge = future->options->knowledge;
    bool itself;
    size_t known = cast(future, job->model, &itself);
    uint64_t model_key = rung_luck_mix(future->draw ^ rung_luck_mix(job->model)),
             job_key = rung_luck_mix(model_key ^ (uint64_t)job->to);
    double own = itself ? rung_timefit_model_spread(knowledge->time, known) : future->spread.model;

    seconds_of(future, known, job->to - job->from, job->busy, outcome);
    outcome->fit_seconds *= factor(own, model_key) * factor(future->spread.job, job_key);
    outcome->score =
        rung_scorefit_draw(knowledge->score, known, (double)job->to, itself ? future->draw : model_key);
}

static double expect_job(void *context, uint32_t model, int64_t from, int64_t to)
{
    struct rung_virtual_outcome outcome = {0};
    bool itself;

    seconds_of(context, cast(context, model, &itself), to - from, 1, &outcome);
    return outcome.fit_seconds + outcome.score_seconds;
}

/* ---- one future ---- */

static int simulate(const struct rung_outlook_options *options, struct future *future, int64_t max_jobs,
                    struct rung_virtual_result *result, struct rung_err *err)
{
    const struct rung_knowledge *knowledge = options->knowledge;
    struct rung_search *search = NULL;
    struct rung_virtual_options with;

    memset(result, 0, sizeof *result);
    if (options->search)
        search = rung_search_clone(options->search);
    else if (rung_search_create(&search, options->spec, err) < 0)
        return err->code;
    rung_virtual_defaults(&with);
    with.search = search;
    with.priority = options->priority;
    with.trainers = options->trainers;
    with.oracle = (struct rung_oracle){future, draw_job};
    with.start_seconds = options->jobs_only ? 0 : rung_knowledge_mean(&knowledge->start, 0);
    with.holders = true;
    with.running = options->running;
    with.running_count = options->running_count;
    with.max_jobs = max_jobs;
    with.expect = expect_job;
    with.expect_context = future;
    int code = rung_virtual_run(&with, result, err);
    rung_search_free(search);
    return code;
}

/* ---- all of them ---- */

struct moments {
    double amount;       /* sum */
    double sum, squares; /* of logarithms */
};

static void count(struct moments *moments, double amount)
{
    double logarithm = log(fmax(amount, 1e-9));

    moments->amount += amount;
    moments->sum += logarithm;
    moments->squares += logarithm * logarithm;
}

/* The mean, and the interval on the logarithm: what the draws spread, and what they are all off by. */
static struct rung_amount summed_up(const struct moments *moments, size_t draws, double common)
{
    double mean = moments->sum / (double)draws;
    double variance = draws > 1 ? fmax(0, (moments->squares - moments->sum * mean) / (double)(draws - 1)) : 0;
    double width = RUNG_OUTLOOK_HALF_WIDTH * sqrt(variance * (1 + 1 / (double)draws) + common * common);

    double middle = moments->amount / (double)draws;
    return (struct rung_amount){middle, fmin(middle, exp(mean - width)), fmax(middle, exp(mean + width))};
}

/* Calls that are planned and not done yet. */
static double calls_ahead(const struct rung_outlook_options *options)
{
    struct rung_plan plan;
    double calls = 0;

    if (options->search) {
        calls = (double)rung_search_plan(options->search)->calls;
        for (uint32_t k = 0; k < rung_search_model_count(options->search); k++)
            calls -= (double)rung_search_model(options->search, k).calls;
        return calls;
    }
    if (rung_plan_make(&plan, options->spec, NULL) == 0)
        calls = (double)plan.calls;
    rung_plan_free(&plan);
    return calls;
}

/* A future that was cut off goes on as it went so far. */
static double stretch(const struct rung_outlook_options *options, const struct rung_virtual_result *result)
{
    return result->done || result->calls <= 0 ? 1 : fmax(1, calls_ahead(options) / (double)result->calls);
}

struct sums {
    struct moments seconds, work, *brackets;
    double busy, wall;
};

static void add_up(struct rung_outlook *out, struct sums *sums, const struct rung_virtual_result *result,
                   double scale, double around)
{
    double work = (result->fit_seconds + result->score_seconds) * scale;
    double wall = result->seconds * scale + around;

    count(&sums->seconds, wall);
    count(&sums->work, work);
    for (size_t i = 0; i < out->bracket_count; i++) {
        count(&sums->brackets[i], result->brackets[i].busy_seconds * scale);
        out->bracket_calls[i] += (double)result->brackets[i].calls * scale;
    }
    sums->busy += work;
    sums->wall += wall;
    out->calls += (double)result->calls * scale;
    out->scores += (double)result->scores * scale;
    out->overhead += result->overhead_seconds * scale;
    out->idle_barrier += result->idle_barrier * scale;
    out->idle_no_work += result->idle_no_work * scale;
    out->states_peak += (double)result->states_peak;
}

static void finish(struct rung_outlook *out, const struct sums *sums,
                   const struct rung_outlook_options *options, double common)
{
    double draws = (double)out->draws;

    out->seconds = summed_up(&sums->seconds, out->draws, common);
    out->trainer_seconds = summed_up(&sums->work, out->draws, common);
    for (size_t i = 0; i < out->bracket_count; i++) {
        out->brackets[i] = summed_up(&sums->brackets[i], out->draws, common);
        out->bracket_calls[i] /= draws;
    }
    out->utilisation = sums->wall > 0 ? sums->busy / ((double)options->trainers * sums->wall) : 0;
    out->calls /= draws;
    out->scores /= draws;
    out->overhead /= draws;
    out->idle_barrier /= draws;
    out->idle_no_work /= draws;
    out->states_peak /= draws;
    out->observations = rung_timefit_observations(options->knowledge->time);
}

static int draw_futures(struct rung_outlook *out, const struct rung_outlook_options *options,
                        struct rung_err *err)
{
    struct future future = {options, rung_timefit_spread(options->knowledge->time), 0};
    double around = options->jobs_only ? 0 : rung_knowledge_mean(&options->knowledge->end, 0);
    int64_t left = options->jobs_max;
    struct sums sums = {0};
    int code = 0;

    while (out->draws < options->draws_max || out->draws == 0) {
        struct rung_virtual_result result;
        future.draw = rung_luck_mix(out->draws + 1);
        code = simulate(options, &future, options->jobs_max, &result, err);
        if (code == 0 && out->draws == 0) {
            out->bracket_count = result.bracket_count;
            out->brackets = rung_mem_zalloc(result.bracket_count + 1, sizeof *out->brackets);
            out->bracket_calls = rung_mem_zalloc(result.bracket_count + 1, sizeof *out->bracket_calls);
            sums.brackets = rung_mem_zalloc(result.bracket_count + 1, sizeof *sums.brackets);
        }
        if (code == 0)
            add_up(out, &sums, &result, stretch(options, &result), around);
        left -= result.jobs + 1;
        int64_t another = result.jobs;
        rung_virtual_free(&result);
        if (code < 0)
            break;
        out->draws++;
        if (left < another)
            break;
    }
    if (code == 0)
        finish(out, &sums, options, future.spread.common);
    free(sums.brackets);
    return code;
}

int rung_outlook_make(struct rung_outlook *out, const struct rung_outlook_options *options,
                      struct rung_err *err)
{
    struct rung_outlook_ahead ahead;
    int code = rung_outlook_look_ahead(&ahead, options, err);

    *out = (struct rung_outlook){0};
    if (code == 0 && ahead.count > (double)options->jobs_max)
        rung_outlook_sum_up(out, options, &ahead);
    else if (code == 0)
        code = draw_futures(out, options, err);
    rung_outlook_ahead_free(&ahead);
    return code;
}

void rung_outlook_free(struct rung_outlook *outlook)
{
    free(outlook->brackets);
    free(outlook->bracket_calls);
    *outlook = (struct rung_outlook){0};
}
