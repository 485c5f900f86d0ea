/* Forecasts of planned searches. */
#include "cli/costing.h"

#include "base/mem.h"
#include "cli/human.h"
#include "cli/processors.h"

#include <math.h>
#include <stdlib.h>

#define CAST_MAX        5000   /* models whose parameters are drawn; those beyond are like them */
#define DRAWS           40     /* futures of a small search */
#define JOBS            500000 /* simulated jobs for one number of trainers */
#define TRY_DRAWS       8      /* while a max_iter is sought */
#define TRY_JOBS        50000
#define DEADLINE_PASSES 5
#define WORTHWHILE      0.97 /* of the time with half as many trainers: no more of them are tried above it */

void rung_costing_init(struct rung_costing *costing)
{
    *costing = (struct rung_costing){.state_bytes = NAN};
    rung_experience_init(&costing->experience);
    rung_buf_init(&costing->basis, RUNG_BUF_UNLIMITED);
}

void rung_costing_free(struct rung_costing *costing)
{
    for (size_t i = 0; i < costing->count; i++)
        rung_outlook_free(&costing->outlooks[i]);
    rung_experience_free(&costing->experience);
    rung_buf_free(&costing->basis);
    free(costing->cast);
}

void rung_costing_prepare(struct rung_costing *costing, const struct rung_spec *spec)
{
    struct rung_experience *experience = &costing->experience;
    struct rung_err err;

    struct rung_plan plan;
    bool counted =
        rung_plan_make(&plan, &spec->search, NULL) == 0 && plan.models > 0 && plan.models < CAST_MAX;
    costing->cast = rung_experience_cast(experience, spec, counted ? (size_t)plan.models : CAST_MAX,
                                         &costing->cast_count);
    rung_plan_free(&plan);
    if (experience->jobs > 0 && rung_knowledge_fit(&experience->knowledge, &err) < 0)
        rung_buf_printf(&costing->basis, "no forecast: %s", err.text);
    else
        costing->known = experience->jobs > 0;
}

static struct rung_outlook_options options_for(const struct rung_costing *costing,
                                               const struct rung_spec *spec, size_t trainers)
{
    return (struct rung_outlook_options){.knowledge = &costing->experience.knowledge,
                                         .spec = &spec->search,
                                         .cast = costing->cast,
                                         .cast_count = costing->cast_count,
                                         .priority = spec->search.priority,
                                         .trainers = trainers,
                                         .processors = rung_processors(),
                                         .draws_max = DRAWS,
                                         .jobs_max = JOBS};
}

static int forecast_one(struct rung_costing *costing, const struct rung_spec *spec, size_t trainers,
                        struct rung_err *err)
{
    struct rung_outlook_options options = options_for(costing, spec, trainers);
    int code = rung_outlook_make(&costing->outlooks[costing->count], &options, err);

    if (code < 0)
        rung_outlook_free(&costing->outlooks[costing->count]);
    else
        costing->trainers[costing->count++] = trainers;
    return code;
}

static int forecast_powers(struct rung_costing *costing, const struct rung_spec *spec, struct rung_err *err)
{
    size_t least = rung_processors();

    for (size_t trainers = 1; costing->count < RUNG_COSTING_MAX && trainers <= RUNG_TRAINERS_MAX;
         trainers *= 2) {
        if (forecast_one(costing, spec, trainers, err) < 0)
            return err->code;
        const struct rung_outlook *last = &costing->outlooks[costing->count - 1];
        if (trainers >= least && costing->count > 1 &&
            last->seconds.value > WORTHWHILE * (last - 1)->seconds.value)
            break;
    }
    return 0;
}

int rung_costing_forecast(struct rung_costing *costing, const struct rung_spec *spec, struct rung_err *err)
{
    size_t wanted = costing->count;
    int code = 0;

    costing->count = 0;
    if (wanted == 0)
        code = forecast_powers(costing, spec, err);
    for (size_t i = 0; i < wanted && code == 0; i++)
        code = forecast_one(costing, spec, costing->trainers[i], err);
    if (code == 0 && costing->count > 0 && costing->outlooks[0].draws == 0)
        rung_buf_text(&costing->basis,
                      "; too many jobs to simulate: the sum of all rungs, where none is slower "
                      "than the others, fails or runs out of patience");
    if (code == 0 && costing->count > 0)
        costing->state_bytes = costing->outlooks[costing->count - 1].states_peak *
                               rung_knowledge_mean(&costing->experience.knowledge.state_bytes, NAN);
    return code;
}

/* ---- the largest max_iter that fits ---- */

/* Is a search of that max_iter short enough? 1, 0, or negative: it cannot be made so. */
typedef int fits_fn(void *context, const struct rung_spec *spec, const struct rung_plan *plan);

/* The spec with another max_iter: by the rule of thumb where it is written with it, at as many examples a
 * call. */
static struct rung_spec *changed(const struct rung_specfile *file, int64_t max_iter, struct rung_buf *change)
{
    const struct rung_search_spec *search = &file->spec->search;
    struct rung_json *json = rung_json_copy(file->json), *keys = rung_json_get(json, "search");
    struct rung_spec *spec = NULL;

    if (!keys) {
        rung_json_set(json, "search", rung_json_new_object());
        keys = rung_json_get(json, "search");
    }
    if (rung_json_get(keys, "n_params")) {
        bool possible = search->examples_per_call <= RUNG_JSON_INTEGER_MAX / max_iter;
        int64_t examples = possible ? search->examples_per_call * max_iter : 0; /* 0: refused */
        rung_json_set(keys, "n_params", rung_json_new_number((double)max_iter));
        rung_json_set(keys, "n_examples", rung_json_new_number((double)examples));
        rung_buf_printf(change, "--set search.n_params=%lld --set search.n_examples=%lld",
                        (long long)max_iter, (long long)examples);
    } else {
        rung_json_set(keys, "max_iter", rung_json_new_number((double)max_iter));
        rung_buf_printf(change, "--set search.max_iter=%lld", (long long)max_iter);
    }
    if (rung_spec_read(&spec, json, file->spec->name, NULL) < 0)
        spec = NULL;
    rung_json_free(json);
    return spec;
}

/* As fits_fn; fills out where it does fit. */
static int try(struct rung_proposal *out, const struct rung_specfile *file, int64_t max_iter, fits_fn *fits,
               void *context)
{
    struct rung_plan plan = {0};
    struct rung_buf change;

    rung_buf_init(&change, RUNG_BUF_UNLIMITED);
    struct rung_spec *spec = changed(file, max_iter, &change);
    int answer = spec && rung_plan_make(&plan, &spec->search, NULL) == 0 ? fits(context, spec, &plan) : -1;
    if (answer == 1) {
        rung_buf_free(&out->change);
        out->change = change;
        out->found = true;
        out->max_iter = max_iter;
        out->models = plan.models;
        out->calls = plan.calls;
    } else {
        rung_buf_free(&change);
    }
    rung_plan_free(&plan);
    rung_spec_free(spec);
    return answer;
}

/* Longer searches take longer, so doubling and halving find the edge. Below some max_iter there is no such
 * search (a rung of 0 calls): that is no edge. */
static void seek(struct rung_proposal *out, const struct rung_specfile *file, fits_fn *fits, void *context)
{
    int64_t low = 0, high = 1;

    for (; high < RUNG_PROPOSAL_MAX; high *= 2) {
        int answer = try(out, file, high, fits, context);
        if (answer == 0)
            break;
        if (answer == 1)
            low = high;
    }
    if (high > RUNG_PROPOSAL_MAX)
        high = RUNG_PROPOSAL_MAX + 1;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (try(out, file, middle, fits, context) == 1)
            low = middle;
        else
            high = middle;
    }
}

static int check_end(const struct rung_spec *spec, const char *what, struct rung_err *err)
{
    struct rung_plan plan;
    int code = rung_plan_make(&plan, &spec->search, err);

    if (code == 0 && plan.models == 0) {
        code = rung_err_set(err, RUNG_EUSE,
                            "%s: a search whose models are drawn until a limit stops it is as "
                            "long as that limit",
                            what);
        rung_err_way_out(err, "--set search.models=…");
    }
    rung_plan_free(&plan);
    return code;
}

static int fits_calls(void *context, const struct rung_spec *spec, const struct rung_plan *plan)
{
    (void)spec;
    return plan->calls <= *(int64_t *)context;
}

int rung_costing_within_calls(struct rung_proposal *out, const struct rung_specfile *file, int64_t calls,
                              struct rung_err *err)
{
    *out = (struct rung_proposal){0};
    rung_buf_init(&out->change, RUNG_BUF_UNLIMITED);
    int code = check_end(file->spec, "--budget", err);
    if (code == 0)
        seek(out, file, fits_calls, &calls);
    return code;
}

struct deadline {
    const struct rung_costing *costing;
    struct rung_proposal *out;
    size_t trainers;
    double seconds; /* that may be taken */
    bool whole;     /* with all the draws of a forecast, not those of a try */
    double high;    /* of the last forecast */
};

static int fits_deadline(void *context, const struct rung_spec *spec, const struct rung_plan *plan)
{
    struct deadline *deadline = context;
    struct rung_outlook_options options = options_for(deadline->costing, spec, deadline->trainers);
    struct rung_outlook outlook;

    (void)plan;
    if (!deadline->whole) {
        options.draws_max = TRY_DRAWS;
        options.jobs_max = TRY_JOBS;
    }
    int code = rung_outlook_make(&outlook, &options, NULL);
    bool fits = code == 0 && outlook.seconds.high <= deadline->seconds;
    deadline->high = code == 0 ? outlook.seconds.high : INFINITY;
    if (fits)
        deadline->out->seconds = outlook.seconds;
    rung_outlook_free(&outlook);
    return code < 0 ? -1 : fits;
}

/* A try has few draws: what seems to fit is forecast as it would be shown, and if that is too long less is
 * aimed at. */
static void seek_deadline(struct rung_proposal *out, const struct rung_specfile *file,
                          struct deadline *deadline)
{
    double seconds = deadline->seconds;

    for (int pass = 0; pass < DEADLINE_PASSES; pass++) {
        out->found = deadline->whole = false;
        seek(out, file, fits_deadline, deadline);
        double aim = deadline->seconds;
        deadline->whole = true;
        deadline->seconds = seconds;
        if (!out->found || try(out, file, out->max_iter, fits_deadline, deadline) == 1)
            return;
        deadline->seconds = 0.99 * aim * seconds / deadline->high;
    }
    out->found = false;
}

int rung_costing_within_seconds(struct rung_proposal *out, struct rung_costing *costing,
                                const struct rung_specfile *file, size_t trainers, double seconds,
                                struct rung_err *err)
{
    *out = (struct rung_proposal){.trainers = trainers};
    rung_buf_init(&out->change, RUNG_BUF_UNLIMITED);
    int code = check_end(file->spec, "--deadline", err);
    if (code < 0)
        return code;
    if (!costing->known) {
        rung_err_set(err, RUNG_EUSE, "--deadline: %s", rung_buf_cstr(&costing->basis));
        return rung_err_way_out(err, "--probe, or --db with a database that holds a search of this trainer");
    }
    struct deadline deadline = {.costing = costing, .out = out, .trainers = trainers, .seconds = seconds};
    seek_deadline(out, file, &deadline);
    return 0;
}

void rung_proposal_free(struct rung_proposal *proposal)
{
    rung_buf_free(&proposal->change);
}
