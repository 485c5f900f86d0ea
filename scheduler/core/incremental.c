/*
 * Incremental search (Dask-ML's IncrementalSearchCV and InverseDecaySearchCV): a score every few calls, and
 * fewer and fewer models when a decay rate is given. After step t the best max(1, floor(n / (1 + t)^q)) of
 * the n models go on; step 0 is the first call.
 */
#include "core/method.h"

#include <math.h>

/* A rung is 16 bytes of the plan: beyond this the plan itself would be the load. */
#define RUNGS_MAX 1000000

static int64_t models_after(int64_t step, int64_t models, double decay_rate)
{
    double left = floor((double)models / pow(1.0 + (double)step, decay_rate));
    return left < 1.0 ? 1 : (int64_t)left;
}

int rung_incremental_plan(struct rung_plan *plan, const struct rung_search_spec *spec, struct rung_err *err)
{
    int64_t gap = spec->fits_per_score;
    int64_t rungs = 1 + (spec->max_iter - 1) / gap + ((spec->max_iter - 1) % gap != 0);
    if (rungs > RUNGS_MAX)
        return rung_err_set(err, RUNG_EUSE,
                            "search.fits_per_score: %lld scores a model are too many (at most %d)",
                            (long long)rungs, RUNGS_MAX);

    struct rung_plan_rung *rung = rung_plan_add(plan, 0, (size_t)rungs)->rungs;
    rung[0] = (struct rung_plan_rung){spec->models, 1};
    for (int64_t i = 1; i < rungs; i++) {
        int64_t models =
            isnan(spec->decay_rate) ? spec->models : models_after(i - 1, spec->models, spec->decay_rate);
        rung[i].models = models < rung[i - 1].models ? models : rung[i - 1].models;
        rung[i].calls = i + 1 < rungs ? rung[i - 1].calls + gap : spec->max_iter;
    }
    return 0;
}
