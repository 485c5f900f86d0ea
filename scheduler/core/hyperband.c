/*
 * Hyperband's brackets (Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: Hyperband, JMLR 18(185), 2018).
 *
 *   exact  Algorithm 1 in integers, so that every bracket ends at R exactly
 *   table  the rounding of the paper's Table 1: n = floor((s_max+1)/(s+1)) * eta^s
 *   dask   what Dask-ML computes, operation for operation in doubles. Its floor(log(R)/log(eta)) loses a
 *          bracket where the quotient comes out below the whole number it stands for, as for 243 = 3^5, and
 * its truncated r_s lets aggressive brackets stop short of R: kept because recorded runs have them.
 */
#include "core/method.h"

#include <math.h>

static int64_t power(int64_t base, int64_t exponent)
{
    int64_t result = 1;
    while (exponent-- > 0)
        result *= base;
    return result;
}

/* Line 5 of Algorithm 1: ceil((s_max+1) * eta^s / (s+1)). */
static int64_t exact_models(int64_t s_max, int64_t s, int64_t eta)
{
    return ((s_max + 1) * power(eta, s) + s) / (s + 1);
}

static int64_t table_models(int64_t s_max, int64_t s, int64_t eta)
{
    return (s_max + 1) / (s + 1) * power(eta, s);
}

/* R * eta^(i-s) rounded half up; at least 1, because eta^s <= R. */
static int64_t exact_calls(int64_t max_iter, int64_t eta, int64_t s, int64_t i)
{
    int64_t divisor = power(eta, s - i);
    return (2 * max_iter + divisor) / (2 * divisor);
}

static void integer_plan(struct rung_plan *plan, const struct rung_search_spec *spec)
{
    int64_t eta = spec->aggressiveness, s_max = rung_plan_levels(1, spec->max_iter, eta);
    for (int64_t s = s_max; s >= 0; s--) {
        struct rung_plan_rung *rungs = rung_plan_add(plan, (uint32_t)s, (size_t)s + 1)->rungs;
        bool table = spec->variant == RUNG_VARIANT_TABLE;
        int64_t models = table ? table_models(s_max, s, eta) : exact_models(s_max, s, eta);
        for (int64_t i = 0; i <= s; i++, models /= eta)
            rungs[i] = (struct rung_plan_rung){models, exact_calls(spec->max_iter, eta, s, i)};
    }
}

/* _get_hyperband_params and SuccessiveHalvingSearchCV._adapt of Dask-ML. */
static void dask_plan(struct rung_plan *plan, const struct rung_search_spec *spec)
{
    double eta = (double)spec->aggressiveness, max_iter = (double)spec->max_iter;
    int64_t s_max = (int64_t)floor(log(max_iter) / log(eta));
    for (int64_t s = s_max; s >= 0; s--) {
        struct rung_plan_bracket *bracket = rung_plan_add(plan, (uint32_t)s, (size_t)s + 1);
        double share = (double)(s_max + 1) * (double)power(spec->aggressiveness, s) / (double)(s + 1);
        int64_t models = (int64_t)ceil(share), calls = (int64_t)(max_iter * pow(eta, (double)-s));
        for (int64_t i = 0; i <= s; i++)
            bracket->rungs[i] = (struct rung_plan_rung){(int64_t)floor((double)models * pow(eta, (double)-i)),
                                                        calls * power(spec->aggressiveness, i)};
        if (calls > 1) /* every model is also scored after its first call */
            bracket->scores = models;
    }
}

int rung_hyperband_plan(struct rung_plan *plan, const struct rung_search_spec *spec, struct rung_err *err)
{
    (void)err; /* rung_plan_make has checked R and eta, and looks for empty rungs */
    if (spec->variant == RUNG_VARIANT_DASK)
        dask_plan(plan, spec);
    else
        integer_plan(plan, spec);
    return 0;
}
