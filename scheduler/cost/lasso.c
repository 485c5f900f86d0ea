/*
 * Coordinate descent with a residual, as in Friedman, Hastie and Tibshirani (2010). Where there are many more
 * rows than columns the residual is never formed: X'X and X'y, computed once, say all that a sweep needs.
 */
#include "cost/lasso.h"

#include "base/mem.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATH       100
#define PATH_RATIO 1e-5
#define TOLERANCE  1e-8
#define SWEEPS     20000

/* Centred, and if asked for standardised, as the numbers that coordinate descent needs. */
struct moments {
    size_t rows, columns;
    double *gram;  /* columns x columns: X'X */
    double *cross; /* columns: X'y */
    double square; /* y'y */
    double *mean, *sd;
    double y_mean;
};

static void moments_free(struct moments *moments)
{
    free(moments->gram);
    free(moments->cross);
    free(moments->mean);
    free(moments->sd);
}

static struct rung_lasso_options complete(const struct rung_lasso_options *options)
{
    struct rung_lasso_options with = options ? *options : (struct rung_lasso_options){0};

    with.path = with.path > 0 ? with.path : PATH;
    with.path_ratio = with.path_ratio > 0 ? with.path_ratio : PATH_RATIO;
    with.tol = with.tol > 0 ? with.tol : TOLERANCE;
    with.sweeps = with.sweeps > 0 ? with.sweeps : SWEEPS;
    return with;
}

static int check(const double *x, const double *y, size_t rows, size_t columns, struct rung_err *err)
{
    if (rows == 0 || columns == 0)
        return rung_err_set(err, RUNG_EUSE, "lasso: no %s", rows == 0 ? "observations" : "columns");
    for (size_t i = 0; i < rows; i++)
        if (!isfinite(y[i]))
            return rung_err_set(err, RUNG_EUSE, "lasso: the target of row %zu is not finite", i);
    for (size_t i = 0; i < rows * columns; i++)
        if (!isfinite(x[i]))
            return rung_err_set(err, RUNG_EUSE, "lasso: row %zu has a value that is not finite", i % rows);
    return 0;
}

/* ---- preparation ---- */

/* A column of the rows that are not in fold `without`, centred; returns its population sd. */
static double centre(const double *column, size_t rows, const size_t *folds, size_t without, double *out,
                     double *mean, size_t *count)
{
    double sum = 0, squares = 0;

    *count = 0;
    for (size_t i = 0; i < rows; i++)
        if (!folds || folds[i] != without) {
            out[(*count)++] = column[i];
            sum += column[i];
        }
    *mean = *count > 0 ? sum / (double)*count : 0;
    for (size_t i = 0; i < *count; i++) {
        out[i] -= *mean;
        squares += out[i] * out[i];
    }
    return *count > 0 ? sqrt(squares / (double)*count) : 0;
}

/* A column that is constant but for rounding tells nothing. */
static bool is_constant(double sd, double mean)
{
    return !(sd > 1e-13 * fabs(mean)) || sd == 0;
}

static void prepare(struct moments *moments, const double *x, const double *y, size_t rows, size_t columns,
                    const size_t *folds, size_t without, bool standardise)
{
    double *centred = rung_mem_zalloc(rows * columns, sizeof *centred),
           *target = rung_mem_zalloc(rows, sizeof *target);
    size_t count = 0;

    *moments = (struct moments){.columns = columns,
                                .gram = rung_mem_zalloc(columns * columns, sizeof(double)),
                                .cross = rung_mem_zalloc(columns, sizeof(double)),
                                .mean = rung_mem_zalloc(columns, sizeof(double)),
                                .sd = rung_mem_zalloc(columns, sizeof(double))};
    centre(y, rows, folds, without, target, &moments->y_mean, &count);
    for (size_t j = 0; j < columns; j++) {
        double sd = centre(x + j * rows, rows, folds, without, centred + j * rows, &moments->mean[j], &count);
        moments->sd[j] = is_constant(sd, moments->mean[j]) ? 0 : standardise ? sd : 1;
        for (size_t i = 0; i < count; i++)
            centred[i + j * rows] = moments->sd[j] > 0 ? centred[i + j * rows] / moments->sd[j] : 0;
    }
    moments->rows = count;
    cblas_dsyrk(CblasColMajor, CblasUpper, CblasTrans, (int)columns, (int)count, 1, centred, (int)rows, 0,
                moments->gram, (int)columns);
    for (size_t j = 0; j < columns; j++)
        for (size_t k = 0; k < j; k++)
            moments->gram[j + k * columns] = moments->gram[k + j * columns];
    cblas_dgemv(CblasColMajor, CblasTrans, (int)count, (int)columns, 1, centred, (int)rows, target, 1, 0,
                moments->cross, 1);
    moments->square = cblas_ddot((int)count, target, 1, target, 1);
    free(centred);
    free(target);
}

static double alpha_max(const struct moments *moments)
{
    double largest = 0;

    for (size_t j = 0; j < moments->columns; j++)
        largest = fmax(largest, fabs(moments->cross[j]));
    return moments->rows > 0 ? largest / (double)moments->rows : 0;
}

/* ---- descent ---- */

/* w, and q = X'(y - Xw), kept up to date. */
struct descent {
    double *w, *q;
};

static double soft(double value, double threshold)
{
    return value > threshold ? value - threshold : value < -threshold ? value + threshold : 0;
}

static double residual_square(const struct moments *moments, const struct descent *at)
{
    double sum = moments->square;

    for (size_t j = 0; j < moments->columns; j++)
        sum -= at->w[j] * (moments->cross[j] + at->q[j]);
    return fmax(0, sum);
}

static double norm_one(const double *w, size_t count)
{
    return cblas_dasum((int)count, w, 1);
}

/* Kim et al. (2007): a dual feasible point is the residual, scaled. */
static double duality_gap(const struct moments *moments, const struct descent *at, double penalty)
{
    double largest = 0, square = residual_square(moments, at), along = square;

    for (size_t j = 0; j < moments->columns; j++) {
        largest = fmax(largest, fabs(at->q[j]));
        along += at->w[j] * at->q[j];
    }
    double s = largest > penalty ? penalty / largest : 1;
    return fmax(0, 0.5 * square * (1 + s * s) + penalty * norm_one(at->w, moments->columns) - s * along);
}

/* One sweep over all columns, or over those that are not 0: the largest change. */
static double sweep(const struct moments *moments, struct descent *at, double penalty, bool active_only)
{
    size_t columns = moments->columns;
    double change = 0;

    for (size_t j = 0; j < columns; j++) {
        double square = moments->gram[j + j * columns];
        if (square <= 0 || (active_only && at->w[j] == 0))
            continue;
        double to = soft(at->q[j] + at->w[j] * square, penalty) / square, by = to - at->w[j];
        if (by == 0)
            continue;
        cblas_daxpy((int)columns, -by, moments->gram + j * columns, 1, at->q, 1);
        at->w[j] = to;
        change = fmax(change, fabs(by));
    }
    return change;
}

static double largest_weight(const struct descent *at, size_t columns)
{
    double largest = 0;

    for (size_t j = 0; j < columns; j++)
        largest = fmax(largest, fabs(at->w[j]));
    return largest;
}

/* From where `at` is. Returns the sweeps it took. */
static size_t descend(const struct moments *moments, struct descent *at, double alpha,
                      const struct rung_lasso_options *with)
{
    double penalty = alpha * (double)moments->rows;
    size_t sweeps = 0;

    while (sweeps < with->sweeps) {
        double change = sweep(moments, at, penalty, false);
        sweeps++;
        if (change <= with->tol * largest_weight(at, moments->columns) &&
            duality_gap(moments, at, penalty) <= with->tol * moments->square)
            break;
        while (sweeps < with->sweeps && change > with->tol * largest_weight(at, moments->columns)) {
            change = sweep(moments, at, penalty, true);
            sweeps++;
        }
    }
    return sweeps;
}

static struct descent start(const struct moments *moments)
{
    struct descent at = {rung_mem_zalloc(moments->columns, sizeof(double)),
                         rung_mem_zalloc(moments->columns, sizeof(double))};

    memcpy(at.q, moments->cross, moments->columns * sizeof *at.q);
    return at;
}

static void stop(struct descent *at)
{
    free(at->w);
    free(at->q);
}

/* ---- results ---- */

/* In the units of the columns as they were given. */
static double to_raw(const struct moments *moments, const double *w, double *raw)
{
    double intercept = moments->y_mean;

    for (size_t j = 0; j < moments->columns; j++) {
        raw[j] = moments->sd[j] > 0 ? w[j] / moments->sd[j] : 0;
        intercept -= raw[j] * moments->mean[j];
    }
    return intercept;
}

static void finish(struct rung_lasso *fit, const struct moments *moments, const struct descent *at,
                   double alpha, size_t sweeps)
{
    double penalty = alpha * (double)moments->rows;

    fit->columns = moments->columns;
    fit->weights = rung_mem_zalloc(moments->columns, sizeof *fit->weights);
    fit->intercept = to_raw(moments, at->w, fit->weights);
    fit->alpha = alpha;
    fit->objective = 0.5 * residual_square(moments, at) / (double)moments->rows +
                     alpha * norm_one(at->w, moments->columns);
    fit->gap = duality_gap(moments, at, penalty);
    fit->cv_error = NAN;
    fit->sweeps = sweeps;
}

int rung_lasso_fit(struct rung_lasso *fit, const double *x, const double *y, size_t rows, size_t columns,
                   double alpha, const struct rung_lasso_options *options, struct rung_err *err)
{
    struct rung_lasso_options with = complete(options);
    struct moments moments;

    *fit = (struct rung_lasso){0};
    if (check(x, y, rows, columns, err) < 0)
        return RUNG_EUSE;
    if (!(alpha >= 0) || !isfinite(alpha))
        return rung_err_set(err, RUNG_EUSE, "lasso: a penalty of %g is not one of 0 or more", alpha);
    prepare(&moments, x, y, rows, columns, NULL, 0, with.standardise);
    struct descent at = start(&moments);
    size_t sweeps = descend(&moments, &at, alpha, &with);
    finish(fit, &moments, &at, alpha, sweeps);
    stop(&at);
    moments_free(&moments);
    return 0;
}

double rung_lasso_alpha_max(const double *x, const double *y, size_t rows, size_t columns,
                            const struct rung_lasso_options *options)
{
    struct moments moments;

    prepare(&moments, x, y, rows, columns, NULL, 0, options && options->standardise);
    double alpha = alpha_max(&moments);
    moments_free(&moments);
    return alpha;
}

/* ---- the choice of the penalty ---- */

static double penalty_at(const struct rung_lasso_options *with, double largest, size_t k)
{
    return with->path < 2 ? largest : largest * pow(with->path_ratio, (double)k / (double)(with->path - 1));
}

/* Adds, for every penalty, the mean squared error on the rows of the fold that was left out. */
static void judge_fold(double *errors, const double *x, const double *y, size_t rows, size_t columns,
                       const size_t *folds, size_t fold, double largest,
                       const struct rung_lasso_options *with)
{
    struct moments moments;
    double *raw = rung_mem_zalloc(columns, sizeof *raw);

    prepare(&moments, x, y, rows, columns, folds, fold, with->standardise);
    struct descent at = start(&moments);
    for (size_t k = 0; k < with->path; k++) {
        descend(&moments, &at, penalty_at(with, largest, k), with);
        double intercept = to_raw(&moments, at.w, raw), sum = 0;
        size_t count = 0;
        for (size_t i = 0; i < rows; i++) {
            if (folds[i] != fold)
                continue;
            double off = y[i] - intercept - cblas_ddot((int)columns, x + i, (int)rows, raw, 1);
            sum += off * off;
            count++;
        }
        errors[k] += sum / (double)count;
    }
    stop(&at);
    moments_free(&moments);
    free(raw);
}

static int check_folds(size_t rows, const size_t *folds, size_t fold_count, struct rung_err *err)
{
    if (rows < 10)
        return rung_err_set(err, RUNG_EUSE, "cross-validation: %zu observations, 10 are needed", rows);
    if (fold_count < 2)
        return rung_err_set(err, RUNG_EUSE, "cross-validation: one fold, 2 are needed");
    size_t *sizes = rung_mem_zalloc(fold_count, sizeof *sizes);
    bool wrong = false;
    for (size_t i = 0; i < rows; i++) {
        wrong = wrong || folds[i] >= fold_count;
        if (folds[i] < fold_count)
            sizes[folds[i]]++;
    }
    for (size_t f = 0; f < fold_count; f++)
        wrong = wrong || sizes[f] == 0;
    free(sizes);
    return wrong ? rung_err_set(err, RUNG_EUSE, "cross-validation: a fold without observations") : 0;
}

int rung_lasso_fit_cv(struct rung_lasso *fit, const double *x, const double *y, size_t rows, size_t columns,
                      const size_t *folds, size_t fold_count, const struct rung_lasso_options *options,
                      struct rung_err *err)
{
    struct rung_lasso_options with = complete(options);
    struct moments moments;
    size_t best = 0, sweeps = 0;

    *fit = (struct rung_lasso){0};
    if (check(x, y, rows, columns, err) < 0 || check_folds(rows, folds, fold_count, err) < 0)
        return RUNG_EUSE;
    prepare(&moments, x, y, rows, columns, NULL, 0, with.standardise);
    double largest = alpha_max(&moments), *errors = rung_mem_zalloc(with.path, sizeof *errors);
    for (size_t fold = 0; fold < fold_count; fold++)
        judge_fold(errors, x, y, rows, columns, folds, fold, largest, &with);
    for (size_t k = 1; k < with.path; k++)
        if (errors[k] < errors[best])
            best = k;
    struct descent at = start(&moments);
    for (size_t k = 0; k <= best; k++)
        sweeps = descend(&moments, &at, penalty_at(&with, largest, k), &with);
    finish(fit, &moments, &at, penalty_at(&with, largest, best), sweeps);
    fit->cv_error = errors[best] / (double)fold_count;
    free(errors);
    stop(&at);
    moments_free(&moments);
    return 0;
}

void rung_lasso_free(struct rung_lasso *fit)
{
    free(fit->weights);
    *fit = (struct rung_lasso){0};
}

double rung_lasso_predict(const struct rung_lasso *fit, const double *row, size_t stride)
{
    return fit->intercept + cblas_ddot((int)fit->columns, row, (int)stride, fit->weights, 1);
}
