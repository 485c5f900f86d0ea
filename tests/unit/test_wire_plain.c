/* Connections without TLS, as on a socket of this machine. */
#include "wire_help.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plain_frames_arrive_in_order),
        TEST(a_plain_close_loses_nothing),
        TEST(a_plain_stream_takes_no_more_memory_than_agreed),
        TEST(a_plain_end_may_go_in_any_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
