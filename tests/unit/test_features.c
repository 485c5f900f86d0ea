/* Hyperparameters as columns. */
#include "cost/features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rung_json *object(const char *text)
{
    struct rung_json *json = rung_json_parse(text, strlen(text), 0, NULL);
    assert_non_null(json);
    return json;
}

static struct rung_features *learnt(const char *const *texts, size_t count)
{
    struct rung_features *features = rung_features_create();
    for (size_t i = 0; i < count; i++) {
        struct rung_json *json = object(texts[i]);
        rung_features_learn(features, json);
        rung_json_free(json);
    }
    return features;
}

/* The value of the column of that name. */
static double encoded(const struct rung_features *features, const char *text, const char *name)
{
    struct rung_json *json = object(text);
    double values[64];
    assert_true(rung_features_count(features) <= 64);
    rung_features_encode(features, json, values);
    rung_json_free(json);
    for (size_t i = 0; i < rung_features_count(features); i++)
        if (strcmp(rung_features_name(features, i), name) == 0)
            return values[i];
    fail_msg("no column %s", name);
    return NAN;
}

static const char *const three[] = {
    "{\"batch\": 32, \"rate\": 0.5, \"net\": [12, 12], \"same\": 7, \"power\": 0.25}",
    "{\"batch\": 512, \"rate\": -0.5, \"net\": [24], \"same\": 7}",
    "{\"batch\": 64, \"rate\": 0, \"net\": [24], \"same\": 7, \"power\": 0.75}",
};

static void numbers_by_value_and_logarithm(void **state)
{
    (void)state;
    struct rung_features *features = learnt(three, 3);
    assert_true(encoded(features, three[0], "batch") == 0 && encoded(features, three[1], "batch") == 1);
    assert_true(encoded(features, three[0], "-batch") == 1 &&
                encoded(features, three[1], "-log(batch)") == 0);
    assert_true(fabs(encoded(features, three[2], "log(batch)") - 0.25) < 1e-12);
    assert_true(encoded(features, three[2], "rate") == 0.5);
    for (size_t i = 0; i < rung_features_count(features); i++) {
        assert_null(strstr(rung_features_name(features, i), "log(rate)")); /* it can be negative */
        assert_null(strstr(rung_features_name(features, i), "same"));
    }
    rung_features_free(features);
}

static void falling_copies_are_told(void **state)
{
    (void)state;
    struct rung_features *features = learnt(three, 3);
    for (size_t i = 0; i < rung_features_count(features); i++)
        assert_true(rung_features_mirrored(features, i) == (rung_features_name(features, i)[0] == '-'));
    rung_features_free(features);
}

static void everything_else_by_level(void **state)
{
    (void)state;
    struct rung_features *features = learnt(three, 3);
    assert_true(encoded(features, three[0], "net=[12,12]") == 1 &&
                encoded(features, three[0], "net=[24]") == 0);
    assert_true(encoded(features, three[1], "no power") == 1 && encoded(features, three[0], "no power") == 0);
    assert_true(encoded(features, three[1], "power") == 0 && encoded(features, three[1], "-power") == 0);
    rung_features_free(features);
}

static void what_was_not_learnt_stays_within_bounds(void **state)
{
    (void)state;
    struct rung_features *features = learnt(three, 3);
    const char *other = "{\"batch\": 1e300, \"rate\": -1e300, \"net\": \"new\", \"unknown\": 1}";
    assert_true(encoded(features, other, "batch") == 1 && encoded(features, other, "log(batch)") == 1);
    assert_true(encoded(features, other, "rate") == 0);
    assert_true(encoded(features, other, "net=[24]") == 0 && encoded(features, other, "no power") == 1);
    rung_features_free(features);
}

static void nothing_learnt_is_no_column(void **state)
{
    (void)state;
    struct rung_features *features = learnt(NULL, 0);
    assert_int_equal(rung_features_count(features), 0);
    rung_features_free(features);
    features = learnt(three, 1);
    assert_int_equal(rung_features_count(features), 0); /* nothing varies */
    rung_features_free(features);
}

static void many_levels_keep_the_most_frequent(void **state)
{
    (void)state;
    struct rung_features *features = rung_features_create();
    char text[64];
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "{\"a\": \"v%d\"}", i % 2 ? i : 4);
        struct rung_json *json = object(text);
        rung_features_learn(features, json);
        rung_json_free(json);
    }
    assert_int_equal(rung_features_count(features), 32);
    assert_string_equal(rung_features_name(features, 0), "a=\"v4\"");
    rung_features_free(features);
}

static void of_very_many_parameters_the_first_ones_count(void **state)
{
    struct rung_features *features = rung_features_create();
    char text[40000];
    (void)state;
    for (int model = 0; model < 2; model++) {
        size_t length = 0;
        for (int i = 0; i < 1000; i++)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s\"p%d\":%d", i ? "," : "{", i,
                                       model + i);
        snprintf(text + length, sizeof text - length, "}");
        struct rung_json *json = object(text);
        rung_features_learn(features, json);
        rung_json_free(json);
    }
    assert_in_range(rung_features_count(features), 256, 512);
    assert_string_equal(rung_features_name(features, 0), "p0");
    rung_features_free(features);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_by_value_and_logarithm),
        cmocka_unit_test(falling_copies_are_told),
        cmocka_unit_test(everything_else_by_level),
        cmocka_unit_test(what_was_not_learnt_stays_within_bounds),
        cmocka_unit_test(nothing_learnt_is_no_column),
        cmocka_unit_test(many_levels_keep_the_most_frequent),
        cmocka_unit_test(of_very_many_parameters_the_first_ones_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
