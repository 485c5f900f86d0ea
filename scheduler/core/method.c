/* The table of algorithms. */
#include "core/method.h"

static const struct rung_method METHODS[] = {
    [RUNG_HYPERBAND] = {rung_hyperband_plan, &rung_halving_ops},
    [RUNG_SUCCESSIVE_HALVING] = {rung_halving_plan, &rung_halving_ops},
    [RUNG_ASHA] = {rung_asha_plan, &rung_asha_ops},
    [RUNG_RANDOM] = {rung_random_plan, &rung_halving_ops},
    [RUNG_GRID] = {rung_random_plan, &rung_halving_ops}, /* random search on another source of models */
    [RUNG_INCREMENTAL] = {rung_incremental_plan, &rung_halving_ops},
};

const struct rung_method *rung_method_of(enum rung_algorithm algorithm)
{
    return &METHODS[algorithm];
}
