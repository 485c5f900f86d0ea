/* Two passes over the rows of a group, in blocks that stay in the cache. */
#include "cost/moments.h"

#include "base/mem.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256 /* rows */

void rung_row_groups_make(struct rung_row_groups *groups, size_t rows, const size_t *group, size_t count)
{
    *groups = (struct rung_row_groups){.count = count,
                                       .first = rung_mem_zalloc(count + 1, sizeof(size_t)),
                                       .rows = rung_mem_zalloc(rows, sizeof(size_t))};
    size_t *next = rung_mem_zalloc(count, sizeof *next);

    for (size_t i = 0; i < rows; i++)
        groups->first[(group ? group[i] : 0) + 1]++;
    for (size_t g = 0; g < count; g++) {
        groups->first[g + 1] += groups->first[g];
        next[g] = groups->first[g];
    }
    for (size_t i = 0; i < rows; i++)
        groups->rows[next[group ? group[i] : 0]++] = i;
    free(next);
}

void rung_row_groups_free(struct rung_row_groups *groups)
{
    free(groups->first);
    free(groups->rows);
    *groups = (struct rung_row_groups){0};
}

static void make(struct rung_moments *moments, size_t width)
{
    *moments = (struct rung_moments){.width = width,
                                     .mean = rung_mem_zalloc(width, sizeof(double)),
                                     .product = rung_mem_zalloc(width * width, sizeof(double))};
}

/* Measured from the first row, so that a constant column has its constant as its mean to the last digit. */
static double mean_of(const double *column, const size_t *rows, size_t count)
{
    double start = column[rows[0]], sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += column[rows[i]] - start;
    return start + sum / (double)count;
}

static void mirror(struct rung_moments *moments)
{
    for (size_t j = 0; j < moments->width; j++)
        for (size_t k = 0; k < j; k++)
            moments->product[j + k * moments->width] = moments->product[k + j * moments->width];
}

void rung_moments_take(struct rung_moments *moments, const double *x, const double *y, size_t rows,
                       size_t columns, const struct rung_row_groups *groups, size_t group)
{
    const size_t *which = groups->rows + groups->first[group];
    size_t count = groups->first[group + 1] - groups->first[group], width = columns + 1;

    make(moments, width);
    moments->rows = count;
    if (count == 0)
        return;
    for (size_t j = 0; j < width; j++)
        moments->mean[j] = mean_of(j < columns ? x + j * rows : y, which, count);
    double *block = rung_mem_zalloc(BLOCK * width, sizeof *block);
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t size = count - start < BLOCK ? count - start : BLOCK;
        for (size_t j = 0; j < width; j++) {
            const double *column = j < columns ? x + j * rows : y;
            for (size_t r = 0; r < size; r++)
                block[r + j * BLOCK] = column[which[start + r]] - moments->mean[j];
        }
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasTrans, (int)width, (int)size, 1, block, BLOCK, 1,
                    moments->product, (int)width);
    }
    free(block);
    mirror(moments);
}

/* Sums of what is never negative on the diagonal: no digits cancel, as they would if the group left out were
 * taken from the total. */
void rung_moments_join(struct rung_moments *moments, const struct rung_moments *groups, size_t count,
                       size_t without)
{
    size_t width = groups[0].width;
    double *off = rung_mem_zalloc(width, sizeof *off);
    const struct rung_moments *start = NULL;

    make(moments, width);
    for (size_t g = 0; g < count; g++) {
        if (g == without || groups[g].rows == 0)
            continue;
        start = start ? start : &groups[g];
        moments->rows += groups[g].rows;
        for (size_t j = 0; j < width; j++)
            moments->mean[j] += (double)groups[g].rows * (groups[g].mean[j] - start->mean[j]);
    }
    for (size_t j = 0; j < width && start; j++)
        moments->mean[j] = start->mean[j] + moments->mean[j] / (double)moments->rows;
    for (size_t g = 0; g < count; g++) {
        if (g == without || groups[g].rows == 0)
            continue;
        for (size_t j = 0; j < width; j++)
            off[j] = groups[g].mean[j] - moments->mean[j];
        cblas_daxpy((int)(width * width), 1, groups[g].product, 1, moments->product, 1);
        cblas_dsyr(CblasColMajor, CblasUpper, (int)width, (double)groups[g].rows, off, 1, moments->product,
                   (int)width);
    }
    mirror(moments);
    free(off);
}

void rung_moments_free(struct rung_moments *moments)
{
    free(moments->mean);
    free(moments->product);
    *moments = (struct rung_moments){0};
}
