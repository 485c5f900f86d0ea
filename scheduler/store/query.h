/*
 * Reading for people and programs: rows of the public views, column by column.
 */
#ifndef RUNG_STORE_QUERY_H
#define RUNG_STORE_QUERY_H

#include "core/event.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rung_query_view {
    RUNG_VIEW_LEADERBOARD,
    RUNG_VIEW_HISTORY,
    RUNG_VIEW_CALLS,
    RUNG_VIEW_BRACKETS,
    RUNG_VIEW_MODELS,
    RUNG_VIEW_SEARCHES,
    RUNG_VIEW_FAILURES,
    RUNG_VIEW_TRAINERS
};

enum rung_query_type {
    RUNG_CELL_NULL,
    RUNG_CELL_INTEGER,
    RUNG_CELL_REAL,
    RUNG_CELL_TEXT,
    RUNG_CELL_JSON,
    RUNG_CELL_TIME
};

struct rung_query;

struct rung_query_filter {
    const char *search; /* name, or NULL: all searches */
    int64_t model;      /* RUNG_QUERY_ANY: all */
    int64_t limit;      /* RUNG_QUERY_ANY: all */
};
#define RUNG_QUERY_ANY (-1)

/* Rows in the view's own order (rank, seq, bracket order, model, start). A search, model or bracket that says
 * `running` while nobody owns the database is shown as interrupted (a model: paused, or waiting at 0 calls).
 */
int rung_query_open(struct rung_query **out, struct rung_store *store, enum rung_query_view view,
                    const struct rung_query_filter *filter, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_query_close(struct rung_query *query); /* NULL is allowed */

size_t rung_query_columns(const struct rung_query *query);
const char *rung_query_column(const struct rung_query *query, size_t column); /* its public name */
int rung_query_find(const struct rung_query *query, const char *column);      /* index or -1 */

/* 1: a row is there, 0: end, negative: error. Cells live until the next call. */
int rung_query_next(struct rung_query *query, struct rung_err *err) RUNG_CHECK_RESULT;
enum rung_query_type rung_query_type(const struct rung_query *query, size_t column); /* of this row's cell */
int64_t rung_query_integer(const struct rung_query *query, size_t column);
double rung_query_real(const struct rung_query *query, size_t column); /* NaN for null */
const char *rung_query_text(const struct rung_query *query,
                            size_t column); /* NULL for null; times as 2026-11-20T09:30:00.123Z */

#endif
