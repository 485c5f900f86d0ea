/* Owns the tables of a data set's settings, and their checking. */
#include "options.h"
#include "table.h"

#include <math.h>
#include <string.h>

#define AT(member) offsetof(struct rung_data_options, member)
#define ANY        INFINITY

const struct rung_field rung_data_settings[] = {
    {.name = "data",
     .type = RUNG_FIELD_VALUE,
     .flags = RUNG_FIELD_NEEDED,
     .offset = AT(data),
     .choices = "an object",
     .help =
         "An object: the data set; its keys are below. Relative paths are relative to the working directory, "
         "which is the spec file's folder."},
    {.name = "task",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(task),
     .fallback = "\"auto\"",
     .choices = "auto|classify|regress|autoencode",
     .help = "What is learnt. auto: classify where the target is text or takes at most 100 different whole "
             "numbers, "
             "regress otherwise, autoencode where there is no target."},
    {.name = "validation",
     .type = RUNG_FIELD_VALUE,
     .offset = AT(validation_value),
     .choices = "a share or a number",
     .help =
         "The examples that scores are computed on, drawn once by the search's seed, the same for all "
         "models: a "
         "share between 0 and 1, or a number of examples. Default: min(0.2, 1/chunks), where chunks is the "
         "number of calls in one pass over the examples that are not for the test."},
    {.name = "examples_per_call",
     .type = RUNG_FIELD_INTEGER,
     .offset = AT(examples_per_call),
     .lo = 1,
     .hi = ANY,
     .help = "Examples that one call trains on. Default: n_examples / n_params where the spec gives them, "
             "otherwise "
             "all training examples once. Not allowed beside n_examples."},
    {.name = "standardize",
     .type = RUNG_FIELD_BOOL,
     .offset = AT(standardize),
     .help = "Subtract each input's mean and divide by its standard deviation, both of the training examples "
             "alone; the 0 and 1 that texts become stay. Default: true for CSV and four_circles, false for "
             "IDX files of bytes (which are divided by 255) and LIBSVM."},
    {.name = "standardize_target",
     .type = RUNG_FIELD_BOOL,
     .offset = AT(standardize_target),
     .fallback = "true",
     .help =
         "The same for the target of a regression. R^2 is the same either way; losses are in units of the "
         "target's variance."},
    {.name = NULL},
};

const struct rung_field rung_data_fields[] = {
    {.name = "generator",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(generator),
     .fallback = "\"none\"",
     .choices = "none|four_circles|noisy_images",
     .help = "Data made here instead of read. four_circles: two pairs of noisy concentric circles, one "
             "shifted by 0.6, "
             "four classes, with columns of noise beside. noisy_images: copies of images with Gaussian "
             "noise; the "
             "clean image is to be found."},
    {.name = "folder",
     .type = RUNG_FIELD_TEXT,
     .offset = AT(folder),
     .help = "Where the files below lie when their paths are relative. Default: the working directory."},
    {.name = "train",
     .type = RUNG_FIELD_TEXT,
     .offset = AT(train),
     .help = "The file of training examples: CSV, IDX or LIBSVM, plain or gzip-compressed."},
    {.name = "train_labels",
     .type = RUNG_FIELD_TEXT,
     .offset = AT(train_labels),
     .help = "IDX: the file of their labels."},
    {.name = "test",
     .type = RUNG_FIELD_VALUE,
     .offset = AT(test_value),
     .choices = "a path, a share or a number",
     .help = "The file of test examples; or, to set some of the examples aside, a share between 0 and 1, or "
             "their "
             "number. Default: none. They are used only for the final test of a model."},
    {.name = "test_labels",
     .type = RUNG_FIELD_TEXT,
     .offset = AT(test_labels),
     .help = "IDX: the file of their labels."},
    {.name = "format",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(format),
     .fallback = "\"auto\"",
     .choices = "auto|csv|idx|libsvm",
     .help = "auto: by the file's content."},
    {.name = "examples",
     .type = RUNG_FIELD_INTEGER,
     .offset = AT(examples),
     .lo = 4,
     .hi = 1e9,
     .help = "How many examples to make (four_circles, test examples included; default 60000), or the most "
             "to use "
             "(images, files; drawn by the seed; default all)."},
    {.name = "seed",
     .type = RUNG_FIELD_INTEGER,
     .offset = AT(seed_value),
     .fallback = "-1",
     .lo = -1,
     .hi = RUNG_JSON_INTEGER_MAX,
     .help = "Seed of generated data, splits and the order of calls; -1: the search's."},
    {.name = "target",
     .type = RUNG_FIELD_VALUE,
     .offset = AT(target),
     .choices = "a name or a number",
     .help = "CSV: the target's column, by name or by number (from 0; from the end when negative). Default: "
             "the last, "
             "-1; for autoencode none."},
    {.name = "ignore",
     .type = RUNG_FIELD_VALUE,
     .offset = AT(ignore),
     .choices = "an array of names and numbers",
     .help = "CSV: an array of columns, by name or number, that are left out."},
    {.name = "header",
     .type = RUNG_FIELD_BOOL,
     .offset = AT(header),
     .help = "CSV: whether the first row holds names. Default: yes when no cell of it is a number."},
    {.name = "separator",
     .type = RUNG_FIELD_TEXT,
     .offset = AT(separator),
     .help =
         "CSV: one character. Default: the first of tab, semicolon, comma, blank that the first line holds."},
    {.name = "missing",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(missing),
     .fallback = "\"mean\"",
     .choices = "mean|error",
     .help = "CSV: what an empty cell, NA, NaN, null or ? becomes: the mean of the training examples (in a "
             "column of "
             "texts: none of them), or an error."},
    {.name = "features",
     .type = RUNG_FIELD_INTEGER,
     .offset = AT(features),
     .lo = 1,
     .hi = 2147483647,
     .help = "LIBSVM: the number of inputs. Default: the largest index in the files."},
    {.name = "dense",
     .type = RUNG_FIELD_BOOL,
     .offset = AT(dense),
     .fallback = "false",
     .help = "LIBSVM: keep the rows with their zeros, as floats."},
    {.name = "noise",
     .type = RUNG_FIELD_NUMBER,
     .offset = AT(noise),
     .fallback = "0.04",
     .lo = 0,
     .hi = 1e6,
     .help = "four_circles: standard deviation of the noise of the two coordinates."},
    {.name = "distractors",
     .type = RUNG_FIELD_INTEGER,
     .offset = AT(distractors),
     .fallback = "4",
     .lo = 0,
     .hi = 10000,
     .help = "four_circles: columns of noise, uniform in [-1, 1)."},
    {.name = "images",
     .type = RUNG_FIELD_VALUE,
     .offset = AT(images),
     .choices = "a path or an array of paths",
     .help = "noisy_images: an IDX file of images, or an array of such files."},
    {.name = "copies",
     .type = RUNG_FIELD_INTEGER,
     .offset = AT(copies),
     .fallback = "5",
     .lo = 1,
     .hi = 1000,
     .help = "noisy_images: noisy copies of each image."},
    {.name = "noise_variance",
     .type = RUNG_FIELD_VALUE,
     .offset = AT(noise_variance),
     .choices = "an array of two numbers",
     .help =
         "noisy_images: [lo, hi]: the variance of a copy's noise is drawn uniformly between them; the noisy "
         "image is clipped to [0, 1]. Default [0.02, 0.12]."},
    {.name = NULL},
};

enum { IN_CIRCLES = 1, IN_IMAGES = 2, IN_CSV = 4, IN_IDX = 8, IN_LIBSVM = 16, IN_FILES = 28, IN_ALL = 31 };

/* Where each key of settings.data means something. */
static const struct {
    const char *name;
    int where;
} scopes[] = {
    {"generator", IN_ALL},
    {"folder", IN_FILES | IN_IMAGES},
    {"train", IN_FILES},
    {"train_labels", IN_IDX},
    {"test", IN_ALL},
    {"test_labels", IN_IDX},
    {"format", IN_FILES},
    {"examples", IN_ALL},
    {"seed", IN_ALL},
    {"target", IN_CSV},
    {"ignore", IN_CSV},
    {"header", IN_CSV},
    {"separator", IN_CSV},
    {"missing", IN_CSV},
    {"features", IN_LIBSVM},
    {"dense", IN_LIBSVM},
    {"noise", IN_CIRCLES},
    {"distractors", IN_CIRCLES},
    {"images", IN_IMAGES},
    {"copies", IN_IMAGES},
    {"noise_variance", IN_IMAGES},
};

static int scope_of(const struct rung_data_options *options, int format, const char **name)
{
    static const char *const formats[] = {"files", "CSV files", "IDX files", "LIBSVM files"};
    static const int bits[] = {IN_FILES, IN_CSV, IN_IDX, IN_LIBSVM};

    if (options->source == RUNG_SOURCE_CIRCLES) {
        *name = "the generator four_circles";
        return IN_CIRCLES;
    }
    if (options->source == RUNG_SOURCE_IMAGES) {
        *name = "the generator noisy_images";
        return IN_IMAGES;
    }
    *name = formats[format];
    return bits[format];
}

int rung_options_check_keys(const struct rung_data_options *options, int format, struct rung_err *err)
{
    const char *name;
    int scope = scope_of(options, format, &name);

    for (const struct rung_json *v = rung_json_first(options->data); v; v = rung_json_next(v))
        for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
            if (strcmp(scopes[i].name, rung_json_key(v)) == 0 && !(scopes[i].where & scope))
                return rung_err_set(err, RUNG_EUSE, "settings.data.%s: has no meaning for %s", scopes[i].name,
                                    name);
    return 0;
}

/* A number: a share under 1, or a count. */
static int read_share(const char *where, const struct rung_json *value, struct rung_share *out,
                      struct rung_err *err)
{
    double number = rung_json_is(value, RUNG_JSON_NUMBER) ? rung_json_number(value) : -1;

    if (number > 0 && number < 1)
        out->share = number;
    else if (!rung_json_integer(value, 1, RUNG_TABLE_ROWS_MAX, &out->count))
        return rung_err_set(err, RUNG_EUSE,
                            "%s: must be a share between 0 and 1, or a whole number of examples", where);
    return 0;
}

static int read_variance(struct rung_data_options *options, struct rung_err *err)
{
    const struct rung_json *value = options->noise_variance, *lo, *hi;

    options->variance_lo = 0.02;
    options->variance_hi = 0.12;
    if (!value)
        return 0;
    lo = rung_json_is(value, RUNG_JSON_ARRAY) && rung_json_size(value) == 2 ? rung_json_at(value, 0) : NULL;
    hi = lo ? rung_json_at(value, 1) : NULL;
    if (!rung_json_is(lo, RUNG_JSON_NUMBER) || !rung_json_is(hi, RUNG_JSON_NUMBER) ||
        rung_json_number(lo) < 0 || rung_json_number(hi) < rung_json_number(lo) || rung_json_number(hi) > 100)
        return rung_err_set(err, RUNG_EUSE,
                            "settings.data.noise_variance: must be [lo, hi] with 0 <= lo <= hi <= 100");
    options->variance_lo = rung_json_number(lo);
    options->variance_hi = rung_json_number(hi);
    return 0;
}

static int check_source(struct rung_data_options *options, struct rung_err *err)
{
    static const enum rung_source sources[] = {RUNG_SOURCE_FILES, RUNG_SOURCE_CIRCLES, RUNG_SOURCE_IMAGES};

    options->source = sources[options->generator];
    if (options->source == RUNG_SOURCE_IMAGES && !options->images)
        return rung_err_set(err, RUNG_EUSE, "settings.data.images: missing");
    if (options->source == RUNG_SOURCE_FILES && !options->train)
        return rung_err_set(err, RUNG_EUSE, "settings.data: needs \"train\" (a file) or \"generator\"");
    if (options->source != RUNG_SOURCE_FILES && options->test)
        return rung_err_set(err, RUNG_EUSE,
                            "settings.data.test: must be a share or a number of examples here");
    if (options->source == RUNG_SOURCE_CIRCLES && options->examples == 0)
        options->examples = 60000;
    if (options->test_labels && !options->test)
        return rung_err_set(err, RUNG_EUSE, "settings.data.test_labels: without a test file");
    return 0;
}

static int read_data(struct rung_data_options *options, struct rung_err *err)
{
    if (rung_fields_read(rung_data_fields, "settings.data", options->data, options, err) < 0)
        return err->code;
    if (rung_json_is(options->test_value, RUNG_JSON_STRING))
        options->test = rung_json_string(options->test_value);
    else if (options->test_value &&
             read_share("settings.data.test", options->test_value, &options->test_share, err) < 0)
        return err->code;
    if (options->separator && (strlen(options->separator) != 1 || strchr("\"\n\r", *options->separator)))
        return rung_err_set(err, RUNG_EUSE, "settings.data.separator: must be one character");
    if (options->ignore && !rung_json_is(options->ignore, RUNG_JSON_ARRAY))
        return rung_err_set(err, RUNG_EUSE, "settings.data.ignore: must be an array of columns");
    options->header_said = rung_json_get(options->data, "header") != NULL;
    if (read_variance(options, err) < 0)
        return err->code;
    return check_source(options, err);
}

int rung_options_read(const struct rung_trainer_start *start, struct rung_data_options *options,
                      struct rung_err *err)
{
    memset(options, 0, sizeof *options);
    if (rung_fields_read(rung_data_settings, "settings", start->settings, options, err) < 0)
        return err->code;
    options->standardize_said = rung_json_get(start->settings, "standardize") != NULL;
    if (options->validation_value &&
        read_share("settings.validation", options->validation_value, &options->validation, err) < 0)
        return err->code;
    if (start->examples_per_call > 0 && options->examples_per_call > 0)
        return rung_err_set(err, RUNG_EUSE,
                            "settings.examples_per_call: the search's n_examples already makes it %lld",
                            (long long)start->examples_per_call);
    if (start->examples_per_call > 0)
        options->examples_per_call = start->examples_per_call;
    if (read_data(options, err) < 0)
        return err->code;
    options->seed = options->seed_value >= 0 ? (uint64_t)options->seed_value : start->seed;
    return 0;
}
