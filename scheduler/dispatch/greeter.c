#include "dispatch/greeter.h"

#include "base/buf.h"
#include "base/mem.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETINGS 64 /* connections that have not said who they are, at one time */

struct greeting {
    struct rung_greeter *greeter;
    struct greeting *next;
    struct rung_wire *wire;
};

struct rung_greeter {
    struct event_base *base;
    struct rung_greeter_options options;
    struct event *accepting;
    struct greeting *greetings;
    size_t count;
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

static void refuse(struct greeting *greeting, const char *reason)
{
    struct rung_greeter *greeter = greeting->greeter;
    char text[400];

    snprintf(text, sizeof text, "a connection from %.100s was refused: %.200s",
             rung_wire_peer(greeting->wire), reason);
    rung_buf_clear(&greeter->text);
    rung_buf_printf(&greeter->text,
                    "{\"type\":\"refused\",\"protocol\":%d,\"reason\":", greeter->options.protocol);
    rung_json_write_string(&greeter->text, reason);
    rung_buf_char(&greeter->text, '}');
    rung_wire_send(greeting->wire, greeter->text.data, greeter->text.length);
    rung_wire_close(greeting->wire); /* on_closed follows */
    greeter->options.warn(greeter->options.context, text);
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
    struct rung_greeter *greeter = greeting->greeter;
    char text[400];

    if (broken) {
        snprintf(text, sizeof text, "a connection was refused: %.300s", reason);
        greeter->options.warn(greeter->options.context, text);
    }
    forget_greeting(greeting);
    rung_wire_free(wire);
}

/* Workers greet first. */
static void on_open(void *context, struct rung_wire *wire)
{
    (void)context, (void)wire;
}

static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    (void)context, (void)wire, (void)stream, (void)data, (void)length;
}

static void on_connection(evutil_socket_t fd, short what, void *context)
{
    struct rung_greeter *greeter = context;
    int socket;

    (void)what;
    while ((socket = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (greeter->count >= GREETINGS) { /* the oldest has had its time */
            struct greeting *oldest = greeter->greetings;
            while (oldest->next)
                oldest = oldest->next;
            rung_wire_free(oldest->wire);
            forget_greeting(oldest);
        }
        struct greeting *greeting = rung_mem_zalloc(1, sizeof *greeting);
        struct rung_wire_listener listener = {.context = greeting,
                                              .open = on_open,
                                              .message = on_message,
                                              .piece = on_piece,
                                              .closed = on_closed};
        greeting->greeter = greeter;
        greeting->next = greeter->greetings;
        greeter->greetings = greeting;
        greeter->count++;
        greeting->wire = rung_wire_create(greeter->options.tls, greeter->base, socket, true, &listener);
        if (!greeting->wire)
            forget_greeting(greeting);
    }
}

struct rung_greeter *rung_greeter_create(struct event_base *base, int fd,
                                         const struct rung_greeter_options *options)
{
    struct rung_greeter *greeter = rung_mem_zalloc(1, sizeof *greeter);

    greeter->base = base;
    greeter->options = *options;
    rung_buf_init(&greeter->text, RUNG_BUF_UNLIMITED);
    greeter->accepting = event_new(base, fd, EV_READ | EV_PERSIST, on_connection, greeter);
    event_add(greeter->accepting, NULL);
    return greeter;
}

void rung_greeter_free(struct rung_greeter *greeter)
{
    if (!greeter)
        return;
    int fd = event_get_fd(greeter->accepting);
    event_free(greeter->accepting);
    close(fd);
    while (greeter->greetings) {
        rung_wire_free(greeter->greetings->wire);
        forget_greeting(greeter->greetings);
    }
    rung_buf_free(&greeter->text);
    free(greeter);
}
