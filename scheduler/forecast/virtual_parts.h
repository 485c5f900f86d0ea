/*
 * What the files of the virtual clock share, and nobody else uses. virtual.c: a run from beginning to end.
 * virtual_trainers.c: trainers and the jobs they do. virtual_step.c: results into the search.
 */
#ifndef RUNG_FORECAST_VIRTUAL_PARTS_H
#define RUNG_FORECAST_VIRTUAL_PARTS_H

#include "base/heap.h"
#include "core/jobq.h"
#include "core/rng.h"
#include "forecast/virtual.h"

/* What a trainer does: the seconds of each part, one after the other. */
struct rung_virtual_work {
    uint32_t model, bracket; /* bracket: index */
    size_t busy;             /* when it was handed out */
    double started;
    double overhead, transfer, fit, score;
    struct rung_virtual_outcome outcome; /* of the whole job */
    bool last;                           /* the job ends with it */
    bool lost;
};

enum rung_virtual_state { RUNG_VIRTUAL_STARTING, RUNG_VIRTUAL_IDLE, RUNG_VIRTUAL_WORKING, RUNG_VIRTUAL_LOST };

struct rung_virtual_trainer {
    enum rung_virtual_state state;
    struct rung_virtual_work work;
    int32_t next, previous; /* in the list of idle ones */
    uint32_t held;          /* the model it trained last, or RUNG_NO_MODEL */
    uint32_t life;          /* how often it was replaced */
};

/* Who has a model in memory: trainer, when it has not been replaced since. */
struct rung_virtual_holder {
    int32_t trainer;
    uint32_t life;
};

/* What the oracle said of a job that is not done in one go. */
struct rung_virtual_promise {
    struct rung_virtual_outcome outcome;
    int64_t done; /* calls of the job; unit call */
    bool asked;
};

struct rung_virtual {
    const struct rung_virtual_options *options;
    struct rung_virtual_result *result;
    struct rung_search *search;
    struct rung_jobq *queue;
    struct rung_decisions decisions;
    struct rung_rng losses;
    double now;

    struct rung_virtual_trainer *trainers;
    int32_t first_idle; /* -1: none */
    size_t idle, working, starting, replacing;
    struct rung_heap
        agenda;    /* trainers by -(when they are done); options->trainers: when they have started */
    uint32_t *due; /* trainers that are done at this instant */
    size_t due_capacity;

    bool holding, promising, barriers;
    struct rung_virtual_holder *holders;   /* per model, when holding */
    struct rung_virtual_promise *promises; /* per model, when promising */
    bool *waiting;                         /* per model: for others of its rung */
    size_t models, model_capacity;         /* entries of these */
    size_t waiting_count;
    int64_t states;
    uint32_t best;     /* whose state is kept, of those that ended a last rung */
    double best_score; /* oriented; NaN: none yet */
};

/* virtual_trainers.c */
/* All of them, and the jobs that run at the beginning. */
int rung_virtual_open_trainers(struct rung_virtual *sim, struct rung_err *err) RUNG_CHECK_RESULT;
/* Ready jobs to idle trainers. */
int rung_virtual_dispatch(struct rung_virtual *sim, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_virtual_pass(struct rung_virtual *sim, double until); /* the clock runs */
/* An entry of the agenda that is due. True: the trainer has done its work, which stays in trainers[] until
 * the next dispatch. */
bool rung_virtual_due(struct rung_virtual *sim, uint32_t trainer);
/* The trainer, and no other, holds the model from now on. */
void rung_virtual_hold(struct rung_virtual *sim, uint32_t trainer, uint32_t model);
void rung_virtual_drop(struct rung_virtual *sim,
                       uint32_t model);              /* nobody does, and it will not be trained */
void rung_virtual_cut_off(struct rung_virtual *sim); /* what is not done when the clock stops */
struct rung_virtual_job rung_virtual_job_of(const struct rung_virtual *sim, uint32_t model, size_t trainer,
                                            size_t busy);

/* virtual_step.c */
/* START, or what is open midway. */
int rung_virtual_begin(struct rung_virtual *sim, struct rung_err *err) RUNG_CHECK_RESULT;
bool rung_virtual_asks(const struct rung_virtual *sim); /* idle trainers may get more models */
int rung_virtual_ask(struct rung_virtual *sim,
                     struct rung_err *err) RUNG_CHECK_RESULT; /* asha, for idle ones */
/* The work that the trainer has done. */
int rung_virtual_report(struct rung_virtual *sim, uint32_t trainer, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
