#include "dispatch/peer.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/link.h"
#include "dispatch/said.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIRM_AFTER 64 /* messages that may come before they are confirmed without waiting for a beat */
#define DIGEST_TEXT   (2 * EVP_MAX_MD_SIZE + 1)

/* A file on its way, out or in. */
struct transfer {
    int fd; /* -1: none */
    uint64_t stream;
    int64_t bytes;
    EVP_MD_CTX *digest;
    char *path;  /* in: where it is kept */
    bool failed; /* in: it could not be written */
};

struct rung_peer {
    struct event_base *base;
    struct rung_peer_listener listener;
    struct rung_link link;
    struct rung_wire *wire; /* NULL: not connected */
    struct event *timer;
    double beat, heard_at;
    uint64_t confirmed; /* last received message that the other side knows to have come */
    struct transfer out, in;
    unsigned char *block;
    struct rung_buf text;
};

/* ---- transfers ---- */

static void begin_transfer(struct transfer *transfer, int fd, uint64_t stream)
{
    transfer->fd = fd;
    transfer->stream = stream;
    transfer->bytes = 0;
    transfer->failed = fd < 0;
    EVP_DigestInit_ex(transfer->digest, EVP_sha256(), NULL);
}

static void digest_text(struct transfer *transfer, char text[DIGEST_TEXT])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int length = 0;

    EVP_DigestFinal_ex(transfer->digest, bytes, &length);
    for (unsigned int i = 0; i < length; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
}

static void end_transfer(struct transfer *transfer)
{
    if (transfer->fd >= 0)
        close(transfer->fd);
    transfer->fd = -1;
}

static void drop_incoming(struct rung_peer *peer)
{
    end_transfer(&peer->in);
    if (peer->in.path)
        unlink(peer->in.path);
    free(peer->in.path);
    peer->in.path = NULL;
}

/* ---- sending ---- */

static void confirm(struct rung_peer *peer)
{
    char text[64];
    int length = snprintf(text, sizeof text, "{\"type\":\"beat\",\"received\":%llu}",
                          (unsigned long long)peer->link.received);

    rung_wire_send(peer->wire, text, (size_t)length);
    peer->confirmed = peer->link.received;
}

static void send_text(struct rung_peer *peer, const struct rung_link_message *message, bool with_file)
{
    rung_buf_clear(&peer->text);
    rung_buf_printf(&peer->text, "{\"seq\":%llu,", (unsigned long long)message->number);
    if (with_file) {
        char digest[DIGEST_TEXT] = "";
        digest_text(&peer->out, digest);
        rung_buf_printf(&peer->text, "\"stream\":%llu,\"bytes\":%lld,\"sha256\":\"%s\",",
                        (unsigned long long)message->stream, (long long)peer->out.bytes, digest);
    }
    rung_buf_text(&peer->text, message->text);
    rung_wire_send(peer->wire, peer->text.data, peer->text.length);
    rung_link_sent(&peer->link);
}

/* One piece, or at its end the message. */
static void send_some_of_file(struct rung_peer *peer, const struct rung_link_message *message)
{
    ssize_t got = read(peer->out.fd, peer->block, RUNG_WIRE_PIECE_MAX);

    if (got < 0 && errno == EINTR)
        return;
    if (got > 0) {
        EVP_DigestUpdate(peer->out.digest, peer->block, (size_t)got);
        peer->out.bytes += got;
        rung_wire_send_piece(peer->wire, message->stream, peer->block, (size_t)got);
        return;
    }
    end_transfer(&peer->out);
    send_text(peer, message, got == 0);
}

static void pump(struct rung_peer *peer)
{
    const struct rung_link_message *message;

    while (peer->wire && (message = rung_link_peek(&peer->link)) &&
           rung_wire_backlog(peer->wire) < RUNG_WIRE_FULL) {
        if (peer->out.fd < 0 && message->file) {
            begin_transfer(&peer->out, open(message->file, O_RDONLY | O_CLOEXEC), message->stream);
            if (peer->out.fd < 0)
                send_text(peer, message, false);
        } else if (peer->out.fd >= 0) {
            send_some_of_file(peer, message);
        } else {
            send_text(peer, message, false);
        }
    }
}

void rung_peer_send_file(struct rung_peer *peer, const char *text, const char *file, uint64_t stream,
                         bool remove)
{
    rung_link_put(&peer->link, text + 1, file, stream, remove);
    pump(peer);
}

void rung_peer_send(struct rung_peer *peer, const char *text)
{
    rung_peer_send_file(peer, text, NULL, 0, false);
}

void rung_peer_each_waiting(const struct rung_peer *peer,
                            void (*each)(void *context, const struct rung_json *message, const char *file),
                            void *context)
{
    struct rung_buf text;
    struct rung_err err;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < peer->link.count; i++) {
        const struct rung_link_message *waiting = &peer->link.messages[peer->link.first + i];
        rung_buf_clear(&text);
        rung_buf_printf(&text, "{%s", waiting->text);
        struct rung_json *message = rung_json_parse(rung_buf_cstr(&text), text.length, 0, &err);
        if (message)
            each(context, message, waiting->file);
        rung_json_free(message);
    }
    rung_buf_free(&text);
}

bool rung_peer_idle(const struct rung_peer *peer)
{
    return peer->link.count == 0;
}

/* ---- the connection ---- */

static void disconnect(struct rung_peer *peer)
{
    rung_wire_free(peer->wire);
    peer->wire = NULL;
    end_transfer(&peer->out);
    drop_incoming(peer);
    event_del(peer->timer);
}

static void lose(struct rung_peer *peer, bool broken, const char *reason)
{
    disconnect(peer);
    peer->listener.lost(peer->listener.context, broken, reason);
}

static void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)wire;
    lose(context, broken, reason);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct rung_peer *peer = context;
    double silent = rung_clock_monotonic() - peer->heard_at;
    char reason[64];

    (void)fd;
    (void)what;
    if (silent > RUNG_PEER_SILENCES * peer->beat) {
        snprintf(reason, sizeof reason, "silent for %.0f s", silent);
        lose(peer, false, reason);
        return;
    }
    confirm(peer);
}

static void on_drained(void *context, struct rung_wire *wire)
{
    (void)wire;
    pump(context);
}

/* ---- what comes ---- */

static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    struct rung_peer *peer = context;

    (void)wire;
    peer->heard_at = rung_clock_monotonic();
    if (!peer->in.path || peer->in.stream != stream) {
        drop_incoming(peer);
        peer->in.path = peer->listener.place(peer->listener.context, stream);
        begin_transfer(
            &peer->in,
            peer->in.path ? open(peer->in.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1, stream);
        if (!peer->in.path)
            peer->in.path = rung_mem_strdup(""); /* nobody wants it */
    }
    EVP_DigestUpdate(peer->in.digest, data, length);
    peer->in.bytes += (int64_t)length;
    for (const char *rest = data; length > 0 && !peer->in.failed;) {
        ssize_t written = write(peer->in.fd, rest, length);
        if (written < 0 && errno == EINTR)
            continue;
        peer->in.failed = written < 0;
        rest += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
}

/* The file that has come is the one that the message speaks of. A file of no bytes has no pieces. */
static bool file_is_whole(struct rung_peer *peer, const struct rung_json *message, int64_t bytes)
{
    char digest[DIGEST_TEXT] = "";
    int64_t stream = -1;
    const struct rung_json *said = rung_json_get(message, "sha256");

    if (!rung_json_integer(rung_json_get(message, "stream"), 0, RUNG_SAID_INTEGER_MAX, &stream) ||
        !rung_json_is(said, RUNG_JSON_STRING))
        return false;
    if (bytes == 0) {
        drop_incoming(peer);
        peer->in.path = peer->listener.place(peer->listener.context, (uint64_t)stream);
        begin_transfer(&peer->in,
                       peer->in.path ? open(peer->in.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
                                     : -1,
                       (uint64_t)stream);
    }
    if ((!peer->in.path && bytes > 0) || peer->in.stream != (uint64_t)stream || peer->in.bytes != bytes)
        return false;
    digest_text(&peer->in, digest);
    return strcmp(digest, rung_json_string(said)) == 0;
}

static void deliver(struct rung_peer *peer, const struct rung_json *message)
{
    int64_t bytes;
    bool with_file = rung_json_integer(rung_json_get(message, "bytes"), 0, RUNG_SAID_INTEGER_MAX, &bytes);

    if (with_file && !file_is_whole(peer, message, bytes)) {
        peer->link.received--; /* it will come again */
        lose(peer, true, "a file came with another length or checksum than was said");
        return;
    }
    bool kept = with_file && !peer->in.failed;
    end_transfer(&peer->in);
    char *path = peer->in.path;
    peer->in.path = NULL;
    peer->listener.message(peer->listener.context, message, kept ? path : NULL);
    if (path && *path)
        unlink(path);
    free(path);
}

static void on_beat(struct rung_peer *peer, const struct rung_json *message);

static void remove_file(const struct rung_link_message *message)
{
    if (message->remove && message->file)
        unlink(message->file);
}

static void on_beat(struct rung_peer *peer, const struct rung_json *message)
{
    int64_t received;

    if (!rung_json_integer(rung_json_get(message, "received"), 0, RUNG_SAID_INTEGER_MAX, &received))
        lose(peer, true, "a beat without a number");
    else if (received > 0 && !rung_link_arrived(&peer->link, (uint64_t)received, remove_file))
        lose(peer, true, "a message is confirmed that was not sent");
}

static void on_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct rung_peer *peer = context;
    int64_t number;

    (void)wire;
    peer->heard_at = rung_clock_monotonic();
    if (!rung_json_integer(rung_json_get(message, "seq"), 1, RUNG_SAID_INTEGER_MAX, &number)) {
        on_beat(peer, message);
        return;
    }
    enum rung_link_order order = rung_link_take(&peer->link, (uint64_t)number);
    if (order == RUNG_LINK_GAP) {
        lose(peer, true, "a message is missing");
        return;
    }
    if (order == RUNG_LINK_SEEN) {
        drop_incoming(peer);
        return;
    }
    if (peer->link.received - peer->confirmed >= CONFIRM_AFTER)
        confirm(peer);
    deliver(peer, message);
}

bool rung_peer_connected(struct rung_peer *peer, struct rung_wire *wire, uint64_t received)
{
    struct timeval interval = {.tv_sec = (time_t)peer->beat,
                               .tv_usec = (suseconds_t)((peer->beat - (double)(time_t)peer->beat) * 1e6)};
    struct rung_wire_listener listener = {.context = peer,
                                          .message = on_message,
                                          .piece = on_piece,
                                          .drained = on_drained,
                                          .closed = on_closed};

    if (peer->wire)
        disconnect(peer);
    if (received > 0 && !rung_link_arrived(&peer->link, received, remove_file) && received >= peer->link.next)
        return false;
    rung_link_again(&peer->link);
    peer->wire = wire;
    peer->heard_at = rung_clock_monotonic();
    peer->confirmed = peer->link.received;
    rung_wire_listen(wire, &listener);
    event_add(peer->timer, &interval);
    pump(peer);
    return true;
}

bool rung_peer_is_connected(const struct rung_peer *peer)
{
    return peer->wire != NULL;
}

uint64_t rung_peer_received(const struct rung_peer *peer)
{
    return peer->link.received;
}

double rung_peer_heard_at(const struct rung_peer *peer)
{
    return peer->heard_at;
}

const char *rung_peer_name(const struct rung_peer *peer)
{
    return peer->wire ? rung_wire_peer(peer->wire) : "";
}

/* ---- life ---- */

struct rung_peer *rung_peer_create(struct event_base *base, double beat,
                                   const struct rung_peer_listener *listener)
{
    struct rung_peer *peer = rung_mem_zalloc(1, sizeof *peer);

    peer->base = base;
    peer->listener = *listener;
    peer->beat = beat;
    peer->heard_at = rung_clock_monotonic();
    peer->in.fd = peer->out.fd = -1;
    peer->in.digest = EVP_MD_CTX_new();
    peer->out.digest = EVP_MD_CTX_new();
    peer->block = rung_mem_zalloc(RUNG_WIRE_PIECE_MAX, 1);
    peer->timer = event_new(base, -1, EV_PERSIST, on_timer, peer);
    rung_link_init(&peer->link);
    rung_buf_init(&peer->text, RUNG_BUF_UNLIMITED);
    return peer;
}

void rung_peer_free(struct rung_peer *peer)
{
    if (!peer)
        return;
    disconnect(peer);
    event_free(peer->timer);
    EVP_MD_CTX_free(peer->in.digest);
    EVP_MD_CTX_free(peer->out.digest);
    rung_link_free(&peer->link);
    rung_buf_free(&peer->text);
    free(peer->block);
    free(peer);
}
