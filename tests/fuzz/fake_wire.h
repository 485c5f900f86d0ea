/*
 * Wires without sockets and TLS, for fuzzers: what is sent is checked, what comes is what the fuzzer
 * delivers. The clock is the fuzzer's, too. To be included once, by a program that links none of wire.o,
 * wire_tls.o and clock.o.
 */
#ifndef RUNG_TESTS_FAKE_WIRE_H
#define RUNG_TESTS_FAKE_WIRE_H

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/said.h"
#include "dispatch/wire.h"

#include <dirent.h>
#include <event2/event.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIRES 4

struct rung_wire {
    struct rung_wire_listener listener;
    bool closing; /* by its owner */
    bool full;    /* nothing more should be written */
    bool freed;
    int calling;
    uint64_t expected;          /* number of the next message that is taken */
    struct rung_json *greeting; /* the first message that was sent, if it had no number */
};

static struct rung_wire *wires[WIRES]; /* that live */
static double fake_now = 1000;
static void (*fake_created)(struct event_base *base); /* a wire was, if the fuzzer wants to know */

static inline void require(bool condition)
{
    if (!condition)
        abort();
}

double rung_clock_monotonic(void)
{
    return fake_now;
}

double rung_clock_wall(void)
{
    return 1.7e9 + fake_now;
}

/* ---- what the program under test calls ---- */

int rung_wire_tls_create(struct rung_wire_tls **out, const struct rung_key *key, struct rung_err *err)
{
    (void)key, (void)err;
    *out = rung_mem_zalloc(1, 1);
    return 0;
}

void rung_wire_tls_free(struct rung_wire_tls *tls)
{
    free(tls);
}

/* A place must be free. */
struct rung_wire *rung_wire_create(struct rung_wire_tls *tls, struct event_base *base, int fd, bool server,
                                   const struct rung_wire_listener *listener)
{
    struct rung_wire *wire = rung_mem_zalloc(1, sizeof *wire);
    size_t place = 0;

    (void)tls, (void)fd, (void)server;
    while (wires[place])
        require(++place < WIRES);
    wires[place] = wire;
    wire->listener = *listener;
    wire->expected = 1;
    if (fake_created)
        fake_created(base);
    return wire;
}

void rung_wire_listen(struct rung_wire *wire, const struct rung_wire_listener *listener)
{
    wire->listener = *listener;
}

static inline void release(struct rung_wire *wire)
{
    if (wire->calling > 0 || !wire->freed)
        return;
    rung_json_free(wire->greeting);
    free(wire);
}

void rung_wire_free(struct rung_wire *wire)
{
    if (!wire)
        return;
    require(!wire->freed);
    for (size_t i = 0; i < WIRES; i++)
        if (wires[i] == wire)
            wires[i] = NULL;
    wire->freed = true;
    release(wire);
}

void rung_wire_close(struct rung_wire *wire)
{
    wire->closing = true;
}

/* Whatever came, what goes out is an object with a type or a number. */
bool rung_wire_send(struct rung_wire *wire, const char *text, size_t length)
{
    struct rung_err err;

    require(!wire->freed && length <= RUNG_WIRE_MESSAGE_MAX);
    struct rung_json *message = rung_json_parse(text, length, 0, &err);
    require(message && rung_json_is(message, RUNG_JSON_OBJECT) && rung_json_get(message, "type"));
    if (!wire->greeting && !rung_json_get(message, "seq"))
        wire->greeting = message;
    else
        rung_json_free(message);
    return true;
}

void rung_wire_send_piece(struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    (void)stream, (void)data;
    require(!wire->freed && length > 0 && length <= RUNG_WIRE_PIECE_MAX);
}

size_t rung_wire_backlog(const struct rung_wire *wire)
{
    return wire->full ? RUNG_WIRE_FULL : 0;
}

double rung_wire_heard_at(const struct rung_wire *wire)
{
    (void)wire;
    return fake_now;
}

const char *rung_wire_peer(const struct rung_wire *wire)
{
    (void)wire;
    return "192.0.2.1:4711";
}

/* ---- what the fuzzer does with one: it may be gone after each ---- */

static inline void deliver_open(struct rung_wire *wire)
{
    wire->calling++;
    wire->listener.open(wire->listener.context, wire);
    wire->calling--;
    release(wire);
}

static inline void deliver_closed(struct rung_wire *wire, bool broken)
{
    wire->calling++;
    wire->listener.closed(wire->listener.context, wire, broken, broken ? "broken" : "lost");
    wire->calling--;
    release(wire);
}

/* text: of a message; what is no object ends the connection, as a wire would. */
static inline void deliver_text(struct rung_wire *wire, const char *text, size_t length)
{
    struct rung_err err;
    struct rung_json *message = rung_json_parse(text, length, 0, &err);

    if (!message || !rung_json_is(message, RUNG_JSON_OBJECT) || wire->closing) {
        rung_json_free(message);
        deliver_closed(wire, !wire->closing);
        return;
    }
    if ((uint64_t)rung_said_integer(message, "seq", 0) == wire->expected)
        wire->expected++;
    wire->calling++;
    wire->listener.message(wire->listener.context, wire, message);
    wire->calling--;
    release(wire);
    rung_json_free(message);
}

/* members: what follows the number, "…"}. */
static inline void deliver_numbered(struct rung_wire *wire, const char *members)
{
    char *text = rung_mem_printf("{\"seq\":%llu,%s", (unsigned long long)wire->expected, members);

    deliver_text(wire, text, strlen(text));
    free(text);
}

static inline void deliver_piece(struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    if (length == 0 || length > RUNG_WIRE_PIECE_MAX || wire->closing)
        return;
    wire->calling++;
    wire->listener.piece(wire->listener.context, wire, stream, data, length);
    wire->calling--;
    release(wire);
}

static inline void deliver_drained(struct rung_wire *wire)
{
    wire->full = false;
    wire->calling++;
    if (wire->listener.drained)
        wire->listener.drained(wire->listener.context, wire);
    wire->calling--;
    release(wire);
}

/* A file as one piece, then its message, whose members are given. */
static inline void deliver_file(struct rung_wire *wire, uint64_t stream, const void *data, size_t length,
                                const char *members)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digits = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    size_t place = 0;

    deliver_piece(wire, stream, data, length);
    while (place < WIRES && wires[place] != wire)
        place++;
    if (place == WIRES)
        return;
    EVP_Digest(data, length, digest, &digits, EVP_sha256(), NULL);
    for (unsigned int i = 0; i < digits; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    char *text = rung_mem_printf("\"stream\":%llu,\"bytes\":%zu,\"sha256\":\"%s\",%s",
                                 (unsigned long long)stream, length, hex, members);
    deliver_numbered(wire, text);
    free(text);
}

/* ---- time ---- */

static inline int activate(const struct event_base *base, const struct event *event, void *context)
{
    (void)base, (void)context;
    if ((event_get_events(event) & (EV_READ | EV_WRITE | EV_SIGNAL)) == 0)
        event_active((struct event *)event, EV_TIMEOUT, 1);
    return 0;
}

/* So many seconds pass, and every timer is due. */
static inline void pass_time(struct event_base *base, double seconds)
{
    fake_now += seconds;
    event_base_foreach_event(base, activate, NULL);
}

/* ---- the input: lines ---- */

static inline char *next_line(char **rest)
{
    char *line = *rest, *end = line ? strchr(line, '\n') : NULL;

    if (end)
        *end = '\0';
    *rest = end ? end + 1 : NULL;
    return line;
}

/* Removes the files in the folder, of which some must not be there. */
static inline void sweep(const char *folder, bool (*forbidden)(const char *name))
{
    DIR *open = opendir(folder);
    struct dirent *entry;

    while (open && (entry = readdir(open)) != NULL) {
        if (entry->d_type == DT_DIR)
            continue;
        if (forbidden(entry->d_name)) {
            fprintf(stderr, "left behind: %s\n", entry->d_name);
            abort();
        }
        require(unlinkat(dirfd(open), entry->d_name, 0) == 0);
    }
    closedir(open);
}

#endif
