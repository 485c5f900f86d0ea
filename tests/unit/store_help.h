/*
 * What the tests of the store share: a folder each, processes that really are other ones, searches run by
 * hand.
 */
#ifndef RUNG_TESTS_STORE_HELP_H
#define RUNG_TESTS_STORE_HELP_H

#include "../core_help.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/handle.h"
#include "store/query.h"
#include "store/record.h"
#include "store/replay.h"
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

static char folder[200];

static UNUSED int make_folder(void **state)
{
    const char *top = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%s/rung-store-XXXXXX", top && strlen(top) < 150 ? top : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static UNUSED int remove_folder(void **state)
{
    char command[500];
    (void)state;
    snprintf(command, sizeof command, "chmod -R u+rwX '%s'; rm -rf '%s'", folder, folder);
    return system(command);
}

/* Up to eight paths are good at the same time. */
static UNUSED const char *in_folder(const char *name)
{
    static char paths[8][320];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static UNUSED void write_file(const char *path, const void *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static UNUSED bool is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

/* Runs body in a forked child; its exit status, or minus the signal that ended it. A failed assertion aborts
 * it, instead of going on with the next test there. _exit: no leak checks, since the parent's memory is all
 * held. */
static UNUSED int in_child(int (*body)(void *), void *context)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        _exit(body(context));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static UNUSED struct rung_store *open_store(const char *path, enum rung_store_mode mode)
{
    struct rung_store *store;
    struct rung_err err = {0};
    if (rung_store_open(&store, path, mode, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

/* Any SQL on a database through a connection of its own, as a user's tool would; returns the first value as
 * text. */
static UNUSED const char *sql(const char *path, const char *text)
{
    static char value[4096];
    sqlite3 *db;
    sqlite3_stmt *stmt = NULL;
    value[0] = '\0';
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (const char *rest = text; *rest; text = rest) {
        if (sqlite3_prepare_v2(db, text, -1, &stmt, &rest) != SQLITE_OK)
            fail_msg("%s: %s", text, sqlite3_errmsg(db));
        int rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
            snprintf(value, sizeof value, "%s",
                     sqlite3_column_text(stmt, 0) ? (const char *)sqlite3_column_text(stmt, 0) : "NULL");
        else if (rc != SQLITE_DONE)
            fail_msg("%s: %s", text, sqlite3_errmsg(db));
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
    return value;
}

#define assert_sql(path, text, expected) assert_string_equal(sql(path, text), expected)

static UNUSED struct rung_space *help_space(void)
{
    static const char text[] = "{\"alpha\":{\"uniform\":[0,1]},\"batch\":{\"choice\":[32,64]}}";
    struct rung_err err = {0};
    struct rung_space *space = NULL;
    struct rung_json *json = rung_json_parse(text, sizeof text - 1, 0, &err);
    if (!json || rung_space_read(&space, json, NULL, NULL, false, &err) != 0)
        fail_msg("%s", err.text);
    rung_json_free(json);
    return space;
}

/* A search whose jobs are answered at once, by a function of (model, calls), and recorded. */
typedef double score_fn(uint32_t model, int64_t calls);

struct live {
    struct rung_store *store;
    struct rung_record *record;
    struct rung_search *search;
    struct rung_space *space;
    struct rung_decisions step; /* of the last event */
    struct rung_decision *jobs; /* open TRAINs, oldest first from `taken` on */
    size_t job_count, job_capacity, taken;
    double clock;
    struct rung_err err;
};

static UNUSED void live_need(struct live *live, int rc)
{
    if (rc != 0)
        fail_msg("%s", live->err.text);
}

static UNUSED void live_queue(struct live *live)
{
    for (size_t i = 0; i < live->step.count; i++) {
        if (live->step.items[i].kind != RUNG_DECISION_TRAIN)
            continue;
        live->jobs = rung_mem_grow(live->jobs, live->job_count, &live->job_capacity, sizeof *live->jobs);
        live->jobs[live->job_count++] = live->step.items[i];
    }
}

/* Opens a store of its own when live->store is NULL. */
static UNUSED void live_create(struct live *live, const char *path, const char *name,
                               const struct rung_search_spec *spec)
{
    struct rung_search_row row = {.name = (char *)name,
                                  .spec = "{\"name\":\"x\"}",
                                  .folder = "/somewhere",
                                  .algorithm = "hyperband",
                                  .goal = spec->maximize ? "maximize" : "minimize",
                                  .metric = "score",
                                  .version = "0.1.0",
                                  .host = "here",
                                  .program = "/bin/true sha256:00",
                                  .started_at = 1795167000.123};
    if (!live->store)
        live->store = open_store(path, RUNG_STORE_CREATE);
    live->space = help_space();
    live->search = help_search(spec);
    live->clock = 1795167000;
    live_need(live, rung_record_create(&live->record, live->store, &row, rung_search_plan(live->search),
                                       live->space, spec->seed, &live->err));
}

/* One event through the search into the record. */
static UNUSED void live_event(struct live *live, const struct rung_event *event,
                              const struct rung_result_facts *facts)
{
    help_step(live->search, event, &live->step);
    live_need(live, rung_record_append(live->record, event, &live->step, facts, &live->err));
    live_queue(live);
}

static UNUSED void live_start(struct live *live)
{
    struct rung_event start = help_start();
    live_event(live, &start, NULL);
    live_need(live, rung_store_commit(live->store, &live->err));
}

static UNUSED bool live_has_job(const struct live *live)
{
    return live->taken < live->job_count;
}

static UNUSED struct rung_result_facts live_facts(struct live *live, uint32_t model, int32_t rung)
{
    live->clock += 1;
    return (struct rung_result_facts){.bracket = rung_search_model(live->search, model).bracket,
                                      .rung = rung,
                                      .metrics = "{\"loss\":0.5}",
                                      .fit_seconds = 0.25,
                                      .score_seconds = 0.125,
                                      .examples = 100,
                                      .trainer = 0,
                                      .state_bytes = 10 + model,
                                      .elapsed = live->clock - 1795167000,
                                      .at = live->clock};
}

/* Answers the oldest open job and commits. */
static UNUSED void live_answer(struct live *live, score_fn *score)
{
    struct rung_decision job = live->jobs[live->taken++];
    struct rung_result_facts facts = live_facts(live, job.model, job.rung);
    struct rung_event event = help_result(job.model, job.to, score(job.model, job.to));
    live_event(live, &event, &facts);
    live_need(live, rung_store_commit(live->store, &live->err));
}

static UNUSED void live_finish(struct live *live, score_fn *score)
{
    struct rung_event ask = {.kind = RUNG_EVENT_ASK};
    for (;;) {
        if (!live_has_job(live) && rung_search_asks(live->search))
            live_event(live, &ask, NULL);
        if (!live_has_job(live))
            break;
        live_answer(live, score);
    }
    assert_true(rung_search_done(live->search));
}

/* Also after a part was closed and set to NULL. */
static UNUSED void live_close(struct live *live)
{
    rung_record_free(live->record);
    rung_store_close(live->store);
    rung_search_free(live->search);
    rung_space_free(live->space);
    rung_decisions_free(&live->step);
    free(live->jobs);
    memset(live, 0, sizeof *live);
}

static UNUSED double some_score(uint32_t model, int64_t calls)
{
    return (double)((model * 37) % 101) / 101 + (double)calls * 1e-4;
}

static UNUSED void refuses_mode(const char *path, enum rung_store_mode mode, const char *why)
{
    struct rung_store *store = (void *)1;
    struct rung_err err = {0};
    int rc = rung_store_open(&store, path, mode, &err);
    if (rc != RUNG_EUSE)
        fail_msg("%s: %d, not refused as %s: %s", path, rc, why, err.text);
    assert_null(store);
    assert_int_equal(err.code, RUNG_EUSE);
    if (!strstr(err.text, why) || strncmp(err.text, path, strlen(path)) != 0)
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static UNUSED void refuses(const char *path, const char *why)
{
    refuses_mode(path, RUNG_STORE_READ, why);
    refuses_mode(path, RUNG_STORE_WRITE, why);
    assert_false(is_there(in_folder("a.db.lock")));
}

/* A database at a.db with one finished search of 9 models. */
static UNUSED const char *some_database(void)
{
    const char *path = in_folder("a.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "first", &spec);
    live_start(&live);
    live_finish(&live, some_score);
    live_close(&live);
    return path;
}

static UNUSED int count_rows(struct rung_store *store, enum rung_query_view view, struct rung_err *err)
{
    struct rung_query *query;
    int rc = rung_query_open(&query, store, view, NULL, err), rows = 0;
    while (rc == 0 && (rc = rung_query_next(query, err)) > 0) {
        rows++;
        rc = 0;
    }
    rung_query_close(query);
    return rc < 0 ? rc : rows;
}

#define HISTORY_ROWS 22 /* scores of the plan of (9, 3) */

static UNUSED void record_many(struct live *live, int count)
{
    for (int i = 0; i < count; i++) {
        struct rung_event event = {
            .kind = RUNG_EVENT_RESULT, .model = (uint32_t)i % 9, .calls = 1, .score = 1};
        live_need(live,
                  rung_record_append(live->record, &event, &(struct rung_decisions){0}, NULL, &live->err));
        live_need(live, rung_store_commit(live->store, &live->err));
    }
}

/* Commits a search, begins a transaction that it does not end, and dies. */
static UNUSED int record_and_die(void *path)
{
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "killed", &spec);
    live_start(&live);
    live_answer(&live, some_score);
    live_answer(&live, some_score);
    struct rung_event event = help_answer(live.search, 2, 0.5);
    live_event(&live, &event, NULL);
    raise(SIGKILL);
    return 0;
}

/* One bracket of 4 models: 4 at 1 call, 2 at 2, 1 at 4. */
static UNUSED struct rung_search_spec four_models(void)
{
    struct rung_search_spec spec = help_spec(4, 2);
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 4;
    return spec;
}

#endif
