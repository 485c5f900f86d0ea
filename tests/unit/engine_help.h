/*
 * An engine whose executor notes what it is told and does nothing: trainers do what a test says, at times
 * that a test says.
 */
#ifndef RUNG_TESTS_ENGINE_HELP_H
#define RUNG_TESTS_ENGINE_HELP_H

#include "store_help.h"

#include "dispatch/engine.h"

#include <math.h>

enum { SLOTS = 4 };

/* What the executor was told. */
struct slot {
    bool alive, evaluating, stopped, killed;
    int starts;
    int64_t job; /* 0: none */
    uint32_t model;
    int64_t to;
    char state_out[512];
};

struct rig {
    struct rung_spec *spec;
    struct rung_store *store;
    struct rung_record *record;
    struct rung_search *search;
    struct rung_states *states;
    struct rung_executor executor;
    struct rung_session_options session;
    struct rung_engine *engine;
    struct rung_executor_listener tell;
    struct slot slots[SLOTS];
    uint32_t sent[100]; /* models, in the order in which their jobs went out */
    size_t sent_count;
    double now;
    struct rung_session_result result;
    bool wanted[SLOTS], given_up[SLOTS]; /* of shared slots */
};

/* The call names its error `err`. */
#define must(call)                                                                                           \
    do {                                                                                                     \
        struct rung_err err = {0};                                                                           \
        if ((call) != 0)                                                                                     \
            fail_msg("%s: %s", #call, err.text);                                                             \
    } while (0)

/* ---- the executor ---- */

static int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct slot *s = &((struct rig *)self)->slots[slot];
    (void)message;
    (void)err;
    assert_false(s->alive);
    *s = (struct slot){.alive = true, .starts = s->starts + 1};
    return 0;
}

static void job(void *self, int slot, const struct rung_proto_job *message)
{
    struct rig *rig = self;
    struct slot *s = &rig->slots[slot];
    assert_true(s->alive && s->job == 0);
    s->job = message->job;
    s->model = message->model;
    s->to = message->to;
    s->evaluating = false;
    snprintf(s->state_out, sizeof s->state_out, "%s", message->state_out);
    if (rig->sent_count < sizeof rig->sent / sizeof *rig->sent)
        rig->sent[rig->sent_count++] = message->model;
}

static void evaluate(void *self, int slot, const struct rung_proto_job *message)
{
    struct slot *s = &((struct rig *)self)->slots[slot];
    s->job = message->job;
    s->evaluating = true;
}

static void forget(void *self, int slot, uint32_t model)
{
    (void)self;
    (void)slot;
    (void)model;
}

static void stop(void *self, int slot)
{
    ((struct rig *)self)->slots[slot].stopped = true;
}

static void end(void *self, int slot)
{
    ((struct rig *)self)->slots[slot].killed = true;
}

static struct rung_place place(void *self, int slot)
{
    (void)self;
    (void)slot;
    return (struct rung_place){"nowhere", "test"};
}

static void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    (void)self;
    (void)slot;
    (void)lines;
    (void)out;
}

static void given_up(void *self, int slot)
{
    ((struct rig *)self)->given_up[slot] = true;
}

static bool recalled(void *self, int slot)
{
    return ((struct rig *)self)->wanted[slot];
}

/* ---- the rig ---- */

#define SPEC(search, limits) SPEC_WITH("{\"x\":{\"uniform\":[0,1]}}", search, limits)
#define SPEC_WITH(parameters, search, limits)                                                                \
    "{\"name\":\"sim\",\"trainer\":{\"command\":[\"none\"]},\"parameters\":" parameters                      \
    ",\"search\":{" search "},\"limits\":{" limits "}}"

static struct rung_spec *read_spec(const char *text)
{
    struct rung_err err = {0};
    struct rung_spec *spec = NULL;
    struct rung_json *json = rung_json_parse(text, strlen(text), 0, &err);
    if (!json || rung_spec_read(&spec, json, "sim", &err))
        fail_msg("%s", err.text);
    rung_json_free(json);
    return spec;
}

/* One pass of the loop. */
static void pass(struct rig *rig)
{
    struct rung_err err = {0};
    if (rung_engine_turn(rig->engine, rig->now, &err) != 0)
        fail_msg("%s", err.text);
    rung_engine_act(rig->engine, rig->now);
}

/* The search's row is made by the first rig on a database; another goes on with it. Slots that are shared are
 * all absent at first. */
static struct rig *rig_make(const char *spec, size_t slots, bool shared)
{
    struct rig *rig = rung_mem_zalloc(1, sizeof *rig);
    struct rung_search_row row = {.name = (char *)"sim",
                                  .spec = (char *)"{}",
                                  .folder = (char *)"/",
                                  .algorithm = (char *)"any",
                                  .goal = (char *)"maximize",
                                  .metric = (char *)"score",
                                  .finished_at = NAN};
    const char *path = in_folder("a.db");
    rig->spec = read_spec(spec);
    rig->store = open_store(path, RUNG_STORE_CREATE);
    rig->search = help_search(&rig->spec->search);
    must(rung_record_create(&rig->record, rig->store, &row, rung_search_plan(rig->search), rig->spec->space,
                            rig->spec->search.seed, &err));
    must(rung_store_commit(rig->store, &err));
    must(rung_states_open(&rig->states, path, "sim", &err));
    rig->executor = (struct rung_executor){.self = rig,
                                           .slots = slots,
                                           .absent = shared ? slots : 0,
                                           .place = place,
                                           .start = start,
                                           .job = job,
                                           .evaluate = evaluate,
                                           .forget = forget,
                                           .stop = stop,
                                           .kill = end,
                                           .log_tail = log_tail,
                                           .given_up = shared ? given_up : NULL,
                                           .recalled = shared ? recalled : NULL};
    rig->session = (struct rung_session_options){.spec = rig->spec,
                                                 .store = rig->store,
                                                 .record = rig->record,
                                                 .search = rig->search,
                                                 .name = "sim",
                                                 .folder = "/",
                                                 .trainers = slots,
                                                 .time_limit = INFINITY};
    struct rung_engine_options options = {
        .session = &rig->session, .executor = &rig->executor, .states = rig->states, .shared = shared};
    must(rung_engine_create(&rig->engine, &options, 0, &err));
    rig->tell = rung_engine_listener(rig->engine);
    pass(rig);
    return rig;
}

static UNUSED struct rig *rig_open(const char *spec, size_t slots)
{
    return rig_make(spec, slots, false);
}

static UNUSED void rig_close(struct rig *rig)
{
    rung_engine_free(rig->engine);
    rung_states_free(rig->states);
    rung_search_free(rig->search);
    rung_record_free(rig->record);
    rung_store_close(rig->store);
    rung_spec_free(rig->spec);
    free(rig);
}

/* ---- what trainers do ---- */

static UNUSED void ready(struct rig *rig, int slot)
{
    struct rung_proto_message message = {.type = RUNG_PROTO_READY, .evaluates = true};
    rig->tell.message(rig->tell.context, slot, &message, rig->now);
}

static UNUSED void all_ready(struct rig *rig)
{
    for (int slot = 0; slot < SLOTS; slot++)
        if (rig->slots[slot].alive)
            ready(rig, slot);
    pass(rig);
}

/* Answers the slot's job; a state of so many bytes. */
static UNUSED void answer(struct rig *rig, int slot, double score, int bytes)
{
    static const char zeros[4096];
    struct slot *s = &rig->slots[slot];
    struct rung_proto_message message = {.type = RUNG_PROTO_RESULT,
                                         .job = s->job,
                                         .has_score = true,
                                         .score = score,
                                         .metric = NAN,
                                         .fit_seconds = 1,
                                         .score_seconds = NAN};
    if (!s->evaluating)
        write_file(s->state_out, zeros, (size_t)bytes);
    s->job = 0;
    rig->tell.message(rig->tell.context, slot, &message, rig->now);
}

static UNUSED void fail_job(struct rig *rig, int slot, const char *reason, bool retry)
{
    struct rung_proto_message message = {
        .type = RUNG_PROTO_FAILURE, .job = rig->slots[slot].job, .reason = reason, .retry = retry};
    rig->slots[slot].job = 0;
    rig->tell.message(rig->tell.context, slot, &message, rig->now);
}

static UNUSED void closes(struct rig *rig, int slot, bool unread)
{
    rig->tell.closing(rig->tell.context, slot, unread, rig->now);
}

static UNUSED void goes(struct rig *rig, int slot, struct rung_exit how)
{
    rig->slots[slot].alive = false;
    rig->slots[slot].job = 0;
    rig->tell.gone(rig->tell.context, slot, &how, rig->now);
}

static UNUSED int busy(const struct rig *rig)
{
    int count = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        count += rig->slots[slot].job != 0;
    return count;
}

static UNUSED bool over(struct rig *rig)
{
    return rung_engine_over(rig->engine, &rig->result);
}

static UNUSED const char *says(struct rig *rig, const char *query)
{
    must(rung_store_commit(rig->store, &err));
    return sql(in_folder("a.db"), query);
}

#define assert_says(rig, query, expected) assert_string_equal(says(rig, query), expected)

#endif
