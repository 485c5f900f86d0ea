#include "dispatch/worker_private.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITS_MOST 0.1 /* seconds that a job waits for the one before it: another trainer may be free */

static uint64_t stream_of(int slot, const struct rung_work_job *job)
{
    return rung_stream_of_job(slot, job->job);
}

static void integer_member(struct rung_buf *text, const char *name, int64_t value)
{
    rung_buf_text(text, name);
    rung_json_write_integer(text, value);
}

/* ---- a trainer's jobs ---- */

static void drop_job(struct rung_work *work, size_t place)
{
    struct rung_work_job gone = work->jobs[place];

    work->count--;
    memmove(work->jobs + place, work->jobs + place + 1, (work->count - place) * sizeof *work->jobs);
    work->jobs[work->count] = (struct rung_work_job){.parameters = gone.parameters}; /* its memory stays */
    work->begun &= place > 0;
}

static struct rung_work_job *find_job(struct rung_work *work, int64_t number)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->jobs[i].job == number)
            return &work->jobs[i];
    return NULL;
}

/* What its trainer made of the first one is not wanted. */
static void abandon_first(struct rung_worker *worker, int slot)
{
    struct rung_work *work = &worker->work[slot];

    if (work->begun && work->jobs[0].save) {
        char *path = rung_cache_attempt_path(worker->cache, stream_of(slot, &work->jobs[0]));
        unlink(path);
        free(path);
    }
    drop_job(work, 0);
}

void rung_worker_drop_jobs(struct rung_worker *worker, int slot)
{
    while (worker->work[slot].count > 0)
        abandon_first(worker, slot);
}

void rung_worker_free_jobs(struct rung_work *work)
{
    for (size_t i = 0; i < RUNG_EXECUTOR_JOBS; i++)
        rung_buf_free(&work->jobs[i].parameters);
}

/* ---- running them ---- */

static void run_first(struct rung_worker *worker, int slot)
{
    struct rung_executor *executor = rung_local_executor(worker->local);
    struct rung_work *work = &worker->work[slot];
    const struct rung_work_job *first = &work->jobs[0];
    char *in = first->has_state
                   ? rung_cache_path(worker->cache, work->search, (uint32_t)first->model, first->from)
                   : NULL;
    char *out = first->save ? rung_cache_attempt_path(worker->cache, stream_of(slot, first)) : NULL;
    struct rung_proto_job job = {.job = first->job,
                                 .model = (uint32_t)first->model,
                                 .seed = first->seed,
                                 .parameters = rung_buf_cstr(&first->parameters),
                                 .from = first->from,
                                 .to = first->to,
                                 .state_in = in,
                                 .state_out = out};

    work->begun = true;
    (first->evaluate ? executor->evaluate : executor->job)(executor->self, slot, &job);
    free(in);
    free(out);
}

/* The scheduler sends it, unless it is here. */
static void see_to_state(struct rung_worker *worker, int slot, struct rung_work_job *job)
{
    job->waits = job->has_state &&
                 !rung_cache_has(worker->cache, worker->work[slot].search, (uint32_t)job->model, job->from);
    if (!job->waits)
        return;
    rung_worker_begin_report(worker, "need", slot);
    integer_member(&worker->text, ",\"job\":", job->job);
    rung_worker_end_report(worker);
}

/* What was here when a job came may have gone while it waited for the one before. */
static void go_on(struct rung_worker *worker, int slot)
{
    struct rung_work *work = &worker->work[slot];

    if (work->count == 0 || work->begun || work->jobs[0].waits)
        return;
    see_to_state(worker, slot, &work->jobs[0]);
    if (!work->jobs[0].waits)
        run_first(worker, slot);
}

void rung_worker_take_job(struct rung_worker *worker, int slot, const struct rung_json *message,
                          bool evaluate)
{
    struct rung_work *work = &worker->work[slot];
    const struct rung_json *line = rung_json_get(message, "job");
    const struct rung_json *parameters = rung_json_get(line, "parameters");

    if (!rung_json_is(parameters, RUNG_JSON_OBJECT) || work->count == RUNG_EXECUTOR_JOBS)
        return;
    struct rung_work_job *job = &work->jobs[work->count++];
    *job = (struct rung_work_job){.evaluate = evaluate,
                                  .save = rung_said_flag(message, "save"),
                                  .has_state = rung_said_flag(message, "state"),
                                  .job = rung_said_integer(line, "job", 0),
                                  .model = rung_said_integer(line, "model", 0),
                                  .from = rung_said_integer(line, "from", 0),
                                  .to = rung_said_integer(line, "to", 0),
                                  .seed = (uint32_t)rung_said_integer(line, "seed", 0),
                                  .parameters = job->parameters,
                                  .since = rung_clock_monotonic()};
    job->parameters.limit = RUNG_BUF_UNLIMITED;
    rung_buf_clear(&job->parameters);
    rung_json_write(&job->parameters, parameters);
    see_to_state(worker, slot, job);
    go_on(worker, slot);
}

/* Nobody has begun it. */
static void return_job(struct rung_worker *worker, int slot, size_t place)
{
    struct rung_work *work = &worker->work[slot];

    rung_worker_begin_report(worker, "returned", slot);
    integer_member(&worker->text, ",\"job\":", work->jobs[place].job);
    rung_worker_end_report(worker);
    drop_job(work, place);
}

void rung_worker_give_back(struct rung_worker *worker, double now)
{
    for (size_t slot = 0; slot < worker->options->trainers; slot++) {
        struct rung_work *work = &worker->work[slot];
        while (work->count > 1 && now - work->jobs[work->count - 1].since > WAITS_MOST)
            return_job(worker, (int)slot, work->count - 1);
    }
}

/* ---- their states ---- */

void rung_worker_forget(struct rung_worker *worker, int slot, uint32_t model)
{
    struct rung_executor *executor = rung_local_executor(worker->local);

    executor->forget(executor->self, slot, model);
    rung_cache_forget(worker->cache, worker->work[slot].search, model, slot);
}

char *rung_worker_state_place(const struct rung_worker *worker, uint64_t stream)
{
    int index = rung_stream_index(stream);
    if (index < 0 || (size_t)index >= worker->options->trainers)
        return NULL;
    const struct rung_work_job *job = find_job(&worker->work[index], (int64_t)rung_stream_number(stream));
    return job && job->waits ? rung_cache_arrival_path(worker->cache, stream) : NULL;
}

void rung_worker_take_state(struct rung_worker *worker, int slot, const struct rung_json *message,
                            const char *file)
{
    struct rung_work *work = &worker->work[slot];
    struct rung_work_job *job = find_job(work, rung_said_integer(message, "job", -1));

    if (!job || !job->waits)
        return;
    if (file && rung_cache_take(worker->cache, file, work->search, (uint32_t)job->model, job->from, slot)) {
        job->waits = false;
        go_on(worker, slot);
        return;
    }
    if (job != work->jobs) {
        return_job(worker, slot, (size_t)(job - work->jobs));
        return;
    }
    rung_worker_begin_report(worker, "said", slot);
    integer_member(&worker->text, ",\"line\":{\"type\":\"failure\",\"job\":", job->job);
    rung_buf_text(&worker->text, ",\"reason\":\"its state did not get to its worker\"}");
    rung_worker_end_report(worker);
    drop_job(work, 0);
    go_on(worker, slot);
}

/* ---- answers ---- */

/* The state goes with the result, and stays here for the model's next job. */
static void send_result(struct rung_worker *worker, int slot, const struct rung_work_job *job)
{
    struct rung_work *work = &worker->work[slot];
    char *path = job->save ? rung_cache_attempt_path(worker->cache, stream_of(slot, job)) : NULL;

    if (!job->evaluate) {
        integer_member(&worker->text, ",\"model\":", job->model);
        integer_member(&worker->text, ",\"from\":", job->from);
        integer_member(&worker->text, ",\"to\":", job->to);
    }
    rung_buf_char(&worker->text, '}');
    if (path)
        rung_cache_keep(worker->cache, path, work->search, (uint32_t)job->model, job->to, slot);
    rung_peer_send_file(worker->peer, rung_buf_cstr(&worker->text), path, stream_of(slot, job), true);
    free(path);
}

void rung_worker_heard(void *context, int slot, const struct rung_proto_message *message, double now)
{
    struct rung_worker *worker = context;
    struct rung_work *work = &worker->work[slot];
    bool result = message->type == RUNG_PROTO_RESULT;
    bool its_own =
        (result || message->type == RUNG_PROTO_FAILURE) && work->begun && message->job == work->jobs[0].job;

    (void)now;
    rung_worker_begin_report(worker, "said", slot);
    if (message->type == RUNG_PROTO_FAILURE)
        rung_worker_add_log(worker, slot);
    rung_buf_text(&worker->text, ",\"line\":");
    rung_buf_append(&worker->text, message->line, message->length);
    if (result && its_own)
        send_result(worker, slot, &work->jobs[0]);
    else
        rung_worker_end_report(worker);
    if (its_own && result)
        drop_job(work, 0);
    else if (its_own)
        abandon_first(worker, slot);
    if (its_own)
        go_on(worker, slot);
}
