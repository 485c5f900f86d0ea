/* Commands for a daemon: who gets in at its socket, what callers hear, who is let go. */
#include "control_help.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

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

static void a_socket_that_was_removed_is_made_again(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    int warned = heard.warned;
    rung_control_look(control);
    assert_int_equal(heard.warned, warned);
    assert_int_equal(unlink(path), 0);
    rung_control_look(control);
    assert_true(rung_client_answers(path));
    rung_control_look(control);
    assert_int_equal(heard.warned, warned + 1);
    assert_non_null(strstr(heard.warning, "was removed, and is made again"));
    rung_control_free(control);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_place_that_another_has_taken_is_left_to_him(void **state)
{
    (void)state;
    struct rung_control *control = control_of();
    struct rung_unix_file file;
    struct rung_err err;
    int warned = heard.warned, fd;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rung_unix_listen(&fd, &file, path, &err), 0);
    for (int i = 0; i < 3; i++)
        rung_control_look(control);
    assert_int_equal(heard.warned, warned + 1);
    assert_non_null(strstr(heard.warning, "another process listens there"));
    rung_unix_remove(&file, path); /* he goes */
    close(fd);
    rung_control_look(control);
    assert_int_equal(heard.warned, warned + 2);
    assert_true(rung_client_answers(path));
    rung_control_free(control);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(its_file_is_its_owners_alone),
        TEST(a_dead_ones_socket_is_replaced),
        TEST(a_living_ones_is_refused),
        TEST(another_kind_of_file_is_left_alone),
        TEST(a_path_that_is_too_long_says_so),
        TEST(a_socket_that_was_removed_is_made_again),
        TEST(a_place_that_another_has_taken_is_left_to_him),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
