/* Data sets for tests: opened from settings, and small files of images. */
#ifndef RUNG_TESTS_DATA_HELP_H
#define RUNG_TESTS_DATA_HELP_H

#include "trainer/data.h"
#include "trainer_help.h"

#include <math.h>

static UNUSED struct rung_data *open_with(const char *settings, uint64_t seed, int64_t per_call)
{
    struct rung_json *object = json(settings);
    struct rung_trainer_start start = {
        .seed = seed, .threads = 1, .examples_per_call = per_call, .settings = object};
    struct rung_data *data;
    struct rung_err err;

    if (rung_data_open(&start, &data, &err) != 0)
        fail_msg("%s: %s", settings, err.text);
    rung_json_free(object);
    return data;
}

static UNUSED void refuse(const char *settings, int64_t per_call, const char *reason)
{
    struct rung_json *object = json(settings);
    struct rung_trainer_start start = {
        .seed = 1, .threads = 1, .examples_per_call = per_call, .settings = object};
    struct rung_data *data;
    struct rung_err err;

    assert_int_equal(rung_data_open(&start, &data, &err), RUNG_EUSE);
    assert_null(data);
    if (!strstr(err.text, reason))
        fail_msg("%s: \"%s\" does not hold \"%s\"", settings, err.text, reason);
    rung_json_free(object);
}

/* Columns of a part as they are given out. */
static UNUSED float *inputs_of(const struct rung_part *part)
{
    float *out = malloc((size_t)(part->rows * part->features) * sizeof *out + 1);
    uint32_t row;

    for (int64_t i = 0; i < part->rows; i++) {
        row = (uint32_t)i;
        rung_part_inputs(part, &row, 1, out + i * part->features);
    }
    return out;
}

/* Images with a pattern each: their number in the first pixels, the others half grey or black. */
enum { IMAGES = 40, PIXELS = 64 };

static UNUSED const char *image_file(const char *name, int first, int count, int labels)
{
    size_t header = labels ? 8 : 16, size = labels ? 1 : PIXELS;
    unsigned char *data = calloc(1, header + (size_t)count * size);
    const char *path = in_folder(name);

    data[2] = 8;
    data[3] = labels ? 1 : 3;
    data[7] = (unsigned char)count;
    if (!labels)
        data[11] = data[15] = 8;
    for (int i = 0; i < count; i++) {
        unsigned char *image = data + header + (size_t)i * size;

        image[0] = (unsigned char)(labels ? (first + i) % 3 : (first + i) * 5);
        for (size_t j = 1; j < size; j++)
            image[j] = j % 2 ? 128 : 0;
    }
    write_gzip(path, data, header + (size_t)count * size);
    free(data);
    return path;
}

#endif
