/*
 * The search space: conditions, given models, lists, and that a draw depends on nothing but (space, seed,
 * model).
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

#define FOUR_CIRCLES                                                                                         \
    "{'hidden_layer_sizes': {'choice': [[24], [12, 12], [12, 6, 3, 3]]}, 'alpha': {'log_uniform': [1e-6, "   \
    "1e-3]},"                                                                                                \
    " 'batch_size': {'choice': [32, 64, 128, 256, 512]}, 'learning_rate': {'choice': ['constant', "          \
    "'invscaling']},"                                                                                        \
    " 'power_t': {'uniform': [0.1, 0.9], 'when': {'learning_rate': 'invscaling'}}, 'momentum': {'normal': "  \
    "[0, 1]},"                                                                                               \
    " 'layers': {'log_int': [1, 64]}}"

/* What recorded searches were drawn with: a change of these texts breaks their resumption. */
static void test_stored_draws(void **state)
{
    (void)state;
    struct rung_space *space = parameters(FOUR_CIRCLES);
    assert_draw(space, 42, 0,
                "{'hidden_layer_sizes':[12,6,3,3],'alpha':6.540238673152012e-06,'batch_size':64,'learning_"
                "rate':'invscaling','power_t':0.7493079633426819,'momentum':0.4030960317604167,'layers':1}");
    assert_draw(space, 42, 1,
                "{'hidden_layer_sizes':[24],'alpha':0.00020312182393873986,'batch_size':32,'learning_rate':'"
                "constant','momentum':0.7089910138174086,'layers':27}");
    assert_draw(space, 42, 377,
                "{'hidden_layer_sizes':[24],'alpha':2.5512270347803296e-05,'batch_size':128,'learning_rate':'"
                "invscaling','power_t':0.7826099016146151,'momentum':-1.677625195507882,'layers':6}");
    assert_draw(space, 43, 0,
                "{'hidden_layer_sizes':[12,12],'alpha':4.152196426778696e-06,'batch_size':32,'learning_rate':"
                "'constant','momentum':-0.04422932829398144,'layers':6}");
    assert_int_equal(rung_space_model_seed(42, 0), 485841402);
    assert_int_equal(rung_space_model_seed(42, 1), 2772339698);
    assert_int_equal(rung_space_model_seed(43, 0), 86270543);
    rung_space_free(space);
}

static void test_adding_a_parameter_leaves_the_others_as_they_were(void **state)
{
    (void)state;
    struct rung_space *before =
        parameters("{'x': {'uniform': [0, 1]}, 'y': {'choice': [1, 2, 3], 'when': {'c': 1}}, "
                   "'c': {'choice': [1, 2]}}");
    struct rung_space *after =
        parameters("{'new': {'normal': [0, 1]}, 'c': {'choice': [1, 2]}, 'z': {'int': [1, 9]}, "
                   "'y': {'choice': [1, 2, 3], 'when': {'c': 1}}, 'x': {'uniform': [0, 1]}}");
    for (uint32_t k = 0; k < 300; k++) {
        struct rung_json *a = drawn(before, k), *b = drawn(after, k);
        for (struct rung_json *v = rung_json_first(a); v; v = rung_json_next(v)) {
            assert_non_null(rung_json_get(b, rung_json_key(v)));
            assert_true(rung_json_equal(v, rung_json_get(b, rung_json_key(v))));
        }
        assert_true(!rung_json_get(a, "y") == !rung_json_get(b, "y"));
        rung_json_free(a);
        rung_json_free(b);
    }
    rung_space_free(before);
    rung_space_free(after);
}

/* Correlation of two parameters of the same form over many models. */
static void test_parameters_of_one_form_are_independent(void **state)
{
    (void)state;
    struct rung_space *space = parameters("{'x': {'uniform': [0, 1]}, 'y': {'uniform': [0, 1]}}");
    const uint32_t draws = 20000;
    double sum = 0;
    for (uint32_t k = 0; k < draws; k++) {
        struct rung_json *object = drawn(space, k);
        sum += (rung_json_number(rung_json_get(object, "x")) - 0.5) *
               (rung_json_number(rung_json_get(object, "y")) - 0.5);
        rung_json_free(object);
    }
    assert_true(fabs(sum * 12 / draws) < 5 / sqrt(draws));
    rung_space_free(space);
}

static void test_a_parameter_is_absent_when_its_condition_fails(void **state)
{
    (void)state;
    /* c needs b, which needs a: forward references, lists, and absence handed on */
    struct rung_space *space =
        parameters("{'c': {'int': [0, 9], 'when': {'b': ['y', 'z']}},"
                   " 'b': {'choice': ['x', 'y', 'z'], 'when': {'a': [1, 2]}},"
                   " 'a': {'choice': [1, 2, 3]}, 'd': {'uniform': [0, 1], 'when': {'a': 1, 'b': 'x'}}}");
    int counts[4] = {0};
    for (uint32_t k = 0; k < 3000; k++) {
        struct rung_json *object = drawn(space, k);
        double a = rung_json_number(rung_json_get(object, "a"));
        const struct rung_json *b = rung_json_get(object, "b"), *c = rung_json_get(object, "c");
        const struct rung_json *d = rung_json_get(object, "d");
        assert_true((b != NULL) == (a != 3));
        assert_true((c != NULL) == (b && strcmp(rung_json_string(b), "x") != 0));
        assert_true((d != NULL) == (a == 1 && b && strcmp(rung_json_string(b), "x") == 0));
        counts[0] += b != NULL;
        counts[1] += c != NULL;
        counts[2] += d != NULL;
        rung_json_free(object);
    }
    assert_true(counts[0] > 1870 && counts[0] < 2130); /* 2/3 */
    assert_true(counts[1] > 1197 && counts[1] < 1470); /* 4/9 */
    assert_true(counts[2] > 247 && counts[2] < 420);   /* 1/9 */
    rung_space_free(space);
}

static void test_conditions_compare_numbers_and_lists_by_content(void **state)
{
    (void)state;
    struct rung_space *space =
        parameters("{'n': {'int': [1, 2]}, 'h': {'choice': [[24], [12, 12]]}, 'flag': true,"
                   " 'p': {'choice': [1], 'when': {'n': 2.0}}, 'q': {'choice': [1], 'when': {'h': [[24]]}},"
                   " 'r': {'choice': [1], 'when': {'flag': true}}}");
    for (uint32_t k = 0; k < 100; k++) {
        struct rung_json *object = drawn(space, k);
        assert_true((rung_json_get(object, "p") != NULL) ==
                    (rung_json_number(rung_json_get(object, "n")) == 2));
        assert_true((rung_json_get(object, "q") != NULL) ==
                    (rung_json_size(rung_json_get(object, "h")) == 1));
        assert_non_null(rung_json_get(object, "r"));
        rung_json_free(object);
    }
    rung_space_free(space);
}

static void test_conditions_on_values_that_are_possible(void **state)
{
    (void)state;
    static const struct {
        const char *form, *value;
        bool possible;
    } CASES[] = {
        {"{'int': [1, 9], 'step': 4}", "5", true},
        {"{'int': [1, 9], 'step': 4}", "6", false},
        {"{'int': [1, 9]}", "10", false},
        {"{'int': [1, 9]}", "1.5", false},
        {"{'log_int': [1, 9]}", "9", true},
        {"{'log_int': [1, 9]}", "0", false},
        {"{'uniform': [0, 1]}", "0.5", true},
        {"{'uniform': [0, 1]}", "'0.5'", false},
        {"{'log_uniform': [1, 2]}", "0.5", false},
        {"{'normal': [0, 1]}", "-7", true},
        {"{'log_normal': [0, 1]}", "7", true},
        {"{'log_normal': [0, 1]}", "-7", false},
        {"{'choice': [1, {'int': [5, 6]}]}", "6", true},
        {"{'choice': [1, {'int': [5, 6]}]}", "7", false},
        {"[1, 2]", "[[1, 2]]", true},
        {"[1, 2]", "[1, 2]", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *text = rung_mem_printf("{'x': %s, 'y': {'choice': [1], 'when': {'x': %s}}}", CASES[i].form,
                                     CASES[i].value);
        struct rung_err err;
        struct rung_space *space;
        int status = read_source(&space, (struct source){.parameters = text}, &err);
        if ((status == 0) != CASES[i].possible)
            fail_msg("%s: %s", text, status == 0 ? "accepted" : err.text);
        rung_space_free(space);
        free(text);
    }
}

static void test_all_parameters_absent_is_an_empty_object(void **state)
{
    (void)state;
    struct rung_space *space = space_of(
        (struct source){.parameters = "{'a': {'choice': [1, 2]}, 'b': {'choice': [5], 'when': {'a': 1}}}",
                        .first = "[{'a': 2}]"});
    assert_draw(space, 0, 0, "{'a':2}");
    rung_space_free(space);
}

static void test_first_names_models_and_the_rest_is_drawn(void **state)
{
    (void)state;
    static const char text[] =
        "{'a': {'uniform': [0, 1]}, 'b': {'choice': ['x', 'y']}, 'c': {'int': [1, 5], 'when': {'b': 'y'}}}";
    struct rung_space *plain = parameters(text);
    struct rung_space *space = space_of((struct source){
        .parameters = text, .first = "[{'b': 'y', 'c': 77, 'a': 2}, {'b': 'x'}, {'b': 'other', 'c': 1}]"});
    assert_int_equal(rung_space_first_count(space), 3);
    assert_draw(space, 5, 0, "{'a':2,'b':'y','c':77}"); /* taken as they are, in the order of the spec */
    struct rung_json *with = drawn(space, 1), *without = drawn(plain, 1);
    assert_true(rung_json_equal(rung_json_get(with, "a"), rung_json_get(without, "a")));
    assert_null(rung_json_get(with, "c"));
    rung_json_free(with);
    rung_json_free(without);
    with = drawn(space, 2);
    assert_true(rung_json_number(rung_json_get(with, "c")) == 1); /* whatever its condition says */
    rung_json_free(with);
    for (uint32_t k = 3; k < 20; k++) {
        char *a = draw(space, 5, k), *b = draw(plain, 5, k);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    rung_space_free(plain);
    rung_space_free(space);
}

static void test_configurations_are_taken_in_order_and_untouched(void **state)
{
    (void)state;
    struct rung_space *space =
        space_of((struct source){.configurations = "[{'a': 1}, {}, {'b': {'deep': [0.1]}, 'a': 1e3}]"});
    assert_int_equal(rung_space_limit(space), 3);
    assert_draw(space, 0, 0, "{'a':1}");
    assert_draw(space, 1, 1, "{}");
    assert_draw(space, 9, 2, "{'b':{'deep':[0.1]},'a':1000}");
    rung_space_free(space);
}

static void test_cycles_are_named(void **state)
{
    (void)state;
    assert_refused((struct source){.parameters = "{'a': {'choice': [1], 'when': {'a': 1}}}"},
                   "parameters.a.when: a cycle: 'a' needs 'a'");
    assert_refused(
        (struct source){
            .parameters = "{'z': {'choice': [1], 'when': {'a': 1}}, 'a': {'choice': [1], 'when': {'b': 1}}, "
                          "'b': {'choice': [1], 'when': {'c': 1}}, 'c': {'choice': [1], 'when': {'a': 1}}}"},
        "parameters.a.when: a cycle: 'a' needs 'b' needs 'c' needs 'a'");
}

static void test_errors_of_sources(void **state)
{
    (void)state;
    static const char p[] = "{'alpha': {'uniform': [0, 1]}}";
    assert_refused((struct source){0}, "parameters: missing (or configurations)");
    assert_refused((struct source){.parameters = p, .configurations = "[{}]"},
                   "configurations: contradicts parameters (give one of them)");
    assert_refused((struct source){.configurations = "[{}]", .first = "[]"},
                   "first: configurations name all models already");
    assert_refused((struct source){.parameters = "[]"}, "parameters: expected an object, found []");
    assert_refused((struct source){.parameters = "{}"},
                   "parameters: expected at least one parameter, found {}");
    assert_refused((struct source){.parameters = "{'': 1}"},
                   "parameters: a parameter needs a name, found ''");
    assert_refused((struct source){.parameters = p, .first = "{}"},
                   "first: expected an array of objects, found {}");
    assert_refused((struct source){.parameters = p, .first = "[{}, 3]"},
                   "first.1: expected an object, found 3");
    assert_refused((struct source){.parameters = p, .first = "[{'alhpa': 3}]"},
                   "first.0.alhpa: unknown key (did you mean 'alpha'?)");
    assert_refused((struct source){.parameters = p, .first = "[{'zeta': 3}]"},
                   "first.0.zeta: unknown key (known here: alpha)");
    assert_refused((struct source){.parameters = p, .first = "[{'alpha': {'uniform': [0, 1]}}]"},
                   "first.0.alpha: expected a value, not a distribution, found {'uniform':[0,1]}");
    assert_refused((struct source){.configurations = "[]"},
                   "configurations: expected an array of at least one object, found []");
    assert_refused((struct source){.configurations = "'models.jsonl'"},
                   "configurations: expected an array of at least one object, found 'models.jsonl'");
    assert_refused((struct source){.configurations = "[{}, {}, [1]]"},
                   "configurations.2: expected an object, found [1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_draws),
        cmocka_unit_test(test_adding_a_parameter_leaves_the_others_as_they_were),
        cmocka_unit_test(test_parameters_of_one_form_are_independent),
        cmocka_unit_test(test_a_parameter_is_absent_when_its_condition_fails),
        cmocka_unit_test(test_conditions_compare_numbers_and_lists_by_content),
        cmocka_unit_test(test_conditions_on_values_that_are_possible),
        cmocka_unit_test(test_all_parameters_absent_is_an_empty_object),
        cmocka_unit_test(test_first_names_models_and_the_rest_is_drawn),
        cmocka_unit_test(test_configurations_are_taken_in_order_and_untouched),
        cmocka_unit_test(test_cycles_are_named),
        cmocka_unit_test(test_errors_of_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
