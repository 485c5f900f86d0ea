/* Projected gradient descent over weights in a box under one linear constraint. */
#include "cost/design.h"

#include "base/mem.h"
#include "cost/lapack.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX     20000
#define LARGEST       1e100 /* of a value: sums of squares are numbers */
#define STEP_MAX      1e12
#define GAP           2.5e-7
#define CONDITION_MAX 1e14
#define DEPENDENT     1e-9 /* of a column of norm 1, what is left beside the others: it is dependent */
#define CANCELLED     1e-6 /* of its mean size, the mean of a column that has none but for its signs */

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
    if (candidates > INT_MAX || columns > INT_MAX)
        return rung_err_set(err, RUNG_EUSE, "experiment design: %zu candidates of %zu columns are too many",
                            candidates, columns);
    for (size_t i = 0; i < candidates * columns; i++)
        if (!(fabs(matrix[i]) <= LARGEST))
            return rung_err_set(err, RUNG_EUSE, "experiment design: candidate %zu has a value that is %s",
                                i % candidates, isfinite(matrix[i]) ? "beyond 1e100" : "not finite");
    for (size_t i = 0; i < candidates; i++)
        if (!(costs[i] > 0) || !isfinite(costs[i]))
            return rung_err_set(err, RUNG_EUSE,
                                "experiment design: candidate %zu has a cost that is not above 0", i);
    if (!(budget > 0) || !isfinite(budget))
        return rung_err_set(err, RUNG_EUSE, "experiment design: a budget that is not above 0");
    return 0;
}

/* Divides columns by their means, in place; where signs cancel, by their mean size. */
static void normalise(double *matrix, size_t candidates, size_t columns)
{
    for (size_t j = 0; j < columns; j++) {
        double *column = matrix + j * candidates, mean = 0, size = 0;
        for (size_t i = 0; i < candidates; i++) {
            mean += column[i] / (double)candidates;
            size += fabs(column[i]) / (double)candidates;
        }
        double by = fabs(mean) > CANCELLED * size ? mean : size;
        for (size_t i = 0; i < candidates && by != 0; i++)
            column[i] /= by;
    }
}

/* Marks columns that are independent of each other, by QR with column pivoting; returns how many. */
static size_t independent(const double *matrix, size_t candidates, size_t columns, double dependent,
                          bool *kept)
{
    double *a = rung_mem_copy(matrix, candidates * columns, sizeof *a);
    size_t least = candidates < columns ? candidates : columns, count = 0;
    double *tau = rung_mem_zalloc(least, sizeof *tau);
    int *pivots = rung_mem_zalloc(columns, sizeof *pivots);

    memset(kept, 0, columns * sizeof *kept);
    for (size_t j = 0; j < columns; j++) {
        double norm = cblas_dnrm2((int)candidates, a + j * candidates, 1);
        if (norm > 0)
            cblas_dscal((int)candidates, 1 / norm, a + j * candidates, 1);
    }
    rung_lapack(
        LAPACKE_dgeqp3(LAPACK_COL_MAJOR, (int)candidates, (int)columns, a, (int)candidates, pivots, tau));
    while (count < least && fabs(a[count + count * candidates]) > (count > 0 ? dependent : 0))
        kept[pivots[count++] - 1] = true;
    free(a);
    free(tau);
    free(pivots);
    return count;
}

static void problem_make(struct problem *problem, const double *matrix, const double *costs,
                         size_t candidates, size_t columns, double budget, double dependent)
{
    double *scaled = rung_mem_zalloc(candidates * columns, sizeof *scaled);
    bool *kept = rung_mem_zalloc(columns, sizeof *kept);
    size_t row = 0;

    memcpy(scaled, matrix, candidates * columns * sizeof *scaled);
    normalise(scaled, candidates, columns);
    size_t rank = independent(scaled, candidates, columns, dependent, kept);
    *problem = (struct problem){.candidates = candidates,
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
    if (rung_lapack(LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', k, problem->m, k)) != 0)
        return false;
    rung_lapack(LAPACKE_dpocon(LAPACK_COL_MAJOR, 'L', k, problem->m, k, norm, &inverse_condition));
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
        rung_lapack(LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'L', k, (int)problem->candidates, problem->m, k,
                                   problem->solved, k));
        for (size_t i = 0; i < problem->candidates; i++) {
            const double *solved = problem->solved + i * width;
            const double *other = problem->kind == RUNG_DESIGN_D ? problem->rows + i * width : solved;
            gradient[i] = -cblas_ddot(k, solved, 1, other, 1);
        }
    }
    if (problem->kind == RUNG_DESIGN_A) {
        rung_lapack(LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', k, problem->m, k));
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
    const struct ratio *x = a, *y = b;

    if (x->value != y->value)
        return x->value > y->value ? 1 : -1;
    return (x->candidate > y->candidate) - (x->candidate < y->candidate);
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

    for (at->step = fmin(2 * at->step, STEP_MAX); at->step > 1e-18; at->step /= 2) {
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

/* The problem, its M at equal weights being far from singular: columns are left out until it is. */
static void begin(struct problem *problem, struct rung_design *out, const double *matrix, const double *costs,
                  size_t columns, double budget)
{
    double total = 0;

    for (size_t i = 0; i < out->candidates; i++)
        total += costs[i];
    for (size_t i = 0; i < out->candidates; i++)
        out->weights[i] = fmin(1, budget / total);
    for (double dependent = DEPENDENT;; dependent *= 100) {
        problem_make(problem, matrix, costs, out->candidates, columns, budget, dependent);
        if (problem->columns < 2 || factorise(problem, out->weights))
            break;
        problem_free(problem);
    }
    out->columns = problem->columns;
}

int rung_design_optimise(struct rung_design *out, const double *matrix, const double *costs,
                         size_t candidates, size_t columns, double budget, enum rung_design_kind kind,
                         struct rung_err *err)
{
    struct problem problem;
    int code = 0;

    *out = (struct rung_design){.candidates = candidates};
    if (check(matrix, costs, candidates, columns, budget, err) < 0)
        return RUNG_EUSE;
    out->weights = rung_mem_zalloc(candidates, sizeof *out->weights);
    begin(&problem, out, matrix, costs, columns, budget);
    problem.kind = kind;
    if (out->columns > 0)
        minimise(&problem, out);
    else
        code = rung_err_set(err, RUNG_EUSE, "experiment design: all values are 0");
    problem_free(&problem);
    return code;
}

size_t rung_design_pick(const struct rung_design *design, double above, size_t *which)
{
    struct ratio *order = rung_mem_zalloc(design->candidates, sizeof *order);
    size_t count = 0;

    for (size_t i = 0; i < design->candidates; i++)
        if (design->weights[i] > above)
            order[count++] = (struct ratio){-design->weights[i], i};
    qsort(order, count, sizeof *order, compare);
    for (size_t k = 0; k < count; k++)
        which[k] = order[k].candidate;
    free(order);
    return count;
}

void rung_design_free(struct rung_design *design)
{
    free(design->weights);
    *design = (struct rung_design){0};
}

/* ---- Ernest's candidates ---- */

void rung_design_candidates_make(struct rung_design_candidates *out, const struct rung_design_grid *grid)
{
    bool empty = grid->machines_min == 0 || grid->machines_min > grid->machines_max ||
                 !(grid->parts_min > 0) || !(grid->parts_max >= grid->parts_min) ||
                 !(grid->parts_total >= grid->parts_max);
    size_t most = empty ? 0 : grid->sizes * (grid->machines_max - grid->machines_min + 1);

    *out = (struct rung_design_candidates){.size = rung_mem_zalloc(most, sizeof(double)),
                                           .machines = rung_mem_zalloc(most, sizeof(double))};
    for (size_t s = 0; s < grid->sizes && !empty; s++) {
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
