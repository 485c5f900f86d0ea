/* Slots of trainers: states, deadlines, back-off, giving up. */
#include "dispatch/pool.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rung_job job_of(uint32_t model, double at)
{
    return (struct rung_job){.number = 1, .model = model, .from = 0, .to = 3, .sent_at = at};
}

static void a_slot_goes_from_empty_to_idle_to_busy_and_back(void **state)
{
    (void)state;
    struct rung_pool *pool = rung_pool_create(2, 0);
    struct rung_job job = job_of(4, 11);
    assert_int_equal(rung_pool_startable(pool, 10), 0);
    rung_pool_started(pool, 0, 10, 60);
    assert_int_equal(rung_pool_startable(pool, 10), 1);
    rung_pool_ready(pool, 0);
    assert_int_equal(rung_pool_first(pool, RUNG_SLOT_IDLE), 0);
    rung_pool_assigned(pool, 0, &job, INFINITY);
    assert_int_equal(rung_pool_count(pool, RUNG_SLOT_BUSY), 1);
    rung_pool_finished(pool, 0, 13.5);
    assert_true(rung_pool_slot(pool, 0)->busy_seconds == 2.5);
    assert_int_equal(rung_pool_slot(pool, 0)->jobs, 1);
    rung_pool_leaving(pool, 0);
    rung_pool_gone(pool, 0);
    assert_int_equal(rung_pool_count(pool, RUNG_SLOT_EMPTY), 2);
    assert_int_equal(rung_pool_present(pool), 2);
    rung_pool_free(pool);
}

static void deadlines_expire_in_their_order_and_life_signs_move_them(void **state)
{
    (void)state;
    struct rung_pool *pool = rung_pool_create(2, 0);
    struct rung_job job = job_of(1, 0);
    for (int slot = 0; slot < 2; slot++) {
        rung_pool_started(pool, slot, 0, 60);
        rung_pool_ready(pool, slot);
        rung_pool_assigned(pool, slot, &job, slot ? 5 : 10);
    }
    assert_true(rung_pool_wake_at(pool, 0) == 5);
    assert_int_equal(rung_pool_expired(pool, 4.9), -1);
    assert_int_equal(rung_pool_expired(pool, 5), 1);
    rung_pool_heard(pool, 1, 6, 5);
    assert_int_equal(rung_pool_expired(pool, 10), 0);
    rung_pool_finished(pool, 0, 10);
    assert_true(rung_pool_wake_at(pool, 10) == 11);
    rung_pool_free(pool);
}

static void a_job_without_a_time_limit_never_expires(void **state)
{
    (void)state;
    struct rung_pool *pool = rung_pool_create(1, 0);
    struct rung_job job = job_of(1, 0);
    rung_pool_started(pool, 0, 0, 60);
    rung_pool_ready(pool, 0);
    rung_pool_assigned(pool, 0, &job, INFINITY);
    assert_int_equal(rung_pool_expired(pool, 1e12), -1);
    assert_true(isinf(rung_pool_wake_at(pool, 0)));
    rung_pool_free(pool);
}

static void failed_starts_wait_longer_each_time_and_three_in_a_row_give_the_slot_up(void **state)
{
    (void)state;
    struct rung_pool *pool = rung_pool_create(1, 0);
    rung_pool_started(pool, 0, 0, 60);
    assert_false(rung_pool_start_failed(pool, 0, 0));
    assert_int_equal(rung_pool_startable(pool, 0.05), -1);
    assert_true(rung_pool_wake_at(pool, 0) == 0.1);
    assert_int_equal(rung_pool_startable(pool, 0.1), 0);
    rung_pool_started(pool, 0, 0.1, 60);
    assert_false(rung_pool_start_failed(pool, 0, 1));
    assert_true(rung_pool_wake_at(pool, 1) == 1.2);
    rung_pool_started(pool, 0, 2, 60);
    assert_true(rung_pool_start_failed(pool, 0, 3));
    assert_int_equal(rung_pool_present(pool), 0);
    assert_int_equal(rung_pool_startable(pool, 100), -1);
    rung_pool_free(pool);
}

static void a_start_that_comes_to_a_job_forgets_the_failed_ones(void **state)
{
    (void)state;
    const struct rung_job job = {.number = 1};
    struct rung_pool *pool = rung_pool_create(1, 0);
    for (int round = 0; round < 10; round++) {
        double now = round * 10;
        rung_pool_started(pool, 0, now, 60);
        assert_false(rung_pool_start_failed(pool, 0, now));
        rung_pool_started(pool, 0, now + 1, 60);
        rung_pool_ready(pool, 0);
        rung_pool_assigned(pool, 0, &job, 60);
        rung_pool_gone(pool, 0);
    }
    rung_pool_free(pool);
}

static void walking_a_state_sees_every_slot_in_it(void **state)
{
    (void)state;
    struct rung_pool *pool = rung_pool_create(5, 0);
    unsigned seen = 0;
    for (int slot = 0; slot < 5; slot++) {
        rung_pool_started(pool, slot, 0, 60);
        if (slot != 2)
            rung_pool_ready(pool, slot);
    }
    for (int slot = rung_pool_first(pool, RUNG_SLOT_IDLE); slot >= 0; slot = rung_pool_next(pool, slot))
        seen |= 1u << slot;
    assert_int_equal(seen, 0x1b);
    assert_int_equal(rung_pool_count(pool, RUNG_SLOT_STARTING), 1);
    rung_pool_free(pool);
}

static void slots_come_and_go(void **state)
{
    (void)state;
    struct rung_pool *pool = rung_pool_create(3, 2);

    assert_int_equal(rung_pool_present(pool), 1);
    assert_int_equal(rung_pool_startable(pool, 0), 0);
    rung_pool_joined(pool, 2);
    assert_int_equal(rung_pool_present(pool), 2);
    rung_pool_started(pool, 0, 0, INFINITY);
    assert_int_equal(rung_pool_startable(pool, 0), 2);
    for (int i = 0; i < RUNG_POOL_START_FAILURES; i++)
        rung_pool_start_failed(pool, 2, 0);
    assert_int_equal(rung_pool_slot(pool, 2)->state, RUNG_SLOT_GIVEN_UP);
    rung_pool_left(pool, 2);
    assert_int_equal(rung_pool_slot(pool, 2)->state, RUNG_SLOT_ABSENT);
    rung_pool_joined(pool, 2); /* another machine: what failed on the one before does not count */
    assert_int_equal(rung_pool_startable(pool, 0), 2);
    rung_pool_free(pool);
}

static void of_many_slots_those_that_are_there_are_started_in_their_order(void **state)
{
    (void)state;
    struct rung_pool *pool = rung_pool_create(20000, 19998);
    const int joined[] = {15000, 40, 19999};

    for (size_t i = 0; i < 3; i++)
        rung_pool_joined(pool, joined[i]);
    assert_int_equal(rung_pool_present(pool), 5);
    assert_int_equal(rung_pool_count(pool, RUNG_SLOT_ABSENT), 19995);
    rung_pool_started(pool, 0, 0, INFINITY);
    assert_false(rung_pool_start_failed(pool, 0, 0)); /* until 0.1 */
    rung_pool_started(pool, 40, 0, INFINITY);
    assert_false(rung_pool_start_failed(pool, 40, 0.02)); /* until 0.12 */
    rung_pool_left(pool, 1);
    assert_int_equal(rung_pool_startable(pool, 0.05), 15000);
    assert_true(rung_pool_wake_at(pool, 0.05) == 0.1);
    assert_int_equal(rung_pool_startable(pool, 0.11), 0);
    assert_true(rung_pool_wake_at(pool, 0.11) == 0.02 + 0.1);
    rung_pool_left(pool, 40);
    assert_true(isinf(rung_pool_wake_at(pool, 0.11)));
    const int order[] = {0, 15000, 19999, -1};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rung_pool_startable(pool, 1), order[i]);
        if (order[i] >= 0)
            rung_pool_started(pool, order[i], 1, INFINITY);
    }
    rung_pool_free(pool);
}

static void the_next_job_begins_when_the_one_before_it_is_over(void **state)
{
    (void)state;
    struct rung_pool *pool = rung_pool_create(1, 0);
    struct rung_job first = job_of(1, 10), next = job_of(2, 10), third = job_of(3, 10);
    rung_pool_started(pool, 0, 0, 60);
    rung_pool_ready(pool, 0);
    assert_true(isinf(rung_pool_slot(pool, 0)->last_seconds));
    rung_pool_assigned(pool, 0, &first, 5);
    rung_pool_assigned_next(pool, 0, &next, 7);
    rung_pool_assigned_next(pool, 0, &first, 7);
    rung_pool_assigned_next(pool, 0, &third, 7);
    assert_int_equal(rung_pool_take_next(pool, 0, 1).model, 1);
    assert_int_equal(rung_pool_slot(pool, 0)->next_count, 2);
    assert_int_equal(rung_pool_slot(pool, 0)->job.model, 1);
    assert_int_equal(rung_pool_expired(pool, 15), 0); /* the first one */
    rung_pool_finished(pool, 0, 14);
    assert_int_equal(rung_pool_slot(pool, 0)->state, RUNG_SLOT_BUSY);
    assert_int_equal(rung_pool_slot(pool, 0)->job.model, 2);
    assert_true(rung_pool_slot(pool, 0)->last_seconds == 4);
    assert_int_equal(rung_pool_expired(pool, 20.9), -1);
    assert_int_equal(rung_pool_expired(pool, 21), 0);
    assert_int_equal(rung_pool_take_next(pool, 0, 0).model, 3);
    rung_pool_finished(pool, 0, 16);
    assert_int_equal(rung_pool_slot(pool, 0)->state, RUNG_SLOT_IDLE);
    assert_true(rung_pool_slot(pool, 0)->busy_seconds == 6);
    assert_int_equal(rung_pool_slot(pool, 0)->jobs, 2);
    rung_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_goes_from_empty_to_idle_to_busy_and_back),
        cmocka_unit_test(deadlines_expire_in_their_order_and_life_signs_move_them),
        cmocka_unit_test(a_job_without_a_time_limit_never_expires),
        cmocka_unit_test(failed_starts_wait_longer_each_time_and_three_in_a_row_give_the_slot_up),
        cmocka_unit_test(a_start_that_comes_to_a_job_forgets_the_failed_ones),
        cmocka_unit_test(walking_a_state_sees_every_slot_in_it),
        cmocka_unit_test(the_next_job_begins_when_the_one_before_it_is_over),
        cmocka_unit_test(slots_come_and_go),
        cmocka_unit_test(of_many_slots_those_that_are_there_are_started_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
