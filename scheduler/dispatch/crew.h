/*
 * The workers that Slurm starts for a search: as many as there are jobs for. Asks for them, knows which of
 * them came, replaces those that the cluster ended, gives back those that are not needed any more, and leaves
 * none behind.
 */
#ifndef RUNG_DISPATCH_CREW_H
#define RUNG_DISPATCH_CREW_H

#include "base/err.h"
#include "dispatch/remote.h"
#include "dispatch/slurm_text.h"

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct rung_crew;

struct rung_crew_options {
    struct rung_remote *remote; /* where they come */
    struct rung_slurm_job job;  /* what a worker is; its name is that of the search */
    size_t most;                /* workers at one time */
    size_t others;              /* trainers on this machine */
    void *context;
    size_t (*demand)(void *context);               /* trainers that could have a job now */
    void (*tell)(void *context, const char *text); /* what a user should know, one line */
};

/* Everything that options points to is borrowed. RUNG_EFAIL: there is no randomness for a name. */
int rung_crew_create(struct rung_crew **out, struct event_base *base, const struct rung_crew_options *options,
                     struct rung_err *err) RUNG_CHECK_RESULT;
const char *rung_crew_name(const struct rung_crew *crew); /* that Slurm knows its workers by */
/* Tells how long workers were held, and busy. */
void rung_crew_report(struct rung_crew *crew);
/* Decides nothing any more and leaves remote alone, which should go next: the workers leave then. NULL is
 * allowed. */
void rung_crew_stop(struct rung_crew *crew);
/* After that: waits some seconds until Slurm has nothing left of them. False: it may have. */
bool rung_crew_end(struct rung_crew *crew);
void rung_crew_free(struct rung_crew *crew); /* NULL is allowed */

#endif
