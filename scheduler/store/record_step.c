/*
 * One step of a search as rows: the event, and what it and its decisions change in models and brackets.
 */
#include "store/record_parts.h"

#include "core/trace.h"
#include "store/schema.h"

#include <math.h>
#include <stdio.h>

static const enum rung_row_kind kinds[] = {
    [RUNG_EVENT_START] = RUNG_ROW_START,     [RUNG_EVENT_RESULT] = RUNG_ROW_RESULT,
    [RUNG_EVENT_FAILURE] = RUNG_ROW_FAILURE, [RUNG_EVENT_ASK] = RUNG_ROW_ASK,
    [RUNG_EVENT_RETRY] = RUNG_ROW_RETRY,
};

static int64_t row_of(const struct rung_record *record, uint32_t model)
{
    return RUNG_ROW_ID(record->id, model);
}

static bool has_model(const struct rung_event *event)
{
    return event->kind != RUNG_EVENT_START && event->kind != RUNG_EVENT_ASK;
}

static void bind_facts(sqlite3_stmt *stmt, const struct rung_result_facts *facts)
{
    sqlite3_bind_int64(stmt, 5, facts->bracket);
    rung_stmt_value(stmt, 6, facts->rung == RUNG_NO_RUNG ? RUNG_NO_VALUE : facts->rung);
    rung_stmt_text(stmt, 9, facts->metrics);
    rung_stmt_real(stmt, 10, facts->fit_seconds);
    rung_stmt_real(stmt, 11, facts->score_seconds);
    rung_stmt_value(stmt, 12, facts->examples);
    rung_stmt_value(stmt, 13, facts->trainer);
    rung_stmt_real(stmt, 14, facts->elapsed);
    rung_stmt_real(stmt, 15, facts->at);
}

static void bind_no_facts(sqlite3_stmt *stmt)
{
    static const int columns[] = {5, 6, 9, 10, 11, 12, 13, 14, 15};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sqlite3_bind_null(stmt, columns[i]);
}

static int insert_event(struct rung_record *record, const struct rung_event *event,
                        const struct rung_decisions *decisions, const struct rung_result_facts *facts,
                        struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_EVENT_INSERT, err);
    if (!stmt)
        return rung_stmt_code(err);
    bool result = event->kind == RUNG_EVENT_RESULT;
    sqlite3_bind_int64(stmt, 1, RUNG_ROW_ID(record->id, record->events + 1));
    sqlite3_bind_int(stmt, 2, kinds[event->kind]);
    rung_stmt_value(stmt, 3, result ? record->results + 1 : RUNG_NO_VALUE);
    rung_stmt_value(stmt, 4, has_model(event) ? (int64_t)event->model : RUNG_NO_VALUE);
    rung_stmt_value(stmt, 7, has_model(event) ? event->calls : RUNG_NO_VALUE);
    rung_stmt_real(stmt, 8, result ? event->score : (double)NAN);
    if (facts)
        bind_facts(stmt, facts);
    else
        bind_no_facts(stmt);
    rung_buf_clear(&record->text);
    if (decisions->count != 0)
        rung_trace_write_decisions(&record->text, decisions);
    rung_stmt_text(stmt, 16, decisions->count != 0 ? rung_buf_cstr(&record->text) : NULL);
    int rc = rung_stmt_run(record->store, stmt, err);
    if (rc == 0) {
        record->events++;
        record->results += result;
    }
    return rc;
}

static int apply_result(struct rung_record *record, const struct rung_event *event,
                        const struct rung_result_facts *facts, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_MODEL_RESULT, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, row_of(record, event->model));
    sqlite3_bind_int64(stmt, 2, event->calls);
    rung_stmt_real(stmt, 3, event->score);
    sqlite3_bind_double(stmt, 4, facts && isfinite(facts->fit_seconds) ? facts->fit_seconds : 0);
    sqlite3_bind_int64(stmt, 5, record->events);
    rung_stmt_value(stmt, 6, facts ? facts->state_bytes : RUNG_NO_VALUE);
    return rung_stmt_run(record->store, stmt, err);
}

static int apply_failure(struct rung_record *record, const struct rung_event *event,
                         const struct rung_result_facts *facts, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_MODEL_FAILURE, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, row_of(record, event->model));
    sqlite3_bind_int64(stmt, 2, event->calls);
    rung_stmt_text(stmt, 3, facts ? facts->reason : NULL);
    return rung_stmt_run(record->store, stmt, err);
}

static int apply_retry(struct rung_record *record, const struct rung_event *event, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_MODEL_RETRY, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, row_of(record, event->model));
    sqlite3_bind_int64(stmt, 2, record->events);
    return rung_stmt_run(record->store, stmt, err);
}

static int apply_event(struct rung_record *record, const struct rung_event *event,
                       const struct rung_result_facts *facts, struct rung_err *err)
{
    switch (event->kind) {
    case RUNG_EVENT_RESULT:
        return apply_result(record, event, facts, err);
    case RUNG_EVENT_FAILURE:
        return apply_failure(record, event, facts, err);
    case RUNG_EVENT_RETRY:
        return apply_retry(record, event, err);
    case RUNG_EVENT_START:
    case RUNG_EVENT_ASK:
        break;
    }
    return 0;
}

static int insert_model(struct rung_record *record, const struct rung_decision *decision,
                        struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_MODEL_INSERT, err);
    if (!stmt)
        return rung_stmt_code(err);
    rung_buf_clear(&record->text);
    rung_space_draw(record->space, record->seed, decision->model, &record->text);
    sqlite3_bind_int64(stmt, 1, row_of(record, decision->model));
    sqlite3_bind_int64(stmt, 2, decision->bracket);
    sqlite3_bind_int64(stmt, 3, rung_space_model_seed(record->seed, decision->model));
    rung_stmt_text(stmt, 4, rung_buf_cstr(&record->text));
    return rung_stmt_run(record->store, stmt, err);
}

static int set_status(struct rung_record *record, uint32_t model, enum rung_row_status status,
                      const char *reason, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_MODEL_STATUS, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, row_of(record, model));
    sqlite3_bind_int(stmt, 2, status);
    rung_stmt_text(stmt, 3, reason);
    return rung_stmt_run(record->store, stmt, err);
}

static int stop_model(struct rung_record *record, const struct rung_decision *decision, struct rung_err *err)
{
    char reason[48];
    snprintf(reason, sizeof reason, "halving in rung %d", (int)decision->rung);
    return set_status(record, decision->model, RUNG_ROW_STOPPED, reason, err);
}

static int finish_model(struct rung_record *record, const struct rung_decision *decision,
                        struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_MODEL_FINISH, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, row_of(record, decision->model));
    return rung_stmt_run(record->store, stmt, err);
}

static int end_bracket(struct rung_record *record, const struct rung_decision *decision, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(record->store, RUNG_STMT_BRACKET_END, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, record->id);
    sqlite3_bind_int64(stmt, 2, decision->bracket);
    return rung_stmt_run(record->store, stmt, err);
}

static int apply_decision(struct rung_record *record, const struct rung_decision *decision,
                          struct rung_err *err)
{
    switch (decision->kind) {
    case RUNG_DECISION_MODEL:
        return insert_model(record, decision, err);
    case RUNG_DECISION_STOP:
        return stop_model(record, decision, err);
    case RUNG_DECISION_PLATEAU:
        return set_status(record, decision->model, RUNG_ROW_PLATEAUED, NULL, err);
    case RUNG_DECISION_FINISH:
        return finish_model(record, decision, err);
    case RUNG_DECISION_BRACKET:
        return end_bracket(record, decision, err);
    case RUNG_DECISION_TRAIN: /* waiting or paused, as it was */
    case RUNG_DECISION_RUNG:  /* its STOPs say it all */
    case RUNG_DECISION_DONE:  /* the search's status is for the caller to set, with the reason */
        break;
    }
    return 0;
}

int rung_record_append(struct rung_record *record, const struct rung_event *event,
                       const struct rung_decisions *decisions, const struct rung_result_facts *facts,
                       struct rung_err *err)
{
    int rc = rung_record_begin(record, err);
    if (rc == 0)
        rc = insert_event(record, event, decisions, facts, err);
    if (rc == 0)
        rc = apply_event(record, event, facts, err);
    for (size_t i = 0; rc == 0 && i < decisions->count; i++)
        rc = apply_decision(record, &decisions->items[i], err);
    return rc;
}
