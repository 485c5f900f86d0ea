/* Trainers that come and go: how many there are, and have been lately. */
#include "cli/presence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void hear(struct rung_presence *presence, int64_t trainer, const char *status, double at)
{
    struct rung_note note = {.type = RUNG_NOTE_TRAINER, .trainer = trainer, .status = status, .at = at};
    rung_presence_hear(presence, &note);
}

static bool near(double found, double expected)
{
    return fabs(found - expected) < 1e-9;
}

static void those_of_other_machines_are_counted(void **state)
{
    struct rung_presence presence;
    (void)state;
    rung_presence_init(&presence, 2);
    hear(&presence, 0, "ready", 10);
    assert_int_equal(rung_presence_remote(&presence), 0);
    hear(&presence, 2, "ready", 10);
    hear(&presence, 700, "ready", 11);
    hear(&presence, 700, "ready", 11);
    assert_int_equal(rung_presence_remote(&presence), 2);
    hear(&presence, 5, "gone", 12); /* it never was ready */
    hear(&presence, 2, "given up", 12);
    assert_int_equal(rung_presence_remote(&presence), 1);
    rung_presence_free(&presence);
}

static void the_mean_is_of_all_at_first(void **state)
{
    struct rung_presence presence;
    (void)state;
    rung_presence_init(&presence, 0);
    assert_true(isnan(rung_presence_mean(&presence, 5)));
    hear(&presence, 0, "ready", 100);
    assert_true(near(rung_presence_mean(&presence, 100), 1));
    assert_true(near(rung_presence_mean(&presence, 104), 1));
    hear(&presence, 0, "gone", 104);
    assert_true(near(rung_presence_mean(&presence, 108), 0.5));
    hear(&presence, 1, "ready", 112);
    assert_true(near(rung_presence_mean(&presence, 112), 1. / 3));
    hear(&presence, 2, "ready", 112);
    assert_true(near(rung_presence_mean(&presence, 116), 0.75));
    rung_presence_free(&presence);
}

/* One of three turns, for an hour; then all of them. */
static void what_was_long_ago_fades(void **state)
{
    struct rung_presence presence;
    (void)state;
    rung_presence_init(&presence, 0);
    for (double at = 0; at < 3600; at += 15) {
        hear(&presence, 3, "ready", at);
        hear(&presence, 3, "gone", at + 5);
    }
    double share = rung_presence_mean(&presence, 3600);
    assert_true(share > 0.25 && share < 0.42);
    hear(&presence, 3, "ready", 3600);
    assert_true(near(rung_presence_mean(&presence, 3600), share));
    assert_true(rung_presence_mean(&presence, 3600 + 4 * RUNG_PRESENCE_LATELY) > 0.98);
    rung_presence_free(&presence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_other_machines_are_counted),
        cmocka_unit_test(the_mean_is_of_all_at_first),
        cmocka_unit_test(what_was_long_ago_fades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
