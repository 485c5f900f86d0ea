/* What run and resume have in common: their options, the session with its display and events file, the
 * ending. */
#ifndef RUNG_CLI_LAUNCH_H
#define RUNG_CLI_LAUNCH_H

#include "base/err.h"
#include "cli/hire.h"
#include "cli/options.h"
#include "cli/specfile.h"
#include "core/search.h"
#include "core/spec.h"
#include "dispatch/events.h"
#include "dispatch/session.h"
#include "store/record.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

struct rung_launch {
    size_t trainers;
    bool listens; /* for workers, at: */
    struct rung_session_listen listen;
    int socket;            /* that listens there, -1: none */
    struct rung_hire hire; /* workers from Slurm, or none */
    double time_limit;     /* seconds; INFINITY: none */
    bool quiet;
    struct rung_events *events; /* NULL without --events */
    const char *events_path;
    bool events_made; /* the file was not there before */
};

/* What is wrong with these options of any search. RUNG_EUSE. */
int rung_launch_check(const struct rung_arguments *arguments, struct rung_err *err) RUNG_CHECK_RESULT;
/* Only workers can train: there are no trainers here. */
bool rung_launch_elsewhere(const struct rung_arguments *arguments, const struct rung_spec *spec);
/* The options with which a resume has the same workers, as in rung_finish; the caller frees them. */
char *rung_launch_again(const struct rung_arguments *arguments);

/* Reads --trainers, --listen and --key, --slurm, --time-limit, --quiet, listens, and opens --events, which
 * may not be the database. folder: of the spec. RUNG_EUSE. End with rung_launch_free, or with
 * rung_launch_cancel where nothing was started, which takes a new events file and a new key away again. */
int rung_launch_prepare(struct rung_launch *launch, const struct rung_arguments *arguments,
                        const struct rung_spec *spec, const char *database, const char *folder,
                        struct rung_err *err) RUNG_CHECK_RESULT;
/* Reads what a daemon takes of these: --trainers, --listen, --key, --heartbeat, --quiet. RUNG_EUSE. Nothing
 * is to be freed. */
int rung_launch_daemon(struct rung_launch *launch, const struct rung_arguments *arguments,
                       struct rung_err *err) RUNG_CHECK_RESULT;
void rung_launch_free(struct rung_launch *launch);
void rung_launch_cancel(struct rung_launch *launch);

struct rung_launch_search {
    const char *database;
    const char *name;   /* in the database */
    bool named;         /* the user chose it by --search */
    const char *folder; /* of the trainers */
    const struct rung_spec *spec;
    struct rung_store *store;
    struct rung_record *record; /* committed */
    struct rung_search *search;
    const char *again; /* of rung_launch_again, or NULL */
    double elapsed;    /* of earlier starts */
};

/* Runs the search to its end, closes record and store (both NULL afterwards), prints the ending, runs on_end.
 * The exit status, or a negative code. */
int rung_launch_run(struct rung_launch *launch, struct rung_launch_search *search, struct rung_err *err);

/* Prints the ending of a search that has nothing left to do, unless --quiet. */
int rung_launch_print(const struct rung_launch_search *search, bool quiet,
                      struct rung_err *err) RUNG_CHECK_RESULT;

#endif
