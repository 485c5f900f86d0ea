/*
 * How fast the virtual clock is on one processor: simulated jobs a second, beside what the core and its job
 * queue alone can do, and the time and memory of large searches, each in a process of its own.
 */
#include "../virtual_help.h"

#include "core/jobq.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_LEAST 0.5

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The jobs of the search, each ended as soon as it is handed out: no clock, no trainers. */
static int64_t step_alone(const struct rung_search_spec *spec)
{
    struct rung_search *search = help_search(spec);
    struct rung_jobq *queue = rung_jobq_create(search, spec->priority);
    struct rung_synthetic synthetic = {.plan = rung_search_plan(search), .maximize = true};
    struct rung_event event = help_start();
    struct rung_decisions decisions = {0};
    int64_t jobs = 0;
    uint32_t model;
    help_step(search, &event, &decisions);
    rung_jobq_apply(queue, &decisions, 1);
    while ((model = rung_jobq_peek(queue)) != RUNG_NO_MODEL) {
        struct rung_model_view view = rung_search_model(search, model);
        rung_jobq_remove(queue, model);
        event = help_result(model, view.target,
                            rung_synthetic_score(&synthetic, model, view.bracket, view.target));
        help_step(search, &event, &decisions);
        rung_jobq_apply(queue, &decisions, 1);
        jobs++;
    }
    rung_decisions_free(&decisions);
    rung_jobq_free(queue);
    rung_search_free(search);
    return jobs;
}

static struct rung_virtual_result simulate(const struct rung_search_spec *spec, enum rung_virtual_unit unit,
                                           size_t trainers)
{
    struct help_virtual help;
    help_virtual_open(&help, spec, trainers);
    help.options.unit = unit;
    help_virtual_run(&help);
    struct rung_virtual_result result = help.result;
    help_virtual_close(&help);
    return result;
}

/* Repeats what returns a number of jobs; jobs a second. */
static double rate(const struct rung_search_spec *spec, size_t trainers)
{
    double started = now(), seconds;
    int64_t jobs = 0;
    do {
        jobs += trainers > 0 ? simulate(spec, RUNG_UNIT_JOB, trainers).jobs : step_alone(spec);
        seconds = now() - started;
    } while (seconds < SECONDS_LEAST);
    return (double)jobs / seconds;
}

static void measure_rate(const char *name, struct rung_search_spec spec, enum rung_priority priority,
                         size_t trainers)
{
    spec.priority = priority;
    double simulated = rate(&spec, trainers);
    printf("simulate: %.0f jobs/s for %s, %s, on %zu trainers", simulated, name, rung_priority_name(priority),
           trainers);
    if (spec.algorithm != RUNG_ASHA) { /* whose jobs depend on who asks when */
        double alone = rate(&spec, 0);
        printf(" (%.2f of the %.0f of core and queue alone)", simulated / alone, alone);
    }
    printf("\n");
}

/* In a child, so that its peak of memory is its own. */
static void measure_large(const char *name, const struct rung_search_spec *spec, enum rung_virtual_unit unit,
                          size_t trainers)
{
    struct rusage usage;
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        double started = now();
        struct rung_virtual_result result = simulate(spec, unit, trainers);
        printf("simulate: %.2f s for %s, unit %s, on %zu trainers: %lld models, %lld jobs, %lld calls",
               now() - started, name, unit == RUNG_UNIT_JOB ? "job" : "call", trainers,
               (long long)result.models, (long long)result.jobs, (long long)result.calls);
        fflush(stdout);
        _exit(result.done ? 0 : 1);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status != 0) {
        printf("\nsimulate: %s came to nothing\n", name);
        exit(1);
    }
    printf("; peak %.0f MB\n", (double)usage.ru_maxrss / 1024);
}

int main(void)
{
    struct rung_search_spec medium = help_spec(6561, 3), large = help_spec(59049, 3), patient = medium,
                            asha = help_spec(729, 3), random = help_spec(100, 3),
                            huge = help_spec(1594323, 3);
    patient.patience = 2187;
    asha.algorithm = RUNG_ASHA;
    asha.models = 1000000;
    random.algorithm = RUNG_RANDOM;
    random.models = 1000000;
    for (int priority = RUNG_PRIORITY_SCORE; priority <= RUNG_PRIORITY_CRITICAL; priority++) {
        measure_rate("hyperband (59049,3)", large, (enum rung_priority)priority, 16);
        measure_rate("hyperband (59049,3)", large, (enum rung_priority)priority, 10000);
    }
    measure_rate("hyperband (6561,3) with patience", patient, RUNG_PRIORITY_SCORE, 16);
    measure_rate("random search of 1000000 models", random, RUNG_PRIORITY_SCORE, 100000);
    measure_rate("asha of 1000000 models (729,3)", asha, RUNG_PRIORITY_SCORE, 1000);
    measure_large("hyperband (59049,3)", &large, RUNG_UNIT_JOB, 10000);
    measure_large("hyperband (59049,3)", &large, RUNG_UNIT_CALL, 10000);
    measure_large("hyperband (1594323,3)", &huge, RUNG_UNIT_JOB, 100000);
    measure_large("asha of 1000000 models (729,3)", &asha, RUNG_UNIT_JOB, 100000);
    return 0;
}
