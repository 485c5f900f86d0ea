/*
 * A recorded search in memory: what each job gave and how long it took, as a simulation, a time model and a
 * learning curve want it. Filled row by row, then completed once.
 */
#ifndef RUNG_FORECAST_RECORDING_H
#define RUNG_FORECAST_RECORDING_H

#include "base/err.h"
#include "base/json.h"
#include "core/event.h"
#include "core/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_recorded_job {
    enum rung_event_kind kind; /* RESULT or FAILURE; START, ASK and RETRY are kept for the replay */
    uint32_t model;
    int32_t trainer;                   /* slot, -1: unknown */
    int64_t from, to;                  /* calls; a failure's are both the model's total before it */
    double score;                      /* NaN: not finite */
    double fit_seconds, score_seconds; /* as the trainer said; NaN: unknown */
    double examples;                   /* of this job; NaN: unknown */
    double elapsed;                    /* of the search, when it was recorded */
    /* From rung_recording_complete, as is `from`: */
    double seconds; /* from hand-over until the trainer is free for the next job; NaN: it is not known when it
                       was handed over */
    double lost_seconds; /* that attempts at it took before, which failed, and replacing their trainers; a
                            failure's own included */
    double sharing;      /* trainers at work during it on its host, on average, itself included */
    int64_t next;        /* index of the model's next job, -1: none */
};

struct rung_recorded_model {
    uint32_t bracket;
    struct rung_json *parameters;
    int64_t first;       /* index of its first job, -1: none; from rung_recording_complete */
    int64_t state_bytes; /* -1: unknown */
};

struct rung_recorded_trainer {
    int32_t trainer;     /* slot */
    double joined, left; /* seconds since the search's start; left NaN: stayed */
    char *host;
};

/* An attempt that failed, whatever became of the job. */
struct rung_recorded_attempt {
    uint32_t model;
    int32_t trainer; /* slot, -1: unknown */
    double elapsed;
};

struct rung_recording {
    struct rung_search_spec spec;
    struct rung_recorded_job *jobs;
    size_t job_count, job_capacity;
    struct rung_recorded_model *models;
    size_t model_count, model_capacity;
    struct rung_recorded_trainer *trainers;
    size_t trainer_count, trainer_capacity;
    struct rung_recorded_attempt *attempts; /* in the order of elapsed */
    size_t attempt_count, attempt_capacity;
    size_t slots;       /* trainers that worked at one time: the largest slot + 1 */
    double elapsed;     /* running time, over all starts */
    bool one_start;     /* times are of one start (a resume's times run on from the last one's end) */
    bool may_hold_back; /* new models may have had to wait for others' states to go, with trainers idle */
    /* From rung_recording_complete: */
    bool finished;        /* the search was done */
    double start_seconds; /* until the first trainers were ready; NaN: unknown */
    double
        overhead_seconds; /* per job: median of `seconds` minus fit_seconds and score_seconds; NaN: unknown */
    double end_seconds;   /* from the last result to the end; NaN: it is not finished */
    size_t *by_model;     /* indices of all results and failures, those of a model together, in order */
    size_t *model_jobs;   /* where a model's begin in by_model; one more at the end */
};

void rung_recording_init(struct rung_recording *recording, const struct rung_search_spec *spec);
void rung_recording_free(struct rung_recording *recording);
/* job: kind, model, trainer, to, score, seconds and elapsed as recorded, in order. */
void rung_recording_add_job(struct rung_recording *recording, const struct rung_recorded_job *job);
/* Takes ownership of parameters. model is the next number or above it (those between stay without
 * parameters).
 */
void rung_recording_add_model(struct rung_recording *recording, uint32_t model, uint32_t bracket,
                              struct rung_json *parameters, int64_t state_bytes);
void rung_recording_add_trainer(struct rung_recording *recording, int32_t trainer, const char *host,
                                double joined, double left);
void rung_recording_add_attempt(struct rung_recording *recording, uint32_t model, int32_t trainer,
                                double elapsed);
/* Folds the jobs through a search once, to see when trainers can have idled. RUNG_EUSE when the record is
 * none that this program would have made. */
int rung_recording_complete(struct rung_recording *recording, struct rung_err *err) RUNG_CHECK_RESULT;

/* The job that took model from `from` calls on, or NULL. Where it failed and was tried again, the last one.
 */
const struct rung_recorded_job *rung_recording_job(const struct rung_recording *recording, uint32_t model,
                                                   int64_t from);

#endif
