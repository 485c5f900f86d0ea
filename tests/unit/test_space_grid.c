/*
 * The grid: every combination once, in order.
 */
#include "core/space.h"

#include "base/mem.h"
#include "space_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_steps_are_clean_numbers_and_include_hi_on_the_grid(void **state)
{
    (void)state;
    assert_values("{'uniform': [0.1, 0.5], 'step': 0.1}", (const char *[]){"0.1", "0.2", "0.3", "0.4", "0.5"},
                  5);
    assert_values("{'uniform': [0, 1], 'step': 0.3}", (const char *[]){"0", "0.3", "0.6", "0.9"}, 4);
    assert_values("{'uniform': [-0.1, 0.2], 'step': 0.1}", (const char *[]){"-0.1", "0", "0.1", "0.2"}, 4);
    assert_values("{'uniform': [0.001, 0.0075], 'step': 0.0025}",
                  (const char *[]){"0.001", "0.0035", "0.006"}, 3);
    assert_values("{'uniform': [0, 0.3333333333333333], 'step': 0.1}",
                  (const char *[]){"0", "0.1", "0.2", "0.3"}, 4);
    assert_values("{'uniform': [1, 9], 'step': 4}", (const char *[]){"1", "5", "9"}, 3);
    assert_values("{'uniform': [0, 1e-25], 'step': 5e-26}", (const char *[]){"0", "5e-26", "1e-25"}, 3);
    assert_values("{'uniform': [0, 1e30], 'step': 5e29}", (const char *[]){"0", "5e+29", "1e+30"}, 3);
    assert_values("{'int': [1, 10], 'step': 4}", (const char *[]){"1", "5", "9"}, 3);
    assert_values("{'int': [1, 9], 'step': 4}", (const char *[]){"1", "5", "9"}, 3);
    assert_values("{'int': [5, 5]}", (const char *[]){"5"}, 1);
    assert_values("{'log_int': [3, 5]}", (const char *[]){"3", "4", "5"}, 3);
}

static void test_grid_has_the_last_parameter_fastest(void **state)
{
    (void)state;
    struct rung_space *space =
        space_of((struct source){.parameters = "{'a': {'choice': ['p', 'q']}, 'k': 7, 'b': {'int': [1, 3]}, "
                                               "'c': {'uniform': [0, 0.1], 'step': 0.1}}",
                                 .grid = true});
    assert_int_equal(rung_space_limit(space), 12);
    assert_draw(space, 0, 0, "{'a':'p','k':7,'b':1,'c':0}");
    assert_draw(space, 0, 1, "{'a':'p','k':7,'b':1,'c':0.1}");
    assert_draw(space, 0, 2, "{'a':'p','k':7,'b':2,'c':0}");
    assert_draw(space, 9, 5, "{'a':'p','k':7,'b':3,'c':0.1}");
    assert_draw(space, 9, 6, "{'a':'q','k':7,'b':1,'c':0}");
    assert_draw(space, 0, 11, "{'a':'q','k':7,'b':3,'c':0.1}");
    rung_space_free(space);
}

static void test_grid_of_nested_choices_is_flat(void **state)
{
    (void)state;
    assert_values("{'choice': [0, {'int': [5, 6]}, {'choice': ['x', {'uniform': [1, 2], 'step': 0.5}]}]}",
                  (const char *[]){"0", "5", "6", "'x'", "1", "1.5", "2"}, 7);
}

static void test_grid_counts_absent_parameters_once(void **state)
{
    (void)state;
    struct rung_space *space =
        space_of((struct source){.parameters = "{'rate': {'choice': ['constant', 'invscaling']}, 'power_t': "
                                               "{'choice': [0.1, 0.5, 0.9], 'when': {'rate': "
                                               "'invscaling'}}, 'batch': {'choice': [32, 64]}}",
                                 .grid = true});
    static const char *const WANTED[] = {
        "{'rate':'constant','batch':32}",
        "{'rate':'constant','batch':64}",
        "{'rate':'invscaling','power_t':0.1,'batch':32}",
        "{'rate':'invscaling','power_t':0.1,'batch':64}",
        "{'rate':'invscaling','power_t':0.5,'batch':32}",
        "{'rate':'invscaling','power_t':0.5,'batch':64}",
        "{'rate':'invscaling','power_t':0.9,'batch':32}",
        "{'rate':'invscaling','power_t':0.9,'batch':64}",
    };
    assert_int_equal(rung_space_limit(space), 8);
    for (uint32_t k = 0; k < 8; k++)
        assert_draw(space, 0, k, WANTED[k]);
    rung_space_free(space);
}

/* The definition, by brute force: the full product in order, where an absent parameter keeps only its first
 * value. */
struct brute {
    int options[5], count;
    bool (*active)(int parameter, const int *index);
};

static bool chain_active(int parameter, const int *index)
{
    /* p0 if p2 = 1; p1 if p0 there and 0; p2 always; p3 if p2 is 0 or 2; p4 always */
    switch (parameter) {
    case 0:
        return index[2] == 1;
    case 1:
        return index[2] == 1 && index[0] == 0;
    case 3:
        return index[2] == 0 || index[2] == 2;
    default:
        return true;
    }
}

static void test_grid_with_chains_of_conditions_equals_brute_force(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"p0", "p1", "p2", "p3", "p4"};
    static const struct brute chain = {{3, 2, 3, 4, 2}, 5, chain_active};
    struct rung_space *space = space_of((struct source){
        .parameters = "{'p0': {'int': [0, 2], 'when': {'p2': 1}}, 'p1': {'int': [0, 1], 'when': {'p0': 0}}, "
                      "'p2': {'int': [0, 2]},"
                      " 'p3': {'int': [0, 3], 'when': {'p2': [0, 2]}}, 'p4': {'int': [0, 1]}}",
        .grid = true});
    uint32_t found = 0;
    int index[5];
    for (int code = 0; code < 3 * 2 * 3 * 4 * 2; code++) {
        bool kept = true;
        for (int i = chain.count - 1, rest = code; i >= 0; rest /= chain.options[i--])
            index[i] = rest % chain.options[i];
        for (int i = 0; i < chain.count; i++)
            kept = kept && (chain.active(i, index) || index[i] == 0);
        if (!kept)
            continue;
        struct rung_buf wanted;
        rung_buf_init(&wanted, RUNG_BUF_UNLIMITED);
        for (int i = 0; i < chain.count; i++)
            if (chain.active(i, index))
                rung_buf_printf(&wanted, "%c'%s':%d", wanted.length ? ',' : '{', NAMES[i], index[i]);
        rung_buf_char(&wanted, '}');
        assert_draw(space, 0, found++, wanted.data);
        rung_buf_free(&wanted);
    }
    assert_int_equal(rung_space_limit(space), found);
    rung_space_free(space);
}

static void test_a_grid_of_two_thousand_million_is_counted_not_listed(void **state)
{
    (void)state;
    struct rung_space *space = space_of((struct source){
        .parameters = "{'a': {'int': [1, 2000]}, 'b': {'int': [1, 1000]}, 'c': {'int': [1, 1000]}}",
        .grid = true});
    assert_int_equal(rung_space_limit(space), 2000000000);
    assert_draw(space, 0, 1999999999, "{'a':2000,'b':1000,'c':1000}");
    assert_draw(space, 0, 1234567890, "{'a':1235,'b':568,'c':891}");
    rung_space_free(space);
}

static void test_errors_of_grids(void **state)
{
    (void)state;
    static const char countable[] =
        "a grid needs values that can be counted (choice, int, log_int, uniform with a step)";
    static const char *const FORMS[] = {"uniform", "log_uniform", "normal", "log_normal"};
    for (size_t i = 0; i < 4; i++) {
        char *text = rung_mem_printf("{'a': {'%s': [1, 2]}}", FORMS[i]);
        char *error = rung_mem_printf("parameters.a.%s: %s", FORMS[i], countable);
        assert_refused((struct source){.parameters = text, .grid = true}, error);
        free(error);
        error = rung_mem_printf("parameters.a.choice.1.%s: %s", FORMS[i], countable);
        free(text);
        text = rung_mem_printf("{'a': {'choice': [0, {'%s': [1, 2]}]}}", FORMS[i]);
        assert_refused((struct source){.parameters = text, .grid = true}, error);
        free(error);
        free(text);
    }
    assert_refused(
        (struct source){.parameters = "{'a': {'choice': [1, 2], 'weights': [1, 1]}}", .grid = true},
        "parameters.a.weights: a grid takes no weights (every combination is tried once)");
    assert_refused((struct source){.parameters = "{'a': 1}", .first = "[{'a': 1}]", .grid = true},
                   "first: a grid tries every combination already");
    assert_refused((struct source){.configurations = "[{}]", .grid = true},
                   "configurations: a grid is made of parameters (the algorithm 'random' tries a list)");
    assert_refused(
        (struct source){.parameters = "{'a': {'int': [1, 65536]}, 'b': {'int': [1, 65536]}}", .grid = true},
        "parameters: a grid of 4294967296 combinations (at most 2147483647)");
    assert_refused(
        (struct source){.parameters = "{'a': {'int': [1, 70000]}, 'b': {'int': [1, 2], 'when': {'a': 1}}}",
                        .grid = true},
        "parameters: 70000 combinations of the parameters that a 'when' names (a grid takes 65536)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_clean_numbers_and_include_hi_on_the_grid),
        cmocka_unit_test(test_grid_has_the_last_parameter_fastest),
        cmocka_unit_test(test_grid_of_nested_choices_is_flat),
        cmocka_unit_test(test_grid_counts_absent_parameters_once),
        cmocka_unit_test(test_grid_with_chains_of_conditions_equals_brute_force),
        cmocka_unit_test(test_a_grid_of_two_thousand_million_is_counted_not_listed),
        cmocka_unit_test(test_errors_of_grids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
