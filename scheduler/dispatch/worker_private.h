/* What the files of a worker share. worker.c: its connection, sessions, and trainers' lives. worker_jobs.c:
 * what its trainers have to do, and what they say. */
#ifndef RUNG_DISPATCH_WORKER_PRIVATE_H
#define RUNG_DISPATCH_WORKER_PRIVATE_H

#include "base/buf.h"
#include "dispatch/cache.h"
#include "dispatch/executor.h"
#include "dispatch/lates.h"
#include "dispatch/local.h"
#include "dispatch/peer.h"
#include "dispatch/said.h"
#include "dispatch/worker.h"

enum { RUNG_WORKER_SIGNALS = 3, RUNG_WORKER_WHYS = 16, RUNG_WORKER_WHY = 400 };

struct rung_work_job {
    bool evaluate, save, has_state;
    bool waits; /* for its state */
    int64_t job, model, from, to;
    uint32_t seed;
    struct rung_buf parameters;
    double since; /* it came */
};

/* What a slot's trainer is, and has to do. */
struct rung_work {
    struct rung_trainer_spec trainer;
    char *metric, *identity; /* of its search */
    uint32_t search;         /* in the cache */
    int64_t number;          /* the scheduler's of the trainer */
    int64_t life;
    bool alive;
    struct rung_work_job jobs[RUNG_EXECUTOR_JOBS]; /* in the order in which they came */
    size_t count;
    bool begun; /* the trainer has the first one */
};

struct rung_worker {
    const struct rung_worker_options *options;
    struct event_base *base;
    struct rung_wire_tls *tls;
    struct rung_wire *greeting; /* a connection on which no welcome came yet */
    struct rung_peer *peer;     /* NULL before the first welcome */
    struct rung_local *local;
    struct rung_cache *cache;
    struct rung_lates lates;
    struct rung_work *work; /* per slot */
    char id[RUNG_SAID_ID_TEXT], session[RUNG_SAID_ID_TEXT];
    struct event *again, *watch, *signals[RUNG_WORKER_SIGNALS];
    double back_off, alone_since; /* alone_since: NaN while connected */
    char why[RUNG_WORKER_WHY];    /* there was no scheduler, the last time it was tried; "" until then */
    char *whys[RUNG_WORKER_WHYS]; /* that were told since it was connected */
    size_t why_count;
    double leave_at; /* INFINITY: not leaving */
    bool over;
    unsigned ticks;
    struct rung_err end; /* with which it ends; code 0: well */
    struct rung_buf text;
};

/* A message about a slot: begun, what else it says, and sent. */
void rung_worker_begin_report(struct rung_worker *worker, const char *type, int slot);
void rung_worker_add_log(struct rung_worker *worker, int slot);
void rung_worker_end_report(struct rung_worker *worker);

void rung_worker_take_job(struct rung_worker *worker, int slot, const struct rung_json *message,
                          bool evaluate);
void rung_worker_take_state(struct rung_worker *worker, int slot, const struct rung_json *message,
                            const char *file);
void rung_worker_forget(struct rung_worker *worker, int slot, uint32_t model);
/* Where a state that begins to come is kept, or NULL; the caller frees it. */
char *rung_worker_state_place(const struct rung_worker *worker, uint64_t stream);
/* Its trainer says something. */
void rung_worker_heard(void *worker, int slot, const struct rung_proto_message *message, double now);
/* Without a result: what the trainer saved is of no use. */
void rung_worker_drop_jobs(struct rung_worker *worker, int slot);
/* Jobs that have waited long for the one before them are the scheduler's again. */
void rung_worker_give_back(struct rung_worker *worker, double now);
void rung_worker_free_jobs(struct rung_work *work);

#endif
