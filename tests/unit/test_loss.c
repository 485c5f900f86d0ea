/*
 * Losses and their gradients at the outputs, against the same in double.
 */
#include "trainer/loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT   21 /* a block and a part of one */
#define OUTPUTS 5
#define FLOATS  (2 * RUNG_BLOCK * OUTPUTS)

static double logit(int example, int output)
{
    return 4 * sin(7.0 * example + 3.0 * output + 1);
}

static double wanted(int example, int output)
{
    return 0.5 + 0.5 * cos(5.0 * example + output);
}

/* Where value `output` of an example lies in blocks. */
static size_t place(int example, int output, int outputs)
{
    return (size_t)(example / RUNG_BLOCK * RUNG_BLOCK * outputs + output * RUNG_BLOCK + example % RUNG_BLOCK);
}

struct bed {
    float *z, *y;
    int32_t *label;
};

static void bed_make(struct bed *bed, int outputs)
{
    bed->z = rung_kernel_alloc(FLOATS);
    bed->y = rung_kernel_alloc(FLOATS);
    bed->label = (int32_t *)(void *)rung_kernel_alloc(FLOATS);
    for (int i = 0; i < FLOATS; i++)
        bed->z[i] = 3; /* behind the last example too: must count for nothing */
    for (int i = 0; i < COUNT; i++) {
        bed->label[i] = i % (outputs > 1 ? outputs : 2);
        for (int o = 0; o < outputs; o++) {
            bed->z[place(i, o, outputs)] = (float)logit(i, o);
            bed->y[place(i, o, outputs)] = (float)wanted(i, o);
        }
    }
}

static void bed_free(struct bed *bed)
{
    rung_kernel_free(bed->z);
    rung_kernel_free(bed->y);
    rung_kernel_free((float *)(void *)bed->label);
}

static void check_padding_is_zero(const struct bed *bed, int outputs)
{
    for (int i = COUNT; i < 2 * RUNG_BLOCK; i++)
        for (int o = 0; o < outputs; o++)
            assert_true(bed->z[place(i, o, outputs)] == 0.0F);
}

static void softmax_and_its_gradient(void **state)
{
    struct rung_target target = {RUNG_LOSS_SOFTMAX, OUTPUTS, false};
    struct bed bed;
    double expected = 0;
    (void)state;
    bed_make(&bed, OUTPUTS);
    double total = rung_loss_blocks(&target, rung_kernel_best(), bed.z, bed.label, NULL, COUNT);
    for (int i = 0; i < COUNT; i++) {
        double sum = 0;
        for (int o = 0; o < OUTPUTS; o++)
            sum += exp(logit(i, o));
        expected += log(sum) - logit(i, i % OUTPUTS);
        for (int o = 0; o < OUTPUTS; o++) {
            double gradient = (exp(logit(i, o)) / sum - (o == i % OUTPUTS)) / COUNT;
            assert_true(fabs((double)bed.z[place(i, o, OUTPUTS)] - gradient) < 2e-8);
        }
    }
    assert_true(fabs(total - expected) < 1e-5);
    assert_true(fabs(rung_loss_mean(&target, total, COUNT) - expected / COUNT) < 1e-6);
    check_padding_is_zero(&bed, OUTPUTS);
    bed_free(&bed);
}

static void logistic_and_its_gradient(void **state)
{
    struct rung_target target = {RUNG_LOSS_LOGISTIC, 1, false};
    struct bed bed;
    double expected = 0;
    (void)state;
    bed_make(&bed, 1);
    double total = rung_loss_blocks(&target, rung_kernel_best(), bed.z, bed.label, NULL, COUNT);
    for (int i = 0; i < COUNT; i++) {
        double z = logit(i, 0), y = i % 2;
        expected += log1p(exp(z)) - z * y;
        assert_true(fabs((double)bed.z[place(i, 0, 1)] - (1 / (1 + exp(-z)) - y) / COUNT) < 1e-8);
    }
    assert_true(fabs(total - expected) < 1e-5);
    check_padding_is_zero(&bed, 1);
    bed_free(&bed);
}

static void check_squared(enum rung_loss loss, bool squash)
{
    struct rung_target target = {loss, OUTPUTS, squash};
    struct bed bed;
    bool mean = loss == RUNG_LOSS_MEAN_SQUARED;
    double expected = 0;
    bed_make(&bed, OUTPUTS);
    double total = rung_loss_blocks(&target, rung_kernel_best(), bed.z, NULL, bed.y, COUNT);
    for (int i = 0; i < COUNT; i++)
        for (int o = 0; o < OUTPUTS; o++) {
            double z = logit(i, o), p = squash ? 1 / (1 + exp(-z)) : z, error = p - wanted(i, o);
            double gradient = error * (squash ? p * (1 - p) : 1) * (mean ? 2.0 / OUTPUTS : 1) / COUNT;
            expected += error * error;
            assert_true(fabs((double)bed.z[place(i, o, OUTPUTS)] - gradient) < 3e-8);
        }
    expected /= (mean ? 1 : 2) * OUTPUTS * COUNT;
    assert_true(fabs(rung_loss_mean(&target, total, COUNT) - expected) < 1e-6);
    check_padding_is_zero(&bed, OUTPUTS);
    bed_free(&bed);
}

static void squared_losses_and_their_gradients(void **state)
{
    (void)state;
    check_squared(RUNG_LOSS_HALF_SQUARED, false);
    check_squared(RUNG_LOSS_HALF_SQUARED, true);
    check_squared(RUNG_LOSS_MEAN_SQUARED, false);
    check_squared(RUNG_LOSS_MEAN_SQUARED, true);
}

/* Rows of 5 outputs, 16 floats apart: what lies between is left alone by zeros. */
static void rows_give_what_blocks_give(void **state)
{
    struct rung_target target = {RUNG_LOSS_MEAN_SQUARED, OUTPUTS, true};
    float *z = rung_kernel_alloc(COUNT * RUNG_BLOCK), *y = rung_kernel_alloc(COUNT * RUNG_BLOCK);
    struct bed bed;
    (void)state;
    bed_make(&bed, OUTPUTS);
    for (int i = 0; i < COUNT; i++)
        for (int o = 0; o < OUTPUTS; o++) {
            z[i * RUNG_BLOCK + o] = (float)logit(i, o);
            y[i * RUNG_BLOCK + o] = (float)wanted(i, o);
        }
    double blocks = rung_loss_blocks(&target, rung_kernel_best(), bed.z, NULL, bed.y, COUNT);
    double rows = rung_loss_rows(&target, rung_kernel_best(), z, y, RUNG_BLOCK, COUNT);
    assert_true(fabs(blocks - rows) < 1e-9);
    for (int i = 0; i < COUNT; i++)
        for (int o = 0; o < RUNG_BLOCK; o++)
            assert_true(z[i * RUNG_BLOCK + o] == (o < OUTPUTS ? bed.z[place(i, o, OUTPUTS)] : 0.0F));
    rung_kernel_free(z);
    rung_kernel_free(y);
    bed_free(&bed);
}

static void far_logits_stay_finite(void **state)
{
    struct rung_target softmax = {RUNG_LOSS_SOFTMAX, 2, false}, logistic = {RUNG_LOSS_LOGISTIC, 1, false};
    struct bed bed;
    (void)state;
    bed_make(&bed, 2);
    bed.z[place(0, 0, 2)] = -1e6F;
    bed.z[place(0, 1, 2)] = 1e6F; /* example 0 has label 0 */
    double total = rung_loss_blocks(&softmax, rung_kernel_best(), bed.z, bed.label, NULL, 1);
    assert_true(fabs(total - 2e6) < 1);
    assert_true(fabs((double)bed.z[place(0, 0, 2)] + 1) < 1e-6);
    bed.z[0] = 1e6F;
    total = rung_loss_blocks(&logistic, rung_kernel_best(), bed.z, bed.label, NULL, 1);
    assert_true(fabs(total - 1e6) < 1);
    assert_true(fabs((double)bed.z[0] - 1) < 1e-6);
    bed_free(&bed);
}

static void a_nan_makes_the_loss_nan(void **state)
{
    struct rung_target targets[] = {{RUNG_LOSS_SOFTMAX, OUTPUTS, false},
                                    {RUNG_LOSS_LOGISTIC, 1, false},
                                    {RUNG_LOSS_HALF_SQUARED, OUTPUTS, false},
                                    {RUNG_LOSS_MEAN_SQUARED, OUTPUTS, true}};
    const float bad[] = {NAN, INFINITY};
    (void)state;
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++)
        for (size_t b = 0; b < 2; b++) {
            struct bed bed;
            bool squashed = targets[t].squash && b == 1; /* an infinite logit is a sound 1 */
            bed_make(&bed, targets[t].outputs);
            bed.z[place(17, 0, targets[t].outputs)] = bad[b];
            double total = rung_loss_blocks(&targets[t], rung_kernel_best(), bed.z, bed.label, bed.y, COUNT);
            assert_true(isfinite(total) == squashed);
            bed_free(&bed);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_and_its_gradient),
        cmocka_unit_test(logistic_and_its_gradient),
        cmocka_unit_test(squared_losses_and_their_gradients),
        cmocka_unit_test(rows_give_what_blocks_give),
        cmocka_unit_test(far_logits_stay_finite),
        cmocka_unit_test(a_nan_makes_the_loss_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
