/*
 * Frames between a scheduler and its workers: TLS 1.3 over TCP, where both sides have proven that they hold
 * the same key before the first frame. Messages are JSON objects; states pass as pieces of numbered streams.
 *
 * A connection tells its listener of `open` once, then of frames in the order in which they were sent, then
 * of `closed` once, and of nothing any more. All callbacks come from the event loop, never from within a
 * function below. In a callback the connection may be freed.
 */
#ifndef RUNG_DISPATCH_WIRE_H
#define RUNG_DISPATCH_WIRE_H

#include "base/err.h"
#include "base/json.h"
#include "dispatch/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_WIRE_MESSAGE_MAX                                                                                \
    (2 * 1024 * 1024) /* bytes of a message: a trainer's line and what is around it */
#define RUNG_WIRE_PIECE_MAX         (64 * 1024) /* bytes of a stream in one frame */
#define RUNG_WIRE_HANDSHAKE_SECONDS 10 /* until both sides have proven themselves, from connect or accept */

/* Messages may have lines of trainers in them, which are read as trainers' lines are. */
#define RUNG_WIRE_JSON_FLAGS (RUNG_JSON_NONFINITE | RUNG_JSON_DEEPER)

struct event_base;
struct rung_wire_tls; /* what all connections with one key share */
struct rung_wire;     /* one connection */

struct rung_wire_listener {
    void *context;
    void (*open)(void *context, struct rung_wire *wire);
    void (*message)(void *context, struct rung_wire *wire, const struct rung_json *message); /* an object */
    void (*piece)(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length);
    /* So little waits to be sent that more may be written, after pieces or RUNG_WIRE_FULL bytes of whatever
     * kind; may be NULL. */
    void (*drained)(void *context, struct rung_wire *wire);
    /* Lost, refused, or closed by the other side; reason is one line. broken: it did not keep to the protocol
     * (a frame over the limit, of an unknown type, no JSON), or could not prove that it has the key. Silence
     * in the handshake is broken where the connection was accepted; elsewhere nobody may be there. */
    void (*closed)(void *context, struct rung_wire *wire, bool broken, const char *reason);
};

int rung_wire_tls_create(struct rung_wire_tls **out, const struct rung_key *key,
                         struct rung_err *err) RUNG_CHECK_RESULT;
void rung_wire_tls_free(struct rung_wire_tls *tls); /* after its connections; NULL is allowed */

/* tls: NULL where the socket itself is the proof, as one of this machine whose file only its owner may open.
 * fd: a connected, non-blocking stream socket, which the wire owns from now on, also when NULL is returned
 * (out of file descriptors …). server: it was accepted. The listener is copied. */
struct rung_wire *rung_wire_create(struct rung_wire_tls *tls, struct event_base *base, int fd, bool server,
                                   const struct rung_wire_listener *listener);
/* From the next callback on another listener is told, which is copied. Its open may be NULL where the
 * connection is open. */
void rung_wire_listen(struct rung_wire *wire, const struct rung_wire_listener *listener);
/* At once, without a callback; what was not sent is lost. NULL is allowed. */
void rung_wire_free(struct rung_wire *wire);
/* What was sent before goes out, then the connection ends and `closed` comes; at most 5 s later in any case.
 * What the other side still sends is dropped, as is what is sent here from now on. */
void rung_wire_close(struct rung_wire *wire);

/* text: a JSON object, at most RUNG_WIRE_MESSAGE_MAX bytes (longer: nothing is sent, false). */
bool rung_wire_send(struct rung_wire *wire, const char *text, size_t length);
/* length: 1 to RUNG_WIRE_PIECE_MAX. */
void rung_wire_send_piece(struct rung_wire *wire, uint64_t stream, const void *data, size_t length);
/* Bytes that wait to be sent. Who has pieces writes them while this is below RUNG_WIRE_FULL, and again when
 * `drained` comes: a large state then takes no more memory than that. Messages pass between pieces. */
size_t rung_wire_backlog(const struct rung_wire *wire);
#define RUNG_WIRE_FULL (512 * 1024)

/* Seconds of the monotonic clock at which something last came. */
double rung_wire_heard_at(const struct rung_wire *wire);
const char *rung_wire_peer(const struct rung_wire *wire); /* "10.0.0.1:4711" */

#endif
