/* Recorded jobs as outcomes. Where the search asks for other stretches of calls than the recorded one did, a
 * job's seconds are those of the recorded stretches in proportion. */
#include "forecast/replayed.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

struct cost {
    double fit, score; /* seconds */
};

struct rung_replayed {
    const struct rung_recording *recording;
    struct rung_replayed_options options;
    struct rung_replayed_counts counts;
    double mean_rate, mean_score; /* seconds per call, per score; 0 where nothing is known */
    double *rates;                /* per model; NaN: not known */
};

/* ---- what a recorded job took ---- */

/* fit: NaN where nothing was recorded. */
static struct cost recorded_cost(const struct rung_replayed *replayed, const struct rung_recorded_job *job)
{
    const struct rung_replayed_options *options = &replayed->options;
    struct cost cost = {job->fit_seconds, isfinite(job->score_seconds) ? job->score_seconds : 0};
    double inside = job->seconds - options->overhead_seconds;

    cost.fit = fmax(0, cost.fit); /* of a NaN and 0: 0 */
    cost.score = fmax(0, cost.score);
    if (options->whole && isfinite(inside)) {
        cost.score = fmin(cost.score, fmax(0, inside));
        cost.fit = fmax(0, inside) - cost.score;
    } else if (!isfinite(job->fit_seconds)) {
        cost.fit = NAN;
    }
    if (options->losses)
        cost.fit += job->lost_seconds;
    return cost;
}

static void learn_rates(struct rung_replayed *replayed)
{
    const struct rung_recording *recording = replayed->recording;
    double seconds = 0, calls = 0, score_seconds = 0, scores = 0;

    for (size_t k = 0; k < recording->model_count; k++) {
        double own_seconds = 0, own_calls = 0;
        for (int64_t i = recording->models[k].first; i >= 0; i = recording->jobs[i].next) {
            const struct rung_recorded_job *job = &recording->jobs[i];
            struct cost cost = recorded_cost(replayed, job);
            if (job->kind != RUNG_EVENT_RESULT || isnan(cost.fit))
                continue;
            own_seconds += cost.fit;
            own_calls += (double)(job->to - job->from);
            score_seconds += cost.score;
            scores++;
        }
        replayed->rates[k] = own_calls > 0 ? own_seconds / own_calls : (double)NAN;
        seconds += own_seconds;
        calls += own_calls;
    }
    replayed->mean_rate = calls > 0 ? seconds / calls : 0;
    replayed->mean_score = scores > 0 ? score_seconds / scores : 0;
}

struct rung_replayed *rung_replayed_create(const struct rung_recording *recording,
                                           const struct rung_replayed_options *options)
{
    struct rung_replayed *replayed = rung_mem_zalloc(1, sizeof *replayed);

    replayed->recording = recording;
    replayed->options = *options;
    replayed->rates = rung_mem_zalloc(recording->model_count, sizeof *replayed->rates);
    learn_rates(replayed);
    return replayed;
}

void rung_replayed_free(struct rung_replayed *replayed)
{
    if (!replayed)
        return;
    free(replayed->rates);
    free(replayed);
}

static double rate_of(const struct rung_replayed *replayed, uint32_t model)
{
    bool known = model < replayed->recording->model_count && isfinite(replayed->rates[model]);
    return known ? replayed->rates[model] : replayed->mean_rate;
}

/* ---- where a stretch of calls lies in the record ---- */

/* The model's first job, in by_model, that went beyond so many calls; or one behind its last. */
static size_t beyond(const struct rung_recording *recording, uint32_t model, int64_t calls)
{
    size_t low = recording->model_jobs[model], high = recording->model_jobs[model + 1];

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (recording->jobs[recording->by_model[middle]].to <= calls)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The result that the model reported last at or before so many calls, or NULL. */
static const struct rung_recorded_job *last_score(const struct rung_recording *recording, uint32_t model,
                                                  int64_t calls)
{
    for (size_t i = beyond(recording, model, calls); i-- > recording->model_jobs[model];)
        if (recording->jobs[recording->by_model[i]].kind == RUNG_EVENT_RESULT)
            return &recording->jobs[recording->by_model[i]];
    return NULL;
}

/* The failure that ended the model between these calls, or NULL. */
static const struct rung_recorded_job *failure_between(const struct rung_recording *recording, uint32_t model,
                                                       int64_t from, int64_t to)
{
    size_t end = recording->model_jobs[model + 1];
    const struct rung_recorded_job *last =
        end > recording->model_jobs[model] ? &recording->jobs[recording->by_model[end - 1]] : NULL;

    return last && last->kind == RUNG_EVENT_FAILURE && last->from >= from && last->from < to ? last : NULL;
}

/* Seconds of training from `from` to `to`: what is recorded of that, the rest at the model's rate. */
static double fit_between(struct rung_replayed *replayed, uint32_t model, int64_t from, int64_t to)
{
    const struct rung_recording *recording = replayed->recording;
    double seconds = 0, rate = rate_of(replayed, model);
    int64_t reached = from;
    bool timed = true;

    for (size_t i = beyond(recording, model, from); i < recording->model_jobs[model + 1] && reached < to;
         i++) {
        const struct rung_recorded_job *job = &recording->jobs[recording->by_model[i]];
        if (job->kind != RUNG_EVENT_RESULT)
            continue;
        int64_t end = job->to < to ? job->to : to;
        double cost = recorded_cost(replayed, job).fit;
        timed = timed && isfinite(cost);
        seconds += (isfinite(cost) ? cost / (double)(job->to - job->from) : rate) * (double)(end - reached);
        reached = end;
    }
    replayed->counts.untimed += timed ? 0 : 1;
    return seconds + rate * (double)(to - reached);
}

/* ---- outcomes ---- */

static void time_job(struct rung_replayed *replayed, const struct rung_virtual_job *job, int64_t to,
                     const struct rung_recorded_job *scored, struct rung_virtual_outcome *outcome)
{
    const struct rung_replayed_options *options = &replayed->options;

    outcome->fit_seconds = isfinite(options->fit_seconds) ? options->fit_seconds * (double)(to - job->from)
                                                          : fit_between(replayed, job->model, job->from, to);
    if (isfinite(options->score_seconds))
        outcome->score_seconds = options->score_seconds;
    else
        outcome->score_seconds = scored ? recorded_cost(replayed, scored).score : replayed->mean_score;
}

/* Seconds of a failure's attempts, of which the clock adds the first one's overhead. */
static double failing_seconds(const struct rung_replayed *replayed, const struct rung_recorded_job *failure)
{
    return fmax(0,
                failure->lost_seconds - (replayed->options.whole ? replayed->options.overhead_seconds : 0));
}

/* With fixed durations its calls take theirs, and there is no score. */
static void fail(struct rung_replayed *replayed, const struct rung_virtual_job *job,
                 const struct rung_recorded_job *failure, struct rung_virtual_outcome *outcome)
{
    bool fixed = isfinite(replayed->options.fit_seconds);

    time_job(replayed, job, fixed ? job->to : failure->from, NULL, outcome);
    outcome->score_seconds = 0;
    outcome->fit_seconds += fixed ? 0 : failing_seconds(replayed, failure);
    outcome->fails = true;
}

static void look_up(void *context, const struct rung_virtual_job *job, struct rung_virtual_outcome *outcome)
{
    struct rung_replayed *replayed = context;
    const struct rung_recording *recording = replayed->recording;

    if (job->model >= recording->model_count) {
        outcome->unknown = true;
        return;
    }
    const struct rung_recorded_job *failure = failure_between(recording, job->model, job->from, job->to);
    const struct rung_recorded_job *scored = last_score(recording, job->model, job->to);
    if (failure) {
        fail(replayed, job, failure, outcome);
        return;
    }
    bool known = scored && scored->to == job->to;
    if (!known && !(scored && replayed->options.last)) {
        outcome->unknown = true;
        return;
    }
    time_job(replayed, job, job->to, known ? scored : NULL, outcome);
    outcome->score = scored->score;
    replayed->counts.guessed += known ? 0 : 1;
}

struct rung_oracle rung_replayed_oracle(struct rung_replayed *replayed)
{
    return (struct rung_oracle){.context = replayed, .job = look_up};
}

double rung_replayed_expect(void *context, uint32_t model, int64_t from, int64_t to)
{
    const struct rung_replayed *replayed = context;
    const struct rung_replayed_options *options = &replayed->options;
    double rate = isfinite(options->fit_seconds) ? options->fit_seconds : rate_of(replayed, model);
    double score = isfinite(options->score_seconds) ? options->score_seconds : replayed->mean_score;

    return rate * (double)(to - from) + score + options->overhead_seconds;
}

struct rung_replayed_counts rung_replayed_take_counts(struct rung_replayed *replayed)
{
    struct rung_replayed_counts counts = replayed->counts;

    replayed->counts = (struct rung_replayed_counts){0};
    return counts;
}
