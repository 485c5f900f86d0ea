/*
 * A connection is a bufferevent with TLS, a reader of frames and one timer.
 *
 *     handshake ──> open ──> flushing ──> lingering ──> ended
 *
 * Whoever closes flushes what waits, says goodbye (close_notify), and lingers until the other side has
 * closed, too: a socket closed with unread bytes in it would reset the connection, and what was flushed could
 * be lost.
 *
 * Callbacks are deferred: they come from the event loop, and a callback that frees the connection has
 * libevent's own reference keep the buffers until it has returned; `calling` keeps the wire itself.
 */
#include "dispatch/wire.h"

#include "base/mem.h"
#include "dispatch/blocks.h"
#include "dispatch/clock.h"
#include "dispatch/frame.h"
#include "dispatch/wire_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_SECONDS 0.02 /* until a goodbye that found no room is tried again */
#define DRAINED       (RUNG_WIRE_FULL / 2)
#define READ_HIGH     (1024 * 1024) /* bytes that wait to be read as frames */

enum phase { HANDSHAKE, OPEN, FLUSHING, LINGERING, ENDED };

struct rung_wire {
    struct rung_wire_tls *tls;
    struct rung_wire_listener listener;
    struct bufferevent *bev; /* NULL once ended */
    struct event *timer;     /* of the handshake, then of closing */
    struct rung_frame_reader reader;
    struct rung_block *block; /* that is being filled, or NULL */
    enum phase phase;
    bool server;
    bool proven; /* the handshake is over */
    bool filled; /* pieces were sent since `drained` came last */
    bool freed;  /* by the listener, in a callback */
    int calling;
    double heard_at;
    double deadline; /* of closing */
    char peer[64];
};

/* ---- the end ---- */

static void release(struct rung_wire *wire)
{
    if (wire->timer)
        event_free(wire->timer);
    if (wire->bev)
        bufferevent_free(wire->bev); /* with its SSL and its socket */
    rung_block_give_back(wire->block);
    wire->timer = NULL;
    wire->bev = NULL;
    wire->block = NULL;
    wire->phase = ENDED;
}

static void enter(struct rung_wire *wire)
{
    wire->calling++;
}

static void leave(struct rung_wire *wire)
{
    if (--wire->calling == 0 && wire->freed) {
        rung_frame_reader_free(&wire->reader);
        free(wire);
    }
}

void rung_wire_free(struct rung_wire *wire)
{
    if (!wire)
        return;
    release(wire);
    wire->freed = true;
    enter(wire);
    leave(wire);
}

/* From the event loop only. */
static void end(struct rung_wire *wire, bool broken, const char *reason)
{
    release(wire);
    wire->listener.closed(wire->listener.context, wire, broken, reason);
}

static void set_timer(struct rung_wire *wire, double seconds)
{
    struct timeval wait = {.tv_sec = (time_t)seconds};

    wait.tv_usec = (suseconds_t)((seconds - (double)wait.tv_sec) * 1e6);
    event_add(wire->timer, &wait);
}

/* ---- the other side's name ---- */

static void find_peer(struct rung_wire *wire, int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address;
    socklen_t length = sizeof address;
    char text[INET6_ADDRSTRLEN];

    if (getpeername(fd, &address.any, &length) < 0)
        return;
    if (address.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
        snprintf(wire->peer, sizeof wire->peer, "%s:%d", text, ntohs(address.v4.sin_port));
    } else if (address.any.sa_family == AF_INET6) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr);
        if (mapped)
            inet_ntop(AF_INET, address.v6.sin6_addr.s6_addr + 12, text, sizeof text);
        else
            inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text);
        snprintf(wire->peer, sizeof wire->peer, mapped ? "%s:%d" : "[%s]:%d", text,
                 ntohs(address.v6.sin6_port));
    } else {
        snprintf(wire->peer, sizeof wire->peer, "this machine");
    }
}

const char *rung_wire_peer(const struct rung_wire *wire)
{
    return wire->peer;
}

/* ---- reading ---- */

/* Returns 0, or RUNG_EFAIL with the reason why it is no message. */
static int take_message(struct rung_wire *wire, const struct rung_frame *frame, struct rung_err *err)
{
    struct rung_json *message = rung_json_parse(frame->data, frame->length, 0, err);

    if (!message) {
        rung_err_prefix(err, "a message that is no JSON");
        return RUNG_EFAIL;
    }
    if (!rung_json_is(message, RUNG_JSON_OBJECT)) {
        rung_err_set(err, RUNG_EFAIL, "a message that is %s and no object",
                     rung_json_type_name(rung_json_type(message)));
        rung_json_free(message);
        return RUNG_EFAIL;
    }
    wire->listener.message(wire->listener.context, wire, message);
    rung_json_free(message);
    return 0;
}

/* The frames in these bytes, until a callback closes or frees the wire. */
static void take_frames(struct rung_wire *wire, const char *data, size_t length)
{
    struct rung_frame frame;
    struct rung_err err;
    int code = 1;

    while (code > 0 && wire->phase == OPEN) {
        code = rung_frame_next(&wire->reader, &data, &length, &frame, &err);
        if (code <= 0)
            break;
        if (frame.type == RUNG_FRAME_PIECE)
            wire->listener.piece(wire->listener.context, wire, frame.stream, frame.data, frame.length);
        else if (take_message(wire, &frame, &err) < 0)
            code = RUNG_EFAIL;
    }
    if (code < 0)
        end(wire, true, err.text);
}

static void on_read(struct bufferevent *bev, void *context)
{
    struct rung_wire *wire = context;
    struct evbuffer *input = bufferevent_get_input(bev);
    size_t length;

    enter(wire);
    wire->heard_at = rung_clock_monotonic();
    while (wire->phase == OPEN && (length = evbuffer_get_contiguous_space(input)) > 0) {
        take_frames(wire, (const char *)evbuffer_pullup(input, (ev_ssize_t)length), length);
        if (wire->phase != ENDED)
            evbuffer_drain(input, length);
    }
    if (wire->phase == FLUSHING || wire->phase == LINGERING)
        evbuffer_drain(input, evbuffer_get_length(input));
    leave(wire);
}

/* ---- sending ---- */

/* Pieces gather in a block, so that whole records go out, whatever the lengths of frames; a block that is not
 * full waits only while something before it does. */

static struct evbuffer *output_of(const struct rung_wire *wire)
{
    return bufferevent_get_output(wire->bev);
}

size_t rung_wire_backlog(const struct rung_wire *wire)
{
    return wire->bev ? evbuffer_get_length(output_of(wire)) + (wire->block ? wire->block->used : 0) : 0;
}

static void block_is_out(const void *data, size_t length, void *block)
{
    (void)data, (void)length;
    rung_block_give_back(block);
}

static void put_out_block(struct rung_wire *wire)
{
    struct rung_block *block = wire->block;

    if (block && evbuffer_add_reference(output_of(wire), block->data, block->used, block_is_out, block) < 0)
        rung_mem_out();
    wire->block = NULL;
}

static void gather(struct rung_wire *wire, const void *data, size_t length)
{
    const unsigned char *from = data;

    while (length > 0) {
        if (!wire->block)
            wire->block = rung_blocks_take(rung_wire_tls_blocks(wire->tls));
        struct rung_block *block = wire->block;
        size_t room = sizeof block->data - block->used, take = length < room ? length : room;
        memcpy(block->data + block->used, from, take);
        block->used += take;
        from += take;
        length -= take;
        if (block->used == sizeof block->data)
            put_out_block(wire);
    }
}

static void send_frame(struct rung_wire *wire, enum rung_frame_type type, uint64_t stream, const void *data,
                       size_t length)
{
    unsigned char header[RUNG_FRAME_HEADER_MAX];
    size_t before = rung_frame_header(header, type, stream, length);

    if (type == RUNG_FRAME_PIECE || wire->block) {
        gather(wire, header, before);
        gather(wire, data, length);
        if (evbuffer_get_length(output_of(wire)) == 0)
            put_out_block(wire);
    } else if (evbuffer_add(output_of(wire), header, before) < 0 ||
               evbuffer_add(output_of(wire), data, length) < 0) {
        rung_mem_out();
    }
}

bool rung_wire_send(struct rung_wire *wire, const char *text, size_t length)
{
    if (length > RUNG_WIRE_MESSAGE_MAX)
        return false;
    if (wire->phase == HANDSHAKE || wire->phase == OPEN)
        send_frame(wire, RUNG_FRAME_MESSAGE, 0, text, length);
    return true;
}

void rung_wire_send_piece(struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    if (wire->phase != HANDSHAKE && wire->phase != OPEN)
        return;
    wire->filled = true;
    send_frame(wire, RUNG_FRAME_PIECE, stream, data, length);
}

/* ---- closing ---- */

/* Everything is with the kernel: the goodbye, which itself may find no room there. */
static void say_goodbye(struct rung_wire *wire)
{
    SSL *ssl = bufferevent_openssl_get_ssl(wire->bev);

    ERR_clear_error();
    int rc = SSL_shutdown(ssl);
    if (rc < 0 && SSL_get_error(ssl, rc) == SSL_ERROR_WANT_WRITE) {
        set_timer(wire, RETRY_SECONDS);
        return;
    }
    ERR_clear_error(); /* a goodbye that cannot be said is none: the other side sees a lost connection */
    shutdown(bufferevent_getfd(wire->bev), SHUT_WR);
    wire->phase = LINGERING;
    double left = wire->deadline - rung_clock_monotonic();
    set_timer(wire, left > 0 ? left : 0);
}

/* A step towards the end, by the timer or because something was written. */
static void go_on_closing(struct rung_wire *wire)
{
    double left = wire->deadline - rung_clock_monotonic();
    bool flushed = rung_wire_backlog(wire) == 0;

    if (left <= 0 || wire->phase == LINGERING || (flushed && !wire->proven))
        end(wire, false, wire->phase == LINGERING || flushed ? "closed" : "closed before all was sent");
    else if (flushed)
        say_goodbye(wire);
    else
        set_timer(wire, left);
}

void rung_wire_close(struct rung_wire *wire)
{
    const struct rung_wire_tls_limits *limits = rung_wire_tls_limits(wire->tls);

    if (wire->phase != HANDSHAKE && wire->phase != OPEN)
        return;
    wire->phase = FLUSHING;
    wire->deadline = rung_clock_monotonic() + limits->close;
    set_timer(wire, rung_wire_backlog(wire) == 0 ? 0 : limits->close);
}

static void on_write(struct bufferevent *bev, void *context)
{
    struct rung_wire *wire = context;

    enter(wire);
    if (evbuffer_get_length(bufferevent_get_output(bev)) == 0)
        put_out_block(wire);
    if (wire->phase == FLUSHING && wire->proven && rung_wire_backlog(wire) == 0) {
        say_goodbye(wire);
    } else if (wire->phase == OPEN && wire->filled && rung_wire_backlog(wire) <= DRAINED) {
        wire->filled = false;
        if (wire->listener.drained)
            wire->listener.drained(wire->listener.context, wire);
    }
    leave(wire);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
    struct rung_wire *wire = context;
    char reason[64];

    (void)fd, (void)events;
    enter(wire);
    if (wire->phase == HANDSHAKE) {
        snprintf(reason, sizeof reason, "no handshake within %g s",
                 rung_wire_tls_limits(wire->tls)->handshake);
        end(wire, wire->server, reason);
    } else if (wire->phase != OPEN) {
        go_on_closing(wire);
    }
    leave(wire);
}

/* ---- what becomes of the connection ---- */

static void opened(struct rung_wire *wire)
{
    if (!rung_wire_tls_proven(bufferevent_openssl_get_ssl(wire->bev))) {
        end(wire, true, "it did not prove that it has the key");
        return;
    }
    wire->proven = true;
    wire->heard_at = rung_clock_monotonic();
    find_peer(wire, bufferevent_getfd(wire->bev));
    if (wire->phase != HANDSHAKE) /* closed meanwhile; what was sent goes out now */
        return;
    event_del(wire->timer);
    wire->phase = OPEN;
    wire->listener.open(wire->listener.context, wire);
}

static void failed(struct rung_wire *wire, int system)
{
    struct rung_wire_tls_failure failure = {.system = system, .proven = wire->proven};
    unsigned long error;
    char reason[256];

    while (failure.count < sizeof failure.errors / sizeof *failure.errors &&
           (error = bufferevent_get_openssl_error(wire->bev)) != 0)
        failure.errors[failure.count++] = error;
    bool broken = rung_wire_tls_reason(&failure, reason, sizeof reason);
    end(wire, broken, reason);
}

static void on_event(struct bufferevent *bev, short events, void *context)
{
    int system = errno; /* as it was when the event came: libevent has kept it */
    struct rung_wire *wire = context;

    (void)bev;
    enter(wire);
    if (events & BEV_EVENT_CONNECTED)
        opened(wire);
    else if (wire->phase == LINGERING)
        end(wire, false, "closed");
    else if (events & BEV_EVENT_EOF)
        end(wire, false, wire->proven ? "closed by the other side" : "connection lost");
    else
        failed(wire, system);
    leave(wire);
}

/* ---- making one ---- */

static struct bufferevent *make_bufferevent(struct rung_wire_tls *tls, struct event_base *base, int fd,
                                            bool server)
{
    enum bufferevent_ssl_state state = server ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING;
    SSL *ssl = rung_wire_tls_ssl(tls);

    if (!ssl)
        return NULL;
    /* The SSL is the bufferevent's from here, also when there will be none. */
    return bufferevent_openssl_socket_new(base, fd, ssl, state,
                                          BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
}

struct rung_wire *rung_wire_create(struct rung_wire_tls *tls, struct event_base *base, int fd, bool server,
                                   const struct rung_wire_listener *listener)
{
    int on = 1;
    struct bufferevent *bev = make_bufferevent(tls, base, fd, server);

    if (!bev) {
        close(fd);
        return NULL;
    }
    struct rung_wire *wire = rung_mem_zalloc(1, sizeof *wire);
    wire->tls = tls;
    wire->listener = *listener;
    wire->bev = bev;
    wire->server = server;
    wire->heard_at = rung_clock_monotonic();
    snprintf(wire->peer, sizeof wire->peer, "an unknown address");
    find_peer(wire, fd);
    rung_frame_reader_init(&wire->reader, RUNG_WIRE_MESSAGE_MAX, RUNG_WIRE_PIECE_MAX);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a job must not wait for an acknowledgement */
    if (!(wire->timer = event_new(base, -1, 0, on_timer, wire)))
        rung_mem_out();
    set_timer(wire, rung_wire_tls_limits(tls)->handshake);
    bufferevent_setcb(bev, on_read, on_write, on_event, wire);
    bufferevent_setwatermark(bev, EV_READ, 0, READ_HIGH);
    bufferevent_setwatermark(bev, EV_WRITE, DRAINED, 0);
    if (bufferevent_enable(bev, EV_READ | EV_WRITE) < 0)
        rung_mem_out();
    return wire;
}

void rung_wire_listen(struct rung_wire *wire, const struct rung_wire_listener *listener)
{
    wire->listener = *listener;
}

double rung_wire_heard_at(const struct rung_wire *wire)
{
    return wire->heard_at;
}
