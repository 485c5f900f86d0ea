/* Owns the built-in trainer "linear": its parameters, models, scores and states. */
#include "linear.h"
#include "base/mem.h"
#include "builtin.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1
#define BLOCK         256 /* rows predicted at a time */
#define AT(member)    offsetof(struct rung_linear_parameters, member)
#define ANY           INFINITY

enum { PENALTY_L2, PENALTY_L1, PENALTY_ELASTICNET, PENALTY_NONE };
enum { CLASSES_AUTO, CLASSES_OVR, CLASSES_MULTINOMIAL };

static const struct rung_field parameters[] = {
    {.name = "loss",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(loss),
     .fallback = "\"auto\"",
     .choices = "auto|" RUNG_MARGIN_NAMES,
     .help =
         "auto: log_loss for classes, squared_error for regression. Regression takes the last four; classes "
         "take all, the last four with -1 and 1 as targets."},
    {.name = "multi_class",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(multi_class),
     .fallback = "\"auto\"",
     .choices = "auto|ovr|multinomial",
     .help =
         "More than two classes: one model of each class against the rest, or one softmax of all (log_loss "
         "only). auto: multinomial for log_loss, ovr otherwise."},
    {.name = "penalty",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(penalty),
     .fallback = "\"l2\"",
     .choices = "l2|l1|elasticnet|none",
     .help = "What alpha weighs: l2 (half the squared norm), l1 (the sum of absolute values), or both."},
    {.name = "alpha",
     .type = RUNG_FIELD_NUMBER,
     .offset = AT(alpha),
     .fallback = "0.0001",
     .lo = 0,
     .hi = ANY,
     .help = "Weight of the penalty; also sets the pace of the learning rate \"optimal\"."},
    {.name = "l1_ratio",
     .type = RUNG_FIELD_NUMBER,
     .offset = AT(l1_ratio),
     .fallback = "0.15",
     .lo = 0,
     .hi = 1,
     .help = "elasticnet: the l1 share of the penalty."},
    {.name = "fit_intercept",
     .type = RUNG_FIELD_BOOL,
     .offset = AT(fit_intercept),
     .fallback = "true",
     .help = "Whether there is a constant term. It is not penalised."},
    {.name = "learning_rate",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(learning_rate),
     .fallback = "\"auto\"",
     .choices = "auto|constant|invscaling|optimal",
     .help = "The rate of step t, from 1. constant: eta0. invscaling: eta0 / t^power_t. optimal: 1 / (alpha "
             "* (t + "
             "t0)), with t0 by Bottou's rule. auto: optimal for classes, invscaling for regression, as in "
             "scikit-learn."},
    {.name = "eta0",
     .type = RUNG_FIELD_NUMBER,
     .flags = RUNG_FIELD_LO_OPEN,
     .offset = AT(eta0),
     .fallback = "0.01",
     .lo = 0,
     .hi = ANY,
     .help = "The first learning rate of constant and invscaling."},
    {.name = "power_t",
     .type = RUNG_FIELD_NUMBER,
     .offset = AT(power_t),
     .fallback = "0.25",
     .lo = 0,
     .hi = 10,
     .help = "The exponent of invscaling."},
    {.name = "batch_size",
     .type = RUNG_FIELD_INTEGER,
     .offset = AT(batch_size),
     .fallback = "1",
     .lo = 1,
     .hi = 1e6,
     .help = "Examples a step, whose gradients are averaged; a call's last step takes what is left."},
    {.name = "class_weight",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(class_weight),
     .fallback = "\"none\"",
     .choices = "none|balanced",
     .help = "balanced: examples of a class count by the inverse of its frequency in the training examples."},
    {.name = "epsilon",
     .type = RUNG_FIELD_NUMBER,
     .offset = AT(epsilon),
     .fallback = "0.1",
     .lo = 0,
     .hi = ANY,
     .help = "The threshold of huber and of the epsilon_insensitive losses, in units of the target (which is "
             "standardized unless the settings say otherwise)."},
    {.name = "shuffle",
     .type = RUNG_FIELD_BOOL,
     .offset = AT(shuffle),
     .fallback = "true",
     .help = "Whether a call's examples are shuffled, by the model's own seed."},
    {.name = NULL},
};

/* Models */

static void destroy(void *context, void *model)
{
    struct rung_linear_model *m = model;

    (void)context;
    free(m->intercept);
    free(m->v);
    free(m->paid);
    free(m);
}

/* t0 of Bottou's rule, as scikit-learn computes it: the first rate moves a weight of typical size
 * to where the loss is flat. */
static double first_step(const struct rung_linear_model *model)
{
    double typical = sqrt(1 / sqrt(model->parameters.alpha));
    double slope = rung_margin_slope(model->margin, model->parameters.epsilon, -typical, 1);
    double rate = typical / (slope > 1 ? slope : 1);

    return 1 / (rate * model->parameters.alpha);
}

static int check_loss(const struct rung_linear *linear, struct rung_linear_model *model, struct rung_err *err)
{
    const struct rung_linear_parameters *p = &model->parameters;
    bool classes = linear->data->goal == RUNG_GOAL_CLASSIFY;
    char word[40];

    if (p->loss > 0)
        model->margin = (enum rung_margin)(p->loss - 1);
    else
        model->margin = classes ? RUNG_MARGIN_LOG : RUNG_MARGIN_SQUARED;
    if (!classes && !rung_margin_regresses(model->margin)) {
        rung_fields_choice(RUNG_MARGIN_NAMES, (int)model->margin, word, sizeof word);
        return rung_err_set(err, RUNG_EUSE, "parameters.loss: \"%s\" needs classes, and this is a regression",
                            word);
    }
    if (p->multi_class == CLASSES_MULTINOMIAL && model->margin != RUNG_MARGIN_LOG)
        return rung_err_set(err, RUNG_EUSE, "parameters.multi_class: multinomial goes with log_loss only");
    if (p->class_weight && !classes)
        return rung_err_set(err, RUNG_EUSE, "parameters.class_weight: has no meaning for a regression");
    model->softmax =
        linear->data->outputs > 2 && model->margin == RUNG_MARGIN_LOG && p->multi_class != CLASSES_OVR;
    return 0;
}

static int check_rate(const struct rung_linear *linear, struct rung_linear_model *model, struct rung_err *err)
{
    const struct rung_linear_parameters *p = &model->parameters;

    if (p->learning_rate > 0)
        model->rate = (enum rung_linear_rate)(p->learning_rate - 1);
    else
        model->rate = linear->data->goal == RUNG_GOAL_CLASSIFY ? RUNG_RATE_OPTIMAL : RUNG_RATE_INVSCALING;
    if (model->rate == RUNG_RATE_OPTIMAL && p->alpha == 0)
        return rung_err_set(err, RUNG_EUSE,
                            "parameters.alpha: must be over 0 for the learning rate \"optimal\"");
    if (model->rate == RUNG_RATE_OPTIMAL)
        model->first_step = first_step(model);
    model->l1 = p->penalty == PENALTY_L1           ? p->alpha
                : p->penalty == PENALTY_ELASTICNET ? p->alpha * p->l1_ratio
                                                   : 0;
    model->l2 = p->penalty == PENALTY_L2           ? p->alpha
                : p->penalty == PENALTY_ELASTICNET ? p->alpha * (1 - p->l1_ratio)
                                                   : 0;
    return 0;
}

/* Room for blocks of this many rows. */
static void make_room(struct rung_linear *linear, int64_t block)
{
    size_t outputs = (size_t)linear->data->outputs, rows = (size_t)block;

    if (block <= linear->block)
        return;
    if (!linear->data->sparse)
        linear->inputs =
            rung_mem_resize(linear->inputs, rows * (size_t)linear->data->features, sizeof(float));
    linear->work = rung_mem_resize(linear->work, rows * outputs, sizeof(float));
    linear->z = rung_mem_resize(linear->z, rows * outputs, sizeof(double));
    linear->slope = rung_mem_resize(linear->slope, rows * outputs, sizeof(double));
    linear->block = block;
}

static int new_model(struct rung_linear *linear, const struct rung_trainer_task *task,
                     struct rung_linear_model **out, struct rung_err *err)
{
    struct rung_linear_model *model = rung_mem_zalloc(1, sizeof *model);
    struct rung_linear_parameters *p = &model->parameters;
    size_t weights;

    if (rung_fields_read(parameters, "parameters", task->parameters, p, err) < 0 ||
        check_loss(linear, model, err) < 0 || check_rate(linear, model, err) < 0) {
        destroy(linear, model);
        return err->code;
    }
    if (p->batch_size > linear->data->call_rows_max)
        p->batch_size = linear->data->call_rows_max;
    make_room(linear, p->batch_size > BLOCK ? p->batch_size : BLOCK);
    model->seed = task->seed;
    model->features = linear->data->features;
    model->outputs =
        linear->data->goal == RUNG_GOAL_CLASSIFY && linear->data->outputs > 2 ? linear->data->outputs : 1;
    model->scale = 1;
    weights = (size_t)(model->features * model->outputs);
    model->intercept = rung_mem_zalloc((size_t)model->outputs, sizeof *model->intercept);
    model->v = rung_mem_zalloc(weights, sizeof *model->v);
    if (model->l1 > 0)
        model->paid = rung_mem_zalloc(weights, sizeof *model->paid);
    *out = model;
    return 0;
}

static int create(void *context, const struct rung_trainer_task *task, void **model, struct rung_err *err)
{
    struct rung_linear_model *made;

    if (new_model(context, task, &made, err) < 0)
        return err->code;
    *model = made;
    return 0;
}

/* States */

static int save(void *context, const void *model, struct rung_state *state, struct rung_err *err)
{
    const struct rung_linear_model *m = model;
    size_t weights = (size_t)(m->features * m->outputs);

    (void)context;
    (void)err;
    rung_state_put(state, &m->features, sizeof m->features);
    rung_state_put(state, &m->outputs, sizeof m->outputs);
    rung_state_put(state, &m->steps, sizeof m->steps);
    rung_state_put(state, &m->scale, sizeof m->scale);
    rung_state_put(state, &m->owed, sizeof m->owed);
    rung_state_put(state, m->intercept, (size_t)m->outputs * sizeof *m->intercept);
    rung_state_put(state, m->v, weights * sizeof *m->v);
    if (m->paid)
        rung_state_put(state, m->paid, weights * sizeof *m->paid);
    return 0;
}

static bool get_all(struct rung_linear_model *m, struct rung_state *state)
{
    size_t weights = (size_t)(m->features * m->outputs);
    int64_t features, outputs;

    return rung_state_get(state, &features, sizeof features) &&
           rung_state_get(state, &outputs, sizeof outputs) && features == m->features &&
           outputs == m->outputs && rung_state_get(state, &m->steps, sizeof m->steps) &&
           rung_state_get(state, &m->scale, sizeof m->scale) &&
           rung_state_get(state, &m->owed, sizeof m->owed) &&
           rung_state_get(state, m->intercept, (size_t)outputs * sizeof *m->intercept) &&
           rung_state_get(state, m->v, weights * sizeof *m->v) &&
           (!m->paid || rung_state_get(state, m->paid, weights * sizeof *m->paid));
}

static int load(void *context, const struct rung_trainer_task *task, struct rung_state *state, void **model,
                struct rung_err *err)
{
    struct rung_linear_model *made;

    if (new_model(context, task, &made, err) < 0)
        return err->code;
    if (!get_all(made, state)) {
        destroy(context, made);
        return rung_err_set(err, RUNG_EFAIL,
                            "the state of another model: its sizes do not fit data and parameters");
    }
    *model = made;
    return 0;
}

/* Training and scores */

static int train(void *context, void *model, int64_t call, struct rung_trainer_report *report,
                 struct rung_err *err)
{
    struct rung_linear *linear = context;
    struct rung_linear_model *m = model;
    int64_t count = rung_data_call(linear->data, call, linear->rows);
    struct rung_random random;

    (void)err;
    if (m->parameters.shuffle) {
        rung_random_seed(&random, m->seed, "rows", (uint64_t)call);
        rung_random_shuffle(&random, linear->rows, count);
    }
    report->examples = count;
    rung_trainer_metric(report, "loss", rung_linear_fit(linear, m, linear->rows, count));
    return 0;
}

static bool right(const struct rung_linear_model *model, const struct rung_part *part, int64_t row,
                  const double *z)
{
    int best = 0;

    if (model->outputs == 1)
        return part->label[row] == (z[0] > 0);
    for (int k = 1; k < model->outputs; k++)
        best = z[k] > z[best] ? k : best;
    return part->label[row] == best;
}

static double mean_target(const struct rung_part *part)
{
    double sum = 0;

    for (int64_t i = 0; i < part->rows; i++)
        sum += part->target[i];
    return sum / (double)part->rows;
}

/* Accuracy or R^2, and mean loss, over a part. Not a number when the model has diverged. */
static double measure(struct rung_linear *linear, const struct rung_linear_model *model,
                      const struct rung_part *part, double *loss)
{
    double mean = part->label ? 0 : mean_target(part), sum = 0, hits = 0, residual = 0, spread = 0;
    uint32_t rows[BLOCK];

    for (int64_t first = 0; first < part->rows; first += BLOCK) {
        int64_t count = part->rows - first < BLOCK ? part->rows - first : BLOCK;

        for (int64_t i = 0; i < count; i++)
            rows[i] = (uint32_t)(first + i);
        rung_linear_predict(linear, model, part, rows, count);
        for (int64_t i = 0; i < count; i++) {
            const double *z = linear->z + i * model->outputs;
            double y = part->label ? 0 : part->target[first + i];

            sum += rung_linear_loss(model, part, first + i, z, NULL);
            hits += part->label && right(model, part, first + i, z);
            residual += (y - z[0]) * (y - z[0]);
            spread += (y - mean) * (y - mean);
        }
    }
    *loss = sum / (double)part->rows;
    if (!isfinite(*loss) || !isfinite(residual))
        return NAN;
    return part->label ? hits / (double)part->rows : 1 - residual / spread;
}

static int score(void *context, void *model, double *out, struct rung_trainer_report *report,
                 struct rung_err *err)
{
    struct rung_linear *linear = context;
    double loss;

    (void)err;
    *out = measure(linear, model, &linear->data->validation, &loss);
    rung_trainer_metric(report, "loss", loss);
    return 0;
}

static int evaluate(void *context, void *model, struct rung_trainer_report *report, struct rung_err *err)
{
    struct rung_linear *linear = context;
    double loss;

    if (linear->data->test.rows == 0)
        return rung_err_set(err, RUNG_EUSE, "no test examples: settings.data.test names none");
    rung_trainer_metric(report, "test_score", measure(linear, model, &linear->data->test, &loss));
    rung_trainer_metric(report, "test_loss", loss);
    return 0;
}

/* Setup */

static void weigh_classes(struct rung_linear *linear)
{
    const struct rung_part *part = &linear->data->train;
    int64_t classes = linear->data->outputs;

    linear->class_weight = rung_mem_zalloc((size_t)classes, sizeof *linear->class_weight);
    for (int64_t i = 0; i < part->rows; i++)
        linear->class_weight[part->label[i]]++;
    for (int64_t k = 0; k < classes; k++)
        if (linear->class_weight[k] > 0)
            linear->class_weight[k] = (double)part->rows / ((double)classes * linear->class_weight[k]);
}

static void teardown(void *context)
{
    struct rung_linear *linear = context;

    rung_data_free(linear->data);
    free(linear->class_weight);
    free(linear->rows);
    free(linear->inputs);
    free(linear->work);
    free(linear->z);
    free(linear->slope);
    free(linear);
}

static int setup(const struct rung_trainer_start *start, void **context, struct rung_err *err)
{
    struct rung_linear *linear = rung_mem_zalloc(1, sizeof *linear);
    int code = rung_data_open(start, &linear->data, err);

    if (code == 0 && linear->data->goal == RUNG_GOAL_AUTOENCODE)
        code = rung_err_set(err, RUNG_EUSE, "settings.data: no target (autoencode is for the trainer mlp)");
    if (code < 0) {
        teardown(linear);
        return code;
    }
    if (linear->data->goal == RUNG_GOAL_CLASSIFY)
        weigh_classes(linear);
    linear->rows = rung_mem_zalloc((size_t)linear->data->call_rows_max, sizeof *linear->rows);
    *context = linear;
    return 0;
}

static const struct rung_trainer trainer = {
    .name = "linear",
    .version = STATE_VERSION,
    .setup = setup,
    .teardown = teardown,
    .create = create,
    .destroy = destroy,
    .train = train,
    .score = score,
    .evaluate = evaluate,
    .save = save,
    .load = load,
};

const struct rung_builtin rung_linear = {
    .name = "linear",
    .summary = "linear models, by stochastic gradient descent",
    .about =
        "Logistic regression, support vector machines, least squares and their relatives, on dense or sparse "
        "rows. "
        "A call runs over its examples once, in mini-batches. The score is the accuracy on the validation "
        "examples, or R^2 for a regression; metrics: loss, the mean validation loss without the penalty (in "
        "progress: the mean training loss before each step). The final test gives test_score and test_loss. "
        "A "
        "model that has diverged scores null.",
    .parameters = parameters,
    .trainer = &trainer,
};
