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

#include <stdbool.h>
#include <stddef.h>

#define RUNG_REMOTE_SLOTS    16384 /* at most, of all workers */
#define RUNG_REMOTE_PROTOCOL 1     /* between schedulers and workers */

struct event_base;
struct rung_json;
struct rung_remote;
struct rung_wire;

struct rung_remote_options {
    struct rung_address address;
    int *socket; /* listens there already, and becomes its own: then -1. NULL: it opens one */
    struct rung_key key;
    double beat;    /* seconds between heartbeats; a lease is RUNG_PEER_SILENCES of them */
    int first_slot; /* number of its first slot for whoever uses the executor */
    void *context;  /* of the two that follow, which may be NULL */
    /* Something that a user should know of, one line; each is told once. */
    void (*warn)(void *context, const char *text);
    /* A worker has come or gone, one line; those that were dismissed go without. */
    void (*tell)(void *context, const char *text);
    /* A first message that is no worker's: false, or true with the reason for which it is refused, or with
     * NULL: the wire is not the remote's any more. May be NULL. */
    bool (*other)(void *context, struct rung_wire *wire, const struct rung_json *message, const char **why);
    void *other_context;
};

/* Listens. RUNG_EUSE: not at that address. Everything in options is borrowed while it lives. */
int rung_remote_create(struct rung_remote **out, struct event_base *base,
                       const struct rung_remote_options *options, struct rung_err *err) RUNG_CHECK_RESULT;
/* Listens no more, and tells the workers that they are not needed any more; waits until they have left, at
 * most 2 s. To be followed by free. NULL is allowed. */
void rung_remote_send_home(struct rung_remote *remote);
/* Workers that were not sent home wait for the next scheduler, as they would after a crash. NULL is allowed.
 */
void rung_remote_free(struct rung_remote *remote);
int rung_remote_port(const struct rung_remote *remote); /* where it listens */

/* The interface; lives as long as remote. All its slots are absent at first. */
struct rung_executor *rung_remote_executor(struct rung_remote *remote);
void rung_remote_listen(struct rung_remote *remote, struct rung_executor_listener listener);

/* ---- for who starts workers ---- */

#define RUNG_REMOTE_LAUNCHED 64 /* bytes of what a worker says of who started it */

struct rung_remote_view {
    const char *launched;      /* what it is to who started it, such as "slurm:12_3"; "": it does not say */
    size_t trainers, occupied; /* occupied: have a job, or are getting ready for one */
    bool connected;
    bool worked;       /* a job of it has ended */
    double idle_since; /* by the monotonic clock; while none is occupied */
};
/* Tells of each worker that is there, but those that were dismissed; none may be removed meanwhile. */
void rung_remote_look(const struct rung_remote *remote,
                      void (*seen)(void *context, const struct rung_remote_view *view), void *context);
/* It is not needed any more: its slots are absent from now on, and it leaves when it has heard that. To be
 * called, as the next one, from within a pass. */
void rung_remote_dismiss(struct rung_remote *remote, const char *launched);
/* It is known to have ended: nobody waits for it any longer. */
void rung_remote_bury(struct rung_remote *remote, const char *launched);

struct rung_remote_use {
    size_t workers; /* that came */
    double held;    /* worker-seconds, from its hello until it is gone */
    double busy;    /* of them; of a worker of whose trainers a half have a job, a half */
};
struct rung_remote_use rung_remote_use(const struct rung_remote *remote);

#endif
