/*
 * Scores from hyperparameters and calls: height of a model times a curve that all models share, above the
 * score of models that learn nothing. A product and not a sum, since what learns fast goes on learning, and
 * what has not moved by its first rungs does not move later: the difference between a search whose models
 * plateau and one whose do not. Curve and heights are fitted in turns; a height is drawn towards what the
 * hyperparameters say of it, the more the less has been seen of the model.
 */
#include "cost/scorefit.h"

#include "base/mem.h"
#include "cost/features.h"
#include "cost/lasso.h"
#include "cost/luck.h"
#include "cost/nnls.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_KEPT     65536 /* of more, an even sample */
#define MODELS_FITTED 4000  /* of more, an even sample */
#define FOLDS         5
#define BASIS         3 /* functions of the calls: 1, log c, 1 - 1/sqrt c */
#define TURNS         8
#define OUTER         0.01 /* share of scores at either end that is drawn in to the rest */
#define IDLE          0.1  /* share of scores, the worst, at whose end learning begins */
#define OCTAVES       2.0  /* doublings of calls over which a model's luck changes */
#define OVERSHOOT     0.25 /* of the range of scores, that a draw may lie outside of it */

struct score_model {
    struct rung_json *parameters;
    double height, sd; /* of the last fit; 1 is the average model */
    double bad;        /* chance that its next score is none */
    size_t not_finite;
};

struct score_row {
    size_t model;
    double calls, score;
};

struct rung_scorefit {
    struct score_model *models;
    size_t model_count, model_capacity;
    struct score_row *rows; /* finite ones */
    size_t row_count, row_capacity, added, not_finite;
    struct rung_luck_sample sample;
    double low, high;    /* of the scores, without the outer ones */
    double idle;         /* score of a model that has learnt nothing */
    double sign;         /* 1: scores rise with calls, -1: they fall */
    double curve[BASIS]; /* of the average model above idle */
    double noise;        /* sd of a score around its model's curve, relative to its height */
    double mean, spread; /* of the heights of models of which nothing is known */
};

struct rung_scorefit *rung_scorefit_create(void)
{
    return rung_mem_zalloc(1, sizeof(struct rung_scorefit));
}

void rung_scorefit_free(struct rung_scorefit *fit)
{
    if (!fit)
        return;
    for (size_t k = 0; k < fit->model_count; k++)
        rung_json_free(fit->models[k].parameters);
    free(fit->models);
    free(fit->rows);
    free(fit);
}

size_t rung_scorefit_model(struct rung_scorefit *fit, const struct rung_json *parameters)
{
    fit->models = rung_mem_grow(fit->models, fit->model_count, &fit->model_capacity, sizeof *fit->models);
    fit->models[fit->model_count++] = (struct score_model){
        .parameters = rung_json_copy(parameters), .height = fit->mean, .sd = fit->spread};
    return fit->model_count - 1;
}

static void thin(struct rung_scorefit *fit)
{
    size_t kept = 0;

    for (size_t i = 0; i < fit->row_count; i++)
        if (rung_luck_keeps(&fit->sample, i))
            fit->rows[kept++] = fit->rows[i];
    fit->row_count = kept;
    rung_luck_halved(&fit->sample);
}

void rung_scorefit_add(struct rung_scorefit *fit, size_t model, double calls, double score)
{
    if (model >= fit->model_count || !(calls > 0) || !isfinite(calls))
        return;
    fit->added++;
    if (!isfinite(score)) {
        fit->not_finite++;
        fit->models[model].not_finite++;
        return;
    }
    if (!rung_luck_takes(&fit->sample))
        return;
    if (fit->row_count == ROWS_KEPT)
        thin(fit);
    fit->rows = rung_mem_grow(fit->rows, fit->row_count, &fit->row_capacity, sizeof *fit->rows);
    fit->rows[fit->row_count++] = (struct score_row){model, calls, score};
}

size_t rung_scorefit_observations(const struct rung_scorefit *fit)
{
    return fit->added;
}

/* ---- the range ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double drawn_in(const struct rung_scorefit *fit, double score)
{
    return fmin(fmax(score, fit->low), fit->high);
}

/* Whether scores rise with calls: by each model's changes from score to score. */
static double direction(const struct rung_scorefit *fit)
{
    const struct score_row **last = rung_mem_zalloc(fit->model_count + 1, sizeof *last);
    double sum = 0;

    for (size_t i = 0; i < fit->row_count; i++) {
        const struct score_row *row = &fit->rows[i], *before = last[row->model];
        if (before && before->calls != row->calls)
            sum += copysign(drawn_in(fit, row->score) - drawn_in(fit, before->score),
                            (row->score - before->score) * (row->calls - before->calls));
        last[row->model] = row;
    }
    free(last);
    return sum < 0 ? -1 : 1;
}

/* A loss that exploded must not stretch the scale for all others. */
static void measure_range(struct rung_scorefit *fit)
{
    double *scores = rung_mem_zalloc(fit->row_count + 1, sizeof *scores);
    size_t count = fit->row_count, outer = (size_t)(OUTER * (double)count),
           idle = (size_t)(IDLE * (double)count);

    for (size_t i = 0; i < count; i++)
        scores[i] = fit->rows[i].score;
    qsort(scores, count, sizeof *scores, compare);
    fit->low = count > 0 ? scores[outer] : 0;
    fit->high = count > 0 ? scores[count - 1 - outer] : 0;
    fit->sign = direction(fit);
    fit->idle = count == 0 ? 0 : fit->sign > 0 ? scores[idle] : scores[count - 1 - idle];
    free(scores);
}

/* ---- the curve ---- */

static void basis(double calls, double *out)
{
    out[0] = 1;
    out[1] = log(calls);
    out[2] = 1 - 1 / sqrt(calls);
}

/* Never quite 0: heights are ratios to it. */
static double curve_at(const struct rung_scorefit *fit, double calls)
{
    double columns[BASIS], sum = 0;

    basis(calls, columns);
    for (size_t j = 0; j < BASIS; j++)
        sum += fit->curve[j] * columns[j];
    return fmax(sum, 1e-6 * (fit->high - fit->low) + 1e-300);
}

static double above_idle(const struct rung_scorefit *fit, double score)
{
    return fit->sign * (drawn_in(fit, score) - fit->idle);
}

static void fit_curve(struct rung_scorefit *fit)
{
    double *a = rung_mem_zalloc(fit->row_count * BASIS, sizeof *a),
           *y = rung_mem_zalloc(fit->row_count, sizeof *y);

    for (size_t i = 0; i < fit->row_count; i++) {
        double columns[BASIS];
        basis(fit->rows[i].calls, columns);
        for (size_t j = 0; j < BASIS; j++)
            a[i + j * fit->row_count] = fit->models[fit->rows[i].model].height * columns[j];
        y[i] = above_idle(fit, fit->rows[i].score);
    }
    if (fit->row_count == 0 || rung_nnls(a, fit->row_count, BASIS, y, fit->curve, NULL, NULL) < 0)
        memset(fit->curve, 0, sizeof fit->curve);
    free(a);
    free(y);
}

/* ---- heights ---- */

/* What the scores of each model say of its height. */
struct evidence {
    double *cross, *square; /* sums of score * curve, and of curve^2 */
    double *expected;       /* from hyperparameters */
    double error;           /* variance of a score */
};

static void gather(const struct rung_scorefit *fit, struct evidence *evidence)
{
    double residual = 0;
    size_t degrees = 0;

    memset(evidence->cross, 0, fit->model_count * sizeof(double));
    memset(evidence->square, 0, fit->model_count * sizeof(double));
    for (size_t i = 0; i < fit->row_count; i++) {
        const struct score_row *row = &fit->rows[i];
        double curve = curve_at(fit, row->calls), score = above_idle(fit, row->score);
        evidence->cross[row->model] += score * curve;
        evidence->square[row->model] += curve * curve;
        residual += pow(score - fit->models[row->model].height * curve, 2);
        degrees++;
    }
    evidence->error = degrees > 0 ? residual / (double)degrees : 0;
}

static double raw_height(const struct evidence *evidence, size_t model)
{
    return evidence->cross[model] / evidence->square[model];
}

/* Variance of heights around what is expected of them, by moments, models of much evidence first. */
static double variance(const struct rung_scorefit *fit, const struct evidence *evidence)
{
    double sum = 0, weights = 0;
    size_t count = 0;

    for (size_t k = 0; k < fit->model_count; k++) {
        if (evidence->square[k] <= 0)
            continue;
        sum += evidence->square[k] * pow(raw_height(evidence, k) - evidence->expected[k], 2);
        weights += evidence->square[k];
        count++;
    }
    double all = weights > 0 ? sum / weights : 1;
    return weights > 0 ? fmax((sum - (double)count * evidence->error) / weights, 0.05 * all + 1e-12) : 1;
}

/* Draws each height towards what is expected of it. */
static void fit_heights(struct rung_scorefit *fit, const struct evidence *evidence)
{
    double between = variance(fit, evidence);

    for (size_t k = 0; k < fit->model_count; k++) {
        double known =
            evidence->square[k] > 0 && evidence->error > 0 ? evidence->square[k] / evidence->error : 0;
        double own = evidence->square[k] > 0 && evidence->error <= 0 ? 1 : known / (known + 1 / between);
        double raw = own > 0 ? raw_height(evidence, k) : 0;
        fit->models[k].height = own * raw + (1 - own) * evidence->expected[k];
        fit->models[k].sd = sqrt(between * (1 - own));
    }
    fit->spread = sqrt(between);
}

/* The scale is the curve's: heights are about 1. */
static void rescale(struct rung_scorefit *fit, const struct evidence *evidence)
{
    double sum = 0, weights = 0;

    for (size_t k = 0; k < fit->model_count; k++) {
        sum += evidence->square[k] > 0 ? fit->models[k].height : 0;
        weights += evidence->square[k] > 0;
    }
    if (!(sum > 1e-9 * weights))
        return;
    for (size_t k = 0; k < fit->model_count; k++) {
        fit->models[k].height *= weights / sum;
        fit->models[k].sd *= weights / sum;
    }
}

/* ---- what hyperparameters say ---- */

struct sample {
    size_t *models, count;
    double *x, *y; /* count x columns; count */
    size_t columns;
};

/* Models of which enough is known to learn from: evidence outweighs what is expected anyway. */
static void take_sample(const struct rung_scorefit *fit, const struct evidence *evidence,
                        const double *encoded, struct sample *sample)
{
    double enough = evidence->error / fmax(fit->spread * fit->spread, 1e-300);
    size_t there = 0, place = 0, row = 0;

    for (size_t k = 0; k < fit->model_count; k++)
        there += evidence->square[k] > 0 && evidence->square[k] >= enough;
    size_t step = there / MODELS_FITTED + 1;
    sample->count = (there + step - 1) / step;
    sample->models = rung_mem_zalloc(sample->count + 1, sizeof *sample->models);
    sample->x = rung_mem_zalloc((sample->count + 1) * (sample->columns + 1), sizeof *sample->x);
    sample->y = rung_mem_zalloc(sample->count + 1, sizeof *sample->y);
    for (size_t k = 0; k < fit->model_count; k++) {
        bool taken = evidence->square[k] > 0 && evidence->square[k] >= enough;
        if (!taken || place++ % step != 0)
            continue;
        for (size_t j = 0; j < sample->columns; j++)
            sample->x[row + j * sample->count] = encoded[k * sample->columns + j];
        sample->y[row] = raw_height(evidence, k);
        sample->models[row++] = k;
    }
}

/* A fold per fifth model, by its place: models were drawn at random. */
static bool explain(struct rung_lasso *lasso, const struct sample *sample)
{
    struct rung_lasso_options options = {.standardise = true, .path = 30, .path_ratio = 1e-3, .tol = 1e-4};
    size_t *folds = rung_mem_zalloc(sample->count + 1, sizeof *folds);

    for (size_t i = 0; i < sample->count; i++)
        folds[i] = i % FOLDS;
    bool fitted = sample->columns > 0 && sample->count >= 2 * FOLDS &&
                  rung_lasso_fit_cv(lasso, sample->x, sample->y, sample->count, sample->columns, folds, FOLDS,
                                    &options, NULL) == 0;
    free(folds);
    return fitted;
}

static void expect_heights(struct rung_scorefit *fit, struct evidence *evidence, const double *encoded,
                           size_t columns)
{
    struct sample sample = {.columns = columns};
    struct rung_lasso lasso = {0};
    double sum = 0;

    take_sample(fit, evidence, encoded, &sample);
    for (size_t i = 0; i < sample.count; i++)
        sum += sample.y[i];
    fit->mean = sample.count > 0 ? sum / (double)sample.count : 1;
    bool explained = explain(&lasso, &sample);
    for (size_t k = 0; k < fit->model_count; k++)
        evidence->expected[k] = explained ? rung_lasso_predict(&lasso, encoded + k * columns, 1) : fit->mean;
    rung_lasso_free(&lasso);
    free(sample.models);
    free(sample.x);
    free(sample.y);
}

/* ---- the fit ---- */

/* Robust, relative to height times curve: who stands still does so quietly. */
static double relative_noise(const struct rung_scorefit *fit, const struct evidence *evidence)
{
    double *off = rung_mem_zalloc(fit->row_count + 1, sizeof *off);
    size_t count = 0;

    for (size_t i = 0; i < fit->row_count; i++) {
        const struct score_row *row = &fit->rows[i];
        double curve = curve_at(fit, row->calls), expected = raw_height(evidence, row->model) * curve;
        bool only_one = evidence->square[row->model] <= curve * curve * (1 + 1e-9);
        if (!only_one && expected > 0.02 * (fit->high - fit->low))
            off[count++] = fabs(above_idle(fit, row->score) - expected) / expected;
    }
    qsort(off, count, sizeof *off, compare);
    double noise = count > 0 ? 1.4826 * off[count / 2] : 0;
    free(off);
    return noise;
}

static double *encode(const struct rung_scorefit *fit, size_t *columns)
{
    struct rung_features *features = rung_features_create();

    for (size_t k = 0; k < fit->model_count; k++)
        rung_features_learn(features, fit->models[k].parameters);
    *columns = rung_features_count(features);
    double *encoded = rung_mem_zalloc(fit->model_count * *columns + 1, sizeof *encoded);
    for (size_t k = 0; k < fit->model_count; k++)
        rung_features_encode(features, fit->models[k].parameters, encoded + k * *columns);
    rung_features_free(features);
    return encoded;
}

void rung_scorefit_fit(struct rung_scorefit *fit)
{
    struct evidence evidence = {.cross = rung_mem_zalloc(fit->model_count + 1, sizeof(double)),
                                .square = rung_mem_zalloc(fit->model_count + 1, sizeof(double)),
                                .expected = rung_mem_zalloc(fit->model_count + 1, sizeof(double))};
    double prior = (double)fit->not_finite / (double)(fit->added + 1);
    size_t columns;
    double *encoded = encode(fit, &columns);

    measure_range(fit);
    fit->mean = fit->spread = 1;
    for (size_t k = 0; k < fit->model_count; k++)
        fit->models[k].height = evidence.expected[k] = 1;
    for (int turn = 0; turn < TURNS; turn++) {
        fit_curve(fit);
        gather(fit, &evidence);
        fit_heights(fit, &evidence);
        if (turn >= TURNS / 2) { /* before, the curve still bends */
            expect_heights(fit, &evidence, encoded, columns);
            fit_heights(fit, &evidence);
        }
        if (turn < TURNS - 1)
            rescale(fit, &evidence);
    }
    fit->noise = relative_noise(fit, &evidence);
    for (size_t k = 0; k < fit->model_count; k++) {
        double seen = (evidence.square[k] > 0) + (double)fit->models[k].not_finite;
        fit->models[k].bad = ((double)fit->models[k].not_finite + 2 * prior) / (seen + 2);
    }
    free(encoded);
    free(evidence.cross);
    free(evidence.square);
    free(evidence.expected);
}

/* ---- draws ---- */

static double score_at(const struct rung_scorefit *fit, double height, double calls)
{
    double over = OVERSHOOT * (fit->high - fit->low);
    double score = fit->idle + fit->sign * fmax(height, 0) * curve_at(fit, calls);

    return fmin(fmax(score, fit->low - over), fit->high + over);
}

double rung_scorefit_expect(const struct rung_scorefit *fit, size_t model, double calls)
{
    return score_at(fit, fit->models[model].height, calls);
}

/* Normal, and smooth in the logarithm of calls: what a curve differs by from the common one is mostly its
 * shape. */
static double wander(uint64_t key, double calls)
{
    double at = log2(calls) / OCTAVES, node = floor(at), share = at - node;

    return (1 - share) * rung_luck_normal(key + (uint64_t)(node + 64)) +
           share * rung_luck_normal(key + (uint64_t)(node + 65));
}

double rung_scorefit_draw(const struct rung_scorefit *fit, size_t model, double calls, uint64_t draw)
{
    const struct score_model *of = &fit->models[model];
    uint64_t key = rung_luck_mix(draw ^ rung_luck_mix(model + 1));

    if (of->bad > 0 && rung_luck_uniform(key ^ 1) < of->bad)
        return NAN;
    double height = of->height + of->sd * rung_luck_normal(key ^ 2);
    return score_at(fit, height * (1 + fit->noise * wander(rung_luck_mix(key ^ 3), calls)), calls);
}
