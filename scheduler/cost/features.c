/* Learning what parameters there are, and writing them as columns. */
#include "cost/features.h"

#include "base/buf.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS_KEPT 32
#define LEVELS_SEEN 1024 /* of one parameter; further ones are not counted */
#define COLUMNS     512  /* no more parameters are taken in when there are so many */
#define LOG_RANGE   2.0  /* the largest over the smallest value, from which the logarithm is a column, too */

struct level {
    char *text; /* the value as JSON; "" where the parameter is absent */
    size_t count;
};

struct parameter {
    char *name;
    bool numeric; /* every value was a number */
    double low, high;
    struct level *levels;
    size_t level_count, level_capacity;
    size_t seen; /* examples that had it */
};

enum column_kind { VALUE, LOGARITHM, LEVEL };

struct column {
    enum column_kind kind;
    bool falling;
    size_t parameter, level;
    char *name;
};

struct rung_features {
    struct parameter *parameters;
    size_t parameter_count, parameter_capacity;
    size_t examples;
    struct column *columns; /* made by the first look after the last example */
    size_t column_count, column_capacity;
    bool made;
};

struct rung_features *rung_features_create(void)
{
    return rung_mem_zalloc(1, sizeof(struct rung_features));
}

static void forget_columns(struct rung_features *features)
{
    for (size_t i = 0; i < features->column_count; i++)
        free(features->columns[i].name);
    features->column_count = 0;
    features->made = false;
}

void rung_features_free(struct rung_features *features)
{
    if (!features)
        return;
    forget_columns(features);
    for (size_t i = 0; i < features->parameter_count; i++) {
        for (size_t j = 0; j < features->parameters[i].level_count; j++)
            free(features->parameters[i].levels[j].text);
        free(features->parameters[i].levels);
        free(features->parameters[i].name);
    }
    free(features->parameters);
    free(features->columns);
    free(features);
}

/* ---- learning ---- */

/* NULL: it is one too many. */
static struct parameter *parameter_called(struct rung_features *features, const char *name)
{
    for (size_t i = 0; i < features->parameter_count; i++)
        if (strcmp(features->parameters[i].name, name) == 0)
            return &features->parameters[i];
    if (features->parameter_count == RUNG_FEATURES_PARAMETERS)
        return NULL;
    features->parameters = rung_mem_grow(features->parameters, features->parameter_count,
                                         &features->parameter_capacity, sizeof *features->parameters);
    struct parameter *parameter = &features->parameters[features->parameter_count++];
    *parameter = (struct parameter){
        .name = rung_mem_strdup(name), .numeric = true, .low = INFINITY, .high = -INFINITY};
    return parameter;
}

static void count_level(struct parameter *parameter, const char *text)
{
    for (size_t i = 0; i < parameter->level_count; i++)
        if (strcmp(parameter->levels[i].text, text) == 0) {
            parameter->levels[i].count++;
            return;
        }
    if (parameter->level_count == LEVELS_SEEN)
        return;
    parameter->levels = rung_mem_grow(parameter->levels, parameter->level_count, &parameter->level_capacity,
                                      sizeof *parameter->levels);
    parameter->levels[parameter->level_count++] = (struct level){rung_mem_strdup(text), 1};
}

void rung_features_learn(struct rung_features *features, const struct rung_json *parameters)
{
    struct rung_buf text;

    forget_columns(features);
    features->examples++;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (struct rung_json *v = rung_json_first(parameters); v; v = rung_json_next(v)) {
        struct parameter *parameter = parameter_called(features, rung_json_key(v));
        if (!parameter)
            continue;
        parameter->seen++;
        if (rung_json_is(v, RUNG_JSON_NUMBER)) {
            parameter->low = fmin(parameter->low, rung_json_number(v));
            parameter->high = fmax(parameter->high, rung_json_number(v));
        } else {
            parameter->numeric = false;
        }
        if (parameter->numeric) /* its levels do not matter unless other values follow: few do */
            continue;
        rung_buf_clear(&text);
        rung_json_write(&text, v);
        count_level(parameter, rung_buf_cstr(&text));
    }
    rung_buf_free(&text);
}

/* ---- columns ---- */

static void add_column(struct rung_features *features, enum column_kind kind, bool falling, size_t parameter,
                       size_t level, char *name)
{
    features->columns = rung_mem_grow(features->columns, features->column_count, &features->column_capacity,
                                      sizeof *features->columns);
    features->columns[features->column_count++] = (struct column){kind, falling, parameter, level, name};
}

static void add_numeric(struct rung_features *features, size_t index)
{
    const struct parameter *parameter = &features->parameters[index];
    bool logarithm = parameter->low > 0 && parameter->high > LOG_RANGE * parameter->low;

    if (!(parameter->high > parameter->low) || !isfinite(parameter->high - parameter->low))
        return;
    for (int falling = 0; falling < 2; falling++) {
        const char *sign = falling ? "-" : "";
        add_column(features, VALUE, falling, index, 0, rung_mem_printf("%s%s", sign, parameter->name));
        if (logarithm)
            add_column(features, LOGARITHM, falling, index, 0,
                       rung_mem_printf("%slog(%s)", sign, parameter->name));
    }
}

/* The most frequent come first; of equally frequent ones the first seen, so that the order is always the
 * same. */
static void sort_levels(struct parameter *parameter)
{
    for (size_t i = 1; i < parameter->level_count; i++)
        for (size_t j = i; j > 0 && parameter->levels[j].count > parameter->levels[j - 1].count; j--) {
            struct level swap = parameter->levels[j];
            parameter->levels[j] = parameter->levels[j - 1];
            parameter->levels[j - 1] = swap;
        }
}

static void add_levels(struct rung_features *features, size_t index)
{
    struct parameter *parameter = &features->parameters[index];

    sort_levels(parameter);
    size_t kept = parameter->level_count < LEVELS_KEPT ? parameter->level_count : LEVELS_KEPT;
    for (size_t i = 0; i < kept && parameter->level_count > 1; i++)
        add_column(features, LEVEL, false, index, i,
                   rung_mem_printf("%s=%s", parameter->name, parameter->levels[i].text));
}

static void make_columns(struct rung_features *features)
{
    if (features->made)
        return;
    for (size_t i = 0; i < features->parameter_count && features->column_count < COLUMNS; i++) {
        struct parameter *parameter = &features->parameters[i];
        if (parameter->numeric)
            add_numeric(features, i);
        else
            add_levels(features, i);
        if (parameter->seen < features->examples)
            add_column(features, LEVEL, false, i, LEVELS_SEEN, rung_mem_printf("no %s", parameter->name));
    }
    features->made = true;
}

/* Columns are made on demand: what is seen from outside does not change by it. */
static const struct rung_features *made(const struct rung_features *features)
{
    make_columns((struct rung_features *)features);
    return features;
}

size_t rung_features_count(const struct rung_features *features)
{
    return made(features)->column_count;
}

bool rung_features_mirrored(const struct rung_features *features, size_t column)
{
    return made(features)->columns[column].falling;
}

const char *rung_features_name(const struct rung_features *features, size_t column)
{
    return made(features)->columns[column].name;
}

/* ---- encoding ---- */

static double share(double value, double low, double high)
{
    return value <= low ? 0 : value >= high ? 1 : (value - low) / (high - low);
}

static double encode_number(const struct parameter *parameter, const struct column *column,
                            const struct rung_json *value)
{
    if (!rung_json_is(value, RUNG_JSON_NUMBER))
        return 0;
    double number = fmin(fmax(rung_json_number(value), parameter->low), parameter->high);
    double at = column->kind == LOGARITHM ? share(log(number), log(parameter->low), log(parameter->high))
                                          : share(number, parameter->low, parameter->high);
    return column->falling ? 1 - at : at;
}

static double encode_level(const struct parameter *parameter, const struct column *column,
                           const struct rung_json *value, const char *text)
{
    if (column->level == LEVELS_SEEN)
        return value == NULL;
    return value && strcmp(parameter->levels[column->level].text, text) == 0;
}

void rung_features_encode(const struct rung_features *features, const struct rung_json *parameters,
                          double *out)
{
    size_t written = SIZE_MAX; /* the parameter that text holds */
    struct rung_buf text;

    made(features);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < features->column_count; i++) {
        const struct column *column = &features->columns[i];
        const struct parameter *parameter = &features->parameters[column->parameter];
        const struct rung_json *value = rung_json_get(parameters, parameter->name);
        if (column->kind != LEVEL) {
            out[i] = encode_number(parameter, column, value);
            continue;
        }
        if (value && written != column->parameter) {
            rung_buf_clear(&text);
            rung_json_write(&text, value);
            written = column->parameter;
        }
        out[i] = encode_level(parameter, column, value, rung_buf_cstr(&text));
    }
    rung_buf_free(&text);
}
