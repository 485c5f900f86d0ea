/*
 * Rows back to events, and each step's decisions against what was recorded, text against text.
 */
#include "store/replay.h"

#include "base/buf.h"
#include "core/trace.h"
#include "store/handle.h"
#include "store/schema.h"

#include <stdbool.h>
#include <string.h>

struct row {
    int64_t number;
    struct rung_event event;
    const char *decisions; /* "" for none; lives until the next step of the statement */
};

static int read_event(struct rung_store *store, sqlite3_stmt *stmt, struct row *row, struct rung_err *err)
{
    static const enum rung_event_kind kinds[] = {
        [RUNG_ROW_START] = RUNG_EVENT_START,     [RUNG_ROW_RESULT] = RUNG_EVENT_RESULT,
        [RUNG_ROW_FAILURE] = RUNG_EVENT_FAILURE, [RUNG_ROW_ASK] = RUNG_EVENT_ASK,
        [RUNG_ROW_RETRY] = RUNG_EVENT_RETRY,
    };
    int64_t kind = sqlite3_column_int64(stmt, 1), model = sqlite3_column_int64(stmt, 2);
    const char *decisions = (const char *)sqlite3_column_text(stmt, 5);
    row->number = RUNG_ROW_NUMBER(sqlite3_column_int64(stmt, 0));
    if (kind < 0 || kind >= (int64_t)(sizeof kinds / sizeof *kinds) || model < 0 || model >= RUNG_NO_MODEL)
        return rung_err_set(err, RUNG_EUSE, "%s: is damaged: event %lld is none", rung_store_path(store),
                            (long long)row->number);
    row->event = (struct rung_event){.kind = kinds[kind],
                                     .model = (uint32_t)model,
                                     .calls = sqlite3_column_int64(stmt, 3),
                                     .score = rung_stmt_column_real(stmt, 4)};
    row->decisions = decisions ? decisions : "";
    return 0;
}

/* Puts "PATH: event N (result 5 9 0.91)" in front of what err says. */
static int at_event(struct rung_store *store, const struct row *row, struct rung_err *err)
{
    struct rung_buf line;
    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_trace_write_event(&line, &row->event);
    rung_err_prefix(err, "%s: the record does not lead to itself: event %lld (%s)", rung_store_path(store),
                    (long long)row->number, rung_buf_cstr(&line));
    rung_err_way_out(
        err, "resume it with the rung that began it (rung list shows its version); nothing was changed");
    rung_buf_free(&line);
    return RUNG_EUSE;
}

static int line_length(const char *line)
{
    size_t length = strcspn(line, "\n");
    return length > 200 ? 200 : (int)length;
}

/* Both lines at which the texts part; "nothing" where one has ended. */
static int differ(struct rung_store *store, const struct row *row, const char *recomputed,
                  struct rung_err *err)
{
    const char *recorded = row->decisions;
    for (;;) {
        size_t length = strcspn(recorded, "\n");
        if (length != strcspn(recomputed, "\n") || memcmp(recorded, recomputed, length) != 0)
            break;
        bool both = recorded[length] == '\n' && recomputed[length] == '\n';
        recorded += length + (recorded[length] == '\n');
        recomputed += length + (recomputed[length] == '\n');
        if (!both)
            break;
    }
    recorded = *recorded ? recorded : "nothing";
    recomputed = *recomputed ? recomputed : "nothing";
    rung_err_set(err, RUNG_EUSE, "recorded is \"%.*s\", recomputed is \"%.*s\"", line_length(recorded),
                 recorded, line_length(recomputed), recomputed);
    return at_event(store, row, err);
}

static int replay_row(struct rung_store *store, const struct row *row, struct rung_search *search,
                      struct rung_decisions *decisions, struct rung_buf *text, struct rung_err *err)
{
    rung_decisions_clear(decisions);
    if (rung_search_step(search, &row->event, decisions, err) != 0)
        return at_event(store, row, err);
    if (decisions->count == 0 && !*row->decisions)
        return 0;
    rung_buf_clear(text);
    rung_trace_write_decisions(text, decisions);
    return strcmp(rung_buf_cstr(text), row->decisions) == 0 ? 0
                                                            : differ(store, row, rung_buf_cstr(text), err);
}

int rung_replay(struct rung_store *store, int64_t search_id, struct rung_search *search, struct rung_err *err)
{
    struct rung_err own;
    err = err ? err : &own;
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_EVENTS, err);
    if (!stmt)
        return rung_stmt_code(err);
    struct rung_decisions decisions = {0};
    struct rung_buf text;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    sqlite3_bind_int64(stmt, 1, search_id);
    int rc;
    while ((rc = rung_stmt_next(store, stmt, err)) > 0) {
        struct row row;
        rc = read_event(store, stmt, &row, err);
        if (rc == 0)
            rc = replay_row(store, &row, search, &decisions, &text, err);
        if (rc != 0)
            break;
    }
    sqlite3_reset(stmt);
    rung_buf_free(&text);
    rung_decisions_free(&decisions);
    return rc;
}

int rung_replay_attempts(struct rung_store *store, int64_t search_id, rung_replay_attempts_fn *each,
                         void *context, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_ATTEMPTS, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, search_id);
    int rc;
    while ((rc = rung_stmt_next(store, stmt, err)) > 0)
        each(context, (uint32_t)sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
             sqlite3_column_int64(stmt, 2));
    return rc;
}

int rung_replay_states(struct rung_store *store, int64_t search_id, rung_replay_state_fn *each, void *context,
                       struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_STATES, err);
    if (!stmt)
        return rung_stmt_code(err);
    sqlite3_bind_int64(stmt, 1, search_id);
    int rc;
    while ((rc = rung_stmt_next(store, stmt, err)) > 0)
        each(context, (uint32_t)RUNG_ROW_NUMBER(sqlite3_column_int64(stmt, 0)), sqlite3_column_int64(stmt, 1),
             sqlite3_column_int64(stmt, 2));
    return rc;
}
