/*
 * Non-negative regression of amounts that are above 0 and differ by orders of magnitude: rows are weighted so
 * that small and large ones both count, rows far off count less, and in the end the predicted total is made
 * the measured one, since totals are what such a model is for.
 */
#ifndef RUNG_COST_AMOUNTS_H
#define RUNG_COST_AMOUNTS_H

#include "base/err.h"

#include <stddef.h>

#define RUNG_AMOUNTS_STALL 5.0 /* times its guess: such a row is part of the spread, not of the total */

/* The rows; row-major: a[row * columns + column]. */
struct rung_amounts {
    size_t rows, columns;
    double *a, *t;
};

/* Room for so many rows. Free with rung_amounts_free. */
void rung_amounts_init(struct rung_amounts *amounts, size_t capacity, size_t columns);
void rung_amounts_add(struct rung_amounts *amounts, const double *row,
                      double amount); /* amount > 0; copied */
void rung_amounts_free(struct rung_amounts *amounts);

/* theta: columns values >= 0. RUNG_EUSE as rung_nnls. */
int rung_amounts_fit(const struct rung_amounts *amounts, double *theta,
                     struct rung_err *err) RUNG_CHECK_RESULT;

/* The same, but of the last `doubtful` columns, one after the other, each gets 0 unless it explains a good
 * deal: busy trainers and slow jobs, say, come together by chance, too. The rows are as before afterwards. */
int rung_amounts_fit_doubtful(struct rung_amounts *amounts, size_t doubtful, double *theta,
                              struct rung_err *err) RUNG_CHECK_RESULT;

double rung_amounts_dot(const double *a, const double *b, size_t count);

#endif
