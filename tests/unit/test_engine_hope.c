/*
 * What the engine makes of it that no trainer can be started, where workers may come.
 */
#include "engine_help.h"

#include "dispatch/engine_private.h"

/* A search whose trainers are ready within 10 s, and who else might come. */
static struct rig *listening(struct rung_watcher *watcher)
{
    static const struct rung_session_listen listen = {.beat = 1};
    struct rig *rig = rig_open(
        SPEC("\"algorithm\":\"random\",\"models\":3,\"max_iter\":1", "\"retries\":0,\"start_timeout\":10"),
        2);
    rig->engine->options.listen = &listen;
    rig->engine->options.watchers = watcher;
    rig->engine->options.watcher_count = 1;
    return rig;
}

static void hear_warning(void *context, const struct rung_note *note)
{
    if (note->type == RUNG_NOTE_WARNING)
        (*(int *)context)++;
}

/* Slot fails to start three times, at the present moment but for the pauses. */
static void fails_to_start(struct rig *rig, int slot)
{
    for (int times = 0; times < 3; times++) {
        assert_true(rig->slots[slot].alive);
        goes(rig, slot, (struct rung_exit){.number = 1});
        rig->now += 1;
        pass(rig);
    }
    assert_false(rig->slots[slot].alive);
}

/* Slot 1 is that of a worker. */
static void worker_leaves(struct rig *rig)
{
    if (rig->slots[1].alive)
        goes(rig, 1, (struct rung_exit){.worker_gone = true});
    rig->tell.left(rig->tell.context, 1, rig->now);
    pass(rig);
}

static void worker_joins(struct rig *rig)
{
    rig->tell.joined(rig->tell.context, 1, rig->now);
    pass(rig);
}

static void assert_failed(struct rig *rig)
{
    pass(rig);
    assert_true(over(rig));
    assert_int_equal(rig->result.end, RUNG_END_FAILED);
    assert_string_equal(
        rig->result.reason,
        "no trainer could be started: trainer 1: it ended with exit status 1 before it was ready");
    rig_close(rig);
}

static void no_worker_at_all_is_waited_for(void **state)
{
    (void)state;
    int said = 0;
    struct rung_watcher watcher = {.context = &said, .note = hear_warning};
    struct rig *rig = listening(&watcher);
    worker_leaves(rig);
    goes(rig, 0, (struct rung_exit){.worker_gone = true});
    rig->tell.left(rig->tell.context, 0, rig->now);
    pass(rig);
    rig->now += 1000;
    pass(rig);
    assert_false(over(rig));
    assert_true(rung_engine_wake_at(rig->engine, rig->now) == INFINITY);
    assert_int_equal(said, 0);
    rig_close(rig);
}

static void another_worker_is_waited_for_as_long_as_a_trainer(void **state)
{
    (void)state;
    int said = 0;
    struct rung_watcher watcher = {.context = &said, .note = hear_warning};
    struct rig *rig = listening(&watcher);
    fails_to_start(rig, 0);
    assert_int_equal(said, 0);
    fails_to_start(rig, 1);
    assert_int_equal(said, 1);
    double until = rung_engine_wake_at(rig->engine, rig->now);
    assert_true(until == rig->now + 10);
    rig->now = until - 0.5;
    pass(rig);
    assert_false(over(rig));
    rig->now = until;
    assert_failed(rig);
    assert_int_equal(said, 1);
}

/* As a cluster does, which replaces workers that are of no use. */
static void workers_that_are_of_no_use_either_gain_no_time(void **state)
{
    (void)state;
    int said = 0;
    struct rung_watcher watcher = {.context = &said, .note = hear_warning};
    struct rig *rig = listening(&watcher);
    fails_to_start(rig, 0);
    fails_to_start(rig, 1);
    double until = rung_engine_wake_at(rig->engine, rig->now);
    worker_leaves(rig);
    rig->now = until - 1;
    worker_joins(rig);
    fails_to_start(rig, 1); /* its chance goes on when the time is over */
    assert_true(rig->now > until);
    assert_int_equal(said, 1);
    assert_failed(rig);
}

static void a_worker_that_joins_in_time_goes_on(void **state)
{
    (void)state;
    int said = 0;
    struct rung_watcher watcher = {.context = &said, .note = hear_warning};
    struct rig *rig = listening(&watcher);
    fails_to_start(rig, 0);
    fails_to_start(rig, 1);
    double until = rung_engine_wake_at(rig->engine, rig->now);
    worker_leaves(rig);
    worker_joins(rig);
    all_ready(rig);
    rig->now = until + 1;
    pass(rig);
    worker_leaves(rig); /* it was some use: another one is waited for anew */
    assert_false(over(rig));
    assert_int_equal(said, 2);
    assert_true(rung_engine_wake_at(rig->engine, rig->now) == rig->now + 10);
    worker_joins(rig);
    all_ready(rig);
    answer(rig, 1, 0.5, 10);
    pass(rig);
    worker_leaves(rig);
    assert_int_equal(said, 3);
    rig_close(rig);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_worker_at_all_is_waited_for),
        TEST(another_worker_is_waited_for_as_long_as_a_trainer),
        TEST(workers_that_are_of_no_use_either_gain_no_time),
        TEST(a_worker_that_joins_in_time_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
