/*
 * Views read row by row. What SQL cannot know is added here: whether the owner of a `running` is still alive.
 */
#include "store/query.h"

#include "base/buf.h"
#include "base/mem.h"
#include "store/handle.h"

#include <stdlib.h>
#include <string.h>

struct rung_query {
    struct rung_store *store;
    sqlite3_stmt *stmt;
    bool orphaned;               /* nobody owns the database */
    bool of_models;              /* the status column is a model's, not a search's or bracket's */
    int status, calls;           /* columns, -1 where the view has none */
    enum rung_query_type *kinds; /* RUNG_CELL_JSON, RUNG_CELL_TIME, or RUNG_CELL_NULL: as SQLite says */
};

/* Each view has an ORDER BY of its own, which a plain SELECT from it keeps. */
static const struct {
    const char *name;
    bool has_model, of_models;
} views[] = {
    [RUNG_VIEW_LEADERBOARD] = {"leaderboard", true, true},
    [RUNG_VIEW_HISTORY] = {"history", true, false},
    [RUNG_VIEW_CALLS] = {"calls", true, false},
    [RUNG_VIEW_BRACKETS] = {"brackets", false, false},
    [RUNG_VIEW_MODELS] = {"models", true, true},
    [RUNG_VIEW_SEARCHES] = {"searches", false, false},
    [RUNG_VIEW_FAILURES] = {"failures", true, false},
    [RUNG_VIEW_TRAINERS] = {"trainers", false, false},
};

static enum rung_query_type kind_of(const char *column)
{
    static const char *const json[] = {"parameters", "metrics", "rungs", "spec", "notes", "test_metrics"};
    static const char *const times[] = {"started_at", "finished_at", "joined_at", "left_at", "at"};
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        if (strcmp(column, json[i]) == 0)
            return RUNG_CELL_JSON;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (strcmp(column, times[i]) == 0)
            return RUNG_CELL_TIME;
    return RUNG_CELL_NULL;
}

static int prepare(struct rung_query *query, enum rung_query_view view,
                   const struct rung_query_filter *filter, struct rung_err *err)
{
    bool by_search = filter && filter->search, by_model = filter && filter->model != RUNG_QUERY_ANY;
    if (by_model && !views[view].has_model)
        return rung_err_set(err, RUNG_EUSE, "%s: its rows have no model to choose by", views[view].name);
    struct rung_buf sql;
    rung_buf_init(&sql, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&sql, "SELECT * FROM %s", views[view].name);
    if (by_search)
        rung_buf_text(&sql, " WHERE search = ?1");
    if (by_model)
        rung_buf_printf(&sql, " %s model = ?2", by_search ? "AND" : "WHERE");
    rung_buf_text(&sql, " LIMIT ?3");
    int rc = sqlite3_prepare_v2(query->store->db, rung_buf_cstr(&sql), -1, &query->stmt, NULL);
    rung_buf_free(&sql);
    if (rc != SQLITE_OK)
        return rung_store_misfit(query->store, err);
    if (by_search)
        sqlite3_bind_text(query->stmt, 1, filter->search, -1, SQLITE_TRANSIENT);
    if (by_model)
        sqlite3_bind_int64(query->stmt, 2, filter->model);
    sqlite3_bind_int64(query->stmt, 3, filter ? filter->limit : RUNG_QUERY_ANY); /* below 0: no limit */
    return 0;
}

int rung_query_open(struct rung_query **out, struct rung_store *store, enum rung_query_view view,
                    const struct rung_query_filter *filter, struct rung_err *err)
{
    struct rung_query *query = rung_mem_zalloc(1, sizeof *query);
    *out = NULL;
    query->store = store;
    int rc = prepare(query, view, filter, err);
    if (rc != 0) {
        rung_query_close(query);
        return rc;
    }
    size_t columns = rung_query_columns(query);
    query->kinds = rung_mem_zalloc(columns, sizeof *query->kinds);
    for (size_t i = 0; i < columns; i++)
        query->kinds[i] = kind_of(rung_query_column(query, i));
    query->orphaned = rung_store_owner(store) == 0;
    query->of_models = views[view].of_models;
    query->status = rung_query_find(query, "status");
    query->calls = rung_query_find(query, "calls");
    *out = query;
    return 0;
}

void rung_query_close(struct rung_query *query)
{
    if (!query)
        return;
    sqlite3_finalize(query->stmt);
    free(query->kinds);
    free(query);
}

size_t rung_query_columns(const struct rung_query *query)
{
    return (size_t)sqlite3_column_count(query->stmt);
}

const char *rung_query_column(const struct rung_query *query, size_t column)
{
    return sqlite3_column_name(query->stmt, (int)column);
}

int rung_query_find(const struct rung_query *query, const char *column)
{
    for (size_t i = 0; i < rung_query_columns(query); i++)
        if (strcmp(rung_query_column(query, i), column) == 0)
            return (int)i;
    return -1;
}

int rung_query_next(struct rung_query *query, struct rung_err *err)
{
    int rc = sqlite3_step(query->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : rung_store_error(query->store, "cannot be read", err);
}

enum rung_query_type rung_query_type(const struct rung_query *query, size_t column)
{
    switch (sqlite3_column_type(query->stmt, (int)column)) {
    case SQLITE_NULL:
        return RUNG_CELL_NULL;
    case SQLITE_INTEGER:
        return RUNG_CELL_INTEGER;
    case SQLITE_FLOAT:
        return RUNG_CELL_REAL;
    default:
        return query->kinds[column] == RUNG_CELL_NULL ? RUNG_CELL_TEXT : query->kinds[column];
    }
}

int64_t rung_query_integer(const struct rung_query *query, size_t column)
{
    return sqlite3_column_int64(query->stmt, (int)column);
}

double rung_query_real(const struct rung_query *query, size_t column)
{
    return rung_stmt_column_real(query->stmt, (int)column);
}

static const char *orphan_status(const struct rung_query *query)
{
    if (!query->of_models)
        return "interrupted";
    return sqlite3_column_int64(query->stmt, query->calls) == 0 ? "waiting" : "paused";
}

const char *rung_query_text(const struct rung_query *query, size_t column)
{
    const char *text = (const char *)sqlite3_column_text(query->stmt, (int)column);
    if (query->orphaned && (int)column == query->status && text && strcmp(text, "running") == 0)
        return orphan_status(query);
    return text;
}
