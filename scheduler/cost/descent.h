/*
 * min 1/2 w'Gw - c'w + penalty |w|_1 for a G that is X'X and a c that is X'y: the Lasso once rows have been
 * summed up. Coordinate descent, and between its sweeps steps on the columns that are in use, as they are
 * alone a system of linear equations.
 *
 * Source: Friedman, Hastie and Tibshirani (2010), section 2.2, covariance updates; the duality gap as in Kim
 * et al. (2007); the steps are those of Osborne, Presnell and Turlach, A new approach to variable selection
 * in least squares problems (2000).
 */
#ifndef RUNG_COST_DESCENT_H
#define RUNG_COST_DESCENT_H

#include <stddef.h>

struct rung_descent {
    size_t columns;
    const double *gram;  /* columns x columns; a column of zeros is left out */
    const double *cross; /* columns */
    double square;       /* y'y */
    double *w;           /* columns: where it is */
    double *q;           /* columns: c - Gw */
};

/* At w = 0; gram and cross have to outlive it. Free with rung_descent_stop. */
void rung_descent_start(struct rung_descent *at, const double *gram, const double *cross, double square,
                        size_t columns);
void rung_descent_stop(struct rung_descent *at);

/* From where it is until the largest change of a sweep is at most tol of the largest weight, and the duality
 * gap at most tol * y'y; or `most` sweeps. Returns the sweeps it took, steps included. */
size_t rung_descent_run(struct rung_descent *at, double penalty, double tol, size_t most);

double rung_descent_residual(const struct rung_descent *at); /* |y - Xw|^2 */
double rung_descent_gap(const struct rung_descent *at, double penalty);

#endif
