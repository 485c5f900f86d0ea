/*
 * What `rung serve` does: one database, its searches that are to go on, and callers who bring more, wait for
 * them, stop them, or ask.
 */
#ifndef RUNG_CLI_SERVING_H
#define RUNG_CLI_SERVING_H

#include "base/err.h"
#include "core/search.h"
#include "core/spec.h"
#include "dispatch/session.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What one submission may hold, so that it holds up the others for less than a second: a daemon does nothing
 * else while it reads a spec and records a search's models. Measured (AMD EPYC, 2.6 GHz): a spec takes 0.04
 * us a byte, a model 0.7 us, and 0.02 us for each byte of its parameters.
 */
#define RUNG_SERVING_SPEC_MAX       ((size_t)8 << 20) /* bytes of a spec, configurations and all */
#define RUNG_SERVING_MODELS_MAX     100000
#define RUNG_SERVING_PARAMETERS_MAX ((size_t)32 << 20) /* bytes, of all models together */

struct rung_serving_options {
    const char *database;
    const char *socket; /* for commands */
    size_t trainers;
    const struct rung_session_listen *listen; /* NULL: nobody comes from elsewhere */
    bool quiet;
};

/* RUNG_EUSE: there is no plan for it, or a daemon does not take so large a search. To be asked before one is
 * created. */
int rung_serving_check(const struct rung_spec *spec, struct rung_err *err) RUNG_CHECK_RESULT;

/* Until a signal. 130, or a negative code: RUNG_EUSE when the database or a place to listen cannot be had. */
int rung_serving_run(const struct rung_serving_options *options, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
