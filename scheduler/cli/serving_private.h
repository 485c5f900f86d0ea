/* The parts of a daemon that know each other: searches, visits of callers, questions. */
#ifndef RUNG_CLI_SERVING_PRIVATE_H
#define RUNG_CLI_SERVING_PRIVATE_H

#include "base/buf.h"
#include "cli/attend.h"
#include "cli/finish.h"
#include "cli/progress.h"
#include "cli/serving.h"
#include "cli/stored.h"
#include "dispatch/child.h"
#include "dispatch/control.h"
#include "dispatch/daemon.h"

struct rung_served;   /* a search that runs, or waits for trainers */
struct rung_visit;    /* a caller, from its command to the answer */
struct rung_ending;   /* an on_end that runs */
struct rung_question; /* of a caller, from its process to the end of the answer */

struct rung_serving {
    const struct rung_serving_options *options;
    struct rung_store *store;
    struct rung_daemon *daemon;
    struct rung_served *searches;
    struct rung_visit *visits;
    struct rung_ending *endings;
    size_t questions;   /* whose processes run */
    size_t answers;     /* that are being sent */
    off_t answer_bytes; /* of these */
    bool drawing;       /* somebody watches a display */
    char *way;          /* options by which commands of this machine reach us */
};

struct rung_served {
    struct rung_serving *serving;
    struct rung_served *next;
    struct rung_stored stored; /* its name, folder, spec and state */
    struct rung_record *record;
    struct rung_session_options session;
    struct rung_watcher watchers[2];
    struct rung_attend *attend;
    struct rung_daemon_search *handle;
    int stops; /* how often it was told to stop */
};

enum rung_visit_state {
    RUNG_VISIT_NEW,
    RUNG_VISIT_GATHERING, /* its spec comes */
    RUNG_VISIT_WAITING,   /* for its search's end, and shown how it goes */
    RUNG_VISIT_STOPPING,  /* waits until its search has stopped */
    RUNG_VISIT_ASKING,
    RUNG_VISIT_OVER /* all was said */
};

struct rung_visit {
    struct rung_serving *serving;
    struct rung_visit *next;
    struct rung_caller *caller;
    enum rung_visit_state state;
    char *way;      /* options by which its commands reach us */
    char *database; /* as its commands name it; NULL: it is elsewhere */
    bool wait, quiet, live, colour;
    size_t columns, lines; /* of its display */
    size_t table;          /* columns of what it prints, 0 without limit */
    struct rung_buf spec;  /* as it comes */
    size_t expected;       /* bytes of it */
    char *folder, *program;
    struct rung_served *search;     /* that it waits for */
    struct rung_progress *progress; /* of it, or NULL */
    struct rung_question *question; /* that it asks, or NULL */
};

/* ---- searches (serving.c) ---- */

struct rung_served *rung_serving_find(const struct rung_serving *serving, const char *name);
/* Lets a search run whose row is there, "queued". stored and record belong to it, also after a failure. */
int rung_serving_add(struct rung_serving *serving, struct rung_stored *stored, struct rung_record *record,
                     struct rung_served **out, struct rung_err *err) RUNG_CHECK_RESULT;
/* Goes on with a search that does not run; *note (freed by the caller) is what is not as it was, or NULL. 3:
 * a limit is reached, which *key would lift; err says so. */
int rung_serving_resume(struct rung_serving *serving, const char *name, const char *const *assignments,
                        size_t count, struct rung_served **out, char **note, const char **key,
                        struct rung_err *err) RUNG_CHECK_RESULT;
/* A line for who watches the daemon. */
void rung_serving_log(const struct rung_serving *serving, const char *name, const char *format, ...)
    RUNG_PRINTF(3, 4);

/* ---- visits (serving_visit.c) ---- */

void rung_visit_said(void *context, struct rung_caller *caller, const struct rung_json *message);
void rung_visit_hung_up(void *context, struct rung_caller *caller);
void rung_visit_tick(void *context);

/* The last word. status: with which the caller's process ends; text: of its error, "" without. */
void rung_visit_end(struct rung_visit *visit, int status, const char *text, const char *way_out);
void rung_visit_fail(struct rung_visit *visit, const struct rung_err *err);
void rung_visit_note(struct rung_visit *visit, const char *text);
/* Its search is there: it waits for it, if it wants to. */
void rung_visit_accepted(struct rung_visit *visit, struct rung_served *search, const char *status);
/* To who wanted it to be stopped: what its status is now, and the key of the limit that has stopped it, or
 * NULL. */
void rung_visit_stopped(struct rung_visit *visit, const char *name, const char *status, const char *limit);
/* What is left to be done, with what the caller would type. */
struct rung_finish rung_visit_finish(const struct rung_visit *visit, const char *name, bool done);
void rung_visit_leaderboard(struct rung_visit *visit, const struct rung_finish *finish);
/* To all who wait for a search: how it has ended. */
void rung_visit_search_ended(struct rung_served *search, const struct rung_session_result *result,
                             bool parked);

/* To all who wait for anything: the daemon itself had to end. */
void rung_visit_daemon_failed(struct rung_serving *serving, const struct rung_err *why);

/* ---- orders (serving_orders.c) and questions (serving_ask.c) ---- */

typedef void rung_visit_order(struct rung_visit *visit, const struct rung_json *message);
rung_visit_order rung_visit_submit, rung_visit_resume, rung_visit_stop, rung_visit_ask;
void rung_visit_spec(struct rung_visit *visit, const struct rung_json *message); /* a part of it */
void rung_visit_forget_question(struct rung_visit *visit);

#endif
