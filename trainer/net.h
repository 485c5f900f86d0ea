/*
 * A fully connected network as one block of parameters, and its gradient as another.
 *
 * Two ways of computing, chosen by the network's size: narrow ones with our own kernels over blocks
 * of examples (kernel.h), where a call into a BLAS costs more than the arithmetic; wide ones with
 * OpenBLAS over row-major matrices, a row an example. A network always takes the same way.
 */
#ifndef RUNG_TRAINER_NET_H
#define RUNG_TRAINER_NET_H

#include "loss.h"
#include "random.h"

#define RUNG_NET_LAYERS_MAX 33

/* What decides the parameters' number and meaning. */
struct rung_net_shape {
    int layers;                        /* of weights: hidden layers and the output's */
    int size[RUNG_NET_LAYERS_MAX + 1]; /* inputs, hidden units, outputs; all at least 1 */
    enum rung_activation activation;   /* of hidden layers */
    enum rung_loss loss;
    bool squash; /* see struct rung_target */
};

/* Parameters: weights of each layer (outputs × inputs, row-major), then biases of each layer, then
 * with PReLU a slope per hidden layer. Each of these starts at a multiple of RUNG_BLOCK; what lies
 * between is zero and stays zero. */
struct rung_net {
    struct rung_net_shape shape;
    struct rung_target target;
    bool wide;
    int64_t weight[RUNG_NET_LAYERS_MAX]; /* where each layer's weights start */
    int64_t bias[RUNG_NET_LAYERS_MAX];
    int64_t slope;   /* where the slopes start */
    int64_t weights; /* floats of all weights: the run that l2 regularisation acts on */
    int64_t total;   /* floats of all parameters */
    float *params;   /* total floats, aligned; not owned */
};

/* Examples to learn from or to judge by: count of them. */
struct rung_net_batch {
    const float *x;       /* row-major */
    const uint32_t *rows; /* which rows of x; NULL: the first `count` */
    const int32_t *label; /* count labels; classification */
    const float *y;       /* count × outputs, row-major; squared losses */
    int64_t count;
};

/* Room for a batch's intermediate values, shared by the networks of one process. */
struct rung_net_work;

/* Fills net for the shape; net->params is the caller's to set (net->total floats). */
void rung_net_layout(struct rung_net *net, const struct rung_net_shape *shape);

/* Most weights that a shape may have. */
#define RUNG_NET_WEIGHTS_MAX (1 << 28)

/* Parameters drawn anew: weights as init says, biases as scikit-learn has them (uniform within
 * Xavier's bound), PReLU slopes 0.25. */
void rung_net_init(struct rung_net *net, enum rung_init init, struct rung_random *random);

struct rung_net_work *rung_net_work_new(const struct rung_kernel *kernel);
void rung_net_work_free(struct rung_net_work *work); /* NULL is fine */

/* Makes room for batches of up to count examples of this network. Needed before the three functions
 * below, whenever another network or a larger count comes. */
void rung_net_work_fit(struct rung_net_work *work, const struct rung_net *net, int64_t count);

/* The sum of the batch's losses; the mean loss's gradient is then at rung_net_work_gradient. */
double rung_net_gradient(const struct rung_net *net, struct rung_net_work *work,
                         const struct rung_net_batch *batch);
const float *rung_net_work_gradient(const struct rung_net_work *work);

/* The sum of the batch's losses, nothing else; *correct (NULL is fine): examples whose most likely
 * class is theirs. */
double rung_net_loss(const struct rung_net *net, struct rung_net_work *work,
                     const struct rung_net_batch *batch, int64_t *correct);

/* Outputs, count × outputs, row-major: of squared losses what is compared with the target, of the
 * others before softmax or logistic. */
void rung_net_predict(const struct rung_net *net, struct rung_net_work *work,
                      const struct rung_net_batch *batch, float *out);

#endif
