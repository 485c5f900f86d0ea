/* Data sets: splits, order of calls, standardisation, and what the settings refuse. */
#include "data_help.h"
#include "trainer/data.h"
#include <unistd.h>

/* The experiment's sizes: 60,000 made, 10,000 for the test, 1/6 of the rest for validation, chunks
 * of 8361 from what is left. */
static void four_circles_have_the_experiments_sizes(void **state)
{
    struct rung_data *data =
        open_with("{'data':{'generator':'four_circles','examples':60000,'test':10000}}", 42, 8361);
    uint32_t *rows = malloc((size_t)data->call_rows_max * sizeof *rows);
    int64_t total = 0, small = 0;

    (void)state;
    assert_int_equal(data->goal, RUNG_GOAL_CLASSIFY);
    assert_int_equal(data->features, 6);
    assert_int_equal(data->outputs, 4);
    assert_int_equal(data->test.rows, 10000);
    assert_int_equal(data->validation.rows, 8333);
    assert_int_equal(data->train.rows, 41667);
    assert_int_equal(data->call_rows_max, 8361);
    for (int call = 0; call < 5; call++) {
        int64_t count = rung_data_call(data, call, rows);

        assert_true(count == 8361 || count == 8223);
        small += count == 8223;
        total += count;
    }
    assert_int_equal(small, 1);
    assert_int_equal(total, 41667);
    free(rows);
    rung_data_free(data);
}

/* Undone standardisation shows the circles: radius 1 or 0.8 around 0 or 0.6. */
static void four_circles_are_circles(void **state)
{
    struct rung_data *data = open_with(
        "{'data':{'generator':'four_circles','examples':8000,'test':10},'standardize':false}", 5, 0);
    const struct rung_part *part = &data->train;
    int64_t count[4] = {0};
    double radius[4] = {0}, square[4] = {0}, far = 0;

    (void)state;
    for (int64_t i = 0; i < part->rows; i++) {
        const float *x = part->floats + i * 6;
        int label = part->label[i];
        double r = hypot(x[0] - (label >= 2 ? .6 : 0), x[1]);

        count[label]++;
        radius[label] += r;
        square[label] += r * r;
        for (int j = 2; j < 6; j++)
            far = fabs((double)x[j]) > far ? fabs((double)x[j]) : far;
    }
    for (int k = 0; k < 4; k++) {
        double n = (double)count[k], mean = radius[k] / n;

        assert_in_range(count[k], part->rows / 4 - 150, part->rows / 4 + 150);
        assert_true(fabs(mean - (k % 2 ? .8 : 1)) < .005);
        assert_true(fabs(sqrt(square[k] / n - mean * mean) - .04) < .004);
    }
    assert_true(far > .99 && far <= 1);
    rung_data_free(data);
}

static void standardisation_is_by_training_examples(void **state)
{
    struct rung_data *data =
        open_with("{'data':{'generator':'four_circles','examples':4000,'test':0.1}}", 5, 0);
    double validation = 0;

    (void)state;
    for (int j = 0; j < 6; j++) {
        double mean = 0, square = 0, n = (double)data->train.rows;

        for (int64_t i = 0; i < data->train.rows; i++) {
            double x = data->train.floats[i * 6 + j];

            mean += x / n;
            square += x * x / n;
        }
        assert_true(fabs(mean) < 1e-6);
        assert_true(fabs(square - 1) < 1e-6);
        for (int64_t i = 0; i < data->validation.rows; i++)
            validation += data->validation.floats[i * 6 + j];
    }
    assert_true(validation != 0);
    rung_data_free(data);
}

static void seed_and_settings_give_the_data(void **state)
{
    static const char settings[] = "{'data':{'generator':'four_circles','examples':400,'test':40}}";
    struct rung_data *a = open_with(settings, 5, 64), *b = open_with(settings, 5, 64),
                     *c = open_with(settings, 6, 64);
    struct rung_data *d =
        open_with("{'data':{'generator':'four_circles','examples':400,'test':40,'seed':5}}", 6, 64);
    size_t bytes = (size_t)a->train.rows * 6 * sizeof(float);
    uint32_t rows[2][64];

    (void)state;
    assert_memory_equal(a->train.floats, b->train.floats, bytes);
    assert_memory_equal(a->train.floats, d->train.floats, bytes);
    assert_memory_not_equal(a->train.floats, c->train.floats, bytes);
    assert_memory_equal(a->test.label, b->test.label, 40 * sizeof(int32_t));
    for (int call = 40; call >= 0; call--) { /* whatever was asked for before */
        int64_t count = rung_data_call(a, call, rows[0]);

        assert_int_equal(rung_data_call(b, 40 - call, rows[1]), rung_data_call(a, 40 - call, rows[0]));
        rung_data_call(a, call, rows[0]);
        assert_int_equal(rung_data_call(b, call, rows[1]), count);
        assert_memory_equal(rows[0], rows[1], (size_t)count * sizeof **rows);
    }
    rung_data_free(a);
    rung_data_free(b);
    rung_data_free(c);
    rung_data_free(d);
}

/* Fresh permutations of all chunks: every pass has each row once, and passes differ in order. */
static void every_pass_has_each_row_once(void **state)
{
    struct rung_data *data = open_with("{'data':{'generator':'four_circles','examples':1000}}", 9, 100);
    int64_t n = data->train.rows, chunks = (n + 99) / 100;
    uint32_t rows[100], first[40];
    int same = 0;

    (void)state;
    assert_int_equal(data->validation.rows, 100); /* 1/chunks of 1000 */
    for (int64_t pass = 0; pass < 20; pass++) {
        char *seen = calloc((size_t)n, 1);
        int64_t total = 0;

        for (int64_t i = 0; i < chunks; i++) {
            int64_t count = rung_data_call(data, pass * chunks + i, rows);

            same += pass > 0 && first[i] == rows[0];
            first[i] = rows[0];
            for (int64_t k = 0; k < count; k++)
                seen[rows[k]]++;
            total += count;
        }
        assert_int_equal(total, n);
        for (int64_t k = 0; k < n; k++)
            assert_int_equal(seen[k], 1);
        free(seen);
    }
    assert_in_range(same, 1, 60); /* of 171; a permutation keeps one in nine in its place */
    rung_data_free(data);
}

/* A call of more than a pass: permutations of the rows, one behind the other. */
static void call_larger_than_the_data_repeats_it(void **state)
{
    struct rung_data *data =
        open_with("{'data':{'generator':'four_circles','examples':100},'validation':20}", 9, 200);
    uint32_t rows[200];
    int seen[80] = {0};

    (void)state;
    assert_int_equal(data->train.rows, 80);
    assert_int_equal(data->call_rows_max, 200);
    for (int call = 0; call < 2; call++) {
        assert_int_equal(rung_data_call(data, call, rows), 200);
        for (int i = 0; i < 200; i++)
            seen[rows[i]]++;
    }
    for (int i = 0; i < 80; i++)
        assert_int_equal(seen[i], 5);
    rung_data_free(data);
}

static void validation_is_a_share_or_a_number(void **state)
{
    struct rung_data *data;

    (void)state;
    data = open_with("{'data':{'generator':'four_circles','examples':1000}}", 1, 0);
    assert_int_equal(data->validation.rows, 200);
    assert_int_equal(data->call_rows_max, 800);
    rung_data_free(data);
    data =
        open_with("{'data':{'generator':'four_circles','examples':1000,'test':0.5},'validation':0.1}", 1, 0);
    assert_int_equal(data->test.rows, 500);
    assert_int_equal(data->validation.rows, 50);
    rung_data_free(data);
    data = open_with(
        "{'data':{'generator':'four_circles','examples':1000},'validation':1,'examples_per_call':7}", 1, 0);
    assert_int_equal(data->validation.rows, 1);
    assert_int_equal(data->call_rows_max, 7);
    rung_data_free(data);
}

static void images_are_divided_by_255_or_standardised(void **state)
{
    char settings[900];
    const char *images = image_file("i.gz", 0, IMAGES, 0), *labels = image_file("l.gz", 0, IMAGES, 1);
    struct rung_data *data;
    float *inputs, scratch[IMAGES * PIXELS];

    (void)state;
    snprintf(settings, sizeof settings,
             "{'data':{'train':'%s','train_labels':'%s','test':'%s','test_labels':'%s'}}", images, labels,
             images, labels);
    data = open_with(settings, 3, 0);
    assert_int_equal(data->outputs, 3);
    assert_int_equal(data->test.rows, IMAGES);
    inputs = inputs_of(&data->test);
    for (int i = 0; i < IMAGES; i++) {
        assert_true(fabsf(inputs[i * PIXELS] - (float)(i * 5) / 255) < 1e-6f);
        assert_int_equal(data->test.label[i], i % 3);
    }
    assert_memory_equal(rung_part_block(&data->test, 0, IMAGES, scratch), inputs, sizeof scratch);
    free(inputs);
    rung_data_free(data);
    snprintf(settings, sizeof settings, "{'data':{'train':'%s','train_labels':'%s'},'standardize':true}",
             images, labels);
    data = open_with(settings, 3, 0);
    inputs = inputs_of(&data->train);
    for (int j = 0; j < 2; j++) {
        double mean = 0, square = 0;

        for (int64_t i = 0; i < data->train.rows; i++) {
            mean += inputs[i * PIXELS + j] / (double)data->train.rows;
            square += pow(inputs[i * PIXELS + j], 2) / (double)data->train.rows;
        }
        assert_true(fabs(mean) < 1e-5);
        assert_true(fabs(square - (j == 0)) < 1e-5); /* the second pixel is the same in all */
    }
    free(inputs);
    rung_data_free(data);
}

static void sparse_rows_can_be_had_dense(void **state)
{
    const char *train = write_text("s", "+1 1:1 3:.5\n-1 2:2\n+1 5:1\n-1\n+1 1:3 2:1\n");
    char settings[400];
    struct rung_data *sparse, *dense;
    float *a, *b;

    (void)state;
    snprintf(settings, sizeof settings, "{'data':{'train':'%s'},'validation':1}", train);
    sparse = open_with(settings, 3, 0);
    snprintf(settings, sizeof settings, "{'data':{'train':'%s','dense':true},'validation':1}", train);
    dense = open_with(settings, 3, 0);
    assert_true(sparse->sparse && !dense->sparse);
    assert_int_equal(sparse->features, 5);
    a = inputs_of(&sparse->train);
    b = inputs_of(&dense->train);
    assert_memory_equal(a, b, 4 * 5 * sizeof *a);
    assert_memory_equal(sparse->train.label, dense->train.label, 4 * sizeof(int32_t));
    free(a);
    free(b);
    rung_data_free(sparse);
    rung_data_free(dense);
}

static void test_file_may_know_more_features(void **state)
{
    const char *train = write_text("s1", "1 1:1\n2 2:2\n1 3:1\n"), *test = write_text("s2", "2 7:1\n1 1:1\n");
    char settings[800];
    struct rung_data *data;

    (void)state;
    snprintf(settings, sizeof settings, "{'data':{'train':'%s','test':'%s'},'validation':1}", train, test);
    data = open_with(settings, 3, 0);
    assert_int_equal(data->features, 7);
    assert_int_equal(data->train.features, 7);
    assert_int_equal(data->test.label[0], 1);
    rung_data_free(data);
    snprintf(settings, sizeof settings, "{'data':{'train':'%s','test':'%s','features':5},'validation':1}",
             train, test);
    refuse(settings, 0, "s2:1: index 7 (must be 1 to 5)");
    snprintf(settings, sizeof settings, "{'data':{'train':'%s','test':'%s'}}", train,
             write_text("s3", "1 1:1\n4 1:1\n"));
    refuse(settings, 0, "s3: example 2 has label 4, which does not occur in");
}

static void targets_of_a_regression_are_standardised(void **state)
{
    char text[4000] = "x,y\n", settings[400];
    const char *path;
    struct rung_data *data;
    double mean = 0, square = 0;
    float y;
    uint32_t row = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        sprintf(text + strlen(text), "%d,%g\n", i, 1000 + i * .5);
    path = write_text("r.csv", text);
    snprintf(settings, sizeof settings, "{'data':{'train':'%s'}}", path);
    data = open_with(settings, 3, 0);
    assert_int_equal(data->goal, RUNG_GOAL_REGRESS);
    for (int64_t i = 0; i < data->train.rows; i++) {
        mean += data->train.target[i] / (double)data->train.rows;
        square += pow(data->train.target[i], 2) / (double)data->train.rows;
    }
    assert_true(fabs(mean) < 1e-5 && fabs(square - 1) < 1e-5);
    rung_part_targets(&data->train, &row, 1, &y);
    assert_true(y == data->train.target[0]);
    y = (float)(y * data->target_scale + data->target_mean);
    assert_true(y >= 999 && y < 1050);
    rung_data_free(data);
    snprintf(settings, sizeof settings, "{'data':{'train':'%s'},'standardize_target':false}", path);
    data = open_with(settings, 3, 0);
    assert_true(data->train.target[0] >= 1000);
    rung_data_free(data);
}

static void goal_is_guessed_from_the_target(void **state)
{
    static const char *const targets[] = {"%d", "%d.5", "c%d", "%d"};
    static const int counts[] = {100, 100, 100, 101};
    static const enum rung_goal goals[] = {RUNG_GOAL_CLASSIFY, RUNG_GOAL_REGRESS, RUNG_GOAL_CLASSIFY,
                                           RUNG_GOAL_REGRESS};

    (void)state;
    for (int k = 0; k < 4; k++) {
        char text[8000] = "a,b\n", settings[400];
        struct rung_data *data;

        for (int i = 0; i < 202; i++) {
            sprintf(text + strlen(text), "%d,", i % 5);
            sprintf(text + strlen(text), targets[k], i % counts[k]);
            strcat(text, "\n");
        }
        snprintf(settings, sizeof settings, "{'data':{'train':'%s'}}", write_text("g.csv", text));
        data = open_with(settings, 3, 0);
        assert_int_equal(data->goal, goals[k]);
        rung_data_free(data);
    }
}

static void examples_limits_what_is_used(void **state)
{
    char settings[600];
    struct rung_data *data;

    (void)state;
    snprintf(settings, sizeof settings,
             "{'data':{'train':'%s','train_labels':'%s','examples':10},'validation':2}",
             image_file("i.gz", 0, IMAGES, 0), image_file("l.gz", 0, IMAGES, 1));
    data = open_with(settings, 3, 0);
    assert_int_equal(data->train.rows, 8);
    assert_int_equal(data->validation.rows, 2);
    rung_data_free(data);
}

static void relative_paths_start_in_the_folder(void **state)
{
    char settings[900], where[400], before[400], after[400];
    struct rung_data *data;

    (void)state;
    image_file("i.gz", 0, IMAGES, 0);
    snprintf(where, sizeof where, "%s", image_file("l.gz", 0, IMAGES, 1));
    *strrchr(where, '/') = '\0';
    assert_non_null(getcwd(before, sizeof before));
    snprintf(settings, sizeof settings, "{'data':{'folder':'%s','train':'i.gz','train_labels':'l.gz'}}",
             where);
    data = open_with(settings, 3, 0);
    assert_int_equal(data->train.rows + data->validation.rows, IMAGES);
    rung_data_free(data);
    snprintf(settings, sizeof settings, "{'data':{'folder':'%s','train':'none.gz'}}", where);
    refuse(settings, 0, "none.gz: No such file");
    refuse("{'data':{'folder':'/nowhere','train':'x'}}", 0, "settings.data.folder: /nowhere: No such file");
    refuse("{'data':{'generator':'four_circles','folder':'x'}}", 0, "settings.data.folder: has no meaning");
    assert_non_null(getcwd(after, sizeof after));
    assert_string_equal(before, after);
}

static void settings_that_cannot_work_are_named(void **state)
{
    char images[400], both[900];

    (void)state;
    refuse("{}", 0, "settings.data: missing");
    refuse("{'data':{}}", 0, "settings.data: needs \"train\" (a file) or \"generator\"");
    refuse("{'data':3}", 0, "settings.data: must be an object, not a number");
    refuse("{'dta':{}}", 0, "settings.dta: unknown key (did you mean \"data\"?)");
    refuse("{'data':{'trian':'x'}}", 0, "settings.data.trian: unknown key (did you mean \"train\"?)");
    refuse("{'data':{'generator':'four_circle'}}", 0, "(did you mean \"four_circles\"?)");
    refuse("{'data':{'generator':'four_circles','copies':2}}", 0,
           "settings.data.copies: has no meaning for the generator four_circles");
    refuse("{'data':{'generator':'four_circles','train':'x'}}", 0, "settings.data.train: has no meaning");
    refuse("{'data':{'generator':'four_circles','test':'x'}}", 0,
           "settings.data.test: must be a share or a number");
    refuse("{'data':{'generator':'four_circles','test':0}}", 0,
           "settings.data.test: must be a share between 0 and 1");
    refuse("{'data':{'generator':'four_circles','examples':100,'test':100}}", 0, "leave none to train on");
    refuse("{'data':{'generator':'four_circles','examples':100},'validation':100}", 0,
           "settings.validation: 100 of 100 examples leave none to train on");
    refuse("{'data':{'generator':'four_circles'},'validation':-1}", 0,
           "settings.validation: must be a share");
    refuse("{'data':{'generator':'four_circles'},'validation':'x'}", 0,
           "settings.validation: must be a share");
    refuse("{'data':{'generator':'four_circles'},'task':'classification'}", 0,
           "settings.task: must be one of");
    refuse("{'data':{'generator':'four_circles'},'examples_per_call':5}", 10,
           "settings.examples_per_call: the search's n_examples already makes it 10");
    refuse("{'data':{'generator':'noisy_images'}}", 0, "settings.data.images: missing");
    refuse("{'data':{'generator':'noisy_images','images':[]}}", 0, "settings.data.images: must be a path");
    refuse("{'data':{'generator':'noisy_images','images':[3]}}", 0, "settings.data.images: must be a path");
    refuse("{'data':{'generator':'noisy_images','images':'/no'}}", 0, "/no: No such file or directory");
    refuse("{'data':{'generator':'noisy_images','images':'x','noise_variance':[2,1]}}", 0,
           "noise_variance: must be");
    refuse("{'data':{'train':'/no/such'}}", 0, "/no/such: No such file or directory");
    refuse("{'data':{'train':'/tmp'}}", 0, "/tmp: Is a directory");
    refuse("{'data':{'train':'x','test':0.5,'test_labels':'y'}}", 0,
           "settings.data.test_labels: without a test file");
    refuse("{'data':{'train':'x','separator':'ab'}}", 0, "settings.data.separator: must be one character");
    refuse("{'data':{'train':'x','ignore':3}}", 0, "settings.data.ignore: must be an array");
    snprintf(images, sizeof images, "%s", image_file("only.gz", 0, IMAGES, 0));
    snprintf(both, sizeof both, "{'data':{'train':'%s'},'task':'classify'}", images);
    refuse(both, 0, "settings.data.train_labels: missing");
    snprintf(both, sizeof both, "{'data':{'train':'%s','target':1}}", images);
    refuse(both, 0, "settings.data.target: has no meaning for IDX files");
    snprintf(both, sizeof both, "{'data':{'generator':'noisy_images','images':'%s'},'standardize':true}",
             images);
    refuse(both, 0, "settings.standardize: noisy_images stay in [0, 1]");
    snprintf(both, sizeof both, "{'data':{'generator':'noisy_images','images':'%s'},'task':'regress'}",
             images);
    refuse(both, 0, "settings.task: noisy_images have only the clean image as target");
    snprintf(both, sizeof both, "{'data':{'train':'%s'},'standardize':true}",
             write_text("sp", "1 1:1\n2 2:1\n3 3:1\n"));
    refuse(both, 0, "settings.standardize: sparse rows would lose their zeros");
    snprintf(both, sizeof both, "{'data':{'train':'%s'}}", write_text("same", "1 1:1\n1 2:1\n1 3:1\n"));
    refuse(both, 0, "same: all examples have the same label");
    snprintf(both, sizeof both, "{'data':{'train':'%s'}}", write_text("empty", ""));
    refuse(both, 0, "empty: empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_circles_have_the_experiments_sizes),
        cmocka_unit_test(four_circles_are_circles),
        cmocka_unit_test(standardisation_is_by_training_examples),
        cmocka_unit_test(seed_and_settings_give_the_data),
        cmocka_unit_test(every_pass_has_each_row_once),
        cmocka_unit_test(call_larger_than_the_data_repeats_it),
        cmocka_unit_test(validation_is_a_share_or_a_number),
        cmocka_unit_test(images_are_divided_by_255_or_standardised),
        cmocka_unit_test(sparse_rows_can_be_had_dense),
        cmocka_unit_test(test_file_may_know_more_features),
        cmocka_unit_test(targets_of_a_regression_are_standardised),
        cmocka_unit_test(goal_is_guessed_from_the_target),
        cmocka_unit_test(examples_limits_what_is_used),
        cmocka_unit_test(relative_paths_start_in_the_folder),
        cmocka_unit_test(settings_that_cannot_work_are_named),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
