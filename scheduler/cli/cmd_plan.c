/* rung plan SPEC */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/costing.h"
#include "cli/human.h"
#include "cli/plan_report.h"
#include "cli/probe.h"
#include "cli/processors.h"
#include "cli/specfile.h"
#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_MAX  1e12
#define TRAINERS_MAX 100000
#define EARLIER_JOBS 200000 /* of earlier searches that are learnt from */

struct request {
    enum rung_format format;
    int64_t budget;  /* calls; 0: none */
    double deadline; /* seconds; 0: none */
    bool probe;
};

static int read_request(struct request *request, struct rung_costing *costing,
                        const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *deadline = rung_options_value(arguments, "deadline");
    int64_t trainers[RUNG_COSTING_MAX];

    *request = (struct request){.probe = rung_options_has(arguments, "probe")};
    if (rung_rows_format(arguments, RUNG_FORMAT_TABLE, &request->format, err) < 0 ||
        rung_options_integer(arguments, "budget", 1, INT64_MAX, &request->budget, err) < 0 ||
        rung_options_list(arguments, "trainers", 1, TRAINERS_MAX, trainers, RUNG_COSTING_MAX, &costing->count,
                          err) < 0)
        return err->code;
    for (size_t i = 0; i < costing->count; i++)
        costing->trainers[i] = (size_t)trainers[i];
    if (deadline && (!rung_spec_duration_text(deadline, &request->deadline) || request->deadline <= 0 ||
                     request->deadline > SECONDS_MAX))
        return rung_err_set(err, RUNG_EUSE, "--deadline: \"%s\" is no duration such as 90, 10m or 2h",
                            deadline);
    if (deadline && request->budget > 0)
        return rung_err_set(err, RUNG_EUSE, "--budget and --deadline: give one of them");
    return 0;
}

/* ---- what is known ---- */

static void say_basis(struct rung_costing *costing, const char *database)
{
    const struct rung_experience *experience = &costing->experience;
    struct rung_buf *basis = &costing->basis;

    if (experience->jobs == 0) {
        rung_buf_printf(basis,
                        "no forecast of time: no %s of this trainer with these settings in %s "
                        "(--probe measures a few calls)",
                        experience->searches > 0 ? "job with a time above 0" : "earlier search", database);
        return;
    }
    rung_buf_text(basis, "forecast from ");
    rung_human_count(basis, (int64_t)experience->jobs, "job");
    rung_buf_printf(basis, " of %zu earlier search%s in %s", experience->searches,
                    experience->searches == 1 ? "" : "es", database);
}

/* One that was named must be readable. */
static int learn_from_database(struct rung_costing *costing, const char *path, bool given,
                               const struct rung_spec *spec, struct rung_err *err)
{
    struct rung_store *store = NULL;
    int code = 0;

    if (given || access(path, F_OK) == 0)
        code = rung_store_open(&store, path, RUNG_STORE_READ, err);
    if (code == 0 && store)
        code = rung_experience_load(&costing->experience, store, spec, NULL, EARLIER_JOBS, err);
    if (code < 0 && !given) { /* it only happens to have that name */
        rung_buf_printf(&costing->basis, "no forecast of time: %s", err->text);
        code = 0;
    } else if (code == 0) {
        say_basis(costing, path);
    }
    rung_store_close(store);
    return code;
}

static int learn(struct rung_costing *costing, const struct rung_arguments *arguments,
                 const struct rung_specfile *file, const struct request *request, struct rung_err *err)
{
    const char *given = rung_options_value(arguments, "db");
    char *database =
        given ? rung_mem_strdup(given) : rung_mem_printf("%s.db", file->spec->name); /* of `run` */
    rung_scorefit_set_goal(costing->experience.knowledge.score, file->spec->search.maximize);
    int code = request->probe ? rung_probe(&costing->experience, file, database, &costing->basis, err)
                              : learn_from_database(costing, database, given != NULL, file->spec, err);

    free(database);
    if (code == 0)
        rung_costing_prepare(costing, file->spec);
    return code;
}

/* ---- the command ---- */

static int propose(struct rung_proposal *proposal, struct rung_costing *costing,
                   const struct rung_specfile *file, const struct request *request, size_t trainers,
                   struct rung_err *err)
{
    return request->budget > 0
               ? rung_costing_within_calls(proposal, file, request->budget, err)
               : rung_costing_within_seconds(proposal, costing, file, trainers, request->deadline, err);
}

/* For a deadline: what --trainers says, else what `run` would start. */
static size_t trainers_of_run(const struct rung_costing *costing, const struct rung_spec *spec)
{
    if (costing->count > 0)
        return costing->trainers[0];
    return spec->trainer.count > 0 ? (size_t)spec->trainer.count : rung_processors();
}

static bool asks_for_costs(const struct rung_arguments *arguments)
{
    static const char *const options[] = {"db", "probe", "trainers", "budget", "deadline"};

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (rung_options_has(arguments, options[i]))
            return true;
    return false;
}

static int make_report(const struct rung_arguments *arguments, const struct rung_specfile *file,
                       struct rung_costing *costing, const struct request *request, struct rung_err *err)
{
    struct rung_plan plan = {0};
    struct rung_proposal proposal = {0};
    bool proposing = request->budget > 0 || request->deadline > 0;
    int code = rung_plan_make(&plan, &file->spec->search, err);

    if (code < 0) {
        rung_err_prefix(err, "%s", file->path);
        goto out;
    }
    if ((code = learn(costing, arguments, file, request, err)) < 0)
        goto out;
    size_t trainers = trainers_of_run(costing, file->spec);
    if (plan.models == 0) {
        costing->count = 0; /* without an end there is nothing to forecast */
        rung_buf_clear(&costing->basis);
        rung_buf_text(&costing->basis,
                      "no forecast of time: models are drawn until a limit stops the search");
    }
    if (plan.models > 0 && costing->known && (code = rung_costing_forecast(costing, file->spec, err)) < 0)
        goto out;
    if (!costing->known)
        costing->count = 0;
    if (proposing && (code = propose(&proposal, costing, file, request, trainers, err)) < 0)
        goto out;
    struct rung_plan_report report = {.spec = file->spec,
                                      .plan = &plan,
                                      .costing = costing,
                                      .costs = costing->known || asks_for_costs(arguments),
                                      .proposal = proposing ? &proposal : NULL,
                                      .budget = request->budget,
                                      .deadline = request->deadline};
    rung_plan_report(&report, request->format);
out:
    rung_proposal_free(&proposal);
    rung_plan_free(&plan);
    return code;
}

int rung_cmd_plan(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_specfile file = {0};
    struct rung_costing costing;
    struct request request;

    rung_costing_init(&costing);
    int code = read_request(&request, &costing, arguments, err);
    if (code == 0)
        code = rung_specfile_read(&file, arguments->words[0], arguments, request.probe, err);
    if (code == 0) {
        rung_specfile_notes(file.spec);
        code = make_report(arguments, &file, &costing, &request, err);
    }
    rung_specfile_free(&file);
    rung_costing_free(&costing);
    return code;
}
