/* What the files of curvefit share. Values are turned so that larger is better and scaled to within [-1, 1].
 */
#ifndef RUNG_COST_CURVE_PARTS_H
#define RUNG_COST_CURVE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#define RUNG_CURVE_SHAPES  49 /* curves of a family: 3 windows x 4 limits x 4 features, and a power law */
#define RUNG_CURVE_MEMBERS (RUNG_CURVE_SHAPES + 1) /* and the last value */
#define RUNG_CURVE_POINTS  128                     /* more are averaged by blocks */
#define RUNG_CURVE_HORIZON 1e9                     /* nothing changes beyond so many times the calls seen */

/* A curve z(t) = anchor + slope (f(t) - f(1)), t = calls / calls of the last point, where z is the value, or
 * the logarithm of its distance to the limit; or a power law of the value; or a constant. */
enum rung_curve_feature {
    RUNG_CURVE_LINEAR,
    RUNG_CURVE_ROOT,
    RUNG_CURVE_LOG,
    RUNG_CURVE_INVERSE,
    RUNG_CURVE_POWER,
    RUNG_CURVE_CONSTANT
};

struct rung_curve_member {
    enum rung_curve_feature feature;
    double limit;    /* INFINITY: none */
    double exponent; /* of a power law */
    double anchor, slope;
    double misfit; /* mean squared residual over its window */
};

struct rung_curve_bounds {
    double floor, cap; /* -INFINITY, INFINITY: unknown */
};

/* Curves fitted to the same points, and how much each counts. */
struct rung_curve_family {
    struct rung_curve_member members[RUNG_CURVE_MEMBERS];
    double weights[RUNG_CURVE_MEMBERS]; /* sum 1 */
    double last;                        /* calls of the last point */
    double step;                        /* mean change between neighbours, recently */
    double noise;                       /* what of it no smooth curve explains */
    struct rung_curve_bounds bounds;    /* no forecast leaves them */
};

/* Fits all curves to count >= 2 points, calls rising. Weighs them by misfit alone. */
void rung_curve_family_fit(struct rung_curve_family *family, const double *at, const double *value,
                           size_t count, const struct rung_curve_bounds *bounds);
/* Weighs them by misfit and by their mean squared errors where they were tried out. */
void rung_curve_family_weigh(struct rung_curve_family *family, const double *errors);
double rung_curve_family_member(const struct rung_curve_family *family, size_t member, double at);
double rung_curve_family_value(const struct rung_curve_family *family, double at);

/* ---- preparation ---- */

/* Averages blocks so that at most RUNG_CURVE_POINTS are left, in place; returns how many. The last block's
 * calls are those of the last point. */
size_t rung_curve_thin(double *at, double *value, size_t count);
/* Replaces values far off the median of their neighbours by that median. */
void rung_curve_clean(double *value, size_t count);
/* Smoothed values. */
void rung_curve_smooth(double *out, const double *value, size_t count);

#endif
