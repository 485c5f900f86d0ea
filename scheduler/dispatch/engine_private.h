/* What the engine's files share. engine.c: life cycle and turns. engine_step.c: events into the search and
 * the record. engine_assign.c: which job to which trainer. engine_jobs.c: jobs sent and
 * their answers. engine_late.c: answers that come after their worker was given up. engine_trainers.c: starts
 * and ends of trainers. engine_shared.c: life with other searches. engine_look.c: the files beside it.
 * engine_hope.c: when no trainer is left. */
#ifndef RUNG_DISPATCH_ENGINE_PRIVATE_H
#define RUNG_DISPATCH_ENGINE_PRIVATE_H

#include "core/jobq.h"
#include "dispatch/engine.h"
#include "dispatch/outbox.h"
#include "dispatch/pool.h"
#include "dispatch/report.h"

#include <stdbool.h>

#define RUNG_LOST_MAX 20 /* times that a job may be lost with its trainer before its model fails */

enum rung_phase {
    RUNG_PHASE_RUNNING,
    RUNG_PHASE_EVALUATING, /* the search is done; its best model's test score is asked for */
    RUNG_PHASE_DRAINING,   /* no more jobs; the running ones may finish until grace_until */
    RUNG_PHASE_LEAVING,    /* trainers are told to leave, or killed */
    RUNG_PHASE_OVER
};

/* What the dispatcher knows of a model beside the search. */
struct rung_engine_model {
    int64_t state_bytes;     /* of its recorded state file, RUNG_NO_VALUE without */
    int32_t holder;          /* slot that still holds it in memory, or -1 */
    int32_t failed_slot;     /* where its last attempt failed, or -1 */
    uint32_t attempts, lost; /* of its present job */
};

/* Jobs taken out of the queue for a while. */
struct rung_aside {
    uint32_t *models;
    size_t count, capacity;
};

struct rung_engine {
    struct rung_session_options options;
    struct rung_executor *executor;
    struct rung_states *states;
    struct rung_search *search;
    struct rung_jobq *queue;
    struct rung_pool *pool;
    struct rung_report *reports; /* per slot that was ever there: what its running job reported */
    size_t report_count;
    struct rung_outbox outbox; /* what goes out after the commit */
    int *changed;              /* slots whose rows need writing; some more than once */
    size_t changed_count, changed_capacity;

    struct rung_aside blocked; /* new models, while states are over limits.state_bytes */
    struct rung_aside refused; /* within one assignment: no idle trainer may have them */

    enum rung_phase phase;
    int stop_requests; /* how often the user wanted to stop */
    struct rung_session_result result;
    double grace_until;
    bool evaluated;  /* the best model's evaluation was tried */
    bool shared;     /* with other searches: slots come and go */
    bool queued;     /* no trainer of this start has been ready yet */
    bool parked;     /* an interrupt makes it queued */
    size_t recalled; /* slots that are wanted back */
    bool broken;     /* recording failed; `failure` says why */
    struct rung_err failure;
    double robbed_at;       /* when it was last found that somebody had removed states, -INFINITY: never */
    double missed_at;       /* when all of them were last looked for */
    char start_reason[450]; /* why the last start failed */
    double hopeless_until;  /* all trainers are given up: how long other workers are waited for; INFINITY */
    int64_t hopeless_calls; /* calls_done when that began */

    struct rung_engine_model *models;
    size_t model_count, model_capacity;
    uint32_t best;     /* best that ended a last rung, as of the last step */
    double best_score; /* oriented maximum of all last scores, for limits.score */
    int64_t late_taken, late_dropped;
    int64_t results_heard, predict_at; /* of this start; when those to come are forecast anew */
    int64_t calls_done;
    int64_t calls_before;  /* of earlier starts */
    int64_t state_bytes;   /* of all recorded states */
    int64_t largest_state; /* of those seen so far */
    int64_t next_job, job_ceiling;

    double epoch, started; /* clock */
    struct rung_decisions decisions;
    struct rung_buf text; /* scratch for parameters */
    struct rung_buf path_in, path_out;
    char *platform; /* of the first trainer that said one */
    bool platform_warned;
};

/* engine.c */
void rung_engine_break(struct rung_engine *engine, const struct rung_err *err);
double rung_engine_elapsed(const struct rung_engine *engine, double now);
double rung_engine_running(const struct rung_engine *engine, double now); /* seconds of this start */
void rung_engine_drain(struct rung_engine *engine, enum rung_session_end end, double grace_until,
                       const char *format, ...) RUNG_PRINTF(4, 5);

/* engine_step.c */
void rung_engine_feed(struct rung_engine *engine, const struct rung_event *event,
                      const struct rung_result_facts *facts);
void rung_engine_state_gone(struct rung_engine *engine, uint32_t model, int64_t calls);
void rung_engine_warn(struct rung_engine *engine, double now, const char *format, ...) RUNG_PRINTF(3, 4);
struct rung_result_facts rung_engine_facts(const struct rung_engine *engine, double now);
struct rung_note rung_engine_note(const struct rung_engine *engine, enum rung_note_type type, double now);

/* engine_assign.c */
void rung_engine_assign(struct rung_engine *engine, double now);
void rung_engine_evaluate(struct rung_engine *engine, double now);

/* engine_jobs.c */
void rung_engine_send(struct rung_engine *engine, int slot, double now);
/* The jobs that the slot would begin by itself are for whoever wants them: nobody has begun them. */
void rung_engine_return_next(struct rung_engine *engine, int slot);
void rung_engine_returned(struct rung_engine *engine, int slot, int64_t job);
void rung_engine_progress(struct rung_engine *engine, int slot, const struct rung_proto_message *message,
                          double now);
void rung_engine_result(struct rung_engine *engine, int slot, const struct rung_proto_message *message,
                        double now);
/* The attempt that slot runs has failed. final: no retry. The caller changes the slot's state. */
void rung_engine_attempt_failed(struct rung_engine *engine, int slot, enum rung_failure_kind kind,
                                const char *reason, bool final, double now);

/* The file that the trainer made becomes the model's state; its predecessor goes after the commit. False:
 * there is none. */
bool rung_engine_take_state(struct rung_engine *engine, const struct rung_job *job);
/* False: the result has no value of that name. */
bool rung_engine_objective(const struct rung_engine *engine, const struct rung_proto_message *message,
                           double *score);
/* Records it with what was reported before it. */
void rung_engine_take_training(struct rung_engine *engine, int64_t trainer, struct rung_report *report,
                               const struct rung_job *job, double score,
                               const struct rung_proto_message *message, double now);

/* engine_late.c */
bool rung_engine_wants(struct rung_engine *engine, const struct rung_late *late,
                       struct rung_late_wanted *wanted);
/* How many were taken, if there were any. */
void rung_engine_tell_late(struct rung_engine *engine, double now);
void rung_engine_late(struct rung_engine *engine, const struct rung_late *late,
                      const struct rung_proto_message *messages, size_t count, double now);

/* engine_shared.c */
void rung_engine_queue(struct rung_engine *engine, double now);
void rung_engine_begin(struct rung_engine *engine, double now); /* a trainer is ready */
void rung_engine_leave_recalled(struct rung_engine *engine);

/* engine_look.c */
/* Whether a job has failed since somebody removed what lay in its folders. */
bool rung_engine_was_robbed(struct rung_engine *engine, const struct rung_job *job, double now);

/* engine_hope.c */
/* Where all trainers are given up the search ends, at once or when no worker has come that could help. */
void rung_engine_despair(struct rung_engine *engine, double now);
/* When that may be so; INFINITY: not by the time alone. */
double rung_engine_despair_at(const struct rung_engine *engine, double now);

/* engine_trainers.c */
/* Its job is somebody else's: it is ended, and replaced. */
void rung_engine_supersede(struct rung_engine *engine, int slot);
void rung_engine_start_trainers(struct rung_engine *engine, double now);
void rung_engine_expire(struct rung_engine *engine, double now);
void rung_engine_dismiss(struct rung_engine *engine, bool at_once);
void rung_engine_trainer_changed(struct rung_engine *engine, int slot);
void rung_engine_write_trainers(struct rung_engine *engine);
void rung_engine_ready(struct rung_engine *engine, int slot, const struct rung_proto_message *message,
                       double now);
void rung_engine_closing(struct rung_engine *engine, int slot, bool unread, double now);
void rung_engine_violation(struct rung_engine *engine, int slot, const char *reason, double now);
void rung_engine_gone(struct rung_engine *engine, int slot, const struct rung_exit *how, double now);

#endif
