#include "dispatch/greeter.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dispatch/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETINGS 64 /* connections that have not said who they are, at one time */
#define ACCEPTED  16 /* taken in one pass of the loop, which has other things to do */
#define TOLD      16 /* refusals that are told, each once */
#define LATE      "it did not say in time who it is"

struct greeting {
    struct rung_greeter *greeter;
    struct greeting *next;
    struct rung_wire *wire;
    double since;
    bool open, refused;
};

struct rung_greeter {
    struct event_base *base;
    struct rung_greeter_options options;
    struct event *accepting, *watch;
    struct greeting *greetings; /* the newest first */
    size_t count;
    char *told[TOLD];
    size_t told_count;
    struct rung_buf text;
};

static void forget_greeting(struct greeting *greeting)
{
    struct rung_greeter *greeter = greeting->greeter;

    for (struct greeting **at = &greeter->greetings; *at; at = &(*at)->next)
        if (*at == greeting) {
            *at = greeting->next;
            break;
        }
    greeter->count--;
    free(greeting);
}

/* ---- warnings ---- */

static void warn_once(struct rung_greeter *greeter, const char *text)
{
    for (size_t i = 0; i < greeter->told_count; i++)
        if (strcmp(greeter->told[i], text) == 0)
            return;
    if (greeter->told_count == TOLD)
        return;
    greeter->told[greeter->told_count++] = rung_mem_strdup(text);
    greeter->options.warn(greeter->options.context, text);
    if (greeter->told_count == TOLD)
        greeter->options.warn(greeter->options.context,
                              "more connections were refused: no more is told of them");
}

/* Without the port, which is another one each time. */
static void tell_refusal(const struct greeting *greeting, const char *reason)
{
    const char *peer = rung_wire_peer(greeting->wire), *port = strrchr(peer, ':');
    char text[400];

    snprintf(text, sizeof text, "a connection from %.*s was refused: %.250s", port ? (int)(port - peer) : 100,
             peer, reason);
    warn_once(greeting->greeter, text);
}

/* ---- a greeting ---- */

static void refuse(struct greeting *greeting, const char *reason)
{
    struct rung_greeter *greeter = greeting->greeter;

    greeting->refused = true;
    tell_refusal(greeting, reason);
    rung_buf_clear(&greeter->text);
    rung_buf_printf(&greeter->text,
                    "{\"type\":\"refused\",\"protocol\":%d,\"reason\":", greeter->options.protocol);
    rung_json_write_string(&greeter->text, reason);
    rung_buf_char(&greeter->text, '}');
    rung_wire_send(greeting->wire, greeter->text.data, greeter->text.length);
    rung_wire_close(greeting->wire); /* on_closed follows */
}

static void on_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct greeting *greeting = context;
    struct rung_greeter *greeter = greeting->greeter;
    const char *why = greeter->options.hello(greeter->options.context, wire, message);

    if (why)
        refuse(greeting, why);
    else
        forget_greeting(greeting);
}

static void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    struct greeting *greeting = context;
    bool late =
        rung_clock_monotonic() - greeting->since > RUNG_WIRE_HANDSHAKE_SECONDS - 0.5; /* timers are coarse */

    if (broken && !greeting->refused)
        tell_refusal(greeting, late && !greeting->open ? LATE : reason);
    forget_greeting(greeting);
    rung_wire_free(wire);
}

/* Workers greet first. */
static void on_open(void *context, struct rung_wire *wire)
{
    (void)wire;
    ((struct greeting *)context)->open = true;
}

static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    struct greeting *greeting = context;

    (void)wire, (void)stream, (void)data, (void)length;
    if (!greeting->refused)
        refuse(greeting, "it did not say hello");
}

/* ---- the door ---- */

/* The oldest has had its time; one that has the key only goes where all have. */
static void make_room(struct rung_greeter *greeter)
{
    struct greeting *oldest = NULL;

    for (struct greeting *greeting = greeter->greetings; greeting; greeting = greeting->next)
        if (!oldest || !greeting->open || oldest->open)
            oldest = greeting;
    tell_refusal(oldest, LATE);
    rung_wire_free(oldest->wire);
    forget_greeting(oldest);
}

static void greet(struct rung_greeter *greeter, int socket)
{
    struct greeting *greeting = rung_mem_zalloc(1, sizeof *greeting);
    struct rung_wire_listener listener = {
        .context = greeting, .open = on_open, .message = on_message, .piece = on_piece, .closed = on_closed};

    greeting->greeter = greeter;
    greeting->since = rung_clock_monotonic();
    greeting->open = !greeter->options.tls; /* nothing has to be proven */
    greeting->next = greeter->greetings;
    greeter->greetings = greeting;
    greeter->count++;
    greeting->wire = rung_wire_create(greeter->options.tls, greeter->base, socket, true, &listener);
    if (!greeting->wire)
        forget_greeting(greeting);
}

static void on_connection(evutil_socket_t fd, short what, void *context)
{
    struct rung_greeter *greeter = context;
    char text[200];

    (void)what;
    for (int i = 0; i < ACCEPTED; i++) {
        int socket = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (socket < 0 && errno != EAGAIN) { /* asked again at once, it would say the same */
            snprintf(text, sizeof text, "connections cannot be taken now: %s", strerror(errno));
            warn_once(greeter, text);
            event_del(greeter->accepting);
        }
        if (socket < 0)
            return;
        if (greeter->options.admit && !greeter->options.admit(greeter->options.context, socket)) {
            close(socket);
            continue;
        }
        if (greeter->count >= GREETINGS)
            make_room(greeter);
        greet(greeter, socket);
    }
}

/* Every second: who has the key and says nothing. */
static void on_watch(evutil_socket_t fd, short what, void *context)
{
    struct rung_greeter *greeter = context;
    double now = rung_clock_monotonic();

    (void)fd, (void)what;
    for (struct greeting *greeting = greeter->greetings; greeting; greeting = greeting->next)
        if (greeting->open && !greeting->refused && now - greeting->since > RUNG_WIRE_HANDSHAKE_SECONDS)
            refuse(greeting, LATE);
    event_add(greeter->accepting, NULL);
}

struct rung_greeter *rung_greeter_create(struct event_base *base, int fd,
                                         const struct rung_greeter_options *options)
{
    struct rung_greeter *greeter = rung_mem_zalloc(1, sizeof *greeter);
    struct timeval second = {.tv_sec = 1};

    greeter->base = base;
    greeter->options = *options;
    rung_buf_init(&greeter->text, RUNG_BUF_UNLIMITED);
    greeter->accepting = event_new(base, fd, EV_READ | EV_PERSIST, on_connection, greeter);
    greeter->watch = event_new(base, -1, EV_PERSIST, on_watch, greeter);
    event_add(greeter->accepting, NULL);
    event_add(greeter->watch, &second);
    return greeter;
}

void rung_greeter_free(struct rung_greeter *greeter)
{
    if (!greeter)
        return;
    int fd = event_get_fd(greeter->accepting);
    event_free(greeter->accepting);
    event_free(greeter->watch);
    close(fd);
    while (greeter->greetings) {
        rung_wire_free(greeter->greetings->wire);
        forget_greeting(greeter->greetings);
    }
    for (size_t i = 0; i < greeter->told_count; i++)
        free(greeter->told[i]);
    rung_buf_free(&greeter->text);
    free(greeter);
}
