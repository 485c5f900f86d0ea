/* Scores that were seen, and draws of those to come. */
#include "cost/scorefit_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define ROWS_KEPT 20000 /* of more, an even sample */

struct rung_scorefit *rung_scorefit_create(void)
{
    struct rung_scorefit *fit = rung_mem_zalloc(1, sizeof *fit);

    fit->range = fit->curve.step = 1;
    fit->lowest = -INFINITY;
    fit->highest = INFINITY;
    fit->speed.sd = fit->luck.sd = 1;
    for (size_t k = 0; k < RUNG_SCORE_KNOTS; k++) /* nothing is known */
        fit->curve.knots[k] = (struct rung_score_knot){.spread = 1};
    return fit;
}

void rung_scorefit_free(struct rung_scorefit *fit)
{
    if (!fit)
        return;
    for (size_t k = 0; k < fit->model_count; k++)
        rung_json_free(fit->models[k].parameters);
    rung_features_free(fit->features);
    rung_ridge_free(&fit->speed.ridge);
    rung_ridge_free(&fit->luck.ridge);
    free(fit->models);
    free(fit->rows);
    free(fit);
}

void rung_scorefit_set_goal(struct rung_scorefit *fit, bool maximize)
{
    fit->minimize = !maximize;
}

/* ---- models ---- */

size_t rung_scorefit_columns(const struct rung_scorefit *fit)
{
    size_t count = 0, all = fit->features ? rung_features_count(fit->features) : 0;

    for (size_t j = 0; j < all; j++)
        count += !rung_features_mirrored(fit->features, j);
    return count;
}

void rung_scorefit_encode(const struct rung_scorefit *fit, const struct rung_json *parameters, double *out)
{
    size_t count = rung_features_count(fit->features), kept = 0;
    double *all = rung_mem_zalloc(count + 1, sizeof *all);

    rung_features_encode(fit->features, parameters, all);
    for (size_t j = 0; j < count; j++)
        if (!rung_features_mirrored(fit->features, j))
            out[kept++] = all[j];
    free(all);
}

static struct rung_score_guess effect(const struct rung_scorefit *fit, const struct rung_score_effect *of,
                                      const struct rung_json *parameters)
{
    size_t columns = rung_scorefit_columns(fit);

    if (!fit->features || of->ridge.columns != columns) /* nothing was learnt */
        return (struct rung_score_guess){0, of->sd};
    double *row = rung_mem_zalloc(columns + 1, sizeof *row);
    rung_scorefit_encode(fit, parameters, row);
    double mean = rung_ridge_predict(&of->ridge, row);
    free(row);
    return (struct rung_score_guess){mean, of->sd};
}

size_t rung_scorefit_model(struct rung_scorefit *fit, const struct rung_json *parameters)
{
    fit->models = rung_mem_grow(fit->models, fit->model_count, &fit->model_capacity, sizeof *fit->models);
    fit->models[fit->model_count++] = (struct rung_score_model){.parameters = rung_json_copy(parameters),
                                                                .speed = effect(fit, &fit->speed, parameters),
                                                                .luck = effect(fit, &fit->luck, parameters),
                                                                .still = fit->still,
                                                                .level = fit->still_level,
                                                                .bad = fit->bad};
    return fit->model_count - 1;
}

/* ---- observations ---- */

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
    fit->rows[fit->row_count++] = (struct rung_score_row){model, calls, score};
}

size_t rung_scorefit_observations(const struct rung_scorefit *fit)
{
    return fit->added;
}

/* ---- draws ---- */

static double unscaled(const struct rung_scorefit *fit, double scaled)
{
    return fit->low + fit->range * fmin(fmax(scaled, fit->lowest), fit->highest);
}

double rung_scorefit_expect(const struct rung_scorefit *fit, size_t model, double calls)
{
    const struct rung_score_model *of = &fit->models[model];
    struct rung_score_knot at = rung_score_at(&fit->curve, log(calls) + of->speed.mean);
    double learnt = at.value + of->luck.mean * at.spread;

    return unscaled(fit, of->still * of->level.mean + (1 - of->still) * learnt);
}

static double drawn(struct rung_score_guess guess, uint64_t key)
{
    return guess.sd > 0 ? guess.mean + guess.sd * rung_luck_normal(key) : guess.mean;
}

/* Standard normal at every number of calls, and smooth in their logarithm: as good as independent from one
 * doubling to the next. */
static double wander(uint64_t key, double calls)
{
    double at = log2(calls), node = floor(at), share = at - node;
    uint64_t name = key + (uint64_t)(node + 1100); /* the smallest number is 2 to the -1074 */
    double sum = (1 - share) * rung_luck_normal(name) + share * rung_luck_normal(name + 1);

    return sum / sqrt(share * share + (1 - share) * (1 - share));
}

double rung_scorefit_draw(const struct rung_scorefit *fit, size_t model, double calls, uint64_t draw)
{
    const struct rung_score_model *of = &fit->models[model];
    uint64_t key = rung_luck_mix(draw ^ rung_luck_mix(model + 1));

    if (of->bad > 0 && rung_luck_uniform(key ^ 1) < of->bad)
        return NAN;
    double shaken = wander(rung_luck_mix(key ^ 2), calls);
    if (of->still > 0 && rung_luck_uniform(key ^ 3) < of->still)
        return unscaled(fit, drawn(of->level, key ^ 4) + fit->still_shake * shaken);
    struct rung_score_knot at = rung_score_at(&fit->curve, log(calls) + drawn(of->speed, key ^ 5));
    return unscaled(fit, at.value + at.spread * drawn(of->luck, key ^ 6) + at.shake * shaken);
}
