/* A search read back from the database: its row, its spec, its state by replay. */
#ifndef RUNG_CLI_STORED_H
#define RUNG_CLI_STORED_H

#include "base/err.h"
#include "base/json.h"
#include "core/search.h"
#include "core/spec.h"
#include "store/record.h"
#include "store/replay.h"
#include "store/store.h"

#include <stdbool.h>

struct rung_stored {
    struct rung_search_row row;
    struct rung_json *json;
    struct rung_spec *spec;
    struct rung_search *search; /* NULL until replayed */
};

/* The search called name, the newest with NULL. RUNG_EUSE. Free out with rung_stored_free, also after a
 * failure. */
int rung_stored_load(struct rung_stored *out, struct rung_store *store, const char *name,
                     struct rung_err *err) RUNG_CHECK_RESULT;
/* Reads json again, after it was changed. */
int rung_stored_read_spec(struct rung_stored *stored, struct rung_err *err) RUNG_CHECK_RESULT;
/* Folds the record; RUNG_EUSE when it differs from what this program decides. */
int rung_stored_replay(struct rung_stored *stored, struct rung_store *store,
                       struct rung_err *err) RUNG_CHECK_RESULT;
void rung_stored_free(struct rung_stored *stored);

/* True when the search has ended, well or not, and there is nothing left of it to resume. Replays it where
 * its status alone does not tell. Negative on error. */
int rung_stored_ended(struct rung_stored *stored, struct rung_store *store,
                      struct rung_err *err) RUNG_CHECK_RESULT;

/* Sum of the calls that are recorded. */
int64_t rung_stored_calls(const struct rung_stored *stored);

#endif
