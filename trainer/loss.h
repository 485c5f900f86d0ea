/*
 * Losses of networks: what they sum over examples, how their mean is told, and the factor that
 * makes a batch's gradient.
 */
#ifndef RUNG_TRAINER_LOSS_H
#define RUNG_TRAINER_LOSS_H

#include "kernel.h"

enum rung_loss {
    RUNG_LOSS_SOFTMAX,      /* cross-entropy of one of several classes */
    RUNG_LOSS_LOGISTIC,     /* cross-entropy of two classes on one output */
    RUNG_LOSS_HALF_SQUARED, /* half the mean square; its gradient is d/dp of the sum over outputs of
                               (p - y)^2 / 2, as in scikit-learn's MLPRegressor */
    RUNG_LOSS_MEAN_SQUARED  /* the mean square over all outputs, and exactly its gradient */
};

/* How a network's outputs meet their targets. */
struct rung_target {
    enum rung_loss loss;
    int outputs;
    bool squash; /* squared losses: outputs go through the logistic function */
};

/* What z's gradient is multiplied with, so that it is that of the mean over count examples. */
float rung_loss_scale(const struct rung_target *target, int64_t count);

/* The mean loss of `examples` examples whose rung_loss_blocks add up to total. */
double rung_loss_mean(const struct rung_target *target, double total, int64_t examples);

/* The loss of count examples in blocks: z becomes its gradient. label: one a lane; y: blocks; which
 * one counts depends on the loss. */
double rung_loss_blocks(const struct rung_target *target, const struct rung_kernel *kernel, float *z,
                        const int32_t *label, const float *y, int64_t count);

/* A squared loss of row-major matrices: both have a row every `stride` floats. */
double rung_loss_rows(const struct rung_target *target, const struct rung_kernel *kernel, float *z,
                      const float *y, int64_t stride, int64_t count);

#endif
