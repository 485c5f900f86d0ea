/*
 * What least squares need to know of many rows: how many there are, their means, and the sums of products of
 * what is off the means. Taken once for groups of rows, they are joined for any set of groups without the
 * rows.
 *
 * Source: Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances
 * (1979).
 */
#ifndef RUNG_COST_MOMENTS_H
#define RUNG_COST_MOMENTS_H

#include <stddef.h>

/* Rows by group: those of group g are rows[first[g]] … rows[first[g + 1] - 1], ascending. */
struct rung_row_groups {
    size_t count;
    size_t *first, *rows;
};

/* group[i] is that of row i, 0 … count - 1; NULL: all are of group 0. Free with rung_row_groups_free. */
void rung_row_groups_make(struct rung_row_groups *groups, size_t rows, const size_t *group, size_t count);
void rung_row_groups_free(struct rung_row_groups *groups);

struct rung_moments {
    size_t width; /* columns and, last, the target */
    size_t rows;
    double *mean;    /* width */
    double *product; /* width x width */
};

/* Of one group of the rows of x (column-major, rows x columns) and y, which are finite. Free with
 * rung_moments_free. */
void rung_moments_take(struct rung_moments *moments, const double *x, const double *y, size_t rows,
                       size_t columns, const struct rung_row_groups *groups, size_t group);

/* Of all `count` groups but `without` (count: of all). Free with rung_moments_free. */
void rung_moments_join(struct rung_moments *moments, const struct rung_moments *groups, size_t count,
                       size_t without);

void rung_moments_free(struct rung_moments *moments);

#endif
