/* How connections end: what still arrives, who waits for whom, and callbacks in which an end goes. */
#include "wire_help.h"

#include "dispatch/clock.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
