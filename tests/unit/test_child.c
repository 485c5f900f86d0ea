/* Programs beside the loop: all that they print comes, then how they ended; resting; killing. */
#include "dispatch/child.h"

#include "base/buf.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE 20 /* seconds until a test that waits for nothing fails */

static struct event_base *base;

struct heard {
    struct rung_child *child;
    struct rung_buf streams[2];
    int ended, status;
};

static void on_printed(void *context, int stream, const char *data, size_t length)
{
    struct heard *heard = context;
    assert_int_equal(heard->ended, 0);
    assert_in_range(stream, 1, 2);
    rung_buf_append(&heard->streams[stream - 1], data, length);
}

static void on_ended(void *context, struct rung_child *child, int status)
{
    struct heard *heard = context;
    assert_ptr_equal(child, heard->child);
    heard->ended++;
    heard->status = status;
}

static void late(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context;
    fail_msg("it did not end");
}

static void run_until_ended(struct heard *heard)
{
    struct timeval most = {.tv_sec = PATIENCE};
    struct event *watch = event_new(base, -1, 0, late, NULL);
    event_add(watch, &most);
    while (!heard->ended)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(watch);
}

static void start(struct heard *heard, const char *script, const char *folder, char *const *environment)
{
    char *argv[] = {"sh", "-c", (char *)script, NULL};
    struct rung_child_options options = {.argv = argv,
                                         .environment = environment,
                                         .folder = folder,
                                         .context = heard,
                                         .printed = on_printed,
                                         .ended = on_ended};
    struct rung_err err;
    rung_buf_init(&heard->streams[0], RUNG_BUF_UNLIMITED);
    rung_buf_init(&heard->streams[1], RUNG_BUF_UNLIMITED);
    if (rung_child_start(&heard->child, base, &options, &err) < 0)
        fail_msg("%s", err.text);
}

static void finish(struct heard *heard)
{
    rung_buf_free(&heard->streams[0]);
    rung_buf_free(&heard->streams[1]);
}

static int set_up(void **state)
{
    (void)state;
    base = event_base_new();
    return base ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    event_base_free(base);
    return 0;
}

static void what_it_prints_comes_and_then_its_end(void **state)
{
    (void)state;
    struct heard heard = {0};
    start(&heard, "echo one; echo two >&2; cat; exit 7", NULL, NULL);
    run_until_ended(&heard);
    assert_string_equal(rung_buf_cstr(&heard.streams[0]), "one\n");
    assert_string_equal(rung_buf_cstr(&heard.streams[1]), "two\n");
    assert_true(WIFEXITED(heard.status));
    assert_int_equal(WEXITSTATUS(heard.status), 7);
    finish(&heard);
}

static void folder_and_environment_are_its_own(void **state)
{
    (void)state;
    struct heard heard = {0};
    char *environment[] = {"WORD=a word", "PATH=/usr/bin:/bin", NULL};
    start(&heard, "pwd; echo \"$WORD\"; echo ${HOME-none}", "/usr", environment);
    run_until_ended(&heard);
    assert_string_equal(rung_buf_cstr(&heard.streams[0]), "/usr\na word\nnone\n");
    finish(&heard);
}

static void its_output_outlives_it(void **state)
{
    (void)state;
    struct heard heard = {0};
    start(&heard, "(while kill -0 $$ 2>/dev/null; do :; done; echo late) & exit 3", NULL, NULL);
    run_until_ended(&heard);
    assert_string_equal(rung_buf_cstr(&heard.streams[0]), "late\n");
    assert_int_equal(WEXITSTATUS(heard.status), 3);
    finish(&heard);
}

static void output_to_a_file_is_not_told(void **state)
{
    (void)state;
    struct heard heard = {0};
    char *argv[] = {"sh", "-c", "head -c 1000000 /dev/zero; echo why >&2; exit 1", NULL};
    struct rung_child_options options = {
        .argv = argv, .context = &heard, .printed = on_printed, .ended = on_ended};
    struct rung_err err;
    FILE *file = tmpfile();
    assert_non_null(file);
    options.output = fileno(file);
    rung_buf_init(&heard.streams[0], RUNG_BUF_UNLIMITED);
    rung_buf_init(&heard.streams[1], RUNG_BUF_UNLIMITED);
    if (rung_child_start(&heard.child, base, &options, &err) < 0)
        fail_msg("%s", err.text);
    run_until_ended(&heard);
    assert_int_equal(heard.streams[0].length, 0);
    assert_string_equal(rung_buf_cstr(&heard.streams[1]), "why\n");
    assert_int_equal(WEXITSTATUS(heard.status), 1);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), 1000000);
    fclose(file);
    finish(&heard);
}

static void many_end_each_for_itself(void **state)
{
    (void)state;
    enum { MANY = 20 };
    static struct heard heard[MANY];
    memset(heard, 0, sizeof heard);
    for (int i = 0; i < MANY; i++) {
        char script[32];
        snprintf(script, sizeof script, "exit %d", i);
        start(&heard[i], script, NULL, NULL);
    }
    for (int i = 0; i < MANY; i++) {
        run_until_ended(&heard[i]);
        assert_int_equal(heard[i].ended, 1);
        assert_int_equal(WEXITSTATUS(heard[i].status), i);
        finish(&heard[i]);
    }
}

static void a_signal_is_told(void **state)
{
    (void)state;
    struct heard heard = {0};
    start(&heard, "kill -TERM $$", NULL, NULL);
    run_until_ended(&heard);
    assert_true(WIFSIGNALED(heard.status));
    assert_int_equal(WTERMSIG(heard.status), SIGTERM);
    finish(&heard);
}

static void freeing_kills(void **state)
{
    (void)state;
    struct heard heard = {0};
    int alive[2];
    char byte;
    assert_int_equal(pipe(alive), 0); /* closed when nobody has it any more */
    start(&heard, "exec sleep 1000", NULL, NULL);
    close(alive[1]);
    rung_child_free(heard.child);
    assert_int_equal(heard.ended, 0);
    assert_int_equal(read(alive[0], &byte, 1), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    close(alive[0]);
    finish(&heard);
}

static void a_program_that_is_not_there(void **state)
{
    (void)state;
    char *argv[] = {"/none/at/all", NULL};
    struct rung_child_options options = {.argv = argv, .printed = on_printed, .ended = on_ended};
    struct rung_child *child = NULL;
    struct rung_err err;
    assert_int_equal(rung_child_start(&child, base, &options, &err), RUNG_EFAIL);
    assert_string_equal(err.text, "/none/at/all: No such file or directory");
    assert_null(child);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_prints_comes_and_then_its_end),
        TEST(folder_and_environment_are_its_own),
        TEST(its_output_outlives_it),
        TEST(output_to_a_file_is_not_told),
        TEST(many_end_each_for_itself),
        TEST(a_signal_is_told),
        TEST(freeing_kills),
        TEST(a_program_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
