/*
 * The simulator against the engine: the same search with the same durations, once through the engine with
 * trainers on a virtual clock and a database, once through the simulation alone. Every job must go to the
 * same trainer in the same order, and end at the same second.
 */
#include "sim_help.h"

#include "base/heap.h"
#include "core/rng.h"
#include "forecast/virtual.h"

enum { MAX_SLOTS = 64, JOBS_MAX = 4000 };

/* Jobs as handed out, and as they end. */
struct record {
    struct {
        uint32_t model;
        int64_t to;
        size_t trainer;
    } sent[JOBS_MAX], ended[JOBS_MAX];
    double ends[JOBS_MAX];
    size_t sent_count, ended_count;
    bool done;
    uint32_t best;
};

static void note_sent(struct record *record, uint32_t model, int64_t to, size_t trainer)
{
    assert_true(record->sent_count < JOBS_MAX);
    record->sent[record->sent_count].model = model;
    record->sent[record->sent_count].to = to;
    record->sent[record->sent_count++].trainer = trainer;
}

static void note_ended(struct record *record, uint32_t model, int64_t to, size_t trainer, double seconds)
{
    assert_true(record->ended_count < JOBS_MAX);
    record->ended[record->ended_count].model = model;
    record->ended[record->ended_count].to = to;
    record->ended[record->ended_count].trainer = trainer;
    record->ends[record->ended_count++] = seconds;
}

/* What a job comes to, for both: no two jobs take equally long. */
static struct rung_virtual_outcome outcome_of(uint32_t model, int64_t from, int64_t to)
{
    struct rung_virtual_outcome outcome = {0};
    struct rung_rng rng;
    rung_rng_init(&rng, 11, model, "fate");
    double pace = 0.3 + rung_rng_uniform(&rng), quality = rung_rng_uniform(&rng),
           luck = rung_rng_uniform(&rng);
    outcome.fit_seconds = pace * (double)(to - from);
    outcome.score_seconds = 0.5 * rung_rng_uniform(&rng);
    outcome.score = luck < 0.05 ? NAN : quality * (1 - 1 / sqrt(1 + (double)to));
    outcome.fails = luck > 0.95 && to > 2;
    return outcome;
}

/* ---- through the engine ---- */

struct slot {
    bool ready;
    int64_t job;
    uint32_t model;
    struct rung_virtual_outcome outcome;
    int64_t to;
};

struct world {
    struct rung_executor executor;
    struct rung_executor_listener listener;
    const struct rung_search *search;
    struct record *record;
    struct slot slots[MAX_SLOTS];
    struct rung_heap due; /* slot by -time */
    double now;
    uint64_t order;
};

static void come(struct world *w, int slot, double delay)
{
    rung_heap_put(&w->due, (uint32_t)slot, -(w->now + delay), w->order++);
}

static int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct world *w = self;
    (void)message;
    (void)err;
    w->slots[slot] = (struct slot){0};
    come(w, slot, 0);
    return 0;
}

/* They say that they cannot save, which spares the test the files; `from` is then in the search alone. */
static void job(void *self, int slot, const struct rung_proto_job *message)
{
    struct world *w = self;
    struct slot *s = &w->slots[slot];
    int64_t from = rung_search_model(w->search, message->model).calls;
    s->job = message->job;
    s->model = message->model;
    s->to = message->to;
    s->outcome = outcome_of(message->model, from, message->to);
    note_sent(w->record, message->model, message->to, (size_t)slot);
    come(w, slot, s->outcome.fit_seconds + s->outcome.score_seconds);
}

static void forget(void *self, int slot, uint32_t model)
{
    (void)self;
    (void)slot;
    (void)model;
}

static void end(void *self, int slot)
{
    struct world *w = self;
    w->slots[slot].job = -1; /* gone, when its time comes */
    come(w, slot, 0);
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
    (void)out;
}

static void answer(struct world *w, int slot)
{
    struct slot *s = &w->slots[slot];
    struct rung_proto_message message = {.type = RUNG_PROTO_RESULT,
                                         .job = s->job,
                                         .has_score = true,
                                         .score = s->outcome.score,
                                         .metric = NAN,
                                         .fit_seconds = s->outcome.fit_seconds,
                                         .score_seconds = s->outcome.score_seconds};
    if (s->outcome.fails)
        message = (struct rung_proto_message){.type = RUNG_PROTO_FAILURE, .job = s->job, .reason = "unlucky"};
    note_ended(w->record, s->model, s->to, (size_t)slot, w->now);
    s->job = 0;
    w->listener.message(w->listener.context, slot, &message, w->now);
}

static void deliver(struct world *w, int slot)
{
    struct slot *s = &w->slots[slot];
    struct rung_proto_message ready = {.type = RUNG_PROTO_READY, .stateless = true};
    struct rung_exit how = {.by_us = true};
    if (s->job < 0) {
        w->listener.gone(w->listener.context, slot, &how, w->now);
    } else if (s->ready) {
        answer(w, slot);
    } else {
        s->ready = true;
        w->listener.message(w->listener.context, slot, &ready, w->now);
    }
}

static void drive(struct rung_engine *engine, struct world *w, struct rung_session_result *result)
{
    struct rung_err err = {0};
    for (;;) {
        must(rung_engine_turn(engine, w->now, &err));
        rung_engine_act(engine, w->now);
        if (rung_engine_over(engine, result))
            return;
        const struct rung_heap_item *next = rung_heap_top(&w->due);
        assert_non_null(next);
        w->now = -next->key;
        while ((next = rung_heap_top(&w->due)) != NULL && -next->key <= w->now) {
            int slot = (int)next->id;
            rung_heap_remove(&w->due, next->id);
            deliver(w, slot);
        }
    }
}

static void run_engine(const char *spec, enum rung_priority priority, size_t slots, struct record *record)
{
    static int number;
    char database[200];
    struct rung_err err = {0};
    snprintf(database, sizeof database, "%s/%d.db", folder, number++);
    struct opened o = open_search(spec, database);
    struct world w = {.search = o.search, .record = record};
    o.spec->search.priority = priority;
    w.executor = (struct rung_executor){.self = &w,
                                        .slots = slots,
                                        .place = place,
                                        .start = start,
                                        .job = job,
                                        .forget = forget,
                                        .stop = end,
                                        .kill = end,
                                        .log_tail = log_tail};
    rung_heap_init(&w.due);
    struct rung_session_options session = {.spec = o.spec,
                                           .store = o.store,
                                           .record = o.record,
                                           .search = o.search,
                                           .name = "sim",
                                           .folder = "/",
                                           .trainers = slots,
                                           .time_limit = INFINITY};
    struct rung_engine_options options = {.session = &session, .executor = &w.executor, .states = o.states};
    struct rung_session_result result;
    struct rung_engine *engine;
    must(rung_engine_create(&engine, &options, 0, &err));
    w.listener = rung_engine_listener(engine);
    drive(engine, &w, &result);
    record->done = result.end == RUNG_END_FINISHED;
    record->best = rung_search_best(o.search);
    must(rung_engine_close(engine, w.now, &err));
    rung_engine_free(engine);
    rung_heap_free(&w.due);
    close_search(&o);
}

/* ---- through the simulation ---- */

static void oracle_job(void *context, const struct rung_virtual_job *message,
                       struct rung_virtual_outcome *outcome)
{
    *outcome = outcome_of(message->model, message->from, message->to);
    note_sent(context, message->model, message->to, message->trainer);
}

static void take_result(void *context, double seconds, const struct rung_virtual_job *message,
                        const struct rung_virtual_outcome *outcome)
{
    (void)outcome;
    note_ended(context, message->model, message->to, message->trainer, seconds);
}

static void run_simulation(const char *text, enum rung_priority priority, size_t trainers, bool holders,
                           struct record *record)
{
    struct rung_err err = {0};
    struct rung_spec *spec = read_spec(text);
    struct rung_search *search;
    struct rung_virtual_options options;
    struct rung_virtual_result result;
    must(rung_search_create(&search, &spec->search, &err));
    rung_virtual_defaults(&options);
    options.search = search;
    options.priority = priority;
    options.trainers = trainers;
    options.holders = holders;
    options.oracle = (struct rung_oracle){record, oracle_job};
    options.result = take_result;
    options.result_context = record;
    must(rung_virtual_run(&options, &result, &err));
    record->done = result.done;
    record->best = result.best;
    rung_virtual_free(&result);
    rung_search_free(search);
    rung_spec_free(spec);
}

/* ---- comparing ---- */

static const char *const specs[] = {
    SPEC("\"max_iter\":27,\"seed\":5", ""),
    SPEC("\"max_iter\":81,\"patience\":true,\"tol\":0.02,\"seed\":9", ""),
    SPEC("\"max_iter\":81,\"variant\":\"dask\",\"patience\":9,\"tol\":null", ""),
    SPEC("\"algorithm\":\"random\",\"models\":70,\"max_iter\":7", ""),
    SPEC("\"algorithm\":\"successive_halving\",\"models\":90,\"max_iter\":30", ""),
    SPEC("\"algorithm\":\"incremental\",\"models\":65,\"max_iter\":12,\"decay_rate\":0.5", ""),
    SPEC("\"algorithm\":\"asha\",\"models\":100,\"max_iter\":27", ""),
    SPEC("\"algorithm\":\"asha\",\"models\":100,\"max_iter\":27,\"patience\":2,\"tol\":0.01", ""),
};

static const size_t trainers[] = {1, 2, 3, 5, 8, 16, 40, MAX_SLOTS};

/* Which of several idle trainers gets a job decides nothing where trainers do not hold anything, and where
 * there are more of them than jobs the engine starts them later. */
static void assert_equal_records(const struct record *engine, const struct record *simulated,
                                 bool same_trainers, const char *what)
{
    if (engine->ended_count != simulated->ended_count || engine->sent_count != simulated->sent_count)
        fail_msg("%s: %zu jobs instead of %zu", what, simulated->ended_count, engine->ended_count);
    for (size_t i = 0; i < engine->sent_count; i++) {
        bool same = engine->sent[i].model == simulated->sent[i].model &&
                    engine->sent[i].to == simulated->sent[i].to &&
                    (!same_trainers || engine->sent[i].trainer == simulated->sent[i].trainer);
        if (!same)
            fail_msg("%s: job %zu is of model %u on %zu instead of %u on %zu", what, i,
                     simulated->sent[i].model, simulated->sent[i].trainer, engine->sent[i].model,
                     engine->sent[i].trainer);
    }
    for (size_t i = 0; i < engine->ended_count; i++)
        if (engine->ended[i].model != simulated->ended[i].model || engine->ends[i] != simulated->ends[i])
            fail_msg("%s: result %zu is of model %u at %.17g instead of %u at %.17g", what, i,
                     simulated->ended[i].model, simulated->ends[i], engine->ended[i].model, engine->ends[i]);
    assert_true(engine->done && simulated->done);
    assert_int_equal(engine->best, simulated->best);
}

static void compare(const char *spec, enum rung_priority priority, size_t count)
{
    struct record *engine = rung_mem_zalloc(1, sizeof *engine);
    struct record *simulated = rung_mem_zalloc(1, sizeof *simulated);
    char what[400];
    snprintf(what, sizeof what, "%s, %s, %zu trainers", spec, rung_priority_name(priority), count);
    run_engine(spec, priority, count, engine);
    run_simulation(spec, priority, count, true, simulated);
    assert_equal_records(engine, simulated, count < MAX_SLOTS, what);
    if (priority == RUNG_PRIORITY_FIFO) { /* strictly by age, whoever holds what */
        memset(simulated, 0, sizeof *simulated);
        run_simulation(spec, priority, count, false, simulated);
        assert_equal_records(engine, simulated, false, what);
    }
    free(engine);
    free(simulated);
}

static void the_simulation_does_what_the_engine_does(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++)
        for (int priority = RUNG_PRIORITY_SCORE; priority <= RUNG_PRIORITY_CRITICAL; priority++)
            for (size_t i = 0; i < sizeof trainers / sizeof *trainers; i++)
                compare(specs[s], (enum rung_priority)priority, trainers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulation_does_what_the_engine_does),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
