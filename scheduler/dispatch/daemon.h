/*
 * Many searches at once: engines that share the trainers of this machine and of workers, one loop around
 * them, and a door for commands. What a command means is its owner's affair.
 *
 * A search is shared fairly: while several have work, each gets as many trainers as any other, those that
 * want fewer than that leave the rest to the others. A trainer changes its search between two jobs.
 */
#ifndef RUNG_DISPATCH_DAEMON_H
#define RUNG_DISPATCH_DAEMON_H

#include "base/err.h"
#include "base/json.h"
#include "dispatch/session.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

struct rung_daemon;
struct rung_daemon_search; /* one of its searches, from add to ended */
struct rung_caller;        /* who gave a command, from its first message to hung_up */

struct rung_daemon_options {
    struct rung_store *store;
    size_t trainers;                          /* of this machine; 0 only where workers can come */
    const struct rung_session_listen *listen; /* for workers and commands from elsewhere; NULL: neither */
    const char *socket;                       /* path of the Unix socket for commands (mode 0600) */
    void *context;
    /* A search has ended: its status is committed, nothing of it runs any more. What was borrowed for it may
     * be freed; search is gone after the call. parked: it goes on when the daemon is started again. */
    void (*ended)(void *context, struct rung_daemon_search *search, void *search_context,
                  const struct rung_session_result *result, bool parked);
    /* A message of a caller, the first one and those after it. What it writes to the store it commits or
     * rolls back, both of which concern nothing else. */
    void (*said)(void *context, struct rung_caller *caller, const struct rung_json *message);
    /* The caller has gone, or was let go; not called from within the functions below. */
    void (*hung_up)(void *context, struct rung_caller *caller);
    /* The loop has started, and trainers and callers can come: searches may be added from here on. */
    int (*opened)(void *context, struct rung_daemon *daemon, int port, struct rung_err *err);
    /* The loop has ended, and every search with it: what else was made with its base is to be freed now. May
     * be NULL. */
    void (*closing)(void *context);
    /* Recording has failed, or the database is gone: everything ends. Callers can still be told; what is said
     * is on its way for a second. May be NULL. */
    void (*failed)(void *context, const struct rung_err *err);
    void (*warn)(void *context, const char *text); /* something that a user should know of, one line */
};

/* Runs until SIGINT, SIGTERM or SIGHUP: then no more jobs go out, those that run may end, and every search is
 * parked (status "queued"); a second signal stops at once. RUNG_EUSE: nothing can be listened to there, or
 * another daemon does. RUNG_EFAIL: recording failed; what was committed stays, the trainers of this
 * machine are ended, and `ended` is not called for the searches: what was borrowed for them is not used any
 * more at the return. However it ends, workers wait for the next daemon, as after a crash. */
int rung_daemon_run(const struct rung_daemon_options *options, struct rung_err *err) RUNG_CHECK_RESULT;

/* options: as of rung_session_run; its trainers, listen and display_hz are ignored, and watchers are copied.
 * Everything else in it is borrowed until `ended`. The search's status becomes "running" with its first
 * trainer. */
int rung_daemon_add(struct rung_daemon *daemon, const struct rung_session_options *options,
                    void *search_context, struct rung_daemon_search **out,
                    struct rung_err *err) RUNG_CHECK_RESULT;
/* As the first Ctrl-C: hands out no more of its jobs, waits for those that run; `ended` follows, with
 * RUNG_END_INTERRUPTED. A second time: ends those, too. */
void rung_daemon_stop(struct rung_daemon *daemon, struct rung_daemon_search *search);
/* A snapshot for displays. */
void rung_daemon_view(struct rung_daemon *daemon, struct rung_daemon_search *search,
                      struct rung_session_view *view);
/* Calls tick(context) so many times a second while it runs; 0: no more. For displays. */
void rung_daemon_tick(struct rung_daemon *daemon, double hz, void (*tick)(void *context), void *context);
struct event_base *rung_daemon_base(struct rung_daemon *daemon);

#endif
