/* Commands for a daemon: who gets in at its socket, what callers hear, who is let go; and the callers' side.
 */
#include "dispatch/control.h"

#include "base/mem.h"
#include "dispatch/client.h"
#include "dispatch/said.h"
#include "dispatch/unix_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE 20 /* seconds until a test that waits for nothing fails */

static struct event_base *base;
static char folder[64], path[80];

/* What the daemon's side heard. */
static struct heard {
    struct rung_caller *caller; /* the last one */
    int said, hung_up, warned, drained;
    char last[256], warning[512];
} heard;

static void on_said(void *context, struct rung_caller *caller, const struct rung_json *message)
{
    struct rung_buf text;
    assert_ptr_equal(context, &heard);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_json_write(&text, message);
    heard.caller = caller;
    heard.said++;
    snprintf(heard.last, sizeof heard.last, "%s", text.data);
    rung_buf_free(&text);
}

static void on_hung_up(void *context, struct rung_caller *caller)
{
    assert_ptr_equal(context, &heard);
    assert_ptr_equal(caller, heard.caller);
    heard.hung_up++;
}

static void on_warn(void *context, const char *text)
{
    assert_ptr_equal(context, &heard);
    heard.warned++;
    snprintf(heard.warning, sizeof heard.warning, "%s", text);
}

static int make_control(struct rung_control **control, struct rung_err *err)
{
    struct rung_control_options options = {
        .socket = path, .context = &heard, .said = on_said, .hung_up = on_hung_up, .warn = on_warn};
    return rung_control_create(control, base, &options, err);
}

static struct rung_control *control_of(void)
{
    struct rung_control *control = NULL;
    struct rung_err err;
    if (make_control(&control, &err) < 0)
        fail_msg("%s", err.text);
    return control;
}

/* The other side: a wire, and what it heard. */
struct side {
    struct rung_wire *wire;
    bool open, closed;
    int messages;
    size_t poured;
    char last[256];
};

static void side_open(void *context, struct rung_wire *wire)
{
    (void)wire;
    ((struct side *)context)->open = true;
}

static void side_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct side *side = context;
    (void)wire;
    side->messages++;
    snprintf(side->last, sizeof side->last, "%s %s", rung_said_string(message, "type"),
             rung_said_string(message, "reason"));
}

static void side_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data,
                       size_t length)
{
    (void)wire, (void)data;
    assert_int_equal(stream, 7);
    ((struct side *)context)->poured += length;
}

static void side_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)wire, (void)broken, (void)reason;
    ((struct side *)context)->closed = true;
}

static int connect_to(void)
{
    struct rung_err err;
    int fd;
    if (rung_unix_connect(&fd, path, &err) < 0)
        fail_msg("%s", err.text);
    return fd;
}

static void start(struct side *side)
{
    struct rung_wire_listener listener = {.context = side,
                                          .open = side_open,
                                          .message = side_message,
                                          .piece = side_piece,
                                          .closed = side_closed};
    side->wire = rung_wire_create(NULL, base, connect_to(), false, &listener);
    assert_non_null(side->wire);
}

static void say(struct side *side, const char *text)
{
    assert_true(rung_wire_send(side->wire, text, strlen(text)));
}

#define COMMAND "{\"type\":\"command\",\"protocol\":1,\"command\":\"list\"}"

static void late(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events;
    *(bool *)context = true;
}

#define until(expression)                                                                                    \
    do {                                                                                                     \
        bool too_late = false;                                                                               \
        struct timeval most = {.tv_sec = PATIENCE};                                                          \
        struct event *watch = event_new(base, -1, 0, late, &too_late);                                       \
        event_add(watch, &most);                                                                             \
        while (!(expression) && !too_late)                                                                   \
            event_base_loop(base, EVLOOP_ONCE);                                                              \
        event_free(watch);                                                                                   \
        if (too_late)                                                                                        \
            fail_msg("this never came: %s", #expression);                                                    \
    } while (0)

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    heard = (struct heard){0};
    snprintf(folder, sizeof folder, "/tmp/rung-control-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/x.db.sock", folder);
    base = event_base_new();
    return base ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    event_base_free(base);
    unlink(path);
    return rmdir(folder);
}

/* ---- who gets in ---- */

static void its_file_is_its_owners_alone(void **state)
{
    (void)state;
    struct stat info;
    mode_t mask = umask(0);
    struct rung_control *control = control_of();
    assert_int_equal(umask(mask), 0); /* ours is as it was */
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISSOCK(info.st_mode));
    assert_int_equal(info.st_mode & 07777, 0600);
    rung_control_free(control);
    assert_int_equal(lstat(path, &info), -1);
}

static void a_dead_ones_socket_is_replaced(void **state)
{
    (void)state;
    struct rung_unix_file file;
    struct rung_err err;
    int fd;
    assert_int_equal(rung_unix_listen(&fd, &file, path, &err), 0);
    close(fd); /* as by a kill: the file stays */
    assert_int_equal(access(path, F_OK), 0);
    assert_false(rung_client_answers(path));
    struct rung_control *control = control_of();
    assert_true(rung_client_answers(path));
    rung_control_free(control);
    assert_false(rung_client_answers(path));
}

static void a_living_ones_is_refused(void **state)
{
    (void)state;
    struct rung_control *control = control_of(), *second = NULL;
    struct rung_err err;
    assert_int_equal(make_control(&second, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "another process listens there"));
    assert_true(rung_client_answers(path));
    rung_control_free(control);
}

static void another_kind_of_file_is_left_alone(void **state)
{
    (void)state;
    struct rung_control *control = NULL;
    struct rung_err err;
    struct stat info;
    close(open(path, O_CREAT | O_WRONLY, 0644));
    assert_int_equal(make_control(&control, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "is there, and no socket"));
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
}

static void a_path_that_is_too_long_says_so(void **state)
{
    (void)state;
    char deep[200];
    struct rung_unix_file file;
    struct rung_err err;
    int fd;
    memset(deep, 'x', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(rung_unix_listen(&fd, &file, deep, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "is too long for the path of a socket, which has at most 107 bytes"));
    assert_true(err.way_out[0] != '\0');
    assert_int_equal(rung_unix_connect(&fd, deep, &err), RUNG_EUSE);
    deep[107] = '\0'; /* as long as can be: nobody is there, which is another reason */
    assert_int_equal(rung_unix_connect(&fd, deep, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "No such file"));
}

static void who_took_its_place_keeps_it(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY, 0644));
    rung_control_free(control);
    assert_int_equal(access(path, F_OK), 0);
}

/* ---- what is said ---- */

static void a_command_is_heard_and_answered(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    struct side side = {0};
    start(&side);
    say(&side, COMMAND);
    until(heard.said == 1);
    assert_string_equal(heard.last, COMMAND);
    rung_caller_set_context(heard.caller, &side);
    assert_ptr_equal(rung_caller_context(heard.caller), &side);
    rung_caller_say(heard.caller, "{\"type\":\"note\"}");
    rung_caller_pour(heard.caller, 7, "abc", 3);
    until(side.messages == 1 && side.poured == 3);
    say(&side, "{\"type\":\"more\"}");
    until(heard.said == 2);
    assert_string_equal(heard.last, "{\"type\":\"more\"}");
    rung_caller_say(heard.caller, "{\"type\":\"end\"}");
    rung_caller_close(heard.caller);
    say(&side, "{\"type\":\"too late\"}");
    until(side.closed);
    assert_int_equal(side.messages, 2);
    rung_wire_free(side.wire);
    until(heard.hung_up == 1);
    assert_int_equal(heard.said, 2);
    rung_control_free(control);
}

static void who_leaves_is_told_of(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    struct side side = {0};
    start(&side);
    say(&side, COMMAND);
    until(heard.said == 1);
    rung_wire_free(side.wire);
    until(heard.hung_up == 1);
    rung_control_free(control);
    assert_int_equal(heard.hung_up, 1);
}

static void refused(const char *message, const char *reason)
{
    struct rung_control *control = control_of();
    struct side side = {0};
    start(&side);
    say(&side, message);
    until(side.closed);
    assert_int_equal(heard.said, 0);
    assert_int_equal(side.messages, 1);
    assert_string_equal(side.last, reason);
    assert_int_equal(heard.warned, 1);
    assert_non_null(strstr(heard.warning, "a connection from this machine was refused"));
    rung_wire_free(side.wire);
    rung_control_free(control);
}

static void another_version_is_refused(void **state)
{
    (void)state;
    refused("{\"type\":\"command\",\"protocol\":2,\"command\":\"list\"}",
            "refused it is another version of rung, whose commands are not understood");
}

static void what_is_no_command_is_refused(void **state)
{
    (void)state;
    refused("{\"type\":\"hello\",\"protocol\":1}", "refused it gave no command");
}

static void garbage_ends_its_own_connection_alone(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    struct side side = {0};
    char byte;
    int fd = connect_to();
    start(&side);
    say(&side, COMMAND);
    until(heard.said == 1);
    assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    until(heard.warned == 1);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
    rung_caller_say(heard.caller, "{}");
    until(side.messages == 1);
    rung_wire_free(side.wire);
    until(heard.hung_up == 1);
    rung_control_free(control);
}

/* They go when more come than there is room for, at once, and otherwise by time. */
static void silent_ones_disturb_nobody(void **state)
{
    (void)state;
    enum { SILENT = 300, LATER = 15 };
    struct rung_control *control = control_of();
    struct side side = {0};
    int fds[SILENT], later[LATER];
    char byte;
    for (int i = 0; i < SILENT; i++) {
        fds[i] = connect_to();
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    start(&side); /* with others: all are accepted in one pass */
    for (int i = 0; i < LATER; i++)
        later[i] = connect_to();
    say(&side, COMMAND);
    until(heard.said == 1);
    assert_int_equal(read(fds[0], &byte, 1), 0); /* the oldest has gone */
    assert_int_equal(read(fds[SILENT - 1], &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    for (int i = 0; i < SILENT; i++)
        close(fds[i]);
    for (int i = 0; i < LATER; i++)
        close(later[i]);
    rung_wire_free(side.wire);
    until(heard.hung_up == 1);
    rung_control_free(control);
}

/* ---- slow ones ---- */

static void who_does_not_listen_is_let_go(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    int fd = connect_to(), said = 0;
    unsigned char header[5] = {0, 0, 0, sizeof COMMAND, 'J'}; /* the type counts */
    char *text = rung_mem_zalloc(100001, 1);
    assert_int_equal(write(fd, header, sizeof header), sizeof header);
    assert_int_equal(write(fd, COMMAND, sizeof COMMAND - 1), sizeof COMMAND - 1);
    until(heard.said == 1);
    memset(text, ' ', 100000);
    text[0] = '{';
    text[99999] = '}';
    for (; heard.hung_up == 0 && said < 1000; said++) {
        rung_caller_say(heard.caller, text);
        assert_true(rung_caller_backlog(heard.caller) <= RUNG_CALLER_BACKLOG);
        if (rung_caller_backlog(heard.caller) > 0)
            assert_int_equal(heard.hung_up, 0); /* never from within */
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(heard.hung_up, 1);
    assert_true(said >= RUNG_CALLER_BACKLOG / 100000);
    free(text);
    close(fd);
    rung_control_free(control);
}

static void on_drained(void *context)
{
    (*(int *)context)++;
}

static void who_reads_slowly_is_poured_to_slowly(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    struct side side = {0};
    static char data[RUNG_WIRE_FULL];
    size_t poured = 0;
    start(&side);
    say(&side, COMMAND);
    until(heard.said == 1);
    rung_caller_on_drained(heard.caller, on_drained, &heard.drained);
    for (int round = 1; round <= 5; round++) {
        rung_caller_pour(heard.caller, 7, data, sizeof data);
        poured += sizeof data;
        until(heard.drained == round);
    }
    until(side.poured == poured);
    assert_int_equal(heard.hung_up, 0);
    rung_wire_free(side.wire);
    until(heard.hung_up == 1);
    rung_control_free(control);
}

static void the_last_words_arrive(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    struct side side = {0};
    static char data[RUNG_WIRE_FULL];
    start(&side);
    say(&side, COMMAND);
    until(heard.said == 1);
    rung_caller_pour(heard.caller, 7, data, sizeof data);
    rung_caller_say(heard.caller, "{\"type\":\"end\"}");
    rung_control_free(control);
    assert_int_equal(heard.hung_up, 1);
    until(side.closed);
    assert_int_equal(side.poured, sizeof data);
    assert_string_equal(side.last, "end ");
    rung_wire_free(side.wire);
}

/* ---- the callers' side ---- */

/* A daemon of a few words: answers each command in the way that it names. */
static void answer(void *context, struct rung_caller *caller, const struct rung_json *message)
{
    const char *command = rung_said_string(message, "command");
    (void)context;
    if (strcmp(command, "end") == 0) {
        rung_caller_pour(caller, 7, "xyz", 3);
        rung_caller_say(caller, "{\"type\":\"end\",\"status\":42}");
    } else if (strcmp(command, "die") == 0) {
        _exit(0);
    }
}

static void gone(void *context, struct rung_caller *caller)
{
    (void)context, (void)caller;
}

static void quiet(void *context, const char *text)
{
    (void)context, (void)text;
}

/* It listens when we come: the socket is made before the process. */
static pid_t start_daemon(struct rung_control **control)
{
    struct rung_control_options options = {.socket = path, .said = answer, .hung_up = gone, .warn = quiet};
    struct rung_err err;
    if (rung_control_create(control, base, &options, &err) < 0)
        fail_msg("%s", err.text);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(PATIENCE);
        if (event_reinit(base) == 0)
            event_base_dispatch(base);
        _exit(1);
    }
    return pid;
}

static void end_daemon(pid_t pid, struct rung_control *control)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    rung_control_free(control);
}

static void client_said(void *context, struct rung_client *client, const struct rung_json *message)
{
    assert_int_equal(*(size_t *)context, 3);
    rung_client_done(client, (int)rung_said_integer(message, "status", 0));
}

static void client_poured(void *context, struct rung_client *client, uint64_t stream, const void *data,
                          size_t length)
{
    (void)client;
    assert_int_equal(stream, 7);
    assert_memory_equal(data, "xyz", length);
    *(size_t *)context += length;
}

static int give(const char *command, int *status, struct rung_err *err)
{
    size_t poured = 0;
    struct rung_client_options options = {
        .socket = path, .command = command, .context = &poured, .said = client_said, .poured = client_poured};
    *err = (struct rung_err){0};
    return rung_client_run(&options, status, err);
}

static void a_client_hears_its_answer(void **state)
{
    (void)state;
    struct rung_err err;
    struct rung_control *control;
    int status = 0;
    pid_t pid = start_daemon(&control);
    assert_int_equal(give("{\"type\":\"command\",\"protocol\":1,\"command\":\"end\"}", &status, &err), 0);
    assert_int_equal(status, 42);
    end_daemon(pid, control);
}

static void a_client_says_what_is_wrong(void **state)
{
    (void)state;
    struct rung_err err;
    struct rung_control *control;
    int status = 0;
    assert_int_equal(give("{}", &status, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "No such file"));
    pid_t pid = start_daemon(&control);
    assert_int_equal(give("{\"type\":\"command\",\"protocol\":9,\"command\":\"end\"}", &status, &err),
                     RUNG_EUSE);
    assert_non_null(strstr(err.text, "the daemon refuses: it is another version of rung"));
    assert_int_equal(give("{\"type\":\"command\",\"protocol\":1,\"command\":\"die\"}", &status, &err),
                     RUNG_EFAIL);
    assert_non_null(strstr(err.text, "closed by the other side"));
    end_daemon(pid, control);
    assert_int_equal(give("{}", &status, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "No such file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(its_file_is_its_owners_alone),
        TEST(a_dead_ones_socket_is_replaced),
        TEST(a_living_ones_is_refused),
        TEST(another_kind_of_file_is_left_alone),
        TEST(a_path_that_is_too_long_says_so),
        TEST(who_took_its_place_keeps_it),
        TEST(a_command_is_heard_and_answered),
        TEST(who_leaves_is_told_of),
        TEST(another_version_is_refused),
        TEST(what_is_no_command_is_refused),
        TEST(garbage_ends_its_own_connection_alone),
        TEST(silent_ones_disturb_nobody),
        TEST(who_does_not_listen_is_let_go),
        TEST(who_reads_slowly_is_poured_to_slowly),
        TEST(the_last_words_arrive),
        TEST(a_client_hears_its_answer),
        TEST(a_client_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
