/* What the engine does where its slots are shared with other searches: it waits for the first, gives back
 * what is asked for, and keeps to what it is told of its end. */
#include "engine_help.h"

static void joins(struct rig *rig, int slot)
{
    rig->tell.joined(rig->tell.context, slot, rig->now);
}

static void is_left(struct rig *rig, int slot)
{
    rig->tell.left(rig->tell.context, slot, rig->now);
}

#define MODELS(count) "\"algorithm\":\"random\",\"models\":" #count ",\"max_iter\":1"

/* ---- waiting ---- */

static void it_is_queued_and_its_time_stands_still_until_a_trainer_is_ready(void **state)
{
    struct rig *rig = rig_make(SPEC(MODELS(2), "\"time\":50"), SLOTS, true);
    struct rung_session_view view;
    (void)state;
    assert_says(rig, "SELECT status FROM searches", "queued");
    assert_int_equal(rung_engine_demand(rig->engine), 2);
    assert_true(isinf(rung_engine_wake_at(rig->engine, 0)));
    rig->now = 1000;
    joins(rig, 1);
    pass(rig);
    assert_int_equal(rig->slots[1].starts, 1);
    assert_says(rig, "SELECT status FROM searches", "queued");
    ready(rig, 1);
    pass(rig);
    assert_says(rig, "SELECT status FROM searches", "running");
    assert_true(rung_engine_wake_at(rig->engine, 1000) == 1050);
    rig->now = 1020;
    answer(rig, 1, 0.5, 10);
    pass(rig);
    assert_says(rig, "SELECT elapsed_wall_time FROM history", "20.0");
    rung_engine_view(rig->engine, 1020, &view);
    assert_true(view.elapsed == 20);
    rig_close(rig);
}

static void a_test_score_waits_for_a_slot(void **state)
{
    struct rig *rig = rig_make(SPEC(MODELS(1), ""), SLOTS, true);
    (void)state;
    joins(rig, 0);
    pass(rig);
    all_ready(rig);
    answer(rig, 0, 0.5, 10);
    goes(rig, 0, (struct rung_exit){.signaled = true, .number = 9});
    is_left(rig, 0);
    pass(rig);
    assert_false(over(rig));
    assert_int_equal(rung_engine_demand(rig->engine), 1);
    joins(rig, 3);
    pass(rig);
    all_ready(rig);
    assert_true(rig->slots[3].evaluating);
    rig_close(rig);
}

/* ---- giving up ---- */

static void fail_to_start(struct rig *rig, int slot)
{
    for (int i = 0; i < 3; i++) {
        assert_true(rig->slots[slot].alive);
        goes(rig, slot, (struct rung_exit){.number = 1});
        rig->now += 10;
        pass(rig);
    }
}

static void it_tells_what_it_gives_up_and_fails_when_it_is_told_so(void **state)
{
    struct rig *rig = rig_make(SPEC(MODELS(3), ""), SLOTS, true);
    (void)state;
    joins(rig, 2);
    pass(rig);
    fail_to_start(rig, 2);
    assert_true(rig->given_up[2]);
    is_left(rig, 2);
    pass(rig);
    assert_false(over(rig));
    rung_engine_abandon(rig->engine, rig->now);
    pass(rig);
    assert_true(over(rig));
    must(rung_engine_close(rig->engine, rig->now, &err));
    assert_true(over(rig));
    assert_int_equal(rig->result.end, RUNG_END_FAILED);
    assert_non_null(strstr(rig->result.reason, "no trainer could be started: trainer 2: "));
    assert_says(rig, "SELECT status FROM searches", "failed");
    rig_close(rig);
}

static void where_no_trainer_starts_the_test_score_is_not_waited_for(void **state)
{
    struct rig *rig = rig_make(SPEC(MODELS(1), ""), SLOTS, true);
    (void)state;
    joins(rig, 0);
    pass(rig);
    all_ready(rig);
    answer(rig, 0, 0.5, 10);
    goes(rig, 0, (struct rung_exit){.signaled = true, .number = 9});
    is_left(rig, 0);
    pass(rig);
    rung_engine_abandon(rig->engine, rig->now);
    pass(rig);
    assert_true(over(rig));
    must(rung_engine_close(rig->engine, rig->now, &err));
    assert_says(rig, "SELECT status FROM searches", "finished");
    rig_close(rig);
}

/* ---- slots that are wanted back ---- */

static struct rig *four_trainers(const char *spec)
{
    struct rig *rig = rig_make(spec, SLOTS, true);
    for (int slot = 0; slot < SLOTS; slot++)
        joins(rig, slot);
    pass(rig);
    all_ready(rig);
    return rig;
}

static size_t leaving(const struct rig *rig)
{
    size_t count = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        count += rig->slots[slot].stopped || rig->slots[slot].killed;
    return count;
}

static void busy_trainers_leave_after_their_job_and_only_from_slots_that_are_wanted(void **state)
{
    struct rig *rig = four_trainers(SPEC(MODELS(20), ""));
    (void)state;
    assert_int_equal(busy(rig), 4);
    rig->wanted[1] = rig->wanted[2] = rig->wanted[3] = true;
    rung_engine_recall(rig->engine, 2);
    pass(rig);
    assert_int_equal(leaving(rig), 0);
    answer(rig, 0, 0.5, 10);
    pass(rig);
    assert_int_equal(leaving(rig), 0);
    assert_int_equal(busy(rig), 4);
    answer(rig, 2, 0.5, 10);
    answer(rig, 3, 0.5, 10);
    answer(rig, 1, 0.5, 10);
    pass(rig);
    assert_int_equal(leaving(rig), 2);
    assert_int_equal(busy(rig), 2);
    for (int slot = 0; slot < SLOTS; slot++)
        if (rig->slots[slot].stopped) {
            assert_false(rig->slots[slot].killed);
            goes(rig, slot, (struct rung_exit){0});
            is_left(rig, slot);
        }
    rung_engine_recall(rig->engine, 0);
    pass(rig);
    assert_int_equal(leaving(rig), 2);
    assert_int_equal(busy(rig), 2);
    assert_says(rig, "SELECT count(*) || ' ' || min(reason) FROM trainers WHERE left_at IS NOT NULL",
                "2 stopped");
    rig_close(rig);
}

static void idle_trainers_leave_at_once_and_starting_ones_before_busy_ones(void **state)
{
    struct rig *rig = four_trainers(SPEC(MODELS(4), ""));
    (void)state;
    for (int slot = 0; slot < SLOTS; slot++)
        rig->wanted[slot] = true;
    answer(rig, 0, 0.5, 10);
    rung_engine_recall(rig->engine, 1);
    pass(rig);
    assert_true(rig->slots[0].stopped);
    assert_int_equal(leaving(rig), 1);
    goes(rig, 3, (struct rung_exit){.signaled = true, .number = 9}); /* its job is ready again */
    pass(rig);
    assert_int_equal(rig->slots[3].starts, 2);
    rung_engine_recall(rig->engine, 2);
    pass(rig);
    assert_true(rig->slots[3].killed);
    assert_int_equal(leaving(rig), 2);
    goes(rig, 3, (struct rung_exit){.signaled = true, .number = 9, .by_us = true});
    assert_says(rig, "SELECT count(*) FROM failures WHERE kind = 'start'", "0");
    rig_close(rig);
}

/* ---- a process that ends ---- */

static void ends_by_interrupt(bool parked, const char *status)
{
    struct rig *rig = rig_make(SPEC(MODELS(4), ""), SLOTS, true);
    joins(rig, 0);
    pass(rig);
    all_ready(rig);
    rung_engine_park(rig->engine, true);
    rung_engine_park(rig->engine, parked);
    rung_engine_interrupt(rig->engine, 0);
    pass(rig);
    answer(rig, 0, 0.5, 10);
    pass(rig);
    goes(rig, 0, (struct rung_exit){0});
    pass(rig);
    assert_true(over(rig));
    must(rung_engine_close(rig->engine, rig->now, &err));
    assert_int_equal(rig->result.end, RUNG_END_INTERRUPTED);
    assert_int_equal(rung_engine_parked(rig->engine), parked);
    assert_says(rig, "SELECT status FROM searches", status);
    assert_says(rig, "SELECT coalesce(reason, '-') FROM searches", parked ? "-" : "interrupted");
    rig_close(rig);
}

static void a_parked_search_is_queued(void **state)
{
    (void)state;
    ends_by_interrupt(true, "queued");
}

static void a_stopped_search_is_interrupted(void **state)
{
    (void)state;
    ends_by_interrupt(false, "interrupted");
}

static void a_parked_search_that_is_done_is_finished(void **state)
{
    struct rig *rig = rig_make(SPEC(MODELS(1), ""), SLOTS, true);
    (void)state;
    joins(rig, 0);
    pass(rig);
    all_ready(rig);
    rung_engine_park(rig->engine, true);
    rung_engine_interrupt(rig->engine, 0);
    answer(rig, 0, 0.5, 10);
    pass(rig);
    goes(rig, 0, (struct rung_exit){0});
    pass(rig);
    assert_true(over(rig));
    must(rung_engine_close(rig->engine, rig->now, &err));
    assert_false(rung_engine_parked(rig->engine));
    assert_says(rig, "SELECT status FROM searches", "finished");
    rig_close(rig);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_queued_and_its_time_stands_still_until_a_trainer_is_ready),
        TEST(a_test_score_waits_for_a_slot),
        TEST(it_tells_what_it_gives_up_and_fails_when_it_is_told_so),
        TEST(where_no_trainer_starts_the_test_score_is_not_waited_for),
        TEST(busy_trainers_leave_after_their_job_and_only_from_slots_that_are_wanted),
        TEST(idle_trainers_leave_at_once_and_starting_ones_before_busy_ones),
        TEST(a_parked_search_is_queued),
        TEST(a_stopped_search_is_interrupted),
        TEST(a_parked_search_that_is_done_is_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
