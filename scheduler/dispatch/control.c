#include "dispatch/control.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/greeter.h"
#include "dispatch/said.h"
#include "dispatch/unix_socket.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLERS  1000 /* at one time */
#define FAREWELL 1.0  /* seconds in which what was said last goes out */

struct rung_caller {
    struct rung_control *control;
    struct rung_caller *next;
    struct rung_wire *wire; /* NULL: it has gone, hung_up is still to be said */
    bool closing;           /* nothing that it says is heard any more */
    void *context;
    void (*drained)(void *context);
    void *drained_context;
};

struct rung_control {
    struct event_base *base;
    struct rung_control_options options;
    char *path;
    struct rung_unix_file file;
    struct rung_unix_file other; /* what lies in its place, or nothing */
    bool shut_out;               /* since then, of which a warning was given */
    bool ending;
    struct rung_greeter *greeter;
    struct event *burying; /* of callers that have gone */
    struct rung_caller *callers;
    size_t count;
};

/* ---- the end of a caller ---- */

static void forget(struct rung_caller *caller)
{
    struct rung_control *control = caller->control;

    for (struct rung_caller **at = &control->callers; *at; at = &(*at)->next)
        if (*at == caller) {
            *at = caller->next;
            break;
        }
    control->count--;
    rung_wire_free(caller->wire);
    free(caller);
}

static void has_gone(struct rung_caller *caller)
{
    caller->control->options.hung_up(caller->control->options.context, caller);
    forget(caller);
}

/* From the loop: those who were let go. One's hung_up may let others go, which have their turn later. */
static void on_burying(evutil_socket_t fd, short what, void *context)
{
    struct rung_control *control = context;
    struct rung_caller *caller;

    (void)fd, (void)what;
    do {
        for (caller = control->callers; caller && caller->wire; caller = caller->next)
            continue;
        if (caller)
            has_gone(caller);
    } while (caller);
}

static void let_go(struct rung_caller *caller)
{
    rung_wire_free(caller->wire);
    caller->wire = NULL;
    event_active(caller->control->burying, EV_TIMEOUT, 0);
}

/* ---- what comes from a caller ---- */

static void on_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct rung_caller *caller = context;

    (void)wire;
    if (!caller->closing)
        caller->control->options.said(caller->control->options.context, caller, message);
}

/* Nobody pours to us. */
static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    (void)wire, (void)stream, (void)data, (void)length;
    rung_caller_close(context);
}

static void on_drained(void *context, struct rung_wire *wire)
{
    struct rung_caller *caller = context;

    (void)wire;
    if (caller->drained && !caller->closing)
        caller->drained(caller->drained_context);
}

static void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)wire, (void)broken, (void)reason;
    has_gone(context);
}

/* ---- callers ---- */

bool rung_control_is_command(const struct rung_json *message)
{
    return strcmp(rung_said_string(message, "type"), "command") == 0;
}

const char *rung_control_take(struct rung_control *control, struct rung_wire *wire,
                              const struct rung_json *message)
{
    struct rung_wire_listener listener = {
        .message = on_message, .piece = on_piece, .drained = on_drained, .closed = on_closed};

    if (!rung_control_is_command(message))
        return "it gave no command";
    if (rung_said_integer(message, "protocol", 0) != RUNG_CONTROL_PROTOCOL)
        return "it is another version of rung, whose commands are not understood";
    if (control->ending || control->count == CALLERS)
        return "there are too many callers";
    struct rung_caller *caller = rung_mem_zalloc(1, sizeof *caller);
    caller->control = control;
    caller->wire = wire;
    caller->next = control->callers;
    control->callers = caller;
    control->count++;
    listener.context = caller;
    rung_wire_listen(wire, &listener);
    control->options.said(control->options.context, caller, message);
    return NULL;
}

/* Whether it still listens; one that is too slow does not any more. */
static bool listens(struct rung_caller *caller, size_t more)
{
    if (!caller->wire || caller->closing)
        return false;
    if (rung_wire_backlog(caller->wire) + more <= RUNG_CALLER_BACKLOG)
        return true;
    let_go(caller);
    return false;
}

void rung_caller_say(struct rung_caller *caller, const char *text)
{
    size_t length = strlen(text);

    if (listens(caller, length) && !rung_wire_send(caller->wire, text, length))
        let_go(caller);
}

void rung_caller_pour(struct rung_caller *caller, uint64_t stream, const void *data, size_t length)
{
    const char *from = data;

    for (size_t put = 0; put < length && listens(caller, length - put);) {
        size_t piece = length - put < RUNG_WIRE_PIECE_MAX ? length - put : RUNG_WIRE_PIECE_MAX;
        rung_wire_send_piece(caller->wire, stream, from + put, piece);
        put += piece;
    }
}

void rung_caller_on_drained(struct rung_caller *caller, void (*drained)(void *context), void *context)
{
    caller->drained = drained;
    caller->drained_context = context;
}

void rung_caller_close(struct rung_caller *caller)
{
    caller->closing = true;
    if (caller->wire)
        rung_wire_close(caller->wire);
}

size_t rung_caller_backlog(const struct rung_caller *caller)
{
    return caller->wire ? rung_wire_backlog(caller->wire) : 0;
}

void rung_caller_set_context(struct rung_caller *caller, void *context)
{
    caller->context = context;
}

void *rung_caller_context(const struct rung_caller *caller)
{
    return caller->context;
}

/* ---- the socket ---- */

static bool on_admit(void *context, int fd)
{
    struct rung_control *control = context;

    if (rung_unix_is_ours(fd))
        return true;
    control->options.warn(control->options.context, "a connection of another user was refused");
    return false;
}

static const char *on_hello(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    return rung_control_take(context, wire, message);
}

static void on_warning(void *context, const char *text)
{
    struct rung_control *control = context;

    control->options.warn(control->options.context, text);
}

static void open_greeter(struct rung_control *control, int fd)
{
    struct rung_greeter_options greeter = {.protocol = RUNG_CONTROL_PROTOCOL,
                                           .context = control,
                                           .admit = on_admit,
                                           .hello = on_hello,
                                           .warn = on_warning};

    control->greeter = rung_greeter_create(control->base, fd, &greeter);
}

int rung_control_create(struct rung_control **out, struct event_base *base,
                        const struct rung_control_options *options, struct rung_err *err)
{
    struct rung_control *control = rung_mem_zalloc(1, sizeof *control);
    int fd;
    int code = rung_unix_listen(&fd, &control->file, options->socket, err);

    if (code < 0) {
        free(control);
        return code;
    }
    control->base = base;
    control->options = *options;
    control->path = rung_mem_strdup(options->socket);
    control->burying = event_new(base, -1, 0, on_burying, control);
    if (!control->burying)
        rung_mem_out();
    open_greeter(control, fd);
    *out = control;
    return 0;
}

/* What another has put there is not asked a second time. */
void rung_control_look(struct rung_control *control)
{
    struct rung_unix_file found;
    struct rung_err err;
    char text[RUNG_ERR_TEXT_MAX + 100];
    bool there = rung_unix_find(&found, control->path);
    bool known = control->shut_out && rung_unix_same(&found, &control->other);
    int fd;

    if (rung_unix_same(&found, &control->file) || (there && known))
        return;
    if (rung_unix_listen(&fd, &control->file, control->path, &err) == 0) {
        rung_greeter_free(control->greeter);
        open_greeter(control, fd);
        control->shut_out = false;
        snprintf(text, sizeof text, "%.1000s was removed, and is made again", control->path);
    } else {
        control->shut_out = true;
        control->other = found;
        snprintf(text, sizeof text, "commands of this machine do not come through any more: %s", err.text);
    }
    if (!known || !control->shut_out)
        control->options.warn(control->options.context, text);
}

/* Whoever was told something is closed when it is out. */
static void say_farewell(struct rung_control *control)
{
    double until = rung_clock_monotonic() + FAREWELL;
    struct timeval tick = {.tv_usec = 20000};

    control->ending = true;
    for (struct rung_caller *caller = control->callers; caller; caller = caller->next)
        rung_caller_close(caller);
    while (control->callers && rung_clock_monotonic() < until) {
        event_base_loopexit(control->base, &tick);
        event_base_dispatch(control->base);
    }
}

void rung_control_free(struct rung_control *control)
{
    if (!control)
        return;
    rung_unix_remove(&control->file, control->path);
    rung_greeter_free(control->greeter);
    say_farewell(control);
    while (control->callers)
        has_gone(control->callers);
    event_free(control->burying);
    free(control->path);
    free(control);
}
