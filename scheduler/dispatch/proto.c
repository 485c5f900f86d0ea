#include "dispatch/proto.h"

#include "core/event.h"
#include "core/spec.h"
#include "rung/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void integer_field(struct rung_buf *buf, const char *name, int64_t value)
{
    rung_buf_text(buf, name);
    rung_json_write_integer(buf, value);
}

static void path_field(struct rung_buf *buf, const char *name, const char *path)
{
    rung_buf_text(buf, name);
    if (path)
        rung_json_write_string(buf, path);
    else
        rung_buf_text(buf, "null");
}

void rung_proto_write_start(struct rung_buf *buf, const struct rung_proto_start *start)
{
    integer_field(buf, "{\"type\":\"start\",\"protocol\":", RUNG_PROTOCOL_VERSION);
    rung_buf_text(buf, ",\"search\":");
    rung_json_write_string(buf, start->search);
    integer_field(buf, ",\"seed\":", (int64_t)start->seed);
    integer_field(buf, ",\"trainer\":", start->trainer);
    integer_field(buf, ",\"threads\":", start->threads);
    rung_buf_text(buf, ",\"settings\":");
    rung_json_write(buf, start->settings);
    if (start->examples_per_call != RUNG_UNSET)
        integer_field(buf, ",\"examples_per_call\":", start->examples_per_call);
    rung_buf_text(buf, "}\n");
}

void rung_proto_write_job(struct rung_buf *buf, const struct rung_proto_job *job)
{
    integer_field(buf, "{\"type\":\"job\",\"job\":", job->job);
    integer_field(buf, ",\"model\":", job->model);
    integer_field(buf, ",\"seed\":", job->seed);
    rung_buf_text(buf, ",\"parameters\":");
    rung_buf_text(buf, job->parameters);
    integer_field(buf, ",\"from\":", job->from);
    integer_field(buf, ",\"to\":", job->to);
    path_field(buf, ",\"state_in\":", job->state_in);
    path_field(buf, ",\"state_out\":", job->state_out);
    rung_buf_text(buf, "}\n");
}

void rung_proto_write_evaluate(struct rung_buf *buf, const struct rung_proto_job *job)
{
    integer_field(buf, "{\"type\":\"evaluate\",\"job\":", job->job);
    integer_field(buf, ",\"model\":", job->model);
    rung_buf_text(buf, ",\"parameters\":");
    rung_buf_text(buf, job->parameters);
    path_field(buf, ",\"state_in\":", job->state_in);
    rung_buf_text(buf, "}\n");
}

void rung_proto_write_forget(struct rung_buf *buf, uint32_t model)
{
    integer_field(buf, "{\"type\":\"forget\",\"model\":", model);
    rung_buf_text(buf, "}\n");
}

void rung_proto_write_stop(struct rung_buf *buf)
{
    rung_buf_text(buf, "{\"type\":\"stop\"}\n");
}

/* ---- reading ---- */

static int wrong(struct rung_err *err, const char *type, const char *field, const char *expected,
                 const struct rung_json *found)
{
    if (!found)
        return rung_err_set(err, RUNG_EFAIL, "its %s has no \"%s\"", type, field);
    return rung_err_set(err, RUNG_EFAIL, "\"%s\" of its %s is %s, not %s", field, type,
                        rung_json_type_name(rung_json_type(found)), expected);
}

/* A number that may be null or absent: NaN then. */
static int optional_number(const struct rung_json *object, const char *type, const char *field, double *out,
                           struct rung_err *err)
{
    const struct rung_json *value = rung_json_get(object, field);
    *out = NAN;
    if (!value || rung_json_is(value, RUNG_JSON_NULL))
        return 0;
    if (!rung_json_is(value, RUNG_JSON_NUMBER))
        return wrong(err, type, field, "a number", value);
    *out = rung_json_number(value);
    return 0;
}

/* A duration: as optional_number, and not negative. */
static int optional_seconds(const struct rung_json *object, const char *type, const char *field, double *out,
                            struct rung_err *err)
{
    int rc = optional_number(object, type, field, out, err);
    return rc == 0 && *out < 0 ? wrong(err, type, field, ">= 0", rung_json_get(object, field)) : rc;
}

static int whole(const struct rung_json *object, const char *type, const char *field, int64_t *out,
                 struct rung_err *err)
{
    const struct rung_json *value = rung_json_get(object, field);
    if (!rung_json_integer(value, 0, (int64_t)RUNG_JSON_INTEGER_MAX, out))
        return wrong(err, type, field, "a whole number >= 0", value);
    return 0;
}

static int optional_text(const struct rung_json *object, const char *type, const char *field,
                         const char **out, struct rung_err *err)
{
    const struct rung_json *value = rung_json_get(object, field);
    if (!value || rung_json_is(value, RUNG_JSON_NULL))
        return 0;
    if (!rung_json_is(value, RUNG_JSON_STRING))
        return wrong(err, type, field, "a string", value);
    *out = rung_json_string(value);
    return 0;
}

static int optional_bool(const struct rung_json *object, const char *type, const char *field, bool *out,
                         struct rung_err *err)
{
    const struct rung_json *value = rung_json_get(object, field);
    if (!value || rung_json_is(value, RUNG_JSON_NULL))
        return 0;
    if (!rung_json_is(value, RUNG_JSON_BOOL))
        return wrong(err, type, field, "true or false", value);
    *out = rung_json_bool(value);
    return 0;
}

static int read_metrics(struct rung_proto_message *message, const char *type, const char *metric,
                        struct rung_err *err)
{
    const struct rung_json *metrics = rung_json_get(message->json, "metrics");
    message->metric = NAN;
    if (!metrics || rung_json_is(metrics, RUNG_JSON_NULL))
        return 0;
    if (!rung_json_is(metrics, RUNG_JSON_OBJECT))
        return wrong(err, type, "metrics", "an object", metrics);
    struct rung_buf text;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_json_write(&text, metrics);
    message->metrics = text.data;
    const struct rung_json *value = rung_json_get(metrics, metric);
    if (!value)
        return 0;
    message->has_metric = true;
    return optional_number(metrics, type, metric, &message->metric, err);
}

static int read_ready(struct rung_proto_message *message, struct rung_err *err)
{
    int64_t protocol = 0;
    const char *state = NULL;
    int rc = whole(message->json, "ready", "protocol", &protocol, err);
    if (rc == 0 && protocol != RUNG_PROTOCOL_VERSION)
        rc = rung_err_set(err, RUNG_EFAIL, "it speaks protocol %lld, this rung speaks %d",
                          (long long)protocol, RUNG_PROTOCOL_VERSION);
    if (rc == 0)
        rc = optional_text(message->json, "ready", "name", &message->name, err);
    if (rc == 0)
        rc = optional_text(message->json, "ready", "platform", &message->platform, err);
    if (rc == 0)
        rc = optional_text(message->json, "ready", "state", &state, err);
    if (rc == 0)
        rc = optional_bool(message->json, "ready", "evaluate", &message->evaluates, err);
    message->stateless = state && strcmp(state, "none") == 0;
    return rc;
}

static int read_progress(struct rung_proto_message *message, const char *metric, struct rung_err *err)
{
    int rc = whole(message->json, "progress", "job", &message->job, err);
    if (rc == 0)
        rc = whole(message->json, "progress", "call", &message->call, err);
    if (rc == 0)
        rc = optional_seconds(message->json, "progress", "fit_seconds", &message->fit_seconds, err);
    return rc ? rc : read_metrics(message, "progress", metric, err);
}

static int read_result(struct rung_proto_message *message, const char *metric, struct rung_err *err)
{
    const struct rung_json *json = message->json;
    double examples = NAN;
    message->has_score = rung_json_get(json, "score") != NULL;
    int rc = whole(json, "result", "job", &message->job, err);
    if (rc == 0)
        rc = optional_number(json, "result", "score", &message->score, err);
    if (rc == 0)
        rc = optional_seconds(json, "result", "fit_seconds", &message->fit_seconds, err);
    if (rc == 0)
        rc = optional_seconds(json, "result", "score_seconds", &message->score_seconds, err);
    if (rc == 0)
        rc = optional_number(json, "result", "examples", &examples, err);
    if (rc == 0 && !isnan(examples) && whole(json, "result", "examples", &message->examples, err))
        rc = RUNG_EFAIL;
    return rc ? rc : read_metrics(message, "result", metric, err);
}

static int read_failure(struct rung_proto_message *message, struct rung_err *err)
{
    int rc = whole(message->json, "failure", "job", &message->job, err);
    if (rc == 0)
        rc = optional_text(message->json, "failure", "reason", &message->reason, err);
    message->retry = true;
    return rc ? rc : optional_bool(message->json, "failure", "retry", &message->retry, err);
}

static int read_typed(struct rung_proto_message *message, const char *type, const char *metric,
                      struct rung_err *err)
{
    if (strcmp(type, "result") == 0) {
        message->type = RUNG_PROTO_RESULT;
        return read_result(message, metric, err);
    }
    if (strcmp(type, "progress") == 0) {
        message->type = RUNG_PROTO_PROGRESS;
        return read_progress(message, metric, err);
    }
    if (strcmp(type, "failure") == 0) {
        message->type = RUNG_PROTO_FAILURE;
        return read_failure(message, err);
    }
    if (strcmp(type, "ready") == 0) {
        message->type = RUNG_PROTO_READY;
        return read_ready(message, err);
    }
    return rung_err_set(err, RUNG_EFAIL, "a message of the unknown type \"%.40s\"", type);
}

int rung_proto_read(struct rung_proto_message *message, const char *line, size_t length, const char *metric,
                    struct rung_err *err)
{
    struct rung_json *json = rung_json_parse(line, length, RUNG_JSON_NONFINITE, err);
    if (!json) {
        memset(message, 0, sizeof *message);
        rung_err_prefix(err, "a line that is no JSON");
        return err->code = RUNG_EFAIL;
    }
    int rc = rung_proto_read_json(message, json, metric, err);
    message->own = json;
    message->line = line;
    message->length = length;
    return rc;
}

int rung_proto_read_json(struct rung_proto_message *message, const struct rung_json *json, const char *metric,
                         struct rung_err *err)
{
    memset(message, 0, sizeof *message);
    message->score = message->metric = message->fit_seconds = message->score_seconds = NAN;
    message->examples = RUNG_UNSET;
    message->json = json;
    if (!rung_json_is(json, RUNG_JSON_OBJECT))
        return rung_err_set(err, RUNG_EFAIL, "a line that is no JSON object");
    const struct rung_json *type = rung_json_get(message->json, "type");
    if (!rung_json_is(type, RUNG_JSON_STRING))
        return wrong(err, "message", "type", "a string", type);
    return read_typed(message, rung_json_string(type), metric, err);
}

void rung_proto_free(struct rung_proto_message *message)
{
    rung_json_free(message->own);
    free(message->metrics);
    memset(message, 0, sizeof *message);
}
