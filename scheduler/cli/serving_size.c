/* How large a search a daemon takes. */
#include "cli/serving.h"

#include "base/buf.h"
#include "core/plan.h"

#define SAMPLES 64 /* models whose parameters stand for those of all */

static double parameter_bytes(const struct rung_spec *spec, int64_t models)
{
    int64_t samples = models < SAMPLES ? models : SAMPLES;
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (int64_t i = 0; i < samples; i++)
        rung_space_draw(spec->space, spec->search.seed, (uint32_t)(i * (models / samples)), &text);
    double bytes = samples ? (double)text.length / (double)samples * (double)models : 0;
    rung_buf_free(&text);
    return bytes;
}

/* By the plan alone: what a search holds of each model may be more than there is memory. */
int rung_serving_check(const struct rung_spec *spec, struct rung_err *err)
{
    struct rung_plan plan;
    int code = rung_plan_make(&plan, &spec->search, err);
    int64_t models = plan.models;

    rung_plan_free(&plan);
    if (code < 0)
        return code;
    if (models > RUNG_SERVING_MODELS_MAX)
        return rung_err_set(err, RUNG_EUSE, "%s: has %lld models; a daemon takes %d at most", spec->name,
                            (long long)models, RUNG_SERVING_MODELS_MAX);
    double bytes = parameter_bytes(spec, models);
    if (bytes > (double)RUNG_SERVING_PARAMETERS_MAX)
        return rung_err_set(
            err, RUNG_EUSE,
            "%s: its %lld models have about %.0f bytes of parameters; a daemon takes %zu at most", spec->name,
            (long long)models, bytes, RUNG_SERVING_PARAMETERS_MAX);
    return 0;
}
