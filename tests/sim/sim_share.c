/*
 * Several searches that share their slots, on a virtual clock: workers come and go with their slots, trainers
 * fail, fall silent and die, searches come while others run, one cannot start anything, and the process is
 * killed and goes on. Whatever happens, each ends with the record that it has alone, and while all have work
 * each has its share. Every failure prints the seed that reproduces it.
 */
#include "digest_help.h"
#include "trainers_help.h"

#include "dispatch/share.h"

enum { OWN = 2, OF_A_WORKER = 3, WORKERS = 3, SLOTS = OWN + WORKERS * OF_A_WORKER, SEARCHES = 5 };

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
    size_t held; /* slots, when that was last looked at */
    double had;  /* slot seconds while all have had work for all slots */
};

struct world {
    struct trainers t; /* what is due: slots, and behind them workers */
    struct rung_share *share;
    struct rung_store *store;
    uint64_t seed;
    struct party parties[SEARCHES];
    size_t count;
    double fair_since; /* since when all had work for all slots */
    double looked_at;
    long fair_checks;
};

/* ---- trainers ---- */

static int start_unless_broken(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    if (strcmp(message->line.search, "broken") == 0)
        return rung_err_set(err, RUNG_EFAIL, "it is broken");
    return start(self, slot, message, err);
}

/* ---- workers ---- */

static void worker_moves(struct world *w, int worker)
{
    static const struct rung_exit lost = {.worker_gone = true};
    for (int slot = OWN + worker * OF_A_WORKER; slot < OWN + (worker + 1) * OF_A_WORKER; slot++) {
        struct slot *s = &w->t.slots[slot];
        rung_heap_remove(&w->t.due, (uint32_t)slot);
        if (s->alive)
            dies(&w->t, slot, &lost);
        s->present = !s->present;
        (s->present ? w->t.tell.joined : w->t.tell.left)(w->t.tell.context, slot, w->t.now);
    }
    come_at(&w->t, (uint32_t)(SLOTS + worker), w->t.now + 20 + 300 * chance(&w->t));
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
    must(rung_engine_create(&p->engine, &options, w->t.now, &err));
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
    rung_share_balance(w->share, w->t.now);
    while ((touched = rung_share_touched(w->share)))
        turns[touched - w->parties] = true;
    for (size_t i = 0; i < w->count; i++) {
        struct party *p = &w->parties[i];
        turns[i] = p->lives && (turns[i] || p->wake_at <= w->t.now);
        if (turns[i])
            must(rung_engine_decide(p->engine, w->t.now, &err));
    }
    must(rung_store_commit(w->store, &err));
    for (size_t i = 0; i < w->count; i++) {
        struct party *p = &w->parties[i];
        if (!turns[i])
            continue;
        rung_engine_act(p->engine, w->t.now);
        rung_tenant_want(p->tenant, rung_engine_demand(p->engine), w->t.now);
        p->wake_at = rung_engine_wake_at(p->engine, w->t.now);
        if (rung_engine_over(p->engine, &p->result)) {
            must(rung_engine_close(p->engine, w->t.now, &err));
            p->over = true;
            party_goes(p);
        }
    }
}

static double next_time(struct world *w)
{
    double at = fmin(next_at(&w->t), rung_share_wake_at(w->share));
    for (size_t i = 0; i < w->count; i++) {
        const struct party *p = &w->parties[i];
        if (p->lives)
            at = fmin(at, p->wake_at);
        else if (!p->over)
            at = fmin(at, p->comes_at);
    }
    if (isinf(at) && at > 0)
        fail_msg("seed %llu: nothing will ever happen", (unsigned long long)w->seed);
    if (w->t.now > 1e6)
        fail_msg("seed %llu: it does not end", (unsigned long long)w->seed);
    return fmax(at, w->t.now);
}

static void let_happen(struct world *w)
{
    uint32_t id;
    while (next_due(&w->t, &id)) {
        if (id < SLOTS)
            deliver(&w->t, (int)id);
        else
            worker_moves(w, (int)id - SLOTS);
    }
    for (size_t i = 0; i < w->count; i++) {
        struct party *p = &w->parties[i];
        if (!p->lives && !p->over && w->t.now >= p->comes_at) {
            party_comes(w, p);
            w->fair_since = INFINITY;
        }
    }
}

#define LONGEST 10.0 /* seconds: no job is longer where shares are looked at, with all around it */
#define STARTS  1.0  /* seconds that a start takes at most */

/* What each has had since all had work for all slots: the same, but for a turn and what ran at its ends. */
static void look_at_turns(struct world *w)
{
    double turn = fmax(RUNG_SHARE_TURN, RUNG_SHARE_STARTS * STARTS), most = 0, least = INFINITY;
    for (size_t i = 0; i < w->count; i++) {
        struct party *p = &w->parties[i];
        if (!p->lives)
            continue;
        p->had = w->t.now > w->fair_since ? p->had + (double)p->held * (w->t.now - w->looked_at) : 0;
        p->held = rung_tenant_held(p->tenant);
        most = fmax(most, p->had);
        least = fmin(least, p->had);
    }
    if (most - least > 2 * (turn + LONGEST))
        fail_msg("seed %llu: at %g s one has had %g s, another %g", (unsigned long long)w->seed, w->t.now,
                 most, least);
}

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
        all_want &= rung_engine_demand(p->engine) >= w->t.executor.slots;
        most = rung_tenant_held(p->tenant) > most ? rung_tenant_held(p->tenant) : most;
        least = rung_tenant_held(p->tenant) < least ? rung_tenant_held(p->tenant) : least;
    }
    if (!all_want || living < 2)
        w->fair_since = INFINITY;
    else if (isinf(w->fair_since))
        w->fair_since = w->t.now;
    look_at_turns(w);
    w->looked_at = w->t.now;
    if (w->t.now - w->fair_since < LONGEST)
        return;
    w->fair_checks++;
    if (most - least > 1)
        fail_msg("seed %llu: at %g s one has %zu slots, another %zu", (unsigned long long)w->seed, w->t.now,
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
    trainers_anew(&w->t, w->t.mood == CALM ? w->t.executor.slots : OWN);
    w->share = rung_share_create(&w->t.executor);
    w->t.tell = rung_share_listener(w->share);
    for (int worker = 0; worker < WORKERS && w->t.mood == RAGGED; worker++)
        come_at(&w->t, (uint32_t)(SLOTS + worker), w->t.now + 100 * chance(&w->t));
    for (bool killed = false; !killed && !all_over(w);) {
        let_happen(w);
        pass(w);
        if (w->t.mood == CALM)
            look_at_shares(w);
        if (!all_over(w))
            w->t.now = next_time(w);
        killed = chance(&w->t) < kill_chance;
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->parties[i].lives)
            party_goes(&w->parties[i]);
    rung_share_free(w->share);
    rung_store_close(w->store);
}

static struct world *world_new(uint64_t seed, size_t slots, enum mood mood)
{
    struct world *w = rung_mem_zalloc(1, sizeof *w);
    trainers_init(&w->t, seed, slots, mood);
    w->t.executor.start = start_unless_broken;
    w->seed = seed;
    w->fair_since = INFINITY;
    return w;
}

static void world_free(struct world *w)
{
    trainers_free(&w->t);
    free(w);
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
        world_free(w);
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
            invite(w, specs[i], 200 * chance(&w->t));
        struct party *broken = invite(w, specs[2], 200 * chance(&w->t));
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
        world_free(w);
    }
    for (size_t i = 0; i < SEARCHES - 1; i++) {
        free(history[i]);
        free(leaderboard[i]);
    }
}

/* Trainers that move cost a start each: of 600 jobs few have one, beside those at the end of a turn. */
static void while_all_have_work_shares_are_within_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 21; seed++) {
        struct world *w = world_new(seed, 1 + seed % SLOTS, CALM);
        size_t searches = 2 + seed % (SEARCHES - 1);
        for (size_t i = 0; i < searches; i++)
            invite(w, SPEC("\"algorithm\":\"random\",\"models\":150,\"max_iter\":3", ""), 20 * chance(&w->t));
        run_once(w, new_database(), 0);
        for (size_t i = 0; i < searches; i++)
            assert_int_equal(w->parties[i].result.end, RUNG_END_FINISHED);
        assert_true(w->fair_checks > 0);
        double turns = (double)(searches - 1) * w->t.now / RUNG_SHARE_TURN;
        assert_true(w->t.starts <= (long)(w->t.executor.slots * (2 * searches + 1)) + (long)turns);
        world_free(w);
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
