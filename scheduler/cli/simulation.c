/* Where a simulation's scores and durations come from, and its runs. */
#include "cli/simulation.h"

#include "base/mem.h"
#include "cli/recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEAR 0.05 /* of the best score */

/* ---- a recorded search ---- */

/* Only what the record can answer: other brackets over the same models. */
static int change_spec(struct rung_simulation_source *source, const struct rung_arguments *arguments,
                       struct rung_err *err)
{
    const struct rung_search_spec *recorded = &source->recording.spec;
    size_t cursor = 0;
    const char *assignment;
    int code = 0;

    while (code == 0 && (assignment = rung_options_each(arguments, "set", &cursor))) {
        if (strncmp(assignment, "search.", 7) != 0)
            return rung_err_set(err, RUNG_EUSE, "--set %s: of a recorded search only search.* can be changed",
                                assignment);
        code = rung_spec_override(source->stored.json, assignment, err);
    }
    if (code == 0 && cursor > 0)
        code = rung_stored_read_spec(&source->stored, err);
    if (code < 0)
        return code;
    const struct rung_search_spec *changed = &source->stored.spec->search;
    if (changed->seed != recorded->seed ||
        (changed->algorithm == RUNG_GRID) != (recorded->algorithm == RUNG_GRID))
        return rung_err_set(err, RUNG_EUSE, "--set: that draws other models, of which nothing is recorded");
    if (changed->examples_per_call != recorded->examples_per_call)
        return rung_err_set(err, RUNG_EUSE,
                            "--set: that changes the examples of a call, with which nothing is recorded");
    return 0;
}

/* Without fixed durations it is the recorded run: its start, its ending and what lay between jobs belong to
 * it. */
static void take_recorded_times(struct rung_simulation_source *source,
                                const struct rung_simulation_times *times)
{
    const struct rung_recording *recording = &source->recording;

    source->own_times = isnan(times->fit_seconds) && isnan(times->score_seconds);
    if (source->own_times) {
        source->overhead_seconds = fmax(0, recording->overhead_seconds); /* of a NaN and 0: 0 */
        source->start_seconds = fmax(0, recording->start_seconds);
        source->end_seconds = fmax(0, recording->end_seconds);
    }
    if (isfinite(times->overhead_seconds))
        source->overhead_seconds = times->overhead_seconds;
    if (isfinite(times->start_seconds))
        source->start_seconds = times->start_seconds;
    struct rung_replayed_options options = {.fit_seconds = times->fit_seconds,
                                            .score_seconds = times->score_seconds,
                                            .overhead_seconds = source->overhead_seconds,
                                            .whole = source->own_times && isnan(times->overhead_seconds),
                                            .losses = source->own_times && !times->losses,
                                            .last = times->last};
    source->replayed = rung_replayed_create(recording, &options);
}

static int open_database(struct rung_simulation_source *source, const struct rung_arguments *arguments,
                         const struct rung_simulation_times *times, struct rung_err *err)
{
    int code;

    source->recorded = true;
    if (times->model)
        return rung_err_set(err, RUNG_EUSE,
                            "--model: a recorded search has times of its own (--fit-seconds and "
                            "--score-seconds put others in their place)");
    if ((code = rung_store_open(&source->store, source->path, RUNG_STORE_READ, err)) < 0 ||
        (code = rung_stored_load(&source->stored, source->store, rung_options_value(arguments, "search"),
                                 err)) < 0 ||
        (code = rung_recorded_load(&source->recording, source->store, &source->stored, err)) < 0)
        return code;
    if (source->recording.job_count <= 1)
        return rung_err_set(err, RUNG_EUSE, "%s: %s: no results are recorded", source->path,
                            source->stored.row.name);
    if ((code = change_spec(source, arguments, err)) < 0)
        return code;
    source->name = source->stored.row.name;
    source->spec = source->stored.spec->search;
    source->max_jobs = (int64_t)source->recording.job_count;
    take_recorded_times(source, times);
    return 0;
}

/* ---- a spec ---- */

static int open_spec(struct rung_simulation_source *source, const struct rung_arguments *arguments,
                     const struct rung_simulation_times *times, struct rung_err *err)
{
    int code;

    if (rung_options_has(arguments, "search"))
        return rung_err_set(err, RUNG_EUSE, "--search: %s is no database", source->path);
    if (times->last)
        return rung_err_set(err, RUNG_EUSE, "--unknown: only of a recorded search scores can be unknown");
    if ((code = rung_timemodel_read(&source->model, times->model ? times->model : "synthetic", err)) < 0)
        return rung_err_prefix(err, "--model");
    if ((code = rung_specfile_read(&source->file, source->path, arguments, false, err)) < 0)
        return code;
    source->name = source->file.spec->name;
    source->spec = source->file.spec->search;
    if ((code = rung_plan_make(&source->plan, &source->spec, err)) < 0)
        return rung_err_prefix(err, "%s", source->path);
    if (source->plan.models == 0) {
        rung_err_set(err, RUNG_EUSE, "%s: search.models: without a number of them the search has no end",
                     source->path);
        return rung_err_way_out(err, "--set search.models=1000");
    }
    if (source->model.kind == RUNG_TIMEMODEL_ERNEST && isfinite(times->fit_seconds))
        return rung_err_set(err, RUNG_EUSE, "--fit-seconds: the model ernest has a term of its own for that");
    source->max_jobs = INT64_MAX;
    source->overhead_seconds = fmax(0, times->overhead_seconds); /* of a NaN and 0: 0 */
    source->start_seconds = fmax(0, times->start_seconds);
    source->model.seed = times->seed;
    source->model.synthetic =
        (struct rung_synthetic){.plan = &source->plan,
                                .maximize = source->spec.maximize,
                                .fit_seconds = isfinite(times->fit_seconds) ? times->fit_seconds : 1,
                                .score_seconds = fmax(0, times->score_seconds)};
    return 0;
}

/* ---- either ---- */

/* 1: by its first bytes a SQLite database, 0: anything else, negative: it cannot be read. What is read from a
 * pipe would be missing later, and no database comes through one. */
static int is_database(const char *path, struct rung_err *err)
{
    static const char magic[] = "SQLite format 3"; /* with the NUL */
    char first[sizeof magic];
    struct stat info;
    if (stat(path, &info) == 0 && S_ISFIFO(info.st_mode))
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(errno));
    ssize_t got = read(fd, first, sizeof first);
    close(fd);
    return got == (ssize_t)sizeof first && memcmp(first, magic, sizeof magic) == 0;
}

int rung_simulation_open(struct rung_simulation_source *source, const struct rung_arguments *arguments,
                         const struct rung_simulation_times *times, struct rung_err *err)
{
    *source = (struct rung_simulation_source){.path = arguments->words[0]};
    int code = is_database(source->path, err);

    if (code < 0)
        return code;
    return (code ? open_database : open_spec)(source, arguments, times, err);
}

void rung_simulation_close(struct rung_simulation_source *source)
{
    rung_replayed_free(source->replayed);
    rung_recording_free(&source->recording);
    rung_stored_free(&source->stored);
    rung_store_close(source->store);
    rung_plan_free(&source->plan);
    rung_specfile_free(&source->file);
    *source = (struct rung_simulation_source){0};
}

/* ---- a run ---- */

/* Seconds of each model, however they were spread over trainers. */
struct alone {
    double *seconds;
    size_t count, capacity;
    double longest;
};

static void add_up(void *context, double seconds, const struct rung_virtual_job *job,
                   const struct rung_virtual_outcome *outcome)
{
    struct alone *alone = context;

    (void)seconds;
    while (alone->count <= job->model) {
        alone->seconds =
            rung_mem_grow(alone->seconds, alone->count, &alone->capacity, sizeof *alone->seconds);
        alone->seconds[alone->count++] = 0;
    }
    alone->seconds[job->model] += outcome->fit_seconds + outcome->score_seconds;
    alone->longest = fmax(alone->longest, alone->seconds[job->model]);
}

/* The first point as good as the last, and as good within a share of it. */
static void find_points(struct rung_simulation_run *run, bool maximize)
{
    const struct rung_virtual_result *result = &run->result;
    double sign = maximize ? 1 : -1;

    run->best_at = run->near_at = NAN;
    if (result->point_count == 0)
        return;
    const struct rung_virtual_point *last = &result->points[result->point_count - 1];
    run->best_at = last->seconds;
    for (size_t i = 0; i < result->point_count && isnan(run->near_at); i++)
        if (sign * result->points[i].score >= sign * last->score - NEAR * fabs(last->score))
            run->near_at = result->points[i].seconds;
}

int rung_simulation_run(struct rung_simulation_run *run, struct rung_simulation_source *source,
                        const struct rung_virtual_options *options, struct rung_err *err)
{
    struct rung_virtual_options all = *options;
    struct rung_search *search;
    struct alone alone = {0};
    int code = rung_search_create(&search, &source->spec, err);

    if (code < 0)
        return rung_err_prefix(err, "%s", source->path);
    bool endless = source->spec.algorithm == RUNG_ASHA && source->spec.models == RUNG_UNSET;
    all.search = search;
    all.oracle =
        source->recorded ? rung_replayed_oracle(source->replayed) : rung_timemodel_oracle(&source->model);
    all.expect = source->recorded ? rung_replayed_expect : rung_timemodel_expect;
    all.expect_context = source->recorded ? (void *)source->replayed : (void *)&source->model;
    all.max_jobs = endless ? source->max_jobs : INT64_MAX;
    all.result = add_up;
    all.result_context = &alone;
    code = rung_virtual_run(&all, &run->result, err);
    run->trainers = options->trainers;
    run->priority = options->priority;
    run->longest = alone.longest;
    if (source->recorded)
        run->counts = rung_replayed_take_counts(source->replayed);
    if (code == 0) {
        struct rung_virtual_result *result = &run->result;
        run->seconds = result->seconds + source->end_seconds;
        result->idle_no_work += source->end_seconds * (double)options->trainers;
        run->work = result->fit_seconds + result->score_seconds + result->overhead_seconds;
        find_points(run, source->spec.maximize);
    }
    free(alone.seconds);
    rung_search_free(search);
    return code;
}

double rung_simulation_best(const struct rung_simulation_run *run)
{
    const struct rung_virtual_result *result = &run->result;
    return result->point_count > 0 ? result->points[result->point_count - 1].score : (double)NAN;
}
