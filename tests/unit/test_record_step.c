/*
 * Events and decisions as rows, seen through the public views as a user's tool sees them.
 */
#include "record_help.h"

#include <float.h>

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
    struct rung_result_facts facts = rung_result_facts_at(NAN, NAN);
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
    /* the best score, and yet last */
    is("SELECT score > 0.7 AND rank = 4 FROM leaderboard WHERE model = 2", "1");
    event.kind = RUNG_EVENT_RETRY;
    live_event(&live, &event, NULL);
    commit(&live);
    is("SELECT status || calls FROM models WHERE model = 2", "paused1");
    live_close(&live);
}

/* Rung 0 lets 1 and 2 go on; 0 and 3 never had a score to fall back on. */
static double two_scores(uint32_t model, int64_t calls)
{
    (void)calls;
    return model == 1 || model == 2 ? model / 4.0 : NAN;
}

static void fail_model(struct live *live, uint32_t model)
{
    struct rung_event event = {.kind = RUNG_EVENT_FAILURE, .model = model, .calls = 1};
    live_event(live, &event, NULL);
    commit(live);
}

static void failed_models_are_never_the_best(void **state)
{
    (void)state;
    struct live live = {0};
    begin(&live, "four");
    for (int i = 0; i < 4; i++)
        live_answer(&live, two_scores);
    is("SELECT best_model || ' ' || best_score FROM searches", "2 0.5");
    is("SELECT best_score FROM brackets", "0.5");
    fail_model(&live, 2);
    is("SELECT best_model || ' ' || best_score FROM searches", "1 0.25");
    is("SELECT best_score FROM brackets", "0.25");
    struct rung_event retry = {.kind = RUNG_EVENT_RETRY, .model = 2, .calls = 1};
    live_event(&live, &retry, NULL);
    commit(&live);
    is("SELECT best_model || ' ' || best_score FROM searches", "2 0.5");
    fail_model(&live, 2);
    fail_model(&live, 1);
    is("SELECT group_concat(status || score) FROM models WHERE score IS NOT NULL", "failed0.25,failed0.5");
    is("SELECT best_model IS NULL AND best_score IS NULL FROM searches", "1");
    is("SELECT best_score IS NULL FROM brackets", "1");
    assert_int_equal(rung_search_leader(live.search), RUNG_NO_MODEL);
    live_close(&live);
}

/* The two views that show a model's status say it in SQL of their own. */
static void statuses_are(const char *expected)
{
    is("SELECT group_concat(status) FROM models", expected);
    is("SELECT group_concat(status) FROM (SELECT status FROM leaderboard ORDER BY model)", expected);
}

static void models_and_leaderboard_show_the_same_status(void **state)
{
    (void)state;
    struct live live = {0};
    int64_t trainer;
    begin(&live, "four");
    statuses_are("waiting,waiting,waiting,waiting");
    live_need(&live, rung_record_trainer_join(live.record, 0, "here", "local", NULL, 0, &trainer, &live.err));
    live_need(&live, rung_record_trainer_job(live.record, trainer, 3, 1, 0, &live.err));
    live_answer(&live, some_score);
    struct rung_event event = {.kind = RUNG_EVENT_FAILURE, .model = 1, .calls = 0};
    live_event(&live, &event, NULL);
    commit(&live);
    statuses_are("paused,failed,waiting,running");
    live_need(&live, rung_record_trainer_job(live.record, trainer, 0, 2, 0, &live.err));
    commit(&live);
    statuses_are("running,failed,waiting,waiting");
    live_need(&live, rung_record_status(live.record, "interrupted", NULL, 1, 1, &live.err));
    commit(&live);
    statuses_are("paused,failed,waiting,waiting");
    live_close(&live);
    path = in_folder("b.db");
    begin(&live, "four");
    live_finish(&live, some_score);
    statuses_are("stopped,stopped,completed,stopped");
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
        TEST(a_search_from_start_to_end),
        TEST(null_facts_are_null),
        TEST(scores_that_are_not_finite_rank_last),
        TEST(minimized_scores_are_shown_as_reported),
        TEST(numbers_survive),
        TEST(a_final_failure_and_a_retry),
        TEST(a_retry_after_a_result_waits_paused),
        TEST(failed_models_are_never_the_best),
        TEST(models_and_leaderboard_show_the_same_status),
        TEST(plateaued_models_can_win),
        TEST(asks_are_events_but_no_results),
        TEST(the_leaderboard_agrees_with_the_core),
        TEST(searches_side_by_side_number_their_own_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
