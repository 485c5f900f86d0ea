/*
 * Lasso: min 1/(2n) |y - X w - b|^2 + alpha |w|_1, by coordinate descent, with its path of penalties and the
 * choice of the penalty by grouped cross-validation. X is column-major, rows x columns.
 *
 * Source: Friedman, Hastie and Tibshirani, Regularization paths for generalized linear models via coordinate
 * descent (2010); the duality gap as in Kim et al., An interior-point method for large-scale l1-regularized
 * least squares (2007).
 */
#ifndef RUNG_COST_LASSO_H
#define RUNG_COST_LASSO_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct rung_lasso_options {
    bool standardise;  /* columns to mean 0 and population sd 1 before the penalty; false: centred only */
    size_t path;       /* penalties on the path; 0: 100 */
    double path_ratio; /* smallest / largest penalty; 0: 1e-5 */
    double tol;        /* 0: 1e-8; of the duality gap, relative to |y|^2, and of the largest change */
    size_t sweeps;     /* cap of sweeps per penalty; 0: 20000 */
};

struct rung_lasso {
    double *weights; /* columns, in raw units; 0 for a constant column */
    size_t columns;
    double intercept;
    double alpha;     /* of the fit, for the columns as they were penalised */
    double objective; /* of the same */
    double gap;       /* duality gap at the end */
    double cv_error;  /* mean squared error over folds at alpha; NaN without cross-validation */
    size_t sweeps;    /* of the last penalty */
};

/* One penalty. RUNG_EUSE, in a sentence: no rows or columns, a value that is not finite, alpha < 0. Free with
 * rung_lasso_free, also after a failure. */
int rung_lasso_fit(struct rung_lasso *fit, const double *x, const double *y, size_t rows, size_t columns,
                   double alpha, const struct rung_lasso_options *options,
                   struct rung_err *err) RUNG_CHECK_RESULT;

/* The penalty with the least mean squared error over folds: row i is left out in fold folds[i] (0 …
 * fold_count-1; every fold needs a row). The same penalties in all folds, of all rows. RUNG_EUSE also: fewer
 * than 10 rows or 2 folds. */
int rung_lasso_fit_cv(struct rung_lasso *fit, const double *x, const double *y, size_t rows, size_t columns,
                      const size_t *folds, size_t fold_count, const struct rung_lasso_options *options,
                      struct rung_err *err) RUNG_CHECK_RESULT;

void rung_lasso_free(struct rung_lasso *fit);

/* The smallest penalty at which all weights are 0. */
double rung_lasso_alpha_max(const double *x, const double *y, size_t rows, size_t columns,
                            const struct rung_lasso_options *options);

/* columns values, `stride` apart (1: a row of its own; rows: a row of a column-major matrix). */
double rung_lasso_predict(const struct rung_lasso *fit, const double *row, size_t stride);

#endif
