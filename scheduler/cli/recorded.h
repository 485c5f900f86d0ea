/* A search in the database, read into a recording. */
#ifndef RUNG_CLI_RECORDED_H
#define RUNG_CLI_RECORDED_H

#include "base/err.h"
#include "cli/stored.h"
#include "forecast/recording.h"
#include "store/store.h"

/* Reads and completes the recording of a search that rung_stored_load found. Free out with
 * rung_recording_free, also after a failure. */
int rung_recorded_load(struct rung_recording *out, struct rung_store *store, const struct rung_stored *stored,
                       struct rung_err *err) RUNG_CHECK_RESULT;

#endif
