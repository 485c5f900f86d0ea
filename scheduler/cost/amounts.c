/* Iteratively reweighted non-negative least squares (Huber, Robust Statistics, 1981). */
#include "cost/amounts.h"

#include "base/mem.h"
#include "cost/nnls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PASSES 4
#define POWER  0.75 /* the noise of an amount grows as the amount to that power */
#define TELLS  12.0 /* rows * log(squared error without / with a column), as in an information criterion */
#define HUBER  1.5  /* robust standard deviations from which a row counts less */

void rung_amounts_init(struct rung_amounts *amounts, size_t capacity, size_t columns)
{
    *amounts = (struct rung_amounts){.columns = columns,
                                     .a = rung_mem_zalloc(capacity * columns, sizeof(double)),
                                     .t = rung_mem_zalloc(capacity, sizeof(double))};
}

void rung_amounts_add(struct rung_amounts *amounts, const double *row, double amount)
{
    memcpy(amounts->a + amounts->rows * amounts->columns, row, amounts->columns * sizeof *row);
    amounts->t[amounts->rows++] = amount;
}

void rung_amounts_free(struct rung_amounts *amounts)
{
    free(amounts->a);
    free(amounts->t);
}

double rung_amounts_dot(const double *a, const double *b, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static double guess(const struct rung_amounts *amounts, const double *theta, size_t row)
{
    return rung_amounts_dot(amounts->a + row * amounts->columns, theta, amounts->columns);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Robust standard deviation of what was measured around what was guessed, relative to the guess to the POWER.
 */
static double scale_of(const struct rung_amounts *amounts, const double *guesses)
{
    size_t rows = amounts->rows;
    double *off = rung_mem_zalloc(rows, sizeof *off);

    for (size_t i = 0; i < rows; i++)
        off[i] = fabs(amounts->t[i] - guesses[i]) / pow(guesses[i], POWER);
    qsort(off, rows, sizeof *off, compare);
    double median = rows % 2 ? off[rows / 2] : 0.5 * (off[rows / 2 - 1] + off[rows / 2]);
    free(off);
    return 1.4826 * median;
}

/* Weights for the next pass. */
static void weigh(const struct rung_amounts *amounts, const double *theta, double *weights)
{
    double *guesses = rung_mem_zalloc(amounts->rows, sizeof *guesses), least = INFINITY;

    for (size_t i = 0; i < amounts->rows; i++)
        least = fmin(least, amounts->t[i]);
    for (size_t i = 0; i < amounts->rows; i++)
        guesses[i] = fmax(guess(amounts, theta, i), 0.1 * least);
    double scale = scale_of(amounts, guesses);
    for (size_t i = 0; i < amounts->rows; i++) {
        double power = pow(guesses[i], POWER), far = fabs(amounts->t[i] - guesses[i]) / power;
        weights[i] = (scale > 0 && far > HUBER * scale ? sqrt(HUBER * scale / far) : 1) / power;
    }
    free(guesses);
}

static double level(const struct rung_amounts *amounts, const double *theta)
{
    double measured = 0, guessed = 0;

    for (size_t i = 0; i < amounts->rows; i++) {
        double by = guess(amounts, theta, i);
        if (amounts->t[i] > RUNG_AMOUNTS_STALL * by)
            continue;
        measured += amounts->t[i];
        guessed += by;
    }
    return guessed > 0 && measured > 0 ? measured / guessed : 1;
}

static int one_pass(const struct rung_amounts *amounts, const double *weights, double *theta,
                    struct rung_err *err)
{
    size_t rows = amounts->rows, columns = amounts->columns;
    double *a = rung_mem_zalloc(rows * columns, sizeof *a), *t = rung_mem_zalloc(rows, sizeof *t);

    for (size_t i = 0; i < rows; i++) {
        t[i] = amounts->t[i] * weights[i];
        for (size_t j = 0; j < columns; j++)
            a[i + j * rows] = amounts->a[i * columns + j] * weights[i];
    }
    int code = rung_nnls(a, rows, columns, t, theta, NULL, err);
    free(a);
    free(t);
    return code;
}

int rung_amounts_fit(const struct rung_amounts *amounts, double *theta, struct rung_err *err)
{
    double *weights = rung_mem_zalloc(amounts->rows, sizeof *weights);
    int code = 0;

    for (size_t i = 0; i < amounts->rows; i++)
        weights[i] = pow(amounts->t[i], -POWER);
    for (int pass = 0; pass < PASSES && code == 0; pass++) {
        code = one_pass(amounts, weights, theta, err);
        if (code == 0)
            weigh(amounts, theta, weights);
    }
    if (code == 0) {
        double by = level(amounts, theta);
        for (size_t j = 0; j < amounts->columns; j++)
            theta[j] *= by;
    }
    free(weights);
    return code;
}

/* Mean of squared logarithms of measured / predicted. */
static double log_error(const struct rung_amounts *amounts, const double *theta)
{
    double sum = 0;

    for (size_t i = 0; i < amounts->rows; i++) {
        double by = guess(amounts, theta, i), off = by > 0 ? log(amounts->t[i] / by) : 1;
        sum += fmin(off * off, 1);
    }
    return sum / (double)amounts->rows;
}

static void get_column(const struct rung_amounts *amounts, size_t column, double *values)
{
    for (size_t i = 0; i < amounts->rows; i++)
        values[i] = amounts->a[i * amounts->columns + column];
}

static void set_column(struct rung_amounts *amounts, size_t column, const double *values)
{
    for (size_t i = 0; i < amounts->rows; i++)
        amounts->a[i * amounts->columns + column] = values ? values[i] : 0;
}

int rung_amounts_fit_doubtful(struct rung_amounts *amounts, size_t doubtful, double *theta,
                              struct rung_err *err)
{
    size_t columns = amounts->columns, rows = amounts->rows, sure = columns - doubtful;
    double *with = rung_mem_zalloc(columns, sizeof *with);
    double *values = rung_mem_zalloc(doubtful * rows + 1, sizeof *values);

    for (size_t j = 0; j < doubtful; j++) {
        get_column(amounts, sure + j, values + j * rows);
        set_column(amounts, sure + j, NULL);
    }
    int code = rung_amounts_fit(amounts, theta, err);
    for (size_t j = 0; j < doubtful && code == 0; j++) {
        set_column(amounts, sure + j, values + j * rows);
        code = rung_amounts_fit(amounts, with, err);
        double gain = code == 0 ? log(log_error(amounts, theta) / log_error(amounts, with)) : 0;
        if ((double)rows * gain > TELLS)
            memcpy(theta, with, columns * sizeof *theta);
        else
            set_column(amounts, sure + j, NULL);
    }
    for (size_t j = 0; j < doubtful; j++)
        set_column(amounts, sure + j, values + j * rows);
    free(with);
    free(values);
    return code;
}
