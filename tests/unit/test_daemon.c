/* A daemon: what its searches come to, and how they share its trainers. */
#include "daemon_help.h"

/* ---- searches in a daemon are those that they are alone ---- */

static void stop_the_third(void *context)
{
    struct host *host = context;
    if (host->step == 0 && host->guests[2].results > 0) {
        host->step = 1;
        rung_daemon_stop(host->daemon, host->guests[2].handle);
    }
}

static int as_alone(void *context)
{
    struct host host = {.count = 3, .trainers = 4, .tick = stop_the_third};
    (void)context;
    run_alone("a", HALVING);
    run_alone("b", OTHER);
    host.store = open_store(in_folder("a.db"), RUNG_STORE_CREATE);
    open_guest(&host.guests[0], host.store, "a", HALVING, 5);
    open_guest(&host.guests[1], host.store, "b", OTHER, 2);
    open_guest(&host.guests[2], host.store, "c", LONG, 5);
    serve(&host);
    rung_store_close(host.store);
    assert_int_equal(host.guests[0].result.end, RUNG_END_FINISHED);
    assert_int_equal(host.guests[1].result.end, RUNG_END_FINISHED);
    assert_int_equal(host.guests[2].result.end, RUNG_END_INTERRUPTED);
    assert_as_alone("a");
    assert_as_alone("b");
    assert_sql(in_folder("a.db"), "SELECT group_concat(status) FROM searches",
               "finished,finished,interrupted");
    return 0;
}

static void two_searches_end_as_they_do_alone_while_a_third_is_stopped(void **state)
{
    (void)state;
    assert_int_equal(in_child(as_alone, NULL), 0);
}

/* ---- shares ---- */

static size_t trainers_of(struct host *host, int guest)
{
    struct rung_session_view view;
    rung_daemon_view(host->daemon, host->guests[guest].handle, &view);
    return view.trainers;
}

/* Half each, then all for the one that is left. A tick later the database says the same. */
static void watch_shares(void *context)
{
    struct host *host = context;
    bool halves = host->step < 2 && trainers_of(host, 0) == 2 && trainers_of(host, 1) == 2;
    if (host->step == 0 && halves) {
        host->step = 1;
    } else if (host->step == 1) {
        assert_true(halves);
        assert_sql(in_folder("a.db"), "SELECT count(*) FROM trainers WHERE left_at IS NULL AND search = 'a'",
                   "2");
        assert_sql(in_folder("a.db"), "SELECT group_concat(status) FROM searches", "running,running");
        host->step = 2;
        rung_daemon_stop(host->daemon, host->guests[0].handle);
    } else if (host->step == 2 && trainers_of(host, 1) == 4) {
        host->step = 3;
        rung_daemon_stop(host->daemon, host->guests[1].handle);
    }
}

static int shares(void *context)
{
    struct host host = {.count = 2, .trainers = 4, .tick = watch_shares};
    (void)context;
    host.store = open_store(in_folder("a.db"), RUNG_STORE_CREATE);
    open_guest(&host.guests[0], host.store, "a", LONG, 3);
    open_guest(&host.guests[1], host.store, "b", LONG, 3);
    serve(&host);
    rung_store_close(host.store);
    assert_int_equal(host.step, 3);
    assert_int_equal(host.guests[0].result.end, RUNG_END_INTERRUPTED);
    assert_int_equal(host.guests[1].result.end, RUNG_END_INTERRUPTED);
    assert_false(host.guests[0].parked || host.guests[1].parked);
    return 0;
}

static void two_searches_have_half_of_the_trainers_each_and_one_has_all(void **state)
{
    (void)state;
    assert_int_equal(in_child(shares, NULL), 0);
}

/* ---- one that cannot work ---- */

static int broken(void *context)
{
    struct host host = {.count = 2, .trainers = 2};
    (void)context;
    run_alone("a", HALVING);
    host.store = open_store(in_folder("a.db"), RUNG_STORE_CREATE);
    open_guest(&host.guests[0], host.store, "a", HALVING, 20);
    open_guest(&host.guests[1], host.store, "b", HALVING, -1);
    serve(&host);
    rung_store_close(host.store);
    assert_int_equal(host.guests[1].result.end, RUNG_END_FAILED);
    assert_non_null(strstr(host.guests[1].result.reason, "no trainer could be started: trainer "));
    assert_as_alone("a");
    assert_sql(in_folder("a.db"), "SELECT group_concat(status) FROM searches", "finished,failed");
    assert_sql(in_folder("a.db"), "SELECT count(DISTINCT trainer) || ' ' || count(*) FROM failures", "1 3");
    return 0;
}

static void a_search_whose_trainer_cannot_be_started_fails_alone(void **state)
{
    (void)state;
    assert_int_equal(in_child(broken, NULL), 0);
}

/* ---- another daemon ---- */

static int refused(void *context)
{
    struct rung_err err = {0};
    struct host host = {.count = 0, .trainers = 1};
    struct rung_daemon_options options = {
        .store = NULL, .trainers = 1, .socket = in_folder("a.sock"), .context = &host, .warn = on_warning};
    (void)context;
    return rung_daemon_run(&options, &err) == RUNG_EUSE ? 0 : 1;
}

static void try_another(void *context)
{
    struct host *host = context;
    if (host->step++ == 0) {
        assert_int_equal(in_child(refused, NULL), 0);
        raise(SIGHUP);
    }
}

static int only_one(void *context)
{
    struct host host = {.count = 0, .trainers = 1, .tick = try_another, .stays = true};
    (void)context;
    signal(SIGHUP, SIG_DFL);
    host.store = open_store(in_folder("a.db"), RUNG_STORE_CREATE);
    serve(&host);
    rung_store_close(host.store);
    return 0;
}

static void a_socket_has_one_daemon(void **state)
{
    (void)state;
    assert_int_equal(in_child(only_one, NULL), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(two_searches_end_as_they_do_alone_while_a_third_is_stopped),
        TEST(two_searches_have_half_of_the_trainers_each_and_one_has_all),
        TEST(a_search_whose_trainer_cannot_be_started_fails_alone),
        TEST(a_socket_has_one_daemon),
    };
    if (argc == 3 && strcmp(argv[1], "trainer") == 0)
        return be_trainer(atol(argv[2]));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
