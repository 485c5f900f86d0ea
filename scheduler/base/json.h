/*
 * JSON: strict reading over cJSON, and output whose numbers survive.
 *
 * The only file that includes cJSON.h is json.c. What cJSON lets through and RFC 8259 does not is
 * rejected here first, with line and column (from 1; columns count bytes): trailing commas and
 * text, unquoted or duplicate keys, control characters in strings, lone surrogates, invalid UTF-8,
 * leading zeros, numbers beyond a double, a NUL (also as \u0000), nesting over RUNG_JSON_DEPTH_MAX.
 */
#ifndef RUNG_BASE_JSON_H
#define RUNG_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_JSON_DEPTH_MAX   128
#define RUNG_JSON_INTEGER_MAX 9007199254740991.0 /* 2^53 - 1 */

struct rung_json; /* one value with all below it; only the root is freed */

enum rung_json_type {
    RUNG_JSON_NULL,
    RUNG_JSON_BOOL,
    RUNG_JSON_NUMBER,
    RUNG_JSON_STRING,
    RUNG_JSON_ARRAY,
    RUNG_JSON_OBJECT
};

enum rung_json_flags {
    RUNG_JSON_COMMENTS = 1, /* a // to the end of line and / * * / are blanks (columns hold) */
    RUNG_JSON_NONFINITE = 2, /* NaN, Infinity and -Infinity are read as null */
    RUNG_JSON_DEEPER = 4     /* 8 levels more: around what was read without it */
};

/* Parses length bytes of text (no NUL needed at the end). On failure returns NULL and fills err
 * with code RUNG_EUSE and text "line L, column C: WHY" (for a duplicate key, WHY names it). */
struct rung_json *rung_json_parse(const char *text, size_t length, int flags, struct rung_err *err);
void rung_json_free(struct rung_json *root);
struct rung_json *rung_json_copy(const struct rung_json *value); /* deep; caller frees */

enum rung_json_type rung_json_type(const struct rung_json *value);
const char *rung_json_type_name(enum rung_json_type type);                  /* "a number", "an object", … */
bool rung_json_is(const struct rung_json *value, enum rung_json_type type); /* false for NULL */
double rung_json_number(const struct rung_json *value);                     /* of a number */
bool rung_json_bool(const struct rung_json *value);                         /* of a bool */
const char *rung_json_string(const struct rung_json *value); /* of a string; lives as long as the root */
/* True and *out set when value is a number, whole, and within [lo, hi]; |lo|, |hi| <= 2^53 - 1. */
bool rung_json_integer(const struct rung_json *value, int64_t lo, int64_t hi, int64_t *out);

/* Children of an array or object, in order:  for (v = first(x); v; v = next(v)) */
struct rung_json *rung_json_first(const struct rung_json *container);
struct rung_json *rung_json_next(const struct rung_json *value);
const char *rung_json_key(const struct rung_json *member); /* of an object's child */
size_t rung_json_size(const struct rung_json *container);
struct rung_json *rung_json_get(const struct rung_json *object,
                                const char *key); /* NULL if absent or not an object */
struct rung_json *rung_json_at(const struct rung_json *array, size_t index); /* O(index) */

/* Same type and content; numbers by ==, objects whatever the order of their keys. */
bool rung_json_equal(const struct rung_json *a, const struct rung_json *b);

/* Building, for overrides and settings. Ownership of value passes to the container. */
struct rung_json *rung_json_new_object(void);
struct rung_json *rung_json_new_array(void);
struct rung_json *rung_json_new_number(double number);
struct rung_json *rung_json_new_string(const char *text);
struct rung_json *rung_json_new_bool(bool value);
struct rung_json *rung_json_new_null(void);
void rung_json_set(struct rung_json *object, const char *key,
                   struct rung_json *value); /* replaces in place, or appends */
void rung_json_push(struct rung_json *array, struct rung_json *value);
void rung_json_replace(struct rung_json *parent, struct rung_json *old,
                       struct rung_json *value); /* frees old */

/* Writing, compact and on one line. */
void rung_json_write(struct rung_buf *buf, const struct rung_json *value);
/* The shortest of %.15g, %.16g, %.17g that reads back to the same double, in the C locale;
 * whole numbers below 2^53 without exponent or point; not finite: null. */
void rung_json_write_number(struct rung_buf *buf, double number);
void rung_json_write_integer(struct rung_buf *buf, int64_t number);
void rung_json_write_string(struct rung_buf *buf,
                            const char *text); /* with quotes; invalid UTF-8 becomes U+FFFD */

#endif
