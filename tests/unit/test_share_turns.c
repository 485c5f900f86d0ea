/* Slots that do not divide: whose turn it is, and for how long. */
#include "share_help.h"

/* Runs for so long, and adds up what each had. */
static void live(struct world *w, double until, double had[])
{
    while (w->now < until) {
        settle(w);
        double next = fmin(rung_share_wake_at(w->share), until);
        for (int i = 0; i < TENANTS; i++)
            had[i] += w->guests[i].tenant ? (double)running(&w->guests[i]) * (next - w->now) : 0;
        assert_true(next > w->now);
        w->now = next;
    }
}

static void what_does_not_divide_goes_round(void **state)
{
    (void)state;
    for (size_t slots = 1; slots <= SLOTS; slots++)
        for (size_t count = 2; count <= TENANTS; count++) {
            struct world *w = world_new(slots, 0);
            double had[TENANTS] = {0};
            for (size_t i = 0; i < count; i++)
                want(join(w, (int)i, "any"), 10);
            live(w, 1000, had);
            double fair = 1000 * (double)slots / (double)count;
            for (size_t i = 0; i < count; i++)
                if (fabs(had[i] - fair) > 2 * RUNG_SHARE_TURN)
                    fail_msg("%zu slots, %zu searches: %zu had %g s, not %g", slots, count, i, had[i], fair);
            world_free(w);
        }
}

/* As long as others want more, too; who comes back has saved nothing up, and who comes anew is served first.
 */
static void a_turn_is_lost_by_using_it_only(void **state)
{
    struct world *w = world_new(1, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b"), *c;
    double had[TENANTS] = {0};
    (void)state;
    want(a, 1);
    live(w, 1000, had); /* alone: that is not counted */
    want(b, 1);
    settle(w);
    assert_int_equal(running(b), 1);
    live(w, 1100, had);
    want(b, 0);
    live(w, 2000, had);
    want(b, 1);
    memset(had, 0, sizeof had);
    live(w, 2100, had);
    assert_true(fabs(had[0] - had[1]) <= 2 * RUNG_SHARE_TURN);
    c = join(w, 2, "c");
    want(c, 1);
    settle(w);
    live(w, 2100 + 2 * RUNG_SHARE_TURN + 0.2, had);
    assert_true(had[2] > 0);
    world_free(w);
}

/* None of those that come at once has more than a turn before the others have had one. */
static void all_that_come_have_a_turn_each(void **state)
{
    struct world *w = world_new(1, 0);
    double had[TENANTS] = {0};
    (void)state;
    for (int i = 0; i < TENANTS; i++) {
        want(join(w, i, "any"), 1);
        live(w, 0.2 * (i + 1), had);
    }
    live(w, TENANTS * (RUNG_SHARE_TURN + 0.3), had);
    for (int i = 0; i < TENANTS; i++)
        assert_true(had[i] > 0.8 * RUNG_SHARE_TURN && had[i] < 1.2 * RUNG_SHARE_TURN);
    world_free(w);
}

static void long_starts_make_long_turns(void **state)
{
    struct world *w = world_new(1, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b");
    (void)state;
    want(a, 1);
    balance(w);
    start_in(a, 0);
    w->now = 3;
    ready(w, 0);
    want(b, 1);
    settle(w);
    settle(w);
    assert_int_equal(running(b), 1); /* new, and quick */
    w->now += 2 * RUNG_SHARE_TURN + 1;
    balance(w);
    ends(w, 0);
    balance(w);
    start_in(a, 0);
    w->now += 3;
    ready(w, 0);
    double turn = w->now;
    while (b->recalled == 0 && a->recalled == 0 && w->now < turn + 100) {
        balance(w);
        w->now = fmax(w->now, rung_share_wake_at(w->share));
    }
    assert_true(a->recalled == 1);
    assert_true(w->now - turn >= 3 * RUNG_SHARE_STARTS - 3);
    world_free(w);
}

/* Three that hang at their start, and one that works. */
static void those_that_never_get_ready_have_half_at_most(void **state)
{
    struct world *w = world_new(2, 0);
    struct guest *works = join(w, 0, "works"), *hang[3];
    (void)state;
    want(works, 2);
    settle(w);
    for (int i = 0; i < 3; i++) {
        hang[i] = join(w, i + 1, "hangs");
        rung_tenant_want(hang[i]->tenant, 2, 0);
    }
    for (w->now = 0; w->now < 1000; w->now += 1) {
        balance(w);
        while (obey(works))
            balance(w);
        use(works);
        for (int i = 0; i < 3; i++)
            for (int slot = 0; slot < 2; slot++)
                if (hang[i]->has[slot] && !w->runs[slot])
                    start_in(hang[i], slot);
        assert_int_equal(running(works), 1);
        assert_int_equal(running(hang[0]), 1); /* it is not ended before it has shown what it is */
        assert_int_equal(hang[0]->recalled, 0);
    }
    world_free(w);
}

/* Each holds a slot as long as its start hangs; who is ready has half of the time all the same. */
static void those_that_never_get_ready_leave_half_of_one_slot(void **state)
{
    (void)state;
    for (size_t slots = 1; slots <= 3; slots += 2) {
        struct world *w = world_new(slots, 0);
        struct guest *works = join(w, 0, "works"), *hangs[3];
        double since[SLOTS], had = 0;
        want(works, 3);
        settle(w);
        for (int i = 0; i < 3; i++)
            want(hangs[i] = join(w, i + 1, "hangs"), 3);
        for (; !hangs[0]->hopeless || !hangs[1]->hopeless || !hangs[2]->hopeless; w->now += 0.5) {
            balance(w);
            while (obey(works))
                balance(w);
            use(works);
            had += 0.5 * (double)running(works);
            for (int i = 0; i < 3; i++) {
                struct guest *g = hangs[i];
                if (g->hopeless)
                    want(g, 0);
                for (int slot = 0; slot < SLOTS; slot++) {
                    if (g->wants > 0 && g->has[slot] && !w->runs[slot] && running(g) == 0) {
                        start_in(g, slot);
                        since[slot] = w->now;
                    }
                    if (w->runs[slot] == g && w->now - since[slot] >= 16)
                        ends(w, slot);
                }
            }
            assert_true(w->now < 3 * 3 * (2 * 16 + 4 * RUNG_SHARE_TURN));
        }
        /* Of three slots it has one at least, as each of four would. */
        assert_true(had > (slots == 1 ? 0.45 : 0.95) * w->now);
        assert_false(works->hopeless);
        world_free(w);
    }
}

/* Of several that are under way together one counts. */
static void three_starts_one_after_another_bar_a_machine(void **state)
{
    struct world *w = world_new(2, 0);
    struct guest *a = join(w, 0, "a");
    (void)state;
    want(a, 2);
    for (int round = 0; round < 3; round++) {
        w->now++;
        balance(w);
        assert_false(a->hopeless);
        start_in(a, 0);
        start_in(a, 1);
        w->now++;
        ends(w, 0);
        w->now++;
        ends(w, 1);
    }
    balance(w);
    assert_true(a->hopeless);
    world_free(w);
}

/* Ready at once the first time, and only after 20 s later on. */
static void a_start_that_is_ended_for_others_makes_turns_longer(void **state)
{
    struct world *w = world_new(1, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b");
    double began = 0;
    int killed = 0;
    (void)state;
    want(b, 1);
    settle(w);
    want(a, 1);
    for (bool again = false; w->now < 500; w->now += 0.5) {
        balance(w);
        if (w->runs[0] == a && a->recalled > 0)
            ends(w, 0);
        balance(w);
        use(a);
        if (b->has[0] && !w->runs[0]) {
            start_in(b, 0);
            began = w->now;
            again = true;
        }
        if (w->runs[0] == b && again && w->now - began == 20)
            ready(w, 0);
        if (w->runs[0] != b || b->recalled == 0)
            continue;
        if (again && w->now - began > 20)
            break; /* it has been ready, and had a turn */
        if (again) {
            killed++;
            b->executor->kill(b->executor->self, 0);
        }
        ends(w, 0);
    }
    assert_true(w->now < 500);
    assert_int_equal(killed, 1);
    world_free(w);
}

static void a_dip_shorter_than_a_start_moves_nothing(void **state)
{
    struct world *w = world_new(2, 0);
    struct guest *a = join(w, 0, "a"), *b = join(w, 1, "b");
    (void)state;
    want(a, 2);
    balance(w);
    start_in(a, 0);
    start_in(a, 1);
    w->now = 3;
    ready(w, 0);
    ready(w, 1);
    want(b, 1);
    settle(w);
    assert_int_equal(running(b), 1);
    want(b, 2);
    want(a, 0);
    for (w->now = 3; w->now < 5.9; w->now += 0.1) {
        settle(w);
        assert_int_equal(running(a), 1);
    }
    w->now = 6.1;
    settle(w);
    assert_int_equal(running(a), 0);
    assert_int_equal(running(b), 2);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_divide_goes_round),
        cmocka_unit_test(a_turn_is_lost_by_using_it_only),
        cmocka_unit_test(all_that_come_have_a_turn_each),
        cmocka_unit_test(long_starts_make_long_turns),
        cmocka_unit_test(those_that_never_get_ready_have_half_at_most),
        cmocka_unit_test(those_that_never_get_ready_leave_half_of_one_slot),
        cmocka_unit_test(three_starts_one_after_another_bar_a_machine),
        cmocka_unit_test(a_start_that_is_ended_for_others_makes_turns_longer),
        cmocka_unit_test(a_dip_shorter_than_a_start_moves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
