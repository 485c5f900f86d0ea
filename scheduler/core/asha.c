/*
 * ASHA in its promotion form (Li et al.: A System for Massively Parallel Hyperparameter Tuning, MLSys 2020,
 * Algorithm 2), early-stopping rate 0: whoever asks gets the best model that may climb, searched from the
 * highest rung down, or else a new one. No barrier, so what is decided depends on the order of results.
 *
 * A rung counts every model that reported there, failed or plateaued on its way there; c = floor(count / eta)
 * of them may climb. Invariants, per rung below the last:
 *   1. top holds the best min(c, finite scores) of the rung, worst first; rest holds the others, best first;
 *   2. ready holds those of top that have not climbed yet, best first;
 *   3. count never falls, so neither does c: a failed model that is tried again stays counted as it was.
 */
#include "core/method.h"

#include "base/heap.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* Heaps know members by their number in the rung, so that a high rung's are small. */
struct rung_asha_rung {
    uint32_t *members; /* models with a finite score here, in order of reporting */
    size_t member_count, member_capacity;
    size_t count;
    struct rung_heap top, rest, ready;
};

struct rung_asha_model {
    uint32_t member; /* its number in its rung; valid once it has a finite score there */
    uint8_t rung;    /* the highest that it was sent to */
    bool counted;    /* in that rung */
};

struct rung_asha {
    struct rung_asha_rung *rungs;
    size_t last; /* rung that ends there */
    struct rung_asha_model *models;
    size_t model_capacity;
    size_t training, climbers; /* open TRAINs; members of all ready heaps */
};

int rung_asha_plan(struct rung_plan *plan, const struct rung_search_spec *spec, struct rung_err *err)
{
    if (spec->first_calls > spec->max_iter)
        return rung_err_set(err, RUNG_EUSE, "search.first_calls: %lld is more than max_iter, %lld",
                            (long long)spec->first_calls, (long long)spec->max_iter);
    int64_t eta = spec->aggressiveness, levels = rung_plan_levels(spec->first_calls, spec->max_iter, eta);
    struct rung_plan_rung *rungs = rung_plan_add(plan, 0, (size_t)levels + 1)->rungs;
    int64_t models = spec->models == RUNG_UNSET ? 0 : spec->models, calls = spec->first_calls;
    for (int64_t k = 0; k <= levels; k++, models /= eta) {
        rungs[k] = (struct rung_plan_rung){models, calls};
        if (k < levels)
            calls *= eta;
    }
    return 0;
}

static void *create(const struct rung_roster *roster)
{
    struct rung_asha *asha = rung_mem_zalloc(1, sizeof *asha);
    asha->last = roster->plan.brackets[0].rung_count - 1;
    asha->rungs = rung_mem_zalloc(asha->last + 1, sizeof *asha->rungs);
    return asha;
}

static void destroy(void *state)
{
    struct rung_asha *asha = state;
    for (size_t k = 0; k <= asha->last; k++) {
        free(asha->rungs[k].members);
        rung_heap_free(&asha->rungs[k].top);
        rung_heap_free(&asha->rungs[k].rest);
        rung_heap_free(&asha->rungs[k].ready);
    }
    free(asha->rungs);
    free(asha->models);
    free(asha);
}

static void *clone(const void *state)
{
    const struct rung_asha *asha = state;
    struct rung_asha *copy = rung_mem_copy(asha, 1, sizeof *asha);
    copy->rungs = rung_mem_copy(asha->rungs, asha->last + 1, sizeof *asha->rungs);
    copy->models = rung_mem_copy(asha->models, asha->model_capacity, sizeof *asha->models);
    for (size_t k = 0; k <= asha->last; k++) {
        struct rung_asha_rung *rung = &copy->rungs[k];
        rung->members = rung_mem_copy(rung->members, rung->member_capacity, sizeof *rung->members);
        rung->top = rung_heap_copy(&rung->top);
        rung->rest = rung_heap_copy(&rung->rest);
        rung->ready = rung_heap_copy(&rung->ready);
    }
    return copy;
}

static void set_ready(struct rung_asha *asha, struct rung_asha_rung *rung, uint32_t member, double key,
                      bool ready)
{
    uint32_t model = rung->members[member];
    if (!ready) {
        asha->climbers -= rung_heap_remove(&rung->ready, member);
    } else if (asha->rungs + asha->models[model].rung == rung) {
        rung_heap_put(&rung->ready, member, key, model);
        asha->climbers++;
    }
}

static void top_to_rest(struct rung_asha *asha, struct rung_asha_rung *rung)
{
    struct rung_heap_item item = *rung_heap_top(&rung->top);
    rung_heap_remove(&rung->top, item.id);
    rung_heap_put(&rung->rest, item.id, -item.key, rung->members[item.id]);
    set_ready(asha, rung, item.id, 0, false);
}

/* In top the worst comes first: keys negated, of equal ones the larger model number. */
static void put_top(struct rung_asha *asha, struct rung_asha_rung *rung, uint32_t member, double key)
{
    rung_heap_put(&rung->top, member, -key, UINT64_MAX - rung->members[member]);
    set_ready(asha, rung, member, key, true);
}

static void rest_to_top(struct rung_asha *asha, struct rung_asha_rung *rung)
{
    struct rung_heap_item item = *rung_heap_top(&rung->rest);
    rung_heap_remove(&rung->rest, item.id);
    put_top(asha, rung, item.id, item.key);
}

static void count_in(struct rung_roster *roster, struct rung_asha *asha, uint32_t model)
{
    struct rung_asha_model *m = &asha->models[model];
    struct rung_asha_rung *rung = &asha->rungs[m->rung];
    struct rung_ranked ranked = rung_roster_ranked(roster, model);
    if (!m->counted) {
        m->counted = true;
        rung->count++;
        roster->brackets[0].reported += m->rung == 0;
    }
    if (m->rung == asha->last) {
        if (roster->models[model].status != RUNG_MODEL_FAILED)
            rung_roster_finish(roster, model);
        return;
    }
    if (isfinite(ranked.score)) {
        size_t member = rung->member_count;
        rung->members = rung_mem_grow(rung->members, member, &rung->member_capacity, sizeof *rung->members);
        rung->members[rung->member_count++] = model;
        m->member = (uint32_t)member;
        put_top(asha, rung, m->member, ranked.score);
        top_to_rest(asha, rung); /* the worst of the old ones and the new one */
    }
    while (rung->top.count < rung->count / (size_t)roster->spec.aggressiveness && rung->rest.count > 0)
        rest_to_top(asha, rung);
}

static bool more_models(const struct rung_roster *roster)
{
    size_t limit = roster->spec.models == RUNG_UNSET ? INT32_MAX : (size_t)roster->spec.models;
    return roster->model_count < limit;
}

/* Who still waits for a promotion that cannot come any more, but for the one that leads: its state is what
 * the search was run for, also when nobody reached the last rung. */
static void stop_waiting(struct rung_roster *roster, const struct rung_asha *asha)
{
    uint32_t leader = rung_roster_leader(roster);
    for (uint32_t model = 0; model < roster->model_count; model++) {
        const struct rung_model *m = &roster->models[model];
        bool waits = m->status == RUNG_MODEL_PAUSED || (m->status == RUNG_MODEL_PLATEAUED && !m->ended);
        if (waits && model != leader)
            rung_roster_stop(roster, model, asha->models[model].rung);
    }
}

static void end_if_done(struct rung_roster *roster, const struct rung_asha *asha)
{
    if (asha->training > 0 || asha->climbers > 0 || more_models(roster))
        return;
    stop_waiting(roster, asha);
    rung_roster_end_bracket(roster, 0);
}

static void send_on(struct rung_roster *roster, struct rung_asha *asha, uint32_t model)
{
    uint8_t rung = asha->models[model].rung;
    int64_t calls = roster->plan.brackets[0].rungs[rung].calls;
    bool placed = roster->models[model].status == RUNG_MODEL_PLATEAUED;
    if (!placed && rung_roster_advance(roster, model, calls, rung))
        asha->training++;
    else
        count_in(roster, asha, model);
}

static void start(struct rung_roster *roster, void *state)
{
    (void)roster; /* the first model comes when the first trainer asks */
    (void)state;
}

static void report(struct rung_roster *roster, void *state, uint32_t model)
{
    struct rung_asha *asha = state;
    asha->training--;
    if (roster->models[model].target_rung != RUNG_NO_RUNG)
        count_in(roster, asha, model);
    else
        send_on(roster, asha, model); /* patience split its job */
    end_if_done(roster, asha);
}

static void failure(struct rung_roster *roster, void *state, uint32_t model)
{
    struct rung_asha *asha = state;
    asha->training--;
    count_in(roster, asha, model);
    end_if_done(roster, asha);
}

/* No rung is ever decided, so until the search ends a failed model may be tried again. */
static bool retry(struct rung_roster *roster, void *state, uint32_t model)
{
    struct rung_asha *asha = state;
    rung_roster_train_again(roster, model);
    asha->training++;
    return true;
}

static bool asks(const struct rung_roster *roster, const void *state)
{
    const struct rung_asha *asha = state;
    return asha->climbers > 0 || more_models(roster);
}

static bool climbs(const void *state)
{
    return ((const struct rung_asha *)state)->climbers > 0;
}

/* The best model that may climb, highest rung first, climbs; false when there is none. */
static bool promote(struct rung_roster *roster, struct rung_asha *asha)
{
    for (size_t k = asha->last; asha->climbers > 0 && k-- > 0;) {
        struct rung_asha_rung *rung = &asha->rungs[k];
        const struct rung_heap_item *best = rung_heap_top(&rung->ready);
        if (best == NULL)
            continue;
        uint32_t member = best->id, model = rung->members[member];
        set_ready(asha, rung, member, 0, false);
        asha->models[model].rung++;
        asha->models[model].counted = false;
        send_on(roster, asha, model);
        return true;
    }
    return false;
}

static void add_model(struct rung_roster *roster, struct rung_asha *asha)
{
    uint32_t model = rung_roster_create_model(roster, 0);
    roster->brackets[0].alive_count++;
    asha->models = rung_mem_grow(asha->models, model, &asha->model_capacity, sizeof *asha->models);
    asha->models[model] = (struct rung_asha_model){0};
    send_on(roster, asha, model);
}

/* A model that has plateaued climbs without training: then the asker still has nothing to do. */
static void ask(struct rung_roster *roster, void *state)
{
    struct rung_asha *asha = state;
    size_t training = asha->training;
    while (asha->training == training && promote(roster, asha))
        continue;
    if (asha->training == training && more_models(roster))
        add_model(roster, asha);
    end_if_done(roster, asha);
}

const struct rung_method_ops rung_asha_ops = {.create = create,
                                              .clone = clone,
                                              .free = destroy,
                                              .start = start,
                                              .report = report,
                                              .failure = failure,
                                              .retry = retry,
                                              .asks = asks,
                                              .climbs = climbs,
                                              .ask = ask};
