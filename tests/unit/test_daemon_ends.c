/* A daemon that ends: by signals, since nothing can be recorded, since its database is gone. */
#include "daemon_help.h"

/* ---- signals ---- */

static void end_soon(void *context)
{
    struct host *host = context;
    if (host->step == 0 && host->guests[0].results > 2) {
        host->step = 1;
        raise(SIGTERM);
    }
}

static void open_again(struct host *host)
{
    host->store = open_store(in_folder("a.db"), RUNG_STORE_WRITE);
    open_guest(&host->guests[0], host->store, "a", HALVING, 2);
    open_guest(&host->guests[1], host->store, "b", HALVING, 2);
}

static int restart(void *context)
{
    struct host first = {.count = 2, .trainers = 1, .tick = end_soon}, second = {.count = 2, .trainers = 3};
    (void)context;
    run_alone("a", HALVING);
    run_alone("b", HALVING);
    first.store = open_store(in_folder("a.db"), RUNG_STORE_CREATE);
    open_guest(&first.guests[0], first.store, "a", HALVING, 2);
    open_guest(&first.guests[1], first.store, "b", HALVING, 2);
    serve(&first);
    rung_store_close(first.store);
    assert_true(first.guests[0].parked && first.guests[1].parked);
    assert_int_equal(first.guests[1].results, 0); /* one trainer is the older one's */
    assert_sql(in_folder("a.db"), "SELECT group_concat(status) FROM searches", "queued,queued");
    assert_sql(in_folder("a.db"), "SELECT count(*) FROM failures", "0");
    assert_sql(in_folder("a.db"), "SELECT count(reason) FROM searches", "0");
    open_again(&second);
    serve(&second);
    rung_store_close(second.store);
    assert_sql(in_folder("a.db"), "SELECT group_concat(status) FROM searches", "finished,finished");
    assert_as_alone("a");
    assert_as_alone("b");
    return 0;
}

static void a_signal_lets_jobs_end_and_searches_go_on_at_the_next_start(void **state)
{
    (void)state;
    assert_int_equal(in_child(restart, NULL), 0);
}

/* Jobs of an hour: without the second signal the test would not end. */
static void end_at_once(void *context)
{
    struct host *host = context;
    struct rung_session_view view;
    rung_daemon_view(host->daemon, host->guests[0].handle, &view);
    if (host->step < 2 && view.busy == 1) {
        host->step++;
        raise(SIGINT);
    }
}

static int twice(void *context)
{
    struct host host = {.count = 1, .trainers = 1, .tick = end_at_once};
    (void)context;
    host.store = open_store(in_folder("a.db"), RUNG_STORE_CREATE);
    open_guest(&host.guests[0], host.store, "a", HALVING, 3600000);
    serve(&host);
    rung_store_close(host.store);
    assert_int_equal(host.step, 2);
    assert_true(host.guests[0].parked);
    assert_sql(in_folder("a.db"), "SELECT status FROM searches", "queued");
    return 0;
}

static void a_second_signal_waits_for_nothing(void **state)
{
    (void)state;
    assert_int_equal(in_child(twice, NULL), 0);
}

/* ---- recording that fails ---- */

static int full_disk(void *context)
{
    struct host host = {.count = 2, .trainers = 2};
    struct rung_err err = {0};
    (void)context;
    host.store = open_store(in_folder("a.db"), RUNG_STORE_CREATE);
    open_guest(&host.guests[0], host.store, "a", LONG, 2);
    open_guest(&host.guests[1], host.store, "b", HALVING, FULL);
    assert_int_equal(try_to_serve(&host, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "the disk is full"));
    assert_int_equal(host.ended, 0);
    close_guest(&host.guests[0]);
    close_guest(&host.guests[1]);
    rung_store_close(host.store);
    assert_sql(in_folder("a.db"), "SELECT status FROM searches WHERE search = 'b'", "running");
    return 0;
}

static void a_failure_to_record_ends_all(void **state)
{
    (void)state;
    assert_int_equal(in_child(full_disk, NULL), 0);
}

/* ---- files that others take away ---- */

static char why[RUNG_ERR_TEXT_MAX]; /* that `failed` was told */

static void on_failed(void *context, const struct rung_err *err)
{
    struct host *host = context;
    assert_int_equal(host->ended, 0);
    snprintf(why, sizeof why, "%s", err->text);
}

static void take_the_database(void *context)
{
    struct host *host = context;
    if (host->step++ == 20)
        assert_int_equal(rename(in_folder("a.db"), in_folder("b.db")), 0);
}

static int robbed(void *context)
{
    struct host host = {.count = 1, .trainers = 2, .tick = take_the_database, .failed = on_failed};
    struct rung_err err = {0};
    (void)context;
    host.store = open_store(in_folder("a.db"), RUNG_STORE_CREATE);
    open_guest(&host.guests[0], host.store, "a", LONG, 2);
    assert_int_equal(try_to_serve(&host, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "a.db: was removed or moved away"));
    assert_string_equal(why, err.text);
    close_guest(&host.guests[0]);
    rung_store_close(host.store);
    assert_false(is_there(in_folder("a.sock")));
    assert_sql(in_folder("b.db"), "SELECT status FROM searches", "running");
    return 0;
}

static void a_database_that_is_gone_ends_all(void **state)
{
    (void)state;
    assert_int_equal(in_child(robbed, NULL), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signal_lets_jobs_end_and_searches_go_on_at_the_next_start),
        TEST(a_second_signal_waits_for_nothing),
        TEST(a_failure_to_record_ends_all),
        TEST(a_database_that_is_gone_ends_all),
    };
    if (argc == 3 && strcmp(argv[1], "trainer") == 0)
        return be_trainer(atol(argv[2]));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
