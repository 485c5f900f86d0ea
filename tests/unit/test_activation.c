/*
 * The spread of first weights.
 */
#include "trainer/activation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void xavier_spreads_over_inputs_and_outputs(void **state)
{
    (void)state;
    assert_true(fabs(rung_init_spread(RUNG_INIT_XAVIER_UNIFORM, RUNG_ACT_RELU, 20, 4) - 0.5) < 1e-15);
    assert_true(fabs(rung_init_spread(RUNG_INIT_XAVIER_NORMAL, RUNG_ACT_RELU, 6, 2) - 0.5) < 1e-15);
}

static void kaiming_spreads_over_inputs(void **state)
{
    (void)state;
    assert_true(fabs(rung_init_spread(RUNG_INIT_KAIMING_UNIFORM, RUNG_ACT_RELU, 24, 4) - 0.5) < 1e-15);
    assert_true(fabs(rung_init_spread(RUNG_INIT_KAIMING_NORMAL, RUNG_ACT_RELU, 8, 4) - 0.5) < 1e-15);
}

static void logistic_has_scikit_learns_factor(void **state)
{
    (void)state;
    assert_true(fabs(rung_init_spread(RUNG_INIT_XAVIER_UNIFORM, RUNG_ACT_LOGISTIC, 6, 2) - 0.5) < 1e-15);
    assert_true(fabs(rung_init_spread(RUNG_INIT_KAIMING_UNIFORM, RUNG_ACT_LOGISTIC, 24, 4) - 0.5) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xavier_spreads_over_inputs_and_outputs),
        cmocka_unit_test(kaiming_spreads_over_inputs),
        cmocka_unit_test(logistic_has_scikit_learns_factor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
