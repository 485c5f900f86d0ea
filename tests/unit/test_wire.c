/* Connections: two good ends in one loop, and their sockets. */
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

/* ---- sizes ---- */

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
        TEST(messages_of_all_sizes_arrive),
        TEST(a_stream_takes_no_more_memory_than_agreed),
        TEST(a_reader_that_rests_holds_the_writer_up),
        TEST(what_is_sent_in_one_pass_is_one_record),
        TEST(peers_are_named_by_their_addresses),
        TEST(addresses_of_both_families_are_named),
        TEST(nobody_listens),
        TEST(many_connections_at_once),
        TEST(no_descriptor_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
