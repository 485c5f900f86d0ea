/*
 * TLS as wires use it: version 1.3, one suite, both sides proven by the key that they share, forward secrecy
 * by an exchange of fresh keys, no certificates, no tickets, no early data. A recorded handshake cannot be
 * played again: the other side's fresh key is another one every time.
 */
#ifndef RUNG_DISPATCH_WIRE_TLS_H
#define RUNG_DISPATCH_WIRE_TLS_H

#include "dispatch/blocks.h"
#include "dispatch/wire.h"

#include <openssl/ssl.h>
#include <stddef.h>

/* For one connection; NULL: no memory. */
SSL *rung_wire_tls_ssl(struct rung_wire_tls *tls);
/* After a handshake: whether it was the key that decided it. */
bool rung_wire_tls_proven(SSL *ssl);

/* What its connections send lies in these. */
struct rung_blocks *rung_wire_tls_blocks(struct rung_wire_tls *tls);

struct rung_wire_tls_failure {
    unsigned long errors[8]; /* as OpenSSL has them, the oldest first */
    size_t count;
    int system;  /* errno of a failed read or write */
    bool proven; /* the handshake was over */
};

/* Why a connection failed. Returns whether the other side is to blame: what it sent, or a key that it does
 * not have. */
bool rung_wire_tls_reason(const struct rung_wire_tls_failure *failure, char *reason, size_t size);

/* How long its connections wait, in seconds; tests change it. */
struct rung_wire_tls_limits {
    double handshake; /* until both sides have proven themselves */
    double close;     /* until what was sent is out and the other side has closed, too */
};
struct rung_wire_tls_limits *rung_wire_tls_limits(struct rung_wire_tls *tls);

#endif
