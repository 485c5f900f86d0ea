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

#define ROWS_FITTED 2000 /* about; of more, those of an even sample of models: a search waits for this */
#define TURNS       8
#define OUTER       0.01 /* share of scores at the better end that is drawn in to the rest */
#define WORST       4.0  /* times as far below the middle as the best is above it: worse is drawn in, too */
#define OVERSHOOT   0.1  /* of the range of scores, that a draw may lie outside of it */
#define POINTS      15   /* at which a model's speed is tried */
#define REACH       3.0  /* standard deviations to either side that they cover */
#define SPEED_SD    1.5  /* of speeds, at first */
#define SPEED_LEAST 0.05
#define SPEED_MOST  12.0
#define LUCK_MOST   4.0
#define FAR         9.0   /* twice minus the log likelihood per score: more is an outlier */
#define STILL_SHARE 0.2   /* of models, at first */
#define STILL_LEAST 0.005 /* a share is never nearer to 0 or 1 */
#define STILL_SHAKE 2e-3  /* of the range of scores: one that stands still moves by that, at first */
#define STILL_MOST  5e-3  /* at most */

struct work {
    struct rung_scorefit *fit;
    double *log_calls, *value; /* per row */
    size_t *first, *order;     /* rows by model: order[first[k]] … order[first[k + 1] - 1], as they came */
    size_t *chosen, count;     /* models that are learnt from */
    double *encoded;           /* models x columns */
    size_t columns;
    double *expected; /* speed by hyperparameters, per model */
    double *reach;    /* half-width of the points, per model */
    double *evidence; /* log of how much likelier its scores are when it stands still, per model */
    double between;   /* variance of speeds around what is expected */
    struct rung_score_pair *pairs, *changes; /* room for a pair per row */
    double *x, *y, *precision;               /* room for a regression over the chosen models */
};

static size_t rows_of(const struct work *work, size_t model)
{
    return work->first[model + 1] - work->first[model];
}

/* ---- scaling ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Whether scores rise with calls: by each model's changes from score to score. */
static double direction(const struct work *work, double low, double high)
{
    const struct rung_score_row *rows = work->fit->rows;
    double sum = 0;

    for (size_t k = 0; k < work->fit->model_count; k++)
        for (size_t i = work->first[k] + 1; i < work->first[k + 1]; i++) {
            const struct rung_score_row *a = &rows[work->order[i - 1]], *b = &rows[work->order[i]];
            double change = fmin(fmax(b->score, low), high) - fmin(fmax(a->score, low), high);
            sum += b->calls > a->calls ? change : b->calls < a->calls ? -change : 0;
        }
    return sum < 0 ? -1 : 1;
}

/* A loss that exploded must not stretch the scale for all others. Without two different scores it is that
 * of the one. There is at least one. */
static void scale(struct work *work)
{
    struct rung_scorefit *fit = work->fit;
    size_t count = fit->row_count, outer = (size_t)(OUTER * (double)count);
    double *scores = rung_mem_zalloc(count, sizeof *scores);

    for (size_t i = 0; i < count; i++)
        scores[i] = fit->rows[i].score;
    qsort(scores, count, sizeof *scores, compare);
    double sign = direction(work, scores[count / 10], scores[count - 1 - count / 10]);
    double best = sign * scores[sign > 0 ? count - 1 - outer : outer];
    double worst = sign * scores[sign > 0 ? outer : count - 1 - outer];
    double middle = sign * scores[count / 2];
    if (best > middle)
        worst = fmax(worst, middle - WORST * (best - middle));
    double range = best - worst;
    fit->low = sign * worst;
    fit->range = sign * (range > 0 && isfinite(range) ? range : fmax(fabs(best), 1e-6));
    fit->lowest = -OVERSHOOT;
    fit->highest = 1 + OVERSHOOT;
    for (size_t i = 0; i < count; i++)
        work->value[i] = fmin(fmax((fit->rows[i].score - fit->low) / fit->range, 0), 1);
    free(scores);
}

/* ---- the beginning ---- */

static void order_rows(struct work *work)
{
    const struct rung_scorefit *fit = work->fit;

    for (size_t i = 0; i < fit->row_count; i++) {
        work->first[fit->rows[i].model + 1]++;
        work->log_calls[i] = log(fit->rows[i].calls);
    }
    for (size_t k = 0; k < fit->model_count; k++)
        work->first[k + 1] += work->first[k];
    size_t *next = rung_mem_copy(work->first, fit->model_count + 1, sizeof *next);
    for (size_t i = 0; i < fit->row_count; i++)
        work->order[next[fit->rows[i].model]++] = i;
    free(next);
}

static void choose(struct work *work)
{
    size_t one_of = work->fit->row_count / ROWS_FITTED + 1;

    for (size_t k = 0; k < work->fit->model_count; k++)
        if (rows_of(work, k) > 0 && rung_luck_mix(k) % one_of == 0)
            work->chosen[work->count++] = k;
}

static void encode(struct work *work)
{
    struct rung_scorefit *fit = work->fit;

    rung_features_free(fit->features);
    fit->features = rung_features_create();
    for (size_t k = 0; k < fit->model_count; k++)
        rung_features_learn(fit->features, fit->models[k].parameters);
    work->columns = rung_scorefit_columns(fit);
    work->encoded = rung_mem_zalloc(fit->model_count * work->columns + 1, sizeof *work->encoded);
    for (size_t k = 0; k < fit->model_count; k++)
        rung_scorefit_encode(fit, fit->models[k].parameters, work->encoded + k * work->columns);
}

struct first_score {
    double calls, value;
    size_t model;
};

static int by_calls_and_value(const void *a, const void *b)
{
    const struct first_score *x = a, *y = b;

    if (x->calls != y->calls)
        return x->calls < y->calls ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* Scores of one number of calls: of the logistic distribution, whose quantiles are near enough to a normal
 * one's for a beginning. Equal scores share their place. */
static void place_speeds(struct work *work, const struct first_score *scores, size_t count)
{
    for (size_t low = 0, high; low < count; low = high) {
        for (high = low; high < count && scores[high].value == scores[low].value;)
            high++;
        double share = (0.5 * (double)(low + high) + 0.5) / ((double)count + 1);
        for (size_t i = low; i < high; i++)
            work->fit->models[scores[i].model].speed.mean = SPEED_SD * log(share / (1 - share)) / 1.7;
    }
}

/* At first, speeds are by the order of the models' first scores among those after as many calls: what later
 * calls select cannot bias that. */
static void first_speeds(struct work *work)
{
    struct first_score *scores = rung_mem_zalloc(work->count + 1, sizeof *scores);

    for (size_t i = 0; i < work->count; i++) {
        size_t row = work->order[work->first[work->chosen[i]]];
        scores[i] = (struct first_score){work->fit->rows[row].calls, work->value[row], work->chosen[i]};
    }
    qsort(scores, work->count, sizeof *scores, by_calls_and_value);
    for (size_t low = 0, high; low < work->count; low = high) {
        for (high = low; high < work->count && scores[high].calls == scores[low].calls;)
            high++;
        place_speeds(work, scores + low, high - low);
    }
    free(scores);
}

/* ---- the curve ---- */

static double progress_of(const struct work *work, size_t row)
{
    return work->log_calls[row] + work->fit->models[work->fit->rows[row].model].speed.mean;
}

static void fit_curve(struct work *work)
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
static void fit_noise(struct work *work)
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
static double misfit(const struct work *work, size_t model, double speed, double *first)
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
    if (rows_of(work, model) == 1)
        return *first;
    return fmin(squares - along * along / known, FAR * (double)rows_of(work, model)) + 2 * logs + log(known);
}

/* The same of a model that stands still, of the scores after its first one. */
static double misfit_still(const struct work *work, size_t model)
{
    double shake = work->fit->still_shake, squares = 0, sum = 0;
    double first = work->value[work->order[work->first[model]]], rows = (double)rows_of(work, model);

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
static void fit_speed(struct work *work, size_t k)
{
    struct rung_score_model *model = &work->fit->models[k];
    double weight[POINTS], all[POINTS], firsts = 0, most = -INFINITY, sum = 0, mean = 0, square = 0;
    double step = 2 * work->reach[k] / (POINTS - 1), from = model->speed.mean - work->reach[k];
    bool several = rows_of(work, k) > 1;

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

static void fit_speeds(struct work *work)
{
    for (size_t c = 0; c < work->count; c++)
        fit_speed(work, work->chosen[c]);
}

static void regress(struct work *work, struct rung_score_effect *effect, size_t count)
{
    rung_ridge_free(&effect->ridge);
    rung_ridge_fit(&effect->ridge, work->x, work->y, work->precision, count, work->columns);
}

static void add_to_regression(struct work *work, size_t row, size_t model, double y, double precision)
{
    double learns = 1 - work->fit->models[model].still + 1e-6;

    memcpy(work->x + row * work->columns, work->encoded + model * work->columns,
           work->columns * sizeof *work->x);
    work->y[row] = y;
    work->precision[row] = precision * learns;
}

/* What the scores alone say of the speeds, and how precisely, explained by hyperparameters. The mean speed
 * is made 0: where that is does not matter, the curve follows. */
static void expect_speeds(struct work *work)
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
static void fit_still(struct work *work)
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
static double measure_luck(const struct work *work, size_t model, double *known)
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

static void expect_luck(struct work *work)
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
static void know_models(struct work *work)
{
    struct rung_scorefit *fit = work->fit;
    double before = 1 / (fit->luck.sd * fit->luck.sd), known;

    for (size_t k = 0; k < fit->model_count; k++) {
        struct rung_score_model *model = &fit->models[k];
        const double *x = work->encoded + k * work->columns;
        bool scored = rows_of(work, k) > 0;
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

static void fit_bad(struct work *work)
{
    struct rung_scorefit *fit = work->fit;

    fit->bad = (double)fit->not_finite / (double)(fit->added + 1);
    for (size_t k = 0; k < fit->model_count; k++) {
        double bad = (double)fit->models[k].not_finite, seen = bad + (rows_of(work, k) > 0);
        fit->models[k].bad = (bad + 2 * fit->bad) / (seen + 2);
    }
}

/* ---- the fit ---- */

static void begin(struct work *work, struct rung_scorefit *fit)
{
    size_t models = fit->model_count, rows = fit->row_count;

    *work = (struct work){.fit = fit,
                          .log_calls = rung_mem_zalloc(2 * rows + 1, sizeof(double)),
                          .first = rung_mem_zalloc(2 * models + 2, sizeof(size_t)),
                          .order = rung_mem_zalloc(rows + 1, sizeof(size_t)),
                          .expected = rung_mem_zalloc(3 * models + 1, sizeof(double)),
                          .between = SPEED_SD * SPEED_SD,
                          .pairs = rung_mem_zalloc(2 * rows + 1, sizeof(struct rung_score_pair))};
    work->value = work->log_calls + rows;
    work->chosen = work->first + models + 1;
    work->reach = work->expected + models;
    work->evidence = work->reach + models;
    work->changes = work->pairs + rows;
    order_rows(work);
    choose(work);
    encode(work);
    work->x = rung_mem_zalloc(work->count * (work->columns + 2) + 1, sizeof *work->x);
    work->y = work->x + work->count * work->columns;
    work->precision = work->y + work->count;
    fit->still = STILL_SHARE;
    fit->still_shake = STILL_SHAKE;
    for (size_t c = 0; c < work->count; c++) {
        fit->models[work->chosen[c]].still = STILL_SHARE;
        fit->models[work->chosen[c]].speed.sd = SPEED_SD;
        work->reach[work->chosen[c]] = REACH * SPEED_SD;
    }
}

static void end(struct work *work)
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
    struct work work;

    begin(&work, fit);
    if (work.count > 0) {
        scale(&work);
        first_speeds(&work);
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
