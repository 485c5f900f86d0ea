/*
 * How long a job takes: seconds of training and of scoring from calls times examples per call,
 * hyperparameters, host and the trainers that share the machine, with all coefficients non-negative (Ernest:
 * Venkataraman et al., NSDI 2016, size/m replaced by the work of a job); and a correction per model once it
 * has run.
 */
#ifndef RUNG_COST_TIMEFIT_H
#define RUNG_COST_TIMEFIT_H

#include "base/err.h"
#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

/* One job that was measured. */
struct rung_time_row {
    size_t model;    /* as rung_timefit_model numbered it */
    double calls;    /* of this job, > 0 */
    double examples; /* of this job, all calls; NaN: unknown */
    double sharing; /* trainers at work on the machine meanwhile, itself included, on average; >= 1; NaN: 1 */
    double fit_seconds;   /* NaN or not above 0: the row is left out of the fit */
    double score_seconds; /* NaN: unknown */
};

/* An amount of seconds with an interval. */
struct rung_time_guess {
    double seconds, low, high; /* 80 % interval, low <= seconds <= high, all > 0 and finite */
    size_t observations;       /* jobs behind it */
};

struct rung_timefit; /* observations, and after rung_timefit_fit the model */

struct rung_timefit *rung_timefit_create(void);
void rung_timefit_free(struct rung_timefit *fit); /* NULL is allowed */

/* A model with its hyperparameters (an object; copied in what is needed of it). host: whose trainers ran it,
 * or NULL. Also for models that have not run: they are what is predicted. May be added after a fit, too. */
size_t rung_timefit_model(struct rung_timefit *fit, const struct rung_json *parameters, const char *host);
void rung_timefit_add(struct rung_timefit *fit, const struct rung_time_row *row);
size_t rung_timefit_observations(const struct rung_timefit *fit);

/* Fits all rows so far (of more than 20,000, an even sample). RUNG_EUSE with a sentence when there is nothing
 * to go on: no row with a finite time above 0. May be called again after more rows. */
int rung_timefit_fit(struct rung_timefit *fit, struct rung_err *err) RUNG_CHECK_RESULT;

/* Only after a fit. examples NaN: as many per call as on average before. */
struct rung_time_guess rung_timefit_train(const struct rung_timefit *fit, size_t model, double calls,
                                          double examples, double sharing);
struct rung_time_guess rung_timefit_score(const struct rung_timefit *fit, size_t model, double sharing);

/* For drawing futures: the spread behind the intervals, as sd of log(seconds). */
struct rung_time_spread {
    double common; /* all predictions together are off by: from one search to the next */
    double
        model;  /* between models with the same hyperparameters' prediction (less for those that have run) */
    double job; /* between jobs of a model */
};
struct rung_time_spread rung_timefit_spread(const struct rung_timefit *fit);
/* sd of log(seconds) that is left for this model's own rate. */
double rung_timefit_model_spread(const struct rung_timefit *fit, size_t model);

/* Appends the model in words: each column with a coefficient above 0, largest share first. */
struct rung_buf;
void rung_timefit_describe(const struct rung_timefit *fit, struct rung_buf *out);

#endif
