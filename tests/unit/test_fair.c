/* Fair division: written examples, and any numbers against the definition. */
#include "dispatch/fair.h"

#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 12 };

static void assert_shares(size_t slots, size_t count, const size_t *demands, const size_t *expected)
{
    size_t shares[MANY];
    double keys[MANY] = {0};
    rung_fair_divide(slots, demands, keys, count, shares);
    for (size_t i = 0; i < count; i++)
        if (shares[i] != expected[i])
            fail_msg("%zu slots: share %zu is %zu, not %zu", slots, i, shares[i], expected[i]);
}

#define N(...) ((const size_t[]){__VA_ARGS__})

static void those_who_want_little_leave_the_rest_to_the_others(void **state)
{
    (void)state;
    assert_shares(4, 2, N(10, 10), N(2, 2));
    assert_shares(4, 2, N(1, 10), N(1, 3));
    assert_shares(4, 2, N(10, 0), N(4, 0));
    assert_shares(10, 4, N(1, 9, 2, 9), N(1, 4, 2, 3));
    assert_shares(100, 3, N(5, 6, 7), N(5, 6, 7));
    assert_shares(0, 2, N(5, 6), N(0, 0));
    assert_shares(7, 1, N(SIZE_MAX), N(7));
}

static void what_does_not_divide_goes_to_the_first(void **state)
{
    (void)state;
    assert_shares(5, 3, N(9, 9, 9), N(2, 2, 1));
    assert_shares(2, 4, N(9, 0, 9, 9), N(1, 0, 1, 0));
    assert_shares(8, 3, N(1, 9, 9), N(1, 4, 3));
    assert_shares(5, 3, N(1, 2, 9), N(1, 2, 2));
}

static void what_does_not_divide_goes_to_the_smallest_keys(void **state)
{
    size_t shares[4];
    (void)state;
    assert_int_equal(rung_fair_divide(6, N(9, 9, 1, 9), (double[]){3, -INFINITY, -9, 2}, 4, shares), 1);
    assert_memory_equal(shares, N(1, 2, 1, 2), sizeof shares);
    assert_int_equal(rung_fair_divide(2, N(9, 9, 0, 9), (double[]){INFINITY, 5, 0, 4}, 4, shares), 0);
    assert_memory_equal(shares, N(0, 1, 0, 1), sizeof shares);
    assert_int_equal(rung_fair_divide(9, N(2, 2, 2, 2), (double[]){0, 0, 0, 0}, 4, shares), 2);
}

static void nobody_is_short_while_another_has_more_than_one_beyond_him(void **state)
{
    struct rung_rng rng;
    (void)state;
    rung_rng_init(&rng, 1, 0, "fair");
    for (int round = 0; round < 20000; round++) {
        double keys[MANY];
        size_t demands[MANY], shares[MANY], count = 1 + (size_t)rung_rng_below(&rng, MANY), given = 0,
                                            wanted = 0, slots = (size_t)rung_rng_below(&rng, 40);
        for (size_t i = 0; i < count; i++) {
            demands[i] = (size_t)rung_rng_below(&rng, 15);
            keys[i] = (double)rung_rng_below(&rng, 3);
            wanted += demands[i];
        }
        size_t level = rung_fair_divide(slots, demands, keys, count, shares);
        for (size_t i = 0; i < count; i++) {
            given += shares[i];
            assert_true(shares[i] <= demands[i]);
            assert_true(demands[i] <= level ? shares[i] == demands[i] : shares[i] - level <= 1);
            for (size_t j = 0; j < count && shares[i] < demands[i]; j++)
                assert_true(shares[j] <= shares[i] + (keys[j] < keys[i] || (keys[j] == keys[i] && j < i)));
        }
        assert_int_equal(given, wanted < slots ? wanted : slots);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_who_want_little_leave_the_rest_to_the_others),
        cmocka_unit_test(what_does_not_divide_goes_to_the_first),
        cmocka_unit_test(what_does_not_divide_goes_to_the_smallest_keys),
        cmocka_unit_test(nobody_is_short_while_another_has_more_than_one_beyond_him),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
