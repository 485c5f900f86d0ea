/* What was measured, and what follows from it for a job to come. */
#include "cost/timefit_parts.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cost/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_KEPT   65536              /* of more, an even sample */
#define SECONDS_MAX 1e9                /* a job of thirty years is a clock that is wrong */
#define HALF_WIDTH  1.2815515655446004 /* standard deviations to either side that hold 80 % of a normal */

struct rung_timefit *rung_timefit_create(void)
{
    return rung_mem_zalloc(1, sizeof(struct rung_timefit));
}

void rung_timefit_free(struct rung_timefit *fit)
{
    if (!fit)
        return;
    for (size_t k = 0; k < fit->model_count; k++)
        rung_json_free(fit->models[k].parameters);
    for (size_t h = 0; h < fit->host_count; h++)
        free(fit->hosts[h]);
    rung_features_free(fit->features);
    free(fit->models);
    free(fit->rows);
    free(fit->encoded);
    free(fit->train.theta);
    free(fit->score.theta);
    rung_lasso_free(&fit->product);
    free(fit);
}

/* ---- observations ---- */

static int host_number(struct rung_timefit *fit, const char *host)
{
    if (!host || !*host)
        return -1;
    for (size_t h = 0; h < fit->host_count; h++)
        if (strcmp(fit->hosts[h], host) == 0)
            return (int)h;
    if (fit->host_count == RUNG_TIME_HOSTS_MAX)
        return -1;
    fit->hosts[fit->host_count] = rung_mem_strdup(host);
    return (int)fit->host_count++;
}

size_t rung_timefit_model(struct rung_timefit *fit, const struct rung_json *parameters, const char *host)
{
    fit->models = rung_mem_grow(fit->models, fit->model_count, &fit->model_capacity, sizeof *fit->models);
    struct rung_time_model *model = &fit->models[fit->model_count++];
    *model = (struct rung_time_model){.parameters = rung_json_copy(parameters),
                                      .host = host_number(fit, host),
                                      .ratio = 1,
                                      .log_sd = fit->spread.model};
    if (fit->train.theta) {
        double *x = rung_mem_zalloc(fit->width + 1, sizeof *x);
        rung_features_encode(fit->features, model->parameters, x);
        rung_timefit_predict_model(fit, model, x);
        free(x);
    }
    return fit->model_count - 1;
}

bool rung_timefit_is_time(double seconds)
{
    return seconds > 0 && seconds < SECONDS_MAX;
}

static void thin(struct rung_timefit *fit)
{
    size_t kept = 0;

    for (size_t i = 0; i < fit->row_count; i++)
        if (rung_luck_keeps(&fit->sample, i))
            fit->rows[kept++] = fit->rows[i];
    fit->row_count = kept;
    rung_luck_halved(&fit->sample);
}

void rung_timefit_add(struct rung_timefit *fit, const struct rung_time_row *row)
{
    if (!rung_timefit_is_time(row->fit_seconds) || !(row->calls > 0) || !isfinite(row->calls) ||
        row->model >= fit->model_count)
        return;
    fit->added++;
    if (!rung_luck_takes(&fit->sample))
        return;
    if (fit->row_count == ROWS_KEPT)
        thin(fit);
    fit->rows = rung_mem_grow(fit->rows, fit->row_count, &fit->row_capacity, sizeof *fit->rows);
    struct rung_time_row *kept = &fit->rows[fit->row_count++];
    *kept = *row;
    kept->sharing = kept->sharing > 1 && isfinite(kept->sharing) ? kept->sharing : 1;
    kept->examples = kept->examples > 0 && isfinite(kept->examples) ? kept->examples : NAN;
}

size_t rung_timefit_observations(const struct rung_timefit *fit)
{
    return fit->added;
}

/* ---- predictions ---- */

static struct rung_time_guess guess(const struct rung_timefit *fit, double seconds, double own_sd)
{
    const struct rung_time_spread *spread = &fit->spread;
    double sd = sqrt(spread->common * spread->common + own_sd * own_sd + spread->job * spread->job);
    double width = exp(HALF_WIDTH * sd);

    seconds = fmin(fmax(seconds, 1e-9), 1e300);
    return (struct rung_time_guess){seconds, seconds / width, fmin(seconds * width, 1e305), fit->added};
}

struct rung_time_guess rung_timefit_train(const struct rung_timefit *fit, size_t model, double calls,
                                          double examples, double sharing)
{
    const struct rung_time_model *of = &fit->models[model];

    sharing = sharing > 1 ? sharing : 1;
    return guess(fit, fit->level * of->ratio * rung_timefit_seconds(fit, of, calls, examples, sharing),
                 of->log_sd);
}

struct rung_time_guess rung_timefit_score(const struct rung_timefit *fit, size_t model, double sharing)
{
    double together = fit->score.theta[fit->score.columns - 1];

    return guess(fit, fit->models[model].score_base + together * (fmax(sharing, 1) - 1), fit->spread.model);
}

struct rung_time_spread rung_timefit_spread(const struct rung_timefit *fit)
{
    return fit->spread;
}

double rung_timefit_model_spread(const struct rung_timefit *fit, size_t model)
{
    return fit->models[model].log_sd;
}

/* ---- in words ---- */

static void name_column(const struct rung_timefit *fit, size_t column, struct rung_buf *out)
{
    static const char *const first[] = {"per job", "per call", "work"};

    if (column < 3)
        rung_buf_text(out, first[column]);
    else if (column < 3 + fit->width)
        rung_buf_printf(out, "work * %s", rung_features_name(fit->features, column - 3));
    else if (column < 3 + fit->width + fit->host_count)
        rung_buf_printf(out, "work on %s", fit->hosts[column - 3 - fit->width]);
    else
        rung_buf_text(out, "work * (sharing - 1)");
}

void rung_timefit_describe(const struct rung_timefit *fit, struct rung_buf *out)
{
    bool *told = rung_mem_zalloc(fit->train.columns, sizeof *told);

    rung_buf_printf(out, "seconds of training, work in units of %.6g %s:", fit->unit,
                    fit->by_examples ? "examples" : "calls");
    for (;;) {
        size_t largest = fit->train.columns;
        for (size_t j = 0; j < fit->train.columns; j++)
            if (!told[j] && fit->train.theta[j] > 0 &&
                (largest == fit->train.columns || fit->train.theta[j] > fit->train.theta[largest]))
                largest = j;
        if (largest == fit->train.columns)
            break;
        told[largest] = true;
        rung_buf_printf(out, " + %.4g ", fit->train.theta[largest]);
        name_column(fit, largest, out);
    }
    free(told);
}
