/*
 * One distribution: what a parameter, or an element of a choice, is drawn from.
 *
 * To add a form: its kind here, its row in form_read.c (FORMS), its draw in form.c, its row in
 * docs/spec.md.
 */
#ifndef RUNG_CORE_FORM_H
#define RUNG_CORE_FORM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/place.h"
#include "core/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rung_form_kind {
    RUNG_FORM_LITERAL,
    RUNG_FORM_CHOICE,
    RUNG_FORM_UNIFORM,
    RUNG_FORM_LOG_UNIFORM,
    RUNG_FORM_INT,
    RUNG_FORM_LOG_INT,
    RUNG_FORM_NORMAL,
    RUNG_FORM_LOG_NORMAL
};

struct rung_form {
    enum rung_form_kind kind;
    struct rung_json *literal;  /* LITERAL: owned */
    struct rung_form *elements; /* CHOICE */
    size_t element_count;
    double *weight_sums;   /* CHOICE with weights: of the elements up to each; NULL: all equal */
    double a, b;           /* real forms: lo and hi, or mean and sd */
    double log_lo, log_hi; /* log forms: what is drawn uniformly between */
    /* Countable forms (count > 0; not CHOICE): value k is (base + k stride) / scale, in integers up to
     * the division, so that 0.1 + 2 · 0.1 is 0.3. scale 0: no such fraction exists, value k is a + k step. */
    int64_t count, base, stride;
    double scale, step;
};

enum rung_value_kind { RUNG_VALUE_ABSENT, RUNG_VALUE_JSON, RUNG_VALUE_INTEGER, RUNG_VALUE_REAL };

struct rung_value {
    enum rung_value_kind kind;
    const struct rung_json *json; /* borrowed from the form, or from whoever set it */
    int64_t integer;
    double real;
};

/* Reads any value of `parameters`: a literal or an object that names a distribution. `parameter`: the
 * key `when` is allowed (and left to the caller). grid: only what can be counted, and no weights.
 * *form must be zeroed; free it with rung_form_free, also after a failure. */
int rung_form_read(struct rung_form *form, const struct rung_json *json, const struct rung_place *place,
                   bool parameter, bool grid, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_form_free(struct rung_form *form);

struct rung_value rung_form_draw(const struct rung_form *form, struct rung_rng *rng);

/* Number of values of a form read for a grid; saturates at INT64_MAX. And the k-th of them. */
int64_t rung_form_count(const struct rung_form *form);
struct rung_value rung_form_option(const struct rung_form *form, int64_t k);

/* Whether a draw can be equal to value (for reals: whether it lies in their range). */
bool rung_form_can_be(const struct rung_form *form, const struct rung_json *value);

bool rung_value_equals(const struct rung_value *value, const struct rung_json *json);
void rung_value_write(struct rung_buf *out, const struct rung_value *value);

#endif
