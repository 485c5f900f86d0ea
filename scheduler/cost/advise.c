/* Inverts curves of convergence and compares options by them. */
#include "cost/advise.h"

#include "cost/hemingway.h"

#include <math.h>
#include <stdint.h>

#define LOOKS  64  /* at curve between two powers of two */
#define MARGIN 1.1 /* by which a saving must exceed the cost of a change */

/* ---- one curve ---- */

/* The curve is above level at low, at most level at high: the least iteration between where it is at most
 * level, as far as it falls. */
static double bisect(rung_advise_curve_fn *curve, const void *context, double machines, double level,
                     double low, double high)
{
    while (high - low > 1) {
        double mid = floor((low + high) / 2);
        if (curve(context, mid, machines) <= level)
            high = mid;
        else
            low = mid;
    }
    return high;
}

double rung_advise_iterations(rung_advise_curve_fn *curve, const void *context, double machines, double level,
                              double *reached)
{
    double before = 0, least = INFINITY, found = INFINITY;

    for (double low = 1; low <= RUNG_ADVISE_ITERATIONS && isinf(found); low *= 2) {
        double step = fmax(1, low / LOOKS);
        for (double i = low; i < 2 * low && before < RUNG_ADVISE_ITERATIONS; i += step) {
            double at = fmin(i, RUNG_ADVISE_ITERATIONS), value = curve(context, at, machines);
            if (value <= level) {
                found = bisect(curve, context, machines, level, before, at);
                least = fmin(least, curve(context, found, machines));
                break;
            }
            least = fmin(least, value); /* NaN is no minimum */
            before = at;
        }
    }
    if (reached)
        *reached = least;
    return found;
}

/* ---- options ---- */

static bool takes_time(const struct rung_advise_option *option)
{
    return option->seconds > 0 && isfinite(option->seconds);
}

static bool beats(double value, double machines, double best, double best_machines)
{
    return value < best || (value == best && machines < best_machines);
}

size_t rung_advise_goal(const struct rung_advise_option *options, size_t count, double log_epsilon,
                        struct rung_advise_outcome *outcomes)
{
    size_t best = RUNG_ADVISE_NONE;

    for (size_t k = 0; k < count; k++) {
        const struct rung_advise_option *option = &options[k];
        struct rung_advise_outcome *outcome = &outcomes[k];
        outcome->iterations = rung_advise_iterations(option->curve, option->context, option->machines,
                                                     log_epsilon, &outcome->log_distance);
        outcome->feasible = isfinite(outcome->iterations) && takes_time(option);
        outcome->seconds = outcome->feasible ? outcome->iterations * option->seconds : INFINITY;
        if (outcome->feasible &&
            (best == RUNG_ADVISE_NONE ||
             beats(outcome->seconds, option->machines, outcomes[best].seconds, options[best].machines)))
            best = k;
    }
    return best;
}

size_t rung_advise_deadline(const struct rung_advise_option *options, size_t count, double seconds,
                            struct rung_advise_outcome *outcomes)
{
    size_t best = RUNG_ADVISE_NONE;

    for (size_t k = 0; k < count; k++) {
        const struct rung_advise_option *option = &options[k];
        struct rung_advise_outcome *outcome = &outcomes[k];
        double iterations = takes_time(option) ? rung_hemingway_iterations(seconds, option->seconds) : 0;
        *outcome = (struct rung_advise_outcome){.log_distance = INFINITY};
        outcome->iterations = fmin(iterations, RUNG_ADVISE_ITERATIONS);
        if (outcome->iterations < 1)
            continue;
        outcome->seconds = outcome->iterations * option->seconds;
        outcome->log_distance = option->curve(option->context, outcome->iterations, option->machines);
        outcome->feasible = !isnan(outcome->log_distance);
        if (outcome->feasible &&
            (best == RUNG_ADVISE_NONE || beats(outcome->log_distance, option->machines,
                                               outcomes[best].log_distance, options[best].machines)))
            best = k;
    }
    return best;
}

/* ---- the rest of the way ---- */

/* Where between two iterations the curve has the level; 0 where it starts at most there. */
static double done_so_far(const struct rung_advise_option *option, double level)
{
    double after = rung_advise_iterations(option->curve, option->context, option->machines, level, NULL);

    if (!isfinite(after) || after <= 1)
        return isfinite(after) && option->curve(option->context, 1, option->machines) == level ? 1 : 0;
    double high = option->curve(option->context, after - 1, option->machines),
           low = option->curve(option->context, after, option->machines);
    return high > low ? after - (level - low) / (high - low) : after;
}

size_t rung_advise_rest(const struct rung_advise_option *options, size_t count, size_t present,
                        double log_distance, double log_epsilon, double change_seconds,
                        struct rung_advise_outcome *outcomes)
{
    size_t best = RUNG_ADVISE_NONE;

    (void)rung_advise_goal(options, count, log_epsilon, outcomes);
    for (size_t k = 0; k < count; k++) {
        struct rung_advise_outcome *outcome = &outcomes[k];
        if (!outcome->feasible)
            continue;
        outcome->iterations = log_distance <= log_epsilon
                                  ? 0
                                  : fmax(0, outcome->iterations - done_so_far(&options[k], log_distance));
        outcome->seconds = outcome->iterations * options[k].seconds;
        if (best == RUNG_ADVISE_NONE ||
            beats(outcome->seconds, options[k].machines, outcomes[best].seconds, options[best].machines))
            best = k;
    }
    if (best == RUNG_ADVISE_NONE || !outcomes[present].feasible)
        return best == RUNG_ADVISE_NONE ? present : best;
    return outcomes[present].seconds - outcomes[best].seconds > MARGIN * change_seconds ? best : present;
}
