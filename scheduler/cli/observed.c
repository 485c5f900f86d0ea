/* Values call by call, of one model. */
#include "cli/observed.h"

#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row of a view as an observation; false: it is none. */
typedef bool observe_fn(const struct rung_query *query, const char *name, struct rung_observation *out);

static size_t column(const struct rung_query *query, const char *name)
{
    return (size_t)rung_query_find(query, name);
}

/* In the order of the views, calls rise. A call that is there twice counts as it was last. */
static void add(struct rung_observed *observed, struct rung_observation observation)
{
    while (observed->count > 0 && observed->list[observed->count - 1].calls >= observation.calls)
        observed->count--;
    observed->list =
        rung_mem_grow(observed->list, observed->count, &observed->capacity, sizeof *observed->list);
    observed->list[observed->count++] = observation;
}

static int read_view(struct rung_observed *out, const struct rung_reading *reading, enum rung_query_view view,
                     observe_fn *observe, struct rung_err *err)
{
    struct rung_observation observation;
    struct rung_query *query;
    int code = rung_query_open(&query, reading->store, view, &reading->filter, err);

    if (code < 0)
        return code;
    while ((code = rung_query_next(query, err)) == 1)
        if (observe(query, out->name, &observation))
            add(out, observation);
    rung_query_close(query);
    return code;
}

/* ---- what a row says ---- */

static bool observe_score(const struct rung_query *query, const char *name, struct rung_observation *out)
{
    (void)name;
    out->calls = rung_query_integer(query, column(query, "partial_fit_calls"));
    out->value = rung_query_real(query, column(query, "score"));
    return out->calls > 0;
}

/* A metric that is null was not finite; one that is something else is none. */
static bool metric_of(const char *metrics, const char *name, double *value)
{
    struct rung_json *json = metrics ? rung_json_parse(metrics, strlen(metrics), 0, NULL) : NULL;
    const struct rung_json *member = json ? rung_json_get(json, name) : NULL;
    bool there = rung_json_is(member, RUNG_JSON_NUMBER) || rung_json_is(member, RUNG_JSON_NULL);

    if (there)
        *value = rung_json_is(member, RUNG_JSON_NUMBER) ? rung_json_number(member) : NAN;
    rung_json_free(json);
    return there;
}

static bool observe_result(const struct rung_query *query, const char *name, struct rung_observation *out)
{
    out->calls = rung_query_integer(query, column(query, "partial_fit_calls"));
    return out->calls > 0 && metric_of(rung_query_text(query, column(query, "metrics")), name, &out->value);
}

static bool observe_call(const struct rung_query *query, const char *name, struct rung_observation *out)
{
    out->calls = rung_query_integer(query, column(query, "call"));
    return out->calls > 0 && metric_of(rung_query_text(query, column(query, "metrics")), name, &out->value);
}

/* ---- the model's bracket ---- */

static int64_t last_rung(const char *rungs)
{
    struct rung_json *json = rungs ? rung_json_parse(rungs, strlen(rungs), 0, NULL) : NULL;
    int64_t end = 0;

    if (rung_json_is(json, RUNG_JSON_ARRAY))
        for (const struct rung_json *rung = rung_json_first(json); rung; rung = rung_json_next(rung))
            if (!rung_json_integer(rung_json_get(rung, "calls"), 1, (int64_t)RUNG_JSON_INTEGER_MAX, &end))
                end = 0;
    rung_json_free(json);
    return end;
}

static int read_end(struct rung_observed *out, const struct rung_reading *reading, struct rung_err *err)
{
    struct rung_query_filter filter = reading->filter;
    int64_t bracket = -1;
    struct rung_query *query;
    int code = rung_query_open(&query, reading->store, RUNG_VIEW_MODELS, &filter, err);

    if (code < 0)
        return code;
    if ((code = rung_query_next(query, err)) == 1)
        bracket = rung_query_integer(query, column(query, "bracket"));
    rung_query_close(query);
    filter.model = RUNG_QUERY_ANY;
    if (code < 0 || (code = rung_query_open(&query, reading->store, RUNG_VIEW_BRACKETS, &filter, err)) < 0)
        return code;
    while ((code = rung_query_next(query, err)) == 1)
        if (rung_query_integer(query, column(query, "bracket")) == bracket)
            out->end = last_rung(rung_query_text(query, column(query, "rungs")));
    rung_query_close(query);
    return code;
}

/* ---- all of it ---- */

/* Larger values are taken to be better, unless they have fallen. */
static void guess_goal(struct rung_observed *observed)
{
    double first = NAN, last = NAN;

    for (size_t i = 0; i < observed->count; i++) {
        if (!isfinite(observed->list[i].value))
            continue;
        if (isnan(first))
            first = observed->list[i].value;
        last = observed->list[i].value;
    }
    observed->guessed = true;
    observed->moved = last < first || last > first;
    observed->maximize = !(last < first);
}

static int check(const struct rung_observed *observed, const struct rung_reading *reading, const char *metric,
                 struct rung_err *err)
{
    const char *path = rung_store_path(reading->store);
    long long model = (long long)reading->filter.model;

    if (observed->count == 0 && metric)
        return rung_err_set(err, RUNG_EUSE, "%s: %s: no result of model %lld has a metric \"%s\"", path,
                            reading->row.name, model, metric);
    if (observed->count == 0)
        return rung_err_set(err, RUNG_EUSE, "%s: %s: model %lld has no result yet", path, reading->row.name,
                            model);
    if (observed->finite == 0)
        return rung_err_set(err, RUNG_EUSE,
                            "%s: %s: model %lld has no %s that is a finite number (%zu observed)", path,
                            reading->row.name, model, observed->name, observed->count);
    return 0;
}

int rung_observed_read(struct rung_observed *out, const struct rung_reading *reading, const char *metric,
                       struct rung_err *err)
{
    bool objective = !metric || strcmp(metric, reading->row.metric) == 0;
    int code;

    *out = (struct rung_observed){.name = rung_mem_strdup(objective ? reading->row.metric : metric)};
    out->maximize = strcmp(reading->row.goal, "maximize") == 0;
    if (objective)
        code = read_view(out, reading, RUNG_VIEW_HISTORY, observe_score, err);
    else if ((code = read_view(out, reading, RUNG_VIEW_CALLS, observe_call, err)) == 0 && out->count == 0)
        code = read_view(out, reading, RUNG_VIEW_HISTORY, observe_result, err);
    if (code < 0)
        return code;
    for (size_t i = 0; i < out->count; i++)
        out->finite += isfinite(out->list[i].value) != 0;
    if (!objective)
        guess_goal(out);
    code = check(out, reading, objective ? NULL : metric, err);
    return code < 0 ? code : read_end(out, reading, err);
}

void rung_observed_free(struct rung_observed *observed)
{
    free(observed->name);
    free(observed->list);
}
