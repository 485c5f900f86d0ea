/* What the files of the remote executor share. remote.c: workers, their leases and what they say.
 * remote_orders.c: what they are told. remote_view.c: what they are used for. remote_late.c: results that
 * they bring when they come back. remote_tell.c: what users are told of them. */
#ifndef RUNG_DISPATCH_REMOTE_PRIVATE_H
#define RUNG_DISPATCH_REMOTE_PRIVATE_H

#include "base/buf.h"
#include "dispatch/greeter.h"
#include "dispatch/peer.h"
#include "dispatch/remote.h"
#include "dispatch/said.h"

#include <sys/types.h>

#define RUNG_REMOTE_WARNINGS 32 /* different ones that are told */

/* A late result that its worker was asked for, and where its state is to be put. */
struct rung_remote_awaited {
    uint64_t number;
    char *path;
};

struct rung_remote_worker {
    struct rung_remote *remote;
    struct rung_remote_worker *next;
    char id[RUNG_SAID_ID_TEXT], session[RUNG_SAID_ID_TEXT];
    char host[256];
    struct rung_peer *peer;
    double cut_at; /* when its connection went; meaningless while it has one */
    char launched[RUNG_REMOTE_LAUNCHED];
    double joined_at, idle_since, busy_seconds; /* idle_since: its last job's end; busy: of jobs that ended */
    bool dismissed;                             /* at cut_at, it has no slots any more */
    bool parted;                                /* it has said goodbye */
    char why[256];                              /* its connection went, the last time */
    size_t trainers;                            /* as many as it said hello with, where there was room */
    int *slots;
    size_t count;
    struct rung_remote_awaited *awaited;
    size_t awaited_count, awaited_capacity;
};

struct rung_remote_job {
    int64_t number;
    char *state_in, *state_out; /* NULL: none */
};

struct rung_remote_slot {
    struct rung_remote_worker *worker; /* NULL: absent */
    int index;                         /* of the worker's trainers */
    bool alive, ready;
    double job_at;                                   /* when its first job was begun, as far as is known */
    int64_t life;                                    /* how often a trainer was started here */
    const char *metric, *log_folder;                 /* of its start; borrowed while it is alive, then NULL */
    off_t log_start;                                 /* in its log, of what it printed; -1: nothing came */
    struct rung_remote_job jobs[RUNG_EXECUTOR_JOBS]; /* that it has, the first one first */
    size_t job_count;
    char *log; /* what it printed last, where the present message says that */
};

struct rung_remote {
    struct event_base *base;
    struct rung_remote_options options;
    struct rung_executor executor;
    struct rung_executor_listener listener;
    struct rung_wire_tls *tls;
    int port;
    struct rung_greeter *greeter;
    struct event *leases;
    struct rung_remote_worker *workers;
    struct rung_remote_slot *places; /* RUNG_REMOTE_SLOTS */
    char *warnings[RUNG_REMOTE_WARNINGS];
    size_t warning_count;
    struct rung_remote_use past; /* of workers that are gone */
    struct rung_buf text, line;
    bool closing; /* nobody listens any more */
};

struct rung_remote_slot *rung_remote_slot_at(void *remote, int slot);
/* NULL: it has no job of that number. */
struct rung_remote_job *rung_remote_job(const struct rung_remote_slot *place, int64_t number);
void rung_remote_clear_job(struct rung_remote_slot *place, struct rung_remote_job *job); /* it is over */
struct rung_executor rung_remote_orders(struct rung_remote *remote);

/* Of a worker that is there, or is just going. */
struct rung_remote_use rung_remote_worker_use(const struct rung_remote_worker *worker, double now);
struct rung_remote_worker *rung_remote_find(const struct rung_remote *remote, const char *launched);

void rung_remote_warn(struct rung_remote *remote, const char *text); /* once */
void rung_remote_tell_joined(const struct rung_remote_worker *worker);
void rung_remote_tell_gone(const struct rung_remote_worker *worker, const char *why);

void rung_remote_hear_late(struct rung_remote_worker *worker, const struct rung_json *message,
                           const char *file);
/* Where the state of a late result that begins to come is kept, or NULL; the caller frees it. */
char *rung_remote_late_place(const struct rung_remote_worker *worker, uint64_t stream);
void rung_remote_free_awaited(struct rung_remote_worker *worker);

#endif
