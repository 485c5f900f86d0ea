/*
 * The virtual clock under random circumstances: every second of every trainer is accounted for once, and a
 * search that is taken up in the middle, with the jobs that run then, ends as if it had never been
 * interrupted.
 */
#include "../virtual_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rung_search_spec any_spec(uint64_t *random)
{
    static const enum rung_algorithm ALGORITHMS[] = {RUNG_HYPERBAND, RUNG_HYPERBAND, RUNG_SUCCESSIVE_HALVING,
                                                     RUNG_ASHA,      RUNG_RANDOM,    RUNG_INCREMENTAL};
    struct rung_search_spec spec = help_spec(27, 3);
    spec.algorithm = ALGORITHMS[help_below(random, 6)];
    if (spec.algorithm == RUNG_HYPERBAND)
        spec.variant = (enum rung_variant)help_below(random, 3);
    else
        spec.models = 30 + (int64_t)help_below(random, 60);
    spec.patience = help_below(random, 2) == 0 ? 0 : 2 + (int64_t)help_below(random, 8);
    spec.tol = help_below(random, 2) == 0 ? NAN : 0.02;
    spec.priority = (enum rung_priority)help_below(random, 3);
    spec.maximize = help_below(random, 2) == 0;
    return spec;
}

static void any_options(struct rung_virtual_options *options, uint64_t *random)
{
    options->unit = (enum rung_virtual_unit)help_below(random, 2);
    options->start_seconds = help_below(random, 2) == 0 ? 0 : 7.25;
    options->overhead_seconds = help_below(random, 2) == 0 ? 0 : 0.3;
    options->transfer_seconds = help_below(random, 2) == 0 ? 0 : 0.7;
    options->holders = help_below(random, 2) == 0;
    options->slow_trainers = help_below(random, 4);
    options->slow_factor = 3.5;
    options->loss_rate = help_below(random, 2) == 0 ? 0 : 0.1;
    options->restart_seconds = help_below(random, 2) == 0 ? 0 : 4.5;
    options->seed = help_random(random);
}

/* Jobs that have been handed out and have not ended. */
struct open_jobs {
    struct rung_oracle oracle;
    bool running[400];
};

static void open_job(void *context, const struct rung_virtual_job *job, struct rung_virtual_outcome *outcome)
{
    struct open_jobs *open = context;
    open->running[job->model] = true;
    help_virtual_rough(&open->oracle, job, outcome);
}

static void close_job(void *context, double seconds, const struct rung_virtual_job *job,
                      const struct rung_virtual_outcome *outcome)
{
    (void)seconds;
    (void)outcome;
    ((struct open_jobs *)context)->running[job->model] = false;
}

/* Every trainer's every second is accounted for once. */
static void assert_accounted(const struct help_virtual *help, uint64_t seed)
{
    const struct rung_virtual_result *result = &help->result;
    double total = (double)help->options.trainers * result->seconds, busy = 0;
    if (!(fabs(help_virtual_seconds(result) - total) <= 1e-9 * (1 + total)))
        fail_msg("seed %llu: %.17g s of %.17g", (unsigned long long)seed, help_virtual_seconds(result),
                 total);
    const double parts[] = {result->fit_seconds,  result->score_seconds, result->overhead_seconds,
                            result->lost_seconds, result->idle_barrier,  result->transfer_seconds,
                            result->idle_no_work, result->idle_start};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_true(parts[i] >= 0);
    for (size_t i = 0; i < result->bracket_count; i++)
        busy += result->brackets[i].busy_seconds;
    assert_true(fabs(busy - result->fit_seconds - result->score_seconds) <= 1e-9 * (1 + busy));
}

/* Runs it from the beginning to some moment, and from there to the end with the jobs that ran then. */
static void test_seconds_add_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 600; seed++) {
        uint64_t random = seed;
        struct rung_search_spec spec = any_spec(&random);
        struct help_virtual help, rest;
        struct open_jobs open = {0};
        struct rung_virtual_running running[40];
        help_virtual_open(&help, &spec, 1 + help_below(&random, 40));
        any_options(&help.options, &random);
        open.oracle = help.options.oracle;
        help.options.oracle = (struct rung_oracle){&open, open_job};
        help.options.result = close_job;
        help.options.result_context = &open;
        help.options.until = (double)help_below(&random, 200);
        help_virtual_run(&help);
        assert_accounted(&help, seed);

        rest = help;
        rest.options.search = rest.search = rung_search_clone(help.search);
        rest.synthetic.plan = rung_search_plan(rest.search);
        open.oracle = rung_synthetic_oracle(&rest.synthetic);
        rest.options.until = INFINITY;
        rest.options.running = running;
        for (uint32_t model = 0; model < rung_search_model_count(rest.search); model++)
            if (open.running[model] && rung_search_model(rest.search, model).status == RUNG_MODEL_TRAINING &&
                rest.options.running_count < rest.options.trainers)
                running[rest.options.running_count++] =
                    (struct rung_virtual_running){model, (double)help_below(&random, 30)};
        help_virtual_run(&rest);
        assert_accounted(&rest, seed);
        assert_true(rest.result.done);
        assert_int_equal(rest.result.unknown, 0);

        rung_virtual_free(&help.result); /* the original goes on as well, with nothing running */
        help.options.until = INFINITY;
        help_virtual_run(&help);
        assert_accounted(&help, seed);
        assert_true(help.result.done);
        if (spec.algorithm != RUNG_ASHA)
            assert_int_equal(help.result.best, rest.result.best);
        help_virtual_close(&help);
        help_virtual_close(&rest);
    }
}

/* ---- going on from the middle ---- */

struct log {
    struct rung_oracle oracle;
    double offset;
    struct {
        uint32_t model;
        double began, ended;
    } jobs[200];
    size_t count;
};

static void log_job(void *context, const struct rung_virtual_job *job, struct rung_virtual_outcome *outcome)
{
    help_virtual_rough(&((struct log *)context)->oracle, job, outcome);
}

static void log_result(void *context, double seconds, const struct rung_virtual_job *job,
                       const struct rung_virtual_outcome *outcome)
{
    struct log *log = context;
    assert_true(log->count < 200);
    log->jobs[log->count].model = job->model;
    log->jobs[log->count].ended = seconds + log->offset;
    log->jobs[log->count++].began = seconds + log->offset - outcome->fit_seconds - outcome->score_seconds;
}

static void run_logged(struct help_virtual *help, struct log *log)
{
    log->oracle = help->options.oracle;
    help->options.oracle = (struct rung_oracle){log, log_job};
    help->options.result = log_result;
    help->options.result_context = log;
    help->options.priority = RUNG_PRIORITY_FIFO;
    help_virtual_run(help);
}

/* Models without rungs become ready in their order, also when the search is taken up in the middle: it must
 * end as if it had never been interrupted. */
static void test_from_the_middle_as_from_the_beginning(void **state)
{
    (void)state;
    struct rung_search_spec spec = help_spec(9, 3);
    struct help_virtual whole, first, second;
    struct log log = {0};
    spec.algorithm = RUNG_RANDOM;
    spec.models = 60;
    help_virtual_open(&whole, &spec, 4);
    run_logged(&whole, &log);
    for (double until = 0; until < whole.result.seconds; until += 11.3) {
        struct log before = {0}, after = {.offset = until};
        struct rung_virtual_running running[4];
        help_virtual_open(&first, &spec, 4);
        first.options.until = until;
        run_logged(&first, &before);
        help_virtual_open(&second, &spec, 4);
        rung_search_free(second.search);
        second.options.search = second.search = rung_search_clone(first.search);
        second.synthetic.plan = rung_search_plan(second.search);
        second.options.running = running;
        for (size_t i = 0; i < log.count; i++)
            if (log.jobs[i].began <= until && log.jobs[i].ended > until)
                running[second.options.running_count++] =
                    (struct rung_virtual_running){log.jobs[i].model, until - log.jobs[i].began};
        run_logged(&second, &after);
        assert_int_equal(before.count + after.count, log.count);
        for (size_t i = 0; i < after.count; i++) {
            assert_int_equal(after.jobs[i].model, log.jobs[before.count + i].model);
            assert_true(fabs(after.jobs[i].ended - log.jobs[before.count + i].ended) < 1e-9);
        }
        assert_int_equal(second.result.best, whole.result.best);
        assert_true(fabs(first.result.fit_seconds + second.result.fit_seconds - whole.result.fit_seconds) <
                    1e-9);
        help_virtual_close(&first);
        help_virtual_close(&second);
    }
    help_virtual_close(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seconds_add_up),
        cmocka_unit_test(test_from_the_middle_as_from_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
