/*
 * A recorded search, row by row, for those who learn from it. Rows come in the order of recording; texts live
 * until the callback returns; a null number is NaN or RUNG_NO_VALUE.
 */
#ifndef RUNG_STORE_HISTORY_H
#define RUNG_STORE_HISTORY_H

#include "core/event.h"
#include "store/store.h"

#include <stdint.h>

struct rung_history_event {
    enum rung_event_kind kind;
    uint32_t model;
    int64_t calls; /* total after the job */
    double score;
    double fit_seconds, score_seconds;
    int64_t examples; /* of this job */
    int64_t trainer;  /* slot */
    double elapsed;   /* running time of the search when it was recorded */
    double at;        /* seconds since 1970 */
};

struct rung_history_model {
    uint32_t model, bracket;
    const char *parameters; /* JSON */
    int64_t state_bytes;    /* of its last state, RUNG_NO_VALUE when it has none */
};

struct rung_history_trainer {
    int64_t trainer; /* slot */
    const char *host;
    double joined_at, left_at; /* seconds since 1970; left_at NaN: present */
    int64_t jobs;
    double busy_seconds;
};

/* An attempt that failed; the model may have been tried again. */
struct rung_history_failure {
    uint32_t model;
    int64_t trainer; /* slot */
    double at;       /* seconds since 1970 */
};

struct rung_history_readers {
    void *context;
    void (*event)(void *context, const struct rung_history_event *event); /* each may be NULL */
    void (*model)(void *context, const struct rung_history_model *model);
    void (*trainer)(void *context, const struct rung_history_trainer *trainer);
    void (*failure)(void *context, const struct rung_history_failure *failure);
};

/* Models first, then trainers, failures and events. A model or event that cannot be one: RUNG_EUSE. */
int rung_history_read(struct rung_store *store, int64_t search_id, const struct rung_history_readers *readers,
                      struct rung_err *err) RUNG_CHECK_RESULT;

#endif
