/*
 * What recording a result costs, in processor time of this process: the event, its model, the trainer that
 * ran it, and the commit. And what a history of a million costs in file and WAL.
 */
#include "base/err.h"
#include "core/space.h"
#include "store/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RESULTS  200000
#define MODELS   20000
#define TRAINERS 2

struct bench {
    char folder[300], path[320];
    struct rung_store *store;
    struct rung_record *record;
    struct rung_space *space;
    int64_t trainers[TRAINERS];
    struct rung_err err;
};

static void need(struct bench *bench, int rc)
{
    if (rc == 0)
        return;
    fprintf(stderr, "store: %s\n", bench->err.text);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct rung_space *some_space(struct bench *bench)
{
    static const char text[] =
        "{\"alpha\":{\"log_uniform\":[1e-6,1e-3]},\"batch_size\":{\"choice\":[32,64,128]},"
        "\"hidden\":{\"choice\":[[24],[12,12]]},\"momentum\":{\"uniform\":[0,1]}}";
    struct rung_json *json = rung_json_parse(text, sizeof text - 1, 0, &bench->err);
    struct rung_space *space = NULL;
    need(bench, json ? rung_space_read(&space, json, NULL, NULL, false, &bench->err) : RUNG_EFAIL);
    rung_json_free(json);
    return space;
}

static void open_bench(struct bench *bench)
{
    struct rung_plan_rung rung = {.models = MODELS, .calls = RESULTS};
    struct rung_plan_bracket bracket = {.rung_count = 1, .rungs = &rung, .calls = RESULTS, .scores = RESULTS};
    struct rung_plan plan = {.bracket_count = 1, .brackets = &bracket, .models = MODELS, .calls = RESULTS};
    struct rung_search_row row = {.name = "bench", .spec = "{}", .goal = "maximize", .started_at = 1.7e9};
    const char *top = getenv("TMPDIR");
    snprintf(bench->folder, sizeof bench->folder, "%s/rung-bench-XXXXXX", top ? top : "/tmp");
    if (!mkdtemp(bench->folder)) {
        perror(bench->folder);
        exit(1);
    }
    snprintf(bench->path, sizeof bench->path, "%s/bench.db", bench->folder);
    bench->space = some_space(bench);
    need(bench, rung_store_open(&bench->store, bench->path, RUNG_STORE_CREATE, &bench->err));
    need(bench, rung_record_create(&bench->record, bench->store, &row, &plan, bench->space, 1, &bench->err));
    for (int64_t i = 0; i < TRAINERS; i++)
        need(bench, rung_record_trainer_join(bench->record, i, "host", "local", NULL, 1.7e9,
                                             &bench->trainers[i], &bench->err));
    struct rung_decisions decisions = {0};
    for (uint32_t i = 0; i < MODELS; i++)
        rung_decisions_add(&decisions, &(struct rung_decision){.kind = RUNG_DECISION_MODEL, .model = i});
    struct rung_event start = {.kind = RUNG_EVENT_START};
    need(bench, rung_record_append(bench->record, &start, &decisions, NULL, &bench->err));
    need(bench, rung_store_commit(bench->store, &bench->err));
    rung_decisions_free(&decisions);
}

static void record_result(struct bench *bench, uint32_t i)
{
    static const struct rung_decisions none;
    struct rung_event event = {
        .kind = RUNG_EVENT_RESULT, .model = i % MODELS, .calls = 1 + i / MODELS, .score = sqrt((double)i)};
    struct rung_result_facts facts = {.rung = 0,
                                      .metrics = "{\"loss\":0.123456789}",
                                      .fit_seconds = 0.0123,
                                      .score_seconds = 0.00123,
                                      .examples = 8361,
                                      .trainer = i % TRAINERS,
                                      .state_bytes = RUNG_NO_VALUE,
                                      .elapsed = i * 1e-4,
                                      .at = 1.7e9 + i * 1e-4};
    need(bench, rung_record_append(bench->record, &event, &none, &facts, &bench->err));
    need(bench, rung_record_trainer_job(bench->record, bench->trainers[i % TRAINERS], (i + 1) % MODELS, i,
                                        i * 1e-5, &bench->err));
}

static long long file_size(const char *path, const char *suffix)
{
    char name[330];
    struct stat info;
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &info) == 0 ? (long long)info.st_size : 0;
}

static void close_bench(struct bench *bench)
{
    rung_record_free(bench->record);
    rung_store_close(bench->store);
    rung_space_free(bench->space);
    unlink(bench->path);
    rmdir(bench->folder);
}

static double measure(int every, double *wall, long long *wal, long long *file)
{
    struct bench bench = {0};
    open_bench(&bench);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), start = seconds(CLOCK_MONOTONIC);
    *wal = 0;
    for (uint32_t i = 0; i < RESULTS; i++) {
        record_result(&bench, i);
        if ((i + 1) % (uint32_t)every == 0)
            need(&bench, rung_store_commit(bench.store, &bench.err));
    }
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    *wall = (seconds(CLOCK_MONOTONIC) - start) / RESULTS * 1e6;
    *wal = file_size(bench.path, "-wal");
    *file = file_size(bench.path, "");
    close_bench(&bench);
    return cpu / RESULTS * 1e6;
}

int main(void)
{
    static const int every[] = {1, 2, 10};
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        double wall;
        long long wal, file;
        double cpu = measure(every[i], &wall, &wal, &file);
        printf("store: %.1f µs per recorded result (commit every %d); wall %.1f µs, WAL %.0f MB, %.0f bytes "
               "of file a "
               "result\n",
               cpu, every[i], wall, (double)wal / 1e6, (double)file / RESULTS);
        fflush(stdout);
    }
    return 0;
}
