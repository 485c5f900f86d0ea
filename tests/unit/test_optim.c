/*
 * Optimisers: the first two steps of each by hand, decay, schedules.
 */
#include "trainer/optim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TOTAL (2 * RUNG_BLOCK)

/* Weights in the first half, the rest in the second; everything with the same start and gradient. */
struct bed {
    float *floats;
    struct rung_optim_block block;
};

static void bed_make(struct bed *bed, float start)
{
    bed->floats = rung_kernel_alloc(4 * TOTAL);
    bed->block = (struct rung_optim_block){.params = bed->floats,
                                           .gradient = bed->floats + TOTAL,
                                           .s = bed->floats + 2 * TOTAL,
                                           .u = bed->floats + 3 * TOTAL,
                                           .weights = TOTAL / 2,
                                           .total = TOTAL};
    for (int i = 0; i < TOTAL; i++)
        bed->floats[i] = start;
}

static void bed_step(struct bed *bed, const struct rung_optim *optim, double rate, int64_t steps,
                     int64_t batch, float gradient)
{
    for (int i = 0; i < TOTAL; i++)
        bed->floats[TOTAL + i] = gradient;
    rung_optim_step(optim, rung_kernel_best(), &bed->block, rate, steps, batch);
}

/* w = 1, gradients 1 and then -0.5: w after each step, for every parameter. */
static void check_two_steps(const struct rung_optim *optim, double first, double second)
{
    struct bed bed;
    bed_make(&bed, 1);
    bed_step(&bed, optim, optim->learning_rate_init, 0, 32, 1);
    for (int i = 0; i < TOTAL; i++)
        assert_true(fabs((double)bed.floats[i] - first) < 1e-6);
    bed_step(&bed, optim, optim->learning_rate_init, 1, 32, -0.5F);
    for (int i = 0; i < TOTAL; i++)
        assert_true(fabs((double)bed.floats[i] - second) < 1e-6);
    rung_kernel_free(bed.floats);
}

static void plain_sgd(void **state)
{
    struct rung_optim optim = {.solver = RUNG_SOLVER_SGD, .learning_rate_init = 0.1};
    (void)state;
    check_two_steps(&optim, 0.9, 0.95);
}

static void momentum(void **state)
{
    struct rung_optim optim = {.solver = RUNG_SOLVER_SGD, .learning_rate_init = 0.1, .momentum = 0.9};
    (void)state;
    check_two_steps(&optim, 0.9, 0.86);
}

static void nesterov(void **state)
{
    struct rung_optim optim = {
        .solver = RUNG_SOLVER_SGD, .learning_rate_init = 0.1, .momentum = 0.9, .nesterov = true};
    (void)state;
    check_two_steps(&optim, 0.81, 0.824);
}

static void adagrad(void **state)
{
    struct rung_optim optim = {.solver = RUNG_SOLVER_ADAGRAD, .learning_rate_init = 0.1};
    (void)state;
    check_two_steps(&optim, 0.9, 0.944721);
}

static void adam(void **state)
{
    struct rung_optim optim = {
        .solver = RUNG_SOLVER_ADAM, .learning_rate_init = 0.1, .beta_1 = 0.9, .beta_2 = 0.999};
    (void)state;
    check_two_steps(&optim, 0.9, 0.873366);
}

static void adadelta(void **state)
{
    struct rung_optim optim = {.solver = RUNG_SOLVER_ADADELTA, .learning_rate_init = 1, .rho = 0.9};
    (void)state;
    check_two_steps(&optim, 0.996838, 0.998923);
}

/* In scikit-learn's form the velocity holds the rate it was made with. */
static void velocity_keeps_its_rate(void **state)
{
    struct rung_optim optim = {.solver = RUNG_SOLVER_SGD, .momentum = 0.5};
    struct bed bed;
    (void)state;
    bed_make(&bed, 1);
    bed_step(&bed, &optim, 0.1, 0, 1, 1);
    bed_step(&bed, &optim, 0.01, 1, 1, 1);
    assert_true(fabs((double)bed.floats[0] - (1 - 0.1 - 0.05 - 0.01)) < 1e-6);
    rung_kernel_free(bed.floats);
}

static void alpha_spares_biases_and_counts_once_a_batch(void **state)
{
    struct rung_optim optim = {.solver = RUNG_SOLVER_SGD, .alpha = 0.8};
    struct bed bed;
    (void)state;
    bed_make(&bed, 1);
    bed_step(&bed, &optim, 0.5, 0, 4, 0);
    assert_true(fabs((double)bed.floats[0] - (1 - 0.5 * 0.8 / 4)) < 1e-6);
    assert_true(fabs((double)bed.floats[TOTAL / 2] - 1) < 1e-7);
    rung_kernel_free(bed.floats);
}

static void weight_decay_acts_on_all(void **state)
{
    struct rung_optim optim = {.solver = RUNG_SOLVER_SGD, .weight_decay = 0.2};
    struct bed bed;
    (void)state;
    bed_make(&bed, 1);
    bed_step(&bed, &optim, 0.5, 0, 4, 0);
    assert_true(fabs((double)bed.floats[0] - 0.9) < 1e-6);
    assert_true(fabs((double)bed.floats[TOTAL / 2] - 0.9) < 1e-6);
    rung_kernel_free(bed.floats);
}

/* What lies between two runs of parameters has gradient zero and must stay zero. */
static void zeros_stay_zero(void **state)
{
    (void)state;
    for (int solver = RUNG_SOLVER_SGD; solver <= RUNG_SOLVER_ADADELTA; solver++) {
        struct rung_optim optim = {.solver = (enum rung_solver)solver,
                                   .momentum = 0.9,
                                   .beta_1 = 0.9,
                                   .beta_2 = 0.999,
                                   .rho = 0.9,
                                   .alpha = 0.1,
                                   .weight_decay = 0.1};
        struct bed bed;
        bed_make(&bed, 0);
        for (int i = 0; i < 5; i++)
            bed_step(&bed, &optim, 0.1, i, 8, 0);
        for (int i = 0; i < TOTAL; i++)
            assert_true(bed.floats[i] == 0.0F);
        rung_kernel_free(bed.floats);
    }
}

static void schedules(void **state)
{
    struct rung_optim optim = {.learning_rate_init = 0.2, .power_t = 0.5};
    (void)state;
    assert_true(rung_optim_rate(&optim, 12345) == 0.2);
    optim.schedule = RUNG_SCHEDULE_INVSCALING;
    assert_true(rung_optim_rate(&optim, 0) == 0.2);
    assert_true(fabs(rung_optim_rate(&optim, 99) - 0.02) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_sgd),
        cmocka_unit_test(momentum),
        cmocka_unit_test(nesterov),
        cmocka_unit_test(adagrad),
        cmocka_unit_test(adam),
        cmocka_unit_test(adadelta),
        cmocka_unit_test(velocity_keeps_its_rate),
        cmocka_unit_test(alpha_spares_biases_and_counts_once_a_batch),
        cmocka_unit_test(weight_decay_acts_on_all),
        cmocka_unit_test(zeros_stay_zero),
        cmocka_unit_test(schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
