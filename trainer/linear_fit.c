/* Owns the training step of linear models: predictions, gradient, penalties. */
#include "blas.h"
#include "linear.h"

#include <math.h>

#define SLOPE_MAX   1e12 /* as in scikit-learn: beyond it a step would only be noise */
#define SCALE_MIN   1e-6 /* v grows as scale shrinks: float has room enough above this */
#define BLAS_LENGTH 32   /* shorter vectors are faster without a call */

double rung_linear_rate(const struct rung_linear_model *model)
{
    double t = (double)model->steps + 1, rate = model->parameters.eta0;

    if (model->rate == RUNG_RATE_INVSCALING)
        rate /= pow(t, model->parameters.power_t);
    else if (model->rate == RUNG_RATE_OPTIMAL)
        rate = 1 / (model->parameters.alpha * (model->first_step + t - 1));
    return rate;
}

/* Predictions */

static void predict_sparse(const struct rung_linear_model *model, const struct rung_part *part, int64_t row,
                           double *z)
{
    int64_t outputs = model->outputs;

    for (int64_t k = 0; k < outputs; k++)
        z[k] = 0;
    for (int64_t i = part->start[row]; i < part->start[row + 1]; i++) {
        const float *v = model->v + part->column[i] * outputs;
        double x = part->value[i];

        for (int64_t k = 0; k < outputs; k++)
            z[k] += x * v[k];
    }
}

static double dot(const float *x, const float *y, int64_t count)
{
    double sum = 0;

    if (count >= BLAS_LENGTH)
        return rung_blas_dot((int)count, x, y);
    for (int64_t i = 0; i < count; i++)
        sum += (double)x[i] * y[i];
    return sum;
}

static void axpy(double a, const float *x, float *y, int64_t count)
{
    if (count >= BLAS_LENGTH) {
        rung_blas_axpy((int)count, (float)a, x, y);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        y[i] += (float)(a * x[i]);
}

/* The inputs of rows, one behind the other: where they lie when it is one, else gathered. */
static const float *inputs_of(const struct rung_linear *linear, const struct rung_part *part,
                              const uint32_t *rows, int64_t count)
{
    if (count == 1 && part->storage == RUNG_STORE_FLOATS)
        return part->floats + (int64_t)rows[0] * part->features;
    rung_part_inputs(part, rows, count, linear->inputs);
    return linear->inputs;
}

static void predict_dense(const struct rung_linear *linear, const struct rung_linear_model *model,
                          const float *inputs, int64_t count)
{
    int64_t outputs = model->outputs, features = model->features;

    if (outputs == 1 && count == 1) {
        linear->z[0] = dot(inputs, model->v, features);
        return;
    }
    if (outputs == 1)
        rung_blas_gemv(false, (int)count, (int)features, 1, inputs, (int)features, model->v, 0, linear->work);
    else
        rung_blas_gemm(false, false, (int)count, (int)outputs, (int)features, 1, inputs, (int)features,
                       model->v, (int)outputs, 0, linear->work, (int)outputs);
    for (int64_t i = 0; i < count * outputs; i++)
        linear->z[i] = linear->work[i];
}

static void finish(const struct rung_linear_model *model, double *z, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < model->outputs; k++, z++)
            *z = *z * model->scale + model->intercept[k];
}

void rung_linear_predict(struct rung_linear *linear, const struct rung_linear_model *model,
                         const struct rung_part *part, const uint32_t *rows, int64_t count)
{
    if (part->storage == RUNG_STORE_SPARSE)
        for (int64_t i = 0; i < count; i++)
            predict_sparse(model, part, rows[i], linear->z + i * model->outputs);
    else
        predict_dense(linear, model, inputs_of(linear, part, rows, count), count);
    finish(model, linear->z, count);
}

/* Losses */

static double slope_within(double slope)
{
    return slope > SLOPE_MAX ? SLOPE_MAX : slope < -SLOPE_MAX ? -SLOPE_MAX : slope;
}

static double one_loss(const struct rung_linear_model *model, double z, double y, double *slope)
{
    if (slope)
        *slope = slope_within(rung_margin_slope(model->margin, model->parameters.epsilon, z, y));
    return rung_margin_loss(model->margin, model->parameters.epsilon, z, y);
}

double rung_linear_loss(const struct rung_linear_model *model, const struct rung_part *part, int64_t row,
                        const double *z, double *slope)
{
    double sum = 0;
    int32_t label;

    if (!part->label)
        return one_loss(model, z[0], part->target[row], slope);
    label = part->label[row];
    if (model->softmax)
        return rung_margin_softmax(z, (int)model->outputs, label, slope);
    if (model->outputs == 1)
        return one_loss(model, z[0], label == 1 ? 1 : -1, slope);
    for (int64_t k = 0; k < model->outputs; k++) /* one against the rest */
        sum += one_loss(model, z[k], label == k ? 1 : -1, slope ? slope + k : NULL);
    return sum;
}

/* Steps */

static void rescale(struct rung_linear_model *model)
{
    int64_t count = model->features * model->outputs;

    for (int64_t i = 0; i < count; i++)
        model->v[i] = (float)(model->v[i] * model->scale);
    model->scale = 1;
}

static void shrink(struct rung_linear_model *model, double rate)
{
    double factor = 1 - rate * model->l2;

    if (model->l2 == 0)
        return;
    model->scale *= factor > 0 ? factor : 0;
    if (model->scale < SCALE_MIN)
        rescale(model);
}

/* Moves one weight towards zero by the l1 penalty that it still owes, not beyond. */
static void pay(struct rung_linear_model *model, int64_t i)
{
    double w = model->scale * model->v[i], paid = model->paid[i], due;

    if (w > 0) {
        due = w - (model->owed + paid);
        due = due > 0 ? due : 0;
    } else if (w < 0) {
        due = w + (model->owed - paid);
        due = due < 0 ? due : 0;
    } else {
        return;
    }
    model->paid[i] = paid + (due - w);
    model->v[i] = (float)(due / model->scale);
}

static void pay_inputs(struct rung_linear_model *model, const struct rung_part *part, const uint32_t *rows,
                       int64_t count)
{
    int64_t outputs = model->outputs;

    if (part->storage != RUNG_STORE_SPARSE) {
        for (int64_t i = 0; i < model->features * outputs; i++)
            pay(model, i);
        return;
    }
    for (int64_t r = 0; r < count; r++)
        for (int64_t i = part->start[rows[r]]; i < part->start[rows[r] + 1]; i++)
            for (int64_t k = 0; k < outputs; k++)
                pay(model, part->column[i] * outputs + k);
}

static void add_sparse(struct rung_linear_model *model, const struct rung_part *part, int64_t row,
                       const double *slope, double step)
{
    int64_t outputs = model->outputs;
    double factor = -step / model->scale;

    for (int64_t i = part->start[row]; i < part->start[row + 1]; i++) {
        float *v = model->v + part->column[i] * outputs;
        double x = factor * part->value[i];

        for (int64_t k = 0; k < outputs; k++)
            v[k] += (float)(x * slope[k]);
    }
}

static void add_dense(struct rung_linear *linear, struct rung_linear_model *model, const float *inputs,
                      int64_t count, double step)
{
    int64_t outputs = model->outputs, features = model->features;
    double factor = -step / model->scale;

    if (outputs == 1 && count == 1) {
        axpy(factor * linear->slope[0], inputs, model->v, features);
        return;
    }
    for (int64_t i = 0; i < count * outputs; i++)
        linear->work[i] = (float)(factor * linear->slope[i]);
    rung_blas_gemm(true, false, (int)features, (int)outputs, (int)count, 1, inputs, (int)features,
                   linear->work, (int)outputs, 1, model->v, (int)outputs);
}

static bool all_zero(const double *slope, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (slope[i] != 0)
            return false;
    return true;
}

/* Losses and slopes of a mini-batch. Returns the sum of the losses. */
static double batch_losses(struct rung_linear *linear, const struct rung_linear_model *model,
                           const uint32_t *rows, int64_t count)
{
    const struct rung_part *part = &linear->data->train;
    const double *weight = model->parameters.class_weight ? linear->class_weight : NULL;
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        double *slope = linear->slope + i * model->outputs;

        sum += rung_linear_loss(model, part, rows[i], linear->z + i * model->outputs, slope);
        for (int64_t k = 0; weight && k < model->outputs; k++)
            slope[k] *= weight[part->label[rows[i]]];
    }
    return sum;
}

/* The order of scikit-learn: shrink, add the gradient, then l1. */
static double step(struct rung_linear *linear, struct rung_linear_model *model, const uint32_t *rows,
                   int64_t count)
{
    const struct rung_part *part = &linear->data->train;
    bool sparse = part->storage == RUNG_STORE_SPARSE;
    int64_t outputs = model->outputs;
    const float *inputs = sparse ? NULL : inputs_of(linear, part, rows, count);
    double rate = rung_linear_rate(model), step_size = rate / (double)count, sum;

    if (sparse)
        for (int64_t i = 0; i < count; i++)
            predict_sparse(model, part, rows[i], linear->z + i * outputs);
    else
        predict_dense(linear, model, inputs, count);
    finish(model, linear->z, count);
    sum = batch_losses(linear, model, rows, count);
    shrink(model, rate);
    if (!all_zero(linear->slope, count * outputs)) {
        if (sparse)
            for (int64_t i = 0; i < count; i++)
                add_sparse(model, part, rows[i], linear->slope + i * outputs, step_size);
        else
            add_dense(linear, model, inputs, count, step_size);
        for (int64_t i = 0; model->parameters.fit_intercept && i < count; i++)
            for (int64_t k = 0; k < outputs; k++)
                model->intercept[k] -= step_size * linear->slope[i * outputs + k];
    }
    if (model->l1 > 0) {
        model->owed += rate * model->l1;
        pay_inputs(model, part, rows, count);
    }
    model->steps++;
    return sum;
}

double rung_linear_fit(struct rung_linear *linear, struct rung_linear_model *model, const uint32_t *rows,
                       int64_t count)
{
    int64_t batch = model->parameters.batch_size;
    double sum = 0;

    for (int64_t first = 0; first < count; first += batch)
        sum += step(linear, model, rows + first, count - first < batch ? count - first : batch);
    return sum / (double)count;
}
