/*
 * Trainers forked on this machine: started with posix_spawn in sessions of their own, spoken to over a socket
 * at $RUNG_FD, reaped, their output kept in log files.
 */
#ifndef RUNG_DISPATCH_LOCAL_H
#define RUNG_DISPATCH_LOCAL_H

#include "dispatch/executor.h"

struct event_base;
struct rung_local;

struct rung_local *rung_local_create(struct event_base *base, size_t slots);
/* Ends whatever still runs with SIGKILL and reaps it. NULL is allowed. */
void rung_local_free(struct rung_local *local);

/* The interface; lives as long as local. */
struct rung_executor *rung_local_executor(struct rung_local *local);
/* Appends what the slot's trainer has printed since this was asked last, at most so many bytes; a line that
 * has not ended only when it has, or nothing was printed since. */
void rung_local_follow_log(struct rung_local *local, int slot, size_t most, struct rung_buf *out);
/* Who hears; to be set before the first start. */
void rung_local_listen(struct rung_local *local, struct rung_executor_listener listener);

#endif
