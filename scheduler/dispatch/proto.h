/*
 * The trainer protocol, version 1: structs to lines of JSON and back. Pure.
 */
#ifndef RUNG_DISPATCH_PROTO_H
#define RUNG_DISPATCH_PROTO_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

#define RUNG_PROTO_LINE_MAX (1024 * 1024) /* bytes of one message, newline included */

/* What rung says. Pointers are borrowed for the call. */
struct rung_proto_start {
    const char *search;
    uint64_t seed;
    int64_t trainer, threads;
    const struct rung_json *settings;
    int64_t examples_per_call; /* RUNG_UNSET: left out */
};
struct rung_proto_job {
    int64_t job;
    uint32_t model;
    uint32_t seed;
    const char *parameters; /* JSON object text */
    int64_t from, to;
    const char *state_in, *state_out; /* NULL: null */
};

void rung_proto_write_start(struct rung_buf *buf, const struct rung_proto_start *start);
void rung_proto_write_job(struct rung_buf *buf, const struct rung_proto_job *job);
/* seed, from and to of `job` are not sent. */
void rung_proto_write_evaluate(struct rung_buf *buf, const struct rung_proto_job *job);
void rung_proto_write_forget(struct rung_buf *buf, uint32_t model);
void rung_proto_write_stop(struct rung_buf *buf);

/* What a trainer says. */
enum rung_proto_type { RUNG_PROTO_READY, RUNG_PROTO_PROGRESS, RUNG_PROTO_RESULT, RUNG_PROTO_FAILURE };

struct rung_proto_message {
    enum rung_proto_type type;
    int64_t job;                          /* all but ready */
    int64_t call;                         /* progress */
    double score;                         /* result: NaN when null or not finite */
    bool has_score;                       /* result: the key was there */
    double fit_seconds, score_seconds;    /* NaN: absent */
    int64_t examples;                     /* RUNG_UNSET: absent */
    bool retry;                           /* failure; true when absent */
    bool stateless, evaluates;            /* ready */
    const char *name, *platform, *reason; /* ready, failure; NULL when absent; live as long as the message */
    char *metrics;                        /* canonical JSON object text or NULL; owned */
    double metric;                        /* the value of `objective` in metrics, NaN when null */
    bool has_metric;
    const struct rung_json *json; /* the parsed line */
    struct rung_json *own;        /* the same where it is the message's; owned */
    const char *line; /* as it was read, without its newline; borrowed. NULL: only json is known */
    size_t length;
};

/* Reads one line without its newline. metric: the objective's name ("score" reads the score itself). A line
 * that is no message of the protocol (no JSON object, an unknown type, a missing or wrongly typed field,
 * another protocol version) is RUNG_EFAIL with the reason. Unknown keys are ignored. Free with
 * rung_proto_free, also after a failure. */
int rung_proto_read(struct rung_proto_message *message, const char *line, size_t length, const char *metric,
                    struct rung_err *err) RUNG_CHECK_RESULT;
/* The same of a line that was parsed as a part of something else, which outlives the message; NULL: there is
 * none. */
int rung_proto_read_json(struct rung_proto_message *message, const struct rung_json *json, const char *metric,
                         struct rung_err *err) RUNG_CHECK_RESULT;
void rung_proto_free(struct rung_proto_message *message);

#endif
