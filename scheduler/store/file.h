/*
 * What lies at the path of a database, found out before SQLite touches it: looking changes nothing on disk.
 */
#ifndef RUNG_STORE_FILE_H
#define RUNG_STORE_FILE_H

#include "base/err.h"
#include "store/store.h"

#include <stdbool.h>

#define RUNG_FILE_APPLICATION 0x52554e47 /* "RUNG": the application_id of our databases */

/* The absolute path behind path, all symbolic links followed; what it names need not exist, its folder must.
 * NULL with errno set. The caller frees it. */
char *rung_file_resolve(const char *path);

/* Whether the file at real (as resolved from path, which messages name) can be opened in this mode. *empty:
 * it is missing, has 0 bytes, or whoever began to make it has not come to the end, which only CREATE allows.
 * The errors of rung_store_open that need no lock and no SQLite. */
int rung_file_check(const char *path, const char *real, enum rung_store_mode mode, bool *empty,
                    struct rung_err *err) RUNG_CHECK_RESULT;

/* RUNG_EUSE: whoever began to make the database has not come to the end. */
int rung_file_unmade(const char *path, struct rung_err *err);

/* Whether this process may write the file and create others beside it. */
bool rung_file_writable(const char *real);

/* The name of the network file system that statfs calls magic, NULL when it is a local one. */
const char *rung_file_network(unsigned long magic);

#endif
