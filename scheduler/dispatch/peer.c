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
#include <sys/stat.h>
#include <unistd.h>

#define CONFIRM_AFTER 64     /* messages that may come before they are confirmed without waiting for a beat */
#define WAITING_MOST  131072 /* messages that the other side has not confirmed, when it says more */
#define DIGEST_TEXT   (2 * EVP_MAX_MD_SIZE + 1)

/* A file on its way, out or in. */
struct transfer {
    int fd; /* -1: none */
    uint64_t stream;
    int64_t bytes;
    int64_t expected; /* out: bytes of it */
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
    double beat, heard_at; /* heard_at: while it is not connected */
    uint64_t confirmed;    /* last received message that the other side knows to have come */
    struct transfer out, in;
    EVP_MD *sha256;
    struct rung_buf text;
};

/* ---- transfers ---- */

static void begin_transfer(const struct rung_peer *peer, struct transfer *transfer, int fd, uint64_t stream)
{
    transfer->fd = fd;
    transfer->stream = stream;
    transfer->bytes = 0;
    transfer->failed = fd < 0;
    EVP_DigestInit_ex2(transfer->digest, peer->sha256, NULL);
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

static void number_field(struct rung_buf *text, const char *name, uint64_t number)
{
    rung_buf_text(text, name);
    rung_json_write_integer(text, (int64_t)number);
}

static void send_text(struct rung_peer *peer, const struct rung_link_message *message, bool with_file)
{
    rung_buf_clear(&peer->text);
    number_field(&peer->text, "{\"seq\":", message->number);
    number_field(&peer->text, ",\"received\":", peer->link.received);
    rung_buf_char(&peer->text, ',');
    peer->confirmed = peer->link.received;
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

static void begin_sending_file(struct rung_peer *peer, const struct rung_link_message *message)
{
    struct stat info;

    begin_transfer(peer, &peer->out, open(message->file, O_RDONLY | O_CLOEXEC), message->stream);
    if (peer->out.fd < 0)
        send_text(peer, message, false);
    else
        peer->out.expected = fstat(peer->out.fd, &info) == 0 ? info.st_size : INT64_MAX;
}

/* One piece, and after the last one the message. */
static void send_some_of_file(struct rung_peer *peer, const struct rung_link_message *message)
{
    unsigned char block[RUNG_WIRE_PIECE_MAX];
    ssize_t got = 0;

    if (peer->out.bytes < peer->out.expected)
        got = read(peer->out.fd, block, sizeof block);
    if (got < 0 && errno == EINTR)
        return;
    if (got > 0) {
        EVP_DigestUpdate(peer->out.digest, block, (size_t)got);
        peer->out.bytes += got;
        rung_wire_send_piece(peer->wire, message->stream, block, (size_t)got);
        if (peer->out.bytes < peer->out.expected)
            return;
    }
    end_transfer(&peer->out);
    send_text(peer, message, got >= 0);
}

static void pump(struct rung_peer *peer)
{
    const struct rung_link_message *message;

    while (peer->wire && (message = rung_link_peek(&peer->link)) &&
           rung_wire_backlog(peer->wire) < RUNG_WIRE_FULL) {
        if (peer->out.fd < 0 && message->file) {
            begin_sending_file(peer, message);
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
        struct rung_json *message =
            rung_json_parse(rung_buf_cstr(&text), text.length, RUNG_WIRE_JSON_FLAGS, &err);
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

/* Whatever comes is a life sign, a part of a long message over a slow line, too. */
double rung_peer_heard_at(const struct rung_peer *peer)
{
    return peer->wire ? rung_wire_heard_at(peer->wire) : peer->heard_at;
}

static void disconnect(struct rung_peer *peer)
{
    peer->heard_at = rung_peer_heard_at(peer);
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
    double silent = rung_clock_monotonic() - rung_peer_heard_at(peer);
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

static void begin_receiving(struct rung_peer *peer, uint64_t stream)
{
    peer->in.path = peer->listener.place(peer->listener.context, stream);
    int fd = peer->in.path ? open(peer->in.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    begin_transfer(peer, &peer->in, fd, stream);
}

static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    struct rung_peer *peer = context;

    (void)wire;
    if (!peer->in.path || peer->in.stream != stream) {
        drop_incoming(peer);
        begin_receiving(peer, stream);
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
        begin_receiving(peer, (uint64_t)stream);
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

static void remove_file(const struct rung_link_message *message)
{
    if (message->remove && message->file)
        unlink(message->file);
}

/* What has arrived of ours, as each beat says, and messages do by the way. */
static bool hear_confirmed(struct rung_peer *peer, int64_t received)
{
    if (received <= 0 || rung_link_arrived(&peer->link, (uint64_t)received, remove_file))
        return true;
    lose(peer, true, "a message is confirmed that was not sent");
    return false;
}

static void on_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct rung_peer *peer = context;
    int64_t number, received = rung_said_integer(message, "received", -1);
    bool beat = !rung_json_integer(rung_json_get(message, "seq"), 1, RUNG_SAID_INTEGER_MAX, &number);

    (void)wire;
    if (beat && received < 0) {
        lose(peer, true, "a beat without a number");
        return;
    }
    if (!hear_confirmed(peer, received) || beat)
        return;
    if (peer->link.count > WAITING_MOST) {
        lose(peer, true, "it confirms nothing of what it is told");
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
    peer->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
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
    EVP_MD_free(peer->sha256);
    rung_link_free(&peer->link);
    rung_buf_free(&peer->text);
    free(peer);
}
