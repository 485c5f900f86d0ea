/*
 * Slurm, asked by its own commands, beside the loop: sbatch for workers, squeue for what became of them,
 * scancel. A command that hangs is ended after a while and holds up nobody. Nothing comes from within the
 * functions below.
 */
#ifndef RUNG_DISPATCH_SLURM_H
#define RUNG_DISPATCH_SLURM_H

#include "base/err.h"
#include "dispatch/slurm_text.h"

#include <stdbool.h>
#include <stddef.h>

#define RUNG_SLURM_ARRAY                                                                                     \
    500 /* workers of one array: Slurm refuses more than a thousand, unless set up otherwise */

struct event_base;
struct rung_slurm;

struct rung_slurm_listener {
    void *context;
    void (*submitted)(void *context, int64_t job, size_t count);
    /* It may be there nevertheless, where sbatch did not end. */
    void (*refused)(void *context, const char *why);
    /* All that are not over, as of some time after rung_slurm_look was called. */
    void (*seen)(void *context, const struct rung_slurm_task *tasks, size_t count);
    /* Looking or cancelling came to nothing. */
    void (*failed)(void *context, const char *why);
};

/* job is borrowed. */
struct rung_slurm *rung_slurm_create(struct event_base *base, const struct rung_slurm_job *job,
                                     const struct rung_slurm_listener *listener);
/* Ends commands that run. NULL is allowed. */
void rung_slurm_free(struct rung_slurm *slurm);

/* Each while it is not busy with the like. RUNG_EFAIL: the command cannot be started. */
bool rung_slurm_submits(const struct rung_slurm *slurm);
bool rung_slurm_looks(const struct rung_slurm *slurm);
bool rung_slurm_cancels(const struct rung_slurm *slurm);
/* count: 1 to RUNG_SLURM_ARRAY, also of tasks. */
int rung_slurm_submit(struct rung_slurm *slurm, size_t count, struct rung_err *err) RUNG_CHECK_RESULT;
int rung_slurm_look(struct rung_slurm *slurm, struct rung_err *err) RUNG_CHECK_RESULT;
int rung_slurm_cancel(struct rung_slurm *slurm, const struct rung_slurm_task *tasks, size_t count,
                      struct rung_err *err) RUNG_CHECK_RESULT;

/* Waits until nothing of ours is in the queue, at most some seconds: who has not begun is cancelled, who is
 * about to leave may do so, the rest is cancelled, too. False: that could not be done, or it is not known. */
bool rung_slurm_end(struct rung_slurm *slurm);

#endif
