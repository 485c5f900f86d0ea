/*
 * A search on a virtual clock: the core and the queue of a live search, with trainers that take as long as an
 * oracle says and do nothing. One thread, no randomness but the seed's, no I/O; nothing is recorded.
 *
 * At an instant: all trainers that are done are freed, then their results are stepped in the order in which
 * their jobs became ready, then idle trainers get jobs.
 */
#ifndef RUNG_FORECAST_VIRTUAL_H
#define RUNG_FORECAST_VIRTUAL_H

#include "base/err.h"
#include "core/search.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_virtual_job {
    uint32_t model, bracket; /* bracket: the user's number */
    int64_t from, to;        /* calls */
    int32_t rung;            /* that its score decides, or RUNG_NO_RUNG */
    size_t trainer;          /* that gets it */
    size_t busy;             /* trainers at work now, this one included */
};

/* What comes of a job. */
struct rung_virtual_outcome {
    double fit_seconds, score_seconds; /* >= 0 */
    double overhead_seconds;           /* >= 0; of this job, beside the overhead of all jobs */
    double score;                      /* as reported; not finite: NaN */
    bool fails;                        /* the model fails for good when the seconds are over */
    bool
        unknown; /* the oracle cannot say: the job is left out and its model never reports. The others go on
                    as far as they can without it; asha, whose models depend on all results, starts no more */
};

struct rung_oracle {
    void *context;
    /* Asked once per job, when a trainer gets it (unit call: when its first call gets one; a job that is lost
     * is not asked for again). */
    void (*job)(void *context, const struct rung_virtual_job *job, struct rung_virtual_outcome *outcome);
};

enum rung_virtual_unit {
    RUNG_UNIT_JOB, /* a job's calls and its score in one go: what rung does */
    RUNG_UNIT_CALL /* every call, and every score, queued anew behind those of its priority */
};

/* A job that runs already when the simulation begins. */
struct rung_virtual_running {
    uint32_t model;
    double seconds; /* since it was handed out */
};

struct rung_virtual_options {
    struct rung_search
        *search; /* START not yet fed, or midway; stepped to its end, not freed. Midway its open
                    jobs that do not run are ready in the order of models, as after a resume */
    enum rung_priority priority;
    enum rung_virtual_unit unit;
    size_t trainers; /* >= 1 */
    struct rung_oracle oracle;
    const uint32_t *bracket_order; /* user's numbers in the order in which brackets start; NULL: the plan's */
    size_t bracket_order_count;
    double start_seconds;    /* until trainers are ready; those that run a job at the beginning are */
    double overhead_seconds; /* per job (unit call: per call and per score), while its trainer is neither
                                training nor scoring: hand-over, commit */
    double transfer_seconds; /* more for a job whose state its trainer does not hold: who trained the model
                                last does */
    bool holders;         /* trainers prefer the model they hold among jobs of the same priority, as live ones
                             do; always where transfer_seconds is above 0 */
    size_t slow_trainers; /* the first so many take slow_factor times as long */
    double slow_factor;
    double loss_rate; /* share of attempts that are lost at a random moment, their trainer with them, and done
                         again */
    double restart_seconds; /* until a lost trainer is replaced */
    uint64_t seed;          /* of those losses */
    const struct rung_virtual_running *running;
    size_t running_count;
    double until;     /* stop before the clock passes it; INFINITY: never */
    int64_t max_jobs; /* stop at the instant in which so many have ended; INT64_MAX: never */
    /* After each job, failed ones included; may be NULL. seconds is the clock. */
    void (*result)(void *context, double seconds, const struct rung_virtual_job *job,
                   const struct rung_virtual_outcome *outcome);
    void *result_context;
    /* For RUNG_PRIORITY_CRITICAL: expected seconds of training model from `from` to `to` calls and scoring
     * it; NULL: a second per call. */
    double (*expect)(void *context, uint32_t model, int64_t from, int64_t to);
    void *expect_context;
};

void rung_virtual_defaults(
    struct rung_virtual_options *options); /* everything but search, trainers, oracle */

struct rung_virtual_point {
    double seconds, score; /* the best score so far, as reported, from this moment on */
};

struct rung_virtual_bracket {
    uint32_t bracket;
    int64_t models, calls, scores; /* as in the result */
    double busy_seconds;           /* training and scoring */
    double ended;                  /* the clock at its end, 0: before it began; NaN: it did not end */
};

struct rung_virtual_result {
    double seconds; /* the clock when the last job ended; stopped by until: that */
    int64_t models; /* in all */
    int64_t jobs, calls,
        scores;   /* that ended in the simulation; calls and scores without those of failed jobs */
    int64_t lost; /* attempts that were lost */
    /* Sums over trainers within the simulated time: of a job that ran before or runs on, its part in between.
     * All of them and idle ones are trainers * seconds together. */
    double fit_seconds, score_seconds;
    double overhead_seconds, transfer_seconds;
    double lost_seconds; /* attempts that were lost, and waiting for another trainer */
    /* Idle trainer-seconds up to `seconds`: start-up apart, as many idle trainers as there are models that
     * wait for others of their rung count as waiting for that barrier, the others have no work. asha has no
     * barriers. */
    double idle_barrier, idle_no_work, idle_start;
    uint32_t best; /* the search's winner or RUNG_NO_MODEL */
    double best_score;
    bool done;       /* the search ended; false: until, max_jobs, or unknown jobs are in the way */
    int64_t unknown; /* jobs whose outcome the oracle did not know */
    struct rung_virtual_point *points; /* best score against time; midway the first is at 0 */
    size_t point_count, point_capacity;
    struct rung_virtual_bracket *brackets; /* in the plan's order */
    size_t bracket_count;
    int64_t states_peak; /* most models that had a state at one time (alive, and at a call above 0) */
};

/* RUNG_EUSE: an option that makes no sense, no end (asha without a number of models and nothing to stop it),
 * or an outcome that is no number. Free result with rung_virtual_free, also after a failure. */
int rung_virtual_run(const struct rung_virtual_options *options, struct rung_virtual_result *result,
                     struct rung_err *err) RUNG_CHECK_RESULT;
void rung_virtual_free(struct rung_virtual_result *result);

#endif
