/*
 * Optimisers and learning-rate schedules: one step on all parameters of a network.
 */
#ifndef RUNG_TRAINER_OPTIM_H
#define RUNG_TRAINER_OPTIM_H

#include "kernel.h"

enum rung_solver { RUNG_SOLVER_SGD, RUNG_SOLVER_ADAM, RUNG_SOLVER_ADAGRAD, RUNG_SOLVER_ADADELTA };
#define RUNG_SOLVER_WORDS "sgd|adam|adagrad|adadelta"

enum rung_schedule { RUNG_SCHEDULE_CONSTANT, RUNG_SCHEDULE_INVSCALING };
#define RUNG_SCHEDULE_WORDS "constant|invscaling"

/* Names and meaning as in scikit-learn's MLPClassifier, where that has them. */
struct rung_optim {
    enum rung_solver solver;
    enum rung_schedule schedule;
    double learning_rate_init;
    double power_t;
    double momentum; /* sgd */
    bool nesterov;
    double beta_1, beta_2; /* adam */
    double rho;            /* adadelta */
    double epsilon;        /* 0: the solver's own, see rung_optim_epsilon */
    double alpha;          /* gradient of weights (not biases) += alpha / batch * w */
    double weight_decay;   /* gradient of every parameter += weight_decay * w */
};

/* Parameters in two runs, each a multiple of RUNG_BLOCK: weights first, then everything that
 * alpha does not touch. gradient, s and u are laid out like params. */
struct rung_optim_block {
    float *params;
    const float *gradient;
    float *s, *u; /* state; u may be NULL where rung_optim_states is 1 */
    int64_t weights, total;
};

/* How many arrays of state a solver has: 1 or 2. They start as zeros. */
int rung_optim_states(enum rung_solver solver);

/* 1e-8 for adam, 1e-10 for adagrad, 1e-6 for adadelta, unless set. */
double rung_optim_epsilon(const struct rung_optim *optim);

/* The learning rate of a call before which the model has seen `examples` examples: scikit-learn's
 * invscaling, learning_rate_init / (examples + 1)^power_t. */
double rung_optim_rate(const struct rung_optim *optim, double examples);

/* One step; steps: how many there were before it; batch: examples the gradient is the mean of. */
void rung_optim_step(const struct rung_optim *optim, const struct rung_kernel *kernel,
                     const struct rung_optim_block *block, double rate, int64_t steps, int64_t batch);

#endif
