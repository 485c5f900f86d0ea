/*
 * What accompanies a search while it runs: forecasts, which also give the order of jobs where the spec asks
 * for it, and displays, which may come and go.
 */
#ifndef RUNG_CLI_ATTEND_H
#define RUNG_CLI_ATTEND_H

#include "cli/progress.h"
#include "dispatch/note.h"
#include "dispatch/session.h"

#include <stdbool.h>

struct rung_attend;

/* session: the search's spec, search, store, name, trainers, elapsed_before and time_limit, all borrowed but
 * the store, from which earlier searches are read here. What it wants to be told is added: its watchers' last
 * one, for which there must be room, and expect.
 * in_turn: it shares its trainers with other searches: forecasts go by those that it has had lately. There
 * may be many such searches: of what was recorded earlier each reads only its own. */
struct rung_attend *rung_attend_create(struct rung_session_options *session, struct rung_watcher *watcher,
                                       bool in_turn);
void rung_attend_free(struct rung_attend *attend); /* NULL is allowed */

/* Else they are for the session's trainers and those that other machines have now, or, from now on, for so
 * many. */
void rung_attend_trainers(struct rung_attend *attend, size_t trainers);

/* The progress is borrowed until it is removed. */
void rung_attend_add(struct rung_attend *attend, struct rung_progress *progress);
void rung_attend_remove(struct rung_attend *attend, struct rung_progress *progress);
/* Draws in all displays; for rung_session_options.display, context is the attend. */
void rung_attend_display(void *context, const struct rung_session_view *view);

#endif
