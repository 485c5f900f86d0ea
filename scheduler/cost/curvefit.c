/*
 * Forecasts of one learning curve: the weighted mean of a family of curves, tried out on the curve's own
 * past, and an interval from how far off it was there.
 *
 * The constants of the interval were calibrated on one half of the settings of the AlgoPerf curves so that
 * from half of a run's evaluations 8 of 10 final scores lie within; docs/cost.md has the other half.
 */
#include "cost/curvefit.h"

#include "base/mem.h"
#include "cost/curve_parts.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL      0.8  /* that the next four are calibrated for */
#define WORSE      0.7  /* the interval's reach to the worse side, in errors, */
#define NOT_ALL    0.3  /* … and so much of the predicted change may not come; */
#define BETTER     0.65 /* to the better side, */
#define ANOTHER    2.6 /* … and so many times the predicted change may come again: schedules end in a leap */
#define FEW        8.0 /* of n points, range * FEW / (n (n - 1)) may come with each doubling of calls */
#define ONE_NOISE  0.5 /* of one point, this share of its value, */
#define ONE_CHANGE 1.0 /* … and this share with each doubling of calls */

#define NEAR_BOUND 0.05 /* of the way from the last value to the bound */
#define TINY       1e-9 /* doublings of calls: fewer are so many */

/* A back-test fits the first part of the points and forecasts the others. */
static const double cuts[] = {0.5, 0.7};
#define CUTS (sizeof cuts / sizeof *cuts)

struct rung_curve {
    double at[RUNG_CURVE_POINTS], smooth[RUNG_CURVE_POINTS];
    size_t count;        /* of those */
    size_t observations; /* finite points given */
    double scale;        /* a reported value is scale * value here; negative where smaller is better */
    double range;        /* of the values since the warm-up; where they do not differ, their size */
    bool flat;
    double error;     /* of back-tests, root mean square; 0: none was possible */
    double drift;     /* the same, for each doubling of calls between what was seen and what was forecast */
    double doublings; /* of calls, from the first point to the last */
    double widen;     /* to the level asked for */
    struct rung_curve_bounds bounds;
    struct rung_curve_family family; /* only of two points or more */
    char form[512];
};

/* ---- points ---- */

static int take_points(struct rung_curve *curve, const struct rung_curve_point *points, size_t count,
                       double **at, double **value, struct rung_err *err)
{
    size_t n = 0;

    *at = rung_mem_zalloc(count, sizeof **at);
    *value = rung_mem_zalloc(count, sizeof **value);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(points[i].value))
            continue;
        if (!(points[i].at > 0) || !isfinite(points[i].at) || (n > 0 && points[i].at <= (*at)[n - 1]))
            return rung_err_set(err, RUNG_EUSE, "curve: the calls of its points do not rise from above 0");
        (*at)[n] = points[i].at;
        (*value)[n++] = points[i].value;
    }
    if (n == 0)
        return rung_err_set(err, RUNG_EUSE, "%s",
                            count == 0 ? "no observation" : "no observation is a finite number");
    curve->observations = n;
    return 0;
}

/* Larger is better, and nothing overflows when it is squared. Bounds that the values break are none. */
static void turn(struct rung_curve *curve, double *value, size_t count,
                 const struct rung_curve_options *options)
{
    double largest = 0, sign = options->maximize ? 1 : -1, least = INFINITY, most = -INFINITY;

    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(value[i]));
        least = fmin(least, value[i]);
        most = fmax(most, value[i]);
    }
    curve->scale = sign * (largest > 0 ? largest : 1);
    for (size_t i = 0; i < count; i++)
        value[i] /= curve->scale;
    double floor =
        options->floor <= least ? options->floor / curve->scale : -sign * INFINITY; /* NaN: unknown */
    double cap = options->cap >= most ? options->cap / curve->scale : sign * INFINITY;
    curve->bounds = (struct rung_curve_bounds){fmin(floor, cap), fmax(floor, cap)};
}

/* ---- the fit ---- */

static void measure_range(struct rung_curve *curve, const double *value, size_t count)
{
    double low = INFINITY, high = -INFINITY;

    for (size_t i = count / 4; i < count; i++) {
        low = fmin(low, value[i]);
        high = fmax(high, value[i]);
    }
    curve->range = high - low;
    curve->flat = !(curve->range > 0);
    if (curve->flat) /* it may yet move; all that is known of how far is how large the value is */
        curve->range = high != 0 ? fabs(high) : 1;
}

/* How far off forecasts of the later points from the earlier ones were. */
struct trial {
    double members[RUNG_CURVE_MEMBERS]; /* mean squares; the later a point, the more it counts */
    double whole;                       /* of the family's mean */
    double doublings;                   /* of calls, from the last point seen to the point */
    size_t cuts;
};

/* Only the first `seen` points are known. */
static void try_out(struct trial *trial, const double *at, const double *value, size_t count, size_t seen,
                    const struct rung_curve_bounds *bounds)
{
    struct rung_curve_family family;
    double sum = (double)(count - seen) * (double)(count - seen + 1) / 2;

    rung_curve_family_fit(&family, at, value, seen, bounds);
    for (size_t i = seen; i < count; i++) {
        double mean = 0, weight = (double)(i - seen + 1) / sum, doublings = log2(at[i] / at[seen - 1]);
        for (size_t j = 0; j < RUNG_CURVE_MEMBERS; j++) {
            double guess = rung_curve_family_member(&family, j, at[i]), off = guess - value[i];
            trial->members[j] += weight * off * off;
            mean += family.weights[j] * guess;
        }
        trial->whole += weight * (mean - value[i]) * (mean - value[i]);
        trial->doublings += weight * doublings * doublings;
    }
    trial->cuts++;
}

static void fit_family(struct rung_curve *curve, const double *at, const double *value, size_t count)
{
    struct trial trial = {.cuts = 0};

    rung_curve_family_fit(&curve->family, at, value, count, &curve->bounds);
    for (size_t i = 0; i < CUTS; i++) {
        size_t seen = (size_t)ceil(cuts[i] * (double)count);
        if (seen >= 2 && seen < count)
            try_out(&trial, at, value, count, seen, &curve->bounds);
    }
    if (trial.cuts == 0)
        return;
    for (size_t j = 0; j < RUNG_CURVE_MEMBERS; j++)
        trial.members[j] /= (double)trial.cuts;
    curve->error = sqrt(trial.whole / (double)trial.cuts);
    curve->drift = sqrt(trial.whole / fmax(trial.doublings, TINY * TINY));
    rung_curve_family_weigh(&curve->family, trial.members);
}

/* ---- in words ---- */

static double reported(const struct rung_curve *curve, double value)
{
    return fmin(fmax(value * curve->scale, -DBL_MAX), DBL_MAX);
}

double rung_curve_limit(const struct rung_curve *curve)
{
    double value = curve->observations < 2
                       ? curve->smooth[0]
                       : rung_curve_family_value(&curve->family, RUNG_CURVE_HORIZON * curve->family.last);
    return reported(curve, value);
}

/* constant + factor name, where rounding may have left a little of a constant. */
static void describe_line(char *text, size_t size, double constant, double factor, const char *name,
                          double scale)
{
    if (fabs(constant) < 1e-12 * scale)
        snprintf(text, size, "%.6g %s", factor, name);
    else
        snprintf(text, size, "%.6g %c %.6g %s", constant, factor < 0 ? '-' : '+', fabs(factor), name);
}

/* One curve of the family with its numbers, in calls and values as they are. */
static void describe_member(const struct rung_curve *curve, size_t index, char *text, size_t size)
{
    static const char *const names[] = {"calls", "sqrt(calls)", "log(calls)", "/ calls"};
    const struct rung_curve_member *member = &curve->family.members[index];
    double last = curve->family.last, scale = curve->scale, constant = member->anchor - member->slope;
    const double units[] = {last, sqrt(last), 1, 1 / last};
    char line[100], name[32];

    if (member->feature == RUNG_CURVE_CONSTANT) {
        snprintf(text, size, "%.6g", member->anchor * scale);
        return;
    }
    if (member->feature == RUNG_CURVE_POWER) {
        snprintf(name, sizeof name, "calls^-%.4g", member->exponent);
        describe_line(text, size, constant * scale, member->slope * scale * pow(last, member->exponent), name,
                      fabs(scale));
        return;
    }
    double slope = member->slope / units[member->feature];
    if (member->feature == RUNG_CURVE_LOG)
        constant = member->anchor - member->slope * log(last);
    if (!isfinite(member->limit)) {
        describe_line(text, size, constant * scale, slope * scale, names[member->feature], fabs(scale));
        return;
    }
    describe_line(line, sizeof line, constant + log(fabs(scale)), slope, names[member->feature], 1);
    snprintf(text, size, "%.6g %c exp(%s)", member->limit * scale, scale > 0 ? '-' : '+', line);
}

static void describe(struct rung_curve *curve)
{
    char heaviest[160];
    size_t most = 0;

    if (curve->observations < 2) {
        snprintf(curve->form, sizeof curve->form, "%.6g; limit unknown, assumed to be its value",
                 reported(curve, curve->smooth[0]));
        return;
    }
    for (size_t j = 1; j < RUNG_CURVE_MEMBERS; j++)
        most = curve->family.weights[j] > curve->family.weights[most] ? j : most;
    describe_member(curve, most, heaviest, sizeof heaviest);
    double limit = rung_curve_family_value(&curve->family, RUNG_CURVE_HORIZON * curve->family.last);
    double room = curve->bounds.cap - curve->family.members[RUNG_CURVE_SHAPES].anchor;
    snprintf(
        curve->form, sizeof curve->form, "mean of %d curves, the heaviest (%.0f %%): %s; limit %.6g %s",
        RUNG_CURVE_MEMBERS, 100 * curve->family.weights[most], heaviest, reported(curve, limit),
        curve->bounds.cap - limit < NEAR_BOUND * room
            ? "known: near the bound of such values"
            : "assumed: each curve has one of its own, from near the best value to none, and leaves what was "
              "seen by at most 3/4 of its range");
}

const char *rung_curve_form(const struct rung_curve *curve)
{
    return curve->form;
}

static void explain(const struct rung_curve *curve, char *basis, size_t size)
{
    if (curve->observations == 1)
        snprintf(basis, size, "one observation: its value; how it changes is not known");
    else if (curve->flat)
        snprintf(basis, size, "%zu observations, equal since the first quarter: their value",
                 curve->observations);
    else if (curve->error > 0)
        snprintf(
            basis, size,
            "%zu observations; curves fitted to the first part of them forecast the rest within %.3g (rms)",
            curve->observations, fmin(curve->error * fabs(curve->scale), DBL_MAX));
    else
        snprintf(basis, size, "%zu observations: too few to try out a forecast", curve->observations);
}

/* ---- public ---- */

static double widening(double level)
{
    if (!(level > 0) || !(level < 1))
        return 1;
    /* Errors have tails as the exponential distribution. */
    return log1p(-level) / log1p(-LEVEL);
}

int rung_curve_fit(struct rung_curve **out, const struct rung_curve_point *points, size_t count,
                   const struct rung_curve_options *options, struct rung_err *err)
{
    struct rung_curve *curve = rung_mem_zalloc(1, sizeof *curve);
    double *at, *value;
    int code = take_points(curve, points, count, &at, &value, err);

    *out = NULL;
    if (code < 0)
        goto out;
    turn(curve, value, curve->observations, options);
    curve->widen = widening(options->level);
    curve->count = rung_curve_thin(at, value, curve->observations);
    rung_curve_clean(value, curve->count);
    measure_range(curve, value, curve->count);
    curve->doublings = fmax(log2(at[curve->count - 1] / at[0]), TINY);
    memcpy(curve->at, at, curve->count * sizeof *at);
    rung_curve_smooth(curve->smooth, value, curve->count);
    if (curve->observations > 1) {
        fit_family(curve, at, value, curve->count);
        /* The fitted part ends where the forecast begins. */
        curve->smooth[curve->count - 1] = rung_curve_family_value(&curve->family, curve->family.last);
    }
    describe(curve);
    *out = curve;
    curve = NULL;
out:
    free(at);
    free(value);
    free(curve);
    return code;
}

void rung_curve_free(struct rung_curve *curve)
{
    free(curve);
}

static double fitted(const struct rung_curve *curve, double at)
{
    size_t low = 0, high = curve->count - 1;

    if (!(at > curve->at[0]))
        return curve->smooth[0];
    if (at >= curve->at[high])
        return curve->smooth[high];
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (curve->at[mid] <= at)
            low = mid;
        else
            high = mid;
    }
    double share = (at - curve->at[low]) / (curve->at[high] - curve->at[low]);
    return curve->smooth[low] + share * (curve->smooth[high] - curve->smooth[low]);
}

/* How far off a value that many doublings of calls later may be. */
static double error_at(const struct rung_curve *curve, double doublings)
{
    double n = (double)curve->observations;

    if (curve->observations == 1)
        return curve->range * (ONE_NOISE + ONE_CHANGE * doublings / (1 + doublings));
    double few = FEW * curve->range * doublings / (curve->doublings * n * (n - 1));
    return sqrt(pow(curve->drift * doublings, 2) + pow(curve->family.noise, 2) + few * few);
}

static double hypotenuse(double a, double b)
{
    return sqrt(a * a + b * b);
}

/* The ends of the interval, unscaled; the better one is larger. */
static void reach(const struct rung_curve *curve, double value, double doublings, double *worse,
                  double *better)
{
    double error = error_at(curve, doublings), change = 0;

    if (curve->observations > 1 && doublings > 0)
        change = value - curve->family.members[RUNG_CURVE_SHAPES].anchor;
    *worse = fmax(value - curve->widen * hypotenuse(WORSE * error, NOT_ALL * change), curve->bounds.floor);
    *better = fmin(value + curve->widen * hypotenuse(BETTER * error, ANOTHER * change), curve->bounds.cap);
    /* How a single value will change is not known: as far as it can, where that is known. */
    if (curve->observations == 1 && doublings > 0 && isfinite(curve->bounds.floor) &&
        isfinite(curve->bounds.cap)) {
        *worse = curve->bounds.floor;
        *better = curve->bounds.cap;
    }
}

struct rung_curve_guess rung_curve_at(const struct rung_curve *curve, double at)
{
    double last = curve->at[curve->count - 1], worse, better;
    double doublings = at > last ? log2(fmin(at / last, RUNG_CURVE_HORIZON)) : 0;
    bool beyond = doublings > 0 && curve->observations > 1;
    double value = beyond ? rung_curve_family_value(&curve->family, at) : fitted(curve, at);
    struct rung_curve_guess guess = {.value = reported(curve, value), .observations = curve->observations};

    reach(curve, value, doublings, &worse, &better);
    worse = reported(curve, fmin(worse, value));
    better = reported(curve, fmax(better, value));
    guess.low = fmin(worse, better);
    guess.high = fmax(worse, better);
    explain(curve, guess.basis, sizeof guess.basis);
    return guess;
}
