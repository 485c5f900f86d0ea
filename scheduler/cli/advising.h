/* Advice from histories: curves and times fitted, compared, with intervals. */
#ifndef RUNG_CLI_ADVISING_H
#define RUNG_CLI_ADVISING_H

#include "base/err.h"
#include "cli/degrees.h"
#include "cost/advise.h"
#include "cost/ernest.h"
#include "cost/hemingway.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_ADVISING_MACHINES 64 /* numbers asked for beside those recorded */

struct rung_advising_request {
    double goal;     /* distance to the limit; NaN: by deadline */
    double deadline; /* seconds; NaN: by goal */
    double limit;    /* of the loss; NaN: unknown */
    int64_t others[RUNG_ADVISING_MACHINES];
    size_t other_count;
};

/* A number with its 80 % interval; NaN: there is none, infinite: without end. */
struct rung_advising_span {
    double value, low, high;
};

/* One algorithm on one number of machines. */
struct rung_advising_line {
    const char *algorithm;
    double machines;
    bool measured; /* else both models reach beyond what was recorded */
    bool best, feasible;
    char reason[256]; /* why it is not feasible */
    struct rung_advising_span iterations, per_iteration, seconds;
    struct rung_advising_span loss; /* after them */
    double distance;                /* of that loss to the limit */
    double error;                   /* of the curve's logarithm, cross-validated */
    size_t observations, timings;
};

struct rung_advising {
    struct rung_advising_line *lines; /* by algorithm, then machines */
    size_t count;
    const struct rung_advising_line *best; /* NULL: nothing is feasible */
    double limit;                          /* of the loss */
    double limit_low, limit_high;          /* limits that predict nearly as well */
    enum rung_hemingway_rule rule;
};

/* degrees, sorted, outlive out. RUNG_EUSE, in a sentence: no losses, or no algorithm whose curve can be
 * fitted. Free with rung_advising_free, also after a failure. */
int rung_advising_make(struct rung_advising *out, const struct rung_degrees *degrees,
                       const struct rung_advising_request *request, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_advising_free(struct rung_advising *advising);

#endif
