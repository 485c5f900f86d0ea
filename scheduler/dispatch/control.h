/*
 * Commands for a daemon: its Unix socket, whose file only its owner may open, and callers who came with the
 * key over TCP. A caller says messages and is told messages; one that listens too slowly is let go.
 */
#ifndef RUNG_DISPATCH_CONTROL_H
#define RUNG_DISPATCH_CONTROL_H

#include "base/err.h"
#include "base/json.h"
#include "dispatch/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_CONTROL_PROTOCOL 1                 /* of commands */
#define RUNG_CALLER_BACKLOG   (4 * 1024 * 1024) /* bytes that wait for a caller until it is let go */

struct event_base;
struct rung_control;
struct rung_caller;

struct rung_control_options {
    const char *socket; /* path */
    void *context;
    void (*said)(void *context, struct rung_caller *caller, const struct rung_json *message);
    void (*hung_up)(void *context, struct rung_caller *caller);
    void (*warn)(void *context, const char *text);
};

/* Listens. A socket that nobody answers at any more is replaced. RUNG_EUSE: another process listens there, or
 * the path is too long for a socket. */
int rung_control_create(struct rung_control **out, struct event_base *base,
                        const struct rung_control_options *options, struct rung_err *err) RUNG_CHECK_RESULT;
/* To be called now and then: a socket that somebody has removed is made again, which is warned of; where
 * another process has put its own, it is left alone. */
void rung_control_look(struct rung_control *control);
/* What was said to callers still goes out, for a second at most; all have hung up then, and the socket is
 * removed. NULL is allowed. */
void rung_control_free(struct rung_control *control);

/* A wire of which the first message has come belongs to control from now on, when that is a command: the
 * reason for which it is refused, or NULL. */
const char *rung_control_take(struct rung_control *control, struct rung_wire *wire,
                              const struct rung_json *message);
/* Whether a first message is a command (its "type" is "command"). */
bool rung_control_is_command(const struct rung_json *message);

/* text: a JSON object of at most RUNG_WIRE_MESSAGE_MAX bytes. */
void rung_caller_say(struct rung_caller *caller, const char *text);
/* Any bytes, in the order of what is said: a numbered stream. */
void rung_caller_pour(struct rung_caller *caller, uint64_t stream, const void *data, size_t length);
/* After something was poured: so little of it waits that there is room for more. */
void rung_caller_on_drained(struct rung_caller *caller, void (*drained)(void *context), void *context);
/* What was said goes out, then the connection ends; hung_up follows. */
void rung_caller_close(struct rung_caller *caller);
/* Bytes that wait to be sent to it. */
size_t rung_caller_backlog(const struct rung_caller *caller);
void rung_caller_set_context(struct rung_caller *caller, void *context);
void *rung_caller_context(const struct rung_caller *caller);

#endif
