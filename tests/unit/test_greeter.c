/* The door: who says who he is gets in, all others are closed, and told of once. */
#include "wire_help.h"

#include "dispatch/address.h"
#include "dispatch/greeter.h"

static struct rung_greeter *greeter;
static struct rung_address door;
static struct rung_buf told; /* a line per warning */
static struct rung_wire *in; /* who got in last */
static unsigned hellos;

static const char *on_hello(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    (void)context;
    hellos++;
    if (rung_json_get(message, "bad"))
        return "it is bad";
    rung_wire_free(in);
    in = wire;
    return NULL;
}

static void on_warning(void *context, const char *text)
{
    (void)context;
    rung_buf_printf(&told, "%s\n", text);
}

static bool admits;

static bool on_admit(void *context, int fd)
{
    (void)context;
    assert_true(fd >= 0);
    return admits;
}

static int open_door(void **state)
{
    struct rung_err err;
    int fd;

    if (set_up(state) != 0)
        return -1;
    door = (struct rung_address){.host = "127.0.0.1"};
    if (rung_address_listen(&fd, &door.port, &door, &err) < 0)
        return -1;
    struct rung_greeter_options options = {
        .tls = tls, .protocol = 3, .admit = on_admit, .hello = on_hello, .warn = on_warning};
    rung_buf_init(&told, RUNG_BUF_UNLIMITED);
    hellos = 0;
    admits = true;
    in = NULL;
    greeter = rung_greeter_create(base, fd, &options);
    return 0;
}

static int close_door(void **state)
{
    rung_wire_free(in);
    rung_greeter_free(greeter);
    rung_buf_free(&told);
    return tear_down(state);
}

static int knock(void)
{
    struct rung_err err;
    int fd;

    if (rung_address_connect(&fd, &door, &err) < 0)
        fail_msg("%s", err.text);
    return fd;
}

static void who_says_hello_gets_in(void **state)
{
    (void)state;
    struct side client = {0};

    start_with(&client, tls, knock(), false);
    say(&client, "{\"hello\":1}");
    until(hellos == 1);
    assert_non_null(in);
    assert_string_equal(rung_buf_cstr(&told), "");
    finish(&client);
}

static void who_is_refused_is_told_why(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct side client = {0};
        start_with(&client, tls, knock(), false);
        say(&client, "{\"bad\":1}");
        until(client.closed);
        assert_string_equal(rung_buf_cstr(&client.heard),
                            "open\n{\"type\":\"refused\",\"protocol\":3,\"reason\":\"it is bad\"}\nclosed\n");
        finish(&client);
    }
    assert_string_equal(rung_buf_cstr(&told), "a connection from 127.0.0.1 was refused: it is bad\n");
    assert_null(in);
}

static void a_piece_is_no_hello(void **state)
{
    (void)state;
    struct side client = {0};

    start_with(&client, tls, knock(), false);
    rung_wire_send_piece(client.wire, 1, "abc", 3);
    say(&client, "{\"hello\":1}");
    until(client.closed);
    assert_int_equal(hellos, 0);
    assert_string_equal(rung_buf_cstr(&told),
                        "a connection from 127.0.0.1 was refused: it did not say hello\n");
    finish(&client);
}

static void who_may_not_even_knock_is_closed_at_once(void **state)
{
    (void)state;
    struct side client = {0};

    admits = false;
    start_with(&client, tls, knock(), false);
    until(client.closed);
    assert_false(client.open);
    assert_string_equal(rung_buf_cstr(&told), "");
    finish(&client);
}

/* Of too many that are silent the oldest goes; who has the key goes last, and who says hello gets in beside
 * them. */
static void a_crowd_keeps_nobody_out(void **state)
{
    (void)state;
    struct side waiting = {0}, client = {0};
    int silent[200];

    start_with(&waiting, tls, knock(), false);
    until(waiting.open);
    for (int i = 0; i < 200; i++)
        silent[i] = knock();
    char byte;
    until(recv(silent[0], &byte, 1, MSG_DONTWAIT) == 0);
    assert_int_equal(recv(silent[199], &byte, 1, MSG_DONTWAIT), -1);
    start_with(&client, tls, knock(), false);
    say(&client, "{\"hello\":1}");
    until(hellos == 1);
    say(&waiting, "{\"hello\":2}");
    until(hellos == 2);
    assert_string_equal(rung_buf_cstr(&told),
                        "a connection from 127.0.0.1 was refused: it did not say in time who it is\n");
    for (int i = 0; i < 200; i++)
        close(silent[i]);
    finish(&client);
    finish(&waiting);
}

/* Each reason is told once; of too many only that there are. */
static void what_is_told_has_an_end(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct raw raw = {.ssl = rung_wire_tls_ssl(tls), .fd = knock()};
        char frame[] = {0, 0, 0, 2, 'J', (char)('A' + i % 26)}, byte;
        SSL_set_fd(raw.ssl, raw.fd);
        SSL_set_connect_state(raw.ssl);
        until(SSL_do_handshake(raw.ssl) == 1);
        SSL_write(raw.ssl, frame, sizeof frame);
        until(SSL_read(raw.ssl, &byte, 1) <= 0 && SSL_get_error(raw.ssl, -1) != SSL_ERROR_WANT_READ);
        end_raw(&raw);
    }
    unsigned lines = 0;
    for (const char *c = rung_buf_cstr(&told); *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 17);
    assert_non_null(strstr(rung_buf_cstr(&told), "more connections were refused: no more is told of them\n"));
}

int main(void)
{
#define DOOR(name) cmocka_unit_test_setup_teardown(name, open_door, close_door)
    const struct CMUnitTest tests[] = {
        DOOR(who_says_hello_gets_in),   DOOR(who_is_refused_is_told_why),
        DOOR(a_piece_is_no_hello),      DOOR(who_may_not_even_knock_is_closed_at_once),
        DOOR(a_crowd_keeps_nobody_out), DOOR(what_is_told_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
