/*
 * A daemon with real trainers: the test program itself, called with the argument "trainer". Each test is a
 * process of its own, since a daemon takes the signals of its process.
 */
#ifndef RUNG_TESTS_DAEMON_HELP_H
#define RUNG_TESTS_DAEMON_HELP_H

#include "store_help.h"

#include "dispatch/daemon.h"
#include "store/states.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>

/* ---- the trainer ---- */

static inline void say(int channel, const char *text, int length)
{
    if (write(channel, text, (size_t)length) != length)
        exit(1);
}

static inline long long number_after(const char *line, const char *key)
{
    const char *found = strstr(line, key);
    return found ? strtoll(found + strlen(key), NULL, 10) : 0;
}

static inline void make_state(const char *line)
{
    static const char key[] = "\"state_out\":\"";
    char path[PATH_MAX];
    const char *at = strstr(line, key) + sizeof key - 1;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "\""), at);
    close(open(path, O_CREAT | O_WRONLY, 0666));
}

#define FULL 123456 /* milliseconds: it finds no room instead */

/* Scores depend on the model and its calls alone. */
static inline void answer(int channel, const char *line, long milliseconds)
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

static inline int be_trainer(long milliseconds)
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

static inline void count_results(void *context, const struct rung_note *note)
{
    struct guest *guest = context;
    guest->results += note->type == RUNG_NOTE_RESULT;
}

/* `milliseconds` of each job, or a negative number: a program that there is not. */
static inline struct rung_spec *read_spec(const char *search, long milliseconds)
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

static inline void need(int rc, const struct rung_err *err)
{
    if (rc < 0)
        fail_msg("%s", err->text);
}

/* New, or to be gone on with. */
static inline void open_guest(struct guest *guest, struct rung_store *store, const char *name,
                              const char *search, long milliseconds)
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

static inline void close_guest(struct guest *guest)
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
    void (*failed)(void *host, const struct rung_err *err);
    int step;   /* of a test */
    bool stays; /* when all searches have ended */
};

static inline void on_ended(void *context, struct rung_daemon_search *search, void *search_context,
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

static inline int on_opened(void *context, struct rung_daemon *daemon, int port, struct rung_err *err)
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

static inline void on_said(void *context, struct rung_caller *caller, const struct rung_json *message)
{
    (void)context;
    (void)caller;
    (void)message;
    fail_msg("nobody calls");
}

static inline void on_hung_up(void *context, struct rung_caller *caller)
{
    (void)context;
    (void)caller;
    fail_msg("nobody calls");
}

static inline void on_warning(void *context, const char *text)
{
    (void)context;
    fail_msg("%s", text);
}

static inline int try_to_serve(struct host *host, struct rung_err *err)
{
    struct rung_daemon_options options = {.store = host->store,
                                          .trainers = host->trainers,
                                          .socket = in_folder("a.sock"),
                                          .context = host,
                                          .ended = on_ended,
                                          .said = on_said,
                                          .hung_up = on_hung_up,
                                          .opened = on_opened,
                                          .failed = host->failed,
                                          .warn = on_warning};
    return rung_daemon_run(&options, err);
}

static inline void serve(struct host *host)
{
    struct rung_err err = {0};
    need(try_to_serve(host, &err), &err);
    assert_int_equal(host->ended, host->count);
    assert_false(is_there(in_folder("a.sock")));
}

/* ---- what a search comes to ---- */

#define LEADERBOARD                                                                                          \
    "SELECT group_concat(rank || ' ' || model || ' ' || status || ' ' || calls || ' ' || score, ';') FROM "  \
    "(SELECT * FROM leaderboard WHERE search = '%s' ORDER BY rank)"
#define HISTORY                                                                                              \
    "SELECT group_concat(model || ' ' || partial_fit_calls || ' ' || score, ';') FROM (SELECT * FROM "       \
    "history WHERE search = '%s' ORDER BY model, partial_fit_calls)"

static inline char *shown(const char *database, const char *query, const char *name)
{
    char text[500];
    snprintf(text, sizeof text, query, name);
    return rung_mem_strdup(sql(in_folder(database), text));
}

static inline void run_alone(const char *name, const char *search)
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

static inline void assert_as_alone(const char *name)
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

#endif
