/* Advice from laws that are known: goals, deadlines, ties, curves that are not monotone, changing on the way.
 */
#include "cost/advise.h"

#include "cost/hemingway.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.12g is not within %g of %.12g", value, within, expected);
}

enum { DEGREES = 8 };

/* Parallel coordinate ascent: more machines, slower convergence. */
static double ascent(const void *context, double i, double m)
{
    (void)context;
    return i * log(1 - .6 / sqrt(m));
}

/* Full gradient descent: the same on any number of machines. */
static double descent(const void *context, double i, double m)
{
    (void)context;
    (void)m;
    return i * log(.9);
}

static double seconds(double m)
{
    return .5 + 8 / m + .3 * log(m) + .02 * m;
}

static void make_options(struct rung_advise_option *options, rung_advise_curve_fn *curve)
{
    for (size_t k = 0; k < DEGREES; k++) {
        double m = (double)(1 << k);
        options[k] = (struct rung_advise_option){curve, NULL, m, seconds(m)};
    }
}

static void the_goal(void **state)
{
    (void)state;
    static const double iterations[] = {11, 17, 26, 39, 57, 83, 119, 170};
    static const double times[] = {93.72, 80.72, 77.89, 89.07, 122.65, 201.67, 375.2, 778.3};
    struct rung_advise_option options[2 * DEGREES];
    struct rung_advise_outcome outcomes[2 * DEGREES];

    make_options(options, ascent);
    make_options(options + DEGREES, descent);
    assert_int_equal(rung_advise_goal(options, DEGREES, log(1e-4), outcomes), 2); /* m = 4 */
    for (size_t k = 0; k < DEGREES; k++) {
        assert_true(outcomes[k].feasible);
        near(outcomes[k].iterations, iterations[k], 0);
        near(outcomes[k].seconds, times[k], k < 6 ? .005 : .05);
        near(outcomes[k].log_distance, ascent(NULL, iterations[k], options[k].machines), 1e-12);
    }
    assert_int_equal(rung_advise_goal(options + DEGREES, DEGREES, log(1e-4), outcomes), 4); /* m = 16 */
    near(outcomes[4].iterations, 88, 0);
    near(outcomes[4].seconds, 189.36, .005);
    assert_int_equal(rung_advise_goal(options, 2 * DEGREES, log(1e-4), outcomes), 2);
}

static void the_deadline(void **state)
{
    (void)state;
    struct rung_advise_option options[2 * DEGREES];
    struct rung_advise_outcome outcomes[2 * DEGREES];

    make_options(options, ascent);
    make_options(options + DEGREES, descent);
    assert_int_equal(rung_advise_deadline(options, 2 * DEGREES, 30, outcomes), 2);
    near(exp(outcomes[2].log_distance), 2.825e-2, 5e-6);
    near(outcomes[2].iterations, 10, 0);
    assert_int_equal(rung_advise_deadline(options, 2 * DEGREES, 60, outcomes), 2);
    near(exp(outcomes[2].log_distance), 7.979e-4, 5e-8);
    /* a time within which nothing ends */
    assert_int_equal(rung_advise_deadline(options, 2 * DEGREES, 1, outcomes), RUNG_ADVISE_NONE);
    assert_false(outcomes[3].feasible);
    near(outcomes[3].iterations, 0, 0);
    /* and one within which only few end an iteration */
    assert_int_equal(rung_advise_deadline(options, DEGREES, 2.2, outcomes), 4);
    assert_false(outcomes[0].feasible);
}

/* The same from curves and times that are fitted to what was seen. */
static double fitted(const void *context, double i, double m)
{
    return rung_hemingway_log(context, i, m).value;
}

static void the_goal_by_a_fit(void **state)
{
    (void)state;
    static struct rung_hemingway_row rows[DEGREES * 100];
    struct rung_advise_option options[DEGREES];
    struct rung_advise_outcome outcomes[DEGREES];
    struct rung_hemingway fit;
    size_t n = 0;

    for (size_t d = 0; d < DEGREES; d++)
        for (int i = 1; i <= 100; i++, n++) {
            double m = (double)(1 << d);
            rows[n] = (struct rung_hemingway_row){i, m, ascent(NULL, i, m), d};
        }
    assert_int_equal(rung_hemingway_fit_log(&fit, rows, n, NULL), 0);
    make_options(options, fitted);
    for (size_t k = 0; k < DEGREES; k++)
        options[k].context = &fit;
    assert_int_equal(rung_advise_goal(options, DEGREES, log(1e-4), outcomes), 2);
    near(outcomes[2].seconds, 77.89, .005);
    near(outcomes[7].iterations, 170, 2); /* beyond the 100 that were seen */
    assert_int_equal(rung_advise_deadline(options, DEGREES, 60, outcomes), 2);
    near(exp(outcomes[2].log_distance), 7.979e-4, 2e-5);
    rung_hemingway_free(&fit);
}

/* ---- the inverse of a curve ---- */

static double valley(const void *context, double i, double m)
{
    (void)context;
    (void)m;
    return fabs(log(i / 1001)); /* 0 at i = 1001, and up again */
}

static double flat(const void *context, double i, double m)
{
    (void)i;
    (void)m;
    return *(const double *)context;
}

static void inverses(void **state)
{
    (void)state;
    double reached, level = -1, nan = NAN;

    for (double rate = 1e-5; rate < 3; rate *= 1.37) { /* against the formula */
        double m = pow(.6 / (1 - exp(-rate)), 2);
        if (m < 1)
            continue;
        double expected = ceil(log(1e-4) / log(1 - .6 / sqrt(m)));
        double found = rung_advise_iterations(ascent, NULL, m, log(1e-4), NULL);
        if (expected <= RUNG_ADVISE_ITERATIONS)
            near(found, expected, 1); /* rounding where it is met exactly */
        else
            assert_true(isinf(found));
    }
    near(rung_advise_iterations(valley, NULL, 1, log(2), &reached), 501, 0);
    assert_true(reached <= log(2));
    assert_true(isinf(rung_advise_iterations(valley, NULL, 1, 0, &reached)));
    assert_true(reached > 0 && reached < .01); /* as close as it looks */
    near(rung_advise_iterations(flat, &level, 1, -1, &reached), 1, 0);
    assert_true(isinf(rung_advise_iterations(flat, &level, 1, -1.1, &reached)));
    near(reached, -1, 0);
    assert_true(isinf(rung_advise_iterations(flat, &nan, 1, -1, &reached)));
    assert_true(isinf(reached));
    /* the last iteration that counts */
    near(rung_advise_iterations(ascent, NULL, .36 / pow(1 - exp(log(1e-4) / 1e6), 2), log(1e-4) * (1 - 1e-12),
                                NULL),
         1e6, 1);
}

static void ties_and_what_cannot_be(void **state)
{
    (void)state;
    double level = -20;
    struct rung_advise_option options[] = {{flat, &level, 8, 2},   {flat, &level, 2, 2},
                                           {flat, &level, 4, 2},   {flat, &level, 1, 0},
                                           {flat, &level, 1, NAN}, {flat, &level, 1, INFINITY}};
    struct rung_advise_outcome outcomes[6];

    assert_int_equal(rung_advise_goal(options, 6, -10, outcomes), 1);
    assert_int_equal(rung_advise_deadline(options, 6, 9, outcomes), 1);
    for (size_t k = 3; k < 6; k++)
        assert_false(outcomes[k].feasible);
    assert_int_equal(rung_advise_goal(options, 6, -30, outcomes), RUNG_ADVISE_NONE);
    assert_true(isinf(outcomes[0].seconds));
    near(outcomes[0].log_distance, -20, 0);
    assert_int_equal(rung_advise_goal(NULL, 0, -1, NULL), RUNG_ADVISE_NONE);
    level = NAN;
    assert_int_equal(rung_advise_deadline(options, 3, 9, outcomes), RUNG_ADVISE_NONE);
    assert_false(outcomes[0].feasible);
}

/* ---- changing on the way ---- */

static void changing_on_the_way(void **state)
{
    (void)state;
    struct rung_advise_option options[DEGREES];
    struct rung_advise_outcome outcomes[DEGREES];

    make_options(options, ascent);
    /* from the start it is the goal: 77.89 s on 4 machines, 93.72 s on one, 778 s on 128 */
    assert_int_equal(rung_advise_rest(options, DEGREES, 7, 0, log(1e-4), 0, outcomes), 2);
    near(outcomes[2].seconds, 77.89, .005);
    assert_int_equal(rung_advise_rest(options, DEGREES, 0, 0, log(1e-4), 10, outcomes), 2);
    assert_int_equal(rung_advise_rest(options, DEGREES, 0, 0, log(1e-4), 14.3, outcomes), 2);
    assert_int_equal(rung_advise_rest(options, DEGREES, 0, 0, log(1e-4), 14.5, outcomes),
                     0); /* 15.83 / 1.1 */
    /* half of the way: half of what is left of the ideal iterations, which need not be whole */
    double middle = log(1e-2);
    assert_int_equal(rung_advise_rest(options, DEGREES, 2, middle, log(1e-4), 0, outcomes), 2);
    near(outcomes[2].iterations, 26 - middle / log(1 - .3), 1e-6);
    /* there already */
    assert_int_equal(rung_advise_rest(options, DEGREES, 5, log(1e-5), log(1e-4), 0, outcomes), 5);
    near(outcomes[5].seconds, 0, 0);
    /* the present one never gets there */
    double level = -3;
    options[1].curve = flat;
    options[1].context = &level;
    assert_int_equal(rung_advise_rest(options, DEGREES, 1, -1, log(1e-4), 1e6, outcomes), 2);
    /* nor does any */
    assert_int_equal(rung_advise_rest(options + 1, 1, 0, -1, log(1e-4), 0, outcomes), 0);
    assert_false(outcomes[0].feasible);
}

/* On many machines fast at first, then slow, and in all faster than on one: 90 iterations to 120. */
static double flattens(const void *context, double i, double m)
{
    (void)context;
    return m > 1 ? -4 * (1 - exp(-i / 2.5)) - i / 45 : -.05 * i;
}

static void frames_of_a_run(void **state)
{
    (void)state;
    struct rung_advise_option options[] = {{flattens, NULL, 16, 1}, {flattens, NULL, 1, 1}};
    struct rung_advise_outcome outcomes[2];
    double distance = 0, elapsed = 0, goal = -6, done = 0;
    size_t present = 0, changes = 0;

    for (int frame = 0; frame < 100 && distance > goal; frame++) {
        size_t next = rung_advise_rest(options, 2, present, distance, goal, 1, outcomes);
        if (next != present) {
            changes++;
            elapsed += 1;
            present = next;
            done = present == 1 ? -distance / .05 : 0;
        }
        done += 5;
        elapsed += 5;
        distance = flattens(NULL, done, options[present].machines);
    }
    assert_true(distance <= goal);
    assert_int_equal(present, 1); /* it left many machines once they no longer helped */
    assert_int_equal(changes, 1);
    assert_true(elapsed < 60); /* and was faster than either alone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_goal),
        cmocka_unit_test(the_deadline),
        cmocka_unit_test(the_goal_by_a_fit),
        cmocka_unit_test(inverses),
        cmocka_unit_test(ties_and_what_cannot_be),
        cmocka_unit_test(changing_on_the_way),
        cmocka_unit_test(frames_of_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
