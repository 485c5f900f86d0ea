/* Projected gradient descent over weights in a box under one linear constraint. */
#include "cost/design.h"

#include "base/mem.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX     20000
#define GAP           1e-6
#define CONDITION_MAX 1e14
#define DEPENDENT     1e-9 /* of the largest column, what is left of one beside the others: it is dependent */

struct problem {
    enum rung_design_kind kind;
    size_t candidates, columns;
    double *rows; /* columns x candidates: a candidate's features lie together */
    const double *costs;
    double budget;
    double *m, *solved; /* columns x columns; columns x candidates: scratch */
};

/* ---- the matrix ---- */

static int check(const double *matrix, const double *costs, size_t candidates, size_t columns, double budget,
                 struct rung_err *err)
{
    if (candidates == 0 || columns == 0)
        return rung_err_set(err, RUNG_EUSE, "experiment design: no %s",
                            candidates == 0 ? "candidates" : "columns");
    for (size_t i = 0; i < candidates * columns; i++)
        if (!isfinite(matrix[i]))
            return rung_err_set(err, RUNG_EUSE,
                                "experiment design: candidate %zu has a value that is not finite",
                                i % candidates);
    for (size_t i = 0; i < candidates; i++)
        if (!(costs[i] > 0) || !isfinite(costs[i]))
            return rung_err_set(err, RUNG_EUSE,
                                "experiment design: candidate %zu has a cost that is not above 0", i);
    if (!(budget > 0) || !isfinite(budget))
        return rung_err_set(err, RUNG_EUSE, "experiment design: a budget that is not above 0");
    return 0;
}

/* Divides columns by their means, in place. */
static void normalise(double *matrix, size_t candidates, size_t columns)
{
    for (size_t j = 0; j < columns; j++) {
        double mean = 0;
        for (size_t i = 0; i < candidates; i++)
            mean += matrix[i + j * candidates] / (double)candidates;
        for (size_t i = 0; i < candidates && mean != 0; i++)
            matrix[i + j * candidates] /= mean;
    }
}

/* Marks columns that are independent of each other, by QR with column pivoting; returns how many. */
static size_t independent(const double *matrix, size_t candidates, size_t columns, bool *kept)
{
    double *a = rung_mem_zalloc(candidates * columns, sizeof *a);
    size_t least = candidates < columns ? candidates : columns, count = 0;
    double *tau = rung_mem_zalloc(least, sizeof *tau);
    int *pivots = rung_mem_zalloc(columns, sizeof *pivots);

    memcpy(a, matrix, candidates * columns * sizeof *a);
    LAPACKE_dgeqp3(LAPACK_COL_MAJOR, (int)candidates, (int)columns, a, (int)candidates, pivots, tau);
    while (count < least && fabs(a[count + count * candidates]) > DEPENDENT * fabs(a[0]))
        kept[pivots[count++] - 1] = true;
    free(a);
    free(tau);
    free(pivots);
    return count;
}

static void problem_make(struct problem *problem, const double *matrix, const double *costs,
                         size_t candidates, size_t columns, double budget, enum rung_design_kind kind)
{
    double *scaled = rung_mem_zalloc(candidates * columns, sizeof *scaled);
    bool *kept = rung_mem_zalloc(columns, sizeof *kept);
    size_t row = 0;

    memcpy(scaled, matrix, candidates * columns * sizeof *scaled);
    normalise(scaled, candidates, columns);
    size_t rank = independent(scaled, candidates, columns, kept);
    *problem = (struct problem){.kind = kind,
                                .candidates = candidates,
                                .columns = rank,
                                .rows = rung_mem_zalloc(rank * candidates, sizeof(double)),
                                .costs = costs,
                                .budget = budget,
                                .m = rung_mem_zalloc(rank * rank, sizeof(double)),
                                .solved = rung_mem_zalloc(rank * candidates, sizeof(double))};
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < candidates && kept[j]; i++)
            problem->rows[row + i * rank] = scaled[i + j * candidates];
        row += kept[j];
    }
    free(scaled);
    free(kept);
}

static void problem_free(struct problem *problem)
{
    free(problem->rows);
    free(problem->m);
    free(problem->solved);
}

/* ---- the objective ---- */

/* M = sum of weight * row' row, and its Cholesky factor in its place. False: (nearly) singular. */
static bool factorise(struct problem *problem, const double *weights)
{
    int k = (int)problem->columns;
    double norm, inverse_condition = 0;

    memset(problem->m, 0, problem->columns * problem->columns * sizeof *problem->m);
    for (size_t i = 0; i < problem->candidates; i++)
        if (weights[i] > 0)
            cblas_dsyr(CblasColMajor, CblasLower, k, weights[i], problem->rows + i * problem->columns, 1,
                       problem->m, k);
    norm = LAPACKE_dlansy(LAPACK_COL_MAJOR, '1', 'L', k, problem->m, k);
    if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', k, problem->m, k) != 0)
        return false;
    LAPACKE_dpocon(LAPACK_COL_MAJOR, 'L', k, problem->m, k, norm, &inverse_condition);
    return inverse_condition * CONDITION_MAX > 1;
}

/* INFINITY where M is singular; gradient may be NULL. */
static double objective(struct problem *problem, const double *weights, double *gradient)
{
    int k = (int)problem->columns;
    size_t width = problem->columns;
    double value = 0;

    if (!factorise(problem, weights))
        return INFINITY;
    if (problem->kind == RUNG_DESIGN_D) {
        for (size_t j = 0; j < width; j++)
            value -= 2 * log(problem->m[j + j * width]);
    }
    if (gradient) {
        memcpy(problem->solved, problem->rows, width * problem->candidates * sizeof *problem->solved);
        LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'L', k, (int)problem->candidates, problem->m, k, problem->solved, k);
        for (size_t i = 0; i < problem->candidates; i++) {
            const double *solved = problem->solved + i * width;
            const double *other = problem->kind == RUNG_DESIGN_D ? problem->rows + i * width : solved;
            gradient[i] = -cblas_ddot(k, solved, 1, other, 1);
        }
    }
    if (problem->kind == RUNG_DESIGN_A) {
        LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', k, problem->m, k);
        for (size_t j = 0; j < width; j++)
            value += problem->m[j + j * width];
    }
    return value;
}

/* ---- the constraints ---- */

static double clipped_cost(const struct problem *problem, const double *v, double k, double *out)
{
    double cost = 0;

    for (size_t i = 0; i < problem->candidates; i++) {
        double weight = fmin(fmax(v[i] - k * problem->costs[i], 0), 1);
        if (out)
            out[i] = weight;
        cost += weight * problem->costs[i];
    }
    return cost;
}

/* The nearest weights that are allowed, found by bisection of the constraint's multiplier. */
static void project(const struct problem *problem, const double *v, double *out)
{
    double low = 0, high = 1;

    if (clipped_cost(problem, v, 0, out) <= problem->budget)
        return;
    while (clipped_cost(problem, v, high, NULL) > problem->budget)
        high *= 2;
    for (int i = 0; i < 100 && high - low > DBL_EPSILON * high; i++) {
        double middle = 0.5 * (low + high);
        if (clipped_cost(problem, v, middle, NULL) > problem->budget)
            low = middle;
        else
            high = middle;
    }
    clipped_cost(problem, v, high, out);
}

struct ratio {
    double value;
    size_t candidate;
};

static int compare(const void *a, const void *b)
{
    double x = ((const struct ratio *)a)->value, y = ((const struct ratio *)b)->value;

    return (x > y) - (x < y);
}

/* How much the linearised problem could still gain: candidates are filled by gradient per cost. */
static double gap_of(const struct problem *problem, const double *weights, const double *gradient,
                     struct ratio *order)
{
    double left = problem->budget, gap = 0;

    for (size_t i = 0; i < problem->candidates; i++) {
        order[i] = (struct ratio){gradient[i] / problem->costs[i], i};
        gap += gradient[i] * weights[i];
    }
    qsort(order, problem->candidates, sizeof *order, compare);
    for (size_t k = 0; k < problem->candidates && left > 0 && order[k].value < 0; k++) {
        size_t i = order[k].candidate;
        double share = fmin(1, left / problem->costs[i]);
        gap -= gradient[i] * share;
        left -= share * problem->costs[i];
    }
    return gap;
}

/* ---- descent ---- */

struct descent {
    double *weights, *gradient, *next, *tried;
    double value, step;
};

/* One step, its length halved until the quadratic bound holds. False: no step lowers the value any more. */
static bool advance(struct problem *problem, struct descent *at)
{
    size_t count = problem->candidates;

    for (at->step *= 2; at->step > 1e-18; at->step /= 2) {
        double along = 0, square = 0;
        for (size_t i = 0; i < count; i++)
            at->tried[i] = at->weights[i] - at->step * at->gradient[i];
        project(problem, at->tried, at->next);
        for (size_t i = 0; i < count; i++) {
            double d = at->next[i] - at->weights[i];
            along += at->gradient[i] * d;
            square += d * d;
        }
        if (square == 0)
            return false;
        double value = objective(problem, at->next, NULL);
        if (value <= at->value + along + square / (2 * at->step)) {
            memcpy(at->weights, at->next, count * sizeof *at->weights);
            return true;
        }
    }
    return false;
}

static void minimise(struct problem *problem, struct rung_design *out)
{
    size_t count = problem->candidates;
    struct descent at = {.weights = out->weights,
                         .gradient = rung_mem_zalloc(count, sizeof(double)),
                         .next = rung_mem_zalloc(count, sizeof(double)),
                         .tried = rung_mem_zalloc(count, sizeof(double)),
                         .step = 1e-3};
    struct ratio *order = rung_mem_zalloc(count, sizeof *order);
    double total = 0;

    for (size_t i = 0; i < count; i++)
        total += problem->costs[i];
    for (size_t i = 0; i < count; i++)
        at.weights[i] = fmin(1, problem->budget / total);
    for (int step = 0;; step++) {
        at.value = objective(problem, at.weights, at.gradient);
        out->gap = isfinite(at.value) ? gap_of(problem, at.weights, at.gradient, order) : INFINITY;
        if (!isfinite(at.value) || out->gap <= GAP * fmax(1, fabs(at.value)) || step == STEPS_MAX ||
            !advance(problem, &at))
            break;
    }
    out->value = at.value;
    out->cost = 0;
    for (size_t i = 0; i < count; i++)
        out->cost += at.weights[i] * problem->costs[i];
    free(at.gradient);
    free(at.next);
    free(at.tried);
    free(order);
}

int rung_design_optimise(struct rung_design *out, const double *matrix, const double *costs,
                         size_t candidates, size_t columns, double budget, enum rung_design_kind kind,
                         struct rung_err *err)
{
    struct problem problem;

    *out = (struct rung_design){.candidates = candidates};
    if (check(matrix, costs, candidates, columns, budget, err) < 0)
        return RUNG_EUSE;
    problem_make(&problem, matrix, costs, candidates, columns, budget, kind);
    out->columns = problem.columns;
    out->weights = rung_mem_zalloc(candidates, sizeof *out->weights);
    minimise(&problem, out);
    problem_free(&problem);
    return 0;
}

void rung_design_free(struct rung_design *design)
{
    free(design->weights);
    *design = (struct rung_design){0};
}

/* ---- Ernest's candidates ---- */

void rung_design_candidates_make(struct rung_design_candidates *out, const struct rung_design_grid *grid)
{
    size_t most = grid->sizes * (grid->machines_max - grid->machines_min + 1);

    *out = (struct rung_design_candidates){.size = rung_mem_zalloc(most, sizeof(double)),
                                           .machines = rung_mem_zalloc(most, sizeof(double))};
    for (size_t s = 0; s < grid->sizes; s++) {
        double share = grid->sizes > 1 ? (double)s / (double)(grid->sizes - 1) : 0;
        double parts = grid->parts_min + share * (grid->parts_max - grid->parts_min);
        for (size_t m = grid->machines_min; m <= grid->machines_max; m++)
            if (round(parts) >= (double)(grid->cores * m)) {
                out->size[out->count] = parts / grid->parts_total;
                out->machines[out->count++] = (double)m;
            }
    }
    out->matrix = rung_mem_zalloc(4 * out->count, sizeof *out->matrix);
    out->costs = rung_mem_zalloc(out->count, sizeof *out->costs);
    for (size_t i = 0; i < out->count; i++) {
        double row[] = {1, out->size[i] / out->machines[i], out->machines[i], log(out->machines[i])};
        for (size_t j = 0; j < 4; j++)
            out->matrix[i + j * out->count] = row[j];
        out->costs[i] = out->size[i] / (grid->parts_min / grid->parts_total) / out->machines[i];
    }
}

void rung_design_candidates_free(struct rung_design_candidates *candidates)
{
    free(candidates->size);
    free(candidates->machines);
    free(candidates->matrix);
    free(candidates->costs);
    *candidates = (struct rung_design_candidates){0};
}
