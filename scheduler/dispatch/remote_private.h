/* What the files of the remote executor share. remote.c: workers, their leases and what they say.
 * remote_orders.c: what they are told. remote_late.c: results that they bring when they come back. */
#ifndef RUNG_DISPATCH_REMOTE_PRIVATE_H
#define RUNG_DISPATCH_REMOTE_PRIVATE_H

#include "base/buf.h"
#include "dispatch/greeter.h"
#include "dispatch/peer.h"
#include "dispatch/remote.h"
#include "dispatch/said.h"

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
    int *slots;
    size_t count;
    struct rung_remote_awaited *awaited;
    size_t awaited_count, awaited_capacity;
};

struct rung_remote_slot {
    struct rung_remote_worker *worker; /* NULL: absent */
    int index;                         /* of the worker's trainers */
    bool alive;
    int64_t life;                    /* how often a trainer was started here */
    const char *metric, *log_folder; /* of its start; borrowed while it is alive */
    int64_t job;                     /* that it has, or -1 */
    char *state_in;                  /* of that job, NULL: none */
    char *state_out;                 /* likewise */
    char *log;                       /* what it printed last, as far as it was told */
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
    struct rung_buf text, line;
    bool closing; /* nobody listens any more */
};

struct rung_remote_slot *rung_remote_slot_at(void *remote, int slot);
/* It has none any more. */
void rung_remote_clear_job(struct rung_remote_slot *place);
struct rung_executor rung_remote_orders(struct rung_remote *remote);

void rung_remote_hear_late(struct rung_remote_worker *worker, const struct rung_json *message,
                           const char *file);
/* Where the state of a late result that begins to come is kept, or NULL; the caller frees it. */
char *rung_remote_late_place(const struct rung_remote_worker *worker, uint64_t stream);
void rung_remote_free_awaited(struct rung_remote_worker *worker);

#endif
