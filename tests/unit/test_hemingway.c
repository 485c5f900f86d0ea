/* The model of convergence: the synthetic law of parallel coordinate ascent, limits, and what cannot be
 * fitted. */
#include "cost/hemingway.h"

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

static void near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.12g is not within %g of %.12g", value, within, expected);
}

/* log(P - P*) = i log(1 - .6 / sqrt m): no feature is that. */
static double law(double i, double m)
{
    return i * log(1 - .6 / sqrt(m));
}

enum { DEGREES = 8, STEPS = 100, ROWS = DEGREES * STEPS };

static void make_rows(struct rung_hemingway_row *rows)
{
    size_t k = 0;
    for (size_t d = 0; d < DEGREES; d++)
        for (size_t i = 1; i <= STEPS; i++, k++) {
            double m = (double)(1 << d);
            rows[k] = (struct rung_hemingway_row){(double)i, m, law((double)i, m), d};
        }
}

static void the_law_of_eight_degrees(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[ROWS];
    struct rung_hemingway fit;
    double squares = 0, mean = 0, around = 0;

    make_rows(rows);
    assert_int_equal(rung_hemingway_fit_log(&fit, rows, ROWS, NULL), 0);
    assert_int_equal(fit.lasso.columns, 35);
    assert_int_equal(fit.degrees, 8);
    assert_int_equal(fit.observations, ROWS);
    for (size_t k = 0; k < ROWS; k++) {
        squares +=
            pow(rung_hemingway_log(&fit, rows[k].iteration, rows[k].machines).value - rows[k].value, 2);
        mean += rows[k].value / ROWS;
    }
    for (size_t k = 0; k < ROWS; k++)
        around += pow(rows[k].value - mean, 2);
    print_message("rmse %.4f, R2 %.7f\n", sqrt(squares / ROWS), 1 - squares / around);
    assert_true(1 - squares / around >= .9999);
    assert_true(sqrt(squares / ROWS) <= .05);
    rung_hemingway_free(&fit);
}

static void a_degree_that_was_left_out(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[ROWS];
    struct rung_hemingway_trial trial;
    struct rung_err err;

    make_rows(rows);
    for (double m = 1; m <= 128; m *= 2) {
        assert_int_equal(rung_hemingway_leave_out(&trial, rows, ROWS, m, NULL), 0);
        print_message("without m=%g: rmse %.4f, range %.1f\n", m, trial.error, trial.range);
        assert_int_equal(trial.rows, STEPS);
        near(trial.range, law(1, m) - law(100, m), 1e-9);
        if (m > 1 && m < 128)
            assert_true(trial.error <= .02 * trial.range);
        else /* the ends are extrapolated, and worse */
            assert_true(trial.error <= .2 * trial.range);
    }
    assert_int_equal(rung_hemingway_leave_out(&trial, rows, ROWS, 3, &err), RUNG_EUSE);
    assert_string_equal(err.text, "convergence model: no observation on 3 machines to leave out");
}

static void the_next_iterations_of_a_run(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[60];
    struct rung_hemingway_guess guess;
    struct rung_err err;

    for (size_t k = 0; k < 60; k++) /* what lies before the last 50 does not count */
        rows[k] = (struct rung_hemingway_row){(double)k + 1, 16,
                                              k < 10 ? 5 : (double)(k + 1) * log(1 - .5 / 16), 0};
    assert_int_equal(rung_hemingway_forward(&guess, rows, 60, 1, NULL), 0);
    near(guess.value, -1.93666, 1.5e-5);
    near(guess.value, 61 * log(1 - .5 / 16), 1.5e-5);
    assert_int_equal(guess.observations, 50);
    assert_true(guess.low <= guess.value && guess.value <= guess.high);
    assert_int_equal(rung_hemingway_forward(&guess, rows, 60, 10, NULL), 0);
    near(guess.value, -2.22240, 1.5e-5);
    near(guess.value, 70 * log(1 - .5 / 16), 1.5e-5);

    assert_int_equal(rung_hemingway_forward(&guess, rows, 10, 1, NULL), 0);
    assert_int_equal(rung_hemingway_forward(&guess, rows, 9, 1, &err), RUNG_EUSE);
    assert_string_equal(err.text, "convergence model: 9 observations, 10 are needed");
    assert_int_equal(rung_hemingway_forward(&guess, rows, 0, 1, &err), RUNG_EUSE);
    rows[58].value = NAN;
    assert_int_equal(rung_hemingway_forward(&guess, rows, 60, 1, &err), RUNG_EUSE);
    assert_string_equal(err.text, "convergence model: the value after iteration 59 is not finite");
}

static void iterations_become_time(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[ROWS];
    struct rung_hemingway fit;
    struct rung_hemingway_guess guess, same;

    near(rung_hemingway_iterations(30, 3), 10, 0);
    near(rung_hemingway_iterations(.3, .1), 3, 0); /* 2.9999999999999996 as doubles go */
    near(rung_hemingway_iterations(29.9, 3), 9, 0);
    near(rung_hemingway_iterations(1, 3), 0, 0);
    near(rung_hemingway_iterations(NAN, 3), 0, 0);
    make_rows(rows);
    assert_int_equal(rung_hemingway_fit_log(&fit, rows, ROWS, NULL), 0);
    assert_true(rung_hemingway_at_time(&fit, 100, 3, 4, &guess));
    same = rung_hemingway_log(&fit, 33, 4);
    near(guess.value, same.value, 0);
    assert_false(rung_hemingway_at_time(&fit, 2, 3, 4, &guess));
    assert_false(rung_hemingway_at_time(&fit, 2, 0, 4, &guess));
    /* beyond what was seen less is known, and it stays a number */
    struct rung_hemingway_guess seen = rung_hemingway_log(&fit, 100, 4),
                                far = rung_hemingway_log(&fit, 1e6, 4);
    assert_true(far.high - far.low > 100 * (seen.high - seen.low));
    far = rung_hemingway_log(&fit, DBL_MAX, 1e300);
    assert_true(isfinite(far.low) && isfinite(far.value) && isfinite(far.high));
    far = rung_hemingway_loss(&fit, 1e300, 1e300);
    assert_true(isfinite(far.low) && isfinite(far.value) && isfinite(far.high));
    rung_hemingway_free(&fit);
}

/* ---- limits ---- */

static const struct rung_hemingway_options unknown = {.limit = NAN, .bound = NAN};

/* Losses that fall to limit by the law of one m. */
static void one_run(struct rung_hemingway_row *rows, size_t count, double limit, double scale)
{
    for (size_t k = 0; k < count; k++) {
        double i = (double)k + 1;
        rows[k] = (struct rung_hemingway_row){i, 4, limit + scale * exp(-.1 * i), 0};
    }
}

static void a_limit_that_is_given(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[100];
    struct rung_hemingway_options options = unknown;
    struct rung_hemingway fit;
    struct rung_err err;

    one_run(rows, 100, 3, 1);
    options.limit = 3;
    assert_int_equal(rung_hemingway_fit(&fit, rows, 100, &options, NULL), 0);
    assert_int_equal(fit.rule, RUNG_HEMINGWAY_KNOWN);
    assert_string_equal(rung_hemingway_rule_name(fit.rule), "known");
    assert_int_equal(fit.lasso.columns, 4);
    assert_int_equal(fit.observations, 93); /* up to the first within 1e-4: exp(-.1 * 93) */
    near(rung_hemingway_log(&fit, 50, 4).value, -5, 1e-3);
    struct rung_hemingway_guess loss = rung_hemingway_loss(&fit, 20, 4);
    near(loss.value, 3 + exp(-2), 1e-3);
    assert_true(3 < loss.low && loss.low <= loss.value && loss.value <= loss.high);
    rung_hemingway_free(&fit);

    options.target = 1e-9;
    options.iterations = 40;
    assert_int_equal(rung_hemingway_fit(&fit, rows, 100, &options, NULL), 0);
    assert_int_equal(fit.observations, 40);
    rung_hemingway_free(&fit);
    options.limit = 3.5;
    assert_int_equal(rung_hemingway_fit(&fit, rows, 100, &options, &err), RUNG_EUSE);
    assert_string_equal(err.text, "convergence model: a loss of 3.018315639 is below the limit 3.5");
    rung_hemingway_free(&fit);
}

static void a_bound_that_is_met(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[200];
    struct rung_hemingway_options options = unknown;
    struct rung_hemingway fit;

    one_run(rows, 200, 3, 1);
    options.bound = rows[199].value - 5e-9; /* the losses come within 1e-8 of it */
    assert_int_equal(rung_hemingway_fit(&fit, rows, 200, &options, NULL), 0);
    assert_int_equal(fit.rule, RUNG_HEMINGWAY_BOUND);
    near(fit.limit, options.bound, 0);
    rung_hemingway_free(&fit);

    options.bound = 2.9999; /* not met: as far as that the limit may be */
    assert_int_equal(rung_hemingway_fit(&fit, rows, 60, &options, NULL), 0);
    assert_int_equal(fit.rule, RUNG_HEMINGWAY_FITTED);
    assert_true(fit.limit >= options.bound - 1e-12 && fit.limit < fit.least);
    near(fit.limit, 3, 1e-4);
    rung_hemingway_free(&fit);

    options.bound = rows[199].value; /* a bound that is the least loss would make a distance of 0 */
    assert_int_equal(rung_hemingway_fit(&fit, rows, 200, &options, NULL), 0);
    assert_int_equal(fit.rule, RUNG_HEMINGWAY_FITTED);
    assert_true(fit.limit < fit.least);
    rung_hemingway_free(&fit);
}

static void a_limit_that_is_fitted(void **state)
{
    (void)state;
    static const struct {
        double limit, scale;
        size_t count;
    } cases[] = {{3, 1, 60}, {3, 1, 30}, {.2, .5, 40}, {-.95, .3, 50}, {100, 40, 45}};
    struct rung_hemingway_row rows[100];
    struct rung_hemingway fit;

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        one_run(rows, cases[c].count, cases[c].limit, cases[c].scale);
        assert_int_equal(rung_hemingway_fit(&fit, rows, cases[c].count, &unknown, NULL), 0);
        print_message("limit %g after %zu iterations: %.6g (least %.6g)\n", cases[c].limit, cases[c].count,
                      fit.limit, fit.least);
        assert_int_equal(fit.rule, RUNG_HEMINGWAY_FITTED);
        assert_true(fit.limit < fit.least);
        near(fit.limit, cases[c].limit, .1 * (fit.least - cases[c].limit));
        rung_hemingway_free(&fit);
    }
}

/* Losses of three degrees that fall exponentially, the distance with noise. */
static size_t noisy_rows(struct rung_hemingway_row *rows, double rate, double noise, struct rung_rng *rng)
{
    size_t k = 0;

    for (size_t d = 0; d < 3; d++)
        for (int i = 1; i <= 80; i++, k++) {
            double m = (double)(1 << d), distance = exp(-rate * i / sqrt(m));
            rows[k] = (struct rung_hemingway_row){i, m, 3 + distance * (1 + noise * rung_rng_normal(rng)), d};
        }
    return k;
}

/* Twice as far as was seen the loss is little but its limit: the interval has to know that it was guessed. */
static void intervals_hold_with_a_fitted_limit(void **state)
{
    (void)state;
    enum { TRIALS = 4 }; /* each rate with each noise */
    static const double rates[] = {.05, .03}, noises[] = {.03, .06};
    struct rung_hemingway_row rows[240];
    struct rung_hemingway_options known = unknown;
    struct rung_hemingway fit;
    struct rung_rng rng;
    int held = 0, narrow = 0;

    rung_rng_init(&rng, 7, 0, "limits");
    for (int t = 0; t < TRIALS; t++) {
        double rate = rates[t % 2], truth = 3 + exp(-rate * 160 / sqrt(2));
        size_t count = noisy_rows(rows, rate, noises[t / 2 % 2], &rng);
        assert_int_equal(rung_hemingway_fit(&fit, rows, count, &unknown, NULL), 0);
        assert_true(fit.limit_low < fit.limit && fit.limit < fit.limit_high && fit.limit_high < fit.least);
        struct rung_hemingway_guess guess = rung_hemingway_loss(&fit, 160, 2);
        held += guess.low <= truth && truth <= guess.high;
        known.limit = known.limit_low = known.limit_high = fit.limit;
        rung_hemingway_free(&fit);
        assert_int_equal(rung_hemingway_fit(&fit, rows, count, &known, NULL), 0);
        struct rung_hemingway_guess sure = rung_hemingway_loss(&fit, 160, 2);
        near(sure.value, guess.value, 1e-12);
        narrow += sure.low <= truth && truth <= sure.high;
        rung_hemingway_free(&fit);
    }
    print_message("intervals that held: %d of %d, %d as if the limit were known\n", held, TRIALS, narrow);
    assert_true(held >= 3);
    assert_true(narrow < held);
}

/* A limit with a range, as another algorithm's fit tells it, makes the same intervals as the range's ends. */
static void a_limit_with_a_range(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[60];
    struct rung_hemingway_options options = unknown;
    struct rung_hemingway fit;
    struct rung_err err;

    one_run(rows, 60, 3, 1);
    options.limit = 3;
    assert_int_equal(rung_hemingway_fit(&fit, rows, 60, &options, &err), 0);
    assert_int_equal(fit.other_count, 0);
    struct rung_hemingway_guess sure = rung_hemingway_loss(&fit, 200, 4);
    rung_hemingway_free(&fit);
    options.limit_low = 2.999;
    options.limit_high = 3.001;
    assert_int_equal(rung_hemingway_fit(&fit, rows, 60, &options, &err), 0);
    assert_int_equal(fit.other_count, 2);
    struct rung_hemingway_guess guess = rung_hemingway_loss(&fit, 200, 4);
    near(guess.value, sure.value, 1e-12);
    assert_true(sure.high < 3.0005 && guess.low < 2.9999 && guess.high > 3.001);
    assert_true(rung_hemingway_log(&fit, 200, 4).low < rung_hemingway_log(&fit, 200, 4).value);
    rung_hemingway_free(&fit);
    options.limit_low = 3.1; /* not around the limit */
    assert_int_equal(rung_hemingway_fit(&fit, rows, 60, &options, &err), 0);
    assert_int_equal(fit.other_count, 0);
    rung_hemingway_free(&fit);
}

static void garbage_is_left_out(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[100];
    struct rung_hemingway_options options = unknown;
    struct rung_hemingway fit;
    struct rung_err err;

    one_run(rows, 100, 3, 1);
    for (size_t k = 0; k < 100; k += 3)
        rows[k].value = k % 2 ? NAN : INFINITY;
    options.limit = 3;
    assert_int_equal(rung_hemingway_fit(&fit, rows, 100, &options, NULL), 0);
    near(rung_hemingway_log(&fit, 50, 4).value, -5, 1e-2);
    rung_hemingway_free(&fit);

    for (size_t k = 0; k < 100; k++)
        rows[k].value = 3;
    assert_int_equal(rung_hemingway_fit(&fit, rows, 100, &unknown, &err), RUNG_EUSE);
    assert_string_equal(err.text,
                        "convergence model: all 100 losses are the same: nothing tells how far the limit is");
    rung_hemingway_free(&fit);
    assert_int_equal(rung_hemingway_fit(&fit, rows, 100, &options, &err), RUNG_EUSE);
    assert_string_equal(err.text, "convergence model: 0 usable observations of 100, 10 are needed");
    rung_hemingway_free(&fit);
    options.limit = 2; /* equal losses far from the limit: a fit that says they stay */
    assert_int_equal(rung_hemingway_fit(&fit, rows, 100, &options, NULL), 0);
    near(rung_hemingway_loss(&fit, 1000, 4).value, 3, 1e-9);
    rung_hemingway_free(&fit);

    assert_int_equal(rung_hemingway_fit(&fit, rows, 1, &unknown, &err), RUNG_EUSE);
    assert_string_equal(err.text, "convergence model: 1 usable observation of 1, 10 are needed");
    rung_hemingway_free(&fit);
    assert_int_equal(rung_hemingway_fit(&fit, rows, 0, &unknown, &err), RUNG_EUSE);
    rung_hemingway_free(&fit);
    one_run(rows, 100, 3, 1);
    rows[7].iteration = 0;
    assert_int_equal(rung_hemingway_fit_log(&fit, rows, 100, &err), RUNG_EUSE);
    assert_string_equal(err.text, "convergence model: iteration 0, not 1 or more");
    rung_hemingway_free(&fit);
    rows[7].iteration = 8;
    rows[8].machines = -1;
    assert_int_equal(rung_hemingway_fit_log(&fit, rows, 100, &err), RUNG_EUSE);
    assert_string_equal(err.text, "convergence model: -1 machines, not above 0");
    rung_hemingway_free(&fit);
    for (size_t k = 0; k < 100; k++)
        rows[k] = (struct rung_hemingway_row){5, 4, 1, 0}; /* one iteration, seen over and over */
    assert_int_equal(rung_hemingway_fit_log(&fit, rows, 100, &err), RUNG_EUSE);
    assert_string_equal(err.text, "cross-validation: one fold, 2 are needed");
    rung_hemingway_free(&fit);
}

/* A curve that levels off, as with a limit that is wrong, is one whose first half misleads: that shows in the
 * interval far ahead, though every row is fitted well. */
static void what_is_far_ahead_is_less_certain(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[60];
    struct rung_hemingway good, bad;

    for (int wrong = 0; wrong < 2; wrong++) {
        for (size_t k = 0; k < 60; k++) {
            double i = (double)k + 1;
            rows[k] = (struct rung_hemingway_row){i, 4, log((wrong ? .1 : 0) + exp(-.1 * i)), 0};
        }
        assert_int_equal(rung_hemingway_fit_log(wrong ? &bad : &good, rows, 60, NULL), 0);
    }
    print_message("first half ahead of the second: off by %.4f and %.4f\n", good.ahead, bad.ahead);
    assert_true(good.ahead < .05 && bad.ahead > 5 * good.ahead);
    struct rung_hemingway_guess certain = rung_hemingway_log(&good, 240, 4),
                                uncertain = rung_hemingway_log(&bad, 240, 4);
    assert_true(uncertain.high - uncertain.low > 3 * (certain.high - certain.low));
    assert_true(uncertain.high - uncertain.low > 2 * 1.28 * 3 * bad.ahead); /* three times as many more */
    rung_hemingway_free(&good);
    rung_hemingway_free(&bad);
}

/* Two degrees make columns that depend on each other, and folds of iterations. */
static void two_degrees(void **state)
{
    (void)state;
    struct rung_hemingway_row rows[200];
    struct rung_hemingway fit;

    for (size_t k = 0; k < 200; k++) {
        double m = k % 2 ? 4 : 16, i = (double)(k / 2 + 1);
        rows[k] = (struct rung_hemingway_row){i, m, law(i, m), k % 2};
    }
    assert_int_equal(rung_hemingway_fit_log(&fit, rows, 200, NULL), 0);
    assert_int_equal(fit.degrees, 2);
    near(rung_hemingway_log(&fit, 60, 4).value, law(60, 4), .2);
    near(rung_hemingway_log(&fit, 60, 16).value, law(60, 16), .2);
    rung_hemingway_free(&fit);
}

static void a_million_rows(void **state)
{
    (void)state;
    size_t count = 1000000;
    struct rung_hemingway_row *rows = rung_mem_zalloc(count, sizeof *rows);
    struct rung_hemingway fit;
    struct rung_rng rng;

    rung_rng_init(&rng, 1, 0, "hemingway");
    for (size_t k = 0; k < count; k++) {
        double i = (double)(k % 100 + 1), m = (double)(1 + k / 100 % 10);
        double noise = 1 + .01 * rung_rng_normal(&rng);
        rows[k] = (struct rung_hemingway_row){i, m, .5 + exp(-.05 * i / sqrt(m)) * noise, k / 100};
    }
    assert_int_equal(rung_hemingway_fit(&fit, rows, count, &unknown, NULL), 0);
    print_message("limit %.4f, spread %.4f\n", fit.limit, fit.spread);
    near(rung_hemingway_loss(&fit, 50, 4).value, .5 + exp(-1.25), .01);
    struct rung_hemingway_guess guess = rung_hemingway_loss(&fit, 100, 10);
    assert_true(guess.low <= guess.value && guess.value <= guess.high);
    rung_hemingway_free(&fit);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_law_of_eight_degrees),
        cmocka_unit_test(a_degree_that_was_left_out),
        cmocka_unit_test(the_next_iterations_of_a_run),
        cmocka_unit_test(iterations_become_time),
        cmocka_unit_test(a_limit_that_is_given),
        cmocka_unit_test(a_bound_that_is_met),
        cmocka_unit_test(a_limit_that_is_fitted),
        cmocka_unit_test(intervals_hold_with_a_fitted_limit),
        cmocka_unit_test(a_limit_with_a_range),
        cmocka_unit_test(garbage_is_left_out),
        cmocka_unit_test(what_is_far_ahead_is_less_certain),
        cmocka_unit_test(two_degrees),
        cmocka_unit_test(a_million_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
