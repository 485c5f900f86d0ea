/*
 * What sharing costs: jobs a second of one search in a daemon, and of a hundred, beside the same search run
 * alone; two trainers that do nothing, and room for all workers there may be. Each in a process of its own.
 */
#include "dispatch/daemon.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/record.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRAINERS = 2, JOBS = 40000, MANY = 100 };

struct guest {
    struct rung_spec *spec;
    struct rung_search *search;
    struct rung_record *record;
    struct rung_session_options options;
    char name[16];
};

struct host {
    struct guest guests[MANY];
    size_t count, ended;
    struct rung_store *store;
};

static char folder[] = "/tmp/rung-bench-daemon-XXXXXX";

static void need(int code, const struct rung_err *err)
{
    if (code >= 0)
        return;
    fprintf(stderr, "daemon: %s\n", err->text);
    exit(1);
}

static void open_guest(struct guest *guest, struct rung_store *store, size_t number, size_t jobs)
{
    const char *programs = getenv("RUNG_BENCH");
    struct rung_err err;
    char text[4096];
    int length = snprintf(
        text, sizeof text,
        "{\"name\":\"any\",\"trainer\":{\"command\":[\"%s/noop\"]},\"parameters\":{\"x\":{\"uniform\":[0,1]},"
        "\"y\":{\"choice\":[1,2,3]}},\"search\":{\"algorithm\":\"random\",\"models\":%zu,\"max_iter\":1}}",
        programs ? programs : "build/tests/bench", jobs);
    struct rung_json *json = rung_json_parse(text, (size_t)length, 0, &err);
    need(json ? rung_spec_read(&guest->spec, json, "any", &err) : RUNG_EFAIL, &err);
    rung_json_free(json);
    need(rung_search_create(&guest->search, &guest->spec->search, &err), &err);
    snprintf(guest->name, sizeof guest->name, "s%zu", number);
    struct rung_search_row row = {.name = guest->name,
                                  .status = "running",
                                  .spec = "{}",
                                  .folder = folder,
                                  .algorithm = "random",
                                  .goal = "maximize",
                                  .metric = "score",
                                  .finished_at = NAN};
    need(rung_record_create(&guest->record, store, &row, rung_search_plan(guest->search), guest->spec->space,
                            guest->spec->search.seed, &err),
         &err);
    need(rung_store_commit(store, &err), &err);
    guest->options = (struct rung_session_options){.spec = guest->spec,
                                                   .store = store,
                                                   .record = guest->record,
                                                   .search = guest->search,
                                                   .name = guest->name,
                                                   .folder = folder,
                                                   .trainers = TRAINERS,
                                                   .time_limit = INFINITY};
}

/* ---- the daemon ---- */

static void on_ended(void *context, struct rung_daemon_search *search, void *search_context,
                     const struct rung_session_result *result, bool parked)
{
    struct host *host = context;
    (void)search, (void)search_context, (void)parked;
    if (result->end != RUNG_END_FINISHED) {
        fprintf(stderr, "daemon: a search did not finish: %s\n", result->reason);
        exit(1);
    }
    if (++host->ended == host->count)
        raise(SIGTERM);
}

static int on_opened(void *context, struct rung_daemon *daemon, int port, struct rung_err *err)
{
    struct host *host = context;
    struct rung_daemon_search *search;
    int code = 0;
    (void)port;
    for (size_t i = 0; i < host->count && code == 0; i++)
        code = rung_daemon_add(daemon, &host->guests[i].options, &host->guests[i], &search, err);
    return code;
}

static void on_warning(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "daemon: %s\n", text);
}

static void serve(struct host *host, const struct rung_session_listen *listen, const char *path)
{
    struct rung_err err;
    struct rung_daemon_options options = {.store = host->store,
                                          .trainers = TRAINERS,
                                          .listen = listen,
                                          .socket = path,
                                          .context = host,
                                          .ended = on_ended,
                                          .opened = on_opened,
                                          .warn = on_warning};
    need(rung_daemon_run(&options, &err), &err);
}

/* ---- one measurement ---- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* count 0: one search without a daemon. */
static void measure(const char *what, size_t count)
{
    static struct host host;
    char path[64], listen_text[] = "127.0.0.1:0";
    struct rung_session_listen listen = {.beat = 5};
    struct rung_session_result result;
    struct rusage usage;
    struct rung_err err;
    snprintf(path, sizeof path, "%s/%d.db", folder, (int)getpid());
    need(rung_address_read(&listen.address, listen_text, &err), &err);
    need(rung_store_open(&host.store, path, RUNG_STORE_CREATE, &err), &err);
    host.count = count ? count : 1;
    for (size_t i = 0; i < host.count; i++)
        open_guest(&host.guests[i], host.store, i, JOBS / host.count);
    host.guests[0].options.listen = &listen;
    snprintf(path, sizeof path, "%s/%zu.sock", folder, count);
    double begin = seconds();
    if (count)
        serve(&host, &listen, path);
    else
        need(rung_session_run(&host.guests[0].options, &result, &err), &err);
    double wall = seconds() - begin;
    getrusage(RUSAGE_SELF, &usage);
    double processor = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    printf("%s %6.0f jobs/s, %4.1f us of rung's processor time per job, peak memory %.1f MB\n", what,
           JOBS / wall, processor / JOBS * 1e6, (double)usage.ru_maxrss / 1024);
    rung_store_close(host.store);
}

static int apart(const char *what, size_t count)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        measure(what, count);
        exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

int main(void)
{
    char command[100];
    if (!mkdtemp(folder))
        return 1;
    int failed = apart("one search, rung run:        ", 0) + apart("one search, in a daemon:     ", 1) +
                 apart("100 searches, in a daemon:   ", MANY) + apart("one search, rung run, again: ", 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) != 0 || failed;
}
