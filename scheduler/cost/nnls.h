/*
 * Least squares, plain and non-negative. Matrices are column-major: a[row + column * rows].
 *
 * Source: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.
 */
#ifndef RUNG_COST_NNLS_H
#define RUNG_COST_NNLS_H

#include "base/err.h"

#include <stddef.h>

/* min |a x - t| over x >= 0; a is rows x columns, t has rows, x gets columns values; *residual (may be NULL):
 * |a x - t|. Columns are scaled to unit norm on the way; a column of zeros gets 0; columns that depend on
 * others get a least squares solution all the same. RUNG_EUSE, in a sentence: no rows, no columns, a value
 * that is not finite, values so large or so different in size that x or a norm is none. */
int rung_nnls(const double *a, size_t rows, size_t columns, const double *t, double *x, double *residual,
              struct rung_err *err) RUNG_CHECK_RESULT;

/* min |a x - t| without bounds, by QR with column pivoting (minimum norm where columns depend on each other).
 * Errors as above. */
int rung_least_squares(const double *a, size_t rows, size_t columns, const double *t, double *x,
                       double *residual, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
