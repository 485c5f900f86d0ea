/* A recorded search in memory: filling it, and finding a job in it. */
#include "forecast/recording.h"

#include "base/mem.h"
#include "forecast/recording_parts.h"

#include <math.h>
#include <stdlib.h>

#define SLOTS_MAX (1 << 20) /* a higher number is damage, and not worth the memory */

void rung_recording_init(struct rung_recording *recording, const struct rung_search_spec *spec)
{
    *recording = (struct rung_recording){
        .spec = *spec, .one_start = true, .start_seconds = NAN, .overhead_seconds = NAN, .end_seconds = NAN};
}

void rung_recording_free(struct rung_recording *recording)
{
    for (size_t i = 0; i < recording->model_count; i++)
        rung_json_free(recording->models[i].parameters);
    for (size_t i = 0; i < recording->trainer_count; i++)
        free(recording->trainers[i].host);
    free(recording->jobs);
    free(recording->models);
    free(recording->trainers);
    free(recording->attempts);
    free(recording->by_model);
    free(recording->model_jobs);
    *recording = (struct rung_recording){0};
}

/* ---- filling ---- */

static int32_t slot_seen(struct rung_recording *recording, int32_t slot)
{
    if (slot < 0 || slot >= SLOTS_MAX)
        return -1;
    if (recording->slots < (size_t)slot + 1)
        recording->slots = (size_t)slot + 1;
    return slot;
}

void rung_recording_add_job(struct rung_recording *recording, const struct rung_recorded_job *job)
{
    recording->jobs = rung_mem_grow(recording->jobs, recording->job_count, &recording->job_capacity,
                                    sizeof *recording->jobs);
    struct rung_recorded_job *added = &recording->jobs[recording->job_count++];
    *added = *job;
    added->trainer = slot_seen(recording, job->trainer);
    added->seconds = added->sharing = NAN;
    added->lost_seconds = 0;
    added->next = -1;
}

struct rung_recorded_model *rung_recording_next_model(struct rung_recording *recording, uint32_t bracket)
{
    recording->models = rung_mem_grow(recording->models, recording->model_count, &recording->model_capacity,
                                      sizeof *recording->models);
    struct rung_recorded_model *model = &recording->models[recording->model_count++];
    *model = (struct rung_recorded_model){.bracket = bracket, .first = -1, .state_bytes = -1};
    return model;
}

void rung_recording_add_model(struct rung_recording *recording, uint32_t model, uint32_t bracket,
                              struct rung_json *parameters, int64_t state_bytes)
{
    while (recording->model_count <= model)
        rung_recording_next_model(recording, bracket);
    recording->models[model].parameters = parameters;
    recording->models[model].state_bytes = state_bytes < 0 ? -1 : state_bytes;
}

void rung_recording_add_trainer(struct rung_recording *recording, int32_t trainer, const char *host,
                                double joined, double left)
{
    trainer = slot_seen(recording, trainer);
    if (trainer < 0 || isnan(joined))
        return;
    recording->trainers = rung_mem_grow(recording->trainers, recording->trainer_count,
                                        &recording->trainer_capacity, sizeof *recording->trainers);
    recording->trainers[recording->trainer_count++] =
        (struct rung_recorded_trainer){trainer, joined, left, rung_mem_strdup(host ? host : "")};
}

void rung_recording_add_attempt(struct rung_recording *recording, uint32_t model, int32_t trainer,
                                double elapsed)
{
    if (isnan(elapsed))
        return;
    recording->attempts = rung_mem_grow(recording->attempts, recording->attempt_count,
                                        &recording->attempt_capacity, sizeof *recording->attempts);
    recording->attempts[recording->attempt_count++] =
        (struct rung_recorded_attempt){model, slot_seen(recording, trainer), elapsed};
}

/* ---- finding ---- */

bool rung_recording_of_model(const struct rung_recorded_job *job)
{
    return job->kind == RUNG_EVENT_RESULT || job->kind == RUNG_EVENT_FAILURE;
}

/* The jobs of each model, by counting. */
void rung_recording_index(struct rung_recording *recording)
{
    size_t *starts = rung_mem_zalloc(recording->model_count + 1, sizeof *starts);
    size_t count = 0;

    for (size_t i = 0; i < recording->job_count; i++)
        if (rung_recording_of_model(&recording->jobs[i]))
            starts[recording->jobs[i].model + 1]++, count++;
    for (size_t k = 0; k < recording->model_count; k++)
        starts[k + 1] += starts[k];
    size_t *order = rung_mem_resize(NULL, count, sizeof *order);
    size_t *places = rung_mem_copy(starts, recording->model_count + 1, sizeof *starts);
    for (size_t i = 0; i < recording->job_count; i++) {
        struct rung_recorded_job *job = &recording->jobs[i];
        if (!rung_recording_of_model(job))
            continue;
        if (places[job->model] == starts[job->model])
            recording->models[job->model].first = (int64_t)i;
        else
            recording->jobs[order[places[job->model] - 1]].next = (int64_t)i;
        order[places[job->model]++] = i;
    }
    free(places);
    recording->by_model = order;
    recording->model_jobs = starts;
}

const struct rung_recorded_job *rung_recording_job(const struct rung_recording *recording, uint32_t model,
                                                   int64_t from)
{
    if (model >= recording->model_count || !recording->by_model)
        return NULL;
    size_t first = recording->model_jobs[model], low = first, high = recording->model_jobs[model + 1];
    while (low < high) { /* behind the last that begins at `from` or before */
        size_t middle = low + (high - low) / 2;
        if (recording->jobs[recording->by_model[middle]].from <= from)
            low = middle + 1;
        else
            high = middle;
    }
    const struct rung_recorded_job *job = low > first ? &recording->jobs[recording->by_model[low - 1]] : NULL;
    return job && job->from == from ? job : NULL;
}
