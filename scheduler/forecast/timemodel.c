/*
 * Durations by formula. `ernest` has the terms of Venkataraman et al., "Ernest: Efficient Performance
 * Prediction for Large-Scale Advanced Analytics", NSDI 2016, section 3.2: fixed, work, reduction along a
 * tree, one to all; the work is calls of one trainer, the machines are the trainers at work.
 */
#include "forecast/timemodel.h"

#include "base/json.h"
#include "core/rng.h"

#include <math.h>
#include <string.h>

/* ---- names ---- */

/* Numbers >= 0 between commas, exactly count; as in JSON, which no locale changes. */
static bool read_numbers(const char *text, double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(text, ",");
        struct rung_json *number = rung_json_parse(text, length, 0, NULL);
        bool valid = rung_json_is(number, RUNG_JSON_NUMBER) && rung_json_number(number) >= 0;
        numbers[i] = valid ? rung_json_number(number) : 0;
        rung_json_free(number);
        if (!valid || (text[length] == ',') != (i + 1 < count))
            return false;
        text += length + 1;
    }
    return true;
}

int rung_timemodel_read(struct rung_timemodel *model, const char *text, struct rung_err *err)
{
    static const char *const names[] = {"synthetic", "ernest", "lognormal"};
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text), kind = 0;

    while (kind < 3 && (strlen(names[kind]) != length || memcmp(names[kind], text, length) != 0))
        kind++;
    if (kind == 3)
        return rung_err_set(err, RUNG_EUSE,
                            "\"%.*s\": unknown time model (there are synthetic, ernest, lognormal)",
                            (int)(length < 100 ? length : 100), text);
    model->kind = (enum rung_timemodel_kind)kind;
    if (kind == RUNG_TIMEMODEL_SYNTHETIC && colon)
        return rung_err_set(err, RUNG_EUSE, "synthetic: it has no numbers");
    if (kind == RUNG_TIMEMODEL_ERNEST && !(colon && read_numbers(colon + 1, model->terms, 4)))
        return rung_err_set(err, RUNG_EUSE, "ernest: expected four numbers >= 0, as in ernest:0.5,1,0,0.01");
    if (kind == RUNG_TIMEMODEL_LOGNORMAL && !(colon && read_numbers(colon + 1, &model->spread, 1)))
        return rung_err_set(err, RUNG_EUSE, "lognormal: expected a number >= 0, as in lognormal:0.5");
    if (model->spread > 10)
        return rung_err_set(err, RUNG_EUSE,
                            "lognormal: %g is more than 10, beyond which one model takes all the time",
                            model->spread);
    return 0;
}

/* ---- seconds ---- */

/* How many times as long as others this model takes. */
static double factor_of(const struct rung_timemodel *model, uint32_t number)
{
    struct rung_rng rng;

    if (model->kind != RUNG_TIMEMODEL_LOGNORMAL)
        return 1;
    rung_rng_init(&rng, model->seed, number, "time");
    return exp(model->spread * rung_rng_normal(&rng));
}

static double fit_seconds(const struct rung_timemodel *model, uint32_t number, double calls, double busy)
{
    const double *t = model->terms;

    if (model->kind == RUNG_TIMEMODEL_ERNEST)
        return t[0] + t[1] * calls + t[2] * log(busy) + t[3] * busy;
    return model->synthetic.fit_seconds * calls * factor_of(model, number);
}

static void job(void *context, const struct rung_virtual_job *job, struct rung_virtual_outcome *outcome)
{
    struct rung_timemodel *model = context;
    const struct rung_synthetic *synthetic = &model->synthetic;

    outcome->fit_seconds = fit_seconds(model, job->model, (double)(job->to - job->from), (double)job->busy);
    outcome->score_seconds = synthetic->score_seconds * factor_of(model, job->model);
    outcome->score = rung_synthetic_score(synthetic, job->model, job->bracket, job->to);
}

struct rung_oracle rung_timemodel_oracle(struct rung_timemodel *model)
{
    /* The plain one draws nothing and is asked a million times a second. */
    if (model->kind == RUNG_TIMEMODEL_SYNTHETIC)
        return rung_synthetic_oracle(&model->synthetic);
    return (struct rung_oracle){.context = model, .job = job};
}

double rung_timemodel_expect(void *context, uint32_t model, int64_t from, int64_t to)
{
    const struct rung_timemodel *timemodel = context;

    return fit_seconds(timemodel, model, (double)(to - from), 1) +
           timemodel->synthetic.score_seconds * factor_of(timemodel, model);
}
