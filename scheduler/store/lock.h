/*
 * The write lock: a POSIX record lock on DATABASE.lock. The kernel drops it when its owner ends, however that
 * happens.
 *
 * Record locks belong to a process, and closing any descriptor of the file lets them go: who holds the lock
 * must not ask for its owner through the file.
 */
#ifndef RUNG_STORE_LOCK_H
#define RUNG_STORE_LOCK_H

#include "base/err.h"

#include <stdint.h>

struct rung_lock;

/* database: the resolved path; shown: what messages call it. RUNG_EUSE when another process has it (named by
 * its id). */
int rung_lock_take(struct rung_lock **out, const char *database, const char *shown,
                   struct rung_err *err) RUNG_CHECK_RESULT;
void rung_lock_release(struct rung_lock *lock); /* removes the file; NULL is allowed */

/* The process that holds the lock, 0 when none does, -1 when one does that cannot be named. */
int64_t rung_lock_owner(const char *database);

#endif
