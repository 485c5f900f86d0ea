/* Running a search between its options and its ending. */
#include "cli/launch.h"

#include "base/mem.h"
#include "cli/attend.h"
#include "cli/finish.h"
#include "cli/processors.h"
#include "cli/progress.h"
#include "dispatch/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAMES_A_SECOND 10.0

/* ---- options ---- */

#define BEAT       5.0 /* seconds between the heartbeats of a scheduler and its workers */
#define BEAT_LEAST 0.05
#define BEAT_MOST  3600.0

static int read_listen(struct rung_launch *launch, const struct rung_arguments *arguments,
                       struct rung_err *err)
{
    const char *address = rung_options_value(arguments, "listen"),
               *key = rung_options_value(arguments, "key");
    const char *beat = rung_options_value(arguments, "heartbeat");
    int code;

    bool hires = launch->hire.slurm.most > 0;

    if (!address && !key && !beat && !hires)
        return 0;
    if (!address && !hires)
        return rung_err_set(err, RUNG_EUSE, "%s: is for --listen ADDRESS", key ? "--key" : "--heartbeat");
    if (!key && !hires) {
        rung_err_set(err, RUNG_EUSE, "--listen: needs --key FILE, which workers must have, too");
        return rung_err_way_out(err, "rung key FILE");
    }
    if ((code = rung_address_read(&launch->listen.address, address ? address : ":0", err)) < 0)
        return rung_err_prefix(err, "--listen"), code;
    if (hires)
        rung_hire_listening(&launch->hire, &launch->listen.address);
    if (key && (code = rung_key_read(&launch->listen.key, key, err)) < 0)
        return rung_err_prefix(err, "--key"), code;
    launch->listen.beat = BEAT;
    if (beat && (!rung_spec_duration_text(beat, &launch->listen.beat) || launch->listen.beat < BEAT_LEAST ||
                 launch->listen.beat > BEAT_MOST))
        return rung_err_set(err, RUNG_EUSE, "--heartbeat: \"%s\" is no duration from 0.05 to 1h", beat);
    launch->listens = true;
    return 0;
}

/* spec NULL: any that has trainers. */
static int count_trainers(struct rung_launch *launch, const struct rung_arguments *arguments,
                          const struct rung_spec *spec, struct rung_err *err)
{
    int64_t count = launch->hire.slurm.most > 0 ? 0 : spec ? spec->trainer.count : 1;
    const char *what = rung_options_has(arguments, "trainers") ? "--trainers" : "trainer.count";

    if (rung_options_integer(arguments, "trainers", 0, RUNG_TRAINERS_MAX, &count, err) < 0)
        return RUNG_EUSE;
    if (count == 0 && !launch->listens)
        return rung_err_set(err, RUNG_EUSE, "%s: 0 trainers, and no worker can come", what);
    launch->trainers = count == RUNG_UNSET ? rung_processors() : (size_t)count;
    return 0;
}

int rung_launch_daemon(struct rung_launch *launch, const struct rung_arguments *arguments,
                       struct rung_err *err)
{
    int64_t count = (int64_t)rung_processors();

    *launch = (struct rung_launch){
        .time_limit = INFINITY, .quiet = rung_options_has(arguments, "quiet"), .socket = -1};
    if (read_listen(launch, arguments, err) < 0 ||
        rung_options_integer(arguments, "trainers", 0, RUNG_TRAINERS_MAX, &count, err) < 0)
        return RUNG_EUSE;
    if (count == 0 && !launch->listens)
        return rung_err_set(err, RUNG_EUSE, "--trainers: 0 trainers, and no worker can come");
    launch->trainers = (size_t)count;
    return 0;
}

static int read_time_limit(struct rung_launch *launch, const struct rung_arguments *arguments,
                           struct rung_err *err)
{
    const char *limit = rung_options_value(arguments, "time-limit");

    if (limit && !rung_spec_duration_text(limit, &launch->time_limit))
        return rung_err_set(err, RUNG_EUSE, "--time-limit: \"%s\" is no duration such as 90, 10m or 2h",
                            limit);
    return 0;
}

int rung_launch_check(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_launch launch = {.socket = -1};
    int code;

    if ((code = rung_hire_read(&launch.hire, arguments, 1, err)) == 0 &&
        (code = read_listen(&launch, arguments, err)) == 0 &&
        (code = count_trainers(&launch, arguments, NULL, err)) == 0)
        code = read_time_limit(&launch, arguments, err);
    rung_launch_free(&launch);
    return code;
}

bool rung_launch_elsewhere(const struct rung_arguments *arguments, const struct rung_spec *spec)
{
    bool hires = rung_options_has(arguments, "slurm");
    int64_t count = hires ? 0 : spec->trainer.count;

    return (hires || rung_options_has(arguments, "listen")) &&
           rung_options_integer(arguments, "trainers", 0, RUNG_TRAINERS_MAX, &count, NULL) == 0 && count == 0;
}

char *rung_launch_again(const struct rung_arguments *arguments)
{
    static const char *const names[] = {"trainers", "listen",         "key", "heartbeat",
                                        "slurm",    "orphan-timeout", NULL};
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (rung_options_has(arguments, "listen") || rung_options_has(arguments, "slurm"))
        rung_options_again(&text, arguments, names);
    char *again = rung_mem_strdup(rung_buf_cstr(&text));
    rung_buf_free(&text);
    return again;
}

/* By name, for one that is not there yet, or by file. It is not opened: closing it would drop SQLite's locks.
 */
static bool is_database(const char *path, const char *database)
{
    struct stat one, other;
    return strcmp(path, database) == 0 || (stat(path, &one) == 0 && stat(database, &other) == 0 &&
                                           one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

/* Here, since from its recording on a search is one that has begun. */
static int open_socket(struct rung_launch *launch, const struct rung_arguments *arguments,
                       struct rung_err *err)
{
    int port, code;

    if (!launch->listens)
        return 0;
    if ((code = rung_address_listen(&launch->socket, &port, &launch->listen.address, err)) == 0)
        return 0;
    launch->socket = -1;
    if (rung_options_has(arguments, "listen"))
        rung_err_prefix(err, "--listen");
    return code;
}

static int open_events(struct rung_launch *launch, struct rung_err *err)
{
    if (!launch->events_path)
        return 0;
    launch->events_made = strcmp(launch->events_path, "-") != 0 && access(launch->events_path, F_OK) < 0;
    if (rung_events_open(&launch->events, launch->events_path, err) == 0)
        return 0;
    launch->events_made = false;
    return err->code;
}

/* What is made comes last: a key, and the file of events. */
static int read_and_open(struct rung_launch *launch, const struct rung_arguments *arguments,
                         const struct rung_spec *spec, const char *database, const char *folder,
                         struct rung_err *err)
{
    const char *key = rung_options_value(arguments, "key");
    int code;

    if ((code = rung_hire_prepare(&launch->hire, arguments, spec, database, folder, err)) < 0 ||
        (code = read_listen(launch, arguments, err)) < 0 ||
        (code = count_trainers(launch, arguments, spec, err)) < 0 ||
        (code = read_time_limit(launch, arguments, err)) < 0)
        return code;
    if (launch->events_path && is_database(launch->events_path, database))
        return rung_err_set(err, RUNG_EUSE, "--events %s: is the database", launch->events_path);
    if ((code = open_socket(launch, arguments, err)) < 0)
        return code;
    if (launch->hire.slurm.most > 0 &&
        ((code = rung_hire_key(&launch->hire, key != NULL, err)) < 0 ||
         (code = rung_key_read(&launch->listen.key, launch->hire.key, err)) < 0))
        return code;
    return open_events(launch, err);
}

int rung_launch_prepare(struct rung_launch *launch, const struct rung_arguments *arguments,
                        const struct rung_spec *spec, const char *database, const char *folder,
                        struct rung_err *err)
{
    *launch = (struct rung_launch){.time_limit = INFINITY,
                                   .quiet = rung_options_has(arguments, "quiet"),
                                   .socket = -1,
                                   .events_path = rung_options_value(arguments, "events")};
    int code = read_and_open(launch, arguments, spec, database, folder, err);
    if (code < 0)
        rung_launch_cancel(launch);
    return code;
}

void rung_launch_free(struct rung_launch *launch)
{
    rung_events_close(launch->events);
    launch->events = NULL;
    if (launch->socket >= 0)
        close(launch->socket);
    launch->socket = -1;
    rung_hire_free(&launch->hire);
}

void rung_launch_cancel(struct rung_launch *launch)
{
    rung_hire_cancel(&launch->hire);
    rung_launch_free(launch);
    if (launch->events_made)
        unlink(launch->events_path);
}

/* ---- the run ---- */

static int run_session(struct rung_launch *launch, struct rung_launch_search *search,
                       struct rung_session_result *result, struct rung_err *err)
{
    enum rung_progress_mode mode = rung_progress_mode(STDERR_FILENO);
    struct rung_progress *progress = NULL;
    struct rung_attend *attend = NULL;
    struct rung_watcher watchers[2];
    struct rung_session_options options = {.spec = search->spec,
                                           .store = search->store,
                                           .record = search->record,
                                           .search = search->search,
                                           .name = search->name,
                                           .folder = search->folder,
                                           .trainers = launch->trainers,
                                           .listen = launch->listens ? &launch->listen : NULL,
                                           .socket = launch->socket >= 0 ? &launch->socket : NULL,
                                           .slurm = launch->hire.slurm.most > 0 ? &launch->hire.slurm : NULL,
                                           .elapsed_before = search->elapsed,
                                           .time_limit = launch->time_limit,
                                           .watchers = watchers,
                                           .display_hz = FRAMES_A_SECOND};

    if (launch->events)
        watchers[options.watcher_count++] = rung_events_watcher(launch->events);
    if (!launch->quiet || search->spec->search.priority == RUNG_PRIORITY_CRITICAL)
        attend = rung_attend_create(&options, &watchers[options.watcher_count], false);
    if (attend && options.slurm)
        rung_attend_trainers(attend,
                             launch->trainers + options.slurm->most * (size_t)search->spec->cluster.trainers);
    if (!launch->quiet) {
        progress = rung_progress_create(STDERR_FILENO, mode, search->name, search->database, search->search);
        rung_attend_add(attend, progress);
        if (mode == RUNG_PROGRESS_LIVE) {
            options.display = rung_attend_display;
            options.display_context = attend;
        }
    }
    int code = rung_session_run(&options, result, err);
    rung_progress_free(progress);
    rung_attend_free(attend);
    return code;
}

/* Where events go to standard output, it is theirs alone. */
static FILE *ending_file(const struct rung_launch *launch)
{
    if (launch->quiet)
        return NULL;
    return launch->events_path && strcmp(launch->events_path, "-") == 0 ? stderr : stdout;
}

int rung_launch_run(struct rung_launch *launch, struct rung_launch_search *search, struct rung_err *err)
{
    struct rung_finish finish = {.database = search->database,
                                 .search = search->name,
                                 .named = search->named,
                                 .again = search->again,
                                 .out = ending_file(launch)};
    struct rung_session_result result = {0};
    struct rung_err print_err;
    int code = run_session(launch, search, &result, err);

    if (result.left[0])
        fprintf(stderr,
                "rung: note: Slurm may still have workers of this search, which leave by themselves\n"
                "scancel --name=%s\n",
                result.left);
    rung_launch_free(launch);
    rung_record_free(search->record);
    search->record = NULL;
    rung_store_close(search->store);
    search->store = NULL;
    finish.done = rung_search_done(search->search);
    if (code == 0) {
        if (finish.out && result.best != RUNG_NO_MODEL && rung_finish_print(&finish, &print_err) < 0)
            fprintf(stderr, "rung: note: %s\n", print_err.text);
        fflush(stdout);
        code = rung_finish_status(&finish, &result, err);
    } else {
        rung_finish_way_out(&finish, "resume", err);
    }
    rung_finish_on_end(&finish, search->spec->on_end, search->folder);
    return code;
}

int rung_launch_print(const struct rung_launch_search *search, bool quiet, struct rung_err *err)
{
    struct rung_finish finish = {.database = search->database,
                                 .search = search->name,
                                 .named = search->named,
                                 .done = true,
                                 .out = stdout};

    return quiet ? 0 : rung_finish_print(&finish, err);
}
