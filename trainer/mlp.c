/*
 * The multi-layer perceptron: a model's life, training and scores.
 */
#include "mlp.h"
#include "activation.h"
#include "base/mem.h"
#include "builtin.h"
#include "data.h"
#include "net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCORE_ROWS 1024 /* examples judged at once */

/* The process's own: data, and room that all models share. */
struct context {
    struct rung_data *data;
    struct rung_net_work *work;
    const struct rung_kernel *kernel;
    uint32_t *rows; /* of a call */
    int32_t *label; /* of a call */
    float *x, *y;   /* batches made from what is not stored as floats */
    size_t x_size, y_size;
};

struct model {
    struct rung_optim optim;
    struct rung_net net;
    uint64_t seed;
    int64_t batch_size;
    int64_t examples; /* trained on so far */
    int64_t steps;    /* of the optimiser so far */
    bool diverged;    /* a loss was not finite: nothing can be learnt any more */
    float *floats;    /* parameters, then the optimiser's state: (1 + states) * net.total */
    size_t count;
};

static void teardown(void *made)
{
    struct context *context = made;
    rung_net_work_free(context->work);
    rung_data_free(context->data);
    free(context->rows);
    free(context->label);
    free(context->x);
    free(context->y);
    free(context);
}

static int setup(const struct rung_trainer_start *start, void **made, struct rung_err *err)
{
    struct context *context = rung_mem_zalloc(1, sizeof *context);
    int rc = rung_data_open(start, &context->data, err);
    if (rc < 0) {
        free(context);
        return rc;
    }
    rung_kernel_flush_tiny();
    context->kernel = rung_kernel_best();
    context->work = rung_net_work_new(context->kernel);
    size_t rows = (size_t)context->data->call_rows_max;
    context->rows = rung_mem_zalloc(rows, sizeof *context->rows);
    context->label = rung_mem_zalloc(rows, sizeof *context->label);
    *made = context;
    return 0;
}

/* What the data and output_activation say of the output layer. */
static int target_of(const struct rung_data *data, int output_activation, struct rung_net_shape *shape,
                     struct rung_err *err)
{
    int outputs = (int)data->outputs;
    if (data->goal == RUNG_GOAL_CLASSIFY) {
        if (output_activation != RUNG_MLP_OUTPUT_AUTO)
            return rung_err_set(err, RUNG_EUSE, "parameters.output_activation: must be \"auto\" for classes");
        shape->loss = outputs > 2 ? RUNG_LOSS_SOFTMAX : RUNG_LOSS_LOGISTIC;
        outputs = outputs > 2 ? outputs : 1;
    } else {
        bool encode = data->goal == RUNG_GOAL_AUTOENCODE;
        shape->loss = encode ? RUNG_LOSS_MEAN_SQUARED : RUNG_LOSS_HALF_SQUARED;
        shape->squash = output_activation == RUNG_MLP_OUTPUT_LOGISTIC ||
                        (encode && output_activation == RUNG_MLP_OUTPUT_AUTO);
    }
    shape->size[shape->layers] = outputs;
    return 0;
}

static int shape_of(const struct context *context, const struct rung_mlp_parameters *parameters,
                    struct rung_net_shape *shape, struct rung_err *err)
{
    memset(shape, 0, sizeof *shape);
    shape->layers = parameters->hidden_layer_sizes.count + 1;
    shape->activation = (enum rung_activation)parameters->activation;
    shape->size[0] = (int)context->data->features;
    for (int l = 1; l < shape->layers; l++)
        shape->size[l] = parameters->hidden_layer_sizes.items[l - 1];
    int rc = target_of(context->data, parameters->output_activation, shape, err);
    if (rc < 0)
        return rc;
    double weights = 0;
    for (int l = 0; l < shape->layers; l++)
        weights += (double)shape->size[l] * shape->size[l + 1];
    if (weights > (double)RUNG_NET_WEIGHTS_MAX)
        return rung_err_set(err, RUNG_EUSE, "parameters.hidden_layer_sizes: %.0f weights are more than %d",
                            weights, RUNG_NET_WEIGHTS_MAX);
    return 0;
}

static void destroy(void *made, void *model)
{
    (void)made;
    rung_kernel_free(((struct model *)model)->floats);
    free(model);
}

/* A model with its parameters still zero. */
static int model_new(const struct context *context, const struct rung_trainer_task *task,
                     struct rung_mlp_parameters *parameters, struct model **made, struct rung_err *err)
{
    struct rung_net_shape shape;
    int rc = rung_fields_read(rung_mlp_fields, "parameters", task->parameters, parameters, err);
    if (rc == 0)
        rc = shape_of(context, parameters, &shape, err);
    if (rc < 0)
        return rc;
    struct model *model = rung_mem_zalloc(1, sizeof *model);
    model->optim = rung_mlp_optim(parameters);
    model->seed = task->seed;
    model->batch_size = parameters->batch_size;
    rung_net_layout(&model->net, &shape);
    model->count = (size_t)model->net.total * (size_t)(1 + rung_optim_states(model->optim.solver));
    model->floats = rung_kernel_alloc(model->count);
    model->net.params = model->floats;
    *made = model;
    return 0;
}

static int create(void *made, const struct rung_trainer_task *task, void **out, struct rung_err *err)
{
    struct rung_mlp_parameters parameters;
    struct rung_random random;
    struct model *model;
    int rc = model_new(made, task, &parameters, &model, err);
    if (rc < 0)
        return rc;
    rung_random_seed(&random, task->seed, "weights", 0);
    rung_net_init(&model->net, (enum rung_init)parameters.init, &random);
    *out = model;
    return 0;
}

/* scratch with room for `needed` floats. */
static float *room(float **scratch, size_t *size, size_t needed)
{
    if (needed > *size) {
        *scratch = rung_mem_resize(*scratch, needed, sizeof **scratch);
        *size = needed;
    }
    return *scratch;
}

/* Training examples `rows` as a batch, but for its labels. */
static void training_batch(struct context *context, const uint32_t *rows, int64_t count,
                           struct rung_net_batch *batch)
{
    const struct rung_data *data = context->data;
    *batch = (struct rung_net_batch){.x = data->train.floats, .rows = rows, .count = count};
    if (data->train.storage != RUNG_STORE_FLOATS) {
        batch->x = room(&context->x, &context->x_size, (size_t)(count * data->features));
        batch->rows = NULL;
        rung_part_inputs(&data->train, rows, count, context->x);
    }
    if (data->goal != RUNG_GOAL_CLASSIFY) {
        batch->y = room(&context->y, &context->y_size, (size_t)(count * data->outputs));
        rung_part_targets(&data->train, rows, count, context->y);
    }
}

static void step(const struct context *context, struct model *model, double rate, int64_t batch)
{
    int64_t total = model->net.total;
    struct rung_optim_block block = {.params = model->net.params,
                                     .gradient = rung_net_work_gradient(context->work),
                                     .s = model->floats + total,
                                     .weights = model->net.weights,
                                     .total = total};
    if (rung_optim_states(model->optim.solver) > 1)
        block.u = model->floats + 2 * total;
    rung_optim_step(&model->optim, context->kernel, &block, rate, model->steps++, batch);
}

/* One pass over the call's examples in an order of the model's own. Returns the sum of losses, each
 * under the parameters as they were when its batch came. */
static double pass(struct context *context, struct model *model, int64_t call, int64_t count)
{
    struct rung_random random;
    struct rung_net_batch batch;
    double total = 0, rate = rung_optim_rate(&model->optim, (double)model->examples);
    const int32_t *label = context->data->train.label;
    int64_t size = model->batch_size < count ? model->batch_size : count;
    rung_random_seed(&random, model->seed, "order", (uint64_t)call);
    rung_random_shuffle(&random, context->rows, count);
    for (int64_t i = 0; label && i < count; i++)
        context->label[i] = label[context->rows[i]];
    rung_net_work_fit(context->work, &model->net, size);
    for (int64_t first = 0; first < count; first += size) {
        training_batch(context, context->rows + first, size < count - first ? size : count - first, &batch);
        batch.label = context->label + first;
        total += rung_net_gradient(&model->net, context->work, &batch);
        step(context, model, rate, batch.count);
    }
    return total;
}

static int train(void *made, void *trained, int64_t call, struct rung_trainer_report *report,
                 struct rung_err *err)
{
    struct context *context = made;
    struct model *model = trained;
    double loss = NAN;
    (void)err;
    if (!model->diverged) {
        int64_t count = rung_data_call(context->data, call, context->rows);
        double total = pass(context, model, call, count);
        loss = rung_loss_mean(&model->net.target, total, count);
        model->diverged = !isfinite(loss);
        model->examples += count;
        report->examples = count;
    }
    rung_trainer_metric(report, "loss", loss);
    return 0;
}

/* What judging a model on a part of the data gives. */
struct judgement {
    double loss;
    double score; /* accuracy, R^2, or -loss */
};

/* The share of the targets' variance that is explained, as scikit-learn's r2_score has it. */
static double r_squared(const struct rung_part *part, double residual)
{
    double mean = 0, spread = 0;
    for (int64_t i = 0; i < part->rows; i++)
        mean += (double)part->target[i] / (double)part->rows;
    for (int64_t i = 0; i < part->rows; i++)
        spread += ((double)part->target[i] - mean) * ((double)part->target[i] - mean);
    if (spread == 0)
        return residual == 0 ? 1 : 0;
    return 1 - residual / spread;
}

static struct judgement judge(struct context *context, const struct model *model,
                              const struct rung_part *part)
{
    const struct rung_data *data = context->data;
    struct judgement judgement = {NAN, NAN};
    double total = 0;
    int64_t hits = 0;
    rung_net_work_fit(context->work, &model->net, SCORE_ROWS);
    float *x = room(&context->x, &context->x_size, (size_t)(SCORE_ROWS * data->features));
    float *y = room(&context->y, &context->y_size, (size_t)(SCORE_ROWS * data->outputs));
    for (int64_t first = 0; first < part->rows; first += SCORE_ROWS) {
        int64_t correct = 0, count = part->rows - first < SCORE_ROWS ? part->rows - first : SCORE_ROWS;
        struct rung_net_batch batch = {.x = rung_part_block(part, first, count, x), .count = count};
        if (part->label)
            batch.label = part->label + first;
        else
            batch.y = rung_part_target_block(part, first, count, y);
        total += rung_net_loss(&model->net, context->work, &batch, &correct);
        hits += correct;
    }
    judgement.loss = rung_loss_mean(&model->net.target, total, part->rows);
    if (!isfinite(judgement.loss) || model->diverged)
        return judgement;
    if (data->goal == RUNG_GOAL_CLASSIFY)
        judgement.score = (double)hits / (double)part->rows;
    else
        judgement.score = data->goal == RUNG_GOAL_REGRESS ? r_squared(part, total) : -judgement.loss;
    return judgement;
}

static int score(void *made, void *model, double *value, struct rung_trainer_report *report,
                 struct rung_err *err)
{
    struct context *context = made;
    (void)err;
    struct judgement judgement = judge(context, model, &context->data->validation);
    *value = judgement.score;
    rung_trainer_metric(report, "loss", judgement.loss);
    return 0;
}

static int evaluate(void *made, void *model, struct rung_trainer_report *report, struct rung_err *err)
{
    struct context *context = made;
    if (context->data->test.rows == 0)
        return rung_err_set(err, RUNG_EUSE, "no test examples: the settings' data has none");
    struct judgement judgement = judge(context, model, &context->data->test);
    rung_trainer_metric(report, "test_score", judgement.score);
    rung_trainer_metric(report, "test_loss", judgement.loss);
    return 0;
}

/*
 * A saved model: int64 of examples, steps and diverged; what says how its floats are laid out, as
 * KIND_INTS int32, which must be as the task's parameters have it; the floats. To change this: raise
 * the trainer's version.
 */
#define KIND_INTS (5 + RUNG_NET_LAYERS_MAX + 1)

static void kind_of(const struct model *model, int32_t *kind)
{
    const struct rung_net_shape *shape = &model->net.shape;
    memset(kind, 0, sizeof *kind * KIND_INTS);
    kind[0] = shape->layers;
    kind[1] = (int32_t)shape->activation;
    kind[2] = (int32_t)shape->loss;
    kind[3] = shape->squash;
    kind[4] = (int32_t)model->optim.solver;
    for (int l = 0; l <= shape->layers; l++)
        kind[5 + l] = shape->size[l];
}

static int save(void *made, const void *saved, struct rung_state *state, struct rung_err *err)
{
    const struct model *model = saved;
    int64_t head[] = {model->examples, model->steps, model->diverged};
    int32_t kind[KIND_INTS];
    (void)made;
    (void)err;
    kind_of(model, kind);
    rung_state_put(state, head, sizeof head);
    rung_state_put(state, kind, sizeof kind);
    rung_state_put(state, model->floats, model->count * sizeof *model->floats);
    return 0;
}

/* Fills a new model; false when the bytes are not such a model's. */
static bool restore(struct model *model, struct rung_state *state)
{
    int64_t head[3];
    int32_t kind[KIND_INTS], expected[KIND_INTS];
    kind_of(model, expected);
    if (!rung_state_get(state, head, sizeof head) || head[0] < 0 || head[1] < 0 || head[2] < 0 || head[2] > 1)
        return false;
    if (!rung_state_get(state, kind, sizeof kind) || memcmp(kind, expected, sizeof kind) != 0)
        return false;
    model->examples = head[0];
    model->steps = head[1];
    model->diverged = head[2] == 1;
    return rung_state_get(state, model->floats, model->count * sizeof *model->floats);
}

static int load(void *made, const struct rung_trainer_task *task, struct rung_state *state, void **out,
                struct rung_err *err)
{
    struct rung_mlp_parameters parameters;
    struct model *model;
    int rc = model_new(made, task, &parameters, &model, err);
    if (rc < 0)
        return rc;
    if (!restore(model, state)) {
        destroy(made, model);
        return rung_err_set(err, RUNG_EFAIL, "the state does not fit the model's parameters");
    }
    *out = model;
    return 0;
}

static const struct rung_trainer trainer = {.name = "mlp",
                                            .version = 1,
                                            .setup = setup,
                                            .teardown = teardown,
                                            .create = create,
                                            .destroy = destroy,
                                            .train = train,
                                            .score = score,
                                            .evaluate = evaluate,
                                            .save = save,
                                            .load = load};

const struct rung_builtin rung_mlp = {
    .name = "mlp",
    .summary = "multi-layer perceptron: classes, regression, auto-encoding",
    .about = "A fully connected network trained by mini-batches. Each call trains once on the call's "
             "examples, in an "
             "order drawn anew for every call and model. For classes the loss is the cross-entropy and the "
             "score the "
             "accuracy on the validation part. For regression the loss is half the mean squared error of the "
             "standardised targets and the score R^2. For auto-encoding the loss is the mean squared error "
             "per value "
             "and the score -loss. The metric \"loss\" is that of the validation part; in progress reports, "
             "that of the "
             "call's examples while it trained on them. A model whose loss is no longer finite is trained no "
             "further; "
             "its score is null.",
    .parameters = rung_mlp_fields,
    .trainer = &trainer};
