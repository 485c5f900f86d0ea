/*
 * Doubles to text and back, against printf and strtod, and in a locale with a decimal comma.
 */
#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u; /* splitmix64 (Steele, Lea, Flood 2014) */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The definition: whole numbers as they are counted, else the shortest of three that reads back. */
static void reference(char out[RUNG_NUMBER_TEXT_MAX], double number)
{
    if (fabs(number) < 0x1p53 && number == trunc(number)) {
        snprintf(out, RUNG_NUMBER_TEXT_MAX, "%.0f", number);
        return;
    }
    for (int precision = fabs(number) < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        snprintf(out, RUNG_NUMBER_TEXT_MAX, "%.*g", precision, number);
        if (strtod(out, NULL) == number)
            return;
    }
}

static void assert_as_printf(double number)
{
    char text[RUNG_NUMBER_TEXT_MAX], expected[RUNG_NUMBER_TEXT_MAX];
    size_t length = rung_number_format(text, number);
    reference(expected, number);
    if (strcmp(text, expected) != 0)
        fail_msg("%a: \"%s\" instead of \"%s\"", number, text, expected);
    if (length != strlen(text))
        fail_msg("%a: length %zu of \"%s\"", number, length, text);
    if (rung_number_parse(text, length) != number)
        fail_msg("%a: \"%s\" does not read back", number, text);
}

static void assert_neighbourhood(double number)
{
    double below = number, above = number;
    assert_as_printf(number);
    assert_as_printf(-number);
    for (int i = 0; i < 5; i++) {
        assert_as_printf(below = nextafter(below, -INFINITY));
        assert_as_printf(above = nextafter(above, INFINITY));
    }
}

static double of_bits(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void test_known_texts(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } CASES[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-17.0, "-17"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {1e-5, "1e-05"},
        {1.5e-5, "1.5e-05"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {100000000000000.0, "100000000000000"},
        {999999999999999.0, "999999999999999"},
        {1e15, "1000000000000000"},
        {-9007199254740990.0, "-9007199254740990"},
        {9007199254740992.0, "9007199254740992"},
        {1e16, "1e+16"},
        {9007199254740991.0, "9007199254740991"},
        {1e22, "1e+22"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {123456.789, "123456.789"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[RUNG_NUMBER_TEXT_MAX];
        rung_number_format(text, CASES[i].number);
        assert_string_equal(text, CASES[i].text);
        assert_as_printf(CASES[i].number);
    }
}

static void test_powers_and_their_neighbours(void **state)
{
    (void)state;
    char text[32];
    for (int exponent = -323; exponent <= 308; exponent++) {
        snprintf(text, sizeof text, "1e%d", exponent);
        assert_neighbourhood(strtod(text, NULL));
        snprintf(text, sizeof text, "5e%d", exponent);
        assert_neighbourhood(strtod(text, NULL));
    }
    for (int exponent = -1074; exponent <= 1022; exponent++)
        assert_neighbourhood(ldexp(1.0, exponent));
}

static void test_short_decimals_stay_short(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 200000; round++) {
        uint64_t r = next_random(&seed), digits = next_random(&seed);
        int scale = (int)(r % 20), count = (int)(r / 20 % 15) + 1;
        double power = pow(10, count), number = fmod((double)(digits >> 11), power);
        assert_as_printf(number / pow(10, scale));
    }
}

static void test_random_doubles(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int round = 0; round < 200000; round++) {
        uint64_t bits = next_random(&seed), more = next_random(&seed);
        double unit = (double)(bits >> 11) * 0x1p-53;
        assert_as_printf(unit);
        assert_as_printf(exp(46 * unit - 16));                             /* 1e-7 to 1e13 */
        assert_as_printf((double)(bits >> 40) / (double)(more >> 40 | 1)); /* accuracies and means */
        if (isfinite(of_bits(bits)))
            assert_as_printf(of_bits(bits));
    }
}

static void test_halves_round_as_printf_does(void **state)
{
    (void)state;
    /* n + odd / 2^k for large n: 16 or 17 digits end in an exact half */
    for (uint64_t n = 1; n < (uint64_t)1 << 50; n = n * 3 + 1)
        for (int k = 1; k < 12; k++)
            for (int odd = 1; odd < 16; odd += 2)
                assert_as_printf((double)n + odd * ldexp(1.0, -k));
}

static void test_parse_reads_as_strtod(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "0",         "-0",     "1.5",
        "-12.25e-3", "1E5",    "1e400",
        "-1e400",    "1e-400", "0.1000000000000000055511151231257827021181583404541015625"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        char behind[80];
        snprintf(behind, sizeof behind, "%s5", TEXTS[i]); /* the digit behind must not be read */
        double number = rung_number_parse(behind, strlen(TEXTS[i])), expected = strtod(TEXTS[i], NULL);
        assert_memory_equal(&number, &expected, sizeof number);
    }
    char *large = malloc(5001);
    assert_non_null(large);
    memset(large, '0', 5000);
    large[0] = '3';
    large[1] = '.';
    large[4999] = '1';
    assert_true(rung_number_parse(large, 5000) == 3.0);
    memset(large, '9', 5000);
    assert_true(isinf(rung_number_parse(large, 5000)));
    assert_true(rung_number_parse(large, 20) == 1e20);
    free(large);
}

/* LC_NUMERIC as localedef compiles it from: decimal_point ",", thousands_sep ".", grouping 3;3. */
static const unsigned char COMMA_LOCALE[] = {
    0x14, 0x11, 0x03, 0x20, 0x06, 0,   0,   0,   0x20, 0,   0,   0,   0x22, 0,   0, 0,
    0x24, 0,    0,    0,    0x28, 0,   0,   0,   0x2c, 0,   0,   0,   0x30, 0,   0, 0,
    0x2c, 0,    0x2e, 0,    3,    3,   0,   0,   0x2c, 0,   0,   0,   0x2e, 0,   0, 0,
    'A',  'N',  'S',  'I',  '_',  'X', '3', '.', '4',  '-', '1', '9', '6',  '8', 0};

static bool comma_locale(void)
{
    const char *base = getenv("TMPDIR");
    char folder[256], locale[300], path[340];
    snprintf(folder, sizeof folder, "%s/rung-locale-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(locale, sizeof locale, "%s/comma", folder);
    snprintf(path, sizeof path, "%s/LC_NUMERIC", locale);
    assert_int_equal(mkdir(locale, 0700), 0);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(COMMA_LOCALE, sizeof COMMA_LOCALE, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    setenv("LOCPATH", folder, 1);
    bool set = setlocale(LC_NUMERIC, "comma") != NULL;
    unlink(path);
    rmdir(locale);
    rmdir(folder);
    return set;
}

static void test_locale_with_comma_changes_nothing(void **state)
{
    (void)state;
    static const double NUMBERS[] = {
        1.5, 0.1 + 0.2, 1.25e-9, 6.0221407e23, 1e22, 1e-300, -2.2250738585072014e-308};
    char expected[7][RUNG_NUMBER_TEXT_MAX], text[RUNG_NUMBER_TEXT_MAX], printed[8];
    for (size_t i = 0; i < 7; i++)
        rung_number_format(expected[i], NUMBERS[i]);
    if (!comma_locale()) {
        print_message("skipped: this C library does not read the locale file\n");
        skip();
    }
    snprintf(printed, sizeof printed, "%g", 1.5);
    assert_string_equal(printed, "1,5");
    for (size_t i = 0; i < 7; i++) {
        size_t length = rung_number_format(text, NUMBERS[i]);
        assert_string_equal(text, expected[i]);
        assert_int_equal(length, strlen(text));
        assert_true(rung_number_parse(text, length) == NUMBERS[i]);
    }
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_texts),
        cmocka_unit_test(test_powers_and_their_neighbours),
        cmocka_unit_test(test_short_decimals_stay_short),
        cmocka_unit_test(test_random_doubles),
        cmocka_unit_test(test_halves_round_as_printf_does),
        cmocka_unit_test(test_parse_reads_as_strtod),
        cmocka_unit_test(test_locale_with_comma_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
