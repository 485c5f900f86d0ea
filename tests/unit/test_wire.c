/* Connections: two good ends in one loop, and how they end. */
#include "wire_help.h"

#include "dispatch/address.h"
#include "dispatch/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>

/* ---- what two good ends say ---- */

static void frames_arrive_in_order(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};
    static const unsigned char data[RUNG_WIRE_PIECE_MAX] = {7};

    start_both(&server, &client);
    say(&client, "{\"n\":1}"); /* before it is open: waits */
    until(server.open && client.open);
    rung_wire_send_piece(client.wire, 18446744073709551615u, data, 1);
    say(&client, "{\"n\":2}");
    rung_wire_send_piece(client.wire, 2, data, sizeof data);
    rung_wire_send_piece(client.wire, 0, data, 4096);
    say(&client, "{\"n\":3}");
    say(&server, "{\"from\":\"server\"}");
    until(server.messages == 3 && client.messages == 1);
    assert_string_equal(server.heard.data, "open\n{\"n\":1}\npiece 18446744073709551615 1\n{\"n\":2}\n"
                                           "piece 2 65536\npiece 0 4096\n{\"n\":3}\n");
    assert_string_equal(client.heard.data, "open\n{\"from\":\"server\"}\n");
    finish(&server);
    finish(&client);
}

/* ---- without TLS ---- */

static void start_plain(struct side *server, struct side *client)
{
    struct rung_wire_tls *with = tls;
    tls = NULL;
    start_both(server, client);
    tls = with;
}

static void plain_frames_arrive_in_order(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};
    static const unsigned char data[RUNG_WIRE_PIECE_MAX] = {7};

    start_plain(&server, &client);
    say(&client, "{\"n\":1}"); /* before it is open: waits */
    assert_false(server.open || client.open);
    until(server.open && client.open);
    rung_wire_send_piece(client.wire, 5, data, sizeof data);
    say(&client, "{\"n\":2}");
    say(&server, "{\"from\":\"server\"}");
    until(server.messages == 2 && client.messages == 1);
    assert_string_equal(server.heard.data, "open\n{\"n\":1}\npiece 5 65536\n{\"n\":2}\n");
    assert_string_equal(rung_wire_peer(server.wire), "this machine");
    finish(&server);
    finish(&client);
}

static void a_plain_close_loses_nothing(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) { /* it is open, and after */
        struct side server = {0}, client = {.quiet = true, .left = 400000};
        start_plain(&server, &client);
        if (!before)
            until(server.open && client.open);
        send_stream(&client);
        say(&client, "{\"last\":1}");
        rung_wire_close(client.wire);
        say(&client, "{\"too\":\"late\"}");
        until(server.closed && client.closed);
        assert_true(server.piece_bytes == 400000 && server.checksum == client.checksum);
        assert_int_equal(server.messages, 1);
        assert_false(server.broken);
        assert_string_equal(server.reason, "closed by the other side");
        finish(&server);
        finish(&client);
    }
}

static void a_plain_stream_takes_no_more_memory_than_agreed(void **state)
{
    (void)state;
    struct side server = {.quiet = true}, client = {.quiet = true, .left = 5000001};

    start_plain(&server, &client);
    until(server.open && client.open);
    send_stream(&client);
    until(server.piece_bytes == 5000001);
    assert_true(client.checksum == server.checksum && client.drained > 0);
    assert_true(client.highest < RUNG_WIRE_FULL + RUNG_WIRE_PIECE_MAX + 1000);
    finish(&server);
    finish(&client);
}

static void a_plain_end_may_go_in_any_callback(void **state)
{
    (void)state;
    for (enum when when = AT_OPEN; when <= AT_CLOSED; when++) {
        struct side server = {.free_at = when, .quiet = true}, client = {.quiet = true, .left = 400000};
        start_plain(&server, &client);
        say(&client, "{}");
        send_stream(&client);
        say(&client, "{}");
        rung_wire_close(client.wire);
        if (when == AT_DRAINED) { /* it sends nothing: it goes with us */
            until(client.closed);
        } else {
            until(!server.wire);
            until(client.closed);
        }
        finish(&server);
        finish(&client);
    }
}

/* ---- sizes ---- */

static char *message_of(size_t length)
{
    char *text = rung_mem_zalloc(length + 1, 1);
    memset(text, 'x', length);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + length - 2, "\"}", 2);
    return text;
}

static void messages_of_all_sizes_arrive(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};
    size_t sizes[] = {8, 100, 4095, 16384, 65536, 1 << 20, RUNG_WIRE_MESSAGE_MAX}, count = 7;

    start_both(&server, &client);
    until(server.open && client.open);
    rung_buf_clear(&server.heard);
    for (size_t i = 0; i < count; i++) {
        char *text = message_of(sizes[i]);
        say(&client, text);
        until(server.messages == i + 1);
        assert_int_equal(server.heard.length, sizes[i] + 1);
        assert_memory_equal(server.heard.data, text, sizes[i]);
        rung_buf_clear(&server.heard);
        free(text);
    }
    char *text = message_of(RUNG_WIRE_MESSAGE_MAX + 1);
    assert_false(rung_wire_send(client.wire, text, RUNG_WIRE_MESSAGE_MAX + 1));
    free(text);
    say(&client, "{}");
    until(server.messages == count + 1);
    assert_string_equal(server.heard.data, "{}\n");
    finish(&server);
    finish(&client);
}

static void a_stream_takes_no_more_memory_than_agreed(void **state)
{
    (void)state;
    struct side server = {.quiet = true}, client = {.quiet = true, .left = 20000001};
    uint64_t total = client.left;

    start_both(&server, &client);
    until(server.open && client.open);
    send_stream(&client);
    until(server.piece_bytes == total);
    assert_true(client.checksum == server.checksum);
    assert_true(client.drained > total / RUNG_WIRE_FULL / 2);
    assert_true(client.highest < RUNG_WIRE_FULL + RUNG_WIRE_PIECE_MAX + 1000);
    assert_true(client.left == 0);
    unsigned drained = client.drained;
    say(&client, "{}"); /* messages alone drain nothing */
    until(server.messages == 1);
    assert_true(client.drained <= drained + 1);
    finish(&server);
    finish(&client);
}

static void a_reader_that_rests_holds_the_writer_up(void **state)
{
    (void)state;
    struct side server = {.quiet = true, .free_at = AT_DRAINED}, client = {.quiet = true};
    int fds[2];

    pair(fds);
    int other = dup(fds[1]); /* nobody reads it any more once its wire is stopped */
    start_with(&server, tls, fds[0], true);
    start_with(&client, tls, fds[1], false);
    until(server.open && client.open);
    rung_wire_free(client.wire);
    client.wire = NULL;
    server.left = 100u << 20;
    send_stream(&server);
    for (int i = 0; i < 100; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    if (server.wire && !server.closed)
        assert_true(rung_wire_backlog(server.wire) < RUNG_WIRE_FULL + RUNG_WIRE_PIECE_MAX + 1000);
    assert_true(server.left > 90u << 20);
    close(other);
    finish(&server);
    finish(&client);
}

static void what_is_sent_in_one_pass_is_one_record(void **state)
{
    (void)state;
    struct side server = {.quiet = true};
    struct raw raw;
    char data[4096];

    start_raw(&raw, &server);
    for (int i = 0; i < 10; i++)
        say(&server, "{\"n\":1}");
    rung_wire_send_piece(server.wire, 1, "abc", 3);
    assert_int_equal(SSL_read(raw.ssl, data, sizeof data), -1); /* not from within */
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(SSL_read(raw.ssl, data, sizeof data), 10 * (5 + 7) + 13 + 3);
    assert_int_equal(rung_wire_backlog(server.wire), 0);
    say(&server, "{\"n\":1}");
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(SSL_read(raw.ssl, data, sizeof data), 5 + 7);
    end_raw(&raw);
    finish(&server);
}

/* ---- the end ---- */

static void closing_sends_what_was_sent_before(void **state)
{
    (void)state;
    struct side server = {.quiet = true, .close_at = AT_MESSAGE}, client = {.quiet = true};

    start_both(&server, &client);
    until(server.open && client.open);
    static const unsigned char data[RUNG_WIRE_PIECE_MAX];
    for (int i = 0; i < 100; i++)
        rung_wire_send_piece(client.wire, 9, data, sizeof data);
    char *text = message_of(1 << 20);
    say(&client, text);
    free(text);
    rung_wire_close(client.wire);
    rung_wire_close(client.wire);
    say(&client, "{\"too\":\"late\"}");
    rung_wire_send_piece(client.wire, 9, data, sizeof data);
    until(server.closed && client.closed);
    assert_int_equal(server.pieces, 100);
    assert_int_equal(server.messages, 1);
    assert_false(server.broken || client.broken);
    assert_string_equal(client.reason, "closed");
    finish(&server);
    finish(&client);
}

static void closing_loses_nothing_although_the_other_side_sends(void **state)
{
    (void)state;
    struct side server = {.quiet = true}, client = {.quiet = true, .left = 50000000, .close_at = NEVER};

    start_both(&server, &client);
    until(server.open && client.open);
    send_stream(&client);
    until(server.piece_bytes > 1000000);
    say(&server, "{\"error\":\"enough\"}");
    rung_wire_close(server.wire);
    until(client.closed && server.closed);
    assert_int_equal(client.messages, 1);
    assert_string_equal(client.reason, "closed by the other side");
    assert_string_equal(server.reason, "closed");
    finish(&server);
    finish(&client);
}

static void closing_when_nothing_waits(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};

    start_both(&server, &client);
    until(server.open && client.open);
    rung_wire_close(server.wire);
    assert_false(server.closed); /* never from within */
    until(server.closed && client.closed);
    assert_string_equal(server.heard.data, "open\nclosed\n");
    assert_string_equal(client.heard.data, "open\nclosed\n");
    assert_string_equal(client.reason, "closed by the other side");
    finish(&server);
    finish(&client);
}

static void closing_before_it_is_open(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};

    start_both(&server, &client);
    say(&client, "{\"last\":1}");
    rung_wire_close(client.wire);
    rung_wire_close(server.wire);
    until(server.closed && client.closed);
    assert_false(client.open || server.open);
    finish(&server);
    finish(&client);
    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    start_both(&server, &client);
    say(&client, "{\"last\":1}");
    rung_wire_close(client.wire);
    until(server.closed && client.closed);
    assert_string_equal(server.heard.data, "open\n{\"last\":1}\nclosed\n");
    assert_string_equal(client.heard.data, "closed\n");
    finish(&server);
    finish(&client);
}

static void both_close_at_once(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};

    start_both(&server, &client);
    until(server.open && client.open);
    say(&client, "{\"a\":1}");
    rung_wire_close(client.wire);
    rung_wire_close(server.wire);
    until(server.closed && client.closed);
    assert_false(server.broken || client.broken);
    finish(&server);
    finish(&client);
}

static void freeing_in_every_callback(void **state)
{
    (void)state;
    for (enum when when = AT_OPEN; when <= AT_CLOSED; when++) {
        struct side server = {.free_at = when, .quiet = true}, client = {.quiet = true, .left = 1000000};
        start_both(&server, &client);
        say(&client, "{\"n\":1}");
        say(&client, "{\"n\":2}");
        if (when == AT_DRAINED)
            server.left = 3000000;
        until(client.open && (server.open || !server.wire));
        if (server.wire)
            send_stream(&server);
        send_stream(&client);
        if (when == AT_CLOSED)
            rung_wire_close(client.wire);
        until(client.closed);
        assert_null(server.wire);
        assert_int_equal(server.messages, when == AT_OPEN ? 0 : when == AT_MESSAGE ? 1 : 2);
        if (when == AT_PIECE)
            assert_int_equal(server.pieces, 1);
        assert_false(client.broken);
        finish(&server);
        finish(&client);
    }
}

static void closing_in_callbacks_ends_the_frames(void **state)
{
    (void)state;
    for (enum when when = AT_OPEN; when <= AT_PIECE; when++) {
        struct side server = {.close_at = when}, client = {.quiet = true};
        start_both(&server, &client);
        for (int i = 0; i < 3; i++) {
            say(&client, "{\"n\":1}");
            rung_wire_send_piece(client.wire, 3, "abc", 3);
        }
        until(server.closed && client.closed);
        assert_string_equal(server.heard.data, when == AT_OPEN      ? "open\nclosed\n"
                                               : when == AT_MESSAGE ? "open\n{\"n\":1}\nclosed\n"
                                                                    : "open\n{\"n\":1}\npiece 3 3\nclosed\n");
        finish(&server);
        finish(&client);
    }
}

static void freed_while_others_wait(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};

    start_both(&server, &client);
    finish(&client); /* before anything happened */
    until(server.closed);
    assert_false(server.broken);
    assert_string_equal(server.reason, "connection lost");
    finish(&server);
    rung_wire_free(NULL);
}

static void another_listener_takes_over(void **state)
{
    (void)state;
    struct side server = {0}, client = {0}, second = {0};
    struct rung_wire_listener listener = {
        .context = &second, .message = on_message, .piece = on_piece, .closed = on_closed};

    start_both(&server, &client);
    until(server.open && client.open);
    rung_buf_init(&second.heard, RUNG_BUF_UNLIMITED);
    second.wire = server.wire;
    second.open = true;
    rung_wire_listen(server.wire, &listener);
    say(&client, "{\"n\":1}");
    rung_wire_close(client.wire);
    until(second.closed && client.closed);
    assert_string_equal(server.heard.data, "open\n");
    assert_string_equal(second.heard.data, "{\"n\":1}\nclosed\n");
    rung_buf_free(&second.heard);
    finish(&server);
    finish(&client);
}

static void closing_does_not_wait_for_who_reads_nothing(void **state)
{
    (void)state;
    struct side server = {.quiet = true, .left = 100u << 20};
    struct raw raw;

    rung_wire_tls_limits(tls)->close = 0.05;
    start_raw(&raw, &server);
    send_stream(&server);
    rung_wire_close(server.wire);
    until(server.closed);
    assert_string_equal(server.reason, "closed before all was sent");
    assert_false(server.broken);
    end_raw(&raw);
    finish(&server);
}

static void closing_does_not_wait_for_who_stays(void **state)
{
    (void)state;
    struct side server = {.quiet = true};
    struct raw raw;
    char data[100];

    rung_wire_tls_limits(tls)->close = 0.05;
    start_raw(&raw, &server);
    say(&server, "{}");
    rung_wire_close(server.wire);
    until(server.closed);
    assert_string_equal(server.reason, "closed");
    assert_int_equal(SSL_read(raw.ssl, data, sizeof data), 7);
    assert_memory_equal(data, "\0\0\0\x03J{}", 7);
    assert_int_equal(SSL_read(raw.ssl, data, sizeof data), 0);
    assert_int_equal(SSL_get_shutdown(raw.ssl), SSL_RECEIVED_SHUTDOWN);
    end_raw(&raw);
    finish(&server);
}

/* Sizes are such that in some rounds everything is in the kernel's buffer and the goodbye finds no room. */
static void a_goodbye_waits_for_room(void **state)
{
    (void)state;
    for (size_t length = 1; length < 600; length += 13) {
        struct side server = {.quiet = true};
        struct raw raw;
        static unsigned char data[RUNG_WIRE_PIECE_MAX];
        size_t got = 0, sent = 0;
        int n, small = 4096;

        start_raw(&raw, &server);
        setsockopt(raw.server_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        for (int i = 0; i < 20; i++) {
            rung_wire_send_piece(server.wire, 1, data, length);
            sent += length + 13;
            event_base_loop(base, EVLOOP_NONBLOCK);
        }
        rung_wire_close(server.wire);
        for (int i = 0; i < 10; i++)
            event_base_loop(base, EVLOOP_NONBLOCK);
        double patience = rung_clock_monotonic() + PATIENCE;
        do { /* the loop is not waited in: this side is no event of it */
            event_base_loop(base, EVLOOP_NONBLOCK);
            if ((n = SSL_read(raw.ssl, data, 64)) > 0)
                got += (size_t)n;
        } while (SSL_get_error(raw.ssl, n) != SSL_ERROR_ZERO_RETURN && rung_clock_monotonic() < patience);
        assert_int_equal(got, sent);
        end_raw(&raw);
        until(server.closed);
        assert_string_equal(server.reason, "closed");
        finish(&server);
    }
}

/* ---- sockets ---- */

static int listening(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
    assert_int_equal(listen(fd, 100), 0);
    return fd;
}

static int connecting(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        assert_true(errno == EINPROGRESS || errno == ECONNREFUSED);
    return fd;
}

static void peers_are_named_by_their_addresses(void **state)
{
    (void)state;
    struct side server = {0}, client = {0};
    struct sockaddr_in address;
    char expected[64];
    int fd = listening(&address);

    start_with(&client, tls, connecting(&address), false);
    int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    start_with(&server, tls, accepted, true);
    until(server.open && client.open);
    snprintf(expected, sizeof expected, "127.0.0.1:%d", ntohs(address.sin_port));
    assert_string_equal(rung_wire_peer(client.wire), expected);
    assert_memory_equal(rung_wire_peer(server.wire), "127.0.0.1:", 10);
    double heard = rung_wire_heard_at(server.wire);
    say(&client, "{}");
    until(server.messages == 1);
    assert_true(rung_wire_heard_at(server.wire) > heard);
    assert_true(rung_wire_heard_at(server.wire) <= rung_clock_monotonic());
    close(fd);
    finish(&server);
    finish(&client);
}

static void addresses_of_both_families_are_named(void **state)
{
    (void)state;
    const char *hosts[] = {"127.0.0.1", "::1"}, *forms[] = {"127.0.0.1:%d", "[::1]:%d"};
    struct rung_address every = {.port = 0};
    int fd, to;

    for (int i = 0; i < 2; i++) {
        struct side server = {0}, client = {0};
        struct rung_address address = {0};
        char expected[64];
        struct pollfd wait = {.events = POLLIN};
        assert_int_equal(rung_address_listen(&fd, &address.port, &every, NULL), 0);
        strcpy(address.host, hosts[i]);
        if (rung_address_connect(&to, &address, NULL) == 0) { /* else there is no IPv6 here */
            wait.fd = fd;
            assert_int_equal(poll(&wait, 1, 1000), 1);
            start_with(&client, tls, to, false);
            start_with(&server, tls, accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), true);
            until(server.open && client.open);
            snprintf(expected, sizeof expected, forms[i], address.port);
            assert_string_equal(rung_wire_peer(client.wire), expected);
            assert_memory_equal(rung_wire_peer(server.wire), expected, strlen(hosts[i]) + (size_t)i * 2);
            finish(&server);
            finish(&client);
        } else {
            assert_int_equal(i, 1);
        }
        close(fd);
    }
}

static void nobody_listens(void **state)
{
    (void)state;
    struct side client = {0};
    struct sockaddr_in address;

    close(listening(&address));
    start_with(&client, tls, connecting(&address), false);
    until(client.closed);
    assert_false(client.broken);
    finish(&client);
}

static void many_connections_at_once(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    static struct side sides[2 * COUNT];
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 3 * COUNT) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    memset(sides, 0, sizeof sides);
    for (int i = 0; i < COUNT; i++)
        start_both(&sides[2 * i], &sides[2 * i + 1]);
    for (int i = 0; i < COUNT; i++) {
        say(&sides[2 * i], "{\"a\":1}");
        rung_wire_send_piece(sides[2 * i + 1].wire, (uint64_t)i, "abc", 3);
    }
    for (int i = 0; i < COUNT; i++)
        until(sides[2 * i].pieces == 1 && sides[2 * i + 1].messages == 1);
    for (int i = 0; i < COUNT; i++)
        rung_wire_close(sides[2 * i + i % 2].wire);
    for (int i = 0; i < 2 * COUNT; i++) {
        until(sides[i].closed);
        assert_false(sides[i].broken);
        finish(&sides[i]);
    }
}

static void no_descriptor_is_left(void **state)
{
    (void)state;
    int before = dup(0), fds[2];
    struct side side = {0};

    close(before);
    pair(fds);
    start_with(&side, tls, fds[0], true);
    finish(&side);
    event_base_loop(base, EVLOOP_NONBLOCK);
    char byte;
    assert_int_equal(read(fds[1], &byte, 1), 0); /* it is closed */
    close(fds[1]);
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_arrive_in_order),
        TEST(plain_frames_arrive_in_order),
        TEST(a_plain_close_loses_nothing),
        TEST(a_plain_stream_takes_no_more_memory_than_agreed),
        TEST(a_plain_end_may_go_in_any_callback),
        TEST(messages_of_all_sizes_arrive),
        TEST(a_stream_takes_no_more_memory_than_agreed),
        TEST(a_reader_that_rests_holds_the_writer_up),
        TEST(what_is_sent_in_one_pass_is_one_record),
        TEST(closing_sends_what_was_sent_before),
        TEST(closing_loses_nothing_although_the_other_side_sends),
        TEST(closing_when_nothing_waits),
        TEST(closing_before_it_is_open),
        TEST(both_close_at_once),
        TEST(freeing_in_every_callback),
        TEST(closing_in_callbacks_ends_the_frames),
        TEST(freed_while_others_wait),
        TEST(another_listener_takes_over),
        TEST(closing_does_not_wait_for_who_reads_nothing),
        TEST(closing_does_not_wait_for_who_stays),
        TEST(a_goodbye_waits_for_room),
        TEST(peers_are_named_by_their_addresses),
        TEST(addresses_of_both_families_are_named),
        TEST(nobody_listens),
        TEST(many_connections_at_once),
        TEST(no_descriptor_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
