/*
 * Each form: its distribution, its steps, its errors.
 */
#include "core/form.h"

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

/* Draws of one parameter "a", put in cells by a function that makes them equally likely. */
static void assert_distribution(const char *form, double (*quantile)(double), int cells)
{
    const int draws = 40000;
    long *counts = rung_mem_zalloc((size_t)cells, sizeof *counts);
    double expected = (double)draws / cells, sum = 0;
    char *text = rung_mem_printf("{'a': %s}", form);
    struct rung_space *space = parameters(text);
    for (int i = 0; i < draws; i++) {
        double u = quantile(number(space, (uint32_t)i));
        assert_true(u >= 0 && u <= 1);
        counts[u >= 1 ? cells - 1 : (int)(u * cells)]++;
    }
    for (int i = 0; i < cells; i++)
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    if (sum > chi_square_limit(cells))
        fail_msg("%s: chi-square %g over %d cells", form, sum, cells);
    rung_space_free(space);
    free(text);
    free(counts);
}

static double of_uniform(double x)
{
    return (x + 2) / 5;
}

static double of_log_uniform(double x)
{
    return (log(x) - log(1e-6)) / (log(1e-3) - log(1e-6));
}

static double of_int(double x)
{
    return x == floor(x) ? (x + 3 + 0.5) / 11 : -1;
}

static double of_stepped_int(double x)
{
    return fmod(x - 10, 5) == 0 ? ((x - 10) / 5 + 0.5) / 9 : -1;
}

static double of_stepped_uniform(double x)
{
    return fabs(x * 10 - round(x * 10)) < 1e-12 ? (round(x * 10) - 1 + 0.5) / 5 : -1;
}

static double of_normal(double x)
{
    return 0.5 * erfc(-(x - 3) / 2 / sqrt(2));
}

static double of_log_normal(double x)
{
    return 0.5 * erfc(-(log(x) + 1) / 0.5 / sqrt(2));
}

static double of_choice(double x)
{
    return (x + 0.5) / 7;
}

static void test_each_form_has_its_distribution(void **state)
{
    (void)state;
    assert_distribution("{'uniform': [-2, 3]}", of_uniform, 50);
    assert_distribution("{'log_uniform': [1e-6, 1e-3]}", of_log_uniform, 50);
    assert_distribution("{'int': [-3, 7]}", of_int, 11);
    assert_distribution("{'int': [10, 54], 'step': 5}", of_stepped_int, 9);
    assert_distribution("{'uniform': [0.1, 0.5], 'step': 0.1}", of_stepped_uniform, 5);
    assert_distribution("{'normal': [3, 2]}", of_normal, 50);
    assert_distribution("{'log_normal': [-1, 0.5]}", of_log_normal, 50);
    assert_distribution("{'choice': [0, 1, 2, 3, 4, 5, 6]}", of_choice, 7);
}

/* Counts of 0 … cells-1 against probabilities. */
static void assert_probabilities(const char *form, const double *probabilities, int cells)
{
    const int draws = 60000;
    long counts[16] = {0};
    double sum = 0;
    int possible = 0;
    char *text = rung_mem_printf("{'a': %s}", form);
    struct rung_space *space = parameters(text);
    for (int i = 0; i < draws; i++) {
        double x = number(space, (uint32_t)i);
        assert_true(x >= 0 && x < cells && x == floor(x));
        counts[(int)x]++;
    }
    for (int i = 0; i < cells; i++) {
        double expected = draws * probabilities[i];
        if (expected == 0)
            assert_int_equal(counts[i], 0);
        else
            sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
        possible += expected > 0;
    }
    if (sum > chi_square_limit(possible))
        fail_msg("%s: chi-square %g", form, sum);
    rung_space_free(space);
    free(text);
}

static void test_weights_are_probabilities(void **state)
{
    (void)state;
    static const double fifth[] = {5.0 / 7, 2.0 / 7}, with_zeros[] = {0, 0.25, 0, 0.75, 0};
    assert_probabilities("{'choice': [0, 1], 'weights': [5, 2]}", fifth, 2);
    assert_probabilities("{'choice': [0, 1, 2, 3, 4], 'weights': [0, 1, 0, 3, 0]}", with_zeros, 5);
}

static void test_nested_choice_draws_from_the_inner_distribution(void **state)
{
    (void)state;
    /* 0 with 1/6; else an integer from 1 to 4, or 5 */
    static const double p[] = {1.0 / 6, 5.0 / 6 / 8, 5.0 / 6 / 8, 5.0 / 6 / 8, 5.0 / 6 / 8, 5.0 / 6 / 2};
    assert_probabilities("{'choice': [0, {'choice': [{'int': [1, 4]}, 5]}], 'weights': [1, 5]}", p, 6);
    struct rung_space *space =
        parameters("{'a': {'choice': [0, {'log_uniform': [1e-5, 1e-3]}], 'weights': [1, 5]}}");
    int zeros = 0;
    for (uint32_t i = 0; i < 6000; i++) {
        double x = number(space, i);
        assert_true(x == 0 || (x >= 1e-5 && x <= 1e-3));
        zeros += x == 0;
    }
    assert_true(zeros > 850 && zeros < 1150); /* 1000 expected, five standard deviations are 144 */
    rung_space_free(space);
}

/* Optuna's suggest_int(log=True): P(k) is log((k + 1/2) / (k - 1/2)) / log((hi + 1/2) / (lo - 1/2)). */
static void test_log_int_includes_both_ends_with_their_share(void **state)
{
    (void)state;
    double p[9] = {0};
    for (int k = 1; k <= 8; k++)
        p[k] = log((k + 0.5) / (k - 0.5)) / log(8.5 / 0.5);
    assert_probabilities("{'log_int': [1, 8]}", p, 9);
    static const double one[] = {0, 1};
    assert_probabilities("{'log_int': [1, 1]}", one, 2);
}

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

/* For any grid of decimals, value k is the double nearest to lo + k step in decimals. */
static void test_steps_of_many_decimals(void **state)
{
    (void)state;
    for (int digits = 0; digits <= 6; digits++)
        for (int step = 1; step <= 30; step += 7)
            for (int lo = -20; lo <= 20; lo += 5) {
                int count = 12;
                char *text = rung_mem_printf("{'a': {'uniform': [%de-%d, %de-%d], 'step': %de-%d}}", lo,
                                             digits, lo + step * (count - 1), digits, step, digits);
                struct rung_space *space = space_of((struct source){.parameters = text, .grid = true});
                assert_int_equal(rung_space_limit(space), count);
                for (int k = 0; k < count; k++) {
                    char *decimal = rung_mem_printf("%de-%d", lo + k * step, digits);
                    assert_true(number(space, (uint32_t)k) == strtod(decimal, NULL));
                    free(decimal);
                }
                rung_space_free(space);
                free(text);
            }
}

static void test_extreme_ranges_stay_inside(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        double lo, hi;
    } CASES[] = {
        {"{'uniform': [1, 1.0000000000000002]}", 1, 1},
        {"{'uniform': [-8e307, 8e307]}", -8e307, 8e307},
        {"{'log_uniform': [4.9e-324, 1.7976931348623157e308]}", 4.9e-324, 1.7976931348623157e308},
        {"{'int': [-9007199254740991, 9007199254740991]}", -9007199254740991.0, 9007199254740991.0},
        {"{'log_int': [1, 9007199254740991]}", 1, 9007199254740991.0},
        {"{'normal': [1e308, 1e308]}", -1.7976931348623157e308, 1.7976931348623157e308},
        {"{'log_normal': [700, 1000]}", 2.2250738585072014e-308, 1.7976931348623157e308},
        {"{'normal': [5, 0]}", 5, 5},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *text = rung_mem_printf("{'a': %s}", CASES[i].form);
        struct rung_space *space = parameters(text);
        for (uint32_t k = 0; k < 2000; k++) {
            double x = number(space, k);
            if (!(x >= CASES[i].lo && x <= CASES[i].hi))
                fail_msg("%s gave %.17g", CASES[i].form, x);
        }
        rung_space_free(space);
        free(text);
    }
}

static void test_constants_are_any_literal(void **state)
{
    (void)state;
    struct rung_space *space =
        parameters("{'a': 3, 'b': 'x', 'c': [1, [2]], 'd': null, 'e': true, 'f': 0.1, 'g': []}");
    assert_draw(space, 1, 0, "{'a':3,'b':'x','c':[1,[2]],'d':null,'e':true,'f':0.1,'g':[]}");
    assert_draw(space, 2, 9, "{'a':3,'b':'x','c':[1,[2]],'d':null,'e':true,'f':0.1,'g':[]}");
    assert_int_equal(rung_space_limit(space), INT64_MAX);
    assert_int_equal(rung_space_first_count(space), 0);
    rung_space_free(space);
}

static const struct {
    const char *form, *error; /* of parameter a; b is {'choice': ['x', 'why']}, c a uniform */
} WRONG_FORMS[] = {
    {"{}", "parameters.a: expected a distribution (choice, uniform, log_uniform, int, log_int, normal, "
           "log_normal), found {}"},
    {"{'weights': [1]}", "parameters.a: expected a distribution (choice, uniform, log_uniform, int, "
                         "log_int, normal, log_normal), found {'weights':[1]}"},
    {"{'unifrom': [0, 1]}", "parameters.a.unifrom: unknown key (did you mean 'uniform'?)"},
    {"{'loguniform': [0, 1]}", "parameters.a.loguniform: unknown key (did you mean 'log_uniform'?)"},
    {"{'name': 'adam'}", "parameters.a.name: unknown key (known here: choice, uniform, log_uniform, int, "
                         "log_int, normal, log_normal, weights, step, when)"},
    {"{'uniform': [0, 1], 'normal': [0, 1]}",
     "parameters.a: both 'uniform' and 'normal', expected one distribution"},
    {"{'choice': []}", "parameters.a.choice: expected an array of at least one element, found []"},
    {"{'choice': 'x'}", "parameters.a.choice: expected an array of at least one element, found 'x'"},
    {"{'choice': [1, {'int': [3, 1]}]}",
     "parameters.a.choice.1.int: expected [lo, hi] with lo <= hi, found [3,1]"},
    {"{'choice': [1, {'when': {'b': 'x'}, 'int': [1, 2]}]}",
     "parameters.a.choice.1.when: only a parameter itself takes when"},
    {"{'choice': [1, {'foo': 1}]}",
     "parameters.a.choice.1.foo: unknown key (known here: choice, uniform, log_uniform, int, log_int, "
     "normal, log_normal, weights, step)"},
    {"{'choice': [1, 2], 'weights': [1]}",
     "parameters.a.weights: expected 2 numbers, one for each element of choice, found [1]"},
    {"{'choice': [1, 2], 'weights': 1}",
     "parameters.a.weights: expected 2 numbers, one for each element of choice, found 1"},
    {"{'choice': [1, 2], 'weights': [1, -1]}", "parameters.a.weights.1: expected a number >= 0, found -1"},
    {"{'choice': [1, 2], 'weights': ['1', 1]}", "parameters.a.weights.0: expected a number >= 0, found '1'"},
    {"{'choice': [1, 2], 'weights': [0, 0]}",
     "parameters.a.weights: expected weights with a finite sum above 0, found [0,0]"},
    {"{'choice': [1, 2], 'weights': [1e308, 1e308]}",
     "parameters.a.weights: expected weights with a finite sum above 0, found [1e+308,1e+308]"},
    {"{'int': [1, 2], 'weights': [1, 1]}", "parameters.a.weights: only choice takes weights"},
    {"{'uniform': 3}", "parameters.a.uniform: expected [lo, hi], found 3"},
    {"{'uniform': [3]}", "parameters.a.uniform: expected [lo, hi], found [3]"},
    {"{'uniform': [1, 2, 3]}", "parameters.a.uniform: expected [lo, hi], found [1,2,3]"},
    {"{'uniform': ['1', 2]}", "parameters.a.uniform: expected [lo, hi], found ['1',2]"},
    {"{'uniform': [2, 1]}", "parameters.a.uniform: expected [lo, hi] with lo < hi, found [2,1]"},
    {"{'uniform': [1, 1]}", "parameters.a.uniform: expected [lo, hi] with lo < hi, found [1,1]"},
    {"{'uniform': [-1e308, 1e308]}",
     "parameters.a.uniform: expected [lo, hi] with a finite hi - lo, found [-1e+308,1e+308]"},
    {"{'log_uniform': [0, 1]}", "parameters.a.log_uniform: expected [lo, hi] with 0 < lo < hi, found [0,1]"},
    {"{'log_uniform': [1, 0.1]}",
     "parameters.a.log_uniform: expected [lo, hi] with 0 < lo < hi, found [1,0.1]"},
    {"{'int': [0.5, 3]}", "parameters.a.int: expected [lo, hi] of integers below 2^53, found [0.5,3]"},
    {"{'int': [0, 9007199254740992]}",
     "parameters.a.int: expected [lo, hi] of integers below 2^53, found [0,9007199254740992]"},
    {"{'int': [4, 3]}", "parameters.a.int: expected [lo, hi] with lo <= hi, found [4,3]"},
    {"{'log_int': [0, 3]}", "parameters.a.log_int: expected [lo, hi] with 0 < lo <= hi, found [0,3]"},
    {"{'log_int': [1.5, 3]}",
     "parameters.a.log_int: expected [lo, hi] of integers below 2^53, found [1.5,3]"},
    {"{'normal': [0]}", "parameters.a.normal: expected [mean, sd], found [0]"},
    {"{'normal': [0, -1]}", "parameters.a.normal: expected [mean, sd] with sd >= 0, found [0,-1]"},
    {"{'log_normal': [0, -1]}", "parameters.a.log_normal: expected [mean, sd] with sd >= 0, found [0,-1]"},
    {"{'normal': [0, 1], 'step': 0.1}", "parameters.a.step: only uniform and int take a step"},
    {"{'log_int': [1, 9], 'step': 2}", "parameters.a.step: only uniform and int take a step"},
    {"{'uniform': [0, 1], 'step': 0}", "parameters.a.step: expected a number > 0, found 0"},
    {"{'uniform': [0, 1], 'step': '0.1'}", "parameters.a.step: expected a number > 0, found '0.1'"},
    {"{'uniform': [0, 1], 'step': 1.5}", "parameters.a.step: expected a step of at most hi - lo, found 1.5"},
    {"{'uniform': [0, 1], 'step': 1e-300}",
     "parameters.a.step: expected a step that divides hi - lo into less than 2^53, found 1e-300"},
    {"{'int': [0, 9], 'step': 0.5}", "parameters.a.step: expected an integer >= 1, found 0.5"},
    {"{'int': [0, 9], 'step': 10}", "parameters.a.step: expected a step of at most hi - lo, found 10"},
    {"{'choice': [1], 'when': 'b'}",
     "parameters.a.when: expected an object such as {'other': value}, found 'b'"},
    {"{'choice': [1], 'when': {}}",
     "parameters.a.when: expected an object such as {'other': value}, found {}"},
    {"{'choice': [1], 'when': {'bb': 'x'}}", "parameters.a.when.bb: no such parameter (did you mean 'b'?)"},
    {"{'choice': [1], 'when': {'other': 'x'}}", "parameters.a.when.other: no such parameter"},
    {"{'choice': [1], 'when': {'b': []}}",
     "parameters.a.when.b: expected a value or an array of values, found []"},
    {"{'choice': [1], 'when': {'b': 'wyh'}}",
     "parameters.a.when.b: 'b' is never 'wyh' (did you mean 'why'?)"},
    {"{'choice': [1], 'when': {'b': ['x', 'z']}}", "parameters.a.when.b.1: 'b' is never 'z'"},
    {"{'choice': [1], 'when': {'b': 4}}", "parameters.a.when.b: 'b' is never 4"},
    {"{'choice': [1], 'when': {'c': 2}}", "parameters.a.when.c: 'c' is never 2"},
    {"{'choice': [1], 'when': {'c': 'x'}}", "parameters.a.when.c: 'c' is never 'x'"},
};

static void test_errors_name_the_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof WRONG_FORMS / sizeof *WRONG_FORMS; i++) {
        char *text = rung_mem_printf("{'a': %s, 'b': {'choice': ['x', 'why', 3]}, 'c': {'uniform': [0, 1]}}",
                                     WRONG_FORMS[i].form);
        assert_refused((struct source){.parameters = text}, WRONG_FORMS[i].error);
        free(text);
    }
}

static void test_distributions_nest_sixteen_deep(void **state)
{
    (void)state;
    struct rung_buf text;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (int depth = 16; depth <= 17; depth++) {
        rung_buf_clear(&text);
        rung_buf_text(&text, "{'a': ");
        for (int i = 0; i < depth; i++)
            rung_buf_text(&text, "{'choice': [");
        rung_buf_text(&text, "1");
        for (int i = 0; i < depth; i++)
            rung_buf_text(&text, "]}");
        rung_buf_text(&text, "}");
        if (depth == 16) {
            struct rung_space *space = parameters(text.data);
            assert_draw(space, 0, 0, "{'a':1}");
            rung_space_free(space);
        } else {
            assert_refused((struct source){.parameters = text.data},
                           "parameters.a.choice.0.choice.0.choice.0.choice.0.choice.0.choice.0.choice.0."
                           "choice.0.choice.0."
                           "choice.0.choice.0.choice.0.choice.0.choice.0.choice.0.choice.0.choice: nested "
                           "deeper than 16 "
                           "distributions");
        }
    }
    rung_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_form_has_its_distribution),
        cmocka_unit_test(test_weights_are_probabilities),
        cmocka_unit_test(test_nested_choice_draws_from_the_inner_distribution),
        cmocka_unit_test(test_log_int_includes_both_ends_with_their_share),
        cmocka_unit_test(test_steps_are_clean_numbers_and_include_hi_on_the_grid),
        cmocka_unit_test(test_steps_of_many_decimals),
        cmocka_unit_test(test_extreme_ranges_stay_inside),
        cmocka_unit_test(test_constants_are_any_literal),
        cmocka_unit_test(test_errors_name_the_place),
        cmocka_unit_test(test_distributions_nest_sixteen_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
