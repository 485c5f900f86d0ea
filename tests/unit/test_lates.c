/* Results that a worker keeps for a scheduler that is gone: what is kept of them, and what becomes of files.
 */
#include "dispatch/lates.h"

#include "loop_help.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dispatch/said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAID "{\"type\":\"said\",\"slot\":1,\"life\":4,\"line\":"

static char folder[64];
static struct rung_cache *cache;
static struct rung_peer *before, *after; /* whose scheduler is gone; the next one */
static struct rung_lates lates;

/* What the next scheduler is told. */
static struct told {
    int offers, states;
    size_t lines;
    long long first_call, job, number;
} told;

static void on_message(void *context, const struct rung_json *message, const char *file)
{
    (void)context, (void)message, (void)file;
}

static char *nowhere(void *context, uint64_t stream)
{
    (void)context, (void)stream;
    return NULL;
}

static void on_lost(void *context, bool broken, const char *reason)
{
    (void)context, (void)broken, (void)reason;
}

static struct rung_peer *make_peer(void)
{
    struct rung_peer_listener listener = {.message = on_message, .place = nowhere, .lost = on_lost};
    return rung_peer_create(base, 1000, &listener);
}

static int set_up(void **state)
{
    struct rung_err err;

    (void)state;
    told = (struct told){0};
    lates = (struct rung_lates){0};
    base = event_base_new();
    snprintf(folder, sizeof folder, "/tmp/rung-lates-XXXXXX");
    if (!base || !mkdtemp(folder) || rung_cache_create(&cache, folder, &err) < 0)
        return -1;
    before = make_peer();
    after = make_peer();
    return 0;
}

static int tear_down(void **state)
{
    char logs[80];

    (void)state;
    rung_lates_free(&lates);
    rung_peer_free(before);
    rung_peer_free(after);
    rung_cache_free(cache);
    event_base_free(base);
    snprintf(logs, sizeof logs, "%s/logs", folder);
    rmdir(logs);
    return rmdir(folder); /* no state is left */
}

static bool trainer_of(void *context, int64_t slot, int64_t life, struct rung_lates_trainer *trainer)
{
    (void)context;
    *trainer = (struct rung_lates_trainer){"mine", 30 + slot};
    return life == 4;
}

static void look(void *context, const struct rung_json *message, const char *file)
{
    const struct rung_json *lines = rung_json_get(message, "lines");

    (void)context;
    assert_string_equal(rung_said_string(message, "type"), "late");
    assert_string_equal(rung_said_string(message, "search"), "mine");
    assert_int_equal(rung_said_integer(message, "trainer", -1), 31);
    told.offers++;
    told.states += file != NULL;
    told.lines = rung_json_size(lines);
    told.first_call = rung_said_integer(rung_json_first(lines), "call", -1);
    told.job = rung_said_integer(message, "job", -1);
    told.number = rung_said_integer(message, "late", -1);
}

static void pass_on(void)
{
    rung_lates_collect(&lates, before, cache, trainer_of, NULL);
    rung_lates_offer(&lates, after);
    rung_peer_each_waiting(after, look, NULL);
}

static void say_progress(int call, size_t padding)
{
    char *filling = rung_mem_zalloc(padding + 1, 1), *text;

    memset(filling, 'x', padding);
    text = rung_mem_printf(SAID "{\"type\":\"progress\",\"job\":7,\"call\":%d,\"filling\":\"%s\"}}", call,
                           filling);
    rung_peer_send(before, text);
    free(text);
    free(filling);
}

static char *say_result(const char *life, bool with_state)
{
    char *text =
        rung_mem_printf("{\"type\":\"said\",\"slot\":1,\"life\":%s,\"line\":"
                        "{\"type\":\"result\",\"job\":7,\"score\":1},\"model\":2,\"from\":0,\"to\":9}",
                        life);
    char *path = with_state ? rung_mem_printf("%s/out", folder) : NULL;
    FILE *file = path ? fopen(path, "w") : NULL;

    if (file)
        fclose(file);
    rung_peer_send_file(before, text, path, 9, true);
    free(text);
    return path;
}

/* ---- the tests ---- */

static void a_result_is_kept_with_what_was_said_before(void **state)
{
    (void)state;
    rung_peer_send(before, SAID "{\"type\":\"ready\"}}");
    for (int call = 1; call <= 3; call++)
        say_progress(call, 10);
    say_result("4", false);
    pass_on();
    assert_int_equal(told.offers, 1);
    assert_int_equal(told.job, 7);
    assert_int_equal(told.lines, 4);
    assert_int_equal(told.first_call, 1);
}

static void of_too_much_that_was_said_nothing_is_kept(void **state)
{
    (void)state;
    for (int call = 1; call <= 900; call++)
        say_progress(call, 1000);
    say_result("4", false);
    pass_on();
    assert_int_equal(told.offers, 1);
    assert_int_equal(told.lines, 1);
}

static void what_a_failed_job_said_is_no_other_jobs(void **state)
{
    (void)state;
    say_progress(1, 10);
    rung_peer_send(before, SAID "{\"type\":\"failure\",\"job\":6,\"reason\":\"none\"}}");
    say_progress(2, 10);
    say_result("4", false);
    pass_on();
    assert_int_equal(told.lines, 2);
    assert_int_equal(told.first_call, 2);
}

static void a_state_is_kept_until_it_is_dropped(void **state)
{
    (void)state;
    char *path = say_result("4", true);

    pass_on();
    assert_int_equal(told.offers, 1);
    assert_int_equal(access(path, F_OK), -1);
    char *kept = rung_cache_late_path(cache, (uint64_t)told.number);
    assert_int_equal(access(kept, F_OK), 0);
    rung_lates_send(&lates, (uint64_t)told.number, after);
    told.offers = 0;
    rung_peer_each_waiting(after, look, NULL);
    assert_int_equal(told.offers, 2);
    assert_int_equal(told.states, 1);
    rung_lates_drop(&lates, (uint64_t)told.number);
    assert_int_equal(access(kept, F_OK), -1);
    free(kept);
    free(path);
}

static void of_a_trainer_that_is_not_known_nothing_is_kept(void **state)
{
    (void)state;
    char *path = say_result("3", true);

    pass_on();
    assert_int_equal(told.offers, 0);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_result_is_kept_with_what_was_said_before),     TEST(of_too_much_that_was_said_nothing_is_kept),
        TEST(what_a_failed_job_said_is_no_other_jobs),        TEST(a_state_is_kept_until_it_is_dropped),
        TEST(of_a_trainer_that_is_not_known_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
