/* Starting one trainer process: its session, descriptors, environment, priority and working directory. */
#ifndef RUNG_DISPATCH_SPAWN_H
#define RUNG_DISPATCH_SPAWN_H

#include "base/err.h"
#include "core/spec.h"

#include <sys/resource.h>
#include <sys/types.h>

#define RUNG_SPAWN_FD 3 /* what RUNG_FD names in the trainer */

struct rung_spawn {
    const struct rung_trainer_spec *trainer;
    const char *folder; /* working directory */
    int slot;
    int socket;                 /* its end, becomes RUNG_SPAWN_FD there; stays open here */
    int log;                    /* becomes standard output and error */
    const struct rlimit *files; /* its limit of descriptors, where ours is another; NULL: as ours */
};

/* Starts the process in a session of its own, with default signals, SCHED_BATCH (so that the scheduler
 * answers at once although all processors train) and an empty standard input. RUNG_EFAIL with the reason when
 * it cannot be started. */
int rung_spawn(const struct rung_spawn *spawn, pid_t *pid, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
