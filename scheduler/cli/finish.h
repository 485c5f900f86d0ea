/* The end of a search: what is printed, what is run, with which code the program ends. */
#ifndef RUNG_CLI_FINISH_H
#define RUNG_CLI_FINISH_H

#include "base/buf.h"
#include "base/err.h"
#include "core/spec.h"
#include "dispatch/session.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdio.h>

struct rung_finish {
    const char *database;
    const char *search;
    bool named;               /* commands that are told need --search */
    bool done;                /* nothing is left that a resume could do */
    const char *again;        /* options that a resume needs, too, each behind a blank; NULL: none */
    const char *limit;        /* key of the limit that a resume has to lift, or NULL */
    FILE *out;                /* for the ending; NULL: print none */
    size_t columns;           /* of the table, where out is no terminal; 0: as many as it has */
    struct rung_store *store; /* the database, where it is open already; else NULL */
    const char *daemon;       /* options by which commands reach the daemon that ran it; NULL: none did */
    bool elsewhere;           /* the user is not where the database is */
};

/* Prints the five best, the best one's test score and the commands a user wants next. Reads the database,
 * which nobody needs to hold open. */
int rung_finish_print(const struct rung_finish *finish, struct rung_err *err) RUNG_CHECK_RESULT;

/* The exit status for how the search ended. Unless it is 0, err says how, and the way out. */
int rung_finish_outcome(const struct rung_finish *finish, const struct rung_session_result *result,
                        struct rung_err *err);
/* The same, said on standard error. For a status of 1 it is a negative code, with err filled. */
int rung_finish_status(const struct rung_finish *finish, const struct rung_session_result *result,
                       struct rung_err *err);

/* The way out of err becomes "rung VERB DB", with --search and --set where they are needed; a remedy stays in
 * front of it. */
void rung_finish_way_out(const struct rung_finish *finish, const char *verb, struct rung_err *err);

/* Runs the spec's on_end, if it has one, in folder, and waits for it. What goes wrong there is said and
 * changes nothing. */
void rung_finish_on_end(const struct rung_finish *finish, char *const *on_end, const char *folder);
/* What it is run with: an environment of its own, freed by the second one. */
char **rung_finish_environment(const struct rung_finish *finish);
void rung_finish_free_environment(char **environment);
/* Appends what is to be said of how it ended (status as of waitpid), nothing when all is well. */
void rung_finish_on_end_note(struct rung_buf *out, const char *program, int status);

#endif
