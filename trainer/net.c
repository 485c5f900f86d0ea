/*
 * Networks: layout, first weights, forward and backward passes.
 */
#include "net.h"

#include "base/mem.h"
#include "blas.h"

#include <stdlib.h>
#include <string.h>

/* A layer of this many weights or more makes a network wide. With AVX-512 the two ways cross between 128 and
 * 256 units a layer, with narrower registers earlier: "mlp threshold" of tests/bench prints where. */
#define WIDE_WEIGHTS 16384

struct rung_net_work {
    const struct rung_kernel *kernel;
    struct rung_net_shape shape; /* that the pointers below were made for */
    int64_t count;
    float *arena; /* all floats below */
    int64_t arena_size;
    float *value[RUNG_NET_LAYERS_MAX + 1]; /* inputs and what each layer gives; gradients replace them */
    float *before[RUNG_NET_LAYERS_MAX];    /* PReLU: hidden layers before activation */
    float *delta[2];                       /* wide: gradients of hidden layers, in turn */
    float *y;                              /* targets; wide with labels: outputs in blocks */
    float *gradient;
    int32_t *label;
    int64_t labels;
};

static int64_t padded(int64_t count)
{
    return (count + RUNG_BLOCK - 1) / RUNG_BLOCK * RUNG_BLOCK;
}

void rung_net_layout(struct rung_net *net, const struct rung_net_shape *shape)
{
    int64_t at = 0;
    memset(net, 0, sizeof *net);
    net->shape = *shape;
    net->target = (struct rung_target){shape->loss, shape->size[shape->layers], shape->squash};
    for (int l = 0; l < shape->layers; l++) {
        int64_t weights = (int64_t)shape->size[l] * shape->size[l + 1];
        net->weight[l] = at;
        net->wide = net->wide || weights >= WIDE_WEIGHTS;
        at += padded(weights);
    }
    net->weights = at;
    for (int l = 0; l < shape->layers; l++) {
        net->bias[l] = at;
        at += padded(shape->size[l + 1]);
    }
    net->slope = at;
    net->total = at + (shape->activation == RUNG_ACT_PRELU ? padded(shape->layers) : 0);
}

void rung_net_init(struct rung_net *net, enum rung_init init, struct rung_random *random)
{
    const struct rung_net_shape *shape = &net->shape;
    bool normal = rung_init_is_normal(init);
    memset(net->params, 0, sizeof(float) * (size_t)net->total);
    for (int l = 0; l < shape->layers; l++) {
        int in = shape->size[l], out = shape->size[l + 1];
        double spread = rung_init_spread(init, shape->activation, in, out);
        double bound = rung_init_spread(RUNG_INIT_XAVIER_UNIFORM, shape->activation, in, out);
        float *w = net->params + net->weight[l], *b = net->params + net->bias[l];
        for (int64_t i = 0; i < (int64_t)in * out; i++) {
            double draw = normal ? rung_random_normal(random) : 2 * rung_random_unit(random) - 1;
            w[i] = (float)(spread * draw);
        }
        for (int o = 0; o < out; o++)
            b[o] = (float)(bound * (2 * rung_random_unit(random) - 1));
        if (shape->activation == RUNG_ACT_PRELU && l + 1 < shape->layers)
            net->params[net->slope + l] = RUNG_PRELU_START;
    }
}

struct rung_net_work *rung_net_work_new(const struct rung_kernel *kernel)
{
    struct rung_net_work *work = rung_mem_zalloc(1, sizeof *work);
    work->kernel = kernel;
    return work;
}

void rung_net_work_free(struct rung_net_work *work)
{
    if (!work)
        return;
    rung_kernel_free(work->arena);
    rung_kernel_free((float *)(void *)work->label);
    free(work);
}

/* Sets the pointers for net and count; returns the floats needed. With arena NULL: only counts. */
static int64_t carve(struct rung_net_work *work, const struct rung_net *net, int64_t count, float *arena)
{
    const struct rung_net_shape *shape = &net->shape;
    int64_t at = 0, widest = 0, rows = padded(count);
    for (int l = 0; l <= shape->layers; l++) {
        int64_t size = rows * padded(shape->size[l]);
        work->value[l] = arena ? arena + at : NULL;
        at += size;
        if (l > 0 && l < shape->layers) {
            widest = size > widest ? size : widest;
            work->before[l] = arena ? arena + at : NULL;
            at += shape->activation == RUNG_ACT_PRELU ? size : 0;
        }
    }
    for (int i = 0; i < 2; i++) {
        work->delta[i] = arena ? arena + at : NULL;
        at += net->wide ? widest : 0;
    }
    work->y = arena ? arena + at : NULL;
    at += rows * padded(shape->size[shape->layers]);
    work->gradient = arena ? arena + at : NULL;
    return at + net->total;
}

static bool same_shape(const struct rung_net_shape *a, const struct rung_net_shape *b)
{
    return a->layers == b->layers && a->activation == b->activation &&
           memcmp(a->size, b->size, sizeof a->size[0] * ((size_t)a->layers + 1)) == 0;
}

void rung_net_work_fit(struct rung_net_work *work, const struct rung_net *net, int64_t count)
{
    if (count <= work->count && same_shape(&net->shape, &work->shape))
        return;
    int64_t size = carve(work, net, count, NULL);
    if (size > work->arena_size) {
        rung_kernel_free(work->arena);
        work->arena = rung_kernel_alloc((size_t)size);
        work->arena_size = size;
    } else {
        /* What pads rows and columns must be zero, whatever another network left there. */
        memset(work->arena, 0, sizeof(float) * (size_t)size);
    }
    carve(work, net, count, work->arena);
    if (padded(count) > work->labels) {
        rung_kernel_free((float *)(void *)work->label);
        work->labels = padded(count);
        work->label = (int32_t *)(void *)rung_kernel_alloc((size_t)work->labels);
    }
    work->shape = net->shape;
    work->count = count;
}

const float *rung_net_work_gradient(const struct rung_net_work *work)
{
    return work->gradient;
}

static int64_t blocks_of(int64_t count)
{
    return (count + RUNG_BLOCK - 1) / RUNG_BLOCK;
}

/* What follows a hidden layer's sums: z (floats of it) to activations. The relus of a narrow
 * network are behind it already. */
static void activate(const struct rung_net *net, struct rung_net_work *work, int layer, float *z,
                     int64_t floats)
{
    enum rung_activation activation = net->shape.activation;
    if (activation == RUNG_ACT_PRELU)
        work->kernel->prelu(z, work->value[layer], floats, net->params[net->slope + layer - 1]);
    else if (net->wide || (activation != RUNG_ACT_RELU && activation != RUNG_ACT_LEAKY_RELU))
        work->kernel->activate(z, floats, activation);
}

/* Where a layer's sums go. */
static float *sums(const struct rung_net *net, struct rung_net_work *work, int layer)
{
    bool apart = net->shape.activation == RUNG_ACT_PRELU && layer < net->shape.layers;
    return apart ? work->before[layer] : work->value[layer];
}

static void narrow_forward(const struct rung_net *net, struct rung_net_work *work,
                           const struct rung_net_batch *batch)
{
    const struct rung_net_shape *shape = &net->shape;
    int64_t blocks = blocks_of(batch->count);
    work->kernel->gather(batch->x, shape->size[0], batch->rows, shape->size[0], batch->count, work->value[0]);
    for (int l = 0; l < shape->layers; l++) {
        bool last = l + 1 == shape->layers;
        int in = shape->size[l], out = shape->size[l + 1];
        float *z = sums(net, work, l + 1);
        work->kernel->forward(net->params + net->weight[l], net->params + net->bias[l], work->value[l], z, in,
                              out, blocks, last ? RUNG_ACT_IDENTITY : shape->activation);
        if (!last)
            activate(net, work, l + 1, z, blocks * RUNG_BLOCK * out);
    }
}

/* From the gradient at the outputs to that of all parameters. A layer's activations are replaced by
 * their gradient once the weights behind it have theirs. */
static void narrow_backward(const struct rung_net *net, struct rung_net_work *work, int64_t count)
{
    const struct rung_net_shape *shape = &net->shape;
    int64_t blocks = blocks_of(count);
    for (int l = shape->layers - 1; l >= 0; l--) {
        int in = shape->size[l], out = shape->size[l + 1];
        work->kernel->gradient(work->value[l + 1], work->value[l], work->gradient + net->weight[l],
                               work->gradient + net->bias[l], in, out, blocks);
        if (l == 0)
            break;
        work->kernel->backward(net->params + net->weight[l], work->value[l + 1], work->value[l], in, out,
                               blocks, shape->activation);
        if (shape->activation == RUNG_ACT_PRELU)
            work->gradient[net->slope + l - 1] = (float)work->kernel->prelu_derive(
                work->before[l], work->value[l], blocks * RUNG_BLOCK * in, net->params[net->slope + l - 1]);
    }
}

/* The inputs as a matrix, a row every *stride floats: the caller's own where they lie in order. */
static const float *wide_inputs(const struct rung_net *net, struct rung_net_work *work,
                                const struct rung_net_batch *batch, int *stride)
{
    int in = net->shape.size[0];
    *stride = in;
    if (!batch->rows)
        return batch->x;
    for (int64_t r = 0; r < batch->count; r++)
        memcpy(work->value[0] + r * in, batch->x + (int64_t)batch->rows[r] * in, sizeof(float) * (size_t)in);
    return work->value[0];
}

static void wide_forward(const struct rung_net *net, struct rung_net_work *work,
                         const struct rung_net_batch *batch)
{
    const struct rung_net_shape *shape = &net->shape;
    int from_stride, rows = (int)batch->count;
    const float *from = wide_inputs(net, work, batch, &from_stride);
    for (int l = 0; l < shape->layers; l++) {
        int in = shape->size[l], out = shape->size[l + 1], stride = (int)padded(out);
        float *z = sums(net, work, l + 1);
        rung_blas_gemm(false, true, rows, out, in, 1, from, from_stride, net->params + net->weight[l], in, 0,
                       z, stride);
        work->kernel->add_to_rows(z, stride, rows, stride, net->params + net->bias[l]);
        if (l + 1 < shape->layers)
            activate(net, work, l + 1, z, (int64_t)rows * stride);
        from = work->value[l + 1];
        from_stride = stride;
    }
}

/* The gradient of hidden layer l's sums from d, that of the layer behind it. */
static float *wide_delta(const struct rung_net *net, struct rung_net_work *work, int l, const float *d,
                         int rows)
{
    const struct rung_net_shape *shape = &net->shape;
    int in = shape->size[l], out = shape->size[l + 1], stride = (int)padded(in);
    float *delta = work->delta[l % 2];
    rung_blas_gemm(false, false, rows, in, out, 1, d, (int)padded(out), net->params + net->weight[l], in, 0,
                   delta, stride);
    if (shape->activation == RUNG_ACT_PRELU)
        work->gradient[net->slope + l - 1] = (float)work->kernel->prelu_derive(
            work->before[l], delta, (int64_t)rows * stride, net->params[net->slope + l - 1]);
    else
        work->kernel->derive(work->value[l], delta, (int64_t)rows * stride, shape->activation);
    return delta;
}

static void wide_backward(const struct rung_net *net, struct rung_net_work *work,
                          const struct rung_net_batch *batch)
{
    const struct rung_net_shape *shape = &net->shape;
    int rows = (int)batch->count;
    const float *d = work->value[shape->layers];
    for (int l = shape->layers - 1; l >= 0; l--) {
        int in = shape->size[l], out = shape->size[l + 1], stride = (int)padded(out);
        bool first = l == 0;
        const float *a = first && !batch->rows ? batch->x : work->value[l];
        float *gb = work->gradient + net->bias[l];
        rung_blas_gemm(true, false, out, in, rows, 1, d, stride, a, first ? in : (int)padded(in), 0,
                       work->gradient + net->weight[l], in);
        memset(gb, 0, sizeof(float) * (size_t)stride);
        work->kernel->add_rows(d, stride, rows, stride, gb);
        if (!first)
            d = wide_delta(net, work, l, d, rows);
    }
}

static void forward(const struct rung_net *net, struct rung_net_work *work,
                    const struct rung_net_batch *batch)
{
    if (net->wide)
        wide_forward(net, work, batch);
    else
        narrow_forward(net, work, batch);
}

static bool has_labels(const struct rung_net *net)
{
    return net->target.loss == RUNG_LOSS_SOFTMAX || net->target.loss == RUNG_LOSS_LOGISTIC;
}

/* Loss of labelled outputs, which become its gradient. Wide: by way of blocks. */
static double label_loss(const struct rung_net *net, struct rung_net_work *work,
                         const struct rung_net_batch *batch, int64_t *correct)
{
    int outputs = net->target.outputs;
    int64_t stride = padded(outputs), count = batch->count;
    float *z = work->value[net->shape.layers], *blocks = net->wide ? work->y : z;
    memcpy(work->label, batch->label, sizeof(int32_t) * (size_t)count);
    if (net->wide)
        work->kernel->gather(z, stride, NULL, outputs, count, blocks);
    if (correct)
        *correct = work->kernel->correct(blocks, work->label, outputs, count);
    double total = rung_loss_blocks(&net->target, work->kernel, blocks, work->label, NULL, count);
    if (net->wide)
        work->kernel->scatter(blocks, outputs, count, z, stride);
    return total;
}

static double squared_loss(const struct rung_net *net, struct rung_net_work *work,
                           const struct rung_net_batch *batch)
{
    int outputs = net->target.outputs;
    int64_t stride = padded(outputs), count = batch->count;
    float *z = work->value[net->shape.layers];
    if (!net->wide) {
        work->kernel->gather(batch->y, outputs, NULL, outputs, count, work->y);
        return rung_loss_blocks(&net->target, work->kernel, z, NULL, work->y, count);
    }
    for (int64_t r = 0; r < count; r++)
        memcpy(work->y + r * stride, batch->y + r * outputs, sizeof(float) * (size_t)outputs);
    return rung_loss_rows(&net->target, work->kernel, z, work->y, stride, count);
}

double rung_net_gradient(const struct rung_net *net, struct rung_net_work *work,
                         const struct rung_net_batch *batch)
{
    double total = rung_net_loss(net, work, batch, NULL);
    if (net->wide)
        wide_backward(net, work, batch);
    else
        narrow_backward(net, work, batch->count);
    return total;
}

double rung_net_loss(const struct rung_net *net, struct rung_net_work *work,
                     const struct rung_net_batch *batch, int64_t *correct)
{
    forward(net, work, batch);
    return has_labels(net) ? label_loss(net, work, batch, correct) : squared_loss(net, work, batch);
}

void rung_net_predict(const struct rung_net *net, struct rung_net_work *work,
                      const struct rung_net_batch *batch, float *out)
{
    int outputs = net->target.outputs;
    int64_t stride = padded(outputs), count = batch->count;
    float *z = work->value[net->shape.layers];
    forward(net, work, batch);
    if (net->target.squash)
        work->kernel->activate(z, net->wide ? count * stride : padded(count) * outputs, RUNG_ACT_LOGISTIC);
    if (!net->wide) {
        work->kernel->scatter(z, outputs, count, out, outputs);
        return;
    }
    for (int64_t r = 0; r < count; r++)
        memcpy(out + r * outputs, z + r * stride, sizeof(float) * (size_t)outputs);
}
