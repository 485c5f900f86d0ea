/*
 * The search's own row and the facts around its events, seen through the public views.
 */
#include "record_help.h"

static void create_writes_the_search_and_its_plan(void **state)
{
    (void)state;
    struct live live = {0};
    struct rung_search_spec spec = four_models();
    live_create(&live, path, "four", &spec);
    commit(&live);
    is("SELECT search || status || algorithm || started_at || models || calls_planned || calls_done || spec "
       "|| version"
       " || host || program FROM searches",
       "fourrunninghyperband2026-11-20T09:30:00.123Z080{\"name\":\"x\"}0.1.0here/bin/true sha256:00");
    is("SELECT reason IS NULL AND finished_at IS NULL AND best_score IS NULL AND best_model IS NULL AND "
       "notes IS NULL"
       " AND test_metrics IS NULL AND elapsed = 0 FROM searches",
       "1");
    is("SELECT bracket || ' ' || models || ' ' || calls_planned || ' ' || calls_done || ' ' || status || "
       "rungs"
       " FROM brackets WHERE best_score IS NULL",
       "0 4 8 0 waiting[{\"models\":4,\"calls\":1},{\"models\":2,\"calls\":2},{\"models\":1,\"calls\":4}]");
    assert_int_equal(rung_record_id(live.record), 1);
    assert_int_equal(rung_record_results(live.record), 0);
    live_close(&live);
}

static void a_name_is_taken_once(void **state)
{
    (void)state;
    struct live live = {0}, again = {0};
    begin(&live, "four");
    again.space = live.space;
    struct rung_search_row row = {.name = "four", .spec = "{}"};
    struct rung_err err = {0};
    assert_int_equal(rung_record_create(&again.record, live.store, &row, rung_search_plan(live.search),
                                        live.space, 0, &err),
                     RUNG_EUSE);
    assert_non_null(strstr(err.text, "holds a search 'four' already"));
    assert_null(again.record);
    rung_store_rollback(live.store);
    is("SELECT count(*) FROM searches", "1");
    live_close(&live);
}

static void find_takes_a_name_or_the_newest(void **state)
{
    (void)state;
    struct live live = {0};
    struct rung_search_row row;
    struct rung_err err = {0};
    live.store = open_store(path, RUNG_STORE_CREATE);
    assert_int_equal(rung_record_find(live.store, NULL, &row, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "holds no search"));
    assert_int_equal(rung_record_exists(live.store, "one", NULL, &err), 0);
    begin(&live, "one");
    struct live second = {.store = live.store};
    begin(&second, "two");
    assert_int_equal(rung_record_find(live.store, NULL, &row, &err), 0);
    assert_string_equal(row.name, "two");
    assert_int_equal(row.id, 2);
    rung_search_row_free(&row);
    assert_null(row.name);
    assert_int_equal(rung_record_exists(live.store, "one", &row, &err), 1);
    assert_string_equal(row.name, "one");
    assert_string_equal(row.status, "running");
    assert_string_equal(row.spec, "{\"name\":\"x\"}");
    assert_string_equal(row.folder, "/somewhere");
    assert_string_equal(row.algorithm, "hyperband");
    assert_string_equal(row.goal, "maximize");
    assert_string_equal(row.metric, "score");
    assert_string_equal(row.program, "/bin/true sha256:00");
    assert_null(row.reason);
    assert_true(row.started_at == 1795167000.123);
    assert_true(isnan(row.finished_at));
    rung_search_row_free(&row);
    assert_int_equal(rung_record_find(live.store, "three", &row, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "holds no search 'three' (there are: two, one)"));
    second.store = NULL;
    live_close(&second);
    live_close(&live);
}

static void a_trainers_job_makes_its_model_running(void **state)
{
    (void)state;
    struct live live = {0};
    int64_t first, second;
    begin(&live, "four");
    live_need(&live, rung_record_trainer_join(live.record, 0, "here", "local", "blas", 1795167001.5, &first,
                                              &live.err));
    live_need(&live, rung_record_trainer_join(live.record, 1, "there", "remote", NULL, 1795167002, &second,
                                              &live.err));
    live_need(&live, rung_record_trainer_job(live.record, first, 2, 0, 0, &live.err));
    commit(&live);
    is("SELECT group_concat(model || status, ' ') FROM models", "0waiting 1waiting 2running 3waiting");
    is("SELECT group_concat(status) FROM brackets", "running");
    is("SELECT status FROM leaderboard WHERE model = 2", "running");
    live_need(&live, rung_record_trainer_job(live.record, first, RUNG_NO_MODEL, 1, 0.75, &live.err));
    live_need(&live, rung_record_trainer_job(live.record, second, 3, 4, 2.5, &live.err));
    commit(&live);
    is("SELECT group_concat(model || status, ' ') FROM models", "0waiting 1waiting 2waiting 3running");
    live_need(&live,
              rung_record_trainer_leave(live.record, second, "killed by signal 9", 1795167009, &live.err));
    commit(&live);
    is("SELECT group_concat(status) FROM models", "waiting,waiting,waiting,waiting");
    is("SELECT search || trainer || host || kind || platform || jobs || busy_seconds || joined_at FROM "
       "trainers"
       " WHERE left_at IS NULL AND reason IS NULL",
       "four0herelocalblas10.752026-11-20T09:30:01.500Z");
    is("SELECT trainer || host || kind || jobs || busy_seconds || left_at || reason FROM trainers"
       " WHERE platform IS NULL",
       "1thereremote42.52026-11-20T09:30:09.000Zkilled by signal 9");
    live_close(&live);
}

/* A dead model that a slow trainer still holds is shown as what was decided about it. */
static void what_was_decided_beats_running(void **state)
{
    (void)state;
    struct live live = {0};
    int64_t row;
    begin(&live, "four");
    live_need(&live, rung_record_trainer_join(live.record, 0, "here", "local", NULL, 1, &row, &live.err));
    live_need(&live, rung_record_trainer_job(live.record, row, 0, 0, 0, &live.err));
    for (int i = 0; i < 4; i++)
        live_answer(&live, some_score);
    is("SELECT status FROM models WHERE model = 0", "stopped");
    live_close(&live);
}

static void calls_are_recorded_once(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    live_need(&live, rung_record_progress(live.record, 1, 1, 0.5, "{\"loss\":1}", &live.err));
    live_need(&live, rung_record_progress(live.record, 1, 2, NAN, NULL, &live.err));
    live_need(&live, rung_record_progress(live.record, 1, 1, 9, "{\"loss\":9}", &live.err));
    live_need(&live, rung_record_progress(live.record, 0, 1, 0.25, NULL, &live.err));
    commit(&live);
    is("SELECT group_concat(search || model || call || coalesce(fit_seconds, '-') || coalesce(metrics, '-'), "
       "' ')"
       " FROM calls",
       "four010.25- four110.5{\"loss\":1} four12--");
    live_close(&live);
}

static void failures_are_counted_per_search(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    struct live second = {.store = live.store};
    begin(&second, "five");
    struct rung_failure_facts facts = {.model = 3,
                                       .from = 1,
                                       .to = 2,
                                       .attempt = 1,
                                       .trainer = 0,
                                       .kind = RUNG_FAILURE_EXIT,
                                       .reason = "exit status 3",
                                       .log = "line 1\nline 2",
                                       .at = 1795167001};
    live_need(&live, rung_record_failure(live.record, &facts, &live.err));
    live_need(&live, rung_record_failure(second.record, &facts, &live.err));
    struct rung_failure_facts start = {
        .model = RUNG_NO_MODEL, .attempt = 1, .trainer = 1, .kind = RUNG_FAILURE_START, .at = NAN};
    live_need(&live, rung_record_failure(live.record, &start, &live.err));
    commit(&live);
    is("SELECT search || seq || model || from_call || to_call || attempt || trainer || kind || reason || log "
       "|| at"
       " FROM failures",
       "four13121"
       "0exitexit status 3line 1\nline 22026-11-20T09:30:01.000Z");
    is("SELECT group_concat(search || seq || kind, ' ') FROM failures", "four1exit four2start five1exit");
    is("SELECT count(*) FROM failures WHERE kind = 'start' AND coalesce(model, from_call, to_call, reason, "
       "log, at)"
       " IS NULL",
       "1");
    second.store = NULL;
    live_close(&second);
    live_close(&live);
}

static void job_numbers_are_never_given_twice(void **state)
{
    (void)state;
    struct live live = {0};
    int64_t first;
    begin(&live, "four");
    live_need(&live, rung_record_reserve_jobs(live.record, 100, &first, &live.err));
    assert_int_equal(first, 1);
    live_need(&live, rung_record_reserve_jobs(live.record, 1, &first, &live.err));
    assert_int_equal(first, 101);
    commit(&live);
    live_need(&live, rung_record_reserve_jobs(live.record, 50, &first, &live.err));
    assert_int_equal(first, 102);
    rung_store_rollback(live.store);
    live_need(&live, rung_record_reserve_jobs(live.record, 50, &first, &live.err));
    assert_int_equal(first, 102);
    live_close(&live);
}

static void reopening_goes_on_where_it_stood(void **state)
{
    (void)state;
    struct live live = {0};
    int64_t row;
    begin(&live, "four");
    live_need(&live,
              rung_record_trainer_join(live.record, 0, "here", "local", NULL, 1795167000, &row, &live.err));
    live_need(&live, rung_record_trainer_job(live.record, row, 3, 0, 0, &live.err));
    for (int i = 0; i < 3; i++)
        live_answer(&live, some_score);
    struct rung_failure_facts failure = {.model = 3, .kind = RUNG_FAILURE_EXIT};
    live_need(&live, rung_record_failure(live.record, &failure, &live.err));
    live_need(&live, rung_record_status(live.record, "interrupted", "SIGINT", 7.5, 1795167008, &live.err));
    commit(&live);
    is("SELECT status || reason || elapsed || (finished_at IS NULL) FROM searches", "interruptedSIGINT7.51");
    rung_record_free(live.record);
    rung_store_close(live.store);
    live.record = NULL;
    live.store = open_store(path, RUNG_STORE_WRITE);
    struct rung_search_row found;
    live_need(&live, rung_record_find(live.store, NULL, &found, &live.err));
    assert_string_equal(found.reason, "SIGINT");
    assert_true(found.elapsed == 7.5);
    live_need(&live, rung_record_reopen(&live.record, live.store, &found, live.space, 0, &live.err));
    rung_search_row_free(&found);
    commit(&live);
    is("SELECT status || coalesce(reason, '-') FROM searches", "running-");
    is("SELECT left_at || reason FROM trainers", "2026-11-20T09:30:03.000Zits scheduler ended");
    is("SELECT count(*) FROM models WHERE status = 'running'", "0");
    assert_int_equal(rung_record_results(live.record), 3);
    live_finish(&live, some_score);
    live_need(&live, rung_record_failure(live.record, &failure, &live.err));
    live_need(&live,
              rung_record_trainer_join(live.record, 0, "here", "local", NULL, 1795167010, &row, &live.err));
    commit(&live);
    is("SELECT group_concat(seq) FROM history", "1,2,3,4,5,6,7");
    is("SELECT group_concat(seq) FROM failures", "1,2");
    is("SELECT count(*) FROM trainers", "2");
    live_close(&live);
}

static void a_search_that_is_gone_cannot_be_reopened(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    struct rung_record *record;
    struct rung_search_row row = {.id = 7};
    assert_int_equal(rung_record_reopen(&record, live.store, &row, live.space, 0, &live.err), RUNG_EUSE);
    assert_null(record);
    live_close(&live);
}

static void elapsed_survives_a_kill(void **state)
{
    (void)state;
    struct live live = {0};
    struct rung_search_row row;
    begin(&live, "four");
    live_answer(&live, some_score);
    live_answer(&live, some_score);
    is("SELECT elapsed FROM searches", "2.0");
    live_need(&live, rung_record_find(live.store, NULL, &row, &live.err));
    assert_true(row.elapsed == 2);
    rung_search_row_free(&row);
    live_close(&live);
}

static void status_failed_ends_a_search_too(void **state)
{
    (void)state;
    struct live live = {0};
    struct rung_search_row row;
    begin(&live, "four");
    live_need(&live,
              rung_record_status(live.record, "failed", "no trainer became ready", 3, 1795167003, &live.err));
    live_need(&live, rung_record_test_metrics(live.record, "{\"test_score\":0.9}", &live.err));
    commit(&live);
    is("SELECT status || reason || finished_at || test_metrics FROM searches",
       "failedno trainer became ready2026-11-20T09:30:03.000Z{\"test_score\":0.9}");
    live_need(&live, rung_record_find(live.store, "four", &row, &live.err));
    assert_true(row.finished_at == 1795167003);
    assert_string_equal(row.test_metrics, "{\"test_score\":0.9}");
    rung_search_row_free(&row);
    live_close(&live);
}

static void changes_are_noted(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    live_need(&live, rung_record_change(live.record, "{\"a\":1}", NULL, "limits.time was \"2h\"", &live.err));
    live_need(&live, rung_record_change(live.record, NULL, "/bin/false sha256:11", "trainer.command changed",
                                        &live.err));
    live_need(&live, rung_record_change(live.record, "{\"a\":2}", NULL, NULL, &live.err));
    commit(&live);
    is("SELECT spec || program FROM searches", "{\"a\":2}/bin/false sha256:11");
    is("SELECT notes FROM searches", "[\"limits.time was \\\"2h\\\"\",\"trainer.command changed\"]");
    live_close(&live);
}

static void delete_takes_every_row_of_one_search(void **state)
{
    (void)state;
    struct live kept = {0};
    begin(&kept, "kept");
    struct live gone = {.store = kept.store};
    begin(&gone, "gone");
    struct live *both[] = {&kept, &gone};
    for (size_t i = 0; i < 2; i++) {
        int64_t row;
        struct rung_failure_facts failure = {.model = 1, .kind = RUNG_FAILURE_EXIT};
        live_need(&kept,
                  rung_record_trainer_join(both[i]->record, 0, "h", "local", NULL, 1, &row, &kept.err));
        live_need(&kept, rung_record_failure(both[i]->record, &failure, &kept.err));
        live_need(&kept, rung_record_progress(both[i]->record, 1, 1, 1, NULL, &kept.err));
        live_finish(both[i], some_score);
    }
    static const char tables[] =
        "SELECT (SELECT count(*) FROM search) || ' ' || (SELECT count(*) FROM bracket) || ' ' ||"
        " (SELECT count(*) FROM model) || ' ' || (SELECT count(*) FROM progress) || ' ' ||"
        " (SELECT count(*) FROM event) || ' ' || (SELECT count(*) FROM call) || ' ' ||"
        " (SELECT count(*) FROM failure) || ' ' || (SELECT count(*) FROM trainer)";
    is(tables, "2 2 8 8 16 2 2 2");
    is("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", "8"); /* those above are all there are */
    live_need(&kept, rung_record_delete(kept.store, rung_record_id(gone.record), &kept.err));
    commit(&kept);
    is(tables, "1 1 4 4 8 1 1 1");
    is("SELECT group_concat(search) FROM searches", "kept");
    is("SELECT count(*) FROM history WHERE search = 'kept'", "7");
    gone.store = NULL;
    live_close(&gone);
    live_close(&kept);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(create_writes_the_search_and_its_plan),
        TEST(a_name_is_taken_once),
        TEST(find_takes_a_name_or_the_newest),
        TEST(a_trainers_job_makes_its_model_running),
        TEST(what_was_decided_beats_running),
        TEST(calls_are_recorded_once),
        TEST(failures_are_counted_per_search),
        TEST(job_numbers_are_never_given_twice),
        TEST(reopening_goes_on_where_it_stood),
        TEST(a_search_that_is_gone_cannot_be_reopened),
        TEST(elapsed_survives_a_kill),
        TEST(status_failed_ends_a_search_too),
        TEST(changes_are_noted),
        TEST(delete_takes_every_row_of_one_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
