/*
 * What Slurm is told, and what it says: the command lines, the script of a worker, the answers of sbatch and
 * squeue. Pure.
 */
#ifndef RUNG_DISPATCH_SLURM_TEXT_H
#define RUNG_DISPATCH_SLURM_TEXT_H

#include "base/buf.h"
#include "core/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all workers of one search have in common. */
struct rung_slurm_job {
    const struct rung_cluster_spec *cluster;
    const char *name;       /* that Slurm shows; no other's */
    const char *program;    /* rung; absolute, as are the next two */
    const char *key;        /* file */
    const char *log_folder; /* where each worker's output is kept */
    const char *host;       /* name or address of this machine */
    int port;
    double orphan_timeout; /* seconds */
};

/* One worker: an element of a job array. */
struct rung_slurm_task {
    int64_t job;
    int64_t index;
};

/* The shell script that becomes a worker; it has a path to the key, never the key. */
void rung_slurm_script(struct rung_buf *out, const struct rung_slurm_job *job);

/* Command lines, NULL-terminated, ended with rung_slurm_free_words. */
char **rung_slurm_submit_words(const struct rung_slurm_job *job, size_t count);
char **rung_slurm_look_words(const char *name);
/* tasks NULL: all of that name, of which pending_alone takes only those that have not begun. */
char **rung_slurm_cancel_words(const char *name, const struct rung_slurm_task *tasks, size_t count,
                               bool pending_alone);
void rung_slurm_free_words(char **words);

/* The number that sbatch --parsable printed. */
bool rung_slurm_read_job(const char *text, int64_t *job);
/* A line of squeue; ended: it is over, or about to be. False: it is no such line. */
bool rung_slurm_read_line(const char *line, struct rung_slurm_task *task, bool *ended);
/* A task's name as its worker says it: "slurm:JOB_INDEX". */
bool rung_slurm_read_launched(const char *text, struct rung_slurm_task *task);

#endif
