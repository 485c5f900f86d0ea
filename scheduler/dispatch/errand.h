/*
 * A short program that is run beside a loop for what it prints: given its input, heard to its end, and ended
 * when it takes too long. Nothing comes from within the functions below.
 */
#ifndef RUNG_DISPATCH_ERRAND_H
#define RUNG_DISPATCH_ERRAND_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct rung_errand;

struct rung_errand_result {
    bool well;       /* it ended with exit status 0, and nothing that it printed is missing */
    const char *out; /* its standard output */
    const char *why; /* not well: one line, from its standard error where it said something */
};

struct rung_errand_options {
    char *const *argv;
    const char *input; /* NULL: none */
    double patience;   /* seconds that it may take */
    size_t most;       /* bytes of its output */
    void *context;
    /* The errand is freed after the call. */
    void (*done)(void *context, const struct rung_errand_result *result);
};

/* Everything in options but context is needed only for the call. RUNG_EFAIL: it cannot be started. */
int rung_errand_start(struct rung_errand **out, struct event_base *base,
                      const struct rung_errand_options *options, struct rung_err *err) RUNG_CHECK_RESULT;
/* Kills it, with all that it started; nothing more is heard of it. NULL is allowed. */
void rung_errand_free(struct rung_errand *errand);

#endif
