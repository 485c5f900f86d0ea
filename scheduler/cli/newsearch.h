/* A new search in a database: what it is called there, and its row. */
#ifndef RUNG_CLI_NEWSEARCH_H
#define RUNG_CLI_NEWSEARCH_H

#include "base/err.h"
#include "core/search.h"
#include "core/spec.h"
#include "store/record.h"
#include "store/store.h"

#include <stdbool.h>

struct rung_newsearch {
    const struct rung_spec *spec;
    char *text;    /* of the spec, to be stored */
    char *folder;  /* of the trainers, absolute */
    char *program; /* "PATH sha256:HEX" */
};

/* wanted, or wanted-2, wanted-3, … behind searches that have ended; the caller frees *name. RUNG_EUSE: one of
 * that name can be resumed. daemon: options by which commands reach the daemon that owns the database, NULL
 * without one; again: those that a resume needs, as in rung_finish. */
int rung_newsearch_name(char **name, struct rung_store *store, const char *wanted, const char *daemon,
                        const char *again, struct rung_err *err) RUNG_CHECK_RESULT;

/* Makes its row, status "running" or "queued", and commits it. */
int rung_newsearch_record(struct rung_record **record, struct rung_store *store, char *name,
                          const struct rung_newsearch *what, const struct rung_search *search, bool queued,
                          struct rung_err *err) RUNG_CHECK_RESULT;

#endif
