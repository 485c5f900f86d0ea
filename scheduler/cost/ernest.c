/* Ernest's model of time: the fit by non-negative least squares, intervals, the best number of machines. */
#include "cost/ernest.h"

#include "base/mem.h"
#include "cost/nnls.h"

#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RIDGE 1e-10 /* of columns of norm 1: what rows do not tell apart stays unknown, but finite */

static void features(double size, double machines, double *out)
{
    out[RUNG_ERNEST_FIXED] = 1;
    out[RUNG_ERNEST_WORK] = size / machines;
    out[RUNG_ERNEST_LOG] = log(machines);
    out[RUNG_ERNEST_ALL] = machines;
    out[RUNG_ERNEST_ROOT] = sqrt(machines);
}

static int check(const struct rung_ernest_row *rows, size_t count, size_t least, struct rung_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct rung_ernest_row *row = &rows[i];
        if (!(row->seconds > 0) || !isfinite(row->seconds))
            return rung_err_set(err, RUNG_EUSE, "time model: row %zu: a time of %g s, not above 0", i,
                                row->seconds);
        if (!(row->machines >= 1) || !isfinite(row->machines))
            return rung_err_set(err, RUNG_EUSE, "time model: row %zu: %g machines, not 1 or more", i,
                                row->machines);
        if (!(row->size >= 0) || !isfinite(row->size))
            return rung_err_set(err, RUNG_EUSE, "time model: row %zu: a size of %g, not 0 or more", i,
                                row->size);
    }
    if (count < least)
        return rung_err_set(err, RUNG_EUSE, "time model: %zu measurement%s, %zu are needed", count,
                            count == 1 ? "" : "s", least);
    return 0;
}

/* inverse of A'A, whose columns are brought to norm 1 on the way; a column of zeros tells nothing. */
static void invert(struct rung_ernest *fit, const double *a, size_t rows)
{
    size_t n = fit->terms;
    double norm[RUNG_ERNEST_TERMS];
    double *c = fit->covariance;

    for (size_t j = 0; j < n; j++) {
        double squares = 0;
        for (size_t i = 0; i < rows; i++)
            squares += a[i + j * rows] * a[i + j * rows];
        norm[j] = squares > 0 ? sqrt(squares) : 1;
    }
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k <= j; k++) {
            double sum = j == k ? RIDGE : 0;
            for (size_t i = 0; i < rows; i++)
                sum += a[i + j * rows] / norm[j] * (a[i + k * rows] / norm[k]);
            c[j + k * n] = c[k + j * n] = sum;
        }
    lapack_int order = (lapack_int)n;
    if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', order, c, order) != 0 ||
        LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', order, c, order) != 0) {
        memset(c, 0, n * n * sizeof *c);
        for (size_t j = 0; j < n; j++)
            c[j + j * n] = 1 / RIDGE;
    }
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k <= j; k++)
            c[j + k * n] = c[k + j * n] = c[j + k * n] / (norm[j] * norm[k]);
}

int rung_ernest_fit(struct rung_ernest *fit, const struct rung_ernest_row *rows, size_t count,
                    const struct rung_ernest_options *options, struct rung_err *err)
{
    bool root = options && options->root;

    *fit = (struct rung_ernest){.observations = count, .relative = options && options->relative};
    fit->terms = root ? RUNG_ERNEST_TERMS : RUNG_ERNEST_TERMS - 1;
    if (check(rows, count, fit->terms, err) < 0)
        return RUNG_EUSE;
    double *a = rung_mem_zalloc(count * fit->terms, sizeof *a), *t = rung_mem_zalloc(count, sizeof *t);
    for (size_t i = 0; i < count; i++) {
        double weight = fit->relative ? 1 / rows[i].seconds : 1, row[RUNG_ERNEST_TERMS];
        features(rows[i].size, rows[i].machines, row);
        for (size_t j = 0; j < fit->terms; j++)
            a[i + j * count] = row[j] * weight;
        t[i] = rows[i].seconds * weight;
    }
    int code = rung_nnls(a, count, fit->terms, t, fit->theta, &fit->residual, err);
    if (code == 0) {
        double used = 0;
        for (size_t j = 0; j < fit->terms; j++)
            used += fit->theta[j] > 0;
        fit->freedom = fmax((double)count - used, 0);
        fit->variance = fit->freedom > 0 ? fit->residual * fit->residual / fit->freedom : 0;
        invert(fit, a, count);
    }
    free(a);
    free(t);
    return code;
}

/* Exact for 1 and 2, else the expansion of Fisher and Cornish (1960), good to .7 % from 3 on. */
double rung_ernest_student(double freedom)
{
    const double z = 1.2815515655446004, z2 = z * z;

    if (freedom < 2)
        return 3.0776835371752527;
    if (freedom < 3)
        return 1.8856180831641267;
    return z * (1 + (z2 + 1) / (4 * freedom) + (5 * z2 * z2 + 16 * z2 + 3) / (96 * freedom * freedom));
}

struct rung_ernest_guess rung_ernest_predict(const struct rung_ernest *fit, double size, double machines)
{
    double row[RUNG_ERNEST_TERMS], seconds = 0, leverage = 0, reach;

    features(size, machines, row);
    for (size_t j = 0; j < fit->terms; j++) {
        seconds += fit->theta[j] * row[j];
        for (size_t k = 0; k < fit->terms; k++)
            leverage += row[j] * fit->covariance[j + k * fit->terms] * row[k];
    }
    seconds = fmin(fmax(seconds, 0), DBL_MAX / 4);
    if (fit->freedom > 0) {
        double own = fit->relative ? seconds * seconds : 1; /* a divided row's variance is of its share */
        reach = rung_ernest_student(fit->freedom) * sqrt(fit->variance * (own + fmax(leverage, 0)));
    } else {
        reach = seconds;
    }
    reach = fmin(reach, DBL_MAX / 4); /* also of NaN */
    return (struct rung_ernest_guess){seconds, fmax(seconds - reach, 0), seconds + reach};
}

/* f falls and then rises: times m^2 its derivative is -t1 size plus terms that rise with m. */
size_t rung_ernest_best(const struct rung_ernest *fit, double size, size_t least, size_t most)
{
    while (least < most) {
        size_t mid = least + (most - least) / 2;
        if (rung_ernest_predict(fit, size, (double)mid + 1).seconds >=
            rung_ernest_predict(fit, size, (double)mid).seconds)
            most = mid;
        else
            least = mid + 1;
    }
    return least;
}
