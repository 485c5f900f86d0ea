/*
 * Bytes over a socket, with TLS or without: what has come is read, what is put waits in blocks until the
 * kernel takes it. It waits for nothing itself, and tells its owner what for.
 */
#ifndef RUNG_DISPATCH_DUCT_H
#define RUNG_DISPATCH_DUCT_H

#include "dispatch/blocks.h"
#include "dispatch/wire_tls.h"

#include <stdbool.h>
#include <stddef.h>

enum rung_duct_state {
    RUNG_DUCT_DONE,
    RUNG_DUCT_READ,  /* not before there is something to be read */
    RUNG_DUCT_WRITE, /* not before something can be written */
    RUNG_DUCT_END,   /* the other side has closed, well */
    RUNG_DUCT_FAILED /* rung_duct_reason says why */
};

struct rung_duct {
    int fd;   /* -1: closed */
    SSL *ssl; /* NULL: no TLS */
    struct rung_blocks *blocks;
    bool own_blocks;
    struct rung_block *first, *last; /* that wait; the last one is being filled */
    size_t begun;                    /* bytes of the first one that are out */
    size_t backlog;                  /* bytes that wait */
    int system;                      /* errno of what failed */
};

/* fd is the duct's from now on, also when it fails: there is no memory for TLS. tls: NULL for none. server:
 * of a handshake. */
bool rung_duct_open(struct rung_duct *duct, struct rung_wire_tls *tls, int fd, bool server);
void rung_duct_close(struct rung_duct *duct); /* at once; may be called again */

/* With TLS, until it is done. */
enum rung_duct_state rung_duct_handshake(struct rung_duct *duct);
/* Up to `size` bytes; *got is set when it is done. */
enum rung_duct_state rung_duct_read(struct rung_duct *duct, void *data, size_t size, size_t *got);
/* There may be more to read of which the socket knows nothing. */
bool rung_duct_holds(const struct rung_duct *duct);
/* Copies; nothing goes out. */
void rung_duct_put(struct rung_duct *duct, const void *data, size_t length);
/* Of what waits, `most` bytes or some more; done: also where some is left. */
enum rung_duct_state rung_duct_write(struct rung_duct *duct, size_t most);
/* When nothing waits: the other side is told that this was all. */
enum rung_duct_state rung_duct_goodbye(struct rung_duct *duct);

/* One line; proven: the handshake was over. Returns whether the other side is to blame. */
bool rung_duct_reason(struct rung_duct *duct, bool proven, char *reason, size_t size);

#endif
