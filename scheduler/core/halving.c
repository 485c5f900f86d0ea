/*
 * Successive halving with barriers (Jamieson & Talwalkar: Non-stochastic best arm identification, AISTATS
 * 2016), the operations of every synchronous algorithm: brackets run side by side, each climbs its list of
 * rungs.
 *
 * Invariants, per bracket that has not ended:
 *   1. alive holds the models of the rung, ascending; each is training, paused, plateaued or failed;
 *   2. reported counts those of them that are plateaued, failed, or paused (in the last rung: completed) at
 * the rung's calls; the rung is decided in the step in which that becomes all of them;
 *   3. in the last rung a model that has reported or plateaued is FINISHed at once.
 */
#include "core/method.h"

#include <math.h>

#define CALLS_MAX 9007199254740991 /* 2^53 - 1 */

int rung_halving_plan(struct rung_plan *plan, const struct rung_search_spec *spec, struct rung_err *err)
{
    size_t count = 0;
    for (int64_t models = spec->models; models > 0; models /= spec->aggressiveness)
        count++;

    struct rung_plan_bracket *bracket = rung_plan_add(plan, 0, count);
    int64_t models = spec->models, calls = spec->first_calls;
    for (size_t i = 0; i < count; i++, models /= spec->aggressiveness) {
        bool last = spec->max_iter != RUNG_UNSET && calls >= spec->max_iter;
        bracket->rungs[i] = (struct rung_plan_rung){models, last ? spec->max_iter : calls};
        if (last)
            bracket->rung_count = i + 1;
        if (last || i + 1 == count)
            break;
        if (calls > CALLS_MAX / spec->aggressiveness)
            return rung_err_set(err, RUNG_EUSE,
                                "search.first_calls: rung %zu would have more calls than can be counted",
                                i + 1);
        calls *= spec->aggressiveness;
    }
    return 0;
}

static bool in_last_rung(const struct rung_bracket *bracket)
{
    return bracket->rung + 1 == bracket->plan->rung_count;
}

/* The model has its place in the rung for good. */
static void settle_model(struct rung_roster *roster, struct rung_bracket *bracket, uint32_t model)
{
    bracket->reported++;
    if (in_last_rung(bracket))
        rung_roster_finish(roster, model);
}

static void send_on(struct rung_roster *roster, struct rung_bracket *bracket, uint32_t model)
{
    int64_t calls = bracket->plan->rungs[bracket->rung].calls;
    bool placed = roster->models[model].status == RUNG_MODEL_PLATEAUED;
    if (placed || !rung_roster_advance(roster, model, calls, (int32_t)bracket->rung))
        settle_model(roster, bracket, model);
}

/* Ranks the rung; the last of the `kept` that go on is left in *last. */
static size_t rank_rung(struct rung_roster *roster, const struct rung_bracket *bracket,
                        struct rung_ranked *last)
{
    size_t finite = 0, kept = 0;
    for (size_t i = 0; i < bracket->alive_count; i++) {
        roster->ranked[i] = rung_roster_ranked(roster, bracket->alive[i]);
        finite += isfinite(roster->ranked[i].score) != 0;
    }
    kept = (size_t)bracket->plan->rungs[bracket->rung + 1].models;
    if (kept > finite)
        kept = finite;
    rung_rank_select(roster->ranked, bracket->alive_count, kept);
    for (size_t i = 0; i < kept; i++)
        if (i == 0 || rung_rank_before(*last, roster->ranked[i]))
            *last = roster->ranked[i];
    return kept;
}

/* Stops those that come after `last` (all when nobody is kept) and leaves the others in alive. */
static void cut(struct rung_roster *roster, struct rung_bracket *bracket, size_t kept,
                struct rung_ranked last)
{
    size_t left = 0;
    for (size_t i = 0; i < bracket->alive_count; i++) {
        uint32_t model = bracket->alive[i];
        if (kept > 0 && !rung_rank_before(last, rung_roster_ranked(roster, model)))
            bracket->alive[left++] = model;
        else if (roster->models[model].status != RUNG_MODEL_FAILED)
            rung_roster_stop(roster, model, bracket->rung);
    }
    bracket->alive_count = left;
}

/* Everyone has reported. */
static void decide(struct rung_roster *roster, struct rung_bracket *bracket)
{
    uint32_t index = (uint32_t)(bracket - roster->brackets);
    struct rung_ranked last = {0};
    size_t kept = in_last_rung(bracket) ? 0 : rank_rung(roster, bracket, &last);
    rung_roster_decide(roster, index, bracket->rung, kept);
    if (!in_last_rung(bracket))
        cut(roster, bracket, kept, last);
    if (kept == 0) {
        rung_roster_end_bracket(roster, index);
        return;
    }
    bracket->rung++;
    bracket->reported = 0;
    for (size_t i = 0; i < kept; i++)
        send_on(roster, bracket, bracket->alive[i]);
}

/* Dask-ML's barrier at a score that decides no rung: the models that are short of the rung go on together. */
static void pass_split(struct rung_roster *roster, struct rung_bracket *bracket)
{
    int64_t calls = bracket->plan->rungs[bracket->rung].calls;
    for (size_t i = 0; i < bracket->alive_count; i++) {
        const struct rung_model *model = &roster->models[bracket->alive[i]];
        if (model->status == RUNG_MODEL_PAUSED && model->calls < calls)
            send_on(roster, bracket, bracket->alive[i]);
    }
}

/* A loop, because a rung whose models have all plateaued is decided at once, and so may be the next. */
static void proceed(struct rung_roster *roster, struct rung_bracket *bracket)
{
    while (!bracket->ended) {
        if (bracket->reported == bracket->alive_count)
            decide(roster, bracket);
        else if (rung_roster_like_dask(roster) && bracket->training == 0)
            pass_split(roster, bracket);
        else
            return;
    }
}

static void start(struct rung_roster *roster, void *state)
{
    (void)state;
    for (size_t b = 0; b < roster->bracket_count; b++) {
        struct rung_bracket *bracket = &roster->brackets[b];
        for (size_t i = 0; i < bracket->alive_count; i++)
            rung_roster_create_model(roster, (uint32_t)b);
        for (size_t i = 0; i < bracket->alive_count; i++)
            send_on(roster, bracket, bracket->alive[i]);
    }
}

static void report(struct rung_roster *roster, void *state, uint32_t model)
{
    (void)state;
    struct rung_bracket *bracket = &roster->brackets[roster->models[model].bracket];
    if (roster->models[model].calls == bracket->plan->rungs[bracket->rung].calls)
        settle_model(roster, bracket, model);
    else if (!rung_roster_like_dask(roster))
        send_on(roster, bracket, model);
    proceed(roster, bracket);
}

static void failure(struct rung_roster *roster, void *state, uint32_t model)
{
    (void)state;
    struct rung_bracket *bracket = &roster->brackets[roster->models[model].bracket];
    bracket->reported++;
    proceed(roster, bracket);
}

/* A failed model leaves alive when its rung is decided. */
static bool in_rung(const struct rung_bracket *bracket, uint32_t model)
{
    size_t low = 0, high = bracket->alive_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bracket->alive[middle] < model)
            low = middle + 1;
        else
            high = middle;
    }
    return low < bracket->alive_count && bracket->alive[low] == model;
}

static bool retry(struct rung_roster *roster, void *state, uint32_t model)
{
    (void)state;
    struct rung_bracket *bracket = &roster->brackets[roster->models[model].bracket];
    if (bracket->ended || !in_rung(bracket, model))
        return false;
    bracket->reported--;
    rung_roster_train_again(roster, model);
    return true;
}

const struct rung_method_ops rung_halving_ops = {
    .start = start, .report = report, .failure = failure, .retry = retry};
