/*
 * What a forecast costs a running search: the models of time and score fitted to 10,000 jobs of 1,000 models
 * with seven hyperparameters, and a future of the rest drawn on the virtual clock.
 */
#include "base/buf.h"
#include "core/rng.h"
#include "cost/curvefit.h"
#include "forecast/outlook.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODELS 1000
#define ROWS   10000
#define ROUNDS 7
#define DRAWS  1000000

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void add_models(struct rung_knowledge *knowledge, struct rung_rng *rng)
{
    static const char *const nets[] = {"[24]", "[12,12]", "[6,6,6,6]", "[12,6,3,3]"};
    char text[512];

    for (int k = 0; k < MODELS; k++) {
        snprintf(text, sizeof text,
                 "{\"hidden\":%s,\"alpha\":%g,\"batch\":%d,\"schedule\":\"%s\",\"rate\":%g,\"power\":%g,"
                 "\"momentum\":%g}",
                 nets[rung_rng_below(rng, 4)], exp(-7 - 7 * rung_rng_uniform(rng)),
                 32 << rung_rng_below(rng, 5), rung_rng_below(rng, 2) ? "constant" : "falling",
                 exp(-5 - 5 * rung_rng_uniform(rng)), rung_rng_uniform(rng), rung_rng_uniform(rng));
        struct rung_json *json = rung_json_parse(text, strlen(text), 0, NULL);
        rung_knowledge_model(knowledge, json, "here");
        rung_json_free(json);
    }
}

static void add_rows(struct rung_knowledge *knowledge, struct rung_rng *rng)
{
    for (int i = 0; i < ROWS; i++) {
        double calls = (double)(1 << rung_rng_below(rng, 7)), seconds = 0.01 + 0.2 * calls;
        struct rung_time_row row = {(size_t)(i % MODELS),
                                    calls,
                                    8000 * calls,
                                    1 + 3 * rung_rng_uniform(rng),
                                    seconds * exp(0.1 * rung_rng_normal(rng)),
                                    0.05 * exp(0.1 * rung_rng_normal(rng))};
        rung_knowledge_add(knowledge, &row, calls, 0.9 - 0.5 / sqrt(calls) + 0.02 * rung_rng_normal(rng));
        rung_overhead_add(&knowledge->overhead, 3e-4 * exp(0.5 * rung_rng_normal(rng)),
                          row.fit_seconds + row.score_seconds, row.sharing);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double measure_fit(struct rung_knowledge *knowledge, struct rung_rng *rng)
{
    double took[ROUNDS];

    for (int round = 0; round < ROUNDS; round++) {
        rung_knowledge_init(knowledge);
        add_models(knowledge, rng);
        add_rows(knowledge, rng);
        double started = now();
        if (rung_knowledge_fit(knowledge, NULL) < 0)
            exit(1);
        took[round] = now() - started;
        if (round < ROUNDS - 1)
            rung_knowledge_free(knowledge);
    }
    qsort(took, ROUNDS, sizeof *took, compare);
    return took[ROUNDS / 2];
}

/* What a simulated job costs: its time predicted and its score drawn. */
static double measure_draw(const struct rung_knowledge *knowledge)
{
    double started = now(), sum = 0;

    for (int i = 0; i < DRAWS; i++) {
        size_t model = (size_t)i % MODELS;
        double calls = 1 + i % 100;
        sum += rung_timefit_train(knowledge->time, model, calls, NAN, 1).seconds;
        sum += rung_scorefit_draw(knowledge->score, model, calls, (uint64_t)i);
    }
    double took = now() - started;
    if (!isfinite(sum))
        exit(1);
    return took / DRAWS;
}

/* One thousand models in brackets: the future of a whole search. */
static double measure_outlook(const struct rung_knowledge *knowledge, struct rung_outlook *outlook)
{
    struct rung_search_spec spec = {.algorithm = RUNG_HYPERBAND,
                                    .max_iter = 729,
                                    .aggressiveness = 3,
                                    .tol = NAN,
                                    .maximize = true,
                                    .models = RUNG_UNSET,
                                    .first_calls = 1,
                                    .examples_per_call = 8000};
    size_t cast[MODELS];

    for (size_t k = 0; k < MODELS; k++)
        cast[k] = k;
    struct rung_outlook_options options = {.knowledge = knowledge,
                                           .spec = &spec,
                                           .cast = cast,
                                           .cast_count = MODELS,
                                           .priority = RUNG_PRIORITY_SCORE,
                                           .trainers = 16,
                                           .draws_max = 16,
                                           .jobs_max = 20000};
    double started = now();
    if (rung_outlook_make(outlook, &options, NULL) < 0)
        exit(1);
    return now() - started;
}

static double measure_curve(struct rung_rng *rng)
{
    struct rung_curve_point points[100];
    struct rung_curve_options options = {.maximize = true, .floor = NAN, .cap = NAN};
    double started = now();

    for (int round = 0; round < 100; round++) {
        struct rung_curve *curve;
        for (int i = 0; i < 100; i++)
            points[i] =
                (struct rung_curve_point){i + 1, 0.9 - 0.5 / sqrt(i + 1) + 0.003 * rung_rng_normal(rng)};
        if (rung_curve_fit(&curve, points, 100, &options, NULL) < 0)
            exit(1);
        rung_curve_free(curve);
    }
    return (now() - started) / 100;
}

int main(void)
{
    struct rung_knowledge knowledge;
    struct rung_outlook outlook;
    struct rung_rng rng;

    openblas_set_num_threads(1);
    rung_rng_init(&rng, 1, 0, "refit");
    printf("refit: %.1f ms for the models of time and score of %d jobs of %d models\n",
           1e3 * measure_fit(&knowledge, &rng), ROWS, MODELS);
    printf("refit: %.0f ns to predict the time of a job and draw its score\n",
           1e9 * measure_draw(&knowledge));
    double took = measure_outlook(&knowledge, &outlook);
    printf("refit: %.1f ms for %zu futures of a search of %.0f jobs each\n", 1e3 * took, outlook.draws,
           outlook.scores);
    printf("refit: %.2f ms for a learning curve of 100 points\n", 1e3 * measure_curve(&rng));
    rung_outlook_free(&outlook);
    rung_knowledge_free(&knowledge);
    return 0;
}
