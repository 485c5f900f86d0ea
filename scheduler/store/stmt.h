/*
 * All SQL that runs more than once, in one table, prepared once per store.
 */
#ifndef RUNG_STORE_STMT_H
#define RUNG_STORE_STMT_H

#include "base/err.h"

#include <sqlite3.h>
#include <stdint.h>

struct rung_store;

enum rung_stmt {
    RUNG_STMT_BEGIN,
    RUNG_STMT_COMMIT,
    RUNG_STMT_ROLLBACK,
    RUNG_STMT_SNAPSHOT,
    RUNG_STMT_SEARCH_INSERT,
    RUNG_STMT_SEARCH_FIND,
    RUNG_STMT_SEARCH_NAMES,
    RUNG_STMT_SEARCH_REOPEN,
    RUNG_STMT_SEARCH_STATUS,
    RUNG_STMT_SEARCH_TEST,
    RUNG_STMT_SEARCH_CHANGE,
    RUNG_STMT_SEARCH_JOBS,
    RUNG_STMT_COUNTERS,
    RUNG_STMT_BRACKET_INSERT,
    RUNG_STMT_BRACKET_END,
    RUNG_STMT_MODEL_INSERT,
    RUNG_STMT_MODEL_RESULT,
    RUNG_STMT_MODEL_FAILURE,
    RUNG_STMT_MODEL_RETRY,
    RUNG_STMT_MODEL_STATUS,
    RUNG_STMT_MODEL_FINISH,
    RUNG_STMT_EVENT_INSERT,
    RUNG_STMT_EVENTS,
    RUNG_STMT_CALL_INSERT,
    RUNG_STMT_FAILURE_INSERT,
    RUNG_STMT_TRAINER_INSERT,
    RUNG_STMT_TRAINER_JOB,
    RUNG_STMT_TRAINER_LEAVE,
    RUNG_STMT_TRAINERS_GONE,
    RUNG_STMT_ATTEMPTS,
    RUNG_STMT_STATES,
    RUNG_STMT_HISTORY_MODELS,
    RUNG_STMT_HISTORY_TRAINERS,
    RUNG_STMT_HISTORY_FAILURES,
    RUNG_STMT_HISTORY_EVENTS,
    RUNG_STMT_COUNT
};

/* The statement, reset and ready for binding; NULL with err filled, whose code rung_stmt_code gives. */
sqlite3_stmt *rung_stmt_get(struct rung_store *store, enum rung_stmt which, struct rung_err *err);
int rung_stmt_code(const struct rung_err *err); /* RUNG_EFAIL where there is no err */

/* Runs a statement that returns no rows. On failure the open transaction is rolled back. */
int rung_stmt_run(struct rung_store *store, sqlite3_stmt *stmt, struct rung_err *err) RUNG_CHECK_RESULT;

/* 1: a row, 0: the end, negative: an error (a read's, the transaction stays). */
int rung_stmt_next(struct rung_store *store, sqlite3_stmt *stmt, struct rung_err *err) RUNG_CHECK_RESULT;

void rung_stmt_finalize_all(struct rung_store *store);

/* Binding with our nulls: NULL, not finite, RUNG_NO_VALUE. Text must live until the statement has run. */
void rung_stmt_text(sqlite3_stmt *stmt, int index, const char *text);
void rung_stmt_real(sqlite3_stmt *stmt, int index, double value);
void rung_stmt_value(sqlite3_stmt *stmt, int index, int64_t value);

/* Reading with our nulls. */
char *rung_stmt_column_dup(sqlite3_stmt *stmt, int column);   /* the caller frees; NULL for null */
double rung_stmt_column_real(sqlite3_stmt *stmt, int column); /* NaN for null */

#endif
