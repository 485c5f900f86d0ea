/* The table of workers that were asked for. */
#include "dispatch/members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct rung_slurm_task task_of(int64_t job, int64_t index)
{
    return (struct rung_slurm_task){job, index};
}

static void add(struct rung_members *members, int64_t job, int64_t index, double now)
{
    struct rung_slurm_task task = task_of(job, index);
    rung_members_add(members, &task, now);
}

static struct rung_member *find(const struct rung_members *members, int64_t job, int64_t index)
{
    struct rung_slurm_task task = task_of(job, index);
    return rung_members_find(members, &task);
}

static void members_are_found_whatever_the_order_they_came_in(void **state)
{
    (void)state;
    struct rung_members members = {0};
    for (int64_t i = 0; i < 500; i++)
        add(&members, 10 + i * 7 % 10, i * 3 % 50, (double)i);
    assert_int_equal(members.count, 50); /* i mod 10 and i mod 50 go together */
    for (size_t i = 1; i < members.count; i++) {
        const struct rung_slurm_task *a = &members.list[i - 1].task, *b = &members.list[i].task;
        assert_true(a->job < b->job || (a->job == b->job && a->index < b->index));
    }
    for (int64_t i = 0; i < 50; i++) {
        const struct rung_member *member = find(&members, 10 + i * 7 % 10, i * 3 % 50);
        assert_non_null(member);
        assert_true(member->since == (double)i); /* the first time counts */
        assert_int_equal(member->state, RUNG_MEMBER_COMING);
    }
    assert_null(find(&members, 10, 1));
    assert_null(find(&members, 9, 0));
    assert_null(find(&members, 20, 0));
    rung_members_free(&members);
    assert_null(find(&members, 10, 0));
}

static void members_are_counted_by_state_and_removed(void **state)
{
    (void)state;
    struct rung_members members = {0};
    for (int64_t i = 0; i < 6; i++)
        add(&members, 1, i, 0);
    find(&members, 1, 2)->state = RUNG_MEMBER_HERE;
    find(&members, 1, 4)->state = RUNG_MEMBER_LEAVING;
    assert_int_equal(rung_members_count(&members, RUNG_MEMBER_COMING), 4);
    rung_members_remove(&members, 0);
    rung_members_remove(&members, 4);
    assert_null(find(&members, 1, 0));
    assert_null(find(&members, 1, 5));
    assert_int_equal(rung_members_count(&members, RUNG_MEMBER_COMING), 2);
    assert_int_equal(find(&members, 1, 2)->state, RUNG_MEMBER_HERE);
    assert_int_equal(find(&members, 1, 4)->state, RUNG_MEMBER_LEAVING);
    rung_members_free(&members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_whatever_the_order_they_came_in),
        cmocka_unit_test(members_are_counted_by_state_and_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
