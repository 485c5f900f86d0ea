/*
 * Learning curves of the AlgoPerf submissions (MLCommons, external tuning, v0.5): from the first half of a
 * run's evaluations its last score, against two baselines: the last value seen, and a power law a + b i^-c by
 * least squares. The power law is fitted twice, with and without the first evaluation (of an untrained
 * model), and for each workload whichever is better is the baseline.
 *
 * The data is looked for in $RUNG_DATA, else in ../shared/data.
 */
#include "base/mem.h"
#include "cost/curvefit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LINE 4096
#define HALF 0.5

struct workload {
    const char *name;
    bool maximize;
    double floor, cap;
};

static const struct workload workloads[] = {
    {"ogbg", true, 0, 1},         {"fastmri", true, 0, 1}, {"imagenet_resnet", true, 0, 1},
    {"imagenet_vit", true, 0, 1}, {"wmt", true, 0, 100},   {"librispeech_deepspeech", false, 0, NAN},
};
#define WORKLOADS (sizeof workloads / sizeof *workloads)

struct run {
    long id;
    unsigned setting;
    double *scores;
    size_t count, capacity;
};

struct runs {
    struct run *list;
    size_t count, capacity;
};

enum method { OURS, LAST, POWER_ALL, POWER_LATER, METHODS };

struct result { /* of a workload, in one half of the settings or all */
    size_t runs, within, above, below;
    size_t single, single_within; /* of them, runs of which one evaluation is seen */
    double error[METHODS];        /* median absolute */
};

static int failures;

static void check(bool good, const char *claim)
{
    printf("%s %s\n", good ? "ok" : "not ok", claim);
    failures += !good;
}

/* ---- the files ---- */

static int column_of(char *header, const char *name)
{
    char *rest = header, *word;

    for (int i = 0; (word = strsep(&rest, ",\r\n")) != NULL; i++)
        if (strcmp(word, name) == 0)
            return i;
    printf("there is no column %s\n", name);
    exit(1);
}

static void add_score(struct runs *runs, long id, unsigned setting, double score)
{
    struct run *run = runs->count > 0 ? &runs->list[runs->count - 1] : NULL;

    if (!run || run->id != id) {
        runs->list = rung_mem_grow(runs->list, runs->count, &runs->capacity, sizeof *runs->list);
        run = &runs->list[runs->count++];
        *run = (struct run){.id = id, .setting = setting};
    }
    run->scores = rung_mem_grow(run->scores, run->count, &run->capacity, sizeof *run->scores);
    run->scores[run->count++] = score;
}

static bool read_runs(const char *folder, const char *name, struct runs *runs)
{
    char path[LINE], line[LINE], copy[LINE];
    int run_column, setting_column, score_column;

    snprintf(path, sizeof path, "%s/algoperf-curves/%s.csv.gz", folder, name);
    gzFile file = gzopen(path, "rb");
    if (!file || !gzgets(file, line, sizeof line)) {
        if (file)
            gzclose(file);
        return false;
    }
    run_column = column_of(strcpy(copy, line), "run_id");
    setting_column = column_of(strcpy(copy, line), "config_id");
    score_column = column_of(strcpy(copy, line), "val_score");
    while (gzgets(file, line, sizeof line)) {
        char *rest = line, *word;
        long id = -1, setting = 0;
        double score = NAN;
        for (int i = 0; (word = strsep(&rest, ",\r\n")) != NULL; i++) {
            if (i == run_column)
                id = strtol(word, NULL, 10);
            else if (i == setting_column)
                setting = strtol(word, NULL, 10);
            else if (i == score_column && *word)
                score = strtod(word, NULL);
        }
        add_score(runs, id, (unsigned)setting, score);
    }
    gzclose(file);
    return true;
}

static void free_runs(struct runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        free(runs->list[i].scores);
    free(runs->list);
}

/* The settings on whose runs the constants of curvefit were chosen: 0; the others: 1. */
static int half_of(unsigned setting)
{
    return (int)((setting * 2654435761u) >> 31);
}

/* ---- the power law ---- */

struct line {
    double a, b, squares;
};

/* Least squares of y on 1 and x, with a within the bounds. */
static struct line fit_line(const double *x, const double *y, size_t count, double low, double high)
{
    double n = (double)count, sx = 0, sy = 0, sxx = 0, sxy = 0;
    struct line line = {0, 0, 0};

    for (size_t i = 0; i < count; i++) {
        sx += x[i];
        sy += y[i];
        sxx += x[i] * x[i];
        sxy += x[i] * y[i];
    }
    double spread = n * sxx - sx * sx;
    line.b = spread > 1e-14 * n * sxx ? (n * sxy - sx * sy) / spread : 0;
    line.a = (sy - line.b * sx) / n;
    if (line.a < low || line.a > high) {
        line.a = line.a < low ? low : high;
        line.b = sxx > 0 ? (sxy - line.a * sx) / sxx : 0;
    }
    for (size_t i = 0; i < count; i++)
        line.squares += pow(y[i] - line.a - line.b * x[i], 2);
    return line;
}

/* a + b i^-c through the evaluations from `first` on, 0.01 <= c <= 5: a grid of exponents, refined twice. */
static double power_law(const double *scores, size_t first, size_t seen, double at, double low, double high)
{
    enum { STEPS = 40, PASSES = 3 };
    const double least = log(0.01), most = log(5);
    double *x = rung_mem_zalloc(seen, sizeof *x), best = INFINITY, value = NAN, from = least, to = most,
           middle = 0;

    for (int pass = 0; pass < PASSES; pass++) {
        for (int step = 0; step <= STEPS; step++) {
            double log_c = from + (to - from) * step / STEPS, c = exp(log_c);
            for (size_t i = first; i < seen; i++)
                x[i] = pow((double)(i + 1), -c);
            struct line line = fit_line(x + first, scores + first, seen - first, low, high);
            if (line.squares < best) {
                best = line.squares;
                middle = log_c;
                value = line.a + line.b * pow(at, -c);
            }
        }
        double width = (to - from) / STEPS;
        from = fmax(least, middle - width);
        to = fmin(most, middle + width);
    }
    free(x);
    return fmin(fmax(value, low), high);
}

/* ---- predictions ---- */

static struct rung_curve_guess ours(const struct workload *workload, const double *scores, size_t seen,
                                    double at)
{
    struct rung_curve_point *points = rung_mem_zalloc(seen, sizeof *points);
    struct rung_curve_options options = {workload->maximize, workload->floor, workload->cap, 0};
    struct rung_curve *curve;
    struct rung_err err;

    for (size_t i = 0; i < seen; i++)
        points[i] = (struct rung_curve_point){(double)(i + 1), scores[i]};
    if (rung_curve_fit(&curve, points, seen, &options, &err) < 0) {
        printf("not ok %s\n", err.text);
        exit(1);
    }
    struct rung_curve_guess guess = rung_curve_at(curve, at);
    rung_curve_free(curve);
    free(points);
    return guess;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void predict_run(const struct workload *workload, const struct run *run, double share,
                        struct result *result, double **errors)
{
    size_t seen = (size_t)(share * (double)run->count), n = result->runs;
    double low = workload->floor, high = isnan(workload->cap) ? INFINITY : workload->cap;
    double at = (double)run->count, truth = run->scores[run->count - 1], last = run->scores[seen - 1];
    struct rung_curve_guess guess = ours(workload, run->scores, seen, at);

    errors[OURS][n] = fabs(guess.value - truth);
    errors[LAST][n] = fabs(last - truth);
    errors[POWER_ALL][n] = fabs((seen < 3 ? last : power_law(run->scores, 0, seen, at, low, high)) - truth);
    errors[POWER_LATER][n] = fabs((seen < 4 ? last : power_law(run->scores, 1, seen, at, low, high)) - truth);
    result->within += guess.low <= truth && truth <= guess.high;
    result->below += truth < guess.low;
    result->above += truth > guess.high;
    result->single += seen == 1;
    result->single_within += seen == 1 && guess.low <= truth && truth <= guess.high;
    result->runs++;
}

/* half: 0, 1 or -1: all settings */
static struct result predict(const struct workload *workload, const struct runs *runs, double share, int half)
{
    struct result result = {0};
    double *errors[METHODS];

    for (int i = 0; i < METHODS; i++)
        errors[i] = rung_mem_zalloc(runs->count, sizeof **errors);
    for (size_t i = 0; i < runs->count; i++) {
        const struct run *run = &runs->list[i];
        if ((size_t)(share * (double)run->count) > 0 && (half < 0 || half_of(run->setting) == half))
            predict_run(workload, run, share, &result, errors);
    }
    for (int i = 0; i < METHODS; i++) {
        result.error[i] = median(errors[i], result.runs);
        free(errors[i]);
    }
    return result;
}

static double power(const struct result *result)
{
    return fmin(result->error[POWER_ALL], result->error[POWER_LATER]);
}

static double covered(const struct result *result)
{
    return (double)result->within / (double)result->runs;
}

static void print_result(const char *name, const struct result *result)
{
    printf("%-24s %5zu %10.5f %10.5f %10.5f %10.5f %6.1f %7.1f %7.1f\n", name, result->runs,
           result->error[OURS], result->error[LAST], result->error[POWER_ALL], result->error[POWER_LATER],
           100 * covered(result), 100 * (double)result->above / (double)result->runs,
           100 * (double)result->below / (double)result->runs);
}

static void print_halves(const struct workload *workload, const struct runs *runs)
{
    for (int half = 0; half < 2; half++) {
        struct result result = predict(workload, runs, HALF, half);
        print_result(half == 0 ? "  settings calibrated on" : "  other settings", &result);
    }
}

int main(void)
{
    const char *data = getenv("RUNG_DATA") ? getenv("RUNG_DATA") : "../shared/data";
    size_t wins = 0, covering = 0;
    struct result sum = {0};

    printf("median absolute error of the last score, half of a run's evaluations seen; shares of last scores "
           "within the\n"
           "80 %% interval, better and worse, in %%\n");
    printf("%-24s %5s %10s %10s %10s %10s %6s %7s %7s\n", "", "runs", "forecast", "last value", "power law",
           "but first", "within", "better", "worse");
    for (size_t i = 0; i < WORKLOADS; i++) {
        struct runs runs = {0};
        if (!read_runs(data, workloads[i].name, &runs)) {
            printf("skip learning curves: algoperf-curves/%s.csv.gz is not in %s: set RUNG_DATA\n",
                   workloads[i].name, data);
            return 0;
        }
        struct result result = predict(&workloads[i], &runs, HALF, -1);
        bool better = result.error[OURS] <= fmin(result.error[LAST], power(&result));
        print_result(workloads[i].name, &result);
        print_halves(&workloads[i], &runs);
        wins += better;
        covering += covered(&result) >= 0.7 && covered(&result) <= 0.9;
        sum.runs += result.runs;
        sum.within += result.within;
        sum.single += result.single;
        sum.single_within += result.single_within;
        free_runs(&runs);
    }
    printf("%zu of %zu last scores (%.1f %%) are within their intervals; %zu of %zu where one evaluation is "
           "seen\n",
           sum.within, sum.runs, 100 * covered(&sum), sum.single_within, sum.single);
    check(wins >= 5, "forecasts are no worse than both baselines on at least five workloads of six");
    check(covered(&sum) >= 0.7 && covered(&sum) <= 0.9,
          "intervals of 80 % cover 70 to 90 % of the last scores");
    check(covering >= 5, "and so they do on at least five workloads of six");
    return failures != 0;
}
