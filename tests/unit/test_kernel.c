/*
 * Kernels: exp and its kin, every instruction set giving the same bits, the ways into and out of
 * blocks.
 */
#include "trainer/kernel.h"
#include "trainer/lanes.h"
#include "trainer/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wpsabi"

static const int ACTIVATIONS = RUNG_ACT_ELU + 1;

/* The worst relative error of a function on lanes, over steps from lo to hi. */
#define WORST(function, exact, lo, hi, worst)                                                                \
    do {                                                                                                     \
        worst = 0;                                                                                           \
        for (double x_ = lo; x_ < (hi); x_ += ((hi) - (lo)) / 200000) {                                      \
            float x1_ = (float)x_;                                                                           \
            rung_lanes y_ = function(lanes_splat(x1_));                                                      \
            double e_ = exact((double)x1_), d_ = fabs((double)y_[0] - e_) / (fabs(e_) + 1e-37);              \
            worst = d_ > worst ? d_ : worst;                                                                 \
        }                                                                                                    \
    } while (0)

static double logistic_exact(double x)
{
    return 1 / (1 + exp(-x));
}

static void exp_and_its_kin_are_accurate(void **state)
{
    double worst;
    (void)state;
    WORST(lanes_exp, exp, -87.0, 88.0, worst);
    assert_true(worst < 2e-7);
    WORST(lanes_expm1, expm1, -20.0, 20.0, worst);
    assert_true(worst < 3e-7);
    WORST(lanes_expm1, expm1, -1e-3, 1e-3, worst);
    assert_true(worst < 2e-7);
    WORST(lanes_log, log, 1e-30, 0.9, worst);
    assert_true(worst < 2e-7);
    WORST(lanes_log, log, 1.1, 1e6, worst);
    assert_true(worst < 2e-7);
    WORST(lanes_tanh, tanh, -20.0, 20.0, worst);
    assert_true(worst < 3e-7);
    WORST(lanes_tanh, tanh, -0.7, 0.7, worst);
    assert_true(worst < 3e-7);
    WORST(lanes_logistic, logistic_exact, -80.0, 30.0, worst);
    assert_true(worst < 3e-7);
}

static void the_ends_of_exp(void **state)
{
    rung_lanes x = {-1e30F, -INFINITY, 1e30F, NAN};
    rung_lanes y = lanes_exp(x), t = lanes_tanh(x), l = lanes_logistic(x), m = lanes_expm1(x);
    (void)state;
    assert_true(y[0] >= 0 && y[0] < 2e-38F && y[1] == y[0]);
    assert_true(isfinite(y[2]) && y[2] > 1e38F);
    assert_true(t[0] == -1 && t[1] == -1 && t[2] == 1);
    assert_true(l[0] >= 0 && l[0] < 1e-37F && l[2] == 1);
    assert_true(m[0] == -1 && m[1] == -1);
    assert_true(isnan(y[3]) && isnan(t[3]) && isnan(l[3]) && isnan(m[3]));
    x = (rung_lanes){NAN, INFINITY, 1, 1};
    y = lanes_log(x);
    assert_true(isnan(y[0]) && isnan(y[1]) && y[2] == 0);
}

/* Matrices of all sizes around a tile's, filled at random. */
struct bed {
    int in, out;
    int64_t count, blocks;
    float *w, *b, *x, *z, *d, *gw, *gb;
};

static float *noise(struct rung_random *random, size_t count)
{
    float *block = rung_kernel_alloc(count + RUNG_BLOCK);
    for (size_t i = 0; i < count; i++)
        block[i] = (float)rung_random_normal(random);
    return block;
}

static void bed_make(struct bed *bed, int in, int out, int64_t count)
{
    struct rung_random random;
    size_t blocks = (size_t)(count + RUNG_BLOCK - 1) / RUNG_BLOCK;
    rung_random_seed(&random, (uint64_t)(in * 1000 + out * 10 + count), "bed", 0);
    bed->in = in;
    bed->out = out;
    bed->count = count;
    bed->blocks = (int64_t)blocks;
    bed->w = noise(&random, (size_t)(in * out));
    bed->b = noise(&random, (size_t)out);
    bed->x = noise(&random, blocks * RUNG_BLOCK * (size_t)in);
    bed->z = noise(&random, blocks * RUNG_BLOCK * (size_t)out);
    bed->d = noise(&random, blocks * RUNG_BLOCK * (size_t)out);
    bed->gw = noise(&random, (size_t)(in * out));
    bed->gb = noise(&random, (size_t)out);
}

static void bed_free(struct bed *bed)
{
    float *blocks[] = {bed->w, bed->b, bed->x, bed->z, bed->d, bed->gw, bed->gb};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        rung_kernel_free(blocks[i]);
}

/* Runs everything once and adds up what came out, byte by byte. */
static uint64_t digest(uint64_t hash, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3U;
    return hash;
}

static uint64_t run_layers(const struct rung_kernel *kernel, int in, int out, int64_t count,
                           enum rung_activation activation)
{
    struct bed bed;
    uint64_t hash = 1;
    bed_make(&bed, in, out, count);
    size_t inputs = (size_t)(bed.blocks * RUNG_BLOCK * in), outputs = (size_t)(bed.blocks * RUNG_BLOCK * out);
    kernel->forward(bed.w, bed.b, bed.x, bed.z, in, out, bed.blocks, activation);
    hash = digest(hash, bed.z, outputs * sizeof(float));
    kernel->activate(bed.z, (int64_t)outputs, activation);
    hash = digest(hash, bed.z, outputs * sizeof(float));
    kernel->gradient(bed.d, bed.x, bed.gw, bed.gb, in, out, bed.blocks);
    hash = digest(hash, bed.gw, (size_t)(in * out) * sizeof(float));
    hash = digest(hash, bed.gb, (size_t)out * sizeof(float));
    kernel->backward(bed.w, bed.d, bed.x, in, out, bed.blocks, activation);
    hash = digest(hash, bed.x, inputs * sizeof(float));
    kernel->derive(bed.z, bed.d, (int64_t)outputs, activation);
    hash = digest(hash, bed.d, outputs * sizeof(float));
    double slope = kernel->prelu_derive(bed.z, bed.d, (int64_t)outputs, 0.25F);
    kernel->prelu(bed.z, bed.d, (int64_t)outputs, 0.25F);
    hash = digest(digest(hash, &slope, sizeof slope), bed.d, outputs * sizeof(float));
    bed_free(&bed);
    return hash;
}

static uint64_t run_losses(const struct rung_kernel *kernel, int outputs, int64_t count)
{
    struct bed bed;
    double sums[3];
    bed_make(&bed, outputs, outputs, count);
    size_t floats = (size_t)(bed.blocks * RUNG_BLOCK * outputs);
    int32_t *label = (int32_t *)(void *)rung_kernel_alloc((size_t)bed.blocks * RUNG_BLOCK);
    for (int64_t i = 0; i < count; i++)
        label[i] = (int32_t)(i % outputs);
    int64_t correct = kernel->correct(bed.z, label, outputs, count);
    sums[0] = kernel->softmax(bed.z, label, outputs, count, 0.1F);
    sums[1] = kernel->squared(bed.x, bed.d, outputs, count, true, 0.1F);
    sums[2] = kernel->logistic(bed.d, label, count, 0.1F);
    uint64_t hash = digest(digest(1, sums, sizeof sums), &correct, sizeof correct);
    hash = digest(hash, bed.z, floats * sizeof(float));
    hash = digest(hash, bed.x, floats * sizeof(float));
    hash = digest(hash, bed.d, floats * sizeof(float));
    rung_kernel_free((float *)(void *)label);
    bed_free(&bed);
    return hash;
}

static uint64_t run_steps(const struct rung_kernel *kernel)
{
    const struct rung_step step = {0.01F, 0.1F,   0.9F, true, 0.9F, 0.999F, 0.9F,
                                   0.1F,  0.001F, 0.1F, 10,   1000, 1e-6F};
    struct bed bed;
    uint64_t hash = 1;
    int64_t count = 4 * RUNG_BLOCK;
    bed_make(&bed, 8, 8, RUNG_BLOCK);
    kernel->activate(bed.x, count, RUNG_ACT_LOGISTIC); /* states that are squares are not negative */
    kernel->activate(bed.d, count, RUNG_ACT_LOGISTIC);
    kernel->sgd(bed.w, bed.gw, bed.z, count, &step);
    kernel->adagrad(bed.w, bed.gw, bed.x, count, &step);
    kernel->adam(bed.w, bed.gw, bed.z, bed.x, count, &step);
    kernel->adadelta(bed.w, bed.gw, bed.x, bed.d, count, &step);
    kernel->add_rows(bed.x, RUNG_BLOCK, 4, RUNG_BLOCK, bed.w);
    kernel->add_to_rows(bed.x, RUNG_BLOCK, 4, RUNG_BLOCK, bed.gw);
    hash = digest(hash, bed.w, (size_t)count * sizeof(float));
    hash = digest(hash, bed.z, (size_t)count * sizeof(float));
    hash = digest(hash, bed.x, (size_t)count * sizeof(float));
    bed_free(&bed);
    return hash;
}

static void every_instruction_set_gives_the_same_bits(void **state)
{
    const struct rung_kernel *base = rung_kernel_at(0), *kernel;
    (void)state;
    for (int k = 1; (kernel = rung_kernel_at(k)); k++) {
        for (int in = 1; in < 10; in++)
            for (int out = 1; out < 10; out++)
                for (int64_t count = 1; count < 7 * RUNG_BLOCK; count += 19)
                    assert_int_equal(run_layers(kernel, in, out, count, RUNG_ACT_RELU),
                                     run_layers(base, in, out, count, RUNG_ACT_RELU));
        for (int a = 0; a < ACTIVATIONS; a++)
            assert_int_equal(run_layers(kernel, 7, 6, 50, (enum rung_activation)a),
                             run_layers(base, 7, 6, 50, (enum rung_activation)a));
        for (int outputs = 1; outputs < 6; outputs++)
            for (int64_t count = 1; count < 40; count += 3)
                assert_int_equal(run_losses(kernel, outputs, count), run_losses(base, outputs, count));
        assert_int_equal(run_steps(kernel), run_steps(base));
    }
}

static void the_best_is_the_last(void **state)
{
    int last = 0;
    (void)state;
    while (rung_kernel_at(last + 1))
        last++;
    assert_ptr_equal(rung_kernel_best(), rung_kernel_at(last));
    assert_string_equal(rung_kernel_at(0)->name, "base");
}

static void layers_are_sums(void **state)
{
    const struct rung_kernel *kernel = rung_kernel_best();
    struct bed bed;
    (void)state;
    bed_make(&bed, 5, 7, 37);
    kernel->forward(bed.w, bed.b, bed.x, bed.z, 5, 7, bed.blocks, RUNG_ACT_IDENTITY);
    kernel->gradient(bed.d, bed.x, bed.gw, bed.gb, 5, 7, bed.blocks);
    for (int o = 0; o < 7; o++) {
        double bias = 0;
        for (int64_t e = 0; e < bed.blocks * RUNG_BLOCK; e++) {
            int64_t k = e / RUNG_BLOCK, lane = e % RUNG_BLOCK;
            double z = (double)bed.b[o];
            for (int i = 0; i < 5; i++)
                z += (double)bed.w[o * 5 + i] * (double)bed.x[(k * 5 + i) * RUNG_BLOCK + lane];
            assert_true(fabs((double)bed.z[(k * 7 + o) * RUNG_BLOCK + lane] - z) < 1e-5);
            bias += (double)bed.d[(k * 7 + o) * RUNG_BLOCK + lane];
        }
        assert_true(fabs((double)bed.gb[o] - bias) < 1e-5);
    }
    bed_free(&bed);
}

static void gather_takes_rows_and_scatter_puts_them_back(void **state)
{
    const struct rung_kernel *kernel = rung_kernel_best();
    const uint32_t rows[] = {4, 0, 4, 19, 7, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 13, 14, 18};
    const int count = sizeof rows / sizeof *rows;
    float x[20 * 4], back[18 * 5] = {0}, *blocks = rung_kernel_alloc(2 * RUNG_BLOCK * 3);
    (void)state;
    for (int i = 0; i < 80; i++)
        x[i] = (float)i;
    for (int i = 0; i < 2 * RUNG_BLOCK * 3; i++)
        blocks[i] = -1;
    kernel->gather(x, 4, rows, 3, count, blocks); /* three of four columns */
    for (int e = 0; e < 2 * RUNG_BLOCK; e++)
        for (int i = 0; i < 3; i++)
            assert_true(blocks[(e / RUNG_BLOCK * 3 + i) * RUNG_BLOCK + e % RUNG_BLOCK] ==
                        (e < count ? x[rows[e] * 4 + (uint32_t)i] : 0.0F));
    kernel->scatter(blocks, 3, count, back, 5);
    for (int e = 0; e < count; e++)
        for (int i = 0; i < 5; i++)
            assert_true(back[e * 5 + i] == (i < 3 ? x[rows[e] * 4 + (uint32_t)i] : 0.0F));
    kernel->gather(x, 4, NULL, 3, 2, blocks);
    assert_true(blocks[1] == 4 && blocks[RUNG_BLOCK + 1] == 5);
    rung_kernel_free(blocks);
}

static void the_first_of_equal_outputs_is_the_guess(void **state)
{
    float *z = rung_kernel_alloc(3 * RUNG_BLOCK);
    int32_t *label = (int32_t *)(void *)rung_kernel_alloc(RUNG_BLOCK);
    (void)state;
    z[0 * RUNG_BLOCK + 1] = z[2 * RUNG_BLOCK + 1] = 2; /* example 1: outputs 0 and 2 tie */
    z[1 * RUNG_BLOCK + 2] = 1;                         /* example 2: output 1 */
    label[2] = 1;
    assert_int_equal(rung_kernel_best()->correct(z, label, 3, 3), 3);
    label[1] = 2;
    assert_int_equal(rung_kernel_best()->correct(z, label, 3, 3), 2);
    label[0] = 1; /* one output: 0 is no */
    assert_int_equal(rung_kernel_best()->correct(z, label, 1, 1), 0);
    z[0] = 1e-3F;
    assert_int_equal(rung_kernel_best()->correct(z, label, 1, 1), 1);
    rung_kernel_free(z);
    rung_kernel_free((float *)(void *)label);
}

static void nan_goes_through_every_activation(void **state)
{
    (void)state;
    for (int a = 0; a < ACTIVATIONS; a++) {
        float *block = rung_kernel_alloc(2 * RUNG_BLOCK), w = 1, b = 0;
        block[0] = NAN;
        rung_kernel_best()->forward(&w, &b, block, block + RUNG_BLOCK, 1, 1, 1, (enum rung_activation)a);
        rung_kernel_best()->activate(block + RUNG_BLOCK, RUNG_BLOCK, (enum rung_activation)a);
        rung_kernel_best()->prelu(block, block, RUNG_BLOCK, 0.5F);
        assert_true(isnan(block[0]) && isnan(block[RUNG_BLOCK]) && !isnan(block[RUNG_BLOCK + 1]));
        rung_kernel_free(block);
    }
}

static void tiny_numbers_are_flushed(void **state)
{
    const char *preload = getenv("LD_PRELOAD");
    volatile float tiny = 1e-30F, tinier;
    (void)state;
    if (preload && strstr(preload, "vgpreload"))
        skip(); /* valgrind's processor knows no such mode */
    rung_kernel_flush_tiny();
    tinier = tiny * 1e-10F;
#if defined(__x86_64__)
    assert_true(tinier == 0.0F);
#else
    assert_true(tinier >= 0.0F);
#endif
}

static void memory_is_aligned(void **state)
{
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        float *block = rung_kernel_alloc(i);
        assert_int_equal((uintptr_t)block % RUNG_ALIGN, 0);
        for (size_t j = 0; j < i; j++)
            assert_true(block[j] == 0.0F);
        rung_kernel_free(block);
    }
    rung_kernel_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_and_its_kin_are_accurate),
        cmocka_unit_test(the_ends_of_exp),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits),
        cmocka_unit_test(the_best_is_the_last),
        cmocka_unit_test(layers_are_sums),
        cmocka_unit_test(gather_takes_rows_and_scatter_puts_them_back),
        cmocka_unit_test(the_first_of_equal_outputs_is_the_guess),
        cmocka_unit_test(nan_goes_through_every_activation),
        cmocka_unit_test(tiny_numbers_are_flushed),
        cmocka_unit_test(memory_is_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
