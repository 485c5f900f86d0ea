/* Going on with a search of the database: what may be changed of it, what is not as it was, what forbids it.
 */
#ifndef RUNG_CLI_REOPEN_H
#define RUNG_CLI_REOPEN_H

#include "base/err.h"
#include "cli/stored.h"
#include "store/record.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

struct rung_reopen {
    char *spec;    /* the spec's new text */
    char *program; /* what the trainer's program is now */
    char *absent;  /* what is to be said where it is not here; else NULL */
    char *note;    /* NULL: nothing that a result can depend on has changed */
};

/* Overrides the stored spec with assignments KEY=VALUE, finds the program again (anywhere: it need not be on
 * this machine), and says what is not as it was. RUNG_EUSE. Free out with rung_reopen_free, also after a
 * failure. */
int rung_reopen_change(struct rung_reopen *out, struct rung_stored *stored, const char *const *assignments,
                       size_t count, bool anywhere, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_reopen_free(struct rung_reopen *reopen);

/* Of a replayed search: whether one of its limits is reached already. err then says which, without a way out;
 * *key is what a --set would lift. */
bool rung_reopen_limit(const struct rung_stored *stored, const char **key, struct rung_err *err);
/* A search without one usable model has nothing left to do either: RUNG_EFAIL with its ending, else 0. */
int rung_reopen_ended(const struct rung_stored *stored, struct rung_err *err) RUNG_CHECK_RESULT;

/* The search as it goes on: recorded as running, or queued, with its changes; committed. */
int rung_reopen_record(struct rung_record **record, struct rung_store *store,
                       const struct rung_stored *stored, const struct rung_reopen *reopen, bool queued,
                       struct rung_err *err) RUNG_CHECK_RESULT;

#endif
