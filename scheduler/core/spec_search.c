/*
 * The `search` section: which keys each algorithm has, and whether what they say holds together.
 */
#include "core/spec_parts.h"

#include "base/mem.h"
#include "core/plan.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define BIT(algorithm) (1u << (algorithm))
#define HALVING        (BIT(RUNG_SUCCESSIVE_HALVING) | BIT(RUNG_ASHA))
#define COUNTED        (HALVING | BIT(RUNG_RANDOM) | BIT(RUNG_INCREMENTAL))
#define MODELS_MAX                                                                                           \
    INT32_MAX /* of a search; calls have the same limit, so that the plan's arithmetic stays in range */

static const char *const ALGORITHMS[] = {"hyperband", "successive_halving", "asha", "random",
                                         "grid",      "incremental"};
static const char *const VARIANTS[] = {"exact", "dask", "table"};
static const char *const PRIORITIES[] = {"score", "fifo", "critical"};
#define COUNT(words) (sizeof(words) / sizeof *(words))
#define ROW(...)     RUNG_FIELD(rung_search_keys, __VA_ARGS__)

static const struct rung_field ROWS[] = {
    ROW(algorithm, WORD, .words = ALGORITHMS, .word_count = COUNT(ALGORITHMS)),
    ROW(max_iter, INTEGER, .lo = 1, .hi = INT32_MAX, .otherwise.integer = RUNG_UNSET),
    ROW(n_params, INTEGER, .lo = 1, .hi = INT32_MAX, .otherwise.integer = RUNG_UNSET),
    ROW(n_examples, INTEGER, .lo = 1, .hi = (int64_t)RUNG_JSON_INTEGER_MAX, .otherwise.integer = RUNG_UNSET),
    ROW(aggressiveness, INTEGER, .lo = 2, .hi = INT32_MAX, .otherwise.integer = 3,
        .groups = BIT(RUNG_HYPERBAND) | HALVING),
    ROW(variant, WORD, .words = VARIANTS, .word_count = COUNT(VARIANTS), .groups = BIT(RUNG_HYPERBAND)),
    ROW(models, INTEGER, .lo = 1, .hi = MODELS_MAX, .otherwise.integer = RUNG_UNSET, .groups = COUNTED),
    ROW(first_calls, INTEGER, .lo = 1, .hi = INT32_MAX, .otherwise.integer = 1, .groups = HALVING),
    ROW(fits_per_score, INTEGER, .lo = 1, .hi = INT32_MAX, .otherwise.integer = 1,
        .groups = BIT(RUNG_INCREMENTAL)),
    ROW(decay_rate, NUMBER, .null = true, .otherwise.number = NAN, .groups = BIT(RUNG_INCREMENTAL)),
    ROW(patience, VALUE),
    ROW(tol, NUMBER, .null = true, .otherwise.number = 0.001),
    ROW(priority, WORD, .words = PRIORITIES, .word_count = COUNT(PRIORITIES)),
    ROW(seed, INTEGER, .lo = 0, .hi = (int64_t)RUNG_JSON_INTEGER_MAX),
};
const struct rung_fields rung_spec_search_fields = {ROWS, COUNT(ROWS)};

static const struct rung_place SEARCH = {NULL, "search", 0};

const char *rung_algorithm_name(enum rung_algorithm algorithm)
{
    return ALGORITHMS[algorithm];
}

const char *rung_variant_name(enum rung_variant variant)
{
    return VARIANTS[variant];
}

const char *rung_priority_name(enum rung_priority priority)
{
    return PRIORITIES[priority];
}

/* A key that other algorithms have. */
static int foreign_key(int algorithm, const struct rung_field *field, struct rung_err *err)
{
    struct rung_buf list;
    struct rung_place at = {&SEARCH, field->key, 0};
    unsigned left = field->groups;
    bool several = (left & (left - 1)) != 0;
    rung_buf_init(&list, RUNG_BUF_UNLIMITED);
    for (int i = 0; i < (int)COUNT(ALGORITHMS); i++) {
        if (!(left & BIT(i)))
            continue;
        left &= ~BIT(i);
        rung_buf_printf(&list, "%s%s", list.length == 0 ? "" : left ? ", " : " and ", ALGORITHMS[i]);
    }
    rung_place_error(err, &at, "\"%s\" has no such key (%s %s it)", ALGORITHMS[algorithm],
                     rung_buf_cstr(&list), several ? "have" : "has");
    rung_buf_free(&list);
    return RUNG_EUSE;
}

int rung_spec_read_search(struct rung_search_keys *keys, const struct rung_json *search, struct rung_err *err)
{
    if (search && !rung_json_is(search, RUNG_JSON_OBJECT))
        return rung_place_expected(err, &SEARCH, "an object", search);
    int status = rung_fields_read_key(keys, &rung_spec_search_fields, "algorithm", search, &SEARCH, err);
    if (status != 0)
        return status;
    unsigned group = BIT(keys->algorithm);
    for (struct rung_json *v = search ? rung_json_first(search) : NULL; v; v = rung_json_next(v)) {
        const struct rung_field *field = rung_fields_find(&rung_spec_search_fields, rung_json_key(v));
        if (field && field->groups != 0 && !(field->groups & group))
            return foreign_key(keys->algorithm, field, err);
    }
    return rung_fields_read(keys, &rung_spec_search_fields, group, search, &SEARCH, err);
}

static int wrong(struct rung_err *err, const char *key, char *why)
{
    struct rung_place at = {&SEARCH, key, 0};
    rung_place_error(err, &at, "%s", why);
    free(why);
    return RUNG_EUSE;
}

/* max_iter, or the rule of thumb in its place: as many calls as models to try, each of so many examples that
 * the best model sees n_examples. */
static int settle_budget(struct rung_search_spec *search, const struct rung_search_keys *keys,
                         struct rung_err *err)
{
    bool params = keys->n_params != RUNG_UNSET, examples = keys->n_examples != RUNG_UNSET;
    search->max_iter = keys->max_iter;
    search->examples_per_call = RUNG_UNSET;
    if (params != examples)
        return wrong(err, params ? "n_examples" : "n_params",
                     rung_mem_printf("missing (%s needs it)", params ? "n_params" : "n_examples"));
    if (params && keys->max_iter != RUNG_UNSET)
        return wrong(err, "max_iter", rung_mem_printf("contradicts n_params (give one of them)"));
    if (params && keys->n_examples < keys->n_params)
        return wrong(
            err, "n_examples",
            rung_mem_printf("expected at least n_params = %lld, found %lld: a call would see no example",
                            (long long)keys->n_params, (long long)keys->n_examples));
    if (params) {
        search->max_iter = keys->n_params;
        search->examples_per_call = keys->n_examples / keys->n_params;
    } else if (keys->max_iter == RUNG_UNSET && keys->algorithm != RUNG_SUCCESSIVE_HALVING) {
        return wrong(err, "max_iter", rung_mem_printf("missing (or n_params and n_examples)"));
    }
    return 0;
}

static int check_calls(const struct rung_search_spec *search, struct rung_err *err)
{
    const struct {
        const char *key;
        int64_t calls;
    } steps[] = {{"first_calls", search->first_calls}, {"fits_per_score", search->fits_per_score}};
    for (size_t i = 0; i < COUNT(steps) && search->max_iter != RUNG_UNSET; i++)
        if (steps[i].calls > search->max_iter)
            return wrong(err, steps[i].key,
                         rung_mem_printf("expected at most max_iter = %lld, found %lld",
                                         (long long)search->max_iter, (long long)steps[i].calls));
    return 0;
}

/* A list of configurations says how many models there are where `models` does not. */
static int settle_models(struct rung_spec *spec, int64_t models, struct rung_err *err)
{
    struct rung_search_spec *search = &spec->search;
    int64_t listed = rung_space_limit(spec->space);
    bool limited =
        isfinite(spec->limits.time) || spec->limits.calls != INT64_MAX || !isnan(spec->limits.score);
    search->models = models;
    if (!((COUNTED | BIT(RUNG_GRID)) & BIT(search->algorithm)) || models != RUNG_UNSET)
        return 0;
    if (listed <= MODELS_MAX)
        search->models = listed;
    else if (search->algorithm != RUNG_ASHA)
        return wrong(err, "models", rung_mem_printf("missing"));
    else if (!limited)
        return wrong(
            err, "models",
            rung_mem_printf("missing (asha needs it, or limits.time, limits.calls or limits.score)"));
    return 0;
}

static int check_supply(struct rung_spec *spec, int64_t needed, struct rung_err *err)
{
    int64_t listed = rung_space_limit(spec->space), first = rung_space_first_count(spec->space);
    if (needed > MODELS_MAX)
        return rung_err_set(err, RUNG_EUSE, "search: a plan of %lld models (at most %d)", (long long)needed,
                            MODELS_MAX);
    if (listed < needed)
        return rung_err_set(err, RUNG_EUSE, "configurations: %lld given, %lld needed", (long long)listed,
                            (long long)needed);
    if (listed != INT64_MAX && listed > needed)
        rung_spec_note(
            spec, rung_mem_printf("configurations: %lld given, %lld needed: the last %lld are left unused",
                                  (long long)listed, (long long)needed, (long long)(listed - needed)));
    if (first > needed && needed > 0) /* 0: as many as fit before a limit */
        rung_spec_note(spec,
                       rung_mem_printf("first: %lld given, %lld models: the last %lld are left unused",
                                       (long long)first, (long long)needed, (long long)(first - needed)));
    return 0;
}

/* Calls of the longest-trained model. */
static int64_t longest(const struct rung_plan *plan)
{
    int64_t calls = 0;
    for (size_t i = 0; i < plan->bracket_count; i++) {
        const struct rung_plan_bracket *bracket = &plan->brackets[i];
        for (size_t k = 0; k < bracket->rung_count; k++)
            if (bracket->rungs[k].calls > calls)
                calls = bracket->rungs[k].calls;
    }
    return calls;
}

/* `true` is a third of the way at the default aggressiveness: a model that has not improved in that time will
 * hardly do so later. */
static int settle_patience(struct rung_spec *spec, const struct rung_json *patience, int64_t reached,
                           struct rung_err *err)
{
    struct rung_search_spec *search = &spec->search;
    struct rung_place at = {&SEARCH, "patience", 0};
    int64_t most = search->max_iter != RUNG_UNSET ? search->max_iter : reached;
    int64_t share = most / search->aggressiveness;
    if (!patience)
        return 0;
    if (rung_json_is(patience, RUNG_JSON_BOOL)) {
        search->patience = rung_json_bool(patience) && share >= 2 ? share : 0;
        if (rung_json_bool(patience) && share < 2)
            rung_spec_note(
                spec,
                rung_mem_printf("search.patience: %lld calls / aggressiveness %lld is below 2, so it is off",
                                (long long)most, (long long)search->aggressiveness));
        return 0;
    }
    if (!rung_json_integer(patience, 2, (int64_t)RUNG_JSON_INTEGER_MAX, &search->patience))
        return rung_place_expected(err, &at, "false, true or an integer >= 2", patience);
    if (search->patience < share)
        rung_spec_note(
            spec,
            rung_mem_printf("search.patience: %lld is below max_iter / aggressiveness = %lld: models that "
                            "improve slowly may be stopped",
                            (long long)search->patience, (long long)share));
    return 0;
}

static int check_plan(struct rung_spec *spec, const struct rung_search_keys *keys, struct rung_err *err)
{
    struct rung_plan plan = {0};
    int status = rung_plan_make(&plan, &spec->search, err);
    if (status == 0)
        status = check_supply(spec, plan.models, err);
    if (status == 0)
        status = settle_patience(spec, keys->patience, longest(&plan), err);
    rung_plan_free(&plan);
    return status;
}

int rung_spec_settle_search(struct rung_spec *spec, const struct rung_search_keys *keys, struct rung_err *err)
{
    struct rung_search_spec *search = &spec->search;
    search->algorithm = (enum rung_algorithm)keys->algorithm;
    search->variant = (enum rung_variant)keys->variant;
    search->priority = (enum rung_priority)keys->priority;
    search->aggressiveness = keys->aggressiveness;
    search->first_calls = keys->first_calls;
    search->fits_per_score = keys->fits_per_score;
    search->decay_rate = keys->decay_rate;
    search->tol = keys->tol;
    search->seed = (uint64_t)keys->seed;
    int status = settle_budget(search, keys, err);
    if (status == 0)
        status = check_calls(search, err);
    if (status == 0)
        status = settle_models(spec, keys->models, err);
    return status == 0 ? check_plan(spec, keys, err) : status;
}
