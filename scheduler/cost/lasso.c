/*
 * The Lasso of rows: they are summed up once, and again for every fold by joining the sums of the others;
 * what is minimised then is cost/descent.c's. Rows are looked at again only to judge a fold.
 */
#include "cost/lasso.h"

#include "base/mem.h"
#include "cost/descent.h"
#include "cost/moments.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATH       100
#define PATH_RATIO 1e-5
#define TOLERANCE  1e-8
#define SWEEPS     20000
#define LARGEST    1e100 /* of a value: its square, summed over all rows, is a number */
#define FOLDS_MAX  1000
#define BLOCK      256 /* rows that are judged at once */

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
    if (rows > INT_MAX || columns > INT_MAX / 4 / columns)
        return rung_err_set(err, RUNG_EUSE, "lasso: %zu observations of %zu columns are too many", rows,
                            columns);
    for (size_t i = 0; i < rows; i++)
        if (!(fabs(y[i]) <= LARGEST))
            return rung_err_set(err, RUNG_EUSE, "lasso: the target of row %zu is %s", i,
                                isfinite(y[i]) ? "beyond 1e100" : "not finite");
    for (size_t i = 0; i < rows * columns; i++)
        if (!(fabs(x[i]) <= LARGEST))
            return rung_err_set(err, RUNG_EUSE, "lasso: row %zu has a value that is %s", i % rows,
                                isfinite(x[i]) ? "beyond 1e100" : "not finite");
    return 0;
}

/* ---- the problem that is solved ---- */

/* Moments as coordinate descent needs them: without constant columns, and standardised if asked for. */
struct problem {
    size_t rows, columns;
    double *gram, *cross, square; /* X'X, X'y, y'y */
    double *scale;                /* per column, what it was divided by; 0: a constant */
    double *mean, y_mean;
};

/* A column that is constant but for rounding tells nothing. */
static bool is_constant(double sd, double mean)
{
    return !(sd > 1e-13 * fabs(mean)) || sd == 0;
}

static void problem_make(struct problem *problem, const struct rung_moments *moments, bool standardise)
{
    size_t width = moments->width, columns = width - 1;

    *problem = (struct problem){.rows = moments->rows,
                                .columns = columns,
                                .gram = rung_mem_zalloc(columns * columns, sizeof(double)),
                                .cross = rung_mem_zalloc(columns, sizeof(double)),
                                .square = moments->product[columns + columns * width],
                                .scale = rung_mem_zalloc(columns, sizeof(double)),
                                .mean = rung_mem_copy(moments->mean, width, sizeof(double)),
                                .y_mean = moments->mean[columns]};
    for (size_t j = 0; j < columns; j++) {
        double sd = sqrt(moments->product[j + j * width] / (double)moments->rows);
        problem->scale[j] = is_constant(sd, moments->mean[j]) ? 0 : standardise ? sd : 1;
    }
    for (size_t j = 0; j < columns; j++) {
        if (problem->scale[j] == 0)
            continue;
        problem->cross[j] = moments->product[j + columns * width] / problem->scale[j];
        for (size_t k = 0; k < columns; k++)
            if (problem->scale[k] > 0)
                problem->gram[j + k * columns] =
                    moments->product[j + k * width] / problem->scale[j] / problem->scale[k];
    }
}

static void problem_free(struct problem *problem)
{
    free(problem->gram);
    free(problem->cross);
    free(problem->scale);
    free(problem->mean);
}

static void problem_of_all(struct problem *problem, const double *x, const double *y, size_t rows,
                           size_t columns, bool standardise)
{
    struct rung_row_groups groups;
    struct rung_moments moments;

    rung_row_groups_make(&groups, rows, NULL, 1);
    rung_moments_take(&moments, x, y, rows, columns, &groups, 0);
    problem_make(problem, &moments, standardise);
    rung_moments_free(&moments);
    rung_row_groups_free(&groups);
}

static double alpha_max(const struct problem *problem)
{
    double largest = 0;

    for (size_t j = 0; j < problem->columns; j++)
        largest = fmax(largest, fabs(problem->cross[j]));
    return problem->rows > 0 ? largest / (double)problem->rows : 0;
}

static void start(struct rung_descent *at, const struct problem *problem)
{
    rung_descent_start(at, problem->gram, problem->cross, problem->square, problem->columns);
}

static size_t descend(struct rung_descent *at, const struct problem *problem, double alpha,
                      const struct rung_lasso_options *with)
{
    return rung_descent_run(at, alpha * (double)problem->rows, with->tol, with->sweeps);
}

/* Weights of the columns as they were given. */
static void to_raw(const struct problem *problem, const double *w, double *raw)
{
    for (size_t j = 0; j < problem->columns; j++)
        raw[j] = problem->scale[j] > 0 ? w[j] / problem->scale[j] : 0;
}

static void finish(struct rung_lasso *fit, const struct problem *problem, const struct rung_descent *at,
                   double alpha, size_t sweeps)
{
    size_t columns = problem->columns;

    fit->columns = columns;
    fit->weights = rung_mem_zalloc(columns, sizeof *fit->weights);
    to_raw(problem, at->w, fit->weights);
    fit->intercept = problem->y_mean - cblas_ddot((int)columns, fit->weights, 1, problem->mean, 1);
    fit->alpha = alpha;
    fit->objective =
        0.5 * rung_descent_residual(at) / (double)problem->rows + alpha * cblas_dasum((int)columns, at->w, 1);
    fit->gap = rung_descent_gap(at, alpha * (double)problem->rows);
    fit->cv_error = NAN;
    fit->sweeps = sweeps;
}

int rung_lasso_fit(struct rung_lasso *fit, const double *x, const double *y, size_t rows, size_t columns,
                   double alpha, const struct rung_lasso_options *options, struct rung_err *err)
{
    struct rung_lasso_options with = complete(options);
    struct problem problem;
    struct rung_descent at;

    *fit = (struct rung_lasso){0};
    if (check(x, y, rows, columns, err) < 0)
        return RUNG_EUSE;
    if (!(alpha >= 0) || !isfinite(alpha))
        return rung_err_set(err, RUNG_EUSE, "lasso: a penalty of %g is not one of 0 or more", alpha);
    problem_of_all(&problem, x, y, rows, columns, with.standardise);
    start(&at, &problem);
    size_t sweeps = descend(&at, &problem, alpha, &with);
    finish(fit, &problem, &at, alpha, sweeps);
    rung_descent_stop(&at);
    problem_free(&problem);
    return 0;
}

double rung_lasso_alpha_max(const double *x, const double *y, size_t rows, size_t columns,
                            const struct rung_lasso_options *options)
{
    struct problem problem;

    problem_of_all(&problem, x, y, rows, columns, options && options->standardise);
    double alpha = alpha_max(&problem);
    problem_free(&problem);
    return alpha;
}

/* ---- the choice of the penalty ---- */

struct rows {
    const double *x, *y;
    size_t count, columns;
};

static double penalty_at(const struct rung_lasso_options *with, double largest, size_t k)
{
    return with->path < 2 ? largest : largest * pow(with->path_ratio, (double)k / (double)(with->path - 1));
}

/* Raw weights of the whole path, columns x path. */
static double *path_of(const struct problem *problem, double largest, const struct rung_lasso_options *with)
{
    double *weights = rung_mem_zalloc(problem->columns * with->path, sizeof *weights);
    struct rung_descent at;

    start(&at, problem);
    for (size_t k = 0; k < with->path; k++) {
        descend(&at, problem, penalty_at(with, largest, k), with);
        to_raw(problem, at.w, weights + k * problem->columns);
    }
    rung_descent_stop(&at);
    return weights;
}

/* Adds, for every penalty, the mean squared error on the rows of the fold that was left out. */
static void judge(double *errors, const struct rows *rows, const struct rung_row_groups *folds, size_t fold,
                  const struct problem *problem, const double *weights, size_t path)
{
    const size_t *which = folds->rows + folds->first[fold];
    size_t count = folds->first[fold + 1] - folds->first[fold], columns = rows->columns;
    double *block = rung_mem_zalloc(BLOCK * columns, sizeof *block),
           *off = rung_mem_zalloc(BLOCK * path, sizeof *off);

    for (size_t first = 0; first < count; first += BLOCK) {
        size_t size = count - first < BLOCK ? count - first : BLOCK;
        for (size_t j = 0; j < columns; j++)
            for (size_t r = 0; r < size; r++)
                block[r + j * BLOCK] = rows->x[which[first + r] + j * rows->count] - problem->mean[j];
        for (size_t k = 0; k < path; k++)
            for (size_t r = 0; r < size; r++)
                off[r + k * BLOCK] = rows->y[which[first + r]] - problem->y_mean;
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)size, (int)path, (int)columns, -1, block,
                    BLOCK, weights, (int)columns, 1, off, BLOCK);
        for (size_t k = 0; k < path; k++)
            errors[k] += cblas_ddot((int)size, off + k * BLOCK, 1, off + k * BLOCK, 1) / (double)count;
    }
    free(block);
    free(off);
}

static int check_folds(size_t rows, const size_t *folds, size_t fold_count, struct rung_err *err)
{
    if (rows < 10)
        return rung_err_set(err, RUNG_EUSE, "cross-validation: %zu observations, 10 are needed", rows);
    if (fold_count < 2)
        return rung_err_set(err, RUNG_EUSE, "cross-validation: one fold, 2 are needed");
    if (fold_count > FOLDS_MAX)
        return rung_err_set(err, RUNG_EUSE, "cross-validation: %zu folds, at most %d", fold_count, FOLDS_MAX);
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

/* Per penalty the error over all folds; `all` gets the problem of all rows. */
static double *cross_validate(struct problem *all, const struct rows *rows,
                              const struct rung_row_groups *folds, const struct rung_lasso_options *with)
{
    struct rung_moments *parts = rung_mem_zalloc(folds->count, sizeof *parts), joined;
    double *errors = rung_mem_zalloc(with->path, sizeof *errors);

    for (size_t f = 0; f < folds->count; f++)
        rung_moments_take(&parts[f], rows->x, rows->y, rows->count, rows->columns, folds, f);
    rung_moments_join(&joined, parts, folds->count, folds->count);
    problem_make(all, &joined, with->standardise);
    rung_moments_free(&joined);
    double largest = alpha_max(all);
    for (size_t f = 0; f < folds->count; f++) {
        struct problem problem;
        rung_moments_join(&joined, parts, folds->count, f);
        problem_make(&problem, &joined, with->standardise);
        double *weights = path_of(&problem, largest, with);
        judge(errors, rows, folds, f, &problem, weights, with->path);
        rung_moments_free(&joined);
        problem_free(&problem);
        free(weights);
    }
    for (size_t f = 0; f < folds->count; f++)
        rung_moments_free(&parts[f]);
    free(parts);
    return errors;
}

int rung_lasso_fit_cv(struct rung_lasso *fit, const double *x, const double *y, size_t rows, size_t columns,
                      const size_t *folds, size_t fold_count, const struct rung_lasso_options *options,
                      struct rung_err *err)
{
    struct rung_lasso_options with = complete(options);
    struct rung_row_groups groups;
    struct problem problem;
    struct rung_descent at;
    size_t best = 0, sweeps = 0;

    *fit = (struct rung_lasso){0};
    if (check(x, y, rows, columns, err) < 0 || check_folds(rows, folds, fold_count, err) < 0)
        return RUNG_EUSE;
    rung_row_groups_make(&groups, rows, folds, fold_count);
    double *errors = cross_validate(&problem, &(struct rows){x, y, rows, columns}, &groups, &with);
    for (size_t k = 1; k < with.path; k++)
        if (errors[k] < errors[best])
            best = k;
    double largest = alpha_max(&problem);
    start(&at, &problem);
    for (size_t k = 0; k <= best; k++)
        sweeps = descend(&at, &problem, penalty_at(&with, largest, k), &with);
    finish(fit, &problem, &at, penalty_at(&with, largest, best), sweeps);
    fit->cv_error = errors[best] / (double)fold_count;
    rung_descent_stop(&at);
    problem_free(&problem);
    rung_row_groups_free(&groups);
    free(errors);
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
