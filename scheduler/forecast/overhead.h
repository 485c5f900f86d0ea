/*
 * The seconds of a job beside training and scoring: what hand-over, states and commits take. More of it the
 * more trainers want the disk and the scheduler at once, and after longer jobs: a processor that waited
 * sleeps more deeply and has forgotten more, by about as much for each doubling.
 */
#ifndef RUNG_FORECAST_OVERHEAD_H
#define RUNG_FORECAST_OVERHEAD_H

#include "cost/luck.h"

#include <stddef.h>

#define RUNG_OVERHEAD_COLUMNS 3 /* base, logarithm of the job's work, sharing */

/* One of zeros knows nothing and says 0. */
struct rung_overhead {
    double *rows, *seconds; /* an even sample of the jobs */
    size_t count, capacity;
    struct rung_luck_sample sample;
    double theta[RUNG_OVERHEAD_COLUMNS]; /* of the last fit */
};

void rung_overhead_free(struct rung_overhead *overhead);

/* Of a job of work seconds (training and scoring), while as many trainers as sharing were busy. Not finite or
 * below 0: nothing was seen. */
void rung_overhead_add(struct rung_overhead *overhead, double seconds, double work, double sharing);
void rung_overhead_fit(struct rung_overhead *overhead);
double rung_overhead_at(const struct rung_overhead *overhead, double work, double sharing);

#endif
