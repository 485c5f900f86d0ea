/* Another end for a scheduler: has the key, speaks frames, and is no worker of rung's. Blocking. */
#ifndef RUNG_TESTS_CLIENT_H
#define RUNG_TESTS_CLIENT_H

#include "base/json.h"
#include "dispatch/frame.h"
#include "dispatch/key.h"
#include "dispatch/remote.h"
#include "dispatch/wire_tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    struct rung_wire_tls *tls;
    SSL *ssl;
    struct rung_frame_reader reader;
    char bytes[65536];
    const char *data; /* of bytes, that were not looked at */
    size_t length;
    uint64_t seq; /* of its last message */
};

static inline void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static inline struct rung_wire_tls *client_key(const char *path)
{
    struct rung_wire_tls *tls;
    struct rung_key key;
    struct rung_err err;

    if (rung_key_read(&key, path, &err) < 0 || rung_wire_tls_create(&tls, &key, &err) < 0)
        give_up("key", err.text);
    return tls;
}

static inline int client_socket(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        give_up("connect", "nobody listens");
    return fd;
}

/* With the handshake behind it. */
static inline void client_open(struct client *client, struct rung_wire_tls *tls, int port)
{
    *client = (struct client){.tls = tls, .ssl = rung_wire_tls_ssl(tls)};
    rung_frame_reader_init(&client->reader, RUNG_WIRE_MESSAGE_MAX, RUNG_WIRE_PIECE_MAX);
    SSL_set_fd(client->ssl, client_socket(port));
    if (SSL_connect(client->ssl) != 1)
        give_up("handshake", "it was refused");
}

static inline void client_close(struct client *client)
{
    int fd = SSL_get_fd(client->ssl);

    rung_frame_reader_free(&client->reader);
    SSL_free(client->ssl);
    close(fd);
}

/* What is long goes out a record at a time. */
static inline void client_bytes(struct client *client, const void *data, size_t length)
{
    for (const char *rest = data; length > 0;) {
        int written = SSL_write(client->ssl, rest, (int)length);
        if (written <= 0)
            give_up("write", "the connection is gone");
        rest += written;
        length -= (size_t)written;
    }
}

static inline void client_frame(struct client *client, enum rung_frame_type type, uint64_t stream,
                                const void *data, size_t length)
{
    unsigned char header[RUNG_FRAME_HEADER_MAX];

    client_bytes(client, header, rung_frame_header(header, type, stream, length));
    client_bytes(client, data, length);
}

/* text: a JSON object; numbered: its number goes before its members. */
static inline void client_say(struct client *client, bool numbered, const char *text)
{
    char whole[4096];
    int length = numbered ? snprintf(whole, sizeof whole, "{\"seq\":%llu,%s",
                                     (unsigned long long)++client->seq, text + 1)
                          : snprintf(whole, sizeof whole, "%s", text);

    client_frame(client, RUNG_FRAME_MESSAGE, 0, whole, (size_t)length);
}

/* The next message, which the caller frees; NULL: the other side has ended the connection. */
static inline struct rung_json *client_hear(struct client *client)
{
    struct rung_frame frame;
    struct rung_err err;

    for (;;) {
        int code = rung_frame_next(&client->reader, &client->data, &client->length, &frame, &err);
        if (code < 0)
            give_up("frame", err.text);
        if (code > 0 && frame.type == RUNG_FRAME_MESSAGE)
            return rung_json_parse(frame.data, frame.length, 0, &err);
        if (code > 0)
            continue;
        int got = SSL_read(client->ssl, client->bytes, sizeof client->bytes);
        if (got <= 0)
            return NULL;
        client->data = client->bytes;
        client->length = (size_t)got;
    }
}

/* As a worker that has so many trainers. number: of the worker; no two have the same. */
static inline void client_hello(struct client *client, unsigned number, int trainers)
{
    char text[256];

    snprintf(text, sizeof text,
             "{\"type\":\"hello\",\"protocol\":%d,\"worker\":\"%024x%08x\",\"session\":\"\",\"trainers\":%d,"
             "\"received\":0,\"host\":\"stranger\"}",
             RUNG_REMOTE_PROTOCOL, (unsigned)getpid(), number, trainers);
    client_say(client, false, text);
}

#endif
