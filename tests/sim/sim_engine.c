/*
 * The engine on a virtual clock, with trainers that are late, fail, lie, die and vanish at random, and with
 * the scheduler itself killed and resumed at random moments. Whatever happens, the record must be that of an
 * undisturbed run, and no recorded result may be asked for again. Every failure prints the seed that
 * reproduces it.
 */
#include "digest_help.h"
#include "trainers_help.h"

enum { TRAINERS = 8 };

/* ---- one start of the scheduler ---- */

struct scenario {
    const char *spec;
    char database[200];
    uint64_t seed;
    size_t slots;
    enum mood mood;
    double kill_chance; /* per pass */
};

/* Runs until the end or until it is killed; true at the end. */
static bool run_once(const struct scenario *scenario, uint64_t start_number)
{
    struct rung_err err = {0};
    struct opened o = open_search(scenario->spec, scenario->database);
    struct trainers t;
    struct rung_session_options session = {.spec = o.spec,
                                           .store = o.store,
                                           .record = o.record,
                                           .search = o.search,
                                           .name = "sim",
                                           .folder = "/",
                                           .trainers = scenario->slots,
                                           .time_limit = INFINITY};
    struct rung_engine_options options = {.session = &session, .executor = &t.executor, .states = o.states};
    struct rung_session_result result;
    struct rung_engine *engine;
    trainers_init(&t, scenario->seed + start_number * 1000, scenario->slots, scenario->mood);
    trainers_anew(&t, scenario->slots);
    must(rung_engine_create(&engine, &options, 0, &err));
    t.tell = rung_engine_listener(engine);
    bool over = false, killed = false;
    while (!killed) {
        must(rung_engine_turn(engine, t.now, &err));
        rung_engine_act(engine, t.now);
        over = rung_engine_over(engine, &result);
        if (over)
            break;
        double next = fmin(next_at(&t), rung_engine_wake_at(engine, t.now));
        uint32_t slot;
        if (isinf(next) && next > 0)
            fail_msg("seed %llu: nothing will ever happen", (unsigned long long)scenario->seed);
        t.now = fmax(t.now, next);
        while (next_due(&t, &slot))
            deliver(&t, (int)slot);
        killed = chance(&t) < scenario->kill_chance;
    }
    if (over) {
        must(rung_engine_close(engine, t.now, &err));
        assert_int_equal(result.end, RUNG_END_FINISHED);
    }
    rung_engine_free(engine);
    trainers_free(&t);
    close_search(&o);
    return over;
}

/* ---- comparing ---- */

static void run_scenario(struct scenario scenario, char **history, char **leaderboard)
{
    static int number;
    snprintf(scenario.database, sizeof scenario.database, "%s/%d.db", folder, number++);
    for (uint64_t starts = 0; !run_once(&scenario, starts); starts++)
        if (starts == 200)
            scenario.kill_chance = 0;
    *history = digest(scenario.database, "sim", RUNG_VIEW_HISTORY, history_out);
    *leaderboard = digest(scenario.database, "sim", RUNG_VIEW_LEADERBOARD, leaderboard_out);
}

static const char *const specs[] = {
    SPEC("\"max_iter\":27,\"seed\":5", ""),
    SPEC("\"max_iter\":27,\"seed\":5,\"priority\":\"fifo\"", ""),
    SPEC("\"max_iter\":27,\"seed\":5,\"priority\":\"critical\"", ""),
    SPEC("\"max_iter\":81,\"patience\":true,\"tol\":0.02,\"seed\":9", ""),
    SPEC("\"max_iter\":27,\"variant\":\"dask\",\"patience\":9,\"seed\":3", ""),
    SPEC("\"algorithm\":\"random\",\"models\":20,\"max_iter\":7", ""),
    SPEC("\"algorithm\":\"successive_halving\",\"models\":40,\"max_iter\":20", ""),
    SPEC("\"algorithm\":\"incremental\",\"models\":15,\"max_iter\":12,\"decay_rate\":1", ""),
};

static void assert_same(const char *what, const char *expected, char *found, size_t spec, uint64_t seed)
{
    if (strcmp(expected, found) != 0)
        fail_msg("spec %zu, seed %llu: another %s\nexpected\n%s\nfound\n%s", spec, (unsigned long long)seed,
                 what, expected, found);
    free(found);
}

/* Priorities do not change the record either: specs 1 and 2 are spec 0 with the other ones. */
static void the_record_does_not_depend_on_trainers_faults_or_kills(void **state)
{
    (void)state;
    char *previous_history = NULL;
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        char *history, *leaderboard, *other_history, *other_leaderboard;
        run_scenario((struct scenario){.spec = specs[s], .seed = 1, .slots = 1, .mood = CALM}, &history,
                     &leaderboard);
        assert_true(strlen(history) > 100);
        for (uint64_t seed = 2; seed < 12; seed++) {
            struct scenario ragged = {.spec = specs[s],
                                      .seed = seed,
                                      .slots = 1 + seed % TRAINERS,
                                      .mood = RAGGED,
                                      .kill_chance = seed % 2 ? 0.05 : 0};
            run_scenario(ragged, &other_history, &other_leaderboard);
            assert_same("history", history, other_history, s, seed);
            assert_same("leaderboard", leaderboard, other_leaderboard, s, seed);
        }
        if (s == 1 || s == 2)
            assert_same("history under another priority", previous_history, rung_mem_strdup(history), s, 1);
        free(previous_history);
        previous_history = history;
        free(leaderboard);
    }
    free(previous_history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record_does_not_depend_on_trainers_faults_or_kills),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
