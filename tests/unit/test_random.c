/* Random numbers: the generator's own test vector, streams apart, distributions of the right shape. */
#include "trainer/random.h"
#include "trainer_help.h"

#include <math.h>

/* First outputs from state 1, 2, 3, 4, computed by a program of its own from the published recurrence. */
static void generator_is_xoshiro256pp(void **state)
{
    struct rung_random random = {{1, 2, 3, 4}};

    (void)state;
    assert_true(rung_random_bits(&random) == 41943041u);
    assert_true(rung_random_bits(&random) == 58720359u);
    assert_true(rung_random_bits(&random) == 3588806011781223u);
    assert_true(rung_random_bits(&random) == 3591011842654386u);
}

static void streams_differ_by_seed_purpose_and_index(void **state)
{
    struct rung_random a, b;

    (void)state;
    rung_random_seed(&a, 1, "rows", 0);
    rung_random_seed(&b, 1, "rows", 0);
    assert_memory_equal(&a, &b, sizeof a);
    rung_random_seed(&b, 2, "rows", 0);
    assert_memory_not_equal(&a, &b, sizeof a);
    rung_random_seed(&b, 1, "order", 0);
    assert_memory_not_equal(&a, &b, sizeof a);
    rung_random_seed(&b, 1, "rows", 1);
    assert_memory_not_equal(&a, &b, sizeof a);
    rung_random_seed(&a, 0, "rows", 1); /* seed and index must not be summed into one */
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void uniform_and_normal_have_their_moments(void **state)
{
    enum { COUNT = 200000 };
    struct rung_random random;
    double unit = 0, mean = 0, square = 0, fourth = 0;

    (void)state;
    rung_random_seed(&random, 3, "test", 0);
    for (int i = 0; i < COUNT; i++) {
        double u = rung_random_unit(&random), z = rung_random_normal(&random);

        assert_true(u >= 0 && u < 1);
        unit += u / COUNT;
        mean += z / COUNT;
        square += z * z / COUNT;
        fourth += z * z * z * z / COUNT;
    }
    /* Within five standard errors: sqrt(1/12/n), sqrt(1/n), sqrt(2/n), sqrt(96/n). */
    assert_true(fabs(unit - .5) < 5 * sqrt(1. / 12 / COUNT));
    assert_true(fabs(mean) < 5 * sqrt(1. / COUNT));
    assert_true(fabs(square - 1) < 5 * sqrt(2. / COUNT));
    assert_true(fabs(fourth - 3) < 5 * sqrt(96. / COUNT));
}

static void below_is_even(void **state)
{
    struct rung_random random;
    int count[7] = {0};

    (void)state;
    rung_random_seed(&random, 4, "test", 0);
    for (int i = 0; i < 70000; i++)
        count[rung_random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(count[i], 10000 - 500, 10000 + 500);
    assert_int_equal(rung_random_below(&random, 1), 0);
    for (int i = 0; i < 100; i++) /* a bound so large that many draws are redone */
        assert_true(rung_random_below(&random, ((uint64_t)1 << 63) + 1) <= (uint64_t)1 << 63);
}

static void shuffle_is_a_permutation_and_all_orders_occur(void **state)
{
    struct rung_random random;
    int seen[6] = {0};

    (void)state;
    for (uint64_t i = 0; i < 6000; i++) {
        uint32_t rows[3] = {0, 1, 2};

        rung_random_seed(&random, 5, "test", i);
        rung_random_shuffle(&random, rows, 3);
        assert_int_equal((1 << rows[0]) | (1 << rows[1]) | (1 << rows[2]), 7);
        seen[2 * rows[0] + (rows[1] > rows[2])]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(seen[i], 850, 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generator_is_xoshiro256pp),
        cmocka_unit_test(streams_differ_by_seed_purpose_and_index),
        cmocka_unit_test(uniform_and_normal_have_their_moments),
        cmocka_unit_test(below_is_even),
        cmocka_unit_test(shuffle_is_a_permutation_and_all_orders_occur),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
