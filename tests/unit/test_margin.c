/* The losses of linear models: slopes against finite differences, values far out. */
#include "trainer/margin.h"
#include "trainer_help.h"

#include <math.h>

static void slopes_are_those_of_the_losses(void **state)
{
    const double h = 1e-6, epsilon = .3;

    (void)state;
    for (int kind = 0; kind <= RUNG_MARGIN_SQUARED_EPSILON; kind++)
        for (int y = -1; y <= 1; y += 2)
            for (double z = -4.03; z < 4; z += .1) { /* never at a kink */
                double up = rung_margin_loss((enum rung_margin)kind, epsilon, z + h, y);
                double down = rung_margin_loss((enum rung_margin)kind, epsilon, z - h, y);
                double slope = rung_margin_slope((enum rung_margin)kind, epsilon, z, y);

                if (fabs((up - down) / (2 * h) - slope) > 1e-7)
                    fail_msg("loss %d at z = %g, y = %d: slope %.9g, not %.9g", kind, z, y, slope,
                             (up - down) / (2 * h));
            }
    for (int label = 0; label < 3; label++)
        for (int k = 0; k < 3; k++) {
            double z[3] = {.3, -1.2, 2.1}, up[3], down[3], slope[3];

            memcpy(up, z, sizeof z);
            memcpy(down, z, sizeof z);
            up[k] += h;
            down[k] -= h;
            rung_margin_softmax(z, 3, label, slope);
            assert_true(
                fabs((rung_margin_softmax(up, 3, label, NULL) - rung_margin_softmax(down, 3, label, NULL)) /
                         (2 * h) -
                     slope[k]) < 1e-8);
        }
}

static void losses_far_out_are_finite(void **state)
{
    double z[2] = {1e300, -1e300}, slope[2];

    (void)state;
    assert_true(rung_margin_loss(RUNG_MARGIN_LOG, 0, 1e4, -1) == 1e4);
    assert_true(rung_margin_loss(RUNG_MARGIN_LOG, 0, 1e4, 1) == 0);
    assert_true(rung_margin_slope(RUNG_MARGIN_LOG, 0, 1e4, -1) == 1);
    assert_true(rung_margin_slope(RUNG_MARGIN_LOG, 0, 1e4, 1) == 0);
    assert_true(rung_margin_softmax(z, 2, 0, slope) == 0 && slope[0] == 0 && slope[1] == 0);
    assert_true(rung_margin_softmax(z, 2, 1, slope) == 2e300 && slope[0] == 1 && slope[1] == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slopes_are_those_of_the_losses),
        cmocka_unit_test(losses_far_out_are_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
