/* The states that a worker keeps: found again, replaced, forgotten, and never left behind. */
#include "dispatch/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[200];
static struct rung_cache *cache;

static int set_up(void **state)
{
    struct rung_err err;
    const char *top = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%s/rung-cache-XXXXXX", top && strlen(top) < 150 ? top : "/tmp");
    if (!mkdtemp(folder) || rung_cache_create(&cache, folder, &err) < 0)
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static size_t files(void)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    size_t count = 0;
    while ((entry = readdir(directory)))
        count += entry->d_type == DT_REG;
    closedir(directory);
    return count;
}

/* As a trainer in that slot makes it; the file that it made is gone afterwards. */
static void keep(uint32_t search, uint32_t model, int64_t calls, int slot)
{
    char *path = rung_cache_attempt_path(cache, 7);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_int_equal(write(fd, "state", 5), 5);
    close(fd);
    assert_true(rung_cache_keep(cache, path, search, model, calls, slot));
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    free(path);
}

static void a_state_is_found_until_a_later_one_takes_its_place(void **state)
{
    (void)state;
    assert_false(rung_cache_has(cache, 0, 3, 1));
    keep(0, 3, 1, 0);
    assert_true(rung_cache_has(cache, 0, 3, 1));
    assert_false(rung_cache_has(cache, 0, 3, 2));
    assert_false(rung_cache_has(cache, 1, 3, 1)); /* of another search */
    assert_false(rung_cache_has(cache, 0, 4, 1));
    keep(0, 3, 2, 0);
    assert_false(rung_cache_has(cache, 0, 3, 1));
    assert_true(rung_cache_has(cache, 0, 3, 2));
    assert_int_equal(files(), 1);
    rung_cache_free(cache);
    assert_int_equal(files(), 0);
}

static void a_state_that_was_sent_is_moved(void **state)
{
    (void)state;
    char *path = rung_cache_arrival_path(cache, 7);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_true(rung_cache_take(cache, path, 0, 9, 4, 1));
    assert_int_equal(access(path, F_OK), -1);
    assert_true(rung_cache_has(cache, 0, 9, 4));
    assert_false(rung_cache_take(cache, path, 0, 8, 4, 1));
    assert_false(rung_cache_has(cache, 0, 8, 4));
    free(path);
    rung_cache_free(cache);
}

static void who_made_it_has_it_forgotten(void **state)
{
    (void)state;
    keep(0, 5, 1, 0);
    rung_cache_forget(cache, 0, 5, 1);
    assert_true(rung_cache_has(cache, 0, 5, 1));
    keep(0, 5, 2, 1); /* the model went on in another slot */
    rung_cache_forget(cache, 0, 5, 0);
    assert_true(rung_cache_has(cache, 0, 5, 2));
    rung_cache_forget(cache, 1, 5, 1);
    rung_cache_forget(cache, 0, 6, 1);
    assert_int_equal(files(), 1);
    rung_cache_forget(cache, 0, 5, 1);
    assert_false(rung_cache_has(cache, 0, 5, 2));
    assert_int_equal(files(), 0);
    rung_cache_free(cache);
}

/* Against a table that is a plain array. */
static void many_states_of_many_searches(void **state)
{
    enum { SEARCHES = 3, MODELS = 700, STEPS = 6000 };
    static int64_t calls[SEARCHES][MODELS]; /* 0: none */
    uint32_t random = 1;
    size_t there = 0;
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t search = random >> 8 & 0xff, model = (random >> 16) % MODELS;
        search %= SEARCHES;
        int64_t *expected = &calls[search][model];
        assert_int_equal(rung_cache_has(cache, search, model, *expected), *expected > 0);
        if (random >> 30 == 0) {
            rung_cache_forget(cache, search, model, 2);
            there -= *expected > 0;
            *expected = 0;
        } else {
            there += *expected == 0;
            keep(search, model, ++*expected, 2);
        }
    }
    assert_true(there > 500);
    assert_int_equal(files(), there);
    for (uint32_t search = 0; search < SEARCHES; search++)
        for (uint32_t model = 0; model < MODELS; model++)
            assert_int_equal(rung_cache_has(cache, search, model, calls[search][model]),
                             calls[search][model] > 0);
    rung_cache_clear(cache);
    assert_int_equal(files(), 0);
    keep(0, 1, 1, 0);
    assert_true(rung_cache_has(cache, 0, 1, 1));
    rung_cache_free(cache);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_state_is_found_until_a_later_one_takes_its_place),
        TEST(a_state_that_was_sent_is_moved),
        TEST(who_made_it_has_it_forgotten),
        TEST(many_states_of_many_searches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
