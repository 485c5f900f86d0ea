/*
 * Programs that are run beside a loop: what they print comes as it is printed, how they ended when they have
 * ended. Nothing comes from within the functions below.
 */
#ifndef RUNG_DISPATCH_CHILD_H
#define RUNG_DISPATCH_CHILD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct event_base;
struct rung_child;

struct rung_child_options {
    char *const *argv;
    char *const *environment; /* NULL: ours */
    const char *folder;       /* where it works; NULL: where we do */
    int input;                /* becomes its standard input, stays open here; 0: it has an empty one */
    int output;               /* becomes its standard output, stays open here; 0: as printed says */
    bool apart;               /* in a session of its own, so that what it starts is killed with it */
    void *context;
    /* stream: 1 standard output, unless it has one above, 2 standard error. NULL: both go to our standard
     * error. */
    void (*printed)(void *context, int stream, const char *data, size_t length);
    /* status: as of waitpid. The child is freed after the call. */
    void (*ended)(void *context, struct rung_child *child, int status);
};

/* Everything in options but context is needed only for the call. RUNG_EFAIL: it cannot be started. */
int rung_child_start(struct rung_child **out, struct event_base *base,
                     const struct rung_child_options *options, struct rung_err *err) RUNG_CHECK_RESULT;
/* Kills it; of one that is apart also those that still print. NULL is allowed. */
void rung_child_free(struct rung_child *child);
/* It goes on by itself; nothing more is heard of it. */
void rung_child_leave(struct rung_child *child);

/* Starts a program with default signals and an empty standard input; out and err become its standard output
 * and error. 0, or errno. */
int rung_child_spawn(pid_t *pid, const struct rung_child_options *options, int out, int err);

#endif
