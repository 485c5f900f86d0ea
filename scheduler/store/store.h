/*
 * The database file: opening it, its lock, its schema. One process writes; any process reads (WAL).
 *
 * Everything in store/ speaks to SQLite through this handle; no other folder includes sqlite3.h.
 */
#ifndef RUNG_STORE_STORE_H
#define RUNG_STORE_STORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum rung_store_mode {
    RUNG_STORE_READ,  /* must exist; never writes, takes no lock */
    RUNG_STORE_WRITE, /* must exist; takes the lock */
    RUNG_STORE_CREATE /* made when missing; takes the lock */
};

#define RUNG_STORE_FREE_SPACE "free some space" /* the remedy where the disk is full */

struct rung_store;

/* Opens path. RUNG_EUSE, with nothing changed on disk, when: it is missing (READ, WRITE), is no SQLite
 * database, is a database of something else, has a newer schema (says both numbers), its folder or file
 * cannot be written (WRITE, CREATE), lies on a network file system (WRITE, CREATE; way out: --db on a local
 * disk), or another process holds the lock (its pid is named). An older schema is migrated step by step in
 * WRITE and CREATE mode, one transaction each. RUNG_EFAIL: I/O error or full disk. */
int rung_store_open(struct rung_store **out, const char *path, enum rung_store_mode mode,
                    struct rung_err *err) RUNG_CHECK_RESULT;
/* Checkpoints (in write mode), closes, lets the lock go. NULL is allowed. An open transaction is rolled back.
 */
void rung_store_close(struct rung_store *store);

/* Whether the file that was opened still has its name and its content, and its WAL and that one's index still
 * theirs: four system calls. RUNG_EFAIL, with a remedy for the file itself, when somebody has removed, moved,
 * replaced or emptied it; until it is closed, what was recorded stays in it. */
int rung_store_look(struct rung_store *store, struct rung_err *err) RUNG_CHECK_RESULT;

const char *rung_store_path(const struct rung_store *store); /* as given */
/* Process id that holds path's write lock, 0 when nobody does. Works in every mode. */
int64_t rung_store_owner(const struct rung_store *store);

/* One transaction at a time. begin is a no-op when one is open, commit when none is. A full disk or an I/O
 * error: RUNG_EFAIL with a text that says so; the transaction is rolled back and what was committed before is
 * intact. */
int rung_store_begin(struct rung_store *store, struct rung_err *err) RUNG_CHECK_RESULT;
int rung_store_commit(struct rung_store *store, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_store_rollback(struct rung_store *store);

#endif
