/* What `rung simulate` simulates: a recorded search or a spec, its runs on the virtual clock, and what is
 * said of them. */
#ifndef RUNG_CLI_SIMULATION_H
#define RUNG_CLI_SIMULATION_H

#include "base/err.h"
#include "cli/options.h"
#include "cli/rows.h"
#include "cli/specfile.h"
#include "cli/stored.h"
#include "core/plan.h"
#include "forecast/recording.h"
#include "forecast/replayed.h"
#include "forecast/timemodel.h"
#include "forecast/virtual.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the source ---- */

struct rung_simulation_times {
    double fit_seconds, score_seconds;      /* NaN: not given */
    double overhead_seconds, start_seconds; /* NaN: not given */
    bool losses;                            /* attempts are lost by chance: not those recorded too */
    bool last;                              /* scores that are not recorded: the last one before */
    const char *model;                      /* named time model; NULL: not given */
    uint64_t seed;                          /* of the time model */
};

struct rung_simulation_source {
    const char *path;
    bool recorded; /* a database; else a spec */
    const char *name;
    struct rung_search_spec spec; /* to simulate */
    double overhead_seconds, start_seconds, end_seconds;
    bool own_times;   /* all durations are the recorded ones */
    int64_t max_jobs; /* where the search itself has no end */
    /* recorded */
    struct rung_store *store;
    struct rung_stored stored;
    struct rung_recording recording;
    struct rung_replayed *replayed;
    /* a spec */
    struct rung_specfile file;
    struct rung_plan plan;
    struct rung_timemodel model;
};

/* Opens what lies at the operand: a database by its first bytes, else a spec. Applies --set and --search.
 * RUNG_EUSE. Close with rung_simulation_close, also after a failure. */
int rung_simulation_open(struct rung_simulation_source *source, const struct rung_arguments *arguments,
                         const struct rung_simulation_times *times, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_simulation_close(struct rung_simulation_source *source);

/* ---- a run ---- */

struct rung_simulation_run {
    size_t trainers;
    enum rung_priority priority;
    const char *order; /* of brackets, as it was given */
    struct rung_virtual_result result;
    struct rung_replayed_counts counts;
    double seconds;          /* the clock at the end of the search, its ending included */
    double work;             /* training, scoring and what lies around each job, in trainer-seconds */
    double best_at, near_at; /* when the best score was reached, and one within 5 % of it; NaN: never */
    double longest;          /* seconds of training and scoring of the model that took most of them */
};

/* options: all but search, oracle and expect, which are the source's. */
int rung_simulation_run(struct rung_simulation_run *run, struct rung_simulation_source *source,
                        const struct rung_virtual_options *options, struct rung_err *err) RUNG_CHECK_RESULT;

/* Of all that were reported; NaN: none. */
double rung_simulation_best(const struct rung_simulation_run *run);

/* ---- reports ---- */

struct rung_simulation_report {
    const struct rung_simulation_source *source;
    const struct rung_simulation_run *runs;
    size_t count;
    enum rung_virtual_unit unit;
    bool priorities, orders; /* several of them were compared */
};

void rung_simulation_print(const struct rung_simulation_report *report, enum rung_format format);
/* Plots; either path may be NULL. */
int rung_simulation_plot(const struct rung_simulation_report *report, const char *scores_path,
                         const char *times_path, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
