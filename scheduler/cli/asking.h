/*
 * Commands for a daemon: where it is, what every command tells it, and what it answers: notes and errors to
 * standard error, results to standard output.
 */
#ifndef RUNG_CLI_ASKING_H
#define RUNG_CLI_ASKING_H

#include "base/buf.h"
#include "base/err.h"
#include "cli/options.h"
#include "dispatch/client.h"

#include <stdbool.h>

struct rung_spool;

#define RUNG_ASKING_DATABASE "rung.db" /* in the current directory, where none is named */

/* The socket of a daemon that serves database, and the options by which commands reach it; the caller frees
 * them. */
char *rung_asking_socket(const char *database);
char *rung_asking_way(const char *database);
/* "rung submit OPTIONS NAME --set KEY=null WAY", without --set where key is NULL; options ends with
 * "--resume". The caller frees it. */
char *rung_asking_resume(const char *options, const char *name, const char *key, const char *way);
/* After a database could not be opened for writing, since another process does: where that is a daemon, it
 * is who can be told `command`; or the one that needs the database for itself has to wait until the daemon
 * has ended. The way out of err says so. */
void rung_asking_instead(struct rung_err *err, const char *database, const char *command);
void rung_asking_afterwards(struct rung_err *err, const char *database, const char *command);

struct rung_asking {
    const char *database; /* NULL: the daemon is elsewhere, at: */
    struct rung_address address;
    struct rung_key key;
    char *socket, *way;
    bool quiet;
    struct rung_buf command; /* a JSON object without its closing brace */
    char *search, *status;   /* as the daemon told them, or NULL */
    char *limit;             /* key of what has stopped the search, or "" */
    /* To be set by who gives the command; all but the context may be NULL. */
    void *context;
    void (*begun)(void *context, struct rung_client *client);
    void (*interrupted)(void *context, struct rung_client *client);
    void (*resized)(void *context, struct rung_client *client);
    bool shown;               /* something was poured to standard error */
    struct rung_spool *spool; /* of the answer to a question; NULL: it is printed as it comes */
};

/* Reads --db, or --to and --key, and --quiet, and begins the command. RUNG_EUSE. Close with
 * rung_asking_close, also after a failure. */
int rung_asking_open(struct rung_asking *asking, const struct rung_arguments *arguments, const char *command,
                     struct rung_err *err) RUNG_CHECK_RESULT;
void rung_asking_close(struct rung_asking *asking);
void rung_asking_add(struct rung_asking *asking, const char *key, const char *value);
/* Gives the command and hears the answer: the exit status, or a negative code. */
int rung_asking_give(struct rung_asking *asking, struct rung_err *err);

/* list, top or show, where --db or --to say that a daemon is to be asked: the exit status, or a negative
 * code. *asked: it was; else a database is named, or the operand is missing (RUNG_EUSE). */
int rung_asking_question(const char *command, const struct rung_arguments *arguments, bool *asked,
                         struct rung_err *err);

#endif
