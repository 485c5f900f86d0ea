/* A rising curve through many points, and how far they lie from it: by isotonic regression on knots (pool
 * adjacent violators; Barlow, Bartholomew, Bremner and Brunk, 1972), smoothed. */
#include "cost/scorefit_parts.h"

#include <math.h>
#include <stdlib.h>

#define KNOTS       RUNG_SCORE_KNOTS
#define BEYOND      2.0  /* progress over which the rise beyond the last knot fades */
#define GROUP       12   /* pairs from which a spread is taken, at least */
#define GROUPS      24   /* at most */
#define SHAKE_LEAST 1e-3 /* of the range of scores */
#define MEDIAN_SD   1.4826
#define MEAN_SD     1.2533 /* standard deviations per mean distance */

struct rung_score_knot rung_score_at(const struct rung_score_curve *curve, double progress)
{
    const struct rung_score_knot *knots = curve->knots, *last = &knots[KNOTS - 1];
    double at = (progress - curve->from) / curve->step;

    if (!(at > 0))
        return knots[0];
    if (at < KNOTS - 1) {
        const struct rung_score_knot *a = &knots[(size_t)at], *b = a + 1;
        double share = at - (double)(size_t)at;
        return (struct rung_score_knot){
            a->value + share * (b->value - a->value), a->spread + share * (b->spread - a->spread),
            a->shake + share * (b->shake - a->shake), a->log_shake + share * (b->log_shake - a->log_shake)};
    }
    double beyond = (at - (KNOTS - 1)) * curve->step;
    double value = last->value + curve->rise * BEYOND * (1 - exp(-beyond / BEYOND));
    return (struct rung_score_knot){value, last->spread, last->shake, last->log_shake};
}

double rung_score_slope(const struct rung_score_curve *curve, double progress)
{
    double at = (progress - curve->from) / curve->step;

    if (!(at > 0))
        return 0;
    if (at >= KNOTS - 1)
        return curve->rise * exp(-(at - (KNOTS - 1)) * curve->step / BEYOND);
    size_t knot = (size_t)at;
    return (curve->knots[knot + 1].value - curve->knots[knot].value) / curve->step;
}

/* ---- values ---- */

struct block {
    double value, weight;
    size_t length;
};

/* Knots without points are on the line between their neighbours, or as the nearest one, with next to no
 * weight. At least one has some. */
static void fill(struct block *knots)
{
    for (size_t i = 0; i < KNOTS; i++) {
        size_t before = i, after = i;
        if (knots[i].weight > 0)
            continue;
        while (before > 0 && knots[before].weight <= 0)
            before--;
        while (after < KNOTS - 1 && knots[after].weight <= 0)
            after++;
        if (knots[before].weight <= 0)
            before = after;
        if (knots[after].weight <= 0)
            after = before;
        double share = after > before ? (double)(i - before) / (double)(after - before) : 0;
        knots[i].value = knots[before].value + share * (knots[after].value - knots[before].value);
    }
    for (size_t i = 0; i < KNOTS; i++)
        knots[i].weight = fmax(knots[i].weight, 1e-3);
}

/* Neighbours that fall are replaced by their mean. */
static void pool(struct block *knots)
{
    struct block blocks[KNOTS];
    size_t count = 0;

    for (size_t i = 0; i < KNOTS; i++) {
        struct block joined = knots[i];
        joined.length = 1;
        while (count > 0 && blocks[count - 1].value >= joined.value) {
            const struct block *last = &blocks[--count];
            double weight = last->weight + joined.weight;
            joined.value = (last->weight * last->value + joined.weight * joined.value) / weight;
            joined.weight = weight;
            joined.length += last->length;
        }
        blocks[count++] = joined;
    }
    for (size_t block = 0, i = 0; block < count; block++)
        for (size_t j = 0; j < blocks[block].length; j++)
            knots[i++].value = blocks[block].value;
}

static void smooth(struct block *knots)
{
    double before = knots[0].value;

    for (size_t i = 0; i < KNOTS; i++) {
        double here = knots[i].value, after = knots[i + 1 < KNOTS ? i + 1 : i].value;
        knots[i].value = 0.25 * before + 0.5 * here + 0.25 * after;
        before = here;
    }
}

static void set_range(struct rung_score_curve *curve, const struct rung_score_pair *pairs, size_t count)
{
    double least = INFINITY, most = -INFINITY;

    for (size_t i = 0; i < count; i++) {
        least = fmin(least, pairs[i].at);
        most = fmax(most, pairs[i].at);
    }
    curve->from = least;
    curve->step = most - least > 1e-6 ? (most - least) / (KNOTS - 1) : 1;
}

void rung_score_curve_fit(struct rung_score_curve *curve, const struct rung_score_pair *pairs, size_t count)
{
    struct block knots[KNOTS] = {0};

    if (count == 0)
        return;
    set_range(curve, pairs, count);
    for (size_t i = 0; i < count; i++) {
        double at = fmin((pairs[i].at - curve->from) / curve->step, KNOTS - 1.000001);
        size_t knot = (size_t)at;
        double second = (at - (double)knot) * pairs[i].weight, first = pairs[i].weight - second;
        knots[knot].value += first * pairs[i].value;
        knots[knot].weight += first;
        knots[knot + 1].value += second * pairs[i].value;
        knots[knot + 1].weight += second;
    }
    for (size_t k = 0; k < KNOTS; k++)
        knots[k].value = knots[k].weight > 0 ? knots[k].value / knots[k].weight : 0;
    fill(knots);
    pool(knots);
    smooth(knots);
    smooth(knots);
    for (size_t k = 0; k < KNOTS; k++)
        curve->knots[k].value = knots[k].value;
    curve->rise = (knots[KNOTS - 1].value - knots[KNOTS - KNOTS / 4].value) / ((KNOTS / 4 - 1) * curve->step);
}

/* ---- noise ---- */

static int by_place(const void *a, const void *b)
{
    const struct rung_score_pair *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

static int by_value(const void *a, const void *b)
{
    const struct rung_score_pair *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

static double by_median(struct rung_score_pair *pairs, size_t count)
{
    qsort(pairs, count, sizeof *pairs, by_value);
    return MEDIAN_SD * pairs[count / 2].value;
}

static double by_mean(struct rung_score_pair *pairs, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += pairs[i].value;
    return MEAN_SD * sum / (double)count;
}

/* The standard deviation as a function of progress: of groups of neighbours, linear between their middles. */
static void deviations(const struct rung_score_curve *curve, double *out, struct rung_score_pair *pairs,
                       size_t count, double (*measure)(struct rung_score_pair *pairs, size_t count))
{
    double at[GROUPS], sd[GROUPS];
    size_t groups = count / GROUP < 1 ? 1 : count / GROUP > GROUPS ? GROUPS : count / GROUP, group = 0;

    qsort(pairs, count, sizeof *pairs, by_place);
    for (size_t g = 0; g < groups; g++) {
        size_t first = count * g / groups, end = count * (g + 1) / groups;
        at[g] = pairs[(first + end) / 2].at;
        sd[g] = measure(pairs + first, end - first);
    }
    for (size_t k = 0; k < KNOTS; k++) {
        double progress = curve->from + (double)k * curve->step;
        while (group + 1 < groups && at[group + 1] < progress)
            group++;
        out[k] = sd[group];
        if (group + 1 < groups && progress > at[group])
            out[k] += (progress - at[group]) / (at[group + 1] - at[group]) * (sd[group + 1] - sd[group]);
    }
}

/* Shake by medians: of the models at the beginning many stand still, whatever the others do. */
void rung_score_curve_noise(struct rung_score_curve *curve, struct rung_score_pair *distances, size_t count,
                            struct rung_score_pair *changes, size_t change_count)
{
    double both[KNOTS] = {0}, shake[KNOTS] = {0};

    if (count > 0)
        deviations(curve, both, distances, count, by_mean);
    if (change_count > 0)
        deviations(curve, shake, changes, change_count, by_median);
    for (size_t k = 0; k < KNOTS; k++) {
        struct rung_score_knot *knot = &curve->knots[k];
        both[k] = fmax(both[k], SHAKE_LEAST);
        knot->shake = fmax(fmin(shake[k] / sqrt(2), both[k]), SHAKE_LEAST);
        knot->log_shake = log(knot->shake);
        knot->spread = sqrt(both[k] * both[k] - knot->shake * knot->shake);
    }
}
