/* Hemingway's model of convergence: features, folds, the fit of logarithms, predictions, trials. */
#include "cost/hemingway.h"

#include "base/mem.h"
#include "cost/hemingway_parts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALONE    4                  /* features of one m */
#define BLOCKS   5                  /* folds where m does not make them */
#define QUANTILE 1.2815515655446004 /* 80 % of a normal distribution lie within */
#define EXP_MAX  709.0

const char *rung_hemingway_rule_name(enum rung_hemingway_rule rule)
{
    static const char *const names[] = {[RUNG_HEMINGWAY_KNOWN] = "known",
                                        [RUNG_HEMINGWAY_BOUND] = "bound",
                                        [RUNG_HEMINGWAY_FITTED] = "fitted"};
    return names[rule];
}

/* ---- features ---- */

/* All products but the constant, which is the intercept; of one m only functions of i. Returns how many. */
static size_t features(bool parallel, double i, double m, double *out)
{
    if (!parallel) {
        const double alone[ALONE] = {i, sqrt(i), log(i), 1 / i};
        memcpy(out, alone, sizeof alone);
        return ALONE;
    }
    const double a[] = {1, i, sqrt(i), log(i), 1 / i, i * i},
                 b[] = {1, 1 / m, 1 / sqrt(m), log(m), m, 1 / (m * m)};
    for (size_t j = 1; j <= RUNG_HEMINGWAY_FEATURES; j++)
        out[j - 1] = a[j / 6] * b[j % 6];
    return RUNG_HEMINGWAY_FEATURES;
}

static double *make_matrix(bool parallel, const struct rung_hemingway_row *rows, size_t count,
                           size_t *columns)
{
    double row[RUNG_HEMINGWAY_FEATURES];
    double *x = rung_mem_zalloc(count * RUNG_HEMINGWAY_FEATURES, sizeof *x);

    for (size_t k = 0; k < count; k++) {
        *columns = features(parallel, rows[k].iteration, rows[k].machines, row);
        for (size_t j = 0; j < *columns; j++)
            x[k + j * count] = row[j];
    }
    return x;
}

/* ---- folds ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts values and keeps one of each; returns how many. */
static size_t distinct(double *values, size_t count)
{
    size_t kept = 0;

    qsort(values, count, sizeof *values, compare);
    for (size_t k = 0; k < count; k++)
        if (kept == 0 || values[k] != values[kept - 1])
            values[kept++] = values[k];
    return kept;
}

static size_t place_of(const double *sorted, size_t count, double value)
{
    size_t low = 0, high = count;

    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (sorted[mid] <= value)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* Groups by m where there are three or more, else contiguous blocks of iterations: shuffled rows would leak
 * what their neighbours know. Returns the number of folds. */
static size_t make_folds(const struct rung_hemingway_row *rows, size_t count, size_t *folds, size_t *degrees)
{
    double *values = rung_mem_zalloc(count, sizeof *values);
    size_t groups, blocks;

    for (size_t k = 0; k < count; k++)
        values[k] = rows[k].machines;
    groups = blocks = *degrees = distinct(values, count);
    if (groups >= 3) {
        for (size_t k = 0; k < count; k++)
            folds[k] = place_of(values, groups, rows[k].machines);
    } else {
        for (size_t k = 0; k < count; k++)
            values[k] = rows[k].iteration;
        groups = distinct(values, count);
        blocks = groups < BLOCKS ? groups : BLOCKS;
        for (size_t k = 0; k < count; k++)
            folds[k] = place_of(values, groups, rows[k].iteration) * blocks / groups;
    }
    free(values);
    return blocks;
}

/* ---- the fit ---- */

const struct rung_lasso_options rung_hemingway_lasso = {.standardise = true};

static int check(const struct rung_hemingway_row *rows, size_t count, struct rung_err *err)
{
    for (size_t k = 0; k < count; k++) {
        if (!(rows[k].iteration >= 1) || !isfinite(rows[k].iteration))
            return rung_err_set(err, RUNG_EUSE, "convergence model: iteration %g, not 1 or more",
                                rows[k].iteration);
        if (!(rows[k].machines > 0) || !isfinite(rows[k].machines))
            return rung_err_set(err, RUNG_EUSE, "convergence model: %g machines, not above 0",
                                rows[k].machines);
    }
    return 0;
}

static int too_few(size_t count, struct rung_err *err)
{
    return rung_err_set(err, RUNG_EUSE, "convergence model: %zu observation%s, %d are needed", count,
                        count == 1 ? "" : "s", RUNG_HEMINGWAY_ROWS);
}

int rung_hemingway_fit_prepared(struct rung_hemingway *fit, const struct rung_hemingway_row *rows,
                                size_t count, const struct rung_lasso_options *options, struct rung_err *err)
{
    size_t columns = 0;

    *fit = (struct rung_hemingway){.observations = count, .machines = count > 0 ? rows[0].machines : NAN};
    if (check(rows, count, err) < 0)
        return RUNG_EUSE;
    if (count < RUNG_HEMINGWAY_ROWS)
        return too_few(count, err);
    size_t *folds = rung_mem_zalloc(count, sizeof *folds);
    double *y = rung_mem_zalloc(count, sizeof *y), *x;
    size_t fold_count = make_folds(rows, count, folds, &fit->degrees);
    fit->parallel = fit->degrees > 1;
    for (size_t k = 0; k < count; k++) {
        y[k] = rows[k].value;
        fit->last = fmax(fit->last, rows[k].iteration);
    }
    x = make_matrix(fit->parallel, rows, count, &columns);
    int code = rung_lasso_fit_cv(&fit->lasso, x, y, count, columns, folds, fold_count, options, err);
    fit->spread = code == 0 ? sqrt(fit->lasso.cv_error) : NAN;
    free(folds);
    free(x);
    free(y);
    return code;
}

/* Cross-validation leaves out machines; whether the curves go on as they began it does not tell. */
void rung_hemingway_try_ahead(struct rung_hemingway *fit, const struct rung_hemingway_row *rows, size_t count)
{
    struct rung_hemingway_row *first = rung_mem_zalloc(count, sizeof *first);
    struct rung_hemingway half;
    double squares = 0;
    size_t n = 0;

    for (size_t k = 0; k < count; k++)
        if (rows[k].iteration <= fit->last / 2)
            first[n++] = rows[k];
    if (n < count && rung_hemingway_fit_prepared(&half, first, n, &rung_hemingway_lasso, NULL) == 0) {
        for (size_t k = 0; k < count; k++) {
            double off = rung_hemingway_log(&half, rows[k].iteration, rows[k].machines).value - rows[k].value;
            squares += rows[k].iteration > fit->last / 2 ? off * off : 0;
        }
        fit->ahead = sqrt(squares / (double)(count - n));
        rung_hemingway_free(&half);
    }
    free(first);
}

int rung_hemingway_fit_log(struct rung_hemingway *fit, const struct rung_hemingway_row *rows, size_t count,
                           struct rung_err *err)
{
    struct rung_hemingway_row *kept = rung_mem_zalloc(count, sizeof *kept);
    size_t n = 0;

    for (size_t k = 0; k < count; k++)
        if (isfinite(rows[k].value))
            kept[n++] = rows[k];
    size_t taken = rung_hemingway_sample(kept, n);
    int code = rung_hemingway_fit_prepared(fit, kept, taken, &rung_hemingway_lasso, err);
    if (code == 0)
        rung_hemingway_try_ahead(fit, kept, taken);
    fit->dropped = count - n;
    fit->rule = RUNG_HEMINGWAY_KNOWN;
    free(kept);
    return code;
}

void rung_hemingway_free(struct rung_hemingway *fit)
{
    for (size_t k = 0; k < fit->other_count; k++)
        rung_lasso_free(&fit->others[k].lasso);
    free(fit->others);
    rung_lasso_free(&fit->lasso);
}

/* ---- predictions ---- */

/* As if the limit were known. */
static struct rung_hemingway_guess guess_log(const struct rung_hemingway *fit, double iteration,
                                             double machines)
{
    double row[RUNG_HEMINGWAY_FEATURES];

    features(fit->parallel, iteration, machines, row);
    double value = rung_lasso_predict(&fit->lasso, row, 1);
    double beyond = fmax(1, iteration / fit->last);
    double reach = QUANTILE * (fit->spread * beyond + fit->ahead * (beyond - 1));
    /* Of numbers beyond a double nothing is known but the side. */
    value = isnan(value) ? 0 : fmin(fmax(value, -DBL_MAX / 4), DBL_MAX / 4);
    reach = fmin(reach, DBL_MAX / 4);
    return (struct rung_hemingway_guess){value, value - reach, value + reach, fit->observations};
}

struct rung_hemingway_guess rung_hemingway_log(const struct rung_hemingway *fit, double iteration,
                                               double machines)
{
    struct rung_hemingway_guess guess = guess_log(fit, iteration, machines);

    for (size_t k = 0; k < fit->other_count; k++) {
        struct rung_hemingway_guess other = guess_log(&fit->others[k], iteration, machines);
        guess.low = fmin(guess.low, other.low);
        guess.high = fmax(guess.high, other.high);
    }
    return guess;
}

static double loss_of(const struct rung_hemingway *fit, double value)
{
    return fmin(fit->limit + exp(fmin(value, EXP_MAX)), DBL_MAX);
}

static struct rung_hemingway_guess guess_loss(const struct rung_hemingway *fit, double iteration,
                                              double machines)
{
    struct rung_hemingway_guess guess = guess_log(fit, iteration, machines);

    return (struct rung_hemingway_guess){loss_of(fit, guess.value), loss_of(fit, guess.low),
                                         loss_of(fit, guess.high), guess.observations};
}

struct rung_hemingway_guess rung_hemingway_loss(const struct rung_hemingway *fit, double iteration,
                                                double machines)
{
    struct rung_hemingway_guess guess = guess_loss(fit, iteration, machines);

    for (size_t k = 0; k < fit->other_count; k++) {
        struct rung_hemingway_guess other = guess_loss(&fit->others[k], iteration, machines);
        guess.low = fmin(guess.low, other.low);
        guess.high = fmax(guess.high, other.high);
    }
    return guess;
}

/* A quotient that is whole but for rounding is whole. */
double rung_hemingway_iterations(double seconds, double per_iteration)
{
    double quotient = seconds / per_iteration;
    return quotient > 0 ? floor(quotient * (1 + 4 * DBL_EPSILON)) : 0;
}

bool rung_hemingway_at_time(const struct rung_hemingway *fit, double seconds, double per_iteration,
                            double machines, struct rung_hemingway_guess *guess)
{
    double iteration = rung_hemingway_iterations(seconds, per_iteration);

    if (!(iteration >= 1) || !isfinite(iteration))
        return false;
    *guess = rung_hemingway_log(fit, iteration, machines);
    return true;
}

/* ---- trials ---- */

int rung_hemingway_leave_out(struct rung_hemingway_trial *trial, const struct rung_hemingway_row *rows,
                             size_t count, double machines, struct rung_err *err)
{
    struct rung_hemingway_row *others = rung_mem_zalloc(count, sizeof *others);
    struct rung_hemingway fit;
    double squares = 0, least = INFINITY, most = -INFINITY;
    size_t n = 0;

    *trial = (struct rung_hemingway_trial){0};
    for (size_t k = 0; k < count; k++)
        if (rows[k].machines != machines)
            others[n++] = rows[k];
    int code = rung_hemingway_fit_log(&fit, others, n, err);
    for (size_t k = 0; k < count && code == 0; k++) {
        if (rows[k].machines != machines || !isfinite(rows[k].value))
            continue;
        double off = rung_hemingway_log(&fit, rows[k].iteration, machines).value - rows[k].value;
        squares += off * off;
        least = fmin(least, rows[k].value);
        most = fmax(most, rows[k].value);
        trial->rows++;
    }
    if (code == 0 && trial->rows == 0) {
        code = rung_err_set(err, RUNG_EUSE, "convergence model: no observation on %g machines to leave out",
                            machines);
    } else if (code == 0) {
        trial->error = sqrt(squares / (double)trial->rows);
        trial->range = most - least;
    }
    rung_hemingway_free(&fit);
    free(others);
    return code;
}

int rung_hemingway_forward(struct rung_hemingway_guess *guess, const struct rung_hemingway_row *rows,
                           size_t count, double ahead, struct rung_err *err)
{
    size_t first = count > RUNG_HEMINGWAY_WINDOW ? count - RUNG_HEMINGWAY_WINDOW : 0;
    struct rung_hemingway fit;

    *guess = (struct rung_hemingway_guess){NAN, NAN, NAN, 0};
    for (size_t k = first; k < count; k++)
        if (!isfinite(rows[k].value))
            return rung_err_set(err, RUNG_EUSE,
                                "convergence model: the value after iteration %g is not finite",
                                rows[k].iteration);
    int code = rung_hemingway_fit_prepared(&fit, rows + first, count - first, &rung_hemingway_lasso, err);
    if (code == 0)
        *guess = rung_hemingway_log(&fit, rows[count - 1].iteration + ahead, rows[count - 1].machines);
    rung_hemingway_free(&fit);
    return code;
}
