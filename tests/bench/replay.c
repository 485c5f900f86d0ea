/*
 * How long a resume takes to fold a history back into its search: a million results, once from few models
 * that report often, once from many that report seldom.
 */
#include "store/replay.h"
#include "base/err.h"
#include "core/search.h"
#include "store/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RESULTS 1000000
#define COMMIT  10000

struct bench {
    char folder[300], path[320];
    struct rung_store *store;
    struct rung_record *record;
    struct rung_space *space;
    struct rung_search *search;
    struct rung_decisions step;
    struct rung_decision *jobs;
    size_t job_count, taken;
    struct rung_err err;
};

static void need(struct bench *bench, int rc)
{
    if (rc == 0)
        return;
    fprintf(stderr, "replay: %s\n", bench->err.text);
    exit(1);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void read_space(struct bench *bench)
{
    static const char text[] = "{\"alpha\":{\"uniform\":[0,1]}}";
    struct rung_json *json = rung_json_parse(text, sizeof text - 1, 0, &bench->err);
    need(bench, json ? rung_space_read(&bench->space, json, NULL, NULL, false, &bench->err) : RUNG_EFAIL);
    rung_json_free(json);
}

static void make_folder(struct bench *bench)
{
    const char *top = getenv("TMPDIR");
    snprintf(bench->folder, sizeof bench->folder, "%s/rung-replay-XXXXXX", top ? top : "/tmp");
    if (!mkdtemp(bench->folder)) {
        perror(bench->folder);
        exit(1);
    }
    snprintf(bench->path, sizeof bench->path, "%s/a.db", bench->folder);
}

static void step(struct bench *bench, const struct rung_event *event, const struct rung_result_facts *facts)
{
    rung_decisions_clear(&bench->step);
    need(bench, rung_search_step(bench->search, event, &bench->step, &bench->err));
    need(bench, rung_record_append(bench->record, event, &bench->step, facts, &bench->err));
    for (size_t i = 0; i < bench->step.count; i++)
        if (bench->step.items[i].kind == RUNG_DECISION_TRAIN && bench->job_count < 2 * RESULTS)
            bench->jobs[bench->job_count++] = bench->step.items[i];
}

static void answer(struct bench *bench, int64_t i)
{
    struct rung_decision job = bench->jobs[bench->taken++];
    struct rung_event event = {.kind = RUNG_EVENT_RESULT,
                               .model = job.model,
                               .calls = job.to,
                               .score = fmod(job.model * 0.6180339887 + (double)job.to * 1e-4, 1)};
    struct rung_result_facts facts = {.rung = job.rung,
                                      .metrics = "{\"loss\":0.123456789}",
                                      .fit_seconds = 0.0123,
                                      .score_seconds = 0.00123,
                                      .examples = 8361,
                                      .state_bytes = 5000,
                                      .elapsed = (double)i * 1e-3,
                                      .at = 1.7e9 + (double)i * 1e-3};
    step(bench, &event, &facts);
    if (i % COMMIT == 0)
        need(bench, rung_store_commit(bench->store, &bench->err));
}

static void record(struct bench *bench, const struct rung_search_spec *spec)
{
    struct rung_search_row row = {.name = "bench", .spec = "{}", .goal = "maximize", .started_at = 1.7e9};
    struct rung_event start = {.kind = RUNG_EVENT_START};
    make_folder(bench);
    read_space(bench);
    bench->jobs = calloc(2 * RESULTS, sizeof *bench->jobs);
    need(bench, rung_search_create(&bench->search, spec, &bench->err));
    need(bench, rung_store_open(&bench->store, bench->path, RUNG_STORE_CREATE, &bench->err));
    need(bench, rung_record_create(&bench->record, bench->store, &row, rung_search_plan(bench->search),
                                   bench->space, 1, &bench->err));
    step(bench, &start, NULL);
    for (int64_t i = 1; i <= RESULTS && bench->taken < bench->job_count; i++)
        answer(bench, i);
    need(bench, rung_store_commit(bench->store, &bench->err));
}

static void replay(const char *title, const struct rung_search_spec *spec)
{
    struct bench bench = {0};
    record(&bench, spec);
    int64_t rows = rung_record_results(bench.record);
    rung_record_free(bench.record);
    rung_store_close(bench.store);
    need(&bench, rung_store_open(&bench.store, bench.path, RUNG_STORE_WRITE, &bench.err));
    struct rung_search *again;
    double start = seconds();
    need(&bench, rung_search_create(&again, spec, &bench.err));
    need(&bench, rung_replay(bench.store, 1, again, &bench.err));
    printf("replay: %lld rows in %.2f s (%s)\n", (long long)rows, seconds() - start, title);
    if (rung_search_leader(again) != rung_search_leader(bench.search)) {
        fprintf(stderr, "replay: another leader\n");
        exit(1);
    }
    rung_store_close(bench.store);
    rung_search_free(again);
    rung_search_free(bench.search);
    rung_space_free(bench.space);
    rung_decisions_free(&bench.step);
    free(bench.jobs);
    unlink(bench.path);
    rmdir(bench.folder);
}

int main(void)
{
    struct rung_search_spec spec = {.algorithm = RUNG_INCREMENTAL,
                                    .max_iter = 50,
                                    .aggressiveness = 3,
                                    .models = RESULTS / 50,
                                    .first_calls = 1,
                                    .fits_per_score = 1,
                                    .decay_rate = NAN,
                                    .tol = 0.001,
                                    .maximize = true};
    replay("incremental, 20000 models, a score at each of 50 calls", &spec);
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = RESULTS / 3 * 2;
    spec.max_iter = RUNG_UNSET;
    replay("successive halving, 666666 models", &spec);
    return 0;
}
