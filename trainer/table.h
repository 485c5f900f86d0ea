/*
 * What readers and generators make and data.c turns into a data set: rows in their original order,
 * values as they were, answers (labels or targets) as numbers. Private to the data files.
 */
#ifndef RUNG_TRAINER_TABLE_H
#define RUNG_TRAINER_TABLE_H

#include "data.h"
#include "random.h"

#define RUNG_TABLE_ROWS_MAX 4294967294 /* row numbers are 32 bits */

struct rung_table {
    int64_t rows, features;
    enum rung_storage storage;
    float *floats;  /* NaN: missing */
    uint8_t *bytes; /* points into owner */
    char *owner;
    int64_t *start;
    int32_t *column;
    float *value;
    uint8_t *flag;    /* per feature: 1 for the 0 and 1 of a text, which stay as they are; NULL: none */
    double *answer;   /* NULL: none */
    const char *name; /* of the file, for messages; borrowed */
};

void rung_table_free(struct rung_table *table);

/* A whole file, gzip-compressed or not. `text` has a NUL behind its last byte; the caller frees it. */
struct rung_file {
    char *text;
    size_t length;
};

enum rung_format { RUNG_FORMAT_GUESS, RUNG_FORMAT_CSV, RUNG_FORMAT_IDX, RUNG_FORMAT_LIBSVM };

int rung_file_read(const char *path, struct rung_file *file, struct rung_err *err) RUNG_CHECK_RESULT;
enum rung_format rung_file_format(const struct rung_file *file); /* by its content */

/* A decimal number at *p; moves *p behind it. The result is that of strtod. False when there is
 * none, or it does not fit. Text must end with a NUL somewhere. */
bool rung_text_number(const char **p, double *number);

/* IDX. Bytes are kept as they are and the table takes the file over; other types become floats. */
int rung_idx_read(const char *path, struct rung_file *file, struct rung_table *table,
                  struct rung_err *err) RUNG_CHECK_RESULT;
/* Labels: one dimension, as many as table has rows; into table->answer. */
int rung_idx_labels(const char *path, const struct rung_file *file, struct rung_table *table,
                    struct rung_err *err) RUNG_CHECK_RESULT;

/* LIBSVM, to sparse rows. features_max > 0: an index over it is an error. */
int rung_libsvm_read(const char *path, const struct rung_file *file, int64_t features_max,
                     struct rung_table *table, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_table_densify(struct rung_table *table); /* sparse rows to floats */

/* CSV. The first file fixes the columns: their number, names, which are texts, and the texts. */
struct rung_csv;
struct rung_csv_options {
    char separator;                 /* 0: guess */
    int header;                     /* 0, 1, or -1: guess */
    const struct rung_json *target; /* name or index, from the end when negative; NULL: the last */
    const struct rung_json *ignore; /* array of names and indices, or NULL */
    bool no_target;                 /* every column is input (but for target, when that is given) */
    bool missing_is_error;
};

struct rung_csv *rung_csv_new(const struct rung_csv_options *options);
void rung_csv_free(struct rung_csv *csv);
/* The first call fixes the columns; later files must fit them. */
int rung_csv_read(struct rung_csv *csv, const char *path, const struct rung_file *file,
                  struct rung_table *table, struct rung_err *err) RUNG_CHECK_RESULT;
bool rung_csv_target_is_text(const struct rung_csv *csv);

/* Generators */
struct rung_circles {
    int64_t examples, distractors;
    double noise, factor, shift;
};
void rung_circles_make(const struct rung_circles *circles, uint64_t seed, struct rung_table *table);

/* Gaussian noise made when a row is asked for: 350,000 noisy images as floats would take 1.1 GB. */
struct rung_noise *rung_noise_new(uint64_t seed, double variance_lo, double variance_hi);
/* values += noise of the noisy row, clipped to [0, 1]. */
void rung_noise_add(const struct rung_noise *noise, int64_t row, float *values, int64_t count);

/* Splitting: rows are moved, so that a part is a run of rows. */
void rung_table_permute(struct rung_table *table, const uint32_t *order); /* new row i is old row order[i] */
/* Mean and standard deviation (population; 1 where it is 0) per column of the first `rows` rows,
 * missing values left out; mean and sd have table->features entries. */
void rung_table_moments(const struct rung_table *table, int64_t rows, double *mean, double *sd);
/* floats only: (x - mean) / sd when scale, and missing values become the mean. */
void rung_table_standardize(struct rung_table *table, const double *mean, const double *sd, bool scale);

#endif
