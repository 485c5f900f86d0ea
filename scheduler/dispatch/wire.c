/*
 * A connection is a duct, a reader of frames, two events and one timer.
 *
 *     handshake ──> open ──> flushing ──> lingering ──> ended
 *
 * Whoever closes flushes what waits, says goodbye (close_notify), and lingers until the other side has
 * closed, too: a socket closed with unread bytes in it would reset the connection, and what was flushed could
 * be lost.
 *
 * Without TLS there is no handshake: the connection is open from the first turn of the loop on.
 *
 * What is sent goes out when the loop comes to it, at the end of its present pass: all messages of a pass are
 * one record of TLS and one call of the system then.
 *
 * Callbacks come from the event loop; `calling` keeps a wire that one of them frees until it has returned.
 */
#include "dispatch/wire.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/duct.h"
#include "dispatch/frame.h"
#include "dispatch/wire_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RETRY_SECONDS 0.02 /* until a goodbye that found no room is tried again */
#define DRAINED       (RUNG_WIRE_FULL / 2)
#define READ_BYTES    (16 * 1024)  /* a record */
#define PASS_BYTES    (512 * 1024) /* read or written at a time, until others have their turn */

static const struct rung_wire_tls_limits plain_limits = {RUNG_WIRE_HANDSHAKE_SECONDS, 5};

enum phase { HANDSHAKE, OPEN, FLUSHING, LINGERING, ENDED };

struct rung_wire {
    struct rung_wire_tls *tls; /* NULL: none */
    struct rung_wire_listener listener;
    struct rung_duct duct;             /* closed once ended */
    struct event *readable, *writable; /* NULL once ended */
    struct event *timer;               /* of the handshake, then of closing */
    struct rung_frame_reader reader;
    enum phase phase;
    bool server;
    bool proven; /* the handshake is over */
    bool coming; /* on_writable will come */
    bool filled; /* pieces were sent, or too much was, since `drained` came last */
    bool freed;  /* by the listener, in a callback */
    int calling;
    double heard_at;
    double deadline; /* of closing */
    char peer[64];
};

static const struct rung_wire_tls_limits *limits_of(const struct rung_wire *wire)
{
    return wire->tls ? rung_wire_tls_limits(wire->tls) : &plain_limits;
}

/* ---- the end ---- */

static void free_event(struct event **event)
{
    if (*event)
        event_free(*event);
    *event = NULL;
}

static void release(struct rung_wire *wire)
{
    free_event(&wire->readable);
    free_event(&wire->writable);
    free_event(&wire->timer);
    rung_duct_close(&wire->duct);
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
    struct rung_json *message = rung_json_parse(frame->data, frame->length, RUNG_WIRE_JSON_FLAGS, err);

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

/* The other side has closed, or something failed. */
static void end_with(struct rung_wire *wire, enum rung_duct_state state)
{
    char reason[256];
    bool between = rung_frame_is_between(&wire->reader);

    if (wire->phase == LINGERING) {
        end(wire, false, "closed");
    } else if (state == RUNG_DUCT_FAILED) {
        bool broken = rung_duct_reason(&wire->duct, wire->proven, reason, sizeof reason);
        if (!broken && !between)
            strncat(reason, " in the middle of a frame", sizeof reason - strlen(reason) - 1);
        end(wire, broken, reason);
    } else if (!wire->proven) {
        end(wire, false, "connection lost");
    } else {
        end(wire, !between, between ? "closed by the other side" : "closed in the middle of a frame");
    }
}

static void read_frames(struct rung_wire *wire)
{
    static const struct timeval at_once = {0};
    enum rung_duct_state state = RUNG_DUCT_DONE;
    char data[READ_BYTES];
    size_t got, total = 0;

    wire->heard_at = rung_clock_monotonic();
    do {
        state = rung_duct_read(&wire->duct, data, sizeof data, &got);
        if (state != RUNG_DUCT_DONE)
            break;
        total += got;
        if (wire->phase == OPEN)
            take_frames(wire, data, got); /* else it is dropped */
    } while (wire->phase != ENDED && total < PASS_BYTES && rung_duct_holds(&wire->duct));
    if (state == RUNG_DUCT_FAILED || state == RUNG_DUCT_END)
        end_with(wire, state);
    else if (wire->phase != ENDED && total >= PASS_BYTES)
        event_add(wire->readable, &at_once); /* the socket may have nothing more to say */
}

/* ---- sending ---- */

size_t rung_wire_backlog(const struct rung_wire *wire)
{
    return wire->duct.backlog;
}

static void send_frame(struct rung_wire *wire, enum rung_frame_type type, uint64_t stream, const void *data,
                       size_t length)
{
    unsigned char header[RUNG_FRAME_HEADER_MAX];

    rung_duct_put(&wire->duct, header, rung_frame_header(header, type, stream, length));
    rung_duct_put(&wire->duct, data, length);
    if (wire->proven && !wire->coming) {
        wire->coming = true;
        event_active(wire->writable, EV_WRITE, 0);
    }
}

bool rung_wire_send(struct rung_wire *wire, const char *text, size_t length)
{
    if (length > RUNG_WIRE_MESSAGE_MAX)
        return false;
    if (wire->phase == HANDSHAKE || wire->phase == OPEN)
        send_frame(wire, RUNG_FRAME_MESSAGE, 0, text, length);
    wire->filled |= rung_wire_backlog(wire) >= RUNG_WIRE_FULL; /* who looks at that waits from now on */
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
    if (rung_duct_goodbye(&wire->duct) == RUNG_DUCT_WRITE) {
        set_timer(wire, RETRY_SECONDS);
        return;
    }
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
    const struct rung_wire_tls_limits *limits = limits_of(wire);
    bool opens = !wire->tls && !wire->proven; /* in the loop's next turn, after which it flushes */

    if (wire->phase != HANDSHAKE && wire->phase != OPEN)
        return;
    wire->phase = FLUSHING;
    wire->deadline = rung_clock_monotonic() + limits->close;
    set_timer(wire, opens || rung_wire_backlog(wire) == 0 ? 0 : limits->close);
}

/* From the event loop only. What `drained` adds waits for the loop's next pass: others have their turn. */
static void flush(struct rung_wire *wire)
{
    enum rung_duct_state state = rung_duct_write(&wire->duct, PASS_BYTES);

    wire->coming = true;
    if (state == RUNG_DUCT_FAILED) {
        end_with(wire, state);
    } else if (wire->phase == FLUSHING && rung_wire_backlog(wire) == 0) {
        say_goodbye(wire);
    } else if (wire->phase == OPEN && wire->filled && rung_wire_backlog(wire) <= DRAINED) {
        wire->filled = false;
        if (wire->listener.drained)
            wire->listener.drained(wire->listener.context, wire);
    }
    wire->coming = rung_wire_backlog(wire) > 0;
    if (wire->coming)
        event_add(wire->writable, NULL);
}

/* ---- what becomes of the connection ---- */

static void opened(struct rung_wire *wire)
{
    if (wire->tls && !rung_wire_tls_proven(wire->duct.ssl)) {
        end(wire, true, "it did not prove that it has the key");
        return;
    }
    wire->proven = true;
    wire->heard_at = rung_clock_monotonic();
    find_peer(wire, wire->duct.fd);
    if (wire->phase == HANDSHAKE) { /* else closed meanwhile; what was sent goes out now */
        event_del(wire->timer);
        wire->phase = OPEN;
        wire->listener.open(wire->listener.context, wire);
    }
    if (wire->phase == ENDED)
        return;
    event_add(wire->readable, NULL);
    flush(wire);
    if (wire->phase != ENDED && rung_duct_holds(&wire->duct)) /* it came with the end of the handshake */
        read_frames(wire);
}

static void shake_hands(struct rung_wire *wire)
{
    enum rung_duct_state state = rung_duct_handshake(&wire->duct);

    if (state == RUNG_DUCT_DONE)
        opened(wire);
    else if (state == RUNG_DUCT_END || state == RUNG_DUCT_FAILED)
        end_with(wire, state);
    else
        event_add(state == RUNG_DUCT_READ ? wire->readable : wire->writable, NULL);
}

static void on_readable(evutil_socket_t fd, short events, void *context)
{
    struct rung_wire *wire = context;

    (void)fd, (void)events;
    enter(wire);
    if (wire->proven)
        read_frames(wire);
    else
        shake_hands(wire);
    leave(wire);
}

static void on_writable(evutil_socket_t fd, short events, void *context)
{
    struct rung_wire *wire = context;

    (void)fd, (void)events;
    enter(wire);
    if (wire->proven)
        flush(wire);
    else
        shake_hands(wire);
    leave(wire);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
    struct rung_wire *wire = context;
    char reason[64];

    (void)fd, (void)events;
    enter(wire);
    if (!wire->tls && !wire->proven) {
        opened(wire);
    } else if (wire->phase == HANDSHAKE) {
        snprintf(reason, sizeof reason, "no handshake within %g s", limits_of(wire)->handshake);
        end(wire, wire->server, reason);
    }
    if (wire->phase == FLUSHING || wire->phase == LINGERING)
        go_on_closing(wire);
    leave(wire);
}

/* ---- making one ---- */

static struct event *make_event(struct event_base *base, int fd, short events, event_callback_fn callback,
                                struct rung_wire *wire)
{
    struct event *event = event_new(base, fd, events, callback, wire);

    if (!event)
        rung_mem_out();
    return event;
}

struct rung_wire *rung_wire_create(struct rung_wire_tls *tls, struct event_base *base, int fd, bool server,
                                   const struct rung_wire_listener *listener)
{
    int on = 1;
    struct rung_duct duct;

    if (!rung_duct_open(&duct, tls, fd, server))
        return NULL;
    struct rung_wire *wire = rung_mem_zalloc(1, sizeof *wire);
    wire->tls = tls;
    wire->listener = *listener;
    wire->duct = duct;
    wire->server = server;
    wire->heard_at = rung_clock_monotonic();
    snprintf(wire->peer, sizeof wire->peer, "an unknown address");
    find_peer(wire, fd);
    rung_frame_reader_init(&wire->reader, RUNG_WIRE_MESSAGE_MAX, RUNG_WIRE_PIECE_MAX);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a job must not wait for an acknowledgement */
    wire->readable = make_event(base, fd, EV_READ | EV_PERSIST, on_readable, wire);
    wire->writable = make_event(base, fd, EV_WRITE, on_writable, wire);
    wire->timer = make_event(base, -1, 0, on_timer, wire);
    set_timer(wire, tls ? limits_of(wire)->handshake : 0);
    if (tls) /* who connects speaks first, when it is connected */
        event_add(server ? wire->readable : wire->writable, NULL);
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
