/*
 * Which runs to measure: optimal experiment design. Of candidates with a row of features and a cost each, the
 * weights in [0, 1] that make the estimate best within a budget; the measurements are then those of large
 * weight.
 *
 * Source: Pukelsheim, Optimal Design of Experiments (1993); used for job times by Venkataraman et al., Ernest
 * (NSDI 2016), section 3.
 */
#ifndef RUNG_COST_DESIGN_H
#define RUNG_COST_DESIGN_H

#include "base/err.h"

#include <stddef.h>

enum rung_design_kind {
    RUNG_DESIGN_A, /* least trace of the inverse of M = sum of weight * row' row: the mean variance */
    RUNG_DESIGN_D  /* least -log det M: the volume of the confidence region */
};

struct rung_design {
    double *weights; /* per candidate */
    size_t candidates;
    size_t columns;    /* that were used: zero and dependent ones tell nothing new */
    double value, gap; /* of the problem; gap: how far value can be from the least one (Frank and Wolfe) */
    double cost;       /* sum of weight * cost, at most the budget */
};

/* matrix is column-major, candidates x columns; each column is divided by its mean over the candidates, or
 * where signs cancel by its mean size; columns that depend on others are left out. costs > 0, budget > 0.
 * Projected gradient until gap <= 2.5e-7 * max(1, |value|), 20,000 steps at most. RUNG_EUSE, in a sentence:
 * no candidates or columns, a value that is not finite, nothing but zeros, a cost or budget not above 0. Free
 * with rung_design_free, also after a failure. */
int rung_design_optimise(struct rung_design *out, const double *matrix, const double *costs,
                         size_t candidates, size_t columns, double budget, enum rung_design_kind kind,
                         struct rung_err *err) RUNG_CHECK_RESULT;
void rung_design_free(struct rung_design *design);

/* What to measure: the candidates of a weight above `above` (Ernest: 0.3), largest first. which has room for
 * all candidates; returns how many. */
size_t rung_design_pick(const struct rung_design *design, double above, size_t *which);

/* Ernest's candidates: `sizes` sizes from parts_min to parts_max of parts_total parts of the input, on each
 * of machines_min … machines_max machines that have work for all of their cores. */
struct rung_design_grid {
    double parts_min, parts_max, parts_total;
    size_t sizes, machines_min, machines_max, cores;
};

struct rung_design_candidates {
    size_t count;
    double *size, *machines; /* fraction of the input; number */
    double *matrix;          /* count x 4: 1, size / machines, machines, log machines */
    double *costs;           /* (size / smallest size) / machines */
};

/* None where the grid's limits contradict each other. Free with rung_design_candidates_free. */
void rung_design_candidates_make(struct rung_design_candidates *out, const struct rung_design_grid *grid);
void rung_design_candidates_free(struct rung_design_candidates *candidates);

#endif
