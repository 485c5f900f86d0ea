/* What recorded jobs teach. */
#include "forecast/knowledge.h"

#include <math.h>
#include <stdlib.h>

void rung_knowledge_init(struct rung_knowledge *knowledge)
{
    *knowledge = (struct rung_knowledge){.time = rung_timefit_create(), .score = rung_scorefit_create()};
}

void rung_knowledge_free(struct rung_knowledge *knowledge)
{
    rung_timefit_free(knowledge->time);
    rung_scorefit_free(knowledge->score);
    rung_overhead_free(&knowledge->overhead);
    *knowledge = (struct rung_knowledge){0};
}

double rung_knowledge_mean(const struct rung_knowledge_mean *mean, double fallback)
{
    return mean->weight > 0 ? mean->sum / mean->weight : fallback;
}

static void add(struct rung_knowledge_mean *mean, double value, double weight)
{
    if (!isfinite(value) || value < 0 || !(weight > 0))
        return;
    mean->sum += value * weight;
    mean->weight += weight;
}

size_t rung_knowledge_model(struct rung_knowledge *knowledge, const struct rung_json *parameters,
                            const char *host)
{
    struct rung_json *none = parameters ? NULL : rung_json_new_object();
    size_t number = rung_timefit_model(knowledge->time, parameters ? parameters : none, host);

    rung_scorefit_model(knowledge->score, parameters ? parameters : none); /* numbers as the other does */
    rung_json_free(none);
    return number;
}

void rung_knowledge_add(struct rung_knowledge *knowledge, const struct rung_time_row *row, double calls,
                        double score)
{
    rung_timefit_add(knowledge->time, row);
    if (row->calls > 0)
        add(&knowledge->examples_per_call, row->examples / row->calls, row->calls);
    if (calls > 0)
        rung_scorefit_add(knowledge->score, row->model, calls, score);
}

/* The host of the trainer that had the slot then; with one host it is always that. */
static const char *host_of(const struct rung_recording *recording, int32_t slot)
{
    for (size_t i = 0; i < recording->trainer_count; i++)
        if (recording->trainers[i].trainer == slot)
            return recording->trainers[i].host;
    return recording->trainer_count > 0 ? recording->trainers[0].host : NULL;
}

static void learn_job(struct rung_knowledge *knowledge, const struct rung_recorded_job *job, size_t model,
                      bool scores)
{
    struct rung_time_row row = {.model = model,
                                .calls = (double)(job->to - job->from),
                                .examples = job->examples,
                                .sharing = job->sharing,
                                .fit_seconds = job->fit_seconds,
                                .score_seconds = job->score_seconds};

    double work = job->fit_seconds + (isnan(job->score_seconds) ? 0 : job->score_seconds);
    rung_knowledge_add(knowledge, &row, scores ? (double)job->to : 0, job->score);
    rung_overhead_add(&knowledge->overhead, job->seconds - work, work, job->sharing);
}

void rung_knowledge_learn(struct rung_knowledge *knowledge, const struct rung_recording *recording,
                          bool scores)
{
    for (size_t k = 0; k < recording->model_count; k++) {
        const struct rung_recorded_model *model = &recording->models[k];
        if (model->first < 0)
            continue;
        const char *host = host_of(recording, recording->jobs[model->first].trainer);
        size_t number = rung_knowledge_model(knowledge, model->parameters, host);
        for (int64_t i = model->first; i >= 0; i = recording->jobs[i].next) {
            if (recording->jobs[i].kind != RUNG_EVENT_RESULT)
                continue;
            learn_job(knowledge, &recording->jobs[i], number, scores);
        }
        add(&knowledge->state_bytes, (double)model->state_bytes, 1);
    }
    add(&knowledge->start, recording->start_seconds, 1);
    add(&knowledge->end, recording->end_seconds, 1);
    knowledge->searches++;
}

int rung_knowledge_fit(struct rung_knowledge *knowledge, struct rung_err *err)
{
    int code = rung_timefit_fit(knowledge->time, err);

    if (code == 0) {
        rung_scorefit_fit(knowledge->score);
        rung_overhead_fit(&knowledge->overhead);
    }
    return code;
}
