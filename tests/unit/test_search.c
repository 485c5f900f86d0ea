/*
 * The search as its callers see it: views, the leader, refused events, plateaus under minimization, and whole
 * searches whose totals are known.
 */
#include "core/search.h"

#include "../core_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    struct rung_search *search;
    struct rung_buf buf;
};

static void open_search(struct fixture *fixture, const struct rung_search_spec *spec)
{
    fixture->search = help_search(spec);
    rung_buf_init(&fixture->buf, RUNG_BUF_UNLIMITED);
}

static void close_search(struct fixture *fixture)
{
    rung_search_free(fixture->search);
    rung_buf_free(&fixture->buf);
}

static const char *feed(struct fixture *fixture, const char *line)
{
    return help_line(fixture->search, line, &fixture->buf);
}

static struct rung_search_spec halving(int64_t models, int64_t eta)
{
    struct rung_search_spec spec = help_spec(RUNG_UNSET, eta);
    spec.algorithm = RUNG_SUCCESSIVE_HALVING;
    spec.models = models;
    return spec;
}

static void test_view_of_a_model(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = help_spec(4, 2);
    open_search(&f, &spec);
    assert_int_equal(rung_search_model_count(f.search), 0);
    feed(&f, "start");
    assert_int_equal(rung_search_model_count(f.search), 10);

    struct rung_model_view view = rung_search_model(f.search, 5);
    assert_int_equal(view.bracket, 1);
    assert_int_equal(view.bracket_index, 1);
    assert_int_equal(view.status, RUNG_MODEL_TRAINING);
    assert_int_equal(view.calls, 0);
    assert_int_equal(view.target, 2);
    assert_int_equal(view.target_rung, 0);
    assert_true(isnan(view.score));

    feed(&f, "result 5 2 0.25");
    view = rung_search_model(f.search, 5);
    assert_int_equal(view.status, RUNG_MODEL_PAUSED);
    assert_int_equal(view.calls, 2);
    assert_int_equal(view.target, 2);
    assert_int_equal(view.target_rung, RUNG_NO_RUNG);
    assert_true(view.score == 0.25);
    assert_false(view.ended_last_rung);

    struct rung_event infinite = help_result(4, 2, INFINITY);
    struct rung_decisions decisions = {0};
    help_step(f.search, &infinite, &decisions);
    assert_true(isnan(rung_search_model(f.search, 4).score));
    assert_string_equal(feed(&f, "result 6 2 0.5"), "rung 1 0 kept 1\nstop 4-5 rung 0\ntrain 6 2>4 rung 1");
    assert_int_equal(rung_search_model(f.search, 5).status, RUNG_MODEL_STOPPED);
    assert_string_equal(feed(&f, "result 6 4 0.125"), "finish 6\nrung 1 1 kept 0\nbracket 1 winner 6");
    view = rung_search_model(f.search, 6);
    assert_int_equal(view.status, RUNG_MODEL_COMPLETED);
    assert_true(view.ended_last_rung);
    assert_true(view.score == 0.125);
    rung_decisions_free(&decisions);
    close_search(&f);
}

static void test_view_of_a_bracket(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = help_spec(4, 2);
    open_search(&f, &spec);
    feed(&f, "start");
    assert_int_equal(rung_search_bracket_count(f.search), 3);
    feed(&f, "result 1 1 0.5");
    feed(&f, "failure 0 0");
    struct rung_bracket_view view = rung_search_bracket(f.search, 0);
    assert_int_equal(view.bracket, 2);
    assert_int_equal(view.rung, 0);
    assert_int_equal(view.rung_models, 4);
    assert_int_equal(view.rung_reported, 2);
    assert_int_equal(view.winner, RUNG_NO_MODEL);
    assert_ptr_equal(view.plan, &rung_search_plan(f.search)->brackets[0]);
    feed(&f, "result 2 1 0.1");
    feed(&f, "result 3 1 nan");
    view = rung_search_bracket(f.search, 0);
    assert_int_equal(view.rung, 1);
    assert_int_equal(view.rung_models, 2);
    assert_int_equal(view.rung_reported, 0);
    feed(&f, "result 2 2 0.1");
    feed(&f, "result 1 2 0.0");
    feed(&f, "result 2 4 0.3");
    view = rung_search_bracket(f.search, 0);
    assert_true(view.ended);
    assert_int_equal(view.winner, 2);
    close_search(&f);
}

/* The winner of a bracket is who ends best, not who once was best. */
static void test_last_scores_count(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = help_spec(9, 3);
    spec.algorithm = RUNG_RANDOM;
    spec.models = 2;
    spec.patience = 5;
    spec.tol = NAN;
    open_search(&f, &spec);
    assert_string_equal(feed(&f, "start"), "model 0-1 bracket 0\ntrain 0-1 0>5");
    feed(&f, "result 0 5 0.99");
    feed(&f, "result 1 5 0.1");
    assert_int_equal(rung_search_leader(f.search), 0);
    feed(&f, "result 0 9 0.2");
    assert_string_equal(feed(&f, "result 1 9 0.3"), "finish 1\nrung 0 0 kept 0\nbracket 0 winner 1\ndone 1");
    close_search(&f);
}

static void test_leader(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = help_spec(4, 2);
    open_search(&f, &spec);
    assert_int_equal(rung_search_leader(f.search), RUNG_NO_MODEL);
    feed(&f, "start");
    feed(&f, "result 1 1 nan");
    assert_int_equal(rung_search_leader(f.search), RUNG_NO_MODEL);
    feed(&f, "result 2 1 0.5");
    feed(&f, "result 0 1 0.5");
    assert_int_equal(rung_search_leader(f.search), 0);
    assert_int_equal(rung_search_best(f.search), RUNG_NO_MODEL);
    feed(&f, "result 7 4 0.1"); /* who ended a last rung leads, whatever the others' scores */
    assert_int_equal(rung_search_leader(f.search), 7);
    assert_int_equal(rung_search_best(f.search), 7);
    feed(&f, "result 9 4 0.2");
    feed(&f, "result 8 4 nan");
    assert_int_equal(rung_search_best(f.search), 9);
    close_search(&f);
}

/* Failed models rank last, so none leads, not even while it is the only one with a score. */
static void test_failed_never_leads(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = halving(2, 2);
    open_search(&f, &spec);
    feed(&f, "start");
    feed(&f, "result 0 1 0.9");
    feed(&f, "result 1 1 0.1");
    assert_int_equal(rung_search_leader(f.search), 0);
    feed(&f, "failure 0 1");
    assert_true(rung_search_model(f.search, 0).score == 0.9); /* kept, to be shown */
    assert_int_equal(rung_search_leader(f.search), 1);
    close_search(&f);
}

static void test_leader_of_losses(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = halving(3, 3);
    spec.maximize = false;
    open_search(&f, &spec);
    feed(&f, "start");
    feed(&f, "result 0 1 3");
    feed(&f, "result 2 1 -4");
    assert_int_equal(rung_search_leader(f.search), 2);
    assert_true(rung_search_model(f.search, 2).score == -4); /* as reported */
    assert_true(rung_search_oriented(f.search, -4) == 4);
    assert_true(isnan(rung_search_oriented(f.search, -INFINITY)));
    close_search(&f);
}

static void test_plateau_of_losses(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = help_spec(9, 3);
    spec.algorithm = RUNG_RANDOM;
    spec.models = 2;
    spec.patience = 3;
    spec.tol = 0.1;
    spec.maximize = false;
    open_search(&f, &spec);
    feed(&f, "start");
    feed(&f, "result 0 3 5");
    feed(&f, "result 1 3 5");
    assert_string_equal(feed(&f, "result 0 6 4"), "train 0 6>9 rung 0");
    assert_string_equal(feed(&f, "result 1 6 6"), "plateau 1\nfinish 1");
    close_search(&f);
}

/* The window moves on while old records are dropped: 1000 scores, a plateau only at their end. */
static void test_long_lives_with_patience(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = help_spec(2000, 3);
    struct rung_decisions decisions = {0};
    spec.algorithm = RUNG_INCREMENTAL;
    spec.models = 1;
    spec.patience = 50;
    spec.tol = 0.5;
    open_search(&f, &spec);
    feed(&f, "start");
    for (int64_t calls = 1; calls <= 1050; calls++) {
        assert_int_equal(rung_search_done(f.search), false);
        struct rung_event event = help_result(0, calls, calls < 1000 ? 0.0101 * (double)calls : 10.09);
        help_step(f.search, &event, &decisions);
        bool plateau = decisions.count > 1 && decisions.items[1].kind == RUNG_DECISION_PLATEAU;
        if (plateau) { /* 50 calls before, the score was 0.5 or less below */
            assert_int_equal(calls, 1000);
            assert_true(rung_search_done(f.search));
            break;
        }
    }
    assert_true(rung_search_done(f.search));
    rung_decisions_free(&decisions);
    close_search(&f);
}

static void test_too_many_models(void **state)
{
    (void)state;
    struct rung_search *search = NULL;
    struct rung_err err = {0};
    struct rung_search_spec spec = halving(2147483648, 2);
    assert_int_equal(rung_search_create(&search, &spec, &err), RUNG_EUSE);
    assert_null(search);
    assert_string_equal(err.text, "search: 2147483648 models are more than can be counted (2147483647)");
    spec = help_spec(0, 3);
    assert_int_equal(rung_search_create(&search, &spec, &err), RUNG_EUSE);
    assert_string_equal(err.text, "search.max_iter: must be at least 1");
    rung_search_free(NULL);
}

static void test_unknown_event_kind(void **state)
{
    (void)state;
    struct fixture f;
    struct rung_search_spec spec = halving(3, 3);
    struct rung_event event = {.kind = (enum rung_event_kind)99};
    struct rung_decisions decisions = {0};
    struct rung_err err = {0};
    open_search(&f, &spec);
    feed(&f, "start");
    assert_int_equal(rung_search_step(f.search, &event, &decisions, &err), RUNG_EUSE);
    assert_string_equal(err.text, "event 99 is unknown");
    assert_int_equal(decisions.count, 0);
    close_search(&f);
}

/* Decisions are appended, not cleared. */
static void test_decisions_are_appended(void **state)
{
    (void)state;
    struct rung_search_spec spec = halving(3, 3);
    struct rung_search *search = help_search(&spec);
    struct rung_event event = help_start();
    struct rung_decisions decisions = {0};
    struct rung_err err = {0};
    assert_int_equal(rung_search_step(search, &event, &decisions, &err), 0);
    assert_int_equal(decisions.count, 6);
    for (uint32_t model = 0; model < 3; model++) {
        event = help_result(model, 1, model);
        assert_int_equal(rung_search_step(search, &event, &decisions, &err), 0);
    }
    assert_int_equal(decisions.count, 6 + 4);
    assert_int_equal(decisions.items[6].kind, RUNG_DECISION_RUNG);
    rung_decisions_free(&decisions);
    rung_search_free(search);
}

struct totals {
    int64_t calls, scores;
};

/* Runs a search to its end, results in the order of the jobs. */
static struct totals run_to_end(const struct rung_search_spec *spec)
{
    struct totals totals = {0, 0};
    struct rung_search *search = help_search(spec);
    struct rung_decisions jobs = {0};
    struct rung_event event = help_start();
    struct rung_err err = {0};
    assert_int_equal(rung_search_step(search, &event, &jobs, &err), 0);
    for (size_t i = 0; i < jobs.count; i++) {
        struct rung_decision job = jobs.items[i];
        if (job.kind != RUNG_DECISION_TRAIN)
            continue;
        totals.calls += job.to - job.from;
        totals.scores++;
        event = help_result(job.model, job.to, (double)(job.model * 7919 % 1000) + (double)job.to);
        assert_int_equal(rung_search_step(search, &event, &jobs, &err), 0);
    }
    assert_true(rung_search_done(search));
    rung_decisions_free(&jobs);
    rung_search_free(search);
    return totals;
}

static void assert_run(struct rung_search_spec spec, int64_t calls, int64_t scores)
{
    struct totals totals = run_to_end(&spec);
    assert_int_equal(totals.calls, calls);
    assert_int_equal(totals.scores, scores);
}

/* What a search does is what its plan says. */
static void test_runs_match_their_plans(void **state)
{
    (void)state;
    const int64_t pairs[][2] = {{81, 3},  {27, 3}, {243, 3}, {299, 4}, {16, 4},
                                {100, 3}, {1, 3},  {2, 3},   {1000, 2}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int variant = RUNG_VARIANT_EXACT; variant <= RUNG_VARIANT_TABLE; variant++) {
            struct rung_search_spec spec = help_spec(pairs[i][0], pairs[i][1]);
            struct rung_plan plan;
            struct rung_err err = {0};
            spec.variant = (enum rung_variant)variant;
            assert_int_equal(rung_plan_make(&plan, &spec, &err), 0);
            assert_run(spec, plan.calls, plan.scores);
            rung_plan_free(&plan);
        }
}

/* Scores that patience adds: Dask-ML's first scores and splits at 82 and 163 calls; ours at 81 and 162. */
static void test_scores_that_patience_adds(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(243, 3);
    spec.variant = RUNG_VARIANT_DASK;
    spec.patience = 81;
    spec.tol = NAN;
    assert_run(spec, 4743, 364);
    spec.variant = RUNG_VARIANT_EXACT;
    /* bracket 0: 6 models twice; brackets 1 to 5: 3 + 2 + 1 + 1 + 1 models once, from 81 to 243 */
    assert_run(spec, 6831, 611 + 12 + 8);
    spec.patience = 0;
    assert_run(spec, 6831, 611);
    spec.max_iter = 81;
    assert_run(spec, 1581, 206);
}

/* ---- copies ---- */

static uint32_t random_open(const struct rung_search *search, uint64_t *random)
{
    uint32_t count = rung_search_model_count(search), start;
    if (count == 0)
        return RUNG_NO_MODEL;
    start = (uint32_t)help_below(random, count);
    for (uint32_t i = 0; i < count; i++)
        if (rung_search_model(search, (start + i) % count).status == RUNG_MODEL_TRAINING)
            return (start + i) % count;
    return RUNG_NO_MODEL;
}

/* So many steps at most, in an order and with scores that `random` gives; what was decided, owned by the
 * caller. */
static char *go_on(struct rung_search *search, uint64_t random, size_t steps)
{
    struct rung_decisions decisions = {0};
    struct rung_event event = help_start();
    struct rung_buf text;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (rung_search_model_count(search) == 0 && !rung_search_asks(search)) {
        help_step(search, &event, &decisions);
        rung_trace_write_decisions(&text, &decisions);
    }
    while (steps-- > 0 && !rung_search_done(search)) {
        uint32_t model = random_open(search, &random);
        if (rung_search_asks(search) && (model == RUNG_NO_MODEL || help_below(&random, 3) == 0))
            event = (struct rung_event){.kind = RUNG_EVENT_ASK};
        else if (help_below(&random, 12) == 0)
            event = (struct rung_event){
                .kind = RUNG_EVENT_FAILURE, .model = model, .calls = rung_search_model(search, model).calls};
        else
            event = help_answer(search, model, (double)help_below(&random, 30) / 30);
        help_step(search, &event, &decisions);
        rung_trace_write_decisions(&text, &decisions);
    }
    rung_decisions_free(&decisions);
    return text.data != NULL ? text.data : strdup("");
}

static struct rung_search_spec any_spec(uint64_t *random)
{
    static const enum rung_algorithm ALGORITHMS[] = {
        RUNG_HYPERBAND, RUNG_SUCCESSIVE_HALVING, RUNG_ASHA, RUNG_RANDOM, RUNG_GRID, RUNG_INCREMENTAL};
    struct rung_search_spec spec = help_spec(27, 3);
    spec.algorithm = ALGORITHMS[help_below(random, 6)];
    if (spec.algorithm == RUNG_HYPERBAND)
        spec.variant = (enum rung_variant)help_below(random, 3);
    else
        spec.models = 30 + (int64_t)help_below(random, 60);
    spec.patience = help_below(random, 2) == 0 ? 0 : 2 + (int64_t)help_below(random, 6);
    spec.tol = 0.1;
    return spec;
}

/* A clone decides as its original does, whatever becomes of the original and of other clones in between. */
static void test_clones_go_on_alone(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        uint64_t random = seed;
        struct rung_search_spec spec = any_spec(&random);
        struct rung_search *original = help_search(&spec), *clone, *other, *late;
        free(go_on(original, help_random(&random), help_below(&random, 150)));
        clone = rung_search_clone(original);
        other = rung_search_clone(original);
        late = rung_search_clone(other);
        uint64_t future = help_random(&random);
        char *expected = go_on(clone, future, SIZE_MAX);
        free(go_on(other, ~future, SIZE_MAX));
        rung_search_free(other);
        char *found = go_on(original, future, SIZE_MAX);
        assert_string_equal(found, expected);
        assert_int_equal(rung_search_best(original), rung_search_best(clone));
        assert_int_equal(rung_search_leader(original), rung_search_leader(clone));
        rung_search_free(original);
        rung_search_free(clone);
        free(found);
        found = go_on(late, future, SIZE_MAX);
        assert_string_equal(found, expected);
        rung_search_free(late);
        free(found);
        free(expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_of_a_model),           cmocka_unit_test(test_view_of_a_bracket),
        cmocka_unit_test(test_last_scores_count),         cmocka_unit_test(test_leader),
        cmocka_unit_test(test_failed_never_leads),        cmocka_unit_test(test_leader_of_losses),
        cmocka_unit_test(test_plateau_of_losses),         cmocka_unit_test(test_long_lives_with_patience),
        cmocka_unit_test(test_too_many_models),           cmocka_unit_test(test_unknown_event_kind),
        cmocka_unit_test(test_decisions_are_appended),    cmocka_unit_test(test_runs_match_their_plans),
        cmocka_unit_test(test_scores_that_patience_adds), cmocka_unit_test(test_clones_go_on_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
