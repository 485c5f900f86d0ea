/*
 * Networks: gradients against finite differences of the same in double, both ways of computing,
 * first weights, and weights that scikit-learn reached from the same start.
 */
#include "trainer/net.h"
#include "trainer/optim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ACTIVATIONS (RUNG_ACT_ELU + 1)
#define EXAMPLES    37
#define WIDTH_MAX   64

/* A network, its examples, and room for them. */
struct bed {
    struct rung_net net;
    struct rung_net_work *work;
    float *x, *y;
    int32_t label[EXAMPLES];
    uint32_t rows[EXAMPLES];
    struct rung_net_batch batch;
};

static void bed_make(struct bed *bed, const int *sizes, enum rung_activation activation, enum rung_loss loss,
                     bool squash, bool wide)
{
    struct rung_net_shape shape = {.activation = activation, .loss = loss, .squash = squash};
    struct rung_random random;
    for (shape.layers = 0; sizes[shape.layers]; shape.layers++)
        shape.size[shape.layers] = sizes[shape.layers];
    shape.layers--;
    int in = shape.size[0], out = shape.size[shape.layers];
    rung_net_layout(&bed->net, &shape);
    bed->net.wide = wide;
    bed->net.params = rung_kernel_alloc((size_t)bed->net.total);
    rung_random_seed(&random, 7, "test", 0);
    rung_net_init(&bed->net, RUNG_INIT_KAIMING_NORMAL, &random);
    bed->work = rung_net_work_new(rung_kernel_best());
    rung_net_work_fit(bed->work, &bed->net, EXAMPLES);
    bed->x = rung_kernel_alloc((size_t)(EXAMPLES * in));
    bed->y = rung_kernel_alloc((size_t)(EXAMPLES * out));
    for (int i = 0; i < EXAMPLES * in; i++)
        bed->x[i] = (float)rung_random_normal(&random);
    for (int i = 0; i < EXAMPLES * out; i++)
        bed->y[i] = (float)rung_random_unit(&random);
    for (int i = 0; i < EXAMPLES; i++) {
        bed->label[i] = (int32_t)rung_random_below(&random, out > 1 ? (uint64_t)out : 2);
        bed->rows[i] = (uint32_t)((i * 5 + 3) % EXAMPLES);
    }
    bed->batch = (struct rung_net_batch){bed->x, bed->rows, bed->label, bed->y, EXAMPLES};
}

static void bed_free(struct bed *bed)
{
    rung_kernel_free(bed->net.params);
    rung_kernel_free(bed->x);
    rung_kernel_free(bed->y);
    rung_net_work_free(bed->work);
}

static double activation_in_double(enum rung_activation activation, double z, double slope)
{
    switch (activation) {
    case RUNG_ACT_LOGISTIC:
        return 1 / (1 + exp(-z));
    case RUNG_ACT_TANH:
        return tanh(z);
    case RUNG_ACT_RELU:
        return z > 0 ? z : 0;
    case RUNG_ACT_LEAKY_RELU:
        return z > 0 ? z : (double)RUNG_LEAKY_SLOPE * z;
    case RUNG_ACT_PRELU:
        return z > 0 ? z : slope * z;
    case RUNG_ACT_ELU:
        return z > 0 ? z : expm1(z);
    default:
        return z;
    }
}

/* The outputs of one example, before softmax or logistic. */
static void outputs_in_double(const struct rung_net *net, const double *params, const float *x,
                              double *values)
{
    double next[WIDTH_MAX];
    for (int i = 0; i < net->shape.size[0]; i++)
        values[i] = (double)x[i];
    for (int l = 0; l < net->shape.layers; l++) {
        int in = net->shape.size[l], out = net->shape.size[l + 1];
        for (int o = 0; o < out; o++) {
            double z = params[net->bias[l] + o];
            for (int i = 0; i < in; i++)
                z += params[net->weight[l] + o * in + i] * values[i];
            next[o] = l + 1 == net->shape.layers
                          ? z
                          : activation_in_double(
                                net->shape.activation, z,
                                net->shape.activation == RUNG_ACT_PRELU ? params[net->slope + l] : 0);
        }
        memcpy(values, next, sizeof(double) * (size_t)out);
    }
}

static double example_in_double(const struct rung_net *net, const double *z, int32_t label, const float *y)
{
    double sum = 0, loss = 0;
    int outputs = net->target.outputs;
    switch (net->target.loss) {
    case RUNG_LOSS_SOFTMAX:
        for (int o = 0; o < outputs; o++)
            sum += exp(z[o]);
        return log(sum) - z[label];
    case RUNG_LOSS_LOGISTIC:
        return log1p(exp(z[0])) - z[0] * label;
    default:
        for (int o = 0; o < outputs; o++) {
            double p = net->target.squash ? 1 / (1 + exp(-z[o])) : z[o];
            loss += (p - (double)y[o]) * (p - (double)y[o]);
        }
        return net->target.loss == RUNG_LOSS_MEAN_SQUARED ? loss / outputs : loss / 2;
    }
}

/* What the gradient is the gradient of. */
static double objective(const struct bed *bed, const double *params)
{
    double values[WIDTH_MAX], total = 0;
    const struct rung_net *net = &bed->net;
    for (int i = 0; i < EXAMPLES; i++) {
        outputs_in_double(net, params, bed->x + (int)bed->rows[i] * net->shape.size[0], values);
        total += example_in_double(net, values, bed->label[i], bed->y + i * net->target.outputs) / EXAMPLES;
    }
    return total;
}

static void check_gradient(const int *sizes, enum rung_activation activation, enum rung_loss loss,
                           bool squash, bool wide)
{
    struct bed bed;
    const double step = 1e-6;
    bed_make(&bed, sizes, activation, loss, squash, wide);
    double *params = calloc((size_t)bed.net.total, sizeof *params);
    for (int64_t i = 0; i < bed.net.total; i++)
        params[i] = (double)bed.net.params[i];
    double total = rung_net_gradient(&bed.net, bed.work, &bed.batch) / EXAMPLES;
    if (loss == RUNG_LOSS_HALF_SQUARED)
        total /= 2;
    if (loss == RUNG_LOSS_MEAN_SQUARED)
        total /= bed.net.target.outputs;
    assert_true(fabs(total - objective(&bed, params)) < 1e-5);
    for (int64_t i = 0; i < bed.net.total; i++) {
        double kept = params[i];
        params[i] = kept + step;
        double above = objective(&bed, params);
        params[i] = kept - step;
        double slope = (above - objective(&bed, params)) / (2 * step);
        params[i] = kept;
        double found = (double)rung_net_work_gradient(bed.work)[i];
        if (fabs(found - slope) > 2e-6 + 2e-5 * fabs(slope))
            fail_msg("activation %d, loss %d, wide %d, parameter %d: %.9g, not %.9g", activation, loss, wide,
                     (int)i, found, slope);
    }
    free(params);
    bed_free(&bed);
}

static void check_all_activations(bool wide)
{
    static const int many[] = {5, 7, 6, 3, 4, 0}, one[] = {3, 5, 6, 1, 0};
    for (int a = 0; a < ACTIVATIONS; a++) {
        enum rung_activation activation = (enum rung_activation)a;
        check_gradient(many, activation, RUNG_LOSS_SOFTMAX, false, wide);
        check_gradient(one, activation, RUNG_LOSS_LOGISTIC, false, wide);
        check_gradient(one, activation, RUNG_LOSS_HALF_SQUARED, false, wide);
        check_gradient(many, activation, RUNG_LOSS_HALF_SQUARED, true, wide);
        check_gradient(many, activation, RUNG_LOSS_MEAN_SQUARED, false, wide);
        check_gradient(many, activation, RUNG_LOSS_MEAN_SQUARED, true, wide);
    }
}

static void gradients_of_narrow_networks(void **state)
{
    (void)state;
    check_all_activations(false);
}

static void gradients_of_wide_networks(void **state)
{
    (void)state;
    check_all_activations(true);
}

static void a_network_without_hidden_layers(void **state)
{
    static const int sizes[] = {4, 3, 0};
    (void)state;
    check_gradient(sizes, RUNG_ACT_RELU, RUNG_LOSS_SOFTMAX, false, false);
    check_gradient(sizes, RUNG_ACT_PRELU, RUNG_LOSS_MEAN_SQUARED, true, true);
}

/* The slope is under zero: an activation's sign then says nothing of its input's. */
static void prelu_with_a_negative_slope(void **state)
{
    static const int sizes[] = {3, 8, 2, 0};
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct bed a, b;
        bed_make(&a, sizes, RUNG_ACT_PRELU, RUNG_LOSS_MEAN_SQUARED, false, wide);
        bed_make(&b, sizes, RUNG_ACT_PRELU, RUNG_LOSS_MEAN_SQUARED, false, wide);
        a.net.params[a.net.slope] = -0.5F;
        b.net.params[b.net.slope] = -0.5F + 1e-2F;
        double change =
            rung_net_loss(&b.net, b.work, &b.batch, NULL) - rung_net_loss(&a.net, a.work, &a.batch, NULL);
        a.net.params[a.net.slope] += 5e-3F;
        rung_net_gradient(&a.net, a.work, &a.batch);
        double slope = (double)rung_net_work_gradient(a.work)[a.net.slope];
        assert_true(fabs(change / (1e-2 * 2 * EXAMPLES) - slope) < 1e-3 * (1 + fabs(slope)));
        bed_free(&a);
        bed_free(&b);
    }
}

static void rows_in_order_need_no_numbers(void **state)
{
    static const int sizes[] = {5, 7, 4, 0};
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct bed bed;
        float with[256];
        bed_make(&bed, sizes, RUNG_ACT_TANH, RUNG_LOSS_SOFTMAX, false, wide);
        for (uint32_t i = 0; i < EXAMPLES; i++)
            bed.rows[i] = i;
        double total = rung_net_gradient(&bed.net, bed.work, &bed.batch);
        memcpy(with, rung_net_work_gradient(bed.work), sizeof(float) * (size_t)bed.net.total);
        bed.batch.rows = NULL;
        assert_true(rung_net_gradient(&bed.net, bed.work, &bed.batch) == total);
        assert_memory_equal(with, rung_net_work_gradient(bed.work), sizeof(float) * (size_t)bed.net.total);
        bed_free(&bed);
    }
}

/* What the work was used for before must not show in the result. */
static void work_is_shared_without_traces(void **state)
{
    static const int small[] = {5, 7, 4, 0}, large[] = {9, 20, 17, 3, 0};
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct bed a, b;
        float before[256];
        bed_make(&a, small, RUNG_ACT_LOGISTIC, RUNG_LOSS_SOFTMAX, false, wide);
        bed_make(&b, large, RUNG_ACT_PRELU, RUNG_LOSS_SOFTMAX, false, wide);
        rung_net_gradient(&a.net, a.work, &a.batch);
        memcpy(before, rung_net_work_gradient(a.work), sizeof(float) * (size_t)a.net.total);
        for (int64_t i = 0; i < b.net.total; i++)
            b.net.params[i] = NAN;
        rung_net_work_fit(a.work, &b.net, EXAMPLES);
        assert_false(isfinite(rung_net_gradient(&b.net, a.work, &b.batch)));
        rung_net_work_fit(a.work, &a.net, 5);
        rung_net_work_fit(a.work, &a.net, EXAMPLES);
        rung_net_gradient(&a.net, a.work, &a.batch);
        assert_memory_equal(before, rung_net_work_gradient(a.work), sizeof(float) * (size_t)a.net.total);
        bed_free(&a);
        bed_free(&b);
    }
}

static void predictions_are_what_losses_judge(void **state)
{
    static const int sizes[] = {5, 7, 4, 0};
    (void)state;
    for (int wide = 0; wide < 2; wide++)
        for (int squash = 0; squash < 2; squash++) {
            struct bed bed;
            float out[EXAMPLES * 4];
            double expected = 0;
            bed_make(&bed, sizes, RUNG_ACT_ELU, RUNG_LOSS_MEAN_SQUARED, squash, wide);
            double total = rung_net_loss(&bed.net, bed.work, &bed.batch, NULL);
            rung_net_predict(&bed.net, bed.work, &bed.batch, out);
            for (int i = 0; i < EXAMPLES * 4; i++)
                expected += ((double)out[i] - (double)bed.y[i]) * ((double)out[i] - (double)bed.y[i]);
            assert_true(fabs(total - expected) < 1e-5 * expected);
            bed_free(&bed);
        }
}

static void hits_are_counted(void **state)
{
    static const int sizes[] = {5, 7, 4, 0};
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct bed bed;
        float out[EXAMPLES * 4];
        int64_t correct = 0;
        int expected = 0;
        bed_make(&bed, sizes, RUNG_ACT_RELU, RUNG_LOSS_SOFTMAX, false, wide);
        rung_net_predict(&bed.net, bed.work, &bed.batch, out);
        rung_net_loss(&bed.net, bed.work, &bed.batch, &correct);
        for (int i = 0; i < EXAMPLES; i++) {
            int best = 0;
            for (int o = 1; o < 4; o++)
                best = out[i * 4 + o] > out[i * 4 + best] ? o : best;
            expected += best == bed.label[i];
        }
        assert_int_equal(correct, expected);
        bed_free(&bed);
    }
}

static void size_decides_the_way(void **state)
{
    struct rung_net net;
    struct rung_net_shape shape = {
        .layers = 2, .size = {6, 24, 4}, .activation = RUNG_ACT_RELU, .loss = RUNG_LOSS_SOFTMAX};
    (void)state;
    rung_net_layout(&net, &shape);
    assert_false(net.wide);
    assert_int_equal(net.weights, 144 + 96);
    assert_int_equal(net.total, 144 + 96 + 32 + 16);
    shape.size[0] = 784;
    shape.size[1] = 256;
    rung_net_layout(&net, &shape);
    assert_true(net.wide);
}

/* Mean and spread of a large layer's weights. */
static void first_weights_have_their_spread(void **state)
{
    struct rung_net_shape shape = {
        .layers = 2, .size = {100, 200, 3}, .activation = RUNG_ACT_PRELU, .loss = RUNG_LOSS_SOFTMAX};
    struct rung_random random;
    struct rung_net net;
    (void)state;
    rung_net_layout(&net, &shape);
    net.params = rung_kernel_alloc((size_t)net.total);
    for (int init = 0; init <= RUNG_INIT_KAIMING_NORMAL; init++) {
        double sum = 0, squares = 0, most = 0,
               spread = rung_init_spread((enum rung_init)init, shape.activation, 100, 200);
        bool normal = rung_init_is_normal((enum rung_init)init);
        rung_random_seed(&random, 3, "weights", 0);
        rung_net_init(&net, (enum rung_init)init, &random);
        for (int i = 0; i < 20000; i++) {
            double w = (double)net.params[net.weight[0] + i];
            sum += w;
            squares += w * w;
            most = fabs(w) > most ? fabs(w) : most;
        }
        double sd = normal ? spread : spread / sqrt(3);
        assert_true(fabs(sum / 20000) < 4 * sd / sqrt(20000));
        assert_true(fabs(sqrt(squares / 20000) / sd - 1) < 0.02);
        assert_true(normal ? most > 3 * sd : most <= spread);
        assert_true(net.params[net.bias[0]] != 0.0F && net.params[net.bias[1] + 2] != 0.0F);
        assert_true(net.params[net.slope] == RUNG_PRELU_START && net.params[net.slope + 1] == 0.0F);
    }
    rung_kernel_free(net.params);
}

/* Examples and first weights as sines, made in the same way in Python, and weights after four
 * passes in batches of 8, 8 and 4 with alpha 0.05, by scikit-learn 1.2.1's partial_fit with
 * shuffle=False. (Adam's epsilon stands elsewhere in scikit-learn's formula: here it is too small to
 * matter.) */
struct from_sklearn {
    enum rung_activation activation;
    enum rung_loss loss;
    struct rung_optim optim;
    int outputs;
    double last[12], bias[3], first[5];
};

static const struct from_sklearn SKLEARN[] = {
    {RUNG_ACT_RELU,
     RUNG_LOSS_SOFTMAX,
     {.solver = RUNG_SOLVER_SGD,
      .schedule = RUNG_SCHEDULE_INVSCALING,
      .learning_rate_init = 0.2,
      .power_t = 0.3,
      .momentum = 0.8,
      .nesterov = true,
      .alpha = 0.05},
     3,
     {-0.322779447, 0.484189031, 0.340390743, -0.485054125, -0.315296577, 0.469213252, 0.324819924,
      -0.44265483, -0.339662295, 0.465887402, 0.325090346, -0.482815183},
     {-0.0126278448, 0.125204364, -0.133656513},
     {0.523282319, 0.241939543, -0.521203084, -0.245768232, 0.518380785}},
    {RUNG_ACT_TANH,
     RUNG_LOSS_SOFTMAX,
     {.solver = RUNG_SOLVER_ADAM,
      .learning_rate_init = 0.02,
      .beta_1 = 0.9,
      .beta_2 = 0.999,
      .epsilon = 1e-12,
      .alpha = 0.05},
     3,
     {-0.368452849, 0.382935112, 0.367091552, -0.387346938, -0.296870709, 0.379631457, 0.275348234,
      -0.401943523, -0.21851908, 0.602802342, 0.232791548, -0.552451432},
     {0.0161380656, 0.077851682, -0.114408358},
     {0.313537033, 0.0755558061, -0.323757471, -0.0681040624, 0.312005635}},
    {RUNG_ACT_LOGISTIC,
     RUNG_LOSS_LOGISTIC,
     {.solver = RUNG_SOLVER_SGD, .learning_rate_init = 0.5, .momentum = 0.9, .alpha = 0.05},
     1,
     {-0.261348797, 0.327547014, 0.249713337, -0.337535997},
     {0.0578939608},
     {0.45370363, 0.16424699, -0.384269636, -0.203836808, 0.428160003}},
    {RUNG_ACT_IDENTITY,
     RUNG_LOSS_HALF_SQUARED,
     {.solver = RUNG_SOLVER_SGD,
      .learning_rate_init = 0.05,
      .momentum = 0.9,
      .nesterov = true,
      .alpha = 0.05},
     1,
     {-0.238609557, 0.316530181, 0.223570577, -0.306590625},
     {0.027887601},
     {0.560574802, 0.175363563, -0.418923331, -0.241072974, 0.52541106}},
};

static void sine_weights(struct rung_net *net)
{
    int k = 0;
    for (int l = 0; l < net->shape.layers; l++)
        for (int i = 0; i < net->shape.size[l] * net->shape.size[l + 1]; i++)
            net->params[net->weight[l] + i] = (float)(0.6 * sin(11.0 * k++ + 2));
    for (int l = 0; l < net->shape.layers; l++)
        for (int o = 0; o < net->shape.size[l + 1]; o++)
            net->params[net->bias[l] + o] = (float)(0.1 * cos(3.0 * k++));
}

static void train_like_sklearn(const struct from_sklearn *run, struct rung_net *net)
{
    float x[20 * 3], y[20], *state = rung_kernel_alloc(2 * (size_t)net->total);
    int32_t label[20];
    struct rung_net_work *work = rung_net_work_new(rung_kernel_best());
    int64_t steps = 0;
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 3; j++)
            x[i * 3 + j] = (float)sin(7.0 * i + 3.0 * j + 1);
        y[i] = (float)cos(5.0 * i);
        label[i] = run->outputs == 3 ? i % 3 : i / 2 % 2;
    }
    rung_net_work_fit(work, net, 8);
    for (int call = 0; call < 4; call++)
        for (int first = 0; first < 20; first += 8) {
            struct rung_net_batch batch = {x + first * 3, NULL, label + first, y + first,
                                           first + 8 > 20 ? 20 - first : 8};
            struct rung_optim_block block = {net->params,  rung_net_work_gradient(work),
                                             state,        state + net->total,
                                             net->weights, net->total};
            rung_net_gradient(net, work, &batch);
            rung_optim_step(&run->optim, rung_kernel_best(), &block,
                            rung_optim_rate(&run->optim, 20.0 * call), steps++, batch.count);
        }
    rung_net_work_free(work);
    rung_kernel_free(state);
}

static void scikit_learn_gets_the_same_weights(void **state)
{
    (void)state;
    for (size_t r = 0; r < sizeof SKLEARN / sizeof *SKLEARN; r++)
        for (int wide = 0; wide < 2; wide++) {
            const struct from_sklearn *run = &SKLEARN[r];
            struct rung_net_shape shape = {.layers = 3,
                                           .size = {3, 5, 4, run->outputs},
                                           .activation = run->activation,
                                           .loss = run->loss};
            struct rung_net net;
            rung_net_layout(&net, &shape);
            net.wide = wide;
            net.params = rung_kernel_alloc((size_t)net.total);
            sine_weights(&net);
            train_like_sklearn(run, &net);
            for (int i = 0; i < 4 * run->outputs; i++)
                assert_true(fabs((double)net.params[net.weight[2] + i] - run->last[i]) < 2e-6);
            for (int i = 0; i < run->outputs; i++)
                assert_true(fabs((double)net.params[net.bias[2] + i] - run->bias[i]) < 2e-6);
            for (int i = 0; i < 5; i++)
                assert_true(fabs((double)net.params[net.weight[0] + i] - run->first[i]) < 2e-6);
            rung_kernel_free(net.params);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_narrow_networks),
        cmocka_unit_test(gradients_of_wide_networks),
        cmocka_unit_test(a_network_without_hidden_layers),
        cmocka_unit_test(prelu_with_a_negative_slope),
        cmocka_unit_test(rows_in_order_need_no_numbers),
        cmocka_unit_test(work_is_shared_without_traces),
        cmocka_unit_test(predictions_are_what_losses_judge),
        cmocka_unit_test(hits_are_counted),
        cmocka_unit_test(size_decides_the_way),
        cmocka_unit_test(first_weights_have_their_spread),
        cmocka_unit_test(scikit_learn_gets_the_same_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
