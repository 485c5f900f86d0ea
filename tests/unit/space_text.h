/*
 * For the tests of the search space: spaces written as text with ' for ", and what is drawn from them.
 */
#ifndef TESTS_SPACE_TEXT_H
#define TESTS_SPACE_TEXT_H

#include "base/mem.h"
#include "core/space.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* JSON with ' for ": C strings stay readable. */
static inline struct rung_json *json(const char *text)
{
    struct rung_err err;
    char *copy = rung_mem_strdup(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    struct rung_json *value = rung_json_parse(copy, strlen(copy), 0, &err);
    if (!value)
        fail_msg("%s: %s", copy, err.text);
    free(copy);
    return value;
}

struct source {
    const char *parameters, *first, *configurations;
    bool grid;
};

static inline int read_source(struct rung_space **space, struct source source, struct rung_err *err)
{
    struct rung_json *parameters = source.parameters ? json(source.parameters) : NULL;
    struct rung_json *first = source.first ? json(source.first) : NULL;
    struct rung_json *configurations = source.configurations ? json(source.configurations) : NULL;
    int status = rung_space_read(space, parameters, first, configurations, source.grid, err);
    rung_json_free(parameters); /* the space keeps copies */
    rung_json_free(first);
    rung_json_free(configurations);
    return status;
}

static inline struct rung_space *space_of(struct source source)
{
    struct rung_err err;
    struct rung_space *space;
    if (read_source(&space, source, &err) != 0)
        fail_msg("%s", err.text);
    return space;
}

static inline struct rung_space *parameters(const char *text)
{
    return space_of((struct source){.parameters = text});
}

static inline char *draw(const struct rung_space *space, uint64_t seed, uint32_t model)
{
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_space_draw(space, seed, model, &out);
    return out.data;
}

static inline void assert_draw(const struct rung_space *space, uint64_t seed, uint32_t model,
                               const char *wanted)
{
    char *got = draw(space, seed, model), *want = rung_mem_strdup(wanted);
    for (char *c = want; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    assert_string_equal(got, want);
    free(got);
    free(want);
}

/* The number that model k gets for parameter "a"; NaN when it has none. */
static inline double number(const struct rung_space *space, uint32_t model)
{
    char *text = draw(space, 11, model);
    struct rung_json *object = rung_json_parse(text, strlen(text), 0, NULL);
    const struct rung_json *a = rung_json_get(object, "a");
    double x = rung_json_is(a, RUNG_JSON_NUMBER) ? rung_json_number(a) : NAN;
    rung_json_free(object);
    free(text);
    return x;
}

/* Five standard deviations above the statistic's mean; the seeds are fixed. */
static inline double chi_square_limit(int cells)
{
    return cells - 1 + 5 * sqrt(2.0 * (cells - 1));
}

static inline void assert_values(const char *form, const char *const *wanted, size_t count)
{
    char *text = rung_mem_printf("{'a': %s}", form);
    struct rung_space *space = space_of((struct source){.parameters = text, .grid = true});
    assert_int_equal(rung_space_limit(space), count);
    for (uint32_t i = 0; i < count; i++) {
        char *object = rung_mem_printf("{'a':%s}", wanted[i]);
        assert_draw(space, 0, i, object);
        free(object);
    }
    rung_space_free(space);
    free(text);
}

static inline struct rung_json *drawn(const struct rung_space *space, uint32_t model)
{
    char *text = draw(space, 7, model);
    struct rung_json *object = rung_json_parse(text, strlen(text), 0, NULL);
    assert_non_null(object);
    free(text);
    return object;
}

static inline void assert_refused(struct source source, const char *wanted)
{
    struct rung_err err = {0};
    struct rung_space *space = (struct rung_space *)&err;
    assert_int_equal(read_source(&space, source, &err), RUNG_EUSE);
    assert_null(space);
    char *want = rung_mem_strdup(wanted);
    for (char *c = want; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    assert_string_equal(err.text, want);
    free(want);
}

#endif
