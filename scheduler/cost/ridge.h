/*
 * Weighted ridge regression with the penalty of least generalised cross-validation: for many weak
 * predictors and observations that are known with very different precision.
 *
 * Source: Golub, Heath and Wahba, Generalized cross-validation as a method for choosing a good ridge
 * parameter (1979).
 */
#ifndef RUNG_COST_RIDGE_H
#define RUNG_COST_RIDGE_H

#include <stddef.h>

struct rung_ridge {
    double *weights; /* columns, for raw columns; 0 for a constant one */
    size_t columns;
    double intercept;
    double degrees; /* of freedom that the fit takes, the intercept's included */
};

/* x is row-major, rows x columns; precision > 0 per row. All values are finite. Columns are scaled to mean 0
 * and standard deviation 1. Without rows or columns the intercept alone is fitted. Free with
 * rung_ridge_free. */
void rung_ridge_fit(struct rung_ridge *fit, const double *x, const double *y, const double *precision,
                    size_t rows, size_t columns);
void rung_ridge_free(struct rung_ridge *fit);

double rung_ridge_predict(const struct rung_ridge *fit, const double *row);

#endif
