/*
 * Trainers on other machines: listens for workers, and is an executor whose slots are theirs. A worker that
 * is cut off keeps its slots and its jobs while its lease lasts; then its trainers are gone, and its slots
 * absent.
 */
#ifndef RUNG_DISPATCH_REMOTE_H
#define RUNG_DISPATCH_REMOTE_H

#include "base/err.h"
#include "dispatch/address.h"
#include "dispatch/executor.h"
#include "dispatch/key.h"

#include <stddef.h>

#define RUNG_REMOTE_SLOTS    16384 /* at most, of all workers */
#define RUNG_REMOTE_PROTOCOL 1     /* between schedulers and workers */

struct event_base;
struct rung_remote;

struct rung_remote_options {
    struct rung_address address;
    struct rung_key key;
    double beat;    /* seconds between heartbeats; a lease is RUNG_PEER_SILENCES of them */
    int first_slot; /* number of its first slot for whoever uses the executor */
    /* Something that a user should know of, one line; each is told once. */
    void (*warn)(void *context, const char *text);
    void *warn_context;
};

/* Listens. RUNG_EUSE: not at that address. Everything in options is borrowed while it lives. */
int rung_remote_create(struct rung_remote **out, struct event_base *base,
                       const struct rung_remote_options *options, struct rung_err *err) RUNG_CHECK_RESULT;
/* Says goodbye to the workers, which leave. NULL is allowed. */
void rung_remote_free(struct rung_remote *remote);
int rung_remote_port(const struct rung_remote *remote); /* where it listens */

/* The interface; lives as long as remote. All its slots are absent at first. */
struct rung_executor *rung_remote_executor(struct rung_remote *remote);
void rung_remote_listen(struct rung_remote *remote, struct rung_executor_listener listener);

#endif
