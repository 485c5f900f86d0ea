/* The step: checks that an event fits the state, records it, and lets the algorithm decide. */
#include "core/search.h"

#include "base/mem.h"
#include "core/method.h"
#include "core/roster.h"

#include <math.h>
#include <stdlib.h>

struct rung_search {
    struct rung_roster roster;
    const struct rung_method_ops *ops;
    void *state; /* the algorithm's */
    bool started;
};

int rung_search_create(struct rung_search **out, const struct rung_search_spec *spec, struct rung_err *err)
{
    struct rung_search *search = rung_mem_zalloc(1, sizeof *search);
    *out = NULL;
    int code = rung_roster_init(&search->roster, spec, err);
    if (code != 0) {
        rung_search_free(search);
        return code;
    }
    search->ops = rung_method_of(spec->algorithm)->ops;
    if (search->ops->create != NULL)
        search->state = search->ops->create(&search->roster);
    *out = search;
    return 0;
}

void rung_search_free(struct rung_search *search)
{
    if (search == NULL)
        return;
    if (search->state != NULL)
        search->ops->free(search->state);
    rung_roster_free(&search->roster);
    free(search);
}

struct rung_search *rung_search_clone(const struct rung_search *search)
{
    struct rung_search *clone = rung_mem_copy(search, 1, sizeof *search);
    clone->roster = rung_roster_copy(&search->roster);
    if (search->state != NULL)
        clone->state = search->ops->clone(search->state);
    return clone;
}

static const char *status_text(uint8_t status)
{
    static const char *const TEXTS[] = {
        [RUNG_MODEL_TRAINING] = "training", [RUNG_MODEL_PAUSED] = "paused",
        [RUNG_MODEL_STOPPED] = "stopped",   [RUNG_MODEL_PLATEAUED] = "plateaued",
        [RUNG_MODEL_FAILED] = "failed",     [RUNG_MODEL_COMPLETED] = "completed"};
    return TEXTS[status];
}

/* The event must fit its model: a result the open TRAIN, a failure and a retry what is recorded. */
static int check_model(const struct rung_search *search, const struct rung_event *event, const char *name,
                       enum rung_model_status status, struct rung_err *err)
{
    const struct rung_roster *roster = &search->roster;
    if (event->model >= roster->model_count)
        return rung_err_set(err, RUNG_EUSE, "%s of model %u: there is no such model", name, event->model);
    const struct rung_model *model = &roster->models[event->model];
    if (model->status != status)
        return rung_err_set(err, RUNG_EUSE, "%s of model %u: it is %s, not %s", name, event->model,
                            status_text(model->status), status_text(status));
    int64_t expected = event->kind == RUNG_EVENT_RESULT ? model->target : model->calls;
    if (event->calls != expected)
        return rung_err_set(err, RUNG_EUSE, "%s of model %u at call %lld: call %lld is expected", name,
                            event->model, (long long)event->calls, (long long)expected);
    return 0;
}

static int start(struct rung_search *search, struct rung_err *err)
{
    if (search->started)
        return rung_err_set(err, RUNG_EUSE, "start: the search has started");
    search->started = true;
    search->ops->start(&search->roster, search->state);
    return 0;
}

static int result(struct rung_search *search, const struct rung_event *event, struct rung_err *err)
{
    int code = check_model(search, event, "result", RUNG_MODEL_TRAINING, err);
    if (code != 0)
        return code;
    rung_roster_record(&search->roster, event->model, event->score);
    search->ops->report(&search->roster, search->state, event->model);
    return 0;
}

static int failure(struct rung_search *search, const struct rung_event *event, struct rung_err *err)
{
    int code = check_model(search, event, "failure", RUNG_MODEL_TRAINING, err);
    if (code != 0)
        return code;
    rung_roster_fail(&search->roster, event->model);
    search->ops->failure(&search->roster, search->state, event->model);
    return 0;
}

static int retry(struct rung_search *search, const struct rung_event *event, struct rung_err *err)
{
    int code = check_model(search, event, "retry", RUNG_MODEL_FAILED, err);
    if (code != 0)
        return code;
    if (search->roster.done || !search->ops->retry(&search->roster, search->state, event->model))
        return rung_err_set(err, RUNG_EUSE, "retry of model %u: its rung is decided", event->model);
    return 0;
}

static int ask(struct rung_search *search, struct rung_err *err)
{
    if (search->ops->ask == NULL)
        return rung_err_set(err, RUNG_EUSE, "ask: this algorithm says itself when to train");
    if (!search->roster.done)
        search->ops->ask(&search->roster, search->state);
    return 0;
}

int rung_search_step(struct rung_search *search, const struct rung_event *event,
                     struct rung_decisions *decisions, struct rung_err *err)
{
    search->roster.out = decisions;
    if (event->kind == RUNG_EVENT_START)
        return start(search, err);
    if (!search->started)
        return rung_err_set(err, RUNG_EUSE, "the first event is not start");
    switch (event->kind) {
    case RUNG_EVENT_RESULT:
        return result(search, event, err);
    case RUNG_EVENT_FAILURE:
        return failure(search, event, err);
    case RUNG_EVENT_RETRY:
        return retry(search, event, err);
    case RUNG_EVENT_ASK:
        return ask(search, err);
    default:
        return rung_err_set(err, RUNG_EUSE, "event %d is unknown", (int)event->kind);
    }
}

const struct rung_search_spec *rung_search_spec(const struct rung_search *search)
{
    return &search->roster.spec;
}

const struct rung_plan *rung_search_plan(const struct rung_search *search)
{
    return &search->roster.plan;
}

const struct rung_roster *rung_search_roster(const struct rung_search *search)
{
    return &search->roster;
}

uint32_t rung_search_model_count(const struct rung_search *search)
{
    return (uint32_t)search->roster.model_count;
}

struct rung_model_view rung_search_model(const struct rung_search *search, uint32_t model)
{
    const struct rung_model *m = &search->roster.models[model];
    bool open = m->status == RUNG_MODEL_TRAINING;
    return (struct rung_model_view){.bracket = search->roster.plan.brackets[m->bracket].bracket,
                                    .bracket_index = m->bracket,
                                    .status = m->status,
                                    .ended_last_rung = m->ended,
                                    .calls = m->calls,
                                    .target = open ? m->target : m->calls,
                                    .target_rung = open ? m->target_rung : RUNG_NO_RUNG,
                                    .score = m->score};
}

size_t rung_search_bracket_count(const struct rung_search *search)
{
    return search->roster.bracket_count;
}

struct rung_bracket_view rung_search_bracket(const struct rung_search *search, size_t index)
{
    const struct rung_bracket *bracket = &search->roster.brackets[index];
    return (struct rung_bracket_view){.bracket = bracket->plan->bracket,
                                      .plan = bracket->plan,
                                      .ended = bracket->ended,
                                      .rung = bracket->rung,
                                      .rung_models = (int64_t)bracket->alive_count,
                                      .rung_reported = (int64_t)bracket->reported,
                                      .winner = bracket->ended ? bracket->winner : RUNG_NO_MODEL};
}

bool rung_search_done(const struct rung_search *search)
{
    return search->roster.done;
}

bool rung_search_asks(const struct rung_search *search)
{
    if (search->ops->asks == NULL || !search->started || search->roster.done)
        return false;
    return search->ops->asks(&search->roster, search->state);
}

bool rung_search_climbs(const struct rung_search *search)
{
    return rung_search_asks(search) && search->ops->climbs(search->state);
}

uint32_t rung_search_best(const struct rung_search *search)
{
    return search->roster.best;
}

uint32_t rung_search_leader(const struct rung_search *search)
{
    return rung_roster_leader(&search->roster);
}

double rung_search_oriented(const struct rung_search *search, double score)
{
    return rung_roster_oriented(&search->roster, score);
}
