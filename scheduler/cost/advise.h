/*
 * Which algorithm on how many machines reaches a goal soonest, or has the lowest loss by a deadline: curves
 * of convergence, log(P - P*) after iteration i on m machines, with the time that an iteration takes there.
 *
 * Source: Pan, Venkataraman, Tai and Gonzalez, Hemingway: modeling distributed optimization algorithms
 * (2017), sections 3 and 6.
 */
#ifndef RUNG_COST_ADVISE_H
#define RUNG_COST_ADVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_ADVISE_ITERATIONS 1000000  /* beyond these a goal is out of reach */
#define RUNG_ADVISE_NONE       SIZE_MAX /* no option is feasible */

/* log(P - P*) after iteration >= 1 on so many machines. It need not fall all the way; NaN: unknown. */
typedef double rung_advise_curve_fn(const void *context, double iteration, double machines);

/* One algorithm on one number of machines. */
struct rung_advise_option {
    rung_advise_curve_fn *curve;
    const void *context;
    double machines;
    double seconds; /* of an iteration; not feasible where that is not above 0 and finite */
};

struct rung_advise_outcome {
    bool feasible;
    double iterations;   /* to the goal (INFINITY: out of reach), or that end by the deadline */
    double seconds;      /* that these take */
    double log_distance; /* log(P - P*) then; the least that was seen where the goal is out of reach */
};

/* The least iteration at which the curve is at most level, by doubling, then bisecting on its running
 * minimum; INFINITY: none up to RUNG_ADVISE_ITERATIONS. *reached (may be NULL): the least value seen on the
 * way. */
double rung_advise_iterations(rung_advise_curve_fn *curve, const void *context, double machines, double level,
                              double *reached);

/* Fills outcomes (count of them) and returns the option that gets to log_epsilon soonest, or
 * RUNG_ADVISE_NONE. Of equals the one with fewer machines, then the first. */
size_t rung_advise_goal(const struct rung_advise_option *options, size_t count, double log_epsilon,
                        struct rung_advise_outcome *outcomes);
/* The same for the least loss after so many seconds; feasible where an iteration ends by then. */
size_t rung_advise_deadline(const struct rung_advise_option *options, size_t count, double seconds,
                            struct rung_advise_outcome *outcomes);

/* While option `present` is running and its distance is log_distance: the option for the rest of the way to
 * log_epsilon. Iterations and seconds are those that are left, from where each curve has that distance. A
 * change is worth it where it saves more than change_seconds and a tenth; without a feasible option it is
 * `present`. */
size_t rung_advise_rest(const struct rung_advise_option *options, size_t count, size_t present,
                        double log_distance, double log_epsilon, double change_seconds,
                        struct rung_advise_outcome *outcomes);

#endif
