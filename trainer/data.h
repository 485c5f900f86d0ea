/*
 * Data sets: files and generators to three parts (training, validation, test), split, ordered and
 * standardised in the same way for every model of a search and in every trainer.
 *
 * Inputs are given out as rows of float, row-major, `features` columns, in any order (for
 * mini-batches) or as blocks of consecutive rows (for scores), whatever they are stored as:
 * floats, bytes of images, sparse rows, or clean images plus the seed of their noise.
 */
#ifndef RUNG_TRAINER_DATA_H
#define RUNG_TRAINER_DATA_H

#include "base/err.h"
#include "fields.h"
#include "rung/trainer.h"

#include <stdbool.h>
#include <stdint.h>

enum rung_goal {
    RUNG_GOAL_CLASSIFY,  /* label[row] in 0 … classes-1 */
    RUNG_GOAL_REGRESS,   /* rung_part_targets: `outputs` columns (1) */
    RUNG_GOAL_AUTOENCODE /* rung_part_targets: `outputs` == `features` columns, the clean input */
};

enum rung_storage {
    RUNG_STORE_FLOATS, /* floats: rows × features, row-major, standardised */
    RUNG_STORE_BYTES,  /* bytes: rows × features; the value is byte * scale[column] + shift[column] */
    RUNG_STORE_SPARSE  /* start, column, value: compressed sparse rows */
};

/* One part of a data set. Read-only; owned by its struct rung_data. */
struct rung_part {
    int64_t rows;
    int64_t features;
    enum rung_storage storage;
    const float *floats;
    const uint8_t *bytes;
    const int64_t *start; /* rows + 1 entries: row r is entries start[r] … start[r+1]-1, columns ascending */
    const int32_t *column;
    const float *value;
    const float *scale, *shift;     /* of bytes: per column */
    const int32_t *label;           /* classification: rows entries, else NULL */
    const float *target;            /* regression: rows entries, else NULL */
    const struct rung_noise *noise; /* NULL but for noisy images, whose rows > stored images */
    int64_t images;      /* with noise: stored images; row r is copy r / images of image r % images */
    int64_t first_noisy; /* with noise: number of this part's first row in the whole set */
};

struct rung_data {
    enum rung_goal goal;
    int64_t features;
    int64_t outputs;                          /* classes, 1 for regression, features for auto-encoding */
    bool sparse;                              /* parts are RUNG_STORE_SPARSE */
    struct rung_part train, validation, test; /* test.rows is 0 where there is none */
    int64_t call_rows_max;                    /* the most rows that one call trains on */
    double target_mean, target_scale;         /* regression: original target = target * scale + mean */
    struct rung_data_store *store;            /* private: what is behind the pointers */
};

/* The table of what "data" and the settings beside it hold, for --help and for checking. The
 * first is the table of the settings of every built-in trainer (data, validation,
 * examples_per_call, …), the second that of the object settings.data. */
extern const struct rung_field rung_data_settings[];
extern const struct rung_field rung_data_fields[];

/* Reads start->settings (all of it: unknown keys are errors), loads, splits and standardises.
 * Error: RUNG_EUSE for settings and files that cannot be used, "settings.data.train: …" or
 * "FILE:LINE: …". The caller frees *data with rung_data_free. */
int rung_data_open(const struct rung_trainer_start *start, struct rung_data **data,
                   struct rung_err *err) RUNG_CHECK_RESULT;
void rung_data_free(struct rung_data *data); /* NULL is fine */

/* The training rows of a call (from 0), into rows, which has room for call_rows_max. All models
 * get the same rows at the same call: chunks of examples_per_call, in fresh permutations appended as needed.
 * The order inside is the chunk's: shuffle it with the model's own stream (rung_random_shuffle).
 * Returns their number, at least 1. */
int64_t rung_data_call(const struct rung_data *data, int64_t call, uint32_t *rows);

/* Rows of input, in the order given: out is count × features, row-major. */
void rung_part_inputs(const struct rung_part *part, const uint32_t *rows, int64_t count, float *out);

/* Rows of target (regression, auto-encoding): out is count × outputs, row-major. */
void rung_part_targets(const struct rung_part *part, const uint32_t *rows, int64_t count, float *out);

/* Rows first … first+count-1 of input: the stored floats themselves where that is possible, else
 * made in scratch (count × features). Valid as long as scratch and data. */
const float *rung_part_block(const struct rung_part *part, int64_t first, int64_t count, float *scratch);
const float *rung_part_target_block(const struct rung_part *part, int64_t first, int64_t count,
                                    float *scratch);

#endif
