/*
 * Several searches that share their slots, on a virtual clock: workers come and go with their slots, trainers
 * fail, fall silent and die, searches come while others run, one cannot start anything, and the process is
 * killed and goes on. Whatever happens, each ends with the record that it has alone, and while all have work
 * each has its share. Every failure prints the seed that reproduces it.
 */
#include "digest_help.h"

#include "base/heap.h"
#include "core/rng.h"
#include "dispatch/share.h"

enum { OWN = 2, OF_A_WORKER = 3, WORKERS = 3, SLOTS = OWN + WORKERS * OF_A_WORKER, SEARCHES = 5 };

enum mood { CALM, RAGGED };
enum coming { NOTHING, READY, RESULT, FAILURE, GARBAGE, DEATH };

struct slot {
    bool alive, present, evaluating;
    enum coming coming;
    struct rung_proto_job job;
    char state_out[512];
};

struct party {
    const char *spec;
    char name[8];
    bool broken; /* its trainer cannot be started */
    double comes_at, wake_at;
    bool lives, over;
    struct opened o;
    struct rung_session_options session;
    struct rung_engine *engine;
    struct rung_tenant *tenant;
    struct rung_session_result result;
};

struct world {
    struct rung_executor executor;
    struct rung_executor_listener tell;
    struct rung_share *share;
    struct rung_store *store;
    struct rung_rng rng;
    uint64_t seed;
    enum mood mood;
    size_t slots; /* that there may be */
    struct slot places[SLOTS];
    struct party parties[SEARCHES];
    size_t count;
    struct rung_heap due; /* slots, and behind them workers, by -time */
    double now;
    uint64_t order;
    double fair_since; /* since when all had work for all slots */
    long fair_checks, starts;
};

/* ---- the executor beneath ---- */

static double chance(struct world *w)
{
    return rung_rng_uniform(&w->rng);
}

static double score_of(uint32_t model, uint32_t seed, int64_t calls)
{
    struct rung_rng rng;
    rung_rng_init(&rng, seed, model, "quality");
    double quality = rung_rng_uniform(&rng);
    return quality < 0.05 ? NAN : quality * (1 - 1 / sqrt(1 + (double)calls));
}

static void come(struct world *w, int slot, enum coming what, double delay)
{
    w->places[slot].coming = what;
    rung_heap_put(&w->due, (uint32_t)slot, -(w->now + delay), w->order++);
}

static int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct world *w = self;
    assert_true(w->places[slot].present && !w->places[slot].alive);
    w->starts++;
    if (strcmp(message->line.search, "broken") == 0 || (w->mood == RAGGED && chance(w) < 0.02))
        return rung_err_set(err, RUNG_EFAIL, "not today");
    w->places[slot] = (struct slot){.alive = true, .present = true};
    come(w, slot, w->mood == RAGGED && chance(w) < 0.02 ? DEATH : READY, chance(w));
    return 0;
}

static void job(void *self, int slot, const struct rung_proto_job *message)
{
    static const enum coming misfortunes[] = {FAILURE, GARBAGE, NOTHING, DEATH};
    struct world *w = self;
    struct slot *s = &w->places[slot];
    enum coming what = RESULT;
    assert_true(s->alive);
    s->job = *message;
    s->evaluating = false;
    snprintf(s->state_out, sizeof s->state_out, "%s", message->state_out);
    if (w->mood == RAGGED && chance(w) < 0.06)
        what = misfortunes[rung_rng_below(&w->rng, 4)];
    if (what != NOTHING) /* else the deadline ends it */
        come(w, slot, what, (double)(message->to - message->from) * (0.5 + chance(w)));
}

static void evaluate(void *self, int slot, const struct rung_proto_job *message)
{
    struct world *w = self;
    w->places[slot].job = *message;
    w->places[slot].evaluating = true;
    come(w, slot, RESULT, 1);
}

static void forget(void *self, int slot, uint32_t model)
{
    (void)model;
    assert_true(((struct world *)self)->places[slot].alive);
}

static void end(void *self, int slot)
{
    assert_true(((struct world *)self)->places[slot].alive);
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

static void answer(struct world *w, int slot)
{
    struct slot *s = &w->places[slot];
    struct rung_proto_message message = {.type = RUNG_PROTO_RESULT,
                                         .job = s->job.job,
                                         .has_score = true,
                                         .score = NAN,
                                         .fit_seconds = 1,
                                         .score_seconds = NAN,
                                         .examples = 5,
                                         .metric = NAN};
    if (!s->evaluating) {
        FILE *file = fopen(s->state_out, "w");
        assert_non_null(file);
        fclose(file);
        message.score = score_of(s->job.model, s->job.seed, s->job.to);
    }
    w->tell.message(w->tell.context, slot, &message, w->now);
}

static void dies(struct world *w, int slot, const struct rung_exit *how)
{
    w->places[slot].alive = false;
    w->tell.gone(w->tell.context, slot, how, w->now);
}

static void deliver(struct world *w, int slot)
{
    static const struct rung_exit killed = {.signaled = true, .number = 9};
    struct slot *s = &w->places[slot];
    struct rung_proto_message ready = {.type = RUNG_PROTO_READY, .evaluates = true};
    struct rung_proto_message failure = {
        .type = RUNG_PROTO_FAILURE, .job = s->job.job, .retry = true, .reason = "unlucky"};
    enum coming what = s->coming;
    s->coming = NOTHING;
    if (what == READY)
        w->tell.message(w->tell.context, slot, &ready, w->now);
    else if (what == RESULT)
        answer(w, slot);
    else if (what == FAILURE)
        w->tell.message(w->tell.context, slot, &failure, w->now);
    else if (what == GARBAGE)
        w->tell.violation(w->tell.context, slot, "a line that is no JSON", w->now);
    else if (what == DEATH)
        dies(w, slot, &killed);
}

/* ---- workers ---- */

static void worker_moves(struct world *w, int worker)
{
    static const struct rung_exit lost = {.worker_gone = true};
    for (int slot = OWN + worker * OF_A_WORKER; slot < OWN + (worker + 1) * OF_A_WORKER; slot++) {
        struct slot *s = &w->places[slot];
        rung_heap_remove(&w->due, (uint32_t)slot);
        if (s->alive)
            dies(w, slot, &lost);
        s->present = !s->present;
        (s->present ? w->tell.joined : w->tell.left)(w->tell.context, slot, w->now);
    }
    rung_heap_put(&w->due, (uint32_t)(SLOTS + worker), -(w->now + 20 + 300 * chance(w)), w->order++);
}

/* ---- searches ---- */

static void on_recall(void *context, size_t slots)
{
    rung_engine_recall(((struct party *)context)->engine, slots);
}

static void on_hopeless(void *context, double now)
{
    rung_engine_abandon(((struct party *)context)->engine, now);
}

static void party_comes(struct world *w, struct party *p)
{
    struct rung_err err = {0};
    p->o = open_named(p->spec, w->store, p->name);
    p->session = (struct rung_session_options){.spec = p->o.spec,
                                               .store = w->store,
                                               .record = p->o.record,
                                               .search = p->o.search,
                                               .name = p->broken ? "broken" : p->name,
                                               .folder = "/",
                                               .time_limit = INFINITY};
    struct rung_tenant_options tenant = {.identity = rung_record_identity(p->o.record),
                                         .context = p,
                                         .recall = on_recall,
                                         .hopeless = on_hopeless};
    p->tenant = rung_share_join(w->share, &tenant);
    struct rung_engine_options options = {.session = &p->session,
                                          .executor = rung_tenant_executor(p->tenant),
                                          .states = p->o.states,
                                          .shared = true};
    must(rung_engine_create(&p->engine, &options, w->now, &err));
    rung_tenant_listen(p->tenant, rung_engine_listener(p->engine));
    rung_share_touch(p->tenant);
    p->lives = true;
    p->wake_at = INFINITY;
}

static void party_goes(struct party *p)
{
    rung_engine_free(p->engine);
    rung_share_leave(p->tenant);
    close_named(&p->o);
    p->lives = false;
}

/* ---- the loop ---- */

/* A turn for whom something has happened, or whose time has come. */
static void pass(struct world *w)
{
    struct rung_err err = {0};
    bool turns[SEARCHES] = {false};
    struct party *touched;
    rung_share_balance(w->share, w->now);
    while ((touched = rung_share_touched(w->share)))
        turns[touched - w->parties] = true;
    for (size_t i = 0; i < w->count; i++) {
        struct party *p = &w->parties[i];
        turns[i] = p->lives && (turns[i] || p->wake_at <= w->now);
        if (turns[i])
            must(rung_engine_decide(p->engine, w->now, &err));
    }
    must(rung_store_commit(w->store, &err));
    for (size_t i = 0; i < w->count; i++) {
        struct party *p = &w->parties[i];
        if (!turns[i])
            continue;
        rung_engine_act(p->engine, w->now);
        rung_tenant_want(p->tenant, rung_engine_demand(p->engine), w->now);
        p->wake_at = rung_engine_wake_at(p->engine, w->now);
        if (rung_engine_over(p->engine, &p->result)) {
            must(rung_engine_close(p->engine, w->now, &err));
            p->over = true;
            party_goes(p);
        }
    }
}

static double next_time(struct world *w)
{
    const struct rung_heap_item *next = rung_heap_top(&w->due);
    double at = fmin(next ? -next->key : INFINITY, rung_share_wake_at(w->share));
    for (size_t i = 0; i < w->count; i++) {
        const struct party *p = &w->parties[i];
        if (p->lives)
            at = fmin(at, p->wake_at);
        else if (!p->over)
            at = fmin(at, p->comes_at);
    }
    if (isinf(at) && at > 0)
        fail_msg("seed %llu: nothing will ever happen", (unsigned long long)w->seed);
    if (w->now > 1e6)
        fail_msg("seed %llu: it does not end", (unsigned long long)w->seed);
    return fmax(at, w->now);
}

static void let_happen(struct world *w)
{
    const struct rung_heap_item *next;
    while ((next = rung_heap_top(&w->due)) && -next->key <= w->now) {
        int id = (int)next->id;
        rung_heap_remove(&w->due, next->id);
        if (id < SLOTS)
            deliver(w, id);
        else
            worker_moves(w, id - SLOTS);
    }
    for (size_t i = 0; i < w->count; i++) {
        struct party *p = &w->parties[i];
        if (!p->lives && !p->over && w->now >= p->comes_at) {
            party_comes(w, p);
            w->fair_since = INFINITY;
        }
    }
}

#define LONGEST 10.0 /* seconds: no job is longer where shares are looked at, with all around it */

/* Within one of each other, after all have had work for all slots so long that every job has ended. */
static void look_at_shares(struct world *w)
{
    size_t most = 0, least = SIZE_MAX, living = 0;
    bool all_want = true;
    for (size_t i = 0; i < w->count; i++) {
        const struct party *p = &w->parties[i];
        if (!p->lives)
            continue;
        living++;
        all_want &= rung_engine_demand(p->engine) >= w->slots;
        most = rung_tenant_held(p->tenant) > most ? rung_tenant_held(p->tenant) : most;
        least = rung_tenant_held(p->tenant) < least ? rung_tenant_held(p->tenant) : least;
    }
    if (!all_want || living < 2)
        w->fair_since = INFINITY;
    else if (isinf(w->fair_since))
        w->fair_since = w->now;
    if (w->now - w->fair_since < LONGEST)
        return;
    w->fair_checks++;
    if (most - least > 1)
        fail_msg("seed %llu: at %g s one has %zu slots, another %zu", (unsigned long long)w->seed, w->now,
                 most, least);
}

static bool all_over(const struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (!w->parties[i].over)
            return false;
    return true;
}

/* One start of the process: until the end, or until it is killed. */
static void run_once(struct world *w, const char *database, double kill_chance)
{
    struct rung_err err = {0};
    must(rung_store_open(&w->store, database, RUNG_STORE_CREATE, &err));
    rung_heap_init(&w->due);
    memset(w->places, 0, sizeof w->places);
    for (size_t slot = 0; slot < w->slots && (w->mood == CALM || slot < OWN); slot++)
        w->places[slot].present = true;
    w->executor.absent = w->mood == CALM ? 0 : w->slots - OWN;
    w->share = rung_share_create(&w->executor);
    w->tell = rung_share_listener(w->share);
    for (int worker = 0; worker < WORKERS && w->mood == RAGGED; worker++)
        rung_heap_put(&w->due, (uint32_t)(SLOTS + worker), -(w->now + 100 * chance(w)), w->order++);
    for (bool killed = false; !killed && !all_over(w);) {
        let_happen(w);
        pass(w);
        if (w->mood == CALM)
            look_at_shares(w);
        if (!all_over(w))
            w->now = next_time(w);
        killed = chance(w) < kill_chance;
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->parties[i].lives)
            party_goes(&w->parties[i]);
    rung_share_free(w->share);
    rung_heap_free(&w->due);
    rung_store_close(w->store);
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
    w->seed = seed;
    w->slots = slots;
    w->mood = mood;
    w->fair_since = INFINITY;
    rung_rng_init(&w->rng, seed, slots, "world");
    return w;
}

static struct party *invite(struct world *w, const char *spec, double at)
{
    struct party *p = &w->parties[w->count];
    *p = (struct party){.spec = spec, .comes_at = at};
    snprintf(p->name, sizeof p->name, "s%zu", w->count++);
    return p;
}

static const char *new_database(void)
{
    static char path[200];
    static int number;
    snprintf(path, sizeof path, "%s/%d.db", folder, number++);
    return path;
}

/* ---- the tests ---- */

static const char *const specs[SEARCHES - 1] = {
    SPEC("\"max_iter\":27,\"seed\":5", ""),
    SPEC("\"max_iter\":27,\"patience\":true,\"tol\":0.02,\"seed\":9", ""),
    SPEC("\"algorithm\":\"random\",\"models\":40,\"max_iter\":7", ""),
    SPEC("\"algorithm\":\"successive_halving\",\"models\":40,\"max_iter\":20", ""),
};

static void run_alone(char *history[], char *leaderboard[])
{
    for (size_t i = 0; i < SEARCHES - 1; i++) {
        const char *database = new_database();
        struct world *w = world_new(1, 1, CALM);
        struct party *p = invite(w, specs[i], 0);
        snprintf(p->name, sizeof p->name, "s%zu", i);
        run_once(w, database, 0);
        assert_int_equal(p->result.end, RUNG_END_FINISHED);
        history[i] = digest(database, p->name, RUNG_VIEW_HISTORY, history_out);
        leaderboard[i] = digest(database, p->name, RUNG_VIEW_LEADERBOARD, leaderboard_out);
        assert_true(strlen(history[i]) > 100);
        free(w);
    }
}

static void assert_same(const struct world *w, const char *what, const char *expected, char *found)
{
    if (strcmp(expected, found) != 0)
        fail_msg("seed %llu: another %s\nexpected\n%s\nfound\n%s", (unsigned long long)w->seed, what,
                 expected, found);
    free(found);
}

static void every_search_ends_as_it_does_alone(void **state)
{
    char *history[SEARCHES - 1], *leaderboard[SEARCHES - 1];
    (void)state;
    run_alone(history, leaderboard);
    for (uint64_t seed = 2; seed < 22; seed++) {
        const char *database = new_database();
        struct world *w = world_new(seed, SLOTS, RAGGED);
        for (size_t i = 0; i < SEARCHES - 1; i++)
            invite(w, specs[i], 200 * chance(w));
        struct party *broken = invite(w, specs[2], 200 * chance(w));
        broken->broken = true;
        for (int starts = 0; !all_over(w); starts++)
            run_once(w, database, seed % 2 && starts < 50 ? 0.01 : 0);
        for (size_t i = 0; i < SEARCHES - 1; i++) {
            const char *name = w->parties[i].name;
            assert_int_equal(w->parties[i].result.end, RUNG_END_FINISHED);
            assert_same(w, "history", history[i], digest(database, name, RUNG_VIEW_HISTORY, history_out));
            assert_same(w, "leaderboard", leaderboard[i],
                        digest(database, name, RUNG_VIEW_LEADERBOARD, leaderboard_out));
        }
        assert_int_equal(broken->result.end, RUNG_END_FAILED);
        free(w);
    }
    for (size_t i = 0; i < SEARCHES - 1; i++) {
        free(history[i]);
        free(leaderboard[i]);
    }
}

/* Trainers that move cost a start each: of 600 jobs few have one. */
static void while_all_have_work_shares_are_within_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 21; seed++) {
        struct world *w = world_new(seed, 1 + seed % SLOTS, CALM);
        size_t searches = 2 + seed % (SEARCHES - 1);
        for (size_t i = 0; i < searches; i++)
            invite(w, SPEC("\"algorithm\":\"random\",\"models\":150,\"max_iter\":3", ""), 20 * chance(w));
        run_once(w, new_database(), 0);
        for (size_t i = 0; i < searches; i++)
            assert_int_equal(w->parties[i].result.end, RUNG_END_FINISHED);
        assert_true(w->fair_checks > 0);
        assert_true(w->starts <= (long)(w->slots * (2 * searches + 1)));
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_search_ends_as_it_does_alone),
        cmocka_unit_test(while_all_have_work_shares_are_within_one),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
