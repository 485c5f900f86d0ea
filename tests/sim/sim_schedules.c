/*
 * Random searches under random schedules. After every step a shadow, which knows the rules and nothing of the
 * core's data, checks the invariants of core/search.h; now and then the search goes on as a copy of itself.
 * Afterwards the events are replayed, and a search whose scores do not depend on time is run again in other
 * orders, which must not change how it ends.
 *
 *     sim_schedules [SEED [COUNT]]        COUNT searches from SEED on; a failure names its seed
 */
#include "../core_help.h"

#include "base/mem.h"
#include "core/jobq.h"
#include "core/rank.h"

#define ASKS_MAX 150 /* of an asha without end */

struct shadow_model {
    uint32_t bracket; /* the user's number */
    bool open, dead, plateaued, finished, failed;
    int64_t calls, to;
    int32_t rung; /* of the open TRAIN */
    double score; /* last, as reported */
};

struct shadow {
    uint64_t seed;
    struct rung_search_spec spec;
    struct rung_search *search;
    struct rung_jobq *queue;
    struct shadow_model *models;
    size_t count, capacity, open;
    uint32_t best;
    bool done;
    struct rung_buf events, decisions; /* of the whole search, a block per step */
};

static void fail(const struct shadow *shadow, const char *what, int64_t detail)
{
    printf("not ok seed %llu: %s (%lld)\n", (unsigned long long)shadow->seed, what, (long long)detail);
    exit(1);
}

static void check(const struct shadow *shadow, bool holds, const char *what, int64_t detail)
{
    if (!holds)
        fail(shadow, what, detail);
}

static bool synchronous(const struct shadow *shadow)
{
    return shadow->spec.algorithm != RUNG_ASHA;
}

/* A score that depends on the model and its calls alone: few values, so that ties abound. */
static double score_of(uint64_t seed, uint32_t model, int64_t calls)
{
    uint64_t state = seed * 1000003 + model * 7919 + (uint64_t)calls;
    uint64_t kind = help_below(&state, 20);
    if (kind == 0)
        return help_below(&state, 2) == 0 ? NAN : -INFINITY;
    return (double)help_below(&state, 12) / 4 - 1;
}

static bool fails_at(uint64_t seed, uint32_t model, int64_t calls)
{
    uint64_t state = seed * 31 + model * 104729 + (uint64_t)calls * 13;
    return help_below(&state, 16) == 0;
}

static struct rung_ranked ranked(const struct shadow *shadow, uint32_t model)
{
    const struct shadow_model *m = &shadow->models[model];
    double score = m->failed || !isfinite(m->score) ? NAN : m->score;
    return (struct rung_ranked){shadow->spec.maximize ? score : -score, model};
}

static const struct rung_plan_bracket *plan_of(const struct shadow *shadow, uint32_t number)
{
    const struct rung_plan *plan = rung_search_plan(shadow->search);
    for (size_t b = 0; b < plan->bracket_count; b++)
        if (plan->brackets[b].bracket == number)
            return &plan->brackets[b];
    fail(shadow, "a decision names an unknown bracket", number);
    return NULL;
}

/* RUNG: everyone in it has reported, as many are kept as should be, and the STOPs that follow are the others.
 */
static size_t check_rung(const struct shadow *shadow, const struct rung_decision *items, size_t count)
{
    const struct rung_plan_bracket *plan = plan_of(shadow, items->bracket);
    struct rung_ranked *order = rung_mem_zalloc(shadow->count, sizeof *order);
    size_t alive = 0, finite = 0, stops = 0, kept = 0;
    bool last = (size_t)items->rung + 1 == plan->rung_count;
    for (uint32_t model = 0; model < shadow->count; model++) {
        const struct shadow_model *m = &shadow->models[model];
        if (m->bracket != items->bracket || m->dead)
            continue;
        check(shadow, !m->open, "a rung was decided before model reported", model);
        check(shadow, m->failed || m->plateaued || m->calls == plan->rungs[items->rung].calls,
              "a rung was decided with a model elsewhere", model);
        order[alive++] = ranked(shadow, model);
        finite += isfinite(order[alive - 1].score) != 0;
    }
    if (!last)
        kept = (size_t)plan->rungs[items->rung + 1].models;
    kept = kept < finite ? kept : finite;
    check(shadow, items->kept == (int64_t)kept, "a rung kept another number of models", items->kept);
    rung_rank_sort(order, alive);
    for (uint32_t model = 0; model < shadow->count && !last; model++) {
        size_t place = 0;
        while (place < alive && order[place].model != model)
            place++;
        if (place == alive || place < kept || shadow->models[model].failed)
            continue;
        stops++;
        check(shadow, stops < count && items[stops].kind == RUNG_DECISION_STOP && items[stops].model == model,
              "a model that should be stopped was not", model);
    }
    check(shadow, stops + 1 == count || items[stops + 1].kind != RUNG_DECISION_STOP, "one stop too many",
          items->rung);
    for (size_t i = kept; i < alive && !last; i++)
        shadow->models[order[i].model].dead = true;
    free(order);
    return stops;
}

static void see_train(struct shadow *shadow, const struct rung_decision *decision)
{
    struct shadow_model *m = &shadow->models[decision->model];
    int64_t patience = shadow->spec.patience;
    check(shadow, !m->open && !m->dead && !m->plateaued && !m->finished, "training a model that must not",
          decision->model);
    check(shadow, decision->from == m->calls && decision->to > decision->from, "training from elsewhere",
          decision->model);
    check(shadow, patience == 0 || decision->to - decision->from <= patience, "a job beyond patience",
          decision->model);
    if (decision->rung != RUNG_NO_RUNG)
        check(shadow, plan_of(shadow, m->bracket)->rungs[decision->rung].calls == decision->to,
              "calls of a rung", decision->model);
    m->open = true;
    m->failed = false;
    m->to = decision->to;
    m->rung = decision->rung;
    shadow->open++;
}

static uint32_t best_finished(const struct shadow *shadow, int64_t bracket)
{
    struct rung_ranked best = {NAN, RUNG_NO_MODEL};
    for (uint32_t model = 0; model < shadow->count; model++) {
        const struct shadow_model *m = &shadow->models[model];
        struct rung_ranked other = ranked(shadow, model);
        if (m->finished && (bracket < 0 || m->bracket == bracket) && isfinite(other.score) &&
            rung_rank_before(other, best))
            best = other;
    }
    return best.model;
}

static void see_finish(struct shadow *shadow, const struct rung_decision *decision)
{
    struct shadow_model *m = &shadow->models[decision->model];
    const struct rung_plan_bracket *plan = plan_of(shadow, m->bracket);
    check(shadow, !m->open && !m->dead && !m->failed && !m->finished, "finished a model that must not",
          decision->model);
    check(shadow, m->plateaued || m->calls == plan->rungs[plan->rung_count - 1].calls, "finished elsewhere",
          decision->model);
    m->finished = true;
}

/* At the end of an asha: nobody is trained or can be, and who leads is not stopped. */
static void see_stop(struct shadow *shadow, const struct rung_decision *decision)
{
    struct shadow_model *m = &shadow->models[decision->model];
    check(shadow, !synchronous(shadow), "a stop without its rung", decision->model);
    check(shadow, shadow->open == 0 && !m->dead && !m->failed && !m->finished, "a stop of who does not wait",
          decision->model);
    check(shadow, decision->model != rung_search_leader(shadow->search), "the leader is stopped",
          decision->model);
    m->dead = true;
}

/* Returns how many decisions it looked at. */
static size_t see(struct shadow *shadow, const struct rung_decision *items, size_t count)
{
    struct shadow_model *m = items->kind == RUNG_DECISION_PLATEAU ? &shadow->models[items->model] : NULL;
    switch (items->kind) {
    case RUNG_DECISION_MODEL:
        check(shadow, items->model == shadow->count, "models are not numbered in order", items->model);
        shadow->models =
            rung_mem_grow(shadow->models, shadow->count, &shadow->capacity, sizeof *shadow->models);
        shadow->models[shadow->count++] = (struct shadow_model){.bracket = items->bracket, .score = NAN};
        return 1;
    case RUNG_DECISION_TRAIN:
        see_train(shadow, items);
        return 1;
    case RUNG_DECISION_PLATEAU:
        check(shadow, !m->open && !m->plateaued && shadow->spec.patience > 0 && !isnan(shadow->spec.tol),
              "a plateau where none can be", items->model);
        m->plateaued = true;
        return 1;
    case RUNG_DECISION_FINISH:
        see_finish(shadow, items);
        return 1;
    case RUNG_DECISION_RUNG:
        check(shadow, synchronous(shadow), "asha has no barrier", items->rung);
        return 1 + check_rung(shadow, items, count);
    case RUNG_DECISION_BRACKET:
        check(shadow, items->model == best_finished(shadow, items->bracket), "another winner", items->model);
        return 1;
    case RUNG_DECISION_DONE:
        check(shadow, items->model == best_finished(shadow, -1), "another best model", items->model);
        check(shadow, !shadow->done && count == 1, "done twice or too early", items->model);
        shadow->done = true;
        return 1;
    case RUNG_DECISION_STOP:
        see_stop(shadow, items);
        return 1;
    }
    fail(shadow, "an unknown decision", items->kind);
    return count;
}

static void check_views(const struct shadow *shadow)
{
    const struct rung_search *search = shadow->search;
    check(shadow, rung_search_model_count(search) == shadow->count, "number of models",
          (int64_t)shadow->count);
    check(shadow, rung_search_done(search) == shadow->done, "done", shadow->done);
    check(shadow, rung_search_best(search) == best_finished(shadow, -1), "best", rung_search_best(search));
    uint32_t leader = shadow->done ? rung_search_leader(search) : RUNG_NO_MODEL;
    for (uint32_t model = 0; model < shadow->count; model++) {
        const struct shadow_model *m = &shadow->models[model];
        struct rung_model_view view = rung_search_model(search, model);
        check(shadow, (view.status == RUNG_MODEL_TRAINING) == m->open, "status of an open TRAIN", model);
        check(shadow, (view.status == RUNG_MODEL_FAILED) == m->failed, "status of a failed model", model);
        check(shadow, !shadow->done || view.status != RUNG_MODEL_PAUSED || model == leader,
              "waits for nothing", model);
        check(shadow, view.calls == m->calls && view.target == (m->open ? m->to : m->calls), "calls", model);
        check(shadow, view.target_rung == (m->open ? m->rung : RUNG_NO_RUNG), "target rung", model);
        check(shadow, view.ended_last_rung == m->finished, "ended last rung", model);
        check(shadow, rung_jobq_has(shadow->queue, model) == m->open, "queued without a job or the reverse",
              model);
    }
    for (size_t b = 0; b < rung_search_bracket_count(search) && synchronous(shadow); b++) {
        struct rung_bracket_view view = rung_search_bracket(search, b);
        check(shadow, view.ended || view.rung_reported < view.rung_models, "an undecided rung", (int64_t)b);
    }
}

static void log_step(struct shadow *shadow, const struct rung_event *event,
                     const struct rung_decisions *decisions)
{
    rung_trace_write_event(&shadow->events, event);
    rung_buf_char(&shadow->events, '\n');
    rung_trace_write_decisions(&shadow->decisions, decisions);
    rung_buf_text(&shadow->decisions, "\n.\n");
}

static void step(struct shadow *shadow, const struct rung_event *event)
{
    struct rung_decisions decisions = {0};
    struct rung_err err = {0};
    if (event->kind == RUNG_EVENT_RESULT || event->kind == RUNG_EVENT_FAILURE) {
        struct shadow_model *m = &shadow->models[event->model];
        m->open = false;
        shadow->open--;
        m->failed = event->kind == RUNG_EVENT_FAILURE;
        m->calls = m->failed ? m->calls : m->to;
        m->score = m->failed ? m->score : event->score;
        rung_jobq_remove(shadow->queue, event->model);
    }
    if (rung_search_step(shadow->search, event, &decisions, &err) != 0)
        check(shadow, false, err.text, event->model);
    rung_jobq_apply(shadow->queue, &decisions, 1 + shadow->seed % 7);
    for (size_t i = 0; i < decisions.count;)
        i += see(shadow, decisions.items + i, decisions.count - i);
    check_views(shadow);
    log_step(shadow, event, &decisions);
    rung_decisions_free(&decisions);
}

static struct rung_search_spec random_spec(uint64_t *random)
{
    static const enum rung_algorithm ALGORITHMS[] = {RUNG_HYPERBAND, RUNG_HYPERBAND, RUNG_SUCCESSIVE_HALVING,
                                                     RUNG_ASHA,      RUNG_RANDOM,    RUNG_INCREMENTAL};
    struct rung_search_spec spec =
        help_spec(1 + (int64_t)help_below(random, 30), 2 + (int64_t)help_below(random, 3));
    spec.algorithm = ALGORITHMS[help_below(random, 6)];
    if (spec.algorithm == RUNG_HYPERBAND)
        spec.variant = (enum rung_variant)help_below(random, 3);
    else if (spec.algorithm != RUNG_ASHA || help_below(random, 3) > 0)
        spec.models = 1 + (int64_t)help_below(random, 30);
    if (spec.algorithm == RUNG_SUCCESSIVE_HALVING && help_below(random, 2) == 0)
        spec.max_iter = RUNG_UNSET;
    spec.first_calls = 1 + (int64_t)help_below(random, 4);
    spec.fits_per_score = 1 + (int64_t)help_below(random, 5);
    spec.decay_rate = help_below(random, 2) == 0 ? NAN : (double)help_below(random, 4) / 2;
    spec.patience = help_below(random, 2) == 0 ? 0 : 2 + (int64_t)help_below(random, 8);
    spec.tol = help_below(random, 4) == 0 ? NAN : 0.3;
    spec.maximize = help_below(random, 2) == 0;
    return spec;
}

static void init(struct shadow *shadow, uint64_t seed, const struct rung_search_spec *spec)
{
    *shadow =
        (struct shadow){.seed = seed, .spec = *spec, .best = RUNG_NO_MODEL, .search = help_search(spec)};
    shadow->queue = rung_jobq_create(shadow->search, (enum rung_priority)(seed % 3));
    rung_buf_init(&shadow->events, RUNG_BUF_UNLIMITED);
    rung_buf_init(&shadow->decisions, RUNG_BUF_UNLIMITED);
}

static void destroy(struct shadow *shadow)
{
    rung_jobq_free(shadow->queue);
    rung_search_free(shadow->search);
    rung_buf_free(&shadow->events);
    rung_buf_free(&shadow->decisions);
    free(shadow->models);
}

static uint32_t random_open(const struct shadow *shadow, uint64_t *random)
{
    size_t left = help_below(random, shadow->open);
    for (uint32_t model = 0;; model++)
        if (shadow->models[model].open && left-- == 0)
            return model;
}

static void maybe_retry(struct shadow *shadow, uint64_t *random)
{
    uint32_t model = (uint32_t)help_below(random, shadow->count);
    const struct shadow_model *m = &shadow->models[model];
    if (!m->failed)
        return;
    size_t bracket = rung_search_model(shadow->search, model).bracket_index;
    struct rung_event event = {.kind = RUNG_EVENT_RETRY, .model = model, .calls = m->calls};
    bool decided = m->dead || rung_search_bracket(shadow->search, bracket).ended;
    struct rung_decisions none = {0};
    if (!decided)
        step(shadow, &event);
    else
        check(shadow, rung_search_step(shadow->search, &event, &none, NULL) == RUNG_EUSE && none.count == 0,
              "a retry after its rung was decided", model);
}

/* The search goes on as its own copy, and its open jobs wait in a new queue. */
static void go_on_with_clone(struct shadow *shadow)
{
    struct rung_search *clone = rung_search_clone(shadow->search);
    struct rung_decisions open = {0};
    rung_jobq_free(shadow->queue);
    rung_search_free(shadow->search);
    shadow->search = clone;
    shadow->queue = rung_jobq_create(clone, (enum rung_priority)(shadow->seed % 3));
    for (uint32_t model = 0; model < shadow->count; model++) {
        struct rung_decision train = {.kind = RUNG_DECISION_TRAIN, .model = model};
        if (shadow->models[model].open)
            rung_decisions_add(&open, &train);
    }
    rung_jobq_apply(shadow->queue, &open, 1);
    rung_decisions_free(&open);
}

/* Runs the search to its end, in an order that `random` gives. */
static void run(struct shadow *shadow, uint64_t *random, bool retries)
{
    struct rung_event event = help_start();
    size_t asks = 0;
    step(shadow, &event);
    while (shadow->open > 0 || (rung_search_asks(shadow->search) && asks < ASKS_MAX)) {
        bool may_ask = rung_search_asks(shadow->search) && asks < ASKS_MAX;
        if (may_ask && (shadow->open == 0 || help_below(random, 2) == 0)) {
            event = (struct rung_event){.kind = RUNG_EVENT_ASK};
            asks++;
        } else {
            uint32_t model = random_open(shadow, random);
            const struct shadow_model *m = &shadow->models[model];
            event = help_result(model, m->to, score_of(shadow->seed, model, m->to));
            if (fails_at(shadow->seed, model, m->to) && !(retries && help_below(random, 2) == 0))
                event = (struct rung_event){.kind = RUNG_EVENT_FAILURE, .model = model, .calls = m->calls};
        }
        step(shadow, &event);
        if (retries)
            maybe_retry(shadow, random);
        if (help_below(random, 30) == 0)
            go_on_with_clone(shadow);
    }
    check(shadow, shadow->done || (!synchronous(shadow) && shadow->spec.models == RUNG_UNSET), "ends undone",
          0);
}

/* How a search ended, as text. */
static char *end_state(const struct shadow *shadow)
{
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    for (uint32_t model = 0; model < shadow->count; model++) {
        struct rung_model_view view = rung_search_model(shadow->search, model);
        rung_buf_printf(&buf, "%u %d %d %lld %g\n", model, (int)view.status, view.ended_last_rung,
                        (long long)view.calls, view.score);
    }
    for (size_t b = 0; b < rung_search_bracket_count(shadow->search); b++) {
        struct rung_bracket_view view = rung_search_bracket(shadow->search, b);
        rung_buf_printf(&buf, "bracket %u rung %zu winner %u\n", view.bracket, view.rung, view.winner);
    }
    rung_buf_printf(&buf, "best %u leader %u\n", rung_search_best(shadow->search),
                    rung_search_leader(shadow->search));
    char *text = strdup(rung_buf_cstr(&buf));
    rung_buf_free(&buf);
    return text;
}

static void check_replay(const struct shadow *shadow)
{
    struct shadow replay;
    struct rung_err err = {0};
    char *events = strdup(rung_buf_cstr(&shadow->events)), *rest = events, *line;
    init(&replay, shadow->seed, &shadow->spec);
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        struct rung_event event;
        if (rung_trace_read_event(&event, line, &err) != 0)
            check(shadow, false, err.text, 0);
        step(&replay, &event);
    }
    check(shadow, strcmp(rung_buf_cstr(&replay.decisions), rung_buf_cstr(&shadow->decisions)) == 0,
          "replay decides otherwise", 0);
    free(events);
    destroy(&replay);
}

static void check_other_orders(const struct shadow *shadow, uint64_t *random)
{
    char *expected = end_state(shadow);
    for (int i = 0; i < 2; i++) {
        struct shadow other;
        init(&other, shadow->seed, &shadow->spec);
        run(&other, random, false);
        char *text = end_state(&other);
        check(shadow, strcmp(text, expected) == 0, "another order ends otherwise", i);
        free(text);
        destroy(&other);
    }
    free(expected);
}

struct counts {
    size_t searches, orders, refused, steps;
};

static void try_seed(uint64_t seed, struct counts *counts)
{
    uint64_t random = seed;
    struct rung_search_spec spec = random_spec(&random);
    struct rung_search *search;
    struct rung_err err = {0};
    if (rung_search_create(&search, &spec, &err) != 0) {
        counts->refused++;
        return;
    }
    rung_search_free(search);

    struct shadow shadow;
    bool retries = help_below(&random, 2) == 0;
    init(&shadow, seed, &spec);
    run(&shadow, &random, retries);
    check_replay(&shadow);
    if (synchronous(&shadow) && !retries) {
        check_other_orders(&shadow, &random);
        counts->orders++;
    }
    counts->searches++;
    for (const char *p = rung_buf_cstr(&shadow.events); *p != '\0'; p++)
        counts->steps += *p == '\n';
    destroy(&shadow);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : 3000;
    struct counts counts = {0};
    for (uint64_t i = 0; i < count; i++)
        try_seed(seed + i, &counts);
    printf("%zu searches of %zu steps, %zu of them in three orders; %zu specs refused\n", counts.searches,
           counts.steps, counts.orders, counts.refused);
    printf("ok random schedules keep the invariants\nok replay decides the same\n");
    printf("ok synchronous searches end the same in any order\n");
    return 0;
}
