/*
 * One search, run to its end on this machine: what `rung run` and `rung resume` do between reading their
 * arguments and printing the leaderboard. Owns the loop, the trainers and the signal handlers while it runs.
 */
#ifndef RUNG_DISPATCH_SESSION_H
#define RUNG_DISPATCH_SESSION_H

#include "base/err.h"
#include "core/search.h"
#include "core/spec.h"
#include "dispatch/address.h"
#include "dispatch/key.h"
#include "dispatch/note.h"
#include "store/record.h"
#include "store/store.h"

#include <stddef.h>
#include <stdint.h>

/* A snapshot for displays, cheap to take at any time. */
struct rung_session_view {
    const struct rung_search *search;
    size_t trainers, busy; /* present (ready or busy), busy */
    int64_t calls_done;    /* recorded */
    int64_t calls_planned; /* of what is still planned and done; INT64_MAX when without end */
    uint32_t leader;       /* best score so far: model, RUNG_NO_MODEL */
    double leader_score;   /* as reported */
    double elapsed;        /* running time over all starts, seconds */
    double remaining;      /* estimate in seconds from the rate of this start; NaN when unknown */
    /* From forecasts, where the display has them; NaN: unknown. Intervals hold 8 times of 10. */
    double remaining_low, remaining_high;
    double final_score, final_low, final_high; /* of the leader, trained to final_calls */
    int64_t final_calls;
};

/* Where workers may come. */
struct rung_session_listen {
    struct rung_address address;
    struct rung_key key;
    double beat; /* seconds between heartbeats */
};

/* Workers that Slurm starts, which come to where it listens. Paths are absolute. */
struct rung_session_slurm {
    size_t most;           /* at one time */
    const char *program;   /* rung, as the nodes find it */
    const char *key;       /* file, likewise */
    const char *folder;    /* of their logs; NULL: that of the search */
    const char *host;      /* name or address of this machine */
    double orphan_timeout; /* seconds without a scheduler until they leave */
};

struct rung_session_options {
    const struct rung_spec *spec;
    struct rung_store *store;
    struct rung_record *record;               /* created or reopened, committed */
    struct rung_search *search;               /* fresh (START not yet fed), or replayed */
    const char *name;                         /* the search's name in the database */
    const char *folder;                       /* working directory of the trainers, absolute */
    size_t trainers;                          /* local trainers, >= 1; 0 only where workers can come */
    const struct rung_session_listen *listen; /* NULL: no workers */
    int *socket; /* that listens there already; -1 when the session has it. NULL: it opens one */
    const struct rung_session_slurm *slurm; /* NULL: none of them come from Slurm; needs listen */
    double elapsed_before;                  /* running time of earlier starts */
    double time_limit;                      /* of this start, seconds; INFINITY: none */
    const struct rung_watcher *watchers;
    size_t watcher_count;
    /* Called at most `display_hz` times a second while it runs and once at the end; may be NULL. */
    void (*display)(void *context, const struct rung_session_view *view);
    void *display_context;
    double display_hz;
    /* For search.priority "critical": expected seconds of training model from `from` to `to` calls and
     * scoring it; NULL: a second a call. */
    double (*expect)(void *context, uint32_t model, int64_t from, int64_t to);
    void *expect_context;
};

enum rung_session_end { RUNG_END_FINISHED, RUNG_END_FAILED, RUNG_END_LIMIT, RUNG_END_INTERRUPTED };

struct rung_session_result {
    enum rung_session_end end;
    char reason[512];  /* why it ended so; empty when finished */
    const char *limit; /* RUNG_END_LIMIT: its key in the spec, static; NULL: the time_limit of this start */
    uint32_t best;     /* RUNG_NO_MODEL when none is usable */
    char left[128];    /* what Slurm calls workers that it may still have; empty: it has none */
};

/* Runs until the search is done, a limit is reached or the user interrupts it. The record's status is
 * committed at the end. result->left is set in any case. RUNG_EFAIL when recording failed (disk full …):
 * trainers are ended, what was committed stays. */
int rung_session_run(const struct rung_session_options *options, struct rung_session_result *result,
                     struct rung_err *err) RUNG_CHECK_RESULT;

#endif
