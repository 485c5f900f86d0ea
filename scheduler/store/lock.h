/*
 * The write lock: DATABASE.lock, and DATABASE-wal for when somebody removes the former (SQLite locks no byte
 * of the WAL, and it stays as long as the database is open). Two record locks in each, which the kernel drops
 * when their owner ends, however that happens.
 *
 * Byte 1 of each has the lock that decides, of the kind that belongs to the open file: it holds between two
 * stores of one process too, and nothing that the process closes elsewhere lets it go. Byte 0 has one of the
 * POSIX kind, whose owner's id the kernel tells.
 */
#ifndef RUNG_STORE_LOCK_H
#define RUNG_STORE_LOCK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rung_lock;

/* database: the resolved path; shown: what messages call it. RUNG_EUSE when another process has it (named by
 * its id). */
int rung_lock_take(struct rung_lock **out, const char *database, const char *shown,
                   struct rung_err *err) RUNG_CHECK_RESULT;
/* The same for the WAL, once it is there: it cannot be taken away, as the lock file can. RUNG_EUSE as above.
 */
int rung_lock_wal(struct rung_lock *lock, const char *shown, struct rung_err *err) RUNG_CHECK_RESULT;
/* Whether the WAL that was locked still has its name; also where there was none. */
bool rung_lock_has_wal(const struct rung_lock *lock);
void rung_lock_release(struct rung_lock *lock); /* removes the file; NULL is allowed */

/* The process that holds the lock, 0 when none does, -1 when one does that cannot be named. */
int64_t rung_lock_owner(const char *database);

#endif
