/*
 * Objects with known keys, read from tables: a row says a key's type, range, default and where its value
 * goes. Adding a key to the spec is a row, a member of the struct and a line of docs/spec.md.
 */
#ifndef RUNG_CORE_FIELDS_H
#define RUNG_CORE_FIELDS_H

#include "base/err.h"
#include "base/json.h"
#include "core/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rung_field_type {
    RUNG_FIELD_INTEGER,  /* int64_t, from lo to hi */
    RUNG_FIELD_NUMBER,   /* double, >= least */
    RUNG_FIELD_DURATION, /* double, seconds > 0 */
    RUNG_FIELD_WORD,     /* int, index of one of words */
    RUNG_FIELD_TEXT,     /* char *, not empty; owned by the struct */
    RUNG_FIELD_ARGV,     /* char **, a command and its arguments, NULL-terminated; owned by the struct */
    RUNG_FIELD_TEXTS,    /* char **, texts, none of them empty, NULL-terminated; owned by the struct */
    RUNG_FIELD_VALUE     /* const struct rung_json *: borrowed, for the caller to read */
};

struct rung_field {
    const char *key;
    enum rung_field_type type;
    size_t offset; /* of its member in the struct that the table fills */
    int64_t lo, hi;
    double least;
    const char *const *words;
    size_t word_count;
    union {
        int64_t integer;
        double number;
        int word;
        const char *text; /* TEXT: copied, or NULL; ARGV, TEXTS and VALUE: NULL is the only default */
    } otherwise;          /* when the key is absent */
    bool null;            /* null is taken: NaN for NUMBER, else the default */
    bool required;
    unsigned groups; /* 0: always known; else only to a reader of one of these bits */
};

/* A row for `member` of struct `owner`, its key the member's name; more members of the row may follow. */
#define RUNG_FIELD(owner, member, kind, ...)                                                                 \
    {                                                                                                        \
        .key = #member, .type = RUNG_FIELD_##kind, .offset = offsetof(struct owner, member), __VA_ARGS__     \
    }

struct rung_fields {
    const struct rung_field *rows;
    size_t count;
};

/* Fills the struct at target from object (NULL: as {}), every row of it, defaults included. group: one bit,
 * or 0 for tables without groups. RUNG_EUSE at the first key that is unknown, wrong or missing; what was set
 * until then stays the caller's to free (pointers that were not reached are NULL). */
int rung_fields_read(void *target, const struct rung_fields *fields, unsigned group,
                     const struct rung_json *object, const struct rung_place *place,
                     struct rung_err *err) RUNG_CHECK_RESULT;

/* Fills the one member whose key is `key` (of the table), from the object, which may have other keys. */
int rung_fields_read_key(void *target, const struct rung_fields *fields, const char *key,
                         const struct rung_json *object, const struct rung_place *place,
                         struct rung_err *err) RUNG_CHECK_RESULT;

/* The row of that key, whatever its groups, or NULL. */
const struct rung_field *rung_fields_find(const struct rung_fields *fields, const char *key);

/* Reads an array of texts, none of them empty, into a NULL-terminated array for the caller to free. */
int rung_fields_argv(char ***out, const struct rung_json *value, const struct rung_place *place,
                     struct rung_err *err) RUNG_CHECK_RESULT;
void rung_fields_free_argv(char **argv); /* takes NULL */

#endif
