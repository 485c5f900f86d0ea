/*
 * A trainer of one's own, in C. A model is a number that each call moves towards 3. The library
 * speaks the protocol, keeps models in memory and writes their states.
 *
 *     cc -o trainer trainer.c $(pkg-config --cflags --libs rung-trainer)
 */
#include <rung/trainer.h>
#include <stdlib.h>

struct model {
    double rate, number;
};

static int create(void *context, const struct rung_trainer_task *task, void **model, struct rung_err *err)
{
    struct model *m = calloc(1, sizeof *m);

    (void)context;
    m->rate = rung_trainer_number(task->parameters, "rate", -1) / 1000;
    *model = m;
    return m->rate < 0 ? rung_trainer_fail(err, false, "parameters.rate: missing or negative") : 0;
}

static void destroy(void *context, void *model)
{
    (void)context;
    free(model);
}

static int train(void *context, void *model, int64_t call, struct rung_trainer_report *report,
                 struct rung_err *err)
{
    struct model *m = model;

    (void)context, (void)call, (void)err;
    m->number += m->rate * (3 - m->number);
    rung_trainer_metric(report, "number", m->number);
    return 0;
}

static int score(void *context, void *model, double *score, struct rung_trainer_report *report,
                 struct rung_err *err)
{
    const struct model *m = model;

    (void)context, (void)report, (void)err;
    *score = -(m->number - 3) * (m->number - 3);
    return 0;
}

static int save(void *context, const void *model, struct rung_state *state, struct rung_err *err)
{
    (void)context, (void)err;
    rung_state_put(state, &((const struct model *)model)->number, sizeof(double));
    return 0;
}

static int load(void *context, const struct rung_trainer_task *task, struct rung_state *state, void **model,
                struct rung_err *err)
{
    int code = create(context, task, model, err);

    if (code == 0 && !rung_state_get(state, &((struct model *)*model)->number, sizeof(double)))
        code = rung_trainer_fail(err, true, "the state is too short");
    return code;
}

int main(void)
{
    static const struct rung_trainer trainer = {.name = "trainer.c",
                                                .version = 1,
                                                .create = create,
                                                .destroy = destroy,
                                                .train = train,
                                                .score = score,
                                                .save = save,
                                                .load = load};

    return rung_trainer_main(&trainer);
}
