/* How many workers a cluster is asked for, and when they are given back. */
#include "dispatch/hiring.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rung_hiring hiring_of(size_t most, size_t trainers)
{
    struct rung_hiring hiring;
    rung_hiring_init(&hiring, most, trainers, 2);
    return hiring;
}

static struct rung_hiring_orders decide(struct rung_hiring *hiring, double now,
                                        struct rung_hiring_facts facts)
{
    return rung_hiring_decide(hiring, &facts, now);
}

#define DECIDE(now, ...)    decide(&hiring, now, (struct rung_hiring_facts){__VA_ARGS__})
#define ORDERS(a, c, d, of) assert_orders((struct rung_hiring_orders){a, c, d, false}, of)

static void assert_orders(struct rung_hiring_orders wanted, struct rung_hiring_orders found)
{
    assert_int_equal(wanted.ask, found.ask);
    assert_int_equal(wanted.cancel, found.cancel);
    assert_int_equal(wanted.dismiss, found.dismiss);
    assert_int_equal(wanted.useless, found.useless);
}

static void asks_for_as_many_as_have_jobs_and_no_more_than_allowed(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(8, 1);
    ORDERS(0, 0, 0, DECIDE(1, .demand = 0));
    ORDERS(3, 0, 0, DECIDE(1, .demand = 3));
    ORDERS(8, 0, 0, DECIDE(1, .demand = 81));
    ORDERS(5, 0, 0, DECIDE(1, .demand = 81, .here = 1, .coming = 2));
    ORDERS(0, 0, 0, DECIDE(1, .demand = 81, .here = 3, .coming = 5));
}

static void those_who_are_there_anyway_come_first(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(8, 1);
    ORDERS(0, 0, 0, DECIDE(1, .demand = 3, .others = 3));
    ORDERS(0, 0, 0, DECIDE(1, .demand = 3, .others = 4));
    ORDERS(2, 0, 0, DECIDE(1, .demand = 5, .others = 3));
}

static void a_worker_of_several_trainers_counts_as_so_many(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(8, 4);
    ORDERS(1, 0, 0, DECIDE(1, .demand = 1));
    ORDERS(1, 0, 0, DECIDE(1, .demand = 4));
    ORDERS(2, 0, 0, DECIDE(1, .demand = 5));
    ORDERS(1, 0, 0, DECIDE(1, .demand = 5, .others = 1));
    ORDERS(8, 0, 0, DECIDE(1, .demand = (size_t)-1));
}

static void a_short_lull_costs_no_worker(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(4, 1);
    double since[] = {10, 10.5, 11};
    ORDERS(0, 0, 0, DECIDE(11.9, .demand = 1, .here = 4, .idle_since = since, .idle = 3));
    ORDERS(0, 0, 1, DECIDE(12.2, .demand = 1, .here = 4, .idle_since = since, .idle = 3));
    ORDERS(0, 0, 3, DECIDE(13.0, .demand = 1, .here = 4, .idle_since = since, .idle = 3));
}

static void who_gets_no_job_for_long_although_there_are_some_is_replaced(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(4, 1);
    double since[] = {100, 110}, at = 100 + RUNG_HIRING_USELESS;
    ORDERS(0, 0, 0, DECIDE(at - 0.1, .demand = 9, .here = 4, .idle_since = since, .idle = 2));
    ORDERS(0, 0, 1, DECIDE(at, .demand = 9, .here = 4, .idle_since = since, .idle = 2));
    ORDERS(0, 0, 0, DECIDE(at, .demand = 9, .here = 3, .idle_since = since + 1, .idle = 1));
    ORDERS(1, 0, 0,
           DECIDE(at + RUNG_HIRING_WAIT_FIRST, .demand = 9, .here = 3, .idle_since = since + 1, .idle = 1));
}

static void workers_without_use_are_asked_for_less_and_less_often(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(1, 1);
    double now = 0;
    for (unsigned i = 1; i < 10; i++) {
        double since = now;
        now += RUNG_HIRING_USELESS;
        struct rung_hiring_orders orders =
            DECIDE(now, .demand = 9, .here = 1, .idle_since = &since, .idle = 1);
        assert_int_equal(orders.dismiss, 1);
        assert_int_equal(orders.useless, i == RUNG_HIRING_TROUBLE);
        double wait = fmin(RUNG_HIRING_WAIT_FIRST * exp2(i - 1.0), RUNG_HIRING_WAIT_MOST);
        ORDERS(0, 0, 0, DECIDE(now + wait - 0.01, .demand = 9));
        now += wait;
        ORDERS(1, 0, 0, DECIDE(now, .demand = 9));
    }
}

static void only_surplus_workers_are_given_back(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(4, 1);
    double since[] = {0, 0, 0};
    ORDERS(0, 0, 0, DECIDE(20, .demand = 4, .here = 4, .idle_since = since, .idle = 3));
    ORDERS(0, 0, 2, DECIDE(20, .demand = 2, .here = 4, .idle_since = since, .idle = 3));
    ORDERS(0, 0, 3, DECIDE(100, .demand = 0, .here = 4, .idle_since = since, .idle = 3));
}

static void those_who_have_not_come_are_cancelled_first(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(8, 1);
    double since[] = {0, 0, 0};
    ORDERS(0, 0, 0, DECIDE(50, .demand = 3, .here = 3, .coming = 2, .idle_since = since, .idle = 2));
    ORDERS(0, 0, 1, DECIDE(51.9, .demand = 2, .here = 3, .coming = 2, .idle_since = since, .idle = 2));
    ORDERS(0, 2, 1, DECIDE(52, .demand = 2, .here = 3, .coming = 2, .idle_since = since, .idle = 2));
    ORDERS(0, 2, 0, DECIDE(52, .demand = 3, .here = 3, .coming = 2, .idle_since = since, .idle = 2));
    ORDERS(0, 1, 0, DECIDE(52, .demand = 4, .here = 3, .coming = 2, .idle_since = since, .idle = 2));
}

static void jobs_in_between_start_the_wait_anew(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(4, 1);
    ORDERS(0, 0, 0, DECIDE(10, .demand = 1, .coming = 4));
    ORDERS(0, 0, 0, DECIDE(11, .demand = 9, .coming = 4));
    ORDERS(0, 0, 0, DECIDE(12.5, .demand = 1, .coming = 4));
    ORDERS(0, 0, 0, DECIDE(14, .demand = 1, .coming = 4));
    ORDERS(0, 3, 0, DECIDE(14.5, .demand = 1, .coming = 4));
}

static void who_is_gone_is_replaced_while_there_is_work(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(4, 1);
    ORDERS(1, 0, 0, DECIDE(10, .demand = 9, .here = 3));
    ORDERS(0, 0, 0, DECIDE(10, .demand = 3, .here = 3));
}

static void failures_are_waited_for_twice_as_long_each_time(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(4, 1);
    double now = 100, wait = RUNG_HIRING_WAIT_FIRST;
    for (unsigned i = 1; i < 40; i++) {
        assert_int_equal(rung_hiring_failed(&hiring, now), i == RUNG_HIRING_TROUBLE);
        ORDERS(0, 0, 0, DECIDE(now + wait - 0.01, .demand = 9));
        ORDERS(4, 0, 0, DECIDE(now + wait, .demand = 9));
        now += wait;
        wait = fmin(2 * wait, RUNG_HIRING_WAIT_MOST);
    }
    rung_hiring_worked(&hiring);
    ORDERS(4, 0, 0, DECIDE(now, .demand = 9));
    assert_false(rung_hiring_failed(&hiring, now));
    ORDERS(4, 0, 0, DECIDE(now + RUNG_HIRING_WAIT_FIRST, .demand = 9));
}

static void failures_do_not_keep_workers(void **state)
{
    (void)state;
    struct rung_hiring hiring = hiring_of(4, 1);
    double since[] = {0};
    (void)rung_hiring_failed(&hiring, 10);
    ORDERS(0, 0, 1, DECIDE(10, .demand = 1, .here = 2, .idle_since = since, .idle = 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_as_many_as_have_jobs_and_no_more_than_allowed),
        cmocka_unit_test(those_who_are_there_anyway_come_first),
        cmocka_unit_test(a_worker_of_several_trainers_counts_as_so_many),
        cmocka_unit_test(a_short_lull_costs_no_worker),
        cmocka_unit_test(who_gets_no_job_for_long_although_there_are_some_is_replaced),
        cmocka_unit_test(workers_without_use_are_asked_for_less_and_less_often),
        cmocka_unit_test(only_surplus_workers_are_given_back),
        cmocka_unit_test(those_who_have_not_come_are_cancelled_first),
        cmocka_unit_test(jobs_in_between_start_the_wait_anew),
        cmocka_unit_test(who_is_gone_is_replaced_while_there_is_work),
        cmocka_unit_test(failures_are_waited_for_twice_as_long_each_time),
        cmocka_unit_test(failures_do_not_keep_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
