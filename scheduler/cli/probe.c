/*
 * Probes are small searches by successive halving: models that run for 1, 2, 4, … calls give both the seconds
 * per job and those per call, and scores at several calls.
 */
#include "cli/probe.h"

#include "base/mem.h"
#include "cli/human.h"
#include "cli/newsearch.h"
#include "cli/processors.h"
#include "cli/recorded.h"
#include "cli/scratch.h"
#include "cli/stored.h"
#include "core/space.h"
#include "cost/design.h"
#include "cost/features.h"
#include "dispatch/clock.h"
#include "dispatch/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES     256 /* models of the search from which those to measure are chosen */
#define MODELS         12  /* that are measured */
#define DOUBLINGS      3   /* of the calls of half of the models each time: 1, 2, 4, 8 */
#define ENOUGH_SECONDS 1.0 /* of training */
#define STRETCH        8   /* times as many calls in the next round, when it was not enough */
#define ROUNDS         8
#define LIMIT_SECONDS  30.0 /* after which no job begins: who has slow calls must not wait for all of them */

struct probe {
    const struct rung_specfile *file;
    struct rung_json *models[CANDIDATES]; /* parameters of the first models of the search */
    size_t candidates;
    size_t chosen[MODELS], count; /* ascending */
    bool used[CANDIDATES];
    char *folder;
    bool measured[CANDIDATES];
    size_t calls, jobs; /* in all */
    bool ready;         /* a trainer was */
    double seconds;     /* of training, in rounds with as many calls as the last one */
    double until;       /* monotonic clock: no job begins after it */
};

/* ---- which models ---- */

static void draw_candidates(struct probe *probe)
{
    const struct rung_spec *spec = probe->file->spec;
    int64_t limit = rung_space_limit(spec->space);
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    probe->candidates = limit < CANDIDATES ? (size_t)limit : CANDIDATES;
    for (size_t k = 0; k < probe->candidates; k++) {
        rung_buf_clear(&text);
        rung_space_draw(spec->space, spec->search.seed, (uint32_t)k, &text);
        probe->models[k] = rung_json_parse(text.data, text.length, 0, NULL);
    }
    rung_buf_free(&text);
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return (x > y) - (x < y);
}

static void take(struct probe *probe, size_t place, size_t model)
{
    probe->chosen[place] = model;
    probe->used[model] = true;
}

/* The models with the largest weights of the D-optimal design over intercept and hyperparameters. */
static int choose(struct probe *probe, struct rung_err *err)
{
    struct rung_features *features = rung_features_create();

    for (size_t k = 0; k < probe->candidates; k++)
        rung_features_learn(features, probe->models[k]);
    size_t columns = rung_features_count(features) + 1, rows = probe->candidates;
    double *matrix = rung_mem_zalloc(rows * columns, sizeof *matrix);
    double *row = rung_mem_zalloc(columns, sizeof *row);
    double *costs = rung_mem_zalloc(rows, sizeof *costs);
    for (size_t k = 0; k < rows; k++) {
        rung_features_encode(features, probe->models[k], row + 1);
        row[0] = costs[k] = 1;
        for (size_t c = 0; c < columns; c++)
            matrix[k + c * rows] = row[c];
    }
    probe->count = rows < MODELS ? rows : MODELS;
    struct rung_design design;
    int code =
        rung_design_optimise(&design, matrix, costs, rows, columns, (double)probe->count, RUNG_DESIGN_D, err);
    size_t *order = rung_mem_zalloc(rows, sizeof *order);
    if (code == 0)
        rung_design_pick(&design, -1, order); /* all of them, those of the largest weights first */
    for (size_t i = 0; i < probe->count; i++)
        take(probe, i, order[i]);
    if (code == 0)
        qsort(probe->chosen, probe->count, sizeof *probe->chosen, by_number);
    rung_design_free(&design);
    rung_features_free(features);
    free(matrix);
    free(row);
    free(order);
    free(costs);
    return code;
}

/* The next ones of the search: those of a design are at the ends of the space, where few of the others are.
 * False: there are no more. */
static bool choose_others(struct probe *probe)
{
    size_t count = 0;

    for (size_t k = 0; k < probe->candidates && count < MODELS; k++)
        if (!probe->used[k])
            take(probe, count++, k);
    if (count > 0)
        probe->count = count;
    return count > 0;
}

/* ---- one round ---- */

/* The spec of a search over the chosen models alone: first_calls, doubled DOUBLINGS times for half of them.
 */
static struct rung_json *round_spec(const struct probe *probe, int64_t first_calls)
{
    static const char *const dropped[] = {"parameters", "first", "configurations", "on_end", "search"};
    struct rung_json *json = rung_json_new_object(), *search = rung_json_new_object();
    struct rung_json *models = rung_json_new_array(), *limits = rung_json_new_object();

    for (struct rung_json *v = rung_json_first(probe->file->json); v; v = rung_json_next(v)) {
        bool drop = strcmp(rung_json_key(v), "limits") == 0 || strcmp(rung_json_key(v), "name") == 0;
        for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
            drop = drop || strcmp(rung_json_key(v), dropped[i]) == 0;
        if (!drop)
            rung_json_set(json, rung_json_key(v), rung_json_copy(v));
    }
    for (size_t i = 0; i < probe->count; i++)
        rung_json_push(models, rung_json_copy(probe->models[probe->chosen[i]]));
    const struct rung_json *given = rung_json_get(probe->file->json, "limits");
    for (struct rung_json *v = given ? rung_json_first(given) : NULL; v; v = rung_json_next(v))
        if (strcmp(rung_json_key(v), "job_timeout") == 0 || strcmp(rung_json_key(v), "start_timeout") == 0)
            rung_json_set(limits, rung_json_key(v), rung_json_copy(v));
    rung_json_set(search, "algorithm", rung_json_new_string("successive_halving"));
    rung_json_set(search, "models", rung_json_new_number((double)probe->count));
    rung_json_set(search, "first_calls", rung_json_new_number((double)first_calls));
    rung_json_set(search, "max_iter", rung_json_new_number((double)(first_calls << DOUBLINGS)));
    rung_json_set(search, "aggressiveness", rung_json_new_number(2));
    rung_json_set(search, "seed", rung_json_new_number((double)probe->file->spec->search.seed));
    rung_json_set(json, "name", rung_json_new_string("probe"));
    rung_json_set(json, "configurations", models);
    rung_json_set(json, "search", search);
    rung_json_set(json, "limits", limits);
    return json;
}

struct heard {
    char reason[200]; /* of the last failure */
    bool ready;       /* a trainer was, for a job */
};

static void hear(void *context, const struct rung_note *note)
{
    struct heard *last = context;

    if (note->type == RUNG_NOTE_FAILURE && note->reason)
        snprintf(last->reason, sizeof last->reason, "%s", note->reason);
    last->ready = last->ready || note->type == RUNG_NOTE_JOB;
}

/* What a limit stopped has told something, or learn_round says that it has not. */
static int judge_round(const struct rung_session_result *result, const struct heard *last,
                       struct rung_err *err)
{
    struct rung_buf why;

    if (result->end == RUNG_END_INTERRUPTED)
        return rung_err_set(err, RUNG_EINT, "interrupted");
    if (result->end == RUNG_END_LIMIT || result->best != RUNG_NO_MODEL)
        return 0;
    rung_buf_init(&why, RUNG_BUF_UNLIMITED);
    rung_human_text(&why, last->reason);
    int code = rung_err_set(err, RUNG_EFAIL, "%s%s%s",
                            result->reason[0] ? result->reason : "no model came to a score",
                            last->reason[0] ? "; last failure: " : "", rung_buf_cstr(&why));
    rung_buf_free(&why);
    return code;
}

static int run_round(struct probe *probe, const struct rung_specfile *file, const char *database,
                     struct rung_err *err)
{
    struct heard last = {.ready = false};
    struct rung_watcher watcher = {.context = &last, .note = hear};
    struct rung_store *store = NULL;
    struct rung_record *record = NULL;
    struct rung_search *search = NULL;
    struct rung_session_result result = {0};
    struct rung_newsearch what = {file->spec, file->text, file->folder, file->program};
    char name[] = "probe";
    int code;

    if ((code = rung_search_create(&search, &file->spec->search, err)) < 0 ||
        (code = rung_store_open(&store, database, RUNG_STORE_CREATE, err)) < 0 ||
        (code = rung_newsearch_record(&record, store, name, &what, search, false, err)) < 0)
        goto out;
    size_t trainers = file->spec->trainer.count > 0 ? (size_t)file->spec->trainer.count : rung_processors();
    struct rung_session_options options = {.spec = file->spec,
                                           .store = store,
                                           .record = record,
                                           .search = search,
                                           .name = name,
                                           .folder = file->folder,
                                           .trainers = trainers,
                                           .time_limit = fmax(0, probe->until - rung_clock_monotonic()),
                                           .watchers = &watcher,
                                           .watcher_count = 1};
    code = rung_session_run(&options, &result, err);
    probe->ready = probe->ready || last.ready;
    if (code == 0)
        code = judge_round(&result, &last, err);
out:
    rung_record_free(record);
    rung_store_close(store);
    rung_search_free(search);
    return code;
}

static void count_round(struct probe *probe, const struct rung_recording *recording)
{
    for (size_t k = 0; k < recording->model_count; k++)
        for (int64_t i = recording->models[k].first; i >= 0; i = recording->jobs[i].next) {
            const struct rung_recorded_job *job = &recording->jobs[i];
            if (job->kind != RUNG_EVENT_RESULT)
                continue;
            probe->measured[probe->chosen[k]] = true;
            probe->calls += (size_t)(job->to - job->from);
            probe->jobs++;
            probe->seconds += isfinite(job->fit_seconds) ? job->fit_seconds : 0;
        }
}

static int learn_round(struct probe *probe, struct rung_experience *experience, const char *database,
                       struct rung_err *err)
{
    struct rung_store *store = NULL;
    struct rung_stored stored = {0};
    struct rung_recording recording = {0};
    int code;

    if ((code = rung_store_open(&store, database, RUNG_STORE_READ, err)) == 0 &&
        (code = rung_stored_load(&stored, store, NULL, err)) == 0 &&
        (code = rung_recorded_load(&recording, store, &stored, err)) == 0) {
        rung_knowledge_learn(&experience->knowledge, &recording, true);
        experience->jobs = rung_timefit_observations(experience->knowledge.time);
        count_round(probe, &recording);
    }
    rung_recording_free(&recording);
    rung_stored_free(&stored);
    rung_store_close(store);
    return code;
}

static int probe_round(struct probe *probe, struct rung_experience *experience, int round,
                       int64_t first_calls, struct rung_err *err)
{
    struct rung_specfile file = *probe->file;
    char *database = rung_mem_printf("%s/%d.db", probe->folder, round);
    struct rung_buf text;
    int code;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    file.json = round_spec(probe, first_calls);
    rung_json_write(&text, file.json);
    file.text = text.data;
    file.spec = NULL;
    if ((code = rung_spec_read(&file.spec, file.json, "probe", err)) == 0) {
        file.spec->search.examples_per_call = probe->file->spec->search.examples_per_call;
        if ((code = run_round(probe, &file, database, err)) == 0)
            code = learn_round(probe, experience, database, err);
    }
    rung_spec_free(file.spec);
    rung_json_free(file.json);
    rung_buf_free(&text);
    free(database);
    return code;
}

/* ---- the probe ---- */

static int make_folder(struct probe *probe, const char *database, struct rung_err *err)
{
    const char *slash = strrchr(database, '/');
    char *parent = slash ? rung_mem_strndup(database, (size_t)(slash - database)) : rung_mem_strdup(".");
    int code = rung_scratch_make(&probe->folder, parent, "rung-probe", err);

    free(parent);
    return code;
}

/* Longer and longer jobs, then other models: what is warmed up once and the machine's other work weigh too
 * much in short ones. */
static int rounds(struct probe *probe, struct rung_experience *experience, struct rung_err *err)
{
    int64_t longest = probe->file->spec->search.max_iter, first_calls = 1;
    int code = 0;

    for (int round = 0; round < ROUNDS && code == 0; round++) {
        code = probe_round(probe, experience, round, first_calls, err);
        if (probe->seconds >= ENOUGH_SECONDS || rung_clock_monotonic() >= probe->until)
            break;
        if (longest == 0 || first_calls * STRETCH << DOUBLINGS <= longest * 2) {
            first_calls *= STRETCH;
            probe->seconds = 0;
        } else if (!choose_others(probe)) {
            break;
        }
    }
    if (code == 0 && probe->jobs == 0) {
        code = rung_err_set(err, RUNG_EFAIL, "%s within %g s",
                            probe->ready ? "no call ended" : "no trainer was ready", LIMIT_SECONDS);
        rung_err_way_out(err, "rung run SPEC --time-limit TIME, whose database is forecast from");
    }
    return code;
}

static void say_basis(const struct probe *probe, const struct rung_experience *experience,
                      struct rung_buf *basis)
{
    int64_t models = 0;

    for (size_t k = 0; k < probe->candidates; k++)
        models += probe->measured[k];
    if (experience->jobs == 0) {
        rung_buf_text(basis, "no forecast of time: no job of the probe took a time above 0");
        return;
    }
    rung_buf_text(basis, "forecast from a probe: ");
    rung_human_count(basis, (int64_t)probe->calls, "call");
    rung_buf_text(basis, " of ");
    rung_human_count(basis, models, "model");
}

int rung_probe(struct rung_experience *experience, const struct rung_specfile *file, const char *database,
               struct rung_buf *basis, struct rung_err *err)
{
    struct probe probe = {.file = file, .until = rung_clock_monotonic() + LIMIT_SECONDS};
    int code;

    draw_candidates(&probe);
    if ((code = choose(&probe, err)) == 0 && (code = make_folder(&probe, database, err)) == 0)
        code = rounds(&probe, experience, err);
    if (code == 0)
        say_basis(&probe, experience, basis);
    else
        rung_err_prefix(err, "--probe");
    rung_scratch_remove(probe.folder);
    for (size_t k = 0; k < probe.candidates; k++)
        rung_json_free(probe.models[k]);
    return code;
}
