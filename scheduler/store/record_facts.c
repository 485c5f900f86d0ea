/*
 * What happens around the events: calls reported on the way, attempts that failed, trainers, job numbers.
 * Facts, of which no decision depends on one.
 */
#include "store/record_parts.h"

#include "store/schema.h"

#include <math.h>

struct rung_result_facts rung_result_facts_at(double elapsed, double at)
{
    return (struct rung_result_facts){.rung = RUNG_NO_RUNG,
                                      .fit_seconds = NAN,
                                      .score_seconds = NAN,
                                      .examples = RUNG_NO_VALUE,
                                      .trainer = RUNG_NO_VALUE,
                                      .state_bytes = RUNG_NO_VALUE,
                                      .elapsed = elapsed,
                                      .at = at};
}

const char *rung_failure_kind_name(enum rung_failure_kind kind)
{
    static const char *const names[] = {
        [RUNG_FAILURE_SAID] = "failure",    [RUNG_FAILURE_PROTOCOL] = "protocol",
        [RUNG_FAILURE_TIMEOUT] = "timeout", [RUNG_FAILURE_EXIT] = "exit",
        [RUNG_FAILURE_LOST] = "lost",       [RUNG_FAILURE_START] = "start"};
    return names[kind];
}

static int64_t model_or_null(uint32_t model)
{
    return model == RUNG_NO_MODEL ? RUNG_NO_VALUE : (int64_t)model;
}

/* The statement after a transaction is open; NULL with *rc set. */
static sqlite3_stmt *start(struct rung_record *record, enum rung_stmt which, int *rc, struct rung_err *err)
{
    *rc = rung_record_begin(record, err);
    if (*rc != 0)
        return NULL;
    sqlite3_stmt *stmt = rung_stmt_get(record->store, which, err);
    *rc = stmt ? 0 : rung_stmt_code(err);
    return stmt;
}

int rung_record_progress(struct rung_record *record, uint32_t model, int64_t call, double fit_seconds,
                         const char *metrics, struct rung_err *err)
{
    int rc;
    sqlite3_stmt *stmt = start(record, RUNG_STMT_CALL_INSERT, &rc, err);
    if (!stmt)
        return rc;
    sqlite3_bind_int64(stmt, 1, record->id);
    sqlite3_bind_int64(stmt, 2, model);
    sqlite3_bind_int64(stmt, 3, call);
    rung_stmt_real(stmt, 4, fit_seconds);
    rung_stmt_text(stmt, 5, metrics);
    return rung_stmt_run(record->store, stmt, err);
}

int rung_record_failure(struct rung_record *record, const struct rung_failure_facts *facts,
                        struct rung_err *err)
{
    int rc;
    sqlite3_stmt *stmt = start(record, RUNG_STMT_FAILURE_INSERT, &rc, err);
    if (!stmt)
        return rc;
    bool start_failed = facts->model == RUNG_NO_MODEL;
    sqlite3_bind_int64(stmt, 1, RUNG_ROW_ID(record->id, record->failures + 1));
    rung_stmt_value(stmt, 2, model_or_null(facts->model));
    rung_stmt_value(stmt, 3, start_failed ? RUNG_NO_VALUE : facts->from);
    rung_stmt_value(stmt, 4, start_failed ? RUNG_NO_VALUE : facts->to);
    rung_stmt_value(stmt, 5, facts->attempt);
    rung_stmt_value(stmt, 6, facts->trainer);
    rung_stmt_text(stmt, 7, rung_failure_kind_name(facts->kind));
    rung_stmt_text(stmt, 8, facts->reason);
    rung_stmt_text(stmt, 9, facts->log);
    rung_stmt_real(stmt, 10, facts->at);
    sqlite3_bind_int64(stmt, 11, record->events);
    rc = rung_stmt_run(record->store, stmt, err);
    if (rc == 0)
        record->failures++;
    return rc;
}

int rung_record_trainer_join(struct rung_record *record, int64_t trainer, const char *host, const char *kind,
                             const char *platform, double at, int64_t *row, struct rung_err *err)
{
    int rc;
    sqlite3_stmt *stmt = start(record, RUNG_STMT_TRAINER_INSERT, &rc, err);
    if (!stmt)
        return rc;
    *row = RUNG_ROW_ID(record->id, record->trainers + 1);
    sqlite3_bind_int64(stmt, 1, *row);
    sqlite3_bind_int64(stmt, 2, trainer);
    rung_stmt_text(stmt, 3, host);
    rung_stmt_text(stmt, 4, kind);
    rung_stmt_text(stmt, 5, platform);
    rung_stmt_real(stmt, 6, at);
    rc = rung_stmt_run(record->store, stmt, err);
    if (rc == 0)
        record->trainers++;
    return rc;
}

int rung_record_trainer_job(struct rung_record *record, int64_t row, uint32_t model, int64_t jobs,
                            double busy_seconds, struct rung_err *err)
{
    int rc;
    sqlite3_stmt *stmt = start(record, RUNG_STMT_TRAINER_JOB, &rc, err);
    if (!stmt)
        return rc;
    sqlite3_bind_int64(stmt, 1, row);
    rung_stmt_value(stmt, 2, model_or_null(model));
    sqlite3_bind_int64(stmt, 3, jobs);
    sqlite3_bind_double(stmt, 4, busy_seconds);
    return rung_stmt_run(record->store, stmt, err);
}

int rung_record_trainer_leave(struct rung_record *record, int64_t row, const char *reason, double at,
                              struct rung_err *err)
{
    int rc;
    sqlite3_stmt *stmt = start(record, RUNG_STMT_TRAINER_LEAVE, &rc, err);
    if (!stmt)
        return rc;
    sqlite3_bind_int64(stmt, 1, row);
    rung_stmt_real(stmt, 2, at);
    rung_stmt_text(stmt, 3, reason);
    return rung_stmt_run(record->store, stmt, err);
}

int rung_record_reserve_jobs(struct rung_record *record, int64_t count, int64_t *first, struct rung_err *err)
{
    int rc;
    sqlite3_stmt *stmt = start(record, RUNG_STMT_SEARCH_JOBS, &rc, err);
    if (!stmt)
        return rc;
    sqlite3_bind_int64(stmt, 1, record->id);
    sqlite3_bind_int64(stmt, 2, count);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *first = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
        return 0;
    }
    rc = rc == SQLITE_DONE
             ? rung_err_set(err, RUNG_EFAIL, "%s: the search is gone", rung_store_path(record->store))
             : rung_store_error(record->store, "cannot record", err);
    sqlite3_reset(stmt);
    rung_store_rollback(record->store);
    return rc;
}
