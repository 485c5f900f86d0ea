/* Results of the virtual clock into the search, and what its decisions mean for the queue and for the counts.
 */
#include "forecast/virtual_parts.h"

#include "base/mem.h"
#include "core/roster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *array, size_t old, size_t count, size_t size)
{
    array = rung_mem_resize(array, count, size);
    memset((char *)array + old * size, 0, (count - old) * size);
    return array;
}

/* Room for all models that exist. */
static void know_models(struct rung_virtual *sim)
{
    size_t count = rung_search_model_count(sim->search), old = sim->model_capacity, wanted = old * 2;
    if (count > old) {
        if (wanted < count)
            wanted = count;
        sim->waiting = grown(sim->waiting, old, wanted, sizeof *sim->waiting);
        if (sim->holding)
            sim->holders = grown(sim->holders, old, wanted, sizeof *sim->holders);
        if (sim->promising)
            sim->promises = grown(sim->promises, old, wanted, sizeof *sim->promises);
        sim->model_capacity = wanted;
    }
    for (; sim->models < count; sim->models++)
        if (sim->holding)
            sim->holders[sim->models].trainer = -1;
}

/* ---- what decisions mean ---- */

static void set_waiting(struct rung_virtual *sim, uint32_t model, bool waiting)
{
    if (sim->waiting[model] == waiting)
        return;
    sim->waiting[model] = waiting;
    if (waiting)
        sim->waiting_count++;
    else
        sim->waiting_count--;
}

static void count_states(struct rung_virtual *sim, int64_t change)
{
    sim->states += change;
    if (sim->states > sim->result->states_peak)
        sim->result->states_peak = sim->states;
}

static void model_dead(struct rung_virtual *sim, uint32_t model)
{
    if (rung_search_model(sim->search, model).calls > 0)
        count_states(sim, -1);
    if (sim->holding)
        rung_virtual_drop(sim, model);
}

/* Of the models that ended a last rung only the best one's state is kept. */
static void model_finished(struct rung_virtual *sim, uint32_t model)
{
    uint32_t best = rung_search_best(sim->search);
    if (best != sim->best && sim->best != RUNG_NO_MODEL)
        model_dead(sim, sim->best);
    sim->best = best;
    if (model != best)
        model_dead(sim, model);
}

static struct rung_virtual_bracket *bracket_of(const struct rung_virtual *sim, uint32_t number)
{
    size_t i = 0;
    while (sim->result->brackets[i].bracket != number)
        i++;
    return &sim->result->brackets[i];
}

static void apply(struct rung_virtual *sim)
{
    for (size_t i = 0; i < sim->decisions.count; i++) {
        const struct rung_decision *decision = &sim->decisions.items[i];
        switch (decision->kind) {
        case RUNG_DECISION_MODEL:
            bracket_of(sim, decision->bracket)->models++;
            break;
        case RUNG_DECISION_STOP:
            model_dead(sim, decision->model);
            set_waiting(sim, decision->model, false);
            break;
        case RUNG_DECISION_TRAIN:
        case RUNG_DECISION_PLATEAU:
            set_waiting(sim, decision->model, false);
            break;
        case RUNG_DECISION_FINISH:
            model_finished(sim, decision->model);
            set_waiting(sim, decision->model, false);
            break;
        case RUNG_DECISION_BRACKET:
            bracket_of(sim, decision->bracket)->ended = sim->now;
            break;
        default: /* RUNG, DONE: nothing to count */
            break;
        }
    }
    rung_jobq_apply(sim->queue, &sim->decisions, sim->options->trainers);
}

static int step(struct rung_virtual *sim, const struct rung_event *event, struct rung_err *err)
{
    rung_decisions_clear(&sim->decisions);
    int code = rung_search_step(sim->search, event, &sim->decisions, err);
    know_models(sim);
    return code;
}

/* ---- the beginning ---- */

/* Moves the decisions about a bracket's models behind those that are in ordered already. */
static void take_bracket(const struct rung_virtual *sim, size_t index, struct rung_decisions *ordered)
{
    for (size_t i = 0; i < sim->decisions.count; i++)
        if (rung_search_model(sim->search, sim->decisions.items[i].model).bracket_index == index)
            rung_decisions_add(ordered, &sim->decisions.items[i]);
}

/* Brackets that are named come first, in that order. */
static int order_brackets(struct rung_virtual *sim, struct rung_err *err)
{
    size_t count = sim->result->bracket_count, named = sim->options->bracket_order_count;
    struct rung_decisions ordered = {0};
    bool *done = rung_mem_zalloc(count, sizeof *done);
    int code = 0;
    for (size_t k = 0; k < named && code == 0; k++) {
        uint32_t number = sim->options->bracket_order[k];
        size_t index = 0;
        while (index < count && sim->result->brackets[index].bracket != number)
            index++;
        if (index == count)
            code = rung_err_set(err, RUNG_EUSE, "bracket %u: there is no such bracket", number);
        else if (done[index])
            code = rung_err_set(err, RUNG_EUSE, "bracket %u: it is named twice", number);
        else
            take_bracket(sim, index, &ordered);
        if (code == 0)
            done[index] = true;
    }
    for (size_t index = 0; index < count; index++)
        if (!done[index])
            take_bracket(sim, index, &ordered);
    rung_decisions_free(&sim->decisions);
    sim->decisions = ordered;
    free(done);
    return code;
}

/* An open job, as a resumed search finds it. */
static void open_job(struct rung_virtual *sim, uint32_t model, const struct rung_model_view *view)
{
    struct rung_decision train = {.kind = RUNG_DECISION_TRAIN,
                                  .model = model,
                                  .bracket = view->bracket,
                                  .rung = view->target_rung,
                                  .from = view->calls,
                                  .to = view->target};
    rung_decisions_add(&sim->decisions, &train);
}

/* What a search midway has: its open jobs become ready, the rest is counted. */
static void take_over(struct rung_virtual *sim)
{
    uint32_t best = rung_search_best(sim->search);
    rung_decisions_clear(&sim->decisions);
    know_models(sim);
    for (uint32_t model = 0; model < sim->models; model++) {
        struct rung_model_view view = rung_search_model(sim->search, model);
        double score = rung_search_oriented(sim->search, view.score);
        bool alive = view.status == RUNG_MODEL_TRAINING || view.status == RUNG_MODEL_PAUSED ||
                     (view.status == RUNG_MODEL_PLATEAUED && !view.ended_last_rung) || model == best;
        sim->result->brackets[view.bracket_index].models++;
        if (isfinite(score) && !(score <= sim->best_score))
            sim->best_score = score;
        if (alive && view.calls > 0)
            count_states(sim, 1);
        if (sim->barriers && view.status == RUNG_MODEL_PAUSED)
            set_waiting(sim, model, true);
        if (view.status == RUNG_MODEL_TRAINING)
            open_job(sim, model, &view);
    }
    sim->best = best;
}

static void add_point(struct rung_virtual *sim)
{
    struct rung_virtual_result *result = sim->result;
    double sign = rung_search_spec(sim->search)->maximize ? 1 : -1;
    result->points =
        rung_mem_grow(result->points, result->point_count, &result->point_capacity, sizeof *result->points);
    result->points[result->point_count++] = (struct rung_virtual_point){sim->now, sign * sim->best_score};
}

int rung_virtual_begin(struct rung_virtual *sim, struct rung_err *err)
{
    struct rung_event start = {.kind = RUNG_EVENT_START, .model = RUNG_NO_MODEL, .score = NAN};
    bool midway = rung_search_model_count(sim->search) > 0 || rung_search_asks(sim->search) ||
                  rung_search_done(sim->search);
    int code = 0;
    if (midway)
        take_over(sim);
    else
        code = step(sim, &start, err);
    if (code == 0 && sim->options->bracket_order_count > 0)
        code = order_brackets(sim, err);
    if (code != 0)
        return code;
    apply(sim);
    rung_decisions_free(&sim->decisions); /* there were as many as models; later steps have few */
    if (isfinite(sim->best_score))
        add_point(sim);
    for (size_t i = 0; i < sim->result->bracket_count; i++)
        if (rung_search_bracket(sim->search, i).ended)
            sim->result->brackets[i].ended = 0;
    return 0;
}

/* ---- results ---- */

bool rung_virtual_asks(const struct rung_virtual *sim)
{
    return sim->result->unknown == 0 && rung_search_asks(sim->search);
}

/* As the engine asks: while there are more idle trainers than jobs. */
int rung_virtual_ask(struct rung_virtual *sim, struct rung_err *err)
{
    struct rung_event event = {.kind = RUNG_EVENT_ASK, .model = RUNG_NO_MODEL, .score = NAN};
    while (rung_virtual_asks(sim)) {
        size_t before = rung_jobq_count(sim->queue);
        if (before >= sim->idle)
            return 0;
        int code = step(sim, &event, err);
        if (code != 0)
            return code;
        apply(sim);
        if (rung_jobq_count(sim->queue) == before)
            return 0;
    }
    return 0;
}

static void count_result(struct rung_virtual *sim, const struct rung_virtual_work *work,
                         const struct rung_virtual_job *job)
{
    double score = rung_search_oriented(sim->search, work->outcome.score);
    struct rung_virtual_bracket *bracket = &sim->result->brackets[work->bracket];
    sim->result->calls += job->to - job->from;
    sim->result->scores++;
    bracket->calls += job->to - job->from;
    bracket->scores++;
    if (job->from == 0)
        count_states(sim, 1);
    if (isfinite(score) && !(score <= sim->best_score)) {
        sim->best_score = score;
        add_point(sim);
    }
}

/* As with live ones: who failed with a model does not hold it any more. */
static void count_failure(struct rung_virtual *sim, uint32_t trainer, uint32_t model)
{
    if (sim->holding && sim->holders[model].trainer == (int32_t)trainer)
        sim->holders[model].trainer = -1;
    model_dead(sim, model);
}

static int end_job(struct rung_virtual *sim, uint32_t trainer, struct rung_err *err)
{
    const struct rung_virtual_work *work = &sim->trainers[trainer].work;
    struct rung_virtual_job job = rung_virtual_job_of(sim, work->model, trainer, work->busy);
    bool fails = work->outcome.fails;
    struct rung_event event = {.kind = fails ? RUNG_EVENT_FAILURE : RUNG_EVENT_RESULT,
                               .model = work->model,
                               .calls = fails ? job.from : job.to,
                               .score = fails ? NAN : work->outcome.score};
    if (sim->promising)
        sim->promises[work->model].asked = false;
    int code = step(sim, &event, err);
    if (code != 0)
        return code;
    sim->result->jobs++;
    if (fails)
        count_failure(sim, trainer, work->model);
    else
        count_result(sim, work, &job);
    set_waiting(sim, work->model, sim->barriers && !fails);
    apply(sim);
    if (sim->options->result != NULL)
        sim->options->result(sim->options->result_context, sim->now, &job, &work->outcome);
    return 0;
}

int rung_virtual_report(struct rung_virtual *sim, uint32_t trainer, struct rung_err *err)
{
    const struct rung_virtual_work *work = &sim->trainers[trainer].work;
    if (work->lost) {
        rung_jobq_return(sim->queue, work->model);
        return 0;
    }
    if (!work->outcome.fails)
        rung_virtual_hold(sim, trainer, work->model);
    if (work->last)
        return end_job(sim, trainer, err);
    sim->promises[work->model].done++;
    rung_jobq_requeue(sim->queue, work->model);
    return 0;
}
