/* What the files of the model of time share. timefit.c: observations and predictions. timefit_fit.c: the fit.
 */
#ifndef RUNG_COST_TIMEFIT_PARTS_H
#define RUNG_COST_TIMEFIT_PARTS_H

#include "cost/lasso.h"
#include "cost/luck.h"
#include "cost/timefit.h"

#include <stdbool.h>

#define RUNG_TIME_HOSTS_MAX 16

struct rung_time_model {
    struct rung_json *parameters;
    int host;                      /* index; -1: unknown */
    double train_rate, score_base; /* of the last fit: seconds per unit of work, and per score */
    double ratio, log_sd;          /* own correction, and what is left of its spread */
    size_t rows;
};

/* seconds = theta . columns */
struct rung_time_part {
    double *theta;
    size_t columns;
};

struct rung_timefit {
    struct rung_time_model *models;
    size_t model_count, model_capacity, models_encoded;
    struct rung_time_row *rows;
    size_t row_count, row_capacity;
    struct rung_luck_sample sample;
    size_t added; /* rows with a usable time, kept or not */
    char *hosts[RUNG_TIME_HOSTS_MAX];
    size_t host_count;
    struct rung_features *features;
    double *encoded;        /* models_encoded x features */
    size_t width;           /* features */
    bool by_examples;       /* work is examples, not calls */
    double unit;            /* work of an average job */
    double examples_a_call; /* on average; NaN: unknown */
    struct rung_time_part train, score;
    struct rung_lasso
        product; /* logarithm of the rate, where hyperparameters multiply; no weights: they add */
    struct rung_time_spread spread;
    double level; /* once models have their ratios: makes the totals agree again */
};

/* Of the last fit. */
void rung_timefit_predict_model(const struct rung_timefit *fit, struct rung_time_model *model,
                                const double *x);
double rung_timefit_seconds(const struct rung_timefit *fit, const struct rung_time_model *model, double calls,
                            double examples, double sharing);
bool rung_timefit_is_time(double seconds);

#endif
