/*
 * The arithmetic of networks with narrow layers, and of every elementwise step: one table of
 * functions per instruction set, all compiled from kernel_body.h and all giving the same bits.
 *
 * Layout "blocks": a matrix of n values for each of many examples lies as blocks of RUNG_BLOCK
 * examples; within a block, value i of its examples is a row of RUNG_BLOCK floats. Lanes behind the
 * last example hold numbers that count for nothing. So every loop runs over examples with
 * unit stride, and what belongs to a block stays together in the cache. All pointers to blocks and
 * to weights' vectors are aligned to RUNG_ALIGN bytes.
 */
#ifndef RUNG_TRAINER_KERNEL_H
#define RUNG_TRAINER_KERNEL_H

#include "activation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_BLOCK 16 /* examples in a block */
#define RUNG_ALIGN 64

/* Numbers of one step of an optimiser; which ones count depends on the solver. The gradient used is
 * g + decay * w. */
struct rung_step {
    float decay;
    float rate;
    float momentum;
    bool nesterov;
    float beta_1, beta_2, rho;
    float rest_1, rest_2, rest;       /* 1 minus beta_1, beta_2 and rho, rounded but once */
    float correction_1, correction_2; /* 1 / (1 - beta^t) */
    float epsilon;
};

struct rung_kernel {
    const char *name;

    /* z (blocks of `out` rows) = activation(w x + b), w out × in, row-major. For PReLU, and for the
     * activations that `activate` makes, z is left without activation. */
    void (*forward)(const float *w, const float *b, const float *x, float *z, int in, int out, int64_t blocks,
                    enum rung_activation activation);
    /* a (blocks of `in` rows): activations on entry, replaced by (transposed w) d times the
     * activation's slope there (PReLU: times 1). d: blocks of `out` rows. */
    void (*backward)(const float *w, const float *d, float *a, int in, int out, int64_t blocks,
                     enum rung_activation activation);
    /* gw (out × in) = d (transposed a), gb = sums of d's rows. */
    void (*gradient)(const float *d, const float *a, float *gw, float *gb, int in, int out, int64_t blocks);

    /* Elementwise, count a multiple of RUNG_BLOCK. */
    void (*activate)(float *z, int64_t count, enum rung_activation activation);
    /* d *= slope at the output a; not for PReLU. */
    void (*derive)(const float *a, float *d, int64_t count, enum rung_activation activation);
    void (*prelu)(const float *z, float *a, int64_t count, float slope);
    /* d *= slope at the input z; returns the sum of d * min(z, 0), the slope's gradient. */
    double (*prelu_derive)(const float *z, float *d, int64_t count, float slope);

    /* Losses: z, blocks of `outputs` rows for `count` examples, is replaced by the gradient of
     * scale * loss; the sum of the examples' losses is returned. */
    double (*softmax)(float *z, const int32_t *label, int outputs, int64_t count, float scale);
    double (*logistic)(float *z, const int32_t *label, int64_t count, float scale); /* one output */
    /* Sum of (p - y)^2 with p = z, or p = logistic(z); the gradient is of scale / 2 times it. */
    double (*squared)(float *z, const float *y, int outputs, int64_t count, bool squash, float scale);
    /* Examples whose largest output (ties: the first; one output: above 0) is their label. */
    int64_t (*correct)(const float *z, const int32_t *label, int outputs, int64_t count);

    /* Rows of a row-major matrix (`stride` floats apart; rows[i], or i where rows is NULL) to
     * blocks, zeros behind the last, and back. */
    void (*gather)(const float *x, int64_t stride, const uint32_t *rows, int values, int64_t count,
                   float *blocks);
    void (*scatter)(const float *blocks, int values, int64_t count, float *x, int64_t stride);
    /* sum[j] += every row's value j; values and stride multiples of RUNG_BLOCK. */
    void (*add_rows)(const float *x, int64_t stride, int64_t count, int values, float *sum);
    /* Adds b to each of count rows. */
    void (*add_to_rows)(float *x, int64_t stride, int64_t count, int values, const float *b);

    /* Optimisers: one step on count weights, a multiple of RUNG_BLOCK; s and u are their state. */
    void (*sgd)(float *w, const float *g, float *s, int64_t count, const struct rung_step *step);
    void (*adagrad)(float *w, const float *g, float *s, int64_t count, const struct rung_step *step);
    void (*adam)(float *w, const float *g, float *s, float *u, int64_t count, const struct rung_step *step);
    void (*adadelta)(float *w, const float *g, float *s, float *u, int64_t count,
                     const struct rung_step *step);
};

extern const struct rung_kernel rung_kernel_base;
#if defined(__x86_64__)
extern const struct rung_kernel rung_kernel_avx2;
extern const struct rung_kernel rung_kernel_avx512;
#endif

/* The widest that this processor has. */
const struct rung_kernel *rung_kernel_best(void);
/* The index-th that this processor has, narrowest first; NULL behind the last. */
const struct rung_kernel *rung_kernel_at(int index);

/* Makes numbers too small for float's normal range zero, in this thread from now on: they would slow
 * training down by a factor of a hundred, and some libraries switch them off and others do not. */
void rung_kernel_flush_tiny(void);

/* count floats, aligned, zeroed; freed with rung_kernel_free. */
float *rung_kernel_alloc(size_t count);
void rung_kernel_free(float *block); /* NULL is fine */

#endif
