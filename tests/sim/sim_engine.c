/*
 * The engine on a virtual clock, with trainers that are late, fail, lie, die and vanish at random, and with
 * the scheduler itself killed and resumed at random moments. Whatever happens, the record must be that of an
 * undisturbed run, and no recorded result may be asked for again. Every failure prints the seed that
 * reproduces it.
 */
#include "digest_help.h"
#include "sim_help.h"

#include "base/heap.h"
#include "core/rng.h"

enum { MAX_SLOTS = 8 };

enum mood { CALM, RAGGED }; /* RAGGED: things go wrong */
enum coming { NOTHING, READY, RESULT, FAILURE, GARBAGE, SILENCE, DEATH };

struct slot {
    bool alive;
    enum coming coming;
    struct rung_proto_job job;
    char state_out[512];
    bool evaluating;
};

/* The world: trainers on a virtual clock, and what an observer counts. */
struct world {
    struct rung_executor executor;
    struct rung_executor_listener listener;
    struct rung_rng rng;
    enum mood mood;
    struct slot slots[MAX_SLOTS];
    struct rung_heap due; /* slot by -time */
    double now;
    uint64_t order;
};

static double score_of(uint32_t model, uint32_t seed, int64_t calls)
{
    struct rung_rng rng;
    rung_rng_init(&rng, seed, model, "quality");
    double quality = rung_rng_uniform(&rng);
    return quality < 0.05 ? NAN : quality * (1 - 1 / sqrt(1 + (double)calls));
}

static void come(struct world *w, int slot, enum coming what, double delay)
{
    w->slots[slot].coming = what;
    rung_heap_put(&w->due, (uint32_t)slot, -(w->now + delay), w->order++);
}

static double chance(struct world *w)
{
    return rung_rng_uniform(&w->rng);
}

static int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct world *w = self;
    (void)message;
    if (w->mood == RAGGED && chance(w) < 0.02)
        return rung_err_set(err, RUNG_EFAIL, "not today");
    w->slots[slot] = (struct slot){.alive = true};
    come(w, slot, w->mood == RAGGED && chance(w) < 0.02 ? DEATH : READY, chance(w));
    return 0;
}

static enum coming fate(struct world *w)
{
    static const enum coming misfortunes[] = {FAILURE, GARBAGE, SILENCE, DEATH, DEATH, DEATH};
    if (w->mood == CALM || chance(w) > 0.1)
        return RESULT;
    return misfortunes[rung_rng_below(&w->rng, 6)];
}

static void job(void *self, int slot, const struct rung_proto_job *message)
{
    struct world *w = self;
    struct slot *s = &w->slots[slot];
    s->job = *message;
    s->evaluating = false;
    snprintf(s->state_out, sizeof s->state_out, "%s", message->state_out);
    enum coming what = fate(w);
    if (what == SILENCE)
        return; /* the deadline will end it */
    come(w, slot, what, (double)(message->to - message->from) * (0.5 + chance(w)));
}

static void evaluate(void *self, int slot, const struct rung_proto_job *message)
{
    struct world *w = self;
    w->slots[slot].job = *message;
    w->slots[slot].evaluating = true;
    come(w, slot, RESULT, 1);
}

static void forget(void *self, int slot, uint32_t model)
{
    (void)self;
    (void)slot;
    (void)model;
}

static void end(void *self, int slot)
{
    come(self, slot, DEATH, 0.01);
}

static struct rung_place place(void *self, int slot)
{
    (void)self;
    (void)slot;
    return (struct rung_place){"nowhere", "virtual"};
}

static void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    (void)self;
    (void)slot;
    (void)lines;
    rung_buf_text(out, "last words");
}

static void make_state(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("state", file);
    fclose(file);
}

static void answer(struct world *w, int slot)
{
    struct slot *s = &w->slots[slot];
    struct rung_proto_message message = {.type = RUNG_PROTO_RESULT,
                                         .job = s->job.job,
                                         .has_score = true,
                                         .fit_seconds = 1,
                                         .score_seconds = NAN,
                                         .examples = 5,
                                         .metric = NAN};
    message.score = s->evaluating ? NAN : score_of(s->job.model, s->job.seed, s->job.to);
    if (!s->evaluating)
        make_state(s->state_out);
    else
        message.metrics = "{\"test_score\":0.5}";
    w->listener.message(w->listener.context, slot, &message, w->now);
}

static void deliver(struct world *w, int slot)
{
    struct slot *s = &w->slots[slot];
    struct rung_proto_message message = {.type = RUNG_PROTO_READY, .evaluates = true};
    struct rung_exit how = {.signaled = true, .number = 9};
    enum coming what = s->coming;
    s->coming = NOTHING;
    if (what == READY) {
        w->listener.message(w->listener.context, slot, &message, w->now);
    } else if (what == RESULT) {
        answer(w, slot);
    } else if (what == FAILURE) {
        message = (struct rung_proto_message){
            .type = RUNG_PROTO_FAILURE, .job = s->job.job, .retry = true, .reason = "unlucky"};
        w->listener.message(w->listener.context, slot, &message, w->now);
    } else if (what == GARBAGE) {
        w->listener.violation(w->listener.context, slot, "a line that is no JSON", w->now);
    } else if (what == DEATH) {
        s->alive = false;
        w->listener.gone(w->listener.context, slot, &how, w->now);
    }
}

static struct world *world_new(uint64_t seed, size_t slots, enum mood mood)
{
    struct world *w = rung_mem_zalloc(1, sizeof *w);
    w->executor = (struct rung_executor){.self = w,
                                         .slots = slots,
                                         .place = place,
                                         .start = start,
                                         .job = job,
                                         .evaluate = evaluate,
                                         .forget = forget,
                                         .stop = end,
                                         .kill = end,
                                         .log_tail = log_tail};
    w->mood = mood;
    rung_rng_init(&w->rng, seed, slots, "world");
    rung_heap_init(&w->due);
    return w;
}

static void world_free(struct world *w)
{
    rung_heap_free(&w->due);
    free(w);
}

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
    struct world *w = world_new(scenario->seed + start_number * 1000, scenario->slots, scenario->mood);
    struct rung_session_options session = {.spec = o.spec,
                                           .store = o.store,
                                           .record = o.record,
                                           .search = o.search,
                                           .name = "sim",
                                           .folder = "/",
                                           .trainers = scenario->slots,
                                           .time_limit = INFINITY};
    struct rung_engine_options options = {.session = &session, .executor = &w->executor, .states = o.states};
    struct rung_session_result result;
    struct rung_engine *engine;
    must(rung_engine_create(&engine, &options, 0, &err));
    w->listener = rung_engine_listener(engine);
    bool over = false, killed = false;
    while (!killed) {
        must(rung_engine_turn(engine, w->now, &err));
        rung_engine_act(engine, w->now);
        over = rung_engine_over(engine, &result);
        if (over)
            break;
        const struct rung_heap_item *next = rung_heap_top(&w->due);
        double wake = rung_engine_wake_at(engine, w->now);
        if (!next && isinf(wake))
            fail_msg("seed %llu: nothing will ever happen", (unsigned long long)scenario->seed);
        w->now = fmax(w->now, next ? fmin(-next->key, wake) : wake);
        while ((next = rung_heap_top(&w->due)) && -next->key <= w->now) {
            int slot = (int)next->id;
            rung_heap_remove(&w->due, next->id);
            deliver(w, slot);
        }
        killed = chance(w) < scenario->kill_chance;
    }
    if (over) {
        must(rung_engine_close(engine, w->now, &err));
        assert_int_equal(result.end, RUNG_END_FINISHED);
    }
    rung_engine_free(engine);
    world_free(w);
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
                                      .slots = 1 + seed % MAX_SLOTS,
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
