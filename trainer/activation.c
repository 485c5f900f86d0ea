/*
 * The spread of first weights. The activations themselves are in the kernels.
 */
#include "activation.h"

#include <math.h>

bool rung_init_is_normal(enum rung_init init)
{
    return init == RUNG_INIT_XAVIER_NORMAL || init == RUNG_INIT_KAIMING_NORMAL;
}

double rung_init_spread(enum rung_init init, enum rung_activation activation, int in, int out)
{
    bool xavier = init == RUNG_INIT_XAVIER_UNIFORM || init == RUNG_INIT_XAVIER_NORMAL;
    double factor = xavier && activation == RUNG_ACT_LOGISTIC ? 2 : 6;
    double bound = sqrt(factor / (xavier ? in + out : in));
    return rung_init_is_normal(init) ? bound / sqrt(3) : bound;
}
