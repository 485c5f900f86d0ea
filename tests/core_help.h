/*
 * What tests of the core share: search specs without a spec file, and steps whose decisions are text.
 */
#ifndef TESTS_CORE_HELP_H
#define TESTS_CORE_HELP_H

#include "base/buf.h"
#include "core/search.h"
#include "core/trace.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The spec's defaults; algorithm hyperband (max_iter, aggressiveness). */
static inline struct rung_search_spec help_spec(int64_t max_iter, int64_t aggressiveness)
{
    return (struct rung_search_spec){.algorithm = RUNG_HYPERBAND,
                                     .variant = RUNG_VARIANT_EXACT,
                                     .priority = RUNG_PRIORITY_SCORE,
                                     .max_iter = max_iter,
                                     .aggressiveness = aggressiveness,
                                     .models = RUNG_UNSET,
                                     .first_calls = 1,
                                     .fits_per_score = 1,
                                     .decay_rate = NAN,
                                     .tol = 0.001,
                                     .examples_per_call = RUNG_UNSET,
                                     .maximize = true};
}

static inline void help_fail(const char *what, const struct rung_err *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    abort();
}

static inline struct rung_search *help_search(const struct rung_search_spec *spec)
{
    struct rung_search *search;
    struct rung_err err = {0};
    if (rung_search_create(&search, spec, &err) != 0)
        help_fail("search", &err);
    return search;
}

/* A step that must succeed; its decisions replace those in the list. */
static inline void help_step(struct rung_search *search, const struct rung_event *event,
                             struct rung_decisions *decisions)
{
    struct rung_err err = {0};
    rung_decisions_clear(decisions);
    if (rung_search_step(search, event, decisions, &err) != 0)
        help_fail("step", &err);
}

static inline struct rung_event help_start(void)
{
    return (struct rung_event){.kind = RUNG_EVENT_START};
}

static inline struct rung_event help_result(uint32_t model, int64_t calls, double score)
{
    return (struct rung_event){.kind = RUNG_EVENT_RESULT, .model = model, .calls = calls, .score = score};
}

/* The result of the model's open TRAIN. */
static inline struct rung_event help_answer(const struct rung_search *search, uint32_t model, double score)
{
    return help_result(model, rung_search_model(search, model).target, score);
}

/* Feeds one line of event text; returns the decisions as text, valid until the next call with the same buf.
 */
static inline const char *help_line(struct rung_search *search, const char *line, struct rung_buf *buf)
{
    struct rung_decisions decisions = {0};
    struct rung_event event;
    struct rung_err err = {0};
    if (rung_trace_read_event(&event, line, &err) != 0)
        help_fail("event", &err);
    help_step(search, &event, &decisions);
    rung_buf_clear(buf);
    rung_trace_write_decisions(buf, &decisions);
    rung_decisions_free(&decisions);
    return rung_buf_cstr(buf);
}

/* A small generator for tests: splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t help_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t help_below(uint64_t *state, uint64_t bound)
{
    return help_random(state) % bound;
}

#endif
