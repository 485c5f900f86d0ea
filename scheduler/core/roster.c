/* The moves. A journal forgets its older half when it is half as long as its bracket has models: looking at
 * all of them is then about as much work as reading it, so following a bracket costs O(1) per change, and who
 * reads it often misses nothing. */
#include "core/roster.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MODELS_MAX 2147483647 /* 2^31 - 1 */

static void init_bracket(struct rung_bracket *bracket, const struct rung_plan_bracket *plan, bool asks)
{
    *bracket = (struct rung_bracket){.plan = plan, .winner = RUNG_NO_MODEL};
    if (asks)
        return; /* its models come one at a time and share no rung */
    bracket->alive_count = (size_t)plan->rungs[0].models;
    bracket->alive = rung_mem_resize(NULL, bracket->alive_count, sizeof *bracket->alive);
    for (size_t i = 0; i < bracket->alive_count; i++)
        bracket->alive[i] = (uint32_t)plan->first_model + (uint32_t)i;
}

int rung_roster_init(struct rung_roster *roster, const struct rung_search_spec *spec, struct rung_err *err)
{
    *roster = (struct rung_roster){.spec = *spec, .best = RUNG_NO_MODEL};
    int code = rung_plan_make(&roster->plan, spec, err);
    if (code != 0)
        return code;
    if (roster->plan.models > MODELS_MAX)
        return rung_err_set(err, RUNG_EUSE, "search: %lld models are more than can be counted (%d)",
                            (long long)roster->plan.models, MODELS_MAX);

    bool asks = spec->algorithm == RUNG_ASHA;
    size_t largest = 0;
    roster->bracket_count = roster->brackets_open = roster->plan.bracket_count;
    roster->brackets = rung_mem_zalloc(roster->bracket_count, sizeof *roster->brackets);
    for (size_t i = 0; i < roster->bracket_count; i++) {
        init_bracket(&roster->brackets[i], &roster->plan.brackets[i], asks);
        if (roster->plan.brackets[i].rung_count > 1 && roster->brackets[i].alive_count > largest)
            largest = roster->brackets[i].alive_count;
    }
    roster->ranked = rung_mem_zalloc(largest, sizeof *roster->ranked);
    if (!asks) {
        roster->model_capacity = (size_t)roster->plan.models;
        roster->models = rung_mem_zalloc(roster->model_capacity, sizeof *roster->models);
    }
    return 0;
}

void rung_roster_free(struct rung_roster *roster)
{
    for (size_t i = 0; i < roster->bracket_count; i++) {
        free(roster->brackets[i].alive);
        free(roster->brackets[i].changes.models);
    }
    for (size_t i = 0; roster->records != NULL && i < roster->model_count; i++)
        free(roster->records[i].items);
    free(roster->records);
    free(roster->ranked);
    free(roster->brackets);
    free(roster->models);
    rung_plan_free(&roster->plan);
    *roster = (struct rung_roster){0};
}

static void copy_bracket(struct rung_bracket *bracket, const struct rung_plan_bracket *plan)
{
    bracket->plan = plan;
    bracket->alive = rung_mem_copy(bracket->alive, bracket->alive_count, sizeof *bracket->alive);
    bracket->changes =
        (struct rung_journal){.forgotten = bracket->changes.forgotten + bracket->changes.count};
}

struct rung_roster rung_roster_copy(const struct rung_roster *roster)
{
    struct rung_roster copy = *roster;
    copy.plan = rung_plan_copy(&roster->plan);
    copy.models = rung_mem_copy(roster->models, roster->model_capacity, sizeof *roster->models);
    copy.brackets = rung_mem_copy(roster->brackets, roster->bracket_count, sizeof *roster->brackets);
    size_t largest = 0;
    for (size_t i = 0; i < copy.bracket_count; i++) {
        copy_bracket(&copy.brackets[i], &copy.plan.brackets[i]);
        bool ranks = copy.brackets[i].alive != NULL && copy.plan.brackets[i].rung_count > 1;
        if (ranks && copy.brackets[i].alive_count > largest)
            largest = copy.brackets[i].alive_count;
    }
    copy.ranked = rung_mem_zalloc(largest, sizeof *copy.ranked);
    copy.records = rung_mem_copy(roster->records, roster->model_capacity, sizeof *roster->records);
    for (size_t i = 0; copy.records != NULL && i < copy.model_count; i++) {
        struct rung_records *records = &copy.records[i];
        records->items = rung_mem_copy(records->items, records->capacity, sizeof *records->items);
    }
    copy.out = NULL;
    return copy;
}

bool rung_roster_like_dask(const struct rung_roster *roster)
{
    return roster->spec.algorithm == RUNG_HYPERBAND && roster->spec.variant == RUNG_VARIANT_DASK;
}

double rung_roster_oriented(const struct rung_roster *roster, double score)
{
    if (!isfinite(score))
        return NAN;
    return roster->spec.maximize ? score : -score;
}

struct rung_ranked rung_roster_ranked(const struct rung_roster *roster, uint32_t model)
{
    const struct rung_model *m = &roster->models[model];
    double score = m->status == RUNG_MODEL_FAILED ? NAN : rung_roster_oriented(roster, m->score);
    return (struct rung_ranked){.score = score, .model = model};
}

static void touch(struct rung_roster *roster, uint32_t model)
{
    struct rung_bracket *bracket = &roster->brackets[roster->models[model].bracket];
    struct rung_journal *journal = &bracket->changes;
    size_t models = bracket->alive != NULL ? (size_t)bracket->plan->rungs[0].models : roster->model_count;
    if (journal->count == journal->capacity && 2 * journal->count >= models) {
        size_t half = journal->count - journal->count / 2;
        journal->forgotten += half;
        journal->count -= half;
        memmove(journal->models, journal->models + half, journal->count * sizeof *journal->models);
    }
    journal->models =
        rung_mem_grow(journal->models, journal->count, &journal->capacity, sizeof *journal->models);
    journal->models[journal->count++] = model;
}

struct rung_changes rung_roster_changes(const struct rung_roster *roster, size_t bracket, uint64_t *cursor)
{
    const struct rung_journal *journal = &roster->brackets[bracket].changes;
    struct rung_changes changes = {.all = *cursor < journal->forgotten};
    if (!changes.all) {
        size_t seen = (size_t)(*cursor - journal->forgotten);
        changes.models = journal->models + seen;
        changes.count = journal->count - seen;
    }
    *cursor = journal->forgotten + journal->count;
    return changes;
}

/* The decision about model, with what all of them have. */
static struct rung_decision decision_on(const struct rung_roster *roster, enum rung_decision_kind kind,
                                        uint32_t model)
{
    uint32_t bracket = roster->plan.brackets[roster->models[model].bracket].bracket;
    return (struct rung_decision){.kind = kind, .model = model, .bracket = bracket, .rung = RUNG_NO_RUNG};
}

static void decide_model(struct rung_roster *roster, enum rung_decision_kind kind, uint32_t model)
{
    struct rung_decision decision = decision_on(roster, kind, model);
    rung_decisions_add(roster->out, &decision);
}

uint32_t rung_roster_create_model(struct rung_roster *roster, uint32_t bracket)
{
    uint32_t model = (uint32_t)roster->model_count;
    size_t capacity = roster->model_capacity;
    roster->models = rung_mem_grow(roster->models, model, &roster->model_capacity, sizeof *roster->models);
    if (roster->spec.patience > 0 && (roster->records == NULL || capacity != roster->model_capacity))
        roster->records = rung_mem_resize(roster->records, roster->model_capacity, sizeof *roster->records);
    if (roster->records != NULL)
        roster->records[model] = (struct rung_records){0};
    roster->models[model] = (struct rung_model){
        .score = NAN, .target_rung = RUNG_NO_RUNG, .bracket = bracket, .status = RUNG_MODEL_PAUSED};
    roster->model_count++;
    decide_model(roster, RUNG_DECISION_MODEL, model);
    return model;
}

void rung_roster_train_again(struct rung_roster *roster, uint32_t model)
{
    struct rung_model *m = &roster->models[model];
    m->status = RUNG_MODEL_TRAINING;
    roster->brackets[m->bracket].training++;
    touch(roster, model);
    struct rung_decision decision = decision_on(roster, RUNG_DECISION_TRAIN, model);
    decision.rung = m->target_rung;
    decision.from = m->calls;
    decision.to = m->target;
    rung_decisions_add(roster->out, &decision);
}

static bool plateaued(const struct rung_roster *roster, uint32_t model)
{
    if (roster->records == NULL)
        return false;
    const struct rung_records *records = &roster->records[model];
    return rung_patience_plateau(records->items, records->count, roster->models[model].calls, &roster->spec);
}

bool rung_roster_advance(struct rung_roster *roster, uint32_t model, int64_t target, int32_t rung)
{
    struct rung_model *m = &roster->models[model];
    if (plateaued(roster, model)) {
        m->status = RUNG_MODEL_PLATEAUED;
        touch(roster, model);
        decide_model(roster, RUNG_DECISION_PLATEAU, model);
        return false;
    }
    m->target = target;
    if (roster->spec.patience > 0 && target - m->calls > roster->spec.patience)
        m->target = m->calls + roster->spec.patience;
    if (m->calls == 0 && rung_roster_like_dask(roster))
        m->target = 1;
    m->target_rung = m->target == target ? rung : RUNG_NO_RUNG;
    rung_roster_train_again(roster, model);
    return true;
}

static void remember(struct rung_roster *roster, uint32_t model)
{
    const struct rung_model *m = &roster->models[model];
    struct rung_records *records = &roster->records[model];
    if (records->count == records->capacity) {
        size_t old = rung_patience_window(records->items, records->count, m->calls, &roster->spec);
        records->count -= old;
        for (size_t i = 0; i < records->count; i++)
            records->items[i] = records->items[old + i];
    }
    records->items =
        rung_mem_grow(records->items, records->count, &records->capacity, sizeof *records->items);
    records->items[records->count++] =
        (struct rung_patience_record){m->calls, rung_roster_oriented(roster, m->score)};
}

void rung_roster_record(struct rung_roster *roster, uint32_t model, double score)
{
    struct rung_model *m = &roster->models[model];
    m->calls = m->target;
    m->score = isfinite(score) ? score : NAN;
    m->status = RUNG_MODEL_PAUSED;
    roster->brackets[m->bracket].training--;
    touch(roster, model);
    if (roster->records != NULL)
        remember(roster, model);
}

void rung_roster_fail(struct rung_roster *roster, uint32_t model)
{
    struct rung_model *m = &roster->models[model];
    m->status = RUNG_MODEL_FAILED;
    roster->brackets[m->bracket].training--;
    touch(roster, model);
}

void rung_roster_stop(struct rung_roster *roster, uint32_t model, size_t rung)
{
    roster->models[model].status = RUNG_MODEL_STOPPED;
    touch(roster, model);
    struct rung_decision decision = decision_on(roster, RUNG_DECISION_STOP, model);
    decision.rung = (int32_t)rung;
    rung_decisions_add(roster->out, &decision);
}

/* The better of two that finished; either may be RUNG_NO_MODEL. */
static uint32_t better(const struct rung_roster *roster, uint32_t a, uint32_t b)
{
    if (a == RUNG_NO_MODEL)
        return b;
    return rung_rank_before(rung_roster_ranked(roster, b), rung_roster_ranked(roster, a)) ? b : a;
}

void rung_roster_finish(struct rung_roster *roster, uint32_t model)
{
    struct rung_model *m = &roster->models[model];
    struct rung_bracket *bracket = &roster->brackets[m->bracket];
    m->ended = true;
    if (m->status != RUNG_MODEL_PLATEAUED)
        m->status = RUNG_MODEL_COMPLETED;
    touch(roster, model);
    decide_model(roster, RUNG_DECISION_FINISH, model);
    if (isfinite(m->score)) {
        bracket->winner = better(roster, bracket->winner, model);
        roster->best = better(roster, roster->best, model);
    }
}

uint32_t rung_roster_leader(const struct rung_roster *roster)
{
    struct rung_ranked leader = {.score = NAN, .model = RUNG_NO_MODEL};
    if (roster->best != RUNG_NO_MODEL)
        return roster->best;
    for (uint32_t model = 0; model < roster->model_count; model++) {
        struct rung_ranked ranked = rung_roster_ranked(roster, model);
        if (isfinite(ranked.score) && rung_rank_before(ranked, leader))
            leader = ranked;
    }
    return leader.model;
}

void rung_roster_decide(struct rung_roster *roster, uint32_t bracket, size_t rung, size_t kept)
{
    struct rung_decision decision = {.kind = RUNG_DECISION_RUNG,
                                     .model = RUNG_NO_MODEL,
                                     .bracket = roster->plan.brackets[bracket].bracket,
                                     .rung = (int32_t)rung,
                                     .kept = (int64_t)kept};
    rung_decisions_add(roster->out, &decision);
}

void rung_roster_end_bracket(struct rung_roster *roster, uint32_t bracket)
{
    struct rung_bracket *b = &roster->brackets[bracket];
    b->ended = true;
    struct rung_decision decision = {
        .kind = RUNG_DECISION_BRACKET, .model = b->winner, .bracket = b->plan->bracket, .rung = RUNG_NO_RUNG};
    rung_decisions_add(roster->out, &decision);
    if (--roster->brackets_open > 0)
        return;
    roster->done = true;
    decision =
        (struct rung_decision){.kind = RUNG_DECISION_DONE, .model = roster->best, .rung = RUNG_NO_RUNG};
    rung_decisions_add(roster->out, &decision);
}
