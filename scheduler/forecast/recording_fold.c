/*
 * What the times of a record say, once the decisions between its results are known.
 *
 * When a job was handed over is not recorded, but follows from what is. A scheduler lets no trainer idle
 * while a job is ready. So a trainer got its job either at the moment it became free (its last result, its
 * own start) or, if that was later, at the moment the search asked for the job, as it then stood idle: had
 * all idle trainers been given other jobs, it would have been among them, and this job would not be its next
 * one. The folding of the events through the search tells when each job was asked for.
 */
#include "forecast/recording_parts.h"

#include "base/mem.h"
#include "core/search.h"

#include <math.h>
#include <stdlib.h>

#define DONE (-2)

struct slot {
    double free;     /* since when it waits for a job; NaN: it has not come yet */
    uint32_t failed; /* model of its attempt that failed just now, else RUNG_NO_MODEL */
    int64_t before;  /* that model's last job before, -1: none; DONE: the attempt has ended the job */
};

struct asked {
    double at;      /* since when its open job is ready */
    double lost;    /* seconds of attempts at it that failed */
    int32_t failed; /* slot of the last of them, -1: none */
    int64_t last;   /* index of the model's last job, -1: none */
};

struct fold {
    struct rung_recording *recording;
    struct rung_search *search;
    struct rung_decisions decisions;
    struct slot *slots;
    struct asked *models;
    size_t model_count, model_capacity;
    const struct rung_recorded_trainer **joins; /* in the order of time */
    size_t joined, attempted;                   /* of them, and of the attempts, are behind */
    double now;
    double *begins; /* per job: when it was handed over, or the earliest it can have been */
};

static int by_joined(const void *a, const void *b)
{
    const struct rung_recorded_trainer *const *x = a, *const *y = b;
    return ((*x)->joined > (*y)->joined) - ((*x)->joined < (*y)->joined);
}

static struct asked *asked_for(struct fold *fold, uint32_t model)
{
    while (fold->model_count <= model) {
        fold->models =
            rung_mem_grow(fold->models, fold->model_count, &fold->model_capacity, sizeof *fold->models);
        fold->models[fold->model_count++] = (struct asked){.at = NAN, .failed = -1, .last = -1};
    }
    return &fold->models[model];
}

static double later(double a, double b)
{
    return isnan(a) || isnan(b) ? (double)NAN : fmax(a, b);
}

/* An attempt ends its trainer's job like a result does, and the job is ready again. */
static void attempt_failed(struct fold *fold, const struct rung_recorded_attempt *attempt)
{
    if (attempt->model >= rung_search_model_count(fold->search))
        return;
    struct asked *asked = asked_for(fold, attempt->model);
    if (attempt->trainer >= 0) {
        struct slot *slot = &fold->slots[attempt->trainer];
        double begin = later(slot->free, asked->at);
        asked->lost += isnan(begin) ? 0 : fmax(0, attempt->elapsed - begin);
        *slot = (struct slot){attempt->elapsed, attempt->model, asked->last};
    }
    asked->at = attempt->elapsed;
    asked->failed = attempt->trainer;
}

/* Replacing a trainer after a failed attempt is part of what that cost, also where the job was done elsewhere
 * in the meantime. */
static void joined(struct fold *fold, const struct rung_recorded_trainer *trainer)
{
    struct slot *slot = &fold->slots[trainer->trainer];
    double seconds = trainer->joined - slot->free;

    if (slot->failed != RUNG_NO_MODEL && seconds > 0) {
        struct asked *asked = asked_for(fold, slot->failed);
        if (asked->last == slot->before)
            asked->lost += seconds;
        else
            fold->recording->jobs[asked->last].lost_seconds += seconds;
    }
    *slot = (struct slot){trainer->joined, RUNG_NO_MODEL, -1};
}

/* What happened beside the events up to now. */
static void pass_to(struct fold *fold, double now)
{
    const struct rung_recording *recording = fold->recording;
    for (;;) {
        double join = fold->joined < recording->trainer_count ? fold->joins[fold->joined]->joined : INFINITY;
        double attempt = fold->attempted < recording->attempt_count
                             ? recording->attempts[fold->attempted].elapsed
                             : INFINITY;
        if (!(join <= now) && !(attempt <= now))
            break;
        if (join <= attempt || !(attempt <= now)) {
            joined(fold, fold->joins[fold->joined++]);
        } else {
            attempt_failed(fold, &recording->attempts[fold->attempted++]);
        }
    }
}

/* Where it may have been kept from a trainer that stood idle, it cannot be said when it was handed over: from
 * one where it had failed, or for want of room for another state. */
static bool held_back(const struct fold *fold, const struct asked *asked, const struct rung_recorded_job *job)
{
    return (asked->failed >= 0 && asked->failed == job->trainer) ||
           (fold->recording->may_hold_back && job->from == 0);
}

static void measure(struct fold *fold, size_t index)
{
    struct rung_recorded_job *job = &fold->recording->jobs[index];
    struct asked *asked = asked_for(fold, job->model);
    double begin = NAN;

    if (job->trainer >= 0) {
        struct slot *slot = &fold->slots[job->trainer];
        begin = later(slot->free, asked->at);
        if (isfinite(begin) && !held_back(fold, asked, job))
            job->seconds = fmax(0, fold->now - begin);
        *slot = (struct slot){fold->now, job->kind == RUNG_EVENT_FAILURE ? job->model : RUNG_NO_MODEL, DONE};
    }
    fold->begins[index] = begin;
    asked->last = (int64_t)index;
    job->lost_seconds = asked->lost;
    if (job->kind == RUNG_EVENT_FAILURE) {
        if (asked->failed < 0) /* the attempt itself was not recorded */
            job->lost_seconds = isnan(job->seconds) ? 0 : job->seconds;
        job->seconds = NAN;
    }
    asked->lost = 0;
    asked->failed = -1;
}

static int fold_job(struct fold *fold, size_t index, struct rung_err *err)
{
    struct rung_recorded_job *job = &fold->recording->jobs[index];
    struct rung_event event = {.kind = job->kind, .model = job->model, .calls = job->to, .score = job->score};
    bool known = job->model < rung_search_model_count(fold->search);

    if (job->elapsed > fold->now)
        fold->now = job->elapsed; /* where it is not known, or goes back: as the one before */
    job->elapsed = fold->now;
    pass_to(fold, fold->now);
    job->from = known ? rung_search_model(fold->search, job->model).calls : 0;
    rung_decisions_clear(&fold->decisions);
    if (rung_search_step(fold->search, &event, &fold->decisions, err) < 0) {
        rung_err_prefix(err, "the record does not lead to itself: event %zu", index + 1);
        return RUNG_EUSE;
    }
    if (rung_recording_of_model(job))
        measure(fold, index);
    for (size_t i = 0; i < fold->decisions.count; i++)
        if (fold->decisions.items[i].kind == RUNG_DECISION_TRAIN)
            asked_for(fold, fold->decisions.items[i].model)->at = fold->now;
    return 0;
}

static int begin_fold(struct fold *fold, struct rung_recording *recording, struct rung_err *err)
{
    struct rung_event start = {.kind = RUNG_EVENT_START};
    bool started = recording->job_count > 0 && recording->jobs[0].kind == RUNG_EVENT_START;
    int code = rung_search_create(&fold->search, &recording->spec, err);

    fold->recording = recording;
    fold->slots = rung_mem_resize(NULL, recording->slots, sizeof *fold->slots);
    for (size_t i = 0; i < recording->slots; i++)
        fold->slots[i] = (struct slot){NAN, RUNG_NO_MODEL, -1};
    fold->begins = rung_mem_resize(NULL, recording->job_count, sizeof *fold->begins);
    fold->joins = rung_mem_resize(NULL, recording->trainer_count, sizeof *fold->joins);
    for (size_t i = 0; i < recording->trainer_count; i++)
        fold->joins[i] = &recording->trainers[i];
    qsort(fold->joins, recording->trainer_count, sizeof *fold->joins, by_joined);
    if (code < 0 || started)
        return code;
    code = rung_search_step(fold->search, &start, &fold->decisions, err);
    for (size_t i = 0; i < fold->decisions.count; i++)
        if (fold->decisions.items[i].kind == RUNG_DECISION_TRAIN)
            asked_for(fold, fold->decisions.items[i].model)->at = 0;
    return code;
}

static void free_fold(struct fold *fold)
{
    rung_search_free(fold->search);
    rung_decisions_free(&fold->decisions);
    free(fold->slots);
    free(fold->models);
    free(fold->joins);
    free(fold->begins);
}

/* ---- what follows ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A trainer that never says how long scoring took has that in the rest of the time. */
static double median_overhead(const struct rung_recording *recording)
{
    double *values = rung_mem_resize(NULL, recording->job_count, sizeof *values);
    size_t count = 0;
    bool scores_timed = false;

    for (size_t i = 0; i < recording->job_count; i++)
        scores_timed = scores_timed || isfinite(recording->jobs[i].score_seconds);
    for (size_t i = 0; i < recording->job_count; i++) {
        const struct rung_recorded_job *job = &recording->jobs[i];
        double rest = job->seconds - job->fit_seconds - (scores_timed ? job->score_seconds : 0);
        if (job->kind == RUNG_EVENT_RESULT && isfinite(rest))
            values[count++] = rest;
    }
    qsort(values, count, sizeof *values, by_value);
    double median = count > 0 ? fmax(0, (values[(count - 1) / 2] + values[count / 2]) / 2) : (double)NAN;
    free(values);
    return median;
}

/* The mean of the first trainers' starts: all that were ready before anything else happened. */
static double mean_start(const struct rung_recording *recording)
{
    double first_result = INFINITY, sum = 0, least = INFINITY;
    size_t count = 0;

    for (size_t i = 0; i < recording->job_count && isinf(first_result); i++)
        if (rung_recording_of_model(&recording->jobs[i]))
            first_result = recording->jobs[i].elapsed;
    for (size_t i = 0; i < recording->trainer_count; i++) {
        double joined = recording->trainers[i].joined;
        least = fmin(least, joined);
        if (joined >= 0 && joined <= first_result) {
            sum += joined;
            count++;
        }
    }
    return count > 0 ? sum / (double)count : isfinite(least) ? fmax(0, least) : (double)NAN;
}

int rung_recording_complete(struct rung_recording *recording, struct rung_err *err)
{
    struct fold fold = {0};
    int code = begin_fold(&fold, recording, err);

    for (size_t i = 0; i < recording->job_count && code == 0; i++)
        code = fold_job(&fold, i, err);
    if (code < 0)
        goto out;
    while (recording->model_count < rung_search_model_count(fold.search))
        rung_recording_next_model(recording,
                                  rung_search_model(fold.search, (uint32_t)recording->model_count).bracket);
    recording->finished = rung_search_done(fold.search);
    recording->elapsed = fmax(recording->elapsed, fold.now);
    rung_recording_index(recording);
    recording->overhead_seconds = median_overhead(recording);
    recording->start_seconds = mean_start(recording);
    recording->end_seconds = recording->finished ? recording->elapsed - fold.now : (double)NAN;
    rung_recording_share(recording, fold.begins);
out:
    free_fold(&fold);
    return code;
}
