/* Owns data sets: from tables to parts, and which rows each call trains on. */
#include "data.h"
#include "base/mem.h"
#include "load.h"
#include "options.h"
#include "table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES_GUESS 100 /* at most this many different whole numbers are classes, not amounts */
#define CLASSES_MAX   10000
#define ORDERS        16 /* passes whose order of chunks is kept: models are at different calls */

struct order {
    int64_t pass; /* -1: none */
    uint32_t *chunks;
};

struct rung_data_store {
    struct rung_table train, test; /* train holds training, validation and maybe test rows, in this order */
    double *classes;               /* sorted */
    int64_t class_count;
    int32_t *labels, *test_labels;
    float *targets, *test_targets;
    float *scale, *shift;
    struct rung_noise *noise;
    uint64_t seed;
    int64_t rows; /* training rows */
    int64_t per_call, chunks;
    struct order orders[ORDERS];
};

/* Labels */

static bool find_class(const struct rung_data_store *store, double value, int64_t *place)
{
    int64_t lo = 0, hi = store->class_count;

    while (lo < hi) {
        int64_t middle = lo + (hi - lo) / 2;

        if (store->classes[middle] < value)
            lo = middle + 1;
        else
            hi = middle;
    }
    *place = lo;
    return lo < store->class_count && store->classes[lo] == value;
}

/* Collects the different answers, up to max of them; false when there are more. */
static bool collect_classes(struct rung_data_store *store, int64_t max)
{
    size_t capacity = 0;
    int64_t place;

    free(store->classes);
    store->classes = NULL;
    store->class_count = 0;
    for (int64_t i = 0; i < store->train.rows; i++) {
        double value = store->train.answer[i];

        if (find_class(store, value, &place))
            continue;
        if (store->class_count == max)
            return false;
        store->classes =
            rung_mem_grow(store->classes, (size_t)store->class_count, &capacity, sizeof *store->classes);
        memmove(store->classes + place + 1, store->classes + place,
                (size_t)(store->class_count - place) * sizeof *store->classes);
        store->classes[place] = value;
        store->class_count++;
    }
    return true;
}

static bool whole_classes(const struct rung_data_store *store)
{
    for (int64_t i = 0; i < store->class_count; i++)
        if (store->classes[i] != floor(store->classes[i]))
            return false;
    return true;
}

static int choose_goal(const struct rung_data_options *options, struct rung_data_store *store,
                       bool text_target, enum rung_goal *goal, struct rung_err *err)
{
    static const enum rung_goal goals[] = {0, RUNG_GOAL_CLASSIFY, RUNG_GOAL_REGRESS, RUNG_GOAL_AUTOENCODE};

    if (options->task != RUNG_TASK_AUTO)
        *goal = goals[options->task];
    else if (!store->train.answer)
        *goal = RUNG_GOAL_AUTOENCODE;
    else if (text_target || (collect_classes(store, CLASSES_GUESS) && whole_classes(store)))
        *goal = RUNG_GOAL_CLASSIFY;
    else
        *goal = RUNG_GOAL_REGRESS;
    if (options->source == RUNG_SOURCE_IMAGES && *goal != RUNG_GOAL_AUTOENCODE)
        return rung_err_set(err, RUNG_EUSE,
                            "settings.task: noisy_images have only the clean image as target: autoencode");
    if (*goal != RUNG_GOAL_AUTOENCODE && !store->train.answer)
        return rung_err_set(err, RUNG_EUSE,
                            "settings.data.train_labels: missing (or set task to autoencode)");
    if (*goal != RUNG_GOAL_AUTOENCODE && store->test.rows > 0 && !store->test.answer)
        return rung_err_set(err, RUNG_EUSE, "settings.data.test_labels: missing");
    if (*goal == RUNG_GOAL_REGRESS && text_target)
        return rung_err_set(err, RUNG_EUSE, "settings.task: regress, but the target is text");
    return 0;
}

static int make_labels(struct rung_data_store *store, const struct rung_table *table, int32_t **labels,
                       struct rung_err *err)
{
    int64_t place;

    *labels = rung_mem_zalloc((size_t)table->rows, sizeof **labels);
    for (int64_t i = 0; i < table->rows; i++) {
        if (!find_class(store, table->answer[i], &place))
            return rung_err_set(err, RUNG_EUSE,
                                "%s: example %lld has label %.15g, which does not occur in %s", table->name,
                                (long long)i + 1, table->answer[i], store->train.name);
        (*labels)[i] = (int32_t)place;
    }
    return 0;
}

static int classify(struct rung_data *data, struct rung_err *err)
{
    struct rung_data_store *store = data->store;

    if (!collect_classes(store, CLASSES_MAX))
        return rung_err_set(err, RUNG_EUSE,
                            "%s: more than %d different labels (is this a regression? settings.task)",
                            store->train.name, CLASSES_MAX);
    if (store->class_count < 2)
        return rung_err_set(err, RUNG_EUSE, "%s: all examples have the same label", store->train.name);
    data->outputs = store->class_count;
    if (make_labels(store, &store->train, &store->labels, err) < 0)
        return err->code;
    return store->test.rows > 0 ? make_labels(store, &store->test, &store->test_labels, err) : 0;
}

static float *scaled_targets(const struct rung_data *data, const struct rung_table *table)
{
    float *targets = rung_mem_zalloc((size_t)table->rows, sizeof *targets);

    for (int64_t i = 0; i < table->rows; i++)
        targets[i] = (float)((table->answer[i] - data->target_mean) / data->target_scale);
    return targets;
}

static void regress(struct rung_data *data, bool standardize)
{
    struct rung_data_store *store = data->store;
    double mean = 0, square = 0, rows = (double)store->rows;

    data->outputs = 1;
    for (int64_t i = 0; i < store->rows && standardize; i++)
        mean += store->train.answer[i] / rows;
    for (int64_t i = 0; i < store->rows && standardize; i++)
        square += (store->train.answer[i] - mean) * (store->train.answer[i] - mean) / rows;
    data->target_mean = mean;
    data->target_scale = square > 0 ? sqrt(square) : 1;
    store->targets = scaled_targets(data, &store->train);
    if (store->test.rows > 0)
        store->test_targets = scaled_targets(data, &store->test);
}

/* Splits */

/* How many of `rows` examples a share or count means; at least one stays on either side. */
static int share_of(const char *where, const struct rung_share *share, int64_t rows, int64_t *count,
                    struct rung_err *err)
{
    *count = share->count ? share->count : (int64_t)(share->share * (double)rows + 0.5);
    if (*count < 1)
        *count = 1;
    if (*count >= rows)
        return rung_err_set(err, RUNG_EUSE, "%s: %lld of %lld examples leave none to train on", where,
                            (long long)*count, (long long)rows);
    return 0;
}

/* A sparse table's entries stay: only the rows are fewer. */
static void keep_rows(struct rung_table *table, int64_t rows)
{
    if (rows < table->rows)
        table->rows = rows;
}

static void shuffle_table(struct rung_data_store *store)
{
    struct rung_table *table = &store->train;
    uint32_t *order = rung_mem_zalloc((size_t)table->rows, sizeof *order);
    struct rung_random random;

    for (int64_t i = 0; i < table->rows; i++)
        order[i] = (uint32_t)i;
    rung_random_seed(&random, store->seed, "split", 0);
    rung_random_shuffle(&random, order, table->rows);
    rung_table_permute(table, order);
    free(order);
}

/* Sizes of the parts, in stored rows. Copies of an image stay together: a validation image of which a
 * copy was trained on would say nothing. */
static int split(const struct rung_data_options *options, struct rung_data_store *store, int64_t copies,
                 int64_t *validation, int64_t *test, struct rung_err *err)
{
    struct rung_share share = options->validation;
    int64_t rest = store->train.rows, chunks = 1;

    *test = 0;
    if ((options->test_share.share > 0 || options->test_share.count > 0) &&
        share_of("settings.data.test", &options->test_share, rest, test, err) < 0)
        return err->code;
    rest -= *test;
    if (options->examples_per_call > 0)
        chunks = (rest * copies + options->examples_per_call - 1) / options->examples_per_call;
    if (share.share == 0 && share.count == 0)
        share.share = chunks > 5 ? 1 / (double)chunks : 0.2;
    if (share_of("settings.validation", &share, rest, validation, err) < 0)
        return err->code;
    return 0;
}

/* Standardisation */

static void scale_bytes(struct rung_data_store *store, const double *mean, const double *sd, bool standardize)
{
    int64_t features = store->train.features;

    store->scale = rung_mem_zalloc((size_t)features, sizeof *store->scale);
    store->shift = rung_mem_zalloc((size_t)features, sizeof *store->shift);
    for (int64_t j = 0; j < features; j++) {
        store->scale[j] = (float)(standardize ? 1 / sd[j] : 1.0 / 255);
        store->shift[j] = (float)(standardize ? -mean[j] / sd[j] : 0);
    }
}

static int standardize(const struct rung_data_options *options, struct rung_data_store *store,
                       struct rung_err *err)
{
    struct rung_table *train = &store->train, *test = &store->test;
    size_t features = (size_t)train->features;
    bool scale = train->storage == RUNG_STORE_FLOATS && !options->dense;
    double *mean, *sd;

    if (options->standardize_said)
        scale = options->standardize;
    if (train->storage == RUNG_STORE_SPARSE)
        return !scale ? 0
                      : rung_err_set(
                            err, RUNG_EUSE,
                            "settings.standardize: sparse rows would lose their zeros (set data.dense)");
    if (scale && options->source == RUNG_SOURCE_IMAGES)
        return rung_err_set(err, RUNG_EUSE, "settings.standardize: noisy_images stay in [0, 1]");
    mean = rung_mem_zalloc(features, sizeof *mean);
    sd = rung_mem_zalloc(features, sizeof *sd);
    if (scale || train->storage == RUNG_STORE_FLOATS)
        rung_table_moments(train, store->rows, mean, sd);
    if (train->storage == RUNG_STORE_BYTES) {
        scale_bytes(store, mean, sd, scale);
    } else {
        rung_table_standardize(train, mean, sd, scale);
        if (test->rows > 0)
            rung_table_standardize(test, mean, sd, scale);
    }
    free(mean);
    free(sd);
    return 0;
}

/* Parts */

static struct rung_part part_of(const struct rung_data_store *store, const struct rung_table *table,
                                const int32_t *labels, const float *targets, int64_t first, int64_t rows)
{
    int64_t skip = first * table->features;

    return (struct rung_part){
        .rows = rows,
        .features = table->features,
        .storage = table->storage,
        .floats = table->floats ? table->floats + skip : NULL,
        .bytes = table->bytes ? table->bytes + skip : NULL,
        .start = table->start ? table->start + first : NULL,
        .column = table->column,
        .value = table->value,
        .scale = store->scale,
        .shift = store->shift,
        .label = labels ? labels + first : NULL,
        .target = targets ? targets + first : NULL,
    };
}

static void add_noise(struct rung_part *part, const struct rung_noise *noise, int64_t first, int64_t copies)
{
    part->noise = noise;
    part->images = part->rows;
    part->first_noisy = first * copies;
    part->rows *= copies;
}

static void make_parts(struct rung_data *data, int64_t copies, int64_t validation, int64_t test)
{
    struct rung_data_store *store = data->store;
    const struct rung_table *table = &store->train;
    int64_t rows = store->rows;

    data->train = part_of(store, table, store->labels, store->targets, 0, rows);
    data->validation = part_of(store, table, store->labels, store->targets, rows, validation);
    if (store->test.rows > 0)
        data->test =
            part_of(store, &store->test, store->test_labels, store->test_targets, 0, store->test.rows);
    else
        data->test = part_of(store, table, store->labels, store->targets, rows + validation, test);
    if (store->noise) {
        add_noise(&data->train, store->noise, 0, copies);
        add_noise(&data->validation, store->noise, rows, copies);
        add_noise(&data->test, store->noise, rows + validation, copies);
        store->rows *= copies;
    }
}

/* Calls */

static void plan_calls(struct rung_data *data, int64_t per_call)
{
    struct rung_data_store *store = data->store;

    store->per_call = per_call > 0 ? per_call : store->rows;
    store->chunks = (store->rows + store->per_call - 1) / store->per_call;
    data->call_rows_max = store->per_call;
    for (size_t i = 0; i < ORDERS; i++)
        store->orders[i].pass = -1;
}

/* The order of `count` things (chunks, or rows where a call is more than a pass) in a pass. */
static const uint32_t *order_of(struct rung_data_store *store, int64_t pass, int64_t count)
{
    struct order *order = &store->orders[pass % ORDERS];
    struct rung_random random;

    if (order->pass == pass)
        return order->chunks;
    if (!order->chunks)
        order->chunks = rung_mem_zalloc((size_t)count, sizeof *order->chunks);
    for (int64_t i = 0; i < count; i++)
        order->chunks[i] = (uint32_t)i;
    rung_random_seed(&random, store->seed, "order", (uint64_t)pass);
    rung_random_shuffle(&random, order->chunks, count);
    order->pass = pass;
    return order->chunks;
}

int64_t rung_data_call(const struct rung_data *data, int64_t call, uint32_t *rows)
{
    struct rung_data_store *store = data->store;
    int64_t chunk, first, count, position;

    if (store->per_call > store->rows) { /* permutations of all rows, one behind the other, cut into calls */
        for (int64_t i = 0; i < store->per_call; i++) {
            position = call * store->per_call + i;
            rows[i] = order_of(store, position / store->rows, store->rows)[position % store->rows];
        }
        return store->per_call;
    }
    chunk = order_of(store, call / store->chunks, store->chunks)[call % store->chunks];
    first = chunk * store->per_call;
    count = store->rows - first < store->per_call ? store->rows - first : store->per_call;
    for (int64_t i = 0; i < count; i++)
        rows[i] = (uint32_t)(first + i);
    return count;
}

/* Opening */

static int build(struct rung_data *data, const struct rung_data_options *options, bool text_target,
                 struct rung_err *err)
{
    struct rung_data_store *store = data->store;
    int64_t copies = options->source == RUNG_SOURCE_IMAGES ? options->copies : 1;
    int64_t validation = 0, test = 0;

    if (choose_goal(options, store, text_target, &data->goal, err) < 0)
        return err->code;
    store->seed = options->seed;
    shuffle_table(store);
    if (data->goal == RUNG_GOAL_CLASSIFY && classify(data, err) < 0)
        return err->code;
    if (options->examples > 0)
        keep_rows(&store->train, options->examples);
    if (store->train.rows * copies > RUNG_TABLE_ROWS_MAX || options->examples_per_call > RUNG_TABLE_ROWS_MAX)
        return rung_err_set(err, RUNG_EUSE, "settings: more than 2^32 examples");
    if (split(options, store, copies, &validation, &test, err) < 0)
        return err->code;
    store->rows = store->train.rows - validation - test;
    if (store->rows < 1)
        return rung_err_set(err, RUNG_EUSE, "settings: %lld examples: none is left to train on",
                            (long long)store->train.rows);
    if (standardize(options, store, err) < 0)
        return err->code;
    if (data->goal == RUNG_GOAL_REGRESS)
        regress(data, options->standardize_target);
    if (options->source == RUNG_SOURCE_IMAGES)
        store->noise = rung_noise_new(store->seed, options->variance_lo, options->variance_hi);
    data->features = store->train.features;
    data->sparse = store->train.storage == RUNG_STORE_SPARSE;
    if (data->goal == RUNG_GOAL_AUTOENCODE)
        data->outputs = data->features;
    make_parts(data, copies, validation, test);
    plan_calls(data, options->examples_per_call);
    return 0;
}

int rung_data_open(const struct rung_trainer_start *start, struct rung_data **out, struct rung_err *err)
{
    struct rung_data *data = rung_mem_zalloc(1, sizeof *data);
    struct rung_data_options options;
    bool text_target = false;
    int code;

    data->store = rung_mem_zalloc(1, sizeof *data->store);
    data->target_scale = 1;
    code = rung_options_read(start, &options, err);
    if (code == 0)
        code = rung_load_tables(&options, &data->store->train, &data->store->test, &text_target, err);
    if (code == 0)
        code = build(data, &options, text_target, err);
    if (code < 0) {
        rung_data_free(data);
        data = NULL;
    }
    *out = data;
    return code;
}

void rung_data_free(struct rung_data *data)
{
    struct rung_data_store *store = data ? data->store : NULL;

    if (!store)
        return;
    rung_table_free(&store->train);
    rung_table_free(&store->test);
    free(store->classes);
    free(store->labels);
    free(store->test_labels);
    free(store->targets);
    free(store->test_targets);
    free(store->scale);
    free(store->shift);
    free(store->noise);
    for (size_t i = 0; i < ORDERS; i++)
        free(store->orders[i].chunks);
    free(store);
    free(data);
}
