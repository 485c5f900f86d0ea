/* Owns the way from settings to tables. */
#include "load.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int load_idx(const char *path, const char *labels, struct rung_file *file, struct rung_table *table,
                    struct rung_err *err)
{
    struct rung_file label_file = {0};
    int code = rung_idx_read(path, file, table, err);

    if (code == 0 && labels) {
        code = rung_file_read(labels, &label_file, err);
        if (code == 0)
            code = rung_idx_labels(labels, &label_file, table, err);
        free(label_file.text);
    }
    return code;
}

/* One file of examples into table. *format is set by the first and then holds for the second. */
static int load_file(const struct rung_data_options *options, const char *path, const char *labels,
                     struct rung_csv *csv, int *format, struct rung_table *table, struct rung_err *err)
{
    struct rung_file file;
    int code = rung_file_read(path, &file, err);

    if (code == 0 && file.length == 0)
        code = rung_err_set(err, RUNG_EUSE, "%s: empty", path);
    if (code == 0 && *format == RUNG_FORMAT_GUESS)
        *format = rung_file_format(&file);
    if (code == 0)
        code = rung_options_check_keys(options, *format, err);
    if (code == 0) {
        if (*format == RUNG_FORMAT_IDX)
            code = load_idx(path, labels, &file, table, err);
        else if (*format == RUNG_FORMAT_LIBSVM)
            code = rung_libsvm_read(path, &file, options->features, table, err);
        else
            code = rung_csv_read(csv, path, &file, table, err);
    }
    free(file.text);
    return code;
}

static int same_features(struct rung_table *train, struct rung_table *test, struct rung_err *err)
{
    if (test->rows == 0 || train->features == test->features)
        return 0;
    if (train->storage != RUNG_STORE_SPARSE)
        return rung_err_set(err, RUNG_EUSE, "%s: %lld inputs an example, %s has %lld", test->name,
                            (long long)test->features, train->name, (long long)train->features);
    /* Sparse files name only what occurs. */
    if (train->features < test->features)
        train->features = test->features;
    test->features = train->features;
    return 0;
}

static int load_files(const struct rung_data_options *options, struct rung_table *train,
                      struct rung_table *test, bool *text_target, struct rung_err *err)
{
    struct rung_csv_options csv_options = {.separator = options->separator ? *options->separator : '\0',
                                           .header = options->header_said ? options->header : -1,
                                           .target = options->target,
                                           .ignore = options->ignore,
                                           .no_target = options->task == RUNG_TASK_AUTOENCODE,
                                           .missing_is_error = options->missing == 1};
    struct rung_csv *csv = rung_csv_new(&csv_options);
    int format = options->format;
    int code = load_file(options, options->train, options->train_labels, csv, &format, train, err);

    if (code == 0 && options->test)
        code = load_file(options, options->test, options->test_labels, csv, &format, test, err);
    if (code == 0 && options->test && train->storage != test->storage)
        code = rung_err_set(err, RUNG_EUSE, "%s: holds values of another type than %s", options->test,
                            options->train);
    if (code == 0)
        code = same_features(train, test, err);
    *text_target = rung_csv_target_is_text(csv);
    rung_csv_free(csv);
    if (code < 0)
        return code;
    if (train->features == 0)
        return rung_err_set(err, RUNG_EUSE, "%s: no inputs", options->train);
    if (options->dense) {
        rung_table_densify(train);
        if (test->rows > 0)
            rung_table_densify(test);
    }
    return 0;
}

/* Appends the images of a file to those of table. */
static int append_images(const char *path, struct rung_table *table, struct rung_err *err)
{
    struct rung_file file;
    struct rung_table more = {0};
    int code = rung_file_read(path, &file, err);
    size_t old, added;

    if (code == 0)
        code = rung_idx_read(path, &file, &more, err);
    if (code == 0 && more.storage != RUNG_STORE_BYTES)
        code = rung_err_set(err, RUNG_EUSE, "%s: images need values of one byte", path);
    if (code == 0 && table->rows > 0 && more.features != table->features)
        code = rung_err_set(err, RUNG_EUSE, "%s: %lld values an image, the file before has %lld", path,
                            (long long)more.features, (long long)table->features);
    if (code == 0) {
        old = (size_t)(table->rows * more.features);
        added = (size_t)(more.rows * more.features);
        table->owner = rung_mem_resize(table->owner, old + added, 1);
        memcpy(table->owner + old, more.bytes, added);
        table->bytes = (uint8_t *)table->owner;
        table->rows += more.rows;
        table->features = more.features;
        table->storage = RUNG_STORE_BYTES;
        table->name = path;
    }
    free(file.text);
    rung_table_free(&more);
    return code;
}

static int load_images(const struct rung_data_options *options, struct rung_table *table,
                       struct rung_err *err)
{
    const struct rung_json *images = options->images;
    int code = 0;

    if (rung_json_is(images, RUNG_JSON_STRING))
        return append_images(rung_json_string(images), table, err);
    if (rung_json_is(images, RUNG_JSON_ARRAY))
        for (const struct rung_json *v = rung_json_first(images); v && code == 0; v = rung_json_next(v)) {
            if (!rung_json_is(v, RUNG_JSON_STRING))
                return rung_err_set(err, RUNG_EUSE,
                                    "settings.data.images: must be a path or an array of paths");
            code = append_images(rung_json_string(v), table, err);
        }
    if (code == 0 && table->rows == 0)
        return rung_err_set(err, RUNG_EUSE, "settings.data.images: must be a path or an array of paths");
    return code;
}

static int load_read(const struct rung_data_options *options, struct rung_table *train,
                     struct rung_table *test, bool *text_target, struct rung_err *err)
{
    if (options->source == RUNG_SOURCE_FILES)
        return load_files(options, train, test, text_target, err);
    if (rung_options_check_keys(options, 0, err) < 0)
        return err->code;
    return load_images(options, train, err);
}

/* Files are read from within options->folder; the trainer's own working directory is the same again
 * afterwards. */
static int load_from_folder(const struct rung_data_options *options, struct rung_table *train,
                            struct rung_table *test, bool *text_target, struct rung_err *err)
{
    if (!options->folder)
        return load_read(options, train, test, text_target, err);
    int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = 0;
    if (home < 0 || chdir(options->folder) != 0)
        code = rung_err_set(err, RUNG_EUSE, "settings.data.folder: %s: %s", options->folder, strerror(errno));
    if (code == 0 && load_read(options, train, test, text_target, err) < 0)
        code = rung_err_prefix(err, "in %s", options->folder);
    if (home >= 0 && fchdir(home) != 0 && code == 0)
        code = rung_err_set(err, RUNG_EFAIL, "cannot go back to the working directory: %s", strerror(errno));
    if (home >= 0)
        close(home);
    return code;
}

int rung_load_tables(const struct rung_data_options *options, struct rung_table *train,
                     struct rung_table *test, bool *text_target, struct rung_err *err)
{
    struct rung_circles circles = {.examples = options->examples,
                                   .distractors = options->distractors,
                                   .noise = options->noise,
                                   .factor = 0.8,
                                   .shift = 0.6};

    *text_target = false;
    if (options->source != RUNG_SOURCE_CIRCLES)
        return load_from_folder(options, train, test, text_target, err);
    if (rung_options_check_keys(options, 0, err) < 0)
        return err->code;
    rung_circles_make(&circles, options->seed, train);
    return 0;
}
