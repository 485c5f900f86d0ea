/*
 * Settings and parameters by table: one table documents them (--help), checks them and stores
 * their values in a struct. Unknown keys are errors with a suggestion.
 */
#ifndef RUNG_TRAINER_FIELDS_H
#define RUNG_TRAINER_FIELDS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_SIZES_MAX 32

struct rung_sizes {
    int32_t count;
    int32_t items[RUNG_SIZES_MAX];
};

/* The kind of value, and the C type that is stored at `offset`. */
enum rung_field_type {
    RUNG_FIELD_NUMBER,  /* double, within lo … hi */
    RUNG_FIELD_INTEGER, /* int64_t, within lo … hi */
    RUNG_FIELD_BOOL,    /* bool */
    RUNG_FIELD_CHOICE,  /* int: index of the word in `choices` */
    RUNG_FIELD_TEXT,    /* const char *: lives as long as the JSON object; NULL when absent */
    RUNG_FIELD_SIZES,   /* struct rung_sizes: one integer or an array of integers, each lo … hi */
    RUNG_FIELD_VALUE    /* const struct rung_json *: any value, checked by the caller; NULL when absent */
};

enum rung_field_flags {
    RUNG_FIELD_LO_OPEN = 1, /* lo itself is not allowed */
    RUNG_FIELD_HI_OPEN = 2, /* hi itself is not allowed */
    RUNG_FIELD_NEEDED = 4   /* an error when absent; otherwise `fallback` is taken */
};

struct rung_field {
    const char *name; /* NULL ends a table */
    enum rung_field_type type;
    int flags;
    size_t offset;        /* where the value goes: offsetof(struct …, …) */
    const char *fallback; /* the default as JSON text ("0.0001", "\"relu\"", "[100]"); NULL: zero, false,
                             first choice, absent */
    double lo, hi;        /* -INFINITY, INFINITY: no bound */
    const char *choices;  /* "relu|tanh|logistic"; of a RUNG_FIELD_VALUE: what it may be, for --help */
    const char *help;     /* one or more sentences; --help wraps them */
};

/* Checks object (NULL: as if empty) against the table and fills out, a struct at whose offsets the
 * values go. Numbers must be finite. Error: RUNG_EUSE, "WHERE.KEY: WHY", for an unknown key with
 * 'did you mean "…"?'. */
int rung_fields_read(const struct rung_field *fields, const char *where, const struct rung_json *object,
                     void *out, struct rung_err *err) RUNG_CHECK_RESULT;

/* The table as help text: name, type and range, default, help, wrapped at 80 columns. */
void rung_fields_help(const struct rung_field *fields, struct rung_buf *out);

/* Text behind an indent, wrapped at 80 columns. */
void rung_fields_paragraph(const char *text, size_t indent, struct rung_buf *out);

/* The index-th word of "a|b|c", copied into word (of size bytes); false when there are fewer. */
bool rung_fields_choice(const char *choices, int index, char *word, size_t size);

/* Fills err with the message for an unknown key, with the nearest of the table's names where one is near. */
int rung_fields_unknown(const struct rung_field *fields, const char *where, const char *key,
                        struct rung_err *err);

#endif
