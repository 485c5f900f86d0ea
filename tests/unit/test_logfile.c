/* Trainers' logs: their last lines, their bound; and the kernel's count of processes killed for memory. */
#include "dispatch/logfile.h"
#include "dispatch/oom.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/rung-test-logfile-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int open_slot(int slot, off_t *start)
{
    struct rung_err err;
    int fd = rung_logfile_open(folder, slot, start, &err);
    assert_true(fd >= 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_tail(int fd, off_t start, size_t lines, const char *expected)
{
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_logfile_tail(fd, start, lines, &out);
    assert_string_equal(rung_buf_cstr(&out), expected);
    rung_buf_free(&out);
}

static void the_tail_is_the_last_lines_of_this_start(void **state)
{
    (void)state;
    off_t start, again;
    int fd = open_slot(0, &start);
    assert_tail(fd, start, 20, "");
    say(fd, "one\ntwo\nthree\n");
    assert_tail(fd, start, 2, "two\nthree");
    assert_tail(fd, start, 20, "one\ntwo\nthree");
    close(fd);
    fd = open_slot(0, &again);
    say(fd, "four, without an end");
    assert_tail(fd, again, 20, "four, without an end");
    assert_tail(fd, start, 2, "three\nfour, without an end");
    close(fd);
}

static void a_log_over_its_bound_loses_its_older_half(void **state)
{
    (void)state;
    off_t start;
    struct stat status;
    int fd = open_slot(1, &start);
    char *line = rung_mem_printf("%0999d\n", 7);
    for (int i = 0; i < RUNG_LOG_MAX / 1000 + 10; i++)
        say(fd, line);
    say(fd, "the last\n");
    rung_logfile_trim(fd, &start, 1);
    assert_int_equal(fstat(fd, &status), 0);
    assert_true(status.st_size < RUNG_LOG_MAX / 2 + 1000);
    assert_tail(fd, start, 1, "the last");
    char head[31];
    assert_int_equal(pread(fd, head, 30, 0), 30);
    head[30] = '\0';
    assert_string_equal(head, "[... older lines were cut ...]");
    free(line);
    close(fd);
}

static void assert_follows(int fd, off_t *from, size_t most, bool end, const char *expected)
{
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_logfile_follow(fd, from, most, end, &out);
    assert_string_equal(rung_buf_cstr(&out), expected);
    rung_buf_free(&out);
}

static void a_log_is_followed_line_by_line(void **state)
{
    (void)state;
    off_t from;
    int fd = open_slot(2, &from);
    assert_follows(fd, &from, 100, false, "");
    say(fd, "one\ntwo");
    assert_follows(fd, &from, 100, false, "one\n");
    assert_follows(fd, &from, 100, false, "");
    say(fd, "\nthree\nfour");
    assert_follows(fd, &from, 6, false, "two\n");
    assert_follows(fd, &from, 4, false, "thre"); /* a long line */
    assert_follows(fd, &from, 100, true, "e\nfour");
    off_t added = -1;
    rung_logfile_add(folder, 2, "five\n", &added);
    assert_tail(fd, added, 20, "five");
    assert_follows(fd, &from, 100, false, "five\n");
    char *line = rung_mem_printf("%0999d\n", 7);
    for (int i = 0; i < 2000; i++)
        say(fd, line);
    assert_follows(fd, &from, 10, false, "[... lines were left out ...]\n0000000000");
    free(line);
    close(fd);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    off_t start;
    struct rung_err err;
    assert_int_equal(rung_logfile_open("/nowhere/at/all", 0, &start, &err), RUNG_EFAIL);
    assert_string_equal(err.text, "cannot open the log /nowhere/at/all/0.log: No such file or directory");
}

static void kills_for_memory_are_counted_as_the_kernel_writes_them(void **state)
{
    (void)state;
    assert_int_equal(rung_oom_parse("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), 2);
    assert_int_equal(rung_oom_parse("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"), 5);
    assert_int_equal(rung_oom_parse("low 0\n"), -1);
    assert_int_equal(rung_oom_parse(""), -1);
}

/* A child of a trainer was killed; later somebody kills the trainer; then two are killed for memory at once.
 */
static void a_kill_for_memory_explains_one_end_and_soon_none(void **state)
{
    (void)state;
    struct rung_oom_watch watch = {0};
    rung_oom_note(&watch, 3, 0); /* before our time */
    assert_false(rung_oom_explains(&watch, 3));
    rung_oom_note(&watch, 4, 5);
    rung_oom_note(&watch, 4, 10);
    assert_false(rung_oom_explains(&watch, 4));
    assert_true(rung_oom_explains(&watch, 6));
    rung_oom_note(&watch, 6, 15);
    assert_true(rung_oom_explains(&watch, 6)); /* it took a while to die */
    assert_false(rung_oom_explains(&watch, 6));
    rung_oom_note(&watch, 6, 20);
    assert_false(rung_oom_explains(&watch, 6));
}

static void where_the_kernel_does_not_tell_memory_explains_nothing(void **state)
{
    (void)state;
    struct rung_oom_watch watch = {0};
    rung_oom_note(&watch, -1, 0);
    assert_false(rung_oom_explains(&watch, -1));
    rung_oom_note(&watch, -1, 5);
    assert_false(rung_oom_explains(&watch, -1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tail_is_the_last_lines_of_this_start),
        cmocka_unit_test(a_log_over_its_bound_loses_its_older_half),
        cmocka_unit_test(a_log_is_followed_line_by_line),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
        cmocka_unit_test(kills_for_memory_are_counted_as_the_kernel_writes_them),
        cmocka_unit_test(a_kill_for_memory_explains_one_end_and_soon_none),
        cmocka_unit_test(where_the_kernel_does_not_tell_memory_explains_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
