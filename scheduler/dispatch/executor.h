/*
 * What executes jobs: forked trainers, later workers elsewhere, or a virtual clock. The engine knows trainers
 * only through this interface; an executor knows nothing of searches, attempts or priorities.
 *
 * A slot is one place for a trainer, 0 … slots-1. Its life: start -> ready (a message) -> busy <-> idle ->
 * gone. After `gone` the slot is empty and may be started again. Some may be absent: they come and go with
 * the machines that have them. Times are seconds of the executor's clock.
 */
#ifndef RUNG_DISPATCH_EXECUTOR_H
#define RUNG_DISPATCH_EXECUTOR_H

#include "base/buf.h"
#include "base/err.h"
#include "core/spec.h"
#include "dispatch/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_EXECUTOR_JOBS 4 /* that a slot may have at one time */

/* How a trainer ended. */
struct rung_exit {
    bool signaled; /* ended by signal `number`, else with exit status `number` */
    int number;
    bool by_us;         /* the executor sent a signal before it ended */
    bool out_of_memory; /* the kernel says that it was killed for memory */
    bool worker_gone;   /* with the worker that kept it, of which nothing more is known */
    bool dismissed;     /* that worker was not needed any more */
    bool parted;        /* that worker has said that it leaves */
};

/* A result of a training job whose trainer was given up with its worker, which has come back. */
struct rung_late {
    const char *identity; /* of its search */
    uint32_t model;
    int64_t job, from, to; /* as it was sent */
    int64_t trainer;       /* slot at that time */
    bool has_state;        /* the trainer saved one */
};
struct rung_late_wanted {
    struct rung_buf *state; /* path where its state is to be put before it is told; empty without one */
    const char *metric;     /* to read it with */
};

/* What an executor tells the engine. Called from within the executor's own pass, never from within
 * one of the functions below. */
struct rung_executor_listener {
    void *context;
    /* One message; the listener keeps nothing of it. */
    void (*message)(void *context, int slot, const struct rung_proto_message *message, double now);
    /* What came was no message: over the limit, not JSON, a field missing or of the wrong type. */
    void (*violation)(void *context, int slot, const char *reason, double now);
    /* It has closed its socket: it will end, or be ended; nothing should be sent to it any more. unread: it
     * has not read all that it was sent, so it does not know of its job. */
    void (*closing)(void *context, int slot, bool unread, double now);
    /* A job that was sent ahead was not begun, and will not be: the slot does not have it any more. */
    void (*returned)(void *context, int slot, int64_t job, double now);
    /* The trainer has ended and nothing more will come from it. */
    void (*gone)(void *context, int slot, const struct rung_exit *exit, double now);
    /* A slot that was absent is there, and empty; or it is there no more: it was empty. */
    void (*joined)(void *context, int slot, double now);
    void (*left)(void *context, int slot, double now);
    /* Whether a late result would be taken, which may be asked before its state has travelled. One that is
     * not is never offered again, and counted. */
    bool (*wanted)(void *context, const struct rung_late *late, struct rung_late_wanted *wanted, double now);
    /* It, after it was wanted, though it may not be any more: the last of what its trainer said, which is
     * progress but for that. */
    void (*late)(void *context, const struct rung_late *late, const struct rung_proto_message *messages,
                 size_t count, double now);
};

/* A trainer to be started, of whatever search. What it points to is borrowed until it is gone. */
struct rung_start {
    struct rung_proto_start line; /* the first message to it */
    const struct rung_trainer_spec *trainer;
    const char *identity; /* of its search, unlike any other's, whichever process runs it */
    const char *metric;   /* objective.metric, to read its results with */
    /* Of one on this machine; absolute: its working directory, and where its log is kept. */
    const char *folder, *log_folder;
};

/* Where a slot is. */
struct rung_place {
    const char *host; /* name of the machine */
    const char *kind; /* "local" or "remote" */
};

struct rung_executor {
    void *self;
    size_t slots, absent; /* in all; the last so many of them are not there at first */
    /* Of a slot that is not absent; valid until it is. */
    struct rung_place (*place)(void *self, int slot);
    /* Starts a trainer in an empty slot and sends it `start`. RUNG_EFAIL: it cannot be started (the reason
     * says why). */
    int (*start)(void *self, int slot, const struct rung_start *start, struct rung_err *err);
    void (*job)(void *self, int slot, const struct rung_proto_job *job);
    /* Of slots that are far away; else NULL. Whether a job may be sent ahead, to wait there until the one
     * that the slot has is over; RUNG_EXECUTOR_JOBS are the most that it may have. */
    bool (*takes_ahead)(void *self, int slot);
    void (*evaluate)(void *self, int slot, const struct rung_proto_job *job);
    /* Goes out with the next job or evaluate. */
    void (*forget)(void *self, int slot, uint32_t model);
    /* Asks it to leave: `stop` and end of file, SIGTERM 5 s later, SIGKILL another 2 s later. */
    void (*stop)(void *self, int slot);
    /* Ends it now (SIGKILL to its session); what it still says is dropped. `gone` follows. */
    void (*kill)(void *self, int slot);
    /* Appends the last `lines` lines of what the slot's trainer printed; valid until the slot is started
     * again. */
    void (*log_tail)(void *self, int slot, size_t lines, struct rung_buf *out);
    /* Of slots that several share; else NULL. given_up: nothing will be started any more in the slot, which
     * is empty. recalled: the slot is one of those of which some are wanted back. */
    void (*given_up)(void *self, int slot);
    bool (*recalled)(void *self, int slot);
};

#endif
