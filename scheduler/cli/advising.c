/* Fits what histories tell and asks cost/advise.h. */
#include "cli/advising.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET  1e-4 /* curves are fitted as far as there, or as far as the goal */
#define DEGREES 3    /* that must have been seen before anything is said of others */

/* What is known of one algorithm. */
struct model {
    const struct rung_degrees_algorithm *algorithm;
    struct rung_hemingway fit;
    bool fitted;
    char why[256]; /* it is not */
    struct rung_ernest time;
    bool timed;
    char why_not_timed[256];
};

struct work {
    const struct rung_degrees *degrees;
    const struct rung_advising_request *request;
    struct rung_advising *out;
    struct model *models;
    struct rung_hemingway_options options;
};

/* ---- curves ---- */

/* The middle and the ends of the interval as curves. */
static double middle(const void *fit, double iteration, double machines)
{
    return rung_hemingway_log(fit, iteration, machines).value;
}

static double low_end(const void *fit, double iteration, double machines)
{
    return rung_hemingway_log(fit, iteration, machines).low;
}

static double high_end(const void *fit, double iteration, double machines)
{
    return rung_hemingway_log(fit, iteration, machines).high;
}

/* Not nearer than the goal, nor coarser than the losses' own scale. */
static double target_of(const struct work *work)
{
    double most = -INFINITY, least = INFINITY, target = TARGET;

    for (size_t k = 0; k < work->degrees->count; k++) {
        const struct rung_degrees_algorithm *algorithm = &work->degrees->algorithms[k];
        least = fmin(least, algorithm->least);
        for (size_t r = 0; r < algorithm->count; r++)
            most = fmax(most, algorithm->rows[r].value);
    }
    if (most > least)
        target = fmin(target, TARGET * (most - least));
    return isnan(work->request->goal) ? target : fmin(target, work->request->goal);
}

static int fit_curve(struct model *model, const struct rung_hemingway_options *options)
{
    struct rung_err err;
    int code =
        rung_hemingway_fit(&model->fit, model->algorithm->rows, model->algorithm->count, options, &err);

    model->fitted = code == 0;
    if (code < 0) {
        rung_hemingway_free(&model->fit);
        snprintf(model->why, sizeof model->why, "%.255s", err.text);
    }
    return code;
}

/* The limit is the problem's, the same for all algorithms: it is found with the losses of the one that came
 * closest to it. */
static void find_limit(struct work *work)
{
    size_t count = work->degrees->count;
    bool *tried = rung_mem_zalloc(count, sizeof *tried);

    for (size_t round = 0; round < count; round++) {
        size_t best = SIZE_MAX;
        for (size_t k = 0; k < count; k++)
            if (!tried[k] && (best == SIZE_MAX ||
                              work->degrees->algorithms[k].least < work->degrees->algorithms[best].least))
                best = k;
        tried[best] = true;
        if (fit_curve(&work->models[best], &work->options) == 0) {
            work->out->limit = work->options.limit = work->models[best].fit.limit;
            work->out->limit_low = work->options.limit_low = work->models[best].fit.limit_low;
            work->out->limit_high = work->options.limit_high = work->models[best].fit.limit_high;
            work->out->rule = work->models[best].fit.rule;
            break;
        }
    }
    free(tried);
}

static void fit_curves(struct work *work)
{
    work->options = (struct rung_hemingway_options){.limit = work->request->limit,
                                                    .bound = work->degrees->bound,
                                                    .target = target_of(work),
                                                    .iterations = INFINITY};
    find_limit(work);
    for (size_t k = 0; k < work->degrees->count; k++)
        if (!work->models[k].fitted && !work->models[k].why[0])
            (void)fit_curve(&work->models[k], &work->options);
}

/* ---- times ---- */

static double mean_time(const struct rung_degree *degree)
{
    return degree->seconds / degree->iterations;
}

static double variance_of(const struct rung_degree *degree)
{
    double n = (double)degree->timings, mean = mean_time(degree);
    return fmax(degree->squares / degree->iterations - mean * mean, 0) * n / (n - 1);
}

static void fit_time(struct model *model)
{
    const struct rung_degrees_algorithm *algorithm = model->algorithm;
    struct rung_ernest_row *rows = rung_mem_zalloc(algorithm->degree_count, sizeof *rows);
    struct rung_ernest_options options = {.relative = true};
    struct rung_err err;
    size_t n = 0;

    for (size_t k = 0; k < algorithm->degree_count; k++)
        if (algorithm->degrees[k].timings > 0)
            rows[n++] = (struct rung_ernest_row){1, algorithm->degrees[k].machines,
                                                 mean_time(&algorithm->degrees[k])};
    model->timed = rung_ernest_fit(&model->time, rows, n, &options, &err) == 0;
    if (!model->timed)
        snprintf(model->why_not_timed, sizeof model->why_not_timed, "%.255s", err.text);
    free(rows);
}

/* The relative variance of a timing, over all degrees; NaN where none was timed twice. */
static double common_variance(const struct rung_degrees_algorithm *algorithm)
{
    double sum = 0, freedom = 0;

    for (size_t k = 0; k < algorithm->degree_count; k++) {
        const struct rung_degree *degree = &algorithm->degrees[k];
        if (degree->timings < 2)
            continue;
        double n = (double)degree->timings, mean = mean_time(degree);
        sum += (n - 1) * variance_of(degree) / (mean * mean);
        freedom += n - 1;
    }
    return freedom > 0 ? sum / freedom : NAN;
}

/* What was measured, as its mean: many iterations take many times that. One timing alone has the spread of
 * the others. */
static void measured_time(struct rung_advising_line *line, const struct rung_degrees_algorithm *algorithm,
                          const struct rung_degree *degree)
{
    double mean = mean_time(degree), n = (double)degree->timings, reach;

    if (degree->timings > 1)
        reach = rung_ernest_student(n - 1) * sqrt(variance_of(degree) / n);
    else
        reach = rung_ernest_student(1) * mean * sqrt(common_variance(algorithm));
    line->timings = degree->timings;
    line->per_iteration =
        (struct rung_advising_span){mean, isnan(reach) ? NAN : fmax(mean - reach, 0), mean + reach};
}

static void modelled_time(struct rung_advising_line *line, const struct model *model)
{
    struct rung_ernest_guess guess = rung_ernest_predict(&model->time, 1, line->machines);

    line->timings = model->time.observations;
    line->per_iteration = (struct rung_advising_span){guess.seconds, guess.low, guess.high};
}

/* ---- one line ---- */

static const struct rung_degree *degree_of(const struct rung_degrees_algorithm *algorithm, double machines)
{
    for (size_t k = 0; k < algorithm->degree_count; k++)
        if (algorithm->degrees[k].machines == machines)
            return &algorithm->degrees[k];
    return NULL;
}

/* False, with a reason: curves or times say nothing of so many machines. */
static bool prepare(struct rung_advising_line *line, const struct model *model)
{
    const struct rung_degree *degree = degree_of(model->algorithm, line->machines);

    line->measured = degree != NULL;
    if (!model->fitted) {
        snprintf(line->reason, sizeof line->reason, "%s", model->why);
        return false;
    }
    line->observations = model->fit.observations;
    line->error = model->fit.spread;
    if (!degree && model->fit.degrees < DEGREES) {
        snprintf(line->reason, sizeof line->reason,
                 "curves on %zu number%s of machines say nothing of others: %d are needed",
                 model->fit.degrees, model->fit.degrees == 1 ? "" : "s", DEGREES);
        return false;
    }
    if (degree && degree->timings > 0) {
        measured_time(line, model->algorithm, degree);
    } else if (model->timed) {
        modelled_time(line, model);
    } else {
        snprintf(line->reason, sizeof line->reason, "no time of an iteration is recorded: %.200s",
                 model->why_not_timed);
        return false;
    }
    return true;
}

static double iterations_by(const struct rung_advising_request *request, double per_iteration)
{
    return fmin(rung_hemingway_iterations(request->deadline, per_iteration), RUNG_ADVISE_ITERATIONS);
}

static void span_of_goal(struct rung_advising_line *line, const struct model *model, double goal)
{
    double level = log(goal);

    line->iterations.low = rung_advise_iterations(low_end, &model->fit, line->machines, level, NULL);
    line->iterations.high = rung_advise_iterations(high_end, &model->fit, line->machines, level, NULL);
    line->seconds.low = line->iterations.low * line->per_iteration.low;
    line->seconds.high = line->iterations.high * line->per_iteration.high;
}

static void span_of_deadline(struct rung_advising_line *line, const struct model *model,
                             const struct rung_advising_request *request)
{
    double most = iterations_by(request, line->per_iteration.low),
           least = iterations_by(request, line->per_iteration.high);
    bool known = !isnan(line->per_iteration.low) && line->per_iteration.low > 0;

    line->iterations.low = known ? least : NAN;
    line->iterations.high = known ? most : NAN;
    line->seconds.low = line->seconds.high = NAN;
    struct rung_hemingway_guess guess =
        rung_hemingway_loss(&model->fit, line->iterations.value, line->machines);
    if (!known)
        return;
    line->loss.low = fmin(guess.low, rung_hemingway_loss(&model->fit, most, line->machines).low);
    line->loss.high =
        least < 1 ? INFINITY : fmax(guess.high, rung_hemingway_loss(&model->fit, least, line->machines).high);
}

static void explain(struct rung_advising_line *line, const struct work *work,
                    const struct rung_advise_outcome *outcome)
{
    if (isnan(work->request->goal))
        snprintf(line->reason, sizeof line->reason, "an iteration takes %.5g s", line->per_iteration.value);
    else
        snprintf(line->reason, sizeof line->reason, "not within %.0f iterations: %.5g from the limit at best",
                 (double)RUNG_ADVISE_ITERATIONS, exp(fmin(outcome->log_distance, 700)));
}

static void fill(struct rung_advising_line *line, const struct work *work, const struct model *model,
                 const struct rung_advise_outcome *outcome)
{
    line->feasible = outcome->feasible;
    if (!outcome->feasible) {
        explain(line, work, outcome);
        return;
    }
    line->iterations.value = outcome->iterations;
    line->seconds.value = outcome->seconds;
    struct rung_hemingway_guess loss = rung_hemingway_loss(&model->fit, outcome->iterations, line->machines);
    line->loss = (struct rung_advising_span){loss.value, loss.low, loss.high};
    line->distance = exp(fmin(outcome->log_distance, 700));
    if (isnan(work->request->goal))
        span_of_deadline(line, model, work->request);
    else
        span_of_goal(line, model, work->request->goal);
}

/* ---- all lines ---- */

static void add_line(struct work *work, size_t model, double machines)
{
    static const struct rung_advising_span none = {NAN, NAN, NAN};

    work->out->lines[work->out->count++] = (struct rung_advising_line){
        .algorithm = work->models[model].algorithm->name,
        .machines = machines,
        .iterations = none,
        .per_iteration = none,
        .seconds = none,
        .loss = none,
        .distance = NAN,
        .error = NAN,
    };
}

static int by_machines(const void *a, const void *b)
{
    double x = ((const struct rung_advising_line *)a)->machines,
           y = ((const struct rung_advising_line *)b)->machines;
    return (x > y) - (x < y);
}

/* The degrees recorded, and those asked for beside them. */
static void add_lines(struct work *work, size_t model)
{
    const struct rung_degrees_algorithm *algorithm = work->models[model].algorithm;
    size_t first = work->out->count;

    work->out->lines =
        rung_mem_resize(work->out->lines, first + algorithm->degree_count + work->request->other_count + 1,
                        sizeof *work->out->lines);
    for (size_t k = 0; k < algorithm->degree_count; k++)
        add_line(work, model, algorithm->degrees[k].machines);
    for (size_t k = 0; k < work->request->other_count; k++) {
        bool there = false;
        for (size_t j = first; j < work->out->count && !there; j++)
            there = work->out->lines[j].machines == (double)work->request->others[k];
        if (!there)
            add_line(work, model, (double)work->request->others[k]);
    }
    qsort(work->out->lines + first, work->out->count - first, sizeof *work->out->lines, by_machines);
}

static void decide(struct work *work, const struct model **models)
{
    struct rung_advising *out = work->out;
    struct rung_advise_option *options = rung_mem_zalloc(out->count, sizeof *options);
    struct rung_advise_outcome *outcomes = rung_mem_zalloc(out->count, sizeof *outcomes);
    size_t *which = rung_mem_zalloc(out->count, sizeof *which), n = 0;

    for (size_t k = 0; k < out->count; k++) {
        struct rung_advising_line *line = &out->lines[k];
        if (!prepare(line, models[k]))
            continue;
        options[n] =
            (struct rung_advise_option){middle, &models[k]->fit, line->machines, line->per_iteration.value};
        which[n++] = k;
    }
    size_t best = isnan(work->request->goal)
                      ? rung_advise_deadline(options, n, work->request->deadline, outcomes)
                      : rung_advise_goal(options, n, log(work->request->goal), outcomes);
    for (size_t k = 0; k < n; k++)
        fill(&out->lines[which[k]], work, models[which[k]], &outcomes[k]);
    if (best != RUNG_ADVISE_NONE) {
        out->lines[which[best]].best = true;
        out->best = &out->lines[which[best]];
    }
    free(options);
    free(outcomes);
    free(which);
}

static int check_limit(const struct rung_degrees *degrees, double limit, struct rung_err *err)
{
    double least = INFINITY, sign = degrees->maximize ? -1 : 1;

    for (size_t k = 0; k < degrees->count; k++)
        for (size_t i = 0; i < degrees->algorithms[k].count; i++)
            least = fmin(least, degrees->algorithms[k].rows[i].value);
    if (!isfinite(limit) || limit <= least)
        return 0;
    rung_err_set(err, RUNG_EUSE, "--limit %.10g: a recorded %s of %.10g is already better", sign * limit,
                 degrees->metric, sign * least);
    return rung_err_way_out(err, "a limit that no %s can pass, or none: then it is fitted", degrees->metric);
}

/* Where no curve can be fitted there is no table either: the reason of the first algorithm with losses. */
static int nothing_fitted(const struct work *work, struct rung_err *err)
{
    const struct model *first = &work->models[0];

    for (size_t k = 0; k < work->degrees->count; k++) {
        if (work->models[k].fitted)
            return 0;
        if (first->algorithm->count == 0)
            first = &work->models[k];
    }
    rung_err_set(err, RUNG_EUSE, "%s: %s", first->algorithm->name, first->why);
    return rung_err_way_out(err, "histories with more values, or --limit with one that is known");
}

int rung_advising_make(struct rung_advising *out, const struct rung_degrees *degrees,
                       const struct rung_advising_request *request, struct rung_err *err)
{
    struct work work = {.degrees = degrees, .request = request, .out = out};
    const struct model **models = NULL;
    size_t losses = 0;

    *out = (struct rung_advising){.limit = NAN, .limit_low = NAN, .limit_high = NAN};
    for (size_t k = 0; k < degrees->count; k++)
        losses += degrees->algorithms[k].count;
    if (losses == 0) {
        rung_err_set(err, RUNG_EUSE, "no finite %s is recorded", degrees->metric ? degrees->metric : "loss");
        return rung_err_way_out(err, "--metric NAME takes another one of those that were reported");
    }
    int code = check_limit(degrees, request->limit, err);
    if (code < 0)
        return code;
    work.models = rung_mem_zalloc(degrees->count, sizeof *work.models);
    for (size_t k = 0; k < degrees->count; k++) {
        work.models[k].algorithm = &degrees->algorithms[k];
        fit_time(&work.models[k]);
    }
    fit_curves(&work);
    code = nothing_fitted(&work, err);
    for (size_t k = 0; k < degrees->count && code == 0; k++) {
        size_t first = out->count;
        add_lines(&work, k);
        models = rung_mem_resize(models, out->count + 1, sizeof *models);
        for (size_t j = first; j < out->count; j++)
            models[j] = &work.models[k];
    }
    if (code == 0)
        decide(&work, models);
    for (size_t k = 0; k < degrees->count; k++)
        if (work.models[k].fitted)
            rung_hemingway_free(&work.models[k].fit);
    free(work.models);
    free(models);
    return code;
}

void rung_advising_free(struct rung_advising *advising)
{
    free(advising->lines);
}
