/*
 * Model states and logs: files beside the database. FILE.states/SEARCH/MODEL.CALLS is a recorded state,
 * FILE.states/SEARCH/MODEL.CALLS.JOB one attempt's; FILE.logs/SEARCH/TRAINER.log what a trainer printed.
 * The paths are those of the database file, so that all three can be moved together.
 */
#ifndef RUNG_STORE_STATES_H
#define RUNG_STORE_STATES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rung_states;

/* Makes the two folders for one search (absolute paths inside, whatever the working directory becomes).
 * RUNG_EFAIL. */
int rung_states_open(struct rung_states **out, const char *database, const char *search,
                     struct rung_err *err) RUNG_CHECK_RESULT;
/* The same, but nothing is made: for who only looks. */
int rung_states_look(struct rung_states **out, const char *database, const char *search,
                     struct rung_err *err) RUNG_CHECK_RESULT;
/* Makes the folders again where somebody has removed them: *made is the first of those, NULL when both were
 * there. RUNG_EFAIL. */
int rung_states_keep(struct rung_states *states, const char **made, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_states_free(struct rung_states *states);

/* Absolute paths, appended to buf (cleared first). */
void rung_states_path(const struct rung_states *states, uint32_t model, int64_t calls, struct rung_buf *buf);
void rung_states_attempt_path(const struct rung_states *states, uint32_t model, int64_t calls, int64_t job,
                              struct rung_buf *buf);
const char *rung_states_log_folder(const struct rung_states *states); /* absolute */

/* Size of the recorded state, or -1 when it is missing. */
int64_t rung_states_size(const struct rung_states *states, uint32_t model, int64_t calls);
/* Size of an attempt's file, or -1. */
int64_t rung_states_attempt_size(const struct rung_states *states, uint32_t model, int64_t calls,
                                 int64_t job);
/* Bytes that can still be written to the folder; INT64_MAX where the system does not tell. */
int64_t rung_states_room(const struct rung_states *states);
/* The attempt becomes the model's state at `calls` (rename). RUNG_EFAIL. */
int rung_states_adopt(struct rung_states *states, uint32_t model, int64_t calls, int64_t job,
                      struct rung_err *err) RUNG_CHECK_RESULT;
void rung_states_remove(struct rung_states *states, uint32_t model, int64_t calls); /* missing is fine */
void rung_states_remove_attempt(struct rung_states *states, uint32_t model, int64_t calls, int64_t job);

/* Deletes every file in the search's states folder but those that keep() wants. Foreign names are left alone.
 */
typedef bool rung_states_keep_fn(void *context, uint32_t model, int64_t calls);
void rung_states_sweep(struct rung_states *states, rung_states_keep_fn *keep, void *context);

/* Copies a recorded state to a new file at `to` (RUNG_EUSE when it is missing or `to` cannot be written). */
int rung_states_copy(const struct rung_states *states, uint32_t model, int64_t calls, const char *to,
                     struct rung_err *err) RUNG_CHECK_RESULT;

/* Removes the states and logs of a search, for `rung delete`. */
int rung_states_delete(const char *database, const char *search, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
