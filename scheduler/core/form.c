/*
 * Drawing from a distribution, and counting its values for a grid.
 */
#include "core/form.h"

#include "core/elementary.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

void rung_form_free(struct rung_form *form)
{
    rung_json_free(form->literal);
    for (size_t i = 0; i < form->element_count; i++)
        rung_form_free(&form->elements[i]);
    free(form->elements);
    free(form->weight_sums);
    *form = (struct rung_form){0};
}

static struct rung_value real(double x)
{
    return (struct rung_value){.kind = RUNG_VALUE_REAL, .real = x};
}

static struct rung_value integer(int64_t x)
{
    return (struct rung_value){.kind = RUNG_VALUE_INTEGER, .integer = x};
}

static double clip(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static struct rung_value counted(const struct rung_form *form, int64_t k)
{
    if (form->kind != RUNG_FORM_UNIFORM)
        return integer(form->base + k * form->stride);
    if (form->scale > 0)
        return real((double)(form->base + k * form->stride) / form->scale);
    return real(clip(form->a + (double)k * form->step, form->a, form->b));
}

static size_t draw_element(const struct rung_form *form, struct rung_rng *rng)
{
    if (!form->weight_sums)
        return (size_t)rung_rng_below(rng, form->element_count);
    double x = rung_rng_uniform(rng) * form->weight_sums[form->element_count - 1];
    size_t i = 0;
    while (i + 1 < form->element_count && x >= form->weight_sums[i])
        i++;
    /* rounding may have put x on the last sum: go back to an element that has a weight */
    while (i > 0 && form->weight_sums[i] <= form->weight_sums[i - 1])
        i--;
    return i;
}

static double draw_log(const struct rung_form *form, struct rung_rng *rng)
{
    return rung_elementary_exp(form->log_lo + rung_rng_uniform(rng) * (form->log_hi - form->log_lo));
}

/* Rounding can give hi itself, which [lo, hi) leaves out: then again. */
static double draw_uniform(const struct rung_form *form, struct rung_rng *rng)
{
    double x;
    do
        x = form->a + rung_rng_uniform(rng) * (form->b - form->a);
    while (x >= form->b);
    return x;
}

/* log_int is Optuna's suggest_int(log=True): half an integer more at both ends, then rounded, so that
 * the ends get their share. */
static int64_t draw_log_int(const struct rung_form *form, struct rung_rng *rng)
{
    double last = (double)(form->base + form->count - 1);
    return (int64_t)clip(floor(draw_log(form, rng) + 0.5), (double)form->base, last);
}

struct rung_value rung_form_draw(const struct rung_form *form, struct rung_rng *rng)
{
    switch (form->kind) {
    case RUNG_FORM_LITERAL:
        break;
    case RUNG_FORM_CHOICE:
        return rung_form_draw(&form->elements[draw_element(form, rng)], rng);
    case RUNG_FORM_UNIFORM:
        if (form->count == 0)
            return real(draw_uniform(form, rng));
        return counted(form, (int64_t)rung_rng_below(rng, (uint64_t)form->count));
    case RUNG_FORM_INT:
        return counted(form, (int64_t)rung_rng_below(rng, (uint64_t)form->count));
    case RUNG_FORM_LOG_UNIFORM:
        return real(clip(draw_log(form, rng), form->a, form->b));
    case RUNG_FORM_LOG_INT:
        return integer(draw_log_int(form, rng));
    case RUNG_FORM_NORMAL:
        return real(clip(form->a + form->b * rung_rng_normal(rng), -DBL_MAX, DBL_MAX));
    case RUNG_FORM_LOG_NORMAL:
        return real(rung_elementary_exp(clip(form->a + form->b * rung_rng_normal(rng), -DBL_MAX, DBL_MAX)));
    }
    return (struct rung_value){.kind = RUNG_VALUE_JSON, .json = form->literal};
}

int64_t rung_form_count(const struct rung_form *form)
{
    if (form->kind == RUNG_FORM_LITERAL)
        return 1;
    if (form->kind != RUNG_FORM_CHOICE)
        return form->count;
    int64_t sum = 0;
    for (size_t i = 0; i < form->element_count; i++) {
        int64_t more = rung_form_count(&form->elements[i]);
        sum = more > INT64_MAX - sum ? INT64_MAX : sum + more;
    }
    return sum;
}

struct rung_value rung_form_option(const struct rung_form *form, int64_t k)
{
    if (form->kind == RUNG_FORM_LITERAL)
        return (struct rung_value){.kind = RUNG_VALUE_JSON, .json = form->literal};
    if (form->kind != RUNG_FORM_CHOICE)
        return counted(form, k);
    const struct rung_form *element = form->elements;
    for (int64_t n; k >= (n = rung_form_count(element)); element++)
        k -= n;
    return rung_form_option(element, k);
}

static bool number_possible(const struct rung_form *form, double x)
{
    switch (form->kind) {
    case RUNG_FORM_INT:
        return x == trunc(x) && x >= (double)form->base &&
               x <= (double)(form->base + (form->count - 1) * form->stride) &&
               ((int64_t)x - form->base) % form->stride == 0;
    case RUNG_FORM_LOG_INT:
        return x == trunc(x) && x >= (double)form->base && x <= (double)(form->base + form->count - 1);
    case RUNG_FORM_NORMAL:
        return true;
    case RUNG_FORM_LOG_NORMAL:
        return x > 0;
    default:
        return x >= form->a && x <= form->b;
    }
}

bool rung_form_can_be(const struct rung_form *form, const struct rung_json *value)
{
    if (form->kind == RUNG_FORM_LITERAL)
        return rung_json_equal(form->literal, value);
    if (form->kind != RUNG_FORM_CHOICE)
        return rung_json_is(value, RUNG_JSON_NUMBER) && number_possible(form, rung_json_number(value));
    for (size_t i = 0; i < form->element_count; i++)
        if (rung_form_can_be(&form->elements[i], value))
            return true;
    return false;
}

bool rung_value_equals(const struct rung_value *value, const struct rung_json *json)
{
    if (value->kind == RUNG_VALUE_ABSENT)
        return false;
    if (value->kind == RUNG_VALUE_JSON)
        return rung_json_equal(value->json, json);
    if (!rung_json_is(json, RUNG_JSON_NUMBER))
        return false;
    double x = value->kind == RUNG_VALUE_INTEGER ? (double)value->integer : value->real;
    return x == rung_json_number(json);
}

void rung_value_write(struct rung_buf *out, const struct rung_value *value)
{
    if (value->kind == RUNG_VALUE_INTEGER)
        rung_json_write_integer(out, value->integer);
    else if (value->kind == RUNG_VALUE_REAL)
        rung_json_write_number(out, value->real);
    else if (value->kind == RUNG_VALUE_JSON)
        rung_json_write(out, value->json);
}
