/*
 * How fast rung-trainer mlp trains, in processor time of one thread: whole calls on four circles' networks,
 * and a wide network against the processor's own matrix product.
 *
 *     mlp             everything, with the matrix kernel that rung-trainer chooses
 *     mlp gemm        only the matrix product, with the kernel that OpenBLAS chooses by itself
 *     mlp threshold   square networks, narrow way against wide: where the second begins to win
 */
#include "trainer/blas.h"
#include "trainer/builtin.h"
#include "trainer/net.h"
#include "trainer/optim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEATS 7 /* the best counts */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others may be using the machine */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const struct rung_err *err)
{
    fprintf(stderr, "mlp: %s\n", err->text);
    exit(1);
}

static struct rung_json *parse(const char *text)
{
    struct rung_err err;
    struct rung_json *json = rung_json_parse(text, strlen(text), 0, &err);
    if (!json)
        fail(&err);
    return json;
}

/* Floating-point operations a second of one product: the best of some repeats. */
static double gemm_speed(int m, int n, int k, int repeats)
{
    float *a = rung_kernel_alloc((size_t)m * (size_t)k), *b = rung_kernel_alloc((size_t)k * (size_t)n);
    float *c = rung_kernel_alloc((size_t)m * (size_t)n);
    double operations = 2.0 * m * n * k, best = 0;
    int rounds = (int)(5e9 / operations) + 1;
    for (int i = 0; i < m * k; i++)
        a[i] = (float)(i % 7) - 3;
    for (int i = 0; i < k * n; i++)
        b[i] = (float)(i % 5) - 2;
    for (int r = 0; r < repeats; r++) {
        double start = now();
        for (int i = 0; i < rounds; i++)
            rung_blas_gemm(false, true, m, n, k, 1, a, k, b, k, 0, c, n);
        double speed = operations * rounds / (now() - start);
        best = speed > best ? speed : best;
    }
    rung_kernel_free(a);
    rung_kernel_free(b);
    rung_kernel_free(c);
    return best;
}

static double gemm_report(void)
{
    char platform[256];
    rung_blas_platform(platform, sizeof platform);
    double layer = gemm_speed(256, 256, 784, REPEATS), large = gemm_speed(1024, 1024, 1024, REPEATS);
    printf("sgemm: %.1f Gflop/s at 256 x 256 x 784, %.1f at 1024 x 1024 x 1024 (%s)\n", layer / 1e9,
           large / 1e9, platform);
    return layer > large ? layer : large;
}

/* Whole calls of the trainer: order of the call, shuffle, all batches. Examples a second. */
static double calls_speed(void *context, const char *hidden, int batch)
{
    const struct rung_trainer *trainer = rung_mlp.trainer;
    char text[200];
    struct rung_err err;
    struct rung_trainer_report report;
    void *model;
    double best = 0;
    snprintf(text, sizeof text,
             "{\"hidden_layer_sizes\":%s,\"batch_size\":%d,\"learning_rate_init\":0.001,\"momentum\":0.9}",
             hidden, batch);
    struct rung_json *parameters = parse(text);
    struct rung_trainer_task task = {.model = 0, .seed = 1, .parameters = parameters};
    if (trainer->create(context, &task, &model, &err) < 0)
        fail(&err);
    int64_t call = 0;
    for (int r = 0; r < REPEATS; r++) {
        int64_t examples = 0;
        double start = now();
        while (now() - start < 0.1) {
            memset(&report, 0, sizeof report);
            if (trainer->train(context, model, call++, &report, &err) < 0)
                fail(&err);
            examples += report.examples;
        }
        double speed = (double)examples / (now() - start);
        best = speed > best ? speed : best;
    }
    trainer->destroy(context, model);
    rung_json_free(parameters);
    return best;
}

static void narrow_report(void)
{
    static const char *const nets[] = {"[24]", "[12,12]", "[6,6,6,6]", "[4,4,4,4,4,4]", "[12,6,3,3]"};
    static const int batches[] = {32, 200, 512};
    struct rung_json *settings =
        parse("{\"data\":{\"generator\":\"four_circles\",\"examples\":60000,\"test\":10000}}");
    struct rung_trainer_start start = {
        .search = "bench", .seed = 1, .threads = 1, .examples_per_call = 8361, .settings = settings};
    struct rung_err err;
    void *context;
    if (rung_mlp.trainer->setup(&start, &context, &err) < 0)
        fail(&err);
    printf("four circles, calls of 8361 examples, sgd with Nesterov's momentum, kernel %s; million examples "
           "a second\n",
           rung_kernel_best()->name);
    printf("%-22s batch 32  batch 200  batch 512\n", "hidden layers");
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++) {
        printf("%-22s", nets[n]);
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
            printf("%*.2f", b ? 11 : 8, calls_speed(context, nets[n], batches[b]) / 1e6);
        printf("\n");
        fflush(stdout);
    }
    rung_mlp.trainer->teardown(context);
    rung_json_free(settings);
}

/* A network with examples to train on. */
struct bed {
    struct rung_net net;
    struct rung_net_work *work;
    float *floats, *x;
    int32_t *label;
    uint32_t *rows;
    int count, batch;
};

static void bed_make(struct bed *bed, int in, int hidden, int out, int count, int batch)
{
    struct rung_net_shape shape = {
        .layers = 2, .size = {in, hidden, out}, .activation = RUNG_ACT_RELU, .loss = RUNG_LOSS_SOFTMAX};
    struct rung_random random;
    rung_random_seed(&random, 1, "bench", 0);
    rung_net_layout(&bed->net, &shape);
    bed->floats = rung_kernel_alloc(2 * (size_t)bed->net.total);
    bed->net.params = bed->floats;
    rung_net_init(&bed->net, RUNG_INIT_XAVIER_UNIFORM, &random);
    bed->work = rung_net_work_new(rung_kernel_best());
    bed->x = rung_kernel_alloc((size_t)count * (size_t)in);
    bed->label = malloc(sizeof *bed->label * (size_t)count);
    bed->rows = malloc(sizeof *bed->rows * (size_t)count);
    bed->count = count;
    bed->batch = batch;
    for (int i = 0; i < count * in; i++)
        bed->x[i] = (float)rung_random_unit(&random);
    for (int i = 0; i < count; i++) {
        bed->label[i] = (int32_t)rung_random_below(&random, (uint64_t)out);
        bed->rows[i] = (uint32_t)i;
    }
    rung_random_shuffle(&random, bed->rows, count);
}

static void bed_free(struct bed *bed)
{
    rung_net_work_free(bed->work);
    rung_kernel_free(bed->floats);
    rung_kernel_free(bed->x);
    free(bed->label);
    free(bed->rows);
}

/* Forward, backward, update over all batches: examples a second, the best of some repeats. */
static double bed_speed(struct bed *bed, int repeats)
{
    struct rung_optim optim = {.momentum = 0.9, .nesterov = true, .alpha = 1e-4};
    double best = 0;
    rung_net_work_fit(bed->work, &bed->net, bed->batch);
    struct rung_optim_block block = {.params = bed->floats,
                                     .gradient = rung_net_work_gradient(bed->work),
                                     .s = bed->floats + bed->net.total,
                                     .weights = bed->net.weights,
                                     .total = bed->net.total};
    for (int r = 0; r < repeats; r++) {
        int64_t examples = 0;
        double start = now();
        while (now() - start < 0.2)
            for (int first = 0; first + bed->batch <= bed->count; first += bed->batch) {
                struct rung_net_batch batch = {bed->x, bed->rows + first, bed->label + first, NULL,
                                               bed->batch};
                rung_net_gradient(&bed->net, bed->work, &batch);
                rung_optim_step(&optim, rung_kernel_best(), &block, 1e-3, 0, bed->batch);
                examples += bed->batch;
            }
        double speed = (double)examples / (now() - start);
        best = speed > best ? speed : best;
    }
    return best;
}

/* The network and the product in turn, so that both meet the same machine. */
static void wide_report(double gemm)
{
    struct bed bed;
    double speed = 0;
    bed_make(&bed, 784, 256, 10, 8192, 256);
    for (int r = 0; r < REPEATS; r++) {
        double again = gemm_speed(1024, 1024, 1024, 1), examples = bed_speed(&bed, 1);
        gemm = again > gemm ? again : gemm;
        speed = examples > speed ? examples : speed;
    }
    /* Forward and the weights' gradients of both layers, the inputs' gradient of the second. */
    double operations = 2.0 * (2 * (784 * 256 + 256 * 10) + 256 * 10);
    printf("784-256-10 at batch 256: %.0f examples a second, %.1f Gflop/s, %.0f %% of sgemm's best\n", speed,
           speed * operations / 1e9, 100 * speed * operations / gemm);
    bed_free(&bed);
}

/* Both ways on networks N-N-10, batch 128. */
static void threshold_report(void)
{
    printf("N-N-10 at batch 128, thousand examples a second\n    N   narrow     wide\n");
    for (int n = 16; n <= 256; n += n < 64 ? 16 : n < 128 ? 32 : 64) {
        struct bed bed;
        bed_make(&bed, n, n, 10, 4096, 128);
        bed.net.wide = false;
        double narrow = bed_speed(&bed, REPEATS);
        bed_free(&bed);
        bed_make(&bed, n, n, 10, 4096, 128);
        bed.net.wide = true;
        printf("%5d %8.0f %8.0f\n", n, narrow / 1e3, bed_speed(&bed, REPEATS) / 1e3);
        bed_free(&bed);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    rung_kernel_flush_tiny();
    if (strcmp(what, "gemm") == 0) {
        gemm_report();
        return 0;
    }
    rung_blas_choose_core(argv);
    if (strcmp(what, "threshold") == 0) {
        threshold_report();
        return 0;
    }
    double gemm = gemm_report();
    wide_report(gemm);
    narrow_report();
    return 0;
}
