/* Files that are sent to callers: whole and in order, to those who read late, and not for ever to those who
 * do not. */
#include "loop_help.h"

#include "base/mem.h"
#include "dispatch/answer.h"
#include "dispatch/control.h"
#include "dispatch/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH  (5 * 1000 * 1000)
#define STREAM  3
#define COMMAND "{\"type\":\"command\",\"protocol\":1,\"command\":\"list\"}"

static struct rung_control *control;
static struct rung_caller *caller;
static struct rung_answer *answer;
static char folder[64], path[80];

/* How the answer ended, and what the other side heard. */
static struct heard {
    int ended, why;
    size_t backlog; /* at the end */
    size_t poured;
    bool wrong;
} heard;

static unsigned char byte_at(size_t at)
{
    return (unsigned char)(at * 2654435761U >> 13);
}

/* ---- the daemon's side ---- */

static void on_said(void *context, struct rung_caller *who, const struct rung_json *message)
{
    (void)context, (void)message;
    caller = who;
}

static void on_hung_up(void *context, struct rung_caller *who)
{
    (void)context;
    assert_ptr_equal(who, caller);
    rung_answer_free(answer);
    answer = NULL;
    caller = NULL;
}

static void on_warn(void *context, const char *text)
{
    (void)context;
    fail_msg("%s", text);
}

static void on_ended(void *context, int why)
{
    assert_ptr_equal(context, &heard);
    heard.ended++;
    heard.why = why;
    heard.backlog = rung_caller_backlog(caller);
    answer = NULL;
}

static int file_of(size_t length, int flags)
{
    char name[80];
    snprintf(name, sizeof name, "%s/file", folder);
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    for (size_t i = 0; i < length; i++)
        putc(byte_at(i), file);
    assert_int_equal(fclose(file), 0);
    int fd = open(name, flags | O_CLOEXEC);
    assert_true(fd >= 0);
    unlink(name);
    return fd;
}

static void send_file(int fd, double patience)
{
    struct rung_answer_options options = {.caller = caller,
                                          .file = fd,
                                          .stream = STREAM,
                                          .patience = patience,
                                          .context = &heard,
                                          .ended = on_ended};
    answer = rung_answer_send(base, &options);
    assert_int_equal(heard.ended, 0); /* never from within */
}

/* ---- the other side ---- */

static void side_open(void *context, struct rung_wire *wire)
{
    (void)context, (void)wire;
}

static void side_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    (void)context, (void)wire, (void)message;
    fail_msg("nothing was said");
}

static void side_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data,
                       size_t length)
{
    const unsigned char *bytes = data;
    (void)context, (void)wire;
    heard.wrong |= stream != STREAM;
    for (size_t i = 0; i < length; i++)
        heard.wrong |= bytes[i] != byte_at(heard.poured + i);
    heard.poured += length;
}

static void side_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)context, (void)wire, (void)broken, (void)reason;
}

static int connect_to(void)
{
    struct rung_err err;
    int fd;
    if (rung_unix_connect(&fd, path, &err) < 0)
        fail_msg("%s", err.text);
    return fd;
}

static struct rung_wire *wire_of(int fd)
{
    struct rung_wire_listener listener = {
        .open = side_open, .message = side_message, .piece = side_piece, .closed = side_closed};
    struct rung_wire *wire = rung_wire_create(NULL, base, fd, false, &listener);
    assert_non_null(wire);
    return wire;
}

static struct rung_wire *start(void)
{
    struct rung_wire *wire = wire_of(connect_to());
    assert_true(rung_wire_send(wire, COMMAND, sizeof COMMAND - 1));
    until(caller);
    return wire;
}

/* One that gives its command and reads nothing. */
static int start_deaf(void)
{
    unsigned char header[5] = {0, 0, 0, sizeof COMMAND, 'J'}; /* the type counts */
    int fd = connect_to();
    assert_int_equal(write(fd, header, sizeof header), sizeof header);
    assert_int_equal(write(fd, COMMAND, sizeof COMMAND - 1), sizeof COMMAND - 1);
    until(caller);
    return fd;
}

static int set_up(void **state)
{
    (void)state;
    struct rung_control_options options = {
        .socket = path, .said = on_said, .hung_up = on_hung_up, .warn = on_warn};
    struct rung_err err;
    signal(SIGPIPE, SIG_IGN);
    heard = (struct heard){0};
    snprintf(folder, sizeof folder, "/tmp/rung-answer-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/x.db.sock", folder);
    base = event_base_new();
    return base ? rung_control_create(&control, base, &options, &err) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rung_control_free(control);
    event_base_free(base);
    return rmdir(folder);
}

/* ---- the tests ---- */

static void sent_whole(size_t length)
{
    struct rung_wire *wire = start();
    int fd = file_of(length, O_RDONLY);
    lseek(fd, 0, SEEK_END); /* where who wrote it left it */
    send_file(fd, PATIENCE);
    until(heard.ended && heard.poured == length);
    assert_int_equal(heard.why, 0);
    assert_int_equal(heard.ended, 1);
    assert_false(heard.wrong);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    rung_wire_free(wire);
    until(!caller);
}

static void it_comes_whole_and_in_order(void **state)
{
    (void)state;
    sent_whole(LENGTH);
}

static void an_empty_one_ends_too(void **state)
{
    (void)state;
    sent_whole(0);
}

static void who_reads_late_gets_all(void **state)
{
    (void)state;
    int fd = start_deaf();
    send_file(file_of(LENGTH, O_RDONLY), PATIENCE);
    for (size_t before = 0; rung_caller_backlog(caller) == 0 || before != rung_caller_backlog(caller);) {
        before = rung_caller_backlog(caller);
        event_base_loop(base, EVLOOP_ONCE);
    }
    assert_in_range(rung_caller_backlog(caller), 1, RUNG_WIRE_FULL); /* the rest is still in the file */
    assert_int_equal(heard.ended, 0);
    struct rung_wire *wire = wire_of(fd);
    until(heard.ended && heard.poured == LENGTH);
    assert_int_equal(heard.why, 0);
    assert_int_equal(heard.backlog, 0);
    assert_false(heard.wrong);
    rung_wire_free(wire);
    until(!caller);
}

static void who_takes_nothing_is_not_waited_for(void **state)
{
    (void)state;
    int fd = start_deaf(), file = file_of(LENGTH, O_RDONLY);
    send_file(file, 0.2);
    until(heard.ended);
    assert_int_equal(heard.why, ETIMEDOUT);
    assert_int_equal(fcntl(file, F_GETFD), -1);
    close(fd);
    until(!caller);
    assert_int_equal(heard.ended, 1);
}

static void who_leaves_has_no_answer(void **state)
{
    (void)state;
    int fd = start_deaf(), file = file_of(LENGTH, O_RDONLY);
    send_file(file, PATIENCE);
    event_base_loop(base, EVLOOP_ONCE);
    close(fd);
    until(!caller);
    assert_int_equal(heard.ended, 0);
    assert_int_equal(fcntl(file, F_GETFD), -1);
}

static void a_file_that_cannot_be_read_says_why(void **state)
{
    (void)state;
    struct rung_wire *wire = start();
    send_file(file_of(1000, O_WRONLY), PATIENCE);
    until(heard.ended);
    assert_int_equal(heard.why, EBADF);
    rung_wire_free(wire);
    until(!caller);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_whole_and_in_order), TEST(an_empty_one_ends_too),
        TEST(who_reads_late_gets_all),     TEST(who_takes_nothing_is_not_waited_for),
        TEST(who_leaves_has_no_answer),    TEST(a_file_that_cannot_be_read_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
