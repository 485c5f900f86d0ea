/*
 * The other side of a connection that may break and come again: numbered messages, files that go before them,
 * beats both ways. Who greets whom, and what messages mean, is the owner's affair.
 *
 * A file travels in pieces before its message, with its length and SHA-256; one that does not match ends the
 * connection, and is sent again over the next one.
 */
#ifndef RUNG_DISPATCH_PEER_H
#define RUNG_DISPATCH_PEER_H

#include "base/json.h"
#include "dispatch/wire.h"

#include <stdbool.h>
#include <stdint.h>

#define RUNG_PEER_SILENCES 3                              /* beats that may be missed */
#define RUNG_PEER_TEXT_MAX (RUNG_WIRE_MESSAGE_MAX - 1024) /* bytes of a message's text */

struct rung_peer;

struct rung_peer_listener {
    void *context;
    /* file: what came before the message, NULL if nothing did; removed afterwards unless it was renamed. */
    void (*message)(void *context, const struct rung_json *message, const char *file);
    /* Where to keep a file that begins to come; the caller frees the path. NULL: nowhere. */
    char *(*place)(void *context, uint64_t stream);
    /* The connection is gone, and freed. broken: the other side did not keep to the protocol. */
    void (*lost)(void *context, bool broken, const char *reason);
};

/* beat: seconds between beats. */
struct rung_peer *rung_peer_create(struct event_base *base, double beat,
                                   const struct rung_peer_listener *listener);
void rung_peer_free(struct rung_peer *peer); /* its connection, too, at once; NULL is allowed */

/* A connection on which both sides have greeted each other belongs to the peer from now on; one that it had
 * before is freed. received: the number of the last message that the other side has of us. False: that cannot
 * be. */
bool rung_peer_connected(struct rung_peer *peer, struct rung_wire *wire, uint64_t received);
bool rung_peer_is_connected(const struct rung_peer *peer);
uint64_t rung_peer_received(const struct rung_peer *peer); /* for the greeting */
double rung_peer_heard_at(const struct rung_peer *peer);   /* seconds of the monotonic clock */
const char *rung_peer_name(const struct rung_peer *peer);  /* its address, or "" */

/* text: a JSON object with at least one member, and at most RUNG_PEER_TEXT_MAX bytes. */
void rung_peer_send(struct rung_peer *peer, const char *text);
/* The file is read when its turn comes, and once more after a break; remove: it is deleted when it has
 * arrived. One that cannot be read then is left out. */
void rung_peer_send_file(struct rung_peer *peer, const char *text, const char *file, uint64_t stream,
                         bool remove);
/* Each message that is not known to have arrived, in order: a JSON object, and the file that goes with it. */
void rung_peer_each_waiting(const struct rung_peer *peer,
                            void (*each)(void *context, const struct rung_json *message, const char *file),
                            void *context);
/* Everything sent so far has arrived. */
bool rung_peer_idle(const struct rung_peer *peer);

#endif
