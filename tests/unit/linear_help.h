/* A small data set by formula, and linear models on it. */
#ifndef RUNG_TESTS_LINEAR_HELP_H
#define RUNG_TESTS_LINEAR_HELP_H

#include "trainer/builtin.h"
#include "trainer/linear.h"
#include "trainer_help.h"

#include <math.h>

enum { ROWS = 40, FEATURES = 5 };

/* A small set made by formula, so that another program can make it too. */
struct fixture {
    float floats[ROWS * FEATURES];
    int64_t start[ROWS + 1];
    int32_t column[ROWS * FEATURES];
    float value[ROWS * FEATURES];
    int32_t label[ROWS];
    float target[ROWS];
    uint32_t rows[ROWS];
    double class_weight[3];
    struct rung_data data;
    struct rung_linear linear;
};

static UNUSED void fill_sparse(struct fixture *f)
{
    int64_t entries = 0;

    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < FEATURES; j++) {
            if (f->floats[i * FEATURES + j] == 0)
                continue;
            f->column[entries] = j;
            f->value[entries++] = f->floats[i * FEATURES + j];
        }
        f->start[i + 1] = entries;
    }
}

/* kind: b(inary), m(any classes), r(egression). */
static UNUSED struct fixture *fixture(char kind, bool sparse)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct rung_part *part = &f->data.train;

    for (int i = 0; i < ROWS; i++) {
        float *x = f->floats + i * FEATURES, sum;

        for (int j = 0; j < FEATURES; j++)
            x[j] = (float)((i * 6 + j * 3 + i * j) % 13 - 6) / 4;
        sum = x[0] - .5f * x[1] + .25f * x[3];
        f->label[i] = kind == 'm' ? (i * i + i / 3) % 3 : sum + (float)((i * 5) % 7 - 3) / 4 > 0;
        f->target[i] = sum + (float)((i * 5) % 7 - 3) / 8;
        f->rows[i] = (uint32_t)i;
        f->class_weight[f->label[i]]++;
    }
    for (int k = 0; k < 3; k++)
        f->class_weight[k] = ROWS / (2 * f->class_weight[k]);
    fill_sparse(f);
    *part = (struct rung_part){.rows = ROWS, .features = FEATURES, .floats = f->floats};
    if (sparse) {
        part->storage = RUNG_STORE_SPARSE;
        part->start = f->start;
        part->column = f->column;
        part->value = f->value;
    }
    part->label = kind == 'r' ? NULL : f->label;
    part->target = kind == 'r' ? f->target : NULL;
    f->data.goal = kind == 'r' ? RUNG_GOAL_REGRESS : RUNG_GOAL_CLASSIFY;
    f->data.sparse = sparse;
    f->data.features = FEATURES;
    f->data.outputs = kind == 'm' ? 3 : kind == 'b' ? 2 : 1;
    f->data.call_rows_max = ROWS;
    f->data.validation = *part;
    f->linear.data = &f->data;
    f->linear.class_weight = f->class_weight;
    return f;
}

static UNUSED void release(struct fixture *f)
{
    free(f->linear.inputs);
    free(f->linear.work);
    free(f->linear.z);
    free(f->linear.slope);
    free(f);
}

static UNUSED struct rung_linear_model *new_model(struct rung_linear *linear, const char *parameters)
{
    struct rung_json *object = json(parameters);
    struct rung_trainer_task task = {.model = 1, .seed = 9, .parameters = object};
    struct rung_err err;
    void *model = NULL;

    if (rung_linear.trainer->create(linear, &task, &model, &err) != 0)
        fail_msg("%s: %s", parameters, err.text);
    rung_json_free(object);
    return model;
}

#endif
