/*
 * What each optimiser's step needs, made once per step; the loops over parameters are kernels.
 */
#include "optim.h"

#include <math.h>

int rung_optim_states(enum rung_solver solver)
{
    return solver == RUNG_SOLVER_SGD || solver == RUNG_SOLVER_ADAGRAD ? 1 : 2;
}

double rung_optim_epsilon(const struct rung_optim *optim)
{
    if (optim->epsilon > 0)
        return optim->epsilon;
    switch (optim->solver) {
    case RUNG_SOLVER_ADAM:
        return 1e-8;
    case RUNG_SOLVER_ADAGRAD:
        return 1e-10;
    default:
        return 1e-6;
    }
}

double rung_optim_rate(const struct rung_optim *optim, double examples)
{
    if (optim->schedule == RUNG_SCHEDULE_CONSTANT)
        return optim->learning_rate_init;
    return optim->learning_rate_init / pow(examples + 1, optim->power_t);
}

static void step_run(const struct rung_optim *optim, const struct rung_kernel *kernel,
                     const struct rung_optim_block *block, int64_t from, int64_t to,
                     const struct rung_step *step)
{
    float *w = block->params + from, *s = block->s + from, *u = block->u ? block->u + from : NULL;
    const float *g = block->gradient + from;
    switch (optim->solver) {
    case RUNG_SOLVER_SGD:
        kernel->sgd(w, g, s, to - from, step);
        break;
    case RUNG_SOLVER_ADAM:
        kernel->adam(w, g, s, u, to - from, step);
        break;
    case RUNG_SOLVER_ADAGRAD:
        kernel->adagrad(w, g, s, to - from, step);
        break;
    case RUNG_SOLVER_ADADELTA:
        kernel->adadelta(w, g, s, u, to - from, step);
        break;
    }
}

void rung_optim_step(const struct rung_optim *optim, const struct rung_kernel *kernel,
                     const struct rung_optim_block *block, double rate, int64_t steps, int64_t batch)
{
    struct rung_step step = {.decay = (float)(optim->alpha / (double)batch + optim->weight_decay),
                             .rate = (float)rate,
                             .momentum = (float)optim->momentum,
                             .nesterov = optim->nesterov,
                             .beta_1 = (float)optim->beta_1,
                             .beta_2 = (float)optim->beta_2,
                             .rho = (float)optim->rho,
                             .rest_1 = (float)(1 - optim->beta_1),
                             .rest_2 = (float)(1 - optim->beta_2),
                             .rest = (float)(1 - optim->rho),
                             .epsilon = (float)rung_optim_epsilon(optim)};
    if (optim->solver == RUNG_SOLVER_ADAM) {
        step.correction_1 = (float)(1 / (1 - pow(optim->beta_1, (double)steps + 1)));
        step.correction_2 = (float)(1 / (1 - pow(optim->beta_2, (double)steps + 1)));
    }
    step_run(optim, kernel, block, 0, block->weights, &step);
    step.decay = (float)optim->weight_decay;
    step_run(optim, kernel, block, block->weights, block->total, &step);
}
