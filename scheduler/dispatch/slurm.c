#include "dispatch/slurm.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/errand.h"

#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE     60.0              /* seconds for a command: Slurm itself waits for a busy controller */
#define END_PATIENCE 3.0               /* for each of those at the end */
#define END_LEAVING  2.0               /* seconds in which workers leave by themselves */
#define END_PAUSE    100000            /* microseconds between looks at who is left */
#define OUTPUT_MOST  (4 * 1024 * 1024) /* bytes: a line for each worker, also those that have ended lately */

enum command { SUBMIT, LOOK, CANCEL, COMMANDS };

struct rung_slurm {
    struct event_base *base;
    const struct rung_slurm_job *job;
    struct rung_slurm_listener listener;
    struct rung_errand *errands[COMMANDS]; /* NULL: none */
    bool used;                             /* there may be something in the queue */
    bool ending, well;                     /* well: the last command of the ending */
    size_t asked;                          /* by the last submission */
    size_t left;                           /* that the last look of the ending saw */
};

/* ---- answers ---- */

static void on_submitted(void *context, const struct rung_errand_result *result)
{
    struct rung_slurm *slurm = context;
    struct rung_slurm_listener *tell = &slurm->listener;
    int64_t job;

    slurm->errands[SUBMIT] = NULL;
    if (slurm->ending)
        return;
    if (!result->well)
        tell->refused(tell->context, result->why);
    else if (!rung_slurm_read_job(result->out, &job))
        tell->refused(tell->context, "sbatch printed no number of a job");
    else
        tell->submitted(tell->context, job, slurm->asked);
}

static size_t read_queue(const char *text, struct rung_slurm_task **tasks)
{
    size_t count = 0, capacity = 0;

    *tasks = NULL;
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        struct rung_slurm_task task;
        bool ended;
        if (!rung_slurm_read_line(line, &task, &ended) || ended)
            continue;
        *tasks = rung_mem_grow(*tasks, count, &capacity, sizeof **tasks);
        (*tasks)[count++] = task;
    }
    return count;
}

static void on_looked(void *context, const struct rung_errand_result *result)
{
    struct rung_slurm *slurm = context;
    struct rung_slurm_listener *tell = &slurm->listener;
    struct rung_slurm_task *tasks;

    slurm->errands[LOOK] = NULL;
    slurm->well = result->well;
    if (!result->well && !slurm->ending)
        tell->failed(tell->context, result->why);
    if (!result->well)
        return;
    size_t count = read_queue(result->out, &tasks);
    if (slurm->ending)
        slurm->left = count;
    else
        tell->seen(tell->context, tasks, count);
    free(tasks);
}

static void on_cancelled(void *context, const struct rung_errand_result *result)
{
    struct rung_slurm *slurm = context;

    slurm->errands[CANCEL] = NULL;
    slurm->well = result->well;
    if (!result->well && !slurm->ending)
        slurm->listener.failed(slurm->listener.context, result->why);
}

/* ---- commands ---- */

/* words: ended here. */
static int start(struct rung_slurm *slurm, enum command command, char **words, const char *input,
                 struct rung_err *err)
{
    static void (*const done[])(void *, const struct rung_errand_result *) = {on_submitted, on_looked,
                                                                              on_cancelled};
    struct rung_errand_options options = {.argv = words,
                                          .input = input,
                                          .patience = slurm->ending ? END_PATIENCE : PATIENCE,
                                          .most = OUTPUT_MOST,
                                          .context = slurm,
                                          .done = done[command]};
    int code = rung_errand_start(&slurm->errands[command], slurm->base, &options, err);

    rung_slurm_free_words(words);
    return code;
}

int rung_slurm_submit(struct rung_slurm *slurm, size_t count, struct rung_err *err)
{
    struct rung_buf script;

    rung_buf_init(&script, RUNG_BUF_UNLIMITED);
    rung_slurm_script(&script, slurm->job);
    slurm->used = true;
    slurm->asked = count;
    int code = start(slurm, SUBMIT, rung_slurm_submit_words(slurm->job, count), rung_buf_cstr(&script), err);
    rung_buf_free(&script);
    return code;
}

int rung_slurm_look(struct rung_slurm *slurm, struct rung_err *err)
{
    return start(slurm, LOOK, rung_slurm_look_words(slurm->job->name), NULL, err);
}

int rung_slurm_cancel(struct rung_slurm *slurm, const struct rung_slurm_task *tasks, size_t count,
                      struct rung_err *err)
{
    return start(slurm, CANCEL, rung_slurm_cancel_words(NULL, tasks, count, false), NULL, err);
}

bool rung_slurm_submits(const struct rung_slurm *slurm)
{
    return slurm->errands[SUBMIT] != NULL;
}

bool rung_slurm_looks(const struct rung_slurm *slurm)
{
    return slurm->errands[LOOK] != NULL;
}

bool rung_slurm_cancels(const struct rung_slurm *slurm)
{
    return slurm->errands[CANCEL] != NULL;
}

/* ---- the end ---- */

static void forget_errand(struct rung_slurm *slurm, enum command command)
{
    rung_errand_free(slurm->errands[command]);
    slurm->errands[command] = NULL;
}

static void wait_for(struct rung_slurm *slurm, enum command command, double until)
{
    struct timeval tick = {.tv_usec = END_PAUSE};

    while (slurm->errands[command] && rung_clock_monotonic() < until) {
        event_base_loopexit(slurm->base, &tick);
        event_base_loop(slurm->base, EVLOOP_ONCE);
    }
    forget_errand(slurm, command);
}

static bool cancel_all(struct rung_slurm *slurm, bool pending_alone)
{
    struct rung_err err;

    slurm->well = false;
    if (start(slurm, CANCEL, rung_slurm_cancel_words(slurm->job->name, NULL, 0, pending_alone), NULL, &err) ==
        0)
        wait_for(slurm, CANCEL, INFINITY); /* it has its own patience */
    return slurm->well;
}

static bool none_left(struct rung_slurm *slurm)
{
    struct rung_err err;

    slurm->well = false;
    if (rung_slurm_look(slurm, &err) == 0)
        wait_for(slurm, LOOK, INFINITY);
    return slurm->well && slurm->left == 0;
}

bool rung_slurm_end(struct rung_slurm *slurm)
{
    struct timeval pause = {.tv_usec = END_PAUSE};

    if (!slurm->used)
        return true;
    slurm->ending = true;
    wait_for(slurm, SUBMIT,
             rung_clock_monotonic() + END_PATIENCE); /* what it has submitted can be cancelled then */
    forget_errand(slurm, LOOK);
    forget_errand(slurm, CANCEL);
    if (!cancel_all(slurm, true))
        return false;
    double until = rung_clock_monotonic() + END_LEAVING;
    while (!none_left(slurm)) {
        if (rung_clock_monotonic() > until || !slurm->well)
            return cancel_all(slurm, false);
        event_base_loopexit(slurm->base, &pause);
        event_base_dispatch(slurm->base);
    }
    return true;
}

/* ---- life ---- */

struct rung_slurm *rung_slurm_create(struct event_base *base, const struct rung_slurm_job *job,
                                     const struct rung_slurm_listener *listener)
{
    struct rung_slurm *slurm = rung_mem_zalloc(1, sizeof *slurm);

    slurm->base = base;
    slurm->job = job;
    slurm->listener = *listener;
    return slurm;
}

void rung_slurm_free(struct rung_slurm *slurm)
{
    if (!slurm)
        return;
    for (int i = 0; i < COMMANDS; i++)
        forget_errand(slurm, (enum command)i);
    free(slurm);
}
