/*
 * Which kernel makes which loss, and the factors of their means.
 */
#include "loss.h"

float rung_loss_scale(const struct rung_target *target, int64_t count)
{
    if (target->loss == RUNG_LOSS_MEAN_SQUARED)
        return (float)(2.0 / ((double)count * target->outputs));
    return (float)(1.0 / (double)count);
}

double rung_loss_mean(const struct rung_target *target, double total, int64_t examples)
{
    double mean = total / (double)examples;
    switch (target->loss) {
    case RUNG_LOSS_HALF_SQUARED:
        return mean / (2.0 * target->outputs);
    case RUNG_LOSS_MEAN_SQUARED:
        return mean / target->outputs;
    default:
        return mean;
    }
}

double rung_loss_blocks(const struct rung_target *target, const struct rung_kernel *kernel, float *z,
                        const int32_t *label, const float *y, int64_t count)
{
    float scale = rung_loss_scale(target, count);
    switch (target->loss) {
    case RUNG_LOSS_SOFTMAX:
        return kernel->softmax(z, label, target->outputs, count, scale);
    case RUNG_LOSS_LOGISTIC:
        return kernel->logistic(z, label, count, scale);
    default:
        return kernel->squared(z, y, target->outputs, count, target->squash, scale);
    }
}

double rung_loss_rows(const struct rung_target *target, const struct rung_kernel *kernel, float *z,
                      const float *y, int64_t stride, int64_t count)
{
    float scale = rung_loss_scale(target, count);
    double total = 0;
    /* To the kernel, a row of n outputs is n examples of one output. */
    for (int64_t r = 0; r < count; r++)
        total += kernel->squared(z + r * stride, y + r * stride, 1, target->outputs, target->squash, scale);
    return total;
}
