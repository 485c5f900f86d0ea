/*
 * The record of one search, open for writing: its row, its events with the decisions they caused, and the
 * facts around them (who ran what, when, how long; attempts that failed).
 *
 * Functions that write open a transaction when none is open; the caller ends it with rung_store_commit, so
 * all results of one pass share one commit. Errors are RUNG_EFAIL (disk full, I/O) unless stated.
 */
#ifndef RUNG_STORE_RECORD_H
#define RUNG_STORE_RECORD_H

#include "base/buf.h"
#include "core/event.h"
#include "core/plan.h"
#include "core/search.h"
#include "core/space.h"
#include "store/store.h"

#include <stdint.h>

struct rung_record;

#define RUNG_RECORD_ORPHAN "its scheduler ended" /* reason of an interrupted search whose process was killed */

/* What is known of a search when it is created, or read back. Strings are borrowed by create, owned by the
 * struct after load. */
struct rung_search_row {
    int64_t id;
    char *name;
    char *status; /* queued, running, interrupted, finished, failed; as stored, whoever is alive */
    char *reason; /* NULL or why it is in that status */
    char *spec;   /* JSON, after all overrides */
    char *folder; /* absolute; working directory of local trainers */
    char *algorithm, *goal, *metric;
    char *version, *host;
    char *program;      /* "PATH sha256:HEX" of the trainer's command */
    char *notes;        /* JSON array of texts: what was changed on resume; NULL when nothing */
    char *test_metrics; /* JSON or NULL: what `evaluate` answered for the best model */
    double started_at;  /* seconds since 1970, UTC */
    double finished_at; /* NaN while unfinished */
    double elapsed;     /* seconds of running time over all starts so far */
};
void rung_search_row_free(struct rung_search_row *row); /* the strings, not the struct */

/* Finds a search by name, or the newest with name NULL. RUNG_EUSE when there is none (the text lists the
 * names there are). */
int rung_record_find(struct rung_store *store, const char *name, struct rung_search_row *row,
                     struct rung_err *err) RUNG_CHECK_RESULT;
/* The names of all searches, the newest first. */
typedef void rung_record_name_fn(void *context, const char *name);
int rung_record_names(struct rung_store *store, rung_record_name_fn *each, void *context,
                      struct rung_err *err) RUNG_CHECK_RESULT;
/* Whether a search of that name is in the database; *row (may be NULL) as above. 1, 0 or a negative code. */
int rung_record_exists(struct rung_store *store, const char *name, struct rung_search_row *row,
                       struct rung_err *err) RUNG_CHECK_RESULT;

/* Inserts the search's row (row->id is ignored; status "running") and its brackets. Does not commit. space is
 * borrowed for as long as the record lives: models' parameters are drawn from it when their MODEL decision is
 * recorded. */
int rung_record_create(struct rung_record **out, struct rung_store *store, const struct rung_search_row *row,
                       const struct rung_plan *plan, const struct rung_space *space, uint64_t seed,
                       struct rung_err *err) RUNG_CHECK_RESULT;
/* Opens the record of an existing search to go on with it: status running again, no trainer left over as
 * present. */
int rung_record_reopen(struct rung_record **out, struct rung_store *store, const struct rung_search_row *row,
                       const struct rung_space *space, uint64_t seed, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_record_free(struct rung_record *record); /* NULL is allowed */

/* A text that no other search has, whatever database it is in, and this one keeps; appended to out. */
void rung_search_row_identity(struct rung_buf *out, const struct rung_search_row *row);
const char *rung_record_identity(const struct rung_record *record);

int64_t rung_record_id(const struct rung_record *record);
int64_t rung_record_events(const struct rung_record *record);  /* events so far, START included */
int64_t rung_record_results(const struct rung_record *record); /* the last seq, 0 before the first result */

/* The facts that come with a result; NaN and RUNG_NO_VALUE are null. */
#define RUNG_NO_VALUE INT64_MIN
struct rung_result_facts {
    uint32_t bracket;
    int32_t rung;        /* RUNG_NO_RUNG: null */
    const char *metrics; /* JSON object text or NULL */
    double fit_seconds, score_seconds;
    int64_t examples;
    int64_t trainer;     /* slot */
    int64_t state_bytes; /* size of the model's state file, RUNG_NO_VALUE without */
    double elapsed;      /* running time of the search, seconds */
    double at;           /* seconds since 1970 */
    const char *reason;  /* FAILURE: why the model failed for good; else NULL */
};
/* All null but the times (and the bracket, which has no null). */
struct rung_result_facts rung_result_facts_at(double elapsed, double at);

/* Appends one step: the event, the decisions, and what follows from both for the rows of models, brackets and
 * the search. `facts` may be NULL for START, ASK. */
int rung_record_append(struct rung_record *record, const struct rung_event *event,
                       const struct rung_decisions *decisions, const struct rung_result_facts *facts,
                       struct rung_err *err) RUNG_CHECK_RESULT;

/* One call of a model, from a `progress` message; a second row for the same call is ignored. */
int rung_record_progress(struct rung_record *record, uint32_t model, int64_t call, double fit_seconds,
                         const char *metrics, struct rung_err *err) RUNG_CHECK_RESULT;

enum rung_failure_kind {
    RUNG_FAILURE_SAID,     /* `failure`: the trainer said so */
    RUNG_FAILURE_PROTOCOL, /* what it sent was no message */
    RUNG_FAILURE_TIMEOUT,
    RUNG_FAILURE_EXIT,
    RUNG_FAILURE_LOST, /* through no fault of the trainer's: no attempt */
    RUNG_FAILURE_START
};
const char *rung_failure_kind_name(enum rung_failure_kind kind);

/* An attempt that failed. model RUNG_NO_MODEL for RUNG_FAILURE_START. log: the trainer's last lines or NULL.
 */
struct rung_failure_facts {
    uint32_t model;
    int64_t from, to;
    int64_t attempt; /* 1 for the first */
    int64_t trainer;
    enum rung_failure_kind kind;
    const char *reason, *log;
    double at;
};
int rung_record_failure(struct rung_record *record, const struct rung_failure_facts *facts,
                        struct rung_err *err) RUNG_CHECK_RESULT;

/* Trainers: a row per trainer that ever joined. join returns with *row the handle for the other two. */
int rung_record_trainer_join(struct rung_record *record, int64_t trainer, const char *host, const char *kind,
                             const char *platform, double at, int64_t *row,
                             struct rung_err *err) RUNG_CHECK_RESULT;
/* What it runs from now on (RUNG_NO_MODEL: nothing), and its totals. This is what makes a model's status
 * `running`. */
int rung_record_trainer_job(struct rung_record *record, int64_t row, uint32_t model, int64_t jobs,
                            double busy_seconds, struct rung_err *err) RUNG_CHECK_RESULT;
int rung_record_trainer_leave(struct rung_record *record, int64_t row, const char *reason, double at,
                              struct rung_err *err) RUNG_CHECK_RESULT;

/* Sets aside `count` job numbers that no start of this search used before: *first … *first + count - 1.
 * Durable once committed. */
int rung_record_reserve_jobs(struct rung_record *record, int64_t count, int64_t *first,
                             struct rung_err *err) RUNG_CHECK_RESULT;

/* A new status with its reason (may be NULL) and the running time; finished and failed also set finished_at =
 * at. */
int rung_record_status(struct rung_record *record, const char *status, const char *reason, double elapsed,
                       double at, struct rung_err *err) RUNG_CHECK_RESULT;
int rung_record_test_metrics(struct rung_record *record, const char *metrics,
                             struct rung_err *err) RUNG_CHECK_RESULT;
/* Replaces the stored spec and program after a resume with --set, and adds `note` to the notes. */
int rung_record_change(struct rung_record *record, const char *spec, const char *program, const char *note,
                       struct rung_err *err) RUNG_CHECK_RESULT;

/* Removes a search with all its rows; does not touch files. Does not commit. */
int rung_record_delete(struct rung_store *store, int64_t search, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
