/* Limits q spread evenly over [0, 1): multiples of the golden ratio's fraction. */
#include "forecast/synthetic.h"

#include <math.h>

/* Of the bracket with that number. */
static int64_t first_model(const struct rung_plan *plan, uint32_t bracket)
{
    for (size_t i = 0; i < plan->bracket_count; i++)
        if (plan->brackets[i].bracket == bracket)
            return plan->brackets[i].first_model;
    return 0;
}

double rung_synthetic_score(const struct rung_synthetic *synthetic, uint32_t model, uint32_t bracket,
                            int64_t calls)
{
    int64_t number = (int64_t)model - first_model(synthetic->plan, bracket);
    double q = (double)(number + 1) * 0.6180339887498949 + 0.37 * (double)bracket;
    double score = (q - floor(q)) * (1 - 1 / sqrt(1 + (double)calls));
    return synthetic->maximize ? score : -score;
}

static void job(void *context, const struct rung_virtual_job *job, struct rung_virtual_outcome *outcome)
{
    const struct rung_synthetic *synthetic = context;
    outcome->fit_seconds = (double)(job->to - job->from) * synthetic->fit_seconds;
    outcome->score_seconds = synthetic->score_seconds;
    outcome->score = rung_synthetic_score(synthetic, job->model, job->bracket, job->to);
}

struct rung_oracle rung_synthetic_oracle(struct rung_synthetic *synthetic)
{
    return (struct rung_oracle){.context = synthetic, .job = job};
}
