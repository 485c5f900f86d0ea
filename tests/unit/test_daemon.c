/*
 * A daemon with real trainers: this program itself, called with the argument "trainer". Each test is a
 * process of its own, since a daemon takes the signals of its process.
 */
#include "store_help.h"

#include "dispatch/daemon.h"
#include "store/states.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>

/* ---- the trainer ---- */

static void say(int channel, const char *text, int length)
{
    if (write(channel, text, (size_t)length) != length)
        exit(1);
}

static long long number_after(const char *line, const char *key)
{
    const char *found = strstr(line, key);
    return found ? strtoll(found + strlen(key), NULL, 10) : 0;
}

static void make_state(const char *line)
{
    static const char key[] = "\"state_out\":\"";
    char path[PATH_MAX];
    const char *at = strstr(line, key) + sizeof key - 1;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "\""), at);
    close(open(path, O_CREAT | O_WRONLY, 0666));
}

#define FULL 123456 /* milliseconds: it finds no room instead */

/* Scores depend on the model and its calls alone. */
static void answer(int channel, const char *line, long milliseconds)
{
    char reply[200];
    long long job = number_after(line, "\"job\":");
    if (strncmp(line, "{\"type\":\"start\"", 15) == 0) {
        say(channel, reply, snprintf(reply, sizeof reply, "{\"type\":\"ready\",\"protocol\":1}\n"));
    } else if (strncmp(line, "{\"type\":\"job\"", 13) == 0 && milliseconds == FULL) {
        say(channel, reply,
            snprintf(reply, sizeof reply,
                     "{\"type\":\"failure\",\"job\":%lld,\"reason\":\"No space left on device\"}\n", job));
    } else if (strncmp(line, "{\"type\":\"job\"", 13) == 0) {
        usleep((useconds_t)(milliseconds * 1000));
        make_state(line);
        say(channel, reply,
            snprintf(reply, sizeof reply, "{\"type\":\"result\",\"job\":%lld,\"score\":0.%03lld}\n", job,
                     (number_after(line, "\"model\":") * 389 + number_after(line, "\"to\":") * 7) % 1000));
    } else if (strncmp(line, "{\"type\":\"stop\"", 14) == 0) {
        exit(0);
    }
}

static int be_trainer(long milliseconds)
{
    static char buffer[1 << 20];
    size_t length = 0;
    ssize_t got;
    int channel = atoi(getenv("RUNG_FD"));
    while ((got = read(channel, buffer + length, sizeof buffer - length - 1)) > 0) {
        length += (size_t)got;
        buffer[length] = '\0';
        char *line = buffer, *end;
        while ((end = strchr(line, '\n'))) {
            *end = '\0';
            answer(channel, line, milliseconds);
            line = end + 1;
        }
        length -= (size_t)(line - buffer);
        memmove(buffer, line, length);
    }
    return 0;
}

/* ---- searches ---- */

#define SPEC(command, search)                                                                                \
    "{\"name\":\"any\",\"trainer\":{\"command\":[" command                                                   \
    "]},\"parameters\":{\"x\":{\"uniform\":[0,1]}},\"search\":{" search                                      \
    "},\"limits\":{\"start_timeout\":60,\"job_timeout\":3600}}"
#define HALVING "\"algorithm\":\"successive_halving\",\"models\":27,\"max_iter\":27,\"seed\":3"
#define OTHER   "\"algorithm\":\"successive_halving\",\"models\":30,\"max_iter\":15,\"seed\":4"
#define LONG    "\"algorithm\":\"random\",\"models\":20000,\"max_iter\":1"

struct guest {
    struct rung_spec *spec;
    struct rung_search *search;
    struct rung_record *record;
    struct rung_search_row row;
    struct rung_watcher watcher;
    struct rung_session_options options;
    struct rung_daemon_search *handle;
    struct rung_session_result result;
    bool ended, parked;
    int results;
};

static void count_results(void *context, const struct rung_note *note)
{
    struct guest *guest = context;
    guest->results += note->type == RUNG_NOTE_RESULT;
}

/* `milliseconds` of each job, or a negative number: a program that there is not. */
static struct rung_spec *read_spec(const char *search, long milliseconds)
{
    struct rung_err err = {0};
    struct rung_spec *spec = NULL;
    char self[PATH_MAX], command[PATH_MAX + 100], text[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    snprintf(command, sizeof command,
             milliseconds < 0 ? "\"%.*s-is-not-there\"" : "\"%.*s\",\"trainer\",\"%ld\"", (int)length, self,
             milliseconds);
    snprintf(text, sizeof text, SPEC("%s", "%s"), command, search);
    struct rung_json *json = rung_json_parse(text, strlen(text), 0, &err);
    if (!json || rung_spec_read(&spec, json, "any", &err))
        fail_msg("%s", err.text);
    rung_json_free(json);
    return spec;
}

static void need(int rc, const struct rung_err *err)
{
    if (rc < 0)
        fail_msg("%s", err->text);
}

/* New, or to be gone on with. */
static void open_guest(struct guest *guest, struct rung_store *store, const char *name, const char *search,
                       long milliseconds)
{
    struct rung_err err = {0};
    *guest = (struct guest){.spec = read_spec(search, milliseconds)};
    guest->search = help_search(&guest->spec->search);
    if (rung_record_exists(store, name, &guest->row, &err) == 1) {
        need(rung_record_reopen(&guest->record, store, &guest->row, guest->spec->space,
                                guest->spec->search.seed, &err),
             &err);
        need(rung_replay(store, guest->row.id, guest->search, &err), &err);
    } else {
        struct rung_search_row row = {.name = (char *)name,
                                      .status = "running",
                                      .spec = "{}",
                                      .folder = folder,
                                      .algorithm = "any",
                                      .goal = "maximize",
                                      .metric = "score",
                                      .finished_at = NAN};
        need(rung_record_create(&guest->record, store, &row, rung_search_plan(guest->search),
                                guest->spec->space, guest->spec->search.seed, &err),
             &err);
    }
    need(rung_store_commit(store, &err), &err);
    guest->watcher = (struct rung_watcher){.context = guest, .note = count_results};
    guest->options = (struct rung_session_options){.spec = guest->spec,
                                                   .store = store,
                                                   .record = guest->record,
                                                   .search = guest->search,
                                                   .name = name,
                                                   .folder = folder,
                                                   .time_limit = INFINITY,
                                                   .watchers = &guest->watcher,
                                                   .watcher_count = 1};
}

static void close_guest(struct guest *guest)
{
    rung_search_free(guest->search);
    rung_record_free(guest->record);
    rung_spec_free(guest->spec);
    rung_search_row_free(&guest->row);
}

/* ---- the daemon ---- */

enum { GUESTS = 3 };

struct host {
    struct rung_daemon *daemon;
    struct rung_store *store;
    struct guest guests[GUESTS];
    size_t count, ended;
    size_t trainers;
    void (*tick)(void *host); /* many times a second */
    int step;                 /* of a test */
    bool stays;               /* when all searches have ended */
};

static void on_ended(void *context, struct rung_daemon_search *search, void *search_context,
                     const struct rung_session_result *result, bool parked)
{
    struct host *host = context;
    struct guest *guest = search_context;
    struct rung_session_view view;
    assert_true(guest->handle == search);
    rung_daemon_view(host->daemon, search, &view);
    assert_int_equal(view.trainers, 0);
    guest->ended = true;
    guest->parked = parked;
    guest->result = *result;
    close_guest(guest);
    if (++host->ended == host->count && !host->stays)
        raise(SIGTERM);
}

static int on_opened(void *context, struct rung_daemon *daemon, int port, struct rung_err *err)
{
    struct host *host = context;
    int rc = 0;
    assert_int_equal(port, 0);
    host->daemon = daemon;
    for (size_t i = 0; i < host->count && rc == 0; i++)
        rc =
            rung_daemon_add(daemon, &host->guests[i].options, &host->guests[i], &host->guests[i].handle, err);
    if (host->tick)
        rung_daemon_tick(daemon, 200, host->tick, host);
    return rc;
}

static void on_said(void *context, struct rung_caller *caller, const struct rung_json *message)
{
    (void)context;
    (void)caller;
    (void)message;
    fail_msg("nobody calls");
}

static void on_hung_up(void *context, struct rung_caller *caller)
{
    (void)context;
    (void)caller;
    fail_msg("nobody calls");
}

static void on_warning(void *context, const char *text)
{
    (void)context;
    fail_msg("%s", text);
}

static int try_to_serve(struct host *host, struct rung_err *err)
{
    struct rung_daemon_options options = {.store = host->store,
                                          .trainers = host->trainers,
                                          .socket = in_folder("a.sock"),
                                          .context = host,
                                          .ended = on_ended,
                                          .said = on_said,
                                          .hung_up = on_hung_up,
                                          .opened = on_opened,
                                          .warn = on_warning};
    return rung_daemon_run(&options, err);
}

static void serve(struct host *host)
{
    struct rung_err err = {0};
    need(try_to_serve(host, &err), &err);
    assert_int_equal(host->ended, host->count);
    assert_false(is_there(in_folder("a.sock")));
}

/* ---- searches in a daemon are those that they are alone ---- */

#define LEADERBOARD                                                                                          \
    "SELECT group_concat(rank || ' ' || model || ' ' || status || ' ' || calls || ' ' || score, ';') FROM "  \
    "(SELECT * FROM leaderboard WHERE search = '%s' ORDER BY rank)"
#define HISTORY                                                                                              \
    "SELECT group_concat(model || ' ' || partial_fit_calls || ' ' || score, ';') FROM (SELECT * FROM "       \
    "history WHERE search = '%s' ORDER BY model, partial_fit_calls)"

static char *shown(const char *database, const char *query, const char *name)
{
    char text[500];
    snprintf(text, sizeof text, query, name);
    return rung_mem_strdup(sql(in_folder(database), text));
}

static void run_alone(const char *name, const char *search)
{
    struct rung_err err = {0};
    struct guest guest;
    struct rung_store *store = open_store(in_folder("alone.db"), RUNG_STORE_CREATE);
    open_guest(&guest, store, name, search, 0);
    guest.options.trainers = 1;
    need(rung_session_run(&guest.options, &guest.result, &err), &err);
    assert_int_equal(guest.result.end, RUNG_END_FINISHED);
    close_guest(&guest);
    rung_store_close(store);
}

static void assert_as_alone(const char *name)
{
    static const char *const queries[] = {LEADERBOARD, HISTORY};
    for (int i = 0; i < 2; i++) {
        char *alone = shown("alone.db", queries[i], name), *found = shown("a.db", queries[i], name);
        assert_true(strlen(alone) > 300);
        assert_string_equal(found, alone);
        free(alone);
        free(found);
    }
}

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(two_searches_end_as_they_do_alone_while_a_third_is_stopped),
        TEST(two_searches_have_half_of_the_trainers_each_and_one_has_all),
        TEST(a_search_whose_trainer_cannot_be_started_fails_alone),
        TEST(a_signal_lets_jobs_end_and_searches_go_on_at_the_next_start),
        TEST(a_second_signal_waits_for_nothing),
        TEST(a_failure_to_record_ends_all),
        TEST(a_socket_has_one_daemon),
    };
    if (argc == 3 && strcmp(argv[1], "trainer") == 0)
        return be_trainer(atol(argv[2]));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
