/* Running a search between its options and its ending. */
#include "cli/launch.h"

#include "base/mem.h"
#include "cli/finish.h"
#include "cli/processors.h"
#include "cli/progress.h"
#include "cli/timeleft.h"
#include "dispatch/clock.h"
#include "dispatch/session.h"
#include "rung/version.h"

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

    if (!address && !key && !beat)
        return 0;
    if (!address)
        return rung_err_set(err, RUNG_EUSE, "%s: is for --listen ADDRESS", key ? "--key" : "--heartbeat");
    if (!key) {
        rung_err_set(err, RUNG_EUSE, "--listen: needs --key FILE, which workers must have, too");
        return rung_err_way_out(err, "rung key FILE");
    }
    if ((code = rung_address_read(&launch->listen.address, address, err)) < 0)
        return rung_err_prefix(err, "--listen"), code;
    if ((code = rung_key_read(&launch->listen.key, key, err)) < 0)
        return rung_err_prefix(err, "--key"), code;
    launch->listen.beat = BEAT;
    if (beat && (!rung_spec_duration_text(beat, &launch->listen.beat) || launch->listen.beat < BEAT_LEAST ||
                 launch->listen.beat > BEAT_MOST))
        return rung_err_set(err, RUNG_EUSE, "--heartbeat: \"%s\" is no duration from 0.05 to 1h", beat);
    launch->listens = true;
    return 0;
}

static int count_trainers(struct rung_launch *launch, const struct rung_arguments *arguments,
                          const struct rung_spec *spec, struct rung_err *err)
{
    int64_t count = spec->trainer.count;
    const char *what = rung_options_has(arguments, "trainers") ? "--trainers" : "trainer.count";

    if (rung_options_integer(arguments, "trainers", 0, RUNG_TRAINERS_MAX, &count, err) < 0)
        return RUNG_EUSE;
    if (count == 0 && !launch->listens)
        return rung_err_set(err, RUNG_EUSE, "%s: 0 trainers, and no worker can come", what);
    launch->trainers = count == RUNG_UNSET ? rung_processors() : (size_t)count;
    return 0;
}

/* By name, for one that is not there yet, or by file. It is not opened: closing it would drop SQLite's locks.
 */
static bool is_database(const char *path, const char *database)
{
    struct stat one, other;
    return strcmp(path, database) == 0 || (stat(path, &one) == 0 && stat(database, &other) == 0 &&
                                           one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

int rung_launch_prepare(struct rung_launch *launch, const struct rung_arguments *arguments,
                        const struct rung_spec *spec, const char *database, struct rung_err *err)
{
    const char *limit = rung_options_value(arguments, "time-limit");

    *launch = (struct rung_launch){.time_limit = INFINITY,
                                   .quiet = rung_options_has(arguments, "quiet"),
                                   .events_path = rung_options_value(arguments, "events")};
    if (read_listen(launch, arguments, err) < 0 || count_trainers(launch, arguments, spec, err) < 0)
        return RUNG_EUSE;
    if (limit && !rung_spec_duration_text(limit, &launch->time_limit))
        return rung_err_set(err, RUNG_EUSE, "--time-limit: \"%s\" is no duration such as 90, 10m or 2h",
                            limit);
    if (launch->events_path && is_database(launch->events_path, database))
        return rung_err_set(err, RUNG_EUSE, "--events %s: is the database", launch->events_path);
    if (launch->events_path) {
        launch->events_made = strcmp(launch->events_path, "-") != 0 && access(launch->events_path, F_OK) < 0;
        if (rung_events_open(&launch->events, launch->events_path, err) < 0) {
            launch->events_made = false;
            return err->code;
        }
    }
    return 0;
}

void rung_launch_free(struct rung_launch *launch)
{
    rung_events_close(launch->events);
    launch->events = NULL;
}

void rung_launch_cancel(struct rung_launch *launch)
{
    rung_launch_free(launch);
    if (launch->events_made)
        unlink(launch->events_path);
}

/* ---- the record ---- */

int rung_launch_record(struct rung_record **record, struct rung_store *store, char *name,
                       const struct rung_specfile *file, const struct rung_search *search,
                       struct rung_err *err)
{
    const struct rung_spec *spec = file->spec;
    char host[256] = "";
    char minimize[] = "minimize", maximize[] = "maximize", version[] = RUNG_VERSION, running[] = "running";
    char *algorithm = rung_mem_strdup(rung_algorithm_name(spec->search.algorithm));

    gethostname(host, sizeof host - 1);
    struct rung_search_row row = {.name = name,
                                  .status = running,
                                  .spec = file->text,
                                  .folder = file->folder,
                                  .algorithm = algorithm,
                                  .goal = spec->search.maximize ? maximize : minimize,
                                  .metric = spec->metric,
                                  .version = version,
                                  .host = host,
                                  .program = file->program,
                                  .started_at = rung_clock_wall(),
                                  .finished_at = NAN};
    int code = rung_record_create(record, store, &row, rung_search_plan(search), spec->space,
                                  spec->search.seed, err);
    free(algorithm);
    return code == 0 ? rung_store_commit(store, err) : code;
}

/* ---- the run ---- */

static struct rung_timeleft *follow(const struct rung_launch *launch, const struct rung_launch_search *search)
{
    struct rung_timeleft_options options = {.spec = search->spec,
                                            .search = search->search,
                                            .trainers = launch->trainers > 0 ? launch->trainers : 1,
                                            .elapsed_before = search->elapsed,
                                            .time_limit = launch->time_limit,
                                            .now = rung_clock_wall(),
                                            .store = search->store,
                                            .name = search->name};

    return rung_timeleft_create(&options);
}

static int run_session(struct rung_launch *launch, struct rung_launch_search *search,
                       struct rung_session_result *result, struct rung_err *err)
{
    enum rung_progress_mode mode = rung_progress_mode(STDERR_FILENO);
    struct rung_progress *progress = NULL;
    struct rung_timeleft *timeleft = NULL;
    struct rung_watcher watchers[3];
    struct rung_session_options options = {.spec = search->spec,
                                           .store = search->store,
                                           .record = search->record,
                                           .search = search->search,
                                           .name = search->name,
                                           .folder = search->folder,
                                           .trainers = launch->trainers,
                                           .listen = launch->listens ? &launch->listen : NULL,
                                           .elapsed_before = search->elapsed,
                                           .time_limit = launch->time_limit,
                                           .watchers = watchers,
                                           .display_hz = FRAMES_A_SECOND};

    if (launch->events)
        watchers[options.watcher_count++] = rung_events_watcher(launch->events);
    if (!launch->quiet || search->spec->search.priority == RUNG_PRIORITY_CRITICAL) {
        timeleft = follow(launch, search);
        watchers[options.watcher_count++] = rung_timeleft_watcher(timeleft);
        options.expect = rung_timeleft_expect;
        options.expect_context = timeleft;
    }
    if (!launch->quiet) {
        progress = rung_progress_create(STDERR_FILENO, mode, search->name, search->database, search->search);
        rung_progress_forecasts(progress, rung_timeleft_fill, timeleft);
        watchers[options.watcher_count++] = rung_progress_watcher(progress);
        if (mode == RUNG_PROGRESS_LIVE) {
            options.display = rung_progress_display;
            options.display_context = progress;
        }
    }
    int code = rung_session_run(&options, result, err);
    rung_progress_free(progress);
    rung_timeleft_free(timeleft);
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
    struct rung_finish finish = {search->database, search->name, search->named, false, ending_file(launch)};
    struct rung_session_result result = {0};
    struct rung_err print_err;
    int code = run_session(launch, search, &result, err);

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
    } else if (!err->way_out[0]) {
        rung_finish_way_out(&finish, "resume", err);
    }
    rung_finish_on_end(&finish, search->spec->on_end, search->folder);
    return code;
}

int rung_launch_print(const struct rung_launch_search *search, bool quiet, struct rung_err *err)
{
    struct rung_finish finish = {search->database, search->name, search->named, true, stdout};

    return quiet ? 0 : rung_finish_print(&finish, err);
}
