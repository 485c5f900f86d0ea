/*
 * A worker: keeps trainers on this machine for a scheduler on another one, which sends jobs and states and
 * gets results and states back. Connects again when it is cut off; what was done meanwhile is sent then.
 */
#ifndef RUNG_DISPATCH_WORKER_H
#define RUNG_DISPATCH_WORKER_H

#include "base/err.h"
#include "dispatch/address.h"
#include "dispatch/key.h"

#include <stddef.h>

struct rung_worker_options {
    struct rung_address address;
    struct rung_key key;
    size_t trainers;       /* at least 1 */
    const char *launched;  /* what it is to who started it, such as "slurm:12_3"; NULL: it does not know */
    const char *folder;    /* for states and logs; absolute, empty, its own */
    double orphan_timeout; /* seconds without a scheduler until it gives up */
    /* What a user should know, one line each; may be NULL. */
    void (*tell)(void *context, const char *text);
    void *tell_context;
};

/* Runs until the scheduler says goodbye (0), the user stops it (RUNG_EINT), there is no scheduler for
 * orphan_timeout (RUNG_EFAIL), or it is refused (RUNG_EUSE). */
int rung_worker_run(const struct rung_worker_options *options, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
