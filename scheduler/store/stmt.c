/*
 * The statements of the store and what running one means.
 */
#include "store/stmt.h"

#include "base/mem.h"
#include "store/handle.h"
#include "store/record.h"

#include <errno.h>
#include <math.h>

#define SEARCH_LAST "(?1 << 40) + 1099511627775"
#define WITHIN      "BETWEEN ?1 << 40 AND " SEARCH_LAST

static const char *const texts[RUNG_STMT_COUNT] = {
    [RUNG_STMT_BEGIN] = "BEGIN IMMEDIATE",
    [RUNG_STMT_COMMIT] = "COMMIT",
    [RUNG_STMT_ROLLBACK] = "ROLLBACK",
    [RUNG_STMT_SNAPSHOT] = "SELECT 1 FROM sqlite_schema",
    [RUNG_STMT_SEARCH_INSERT] =
        "INSERT INTO search(name, status, reason, spec, folder, algorithm, goal, metric, version, host, "
        "program,"
        " notes, test_metrics, started_at, elapsed, calls_planned)"
        " VALUES(?1, 'running', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    [RUNG_STMT_SEARCH_FIND] = "SELECT id, name, status, reason, spec, folder, algorithm, goal, metric, "
                              "version, host, program, notes,"
                              " test_metrics, started_at, finished_at, max(coalesce(elapsed, 0.0), "
                              "coalesce((SELECT e.elapsed FROM event e"
                              " WHERE e.id BETWEEN search.id << 40 AND (search.id << 40) + 1099511627775 "
                              "ORDER BY e.id DESC LIMIT 1), 0.0))"
                              " FROM search WHERE ?1 IS NULL OR name = ?1 ORDER BY id DESC LIMIT 1",
    [RUNG_STMT_SEARCH_NAMES] = "SELECT name FROM search ORDER BY id DESC",
    [RUNG_STMT_SEARCH_REOPEN] =
        "UPDATE search SET status = 'running', reason = NULL, finished_at = NULL WHERE id = ?1",
    [RUNG_STMT_SEARCH_STATUS] = "UPDATE search SET status = ?2, reason = ?3, elapsed = coalesce(?4, "
                                "elapsed), finished_at = ?5 WHERE id = ?1",
    [RUNG_STMT_SEARCH_TEST] = "UPDATE search SET test_metrics = ?2 WHERE id = ?1",
    [RUNG_STMT_SEARCH_CHANGE] =
        "UPDATE search SET spec = coalesce(?2, spec), program = coalesce(?3, program), notes = CASE"
        " WHEN ?4 IS NULL THEN notes WHEN notes IS NULL THEN '[' || ?4 || ']'"
        " ELSE substr(notes, 1, length(notes) - 1) || ',' || ?4 || ']' END WHERE id = ?1",
    [RUNG_STMT_SEARCH_JOBS] =
        "UPDATE search SET next_job = next_job + ?2 WHERE id = ?1 RETURNING next_job - ?2",
    [RUNG_STMT_COUNTERS] =
        "SELECT (SELECT max(id) FROM event WHERE id " WITHIN "),"
        " (SELECT seq FROM event WHERE id " WITHIN " AND kind = 1 ORDER BY id DESC LIMIT 1),"
        " (SELECT max(id) FROM failure WHERE id " WITHIN "), (SELECT max(id) FROM trainer WHERE id " WITHIN
        ")",
    [RUNG_STMT_BRACKET_INSERT] = "INSERT INTO bracket(search, position, bracket, models, calls_planned, "
                                 "rungs) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [RUNG_STMT_BRACKET_END] = "UPDATE bracket SET ended = 1 WHERE search = ?1 AND bracket = ?2",
    [RUNG_STMT_MODEL_INSERT] = "INSERT INTO model(id, bracket, seed, parameters) VALUES(?1, ?2, ?3, ?4)",
    [RUNG_STMT_MODEL_RESULT] =
        "INSERT INTO progress(id, status, calls, score, fit_seconds, event, state_bytes)"
        " VALUES(?1, 1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET status = 1, calls = ?2, score = ?3,"
        " fit_seconds = fit_seconds + ?4, event = ?5, state_bytes = ?6",
    [RUNG_STMT_MODEL_FAILURE] =
        "INSERT INTO progress(id, status, calls, fit_seconds, reason) VALUES(?1, 4, ?2, 0, ?3)"
        " ON CONFLICT DO UPDATE SET status = 4, reason = ?3",
    [RUNG_STMT_MODEL_RETRY] =
        "UPDATE progress SET status = calls > 0, reason = NULL, retried = ?2 WHERE id = ?1",
    [RUNG_STMT_MODEL_STATUS] = "UPDATE progress SET status = ?2, reason = ?3 WHERE id = ?1",
    [RUNG_STMT_MODEL_FINISH] =
        "UPDATE progress SET status = CASE status WHEN 3 THEN 3 ELSE 5 END, ended = 1 WHERE id = ?1",
    [RUNG_STMT_EVENT_INSERT] =
        "INSERT INTO event(id, kind, seq, model, bracket, rung, calls, score, metrics, fit_seconds, "
        "score_seconds,"
        " examples, trainer, elapsed, at, decisions)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    [RUNG_STMT_EVENTS] =
        "SELECT id, kind, model, calls, score, decisions FROM event WHERE id " WITHIN " ORDER BY id",
    [RUNG_STMT_CALL_INSERT] =
        "INSERT OR IGNORE INTO call(search, model, call, fit_seconds, metrics) VALUES(?1, ?2, ?3, ?4, ?5)",
    [RUNG_STMT_FAILURE_INSERT] =
        "INSERT INTO failure(id, model, from_call, to_call, attempt, trainer, kind, reason, log, at, event)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [RUNG_STMT_TRAINER_INSERT] =
        "INSERT INTO trainer(id, trainer, host, kind, platform, joined_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [RUNG_STMT_TRAINER_JOB] = "UPDATE trainer SET model = ?2, jobs = ?3, busy_seconds = ?4 WHERE id = ?1",
    [RUNG_STMT_TRAINER_LEAVE] = "UPDATE trainer SET model = NULL, left_at = ?2, reason = ?3 WHERE id = ?1",
    [RUNG_STMT_TRAINERS_GONE] =
        "UPDATE trainer SET model = NULL, reason = 'its scheduler ended', left_at = max(coalesce(joined_at, "
        "0.0),"
        " coalesce((SELECT e.at FROM event e WHERE e.id " WITHIN " ORDER BY e.id DESC LIMIT 1), 0.0))"
        " WHERE id " WITHIN " AND left_at IS NULL",
    [RUNG_STMT_ATTEMPTS] =
        "SELECT f.model, sum(f.kind <> 'lost'), sum(f.kind = 'lost') FROM failure f"
        " LEFT JOIN progress p ON p.id = (?1 << 40) + f.model WHERE f.id " WITHIN " AND f.model IS NOT NULL"
        " AND f.from_call = coalesce(p.calls, 0) AND f.event >= coalesce(p.retried, 0)"
        " GROUP BY f.model ORDER BY f.model",
    [RUNG_STMT_STATES] = "SELECT id, calls, state_bytes FROM progress WHERE id " WITHIN
                         " AND state_bytes IS NOT NULL ORDER BY id",
    [RUNG_STMT_HISTORY_MODELS] = "SELECT m.id, m.bracket, m.parameters, p.state_bytes FROM model m"
                                 " LEFT JOIN progress p ON p.id = m.id WHERE m.id " WITHIN " ORDER BY m.id",
    [RUNG_STMT_HISTORY_TRAINERS] =
        "SELECT trainer, host, joined_at, left_at, jobs, busy_seconds FROM trainer WHERE id " WITHIN
        " ORDER BY id",
    [RUNG_STMT_HISTORY_FAILURES] =
        "SELECT model, trainer, at FROM failure WHERE id " WITHIN " AND model IS NOT NULL ORDER BY id",
    [RUNG_STMT_HISTORY_EVENTS] = "SELECT id, kind, model, calls, score, fit_seconds, score_seconds, examples,"
                                 " trainer, elapsed, at FROM event WHERE id " WITHIN " ORDER BY id",
};

sqlite3_stmt *rung_stmt_get(struct rung_store *store, enum rung_stmt which, struct rung_err *err)
{
    sqlite3_stmt *stmt = store->statements[which];
    if (stmt) {
        sqlite3_reset(stmt);
        return stmt;
    }
    int rc = sqlite3_prepare_v3(store->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (rc == SQLITE_OK)
        return store->statements[which] = stmt;
    rung_store_misfit(store, err);
    return NULL;
}

int rung_stmt_code(const struct rung_err *err)
{
    return err ? err->code : RUNG_EFAIL;
}

int rung_stmt_run(struct rung_store *store, sqlite3_stmt *stmt, struct rung_err *err)
{
    errno = 0; /* so that an error of this step can be told from an old one */
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE) {
        sqlite3_reset(stmt);
        return 0;
    }
    int code = rung_store_error(store, "cannot record", err);
    sqlite3_reset(stmt);
    rung_store_rollback(store);
    return code;
}

int rung_stmt_next(struct rung_store *store, sqlite3_stmt *stmt, struct rung_err *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return 1;
    int code = rc == SQLITE_DONE ? 0 : rung_store_error(store, "cannot be read", err);
    sqlite3_reset(stmt);
    return code;
}

void rung_stmt_finalize_all(struct rung_store *store)
{
    for (int i = 0; i < RUNG_STMT_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
}

void rung_stmt_text(sqlite3_stmt *stmt, int index, const char *text)
{
    sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC);
}

void rung_stmt_real(sqlite3_stmt *stmt, int index, double value)
{
    if (isfinite(value))
        sqlite3_bind_double(stmt, index, value);
    else
        sqlite3_bind_null(stmt, index);
}

void rung_stmt_value(sqlite3_stmt *stmt, int index, int64_t value)
{
    if (value == RUNG_NO_VALUE)
        sqlite3_bind_null(stmt, index);
    else
        sqlite3_bind_int64(stmt, index, value);
}

char *rung_stmt_column_dup(sqlite3_stmt *stmt, int column)
{
    return rung_mem_strdup((const char *)sqlite3_column_text(stmt, column));
}

double rung_stmt_column_real(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? (double)NAN
                                                            : sqlite3_column_double(stmt, column);
}
