/*
 * The priorities of a bracket's models as their definition says, with no regard to cost: what the job queue
 * is compared with.
 */
#ifndef TESTS_PRIORITY_ORACLE_H
#define TESTS_PRIORITY_ORACLE_H

#include "core_help.h"

static inline int oracle_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sets priorities[model] of all models of the bracket that exist, for P trainers. */
static inline void oracle_priorities(const struct rung_search *search, size_t bracket, size_t trainers,
                                     double *priorities)
{
    uint32_t count = rung_search_model_count(search);
    double *values = malloc((count + 1) * sizeof *values), threshold = -INFINITY;
    size_t alive = 0, low = 0;
    for (uint32_t model = 0; model < count; model++) {
        struct rung_model_view view = rung_search_model(search, model);
        double score = rung_search_oriented(search, view.score);
        if (view.bracket_index != bracket)
            continue;
        priorities[model] = isfinite(score) ? score : -INFINITY;
        bool placed = view.status == RUNG_MODEL_TRAINING || view.status == RUNG_MODEL_PAUSED ||
                      view.status == RUNG_MODEL_PLATEAUED;
        if (placed && !view.ended_last_rung && isfinite(score))
            values[alive++] = score;
    }
    qsort(values, alive, sizeof *values, oracle_by_value);
    if (alive > 0)
        threshold = values[(trainers < alive ? trainers : alive) - 1];
    while (low < alive && values[low] <= threshold)
        low++;
    for (uint32_t model = 0; model < count && low > 0; model++) {
        if (rung_search_model(search, model).bracket_index != bracket)
            continue;
        if (isfinite(priorities[model]) && priorities[model] <= threshold)
            priorities[model] =
                low % 2 == 1 ? values[low / 2] : 0.5 * values[low / 2 - 1] + 0.5 * values[low / 2];
    }
    free(values);
}

#endif
