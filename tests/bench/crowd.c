/*
 * A crowd of workers that have nothing to do:  crowd PORT KEY COUNT
 * Connects so many, says hello for each, keeps up their life signs. Prints a line when all were welcomed, and
 * ends with its standard input.
 */
#include "dispatch/address.h"
#include "dispatch/key.h"
#include "dispatch/peer.h"
#include "dispatch/remote.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct worker {
    struct rung_peer *peer;
    bool welcome;
};

struct crowd {
    struct event_base *base;
    struct rung_wire_tls *tls;
    struct rung_address address;
    size_t count, connected, welcomed;
    struct worker *workers;
};

static struct crowd crowd;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "crowd: %s: %s\n", what, why);
    exit(1);
}

static void on_order(void *context, const struct rung_json *message, const char *file)
{
    (void)context, (void)message, (void)file;
}

static char *on_place(void *context, uint64_t stream)
{
    (void)context, (void)stream;
    return NULL;
}

static void on_lost(void *context, bool broken, const char *reason)
{
    (void)context;
    if (broken)
        fail("lost", reason);
}

static void connect_next(void);

static void on_welcome(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct worker *worker = context;
    struct rung_peer_listener listener = {
        .context = worker, .message = on_order, .place = on_place, .lost = on_lost};
    const struct rung_json *beat = rung_json_get(message, "beat");

    if (!rung_json_is(beat, RUNG_JSON_NUMBER))
        fail("welcome", "there was none");
    worker->peer = rung_peer_create(crowd.base, rung_json_number(beat), &listener);
    if (!rung_peer_connected(worker->peer, wire, 0))
        fail("welcome", "it makes no sense");
    if (++crowd.welcomed == crowd.count) {
        puts("there");
        fflush(stdout);
    }
    connect_next();
}

static void on_open(void *context, struct rung_wire *wire)
{
    struct worker *worker = context;
    char text[256];
    int length =
        snprintf(text, sizeof text,
                 "{\"type\":\"hello\",\"protocol\":%d,\"worker\":\"%032zu\",\"session\":\"\",\"trainers\":1,"
                 "\"received\":0,\"host\":\"crowd\"}",
                 RUNG_REMOTE_PROTOCOL, (size_t)(worker - crowd.workers));

    rung_wire_send(wire, text, (size_t)length);
}

static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    (void)context, (void)wire, (void)stream, (void)data, (void)length;
}

static void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)context, (void)wire, (void)broken;
    fail("closed", reason);
}

/* One after the other: a scheduler takes only so many who have not said who they are. */
static void connect_next(void)
{
    struct rung_err err;
    int fd;

    if (crowd.connected == crowd.count)
        return;
    struct worker *worker = &crowd.workers[crowd.connected++];
    struct rung_wire_listener listener = {
        .context = worker, .open = on_open, .message = on_welcome, .piece = on_piece, .closed = on_closed};
    if (rung_address_connect(&fd, &crowd.address, &err) < 0)
        fail("connect", err.text);
    if (!rung_wire_create(crowd.tls, crowd.base, fd, false, &listener))
        fail("connect", "no descriptors are left");
}

static void on_input(evutil_socket_t fd, short what, void *context)
{
    char text[16];

    (void)what, (void)context;
    if (read(fd, text, sizeof text) <= 0)
        exit(0);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    struct rung_key key;
    struct rung_err err;

    if (argc != 4)
        fail("usage", "crowd PORT KEY COUNT");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    crowd.address = (struct rung_address){.host = "127.0.0.1", .port = atoi(argv[1])};
    crowd.count = (size_t)atoi(argv[3]);
    crowd.workers = calloc(crowd.count, sizeof *crowd.workers);
    crowd.base = event_base_new();
    if (rung_key_read(&key, argv[2], &err) < 0 || rung_wire_tls_create(&crowd.tls, &key, &err) < 0)
        fail("key", err.text);
    event_add(event_new(crowd.base, 0, EV_READ | EV_PERSIST, on_input, NULL), NULL);
    connect_next();
    event_base_dispatch(crowd.base);
    return 1;
}
