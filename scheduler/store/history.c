/*
 * The rows of a recorded search, handed out one by one.
 */
#include "store/history.h"

#include "store/handle.h"
#include "store/record.h"
#include "store/schema.h"

static int64_t value_or_null(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? RUNG_NO_VALUE
                                                            : sqlite3_column_int64(stmt, column);
}

static int damaged(struct rung_store *store, const char *what, int64_t number, struct rung_err *err)
{
    return rung_err_set(err, RUNG_EUSE, "%s: is damaged: %s %lld is none", rung_store_path(store), what,
                        (long long)number);
}

/* A row to its reader; a negative code ends the reading. */
typedef int row_fn(struct rung_store *store, sqlite3_stmt *stmt, const struct rung_history_readers *readers,
                   struct rung_err *err);

static int read_model(struct rung_store *store, sqlite3_stmt *stmt,
                      const struct rung_history_readers *readers, struct rung_err *err)
{
    int64_t number = RUNG_ROW_NUMBER(sqlite3_column_int64(stmt, 0));
    int64_t bracket = sqlite3_column_int64(stmt, 1);
    const char *parameters = (const char *)sqlite3_column_text(stmt, 2);

    if (number >= INT32_MAX || bracket < 0 || bracket > UINT32_MAX || !parameters)
        return damaged(store, "model", number, err);
    readers->model(readers->context, &(struct rung_history_model){.model = (uint32_t)number,
                                                                  .bracket = (uint32_t)bracket,
                                                                  .parameters = parameters,
                                                                  .state_bytes = value_or_null(stmt, 3)});
    return 0;
}

static int read_trainer(struct rung_store *store, sqlite3_stmt *stmt,
                        const struct rung_history_readers *readers, struct rung_err *err)
{
    const char *host = (const char *)sqlite3_column_text(stmt, 1);

    (void)store;
    (void)err;
    readers->trainer(readers->context,
                     &(struct rung_history_trainer){.trainer = sqlite3_column_int64(stmt, 0),
                                                    .host = host ? host : "",
                                                    .joined_at = rung_stmt_column_real(stmt, 2),
                                                    .left_at = rung_stmt_column_real(stmt, 3),
                                                    .jobs = sqlite3_column_int64(stmt, 4),
                                                    .busy_seconds = sqlite3_column_double(stmt, 5)});
    return 0;
}

static int read_failure(struct rung_store *store, sqlite3_stmt *stmt,
                        const struct rung_history_readers *readers, struct rung_err *err)
{
    int64_t model = sqlite3_column_int64(stmt, 0);

    if (model < 0 || model >= INT32_MAX)
        return damaged(store, "a failure's model", model, err);
    readers->failure(readers->context, &(struct rung_history_failure){.model = (uint32_t)model,
                                                                      .trainer = value_or_null(stmt, 1),
                                                                      .at = rung_stmt_column_real(stmt, 2)});
    return 0;
}

static int read_event(struct rung_store *store, sqlite3_stmt *stmt,
                      const struct rung_history_readers *readers, struct rung_err *err)
{
    static const enum rung_event_kind kinds[] = {
        [RUNG_ROW_START] = RUNG_EVENT_START,     [RUNG_ROW_RESULT] = RUNG_EVENT_RESULT,
        [RUNG_ROW_FAILURE] = RUNG_EVENT_FAILURE, [RUNG_ROW_ASK] = RUNG_EVENT_ASK,
        [RUNG_ROW_RETRY] = RUNG_EVENT_RETRY,
    };
    int64_t kind = sqlite3_column_int64(stmt, 1), model = value_or_null(stmt, 2);
    bool of_model = kind == RUNG_ROW_RESULT || kind == RUNG_ROW_FAILURE || kind == RUNG_ROW_RETRY;

    if (kind < 0 || kind >= (int64_t)(sizeof kinds / sizeof *kinds) ||
        (of_model && (model < 0 || model >= INT32_MAX)))
        return damaged(store, "event", RUNG_ROW_NUMBER(sqlite3_column_int64(stmt, 0)), err);
    readers->event(readers->context,
                   &(struct rung_history_event){.kind = kinds[kind],
                                                .model = of_model ? (uint32_t)model : RUNG_NO_MODEL,
                                                .calls = sqlite3_column_int64(stmt, 3),
                                                .score = rung_stmt_column_real(stmt, 4),
                                                .fit_seconds = rung_stmt_column_real(stmt, 5),
                                                .score_seconds = rung_stmt_column_real(stmt, 6),
                                                .examples = value_or_null(stmt, 7),
                                                .trainer = value_or_null(stmt, 8),
                                                .elapsed = rung_stmt_column_real(stmt, 9),
                                                .at = rung_stmt_column_real(stmt, 10)});
    return 0;
}

static int read_rows(struct rung_store *store, enum rung_stmt which, row_fn *row, int64_t search_id,
                     const struct rung_history_readers *readers, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(store, which, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, search_id);
    int rc;
    while ((rc = rung_stmt_next(store, stmt, err)) > 0 && (rc = row(store, stmt, readers, err)) == 0)
        ;
    sqlite3_reset(stmt);
    return rc;
}

int rung_history_read(struct rung_store *store, int64_t search_id, const struct rung_history_readers *readers,
                      struct rung_err *err)
{
    int rc = 0;
    if (readers->model)
        rc = read_rows(store, RUNG_STMT_HISTORY_MODELS, read_model, search_id, readers, err);
    if (rc == 0 && readers->trainer)
        rc = read_rows(store, RUNG_STMT_HISTORY_TRAINERS, read_trainer, search_id, readers, err);
    if (rc == 0 && readers->failure)
        rc = read_rows(store, RUNG_STMT_HISTORY_FAILURES, read_failure, search_id, readers, err);
    if (rc == 0 && readers->event)
        rc = read_rows(store, RUNG_STMT_HISTORY_EVENTS, read_event, search_id, readers, err);
    return rc;
}
