/* The model of time per iteration: published values, the RCV1 measurements, what cannot be fitted. */
#include "cost/ernest.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.12g is not within %g of %.12g", value, within, expected);
}

static const double truth[] = {.5, 8, .3, .02};

static double law(double size, double m)
{
    return truth[0] + truth[1] * size / m + truth[2] * log(m) + truth[3] * m;
}

/* Three sizes on each of 1, 2, 4 and 8 machines; noise alternates from row to row, first up. */
static void twelve(struct rung_ernest_row *rows, double noise)
{
    size_t k = 0;
    for (double size = .125; size <= .5; size *= 2)
        for (double m = 1; m <= 8; m *= 2, k++)
            rows[k] = (struct rung_ernest_row){size, m, law(size, m) * (1 + (k % 2 ? -noise : noise))};
}

static void exact_times_give_the_law_back(void **state)
{
    (void)state;
    struct rung_ernest_row rows[12];
    struct rung_ernest fit;

    twelve(rows, 0);
    for (int relative = 0; relative < 2; relative++) {
        struct rung_ernest_options options = {.relative = relative};
        assert_int_equal(rung_ernest_fit(&fit, rows, 12, &options, NULL), 0);
        for (size_t j = 0; j < 4; j++)
            near(fit.theta[j], truth[j], 1e-12);
        near(fit.residual, 0, 1e-12);
        struct rung_ernest_guess guess = rung_ernest_predict(&fit, 1, 16);
        near(guess.seconds, law(1, 16), 1e-11);
        assert_true(guess.low <= guess.seconds && guess.seconds <= guess.high);
        near(guess.high - guess.low, 0, 1e-9);
    }
    assert_int_equal(rung_ernest_best(&fit, 1, 1, 1000), 14);
}

static void noise_of_two_percent(void **state)
{
    (void)state;
    struct rung_ernest_row rows[12];
    struct rung_ernest fit;

    twelve(rows, .02);
    assert_int_equal(rung_ernest_fit(&fit, rows, 12, NULL, NULL), 0);
    near(fit.theta[0], .500342, 5e-7);
    near(fit.theta[1], 8.129096, 5e-7);
    near(fit.theta[2], .288901, 5e-7);
    near(fit.theta[3], .019536, 5e-7);
    near(fit.residual, .121900, 5e-7);
    near(rung_ernest_predict(&fit, 1, 16).seconds, 2.121993, 5e-7);
    near(rung_ernest_predict(&fit, 1, 64).seconds, 3.079185, 5e-7);
    near(law(1, 16), 2.151777, 5e-7);
    near(law(1, 64), 3.152665, 5e-7);
    assert_int_equal(rung_ernest_best(&fit, 1, 1, 128), 14);
    for (double m = 1; m <= 64; m *= 2) {
        struct rung_ernest_guess guess = rung_ernest_predict(&fit, 1, m);
        assert_true(guess.low < law(1, m) && law(1, m) < guess.high);
    }
    /* farther from what was measured less is known */
    struct rung_ernest_guess close = rung_ernest_predict(&fit, .25, 4),
                             far = rung_ernest_predict(&fit, 1, 64);
    assert_true(far.high - far.low > close.high - close.low);
}

static void a_term_that_would_be_negative_is_none(void **state)
{
    (void)state;
    const struct rung_ernest_row rows[] = {{1, 1, 4}, {1, 2, 2.2}, {1, 4, 1.2}, {1, 8, .6}};
    struct rung_ernest fit;

    assert_int_equal(rung_ernest_fit(&fit, rows, 4, NULL, NULL), 0);
    near(fit.theta[0], .2, 1e-9);
    near(fit.theta[1], 3.84, 1e-9);
    assert_true(fit.theta[2] == 0 && fit.theta[3] == 0);
    near(fit.residual, .126491, 5e-7);
    assert_int_equal(rung_ernest_best(&fit, 1, 1, 50), 50);
}

static void the_root_is_a_term_where_asked_for(void **state)
{
    (void)state;
    struct rung_ernest_row rows[12];
    struct rung_ernest fit;

    for (size_t k = 0; k < 12; k++) {
        double m = (double)(k + 1) * (double)(k + 1);
        rows[k] = (struct rung_ernest_row){1, m, 2 + 30 / m + .7 * sqrt(m)};
    }
    assert_int_equal(rung_ernest_fit(&fit, rows, 12, &(struct rung_ernest_options){.root = true}, NULL), 0);
    near(fit.theta[RUNG_ERNEST_FIXED], 2, 1e-8);
    near(fit.theta[RUNG_ERNEST_WORK], 30, 1e-8);
    near(fit.theta[RUNG_ERNEST_ROOT], .7, 1e-8);
    near(rung_ernest_predict(&fit, 1, 400).seconds, 2 + 30. / 400 + 14, 1e-7);
}

static void the_best_number_is_that_of_a_scan(void **state)
{
    (void)state;
    struct rung_ernest fit = {.terms = RUNG_ERNEST_TERMS, .freedom = 1};

    for (unsigned k = 0; k < 200; k++) {
        const double values[] = {0, .01, .1, 1, 7};
        fit.theta[RUNG_ERNEST_WORK] = 10 * values[k % 5];
        fit.theta[RUNG_ERNEST_LOG] = values[k / 5 % 5];
        fit.theta[RUNG_ERNEST_ALL] = values[(k / 25) % 5] / 10;
        fit.theta[RUNG_ERNEST_ROOT] = k < 100 ? 0 : .05;
        size_t least = 1 + k % 3, best = least;
        for (size_t m = least; m <= 90; m++)
            if (rung_ernest_predict(&fit, 1, (double)m).seconds <
                rung_ernest_predict(&fit, 1, (double)best).seconds)
                best = m;
        assert_int_equal(rung_ernest_best(&fit, 1, least, 90), best);
    }
}

static void little_data_has_wide_intervals(void **state)
{
    (void)state;
    struct rung_ernest_row rows[6];
    struct rung_ernest fit;

    /* one number of machines alone: nothing is known of others */
    for (size_t k = 0; k < 6; k++)
        rows[k] = (struct rung_ernest_row){1, 1, 3 + .1 * (double)(k % 2)};
    assert_int_equal(rung_ernest_fit(&fit, rows, 6, NULL, NULL), 0);
    struct rung_ernest_guess here = rung_ernest_predict(&fit, 1, 1), there = rung_ernest_predict(&fit, 1, 9);
    near(here.seconds, 3.05, 1e-9);
    assert_true(here.high - here.low < .5);
    assert_true(isfinite(there.high) && there.high > 1e3 && there.low == 0);

    /* as many terms as rows */
    for (size_t k = 0; k < 4; k++)
        rows[k] = (struct rung_ernest_row){1, (double)(1 << k), law(1, (double)(1 << k))};
    assert_int_equal(rung_ernest_fit(&fit, rows, 4, NULL, NULL), 0);
    there = rung_ernest_predict(&fit, 1, 16);
    near(there.seconds, law(1, 16), 1e-9);
    near(there.low, 0, 0);
    near(there.high, 2 * law(1, 16), 1e-8);

    near(rung_ernest_student(1), 3.0777, 1e-4);
    near(rung_ernest_student(2), 1.8856, 1e-4);
    near(rung_ernest_student(3), 1.6377, .011);
    near(rung_ernest_student(10), 1.3722, 1e-3);
    near(rung_ernest_student(1e9), 1.28155, 1e-5);
}

static void a_million_rows(void **state)
{
    (void)state;
    size_t count = 1000000;
    struct rung_ernest_row *rows = rung_mem_zalloc(count, sizeof *rows);
    struct rung_ernest fit;

    for (size_t k = 0; k < count; k++) {
        double m = (double)(1 + k % 64);
        rows[k] = (struct rung_ernest_row){1, m, law(1, m)};
    }
    assert_int_equal(rung_ernest_fit(&fit, rows, count, NULL, NULL), 0);
    near(rung_ernest_predict(&fit, 1, 100).seconds, law(1, 100), 1e-6);
    free(rows);
}

static void what_cannot_be_fitted_is_said(void **state)
{
    (void)state;
    struct rung_ernest_row rows[12];
    struct rung_ernest fit;
    struct rung_err err;

    twelve(rows, 0);
    assert_int_equal(rung_ernest_fit(&fit, rows, 3, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "time model: 3 measurements, 4 are needed");
    assert_int_equal(rung_ernest_fit(&fit, rows, 4, &(struct rung_ernest_options){.root = true}, &err),
                     RUNG_EUSE);
    assert_string_equal(err.text, "time model: 4 measurements, 5 are needed");
    rows[5].seconds = 0;
    assert_int_equal(rung_ernest_fit(&fit, rows, 12, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "time model: row 5: a time of 0 s, not above 0");
    rows[5].seconds = NAN;
    assert_int_equal(rung_ernest_fit(&fit, rows, 12, NULL, &err), RUNG_EUSE);
    rows[5].seconds = -1;
    assert_int_equal(rung_ernest_fit(&fit, rows, 12, NULL, &err), RUNG_EUSE);
    rows[5] = (struct rung_ernest_row){1, 0, 1};
    assert_int_equal(rung_ernest_fit(&fit, rows, 12, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "time model: row 5: 0 machines, not 1 or more");
    rows[5] = (struct rung_ernest_row){INFINITY, 1, 1};
    assert_int_equal(rung_ernest_fit(&fit, rows, 12, NULL, &err), RUNG_EUSE);
    assert_string_equal(err.text, "time model: row 5: a size of inf, not 0 or more");
}

/* Seven measurements of Spark's logistic regression on RCV1, and what the authors predict from them. */
static void rcv1(void **state)
{
    (void)state;
    static const double predictions[][2] = {
        {4, 44.6515640166},  {8, 25.4777295249},  {12, 19.36348049},   {16, 16.4412832993},
        {20, 14.7682298198}, {24, 13.7061636865}, {28, 12.9855393036},
    };
    static const double theta[] = {1.9001268702, 162.1982122597, 1.5883236224, 0};
    const char *data = getenv("RUNG_DATA") ? getenv("RUNG_DATA") : "../shared/data";
    char path[4096], line[256];
    struct rung_ernest_row rows[16];
    struct rung_ernest fit;
    size_t count = 0;

    snprintf(path, sizeof path, "%s/ernest-rcv1/rcv1-parsed.csv", data);
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("ernest-rcv1 is not in %s: set RUNG_DATA\n", data);
        skip();
    }
    while (count < 16 && fgets(line, sizeof line, file))
        count +=
            sscanf(line, "%lf,%lf,%lf", &rows[count].machines, &rows[count].size, &rows[count].seconds) == 3;
    fclose(file);
    assert_int_equal(count, 7);
    assert_int_equal(rung_ernest_fit(&fit, rows, count, NULL, NULL), 0);
    for (size_t j = 0; j < 4; j++)
        near(fit.theta[j], theta[j], 5e-10 * fmax(theta[j], 1));
    near(fit.residual * fit.residual, 0.0745150678, 5e-11);
    for (size_t k = 0; k < 7; k++) {
        struct rung_ernest_guess guess = rung_ernest_predict(&fit, 1, predictions[k][0]);
        near(guess.seconds, predictions[k][1], 5e-7 * predictions[k][1]);
        assert_true(guess.low < guess.seconds && guess.seconds < guess.high && isfinite(guess.high));
        print_message("%2.0f cores: %.6f s, %.2f to %.2f\n", predictions[k][0], guess.seconds, guess.low,
                      guess.high);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_times_give_the_law_back),
        cmocka_unit_test(noise_of_two_percent),
        cmocka_unit_test(a_term_that_would_be_negative_is_none),
        cmocka_unit_test(the_root_is_a_term_where_asked_for),
        cmocka_unit_test(the_best_number_is_that_of_a_scan),
        cmocka_unit_test(little_data_has_wide_intervals),
        cmocka_unit_test(a_million_rows),
        cmocka_unit_test(what_cannot_be_fitted_is_said),
        cmocka_unit_test(rcv1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
