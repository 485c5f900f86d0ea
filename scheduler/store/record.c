/*
 * The record's life: the search's own row, found, made, taken up again, changed and deleted.
 */
#include "store/record.h"

#include "base/json.h"
#include "base/mem.h"
#include "store/record_parts.h"
#include "store/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void rung_search_row_free(struct rung_search_row *row)
{
    char *texts[] = {row->name,      row->status, row->reason,      row->spec,    row->folder,
                     row->algorithm, row->goal,   row->metric,      row->version, row->host,
                     row->program,   row->notes,  row->test_metrics};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    memset(row, 0, sizeof *row);
}

static void read_row(sqlite3_stmt *stmt, struct rung_search_row *row)
{
    *row = (struct rung_search_row){
        .id = sqlite3_column_int64(stmt, 0),
        .name = rung_stmt_column_dup(stmt, 1),
        .status = rung_stmt_column_dup(stmt, 2),
        .reason = rung_stmt_column_dup(stmt, 3),
        .spec = rung_stmt_column_dup(stmt, 4),
        .folder = rung_stmt_column_dup(stmt, 5),
        .algorithm = rung_stmt_column_dup(stmt, 6),
        .goal = rung_stmt_column_dup(stmt, 7),
        .metric = rung_stmt_column_dup(stmt, 8),
        .version = rung_stmt_column_dup(stmt, 9),
        .host = rung_stmt_column_dup(stmt, 10),
        .program = rung_stmt_column_dup(stmt, 11),
        .notes = rung_stmt_column_dup(stmt, 12),
        .test_metrics = rung_stmt_column_dup(stmt, 13),
        .started_at = rung_stmt_column_real(stmt, 14),
        .finished_at = rung_stmt_column_real(stmt, 15),
        .elapsed = sqlite3_column_double(stmt, 16),
    };
}

int rung_record_exists(struct rung_store *store, const char *name, struct rung_search_row *row,
                       struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_SEARCH_FIND, err);
    if (!stmt)
        return rung_stmt_code(err);
    rung_stmt_text(stmt, 1, name);
    int rc = rung_stmt_next(store, stmt, err);
    if (rc > 0 && row)
        read_row(stmt, row);
    sqlite3_reset(stmt);
    return rc;
}

#define NAMES_SHOWN 20

static int refuse_name(struct rung_store *store, const char *name, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_SEARCH_NAMES, err);
    if (!stmt)
        return rung_stmt_code(err);
    struct rung_buf names;
    rung_buf_init(&names, RUNG_BUF_UNLIMITED);
    int rc, count = 0;
    while ((rc = rung_stmt_next(store, stmt, err)) > 0 && count++ < NAMES_SHOWN)
        rung_buf_printf(&names, "%s%s", count > 1 ? ", " : "", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_reset(stmt);
    if (rc >= 0 && count == 0)
        rc = rung_err_set(err, RUNG_EUSE, "%s: holds no search", rung_store_path(store));
    else if (rc >= 0)
        rc = rung_err_set(err, RUNG_EUSE, "%s: holds no search '%s' (there %s: %s%s)", rung_store_path(store),
                          name, count == 1 ? "is" : "are", rung_buf_cstr(&names), rc > 0 ? ", …" : "");
    rung_buf_free(&names);
    return rc;
}

int rung_record_find(struct rung_store *store, const char *name, struct rung_search_row *row,
                     struct rung_err *err)
{
    int rc = rung_record_exists(store, name, row, err);
    return rc == 0 ? refuse_name(store, name, err) : rc < 0 ? rc : 0;
}

int rung_record_names(struct rung_store *store, rung_record_name_fn *each, void *context,
                      struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_SEARCH_NAMES, err);
    int rc;

    if (!stmt)
        return rung_stmt_code(err);
    while ((rc = rung_stmt_next(store, stmt, err)) > 0)
        each(context, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_reset(stmt);
    return rc;
}

static struct rung_record *new_record(struct rung_store *store, const struct rung_search_row *row,
                                      const struct rung_space *space, uint64_t seed)
{
    struct rung_record *record = rung_mem_zalloc(1, sizeof *record);
    record->store = store;
    record->space = space;
    record->seed = seed;
    rung_buf_init(&record->text, RUNG_BUF_UNLIMITED);
    rung_search_row_identity(&record->text, row);
    record->identity = rung_mem_strdup(rung_buf_cstr(&record->text));
    return record;
}

void rung_record_free(struct rung_record *record)
{
    if (!record)
        return;
    rung_buf_free(&record->text);
    free(record->identity);
    free(record);
}

static int read_counters(struct rung_record *record, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_COUNTERS, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, record->id);
    int rc = rung_stmt_next(record->store, stmt, err);
    if (rc > 0) {
        record->events = RUNG_ROW_NUMBER(sqlite3_column_int64(stmt, 0));
        record->results = sqlite3_column_int64(stmt, 1);
        record->failures = RUNG_ROW_NUMBER(sqlite3_column_int64(stmt, 2));
        record->trainers = RUNG_ROW_NUMBER(sqlite3_column_int64(stmt, 3));
        record->rollbacks = record->store->rollbacks;
    }
    sqlite3_reset(stmt);
    return rc < 0 ? rc : 0;
}

int rung_record_begin(struct rung_record *record, struct rung_err *err)
{
    int rc = rung_store_begin(record->store, err);
    return rc == 0 && record->rollbacks != record->store->rollbacks ? read_counters(record, err) : rc;
}

/* INT64_MAX says that a plan has no end. */
static int64_t planned(int64_t count)
{
    return count == INT64_MAX || count == 0 ? RUNG_NO_VALUE : count;
}

static int insert_search(struct rung_record *record, const struct rung_search_row *row,
                         const struct rung_plan *plan, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_SEARCH_INSERT, err);
    if (!stmt)
        return rung_stmt_code(err);
    const char *texts[] = {row->name,      row->reason,  row->spec,   row->folder,
                           row->algorithm, row->goal,    row->metric, row->version,
                           row->host,      row->program, row->notes,  row->test_metrics};
    int count = (int)(sizeof texts / sizeof *texts);
    for (int i = 0; i < count; i++)
        rung_stmt_text(stmt, i + 1, texts[i]);
    rung_stmt_real(stmt, count + 1, row->started_at);
    rung_stmt_real(stmt, count + 2, row->elapsed);
    rung_stmt_value(stmt, count + 3, planned(plan->calls));
    int rc = rung_stmt_run(record->store, stmt, err);
    if (rc != 0)
        return rc;
    record->id = sqlite3_last_insert_rowid(record->store->db);
    if (record->id <= RUNG_ROW_SEARCHES_MAX)
        return 0;
    rung_store_rollback(record->store);
    return rung_err_set(err, RUNG_EUSE, "%s: is full: no number is left for a search",
                        rung_store_path(record->store));
}

static int insert_bracket(struct rung_record *record, size_t position,
                          const struct rung_plan_bracket *bracket, struct rung_err *err)
{
    struct rung_buf *rungs = &record->text;
    rung_buf_clear(rungs);
    for (size_t i = 0; i < bracket->rung_count; i++) {
        rung_buf_text(rungs, i == 0 ? "[{\"models\":" : ",{\"models\":");
        if (bracket->rungs[i].models > 0)
            rung_json_write_integer(rungs, bracket->rungs[i].models);
        else
            rung_buf_text(rungs, "null"); /* asha without a number of models */
        rung_buf_printf(rungs, ",\"calls\":%lld}", (long long)bracket->rungs[i].calls);
    }
    rung_buf_text(rungs, bracket->rung_count == 0 ? "[]" : "]");
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_BRACKET_INSERT, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, record->id);
    sqlite3_bind_int64(stmt, 2, (int64_t)position);
    sqlite3_bind_int64(stmt, 3, bracket->bracket);
    rung_stmt_value(stmt, 4, planned(bracket->rung_count == 0 ? 0 : bracket->rungs[0].models));
    rung_stmt_value(stmt, 5, planned(bracket->calls));
    rung_stmt_text(stmt, 6, rung_buf_cstr(rungs));
    return rung_stmt_run(record->store, stmt, err);
}

static int refuse_second(struct rung_store *store, const char *name, struct rung_err *err)
{
    int there = rung_record_exists(store, name, NULL, err);
    if (there <= 0)
        return there;
    return rung_err_set(err, RUNG_EUSE, "%s: holds a search '%s' already", rung_store_path(store), name);
}

int rung_record_create(struct rung_record **out, struct rung_store *store, const struct rung_search_row *row,
                       const struct rung_plan *plan, const struct rung_space *space, uint64_t seed,
                       struct rung_err *err)
{
    struct rung_record *record = new_record(store, row, space, seed);
    *out = NULL;
    int rc = rung_store_begin(store, err);
    record->rollbacks = store->rollbacks;
    if (rc == 0)
        rc = refuse_second(store, row->name, err);
    if (rc == 0)
        rc = insert_search(record, row, plan, err);
    for (size_t i = 0; rc == 0 && i < plan->bracket_count; i++)
        rc = insert_bracket(record, i, &plan->brackets[i], err);
    if (rc != 0) {
        rung_record_free(record);
        return rc;
    }
    *out = record;
    return 0;
}

/* Runs a statement whose only parameter is the search. */
static int run_for_search(struct rung_record *record, enum rung_stmt which, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, which, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, record->id);
    return rung_stmt_run(record->store, stmt, err);
}

int rung_record_reopen(struct rung_record **out, struct rung_store *store, const struct rung_search_row *row,
                       const struct rung_space *space, uint64_t seed, struct rung_err *err)
{
    struct rung_record *record = new_record(store, row, space, seed);
    *out = NULL;
    record->id = row->id;
    int rc = rung_store_begin(store, err);
    if (rc == 0)
        rc = read_counters(record, err);
    if (rc == 0)
        rc = run_for_search(record, RUNG_STMT_SEARCH_REOPEN, err);
    if (rc == 0 && sqlite3_changes(store->db) == 0)
        rc = rung_err_set(err, RUNG_EUSE, "%s: the search is gone", rung_store_path(store));
    if (rc == 0)
        rc = run_for_search(record, RUNG_STMT_TRAINERS_GONE, err);
    if (rc != 0) {
        rung_record_free(record);
        return rc;
    }
    *out = record;
    return 0;
}

void rung_search_row_identity(struct rung_buf *out, const struct rung_search_row *row)
{
    rung_buf_printf(out, "%.17g %s %s", row->started_at, row->host ? row->host : "", row->name);
}

const char *rung_record_identity(const struct rung_record *record)
{
    return record->identity;
}

int64_t rung_record_id(const struct rung_record *record)
{
    return record->id;
}

int64_t rung_record_events(const struct rung_record *record)
{
    return record->events;
}

int64_t rung_record_results(const struct rung_record *record)
{
    return record->results;
}

int rung_record_status(struct rung_record *record, const char *status, const char *reason, double elapsed,
                       double at, struct rung_err *err)
{
    int rc = rung_record_begin(record, err);
    sqlite3_stmt *stmt = rc == 0 ? rung_stmt_get(record->store, RUNG_STMT_SEARCH_STATUS, err) : NULL;
    if (!stmt)
        return rc != 0 ? rc : rung_stmt_code(err);
    bool ended = strcmp(status, "finished") == 0 || strcmp(status, "failed") == 0;
    sqlite3_bind_int64(stmt, 1, record->id);
    rung_stmt_text(stmt, 2, status);
    rung_stmt_text(stmt, 3, reason);
    rung_stmt_real(stmt, 4, elapsed);
    rung_stmt_real(stmt, 5, ended ? at : (double)NAN);
    return rung_stmt_run(record->store, stmt, err);
}

int rung_record_test_metrics(struct rung_record *record, const char *metrics, struct rung_err *err)
{
    int rc = rung_record_begin(record, err);
    sqlite3_stmt *stmt = rc == 0 ? rung_stmt_get(record->store, RUNG_STMT_SEARCH_TEST, err) : NULL;
    if (!stmt)
        return rc != 0 ? rc : rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, record->id);
    rung_stmt_text(stmt, 2, metrics);
    return rung_stmt_run(record->store, stmt, err);
}

int rung_record_change(struct rung_record *record, const char *spec, const char *program, const char *note,
                       struct rung_err *err)
{
    int rc = rung_record_begin(record, err);
    sqlite3_stmt *stmt = rc == 0 ? rung_stmt_get(record->store, RUNG_STMT_SEARCH_CHANGE, err) : NULL;
    if (!stmt)
        return rc != 0 ? rc : rung_stmt_code(err);
    rung_buf_clear(&record->text);
    if (note)
        rung_json_write_string(&record->text, note);
    sqlite3_bind_int64(stmt, 1, record->id);
    rung_stmt_text(stmt, 2, spec);
    rung_stmt_text(stmt, 3, program);
    rung_stmt_text(stmt, 4, note ? rung_buf_cstr(&record->text) : NULL);
    return rung_stmt_run(record->store, stmt, err);
}

int rung_record_delete(struct rung_store *store, int64_t search, struct rung_err *err)
{
    static const char *const packed[] = {"model", "progress", "event", "failure", "trainer"};
    int rc = rung_store_begin(store, err);
    char *all = NULL;
    struct rung_buf sql;
    rung_buf_init(&sql, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        rung_buf_printf(&sql, "DELETE FROM %s WHERE id BETWEEN %lld AND %lld;", packed[i],
                        (long long)RUNG_ROW_ID(search, 0), (long long)RUNG_ROW_LAST(search));
    all = rung_mem_printf("%sDELETE FROM call WHERE search = %lld; DELETE FROM bracket WHERE search = %lld;"
                          "DELETE FROM search WHERE id = %lld",
                          rung_buf_cstr(&sql), (long long)search, (long long)search, (long long)search);
    if (rc == 0 && sqlite3_exec(store->db, all, NULL, NULL, NULL) != SQLITE_OK) {
        rc = rung_store_error(store, "cannot delete the search", err);
        rung_store_rollback(store);
    }
    free(all);
    rung_buf_free(&sql);
    return rc;
}
