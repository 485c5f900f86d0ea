/* Who gets which slot, among tenants that want so and so many and use what they have. */
#include "dispatch/share.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 8, TENANTS = 4 };

/* A search that starts a trainer in every slot it has, as far as it wants. */
struct guest {
    struct world *world;
    struct rung_tenant *tenant;
    struct rung_executor *executor;
    bool has[SLOTS]; /* slots that were lent to it */
    size_t wants, recalled;
    int messages, late;
    bool hopeless;
};

struct world {
    struct rung_executor executor;
    struct rung_executor_listener tell;
    struct rung_share *share;
    struct guest guests[TENANTS];
    struct guest *runs[SLOTS]; /* whose trainer it is */
    struct guest *starting;    /* who is inside start */
    double now;
};

/* ---- beneath ---- */

static int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct world *w = self;
    (void)message;
    if (strcmp(message->metric, "never") == 0)
        return rung_err_set(err, RUNG_EFAIL, "cannot");
    assert_null(w->runs[slot]);
    w->runs[slot] = w->starting;
    return 0;
}

static struct rung_place place(void *self, int slot)
{
    (void)self;
    (void)slot;
    return (struct rung_place){"here", "test"};
}

static struct world *world_new(size_t slots, size_t absent)
{
    struct world *w = rung_mem_zalloc(1, sizeof *w);
    w->executor =
        (struct rung_executor){.self = w, .slots = slots, .absent = absent, .place = place, .start = start};
    w->share = rung_share_create(&w->executor);
    w->tell = rung_share_listener(w->share);
    return w;
}

static void world_free(struct world *w)
{
    rung_share_free(w->share);
    free(w);
}

/* ---- a guest ---- */

static void on_joined(void *context, int slot, double now)
{
    struct guest *g = context;
    (void)now;
    assert_false(g->has[slot]);
    for (int i = 0; i < TENANTS; i++)
        assert_false(g->world->guests[i].has[slot]); /* nobody else has it */
    g->has[slot] = true;
}

static void on_left(void *context, int slot, double now)
{
    struct guest *g = context;
    (void)now;
    assert_true(g->has[slot]);
    assert_true(g->world->runs[slot] == NULL);
    g->has[slot] = false;
}

static void on_message(void *context, int slot, const struct rung_proto_message *message, double now)
{
    struct guest *g = context;
    (void)message;
    (void)now;
    assert_true(g->has[slot]);
    g->messages++;
}

static void on_gone(void *context, int slot, const struct rung_exit *how, double now)
{
    (void)how;
    (void)now;
    assert_true(((struct guest *)context)->has[slot]);
}

static bool on_wanted(void *context, const struct rung_late *late, struct rung_late_wanted *wanted,
                      double now)
{
    (void)context;
    (void)wanted;
    (void)now;
    return late->model == 1;
}

static void on_late(void *context, const struct rung_late *late, const struct rung_proto_message *messages,
                    size_t count, double now)
{
    (void)late;
    (void)messages;
    (void)count;
    (void)now;
    ((struct guest *)context)->late++;
}

static void on_recall(void *context, size_t slots)
{
    ((struct guest *)context)->recalled = slots;
}

static void on_hopeless(void *context, double now)
{
    (void)now;
    ((struct guest *)context)->hopeless = true;
}

static struct guest *join(struct world *w, int number, const char *identity)
{
    struct guest *g = &w->guests[number];
    struct rung_tenant_options options = {
        .identity = identity, .context = g, .recall = on_recall, .hopeless = on_hopeless};
    *g = (struct guest){.world = w};
    g->tenant = rung_share_join(w->share, &options);
    g->executor = rung_tenant_executor(g->tenant);
    rung_tenant_listen(g->tenant, (struct rung_executor_listener){.context = g,
                                                                  .message = on_message,
                                                                  .gone = on_gone,
                                                                  .joined = on_joined,
                                                                  .left = on_left,
                                                                  .wanted = on_wanted,
                                                                  .late = on_late});
    return g;
}

static void want(struct guest *g, size_t trainers)
{
    g->wants = trainers;
    rung_tenant_want(g->tenant, trainers, g->world->now);
}

static void start_in(struct guest *g, int slot)
{
    struct rung_start message = {.metric = "score"};
    struct rung_err err;
    g->world->starting = g;
    assert_int_equal(g->executor->start(g->executor->self, slot, &message, &err), 0);
}

static void ready(struct world *w, int slot)
{
    struct rung_proto_message message = {.type = RUNG_PROTO_READY};
    w->tell.message(w->tell.context, slot, &message, w->now);
}

static size_t running(const struct guest *g)
{
    size_t count = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        count += g->world->runs[slot] == g;
    return count;
}

/* Starts trainers as far as it wants, in slots of its own. */
static void use(struct guest *g)
{
    for (int slot = 0; slot < SLOTS && running(g) < g->wants; slot++)
        if (g->has[slot] && !g->world->runs[slot]) {
            start_in(g, slot);
            ready(g->world, slot);
        }
}

static void ends(struct world *w, int slot)
{
    struct rung_exit how = {0};
    w->runs[slot] = NULL;
    w->tell.gone(w->tell.context, slot, &how, w->now);
}

static void balance(struct world *w)
{
    while (rung_share_touched(w->share))
        ;
    rung_share_balance(w->share, w->now);
}

/* One trainer of it ends, of those that are recalled. */
static bool obey(struct guest *g)
{
    for (int slot = 0; slot < SLOTS && g->recalled > 0; slot++)
        if (g->world->runs[slot] == g && g->executor->recalled(g->executor->self, slot)) {
            ends(g->world, slot);
            return true;
        }
    return false;
}

/* Until nobody is asked for anything any more. */
static void settle(struct world *w)
{
    for (int rounds = 0; rounds < 100; rounds++) {
        bool moved = false;
        balance(w);
        for (int i = 0; i < TENANTS; i++)
            if (w->guests[i].tenant) {
                use(&w->guests[i]);
                moved |= obey(&w->guests[i]);
            }
        if (!moved)
            return;
    }
    fail_msg("slots change hands for ever");
}

static size_t held(const struct guest *g)
{
    size_t count = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        count += g->has[slot];
    assert_int_equal(count, rung_tenant_held(g->tenant));
    return count;
}

/* ---- shares ---- */

static void a_search_alone_gets_what_it_wants_and_keeps_it(void **state)
{
    struct world *w = world_new(4, 0);
    struct guest *a = join(w, 0, "a");
    (void)state;
    balance(w);
    assert_int_equal(held(a), 0);
    want(a, 2);
    settle(w);
    assert_int_equal(held(a), 2);
    want(a, 9);
    settle(w);
    assert_int_equal(running(a), 4);
    want(a, 0);
    w->now = 100;
    settle(w);
    assert_int_equal(running(a), 4);
    assert_int_equal(a->recalled, 0);
    world_free(w);
}

static void two_searches_get_half_each_and_one_all_when_the_other_ends(void **state)
{
    struct world *w = world_new(4, 0);
    struct guest *a = join(w, 0, "a"), *b;
    (void)state;
    want(a, 100);
    settle(w);
    b = join(w, 1, "b");
    want(b, 100);
    balance(w);
    assert_int_equal(a->recalled, 2);
    assert_int_equal(held(b), 0);
    balance(w);
    assert_int_equal(a->recalled, 2);
    ends(w, 2);
    balance(w);
    assert_int_equal(a->recalled, 1);
    assert_true(b->has[2]);
    settle(w);
    assert_int_equal(running(a), 2);
    assert_int_equal(running(b), 2);
    for (int slot = 0; slot < 4; slot++)
        if (w->runs[slot] == a)
            ends(w, slot);
    rung_share_leave(a->tenant);
    a->tenant = NULL;
    memset(a->has, 0, sizeof a->has);
    settle(w);
    assert_int_equal(running(b), 4);
    world_free(w);
}

static void the_older_get_what_does_not_divide(void **state)
{
    struct world *w = world_new(5, 0);
    struct guest *guests[3];
    (void)state;
    for (int i = 2; i >= 0; i--) /* the last joined is the youngest */
        guests[2 - i] = join(w, i, "any");
    for (int i = 0; i < 3; i++)
        want(guests[i], 10);
    settle(w);
    assert_int_equal(running(guests[0]), 2);
    assert_int_equal(running(guests[1]), 2);
    assert_int_equal(running(guests[2]), 1);
    world_free(w);
}

static void what_one_does_not_need_goes_to_another_before_anybody_loses(void **state)
{
    struct world *w = world_new(6, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b"), *c;
    (void)state;
    want(a, 3);
    want(b, 3);
    settle(w);
    want(a, 1); /* two of its three are idle */
    c = join(w, 2, "c");
    w->now = 10;
    want(c, 1);
    settle(w);
    assert_int_equal(running(a), 2);
    assert_int_equal(running(b), 3);
    assert_int_equal(running(c), 1);
    world_free(w);
}

static void a_short_dip_moves_nothing(void **state)
{
    struct world *w = world_new(4, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b");
    (void)state;
    want(a, 4);
    want(b, 4);
    settle(w);
    assert_true(isinf(rung_share_wake_at(w->share)));
    want(a, 0);
    while (rung_share_touched(w->share))
        ;
    assert_true(rung_share_wake_at(w->share) == RUNG_SHARE_MOMENT);
    w->now = RUNG_SHARE_MOMENT / 2;
    settle(w);
    want(a, 2);
    w->now = RUNG_SHARE_MOMENT;
    settle(w);
    assert_int_equal(running(a), 2);
    assert_int_equal(a->recalled, 0);
    want(a, 0);
    for (int i = 0; i < 2; i++) {
        w->now += RUNG_SHARE_MOMENT;
        settle(w);
    }
    assert_int_equal(running(a), 0);
    assert_int_equal(running(b), 4);
    world_free(w);
}

/* ---- slots that come and go ---- */

static void slots_that_join_are_lent_at_once_and_leave_whoever_has_them(void **state)
{
    struct world *w = world_new(4, 4);
    struct guest *a = join(w, 0, "a");
    (void)state;
    want(a, 2);
    settle(w);
    assert_int_equal(held(a), 0);
    assert_false(a->hopeless);
    for (int slot = 0; slot < 3; slot++)
        w->tell.joined(w->tell.context, slot, 0);
    settle(w);
    assert_int_equal(running(a), 2);
    for (int slot = 0; slot < 3; slot++) {
        if (w->runs[slot])
            ends(w, slot);
        w->tell.left(w->tell.context, slot, 0);
        assert_int_equal(held(a), 0 + (size_t)a->has[1] + (size_t)a->has[2]);
    }
    balance(w);
    assert_int_equal(held(a), 0);
    world_free(w);
}

/* ---- slots that do not work for somebody ---- */

static void give_up(struct guest *g, int slot)
{
    g->executor->given_up(g->executor->self, slot);
}

static void who_has_given_up_every_slot_is_told_and_others_go_on(void **state)
{
    struct world *w = world_new(3, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b");
    (void)state;
    want(b, 3);
    settle(w);
    want(a, 3);
    for (int tries = 0; tries < 3; tries++) {
        balance(w);
        while (!held(a) && obey(b))
            balance(w);
        assert_int_equal(held(a), 1 + (size_t)(tries == 0 && held(b) == 1));
        assert_false(a->hopeless);
        for (int slot = 0; slot < SLOTS; slot++)
            if (a->has[slot]) {
                give_up(a, slot);
                break;
            }
        use(b);
    }
    balance(w);
    assert_true(a->hopeless);
    assert_int_equal(held(a), 0);
    settle(w);
    assert_int_equal(running(b), 3);
    assert_false(b->hopeless);
    /* A slot that is another's place now may do. */
    ends(w, 0);
    w->tell.left(w->tell.context, 0, 0);
    w->tell.joined(w->tell.context, 0, 0);
    settle(w);
    assert_int_equal(held(a), 1);
    assert_true(a->has[0]);
    world_free(w);
}

/* a can use 0 and 1 only, which b has; c has 2 and 3. */
static struct world *choosy_world(void)
{
    struct world *w = world_new(4, 4);
    struct guest *a = join(w, 0, "a"), *b, *c;
    want(a, 2);
    for (int slot = 2; slot < 4; slot++)
        w->tell.joined(w->tell.context, slot, 0);
    settle(w);
    for (int slot = 2; slot < 4; slot++) {
        ends(w, slot);
        give_up(a, slot);
    }
    want(a, 0);
    w->now = 10;
    c = join(w, 2, "c");
    want(c, 2);
    settle(w);
    b = join(w, 1, "b");
    want(b, 2);
    for (int slot = 0; slot < 2; slot++)
        w->tell.joined(w->tell.context, slot, 0);
    settle(w);
    assert_true(w->runs[0] == b && w->runs[1] == b && w->runs[2] == c && w->runs[3] == c);
    return w;
}

static void free_slots_are_exchanged_for_those_that_one_can_use(void **state)
{
    struct world *w = choosy_world();
    struct guest *a = &w->guests[0], *b = &w->guests[1], *c = &w->guests[2];
    (void)state;
    ends(w, 2);
    ends(w, 3);
    rung_share_leave(c->tenant);
    *c = (struct guest){0};
    want(a, 2);
    settle(w);
    assert_true(w->runs[0] == a && w->runs[1] == a && w->runs[2] == b && w->runs[3] == b);
    world_free(w);
}

static void slots_move_on_through_who_can_use_all(void **state)
{
    struct world *w = choosy_world();
    struct guest *a = &w->guests[0], *b = &w->guests[1], *c = &w->guests[2];
    (void)state;
    want(a, 2); /* the oldest: two of four, and the others one each */
    settle(w);
    assert_true(w->runs[0] == a && w->runs[1] == a);
    assert_int_equal(running(b), 1);
    assert_int_equal(running(c), 1);
    world_free(w);
}

/* ---- who hears what ---- */

static void messages_go_to_who_has_the_slot_and_late_results_to_their_search(void **state)
{
    struct world *w = world_new(2, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b");
    struct rung_late late = {.identity = "b", .model = 1};
    struct rung_late_wanted wanted;
    (void)state;
    want(a, 1);
    want(b, 1);
    balance(w);
    while (rung_share_touched(w->share))
        ;
    int slot = b->has[0] ? 0 : 1;
    start_in(b, slot);
    ready(w, slot);
    assert_int_equal(b->messages, 1);
    assert_int_equal(a->messages, 0);
    assert_true(rung_share_touched(w->share) == b);
    assert_null(rung_share_touched(w->share));
    assert_true(w->tell.wanted(w->tell.context, &late, &wanted, 0));
    w->tell.late(w->tell.context, &late, NULL, 0, 0);
    assert_int_equal(b->late, 1);
    assert_true(rung_share_touched(w->share) == b);
    late.model = 2;
    assert_false(w->tell.wanted(w->tell.context, &late, &wanted, 0));
    late = (struct rung_late){.identity = "of another daemon", .model = 1};
    assert_false(w->tell.wanted(w->tell.context, &late, &wanted, 0));
    world_free(w);
}

static void a_start_that_fails_leaves_its_slot_empty(void **state)
{
    struct world *w = world_new(1, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b");
    struct rung_start never = {.metric = "never"};
    struct rung_err err;
    (void)state;
    want(b, 1);
    balance(w);
    assert_int_equal(b->executor->start(b->executor->self, 0, &never, &err), RUNG_EFAIL);
    want(a, 1);
    balance(w);
    assert_true(a->has[0]);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_alone_gets_what_it_wants_and_keeps_it),
        cmocka_unit_test(two_searches_get_half_each_and_one_all_when_the_other_ends),
        cmocka_unit_test(the_older_get_what_does_not_divide),
        cmocka_unit_test(what_one_does_not_need_goes_to_another_before_anybody_loses),
        cmocka_unit_test(a_short_dip_moves_nothing),
        cmocka_unit_test(slots_that_join_are_lent_at_once_and_leave_whoever_has_them),
        cmocka_unit_test(who_has_given_up_every_slot_is_told_and_others_go_on),
        cmocka_unit_test(free_slots_are_exchanged_for_those_that_one_can_use),
        cmocka_unit_test(slots_move_on_through_who_can_use_all),
        cmocka_unit_test(messages_go_to_who_has_the_slot_and_late_results_to_their_search),
        cmocka_unit_test(a_start_that_fails_leaves_its_slot_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
