/*
 * Scores from hyperparameters and calls: one curve for all models, over their progress, which is the
 * logarithm of their calls plus a speed of their own. A shift and not a sum of effects, since a model that
 * learns twice as fast is where another one will be after twice as many calls, and one that has not begun to
 * learn stands on the curve's flat part. Curve and speeds are fitted in turns; a speed is drawn towards what
 * the hyperparameters say of it, the more the less the model's scores tell: those of all models count, also
 * of those that were stopped, so that it does not matter that only good ones have late scores.
 *
 * Source: the curve is the shape-invariant model of Lawton, Sylvestre and Maggio (1972); the turns are those
 * of empirical Bayes, as in Laird and Ware, Random-effects models for longitudinal data (1982).
 */
#include "cost/scorefit_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TURNS       8
#define POINTS      15  /* at which a model's speed is tried */
#define REACH       3.0 /* standard deviations to either side that they cover */
#define SPEED_LEAST 0.05
#define SPEED_MOST  12.0
#define LUCK_MOST   4.0
#define FAR         9.0   /* twice minus the log likelihood per score: more is an outlier */
#define STILL_SHARE 0.2   /* of models, at first */
#define STILL_LEAST 0.005 /* a share is never nearer to 0 or 1 */
#define STILL_SHAKE 2e-3  /* of the range of scores: one that stands still moves by that, at first */
#define STILL_MOST  5e-3  /* at most */

/* ---- the curve ---- */

static double progress_of(const struct rung_score_work *work, size_t row)
{
    return work->log_calls[row] + work->fit->models[work->fit->rows[row].model].speed.mean;
}

static void fit_curve(struct rung_score_work *work)
{
    size_t count = 0;

    for (size_t c = 0; c < work->count; c++) {
        size_t k = work->chosen[c];
        for (size_t i = work->first[k]; i < work->first[k + 1]; i++) {
            size_t row = work->order[i];
            work->pairs[count++] = (struct rung_score_pair){progress_of(work, row), work->value[row],
                                                            1 - work->fit->models[k].still};
        }
    }
    rung_score_curve_fit(&work->fit->curve, work->pairs, count);
}

/* Where the curve is steep a speed is put where the score is: what is not known of it counts, too. */
static void fit_noise(struct rung_score_work *work)
{
    const struct rung_scorefit *fit = work->fit;
    size_t count = 0, changes = 0;

    for (size_t c = 0; c < work->count; c++) {
        const struct rung_score_model *model = &fit->models[work->chosen[c]];
        double before = 0, from = 0;
        if (model->still > 0.5)
            continue;
        for (size_t i = work->first[work->chosen[c]]; i < work->first[work->chosen[c] + 1]; i++) {
            double progress = progress_of(work, work->order[i]);
            double off = work->value[work->order[i]] - rung_score_at(&fit->curve, progress).value;
            double unsure = model->speed.sd * rung_score_slope(&fit->curve, progress);
            if (i > work->first[work->chosen[c]])
                work->changes[changes++] = (struct rung_score_pair){from, fabs(off - before), 1};
            work->pairs[count++] = (struct rung_score_pair){progress, sqrt(off * off + unsure * unsure), 1};
            before = off;
            from = progress;
        }
    }
    rung_score_curve_noise(&work->fit->curve, work->pairs, count, work->changes, changes);
}

/* ---- speeds ---- */

/* Twice minus the log likelihood of a model's scores at that speed: off the curve by what stays with the
 * model, and by what changes from score to score. first: the same of the first score alone. */
static double misfit(const struct rung_score_work *work, size_t model, double speed, double *first)
{
    double squares = 0, along = 0, known = 1, logs = 0;

    for (size_t i = work->first[model]; i < work->first[model + 1]; i++) {
        size_t row = work->order[i];
        struct rung_score_knot at = rung_score_at(&work->fit->curve, work->log_calls[row] + speed);
        double off = (work->value[row] - at.value) / at.shake, spread = at.spread / at.shake;
        squares += off * off;
        along += off * spread;
        known += spread * spread;
        logs += at.log_shake;
        if (i == work->first[model])
            *first = fmin(squares - along * along / known, FAR) + 2 * logs + log(known);
    }
    if (rung_score_rows_of(work, model) == 1)
        return *first;
    return fmin(squares - along * along / known, FAR * (double)rung_score_rows_of(work, model)) + 2 * logs +
           log(known);
}

/* The same of a model that stands still, of the scores after its first one. */
static double misfit_still(const struct rung_score_work *work, size_t model)
{
    double shake = work->fit->still_shake, squares = 0, sum = 0;
    double first = work->value[work->order[work->first[model]]],
           rows = (double)rung_score_rows_of(work, model);

    for (size_t i = work->first[model] + 1; i < work->first[model + 1]; i++) {
        double off = (work->value[work->order[i]] - first) / shake;
        squares += off * off;
        sum += off;
    }
    return squares - sum * sum / rows + 2 * (rows - 1) * log(shake) + log(rows);
}

static double chance(double log_odds)
{
    return 1 / (1 + exp(-log_odds));
}

/* Mean and standard deviation of a model's speed after what its scores say, and whether it stands still:
 * its first score says nothing of that. The points follow the mean from turn to turn, and reach farther when
 * it lies near their end. */
static void fit_speed(struct rung_score_work *work, size_t k)
{
    struct rung_score_model *model = &work->fit->models[k];
    double weight[POINTS], all[POINTS], firsts = 0, most = -INFINITY, sum = 0, mean = 0, square = 0;
    double step = 2 * work->reach[k] / (POINTS - 1), from = model->speed.mean - work->reach[k];
    bool several = rung_score_rows_of(work, k) > 1;

    for (int j = 0; j < POINTS; j++) {
        double off = from + j * step - work->expected[k], prior = off * off / work->between, first = 0;
        all[j] = -0.5 * (prior + misfit(work, k, from + j * step, &first));
        firsts += several ? exp(-0.5 * (prior + first)) : 0;
        most = fmax(most, all[j]);
    }
    for (int j = 0; j < POINTS; j++) {
        weight[j] = exp(all[j] - most);
        sum += weight[j];
        mean += weight[j] * j;
        square += weight[j] * j * j;
    }
    mean /= sum;
    work->evidence[k] = several ? -0.5 * misfit_still(work, k) - most - log(sum / fmax(firsts, 1e-300)) : 0;
    model->still = chance(work->evidence[k] + log(work->fit->still / (1 - work->fit->still)));
    model->speed.mean = fmin(fmax(from + step * mean, -SPEED_MOST), SPEED_MOST);
    model->speed.sd = step * sqrt(fmax(square / sum - mean * mean, 0.09));
    bool inside = fabs(mean - 0.5 * (POINTS - 1)) < 0.3 * POINTS;
    work->reach[k] =
        inside ? REACH * fmax(model->speed.sd, SPEED_LEAST) : fmin(2 * work->reach[k], SPEED_MOST);
}

static void fit_speeds(struct rung_score_work *work)
{
    for (size_t c = 0; c < work->count; c++)
        fit_speed(work, work->chosen[c]);
}

static void regress(struct rung_score_work *work, struct rung_score_effect *effect, size_t count)
{
    rung_ridge_free(&effect->ridge);
    rung_ridge_fit(&effect->ridge, work->x, work->y, work->precision, count, work->columns);
}

static void add_to_regression(struct rung_score_work *work, size_t row, size_t model, double y,
                              double precision)
{
    double learns = 1 - work->fit->models[model].still + 1e-6;

    memcpy(work->x + row * work->columns, work->encoded + model * work->columns,
           work->columns * sizeof *work->x);
    work->y[row] = y;
    work->precision[row] = precision * learns;
}

/* What the scores alone say of the speeds, and how precisely, explained by hyperparameters. The mean speed
 * is made 0: where that is does not matter, the curve follows. */
static void expect_speeds(struct rung_score_work *work)
{
    struct rung_scorefit *fit = work->fit;
    double squares = 0, learners = 0, mean = 0;

    for (size_t c = 0; c < work->count; c++) {
        size_t k = work->chosen[c];
        struct rung_score_guess speed = fit->models[k].speed;
        double off = speed.mean - work->expected[k], variance = speed.sd * speed.sd;
        double known = fmax(1 / variance - 1 / work->between, 1e-3 / work->between);
        double raw = speed.mean + off / (work->between * known);
        add_to_regression(work, c, k, fmin(fmax(raw, -SPEED_MOST), SPEED_MOST),
                          1 / (1 / known + work->between));
        squares += (1 - fit->models[k].still) * (off * off + variance);
        learners += 1 - fit->models[k].still;
    }
    regress(work, &fit->speed, work->count);
    for (size_t c = 0; c < work->count; c++)
        mean += rung_ridge_predict(&fit->speed.ridge, work->x + c * work->columns) / (double)work->count;
    fit->speed.ridge.intercept -= mean;
    for (size_t c = 0; c < work->count; c++) {
        size_t k = work->chosen[c];
        work->expected[k] = rung_ridge_predict(&fit->speed.ridge, work->x + c * work->columns);
        fit->models[k].speed.mean -= mean;
    }
    if (learners > fit->speed.ridge.degrees)
        work->between = fmax(squares / (learners - fit->speed.ridge.degrees), SPEED_LEAST);
    fit->speed.sd = sqrt(work->between);
}

/* ---- who stands still ---- */

/* The share is of the models whose scores tell. One for all: by hyperparameters it would be extrapolated from
 * those who survived to those who did not. */
static void fit_still(struct rung_score_work *work)
{
    struct rung_scorefit *fit = work->fit;
    double share = STILL_SHARE, clear = 1, sum = 0, square = 0, weight = 0, moved = 0, moves = 0;

    for (size_t c = 0; c < work->count; c++) {
        size_t k = work->chosen[c];
        double still = fit->models[k].still, alone = chance(work->evidence[k]);
        double level = work->value[work->order[work->first[k]]];
        share += fabs(2 * alone - 1) * alone;
        clear += fabs(2 * alone - 1);
        weight += still;
        sum += still * level;
        square += still * level * level;
        for (size_t i = work->first[k] + 1; i < work->first[k + 1] && still > 0.5; i++, moves++)
            moved += fabs(work->value[work->order[i]] - work->value[work->order[i - 1]]);
    }
    fit->still = fmin(fmax(share / clear, STILL_LEAST), 1 - STILL_LEAST);
    if (weight > 0) {
        fit->still_level.mean = sum / weight;
        fit->still_level.sd = sqrt(fmax(square / weight - pow(sum / weight, 2), 1e-6));
    }
    if (moves > 10) /* from the mean change between two: 1.25 / sqrt 2 */
        fit->still_shake = fmin(fmax(0.886 * moved / moves, STILL_MOST / 10), STILL_MOST);
}

/* ---- each model's own luck ---- */

/* From distances to the curve, and how precisely it is known (0: without scores). */
static double measure_luck(const struct rung_score_work *work, size_t model, double *known)
{
    double sum = 0;

    *known = 0;
    for (size_t i = work->first[model]; i < work->first[model + 1]; i++) {
        double progress = progress_of(work, work->order[i]);
        struct rung_score_knot at = rung_score_at(&work->fit->curve, progress);
        double weight = at.spread / pow(fmax(at.shake, 0.1 * at.spread), 2);
        sum += (work->value[work->order[i]] - at.value) * weight;
        *known += at.spread * weight;
    }
    return *known > 0 ? fmin(fmax(sum / *known, -LUCK_MOST), LUCK_MOST) : 0;
}

static void expect_luck(struct rung_score_work *work)
{
    struct rung_scorefit *fit = work->fit;
    double squares = 0, weight = 0, known;
    size_t count = 0;

    for (size_t c = 0; c < work->count; c++) {
        double luck = measure_luck(work, work->chosen[c], &known);
        if (known > 0)
            add_to_regression(work, count++, work->chosen[c], luck, known / (known + 1));
    }
    regress(work, &fit->luck, count);
    for (size_t i = 0; i < count; i++) {
        double off = work->y[i] - rung_ridge_predict(&fit->luck.ridge, work->x + i * work->columns);
        squares += work->precision[i] * off * off;
        weight += work->precision[i];
    }
    fit->luck.sd = weight > 0 ? fmin(fmax(sqrt(squares / weight), 0.1), 1) : 1;
}

/* ---- all models ---- */

/* Those that were not learnt from, too. */
static void know_models(struct rung_score_work *work)
{
    struct rung_scorefit *fit = work->fit;
    double before = 1 / (fit->luck.sd * fit->luck.sd), known;

    for (size_t k = 0; k < fit->model_count; k++) {
        struct rung_score_model *model = &fit->models[k];
        const double *x = work->encoded + k * work->columns;
        bool scored = rung_score_rows_of(work, k) > 0;
        bool learnt_from = work->reach[k] > 0;
        work->expected[k] = rung_ridge_predict(&fit->speed.ridge, x);
        if (!learnt_from) {
            model->speed = (struct rung_score_guess){work->expected[k], fit->speed.sd};
            work->reach[k] = REACH * fit->speed.sd;
        }
        model->still = fit->still;
        for (int pass = learnt_from; pass < 2 && scored; pass++)
            fit_speed(work, k);
        double luck = measure_luck(work, k, &known), expected = rung_ridge_predict(&fit->luck.ridge, x);
        luck = (known * luck + before * expected) / (known + before);
        model->luck = (struct rung_score_guess){luck, sqrt(1 / (known + before))};
        model->level = fit->still_level;
        if (scored)
            model->level = (struct rung_score_guess){work->value[work->order[work->first[k + 1] - 1]], 0};
    }
}

static void fit_bad(struct rung_score_work *work)
{
    struct rung_scorefit *fit = work->fit;

    fit->bad = (double)fit->not_finite / (double)(fit->added + 1);
    for (size_t k = 0; k < fit->model_count; k++) {
        double bad = (double)fit->models[k].not_finite, seen = bad + (rung_score_rows_of(work, k) > 0);
        fit->models[k].bad = (bad + 2 * fit->bad) / (seen + 2);
    }
}

/* ---- the fit ---- */

static void begin(struct rung_score_work *work, struct rung_scorefit *fit)
{
    size_t models = fit->model_count, rows = fit->row_count;

    rung_ridge_free(&fit->speed.ridge);
    rung_ridge_free(&fit->luck.ridge);
    *work = (struct rung_score_work){.fit = fit,
                                     .log_calls = rung_mem_zalloc(2 * rows + 1, sizeof(double)),
                                     .first = rung_mem_zalloc(2 * models + 2, sizeof(size_t)),
                                     .order = rung_mem_zalloc(rows + 1, sizeof(size_t)),
                                     .expected = rung_mem_zalloc(3 * models + 1, sizeof(double)),
                                     .between = RUNG_SCORE_SPEED_SD * RUNG_SCORE_SPEED_SD,
                                     .pairs = rung_mem_zalloc(2 * rows + 1, sizeof(struct rung_score_pair))};
    work->value = work->log_calls + rows;
    work->chosen = work->first + models + 1;
    work->reach = work->expected + models;
    work->evidence = work->reach + models;
    work->changes = work->pairs + rows;
    rung_score_work_order(work);
    work->x = rung_mem_zalloc(work->count * (work->columns + 2) + 1, sizeof *work->x);
    work->y = work->x + work->count * work->columns;
    work->precision = work->y + work->count;
    fit->still = STILL_SHARE;
    fit->still_shake = STILL_SHAKE;
    for (size_t c = 0; c < work->count; c++) {
        fit->models[work->chosen[c]].still = STILL_SHARE;
        fit->models[work->chosen[c]].speed.sd = RUNG_SCORE_SPEED_SD;
        work->reach[work->chosen[c]] = REACH * RUNG_SCORE_SPEED_SD;
    }
}

static void end(struct rung_score_work *work)
{
    free(work->log_calls);
    free(work->first);
    free(work->order);
    free(work->encoded);
    free(work->expected);
    free(work->pairs);
    free(work->x);
}

void rung_scorefit_fit(struct rung_scorefit *fit)
{
    struct rung_score_work work;

    begin(&work, fit);
    if (work.count > 0) {
        rung_score_work_begin(&work);
        for (int turn = 0; turn < TURNS; turn++) {
            fit_curve(&work);
            if (turn % 2 == 0) /* it changes slowly, and needs sorting */
                fit_noise(&work);
            fit_speeds(&work);
            fit_still(&work);
            expect_speeds(&work);
        }
        fit_curve(&work);
        fit_noise(&work);
        expect_luck(&work);
        know_models(&work);
    }
    fit_bad(&work);
    end(&work);
}
