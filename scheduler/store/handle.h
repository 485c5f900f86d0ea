/*
 * What a store consists of: for the files of this folder only.
 */
#ifndef RUNG_STORE_HANDLE_H
#define RUNG_STORE_HANDLE_H

#include "store/lock.h"
#include "store/stmt.h"
#include "store/store.h"
#include "store/walfile.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct rung_store {
    sqlite3 *db;
    char *path;         /* as given */
    char *real;         /* resolved */
    struct stat opened; /* what was there */
    struct stat index;  /* the same of its -shm; st_ino 0: there was none */
    enum rung_store_mode mode;
    struct rung_lock *lock;                    /* NULL in READ mode */
    struct rung_walfile *layer;                /* NULL in READ mode */
    sqlite3_stmt *statements[RUNG_STMT_COUNT]; /* prepared at first use */
    bool snapshot;                             /* the statement that keeps our read lock is open */
    bool open;                                 /* a transaction is */
    int wal_frames, checkpoint_at;             /* frames in the WAL, and how many make us checkpoint */
    uint64_t rollbacks; /* what was read before a rollback may have been undone by it */
};

/* Fills err from the connection's last error: "PATH: WHAT: WHY", WHAT as in "cannot record". A damaged file
 * is RUNG_EUSE. */
int rung_store_error(struct rung_store *store, const char *what, struct rung_err *err);
/* The same after one of our own statements could not be prepared: if SQLite understands it, then what is in
 * the file is not the schema that its version promises. */
int rung_store_misfit(struct rung_store *store, struct rung_err *err);

#endif
