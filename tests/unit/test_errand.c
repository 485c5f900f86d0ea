/* Programs that are run for what they print. */
#include "dispatch/errand.h"

#include <event2/event.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct heard {
    struct event_base *base;
    int times;
    bool well;
    char out[4096], why[4096];
};

static void on_done(void *context, const struct rung_errand_result *result)
{
    struct heard *heard = context;
    heard->times++;
    heard->well = result->well;
    snprintf(heard->out, sizeof heard->out, "%s", result->out);
    snprintf(heard->why, sizeof heard->why, "%s", result->why ? result->why : "");
    event_base_loopbreak(heard->base);
}

/* Runs a line of shell to its end. */
static struct heard run(const char *line, const char *input, double patience, size_t most)
{
    char shell[] = "sh", flag[] = "-c", text[1000];
    char *argv[] = {shell, flag, text, NULL};
    struct heard heard = {.base = event_base_new()};
    struct rung_errand_options options = {
        .argv = argv, .input = input, .patience = patience, .most = most, .context = &heard, .done = on_done};
    struct rung_errand *errand;
    struct rung_err err;
    snprintf(text, sizeof text, "%s", line);
    assert_int_equal(rung_errand_start(&errand, heard.base, &options, &err), 0);
    assert_int_equal(heard.times, 0);
    event_base_dispatch(heard.base);
    event_base_free(heard.base);
    assert_int_equal(heard.times, 1);
    return heard;
}

static void what_it_prints_is_heard(void **state)
{
    (void)state;
    struct heard heard = run("echo one; echo two; echo aside >&2", NULL, 60, 100);
    assert_true(heard.well);
    assert_string_equal(heard.out, "one\ntwo\n");
}

static void it_gets_its_input_however_long(void **state)
{
    (void)state;
    char *input = malloc(1000001);
    memset(input, 'x', 1000000);
    input[1000000] = '\0';
    struct heard heard = run("wc -c", input, 60, 100);
    assert_true(heard.well);
    assert_int_equal(atoi(heard.out), 1000000);
    assert_true(run("wc -c", NULL, 60, 100).well);
    assert_int_equal(atoi(run("wc -c", NULL, 60, 100).out), 0);
    free(input);
}

static void what_it_complains_of_is_one_line(void **state)
{
    (void)state;
    struct heard heard = run("echo out; printf 'no\\tsuch\\nthing\\033[1m\\n\\n' >&2; exit 3", NULL, 60, 100);
    assert_false(heard.well);
    assert_string_equal(heard.why, "no such thing [1m");
    assert_string_equal(run("exit 3", NULL, 60, 100).why, "sh ended with exit status 3");
    assert_string_equal(run("kill -9 $$", NULL, 60, 100).why, "sh was killed by signal 9");
    heard = run("yes complaint | head -c 100000 >&2; exit 1", NULL, 60, 100);
    assert_true(strlen(heard.why) > 1000 && strlen(heard.why) <= 2000);
}

static void too_much_is_not_taken_for_all(void **state)
{
    (void)state;
    struct heard heard = run("printf 1234567890", NULL, 60, 10);
    assert_true(heard.well);
    heard = run("printf 12345678901", NULL, 60, 10);
    assert_false(heard.well);
    assert_string_equal(heard.why, "sh printed too much");
}

/* Who is dead may wait for long for somebody who reaps it. */
static bool lives(int process)
{
    char path[64], line[200] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    return read && !strstr(line, ") Z ");
}

static void it_is_ended_with_its_children_when_it_takes_too_long(void **state)
{
    (void)state;
    struct heard heard = run("sleep 1000", NULL, 0.1, 100);
    assert_false(heard.well);
    assert_string_equal(heard.why, "sh did not end within 0.1 s");
    heard =
        run("sleep 1000 & sleep 1000 & echo $!; exit 0", NULL, 0.3, 100); /* they hold what it printed to */
    assert_false(heard.well);
    for (int i = 0; i < 500 && lives(atoi(heard.out)); i++)
        poll(NULL, 0, 10);
    assert_true(atoi(heard.out) > 0);
    assert_false(lives(atoi(heard.out)));
}

static void one_that_cannot_be_started_is_said(void **state)
{
    (void)state;
    char nobody[] = "/nowhere/at-all";
    char *argv[] = {nobody, NULL};
    struct event_base *base = event_base_new();
    struct rung_errand_options options = {.argv = argv, .patience = 1, .most = 10, .done = on_done};
    struct rung_errand *errand;
    struct rung_err err;
    assert_int_equal(rung_errand_start(&errand, base, &options, &err), RUNG_EFAIL);
    assert_string_equal(err.text, "/nowhere/at-all: No such file or directory");
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_prints_is_heard),
        cmocka_unit_test(it_gets_its_input_however_long),
        cmocka_unit_test(what_it_complains_of_is_one_line),
        cmocka_unit_test(too_much_is_not_taken_for_all),
        cmocka_unit_test(it_is_ended_with_its_children_when_it_takes_too_long),
        cmocka_unit_test(one_that_cannot_be_started_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
