/*
 * What was recorded leads back to the same search, whatever the algorithm and wherever it stopped; what was
 * tampered with does not, and says where.
 */
#include "store_help.h"

static const char *path;
static uint64_t seed;

static int setup(void **state)
{
    int rc = make_folder(state);
    path = in_folder("a.db");
    return rc;
}

static double wild_score(uint32_t model, int64_t calls)
{
    uint64_t x = seed * 1000003 + model * 97 + (uint64_t)calls;
    return help_random(&x) % 9 == 0 ? (double)NAN : (double)(help_random(&x) % 50) / 50;
}

static struct rung_search_spec any_spec(uint64_t number)
{
    struct rung_search_spec spec = help_spec(9, 3);
    switch (number % 6) {
    case 0:
        break;
    case 1:
        spec.variant = RUNG_VARIANT_DASK;
        spec.patience = 3;
        break;
    case 2:
        spec.algorithm = RUNG_SUCCESSIVE_HALVING;
        spec.models = 20;
        spec.max_iter = 12;
        spec.maximize = false;
        break;
    case 3:
        spec.algorithm = RUNG_ASHA;
        spec.models = 25;
        break;
    case 4:
        spec.algorithm = RUNG_RANDOM;
        spec.models = 7;
        break;
    default:
        spec.max_iter = 27;
        spec.patience = 2;
        spec.tol = 0.3;
        break;
    }
    return spec;
}

static void same_search(const struct rung_search *a, const struct rung_search *b)
{
    assert_int_equal(rung_search_model_count(a), rung_search_model_count(b));
    assert_int_equal(rung_search_done(a), rung_search_done(b));
    assert_int_equal(rung_search_leader(a), rung_search_leader(b));
    for (uint32_t i = 0; i < rung_search_model_count(a); i++) {
        struct rung_model_view x = rung_search_model(a, i), y = rung_search_model(b, i);
        assert_int_equal(x.status, y.status);
        assert_int_equal(x.calls, y.calls);
        assert_int_equal(x.target, y.target);
        assert_int_equal(x.target_rung, y.target_rung);
        assert_true(x.score == y.score || (isnan(x.score) && isnan(y.score)));
    }
}

static void replays_into_the_same(const struct live *live)
{
    struct rung_search *again = help_search(rung_search_spec(live->search));
    struct rung_store *store = open_store(path, RUNG_STORE_READ);
    struct rung_err err = {0};
    if (rung_replay(store, rung_record_id(live->record), again, &err) != 0)
        fail_msg("%s", err.text);
    same_search(live->search, again);
    rung_store_close(store);
    rung_search_free(again);
}

/* Now and then a model fails for good, and some of those get another chance. */
static void answer_or_fail(struct live *live, uint64_t *random)
{
    struct rung_decision job = live->jobs[live->taken];
    if (help_below(random, 12) != 0) {
        live_answer(live, wild_score);
        return;
    }
    live->taken++;
    struct rung_event event = {.kind = RUNG_EVENT_FAILURE, .model = job.model, .calls = job.from};
    live_event(live, &event, NULL);
    event.kind = RUNG_EVENT_RETRY;
    rung_decisions_clear(&live->step);
    if (help_below(random, 2) == 0 && rung_search_step(live->search, &event, &live->step, &live->err) == 0) {
        live_need(live, rung_record_append(live->record, &event, &live->step, NULL, &live->err));
        live_queue(live);
    }
    live_need(live, rung_store_commit(live->store, &live->err));
}

static void every_algorithm_replays_at_every_point(void **state)
{
    (void)state;
    struct rung_store *store = open_store(path, RUNG_STORE_CREATE);
    for (seed = 0; seed < 36; seed++) {
        struct rung_search_spec spec = any_spec(seed);
        struct live live = {.store = store};
        struct rung_event ask = {.kind = RUNG_EVENT_ASK};
        uint64_t random = seed;
        char name[16];
        snprintf(name, sizeof name, "s%d", (int)seed);
        live_create(&live, path, name, &spec);
        live_start(&live);
        for (int step = 0; live_has_job(&live) || rung_search_asks(live.search); step++) {
            if (rung_search_asks(live.search) && (!live_has_job(&live) || help_below(&random, 3) == 0))
                live_event(&live, &ask, NULL);
            if (live_has_job(&live))
                answer_or_fail(&live, &random);
            live_need(&live, rung_store_commit(live.store, &live.err));
            if (step % 17 == 0)
                replays_into_the_same(&live);
        }
        assert_true(rung_search_done(live.search));
        replays_into_the_same(&live);
        live.store = NULL;
        live_close(&live);
    }
    rung_store_close(store);
}

static void a_resumed_search_makes_the_same_decisions(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "x", &spec);
    live_start(&live);
    for (int i = 0; i < 11; i++)
        live_answer(&live, some_score);
    struct rung_search *again = help_search(&spec);
    live_need(&live, rung_replay(live.store, rung_record_id(live.record), again, &live.err));
    rung_search_free(live.search);
    live.search = again;
    live_finish(&live, some_score);
    replays_into_the_same(&live);
    assert_sql(path, "SELECT model FROM leaderboard", "8");
    live_close(&live);
}

/* A search of 4 models, 7 results, whose rows are changed by sql. */
static void differs(const char *change, const char *const *says)
{
    struct rung_search_spec spec = help_spec(4, 2);
    struct live live = {0};
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 4;
    unlink(path);
    live_create(&live, path, "x", &spec);
    live_start(&live);
    live_finish(&live, some_score);
    live_close(&live);
    sql(path, change);
    struct rung_store *store = open_store(path, RUNG_STORE_READ);
    struct rung_search *again = help_search(&spec);
    struct rung_err err = {0};
    assert_int_equal(rung_replay(store, 1, again, &err), RUNG_EUSE);
    for (; *says; says++)
        if (!strstr(err.text, *says))
            fail_msg("%s: '%s' does not say '%s'", change, err.text, *says);
    rung_search_free(again);
    rung_store_close(store);
}

#define differs(change, ...) differs(change, (const char *const[]){__VA_ARGS__, NULL})

#define EVENT(n) "(1 << 40) + " #n

static void the_first_difference_is_named_with_both_decisions(void **state)
{
    (void)state;
    /* another score: other models go on */
    differs("UPDATE event SET score = 0.99 WHERE id = " EVENT(2), path, "event 5 (result 3 1 0.0991",
            "recorded is \"stop 0 rung 0\"", "recomputed is \"stop 1 rung 0\"");
    /* other decisions recorded than are made: changed, cut short, too many, none, some where none are */
    differs("UPDATE event SET decisions = replace(decisions, 'kept 2', 'kept 3') WHERE id = " EVENT(5),
            "event 5 ", "recorded is \"rung 0 0 kept 3\"", "recomputed is \"rung 0 0 kept 2\"");
    differs("UPDATE event SET decisions = 'rung 0 0 kept 2' WHERE id = " EVENT(5), "event 5 ",
            "recorded is \"nothing\"", "recomputed is \"stop 0 rung 0\"");
    differs("UPDATE event SET decisions = decisions || char(10) || 'done 9' WHERE id = " EVENT(8), "event 8 ",
            "recorded is \"done 9\"", "recomputed is \"nothing\"");
    differs("UPDATE event SET decisions = NULL WHERE id = " EVENT(1), "event 1 (start)",
            "recorded is \"nothing\"", "recomputed is \"model 0-3 bracket 0\"");
    differs("UPDATE event SET decisions = 'stop 1 rung 0' WHERE id = " EVENT(3), "event 3 (result 1 1 0.36",
            "recorded is \"stop 1 rung 0\"", "recomputed is \"nothing\"");
}

static void an_event_that_does_not_fit_is_named(void **state)
{
    (void)state;
    differs("DELETE FROM event WHERE id = " EVENT(1), "event 2 (result 0 1 0.0001)",
            "the first event is not start");
    differs("UPDATE event SET calls = 3 WHERE id = " EVENT(4), "event 4 (result 2 3 ", "call 1 is expected");
    differs("UPDATE event SET model = 0 WHERE id = " EVENT(4), "event 4 (result 0 1 ", "it is paused");
    differs("UPDATE event SET kind = 77 WHERE id = " EVENT(3), "is damaged: event 3 is none");
    differs("UPDATE event SET model = -5 WHERE id = " EVENT(3), "is damaged: event 3 is none");
}

struct attempts {
    char text[256];
};

static void note_attempts(void *context, uint32_t model, int64_t attempts, int64_t lost)
{
    struct attempts *noted = context;
    size_t length = strlen(noted->text);
    snprintf(noted->text + length, sizeof noted->text - length, "%u:%lld+%lld ", model, (long long)attempts,
             (long long)lost);
}

static void fail_attempt(struct live *live, uint32_t model, int64_t from, enum rung_failure_kind kind)
{
    struct rung_failure_facts facts = {
        .model = model, .from = from, .to = from + 1, .attempt = 1, .kind = kind};
    live_need(live, rung_record_failure(live->record, &facts, &live->err));
}

static const char *attempts_of(struct live *live)
{
    static struct attempts noted;
    noted.text[0] = '\0';
    live_need(live, rung_replay_attempts(live->store, rung_record_id(live->record), note_attempts, &noted,
                                         &live->err));
    return noted.text;
}

static void attempts_count_at_the_present_call_since_the_last_retry(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(4, 2);
    struct live live = {0}, other = {0};
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 4;
    live_create(&live, path, "x", &spec);
    other.store = live.store;
    live_create(&other, path, "other", &spec);
    live_start(&live);
    live_start(&other);
    assert_string_equal(attempts_of(&live), "");
    fail_attempt(&live, 0, 0, RUNG_FAILURE_EXIT);
    fail_attempt(&live, 0, 0, RUNG_FAILURE_LOST);
    fail_attempt(&live, 0, 0, RUNG_FAILURE_TIMEOUT);
    fail_attempt(&live, 2, 0, RUNG_FAILURE_LOST);
    fail_attempt(&live, RUNG_NO_MODEL, 0, RUNG_FAILURE_START);
    fail_attempt(&other, 1, 0, RUNG_FAILURE_EXIT);
    assert_string_equal(attempts_of(&live), "0:2+1 2:0+1 ");
    assert_string_equal(attempts_of(&other), "1:1+0 ");
    for (int i = 0; i < 4; i++)
        live_answer(&live, some_score);
    assert_string_equal(attempts_of(&live), ""); /* those were on the way to call 1 */
    fail_attempt(&live, 2, 1, RUNG_FAILURE_SAID);
    fail_attempt(&live, 2, 1, RUNG_FAILURE_SAID);
    assert_string_equal(attempts_of(&live), "2:2+0 ");
    struct rung_event event = {.kind = RUNG_EVENT_FAILURE, .model = 2, .calls = 1};
    live_event(&live, &event, NULL);
    assert_string_equal(attempts_of(&live), "2:2+0 ");
    event.kind = RUNG_EVENT_RETRY;
    live_event(&live, &event, NULL);
    assert_string_equal(attempts_of(&live), "");
    fail_attempt(&live, 2, 1, RUNG_FAILURE_EXIT);
    assert_string_equal(attempts_of(&live), "2:1+0 ");
    other.store = NULL;
    live_close(&other);
    live_close(&live);
}

static void note_state(void *context, uint32_t model, int64_t calls, int64_t bytes)
{
    struct attempts *noted = context;
    size_t length = strlen(noted->text);
    snprintf(noted->text + length, sizeof noted->text - length, "%u.%lld=%lld ", model, (long long)calls,
             (long long)bytes);
}

static void states_are_told_with_their_sizes(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(4, 2);
    struct live live = {0};
    struct attempts noted = {""};
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = 4;
    live_create(&live, path, "x", &spec);
    live_start(&live);
    live_answer(&live, some_score);
    struct rung_result_facts facts = live_facts(&live, 1, 0);
    struct rung_event event = help_answer(live.search, 1, 0.5);
    facts.state_bytes = RUNG_NO_VALUE;
    live.taken++;
    live_event(&live, &event, &facts);
    live_finish(&live, some_score);
    live_need(&live, rung_replay_states(live.store, 1, note_state, &noted, &live.err));
    assert_string_equal(noted.text, "0.1=10 1.2=11 2.4=12 3.1=13 ");
    live_close(&live);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_algorithm_replays_at_every_point),
        TEST(a_resumed_search_makes_the_same_decisions),
        TEST(the_first_difference_is_named_with_both_decisions),
        TEST(an_event_that_does_not_fit_is_named),
        TEST(attempts_count_at_the_present_call_since_the_last_retry),
        TEST(states_are_told_with_their_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
