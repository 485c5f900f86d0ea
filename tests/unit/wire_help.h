/* Two ends in one loop: what each heard, and what it does then; and ends that speak TLS without frames. */
#ifndef RUNG_TESTS_WIRE_HELP_H
#define RUNG_TESTS_WIRE_HELP_H

#include "loop_help.h"

#include "base/mem.h"
#include "dispatch/wire.h"
#include "dispatch/wire_tls.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum when { NEVER, AT_OPEN, AT_MESSAGE, AT_PIECE, AT_DRAINED, AT_CLOSED };

/* One end: what it heard, and what it does then. */
struct side {
    struct rung_wire *wire;
    struct rung_buf heard; /* a line per callback */
    bool open, closed, broken;
    char reason[256];
    unsigned messages, pieces, drained;
    uint64_t piece_bytes, checksum;
    enum when free_at, close_at;
    bool quiet;     /* no lines */
    uint64_t left;  /* bytes of a stream to be sent */
    size_t highest; /* backlog */
};

static struct rung_wire_tls *tls;

static inline void act(struct side *side, enum when when)
{
    if (side->close_at == when)
        rung_wire_close(side->wire);
    if (side->free_at == when) {
        rung_wire_free(side->wire);
        side->wire = NULL;
    }
}

static inline void on_open(void *context, struct rung_wire *wire)
{
    struct side *side = context;
    assert_false(side->open);
    side->wire = wire;
    side->open = true;
    rung_buf_text(&side->heard, "open\n");
    act(side, AT_OPEN);
}

static inline void on_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct side *side = context;
    assert_true(side->open && !side->closed && side->wire == wire);
    side->messages++;
    if (!side->quiet) {
        rung_json_write(&side->heard, message);
        rung_buf_char(&side->heard, '\n');
    }
    act(side, AT_MESSAGE);
}

static inline uint64_t add_up(uint64_t sum, const unsigned char *data, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum = sum * 31 + data[i];
    return sum;
}

static inline void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data,
                            size_t length)
{
    struct side *side = context;
    assert_true(side->open && !side->closed && side->wire == wire);
    side->pieces++;
    side->piece_bytes += length;
    side->checksum = add_up(side->checksum, data, length);
    if (!side->quiet)
        rung_buf_printf(&side->heard, "piece %llu %zu\n", (unsigned long long)stream, length);
    act(side, AT_PIECE);
}

static inline void send_stream(struct side *side)
{
    static unsigned char data[RUNG_WIRE_PIECE_MAX];
    while (side->left > 0 && rung_wire_backlog(side->wire) < RUNG_WIRE_FULL) {
        size_t length = side->left < sizeof data ? (size_t)side->left : sizeof data;
        for (size_t i = 0; i < length; i++)
            data[i] = (unsigned char)(side->left * 7 + i);
        side->checksum = add_up(side->checksum, data, length);
        rung_wire_send_piece(side->wire, 1, data, length);
        side->left -= length;
    }
    if (rung_wire_backlog(side->wire) > side->highest)
        side->highest = rung_wire_backlog(side->wire);
}

static inline void on_drained(void *context, struct rung_wire *wire)
{
    struct side *side = context;
    assert_true(side->open && !side->closed && side->wire == wire);
    assert_true(rung_wire_backlog(wire) < RUNG_WIRE_FULL);
    side->drained++;
    send_stream(side);
    act(side, AT_DRAINED);
}

static inline void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    struct side *side = context;
    assert_false(side->closed);
    assert_true(rung_wire_backlog(wire) == 0);
    assert_null(strchr(reason, '\n'));
    side->closed = true;
    side->broken = broken;
    snprintf(side->reason, sizeof side->reason, "%s", reason);
    if (!side->quiet)
        rung_buf_text(&side->heard, "closed\n");
    act(side, AT_CLOSED);
}

static inline void start_with(struct side *side, struct rung_wire_tls *with, int fd, bool server)
{
    struct rung_wire_listener listener = {.context = side,
                                          .open = on_open,
                                          .message = on_message,
                                          .piece = on_piece,
                                          .drained = on_drained,
                                          .closed = on_closed};
    rung_buf_init(&side->heard, RUNG_BUF_UNLIMITED);
    side->wire = rung_wire_create(with, base, fd, server, &listener);
    assert_non_null(side->wire);
}

static inline void finish(struct side *side)
{
    rung_wire_free(side->wire);
    rung_buf_free(&side->heard);
}

static inline void pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static inline void start_both(struct side *server, struct side *client)
{
    int fds[2];
    pair(fds);
    start_with(server, tls, fds[0], true);
    start_with(client, tls, fds[1], false);
}

static inline void say(struct side *side, const char *text)
{
    assert_true(rung_wire_send(side->wire, text, strlen(text)));
}

/* A message of so many bytes; the caller frees it. */
static inline char *message_of(size_t length)
{
    char *text = rung_mem_zalloc(length + 1, 1);
    memset(text, 'x', length);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + length - 2, "\"}", 2);
    return text;
}

static inline struct rung_wire_tls *make_tls(unsigned char byte)
{
    struct rung_key key;
    struct rung_wire_tls *result;
    struct rung_err err;
    memset(key.bytes, byte, sizeof key.bytes);
    if (rung_wire_tls_create(&result, &key, &err) < 0)
        fail_msg("%s", err.text);
    return result;
}

static inline int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    tls = make_tls(0x5a);
    return base && tls ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    rung_wire_tls_free(tls);
    event_base_free(base);
    return 0;
}

static inline void write_all(int fd, const void *data, size_t length)
{
    assert_int_equal(write(fd, data, length), (ssize_t)length);
}

/* An end that has the key and does not keep to the protocol: TLS without frames. */
struct raw {
    SSL *ssl;
    int fd, server_fd;
};

static inline void start_raw(struct raw *raw, struct side *server)
{
    int fds[2];
    pair(fds);
    start_with(server, tls, fds[0], true);
    raw->ssl = rung_wire_tls_ssl(tls);
    raw->fd = fds[1];
    raw->server_fd = fds[0];
    SSL_set_fd(raw->ssl, fds[1]);
    SSL_set_connect_state(raw->ssl);
    until(SSL_do_handshake(raw->ssl) == 1);
    until(server->open);
}

static inline void end_raw(struct raw *raw)
{
    SSL_free(raw->ssl);
    close(raw->fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
