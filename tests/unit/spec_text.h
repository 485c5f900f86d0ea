/*
 * For the tests of the spec: specs written as text with ' for ", and changed by assignments as --set takes
 * them.
 */
#ifndef TESTS_SPEC_TEXT_H
#define TESTS_SPEC_TEXT_H

#include "base/mem.h"
#include "core/spec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE "{'trainer':{'command':['t']},'parameters':{'a':{'uniform':[0,1]}},'search':{'max_iter':81}}"

/* ' for ": C strings stay readable. The caller frees. */
static inline char *quoted(const char *text)
{
    char *copy = rung_mem_strdup(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return copy;
}

static inline struct rung_json *json(const char *text)
{
    struct rung_err err;
    char *copy = quoted(text);
    struct rung_json *value = rung_json_parse(copy, strlen(copy), RUNG_JSON_COMMENTS, &err);
    if (!value)
        fail_msg("%s: %s", copy, err.text);
    free(copy);
    return value;
}

#define SETS 4

static inline int read_with(struct rung_spec **spec, const char *text, const char *const set[SETS],
                            struct rung_err *err)
{
    struct rung_json *value = json(text ? text : BASE);
    int status = 0;
    for (size_t i = 0; i < SETS && set[i] && status == 0; i++) {
        char *assignment = quoted(set[i]);
        status = rung_spec_override(value, assignment, err);
        free(assignment);
    }
    *spec = NULL;
    if (status == 0)
        status = rung_spec_read(spec, value, "file-name", err);
    rung_json_free(value); /* the spec keeps copies */
    return status;
}

static inline struct rung_spec *spec_with(const char *const set[SETS])
{
    struct rung_err err;
    struct rung_spec *spec;
    if (read_with(&spec, NULL, set, &err) != 0)
        fail_msg("%s", err.text);
    return spec;
}

#define WITH(...) spec_with((const char *const[SETS]){__VA_ARGS__})

struct wrong_spec {
    const char *text; /* NULL: BASE */
    const char *set[SETS];
    const char *error; /* the whole line */
};

static inline void assert_wrong(const struct wrong_spec *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rung_err err = {0};
        struct rung_spec *spec;
        char *wanted = quoted(cases[i].error);
        if (read_with(&spec, cases[i].text, cases[i].set, &err) == 0)
            fail_msg("accepted: %s", cases[i].set[0] ? cases[i].set[0] : cases[i].text);
        assert_null(spec);
        assert_int_equal(err.code, RUNG_EUSE);
        assert_string_equal(err.text, wanted);
        free(wanted);
    }
}

#define ASSERT_WRONG(cases) assert_wrong(cases, sizeof(cases) / sizeof *(cases))

#endif
