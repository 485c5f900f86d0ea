#include "dispatch/wire_tls.h"

#include "base/mem.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_SECONDS 5
#define READ_BYTES    (32 * 1024) /* at a time, at most: two records */
#define IDENTITY      "rung"      /* of the key: there is one, and who has another one has none */

/* The PSK is bound to the hash of its suite: with one suite on both sides there is nothing to agree on. */
#define SUITE "TLS_AES_128_GCM_SHA256"
static const unsigned char suite_id[] = {0x13, 0x01};

struct rung_wire_tls {
    SSL_CTX *context;
    struct rung_blocks *blocks;
    struct rung_key key;
    struct rung_wire_tls_limits limits;
};

/* A session that was never had: how OpenSSL takes a key from outside. */
static SSL_SESSION *make_session(SSL *ssl)
{
    const struct rung_wire_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const SSL_CIPHER *suite = SSL_CIPHER_find(ssl, suite_id);
    SSL_SESSION *session = SSL_SESSION_new();

    if (session && suite &&
        SSL_SESSION_set1_master_key(session, tls->key.bytes, sizeof tls->key.bytes) == 1 &&
        SSL_SESSION_set_cipher(session, suite) == 1 &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1 &&
        SSL_SESSION_set1_id_context(session, (const unsigned char *)IDENTITY, strlen(IDENTITY)) == 1)
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

/* The client's side. md is set when the server asked for another suite in between, which must be ours. */
static int use_session(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_length,
                       SSL_SESSION **session)
{
    static const unsigned char identity[] = IDENTITY;

    *session = NULL;
    *id = identity;
    *id_length = sizeof identity - 1;
    const SSL_CIPHER *suite = SSL_CIPHER_find(ssl, suite_id);
    if (md && (!suite || SSL_CIPHER_get_handshake_digest(suite) != md))
        return 0;
    return (*session = make_session(ssl)) != NULL;
}

/* The server's side. Without a session there is no certificate to fall back to: the handshake fails. */
static int find_session(SSL *ssl, const unsigned char *id, size_t id_length, SSL_SESSION **session)
{
    *session = NULL;
    if (id_length == strlen(IDENTITY) && memcmp(id, IDENTITY, id_length) == 0)
        *session = make_session(ssl);
    return 1;
}

static bool set_up(SSL_CTX *context)
{
    /* Verifying peers refuses a certificate, which nobody here has: a server without the key could offer one.
     */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* OpenSSL wants it where peers are verified, and the same one in the sessions. */
    SSL_CTX_set_session_id_context(context, (const unsigned char *)IDENTITY, strlen(IDENTITY));
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* Ahead: a record and what is after it in one call, not its header first. */
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_BYTES);
    /* Released: an idle connection holds no buffers. Partial: a record goes out by itself, whatever waits. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_psk_use_session_callback(context, use_session);
    SSL_CTX_set_psk_find_session_callback(context, find_session);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(context, SUITE) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1 &&
           SSL_CTX_set_max_early_data(context, 0) == 1 && SSL_CTX_set_recv_max_early_data(context, 0) == 1;
}

int rung_wire_tls_create(struct rung_wire_tls **out, const struct rung_key *key, struct rung_err *err)
{
    struct rung_wire_tls *tls = rung_mem_zalloc(1, sizeof *tls);
    char why[256] = "OpenSSL cannot be set up";

    tls->key = *key;
    tls->limits = (struct rung_wire_tls_limits){RUNG_WIRE_HANDSHAKE_SECONDS, CLOSE_SECONDS};
    tls->blocks = rung_blocks_create();
    tls->context = SSL_CTX_new(TLS_method());
    if (tls->context && set_up(tls->context)) {
        SSL_CTX_set_app_data(tls->context, tls);
        *out = tls;
        return 0;
    }
    if (ERR_peek_error())
        ERR_error_string_n(ERR_peek_error(), why, sizeof why);
    ERR_clear_error();
    rung_wire_tls_free(tls);
    rung_err_set(err, RUNG_EFAIL, "TLS: %s", why);
    return RUNG_EFAIL;
}

void rung_wire_tls_free(struct rung_wire_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    rung_blocks_free(tls->blocks);
    explicit_bzero(&tls->key, sizeof tls->key);
    free(tls);
}

SSL *rung_wire_tls_ssl(struct rung_wire_tls *tls)
{
    return SSL_new(tls->context);
}

struct rung_blocks *rung_wire_tls_blocks(struct rung_wire_tls *tls)
{
    return tls->blocks;
}

bool rung_wire_tls_proven(SSL *ssl)
{
    return SSL_version(ssl) == TLS1_3_VERSION && SSL_session_reused(ssl) == 1;
}

struct rung_wire_tls_limits *rung_wire_tls_limits(struct rung_wire_tls *tls)
{
    return &tls->limits;
}

/* ---- reasons ---- */

#define LOST     "connection lost"
#define NO_KEY   "it does not have the same key"
#define NO_TLS   "it speaks no TLS"
#define NOT_OURS "it speaks another version of TLS"

/* What goes wrong with a handshake. */
static const struct {
    int reason;
    const char *text;
} known[] = {
    {SSL_R_BINDER_DOES_NOT_VERIFY, NO_KEY},
    {SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER, NO_KEY}, /* what OpenSSL answers to a binder that does not verify */
    {SSL_R_TLSV1_ALERT_DECRYPT_ERROR, NO_KEY},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, NO_KEY}, /* somebody else's handshake, played again */
    {SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, NO_KEY},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, NO_KEY}, /* it offered no key, and there are no certificates */
    {SSL_R_NO_SUITABLE_KEY_SHARE, NO_KEY},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, NO_KEY},
    {SSL_R_CERTIFICATE_VERIFY_FAILED, NO_KEY},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, NO_KEY},
    {SSL_R_BAD_PSK, NO_KEY},
    {SSL_R_NO_SHARED_CIPHER, NO_KEY},
    {SSL_R_WRONG_VERSION_NUMBER, NO_TLS},
    {SSL_R_HTTP_REQUEST, NO_TLS},
    {SSL_R_HTTPS_PROXY_REQUEST, NO_TLS},
    {SSL_R_PACKET_LENGTH_TOO_LONG, NO_TLS},
    {SSL_R_BAD_RECORD_TYPE, NO_TLS},
    {SSL_R_UNKNOWN_PROTOCOL, NO_TLS},
    {SSL_R_RECORD_LENGTH_MISMATCH, NO_TLS},
    {SSL_R_UNSUPPORTED_PROTOCOL, NOT_OURS},
    {SSL_R_UNEXPECTED_MESSAGE, NOT_OURS},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, NOT_OURS},
};

static bool say(char *reason, size_t size, const char *text, bool broken)
{
    snprintf(reason, size, "%s", text);
    return broken;
}

bool rung_wire_tls_reason(const struct rung_wire_tls_failure *failure, char *reason, size_t size)
{
    unsigned long first = 0;
    int system = failure->system;

    for (size_t i = 0; i < failure->count && !first; i++)
        if (ERR_GET_LIB(failure->errors[i]) == ERR_LIB_SSL)
            first = failure->errors[i];
    if (first && ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return say(reason, size, LOST, false);
    for (size_t i = 0; first && !failure->proven && i < sizeof known / sizeof *known; i++)
        if (ERR_GET_REASON(first) == known[i].reason)
            return say(reason, size, known[i].text, true);
    if (first) {
        const char *text = ERR_reason_error_string(first);
        snprintf(reason, size, "TLS: %s", text ? text : "an error without a name");
        return true;
    }
    bool plain = system == 0 || system == EAGAIN || system == EPIPE || system == ECONNRESET;
    return say(reason, size, plain ? LOST : strerror(system), false);
}
