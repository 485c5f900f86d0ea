/*
 * Random search and grid: every model is trained to the end and scored once. It is Hyperband's least
 * adaptive bracket with a free number of models (Li et al. 2018, section 3.1).
 */
#include "core/method.h"

int rung_random_plan(struct rung_plan *plan, const struct rung_search_spec *spec, struct rung_err *err)
{
    (void)err; /* rung_plan_make has checked models and max_iter */
    rung_plan_add(plan, 0, 1)->rungs[0] = (struct rung_plan_rung){spec->models, spec->max_iter};
    return 0;
}
