/*
 * What the record writes: each event, decision and fact, seen through the public views as a user's tool sees
 * them.
 */
#include "store_help.h"

#include <float.h>

static const char *path;

static int setup(void **state)
{
    int rc = make_folder(state);
    path = in_folder("a.db");
    return rc;
}

#define is(text, expected) assert_sql(path, text, expected)

static void commit(struct live *live)
{
    live_need(live, rung_store_commit(live->store, &live->err));
}

/* One bracket of 4 models: 4 at 1 call, 2 at 2, 1 at 4. */
static struct rung_search_spec four_models(void)
{
    struct rung_search_spec spec = help_spec(4, 2);
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 4;
    return spec;
}

static void begin(struct live *live, const char *name)
{
    struct rung_search_spec spec = four_models();
    live_create(live, path, name, &spec);
    live_start(live);
}

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

static void a_search_from_start_to_end(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    is("SELECT group_concat(status || calls) FROM models WHERE score IS NULL AND reason IS NULL",
       "waiting0,waiting0,waiting0,waiting0");
    is("SELECT count(DISTINCT parameters) = 4 AND count(DISTINCT seed) = 4 FROM models", "1");
    struct rung_buf drawn;
    rung_buf_init(&drawn, RUNG_BUF_UNLIMITED);
    rung_space_draw(live.space, 0, 3, &drawn);
    is("SELECT parameters FROM models WHERE model = 3", rung_buf_cstr(&drawn));
    rung_buf_free(&drawn);
    for (int i = 0; i < 3; i++)
        live_answer(&live, some_score);
    is("SELECT group_concat(status || calls) FROM models", "paused1,paused1,paused1,waiting0");
    is("SELECT status || calls_done FROM brackets", "running3");
    live_answer(&live, some_score); /* decides rung 0: of .0001 .366 .733 .099 the second and third go on */
    is("SELECT group_concat(status || calls || coalesce(reason, '')) FROM models",
       "stopped1halving in rung 0,paused1,paused1,stopped1halving in rung 0");
    is("SELECT group_concat(model) FROM leaderboard", "2,1,3,0");
    live_finish(&live, some_score);
    live_need(&live, rung_record_status(live.record, "finished", NULL, 12.5, 1795167012.25, &live.err));
    commit(&live);
    is("SELECT group_concat(status || calls) FROM models", "stopped1,stopped2,completed4,stopped1");
    is("SELECT search || rank || model || status || bracket || calls || fit_seconds || metrics FROM "
       "leaderboard",
       "four12completed040.75{\"loss\":0.5}");
    is("SELECT score = (2 * 37) / 101.0 + 4e-4 FROM leaderboard", "1");
    is("SELECT status || calls_done || round(best_score, 4) FROM brackets", "finished80.7331");
    is("SELECT status || finished_at || calls_done || round(best_score, 4) || best_model || elapsed FROM "
       "searches",
       "finished2026-11-20T09:30:12.250Z80.7331212.5");
    is("SELECT group_concat(seq || ':' || model || '/' || rung || '/' || partial_fit_calls, ' ') FROM "
       "history",
       "1:0/0/1 2:1/0/1 3:2/0/1 4:3/0/1 5:1/1/2 6:2/1/2 7:2/2/4");
    is("SELECT metrics || partial_fit_time || score_time || examples || trainer || elapsed_wall_time || "
       "finished_at"
       " FROM history WHERE seq = 7",
       "{\"loss\":0.5}0.250.12510007.02026-11-20T09:30:07.000Z");
    assert_int_equal(rung_record_results(live.record), 7);
    live_close(&live);
}

static void null_facts_are_null(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    struct rung_event event = help_answer(live.search, 0, NAN);
    struct rung_result_facts facts = {.rung = RUNG_NO_RUNG,
                                      .fit_seconds = NAN,
                                      .score_seconds = NAN,
                                      .examples = RUNG_NO_VALUE,
                                      .trainer = RUNG_NO_VALUE,
                                      .state_bytes = RUNG_NO_VALUE,
                                      .elapsed = NAN,
                                      .at = NAN};
    live_event(&live, &event, &facts);
    event = help_answer(live.search, 1, 0.5);
    live_event(&live, &event, NULL);
    commit(&live);
    is("SELECT count(*) FROM history WHERE coalesce(rung, metrics, partial_fit_time, score_time, examples, "
       "trainer,"
       " elapsed_wall_time, finished_at) IS NULL",
       "2");
    is("SELECT group_concat(coalesce(score, 'null')) FROM history", "null,0.5");
    is("SELECT fit_seconds FROM leaderboard WHERE model = 0", "0.0");
    live_close(&live);
}

static void scores_that_are_not_finite_rank_last(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    const double scores[] = {-INFINITY, 0.1, INFINITY};
    for (uint32_t i = 0; i < 3; i++) {
        struct rung_event event = help_answer(live.search, i, scores[i]);
        live_event(&live, &event, NULL);
    }
    commit(&live);
    is("SELECT group_concat(model || coalesce(score, '-')) FROM leaderboard", "10.1,0-,2-,3-");
    live_close(&live);
}

static double lower_is_better(uint32_t model, int64_t calls)
{
    (void)calls;
    return model == 3 ? NAN : 10.0 + model;
}

static void minimized_scores_are_shown_as_reported(void **state)
{
    (void)state;
    struct rung_search_spec spec = four_models();
    struct live live = {0};
    spec.maximize = false;
    live_create(&live, path, "four", &spec);
    live_start(&live);
    live_finish(&live, lower_is_better);
    is("SELECT group_concat(model || ':' || coalesce(score, 'null')) FROM leaderboard",
       "0:10.0,1:11.0,2:12.0,3:null");
    is("SELECT best_score || best_model FROM searches", "10.00");
    is("SELECT best_score FROM brackets", "10.0");
    assert_int_equal(rung_search_leader(live.search), 0);
    live_close(&live);
}

static void numbers_survive(void **state)
{
    (void)state;
    const double scores[] = {0.1 + 0.2, DBL_MAX, -DBL_TRUE_MIN, 1e15 + 0.3};
    struct live live = {0};
    begin(&live, "four");
    for (uint32_t i = 0; i < 4; i++) {
        struct rung_event event = help_answer(live.search, i, scores[i]);
        live_event(&live, &event, NULL);
    }
    commit(&live);
    struct rung_query *query;
    live_need(&live, rung_query_open(&query, live.store, RUNG_VIEW_HISTORY, NULL, &live.err));
    size_t column = (size_t)rung_query_find(query, "score");
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rung_query_next(query, NULL), 1);
        double score = rung_query_real(query, column);
        assert_memory_equal(&score, &scores[i], sizeof score);
    }
    rung_query_close(query);
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
                                       .kind = "exit",
                                       .reason = "exit status 3",
                                       .log = "line 1\nline 2",
                                       .at = 1795167001};
    live_need(&live, rung_record_failure(live.record, &facts, &live.err));
    live_need(&live, rung_record_failure(second.record, &facts, &live.err));
    struct rung_failure_facts start = {
        .model = RUNG_NO_MODEL, .attempt = 1, .trainer = 1, .kind = "start", .at = NAN};
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

static void a_final_failure_and_a_retry(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    struct rung_event event = {.kind = RUNG_EVENT_FAILURE, .model = 1, .calls = 0};
    struct rung_result_facts facts = live_facts(&live, 1, 0);
    facts.reason = "loss is not finite";
    live_event(&live, &event, &facts);
    commit(&live);
    is("SELECT status || calls || reason FROM models WHERE model = 1", "failed0loss is not finite");
    is("SELECT count(*) FROM history", "0");
    is("SELECT group_concat(model) FROM leaderboard", "0,1,2,3");
    event.kind = RUNG_EVENT_RETRY;
    live_event(&live, &event, NULL);
    commit(&live);
    is("SELECT status || calls || coalesce(reason, '-') FROM models WHERE model = 1", "waiting0-");
    live.taken = 0; /* its job is open twice in our queue: once is right */
    live.jobs[1] = live.jobs[--live.job_count];
    live_finish(&live, some_score);
    is("SELECT group_concat(seq) FROM history", "1,2,3,4,5,6,7");
    live_close(&live);
}

static void a_retry_after_a_result_waits_paused(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    for (int i = 0; i < 4; i++)
        live_answer(&live, some_score);
    struct rung_event event = {.kind = RUNG_EVENT_FAILURE, .model = 2, .calls = 1};
    live_event(&live, &event, NULL);
    commit(&live);
    is("SELECT status || calls FROM models WHERE model = 2", "failed1");
    is("SELECT score > 0.7 AND rank = 1 FROM leaderboard WHERE model = 2",
       "1"); /* its last score still counts */
    event.kind = RUNG_EVENT_RETRY;
    live_event(&live, &event, NULL);
    commit(&live);
    is("SELECT status || calls FROM models WHERE model = 2", "paused1");
    live_close(&live);
}

static double flat(uint32_t model, int64_t calls)
{
    (void)calls;
    return model / 100.0;
}

static void plateaued_models_can_win(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(8, 2);
    struct live live = {0};
    spec.patience = 2;
    live_create(&live, path, "flat", &spec);
    live_start(&live);
    live_finish(&live, flat);
    is("SELECT count(*) > 0 FROM models WHERE status = 'plateaued'", "1");
    char best[16];
    snprintf(best, sizeof best, "%u", rung_search_best(live.search));
    is("SELECT model FROM leaderboard WHERE rank = 1", best);
    is("SELECT status FROM leaderboard WHERE rank = 1", "plateaued");
    is("SELECT best_model FROM searches", best);
    is("SELECT count(*) FROM brackets WHERE status <> 'finished'", "0");
    live_close(&live);
}

static void asks_are_events_but_no_results(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    spec.algorithm = RUNG_ASHA;
    spec.models = 12;
    live_create(&live, path, "asha", &spec);
    live_start(&live);
    live_finish(&live, some_score);
    is("SELECT count(*) > 12 FROM event WHERE kind = 3", "1");
    is("SELECT max(seq) = count(*) AND min(seq) = 1 AND count(DISTINCT seq) = count(*) FROM history", "1");
    is("SELECT models FROM searches", "12");
    is("SELECT models || status FROM brackets", "12finished");
    live_close(&live);
}

/* The leaderboard and the core rank alike, whatever the scores. */
static uint64_t seed;

static double wild_score(uint32_t model, int64_t calls)
{
    uint64_t x = seed * 1000003 + model * 97 + (uint64_t)calls;
    switch (help_random(&x) % 8) {
    case 0:
        return NAN;
    case 1:
        return 0.5;
    default:
        return (double)(help_random(&x) % 20) / 20;
    }
}

static void the_leaderboard_agrees_with_the_core(void **state)
{
    (void)state;
    struct rung_store *store = open_store(path, RUNG_STORE_CREATE);
    for (seed = 1; seed <= 30; seed++) {
        struct rung_search_spec spec = help_spec(8, 2);
        struct live live = {.store = store};
        char name[16], query[80], model[16];
        spec.maximize = seed % 2 == 0;
        spec.patience = seed % 3 == 0 ? 2 : 0;
        spec.variant = seed % 5 == 0 ? RUNG_VARIANT_TABLE : RUNG_VARIANT_EXACT;
        snprintf(name, sizeof name, "s%d", (int)seed);
        snprintf(query, sizeof query, "SELECT model FROM leaderboard WHERE search = '%s' AND rank = 1", name);
        live_create(&live, path, name, &spec);
        live_start(&live);
        while (live_has_job(&live)) {
            for (int i = 0; i < 10 && live_has_job(&live); i++)
                live_answer(&live, wild_score);
            uint32_t leader = rung_search_leader(live.search);
            if (leader == RUNG_NO_MODEL)
                continue;
            snprintf(model, sizeof model, "%u", leader);
            is(query, model);
            snprintf(query, sizeof query, "SELECT best_model FROM searches WHERE search = '%s'", name);
        }
        live.store = NULL;
        live_close(&live);
    }
    rung_store_close(store);
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
    struct rung_failure_facts failure = {.model = 3, .kind = "exit"};
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
        struct rung_failure_facts failure = {.model = 1, .kind = "exit"};
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

static void searches_side_by_side_number_their_own_results(void **state)
{
    (void)state;
    struct live one = {0};
    begin(&one, "one");
    struct live two = {.store = one.store};
    begin(&two, "two");
    while (live_has_job(&one)) {
        live_answer(&one, some_score);
        live_answer(&two, some_score);
    }
    is("SELECT group_concat(search || seq) FROM history",
       "one1,one2,one3,one4,one5,one6,one7,two1,two2,two3,two4,two5,"
       "two6,two7");
    is("SELECT group_concat(search || rank || model) FROM leaderboard",
       "one12,one21,one33,one40,two12,two21,two33,two40");
    two.store = NULL;
    live_close(&two);
    live_close(&one);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(create_writes_the_search_and_its_plan),
        TEST(a_name_is_taken_once),
        TEST(find_takes_a_name_or_the_newest),
        TEST(a_search_from_start_to_end),
        TEST(null_facts_are_null),
        TEST(scores_that_are_not_finite_rank_last),
        TEST(minimized_scores_are_shown_as_reported),
        TEST(numbers_survive),
        TEST(a_trainers_job_makes_its_model_running),
        TEST(what_was_decided_beats_running),
        TEST(calls_are_recorded_once),
        TEST(failures_are_counted_per_search),
        TEST(a_final_failure_and_a_retry),
        TEST(a_retry_after_a_result_waits_paused),
        TEST(plateaued_models_can_win),
        TEST(asks_are_events_but_no_results),
        TEST(the_leaderboard_agrees_with_the_core),
        TEST(job_numbers_are_never_given_twice),
        TEST(reopening_goes_on_where_it_stood),
        TEST(a_search_that_is_gone_cannot_be_reopened),
        TEST(elapsed_survives_a_kill),
        TEST(status_failed_ends_a_search_too),
        TEST(changes_are_noted),
        TEST(delete_takes_every_row_of_one_search),
        TEST(searches_side_by_side_number_their_own_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
