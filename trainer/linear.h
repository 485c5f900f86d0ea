/* The linear trainer's model and its training step. Private to linear.c, linear_fit.c and their test. */
#ifndef RUNG_TRAINER_LINEAR_H
#define RUNG_TRAINER_LINEAR_H

#include "data.h"
#include "margin.h"

enum rung_linear_rate { RUNG_RATE_CONSTANT, RUNG_RATE_INVSCALING, RUNG_RATE_OPTIMAL };

struct rung_linear_parameters {
    int loss;          /* 0 auto, then 1 + enum rung_margin */
    int multi_class;   /* auto, ovr, multinomial */
    int penalty;       /* l2, l1, elasticnet, none */
    int learning_rate; /* auto, constant, invscaling, optimal */
    int class_weight;  /* none, balanced */
    double alpha, l1_ratio, eta0, power_t, epsilon;
    int64_t batch_size;
    bool fit_intercept, shuffle;
};

/*
 * Weights are w = scale * v, so that shrinking all of them is one multiplication: a step then
 * costs as much as the row has entries (Bottou 2012, section 5.1). An l1 penalty is applied to a
 * weight when its input occurs, up to what it has been spared (Tsuruoka, Tsujii & Ananiadou 2009).
 */
struct rung_linear_model {
    struct rung_linear_parameters parameters;
    enum rung_margin margin;
    enum rung_linear_rate rate;
    bool softmax;
    uint64_t seed;
    int64_t features, outputs; /* outputs: 1 for two classes and regression */
    double l1, l2;             /* the two shares of alpha */
    double first_step;         /* of the "optimal" rate: t_0 of Bottou (2010) */
    /* What is saved. */
    int64_t steps;
    double scale;
    double owed;       /* l1 penalty that every weight should have had so far */
    double *intercept; /* outputs */
    float *v;          /* features × outputs */
    double *paid;      /* l1 penalty that each weight has had; NULL without l1 */
};

/* What all models of a trainer share: the data, and room to work in. */
struct rung_linear {
    struct rung_data *data;
    double *class_weight; /* balanced, per class; NULL for regression */
    uint32_t *rows;       /* of a call */
    float *inputs;        /* a block of gathered rows; NULL for sparse data */
    float *work;          /* block × outputs */
    double *z, *slope;    /* block × outputs */
    int64_t block;        /* rows of a block at most */
};

/* Trains on the rows in order, in mini-batches; returns the mean loss before each step. */
double rung_linear_fit(struct rung_linear *linear, struct rung_linear_model *model, const uint32_t *rows,
                       int64_t count);

/* Predictions of up to linear->block rows, into linear->z. */
void rung_linear_predict(struct rung_linear *linear, const struct rung_linear_model *model,
                         const struct rung_part *part, const uint32_t *rows, int64_t count);

/* Loss of row's predictions z; slope (may be NULL) gets the derivatives. */
double rung_linear_loss(const struct rung_linear_model *model, const struct rung_part *part, int64_t row,
                        const double *z, double *slope);

/* The learning rate of the next step. */
double rung_linear_rate(const struct rung_linear_model *model);

#endif
