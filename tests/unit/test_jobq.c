/*
 * Which ready job is next: the order that scores give, the switch of `critical`, and random searches against
 * priorities that are recomputed from scratch at every decision point.
 */
#include "core/jobq.h"

#include "../priority_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const double SCORES[] = {.62, .91, .55, .70, .88, .41, .70};

static void step(struct rung_search *search, struct rung_jobq *queue, const struct rung_event *event,
                 size_t trainers)
{
    struct rung_decisions decisions = {0};
    help_step(search, event, &decisions);
    rung_jobq_apply(queue, &decisions, trainers);
    rung_decisions_free(&decisions);
}

/* Seven models that all go on after their first scores; the queue holds their second jobs. */
static struct rung_search *seven_models(struct rung_jobq **queue, const double *scores, size_t trainers,
                                        bool maximize)
{
    struct rung_search_spec spec = help_spec(9, 3);
    spec.algorithm = RUNG_INCREMENTAL;
    spec.models = 7;
    spec.maximize = maximize;
    struct rung_search *search = help_search(&spec);
    struct rung_event event = help_start();
    *queue = rung_jobq_create(search, RUNG_PRIORITY_SCORE);
    step(search, *queue, &event, trainers);
    for (uint32_t model = 0; model < 7; model++) {
        assert_int_equal(rung_jobq_peek(*queue), model);
        rung_jobq_remove(*queue, model);
    }
    for (uint32_t model = 7; model-- > 0;) {
        event = help_result(model, 1, maximize ? scores[model] : -scores[model]);
        step(search, *queue, &event, trainers);
    }
    return search;
}

static void assert_order(size_t trainers, bool maximize, const char *expected)
{
    struct rung_jobq *queue;
    struct rung_search *search = seven_models(&queue, SCORES, trainers, maximize);
    char order[8] = "";
    assert_int_equal(rung_jobq_count(queue), 7);
    for (size_t i = 0; i < 7; i++) {
        uint32_t model = rung_jobq_peek(queue);
        order[i] = (char)('0' + model);
        rung_jobq_remove(queue, model);
    }
    assert_string_equal(order, expected);
    assert_int_equal(rung_jobq_peek(queue), RUNG_NO_MODEL);
    rung_jobq_free(queue);
    rung_search_free(search);
}

static void test_the_worst_share_their_median(void **state)
{
    (void)state;
    assert_order(1, true, "1436025");
    assert_order(2, true, "1436025"); /* 2 and 5 share .48 */
    assert_order(3, true, "1436025"); /* 0, 2 and 5 share .55 */
    assert_order(4, true, "1402356"); /* the tie at .70 belongs to them: five share .62 */
    assert_order(7, true, "0123456");
    assert_order(100, true, "0123456");
    assert_order(4, false, "1402356");
}

/* The same example in numbers, which the random searches then hold the queue to. */
static void test_shared_medians(void **state)
{
    (void)state;
    const struct {
        size_t trainers;
        double shared;
        const char *low;
    } rows[] = {{1, .41, "5"}, {2, .48, "25"}, {3, .55, "025"}, {4, .62, "02356"}, {7, .70, "0123456"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rung_jobq *queue;
        struct rung_search *search = seven_models(&queue, SCORES, rows[i].trainers, true);
        double priorities[7];
        oracle_priorities(search, 0, rows[i].trainers, priorities);
        for (int model = 0; model < 7; model++) {
            bool low = strchr(rows[i].low, '0' + model) != NULL;
            assert_true(fabs(priorities[model] - (low ? rows[i].shared : SCORES[model])) < 1e-15);
        }
        rung_jobq_free(queue);
        rung_search_free(search);
    }
}

static void test_ties_with_the_next(void **state)
{
    (void)state;
    struct rung_jobq *queue;
    struct rung_search *search = seven_models(&queue, SCORES, 4, true);
    assert_true(rung_jobq_ties_next(queue, 1));
    assert_false(rung_jobq_ties_next(queue, 4));
    rung_jobq_remove(queue, 1);
    rung_jobq_remove(queue, 4);
    for (uint32_t model = 0; model < 7; model++)
        assert_int_equal(rung_jobq_ties_next(queue, model), model != 1 && model != 4);
    rung_jobq_remove(queue, 5); /* out of turn */
    assert_false(rung_jobq_ties_next(queue, 5));
    assert_int_equal(rung_jobq_count(queue), 4);
    rung_jobq_free(queue);
    rung_search_free(search);
}

/* Dask-ML's default for models without a score ran them before negative scores; here they always come after.
 */
static void test_no_finite_score_ranks_below_every_score(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(5, 3);
    spec.algorithm = RUNG_RANDOM;
    spec.models = 5;
    spec.patience = 2;
    spec.tol = NAN;
    struct rung_search *search = help_search(&spec);
    struct rung_jobq *queue = rung_jobq_create(search, RUNG_PRIORITY_SCORE);
    struct rung_event event = help_start();
    step(search, queue, &event, 1);
    for (uint32_t model = 0; model < 3; model++)
        rung_jobq_remove(queue, model);
    event = help_result(1, 2, NAN);
    step(search, queue, &event, 1);
    assert_int_equal(rung_jobq_peek(queue), 3); /* older than 1's job and as far down */
    assert_true(rung_jobq_ties_next(queue, 1));
    event = help_result(0, 2, -1e300);
    step(search, queue, &event, 1);
    assert_int_equal(rung_jobq_peek(queue), 0);
    event = help_result(2, 2, 0.5);
    step(search, queue, &event, 1);
    assert_int_equal(rung_jobq_peek(queue), 2);
    rung_jobq_free(queue);
    rung_search_free(search);
}

static void test_returned_job_keeps_its_place(void **state)
{
    (void)state;
    for (int priority = RUNG_PRIORITY_SCORE; priority <= RUNG_PRIORITY_CRITICAL; priority++) {
        struct rung_search_spec spec = help_spec(9, 3);
        struct rung_search *search = help_search(&spec);
        struct rung_jobq *queue = rung_jobq_create(search, (enum rung_priority)priority);
        struct rung_event event = help_start();
        step(search, queue, &event, 2);
        assert_int_equal(rung_jobq_count(queue), 17);
        rung_jobq_remove(queue, 0);
        rung_jobq_remove(queue, 1);
        assert_false(rung_jobq_has(queue, 0));
        assert_int_equal(rung_jobq_peek(queue), 2);
        rung_jobq_return(queue, 1);
        assert_true(rung_jobq_has(queue, 1));
        assert_int_equal(rung_jobq_peek(queue), 1);
        rung_jobq_return(queue, 0);
        assert_int_equal(rung_jobq_peek(queue), 0);
        assert_int_equal(rung_jobq_count(queue), 17);
        rung_jobq_free(queue);
        rung_search_free(search);
    }
}

/* First the brackets' first jobs in order, then whatever became ready, scores notwithstanding. */
static void test_fifo_is_by_age(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(4, 2);
    struct rung_search *search = help_search(&spec);
    struct rung_jobq *queue = rung_jobq_create(search, RUNG_PRIORITY_FIFO);
    struct rung_event event = help_start();
    step(search, queue, &event, 1);
    for (uint32_t model = 0; model < 4; model++) {
        rung_jobq_remove(queue, model);
        event = help_result(model, 1, model);
        step(search, queue, &event, 1);
    }
    for (uint32_t model = 4; model < 10; model++) {
        assert_int_equal(rung_jobq_peek(queue), model);
        rung_jobq_remove(queue, model);
    }
    assert_int_equal(rung_jobq_peek(queue), 2);
    assert_false(rung_jobq_ties_next(queue, 3)); /* equal keys, but 2 is older */
    rung_jobq_free(queue);
    rung_search_free(search);
}

static void test_requeued_job_goes_behind(void **state)
{
    (void)state;
    for (int priority = RUNG_PRIORITY_SCORE; priority <= RUNG_PRIORITY_CRITICAL; priority++) {
        struct rung_search_spec spec = help_spec(9, 3);
        struct rung_search *search = help_search(&spec);
        struct rung_jobq *queue = rung_jobq_create(search, (enum rung_priority)priority);
        struct rung_event event = help_start();
        step(search, queue, &event, 1);
        assert_int_equal(rung_jobq_order(queue, 0), 0);
        rung_jobq_remove(queue, 0);
        rung_jobq_requeue(queue, 0);
        assert_int_equal(rung_jobq_order(queue, 0), 17);
        assert_int_equal(rung_jobq_count(queue), 17);
        uint32_t last = 0;
        for (uint32_t left = priority == RUNG_PRIORITY_CRITICAL ? 9 : 17; left > 0; left--) {
            last = rung_jobq_peek(queue);
            rung_jobq_remove(queue, last);
        }
        assert_int_equal(last, 0); /* with critical behind the first bracket's nine */
        rung_jobq_free(queue);
        rung_search_free(search);
    }
}

/* Jobs outnumber trainers: brackets in order. Then the longest way to 9 calls: by default in calls, all
 * alike. */
static void test_critical_by_bracket_then_by_path(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(9, 3);
    struct rung_search *search = help_search(&spec);
    struct rung_jobq *queue = rung_jobq_create(search, RUNG_PRIORITY_CRITICAL);
    struct rung_event event = help_start();
    step(search, queue, &event, 4); /* models 0-8 to call 1, 9-13 to 3, 14-16 to 9 */
    rung_jobq_remove(queue, 9);
    event = help_result(9, 3, 0.5);
    step(search, queue, &event, 4);
    rung_jobq_return(queue, 10); /* as if lost; it is in its place already, which is younger than 0's */
    for (uint32_t model = 0; model < 9; model++) {
        assert_int_equal(rung_jobq_peek(queue), model);
        assert_true(rung_jobq_ties_next(queue, 8));
        assert_false(rung_jobq_ties_next(queue, 10));
        rung_jobq_remove(queue, model);
    }
    rung_jobq_free(queue);
    rung_search_free(search);
}

/* Model k takes as long as its number per call, and 100 s for each score. */
static double by_number(void *context, uint32_t model, int64_t from, int64_t to)
{
    (*(size_t *)context)++;
    return (double)model * (double)(to - from) + 100;
}

static void assert_drained(struct rung_jobq *queue, const uint32_t *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rung_jobq_peek(queue), expected[i]);
        rung_jobq_remove(queue, expected[i]);
    }
    assert_int_equal(rung_jobq_count(queue), 0);
}

static void test_critical_paths_are_predicted(void **state)
{
    (void)state;
    /* Ahead of models 0-3: 4 k + 300, 4-6: 4 k + 200, 7-9: 4 k + 100. */
    static const uint32_t expected[] = {3, 2, 1, 0, 6, 5, 4, 8, 7}, in_calls[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    struct rung_search_spec spec = help_spec(4, 2);
    size_t asked = 0;
    for (int with = 0; with < 3; with++) {
        struct rung_search *search = help_search(&spec);
        struct rung_jobq *queue = rung_jobq_create(search, RUNG_PRIORITY_CRITICAL);
        struct rung_event event = help_start();
        if (with == 1)
            rung_jobq_predict(queue, by_number, &asked);
        step(search, queue, &event, 100);
        if (with == 2)
            rung_jobq_predict(queue, by_number, &asked);
        rung_jobq_remove(queue, 9);
        assert_drained(queue, with == 0 ? in_calls : expected, 9);
        assert_int_equal(asked > 0, with > 0);
        rung_jobq_free(queue);
        rung_search_free(search);
    }
}

/* With as many jobs as trainers the path counts, with one more the bracket. */
static void test_critical_switches_at_the_number_of_trainers(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(4, 2);
    struct rung_search *search = help_search(&spec);
    struct rung_jobq *queue = rung_jobq_create(search, RUNG_PRIORITY_CRITICAL);
    struct rung_event event = help_start();
    size_t asked = 0;
    rung_jobq_predict(queue, by_number, &asked);
    step(search, queue, &event, 9); /* ten jobs */
    assert_int_equal(rung_jobq_peek(queue), 0);
    assert_true(rung_jobq_ties_next(queue, 3));
    rung_jobq_remove(queue, 0);
    assert_int_equal(rung_jobq_peek(queue), 3);
    assert_false(rung_jobq_ties_next(queue, 2));
    rung_jobq_return(queue, 0);
    assert_int_equal(rung_jobq_peek(queue), 0);
    rung_jobq_free(queue);
    rung_search_free(search);
}

struct play {
    uint64_t seed, random;
    enum rung_priority priority;
    size_t trainers;
    struct rung_search *search;
    struct rung_jobq *queue;
    struct {
        uint64_t order;
        bool ready, running;
    } models[600];
    double priorities[600];
    uint64_t next_order;
    size_t running;
};

static void play_step(struct play *play, const struct rung_event *event)
{
    struct rung_decisions decisions = {0};
    size_t trainers = 1 + help_below(&play->random, 12);
    play->trainers = trainers;
    help_step(play->search, event, &decisions);
    rung_jobq_apply(play->queue, &decisions, trainers);
    for (size_t i = 0; i < decisions.count; i++) {
        const struct rung_decision *decision = &decisions.items[i];
        if (decision->kind != RUNG_DECISION_TRAIN)
            continue;
        size_t bracket = rung_search_model(play->search, decision->model).bracket_index;
        oracle_priorities(play->search, bracket, trainers, play->priorities);
        play->models[decision->model].ready = true;
        play->models[decision->model].order = play->next_order++;
    }
    rung_decisions_free(&decisions);
}

/* Seconds that differ from model to model, in powers of two so that sums are exact. */
static double play_expect(void *context, uint32_t model, int64_t from, int64_t to)
{
    (void)context;
    return (double)(1 + model % 3) * (double)(to - from) + 0.25;
}

static double oracle_path(const struct play *play, uint32_t model)
{
    struct rung_model_view view = rung_search_model(play->search, model);
    const struct rung_plan_bracket *plan = rung_search_bracket(play->search, view.bracket_index).plan;
    double path = play_expect(NULL, model, view.calls, view.target);
    int64_t reached = view.target;
    for (size_t i = 0; i < plan->rung_count; i++) {
        if (plan->rungs[i].calls <= reached)
            continue;
        path += play_expect(NULL, model, reached, plan->rungs[i].calls);
        reached = plan->rungs[i].calls;
    }
    return path;
}

static double oracle_key(const struct play *play, uint32_t model, size_t ready)
{
    if (play->priority == RUNG_PRIORITY_FIFO)
        return 0;
    if (play->priority == RUNG_PRIORITY_SCORE)
        return play->priorities[model];
    if (ready <= play->trainers)
        return oracle_path(play, model);
    return -(double)rung_search_model(play->search, model).bracket_index;
}

static uint32_t oracle_next(const struct play *play)
{
    uint32_t best = RUNG_NO_MODEL, count = rung_search_model_count(play->search);
    double best_key = NAN;
    size_t ready = 0;
    for (uint32_t model = 0; model < count; model++)
        ready += play->models[model].ready;
    for (uint32_t model = 0; model < count; model++) {
        if (!play->models[model].ready)
            continue;
        double key = oracle_key(play, model, ready);
        if (best == RUNG_NO_MODEL || key > best_key ||
            (key == best_key && play->models[model].order < play->models[best].order)) {
            best = model;
            best_key = key;
        }
    }
    return best;
}

static void hand_out(struct play *play)
{
    uint32_t expected = oracle_next(play), model = rung_jobq_peek(play->queue);
    if (model != expected)
        fail_msg("seed %llu: %u is next instead of %u", (unsigned long long)play->seed, model, expected);
    if (model == RUNG_NO_MODEL)
        return;
    rung_jobq_remove(play->queue, model);
    play->models[model].ready = false;
    play->models[model].running = true;
    play->running++;
}

static void end_job(struct play *play)
{
    size_t left = help_below(&play->random, play->running);
    uint32_t model = 0;
    while (!play->models[model].running || left-- > 0)
        model++;
    play->models[model].running = false;
    play->running--;
    uint64_t again = help_below(&play->random, 16);
    if (again < 4) {
        play->models[model].ready = true;
        if (again < 2)
            rung_jobq_return(play->queue, model);
        else
            rung_jobq_requeue(play->queue, model);
        if (again >= 2)
            play->models[model].order = play->next_order++;
        return;
    }
    uint64_t kind = help_below(&play->random, 20);
    double score = kind == 0 ? NAN : kind < 8 ? 0.1 : (double)help_below(&play->random, 40) / 40;
    struct rung_event event = help_answer(play->search, model, score);
    if (kind == 1)
        event = (struct rung_event){.kind = RUNG_EVENT_FAILURE,
                                    .model = model,
                                    .calls = rung_search_model(play->search, model).calls};
    play_step(play, &event);
}

static struct rung_search_spec play_spec(uint64_t *random)
{
    static const enum rung_algorithm ALGORITHMS[] = {RUNG_HYPERBAND, RUNG_RANDOM, RUNG_ASHA,
                                                     RUNG_INCREMENTAL};
    struct rung_search_spec spec = help_spec(2 + (int64_t)help_below(random, 80), 3);
    spec.algorithm = ALGORITHMS[help_below(random, 4)];
    spec.variant =
        spec.algorithm == RUNG_HYPERBAND ? (enum rung_variant)(2 * help_below(random, 2)) : spec.variant;
    spec.models = spec.algorithm == RUNG_HYPERBAND ? RUNG_UNSET : 30 + (int64_t)help_below(random, 60);
    spec.max_iter = spec.algorithm == RUNG_INCREMENTAL ? 6 : spec.max_iter > 26 ? 26 : spec.max_iter;
    spec.patience = 2 + (int64_t)help_below(random, 8);
    spec.tol = 0.01;
    spec.maximize = help_below(random, 2) == 0;
    return spec;
}

static void test_random_searches(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct play play = {.seed = seed, .random = seed, .priority = (enum rung_priority)(seed % 3)};
        struct rung_search_spec spec = play_spec(&play.random);
        struct rung_event event = help_start(), ask = {.kind = RUNG_EVENT_ASK};
        size_t trainers = 1 + help_below(&play.random, 80);
        play.search = help_search(&spec);
        play.queue = rung_jobq_create(play.search, play.priority);
        rung_jobq_predict(play.queue, play_expect, NULL);
        play_step(&play, &event);
        while (!rung_search_done(play.search)) {
            if (rung_search_asks(play.search) && help_below(&play.random, 2) == 0)
                play_step(&play, &ask);
            bool hand =
                play.running == 0 || help_below(&play.random, 12) == 0; /* so that scored jobs pile up */
            while (hand && play.running < trainers && rung_jobq_count(play.queue) > 0)
                hand_out(&play);
            if (play.running > 0)
                end_job(&play);
        }
        assert_int_equal(rung_jobq_count(play.queue), 0);
        rung_jobq_free(play.queue);
        rung_search_free(play.search);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worst_share_their_median),
        cmocka_unit_test(test_shared_medians),
        cmocka_unit_test(test_ties_with_the_next),
        cmocka_unit_test(test_no_finite_score_ranks_below_every_score),
        cmocka_unit_test(test_returned_job_keeps_its_place),
        cmocka_unit_test(test_fifo_is_by_age),
        cmocka_unit_test(test_requeued_job_goes_behind),
        cmocka_unit_test(test_critical_by_bracket_then_by_path),
        cmocka_unit_test(test_critical_paths_are_predicted),
        cmocka_unit_test(test_critical_switches_at_the_number_of_trainers),
        cmocka_unit_test(test_random_searches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
