/*
 * A state of 1 GiB from one file to another, between two processes over loopback, TLS and a checksum on both
 * sides: as rung's peers do it, and as a plain loop of read, SHA-256 and SSL_write does it to one of
 * SSL_read, SHA-256 and write. Taken in turns, the best of each counts. The files are in memory.
 */
#include "base/mem.h"
#include "dispatch/address.h"
#include "dispatch/clock.h"
#include "dispatch/key.h"
#include "dispatch/peer.h"
#include "dispatch/wire_tls.h"

#include <event2/event.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES  (1LL << 30)
#define BLOCK  65536
#define ROUNDS 5

static char folder[64], from[96], to[96];

static void need(bool condition, const char *what)
{
    if (condition)
        return;
    perror(what);
    exit(1);
}

/* ---- the files ---- */

static void make_files(void)
{
    static unsigned char block[BLOCK];
    uint64_t state = 1;

    snprintf(folder, sizeof folder, "%s/rung-bench-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    need(mkdtemp(folder) != NULL, folder);
    snprintf(from, sizeof from, "%s/from", folder);
    snprintf(to, sizeof to, "%s/to", folder);
    int fd = open(from, O_WRONLY | O_CREAT | O_EXCL, 0600);
    for (long long done = 0; done < BYTES; done += BLOCK) {
        for (size_t i = 0; i < BLOCK; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            block[i] = (unsigned char)(state >> 56);
        }
        need(write(fd, block, BLOCK) == BLOCK, from);
    }
    close(fd);
}

static void check_and_remove(void)
{
    struct stat info;

    need(stat(to, &info) == 0 && info.st_size == BYTES, to);
    unlink(to);
}

static void remove_files(void)
{
    unlink(from);
    rmdir(folder);
}

/* ---- two processes ---- */

static void connect_both(int fds[2])
{
    struct rung_address address = {.host = "127.0.0.1"};
    struct rung_err err;
    int door;

    need(rung_address_listen(&door, &address.port, &address, &err) == 0, "listen");
    need(rung_address_connect(&fds[0], &address, &err) == 0, "connect");
    while ((fds[1] = accept4(door, NULL, NULL, SOCK_NONBLOCK)) < 0)
        need(errno == EAGAIN, "accept");
    close(door);
}

static struct rung_wire_tls *make_tls(void)
{
    struct rung_key key;
    struct rung_wire_tls *tls;
    struct rung_err err;

    memset(key.bytes, 7, sizeof key.bytes);
    need(rung_wire_tls_create(&tls, &key, &err) == 0, "TLS");
    return tls;
}

/* Seconds from the first byte to the receiver's answer that all is well. */
static double between(double (*send_it)(int fd), void (*receive_it)(int fd))
{
    int fds[2], status;

    connect_both(fds);
    pid_t receiver = fork();
    need(receiver >= 0, "fork");
    if (receiver == 0) {
        close(fds[0]);
        receive_it(fds[1]);
        _exit(0);
    }
    close(fds[1]);
    double seconds = send_it(fds[0]);
    need(waitpid(receiver, &status, 0) == receiver && status == 0, "the receiver");
    check_and_remove();
    return seconds;
}

/* ---- plain ---- */

static SSL *plain_ssl(struct rung_wire_tls *tls, int fd, bool server)
{
    SSL *ssl = rung_wire_tls_ssl(tls);

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    SSL_set_fd(ssl, fd);
    need((server ? SSL_accept(ssl) : SSL_connect(ssl)) == 1, "handshake");
    return ssl;
}

static void write_all(SSL *ssl, const unsigned char *data, size_t length)
{
    while (length > 0) {
        int written = SSL_write(ssl, data, (int)length);
        need(written > 0, "SSL_write");
        data += written;
        length -= (size_t)written;
    }
}

static double plain_send(int fd)
{
    static unsigned char block[BLOCK], digest[EVP_MAX_MD_SIZE];
    struct rung_wire_tls *tls = make_tls();
    SSL *ssl = plain_ssl(tls, fd, false);
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    double start = rung_clock_monotonic();
    int file = open(from, O_RDONLY);
    ssize_t got;

    EVP_DigestInit_ex(sum, EVP_sha256(), NULL);
    while ((got = read(file, block, sizeof block)) > 0) {
        EVP_DigestUpdate(sum, block, (size_t)got);
        write_all(ssl, block, (size_t)got);
    }
    EVP_DigestFinal_ex(sum, digest, NULL);
    write_all(ssl, digest, 32);
    need(SSL_read(ssl, block, 1) == 1, "answer");
    double seconds = rung_clock_monotonic() - start;
    close(file);
    EVP_MD_CTX_free(sum);
    SSL_free(ssl);
    close(fd);
    rung_wire_tls_free(tls);
    return seconds;
}

static void plain_receive(int fd)
{
    static unsigned char block[BLOCK], digest[EVP_MAX_MD_SIZE];
    SSL *ssl = plain_ssl(make_tls(), fd, true);
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    int file = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    EVP_DigestInit_ex(sum, EVP_sha256(), NULL);
    for (long long left = BYTES; left > 0;) {
        int got = SSL_read(ssl, block, left < BLOCK ? (int)left : BLOCK);
        need(got > 0, "SSL_read");
        EVP_DigestUpdate(sum, block, (size_t)got);
        need(write(file, block, (size_t)got) == got, to);
        left -= got;
    }
    EVP_DigestFinal_ex(sum, digest, NULL);
    need(SSL_read(ssl, block, 32) == 32 && memcmp(block, digest, 32) == 0, "checksum");
    write_all(ssl, block, 1);
    SSL_read(ssl, block, 1);
}

/* ---- rung ---- */

struct side {
    struct event_base *base;
    struct rung_peer *peer;
    bool open, over;
};

static void on_message(void *context, const struct rung_json *message, const char *file)
{
    struct side *side = context;

    (void)message;
    if (file) {
        need(rename(file, to) == 0, to);
        rung_peer_send(side->peer, "{\"type\":\"done\"}");
    } else {
        side->over = true;
    }
}

static char *on_place(void *context, uint64_t stream)
{
    (void)context, (void)stream;
    return rung_mem_printf("%s.part", to);
}

static void on_lost(void *context, bool broken, const char *reason)
{
    (void)reason;
    need(!broken, reason);
    ((struct side *)context)->over = true;
}

static void on_open(void *context, struct rung_wire *wire)
{
    struct side *side = context;

    side->open = rung_peer_connected(side->peer, wire, 0);
}

static void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)context, (void)wire, (void)broken;
    need(false, reason);
}

static void open_side(struct side *side, int fd, bool server)
{
    struct rung_peer_listener heard = {
        .context = side, .message = on_message, .place = on_place, .lost = on_lost};
    struct rung_wire_listener listener = {.context = side, .open = on_open, .closed = on_closed};

    *side = (struct side){.base = event_base_new()};
    side->peer = rung_peer_create(side->base, 5, &heard);
    need(rung_wire_create(make_tls(), side->base, fd, server, &listener) != NULL, "wire");
    while (!side->open)
        event_base_loop(side->base, EVLOOP_ONCE);
}

static double peer_send(int fd)
{
    struct side side;

    open_side(&side, fd, false);
    double start = rung_clock_monotonic();
    rung_peer_send_file(side.peer, "{\"type\":\"state\"}", from, 1, false);
    while (!side.over)
        event_base_loop(side.base, EVLOOP_ONCE);
    double seconds = rung_clock_monotonic() - start;
    rung_peer_free(side.peer);
    event_base_free(side.base);
    return seconds;
}

static void peer_receive(int fd)
{
    struct side side;

    open_side(&side, fd, true);
    while (!side.over)
        event_base_loop(side.base, EVLOOP_ONCE);
}

/* ---- */

int main(void)
{
    double plain = 1e9, peers = 1e9;

    make_files();
    for (int i = 0; i < ROUNDS; i++) {
        double seconds = between(plain_send, plain_receive);
        plain = seconds < plain ? seconds : plain;
        seconds = between(peer_send, peer_receive);
        peers = seconds < peers ? seconds : peers;
    }
    remove_files();
    printf("a state of 1 GiB, file to file, plain SSL_write and SSL_read: %.2f s, %.0f MB/s\n", plain,
           (double)BYTES / plain / 1e6);
    printf("… between rung's peers: %.2f s, %.0f MB/s, %.0f %% of the plain loop\n", peers,
           (double)BYTES / peers / 1e6, 100 * plain / peers);
    return 0;
}
