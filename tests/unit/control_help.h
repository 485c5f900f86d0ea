/* A daemon's socket in a folder of its own: what the daemon's side heard, and wires that come to it. */
#ifndef RUNG_TESTS_CONTROL_HELP_H
#define RUNG_TESTS_CONTROL_HELP_H

#include "loop_help.h"

#include "base/mem.h"
#include "dispatch/client.h"
#include "dispatch/control.h"
#include "dispatch/said.h"
#include "dispatch/unix_socket.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[80];

/* What the daemon's side heard. */
static struct heard {
    struct rung_caller *caller; /* the last one */
    int said, hung_up, warned, drained;
    char last[256], warning[512];
} heard;

static inline void on_said(void *context, struct rung_caller *caller, const struct rung_json *message)
{
    struct rung_buf text;
    assert_ptr_equal(context, &heard);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_json_write(&text, message);
    heard.caller = caller;
    heard.said++;
    snprintf(heard.last, sizeof heard.last, "%s", text.data);
    rung_buf_free(&text);
}

static inline void on_hung_up(void *context, struct rung_caller *caller)
{
    assert_ptr_equal(context, &heard);
    assert_ptr_equal(caller, heard.caller);
    heard.hung_up++;
}

static inline void on_warn(void *context, const char *text)
{
    assert_ptr_equal(context, &heard);
    heard.warned++;
    snprintf(heard.warning, sizeof heard.warning, "%s", text);
}

static inline int make_control(struct rung_control **control, struct rung_err *err)
{
    struct rung_control_options options = {
        .socket = path, .context = &heard, .said = on_said, .hung_up = on_hung_up, .warn = on_warn};
    return rung_control_create(control, base, &options, err);
}

static inline struct rung_control *control_of(void)
{
    struct rung_control *control = NULL;
    struct rung_err err;
    if (make_control(&control, &err) < 0)
        fail_msg("%s", err.text);
    return control;
}

/* The other side: a wire, and what it heard. */
struct side {
    struct rung_wire *wire;
    bool open, closed;
    int messages;
    size_t poured;
    char last[256];
};

static inline void side_open(void *context, struct rung_wire *wire)
{
    (void)wire;
    ((struct side *)context)->open = true;
}

static inline void side_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct side *side = context;
    (void)wire;
    side->messages++;
    snprintf(side->last, sizeof side->last, "%s %s", rung_said_string(message, "type"),
             rung_said_string(message, "reason"));
}

static inline void side_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data,
                              size_t length)
{
    (void)wire, (void)data;
    assert_int_equal(stream, 7);
    ((struct side *)context)->poured += length;
}

static inline void side_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)wire, (void)broken, (void)reason;
    ((struct side *)context)->closed = true;
}

static inline int connect_to(void)
{
    struct rung_err err;
    int fd;
    if (rung_unix_connect(&fd, path, &err) < 0)
        fail_msg("%s", err.text);
    return fd;
}

static inline void start(struct side *side)
{
    struct rung_wire_listener listener = {.context = side,
                                          .open = side_open,
                                          .message = side_message,
                                          .piece = side_piece,
                                          .closed = side_closed};
    side->wire = rung_wire_create(NULL, base, connect_to(), false, &listener);
    assert_non_null(side->wire);
}

static inline void say(struct side *side, const char *text)
{
    assert_true(rung_wire_send(side->wire, text, strlen(text)));
}

#define COMMAND "{\"type\":\"command\",\"protocol\":1,\"command\":\"list\"}"

static inline int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    heard = (struct heard){0};
    snprintf(folder, sizeof folder, "/tmp/rung-control-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/x.db.sock", folder);
    base = event_base_new();
    return base ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    event_base_free(base);
    unlink(path);
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
