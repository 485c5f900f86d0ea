/* What a fit of the model of scores begins with: which scores count, on which scale, and which models seem
 * fast. */
#include "cost/scorefit_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_FITTED 2000 /* about: a search waits for this. Of more, those of an even sample of models */
#define LEAST_EACH  20   /* rows of a model that has so many */
#define MOST_EACH   60
#define CLEARLY     0.3  /* of all changes: their sum, for scores to go against the goal */
#define OUTER       0.01 /* share of scores at the better end that is drawn in to the rest */
#define OVERSHOOT   0.1  /* of the range of scores, that a draw may lie outside of it */
#define WORST       8.0  /* times as far below the middle as the best is above it: worse is drawn in, too */

/* ---- scaling ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* 1 where scores rise with calls, -1 where they fall: as the goal has it, unless each model's changes from
 * score to score clearly say otherwise. */
static double direction(const struct rung_score_work *work, double low, double high)
{
    const struct rung_score_row *rows = work->fit->rows;
    double sum = 0, all = 0, goal = work->fit->minimize ? -1 : 1;

    for (size_t k = 0; k < work->fit->model_count; k++)
        for (size_t i = work->first[k] + 1; i < work->first[k + 1]; i++) {
            const struct rung_score_row *a = &rows[work->order[i - 1]], *b = &rows[work->order[i]];
            double change = fmin(fmax(b->score, low), high) - fmin(fmax(a->score, low), high);
            sum += b->calls > a->calls ? change : b->calls < a->calls ? -change : 0;
            all += fabs(change);
        }
    return goal * sum < -CLEARLY * all ? -goal : goal;
}

/* A loss that exploded must not stretch the scale for all others. Without two different scores it is that
 * of the one. There is at least one. */
static void scale(struct rung_score_work *work)
{
    struct rung_scorefit *fit = work->fit;
    size_t count = work->first[fit->model_count], outer = (size_t)(OUTER * (double)count);
    double *scores = rung_mem_zalloc(count, sizeof *scores);

    for (size_t i = 0; i < count; i++)
        scores[i] = fit->rows[work->order[i]].score;
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
    for (size_t i = 0; i < fit->row_count; i++)
        work->value[i] = fmin(fmax((fit->rows[i].score - fit->low) / fit->range, 0), 1);
    free(scores);
}

/* ---- the beginning ---- */

/* Rows that a model may keep: those of few models are all learnt from. */
static size_t rows_each(const struct rung_score_work *work)
{
    size_t scored = 0;

    for (size_t k = 0; k < work->fit->model_count; k++)
        scored += rung_score_rows_of(work, k) > 0;
    size_t each = ROWS_FITTED / (scored > 0 ? scored : 1);
    return each < LEAST_EACH ? LEAST_EACH : each > MOST_EACH ? MOST_EACH : each;
}

/* Of `rows` rows about `each`, evenly over the logarithm of calls: nearly all late scores of a long run are
 * nearly its last one. Returns how many are kept, at the front. */
static size_t thin(const struct rung_score_work *work, size_t *order, size_t rows, size_t each)
{
    double least = INFINITY, most = -INFINITY, kept_at = -INFINITY;
    size_t kept = 0;

    if (rows <= each)
        return rows;
    for (size_t i = 0; i < rows; i++) {
        least = fmin(least, work->log_calls[order[i]]);
        most = fmax(most, work->log_calls[order[i]]);
    }
    for (size_t i = 0; i < rows; i++) {
        double at = work->log_calls[order[i]];
        if (i + 1 < rows && fabs(at - kept_at) * (double)each < most - least)
            continue;
        order[kept++] = order[i];
        kept_at = at;
    }
    return kept;
}

static void thin_rows(struct rung_score_work *work)
{
    size_t each = rows_each(work), kept = 0, first = 0;

    for (size_t k = 0; k < work->fit->model_count; k++) {
        size_t rows = work->first[k + 1] - first;
        size_t count = thin(work, work->order + first, rows, each);
        memmove(work->order + kept, work->order + first, count * sizeof *work->order);
        first = work->first[k + 1];
        kept += count;
        work->first[k + 1] = kept;
    }
}

static void order_rows(struct rung_score_work *work)
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
    thin_rows(work);
}

static void choose(struct rung_score_work *work)
{
    size_t rows = work->first[work->fit->model_count];
    size_t one_of = rows > ROWS_FITTED ? rows / ROWS_FITTED + 1 : 1;

    for (size_t k = 0; k < work->fit->model_count; k++)
        if (rung_score_rows_of(work, k) > 0 && rung_luck_mix(k) % one_of == 0)
            work->chosen[work->count++] = k;
}

static void encode(struct rung_score_work *work)
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
static void place_speeds(struct rung_score_work *work, const struct first_score *scores, size_t count)
{
    for (size_t low = 0, high; low < count; low = high) {
        for (high = low; high < count && scores[high].value == scores[low].value;)
            high++;
        double share = (0.5 * (double)(low + high) + 0.5) / ((double)count + 1);
        for (size_t i = low; i < high; i++)
            work->fit->models[scores[i].model].speed.mean =
                RUNG_SCORE_SPEED_SD * log(share / (1 - share)) / 1.7;
    }
}

/* At first, speeds are by the order of the models' first scores among those after as many calls: what later
 * calls select cannot bias that. */
static void first_speeds(struct rung_score_work *work)
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

void rung_score_work_order(struct rung_score_work *work)
{
    order_rows(work);
    choose(work);
    encode(work);
}

void rung_score_work_begin(struct rung_score_work *work)
{
    scale(work);
    first_speeds(work);
}
