/* Trainers on the virtual clock: who gets which job, as the engine decides it for live ones, and what becomes
 * of their seconds. */
#include "forecast/virtual_parts.h"

#include "base/mem.h"
#include "core/roster.h"

#include <math.h>

/* ---- idle ones ---- */

/* The last that became idle is the first to get a job. */
static void link_idle(struct rung_virtual *sim, int32_t trainer)
{
    struct rung_virtual_trainer *t = &sim->trainers[trainer];
    t->state = RUNG_VIRTUAL_IDLE;
    t->previous = -1;
    t->next = sim->first_idle;
    if (t->next >= 0)
        sim->trainers[t->next].previous = trainer;
    sim->first_idle = trainer;
    sim->idle++;
}

static void unlink_idle(struct rung_virtual *sim, int32_t trainer)
{
    struct rung_virtual_trainer *t = &sim->trainers[trainer];
    if (t->previous >= 0)
        sim->trainers[t->previous].next = t->next;
    else
        sim->first_idle = t->next;
    if (t->next >= 0)
        sim->trainers[t->next].previous = t->previous;
    sim->idle--;
}

/* ---- who holds what ---- */

/* -1: nobody. */
static int32_t holder_of(const struct rung_virtual *sim, uint32_t model)
{
    struct rung_virtual_holder holder = {.trainer = -1};
    if (sim->holding)
        holder = sim->holders[model];
    return holder.trainer >= 0 && sim->trainers[holder.trainer].life == holder.life ? holder.trainer : -1;
}

void rung_virtual_hold(struct rung_virtual *sim, uint32_t trainer, uint32_t model)
{
    if (!sim->holding)
        return;
    sim->holders[model] = (struct rung_virtual_holder){(int32_t)trainer, sim->trainers[trainer].life};
    sim->trainers[trainer].held = model;
}

void rung_virtual_drop(struct rung_virtual *sim, uint32_t model)
{
    int32_t holder = holder_of(sim, model);
    if (holder < 0)
        return;
    sim->trainers[holder].held = RUNG_NO_MODEL;
    sim->holders[model].trainer = -1;
}

static int32_t trainer_for(const struct rung_virtual *sim, uint32_t model)
{
    int32_t holder = holder_of(sim, model);
    return holder >= 0 && sim->trainers[holder].state == RUNG_VIRTUAL_IDLE ? holder : sim->first_idle;
}

/* The trainer goes on with the model it holds when that model's job ties with the one it would get. */
static uint32_t preferred_by(const struct rung_virtual *sim, int32_t trainer, uint32_t model)
{
    uint32_t held = sim->trainers[trainer].held;
    bool free_choice = sim->holding && held != RUNG_NO_MODEL && held != model &&
                       holder_of(sim, model) != trainer && rung_jobq_ties_next(sim->queue, held);
    return free_choice ? held : model;
}

/* ---- a job ---- */

struct rung_virtual_job rung_virtual_job_of(const struct rung_virtual *sim, uint32_t model, size_t trainer,
                                            size_t busy)
{
    struct rung_model_view view = rung_search_model(sim->search, model);
    return (struct rung_virtual_job){.model = model,
                                     .bracket = view.bracket,
                                     .from = view.calls,
                                     .to = view.target,
                                     .rung = view.target_rung,
                                     .trainer = trainer,
                                     .busy = busy};
}

static int check_outcome(const struct rung_virtual_job *job, const struct rung_virtual_outcome *outcome,
                         struct rung_err *err)
{
    static const char *const doing[] = {"train", "score", "hand over"};
    const double seconds[] = {outcome->fit_seconds, outcome->score_seconds, outcome->overhead_seconds};
    for (size_t i = 0; i < 3 && !outcome->unknown; i++)
        if (!isfinite(seconds[i]) || seconds[i] < 0)
            return rung_err_set(err, RUNG_EUSE, "model %u from call %lld to %lld: %g s are no time to %s",
                                job->model, (long long)job->from, (long long)job->to, seconds[i], doing[i]);
    return 0;
}

/* What comes of the job, as said before where it was asked for before. */
static int foresee(struct rung_virtual *sim, const struct rung_virtual_job *job,
                   struct rung_virtual_outcome *outcome, struct rung_err *err)
{
    struct rung_virtual_promise *promise = sim->promising ? &sim->promises[job->model] : NULL;
    if (promise != NULL && promise->asked) {
        *outcome = promise->outcome;
        return 0;
    }
    *outcome = (struct rung_virtual_outcome){.score = NAN};
    sim->options->oracle.job(sim->options->oracle.context, job, outcome);
    if (promise != NULL)
        *promise = (struct rung_virtual_promise){.outcome = *outcome, .asked = true};
    return check_outcome(job, outcome, err);
}

/* The seconds of the job, or with unit call of its next call or its score. */
static void plan_work(const struct rung_virtual *sim, const struct rung_virtual_job *job, bool transfers,
                      struct rung_virtual_work *work)
{
    const struct rung_virtual_options *options = sim->options;
    double factor = job->trainer < options->slow_trainers ? options->slow_factor : 1;
    double calls = (double)(job->to - job->from);
    work->last = true;
    work->fit = work->outcome.fit_seconds * factor;
    work->score = work->outcome.score_seconds * factor;
    if (options->unit == RUNG_UNIT_CALL) {
        work->last = sim->promises[job->model].done == job->to - job->from;
        work->fit = work->last ? 0 : work->fit / calls;
        work->score = work->last ? work->score : 0;
    }
    work->overhead = options->overhead_seconds + work->outcome.overhead_seconds;
    work->transfer = transfers ? options->transfer_seconds : 0;
}

static double take(double *left, double seconds)
{
    double part = fmin(*left, seconds);
    *left -= part;
    return part;
}

/* Leaves out the first `seconds` of the work. */
static struct rung_virtual_work skip(struct rung_virtual_work work, double seconds)
{
    seconds -= take(&work.overhead, seconds);
    seconds -= take(&work.transfer, seconds);
    seconds -= take(&work.fit, seconds);
    take(&work.score, seconds);
    return work;
}

static bool has_state(const struct rung_virtual *sim, const struct rung_virtual_job *job)
{
    return job->from > 0 || (sim->options->unit == RUNG_UNIT_CALL && sim->promises[job->model].done > 0);
}

/* Gives the model's job to an idle trainer, on which it has run for `since` seconds. */
static int hand_out(struct rung_virtual *sim, int32_t trainer, uint32_t model, double since,
                    struct rung_err *err)
{
    struct rung_virtual_trainer *t = &sim->trainers[trainer];
    struct rung_virtual_job job = rung_virtual_job_of(sim, model, (size_t)trainer, sim->working + 1);
    struct rung_virtual_work *work = &t->work;
    rung_jobq_remove(sim->queue, model);
    int code = foresee(sim, &job, &work->outcome, err);
    if (code != 0)
        return code;
    if (work->outcome.unknown) {
        sim->result->unknown++;
        return 0;
    }
    bool transfers = sim->holding && has_state(sim, &job) && holder_of(sim, model) != trainer;
    plan_work(sim, &job, transfers, work);
    if (since > 0)
        *work = skip(*work, since);
    work->model = model;
    work->bracket = rung_search_roster(sim->search)->models[model].bracket;
    work->busy = job.busy;
    work->started = sim->now;
    double seconds = work->overhead + work->transfer + work->fit + work->score;
    work->lost = sim->options->loss_rate > 0 && rung_rng_uniform(&sim->losses) < sim->options->loss_rate;
    if (work->lost)
        seconds *= rung_rng_uniform(&sim->losses);
    unlink_idle(sim, trainer);
    t->state = RUNG_VIRTUAL_WORKING;
    sim->working++;
    rung_heap_put(&sim->agenda, (uint32_t)trainer, -(sim->now + seconds), rung_jobq_order(sim->queue, model));
    return 0;
}

int rung_virtual_dispatch(struct rung_virtual *sim, struct rung_err *err)
{
    uint32_t model;
    int code = 0;
    while (code == 0 && sim->idle > 0 && (model = rung_jobq_peek(sim->queue)) != RUNG_NO_MODEL) {
        int32_t trainer = trainer_for(sim, model);
        code = hand_out(sim, trainer, preferred_by(sim, trainer, model), 0, err);
    }
    return code;
}

/* ---- the beginning ---- */

static int resume_jobs(struct rung_virtual *sim, struct rung_err *err)
{
    const struct rung_virtual_options *options = sim->options;
    for (size_t i = 0; i < options->running_count; i++) {
        const struct rung_virtual_running *running = &options->running[i];
        if (!rung_jobq_has(sim->queue, running->model))
            return rung_err_set(err, RUNG_EUSE, "model %u: it cannot be running, it has no open job",
                                running->model);
        if (!(running->seconds >= 0))
            return rung_err_set(err, RUNG_EUSE, "model %u: it cannot have run for %g s", running->model,
                                running->seconds);
        int code = hand_out(sim, sim->first_idle, running->model, running->seconds, err);
        if (code != 0)
            return code;
    }
    return 0;
}

int rung_virtual_open_trainers(struct rung_virtual *sim, struct rung_err *err)
{
    size_t count = sim->options->trainers;
    sim->trainers = rung_mem_zalloc(count, sizeof *sim->trainers);
    sim->first_idle = -1;
    for (size_t i = 0; i < count; i++) {
        sim->trainers[i].held = RUNG_NO_MODEL;
        link_idle(sim, (int32_t)i);
    }
    int code = resume_jobs(sim, err);
    if (code != 0 || sim->options->start_seconds == 0)
        return code;
    sim->starting = sim->idle;
    while (sim->idle > 0) {
        sim->trainers[sim->first_idle].state = RUNG_VIRTUAL_STARTING;
        unlink_idle(sim, sim->first_idle);
    }
    rung_heap_put(&sim->agenda, (uint32_t)count, -sim->options->start_seconds, 0);
    return 0;
}

/* ---- time ---- */

void rung_virtual_pass(struct rung_virtual *sim, double until)
{
    struct rung_virtual_result *result = sim->result;
    double seconds = until - sim->now;
    size_t waiting = sim->waiting_count < sim->idle ? sim->waiting_count : sim->idle;
    result->idle_barrier += (double)waiting * seconds;
    result->idle_no_work += (double)(sim->idle - waiting) * seconds;
    result->idle_start += (double)sim->starting * seconds;
    result->lost_seconds += (double)sim->replacing * seconds;
    sim->now = until;
}

static void account(struct rung_virtual *sim, const struct rung_virtual_work *work)
{
    struct rung_virtual_result *result = sim->result;
    result->overhead_seconds += work->overhead;
    result->transfer_seconds += work->transfer;
    result->fit_seconds += work->fit;
    result->score_seconds += work->score;
    result->brackets[work->bracket].busy_seconds += work->fit + work->score;
}

static void start_all(struct rung_virtual *sim)
{
    for (size_t i = 0; i < sim->options->trainers; i++)
        if (sim->trainers[i].state == RUNG_VIRTUAL_STARTING)
            link_idle(sim, (int32_t)i);
    sim->starting = 0;
}

static void lose(struct rung_virtual *sim, uint32_t trainer)
{
    struct rung_virtual_trainer *t = &sim->trainers[trainer];
    sim->result->lost++;
    sim->result->lost_seconds += sim->now - t->work.started;
    t->held = RUNG_NO_MODEL;
    t->life++;
    if (sim->options->restart_seconds == 0) {
        link_idle(sim, (int32_t)trainer);
        return;
    }
    t->state = RUNG_VIRTUAL_LOST;
    sim->replacing++;
    rung_heap_put(&sim->agenda, trainer, -(sim->now + sim->options->restart_seconds), 0);
}

bool rung_virtual_due(struct rung_virtual *sim, uint32_t trainer)
{
    if (trainer == sim->options->trainers) {
        start_all(sim);
        return false;
    }
    struct rung_virtual_trainer *t = &sim->trainers[trainer];
    if (t->state == RUNG_VIRTUAL_LOST) {
        sim->replacing--;
        link_idle(sim, (int32_t)trainer);
        return false;
    }
    sim->working--;
    if (t->work.lost) {
        lose(sim, trainer);
    } else {
        account(sim, &t->work);
        link_idle(sim, (int32_t)trainer);
    }
    return true;
}

void rung_virtual_cut_off(struct rung_virtual *sim)
{
    for (size_t i = 0; i < sim->options->trainers; i++) {
        struct rung_virtual_work *work = &sim->trainers[i].work;
        double seconds = sim->now - work->started;
        if (sim->trainers[i].state != RUNG_VIRTUAL_WORKING)
            continue;
        struct rung_virtual_work left = skip(*work, seconds), done = *work;
        done.overhead -= left.overhead;
        done.transfer -= left.transfer;
        done.fit -= left.fit;
        done.score -= left.score;
        if (work->lost)
            sim->result->lost_seconds += seconds;
        else
            account(sim, &done);
    }
}
