/* Connections whose other end has no key, is silent, or does not keep to the protocol. */
#include "wire_help.h"

/* ---- ends that are not what they should be ---- */

static void a_wrong_key_is_refused_by_both(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};
    struct rung_wire_tls *other = make_tls(0x5b);
    int fds[2];

    pair(fds);
    start_with(&server, tls, fds[0], true);
    start_with(&client, other, fds[1], false);
    say(&client, "{\"n\":1}");
    until(server.closed && client.closed);
    assert_string_equal(server.reason, "it does not have the same key");
    assert_string_equal(client.reason, "it does not have the same key");
    assert_true(server.broken && client.broken);
    assert_string_equal(server.heard.data, "closed\n");
    assert_string_equal(client.heard.data, "closed\n");
    finish(&server);
    finish(&client);
    rung_wire_tls_free(other);
}

static void plain_text_is_refused_by_both(void **state)
{
    (void)state;
    const char *texts[] = {"GET / HTTP/1.0\r\n\r\n", "\0\0\0\x03J{}       ", "SSH-2.0-OpenSSH\r\n",
                           "{\"a\":1}\n"};

    for (int server = 0; server < 2; server++)
        for (size_t i = 0; i < 4; i++) {
            struct side side = {0};
            int fds[2];
            pair(fds);
            start_with(&side, tls, fds[0], server);
            write_all(fds[1], texts[i], i == 1 ? 15 : strlen(texts[i]));
            until(side.closed);
            assert_string_equal(side.reason, "it speaks no TLS");
            assert_true(side.broken);
            assert_false(side.open);
            finish(&side);
            close(fds[1]);
        }
}

static void silence_is_not_waited_for(void **state)
{
    (void)state;
    struct rung_wire_tls *hasty = make_tls(0x5a);

    rung_wire_tls_limits(hasty)->handshake = 0.05;
    for (int server = 0; server < 2; server++)
        for (int bytes = 0; bytes < 2; bytes++) {
            struct side side = {0};
            int fds[2];
            pair(fds);
            start_with(&side, hasty, fds[0], server);
            write_all(fds[1], "\x16\x03\x01\x02", (size_t)bytes * 4);
            until(side.closed);
            assert_string_equal(side.reason, "no handshake within 0.05 s");
            assert_int_equal(side.broken, server);
            finish(&side);
            close(fds[1]);
        }
    rung_wire_tls_free(hasty);
}

static void refused_after(const char *bytes, size_t length, const char *reason)
{
    struct side server = {0};
    struct raw raw;

    start_raw(&raw, &server);
    assert_int_equal(SSL_write(raw.ssl, bytes, (int)length), (int)length);
    until(server.closed);
    assert_string_equal(server.reason, reason);
    assert_true(server.broken);
    assert_int_equal(server.messages + server.pieces, 0);
    end_raw(&raw);
    finish(&server);
}

static void what_is_no_frame_is_refused(void **state)
{
    (void)state;
    refused_after("\xff\xff\xff\xffJ", 5, "a frame of 4294967295 bytes");
    refused_after("\0\0\0\0J", 5, "a frame of 0 bytes");
    refused_after("\0\0\0\x03X{}", 7, "a frame of the unknown type 88");
    refused_after("\0\x20\0\x02J", 5, "a message of 2097153 bytes");
    refused_after("\0\x01\0\x0aS", 5, "a piece of 65537 bytes");
    refused_after("\0\0\0\x09S12345678", 13, "a piece of 0 bytes");
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    refused_after("\0\0\0\x02J{", 6,
                  "a message that is no JSON: line 1, column 2: expected a key in double "
                  "quotes, found the end of the text");
    refused_after("\0\0\0\x03J[]", 7, "a message that is an array and no object");
    refused_after("\0\0\0\x02J1", 6, "a message that is a number and no object");
    char deep[1005] = "\0\0\x03\xe9J";
    memset(deep + 5, '[', 1000);
    struct side server = {0};
    struct raw raw;
    start_raw(&raw, &server);
    SSL_write(raw.ssl, deep, sizeof deep);
    until(server.closed);
    assert_true(server.broken);
    assert_non_null(strstr(server.reason, "a message that is no JSON: "));
    end_raw(&raw);
    finish(&server);
}

static void a_truncated_frame_is_seen(void **state)
{
    (void)state;
    static const char *reasons[2][2] = {
        {"connection lost", "connection lost in the middle of a frame"},
        {"closed by the other side", "closed in the middle of a frame"},
    };
    for (int goodbye = 0; goodbye < 2; goodbye++)
        for (int length = 0; length < 8; length++) {
            struct side server = {0};
            struct raw raw;
            start_raw(&raw, &server);
            if (length > 0)
                assert_int_equal(SSL_write(raw.ssl, "\0\0\0\x05J{  ", length), length);
            if (goodbye)
                SSL_shutdown(raw.ssl);
            end_raw(&raw);
            until(server.closed);
            assert_string_equal(server.reason, reasons[goodbye][length > 0]);
            assert_int_equal(server.broken, goodbye && length > 0);
            assert_int_equal(server.messages, 0);
            finish(&server);
        }
}

static void bytes_that_were_changed_are_refused(void **state)
{
    (void)state;
    struct side server = {0};
    struct raw raw;

    start_raw(&raw, &server);
    write_all(raw.fd,
              "\x17\x03\x03\x00\x20"
              "0123456789abcdef0123456789abcdef",
              37);
    until(server.closed);
    assert_true(server.broken);
    assert_memory_equal(server.reason, "TLS: ", 5);
    end_raw(&raw);
    finish(&server);
}

/* ---- other ends that speak TLS without the key ---- */

static void start_stranger(struct raw *raw, SSL_CTX *context, struct side *side, bool server)
{
    int fds[2];
    pair(fds);
    start_with(side, tls, fds[0], server);
    raw->ssl = SSL_new(context);
    raw->fd = fds[1];
    SSL_set_fd(raw->ssl, fds[1]);
    if (server)
        SSL_set_connect_state(raw->ssl);
    else
        SSL_set_accept_state(raw->ssl);
}

static bool try_handshake(struct raw *raw)
{
    SSL_do_handshake(raw->ssl);
    return false;
}

static void a_client_without_a_key_is_refused(void **state)
{
    (void)state;
    int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    const char *reasons[] = {"it does not have the same key", "it speaks another version of TLS"};

    for (int i = 0; i < 2; i++) {
        struct side server = {0};
        struct raw raw;
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(context, versions[i]);
        start_stranger(&raw, context, &server, true);
        until(try_handshake(&raw) || server.closed);
        assert_string_equal(server.reason, reasons[i]);
        assert_true(server.broken && !server.open);
        end_raw(&raw);
        SSL_CTX_free(context);
        finish(&server);
    }
}

static X509 *certificate(EVP_PKEY *key)
{
    X509 *result = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(result), 1);
    X509_gmtime_adj(X509_getm_notBefore(result), 0);
    X509_gmtime_adj(X509_getm_notAfter(result), 1000);
    X509_set_pubkey(result, key);
    X509_sign(result, key, EVP_sha256());
    return result;
}

static void a_server_with_a_certificate_is_refused(void **state)
{
    (void)state;
    struct side client = {0};
    struct raw raw;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *own = certificate(key);

    assert_int_equal(SSL_CTX_use_certificate(context, own), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    start_stranger(&raw, context, &client, false);
    say(&client, "{\"secret\":1}");
    until(try_handshake(&raw) || client.closed);
    assert_true(client.broken && !client.open);
    assert_string_equal(client.reason, "it does not have the same key");
    end_raw(&raw);
    X509_free(own);
    EVP_PKEY_free(key);
    SSL_CTX_free(context);
    finish(&client);
}

/* What a client said is recorded, and said again to the same server. */
static void a_replayed_handshake_is_refused(void **state)
{
    (void)state;
    struct side server = {0}, again = {0};
    int fds[2];
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL *ssl = rung_wire_tls_ssl(tls);
    struct rung_buf said;
    char data[4096];

    rung_buf_init(&said, RUNG_BUF_UNLIMITED);
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    pair(fds);
    start_with(&server, tls, fds[0], true);
    while (!server.open) {
        int length;
        SSL_do_handshake(ssl);
        while ((length = BIO_read(out, data, sizeof data)) > 0) {
            rung_buf_append(&said, data, (size_t)length);
            write_all(fds[1], data, (size_t)length);
        }
        event_base_loop(base, EVLOOP_ONCE);
        if ((length = (int)read(fds[1], data, sizeof data)) > 0)
            BIO_write(in, data, length);
    }
    close(fds[1]);
    pair(fds);
    start_with(&again, tls, fds[0], true);
    write_all(fds[1], said.data, said.length);
    until(again.closed);
    assert_true(again.broken && !again.open);
    assert_string_equal(again.reason, "it does not have the same key");
    close(fds[1]);
    SSL_free(ssl);
    rung_buf_free(&said);
    finish(&server);
    finish(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_key_is_refused_by_both),
        TEST(plain_text_is_refused_by_both),
        TEST(silence_is_not_waited_for),
        TEST(what_is_no_frame_is_refused),
        TEST(what_is_no_object_is_refused),
        TEST(a_truncated_frame_is_seen),
        TEST(bytes_that_were_changed_are_refused),
        TEST(a_client_without_a_key_is_refused),
        TEST(a_server_with_a_certificate_is_refused),
        TEST(a_replayed_handshake_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
