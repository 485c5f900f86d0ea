/*
 * Where a learning curve is going: the value of one model at a later call, from its values so far.
 *
 * Source: the features are those of Hemingway (Pan, Venkataraman, Tai and Gonzalez, 2017), whose model is the
 * logarithm of the distance to the limit; what is added are several limits, windows and a power law, weighted
 * by how well each forecast the later part of the same curve from the earlier one.
 */
#ifndef RUNG_COST_CURVEFIT_H
#define RUNG_COST_CURVEFIT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct rung_curve_point {
    double at;    /* calls (or evaluations), > 0; rising */
    double value; /* as reported; points that are not finite are left out */
};

struct rung_curve; /* a fitted curve */

struct rung_curve_options {
    bool maximize;     /* larger values are better */
    double floor, cap; /* what the value can never pass, such as 0 and 1 of an accuracy; NaN: unknown */
    double level;      /* of the intervals; 0: 0.8 */
};

struct rung_curve_guess {
    double value, low, high; /* low <= value <= high; all finite */
    size_t observations;     /* finite points behind it */
    char basis[160];         /* what it rests on, in words: "one observation: its value, with …" */
};

/* Fits points (copied). RUNG_EUSE with a sentence when there is nothing to go on: no finite point. One point
 * or equal points are enough for a guess with a wide interval. Free with rung_curve_free. */
int rung_curve_fit(struct rung_curve **out, const struct rung_curve_point *points, size_t count,
                   const struct rung_curve_options *options, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_curve_free(struct rung_curve *curve); /* NULL is allowed */

/* Anywhere on the curve: fitted up to the last point, forecast beyond it. at > 0. */
struct rung_curve_guess rung_curve_at(const struct rung_curve *curve, double at);

/* The limit that the fit assumes as calls grow without end, and whether it was known, fitted or assumed, in
 * words. */
double rung_curve_limit(const struct rung_curve *curve);
const char *rung_curve_form(const struct rung_curve *curve); /* formula with its numbers, for people */

#endif
