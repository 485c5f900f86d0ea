/*
 * Reading a distribution: one table row for each form, and the checks of its numbers.
 */
#include "core/form.h"

#include "base/mem.h"
#include "core/elementary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX         16   /* distributions inside distributions */
#define DECIMAL_MAX       1e15 /* integers that survive a round trip through a decimal fraction */
#define DECIMAL_SCALE_MAX 1e15

struct reading {
    bool grid;
    int depth;
    struct rung_err *err;
};

typedef int read_form(struct rung_form *form, const struct rung_json *value, const struct rung_place *place,
                      struct reading *reading);

static int read_any(struct rung_form *form, const struct rung_json *json, const struct rung_place *place,
                    bool parameter, struct reading *reading);

static int read_choice(struct rung_form *form, const struct rung_json *value, const struct rung_place *place,
                       struct reading *reading)
{
    if (!rung_json_is(value, RUNG_JSON_ARRAY) || rung_json_size(value) == 0)
        return rung_place_expected(reading->err, place, "an array of at least one element", value);
    if (++reading->depth > DEPTH_MAX)
        return rung_place_error(reading->err, place, "nested deeper than %d distributions", DEPTH_MAX);
    form->elements = rung_mem_zalloc(rung_json_size(value), sizeof *form->elements);
    for (struct rung_json *v = rung_json_first(value); v; v = rung_json_next(v)) {
        struct rung_place element = {place, NULL, form->element_count};
        int status = read_any(&form->elements[form->element_count++], v, &element, false, reading);
        if (status != 0)
            return status;
    }
    reading->depth--;
    return 0;
}

/* Reads an array of two numbers into form->a and form->b. */
static int read_pair(struct rung_form *form, const struct rung_json *value, const struct rung_place *place,
                     const char *what, struct reading *reading)
{
    if (!rung_json_is(value, RUNG_JSON_ARRAY) || rung_json_size(value) != 2 ||
        !rung_json_is(rung_json_at(value, 0), RUNG_JSON_NUMBER) ||
        !rung_json_is(rung_json_at(value, 1), RUNG_JSON_NUMBER))
        return rung_place_expected(reading->err, place, what, value);
    form->a = rung_json_number(rung_json_at(value, 0));
    form->b = rung_json_number(rung_json_at(value, 1));
    return 0;
}

static int read_uniform(struct rung_form *form, const struct rung_json *value, const struct rung_place *place,
                        struct reading *reading)
{
    int status = read_pair(form, value, place, "[lo, hi]", reading);
    if (status != 0)
        return status;
    if (!(form->a < form->b)) /* [lo, lo) holds nothing */
        return rung_place_expected(reading->err, place, "[lo, hi] with lo < hi", value);
    if (!isfinite(form->b - form->a))
        return rung_place_expected(reading->err, place, "[lo, hi] with a finite hi - lo", value);
    return 0;
}

static int read_log_uniform(struct rung_form *form, const struct rung_json *value,
                            const struct rung_place *place, struct reading *reading)
{
    int status = read_pair(form, value, place, "[lo, hi]", reading);
    if (status != 0)
        return status;
    if (!(form->a > 0 && form->a < form->b))
        return rung_place_expected(reading->err, place, "[lo, hi] with 0 < lo < hi", value);
    form->log_lo = rung_elementary_log(form->a);
    form->log_hi = rung_elementary_log(form->b);
    return 0;
}

static int read_int(struct rung_form *form, const struct rung_json *value, const struct rung_place *place,
                    struct reading *reading)
{
    const int64_t most = (int64_t)RUNG_JSON_INTEGER_MAX;
    int64_t lo, hi;
    int status = read_pair(form, value, place, "[lo, hi]", reading);
    if (status != 0)
        return status;
    if (!rung_json_integer(rung_json_at(value, 0), -most, most, &lo) ||
        !rung_json_integer(rung_json_at(value, 1), -most, most, &hi))
        return rung_place_expected(reading->err, place, "[lo, hi] of integers below 2^53", value);
    if (lo > hi)
        return rung_place_expected(reading->err, place, "[lo, hi] with lo <= hi", value);
    form->base = lo;
    form->stride = 1;
    form->count = hi - lo + 1;
    return 0;
}

static int read_log_int(struct rung_form *form, const struct rung_json *value, const struct rung_place *place,
                        struct reading *reading)
{
    int status = read_int(form, value, place, reading);
    if (status != 0)
        return status;
    if (form->base < 1)
        return rung_place_expected(reading->err, place, "[lo, hi] with 0 < lo <= hi", value);
    form->log_lo = rung_elementary_log(form->a - 0.5);
    form->log_hi = rung_elementary_log(form->b + 0.5);
    return 0;
}

static int read_normal(struct rung_form *form, const struct rung_json *value, const struct rung_place *place,
                       struct reading *reading)
{
    int status = read_pair(form, value, place, "[mean, sd]", reading);
    if (status == 0 && form->b < 0)
        return rung_place_expected(reading->err, place, "[mean, sd] with sd >= 0", value);
    return status;
}

static const struct form_row {
    const char *key;
    enum rung_form_kind kind;
    read_form *read;
} FORMS[] = {
    {"choice", RUNG_FORM_CHOICE, read_choice},
    {"uniform", RUNG_FORM_UNIFORM, read_uniform},
    {"log_uniform", RUNG_FORM_LOG_UNIFORM, read_log_uniform},
    {"int", RUNG_FORM_INT, read_int},
    {"log_int", RUNG_FORM_LOG_INT, read_log_int},
    {"normal", RUNG_FORM_NORMAL, read_normal},
    {"log_normal", RUNG_FORM_LOG_NORMAL, read_normal},
};

/* What an object that describes a parameter may have: the forms, then what goes with them. */
static const char *const KEYS[] = {"choice", "uniform",    "log_uniform", "int",  "log_int",
                                   "normal", "log_normal", "weights",     "step", "when"};
#define FORM_COUNT (sizeof FORMS / sizeof *FORMS)
#define KEY_COUNT  (sizeof KEYS / sizeof *KEYS)

static int read_weights(struct rung_form *form, const struct rung_json *weights,
                        const struct rung_place *place, struct reading *reading)
{
    double sum = 0;
    size_t i = 0;
    if (form->kind != RUNG_FORM_CHOICE)
        return rung_place_error(reading->err, place, "only choice takes weights");
    if (reading->grid)
        return rung_place_error(reading->err, place,
                                "a grid takes no weights (every combination is tried once)");
    if (!rung_json_is(weights, RUNG_JSON_ARRAY) || rung_json_size(weights) != form->element_count) {
        char *what = rung_mem_printf("%zu numbers, one for each element of choice", form->element_count);
        rung_place_expected(reading->err, place, what, weights);
        free(what);
        return RUNG_EUSE;
    }
    form->weight_sums = rung_mem_zalloc(form->element_count, sizeof *form->weight_sums);
    for (struct rung_json *w = rung_json_first(weights); w; w = rung_json_next(w)) {
        struct rung_place element = {place, NULL, i};
        if (!rung_json_is(w, RUNG_JSON_NUMBER) || rung_json_number(w) < 0)
            return rung_place_expected(reading->err, &element, "a number >= 0", w);
        form->weight_sums[i++] = sum += rung_json_number(w);
    }
    if (!(sum > 0 && isfinite(sum)))
        return rung_place_expected(reading->err, place, "weights with a finite sum above 0", weights);
    return 0;
}

static bool as_fraction(double x, double scale, int64_t *numerator)
{
    double y = round(x * scale);
    if (!(fabs(y) <= DECIMAL_MAX) || y / scale != x)
        return false;
    *numerator = (int64_t)y;
    return true;
}

static double fraction(const struct rung_form *form, int64_t k)
{
    return (double)(form->base + k * form->stride) / form->scale;
}

/* Finds a power of ten that makes integers of lo and step, and the last k in integers. False when there is
 * none. */
static bool step_in_decimals(struct rung_form *form)
{
    double scale = 1;
    while (!(as_fraction(form->a, scale, &form->base) && as_fraction(form->step, scale, &form->stride)))
        if ((scale *= 10) > DECIMAL_SCALE_MAX)
            return false;
    if (fabs(form->b) * scale > DECIMAL_MAX)
        return false;
    form->scale = scale;
    int64_t k = (int64_t)floor((form->b - form->a) / form->step);
    if (fraction(form, k + 1) <= form->b)
        k++;
    while (k > 0 && fraction(form, k) > form->b)
        k--;
    form->count = k + 1;
    return true;
}

static int read_real_step(struct rung_form *form, const struct rung_json *value,
                          const struct rung_place *place, struct rung_err *err)
{
    if (!rung_json_is(value, RUNG_JSON_NUMBER) || !(rung_json_number(value) > 0))
        return rung_place_expected(err, place, "a number > 0", value);
    form->step = rung_json_number(value);
    if (form->step > form->b - form->a)
        return rung_place_expected(err, place, "a step of at most hi - lo", value);
    if (step_in_decimals(form))
        return 0;
    double last = floor((form->b - form->a) / form->step + 1e-9); /* forgives the rounding of hi */
    if (last >= RUNG_JSON_INTEGER_MAX)
        return rung_place_expected(err, place, "a step that divides hi - lo into less than 2^53", value);
    form->count = (int64_t)last + 1;
    return 0;
}

static int read_int_step(struct rung_form *form, const struct rung_json *value,
                         const struct rung_place *place, struct rung_err *err)
{
    if (!rung_json_integer(value, 1, (int64_t)RUNG_JSON_INTEGER_MAX, &form->stride))
        return rung_place_expected(err, place, "an integer >= 1", value);
    if (form->count > 1 && form->stride > form->count - 1)
        return rung_place_expected(err, place, "a step of at most hi - lo", value);
    form->count = (form->count - 1) / form->stride + 1;
    return 0;
}

static int read_step(struct rung_form *form, const struct rung_json *value, const struct rung_place *place,
                     struct reading *reading)
{
    if (form->kind == RUNG_FORM_UNIFORM)
        return read_real_step(form, value, place, reading->err);
    if (form->kind == RUNG_FORM_INT)
        return read_int_step(form, value, place, reading->err);
    return rung_place_error(reading->err, place, "only uniform and int take a step");
}

/* Which form an object is, with every key of it known. */
static int find_form(const struct form_row **row, const struct rung_json *json,
                     const struct rung_place *place, bool parameter, struct reading *reading)
{
    for (struct rung_json *v = rung_json_first(json); v; v = rung_json_next(v)) {
        struct rung_place member = {place, rung_json_key(v), 0};
        size_t i = 0;
        while (i < KEY_COUNT && strcmp(KEYS[i], member.key) != 0)
            i++;
        if (i == KEY_COUNT)
            return rung_place_unknown(reading->err, &member, KEYS, parameter ? KEY_COUNT : KEY_COUNT - 1);
        if (strcmp(member.key, "when") == 0 && !parameter)
            return rung_place_error(reading->err, &member, "only a parameter itself takes when");
        if (i >= FORM_COUNT)
            continue;
        if (*row)
            return rung_place_error(reading->err, place, "both \"%s\" and \"%s\", expected one distribution",
                                    (*row)->key, member.key);
        *row = &FORMS[i];
    }
    if (!*row)
        return rung_place_expected(
            reading->err, place,
            "a distribution (choice, uniform, log_uniform, int, log_int, normal, log_normal)", json);
    return 0;
}

static bool countable(const struct rung_form *form)
{
    return form->kind == RUNG_FORM_CHOICE || form->count > 0;
}

static int read_any(struct rung_form *form, const struct rung_json *json, const struct rung_place *place,
                    bool parameter, struct reading *reading)
{
    const struct form_row *row = NULL;
    if (!rung_json_is(json, RUNG_JSON_OBJECT)) {
        form->literal = rung_json_copy(json);
        return 0;
    }
    int status = find_form(&row, json, place, parameter, reading);
    if (status != 0)
        return status;
    struct rung_place at = {place, row->key, 0};
    struct rung_json *weights = rung_json_get(json, "weights"), *step = rung_json_get(json, "step");
    form->kind = row->kind;
    status = row->read(form, rung_json_get(json, row->key), &at, reading);
    at.key = "weights";
    if (status == 0 && weights)
        status = read_weights(form, weights, &at, reading);
    at.key = "step";
    if (status == 0 && step)
        status = read_step(form, step, &at, reading);
    at.key = row->key;
    if (status == 0 && reading->grid && !countable(form))
        return rung_place_error(
            reading->err, &at,
            "a grid needs values that can be counted (choice, int, log_int, uniform with a step)");
    return status;
}

int rung_form_read(struct rung_form *form, const struct rung_json *json, const struct rung_place *place,
                   bool parameter, bool grid, struct rung_err *err)
{
    struct reading reading = {.grid = grid, .err = err};
    return read_any(form, json, place, parameter, &reading);
}
