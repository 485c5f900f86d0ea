/*
 * The parameters of the trainer "mlp".
 */
#ifndef RUNG_TRAINER_MLP_H
#define RUNG_TRAINER_MLP_H

#include "fields.h"
#include "optim.h"

/* In the order of the words of output_activation. */
enum rung_mlp_output { RUNG_MLP_OUTPUT_AUTO, RUNG_MLP_OUTPUT_IDENTITY, RUNG_MLP_OUTPUT_LOGISTIC };

struct rung_mlp_parameters {
    struct rung_sizes hidden_layer_sizes;
    int activation, solver, learning_rate, init, output_activation; /* choices: values of their enums */
    int64_t batch_size;
    bool nesterovs_momentum;
    double alpha, weight_decay, learning_rate_init, power_t, momentum, beta_1, beta_2, rho, epsilon;
};

/* The table that fills a struct rung_mlp_parameters. */
extern const struct rung_field rung_mlp_fields[];

/* What of them is the optimiser's. */
struct rung_optim rung_mlp_optim(const struct rung_mlp_parameters *parameters);

#endif
