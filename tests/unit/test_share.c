/* Who gets which slot, among tenants that want so and so many and use what they have. */
#include "share_help.h"

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
    for (int i = 0; i < 2; i++) {
        balance(w);
        assert_int_equal(a->recalled, 1);
        assert_int_equal(held(b), 0);
    }
    ends(w, 2);
    balance(w);
    assert_int_equal(a->recalled, 0); /* it has to show first that its trainer can be ready */
    assert_true(b->has[2]);
    use(b);
    balance(w);
    assert_int_equal(a->recalled, 1);
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

/* Machine by machine: no other trainer is tried where one could not start, and none ever could. */
static void who_has_given_up_every_slot_is_told_and_others_go_on(void **state)
{
    struct world *w = world_new(6, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b");
    (void)state;
    want(b, 6);
    settle(w);
    want(a, 6);
    for (int tries = 0; tries < 3; tries++) {
        balance(w);
        while (!held(a) && obey(b))
            balance(w);
        assert_int_equal(held(a), 1);
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
    assert_int_equal(running(b), 6);
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

/* Alone it tries all of them at once; those of a machine where one was given up are taken from it as they
 * end. */
static void a_machine_where_nothing_starts_is_left(void **state)
{
    struct world *w = world_new(4, 0);
    struct guest *a = join(w, 0, "a");
    (void)state;
    want(a, 9);
    balance(w);
    assert_int_equal(held(a), 4);
    start_in(a, 1);
    start_in(a, 2);
    give_up(a, 0);
    balance(w);
    assert_false(a->has[0]);
    assert_true(a->has[1] && a->has[2] && a->has[3]); /* 1 is of the same machine */
    ends(w, 1);
    balance(w);
    assert_false(a->has[1]);
    ready(w, 2);
    ends(w, 2);
    give_up(a, 2); /* one has been ready: only this slot is given up */
    balance(w);
    assert_int_equal(held(a), 1);
    assert_true(a->has[3]);
    assert_false(a->hopeless);
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
    assert_true(a->has[0]); /* b may try again when its turn comes */
    want(a, 0);
    w->now = 100;
    balance(w);
    for (int tries = 0; tries < 2; tries++) {
        w->now++;
        balance(w);
        assert_true(b->has[0]);
        assert_false(b->hopeless);
        assert_int_equal(b->executor->start(b->executor->self, 0, &never, &err), RUNG_EFAIL);
        balance(w);
    }
    assert_true(b->hopeless);
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
        cmocka_unit_test(a_machine_where_nothing_starts_is_left),
        cmocka_unit_test(free_slots_are_exchanged_for_those_that_one_can_use),
        cmocka_unit_test(slots_move_on_through_who_can_use_all),
        cmocka_unit_test(messages_go_to_who_has_the_slot_and_late_results_to_their_search),
        cmocka_unit_test(a_start_that_fails_leaves_its_slot_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
