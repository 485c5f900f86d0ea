/*
 * The time of one iteration on m machines: f(m) = t0 + t1 size/m + t2 log m + t3 m, all t >= 0. The terms are
 * a fixed cost, work that is divided, a tree of messages, and all machines talking to one; log is natural.
 *
 * Source: Venkataraman, Yang, Franklin, Recht and Stoica, Ernest: efficient performance prediction for
 * large-scale advanced analytics (NSDI 2016), section 3.
 */
#ifndef RUNG_COST_ERNEST_H
#define RUNG_COST_ERNEST_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum rung_ernest_term {
    RUNG_ERNEST_FIXED,
    RUNG_ERNEST_WORK, /* size / m */
    RUNG_ERNEST_LOG,
    RUNG_ERNEST_ALL, /* m */
    RUNG_ERNEST_ROOT /* sqrt m; only where asked for */
};
#define RUNG_ERNEST_TERMS 5
#define RUNG_ERNEST_ROWS  4 /* at least */

struct rung_ernest_row {
    double size; /* of the input: fraction, rows or bytes; >= 0 */
    double machines;
    double seconds;
};

struct rung_ernest_options {
    bool relative; /* each row divided by its time: for times that differ much */
    bool root;     /* with the term sqrt m */
};

struct rung_ernest {
    double theta[RUNG_ERNEST_TERMS];
    double residual; /* |f - seconds| over all rows; of rows that were divided, as they were */
    size_t observations;
    bool relative;
    /* for intervals */
    size_t terms;
    double freedom;                                           /* rows less terms above 0, never below 0 */
    double variance;                                          /* of a row, as it was fitted */
    double covariance[RUNG_ERNEST_TERMS * RUNG_ERNEST_TERMS]; /* of theta / variance */
};

struct rung_ernest_guess {
    double seconds, low, high; /* 80 % interval, 0 <= low <= seconds <= high, all finite */
};

/* RUNG_EUSE, in a sentence: fewer than 4 rows (5 with the root), or a row whose size, machines or time cannot
 * be one. There is nothing to free. */
int rung_ernest_fit(struct rung_ernest *fit, const struct rung_ernest_row *rows, size_t count,
                    const struct rung_ernest_options *options, struct rung_err *err) RUNG_CHECK_RESULT;

/* size and machines finite, machines > 0. The interval has the spread of a single measurement and what is not
 * known of all terms, those that came out as 0 too; without a row more than terms it is 0 to twice the
 * time. */
struct rung_ernest_guess rung_ernest_predict(const struct rung_ernest *fit, double size, double machines);

/* The whole m of least f within [least, most], 1 <= least <= most; the smaller one of equals. */
size_t rung_ernest_best(const struct rung_ernest *fit, double size, size_t least, size_t most);

/* The two-sided 80 % quantile of Student's t with so many degrees of freedom, >= 1. */
double rung_ernest_student(double freedom);

#endif
