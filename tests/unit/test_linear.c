/* The linear trainer: resuming, parameters, scores, states, real data. */
#include "linear_help.h"
#include "trainer/linear.h"
#include "trainer/state.h"

static void *open_linear(const char *settings, struct rung_json **keep)
{
    struct rung_trainer_start start = {.seed = 3, .threads = 1};
    struct rung_err err;
    void *context = NULL;

    *keep = json(settings);
    start.settings = *keep;
    if (rung_linear.trainer->setup(&start, &context, &err) != 0)
        fail_msg("%s: %s", settings, err.text);
    return context;
}

static void *through_file(void *context, const struct rung_trainer_task *task, void *model)
{
    struct rung_state *state = rung_state_new();
    struct rung_state_id id = {"linear", 1, 1};
    struct rung_err err;

    assert_int_equal(rung_linear.trainer->save(context, model, state, &err), 0);
    assert_int_equal(rung_state_write(state, in_folder("state"), &id, &err), 0);
    rung_linear.trainer->destroy(context, model);
    assert_int_equal(rung_state_read(state, in_folder("state"), &id, &err), 0);
    if (rung_linear.trainer->load(context, task, state, &model, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(rung_state_left(state), 0);
    rung_state_free(state);
    return model;
}

/* The bytes of the state after `calls` calls, saved and loaded after those whose bit is set. */
static size_t train_in_jobs(void *context, const char *parameters, int calls, int cuts, char **bytes)
{
    struct rung_json *object = json(parameters);
    struct rung_trainer_task task = {.model = 1, .seed = 77, .parameters = object};
    struct rung_err err;
    void *model;
    size_t length;

    assert_int_equal(rung_linear.trainer->create(context, &task, &model, &err), 0);
    for (int call = 0; call < calls; call++) {
        struct rung_trainer_report report = {.examples = 0};

        assert_int_equal(rung_linear.trainer->train(context, model, call, &report, &err), 0);
        assert_true(report.examples > 0);
        if (cuts >> call & 1)
            model = through_file(context, &task, model);
    }
    model = through_file(context, &task, model);
    length = read_bytes(in_folder("state"), bytes);
    rung_linear.trainer->destroy(context, model);
    rung_json_free(object);
    return length;
}

static void resumed_models_go_on_bit_for_bit_under_every_cutting(void **state)
{
    static const char *const cases[][2] = {
        {"{'data':{'generator':'four_circles','examples':400},'examples_per_call':64}", "{}"},
        {"{'data':{'generator':'four_circles','examples':400},'examples_per_call':64}",
         "{'loss':'hinge','penalty':'elasticnet','batch_size':16,'alpha':0.01,'eta0':0.1,'learning_rate':'"
         "constant'}"},
        {"{'data':{'train':'%s'},'examples_per_call':3,'validation':2}",
         "{'penalty':'l1','alpha':0.05,'learning_rate':'invscaling','eta0':0.1}"},
        {"{'data':{'train':'%s'},'examples_per_call':3,'validation':2}", "{'alpha':0.5,'loss':'hinge'}"},
    };
    char *file =
        strdup(write_text("small", "1 1:1 4:.5\n-1 2:1\n1 3:2 4:1\n-1 1:.5 2:1\n1 1:1\n-1 2:2 3:.1\n1 4:1\n"
                                   "-1 2:1 4:-1\n1 1:3\n-1 3:-1\n"));

    (void)state;
    for (int i = 0; i < 4; i++) {
        char settings[600], *whole, *cut;
        struct rung_json *keep;
        void *context;
        size_t length;

        if (strchr(cases[i][0], '%'))
            snprintf(settings, sizeof settings,
                     "{'data':{'train':'%s'},'examples_per_call':3,'validation':2}", file);
        else
            snprintf(settings, sizeof settings, "%s", cases[i][0]);
        context = open_linear(settings, &keep);
        length = train_in_jobs(context, cases[i][1], 7, 0, &whole);
        for (int cuts = 1; cuts < 1 << 6; cuts++) {
            assert_int_equal(train_in_jobs(context, cases[i][1], 7, cuts, &cut), length);
            assert_memory_equal(whole, cut, length);
            free(cut);
        }
        free(whole);
        rung_linear.trainer->teardown(context);
        rung_json_free(keep);
    }
    free(file);
}

static void parameters_that_cannot_work_are_named(void **state)
{
    static const char *const cases[][2] = {
        {"{'aplha':1}", "parameters.aplha: unknown key (did you mean \"alpha\"?)"},
        {"{'alpha':-1}", "parameters.alpha: must be at least 0, not -1"},
        {"{'alpha':0}", "parameters.alpha: must be over 0 for the learning rate \"optimal\""},
        {"{'eta0':0}", "parameters.eta0: must be over 0, not 0"},
        {"{'loss':'hinges'}", "parameters.loss: unknown value \"hinges\" (did you mean \"hinge\"?)"},
        {"{'loss':'hinge','multi_class':'multinomial'}",
         "parameters.multi_class: multinomial goes with log_loss only"},
        {"{'batch_size':2.5}", "parameters.batch_size: must be an integer, not 2.5"},
        {"{'l1_ratio':1.1}", "parameters.l1_ratio: must be in [0, 1], not 1.1"},
    };
    struct fixture *f = fixture('b', false), *r = fixture('r', false);
    struct rung_json *object;
    struct rung_trainer_task task = {.model = 1};
    struct rung_err err;
    void *model;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        task.parameters = object = json(cases[i][0]);
        assert_int_equal(rung_linear.trainer->create(&f->linear, &task, &model, &err), RUNG_EUSE);
        assert_string_equal(err.text, cases[i][1]);
        rung_json_free(object);
    }
    task.parameters = object = json("{'loss':'hinge'}");
    assert_int_equal(rung_linear.trainer->create(&r->linear, &task, &model, &err), RUNG_EUSE);
    assert_string_equal(err.text, "parameters.loss: \"hinge\" needs classes, and this is a regression");
    rung_json_free(object);
    task.parameters = object = json("{'class_weight':'balanced'}");
    assert_int_equal(rung_linear.trainer->create(&r->linear, &task, &model, &err), RUNG_EUSE);
    rung_json_free(object);
    release(f);
    release(r);
}

static void diverged_model_scores_not_a_number(void **state)
{
    struct fixture *f = fixture('r', false);
    struct rung_linear_model *model = new_model(&f->linear, "{'learning_rate':'constant','eta0':1e30}");
    struct rung_trainer_report report = {.examples = 0};
    struct rung_err err;
    double score = 0;

    (void)state;
    rung_linear_fit(&f->linear, model, f->rows, ROWS);
    f->data.validation = f->data.train;
    assert_int_equal(rung_linear.trainer->score(&f->linear, model, &score, &report, &err), 0);
    assert_true(isnan(score));
    rung_linear.trainer->destroy(NULL, model);
    release(f);
}

/* R^2 of predictions that are all the mean is 0, of perfect ones 1. */
static void score_of_a_regression_is_r_squared(void **state)
{
    struct fixture *f = fixture('r', false);
    struct rung_linear_model *model = new_model(&f->linear, "{}");
    struct rung_trainer_report report = {.examples = 0};
    struct rung_err err;
    double score, mean = 0;

    (void)state;
    for (int i = 0; i < ROWS; i++)
        mean += f->target[i] / ROWS;
    model->intercept[0] = mean;
    assert_int_equal(rung_linear.trainer->score(&f->linear, model, &score, &report, &err), 0);
    assert_true(fabs(score) < 1e-12);
    for (int i = 0; i < ROWS; i++)
        f->target[i] = f->floats[i * FEATURES] + 3;
    model->v[0] = 1;
    model->intercept[0] = 3;
    assert_int_equal(rung_linear.trainer->score(&f->linear, model, &score, &report, &err), 0);
    assert_true(fabs(score - 1) < 1e-12);
    rung_linear.trainer->destroy(NULL, model);
    release(f);
}

static void state_of_another_shape_is_refused(void **unused)
{
    struct fixture *b = fixture('b', false), *m = fixture('m', false);
    struct rung_linear_model *model = new_model(&b->linear, "{}");
    struct rung_state *state = rung_state_new();
    struct rung_state_id id = {"linear", 1, 1};
    struct rung_json *object = json("{}");
    struct rung_trainer_task task = {.parameters = object};
    struct rung_err err;
    void *other;

    (void)unused;
    assert_int_equal(rung_linear.trainer->save(&b->linear, model, state, &err), 0);
    assert_int_equal(rung_state_write(state, in_folder("other"), &id, &err), 0);
    assert_int_equal(rung_state_read(state, in_folder("other"), &id, &err), 0);
    assert_int_equal(rung_linear.trainer->load(&m->linear, &task, state, &other, &err), RUNG_EFAIL);
    rung_linear.trainer->destroy(NULL, model);
    rung_state_free(state);
    rung_json_free(object);
    release(b);
    release(m);
}

/* Logistic regression on a9a reaches the usual 0.85 on its test file. */
static void a9a_reaches_its_usual_accuracy(void **state)
{
    const char *data = getenv("RUNG_DATA") ? getenv("RUNG_DATA") : "../shared/data";
    struct rung_trainer_report report = {.examples = 0};
    struct rung_trainer_task task = {.model = 1, .seed = 7};
    struct rung_json *keep, *object = json("{'learning_rate':'invscaling','eta0':0.5,'batch_size':32}");
    char settings[700];
    struct rung_err err;
    void *context, *model;

    (void)state;
    snprintf(settings, sizeof settings, "%s/a9a/a9a", data);
    if (access(settings, R_OK) != 0) {
        print_message("a9a is not in %s: set RUNG_DATA\n", data);
        rung_json_free(object);
        skip();
    }
    snprintf(settings, sizeof settings, "{'data':{'train':'%s/a9a/a9a','test':'%s/a9a/a9a.t'}}", data, data);
    context = open_linear(settings, &keep);
    task.parameters = object;
    assert_int_equal(rung_linear.trainer->create(context, &task, &model, &err), 0);
    for (int call = 0; call < 5; call++)
        assert_int_equal(rung_linear.trainer->train(context, model, call, &report, &err), 0);
    report.count = 0;
    assert_int_equal(rung_linear.trainer->evaluate(context, model, &report, &err), 0);
    assert_string_equal(report.metrics[0].name, "test_score");
    assert_true(report.metrics[0].value > .845 && report.metrics[0].value < .86);
    rung_linear.trainer->destroy(context, model);
    rung_linear.trainer->teardown(context);
    rung_json_free(keep);
    rung_json_free(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_models_go_on_bit_for_bit_under_every_cutting),
        cmocka_unit_test(parameters_that_cannot_work_are_named),
        cmocka_unit_test(diverged_model_scores_not_a_number),
        cmocka_unit_test(score_of_a_regression_is_r_squared),
        cmocka_unit_test(state_of_another_shape_is_refused),
        cmocka_unit_test(a9a_reaches_its_usual_accuracy),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
