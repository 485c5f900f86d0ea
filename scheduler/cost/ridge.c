/* By the inverse of the columns' penalised correlations, for each penalty that is tried. */
#include "cost/ridge.h"

#include "base/mem.h"
#include "cost/lapack.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PENALTIES 13 /* from 1e-4 to 100 times the mean eigenvalue, by factors of the root of ten */

struct scaled {
    size_t rows, columns;
    double weight;     /* sum of precisions */
    double y_mean, yy; /* yy: weighted mean square around it */
    double *mean, *sd; /* columns; sd 0: constant */
    double *z;         /* rows x columns, times the root of the precision */
    double *y;         /* rows, likewise */
    double *products;  /* columns x columns, lower triangle: of z with itself */
    double *cross;     /* columns: of z with y */
    double *inverse;   /* columns x columns, lower triangle: of products with the penalty on their diagonal */
    double *weights, *best;
};

static void measure(struct scaled *s, const double *x, const double *y, const double *precision)
{
    for (size_t i = 0; i < s->rows; i++)
        s->weight += precision[i];
    for (size_t i = 0; i < s->rows; i++) {
        double share = precision[i] / s->weight;
        s->y_mean += share * y[i];
        for (size_t j = 0; j < s->columns; j++)
            s->mean[j] += share * x[i * s->columns + j];
    }
    for (size_t i = 0; i < s->rows; i++) {
        double share = precision[i] / s->weight;
        s->yy += share * (y[i] - s->y_mean) * (y[i] - s->y_mean);
        for (size_t j = 0; j < s->columns; j++)
            s->sd[j] += share * pow(x[i * s->columns + j] - s->mean[j], 2);
    }
    for (size_t j = 0; j < s->columns; j++)
        s->sd[j] = s->sd[j] > 1e-12 * (1 + s->mean[j] * s->mean[j]) ? sqrt(s->sd[j]) : 0;
}

static void scale(struct scaled *s, const double *x, const double *y, const double *precision)
{
    for (size_t i = 0; i < s->rows; i++) {
        double root = sqrt(precision[i] / s->weight);
        s->y[i] = root * (y[i] - s->y_mean);
        for (size_t j = 0; j < s->columns; j++)
            s->z[i * s->columns + j] =
                s->sd[j] > 0 ? root * (x[i * s->columns + j] - s->mean[j]) / s->sd[j] : 0;
    }
}

static void multiply(struct scaled *s)
{
    int rows = (int)s->rows, columns = (int)s->columns;

    /* rows of z, row-major, are columns of its transpose, column-major */
    cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, columns, rows, 1, s->z, columns, 0, s->products,
                columns);
    cblas_dgemv(CblasColMajor, CblasNoTrans, columns, rows, 1, s->z, columns, s->y, 1, 0, s->cross, 1);
}

/* The mean square error that is to be expected of new rows, and the weights. */
static double try(struct scaled *s, double penalty, double *degrees)
{
    int columns = (int)s->columns;
    double trace = 0;

    memcpy(s->inverse, s->products, s->columns * s->columns * sizeof *s->inverse);
    for (size_t j = 0; j < s->columns; j++)
        s->inverse[j * s->columns + j] += penalty;
    if (rung_lapack(LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', columns, s->inverse, columns)) != 0 ||
        rung_lapack(LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', columns, s->inverse, columns)) != 0)
        return INFINITY;
    cblas_dsymv(CblasColMajor, CblasLower, columns, 1, s->inverse, columns, s->cross, 1, 0, s->weights, 1);
    for (size_t j = 0; j < s->columns; j++)
        trace += s->inverse[j * s->columns + j];
    *degrees = 1 + (double)s->columns - penalty * trace;
    double residual = s->yy - cblas_ddot(columns, s->cross, 1, s->weights, 1) -
                      penalty * cblas_ddot(columns, s->weights, 1, s->weights, 1);
    double left = 1 - *degrees / (double)s->rows;
    return left > 0.01 ? fmax(residual, 0) / (left * left) : INFINITY;
}

/* The largest of equally good penalties: from no effects at all downwards. */
static void choose(struct rung_ridge *fit, struct scaled *s)
{
    double alone = 1 - 1 / (double)s->rows; /* what the intercept leaves */
    double least = alone > 0 ? s->yy / (alone * alone) : 0, mean = 0, degrees = 1;

    for (size_t j = 0; j < s->columns; j++)
        mean += s->products[j * s->columns + j] / (double)s->columns;
    for (int i = PENALTIES - 1; i >= 0 && mean > 0; i--) {
        double error = try(s, mean * pow(10, 0.5 * i - 4), &degrees);
        if (error >= least)
            continue;
        least = error;
        fit->degrees = degrees;
        memcpy(s->best, s->weights, s->columns * sizeof *s->best);
    }
}

static void unscale(struct rung_ridge *fit, const struct scaled *s)
{
    fit->intercept = s->y_mean;
    for (size_t j = 0; j < s->columns; j++) {
        fit->weights[j] = s->sd[j] > 0 ? s->best[j] / s->sd[j] : 0;
        fit->intercept -= fit->weights[j] * s->mean[j];
    }
}

void rung_ridge_fit(struct rung_ridge *fit, const double *x, const double *y, const double *precision,
                    size_t rows, size_t columns)
{
    struct scaled s = {.rows = rows, .columns = columns};
    double *room =
        rung_mem_zalloc(5 * columns + rows * (columns + 1) + 2 * columns * columns + 1, sizeof *room);

    *fit = (struct rung_ridge){
        .weights = rung_mem_zalloc(columns + 1, sizeof(double)), .columns = columns, .degrees = 1};
    s.mean = room;
    s.sd = s.mean + columns;
    s.cross = s.sd + columns;
    s.weights = s.cross + columns;
    s.best = s.weights + columns;
    s.y = s.best + columns;
    s.z = s.y + rows;
    s.products = s.z + rows * columns;
    s.inverse = s.products + columns * columns;
    if (rows > 0) {
        measure(&s, x, y, precision);
        scale(&s, x, y, precision);
        if (columns > 0) {
            multiply(&s);
            choose(fit, &s);
        }
        unscale(fit, &s);
    }
    free(room);
}

void rung_ridge_free(struct rung_ridge *fit)
{
    free(fit->weights);
    *fit = (struct rung_ridge){0};
}

double rung_ridge_predict(const struct rung_ridge *fit, const double *row)
{
    double sum = fit->intercept;

    for (size_t j = 0; j < fit->columns; j++)
        sum += fit->weights[j] * row[j];
    return sum;
}
