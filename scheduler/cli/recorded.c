/*
 * Rows of a search into a recording.
 *
 * Trainers and failed attempts carry the time of day, results also the running time of the search; the
 * difference of both is one number within a start of the search, which the results tell for the others.
 */
#include "cli/recorded.h"

#include "base/mem.h"
#include "store/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DOWNTIME 0.02 /* seconds; less between two events is the clock's doing, not a new start */

/* One start: the time of day of its first and last event, and what to take from each for running time; a
 * clock that is being corrected drifts from one to the other. */
struct part {
    double first, last, first_offset, last_offset;
};

struct loading {
    struct rung_recording *recording;
    struct rung_err *err;
    int code;
    struct rung_history_trainer *trainers; /* host owned */
    size_t trainer_count, trainer_capacity;
    struct rung_history_failure *failures;
    size_t failure_count, failure_capacity;
    struct part *parts;
    size_t part_count, part_capacity;
};

static double real(int64_t value)
{
    return value == RUNG_NO_VALUE ? (double)NAN : (double)value;
}

static int32_t slot(int64_t trainer)
{
    return trainer < 0 || trainer > INT32_MAX ? -1 : (int32_t)trainer;
}

static void take_model(void *context, const struct rung_history_model *model)
{
    struct loading *loading = context;
    struct rung_recording *recording = loading->recording;

    if (loading->code < 0)
        return;
    if (model->model != recording->model_count) {
        loading->code =
            rung_err_set(loading->err, RUNG_EUSE, "is damaged: model %zu is missing", recording->model_count);
        return;
    }
    rung_recording_add_model(recording, model->model, model->bracket,
                             rung_json_parse(model->parameters, strlen(model->parameters), 0, NULL),
                             model->state_bytes == RUNG_NO_VALUE ? -1 : model->state_bytes);
}

static void take_trainer(void *context, const struct rung_history_trainer *trainer)
{
    struct loading *loading = context;

    loading->trainers = rung_mem_grow(loading->trainers, loading->trainer_count, &loading->trainer_capacity,
                                      sizeof *loading->trainers);
    loading->trainers[loading->trainer_count] = *trainer;
    loading->trainers[loading->trainer_count++].host = rung_mem_strdup(trainer->host);
}

static void take_failure(void *context, const struct rung_history_failure *failure)
{
    struct loading *loading = context;

    loading->failures = rung_mem_grow(loading->failures, loading->failure_count, &loading->failure_capacity,
                                      sizeof *loading->failures);
    loading->failures[loading->failure_count++] = *failure;
}

/* Between two starts time passes that is not the search's, and trainers come anew; when the clock is set,
 * only the one or the other. */
static bool starts_anew(const struct loading *loading, double offset, double at)
{
    const struct part *part = &loading->parts[loading->part_count - 1];

    if (fabs(offset - part->last_offset) <= DOWNTIME)
        return false;
    for (size_t i = 0; i < loading->trainer_count; i++)
        if (loading->trainers[i].joined_at >= part->last && loading->trainers[i].joined_at <= at)
            return true;
    return false;
}

static void follow_clock(struct loading *loading, const struct rung_history_event *event)
{
    double offset = event->at - event->elapsed;

    if (!isfinite(offset))
        return;
    if (loading->part_count == 0 || starts_anew(loading, offset, event->at)) {
        loading->parts = rung_mem_grow(loading->parts, loading->part_count, &loading->part_capacity,
                                       sizeof *loading->parts);
        loading->parts[loading->part_count++] = (struct part){.first = event->at, .first_offset = offset};
    }
    struct part *part = &loading->parts[loading->part_count - 1];
    part->last = event->at;
    part->last_offset = offset;
}

static void take_event(void *context, const struct rung_history_event *event)
{
    struct loading *loading = context;

    if (event->kind != RUNG_EVENT_RETRY) /* that is asked for while no start is running */
        follow_clock(loading, event);
    rung_recording_add_job(loading->recording,
                           &(struct rung_recorded_job){.kind = event->kind,
                                                       .model = event->model,
                                                       .trainer = slot(event->trainer),
                                                       .to = event->calls,
                                                       .score = event->score,
                                                       .fit_seconds = event->fit_seconds,
                                                       .score_seconds = event->score_seconds,
                                                       .examples = real(event->examples),
                                                       .elapsed = event->elapsed});
}

/* The running time at that time of day: by the first start whose last event comes after it. */
static double running_time(const struct loading *loading, double at)
{
    size_t low = 0, high = loading->part_count;

    if (loading->part_count == 0 || isnan(at))
        return NAN;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (loading->parts[middle].last < at)
            low = middle + 1;
        else
            high = middle;
    }
    const struct part *part = &loading->parts[low == loading->part_count ? low - 1 : low];
    double least = part > loading->parts ? part[-1].last - part[-1].last_offset : 0;
    double share = part->last > part->first ? (at - part->first) / (part->last - part->first) : 0;
    double offset = part->first_offset + fmin(1, fmax(0, share)) * (part->last_offset - part->first_offset);
    return fmax(least, at - offset);
}

static int by_time(const void *a, const void *b)
{
    const struct rung_history_failure *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static void add_the_rest(struct loading *loading)
{
    for (size_t i = 0; i < loading->trainer_count; i++) {
        const struct rung_history_trainer *trainer = &loading->trainers[i];
        rung_recording_add_trainer(loading->recording, slot(trainer->trainer), trainer->host,
                                   running_time(loading, trainer->joined_at),
                                   running_time(loading, trainer->left_at));
    }
    if (loading->failure_count > 1)
        qsort(loading->failures, loading->failure_count, sizeof *loading->failures, by_time);
    for (size_t i = 0; i < loading->failure_count; i++)
        rung_recording_add_attempt(loading->recording, loading->failures[i].model,
                                   slot(loading->failures[i].trainer),
                                   running_time(loading, loading->failures[i].at));
}

static void free_loading(struct loading *loading)
{
    for (size_t i = 0; i < loading->trainer_count; i++)
        free((char *)loading->trainers[i].host);
    free(loading->trainers);
    free(loading->failures);
    free(loading->parts);
}

int rung_recorded_load(struct rung_recording *out, struct rung_store *store, const struct rung_stored *stored,
                       struct rung_err *err)
{
    struct loading loading = {.recording = out, .err = err};
    struct rung_history_readers readers = {&loading, take_event, take_model, take_trainer, take_failure};

    rung_recording_init(out, &stored->spec->search);
    out->elapsed = isfinite(stored->row.elapsed) ? stored->row.elapsed : 0;
    out->may_hold_back = stored->spec->limits.state_bytes != INT64_MAX;
    int code = rung_history_read(store, stored->row.id, &readers, err);
    if (code == 0 && (code = loading.code) == 0) {
        add_the_rest(&loading);
        out->one_start = loading.part_count <= 1;
        code = rung_recording_complete(out, err);
        if (code < 0)
            rung_err_prefix(err, "%s: %s", rung_store_path(store), stored->row.name);
    } else if (loading.code < 0) {
        rung_err_prefix(err, "%s: %s", rung_store_path(store), stored->row.name);
    }
    free_loading(&loading);
    return code;
}
