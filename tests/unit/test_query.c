/*
 * Reading the public views: their columns as the contract has them, types, filters, order, and what is shown
 * when their owner is gone.
 */
#include "store_help.h"

static const char *path;

static int setup(void **state)
{
    int rc = make_folder(state);
    path = in_folder("a.db");
    return rc;
}

static struct rung_query *query(struct rung_store *store, enum rung_query_view view,
                                const struct rung_query_filter *filter)
{
    struct rung_query *made;
    struct rung_err err = {0};
    if (rung_query_open(&made, store, view, filter, &err) != 0)
        fail_msg("%s", err.text);
    return made;
}

/* The rows' cells of the named columns, "a b|a b". */
static const char *rows(struct rung_store *store, enum rung_query_view view,
                        const struct rung_query_filter *filter, const char *first, const char *second)
{
    static char text[4096];
    struct rung_query *made = query(store, view, filter);
    int a = rung_query_find(made, first), b = rung_query_find(made, second), rc;
    assert_true(a >= 0 && b >= 0);
    text[0] = '\0';
    while ((rc = rung_query_next(made, NULL)) > 0) {
        const char *x = rung_query_text(made, (size_t)a);
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%s ", length ? "|" : "", x ? x : "-");
        x = rung_query_text(made, (size_t)b); /* may have replaced the first */
        length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s", x ? x : "-");
    }
    assert_int_equal(rc, 0);
    rung_query_close(made);
    return text;
}

static void record(struct live *live, const char *name)
{
    struct rung_search_spec spec = help_spec(4, 2);
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 4;
    live_create(live, path, name, &spec);
    live_start(live);
}

static void columns_are_those_of_the_contract(void **state)
{
    (void)state;
    static const char *const columns[] = {
        [RUNG_VIEW_LEADERBOARD] =
            "search rank model score status bracket calls fit_seconds parameters metrics ",
        [RUNG_VIEW_HISTORY] =
            "search seq model bracket rung partial_fit_calls score metrics partial_fit_time score_time"
            " examples trainer elapsed_wall_time finished_at ",
        [RUNG_VIEW_CALLS] = "search model call fit_seconds metrics ",
        [RUNG_VIEW_BRACKETS] = "search bracket models rungs calls_planned calls_done best_score status ",
        [RUNG_VIEW_MODELS] = "search model bracket status calls score parameters seed reason ",
        [RUNG_VIEW_SEARCHES] =
            "search status reason algorithm started_at finished_at models calls_planned calls_done"
            " best_score best_model spec version host program test_metrics notes elapsed ",
        [RUNG_VIEW_FAILURES] = "search seq model from_call to_call attempt trainer kind reason log at ",
        [RUNG_VIEW_TRAINERS] =
            "search trainer host kind platform jobs busy_seconds joined_at left_at reason ",
    };
    struct rung_store *store = open_store(path, RUNG_STORE_CREATE);
    for (int view = RUNG_VIEW_LEADERBOARD; view <= RUNG_VIEW_TRAINERS; view++) {
        char names[400] = "";
        struct rung_query *made = query(store, (enum rung_query_view)view, NULL);
        for (size_t i = 0; i < rung_query_columns(made); i++) {
            strcat(strcat(names, rung_query_column(made, i)), " ");
            assert_int_equal(rung_query_find(made, rung_query_column(made, i)), i);
        }
        assert_string_equal(names, columns[view]);
        assert_int_equal(rung_query_find(made, "nothing"), -1);
        assert_int_equal(rung_query_next(made, NULL), 0);
        rung_query_close(made);
    }
    rung_store_close(store);
}

static void cells_have_types(void **state)
{
    (void)state;
    static const struct {
        const char *column;
        enum rung_query_type type;
    } expected[] = {{"search", RUNG_CELL_TEXT},
                    {"seq", RUNG_CELL_INTEGER},
                    {"rung", RUNG_CELL_INTEGER},
                    {"score", RUNG_CELL_REAL},
                    {"metrics", RUNG_CELL_JSON},
                    {"partial_fit_time", RUNG_CELL_REAL},
                    {"elapsed_wall_time", RUNG_CELL_REAL},
                    {"finished_at", RUNG_CELL_TIME}};
    struct live live = {0};
    record(&live, "one");
    live_answer(&live, some_score);
    struct rung_query *made = query(live.store, RUNG_VIEW_HISTORY, NULL);
    assert_int_equal(rung_query_next(made, NULL), 1);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(rung_query_type(made, (size_t)rung_query_find(made, expected[i].column)),
                         expected[i].type);
    assert_int_equal(rung_query_integer(made, (size_t)rung_query_find(made, "seq")), 1);
    assert_true(rung_query_real(made, (size_t)rung_query_find(made, "partial_fit_time")) == 0.25);
    assert_string_equal(rung_query_text(made, (size_t)rung_query_find(made, "metrics")), "{\"loss\":0.5}");
    assert_string_equal(rung_query_text(made, (size_t)rung_query_find(made, "finished_at")),
                        "2026-11-20T09:30:01.000Z");
    rung_query_close(made);
    made = query(live.store, RUNG_VIEW_SEARCHES, NULL);
    assert_int_equal(rung_query_next(made, NULL), 1);
    assert_int_equal(rung_query_type(made, (size_t)rung_query_find(made, "spec")), RUNG_CELL_JSON);
    assert_int_equal(rung_query_type(made, (size_t)rung_query_find(made, "started_at")), RUNG_CELL_TIME);
    assert_int_equal(rung_query_type(made, (size_t)rung_query_find(made, "finished_at")), RUNG_CELL_NULL);
    assert_null(rung_query_text(made, (size_t)rung_query_find(made, "finished_at")));
    assert_true(isnan(rung_query_real(made, (size_t)rung_query_find(made, "finished_at"))));
    rung_query_close(made);
    live_close(&live);
}

static void filters_by_search_model_and_number(void **state)
{
    (void)state;
    struct live one = {0};
    record(&one, "one");
    struct live two = {.store = one.store};
    record(&two, "two");
    live_finish(&one, some_score);
    live_finish(&two, some_score);
    struct rung_query_filter filter = {NULL, RUNG_QUERY_ANY, RUNG_QUERY_ANY};
    assert_string_equal(rows(one.store, RUNG_VIEW_LEADERBOARD, &filter, "search", "model"),
                        "one 2|one 1|one 3|one 0|two 2|two 1|two 3|two 0");
    filter.limit = 2;
    assert_string_equal(rows(one.store, RUNG_VIEW_LEADERBOARD, &filter, "search", "model"), "one 2|one 1");
    filter.search = "two";
    assert_string_equal(rows(one.store, RUNG_VIEW_LEADERBOARD, &filter, "search", "model"), "two 2|two 1");
    assert_string_equal(rows(one.store, RUNG_VIEW_SEARCHES, &filter, "search", "best_model"), "two 2");
    assert_string_equal(rows(one.store, RUNG_VIEW_BRACKETS, &filter, "search", "bracket"), "two 0");
    filter.limit = RUNG_QUERY_ANY;
    filter.model = 1;
    assert_string_equal(rows(one.store, RUNG_VIEW_LEADERBOARD, &filter, "search", "rank"), "two 2");
    assert_string_equal(rows(one.store, RUNG_VIEW_HISTORY, &filter, "seq", "partial_fit_calls"), "2 1|5 2");
    assert_string_equal(rows(one.store, RUNG_VIEW_MODELS, &filter, "search", "status"), "two stopped");
    filter.search = NULL;
    assert_string_equal(rows(one.store, RUNG_VIEW_MODELS, &filter, "search", "status"),
                        "one stopped|two stopped");
    filter.limit = 0;
    assert_string_equal(rows(one.store, RUNG_VIEW_MODELS, &filter, "search", "status"), "");
    filter = (struct rung_query_filter){"none", RUNG_QUERY_ANY, RUNG_QUERY_ANY};
    assert_string_equal(rows(one.store, RUNG_VIEW_MODELS, &filter, "search", "status"), "");
    filter.model = 1;
    struct rung_query *made;
    struct rung_err err = {0};
    assert_int_equal(rung_query_open(&made, one.store, RUNG_VIEW_TRAINERS, &filter, &err), RUNG_EUSE);
    assert_null(made);
    two.store = NULL;
    live_close(&two);
    live_close(&one);
}

static void quotes_in_names_are_only_names(void **state)
{
    (void)state;
    struct live live = {0};
    record(&live, "it's");
    struct rung_query_filter filter = {"it's", RUNG_QUERY_ANY, RUNG_QUERY_ANY};
    assert_string_equal(rows(live.store, RUNG_VIEW_SEARCHES, &filter, "search", "status"), "it's running");
    live_close(&live);
}

static int run_and_die(void *context)
{
    struct live live = {0};
    int64_t row;
    (void)context;
    record(&live, "killed");
    for (int i = 0; i < 4; i++)
        live_answer(&live, some_score);
    for (uint32_t i = 1; i < 3; i++) {
        live_need(&live, rung_record_trainer_join(live.record, i, "here", "local", NULL, 1, &row, &live.err));
        live_need(&live, rung_record_trainer_job(live.record, row, i, 0, 0, &live.err));
    }
    struct live fresh = {.store = live.store};
    record(&fresh, "fresh");
    live_need(&live, rung_record_trainer_join(fresh.record, 0, "here", "local", NULL, 1, &row, &live.err));
    live_need(&live, rung_record_trainer_job(fresh.record, row, 3, 0, 0, &live.err));
    live_need(&live, rung_store_commit(live.store, &live.err));
    raise(SIGKILL);
    return 0;
}

static void running_without_an_owner_is_shown_as_interrupted(void **state)
{
    (void)state;
    assert_int_equal(in_child(run_and_die, NULL), -SIGKILL);
    struct rung_store *store = open_store(path, RUNG_STORE_READ);
    struct rung_query_filter filter = {"killed", RUNG_QUERY_ANY, RUNG_QUERY_ANY};
    assert_string_equal(rows(store, RUNG_VIEW_SEARCHES, NULL, "search", "status"),
                        "killed interrupted|fresh interrupted");
    assert_string_equal(rows(store, RUNG_VIEW_BRACKETS, NULL, "search", "status"),
                        "killed interrupted|fresh interrupted");
    assert_string_equal(rows(store, RUNG_VIEW_MODELS, &filter, "model", "status"),
                        "0 stopped|1 paused|2 paused|3 stopped");
    assert_string_equal(rows(store, RUNG_VIEW_LEADERBOARD, &filter, "model", "status"),
                        "2 paused|1 paused|3 stopped|0 stopped");
    filter.search = "fresh";
    assert_string_equal(rows(store, RUNG_VIEW_MODELS, &filter, "model", "status"),
                        "0 waiting|1 waiting|2 waiting|3 waiting");
    rung_store_close(store);
    assert_sql(path, "SELECT group_concat(status) FROM models",
               "stopped,running,running,stopped,waiting,waiting,waiting,running");
}

static int sees_running(void *context)
{
    (void)context;
    struct rung_store *store = open_store(path, RUNG_STORE_READ);
    int same = strcmp(rows(store, RUNG_VIEW_SEARCHES, NULL, "search", "status"), "one running") == 0 &&
               strcmp(rows(store, RUNG_VIEW_MODELS, NULL, "model", "status"),
                      "0 waiting|1 running|2 waiting|3 waiting") == 0;
    rung_store_close(store);
    return same ? 0 : 1;
}

static void running_with_an_owner_is_running(void **state)
{
    (void)state;
    struct live live = {0};
    int64_t row;
    record(&live, "one");
    live_need(&live, rung_record_trainer_join(live.record, 0, "here", "local", NULL, 1, &row, &live.err));
    live_need(&live, rung_record_trainer_job(live.record, row, 1, 0, 0, &live.err));
    live_need(&live, rung_store_commit(live.store, &live.err));
    assert_int_equal(in_child(sees_running, NULL), 0);
    assert_string_equal(rows(live.store, RUNG_VIEW_SEARCHES, NULL, "search", "status"), "one running");
    live_close(&live);
}

static void a_reader_cannot_write(void **state)
{
    (void)state;
    struct live live = {0};
    record(&live, "one");
    live_close(&live);
    struct rung_store *store = open_store(path, RUNG_STORE_READ);
    assert_int_not_equal(sqlite3_exec(store->db, "DELETE FROM search", NULL, NULL, NULL), SQLITE_OK);
    struct rung_err err = {0};
    assert_int_equal(rung_record_delete(store, 1, &err), RUNG_EFAIL);
    rung_store_close(store);
    assert_sql(path, "SELECT count(*) FROM searches", "1");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(columns_are_those_of_the_contract),
        TEST(cells_have_types),
        TEST(filters_by_search_model_and_number),
        TEST(quotes_in_names_are_only_names),
        TEST(running_without_an_owner_is_shown_as_interrupted),
        TEST(running_with_an_owner_is_running),
        TEST(a_reader_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
