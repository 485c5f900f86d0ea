/*
 * What each priority is worth, on the virtual clock: Hyperband (243,3) as Dask-ML runs it, and the geometric
 * mean over several searches whose models differ in pace. The first table is exact; the second is printed,
 * and its order checked where it is not a matter of chance.
 */
#include "../virtual_help.h"

#include "forecast/timemodel.h"

#define PRIORITIES 3

static const enum rung_priority priorities[PRIORITIES] = {RUNG_PRIORITY_FIFO, RUNG_PRIORITY_SCORE,
                                                          RUNG_PRIORITY_CRITICAL};

static struct rung_search_spec dask(int64_t max_iter, int64_t eta, int64_t patience)
{
    struct rung_search_spec spec = help_spec(max_iter, eta);
    spec.variant = RUNG_VARIANT_DASK;
    spec.patience = patience;
    spec.tol = NAN;
    return spec;
}

struct ending {
    double end, good; /* seconds until the end, and until 95 % of the best score is known */
};

static struct ending simulate(struct rung_search_spec spec, enum rung_priority priority, size_t trainers,
                              double spread)
{
    struct help_virtual help;
    struct rung_timemodel model = {.kind = RUNG_TIMEMODEL_LOGNORMAL, .spread = spread, .seed = 7};
    spec.priority = priority;
    help_virtual_open(&help, &spec, trainers);
    model.synthetic = help.synthetic;
    help.options.oracle = rung_timemodel_oracle(&model);
    help.options.expect = rung_timemodel_expect;
    help.options.expect_context = &model;
    help_virtual_run(&help);
    struct ending ending = {help.result.seconds, INFINITY};
    for (size_t i = help.result.point_count; i-- > 0;)
        if (help.result.points[i].score >= 0.95 * help.result.points[help.result.point_count - 1].score)
            ending.good = help.result.points[i].seconds;
    help_virtual_close(&help);
    return ending;
}

static bool table(void)
{
    static const size_t trainers[] = {8, 16, 24, 32};
    static const struct ending expected[PRIORITIES][4] = {
        {{760.5, 443.5}, {445, 270}, {366, 201}, {320.5, 155.5}},
        {{711, 192.5}, {459, 127.5}, {335, 116}, {314, 102}},
        {{685, 192.5}, {432, 127.5}, {326, 141.5}, {310.5, 120.5}},
    };
    bool as_expected = true;
    for (size_t p = 0; p < PRIORITIES; p++) {
        printf("%-8s", rung_priority_name(priorities[p]));
        for (size_t n = 0; n < 4; n++) {
            struct ending is = simulate(dask(243, 3, 81), priorities[p], trainers[n], 0);
            printf(" %6.1f (%5.1f)", is.end, is.good);
            as_expected &= is.end == expected[p][n].end && is.good == expected[p][n].good;
        }
        printf("\n");
    }
    return as_expected;
}

/* Geometric means over the searches and 2 to 64 trainers. */
static struct ending mean(enum rung_priority priority, double spread)
{
    struct rung_search_spec specs[] = {help_spec(243, 3), help_spec(81, 3), help_spec(299, 4),
                                       dask(243, 3, 81),  dask(81, 3, 27),  dask(299, 4, 74)};
    struct ending sum = {0, 0};
    double count = 0;
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++)
        for (size_t trainers = 2; trainers <= 64; trainers *= 2, count++) {
            struct ending one = simulate(specs[s], priority, trainers, spread);
            sum.end += log(one.end);
            sum.good += log(one.good);
        }
    return (struct ending){exp(sum.end / count), exp(sum.good / count)};
}

int main(void)
{
    static const double spreads[] = {0, 0.5, 1};
    printf(
        "(243,3), dask, on 8, 16, 24, 32 trainers: seconds until the end (until 95 %% of the best score)\n");
    bool exact = table(), sooner = true, early = true;
    printf("six searches, 2 to 64 trainers, relative to fifo: end (95 %%), by spread of the models' pace\n");
    for (size_t s = 0; s < 3; s++) {
        struct ending fifo = mean(RUNG_PRIORITY_FIFO, spreads[s]);
        printf("spread %.1f:", spreads[s]);
        for (size_t p = 1; p < PRIORITIES; p++) {
            struct ending is = mean(priorities[p], spreads[s]);
            printf("  %s %.3f (%.3f)", rung_priority_name(priorities[p]), is.end / fifo.end,
                   is.good / fifo.good);
            early &= is.good < 0.8 * fifo.good;
            sooner &= priorities[p] != RUNG_PRIORITY_CRITICAL || is.end < 1.02 * fifo.end;
        }
        printf("\n");
    }
    printf("%s the three priorities on (243,3) take what they took\n", exact ? "ok" : "not ok");
    printf("%s critical ends within 2 %% of fifo or sooner\n", sooner ? "ok" : "not ok");
    printf("%s score and critical know a good model a fifth sooner than fifo\n", early ? "ok" : "not ok");
    return exact && sooner && early ? 0 : 1;
}
