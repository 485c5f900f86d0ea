/*
 * Lawson and Hanson's active set method. All rows are first reduced to a triangle by one QR factorisation,
 * which keeps every residual's norm; the subproblems are then solved on the triangle, again by QR.
 */
#include "cost/nnls.h"

#include "base/mem.h"
#include "cost/lapack.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A problem whose columns and target have unit norm, and that has no more rows than it needs. */
struct problem {
    size_t rows, columns;
    double *a;     /* rows x columns */
    double *t;     /* rows */
    double *scale; /* norms of the given columns; 0: a column of zeros */
    double length; /* of the given target */
};

static void problem_free(struct problem *problem)
{
    free(problem->a);
    free(problem->t);
    free(problem->scale);
}

static int check(const double *a, size_t rows, size_t columns, const double *t, struct rung_err *err)
{
    if (rows == 0 || columns == 0)
        return rung_err_set(err, RUNG_EUSE, "least squares: no %s", rows == 0 ? "observations" : "columns");
    if (rows > INT_MAX || columns >= INT_MAX)
        return rung_err_set(err, RUNG_EUSE, "least squares: %zu observations of %zu columns are too many",
                            rows, columns);
    for (size_t i = 0; i < rows * columns; i++)
        if (!isfinite(a[i]))
            return rung_err_set(err, RUNG_EUSE, "least squares: row %zu has a value that is not finite",
                                i % rows);
    for (size_t i = 0; i < rows; i++)
        if (!isfinite(t[i]))
            return rung_err_set(err, RUNG_EUSE, "least squares: the target of row %zu is not finite", i);
    return 0;
}

/* Divides by the norm, which is returned; it may be infinite. */
static double normalise(double *v, size_t count)
{
    double norm = cblas_dnrm2((int)count, v, 1);

    for (size_t i = 0; i < count && norm > 0; i++)
        v[i] /= norm;
    return norm;
}

/* All columns and, last, the target, each divided by its norm. */
static double *scaled_copy(struct problem *problem, const double *a, const double *t)
{
    size_t rows = problem->rows, columns = problem->columns;
    double *both = rung_mem_zalloc(rows * (columns + 1), sizeof *both);

    memcpy(both, a, rows * columns * sizeof *both);
    memcpy(both + rows * columns, t, rows * sizeof *both);
    for (size_t j = 0; j < columns; j++)
        problem->scale[j] = normalise(both + j * rows, rows);
    problem->length = normalise(both + columns * rows, rows);
    return both;
}

/* [A t] = Q R: |A x - t| = |R x - r| for the columns of R. */
static void reduce(struct problem *problem, double *both)
{
    size_t rows = problem->rows, width = problem->columns + 1, kept = rows < width ? rows : width;

    if (rows > width) {
        double *tau = rung_mem_zalloc(width, sizeof *tau);
        rung_lapack(LAPACKE_dgeqrf(LAPACK_COL_MAJOR, (int)rows, (int)width, both, (int)rows, tau));
        free(tau);
    }
    problem->a = rung_mem_zalloc(kept * problem->columns, sizeof *problem->a);
    problem->t = rung_mem_zalloc(kept, sizeof *problem->t);
    for (size_t j = 0; j < width; j++)
        for (size_t i = 0; i < kept; i++) {
            double value = rows > width && i > j ? 0 : both[i + j * rows];
            if (j < problem->columns)
                problem->a[i + j * kept] = value;
            else
                problem->t[i] = value;
        }
    problem->rows = kept;
}

static int prepare(struct problem *problem, const double *a, size_t rows, size_t columns, const double *t,
                   struct rung_err *err)
{
    *problem = (struct problem){.rows = rows, .columns = columns};
    if (check(a, rows, columns, t, err) < 0)
        return RUNG_EUSE;
    problem->scale = rung_mem_zalloc(columns, sizeof *problem->scale);
    double *both = scaled_copy(problem, a, t);
    reduce(problem, both);
    free(both);
    return 0;
}

/* Least squares on the columns that are in: z, 0 elsewhere. Rank deficient sets get the solution of least
 * norm. */
static void solve(const struct problem *problem, const bool *in, double *z)
{
    size_t rows = problem->rows, count = 0, longer;
    size_t *which = rung_mem_zalloc(problem->columns, sizeof *which);

    for (size_t j = 0; j < problem->columns; j++) {
        z[j] = 0;
        if (in[j])
            which[count++] = j;
    }
    longer = rows > count ? rows : count;
    if (count == 0) {
        free(which);
        return;
    }
    double *a = rung_mem_zalloc(rows * count, sizeof *a), *b = rung_mem_zalloc(longer, sizeof *b);
    int *pivots = rung_mem_zalloc(count, sizeof *pivots), rank;
    for (size_t k = 0; k < count; k++)
        memcpy(a + k * rows, problem->a + which[k] * rows, rows * sizeof *a);
    memcpy(b, problem->t, rows * sizeof *b);
    rung_lapack(LAPACKE_dgelsy(LAPACK_COL_MAJOR, (int)rows, (int)count, 1, a, (int)rows, b, (int)longer,
                               pivots, DBL_EPSILON * (double)longer, &rank));
    for (size_t k = 0; k < count; k++)
        z[which[k]] = b[k];
    free(a);
    free(b);
    free(pivots);
    free(which);
}

/* r = t - A x, and its norm. */
static double residual_of(const struct problem *problem, const double *x, double *r)
{
    memcpy(r, problem->t, problem->rows * sizeof *r);
    cblas_dgemv(CblasColMajor, CblasNoTrans, (int)problem->rows, (int)problem->columns, -1, problem->a,
                (int)problem->rows, x, 1, 1, r, 1);
    return cblas_dnrm2((int)problem->rows, r, 1);
}

static double tolerance(const struct problem *problem)
{
    double largest = 0;

    for (size_t j = 0; j < problem->columns; j++)
        largest = fmax(largest, cblas_dasum((int)problem->rows, problem->a + j * problem->rows, 1));
    size_t longer = problem->rows > problem->columns ? problem->rows : problem->columns;
    return 10 * DBL_EPSILON * largest * (double)longer;
}

/* The column outside that would lower the residual fastest, or columns. */
static size_t steepest(const struct problem *problem, const double *r, const bool *in, const bool *barred,
                       double tol)
{
    size_t best = problem->columns;
    double most = tol;

    for (size_t j = 0; j < problem->columns; j++) {
        if (in[j] || barred[j] || problem->scale[j] == 0)
            continue;
        double w = cblas_ddot((int)problem->rows, problem->a + j * problem->rows, 1, r, 1);
        if (w > most) {
            most = w;
            best = j;
        }
    }
    return best;
}

/* Moves x towards z as far as nothing becomes negative; what reaches 0 leaves, the first to do so whatever
 * rounding says, so that this ends. False: x is z. */
static bool step_back(const struct problem *problem, double *x, const double *z, bool *in)
{
    size_t columns = problem->columns, first = columns;
    double alpha = 1;

    for (size_t j = 0; j < columns; j++) {
        if (!in[j] || z[j] > 0)
            continue;
        double share = x[j] > 0 ? x[j] / (x[j] - z[j]) : 0;
        if (first == columns || share < alpha) {
            alpha = share;
            first = j;
        }
    }
    if (first == columns) {
        memcpy(x, z, columns * sizeof *x);
        return false;
    }
    for (size_t j = 0; j < columns; j++) {
        if (!in[j])
            continue;
        x[j] += alpha * (z[j] - x[j]);
        if (j == first || (z[j] <= 0 && x[j] <= DBL_EPSILON)) {
            x[j] = 0;
            in[j] = false;
        }
    }
    return true;
}

static void lawson_hanson(const struct problem *problem, double *x)
{
    size_t columns = problem->columns, left = 3 * columns;
    bool *in = rung_mem_zalloc(columns, sizeof *in), *barred = rung_mem_zalloc(columns, sizeof *barred);
    double *z = rung_mem_zalloc(columns, sizeof *z), *r = rung_mem_zalloc(problem->rows, sizeof *r);
    double tol = tolerance(problem);

    memset(x, 0, columns * sizeof *x);
    double norm = residual_of(problem, x, r);
    for (size_t next; left > 0 && (next = steepest(problem, r, in, barred, tol)) < columns; left--) {
        in[next] = true;
        do
            solve(problem, in, z);
        while (step_back(problem, x, z, in));
        double now = residual_of(problem, x, r);
        if (now < norm)
            memset(barred, 0, columns * sizeof *barred);
        barred[next] = !in[next]; /* in exact arithmetic it would have stayed: not at once again */
        norm = now;
    }
    free(in);
    free(barred);
    free(z);
    free(r);
}

static int unscale(const struct problem *problem, double *x, double *residual, struct rung_err *err)
{
    double *r = rung_mem_zalloc(problem->rows, sizeof *r), norm = residual_of(problem, x, r);
    bool finite = isfinite(norm) && isfinite(problem->length);

    free(r);
    for (size_t j = 0; j < problem->columns; j++) {
        x[j] = problem->scale[j] > 0 ? x[j] * (problem->length / problem->scale[j]) : 0;
        finite = finite && isfinite(x[j]) && isfinite(problem->scale[j]);
    }
    if (residual)
        *residual = norm * problem->length;
    return finite
               ? 0
               : rung_err_set(err, RUNG_EUSE, "least squares: values are too large or too different in size");
}

int rung_nnls(const double *a, size_t rows, size_t columns, const double *t, double *x, double *residual,
              struct rung_err *err)
{
    struct problem problem;
    int code = prepare(&problem, a, rows, columns, t, err);

    if (code == 0) {
        lawson_hanson(&problem, x);
        code = unscale(&problem, x, residual, err);
    }
    problem_free(&problem);
    return code;
}

int rung_least_squares(const double *a, size_t rows, size_t columns, const double *t, double *x,
                       double *residual, struct rung_err *err)
{
    struct problem problem;
    int code = prepare(&problem, a, rows, columns, t, err);

    if (code == 0) {
        bool *in = rung_mem_zalloc(columns, sizeof *in);
        for (size_t j = 0; j < columns; j++)
            in[j] = problem.scale[j] > 0;
        solve(&problem, in, x);
        code = unscale(&problem, x, residual, err);
        free(in);
    }
    problem_free(&problem);
    return code;
}
