/*
 * Activations of hidden layers, and what an output layer may end in.
 */
#ifndef RUNG_TRAINER_ACTIVATION_H
#define RUNG_TRAINER_ACTIVATION_H

#include <stdbool.h>

enum rung_activation {
    RUNG_ACT_IDENTITY,
    RUNG_ACT_LOGISTIC,
    RUNG_ACT_TANH,
    RUNG_ACT_RELU,
    RUNG_ACT_LEAKY_RELU, /* slope RUNG_LEAKY_SLOPE below zero */
    RUNG_ACT_PRELU,      /* He et al. 2015: a learned slope below zero, one a layer */
    RUNG_ACT_ELU         /* Clevert et al. 2016: exp(z) - 1 below zero */
};

/* The words for them, in the order of the enum, as a table of parameters wants them. */
#define RUNG_ACTIVATION_WORDS "identity|logistic|tanh|relu|leaky_relu|prelu|elu"

#define RUNG_LEAKY_SLOPE 0.01F
#define RUNG_PRELU_START 0.25F /* the slope a PReLU starts with */

/* How a network's weights are drawn at first. */
enum rung_init {
    RUNG_INIT_XAVIER_UNIFORM, /* Glorot & Bengio 2010; scikit-learn's */
    RUNG_INIT_XAVIER_NORMAL,
    RUNG_INIT_KAIMING_UNIFORM, /* He et al. 2015 */
    RUNG_INIT_KAIMING_NORMAL
};

#define RUNG_INIT_WORDS "xavier_uniform|xavier_normal|kaiming_uniform|kaiming_normal"

/* The spread of a layer's first weights: the bound of a uniform draw, the standard deviation of a
 * normal one. Xavier: 6 / (in + out) under the root for the bound (2 for logistic, as
 * scikit-learn has it), a third of it for the variance. Kaiming: 6 / in and 2 / in. */
double rung_init_spread(enum rung_init init, enum rung_activation activation, int in, int out);
bool rung_init_is_normal(enum rung_init init);

#endif
