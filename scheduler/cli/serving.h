/*
 * What `rung serve` does: one database, its searches that are to go on, and callers who bring more, wait for
 * them, stop them, or ask.
 */
#ifndef RUNG_CLI_SERVING_H
#define RUNG_CLI_SERVING_H

#include "base/err.h"
#include "dispatch/session.h"

#include <stdbool.h>
#include <stddef.h>

#define RUNG_SERVING_SPEC_MAX                                                                                \
    ((size_t)64 << 20) /* bytes of a spec that is submitted, configurations and all */

struct rung_serving_options {
    const char *database;
    const char *socket; /* for commands */
    size_t trainers;
    const struct rung_session_listen *listen; /* NULL: nobody comes from elsewhere */
    bool quiet;
};

/* Until a signal. 130, or a negative code: RUNG_EUSE when the database or a place to listen cannot be had. */
int rung_serving_run(const struct rung_serving_options *options, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
