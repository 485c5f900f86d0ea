/* The steps of linear models: weights of scikit-learn, gradients against finite differences. */
#include "linear_help.h"
#include "trainer/linear.h"
#include "trainer/random.h"

/*
 * Weights (outputs × features), then intercepts, after some partial_fit calls over the rows in
 * order (one where there is an l1 penalty: scikit-learn forgets at each call what has been paid). Computed
 * with scikit-learn 1.2.1, SGDClassifier ('b': two classes, 'm': three) and SGDRegressor
 * ('r'), shuffle=False, of the same formulas; balanced: class_weight={0: n/(2*n_0), 1: n/(2*n_1)}.
 */
static const struct {
    const char *parameters;
    int passes;
    char kind;
    double values[3 * FEATURES + 3];
} references[] = {
    {"{'loss':'log_loss','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':0.5}",
     3,
     'b',
     {0.300066402, -0.0720235867, 0.0986595229, -0.0155090378, -0.140520559, -0.107020388}},
    {"{'loss':'hinge','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':0.5}",
     3,
     'b',
     {0.560619068, -0.194827228, 0.195396406, -0.0102937326, -0.222599297, -0.20030079}},
    {"{'loss':'squared_hinge','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':0.5}",
     3,
     'b',
     {0.604649546, -0.243297722, 0.0686363594, 0.102510722, -0.0978897761, -0.166551649}},
    {"{'loss':'modified_huber','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':0.5}",
     3,
     'b',
     {0.604649546, -0.243297722, 0.0686363594, 0.102510722, -0.0978897761, -0.166551649}},
    {"{'loss':'perceptron','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':0.5}",
     3,
     'b',
     {0.0570805751, -0.033352222, 0.00154061847, 0.0194487669, -0.00744632759, -0.00562106771}},
    {"{'loss':'squared_error','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':0.5}",
     3,
     'b',
     {0.418066037, -0.144529249, 0.0821203016, 0.0395956601, -0.125592426, -0.137963936}},
    {"{'loss':'huber','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':0.5}",
     3,
     'b',
     {0.0699146885, -0.0132767744, 0.0270900784, -0.00849372796, -0.0373711177, -0.0249628914}},
    {"{'loss':'epsilon_insensitive','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':0.5}",
     3,
     'b',
     {0.528077103, -0.210823115, 0.171824827, 0.00963075016, -0.186128736, -0.189430227}},
    {"{'loss':'squared_epsilon_insensitive','alpha':0.01,'learning_rate':'invscaling','eta0':0.05,'power_t':"
     "0.5}",
     3,
     'b',
     {0.544184591, -0.21896795, 0.0617727235, 0.09225965, -0.0881007985, -0.149896484}},
    {"{'loss':'squared_error','alpha':0.001,'learning_rate':'invscaling','eta0':0.05,'power_t':0.25}",
     3,
     'r',
     {0.73827277, -0.348755483, 0.0195006985, 0.243879076, -0.12092641, -0.00660526537}},
    {"{'loss':'huber','alpha':0.001,'learning_rate':'invscaling','eta0':0.05,'power_t':0.25}",
     3,
     'r',
     {0.151801248, -0.0481067937, 0.0361671773, 0.0250898391, -0.0541278224, -0.0308924577}},
    {"{'loss':'epsilon_insensitive','alpha':0.001,'learning_rate':'invscaling','eta0':0.05,'power_t':0.25}",
     3,
     'r',
     {0.854941258, -0.407737364, 0.0584708311, 0.339213122, -0.0429276156, -0.0104636321}},
    {"{'loss':'squared_epsilon_insensitive','alpha':0.001,'learning_rate':'invscaling','eta0':0.05,'power_t':"
     "0.25}",
     3,
     'r',
     {0.874638898, -0.423550689, -0.0108798008, 0.279396135, -0.074897652, 0.000457228066}},
    {"{'loss':'log_loss','alpha':0.01,'learning_rate':'optimal'}",
     3,
     'b',
     {3.00408701, -1.68995179, 0.445153071, 1.16923549, -0.168044715, -0.518408692}},
    {"{'loss':'hinge','alpha':0.02,'learning_rate':'optimal'}",
     3,
     'b',
     {2.26772977, -1.54205624, 0.544255144, 1.45134705, 1.57591848e-16, -0.132173476}},
    {"{'loss':'squared_error','alpha':2,'learning_rate':'optimal'}",
     3,
     'r',
     {0.241447638, -0.0918746898, 0.0344719053, 0.0640465647, -0.0805996689, -0.0863394412}},
    {"{'loss':'log_loss','alpha':0.02,'learning_rate':'constant','eta0':0.1,'penalty':'l1'}",
     1,
     'b',
     {0.808761582, -0.218313432, 0.160600044, 0.0395756511, -0.194557602, -0.218193814}},
    {"{'loss':'hinge','alpha':0.05,'learning_rate':'constant','eta0':0.1,'penalty':'elasticnet','l1_ratio':0."
     "4}",
     1,
     'b',
     {1.10031953, -0.383914911, 0.225521321, 0.0994160386, -0.193057783, -0.2}},
    {"{'loss':'squared_error','alpha':0.3,'learning_rate':'invscaling','eta0':0.1,'penalty':'l1'}",
     1,
     'r',
     {0.384323436, 0, 0, 0, 0, -0.0158539638}},
    {"{'loss':'log_loss','alpha':0.02,'learning_rate':'constant','eta0':0.1,'penalty':'none'}",
     3,
     'b',
     {1.62234612, -0.6443241, 0.272490829, 0.377162339, -0.22818868, -0.364488453}},
    {"{'loss':'log_loss','alpha':0.02,'learning_rate':'constant','eta0':0.1,'fit_intercept':false}",
     3,
     'b',
     {1.47632597, -0.572501521, 0.260074725, 0.320439349, -0.197361174, 0}},
    {"{'loss':'hinge','alpha':0.01,'learning_rate':'optimal','multi_class':'ovr'}",
     3,
     'm',
     {1.49379798, 0.663910215, -0.165977554, 1.16184288, 0.331955108, -0.995865323, -0.497932661,
      1.63077532e-16, -1.65977554, -1.16184288, 3.66924448e-16, -2.85385682e-16, -1.34538964e-15,
      -1.22308149e-16, 1.34538964e-15, -1.67354865, -1.1869343, -1.29339111}},
    {"{'loss':'log_loss','alpha':0.01,'learning_rate':'constant','eta0':0.05,'multi_class':'ovr'}",
     3,
     'm',
     {-0.146976412, 0.100950153, -0.0195113597, 0.117433904, 0.011983605, 0.0440219801, -0.045010147,
      0.0494081307, -0.17099669, -0.347372756, 0.12119494, -0.0363770626, -0.0487000361, 0.0427240756,
      0.312871475, -0.556955238, -0.391364086, -0.662256644}},
    {"{'loss':'log_loss','alpha':0.01,'learning_rate':'constant','eta0':0.05,'class_weight':'balanced'}",
     3,
     'b',
     {1.08394342, -0.379897127, 0.234086649, 0.201112371, -0.260766904, -0.0328583577}},
};

static void passes_in_order_give_the_weights_of_scikit_learn(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        struct fixture *f = fixture(references[i].kind, false);
        struct rung_linear_model *model = new_model(&f->linear, references[i].parameters);
        const double *value = references[i].values;

        for (int pass = 0; pass < references[i].passes; pass++)
            rung_linear_fit(&f->linear, model, f->rows, ROWS);
        for (int64_t k = 0; k < model->outputs; k++) {
            for (int64_t j = 0; j < FEATURES; j++) {
                double w = model->scale * model->v[j * model->outputs + k];

                if (fabs(w - *value) > 2e-6 * (1 + fabs(*value)))
                    fail_msg("%s: weight %d of output %d is %.9g, not %.9g", references[i].parameters, (int)j,
                             (int)k, w, *value);
                value++;
            }
        }
        for (int64_t k = 0; k < model->outputs; k++, value++)
            if (fabs(model->intercept[k] - *value) > 2e-6 * (1 + fabs(*value)))
                fail_msg("%s: intercept %d is %.9g, not %.9g", references[i].parameters, (int)k,
                         model->intercept[k], *value);
        rung_linear.trainer->destroy(&f->linear, model);
        release(f);
    }
}

/* Mean loss plus half the squared norm times alpha. */
static double objective(struct fixture *f, const struct rung_linear_model *model, double alpha)
{
    double sum = 0;

    rung_linear_predict(&f->linear, model, &f->data.train, f->rows, ROWS);
    for (int i = 0; i < ROWS; i++)
        sum += rung_linear_loss(model, &f->data.train, i, f->linear.z + i * model->outputs, NULL) / ROWS;
    for (int64_t i = 0; i < FEATURES * model->outputs; i++)
        sum += .5 * alpha * model->scale * model->scale * model->v[i] * model->v[i];
    return sum;
}

/* A step over all rows moves each weight by rate times the objective's derivative. */
static void check_gradient(char kind, bool sparse, const char *parameters)
{
    struct fixture *f = fixture(kind, sparse);
    struct rung_linear_model *model = new_model(&f->linear, parameters);
    struct rung_random random;
    double expected[3 * FEATURES + 3], before[3 * FEATURES + 3], after, h = 1. / 128;
    int64_t weights = FEATURES * model->outputs, all = weights + model->outputs;

    rung_random_seed(&random, 1, "test", 0);
    for (int64_t i = 0; i < weights; i++)
        model->v[i] = (float)rung_random_normal(&random);
    for (int64_t k = 0; k < model->outputs; k++)
        model->intercept[k] = rung_random_normal(&random);
    for (int64_t i = 0; i < all; i++) {
        double up, down;

        before[i] = i < weights ? model->v[i] : model->intercept[i - weights];
        for (int side = 0; side < 2; side++) {
            if (i < weights)
                model->v[i] = (float)(before[i] + (side ? h : -h));
            else
                model->intercept[i - weights] = before[i] + (side ? h : -h);
            *(side ? &up : &down) = objective(f, model, .03);
        }
        if (i < weights)
            model->v[i] = (float)before[i];
        else
            model->intercept[i - weights] = before[i];
        expected[i] = (up - down) / (2 * h);
    }
    rung_linear_fit(&f->linear, model, f->rows, ROWS);
    for (int64_t i = 0; i < all; i++) {
        after = i < weights ? model->scale * model->v[i] : model->intercept[i - weights];
        if (fabs((before[i] - after) / .01 - expected[i]) > 2e-4)
            fail_msg("%s, %s: derivative %d is %.9g, not %.9g", parameters, sparse ? "sparse" : "dense",
                     (int)i, (before[i] - after) / .01, expected[i]);
    }
    rung_linear.trainer->destroy(&f->linear, model);
    release(f);
}

static void steps_follow_the_gradient(void **state)
{
#define STEP "'alpha':0.03,'learning_rate':'constant','eta0':0.01,'batch_size':40"
    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        check_gradient('b', sparse, "{'loss':'log_loss'," STEP "}");
        check_gradient('m', sparse, "{'loss':'log_loss','multi_class':'multinomial'," STEP "}");
        check_gradient('m', sparse, "{'loss':'log_loss','multi_class':'ovr'," STEP "}");
        check_gradient('m', sparse, "{'loss':'squared_hinge'," STEP "}");
        check_gradient('r', sparse, "{" STEP "}");
        check_gradient('r', sparse, "{'loss':'squared_epsilon_insensitive'," STEP "}");
    }
}

static void sparse_rows_give_the_weights_of_dense_ones(void **state)
{
    static const char *const parameters[] = {
        "{'learning_rate':'constant','eta0':0.1,'alpha':0.01}",
        "{'learning_rate':'invscaling','eta0':0.1,'alpha':0.01,'batch_size':7}",
        "{'loss':'hinge','learning_rate':'constant','eta0':0.5,'alpha':0.9}", /* scale shrinks often */
    };

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct fixture *dense = fixture(i < 3 ? 'b' : 'm', false), *sparse = fixture(i < 3 ? 'b' : 'm', true);
        struct rung_linear_model *a = new_model(&dense->linear, parameters[i % 3]);
        struct rung_linear_model *b = new_model(&sparse->linear, parameters[i % 3]);

        for (int pass = 0; pass < 5; pass++) {
            double loss = rung_linear_fit(&dense->linear, a, dense->rows, ROWS);

            assert_true(fabs(loss - rung_linear_fit(&sparse->linear, b, sparse->rows, ROWS)) < 1e-5);
        }
        for (int64_t j = 0; j < FEATURES * a->outputs; j++)
            assert_true(fabs(a->scale * a->v[j] - b->scale * b->v[j]) < 1e-5);
        rung_linear.trainer->destroy(NULL, a);
        rung_linear.trainer->destroy(NULL, b);
        release(dense);
        release(sparse);
    }
}

/* An l1 penalty on inputs that never occur must leave them at zero, and others must reach it. */
static void l1_penalty_makes_weights_zero(void **state)
{
    struct fixture *f = fixture('b', true);
    struct rung_linear_model *model =
        new_model(&f->linear, "{'penalty':'l1','alpha':0.2,'learning_rate':'constant','eta0':0.05}");
    int zeros = 0;

    (void)state;
    for (int pass = 0; pass < 20; pass++)
        rung_linear_fit(&f->linear, model, f->rows, ROWS);
    for (int j = 0; j < FEATURES; j++)
        zeros += model->v[j] == 0;
    assert_in_range(zeros, 2, 4);
    rung_linear.trainer->destroy(NULL, model);
    release(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_in_order_give_the_weights_of_scikit_learn),
        cmocka_unit_test(steps_follow_the_gradient),
        cmocka_unit_test(sparse_rows_give_the_weights_of_dense_ones),
        cmocka_unit_test(l1_penalty_makes_weights_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
