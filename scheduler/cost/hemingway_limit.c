/* Losses to logarithms of distances: the limit P*, and which rows are left. */
#include "base/mem.h"
#include "cost/hemingway_parts.h"

#include <math.h>
#include <stdlib.h>

#define SAMPLE     20000
#define TARGET     1e-4 /* as the authors cut their runs */
#define ITERATIONS 500
#define FLOOR      1e-12 /* times max(1, |P*|): a distance below is rounding */
#define MET        1e-8  /* a bound so close to the least loss is the limit */
#define SCAN       13    /* distances tried before the golden section, from the least to the largest */
#define SECTIONS   24    /* steps of the golden section: within 1e-4 of the interval */
#define BORDER     6     /* halvings between two distances of the scan */
#define BEYOND     10    /* times the range of the losses: a limit farther off is not looked for */
/* A limit predicts nearly as well where the logarithm of its error is worse by at most this over the number
 * of rows: 1.64 for 80 % if the errors were those of a likelihood; those of cross-validation waver more, and
 * with twice as much intervals held 8 to 9 times of 10 on exponential laws with noise. */
#define SLACK  3.28
#define SEARCH 4000 /* rows at most while the limit is looked for */

static size_t sample(struct rung_hemingway_row *rows, size_t count, size_t most)
{
    if (count <= most)
        return count;
    for (size_t k = 0; k < most; k++)
        rows[k] = rows[(size_t)((double)k * (double)(count - 1) / (double)(most - 1))];
    return most;
}

size_t rung_hemingway_sample(struct rung_hemingway_row *rows, size_t count)
{
    return sample(rows, count, SAMPLE);
}

/* ---- rows ---- */

static int compare(const void *a, const void *b)
{
    const struct rung_hemingway_row *x = a, *y = b;

    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    return (x->iteration > y->iteration) - (x->iteration < y->iteration);
}

/* The finite rows within the first iterations, run by run. */
static size_t take(struct rung_hemingway_row *out, const struct rung_hemingway_row *rows, size_t count,
                   double iterations)
{
    size_t n = 0;

    for (size_t k = 0; k < count; k++)
        if (isfinite(rows[k].value) && rows[k].iteration <= iterations)
            out[n++] = rows[k];
    qsort(out, n, sizeof *out, compare);
    return n;
}

/* Cuts each run behind the first loss that is within target of the limit. */
static size_t cut(struct rung_hemingway_row *rows, size_t count, double limit, double target)
{
    size_t n = 0;
    bool reached = false;

    for (size_t k = 0; k < count; k++) {
        reached = reached && k > 0 && rows[k].run == rows[k - 1].run;
        if (reached)
            continue;
        reached = rows[k].value - limit <= target;
        rows[n++] = rows[k]; /* n <= k: the row before k is still itself */
    }
    return n;
}

/* Logarithms of distances; rows that are not above the limit are left out. */
static size_t to_log(struct rung_hemingway_row *out, const struct rung_hemingway_row *rows, size_t count,
                     double limit)
{
    double least = FLOOR * fmax(1, fabs(limit));
    size_t n = 0;

    for (size_t k = 0; k < count; k++) {
        double distance = rows[k].value - limit;
        if (!(distance > least) || !isfinite(distance))
            continue;
        out[n] = rows[k];
        out[n++].value = log(distance);
    }
    return n;
}

/* ---- the limit ---- */

/* Which of two limits predicts better shows without the last digits of the weights. */
static const struct rung_lasso_options coarse = {
    .standardise = true, .path = 40, .path_ratio = 1e-5, .tol = 1e-5, .sweeps = 300};

struct search {
    const struct rung_hemingway_row *rows;
    struct rung_hemingway_row *logs; /* room for them */
    size_t count;
    double least; /* loss */
    /* of logarithms of distances, rising: how badly they predict, and which does best */
    double at[SCAN], value[SCAN];
    double best, best_value;
};

/* How badly a limit so far below the least loss predicts. Logarithms of a farther limit differ less, so their
 * errors are brought back to the losses' unit by the mean of their derivative, as Box and Cox (1964) do. */
static double badness(const struct search *search, double distance)
{
    struct rung_hemingway fit;
    double mean = 0, value = INFINITY;
    size_t n = to_log(search->logs, search->rows, search->count, search->least - distance);

    for (size_t k = 0; k < n; k++)
        mean += search->logs[k].value / (double)n;
    if (rung_hemingway_fit_prepared(&fit, search->logs, n, &coarse, NULL) == 0)
        value = log(fit.lasso.cv_error + 1e-300) + 2 * mean;
    rung_hemingway_free(&fit);
    return value;
}

/* The distance in [low, high] that predicts best: a scan of its logarithm, then the golden section around the
 * best of it, since the error has more than one valley. */
static void find_best(struct search *search, double low, double high)
{
    const double golden = (sqrt(5) - 1) / 2, step = (log(high) - log(low)) / (SCAN - 1);
    size_t best = 0;

    for (size_t k = 0; k < SCAN; k++) {
        search->at[k] = log(low) + (double)k * step;
        search->value[k] = badness(search, exp(search->at[k]));
        if (search->value[k] < search->value[best])
            best = k;
    }
    double a = search->at[best > 0 ? best - 1 : 0], b = search->at[best < SCAN - 1 ? best + 1 : best];
    double x = b - golden * (b - a), y = a + golden * (b - a);
    double at_x = badness(search, exp(x)), at_y = badness(search, exp(y));
    for (int k = 0; k < SECTIONS; k++) {
        if (at_x <= at_y) {
            b = y, y = x, at_y = at_x;
            x = b - golden * (b - a);
            at_x = badness(search, exp(x));
        } else {
            a = x, x = y, at_x = at_y;
            y = a + golden * (b - a);
            at_y = badness(search, exp(y));
        }
    }
    search->best = at_x <= at_y ? x : y;
    search->best_value = fmin(at_x, at_y);
}

/* Where between two logarithms of distances prediction gets worse than `most`. */
static double border(const struct search *search, double inside, double outside, double most)
{
    for (int k = 0; k < BORDER; k++) {
        double middle = (inside + outside) / 2;
        if (badness(search, exp(middle)) <= most)
            inside = middle;
        else
            outside = middle;
    }
    return exp(outside);
}

/* The least distance that predicts nearly as well as the best. */
static double nearest(const struct search *search, double most)
{
    double inside = search->best, outside = search->at[0];

    for (size_t k = SCAN; k-- > 0;) {
        if (search->at[k] < search->best && search->value[k] <= most)
            inside = search->at[k];
    }
    for (size_t k = 0; k < SCAN; k++)
        if (search->at[k] < inside)
            outside = search->at[k];
    return outside < inside ? border(search, inside, outside, most) : exp(inside);
}

/* The largest one. Where a bound does not end it, it may lie beyond what was searched. */
static double farthest(const struct search *search, double most, bool bounded, double range)
{
    double inside = search->best, outside = search->at[SCAN - 1];

    for (size_t k = 0; k < SCAN; k++)
        if (search->at[k] > search->best && search->value[k] <= most)
            inside = search->at[k];
    for (size_t k = SCAN; k-- > 0;)
        if (search->at[k] > inside)
            outside = search->at[k];
    if (outside > inside)
        return border(search, inside, outside, most);
    while (!bounded && exp(outside) < BEYOND * range) {
        outside += log(2);
        if (!(badness(search, exp(outside)) <= most))
            return border(search, outside - log(2), outside, most);
    }
    return exp(outside);
}

static int fit_limit(struct rung_hemingway *fit, const struct rung_hemingway_row *rows, size_t count,
                     double bound, double most, struct rung_err *err)
{
    struct search search = {.least = fit->least};
    double high = isfinite(bound) ? fit->least - bound : .5 * fabs(fit->least);

    if (!(most > fit->least))
        return rung_err_set(
            err, RUNG_EUSE,
            "convergence model: all %zu losses are the same: nothing tells how far the limit is", count);
    if (!(high > 0)) /* a least loss of 0 has no size of its own */
        high = .5 * (most - fit->least);
    /* Below the resolution of the losses a distance is lost to rounding. */
    double low = fmax(1e-12, 2 * FLOOR * fmax(1, fabs(fit->least)));
    high = fmax(high, 10 * low);
    struct rung_hemingway_row *copy = rung_mem_copy(rows, count, sizeof *copy);
    search.count = sample(copy, count, SEARCH);
    search.rows = copy;
    search.logs = rung_mem_zalloc(search.count, sizeof *search.logs);
    find_best(&search, low, high);
    double slack = search.best_value + SLACK / (double)search.count;
    fit->limit = fit->least - exp(search.best);
    fit->limit_high = fit->least - nearest(&search, slack);
    fit->limit_low = fit->least - farthest(&search, slack, isfinite(bound), most - fit->least);
    free(search.logs);
    free(copy);
    return 0;
}

static int find_limit(struct rung_hemingway *fit, const struct rung_hemingway_row *rows, size_t count,
                      const struct rung_hemingway_options *options, struct rung_err *err)
{
    double most = -INFINITY;

    fit->least = INFINITY;
    for (size_t k = 0; k < count; k++) {
        fit->least = fmin(fit->least, rows[k].value);
        most = fmax(most, rows[k].value);
    }
    double bound = options && options->bound <= fit->least ? options->bound : NAN;
    fit->rule = RUNG_HEMINGWAY_KNOWN;
    fit->limit = options ? options->limit : NAN;
    if (fit->limit > fit->least)
        return rung_err_set(err, RUNG_EUSE, "convergence model: a loss of %.10g is below the limit %.10g",
                            fit->least, fit->limit);
    if (isfinite(fit->limit)) {
        bool around = options->limit_low <= fit->limit && fit->limit <= options->limit_high;
        fit->limit_low = around ? options->limit_low : fit->limit;
        fit->limit_high = around ? options->limit_high : fit->limit;
        return 0;
    }
    fit->rule = RUNG_HEMINGWAY_BOUND;
    fit->limit = fit->limit_low = fit->limit_high = bound;
    if (fit->least - bound < MET && fit->least > bound) /* the least loss itself is never the limit */
        return 0;
    fit->rule = RUNG_HEMINGWAY_FITTED;
    return fit_limit(fit, rows, count, fit->least > bound ? bound : NAN, most, err);
}

/* ---- the fit of losses ---- */

static double given(double option, double fallback)
{
    return option > 0 ? option : fallback;
}

static int too_few(size_t count, size_t seen, struct rung_err *err)
{
    return rung_err_set(err, RUNG_EUSE, "convergence model: %zu usable observation%s of %zu, %d are needed",
                        count, count == 1 ? "" : "s", seen, RUNG_HEMINGWAY_ROWS);
}

/* The same losses with the limits that may be it as well. A few thousand rows tell how wide an interval is.
 */
static void fit_others(struct rung_hemingway *fit, struct rung_hemingway_row *losses, size_t count)
{
    const double limits[RUNG_HEMINGWAY_OTHERS] = {fit->limit_low, fit->limit_high};
    size_t taken = sample(losses, count, SEARCH);
    struct rung_hemingway_row *logs = rung_mem_zalloc(taken, sizeof *logs);

    fit->others = rung_mem_zalloc(RUNG_HEMINGWAY_OTHERS, sizeof *fit->others);
    for (size_t k = 0; k < RUNG_HEMINGWAY_OTHERS; k++) {
        struct rung_hemingway *other = &fit->others[fit->other_count];
        size_t n = limits[k] != fit->limit ? to_log(logs, losses, taken, limits[k]) : 0;
        if (n == 0)
            continue;
        if (rung_hemingway_fit_prepared(other, logs, n, &coarse, NULL) < 0) {
            rung_hemingway_free(other);
            *other = (struct rung_hemingway){0};
            continue;
        }
        rung_hemingway_try_ahead(other, logs, n);
        other->limit = limits[k];
        fit->other_count++;
    }
    free(logs);
}

int rung_hemingway_fit(struct rung_hemingway *fit, const struct rung_hemingway_row *rows, size_t count,
                       const struct rung_hemingway_options *options, struct rung_err *err)
{
    struct rung_hemingway_row *kept = rung_mem_zalloc(count, sizeof *kept), *losses = NULL;
    double target = given(options ? options->target : 0, TARGET);
    size_t n = take(kept, rows, count, given(options ? options->iterations : 0, ITERATIONS)), usable, dropped;
    struct rung_hemingway found = {0};
    int code;

    *fit = found;
    if (n < RUNG_HEMINGWAY_ROWS) {
        code = too_few(n, count, err);
        goto out;
    }
    if ((code = find_limit(&found, kept, n, options, err)) < 0)
        goto out;
    n = cut(kept, n, found.limit, target);
    losses = rung_mem_copy(kept, n, sizeof *losses);
    usable = to_log(kept, kept, n, found.limit);
    dropped = n - usable;
    if (usable < RUNG_HEMINGWAY_ROWS) {
        code = too_few(usable, count, err);
        goto out;
    }
    usable = rung_hemingway_sample(kept, usable);
    if ((code = rung_hemingway_fit_prepared(fit, kept, usable, &rung_hemingway_lasso, err)) < 0)
        goto out;
    rung_hemingway_try_ahead(fit, kept, usable);
    fit->limit = found.limit;
    fit->limit_low = found.limit_low;
    fit->limit_high = found.limit_high;
    fit->least = found.least;
    fit->rule = found.rule;
    fit->dropped = dropped;
    fit_others(fit, losses, n);
out:
    free(losses);
    free(kept);
    return code;
}
