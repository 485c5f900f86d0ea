/*
 * The kernels themselves, compiled once per instruction set: kernel_NAME.c sets the target and
 *
 *     KERNEL_NAME, KERNEL_TABLE    what the table is called
 *     LANES_WIDTH                  floats in a register: 4, 8 or 16
 *     TILE_ROWS, TILE_BLOCKS       a tile of sums that fits the registers, for layers
 *     WEIGHT_ROWS, WEIGHT_COLUMNS  the same for gradients of weights: 2 × 2 or 4 × 4
 *     KERNEL_SQRT(x)               the target's square root, which is exactly rounded
 *
 * Every sum has its order fixed here, whatever the tile: over inputs or outputs one after the other,
 * over examples place by place in the blocks, and at last the sixteen places folded to 8, 4, 2, 1.
 * Nothing is fused.
 */

/* No function here is called across files with a vector as argument, so their passing matters not. */
#pragma GCC diagnostic ignored "-Wpsabi"

#include "kernel_dense.h"
#include "kernel_weights.h"

#include "kernel_loss.h"
#include "kernel_step.h"

const struct rung_kernel KERNEL_TABLE = {
    .name = KERNEL_NAME,
    .forward = forward,
    .backward = backward,
    .gradient = gradient,
    .activate = activate,
    .derive = derive,
    .prelu = prelu,
    .prelu_derive = prelu_derive,
    .softmax = softmax,
    .logistic = logistic,
    .squared = squared,
    .correct = correct,
    .gather = gather,
    .scatter = scatter,
    .add_rows = add_rows,
    .add_to_rows = add_to_rows,
    .sgd = sgd,
    .adagrad = adagrad,
    .adam = adam,
    .adadelta = adadelta,
};
