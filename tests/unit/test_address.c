/* Addresses: the three forms, listening and connecting on this machine, and what cannot be. */
#include "dispatch/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct rung_address address(const char *text)
{
    struct rung_address result;
    struct rung_err err;
    if (rung_address_read(&result, text, &err) < 0)
        fail_msg("%s", err.text);
    return result;
}

static void reads(const char *text, const char *host, int port)
{
    struct rung_address result = address(text);
    assert_string_equal(result.host, host);
    assert_int_equal(result.port, port);
}

static void the_three_forms_are_read(void **state)
{
    (void)state;
    char longest[300], host[256];

    reads("node1:4711", "node1", 4711);
    reads("a-b.example.org:65535", "a-b.example.org", 65535);
    reads("10.0.0.1:1", "10.0.0.1", 1);
    reads("[::1]:4711", "::1", 4711);
    reads("[fe80::1%eth0]:4711", "fe80::1%eth0", 4711);
    reads(":4711", "", 4711);
    reads(":0", "", 0);
    memset(host, 'a', 255);
    host[255] = '\0';
    snprintf(longest, sizeof longest, "%s:80", host);
    reads(longest, host, 80);
}

static void other_forms_are_refused_with_the_way_out(void **state)
{
    (void)state;
    char longer[300];
    memset(longer, 'a', 256);
    strcpy(longer + 256, ":80");
    const char *texts[] = {
        "",           "node1",         "node1:",   "node1:x", "node1:-1",    "node1:65536", "node1: 1",
        "node1:1x",   "node1:000001",  "::1:4711", "::1",     "[::1]",       "[::1]4711",   "[]:80",
        "[node1]:80", "[10.0.0.1]:80", "a b:80",   "a\n:80",  "http://a:80", "u@a:80",      "[::1:80",
        "::1]:80",    "[::1% ]:80",    longer};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rung_address result;
        struct rung_err err = {0};
        if (rung_address_read(&result, texts[i], &err) != RUNG_EUSE)
            fail_msg("\"%s\" is taken", texts[i]);
        assert_string_equal(err.way_out, "HOST:PORT, [V6]:PORT or :PORT");
        assert_null(strchr(err.text, '\n'));
    }
}

static int listen_well(const char *text, int *port)
{
    struct rung_address where = address(text);
    struct rung_err err;
    int fd;
    if (rung_address_listen(&fd, port, &where, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(*port > 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    return fd;
}

/* Not on every machine. */
static bool localhost_is_known(void)
{
    struct addrinfo *found = NULL;
    bool known = getaddrinfo("localhost", NULL, NULL, &found) == 0;
    if (known)
        freeaddrinfo(found);
    else
        print_message("there is no localhost here\n");
    return known;
}

static void reaches(const char *host, int port, int listener)
{
    char text[100];
    struct rung_err err;
    int fd, error = 0;
    socklen_t length = sizeof error;

    snprintf(text, sizeof text, "%s:%d", host, port);
    struct rung_address where = address(text);
    if (rung_address_connect(&fd, &where, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    struct pollfd wait[] = {{.fd = fd, .events = POLLOUT}, {.fd = listener, .events = POLLIN}};
    assert_true(poll(wait, 1, 10000) == 1 && poll(wait + 1, 1, 10000) == 1);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    assert_int_equal(error, 0);
    int accepted = accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    close(accepted);
    close(fd);
}

static bool has_v6(void)
{
    struct rung_address where = address("[::1]:0");
    int fd, port;
    if (rung_address_listen(&fd, &port, &where, NULL) < 0)
        return false;
    close(fd);
    return true;
}

static void who_listens_is_reached(void **state)
{
    (void)state;
    int port, fd = listen_well("127.0.0.1:0", &port);
    reaches("127.0.0.1", port, fd);
    reaches("", port, fd);
    close(fd);
    fd = listen_well(":0", &port);
    reaches("127.0.0.1", port, fd);
    if (localhost_is_known())
        reaches("localhost", port, fd);
    if (has_v6())
        reaches("[::1]", port, fd);
    close(fd);
    if (localhost_is_known()) { /* by whichever of its addresses */
        fd = listen_well("localhost:0", &port);
        reaches("localhost", port, fd);
        close(fd);
    }
    if (!has_v6())
        skip();
    fd = listen_well("[::1]:0", &port);
    reaches("[::1]", port, fd);
    close(fd);
}

static void where_nobody_can_listen(void **state)
{
    (void)state;
    struct rung_err err;
    char text[100];
    int port, other, none, fd = listen_well("127.0.0.1:0", &port);

    snprintf(text, sizeof text, "127.0.0.1:%d", port);
    struct rung_address taken = address(text);
    assert_int_equal(rung_address_listen(&none, &other, &taken, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "another program listens there"));
    snprintf(text, sizeof text, ":%d", port);
    taken = address(text);
    assert_int_equal(rung_address_listen(&none, &other, &taken, &err), RUNG_EUSE);
    close(fd);
    struct rung_address foreign = address("192.0.2.1:0");
    assert_int_equal(rung_address_listen(&none, &other, &foreign, &err), RUNG_EUSE);
    assert_string_equal(err.text, "192.0.2.1:0: it is no address of this machine");
}

/* With names of its own a machine may answer that it cannot look them up now. */
static void names_that_nobody_has(void **state)
{
    (void)state;
    struct rung_address nobody = address("no-such-machine.invalid:80");
    struct rung_err err;
    int fd, port;

    assert_true(rung_address_connect(&fd, &nobody, &err) < 0);
    assert_memory_equal(err.text, "no-such-machine.invalid:80: the name ", 37);
    assert_true(rung_address_listen(&fd, &port, &nobody, &err) < 0);
    assert_false(rung_address_is_loopback(&nobody));
}

static void nobody_listens(void **state)
{
    (void)state;
    struct rung_err err;
    char text[100];
    int port, fd = listen_well("127.0.0.1:0", &port), error = 0;
    socklen_t length = sizeof error;

    close(fd);
    snprintf(text, sizeof text, "127.0.0.1:%d", port);
    struct rung_address where = address(text);
    int code = rung_address_connect(&fd, &where, &err);
    if (code == 0) { /* it is said when the connection is used */
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        assert_int_equal(poll(&wait, 1, 10000), 1);
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
        assert_int_equal(error, ECONNREFUSED);
        close(fd);
    } else {
        assert_int_equal(code, RUNG_EFAIL);
        assert_non_null(strstr(err.text, "refused"));
    }
    where = address(":0");
    assert_int_equal(rung_address_connect(&fd, &where, &err), RUNG_EUSE);
}

static void loopback_is_known(void **state)
{
    (void)state;
    const char *own[] = {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1",
                         localhost_is_known() ? "localhost:1" : "127.0.0.2:1"};
    const char *others[] = {":1",          "0.0.0.0:1",          "[::]:1", "10.0.0.1:1", "128.0.0.1:1",
                            "[fe80::1]:1", "[::ffff:10.0.0.1]:1"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct rung_address where = address(own[i]);
        if (!rung_address_is_loopback(&where))
            fail_msg("%s is of this machine alone", own[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct rung_address where = address(others[i]);
        if (rung_address_is_loopback(&where))
            fail_msg("%s is not of this machine alone", others[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_forms_are_read),
        cmocka_unit_test(other_forms_are_refused_with_the_way_out),
        cmocka_unit_test(who_listens_is_reached),
        cmocka_unit_test(where_nobody_can_listen),
        cmocka_unit_test(names_that_nobody_has),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(loopback_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
