/* Owns moving rows into their order, and standardisation. */
#include "base/mem.h"
#include "table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Moves rows of `size` bytes along the cycles of the permutation, so that a large table is never
 * there twice. */
static void permute_rows(char *rows, size_t size, const uint32_t *order, int64_t count)
{
    char *held = rung_mem_zalloc(1, size);
    uint8_t *done = rung_mem_zalloc((size_t)count, 1);

    for (int64_t first = 0; first < count; first++) {
        int64_t to = first;

        if (done[first])
            continue;
        memcpy(held, rows + (size_t)first * size, size);
        while ((int64_t)order[to] != first) {
            memcpy(rows + (size_t)to * size, rows + (size_t)order[to] * size, size);
            done[to] = 1;
            to = order[to];
        }
        memcpy(rows + (size_t)to * size, held, size);
        done[to] = 1;
    }
    free(done);
    free(held);
}

static void permute_sparse(struct rung_table *table, const uint32_t *order)
{
    size_t entries = (size_t)table->start[table->rows];
    int64_t *start = rung_mem_zalloc((size_t)table->rows + 1, sizeof *start);
    int32_t *column = rung_mem_zalloc(entries, sizeof *column);
    float *value = rung_mem_zalloc(entries, sizeof *value);

    for (int64_t row = 0; row < table->rows; row++) {
        int64_t from = table->start[order[row]], count = table->start[order[row] + 1] - from;

        if (count > 0) {
            memcpy(column + start[row], table->column + from, (size_t)count * sizeof *column);
            memcpy(value + start[row], table->value + from, (size_t)count * sizeof *value);
        }
        start[row + 1] = start[row] + count;
    }
    free(table->start);
    free(table->column);
    free(table->value);
    table->start = start;
    table->column = column;
    table->value = value;
}

void rung_table_permute(struct rung_table *table, const uint32_t *order)
{
    size_t features = (size_t)table->features;

    if (table->floats)
        permute_rows((char *)table->floats, features * sizeof *table->floats, order, table->rows);
    if (table->bytes)
        permute_rows((char *)table->bytes, features, order, table->rows);
    if (table->start)
        permute_sparse(table, order);
    if (table->answer)
        permute_rows((char *)table->answer, sizeof *table->answer, order, table->rows);
}

static double value_at(const struct rung_table *table, int64_t i)
{
    return table->bytes ? table->bytes[i] : (double)table->floats[i];
}

/* Two passes, the second around the means: one pass of sums of squares would cancel. */
void rung_table_moments(const struct rung_table *table, int64_t rows, double *mean, double *sd)
{
    int64_t features = table->features;
    int64_t *count = rung_mem_zalloc((size_t)features, sizeof *count);

    memset(mean, 0, (size_t)features * sizeof *mean);
    memset(sd, 0, (size_t)features * sizeof *sd);
    for (int64_t row = 0; row < rows; row++)
        for (int64_t j = 0; j < features; j++) {
            double x = value_at(table, row * features + j);

            if (!isnan(x)) {
                mean[j] += x;
                count[j]++;
            }
        }
    for (int64_t j = 0; j < features; j++)
        mean[j] = count[j] ? mean[j] / (double)count[j] : 0;
    for (int64_t row = 0; row < rows; row++)
        for (int64_t j = 0; j < features; j++) {
            double x = value_at(table, row * features + j) - mean[j];

            if (!isnan(x))
                sd[j] += x * x;
        }
    for (int64_t j = 0; j < features; j++) {
        sd[j] = count[j] ? sqrt(sd[j] / (double)count[j]) : 0;
        if (!(sd[j] > 1e-12 * fabs(mean[j]))) /* constant, but for rounding */
            sd[j] = 1;
        if (table->flag && table->flag[j]) { /* a rare 1 would become a huge number */
            mean[j] = 0;
            sd[j] = 1;
        }
    }
    free(count);
}

void rung_table_standardize(struct rung_table *table, const double *mean, const double *sd, bool scale)
{
    for (int64_t row = 0; row < table->rows; row++)
        for (int64_t j = 0; j < table->features; j++) {
            float *x = &table->floats[row * table->features + j];

            if (isnan(*x))
                *x = scale ? 0 : (float)mean[j];
            else if (scale)
                *x = (float)((*x - mean[j]) / sd[j]);
        }
}
