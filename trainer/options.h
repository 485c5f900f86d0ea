/* The settings of a data set, read and checked. Private to the data files. */
#ifndef RUNG_TRAINER_OPTIONS_H
#define RUNG_TRAINER_OPTIONS_H

#include "fields.h"
#include "rung/trainer.h"

enum rung_source { RUNG_SOURCE_CIRCLES, RUNG_SOURCE_IMAGES, RUNG_SOURCE_FILES };
enum rung_task { RUNG_TASK_AUTO, RUNG_TASK_CLASSIFY, RUNG_TASK_REGRESS, RUNG_TASK_AUTOENCODE };

/* A part given as a share of the examples, or as their number; both 0: not given. */
struct rung_share {
    double share;
    int64_t count;
};

struct rung_data_options {
    /* settings */
    const struct rung_json *data;
    const struct rung_json *validation_value;
    struct rung_share validation;
    int64_t examples_per_call; /* 0: not given */
    bool standardize, standardize_said, standardize_target;
    int task; /* enum rung_task */
    /* settings.data */
    enum rung_source source;
    int generator; /* 0 none, 1 four_circles, 2 noisy_images */
    int format;    /* enum rung_format */
    const char *folder; /* NULL: the working directory */
    const char *train, *train_labels, *test, *test_labels;
    const struct rung_json *test_value, *images, *noise_variance;
    struct rung_share test_share;
    int64_t examples; /* 0: all */
    uint64_t seed;
    int64_t seed_value;
    /* CSV */
    const struct rung_json *target, *ignore;
    const char *separator;
    bool header, header_said;
    int missing; /* 0 mean, 1 error */
    /* LIBSVM */
    int64_t features;
    bool dense;
    /* generators */
    int64_t distractors, copies;
    double noise, variance_lo, variance_hi;
};

int rung_options_read(const struct rung_trainer_start *start, struct rung_data_options *options,
                      struct rung_err *err) RUNG_CHECK_RESULT;

/* A key of settings.data that has no meaning for this source or format is an error: format is what
 * the file turned out to be (enum rung_format; of no account for generators). */
int rung_options_check_keys(const struct rung_data_options *options, int format,
                            struct rung_err *err) RUNG_CHECK_RESULT;

#endif
