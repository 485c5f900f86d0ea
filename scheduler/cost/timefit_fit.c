/*
 * Fitting the time of jobs: two non-negative models, one of training and one of scoring, weighted so that
 * short and long jobs both count, with far-off rows weighted down; then each model's own ratio to them.
 */
#include "cost/timefit_parts.h"

#include "base/mem.h"
#include "cost/amounts.h"
#include "cost/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_FITTED    2500 /* about: a few dozen columns need no more, and a search waits for them */
#define PRODUCT_MODELS 1000 /* whose rates are looked at */
#define PRODUCT_FOLDS  5
#define COMMON_SD      0.05 /* from one search to the next, at least: the machine is not always as fast */
#define JOB_SD         0.02 /* of one job, at least */
#define FEW_SD         0.5  /* divided by the models that ran: what one tells of others, unseen */

/* ---- columns ---- */

static void encode_models(struct rung_timefit *fit)
{
    if (fit->models_encoded == fit->model_count && fit->features)
        return;
    rung_features_free(fit->features);
    fit->features = rung_features_create();
    for (size_t k = 0; k < fit->model_count; k++)
        rung_features_learn(fit->features, fit->models[k].parameters);
    fit->width = rung_features_count(fit->features);
    fit->encoded = rung_mem_resize(fit->encoded, fit->model_count * (fit->width + 1), sizeof *fit->encoded);
    for (size_t k = 0; k < fit->model_count; k++)
        rung_features_encode(fit->features, fit->models[k].parameters, fit->encoded + k * fit->width);
    fit->models_encoded = fit->model_count;
}

static double work_of(const struct rung_timefit *fit, double calls, double examples)
{
    if (!fit->by_examples)
        return calls / fit->unit;
    return (isnan(examples) ? calls * fit->examples_a_call : examples) / fit->unit;
}

/* Work is examples where most rows say how many. */
static void measure_work(struct rung_timefit *fit)
{
    double calls = 0, told_calls = 0, examples = 0;
    size_t told = 0;

    for (size_t i = 0; i < fit->row_count; i++) {
        calls += fit->rows[i].calls;
        if (isnan(fit->rows[i].examples))
            continue;
        told++;
        told_calls += fit->rows[i].calls;
        examples += fit->rows[i].examples;
    }
    fit->by_examples = 2 * told > fit->row_count;
    fit->examples_a_call = told > 0 ? examples / told_calls : NAN;
    fit->unit = 1;
    fit->unit = fit->by_examples ? examples / (double)told : calls / (double)fit->row_count;
}

/* Columns of training: 1, calls, work, work x_j, work [host], work (sharing - 1). Without jobs of different
 * lengths a cost per job cannot be told from one per call; then all is taken to grow with the work. */
static size_t train_columns(const struct rung_timefit *fit)
{
    return 4 + fit->width + fit->host_count;
}

static void train_row(const struct rung_timefit *fit, const struct rung_time_row *row, const double *x,
                      int host, bool lengths, double *out)
{
    double work = work_of(fit, row->calls, row->examples);
    size_t column = 3;

    out[0] = lengths;
    out[1] = lengths ? row->calls : 0;
    out[2] = work;
    for (size_t j = 0; j < fit->width; j++)
        out[column++] = work * x[j];
    for (size_t h = 0; h < fit->host_count; h++) /* one host is what `work` stands for */
        out[column++] = fit->host_count > 1 && host == (int)h ? work : 0;
    out[column] = work * (row->sharing - 1);
}

/* Columns of scoring: 1, x_j, sharing - 1. */
static size_t score_columns(const struct rung_timefit *fit)
{
    return 2 + fit->width;
}

static void score_row(const struct rung_timefit *fit, const struct rung_time_row *row, const double *x,
                      double *out)
{
    out[0] = 1;
    memcpy(out + 1, x, fit->width * sizeof *x);
    out[1 + fit->width] = row->sharing - 1;
}

/* ---- both parts ---- */

/* Rows that are fitted are an even sample, whatever rhythm they came in. */
static bool chosen(const struct rung_timefit *fit, size_t row)
{
    return rung_luck_mix(row) % (fit->row_count / ROWS_FITTED + 1) == 0;
}

static size_t chosen_count(const struct rung_timefit *fit)
{
    size_t count = 0;

    for (size_t i = 0; i < fit->row_count; i++)
        count += chosen(fit, i);
    return count;
}

static bool lengths_differ(const struct rung_timefit *fit)
{
    double least = INFINITY, most = 0;

    for (size_t i = 0; i < fit->row_count; i++) {
        double work = work_of(fit, fit->rows[i].calls, fit->rows[i].examples);
        least = fmin(least, work);
        most = fmax(most, work);
    }
    return most > 1.5 * least;
}

static int fit_part(struct rung_time_part *part, struct rung_amounts *amounts, struct rung_err *err)
{
    free(part->theta);
    *part = (struct rung_time_part){rung_mem_zalloc(amounts->columns, sizeof(double)), amounts->columns};
    return amounts->rows > 0 ? rung_amounts_fit_doubtful(amounts, 1, part->theta, err) : 0;
}

static int fit_train(struct rung_timefit *fit, struct rung_err *err)
{
    struct rung_amounts amounts;
    rung_amounts_init(&amounts, chosen_count(fit), train_columns(fit));
    double *row = rung_mem_zalloc(amounts.columns, sizeof *row);
    bool lengths = lengths_differ(fit);

    for (size_t i = 0; i < fit->row_count; i++) {
        const struct rung_time_row *from = &fit->rows[i];
        if (!chosen(fit, i))
            continue;
        train_row(fit, from, fit->encoded + from->model * fit->width, fit->models[from->model].host, lengths,
                  row);
        rung_amounts_add(&amounts, row, from->fit_seconds);
    }
    int code = fit_part(&fit->train, &amounts, err);
    free(row);
    rung_amounts_free(&amounts);
    return code;
}

/* Where no time of scoring is told it is part of training, or nothing. */
static int fit_score(struct rung_timefit *fit, struct rung_err *err)
{
    struct rung_amounts amounts;
    rung_amounts_init(&amounts, chosen_count(fit), score_columns(fit));
    double *row = rung_mem_zalloc(amounts.columns, sizeof *row);

    for (size_t i = 0; i < fit->row_count; i++) {
        const struct rung_time_row *from = &fit->rows[i];
        if (!chosen(fit, i) || !rung_timefit_is_time(from->score_seconds))
            continue;
        score_row(fit, from, fit->encoded + from->model * fit->width, row);
        rung_amounts_add(&amounts, row, from->score_seconds);
    }
    int code = fit_part(&fit->score, &amounts, err);
    free(row);
    rung_amounts_free(&amounts);
    return code;
}

static double sum_rate(const struct rung_timefit *fit, const struct rung_time_model *model, const double *x)
{
    double rate = fit->train.theta[2] + rung_amounts_dot(fit->train.theta + 3, x, fit->width);

    return rate + (fit->host_count > 1 && model->host >= 0
                       ? fit->train.theta[3 + fit->width + (size_t)model->host]
                       : 0);
}

void rung_timefit_predict_model(const struct rung_timefit *fit, struct rung_time_model *model,
                                const double *x)
{
    model->train_rate =
        fit->product.weights ? exp(rung_lasso_predict(&fit->product, x, 1)) : sum_rate(fit, model, x);
    model->score_base = fit->score.theta[0] + rung_amounts_dot(fit->score.theta + 1, x, fit->width);
}

double rung_timefit_seconds(const struct rung_timefit *fit, const struct rung_time_model *model, double calls,
                            double examples, double sharing)
{
    const double *theta = fit->train.theta;
    double work = work_of(fit, calls, examples), together = theta[fit->train.columns - 1];

    return theta[0] + theta[1] * calls + work * (model->train_rate + together * (sharing - 1));
}

/* ---- sum or product ---- */

/* Of the models that ran: seconds and work, without what a job and a call cost apart from their work. */
struct rates {
    double *seconds, *work;
};

static struct rates measure_rates(const struct rung_timefit *fit)
{
    const double *theta = fit->train.theta;
    struct rates rates = {rung_mem_zalloc(fit->model_count + 1, sizeof(double)),
                          rung_mem_zalloc(fit->model_count + 1, sizeof(double))};

    for (size_t i = 0; i < fit->row_count; i++) {
        const struct rung_time_row *row = &fit->rows[i];
        double work = work_of(fit, row->calls, row->examples);
        double together = theta[fit->train.columns - 1] * work * (row->sharing - 1);
        rates.seconds[row->model] += row->fit_seconds - theta[0] - theta[1] * row->calls - together;
        rates.work[row->model] += work;
    }
    return rates;
}

/* The rate of a small batch and a large net is rather a product than a sum: fitted to logarithms by the
 * Lasso, and taken where it predicts models that it has not seen better than the sum describes those that it
 * has. */
static void try_product(struct rung_timefit *fit)
{
    struct rung_lasso_options options = {.standardise = true, .path = 30, .path_ratio = 1e-3, .tol = 1e-4};
    struct rates rates = measure_rates(fit);
    double *x = rung_mem_zalloc(PRODUCT_MODELS * (fit->width + 1), sizeof *x), y[PRODUCT_MODELS], squares = 0;
    size_t folds[PRODUCT_MODELS], which[PRODUCT_MODELS], count = 0;

    for (size_t k = 0; k < fit->models_encoded && count < PRODUCT_MODELS; k++)
        if (rates.work[k] > 0 && rates.seconds[k] > 0)
            which[count++] = k;
    for (size_t i = 0; i < count; i++) {
        const double *row = fit->encoded + which[i] * fit->width;
        double sum = sum_rate(fit, &fit->models[which[i]], row);
        for (size_t j = 0; j < fit->width; j++)
            x[i + j * count] = row[j];
        y[i] = log(rates.seconds[which[i]] / rates.work[which[i]]);
        squares += sum > 0 ? pow(y[i] - log(sum), 2) : 1;
        folds[i] = i % PRODUCT_FOLDS;
    }
    rung_lasso_free(&fit->product);
    if (fit->width > 0 && fit->host_count < 2 && count >= 4 * PRODUCT_FOLDS &&
        rung_lasso_fit_cv(&fit->product, x, y, count, fit->width, folds, PRODUCT_FOLDS, &options, NULL) ==
            0 &&
        !(fit->product.cv_error < squares / (double)count))
        rung_lasso_free(&fit->product);
    free(x);
    free(rates.seconds);
    free(rates.work);
}

/* ---- each model's own ratio ---- */

/* Sums of log(measured / predicted) per model; the spread between models and within them follows as in an
 * analysis of variance, and each model's mean is shrunk by how much of it is its own. */
struct deviations {
    double *sum, within, between;
    size_t *count, rows, models, degrees;
};

static double deviation(const struct rung_timefit *fit, const struct rung_time_row *row)
{
    double guess =
        rung_timefit_seconds(fit, &fit->models[row->model], row->calls, row->examples, row->sharing);
    double off = guess > 0 ? log(row->fit_seconds / guess) : 0;

    return fmax(-2, fmin(2, off)); /* one stall must not make a slow model */
}

static void sum_deviations(const struct rung_timefit *fit, struct deviations *of)
{
    for (size_t i = 0; i < fit->row_count; i++) {
        of->sum[fit->rows[i].model] += deviation(fit, &fit->rows[i]);
        of->count[fit->rows[i].model]++;
    }
    double squares = 0, means = 0, noise = 0;
    for (size_t i = 0; i < fit->row_count; i++) {
        size_t k = fit->rows[i].model;
        double off = deviation(fit, &fit->rows[i]) - of->sum[k] / (double)of->count[k];
        squares += off * off;
    }
    for (size_t k = 0; k < fit->model_count; k++)
        if (of->count[k] > 0) {
            of->models++;
            of->degrees += of->count[k] - 1;
            means += pow(of->sum[k] / (double)of->count[k], 2);
        }
    of->within = of->degrees > 0 ? squares / (double)of->degrees : means / (double)of->models;
    for (size_t k = 0; k < fit->model_count; k++)
        noise += of->count[k] > 0 ? of->within / (double)of->count[k] : 0;
    of->between = of->degrees > 0 ? fmax(0, (means - noise) / (double)of->models) : 0;
}

static void correct_models(struct rung_timefit *fit)
{
    struct deviations of = {.sum = rung_mem_zalloc(fit->model_count, sizeof(double)),
                            .count = rung_mem_zalloc(fit->model_count, sizeof(size_t))};

    sum_deviations(fit, &of);
    for (size_t k = 0; k < fit->model_count; k++) {
        double noise = of.count[k] > 0 ? of.within / (double)of.count[k] : INFINITY;
        double own = of.between > 0 && isfinite(noise) ? of.between / (of.between + noise) : 0;
        fit->models[k].rows = of.count[k];
        fit->models[k].ratio = of.count[k] > 0 ? exp(own * of.sum[k] / (double)of.count[k]) : 1;
        fit->models[k].log_sd = sqrt(of.between * (1 - own));
    }
    fit->spread.model = sqrt(of.between);
    fit->spread.job = fmax(JOB_SD, sqrt(of.within));
    fit->spread.common =
        sqrt(COMMON_SD * COMMON_SD + FEW_SD * FEW_SD / ((double)of.models * (double)of.models) +
             of.between / (double)of.models + of.within / (double)fit->row_count);
    if (of.degrees == 0) /* all models ran once: what is whose is not known */
        fit->spread.common = fmax(fit->spread.common, fit->spread.job / sqrt((double)of.models));
    free(of.sum);
    free(of.count);
}

/* Ratios are means of logarithms; what must be right in the end is a sum. */
static double level_corrected(const struct rung_timefit *fit)
{
    double measured = 0, guessed = 0;

    for (size_t i = 0; i < fit->row_count; i++) {
        const struct rung_time_row *row = &fit->rows[i];
        const struct rung_time_model *model = &fit->models[row->model];
        double guess =
            model->ratio * rung_timefit_seconds(fit, model, row->calls, row->examples, row->sharing);
        if (row->fit_seconds > RUNG_AMOUNTS_STALL * guess)
            continue;
        measured += row->fit_seconds;
        guessed += guess;
    }
    return guessed > 0 && measured > 0 ? measured / guessed : 1;
}

int rung_timefit_fit(struct rung_timefit *fit, struct rung_err *err)
{
    if (fit->row_count == 0)
        return rung_err_set(err, RUNG_EUSE, "no job with a time above 0 has been recorded");
    encode_models(fit);
    measure_work(fit);
    int code = fit_train(fit, err);
    if (code == 0)
        code = fit_score(fit, err);
    if (code < 0)
        return code;
    try_product(fit);
    for (size_t k = 0; k < fit->model_count; k++)
        rung_timefit_predict_model(fit, &fit->models[k], fit->encoded + k * fit->width);
    correct_models(fit);
    fit->level = level_corrected(fit);
    return 0;
}
