/* Peers: what is sent arrives once and in order, with its files, over connections that break. */
#include "dispatch/peer.h"

#include "loop_help.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dispatch/said.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEAT 1000 /* seconds: no life sign comes in a test */

struct side {
    struct rung_peer *peer;
    struct rung_wire *wire; /* until it is open */
    bool open, lost, broken;
    long long heard; /* number in the last message */
    int messages, files;
    size_t file_bytes;
    char reason[200];
};

static char folder[64];

/* ---- two sides ---- */

static void on_open(void *context, struct rung_wire *wire)
{
    struct side *side = context;
    (void)wire;
    side->open = true;
}

static void on_early_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    (void)context, (void)wire, (void)message;
    fail_msg("a message before the greeting");
}

static void on_early_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data,
                           size_t length)
{
    (void)context, (void)wire, (void)stream, (void)data, (void)length;
    fail_msg("a piece before the greeting");
}

static void on_early_end(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)context, (void)wire, (void)broken;
    fail_msg("%s", reason);
}

static void on_message(void *context, const struct rung_json *message, const char *file)
{
    struct side *side = context;
    struct stat info;

    side->messages++;
    side->heard = rung_said_integer(message, "n", -1);
    if (!file)
        return;
    assert_int_equal(stat(file, &info), 0);
    side->files++;
    side->file_bytes = (size_t)info.st_size;
}

static char *on_place(void *context, uint64_t stream)
{
    (void)context;
    return rung_mem_printf("%s/in.%llu", folder, (unsigned long long)stream);
}

static void on_lost(void *context, bool broken, const char *reason)
{
    struct side *side = context;
    side->lost = true;
    side->broken = broken;
    snprintf(side->reason, sizeof side->reason, "%s", reason);
}

static void start(struct side *side)
{
    struct rung_peer_listener listener = {
        .context = side, .message = on_message, .place = on_place, .lost = on_lost};
    *side = (struct side){.peer = rung_peer_create(base, BEAT, &listener)};
}

static void open_wire(struct side *side, int fd, bool server)
{
    struct rung_wire_listener listener = {.context = side,
                                          .open = on_open,
                                          .message = on_early_message,
                                          .piece = on_early_piece,
                                          .closed = on_early_end};
    side->open = side->lost = false;
    side->wire = rung_wire_create(NULL, base, fd, server, &listener);
    assert_non_null(side->wire);
}

static void pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

/* They have greeted each other: each says what it has of the other. */
static void connect_both(struct side *a, struct side *b)
{
    uint64_t of_a = rung_peer_received(b->peer), of_b = rung_peer_received(a->peer);
    int fds[2];

    pair(fds);
    open_wire(a, fds[0], true);
    open_wire(b, fds[1], false);
    until(a->open && b->open);
    assert_true(rung_peer_connected(a->peer, a->wire, of_a));
    assert_true(rung_peer_connected(b->peer, b->wire, of_b));
}

static void say(struct side *side, int number, size_t length)
{
    char *padding = rung_mem_zalloc(length + 1, 1);
    char *text = NULL;

    memset(padding, 'x', length);
    text = rung_mem_printf("{\"n\":%d,\"padding\":\"%s\"}", number, padding);
    rung_peer_send(side->peer, text);
    free(text);
    free(padding);
}

static char *file_of(const char *name, size_t length)
{
    char *path = rung_mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (size_t i = 0; i < length; i++)
        fputc((int)(i * 31 % 251), file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    snprintf(folder, sizeof folder, "/tmp/rung-peer-XXXXXX");
    return base && mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    event_base_free(base);
    return rmdir(folder); /* nothing is left in it */
}

/* ---- the tests ---- */

/* More than may wait in a connection at one time. */
static void what_has_waited_for_a_connection_arrives(void **state)
{
    (void)state;
    enum { COUNT = 3000, LENGTH = 1000 };
    struct side a, b;

    start(&a);
    start(&b);
    assert_true((size_t)COUNT * LENGTH > 4 * RUNG_WIRE_FULL);
    for (int i = 1; i <= COUNT; i++)
        say(&a, i, LENGTH);
    connect_both(&a, &b);
    until(b.messages == COUNT);
    assert_int_equal(b.heard, COUNT);
    rung_peer_free(a.peer);
    rung_peer_free(b.peer);
}

static void a_connection_that_breaks_loses_and_repeats_nothing(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    struct side a, b;
    int breaks = 0;

    start(&a);
    start(&b);
    for (int i = 1; i <= COUNT; i++)
        say(&a, i, 10000);
    while (b.messages < COUNT) {
        int before = b.messages;
        connect_both(&a, &b);
        until(b.messages == COUNT || b.messages > before + 50);
        assert_int_equal(b.heard, b.messages);
        breaks++;
    }
    assert_true(breaks > 3);
    rung_peer_free(a.peer);
    rung_peer_free(b.peer);
}

static void files_come_before_their_messages(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, RUNG_WIRE_PIECE_MAX, 3 * RUNG_WIRE_FULL + 1};
    struct side a, b;

    start(&a);
    start(&b);
    connect_both(&a, &b);
    for (int i = 0; i < 4; i++) {
        char *path = file_of("out", lengths[i]);
        rung_peer_send_file(a.peer, "{\"n\":5}", path, 7, false);
        until(b.messages == i + 1);
        assert_int_equal(b.files, i + 1);
        assert_int_equal(b.file_bytes, lengths[i]);
        unlink(path);
        free(path);
    }
    rung_peer_send_file(a.peer, "{\"n\":6}", "/nowhere/at/all", 7, false);
    until(b.messages == 5);
    assert_int_equal(b.files, 4);
    rung_peer_free(a.peer);
    rung_peer_free(b.peer);
}

static void a_file_begins_anew_after_a_break(void **state)
{
    (void)state;
    struct side a, b;
    char *path = file_of("out", 4 * RUNG_WIRE_FULL), *part = on_place(NULL, 9);

    start(&a);
    start(&b);
    connect_both(&a, &b);
    rung_peer_send_file(a.peer, "{\"n\":1}", path, 9, true);
    until(access(part, F_OK) == 0);
    assert_int_equal(b.messages, 0);
    connect_both(&a, &b);
    until(b.messages == 1);
    assert_int_equal(b.file_bytes, 4 * RUNG_WIRE_FULL);
    say(&b, 1, 1); /* by the way it says what it has */
    until(a.messages == 1);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(rung_peer_idle(a.peer));
    rung_peer_free(a.peer);
    rung_peer_free(b.peer);
    free(path);
    free(part);
}

/* A long message over a slow line is no silence. */
static void a_part_of_a_message_is_a_life_sign(void **state)
{
    (void)state;
    struct side a;
    int fds[2];

    start(&a);
    pair(fds);
    open_wire(&a, fds[0], true);
    until(a.open);
    assert_true(rung_peer_connected(a.peer, a.wire, 0));
    double before = rung_peer_heard_at(a.peer);
    assert_int_equal(write(fds[1], "\0\0\0\100J{", 6), 6);
    until(rung_peer_heard_at(a.peer) > before);
    before = rung_peer_heard_at(a.peer);
    close(fds[1]);
    until(a.lost);
    assert_true(a.broken);
    assert_true(rung_peer_heard_at(a.peer) >= before);
    rung_peer_free(a.peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_has_waited_for_a_connection_arrives),
        TEST(a_connection_that_breaks_loses_and_repeats_nothing),
        TEST(files_come_before_their_messages),
        TEST(a_file_begins_anew_after_a_break),
        TEST(a_part_of_a_message_is_a_life_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
