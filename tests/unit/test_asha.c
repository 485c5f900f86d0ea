/*
 * ASHA against its pseudocode (Li et al. 2020, Algorithm 2) on plain lists, and what happens at its ends.
 */
#include "core/rank.h"
#include "core/search.h"

#include "../core_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MODELS_MAX 200
#define RUNGS_MAX  8

static struct rung_search_spec asha(int64_t first_calls, int64_t max_iter, int64_t eta, int64_t models)
{
    struct rung_search_spec spec = help_spec(max_iter, eta);
    spec.algorithm = RUNG_ASHA;
    spec.first_calls = first_calls;
    spec.models = models;
    return spec;
}

/* The worked example: one trainer, score v + 0.01 rung; the jobs as (model,rung). */
static void test_jobs_of_one_trainer(void **state)
{
    (void)state;
    const double v[] = {.3, .9, .5, .7, .2, .8, .6, .95, .1, .4, .85, .15};
    struct rung_search_spec spec = asha(1, 9, 3, RUNG_UNSET);
    struct rung_search *search = help_search(&spec);
    struct rung_event event = help_start(), ask = {.kind = RUNG_EVENT_ASK};
    struct rung_decisions decisions = {0};
    struct rung_buf jobs;
    rung_buf_init(&jobs, RUNG_BUF_UNLIMITED);
    help_step(search, &event, &decisions);
    for (int job = 0; job < 16; job++) {
        help_step(search, &ask, &decisions);
        const struct rung_decision *train = &decisions.items[decisions.count - 1];
        assert_int_equal(train->kind, RUNG_DECISION_TRAIN);
        rung_buf_printf(&jobs, "(%u,%d)", train->model, train->rung);
        event = help_result(train->model, train->to, v[train->model] + 0.01 * train->rung);
        help_step(search, &event, &decisions);
    }
    assert_string_equal(rung_buf_cstr(&jobs),
                        "(0,0)(1,0)(2,0)(1,1)(3,0)(4,0)(5,0)(5,1)(6,0)(7,0)(7,1)(7,2)(8,0)(9,0)"
                        "(10,0)(10,1)");
    rung_buf_free(&jobs);
    rung_decisions_free(&decisions);
    rung_search_free(search);
}

struct list {
    uint64_t random;
    int64_t eta;
    size_t last;
    size_t models, limit;
    struct {
        struct rung_ranked entry; /* NaN while it counts without a score */
        bool promoted;
    } rungs[RUNGS_MAX][MODELS_MAX];
    size_t counts[RUNGS_MAX];
    size_t rung_of[MODELS_MAX];
    bool open[MODELS_MAX], failed[MODELS_MAX];
    size_t running;
};

static void list_report(struct list *list, uint32_t model, double score)
{
    size_t rung = list->rung_of[model], i = 0;
    while (i < list->counts[rung] && list->rungs[rung][i].entry.model != model)
        i++;
    list->rungs[rung][i].entry = (struct rung_ranked){score, model};
    list->rungs[rung][i].promoted = false;
    list->counts[rung] += i == list->counts[rung];
    list->open[model] = false;
    list->running--;
}

/* The entry of the best of rung k that may be promoted, or -1. */
static int list_candidate(const struct list *list, size_t k)
{
    struct rung_ranked order[MODELS_MAX];
    size_t count = list->counts[k];
    for (size_t i = 0; i < count; i++)
        order[i] = list->rungs[k][i].entry;
    rung_rank_sort(order, count);
    for (size_t place = 0; place < count / (size_t)list->eta; place++)
        for (size_t i = 0; i < count; i++)
            if (list->rungs[k][i].entry.model == order[place].model && !list->rungs[k][i].promoted &&
                isfinite(order[place].score))
                return (int)i;
    return -1;
}

/* get_job: the model and its rung, or false when there is nothing to do. */
static bool list_job(struct list *list, uint32_t *model, size_t *rung)
{
    for (size_t k = list->last; k-- > 0;) {
        int i = list_candidate(list, k);
        if (i < 0)
            continue;
        list->rungs[k][i].promoted = true;
        *model = list->rungs[k][i].entry.model;
        *rung = k + 1;
        return true;
    }
    *model = (uint32_t)list->models;
    *rung = 0;
    return list->models < list->limit;
}

static void check_ask(struct list *list, struct rung_search *search)
{
    struct rung_event ask = {.kind = RUNG_EVENT_ASK};
    struct rung_decisions decisions = {0};
    uint32_t model;
    size_t rung;
    bool asks = rung_search_asks(search), job = list_job(list, &model, &rung);
    help_step(search, &ask, &decisions);
    assert_int_equal(asks, job);
    assert_int_equal(decisions.count, job ? 1 + (rung == 0) : 0);
    if (job) {
        const struct rung_decision *train = &decisions.items[decisions.count - 1];
        assert_int_equal(train->kind, RUNG_DECISION_TRAIN);
        assert_int_equal(train->model, model);
        assert_int_equal(train->rung, rung);
        list->models += rung == 0;
        list->rung_of[model] = rung;
        list->open[model] = true;
        list->running++;
    }
    rung_decisions_free(&decisions);
}

static void check_end_of_job(struct list *list, struct rung_search *search)
{
    struct rung_decisions decisions = {0};
    size_t left = help_below(&list->random, list->running);
    uint32_t model = 0;
    while (!list->open[model] || left-- > 0)
        model++;
    uint64_t kind = help_below(&list->random, 10);
    double score = kind == 0 ? NAN : (double)help_below(&list->random, 12);
    struct rung_event event = help_answer(search, model, score);
    list->failed[model] = kind == 1;
    if (list->failed[model])
        event = (struct rung_event){
            .kind = RUNG_EVENT_FAILURE, .model = model, .calls = rung_search_model(search, model).calls};
    help_step(search, &event, &decisions);
    list_report(list, model, list->failed[model] ? NAN : score);
    bool finished = decisions.count > 0 && decisions.items[0].kind == RUNG_DECISION_FINISH;
    assert_int_equal(finished, list->rung_of[model] == list->last && !list->failed[model]);
    rung_decisions_free(&decisions);
}

static void check_retry(struct list *list, struct rung_search *search)
{
    struct rung_decisions decisions = {0};
    uint32_t model = (uint32_t)help_below(&list->random, list->models);
    struct rung_event event = {.kind = RUNG_EVENT_RETRY, .model = model};
    if (!list->failed[model])
        return;
    event.calls = rung_search_model(search, model).calls;
    help_step(search, &event, &decisions);
    assert_int_equal(decisions.count, 1);
    list->failed[model] = false;
    list->open[model] = true;
    list->running++;
    rung_decisions_free(&decisions);
}

static void test_random_runs(void **state)
{
    (void)state;
    static struct list list;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        list = (struct list){.random = seed};
        list.eta = 2 + (int64_t)help_below(&list.random, 3);
        list.limit = 81 + help_below(&list.random, MODELS_MAX - 81);
        struct rung_search_spec spec =
            asha(1 + (int64_t)help_below(&list.random, 3), 4 + (int64_t)help_below(&list.random, 40),
                 list.eta, (int64_t)list.limit);
        struct rung_search *search = help_search(&spec);
        struct rung_event event = help_start();
        struct rung_decisions decisions = {0};
        size_t trainers = 1 + help_below(&list.random, 10);
        list.last = rung_search_plan(search)->brackets[0].rung_count - 1;
        help_step(search, &event, &decisions);
        rung_decisions_free(&decisions);
        while (!rung_search_done(search)) {
            if (list.running < trainers && (rung_search_asks(search) || help_below(&list.random, 4) == 0))
                check_ask(&list, search);
            else if (list.running > 0)
                check_end_of_job(&list, search);
            if (!rung_search_done(search) && list.models > 0 && help_below(&list.random, 4) == 0)
                check_retry(&list, search);
        }
        uint32_t model;
        size_t rung;
        assert_false(list_job(&list, &model, &rung));
        assert_int_equal(list.running, 0);
        rung_search_free(search);
    }
}

static void test_without_end(void **state)
{
    (void)state;
    struct rung_search_spec spec = asha(1, 27, 3, RUNG_UNSET);
    struct rung_search *search = help_search(&spec);
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    assert_false(rung_search_asks(search));
    assert_string_equal(help_line(search, "start", &buf), "");
    assert_true(rung_search_asks(search));
    for (uint32_t model = 0; model < 1000; model++) {
        char expected[80];
        snprintf(expected, sizeof expected, "model %u bracket 0\ntrain %u 0>1 rung 0", model, model);
        assert_string_equal(help_line(search, "ask", &buf), expected);
    }
    assert_false(rung_search_done(search));
    assert_int_equal(rung_search_model_count(search), 1000);
    assert_int_equal(rung_search_bracket(search, 0).rung_models, 1000);
    assert_string_equal(help_line(search, "result 7 1 0.5", &buf), "");
    assert_int_equal(rung_search_bracket(search, 0).rung_reported, 1);
    rung_buf_free(&buf);
    rung_search_free(search);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_of_one_trainer),
        cmocka_unit_test(test_random_runs),
        cmocka_unit_test(test_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
