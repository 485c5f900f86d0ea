/*
 * Tables and public views, and the steps that lead from any older schema to the present one.
 *
 * To change the schema: write schema/N_WHAT.sql (never edit one that was released), add its step to the table
 * in schema.c, raise RUNG_SCHEMA_VERSION by one, describe it in docs/database.md. schema/views.sql drops all
 * views and makes them anew: edit it as you like, and move its #include to the new step. It belongs to the
 * last one alone, since after an older one the tables have not yet all that it names.
 */
#ifndef RUNG_STORE_SCHEMA_H
#define RUNG_STORE_SCHEMA_H

#include "base/err.h"
#include "store/store.h"

#include <stddef.h>
#include <stdint.h>

/* Rows that belong to a search lie together: their id is search << 40 | number, which needs no second index.
 */
#define RUNG_ROW_BITS               40
#define RUNG_ROW_ID(search, number) ((int64_t)(search) << RUNG_ROW_BITS | (int64_t)(number))
#define RUNG_ROW_NUMBER(id)         ((id) & (((int64_t)1 << RUNG_ROW_BITS) - 1))
#define RUNG_ROW_LAST(search)       RUNG_ROW_ID(search, ((int64_t)1 << RUNG_ROW_BITS) - 1)
#define RUNG_ROW_SEARCHES_MAX       (((int64_t)1 << (63 - RUNG_ROW_BITS)) - 1)

/* event.kind; stored, so never renumbered. */
enum rung_row_kind { RUNG_ROW_START, RUNG_ROW_RESULT, RUNG_ROW_FAILURE, RUNG_ROW_ASK, RUNG_ROW_RETRY };

/* progress.status; stored, so never renumbered. Whether a model is running, the trainers' rows tell. */
enum rung_row_status {
    RUNG_ROW_WAITING,
    RUNG_ROW_PAUSED,
    RUNG_ROW_STOPPED,
    RUNG_ROW_PLATEAUED,
    RUNG_ROW_FAILED,
    RUNG_ROW_COMPLETED
};

/* schema_steps[n] leads from version n to n + 1. */
extern const char *const rung_schema_steps[];

/* Takes the open database from its user_version to `target`, a transaction per step. After a failure it is at
 * the last version that was reached whole. */
int rung_schema_migrate(struct rung_store *store, const char *const *steps, int target,
                        struct rung_err *err) RUNG_CHECK_RESULT;
int rung_schema_version(struct rung_store *store, int *version, struct rung_err *err) RUNG_CHECK_RESULT;
/* How many tables, indices and views are there, whosever they are. */
int rung_schema_tables(struct rung_store *store, int *count, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
