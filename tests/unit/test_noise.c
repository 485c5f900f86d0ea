/* Noisy images: copies, clean targets, and the distribution of the noise. */
#include "data_help.h"
#include "trainer/data.h"

static struct rung_data *open_noisy(const char *extra)
{
    char settings[900];

    snprintf(settings, sizeof settings,
             "{'data':{'generator':'noisy_images','images':['%s','%s']%s},'validation':0.25}",
             image_file("a.gz", 0, 30, 0), image_file("b.gz", 30, IMAGES - 30, 0), extra);
    return open_with(settings, 3, 32);
}

static void noisy_images_are_copies_with_clean_targets(void **state)
{
    struct rung_data *data = open_noisy(",'test':0.1,'copies':5");
    const struct rung_part *parts[] = {&data->train, &data->validation, &data->test};
    int seen[IMAGES] = {0};

    (void)state;
    assert_int_equal(data->goal, RUNG_GOAL_AUTOENCODE);
    assert_int_equal(data->outputs, PIXELS);
    assert_int_equal(data->test.rows, 4 * 5);
    assert_int_equal(data->validation.rows, 9 * 5);
    assert_int_equal(data->train.rows, 27 * 5);
    for (int p = 0; p < 3; p++)
        for (uint32_t row = 0; row < (uint32_t)parts[p]->rows; row++) {
            float clean[PIXELS], noisy[PIXELS], again[PIXELS], scratch[PIXELS];

            rung_part_targets(parts[p], &row, 1, clean);
            rung_part_inputs(parts[p], &row, 1, noisy);
            assert_memory_equal(rung_part_block(parts[p], row, 1, again), noisy, sizeof noisy);
            assert_memory_equal(rung_part_target_block(parts[p], row, 1, scratch), clean, sizeof clean);
            assert_memory_not_equal(clean, noisy, sizeof noisy);
            seen[(int)(clean[0] * 255 / 5 + .5f)] += 1 << 4 * p; /* which image, in which part */
            for (int j = 1; j < PIXELS; j++) {
                assert_true(noisy[j] >= 0 && noisy[j] <= 1);
                assert_true(clean[j] == (j % 2 ? 128.f / 255 : 0));
            }
        }
    for (int i = 0; i < IMAGES; i++) /* five copies, all in one part */
        assert_true(seen[i] == 5 || seen[i] == 5 << 4 || seen[i] == 5 << 8);
    rung_data_free(data);
}

/* Grey pixels are hardly clipped when the noise is small: its variance is that of the settings. */
static void noise_has_the_variance_asked_for(void **state)
{
    struct rung_data *data = open_noisy(",'copies':100,'noise_variance':[0.01,0.03]");
    double mean = 0, square = 0, least = 1, most = 0;
    int64_t count = 0;

    (void)state;
    for (uint32_t row = 0; row < (uint32_t)data->train.rows; row++) {
        float noisy[PIXELS];
        double own = 0;

        rung_part_inputs(&data->train, &row, 1, noisy);
        for (int j = 1; j < PIXELS; j += 2) {
            double z = noisy[j] - 128. / 255;

            mean += z;
            own += z * z;
            count++;
        }
        square += own;
        least = own / 32 < least ? own / 32 : least;
        most = own / 32 > most ? own / 32 : most;
    }
    assert_true(fabs(mean / (double)count) < .001);
    assert_true(fabs(square / (double)count - .02) < .0005);
    assert_true(least < .008 && most > .035); /* the variance varies from copy to copy */
    rung_data_free(data);
}

/* Normal numbers of the ziggurat: share beyond 1, 2, 3 and 3.6 standard deviations (the last is the
 * tail, behind all layers), within five standard errors. */
static void noise_is_normal(void **state)
{
    static const double beyond[] = {1, 2, 3, 3.6}, share[] = {.3173105, .0455003, .0026998, .0003182};
    struct rung_data *data = open_noisy(",'copies':500,'noise_variance':[0.0025,0.0025]");
    int64_t hits[4] = {0}, count = 0;

    (void)state;
    for (uint32_t row = 0; row < (uint32_t)data->train.rows; row++) {
        float noisy[PIXELS];

        rung_part_inputs(&data->train, &row, 1, noisy);
        for (int j = 1; j < PIXELS; j += 2, count++)
            for (int k = 0; k < 4; k++)
                hits[k] += fabs(noisy[j] - 128. / 255) / .05 > beyond[k];
    }
    for (int k = 0; k < 4; k++) {
        double expected = share[k] * (double)count;

        if (fabs((double)hits[k] - expected) > 5 * sqrt(expected))
            fail_msg("%d of %d beyond %g, expected %g", (int)hits[k], (int)count, beyond[k], expected);
    }
    rung_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noisy_images_are_copies_with_clean_targets),
        cmocka_unit_test(noise_has_the_variance_asked_for),
        cmocka_unit_test(noise_is_normal),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
