/* What all plans share: the checks before, the totals after, the memory. */
#include "core/plan.h"

#include "base/mem.h"
#include "core/method.h"

#include <stdlib.h>

struct rung_plan_bracket *rung_plan_add(struct rung_plan *plan, uint32_t number, size_t rung_count)
{
    size_t count = plan->bracket_count + 1;
    plan->brackets = rung_mem_resize(plan->brackets, count, sizeof *plan->brackets);
    struct rung_plan_bracket *bracket = &plan->brackets[plan->bracket_count];
    *bracket = (struct rung_plan_bracket){.bracket = number, .rung_count = rung_count};
    bracket->rungs = rung_mem_zalloc(rung_count, sizeof *bracket->rungs);
    plan->bracket_count = count;
    return bracket;
}

int64_t rung_plan_levels(int64_t first, int64_t last, int64_t eta)
{
    int64_t levels = 0;
    for (int64_t calls = first; calls <= last / eta; calls *= eta)
        levels++;
    return levels;
}

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t multiply(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/* Training is resumed: a rung costs the calls since the rung before. */
static void sum_bracket(struct rung_plan_bracket *bracket)
{
    int64_t reached = 0;
    for (size_t i = 0; i < bracket->rung_count; i++) {
        const struct rung_plan_rung *rung = &bracket->rungs[i];
        bracket->calls = add(bracket->calls, multiply(rung->models, rung->calls - reached));
        bracket->scores = add(bracket->scores, rung->models);
        reached = rung->calls;
    }
}

static int check_rungs(const struct rung_plan_bracket *bracket, const struct rung_search_spec *spec,
                       struct rung_err *err)
{
    if (spec->algorithm == RUNG_ASHA && spec->models == RUNG_UNSET)
        return 0;
    for (size_t i = 0; i < bracket->rung_count; i++) {
        const struct rung_plan_rung *rung = &bracket->rungs[i];
        if (rung->models > 0 && rung->calls > 0)
            continue;
        const char *key = spec->algorithm == RUNG_HYPERBAND ? "variant" : "models";
        rung_err_set(err, RUNG_EUSE, "search.%s: rung %zu of bracket %u would have 0 %s", key, i,
                     bracket->bracket, rung->calls > 0 ? "models" : "calls");
        return rung_err_way_out(err, spec->algorithm == RUNG_HYPERBAND
                                         ? "use \"variant\": \"exact\""
                                         : "more models, or a smaller max_iter");
    }
    return 0;
}

/* Counts beyond this are no exact doubles, which is what JSON has. */
#define COUNT_MAX 9007199254740991 /* 2^53 - 1 */

static int check_count(const char *key, int64_t count, int64_t least, struct rung_err *err)
{
    if (count < least)
        return rung_err_set(err, RUNG_EUSE, "search.%s: must be at least %lld", key, (long long)least);
    if (count > COUNT_MAX)
        return rung_err_set(err, RUNG_EUSE, "search.%s: must be at most 2^53 - 1", key);
    return 0;
}

static int check_spec(const struct rung_search_spec *spec, struct rung_err *err)
{
    bool counted =
        spec->algorithm != RUNG_HYPERBAND && (spec->algorithm != RUNG_ASHA || spec->models != RUNG_UNSET);
    bool capped = spec->algorithm != RUNG_SUCCESSIVE_HALVING || spec->max_iter != RUNG_UNSET;
    bool staged = spec->algorithm == RUNG_SUCCESSIVE_HALVING || spec->algorithm == RUNG_ASHA;
    int code = check_count("aggressiveness", spec->aggressiveness, 2, err);
    if (code == 0 && capped)
        code = check_count("max_iter", spec->max_iter, 1, err);
    if (code == 0 && counted)
        code = check_count("models", spec->models, 1, err);
    if (code == 0 && staged)
        code = check_count("first_calls", spec->first_calls, 1, err);
    if (code == 0 && spec->algorithm == RUNG_INCREMENTAL)
        code = check_count("fits_per_score", spec->fits_per_score, 1, err);
    return code;
}

int rung_plan_make(struct rung_plan *plan, const struct rung_search_spec *search, struct rung_err *err)
{
    *plan = (struct rung_plan){0};
    int code = check_spec(search, err);
    if (code == 0)
        code = rung_method_of(search->algorithm)->plan(plan, search, err);
    for (size_t i = 0; code == 0 && i < plan->bracket_count; i++) {
        struct rung_plan_bracket *bracket = &plan->brackets[i];
        code = check_rungs(bracket, search, err);
        bracket->first_model = plan->models;
        sum_bracket(bracket);
        plan->models = add(plan->models, bracket->rungs[0].models);
        plan->calls = add(plan->calls, bracket->calls);
        plan->scores = add(plan->scores, bracket->scores);
    }
    return code;
}

struct rung_plan rung_plan_copy(const struct rung_plan *plan)
{
    struct rung_plan copy = *plan;
    copy.brackets = rung_mem_copy(plan->brackets, plan->bracket_count, sizeof *plan->brackets);
    for (size_t i = 0; i < plan->bracket_count; i++) {
        struct rung_plan_bracket *bracket = &copy.brackets[i];
        bracket->rungs = rung_mem_copy(bracket->rungs, bracket->rung_count, sizeof *bracket->rungs);
    }
    return copy;
}

void rung_plan_free(struct rung_plan *plan)
{
    for (size_t i = 0; i < plan->bracket_count; i++)
        free(plan->brackets[i].rungs);
    free(plan->brackets);
    *plan = (struct rung_plan){0};
}
