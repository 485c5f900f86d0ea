/* Sweeps of coordinate descent, and steps within the orthant that the weights are in. */
#include "cost/descent.h"

#include "base/mem.h"
#include "cost/lapack.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE 3 /* sweeps over the columns in use before a step: which ones they are has to settle */

void rung_descent_start(struct rung_descent *at, const double *gram, const double *cross, double square,
                        size_t columns)
{
    *at = (struct rung_descent){.columns = columns,
                                .gram = gram,
                                .cross = cross,
                                .square = square,
                                .w = rung_mem_zalloc(columns, sizeof(double)),
                                .q = rung_mem_zalloc(columns, sizeof(double))};
    memcpy(at->q, cross, columns * sizeof *at->q);
}

void rung_descent_stop(struct rung_descent *at)
{
    free(at->w);
    free(at->q);
}

/* ---- where it is ---- */

/* Anew: updates add up their rounding. */
static void refresh(struct rung_descent *at)
{
    int n = (int)at->columns;

    memcpy(at->q, at->cross, at->columns * sizeof *at->q);
    cblas_dsymv(CblasColMajor, CblasLower, n, -1, at->gram, n, at->w, 1, 1, at->q, 1);
}

double rung_descent_residual(const struct rung_descent *at)
{
    double sum = at->square;

    for (size_t j = 0; j < at->columns; j++)
        sum -= at->w[j] * (at->cross[j] + at->q[j]);
    return fmax(0, sum);
}

static double norm_one(const struct rung_descent *at)
{
    return cblas_dasum((int)at->columns, at->w, 1);
}

/* A dual feasible point is the residual, scaled. */
double rung_descent_gap(const struct rung_descent *at, double penalty)
{
    double largest = 0, square = rung_descent_residual(at), along = square;

    for (size_t j = 0; j < at->columns; j++) {
        if (at->gram[j + j * at->columns] > 0)
            largest = fmax(largest, fabs(at->q[j]));
        along += at->w[j] * at->q[j];
    }
    double s = largest > penalty ? penalty / largest : 1;
    return fmax(0, 0.5 * square * (1 + s * s) + penalty * norm_one(at) - s * along);
}

static double largest_weight(const struct rung_descent *at)
{
    double largest = 0;

    for (size_t j = 0; j < at->columns; j++)
        largest = fmax(largest, fabs(at->w[j]));
    return largest;
}

/* ---- sweeps ---- */

static double soft(double value, double threshold)
{
    return value > threshold ? value - threshold : value < -threshold ? value + threshold : 0;
}

/* Over all columns, or over those in use: the largest change. */
static double sweep(struct rung_descent *at, double penalty, bool used_only)
{
    size_t columns = at->columns;
    double change = 0;

    for (size_t j = 0; j < columns; j++) {
        double square = at->gram[j + j * columns];
        if (square <= 0 || (used_only && at->w[j] == 0))
            continue;
        double to = soft(at->q[j] + at->w[j] * square, penalty) / square, by = to - at->w[j];
        if (by == 0)
            continue;
        cblas_daxpy((int)columns, -by, at->gram + j * columns, 1, at->q, 1);
        at->w[j] = to;
        change = fmax(change, fabs(by));
    }
    return change;
}

/* ---- steps ---- */

/* Twice what is minimised. */
static double objective(const struct rung_descent *at, double penalty)
{
    return rung_descent_residual(at) + 2 * penalty * norm_one(at);
}

/* d on the `count` columns `used`: to the least value that these columns have with the signs of their
 * weights. False: they depend on each other. */
static bool direction(const struct rung_descent *at, double penalty, const size_t *used, size_t count,
                      double *matrix, double *d)
{
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b <= a; b++)
            matrix[a + b * count] = at->gram[used[a] + used[b] * at->columns];
        d[a] = at->q[used[a]] - copysign(penalty, at->w[used[a]]);
    }
    int n = (int)count;
    return rung_lapack(LAPACKE_dposv(LAPACK_COL_MAJOR, 'L', n, 1, matrix, n, d, n)) == 0;
}

/* Along d, up to where a weight reaches 0, which then is out of use. Returns whether one did. */
static bool move(struct rung_descent *at, const size_t *used, size_t count, const double *d)
{
    double share = 1;
    size_t out = count;

    for (size_t a = 0; a < count; a++) {
        double w = at->w[used[a]];
        if (w * (w + d[a]) <= 0 && -w / d[a] <= share) {
            share = -w / d[a];
            out = a;
        }
    }
    for (size_t a = 0; a < count; a++)
        at->w[used[a]] = a == out ? 0 : at->w[used[a]] + share * d[a];
    refresh(at);
    return out < count;
}

/* At most so many steps, until no weight leaves; taken back where rounding made things worse. */
static size_t step(struct rung_descent *at, double penalty, size_t most)
{
    size_t columns = at->columns, *used = rung_mem_zalloc(columns, sizeof *used), steps = 0;
    double *matrix = rung_mem_zalloc(columns * columns, sizeof *matrix),
           *d = rung_mem_zalloc(columns, sizeof *d);
    double *before = rung_mem_copy(at->w, columns, sizeof *before), value = objective(at, penalty);

    for (bool left = true; left && steps < most; steps++) {
        size_t count = 0;
        for (size_t j = 0; j < columns; j++)
            if (at->w[j] != 0)
                used[count++] = j;
        left = count > 0 && direction(at, penalty, used, count, matrix, d) && move(at, used, count, d);
    }
    if (!(objective(at, penalty) <= value + 4 * DBL_EPSILON * at->square)) {
        memcpy(at->w, before, columns * sizeof *before);
        refresh(at);
    }
    free(used);
    free(matrix);
    free(d);
    free(before);
    return steps;
}

size_t rung_descent_run(struct rung_descent *at, double penalty, double tol, size_t most)
{
    size_t sweeps = 0;

    while (sweeps < most) {
        double change = sweep(at, penalty, false);
        sweeps++;
        if (change <= tol * largest_weight(at) && rung_descent_gap(at, penalty) <= tol * at->square)
            break;
        for (int i = 0; i < SETTLE && sweeps < most && change > tol * largest_weight(at); i++, sweeps++)
            change = sweep(at, penalty, true);
        sweeps += step(at, penalty, most - sweeps);
    }
    return sweeps;
}
