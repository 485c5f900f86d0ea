/*
 * How an iterative algorithm converges on m machines: log(P(i, m) - P*) = sum_j w_j phi_j(i, m), where P is
 * the loss after iteration i, P* its limit, and the features are products of functions of i and of m; the
 * Lasso chooses among them.
 *
 * Source: Pan, Venkataraman, Tai and Gonzalez, Hemingway: modeling distributed optimization algorithms
 * (2017), sections 3 and 4. The library of features is our choice: the paper names its kinds only.
 */
#ifndef RUNG_COST_HEMINGWAY_H
#define RUNG_COST_HEMINGWAY_H

#include "base/err.h"
#include "cost/lasso.h"

#include <stdbool.h>
#include <stddef.h>

#define RUNG_HEMINGWAY_FEATURES 35
#define RUNG_HEMINGWAY_ROWS     10 /* at least, of any fit */
#define RUNG_HEMINGWAY_WINDOW   50 /* records that a forward prediction looks at */

/* One loss that was seen. */
struct rung_hemingway_row {
    double iteration; /* >= 1 */
    double machines;  /* > 0 */
    double value;     /* the loss, or where that is said the logarithm of its distance to the limit */
    size_t run;       /* rows of one run have one number */
};

enum rung_hemingway_rule {
    RUNG_HEMINGWAY_KNOWN, /* given: of a long run, or from theory */
    RUNG_HEMINGWAY_BOUND, /* the largest lower bound, met within 1e-8 */
    RUNG_HEMINGWAY_FITTED /* the least loss less a distance that predicts best */
};
const char *rung_hemingway_rule_name(enum rung_hemingway_rule rule); /* "known", "bound", "fitted" */

struct rung_hemingway_options {
    double limit;                 /* P*; NaN: unknown */
    double limit_low, limit_high; /* where else a limit that is given may be; ignored unless around it */
    double bound;  /* the largest lower bound of P* that was seen, as primal-dual methods give; NaN: none */
    double target; /* each run is cut where it comes so close to the limit; 0: 1e-4 */
    double iterations; /* … and after so many iterations; 0: 500; INFINITY: no cut */
};

#define RUNG_HEMINGWAY_OTHERS 2

struct rung_hemingway {
    struct rung_lasso lasso;
    bool parallel; /* with features of m; else all rows have the m below, and nothing is known of others */
    double machines;
    double spread; /* root mean square of what cross-validation was off by, of the logarithm */
    double last;   /* the largest iteration behind it */
    /* Root mean square of what the first half of the iterations was off by in the second; 0: not tried. */
    double ahead;
    size_t observations, degrees; /* rows, different m */
    /* of a fit of losses */
    double limit, least;          /* P*, the least loss seen */
    double limit_low, limit_high; /* limits that predict nearly as well, or as given; else the limit itself */
    struct rung_hemingway *others; /* fits with these: a prediction's interval holds theirs */
    size_t other_count;
    enum rung_hemingway_rule rule;
    size_t dropped; /* rows that were not finite, or not above the limit */
};

/* A number with its 80 % interval; finite, low <= value <= high. */
struct rung_hemingway_guess {
    double value, low, high;
    size_t observations;
};

/* ---- fits; free with rung_hemingway_free, also after a failure ---- */

/* Fits losses: finds the limit, drops and cuts rows, fits the logarithm of the distance. Of more than 20,000
 * rows an even sample. RUNG_EUSE, in a sentence: fewer than 10 usable rows, an iteration or m that cannot be
 * one, losses below a limit that is given, losses that are all equal without one. */
int rung_hemingway_fit(struct rung_hemingway *fit, const struct rung_hemingway_row *rows, size_t count,
                       const struct rung_hemingway_options *options, struct rung_err *err) RUNG_CHECK_RESULT;
/* The same of values that are logarithms of distances already: limit 0, nothing is cut. */
int rung_hemingway_fit_log(struct rung_hemingway *fit, const struct rung_hemingway_row *rows, size_t count,
                           struct rung_err *err) RUNG_CHECK_RESULT;
void rung_hemingway_free(struct rung_hemingway *fit);

/* ---- predictions ---- */

/* log(P - P*) after iteration >= 1 on m machines. Beyond the iterations seen the interval widens in
 * proportion, as an error of a rate does: by `ahead` with each time as many. */
struct rung_hemingway_guess rung_hemingway_log(const struct rung_hemingway *fit, double iteration,
                                               double machines);
/* The loss P itself. */
struct rung_hemingway_guess rung_hemingway_loss(const struct rung_hemingway *fit, double iteration,
                                                double machines);
/* Iterations that end within seconds, at so many seconds each. */
double rung_hemingway_iterations(double seconds, double per_iteration);
/* h(t, m) = g(t / f(m), m), of the logarithm. False where no iteration ends by then. */
bool rung_hemingway_at_time(const struct rung_hemingway *fit, double seconds, double per_iteration,
                            double machines, struct rung_hemingway_guess *guess);

/* ---- how good it is ---- */

struct rung_hemingway_trial {
    double error; /* root mean square, of the logarithm */
    double range; /* largest less smallest value of what was left out */
    size_t rows;  /* that were left out */
};

/* Fits logarithms without the rows of m machines and predicts those. RUNG_EUSE also when there is no such
 * row. */
int rung_hemingway_leave_out(struct rung_hemingway_trial *trial, const struct rung_hemingway_row *rows,
                             size_t count, double machines, struct rung_err *err) RUNG_CHECK_RESULT;

/* The logarithm of the distance `ahead` iterations after the last of one run's values (logarithms, in the
 * order of their iterations, which rise), from its last 50. RUNG_EUSE: fewer than 10, or values that are not
 * finite. */
int rung_hemingway_forward(struct rung_hemingway_guess *guess, const struct rung_hemingway_row *rows,
                           size_t count, double ahead, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
