/*
 * The curves that a forecast is made of.
 *
 * Hemingway (Pan, Venkataraman, Tai and Gonzalez, 2017) has the logarithm of the distance to the limit linear
 * in {i, sqrt i, log i, 1/i}. One sum of all four follows the points closely and extrapolates wildly; a curve
 * per feature, fitted to the recent points and tied to the last ones, extrapolates well and not knowing which
 * is right the mean of them, weighted by how well each fitted and forecast, is better than the one that was
 * best. The limit is not known either: each curve is fitted for several, from a little above the best value
 * seen to none at all.
 */
#include "cost/curve_parts.h"

#include <float.h>
#include <math.h>

/* Where the windows of points begin that curves are fitted to, as a share of all points; at least LEAST
 * points. */
static const double windows[] = {0.25, 0.5, 0.8};
/* Distance of the limit from the best value, as a multiple of the change seen in the window. */
static const double limits[] = {INFINITY, 2, 0.7, 0.25};
#define WINDOWS  (sizeof windows / sizeof *windows)
#define LIMITS   (sizeof limits / sizeof *limits)
#define FEATURES 4
#define LEAST    3
_Static_assert(WINDOWS *LIMITS *FEATURES + 1 == RUNG_CURVE_SHAPES, "one curve each, and the power law");

#define EXPONENTS    16 /* of the power law, from MIN_EXPONENT to MAX_EXPONENT by equal ratios */
#define MIN_EXPONENT 0.05
#define MAX_EXPONENT 5.0
#define FORGET       0.5  /* what a residual counts for the anchor, compared to the one after it */
#define HULL         0.75 /* forecasts leave what was seen by at most this share of its range */
#define FAR          2.0  /* beyond so many times the calls seen, */
#define FAR_POWER    0.5  /* … calls count by this power */
#define PRIOR_POWER  10.0 /* what the power law counts, in curves, */
#define PRIOR_LAST   1.5  /* … and the last value */
#define MISFIT_POWER 0.5  /* weights are (mean squared misfit)^-MISFIT_POWER */
#define ERROR_POWER  0.25 /* … times (mean squared error of back-tests)^-ERROR_POWER */
#define MISFIT_FLOOR 0.05 /* differences below this share of a step tell nothing */
#define ERROR_FLOOR  0.1  /* … or of the last value's error and a step together */
#define NOTHING      1e-24
/* sqrt(2 / 1.5): of noise, differences between neighbours over distances from the line between both */
#define NOISE 1.1547

struct line {
    double intercept, slope;
};

/* Least squares; weights may be NULL. A slope only where x varies. */
static struct line fit_line(const double *x, const double *y, const double *weights, size_t count)
{
    double sum = 0, mean_x = 0, mean_y = 0, xx = 0, xy = 0;

    for (size_t i = 0; i < count; i++) {
        double w = weights ? weights[i] : 1;
        sum += w;
        mean_x += w * x[i];
        mean_y += w * y[i];
    }
    mean_x /= sum;
    mean_y /= sum;
    for (size_t i = 0; i < count; i++) {
        double w = weights ? weights[i] : 1, dx = x[i] - mean_x;
        xx += w * dx * dx;
        xy += w * dx * (y[i] - mean_y);
    }
    double slope = xx > 1e-20 * sum * (mean_x * mean_x + DBL_MIN) ? xy / xx : 0;
    return (struct line){mean_y - slope * mean_x, slope};
}

static double feature_of(enum rung_curve_feature feature, double t)
{
    switch (feature) {
    case RUNG_CURVE_LINEAR:
        return t;
    case RUNG_CURVE_ROOT:
        return sqrt(t);
    case RUNG_CURVE_LOG:
        return log(t);
    default:
        return 1 / t;
    }
}

/* Calls over those of the last point, within what all features can take. */
static double relative(const struct rung_curve_family *family, double at)
{
    return fmin(fmax(at / family->last, 1 / RUNG_CURVE_HORIZON), RUNG_CURVE_HORIZON);
}

/* The line at the last point, moved to where the last few points are. */
static double anchor_of(struct line line, const double *x, const double *z, size_t count)
{
    double sum = 0, weights = 0, weight = 1;

    for (size_t i = count; i-- > 0 && weight > 1e-6; weight *= FORGET) {
        sum += weight * (z[i] - line.intercept - line.slope * x[i]);
        weights += weight;
    }
    return line.intercept + line.slope * x[count - 1] + sum / weights;
}

/* ---- one window of points: a curve per limit and feature ---- */

struct window {
    const double *value;
    const double *features[FEATURES]; /* of the points' calls */
    size_t count;
    double best, range; /* best value of all points, change in the window */
};

static void fit_shape(struct rung_curve_member *member, const struct window *window, const double *z)
{
    const double *x = window->features[member->feature];
    struct line line = fit_line(x, z, NULL, window->count);
    double squares = 0;

    for (size_t i = 0; i < window->count; i++) {
        double off = line.intercept + line.slope * x[i] - z[i];
        if (isfinite(member->limit))
            off *= member->limit - window->value[i]; /* of the value, to first order */
        squares += off * off;
    }
    member->slope = line.slope;
    member->anchor = anchor_of(line, x, z, window->count);
    member->misfit = squares / (double)window->count;
}

static void fit_window(struct rung_curve_member *members, const struct window *window)
{
    double z[RUNG_CURVE_POINTS];

    for (size_t limit = 0; limit < LIMITS; limit++) {
        double at = window->best + limits[limit] * window->range;
        for (size_t i = 0; i < window->count; i++)
            z[i] = isfinite(at) ? log(at - window->value[i]) : window->value[i];
        for (size_t feature = 0; feature < FEATURES; feature++, members++) {
            *members = (struct rung_curve_member){.feature = (enum rung_curve_feature)feature, .limit = at};
            fit_shape(members, window, z);
        }
    }
}

static void fit_windows(struct rung_curve_family *family, const double *at, const double *value, size_t count)
{
    double features[FEATURES][RUNG_CURVE_POINTS], best = value[0];

    for (size_t i = 0; i < count; i++) {
        best = fmax(best, value[i]);
        for (size_t j = 0; j < FEATURES; j++)
            features[j][i] = feature_of((enum rung_curve_feature)j, relative(family, at[i]));
    }
    for (size_t w = 0; w < WINDOWS; w++) {
        size_t start = (size_t)(windows[w] * (double)count);
        if (count - start < LEAST)
            start = count > LEAST ? count - LEAST : 0;
        struct window window = {value + start, {NULL}, count - start, best, 0};
        double worst = best;
        for (size_t j = 0; j < FEATURES; j++)
            window.features[j] = features[j] + start;
        for (size_t i = start; i < count; i++)
            worst = fmin(worst, value[i]);
        window.range = fmax(best - worst, 1e-9 * fabs(best) + 1e-12);
        fit_window(family->members + w * LIMITS * FEATURES, &window);
    }
}

/* ---- the power law a + b t^-c over all points, later ones counting more ---- */

static void fit_power(struct rung_curve_family *family, const double *at, const double *value, size_t count)
{
    struct rung_curve_member *member = &family->members[RUNG_CURVE_SHAPES - 1];
    double logs[RUNG_CURVE_POINTS], x[RUNG_CURVE_POINTS], weights[RUNG_CURVE_POINTS];
    double sum = (double)count * (double)(count + 1) / 2;

    *member = (struct rung_curve_member){.feature = RUNG_CURVE_POWER, .misfit = INFINITY};
    for (size_t i = 0; i < count; i++) {
        logs[i] = log(relative(family, at[i]));
        weights[i] = (double)(i + 1);
    }
    for (int k = 0; k < EXPONENTS; k++) {
        double exponent = MIN_EXPONENT * pow(MAX_EXPONENT / MIN_EXPONENT, k / (EXPONENTS - 1.0)), misfit = 0;
        for (size_t i = 0; i < count; i++)
            x[i] = exp(-exponent * logs[i]);
        struct line line = fit_line(x, value, weights, count);
        for (size_t i = 0; i < count; i++) {
            double off = line.intercept + line.slope * x[i] - value[i];
            misfit += weights[i] * off * off / sum;
        }
        if (misfit < member->misfit) {
            member->misfit = misfit;
            member->exponent = exponent;
            member->slope = line.slope;
            member->anchor = anchor_of(line, x, value, count);
        }
    }
}

/* ---- the family ---- */

/* Mean change between neighbours in the later half. */
static double recent_step(const double *value, size_t count)
{
    size_t from = count / 2 + 1 < count ? count / 2 + 1 : count - 1;
    double sum = 0;

    for (size_t i = from; i < count; i++)
        sum += fabs(value[i] - value[i - 1]);
    return sum / (double)(count - from);
}

/* The same without what a curve explains: mean distance from the line between both neighbours, which for
 * nothing but noise is as large as the change between neighbours. */
static double recent_noise(const double *at, const double *value, size_t count)
{
    size_t from = count / 2 > 1 ? count / 2 : 1;
    double sum = 0;

    if (count < 3)
        return recent_step(value, count);
    if (from > count - 2)
        from = count - 2;
    for (size_t i = from; i + 1 < count; i++) {
        double span = log(at[i + 1] / at[i - 1]), share = span > 0 ? log(at[i] / at[i - 1]) / span : 0.5;
        sum += fabs(value[i] - value[i - 1] - share * (value[i + 1] - value[i - 1]));
    }
    return NOISE * sum / (double)(count - 1 - from);
}

/* Three quarters of the range seen since the warm-up beyond what was seen: an extrapolated line has no end.
 */
static struct rung_curve_bounds hull(const double *value, size_t count,
                                     const struct rung_curve_bounds *bounds)
{
    double low = INFINITY, high = -INFINITY;

    for (size_t i = count / 4; i < count; i++) {
        low = fmin(low, value[i]);
        high = fmax(high, value[i]);
    }
    double more = HULL * (high - low);
    return (struct rung_curve_bounds){fmax(bounds->floor, low - more), fmin(bounds->cap, high + more)};
}

void rung_curve_family_fit(struct rung_curve_family *family, const double *at, const double *value,
                           size_t count, const struct rung_curve_bounds *bounds)
{
    family->last = at[count - 1];
    family->step = recent_step(value, count);
    family->noise = recent_noise(at, value, count);
    family->bounds = hull(value, count, bounds);
    fit_windows(family, at, value, count);
    fit_power(family, at, value, count);
    family->members[RUNG_CURVE_SHAPES] = (struct rung_curve_member){
        .feature = RUNG_CURVE_CONSTANT, .anchor = value[count - 1], .misfit = family->step * family->step};
    if (count < LEAST) /* any power law goes through two points */
        family->members[RUNG_CURVE_SHAPES - 1].misfit = INFINITY;
    rung_curve_family_weigh(family, NULL);
}

void rung_curve_family_weigh(struct rung_curve_family *family, const double *errors)
{
    double step = family->step * family->step, sum = 0;
    double misfit_floor = MISFIT_FLOOR * MISFIT_FLOOR * step + NOTHING;
    double error_floor =
        errors ? ERROR_FLOOR * ERROR_FLOOR * (errors[RUNG_CURVE_SHAPES] + step) + NOTHING : 0;

    for (size_t j = 0; j < RUNG_CURVE_MEMBERS; j++) {
        const struct rung_curve_member *member = &family->members[j];
        double weight = member->feature == RUNG_CURVE_POWER      ? PRIOR_POWER
                        : member->feature == RUNG_CURVE_CONSTANT ? PRIOR_LAST
                                                                 : 1;
        weight *= pow(member->misfit + misfit_floor, -MISFIT_POWER);
        if (errors)
            weight *= pow(errors[j] + error_floor, -ERROR_POWER);
        family->weights[j] = weight;
        sum += weight;
    }
    for (size_t j = 0; j < RUNG_CURVE_MEMBERS; j++)
        family->weights[j] /= sum;
}

double rung_curve_family_member(const struct rung_curve_family *family, size_t index, double at)
{
    const struct rung_curve_member *member = &family->members[index];
    double t = relative(family, at), value;

    if (member->feature == RUNG_CURVE_CONSTANT) {
        value = member->anchor;
    } else if (member->feature == RUNG_CURVE_POWER) {
        value = member->anchor + member->slope * (pow(t, -member->exponent) - 1);
    } else {
        if (t > FAR)
            t = FAR * pow(t / FAR, FAR_POWER);
        double z = member->anchor +
                   member->slope * (feature_of(member->feature, t) - feature_of(member->feature, 1));
        value = isfinite(member->limit) ? member->limit - exp(fmin(z, 300)) : z;
    }
    return fmin(fmax(value, family->bounds.floor), family->bounds.cap);
}

double rung_curve_family_value(const struct rung_curve_family *family, double at)
{
    double sum = 0;

    for (size_t j = 0; j < RUNG_CURVE_MEMBERS; j++)
        if (family->weights[j] > 0)
            sum += family->weights[j] * rung_curve_family_member(family, j, at);
    return sum;
}
