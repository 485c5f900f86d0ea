/* Forecasts of learning curves: known curves, few points, points that are no curve. */
#include "cost/curvefit.h"

#include "base/mem.h"
#include "core/rng.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rung_curve_options rising = {true, NAN, NAN, 0}, falling = {false, NAN, NAN, 0};

static struct rung_curve *fit(const double *values, size_t count, const struct rung_curve_options *options)
{
    struct rung_curve_point *points = rung_mem_zalloc(count, sizeof *points);
    struct rung_curve *curve;
    struct rung_err err = {0};

    for (size_t i = 0; i < count; i++)
        points[i] = (struct rung_curve_point){(double)(i + 1), values[i]};
    if (rung_curve_fit(&curve, points, count, options, &err) < 0)
        fail_msg("%s", err.text);
    free(points);
    return curve;
}

static struct rung_curve_guess forecast(const double *values, size_t count, double at,
                                        const struct rung_curve_options *options)
{
    struct rung_curve *curve = fit(values, count, options);
    struct rung_curve_guess guess = rung_curve_at(curve, at);

    rung_curve_free(curve);
    return guess;
}

static void near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.12g is not within %g of %.12g", value, within, expected);
}

static void ordered(struct rung_curve_guess guess)
{
    if (!isfinite(guess.low) || !isfinite(guess.high) || !(guess.low <= guess.value) ||
        !(guess.value <= guess.high))
        fail_msg("%g <= %g <= %g does not hold", guess.low, guess.value, guess.high);
}

/* ---- curves that are known ---- */

static double power(double i)
{
    return 0.9 - 0.6 * pow(i, -0.5);
}

static double exponential(double i)
{
    return 0.8 - 0.7 * exp(-i / 15);
}

static double logarithm(double i)
{
    return 0.1 + 0.08 * log(i);
}

static double straight(double i)
{
    return 0.2 + 0.004 * i;
}

static void known_curves_are_forecast(void **state)
{
    (void)state;
    double (*const curves[])(double) = {power, exponential, logarithm, straight};
    for (size_t k = 0; k < sizeof curves / sizeof *curves; k++) {
        double values[50];
        for (size_t i = 0; i < 50; i++)
            values[i] = curves[k]((double)(i + 1));
        double truth = curves[k](100), change = truth - values[49];
        struct rung_curve_options options = {true, NAN, NAN, 0.95};
        struct rung_curve_guess guess = forecast(values, 50, 100, &options);
        ordered(guess);
        assert_true(guess.low <= truth && truth <= guess.high);
        near(guess.value, truth, 0.75 * change); /* the last value is off by all of it */
        assert_int_equal(guess.observations, 50);
    }
}

static void a_falling_curve_is_a_rising_one_turned(void **state)
{
    (void)state;
    double up[40], down[40];
    for (size_t i = 0; i < 40; i++) {
        up[i] = power((double)(i + 1)) + 0.01 * sin((double)(7 * i));
        down[i] = -up[i];
    }
    struct rung_curve_guess a = forecast(up, 40, 90, &rising), b = forecast(down, 40, 90, &falling);
    assert_true(a.value == -b.value && a.low == -b.high && a.high == -b.low);
}

static void the_unit_of_values_does_not_matter(void **state)
{
    (void)state;
    double one[40], other[40];
    for (size_t i = 0; i < 40; i++) {
        one[i] = power((double)(i + 1)) + 0.01 * sin((double)(7 * i));
        other[i] = 100 * one[i];
    }
    struct rung_curve_guess a = forecast(one, 40, 90, &rising), b = forecast(other, 40, 90, &rising);
    near(b.value, 100 * a.value, 1e-9);
    near(b.low, 100 * a.low, 1e-9);
    near(b.high, 100 * a.high, 1e-9);
}

static void the_unit_of_calls_does_not_matter(void **state)
{
    (void)state;
    struct rung_curve_point one[40], other[40];
    struct rung_curve *a, *b;
    for (size_t i = 0; i < 40; i++) {
        one[i] = (struct rung_curve_point){(double)(i + 1), power((double)(i + 1))};
        other[i] = (struct rung_curve_point){8 * one[i].at, one[i].value};
    }
    assert_int_equal(rung_curve_fit(&a, one, 40, &rising, NULL), 0);
    assert_int_equal(rung_curve_fit(&b, other, 40, &rising, NULL), 0);
    near(rung_curve_at(a, 90).value, rung_curve_at(b, 720).value, 1e-9);
    rung_curve_free(a);
    rung_curve_free(b);
}

/* Halving scores its models at 1, 3, 9, 27 calls. */
static void points_far_between_are_enough(void **state)
{
    (void)state;
    struct rung_curve_point points[4] = {{1, 0}, {3, 0}, {9, 0}, {27, 0}};
    struct rung_curve *curve;
    for (size_t i = 0; i < 4; i++)
        points[i].value = power(points[i].at);
    assert_int_equal(rung_curve_fit(&curve, points, 4, &rising, NULL), 0);
    struct rung_curve_guess guess = rung_curve_at(curve, 81);
    ordered(guess);
    near(guess.value, power(81), 0.5 * (power(81) - power(27)));
    assert_true(guess.low <= power(81) && power(81) <= guess.high);
    rung_curve_free(curve);
}

/* ---- intervals ---- */

static void intervals_grow_with_level_and_distance(void **state)
{
    (void)state;
    static const double levels[] = {0.5, 0.8, 0.95};
    double values[30];
    for (size_t i = 0; i < 30; i++)
        values[i] = power((double)(i + 1)) + 0.02 * sin((double)(5 * i));
    double width = 0;
    for (size_t k = 0; k < 3; k++) {
        struct rung_curve_options options = {true, NAN, NAN, levels[k]};
        struct rung_curve *curve = fit(values, 30, &options);
        double last = 0;
        for (double at = 30; at < 1000; at *= 1.5) {
            struct rung_curve_guess guess = rung_curve_at(curve, at);
            assert_true(guess.high - guess.low > last);
            last = guess.high - guess.low;
        }
        assert_true(last > width);
        width = last;
        rung_curve_free(curve);
    }
    struct rung_curve_options same = {true, NAN, NAN, 0.8};
    struct rung_curve_guess a = forecast(values, 30, 60, &rising), b = forecast(values, 30, 60, &same);
    assert_true(a.low == b.low && a.high == b.high);
}

static void bounds_are_kept(void **state)
{
    (void)state;
    struct rung_curve_options options = {true, 0, 1, 0.95};
    double values[20];
    for (size_t i = 0; i < 20; i++)
        values[i] = 0.5 + 0.024 * (double)i;
    struct rung_curve *curve = fit(values, 20, &options);
    for (double at = 1; at < 1e6; at *= 2) {
        struct rung_curve_guess guess = rung_curve_at(curve, at);
        ordered(guess);
        assert_true(guess.low >= 0 && guess.high <= 1);
    }
    assert_non_null(strstr(rung_curve_form(curve), "known: near the bound"));
    near(rung_curve_limit(curve), 1, 0.01);
    rung_curve_free(curve);
    /* bounds that the values break are none */
    options.cap = 0.7;
    assert_true(forecast(values, 20, 40, &options).value > 0.9);
}

static void what_was_seen_and_what_comes_meet(void **state)
{
    (void)state;
    double values[30];
    for (size_t i = 0; i < 30; i++)
        values[i] = power((double)(i + 1));
    struct rung_curve *curve = fit(values, 30, &rising);
    near(rung_curve_at(curve, 30).value, rung_curve_at(curve, 30.0001).value, 1e-5);
    near(rung_curve_at(curve, 30).value, values[29], 0.01);
    near(rung_curve_at(curve, 10).value, values[9], 0.01);
    near(rung_curve_at(curve, 10.5).value, power(10.5), 0.01);
    assert_true(rung_curve_at(curve, 0.5).value == rung_curve_at(curve, 1).value);
    rung_curve_free(curve);
}

/* ---- points that are no curve ---- */

static void one_point_is_its_value(void **state)
{
    (void)state;
    static const double value = 0.25, nothing = 0;
    struct rung_curve_guess guess = forecast(&value, 1, 9, &rising);
    ordered(guess);
    assert_true(guess.value == 0.25 && guess.high - guess.low > 0.25);
    assert_int_equal(guess.observations, 1);
    assert_non_null(strstr(guess.basis, "one observation"));
    guess = forecast(&nothing, 1, 9, &rising);
    ordered(guess);
    assert_true(guess.value == 0 && guess.high - guess.low > 0.5);

    struct rung_curve_options options = {true, 0, 1, 0};
    guess = forecast(&value, 1, 9, &options);
    assert_true(guess.low == 0 && guess.high == 1);
    struct rung_curve *curve = fit(&value, 1, &rising);
    assert_true(rung_curve_limit(curve) == 0.25);
    assert_non_null(strstr(rung_curve_form(curve), "limit unknown"));
    rung_curve_free(curve);
}

static void few_points_have_wide_intervals(void **state)
{
    (void)state;
    double values[12];
    for (size_t i = 0; i < 12; i++)
        values[i] = logarithm((double)(i + 1));
    for (size_t n = 2; n <= 12; n++) {
        struct rung_curve_guess guess = forecast(values, n, 2 * (double)n, &rising);
        ordered(guess);
        assert_true(guess.low <= logarithm(2 * (double)n) && logarithm(2 * (double)n) <= guess.high);
        assert_true(n > 2 || guess.high - guess.low > values[1] - values[0]);
    }
}

static void equal_values_stay_and_may_move(void **state)
{
    (void)state;
    double values[10];
    for (size_t i = 0; i < 10; i++)
        values[i] = 0.1;
    double width = INFINITY;
    for (size_t n = 2; n <= 10; n++) {
        struct rung_curve_guess guess = forecast(values, n, 50, &rising);
        ordered(guess);
        near(guess.value, 0.1, 1e-15);
        assert_true(guess.high - guess.low > 0 && guess.high - guess.low < width);
        assert_non_null(strstr(guess.basis, "equal"));
        width = guess.high - guess.low;
    }
}

static void values_that_are_not_finite_are_left_out(void **state)
{
    (void)state;
    struct rung_curve_point with[24], without[20];
    struct rung_curve *a, *b;
    size_t n = 0;
    for (size_t i = 0; i < 24; i++) {
        with[i] = (struct rung_curve_point){(double)(i + 1), power((double)(i + 1))};
        if (i % 6 == 3)
            with[i].value = i == 3 ? NAN : i == 9 ? INFINITY : -INFINITY;
        else
            without[n++] = with[i];
    }
    assert_int_equal(n, 20);
    assert_int_equal(rung_curve_fit(&a, with, 24, &rising, NULL), 0);
    assert_int_equal(rung_curve_fit(&b, without, 20, &rising, NULL), 0);
    struct rung_curve_guess x = rung_curve_at(a, 50), y = rung_curve_at(b, 50);
    assert_true(x.value == y.value && x.low == y.low && x.high == y.high);
    assert_int_equal(x.observations, 20);
    rung_curve_free(a);
    rung_curve_free(b);
}

static void a_glitch_changes_little(void **state)
{
    (void)state;
    double clean[30], with[30];
    for (size_t i = 0; i < 30; i++)
        clean[i] = with[i] = power((double)(i + 1)) + 0.005 * sin((double)(11 * i));
    with[20] = -50;
    double change = fabs(forecast(with, 30, 60, &rising).value - forecast(clean, 30, 60, &rising).value);
    assert_true(change < 0.01);
}

static void what_cannot_be_fitted_is_refused(void **state)
{
    (void)state;
    struct rung_curve_point points[3] = {{1, NAN}, {2, INFINITY}, {3, NAN}};
    struct rung_curve *curve;
    struct rung_err err;

    assert_int_equal(rung_curve_fit(&curve, points, 3, &rising, &err), RUNG_EUSE);
    assert_string_equal(err.text, "no observation is a finite number");
    assert_int_equal(rung_curve_fit(&curve, points, 0, &rising, &err), RUNG_EUSE);
    assert_string_equal(err.text, "no observation");
    static const double bad[][2] = {{0, 1}, {-1, 1}, {NAN, 1}, {INFINITY, 1}, {2, 2}, {3, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rung_curve_point two[2] = {{bad[i][0], 0.1}, {bad[i][1], 0.2}};
        assert_int_equal(rung_curve_fit(&curve, two, 2, &rising, &err), RUNG_EUSE);
        assert_null(curve);
    }
    rung_curve_free(NULL);
}

static void extreme_numbers_stay_finite(void **state)
{
    (void)state;
    static const double sizes[] = {DBL_MAX, 1e300, 1e-300, 5e-324};
    for (size_t k = 0; k < 4; k++) {
        double values[] = {sizes[k], -sizes[k], sizes[k] / 2, sizes[k], 0, sizes[k] / 3};
        for (size_t n = 1; n <= 6; n++)
            for (int turn = 0; turn < 2; turn++) {
                struct rung_curve *curve = fit(values, n, turn ? &falling : &rising);
                for (double at = 1e-3; at < 1e18; at *= 7)
                    ordered(rung_curve_at(curve, at));
                assert_true(isfinite(rung_curve_limit(curve)));
                rung_curve_free(curve);
            }
    }
    /* calls next to each other, and calls far apart */
    struct rung_curve_point points[4] = {
        {1e15, 0.1}, {nextafter(1e15, INFINITY), 0.3}, {1e16, 0.4}, {1e300, 0.5}};
    struct rung_curve *curve;
    for (size_t n = 1; n <= 4; n++) {
        assert_int_equal(rung_curve_fit(&curve, points, n, &rising, NULL), 0);
        for (double at = 1; at < 1e305; at *= 1e8)
            ordered(rung_curve_at(curve, at));
        ordered(rung_curve_at(curve, INFINITY));
        rung_curve_free(curve);
    }
}

static void noise_of_all_kinds_ends_in_an_interval(void **state)
{
    (void)state;
    struct rung_rng rng;
    rung_rng_init(&rng, 11, 0, "curves");
    for (int round = 0; round < 300; round++) {
        size_t count = 1 + rung_rng_below(&rng, 60);
        struct rung_curve_options options = {round % 2 == 0, round % 3 == 0 ? -5 : NAN,
                                             round % 5 == 0 ? 5 : NAN, 0.9};
        struct rung_curve_point points[60];
        struct rung_curve *curve;
        double at = 0;
        for (size_t i = 0; i < count; i++) {
            at += (double)(1 + rung_rng_below(&rng, 1 + (uint64_t)(round % 20)));
            points[i] = (struct rung_curve_point){at, rung_rng_normal(&rng) * pow(10, round % 7 - 3)};
            if (round % 4 == 1)
                points[i].value = rint(points[i].value); /* many equal ones */
        }
        assert_int_equal(rung_curve_fit(&curve, points, count, &options, NULL), 0);
        for (double where = 0.5; where < 50 * at; where *= 1.7) {
            struct rung_curve_guess guess = rung_curve_at(curve, where);
            ordered(guess);
            assert_int_equal(guess.observations, count);
            assert_true(strlen(guess.basis) > 0 && strlen(guess.basis) < sizeof guess.basis - 1);
        }
        assert_true(isfinite(rung_curve_limit(curve)));
        assert_true(strlen(rung_curve_form(curve)) > 0);
        rung_curve_free(curve);
    }
}

static void a_million_points_are_thinned_and_give_the_same_every_time(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    struct rung_curve_point *points = rung_mem_zalloc(COUNT, sizeof *points);
    struct rung_curve *curve;
    struct rung_curve_guess guesses[2];

    for (size_t i = 0; i < COUNT; i++)
        points[i] = (struct rung_curve_point){(double)(i + 1), 0.9 - 0.6 * pow((double)(i + 1), -0.2) +
                                                                   0.05 * sin((double)(3 * i))};
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(rung_curve_fit(&curve, points, COUNT, &rising, NULL), 0);
        guesses[k] = rung_curve_at(curve, 2 * COUNT);
        rung_curve_free(curve);
    }
    near(guesses[0].value, 0.9 - 0.6 * pow(2 * COUNT, -0.2), 0.005);
    assert_true(guesses[0].value == guesses[1].value && guesses[0].low == guesses[1].low &&
                guesses[0].high == guesses[1].high);
    assert_int_equal(guesses[0].observations, COUNT);
    free(points);
}

/* ---- in words ---- */

static void the_form_has_the_numbers(void **state)
{
    (void)state;
    double values[40];
    for (size_t i = 0; i < 40; i++)
        values[i] = 2 / (double)(i + 1);
    struct rung_curve *curve = fit(values, 40, &falling);
    assert_non_null(strstr(rung_curve_form(curve), ": 2 / calls; limit "));
    rung_curve_free(curve);
    for (size_t i = 0; i < 40; i++)
        values[i] = 1 + 3 * (double)(i + 1);
    curve = fit(values, 40, &rising);
    assert_non_null(strstr(rung_curve_form(curve), ": 1 + 3 calls; limit "));
    struct rung_curve_guess guess = rung_curve_at(curve, 50);
    assert_non_null(strstr(guess.basis, "40 observations; curves fitted to the first part"));
    rung_curve_free(curve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_curves_are_forecast),
        cmocka_unit_test(a_falling_curve_is_a_rising_one_turned),
        cmocka_unit_test(the_unit_of_values_does_not_matter),
        cmocka_unit_test(the_unit_of_calls_does_not_matter),
        cmocka_unit_test(points_far_between_are_enough),
        cmocka_unit_test(intervals_grow_with_level_and_distance),
        cmocka_unit_test(bounds_are_kept),
        cmocka_unit_test(what_was_seen_and_what_comes_meet),
        cmocka_unit_test(one_point_is_its_value),
        cmocka_unit_test(few_points_have_wide_intervals),
        cmocka_unit_test(equal_values_stay_and_may_move),
        cmocka_unit_test(values_that_are_not_finite_are_left_out),
        cmocka_unit_test(a_glitch_changes_little),
        cmocka_unit_test(what_cannot_be_fitted_is_refused),
        cmocka_unit_test(extreme_numbers_stay_finite),
        cmocka_unit_test(noise_of_all_kinds_ends_in_an_interval),
        cmocka_unit_test(a_million_points_are_thinned_and_give_the_same_every_time),
        cmocka_unit_test(the_form_has_the_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
