/*
 * What is known of a trainer's cost: the models of time and of score, the seconds around the jobs and the
 * bytes of a state, learnt from recorded searches, a probe, or a search that is running.
 */
#ifndef RUNG_FORECAST_KNOWLEDGE_H
#define RUNG_FORECAST_KNOWLEDGE_H

#include "base/err.h"
#include "base/json.h"
#include "cost/scorefit.h"
#include "cost/timefit.h"
#include "forecast/overhead.h"
#include "forecast/recording.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A mean that grows, weighted. */
struct rung_knowledge_mean {
    double sum, weight;
};

struct rung_knowledge {
    struct rung_timefit *time;
    struct rung_scorefit *score;
    struct rung_knowledge_mean start, end; /* seconds before the first and after the last job of a search */
    struct rung_overhead overhead;
    struct rung_knowledge_mean state_bytes, examples_per_call;
    size_t searches; /* recordings behind it */
};

void rung_knowledge_init(struct rung_knowledge *knowledge);
void rung_knowledge_free(struct rung_knowledge *knowledge);

/* A model that is to be predicted, or has results to add: its number in both models. parameters may be NULL:
 * nothing is known of them. */
size_t rung_knowledge_model(struct rung_knowledge *knowledge, const struct rung_json *parameters,
                            const char *host);

/* All jobs of a completed recording. scores: they are of the same objective. */
void rung_knowledge_learn(struct rung_knowledge *knowledge, const struct rung_recording *recording,
                          bool scores);
/* One job: its time, and its score (NaN included) after `calls` calls in all. */
void rung_knowledge_add(struct rung_knowledge *knowledge, const struct rung_time_row *row, double calls,
                        double score);

/* RUNG_EUSE with a sentence when there is no job to go on. */
int rung_knowledge_fit(struct rung_knowledge *knowledge, struct rung_err *err) RUNG_CHECK_RESULT;

/* The mean, or fallback where nothing was measured. */
double rung_knowledge_mean(const struct rung_knowledge_mean *mean, double fallback);

#endif
