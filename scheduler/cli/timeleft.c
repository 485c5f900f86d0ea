/* Following a search, and forecasting the rest of it. */
#include "cli/timeleft.h"

#include "base/mem.h"
#include "cli/processors.h"
#include "cli/recorded.h"
#include "cli/stored.h"
#include "core/space.h"
#include "cost/curvefit.h"
#include "dispatch/clock.h"
#include "forecast/outlook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODELS_KNOWN 20000 /* of a larger search every second, third, … model is learnt from */
#define EARLIER_JOBS 20000 /* of earlier searches: reading them must not delay the start */
#define LARGEST      50000 /* jobs of an earlier search that is read: it is read as a whole */
#define PATIENCE     100.0 /* times as long as a forecast took passes before the next: 1 % of the processor */
#define FIRST_COST   0.005 /* seconds that the first one is expected to take */
#define LEAST_JOBS   8     /* of this search, before its first forecast */
#define DRAWS        16
#define JOBS         20000 /* simulated for one forecast */
#define MEAN_OF      500   /* models, for the mean call */
#define UNKNOWN      SIZE_MAX

#define LEAST_TRAINERS 0.001 /* who has fewer, of many that take turns, is told of as many */

struct result {
    uint32_t model;
    int64_t calls;
    double score;
};

struct running {
    double since; /* seconds since 1970; NaN: it does not run */
    double busy;  /* trainers at work when it was handed out */
};

struct rung_timeleft {
    struct rung_timeleft_options with;
    struct rung_experience experience;
    size_t *known; /* the knowledge's numbers of models 0, stride, …; UNKNOWN: not drawn yet */
    size_t known_count, known_capacity, stride;
    struct running *running; /* per model */
    size_t running_count, running_capacity, busy;
    struct result *results; /* in order */
    size_t result_count, result_capacity, jobs;
    struct rung_buf text; /* scratch */
    char host[256];
    bool fitted;
    double mean_call; /* seconds, once fitted */
    int64_t calls;    /* done, over all starts */
    double next;      /* seconds since 1970: no forecast before */
    /* The last forecast. */
    double made_at;
    double stretch; /* seconds that pass while a trainer works for one */
    struct rung_amount left;
    struct rung_curve_guess final;
    uint32_t leader;
    int64_t final_calls;
};

/* ---- models ---- */

static size_t draw(struct rung_timeleft *timeleft, uint32_t model)
{
    const struct rung_spec *spec = timeleft->with.spec;

    rung_buf_clear(&timeleft->text);
    rung_space_draw(spec->space, spec->search.seed, model, &timeleft->text);
    struct rung_json *parameters = rung_json_parse(timeleft->text.data, timeleft->text.length, 0, NULL);
    size_t number = rung_knowledge_model(&timeleft->experience.knowledge, parameters, timeleft->host);
    rung_json_free(parameters);
    return number;
}

/* The knowledge's number of a model, UNKNOWN where another stands for it. */
static size_t number_of(struct rung_timeleft *timeleft, uint32_t model)
{
    size_t place = model / timeleft->stride;

    if (model % timeleft->stride != 0 || place >= MODELS_KNOWN)
        return UNKNOWN;
    while (timeleft->known_count <= place) {
        timeleft->known = rung_mem_grow(timeleft->known, timeleft->known_count, &timeleft->known_capacity,
                                        sizeof *timeleft->known);
        timeleft->known[timeleft->known_count++] = UNKNOWN;
    }
    if (timeleft->known[place] == UNKNOWN)
        timeleft->known[place] = draw(timeleft, model);
    return timeleft->known[place];
}

/* All models that the search has or plans: those to come are what is forecast. */
static void know_all(struct rung_timeleft *timeleft)
{
    int64_t planned = rung_search_plan(timeleft->with.search)->models;
    int64_t there = rung_search_model_count(timeleft->with.search);
    int64_t models = planned > there ? planned : there, limit = rung_space_limit(timeleft->with.spec->space);

    for (int64_t k = 0; k < models && k < limit; k += (int64_t)timeleft->stride)
        if (number_of(timeleft, (uint32_t)k) == UNKNOWN)
            break;
}

/* ---- what is heard ---- */

static struct running *running_of(struct rung_timeleft *timeleft, uint32_t model)
{
    while (timeleft->running_count <= model) {
        timeleft->running = rung_mem_grow(timeleft->running, timeleft->running_count,
                                          &timeleft->running_capacity, sizeof *timeleft->running);
        timeleft->running[timeleft->running_count++] = (struct running){.since = NAN};
    }
    return &timeleft->running[model];
}

static void ended(struct rung_timeleft *timeleft, struct running *running)
{
    timeleft->busy -= isnan(running->since) || timeleft->busy == 0 ? 0 : 1;
    running->since = NAN;
}

static void keep(struct rung_timeleft *timeleft, uint32_t model, int64_t calls, double score)
{
    timeleft->results = rung_mem_grow(timeleft->results, timeleft->result_count, &timeleft->result_capacity,
                                      sizeof *timeleft->results);
    timeleft->results[timeleft->result_count++] = (struct result){model, calls, score};
}

static void hear_result(struct rung_timeleft *timeleft, const struct rung_note *note)
{
    struct rung_knowledge *knowledge = &timeleft->experience.knowledge;
    struct running *running = running_of(timeleft, note->model);
    size_t number = number_of(timeleft, note->model);
    double work = note->seconds + fmax(0, note->score_seconds); /* of a NaN and 0: 0 */
    double sharing = (running->busy + (double)timeleft->busy) / 2;

    keep(timeleft, note->model, note->to, note->score);
    timeleft->jobs++;
    timeleft->calls += note->to - note->from;
    if (number != UNKNOWN) {
        struct rung_time_row row = {.model = number,
                                    .calls = (double)(note->to - note->from),
                                    .examples = note->examples,
                                    .sharing = fmax(1, sharing),
                                    .fit_seconds = note->seconds,
                                    .score_seconds = note->score_seconds};
        rung_knowledge_add(knowledge, &row, (double)note->to, note->score);
    }
    rung_overhead_add(&knowledge->overhead, note->at - running->since - work, work, sharing);
    ended(timeleft, running);
}

static void noted(void *context, const struct rung_note *note)
{
    struct rung_timeleft *timeleft = context;

    if (note->model == RUNG_NO_MODEL)
        return;
    if (note->type == RUNG_NOTE_JOB) {
        struct running *running = running_of(timeleft, note->model);
        ended(timeleft, running); /* one of which nothing more was heard */
        timeleft->busy++;
        *running = (struct running){note->at, (double)timeleft->busy};
    } else if (note->type == RUNG_NOTE_RESULT) {
        hear_result(timeleft, note);
    } else if (note->type == RUNG_NOTE_FAILURE) {
        ended(timeleft, running_of(timeleft, note->model));
    }
}

/* ---- the forecast ---- */

/* limits.calls ends it sooner. */
static double share_within_limit(const struct rung_timeleft *timeleft, double calls)
{
    int64_t limit = timeleft->with.spec->limits.calls;
    double allowed = limit > timeleft->calls ? (double)(limit - timeleft->calls) : 0;

    return calls > allowed ? allowed / calls : 1;
}

static void forecast_left(struct rung_timeleft *timeleft, double at)
{
    const struct rung_spec *spec = timeleft->with.spec;
    struct rung_virtual_running *running = rung_mem_zalloc(timeleft->busy + 1, sizeof *running);
    size_t count = 0, trainers = timeleft->with.trainers;
    struct rung_outlook outlook;

    for (size_t k = 0; k < timeleft->running_count && count < timeleft->busy; k++)
        if (!isnan(timeleft->running[k].since))
            running[count++] =
                (struct rung_virtual_running){(uint32_t)k, fmax(0, at - timeleft->running[k].since)};
    struct rung_outlook_options options = {.knowledge = &timeleft->experience.knowledge,
                                           .search = timeleft->with.search,
                                           .running = running,
                                           .running_count = count,
                                           .cast = timeleft->known,
                                           .cast_count = timeleft->known_count,
                                           .cast_stride = timeleft->stride,
                                           .priority = spec->search.priority,
                                           .trainers = trainers > count ? trainers : count,
                                           .processors = rung_processors(),
                                           .jobs_only = true,
                                           .draws_max = DRAWS,
                                           .jobs_max = JOBS};
    if (rung_outlook_make(&outlook, &options, NULL) == 0) {
        double share = share_within_limit(timeleft, outlook.calls);
        timeleft->left = (struct rung_amount){share * outlook.seconds.value, share * outlook.seconds.low,
                                              share * outlook.seconds.high};
    }
    rung_outlook_free(&outlook);
    free(running);
}

static void forecast_leader(struct rung_timeleft *timeleft)
{
    const struct rung_search *search = timeleft->with.search;
    struct rung_curve_point *points = NULL;
    struct rung_curve *curve = NULL;
    size_t count = 0, capacity = 0;

    timeleft->leader = rung_search_leader(search);
    if (timeleft->leader == RUNG_NO_MODEL)
        return;
    for (size_t i = 0; i < timeleft->result_count; i++) {
        if (timeleft->results[i].model != timeleft->leader)
            continue;
        points = rung_mem_grow(points, count, &capacity, sizeof *points);
        points[count++] =
            (struct rung_curve_point){(double)timeleft->results[i].calls, timeleft->results[i].score};
    }
    struct rung_bracket_view bracket =
        rung_search_bracket(search, rung_search_model(search, timeleft->leader).bracket_index);
    timeleft->final_calls = bracket.plan->rungs[bracket.plan->rung_count - 1].calls;
    struct rung_curve_options options = {
        .maximize = timeleft->with.spec->search.maximize, .floor = NAN, .cap = NAN};
    timeleft->final.value = NAN;
    if (rung_curve_fit(&curve, points, count, &options, NULL) == 0)
        timeleft->final = rung_curve_at(curve, (double)timeleft->final_calls);
    rung_curve_free(curve);
    free(points);
}

static bool endless(const struct rung_timeleft *timeleft)
{
    return rung_search_plan(timeleft->with.search)->models == 0;
}

static double mean_call(const struct rung_timeleft *timeleft)
{
    size_t step = timeleft->known_count / MEAN_OF + 1, asked = 0;
    double sum = 0;

    for (size_t i = 0; i < timeleft->known_count; i += step, asked++)
        sum += rung_timefit_train(timeleft->experience.knowledge.time, timeleft->known[i], 1, NAN, 1).seconds;
    return sum / (double)asked;
}

static void forecast(struct rung_timeleft *timeleft, double at)
{
    know_all(timeleft);
    timeleft->fitted =
        timeleft->known_count > 0 && rung_knowledge_fit(&timeleft->experience.knowledge, NULL) == 0;
    if (timeleft->fitted)
        timeleft->mean_call = mean_call(timeleft);
    if (timeleft->fitted && !endless(timeleft))
        forecast_left(timeleft, at);
    forecast_leader(timeleft);
    timeleft->made_at = at;
}

/* After each commit: most of the time it is not yet time. */
static void batch_end(void *context)
{
    struct rung_timeleft *timeleft = context;
    double at = rung_clock_wall();

    if (at < timeleft->next || timeleft->jobs < LEAST_JOBS || rung_search_done(timeleft->with.search))
        return;
    double began = rung_clock_monotonic();
    forecast(timeleft, at);
    timeleft->next = at + PATIENCE * (rung_clock_monotonic() - began);
}

/* ---- what is shown ---- */

/* limits.time and --time-limit end it sooner. */
static double within_limit(const struct rung_timeleft *timeleft, double at, double left)
{
    double limit = timeleft->with.spec->limits.time;
    double ran = fmax(0, at - timeleft->with.now);
    double until = fmin(limit - timeleft->with.elapsed_before, timeleft->with.time_limit);

    left = fmax(0, timeleft->stretch * left - fmax(0, at - timeleft->made_at));
    return fmin(left, fmax(0, until - ran));
}

void rung_timeleft_fill(const void *context, double at, struct rung_session_view *view)
{
    const struct rung_timeleft *timeleft = context;

    if (isfinite(timeleft->left.value) && !rung_search_done(timeleft->with.search)) {
        view->remaining = within_limit(timeleft, at, timeleft->left.value);
        view->remaining_low = within_limit(timeleft, at, timeleft->left.low);
        view->remaining_high = within_limit(timeleft, at, timeleft->left.high);
    }
    if (timeleft->leader == view->leader && isfinite(timeleft->final.value)) {
        view->final_score = timeleft->final.value;
        view->final_low = timeleft->final.low;
        view->final_high = timeleft->final.high;
        view->final_calls = timeleft->final_calls;
    }
}

double rung_timeleft_expect(void *context, uint32_t model, int64_t from, int64_t to)
{
    const struct rung_timeleft *timeleft = context;
    const struct rung_timefit *time = timeleft->experience.knowledge.time;
    size_t place = model / timeleft->stride;

    if (!timeleft->fitted || place >= timeleft->known_count || timeleft->known[place] == UNKNOWN)
        return (double)(to - from);
    double seconds = rung_timefit_train(time, timeleft->known[place], (double)(to - from), NAN, 1).seconds +
                     rung_timefit_score(time, timeleft->known[place], 1).seconds;
    return seconds / timeleft->mean_call;
}

/* ---- beginning ---- */

/* What was recorded of this search by earlier starts. */
static void read_own(struct rung_timeleft *timeleft)
{
    struct rung_stored stored = {0};
    struct rung_recording recording = {0};

    if (rung_stored_load(&stored, timeleft->with.store, timeleft->with.name, NULL) == 0 &&
        rung_recorded_load(&recording, timeleft->with.store, &stored, NULL) == 0) {
        for (size_t i = 0; i < recording.job_count; i++) {
            const struct rung_recorded_job *job = &recording.jobs[i];
            if (job->kind != RUNG_EVENT_RESULT)
                continue;
            struct rung_note note = {.model = job->model,
                                     .from = job->from,
                                     .to = job->to,
                                     .score = job->score,
                                     .seconds = job->fit_seconds,
                                     .score_seconds = job->score_seconds,
                                     .examples = job->examples,
                                     .at = NAN};
            hear_result(timeleft, &note);
        }
    }
    rung_recording_free(&recording);
    rung_stored_free(&stored);
}

static void read_earlier(struct rung_timeleft *timeleft)
{
    struct rung_err err;
    const struct rung_timeleft_options *with = &timeleft->with;

    if (!with->own_only && rung_experience_load(&timeleft->experience, with->store, with->spec, with->name,
                                                EARLIER_JOBS, &err) < 0)
        return; /* a forecast less */
    if (with->elapsed_before > 0)
        read_own(timeleft);
}

struct rung_timeleft *rung_timeleft_create(const struct rung_timeleft_options *options)
{
    struct rung_timeleft *timeleft = rung_mem_zalloc(1, sizeof *timeleft);
    int64_t models = rung_search_plan(options->search)->models;

    timeleft->with = *options;
    rung_experience_init(&timeleft->experience);
    rung_scorefit_set_goal(timeleft->experience.knowledge.score, options->spec->search.maximize);
    timeleft->experience.largest = LARGEST;
    rung_buf_init(&timeleft->text, RUNG_BUF_UNLIMITED);
    gethostname(timeleft->host, sizeof timeleft->host - 1);
    timeleft->stride = models > MODELS_KNOWN ? (size_t)((models + MODELS_KNOWN - 1) / MODELS_KNOWN) : 1;
    timeleft->stretch = 1;
    timeleft->left = (struct rung_amount){NAN, NAN, NAN};
    timeleft->final.value = NAN;
    timeleft->leader = RUNG_NO_MODEL;
    timeleft->next = options->now + PATIENCE * FIRST_COST;
    if (options->store)
        read_earlier(timeleft);
    timeleft->with.store = NULL;
    return timeleft;
}

void rung_timeleft_free(struct rung_timeleft *timeleft)
{
    if (!timeleft)
        return;
    rung_experience_free(&timeleft->experience);
    rung_buf_free(&timeleft->text);
    free(timeleft->known);
    free(timeleft->running);
    free(timeleft->results);
    free(timeleft);
}

void rung_timeleft_trainers(struct rung_timeleft *timeleft, double trainers)
{
    timeleft->with.trainers = trainers < 1.5 ? 1 : (size_t)(trainers + 0.5);
    timeleft->stretch = trainers < 1 ? 1 / fmax(trainers, LEAST_TRAINERS) : 1;
}

struct rung_watcher rung_timeleft_watcher(struct rung_timeleft *timeleft)
{
    return (struct rung_watcher){.context = timeleft, .note = noted, .batch_end = batch_end};
}
