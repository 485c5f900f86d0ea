/*
 * Jobs that are sent ahead, to wait where their trainers are: who gets them, and what becomes of those that
 * were not begun.
 */
#include "engine_help.h"

enum { FASTEST, FAST, SLOW };
static const double seconds_of[] = {[FASTEST] = 0.001, [FAST] = 0.01, [SLOW] = 5};

/* What a slot has beside the rig's one job: the rig's is the one that was sent last. */
static struct waiting {
    struct slot jobs[RUNG_EXECUTOR_JOBS];
    size_t count;
} waiting[SLOTS];

static void far_job(void *self, int slot, const struct rung_proto_job *message)
{
    struct rig *rig = self;
    struct waiting *w = &waiting[slot];
    assert_true(w->count < RUNG_EXECUTOR_JOBS);
    rig->slots[slot].job = 0;
    job(self, slot, message);
    w->jobs[w->count++] = rig->slots[slot];
}

static bool takes_ahead(void *self, int slot)
{
    return ((struct rig *)self)->slots[slot].alive && waiting[slot].count < RUNG_EXECUTOR_JOBS;
}

static struct rig *far_rig(const char *search, const char *limits, size_t slots)
{
    char spec[600];
    snprintf(spec, sizeof spec, SPEC("%s", "%s"), search, limits);
    memset(waiting, 0, sizeof waiting);
    struct rig *rig = rig_open(spec, slots);
    rig->executor.job = far_job;
    rig->executor.takes_ahead = takes_ahead;
    all_ready(rig);
    return rig;
}

static uint32_t first_of(int slot)
{
    return waiting[slot].jobs[0].model;
}

static void drop_first(int slot)
{
    struct waiting *w = &waiting[slot];
    memmove(w->jobs, w->jobs + 1, --w->count * sizeof *w->jobs);
}

/* The slot's trainer answers its first job after so many seconds. */
static void answers(struct rig *rig, int slot, int how)
{
    rig->now += seconds_of[how];
    rig->slots[slot] = waiting[slot].jobs[0];
    drop_first(slot);
    answer(rig, slot, 0.5, 10);
}

static void ends(struct rig *rig, int slot, struct rung_exit how)
{
    waiting[slot].count = 0;
    goes(rig, slot, how);
}

#define RANDOM(models) "\"algorithm\":\"random\",\"max_iter\":1,\"models\":" #models

static void who_is_fast_has_his_next_job_already(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "", 1);
    assert_int_equal(waiting[0].count, 1); /* nobody knows yet how fast it is */
    for (uint32_t model = 0; model < 9; model++) {
        assert_int_equal(first_of(0), model);
        answers(rig, 0, FAST);
        assert_int_equal(waiting[0].count, model > 0 && model < 7);
        pass(rig);
        assert_int_equal(waiting[0].count, model < 6 ? 2 : model < 8); /* the last one is not sent ahead */
    }
    assert_says(rig, "SELECT count(*) FROM models WHERE status = 'completed'", "9");
    assert_says(rig, "SELECT jobs FROM trainers", "9");
    for (uint32_t i = 0; i < 9; i++)
        assert_int_equal(rig->sent[i], i);
    rig_close(rig);
}

static void who_is_very_fast_has_up_to_three_more(void **state)
{
    static const size_t expected[] = {4, 4, 4, 3, 3,
                                      2, 2, 1, 1, 0}; /* as long as there are as many besides */
    (void)state;
    struct rig *rig = far_rig(RANDOM(11), "", 1);
    answers(rig, 0, SLOW);
    pass(rig);
    for (uint32_t model = 1; model < 11; model++) {
        assert_int_equal(first_of(0), model);
        answers(rig, 0, FASTEST);
        pass(rig);
        assert_int_equal(waiting[0].count, expected[model - 1]);
    }
    assert_says(rig, "SELECT count(*) FROM models WHERE status = 'completed'", "11");
    rig_close(rig);
}

static void who_is_slow_has_one_job_at_a_time(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "", 1);
    answers(rig, 0, FAST);
    pass(rig);
    assert_int_equal(waiting[0].count, 2);
    answers(rig, 0, SLOW);
    pass(rig);
    assert_int_equal(waiting[0].count, 1);
    answers(rig, 0, SLOW);
    pass(rig);
    assert_int_equal(waiting[0].count, 1);
    rig_close(rig);
}

static void what_every_trainer_could_begin_at_once_is_not_sent_ahead(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(6), "", 2);
    answers(rig, 0, FAST);
    pass(rig); /* of the jobs 3 to 5 it gets one, and another one ahead while more than two are left */
    assert_int_equal(waiting[0].count + waiting[1].count, 3);
    answers(rig, 0, FAST);
    pass(rig);
    assert_int_equal(waiting[0].count + waiting[1].count, 2);
    rig_close(rig);
}

static void its_time_begins_when_the_one_before_it_is_over(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "\"job_timeout\":10,\"retries\":0", 1);
    answers(rig, 0, FAST);
    pass(rig);
    double sent = rig->now;
    answers(rig, 0, SLOW);
    pass(rig);
    assert_false(rung_engine_judges(rig->engine, sent + 14.9));
    assert_true(rung_engine_judges(rig->engine, sent + 15.1));
    rig->now = sent + 15.1;
    pass(rig);
    assert_true(rig->slots[0].killed);
    assert_says(rig, "SELECT group_concat(kind || model) FROM failures", "timeout2");
    rig_close(rig);
}

static void a_trainer_that_ends_has_tried_its_first_job_alone(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "\"retries\":0", 1);
    answers(rig, 0, FAST);
    pass(rig);
    assert_int_equal(waiting[0].count, 2);
    ends(rig, 0, (struct rung_exit){.number = 3});
    pass(rig);
    ready(rig, 0);
    pass(rig);
    assert_int_equal(first_of(0), 2); /* that waited */
    while (waiting[0].count > 0) {
        answers(rig, 0, FAST);
        pass(rig);
    }
    assert_says(rig, "SELECT group_concat(kind || model) FROM failures", "exit1");
    assert_says(rig, "SELECT count(*) FROM models WHERE status = 'completed'", "8");
    rig_close(rig);
}

static void a_trainer_that_breaks_the_protocol_has_tried_its_first_job_alone(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "\"retries\":0", 1);
    answers(rig, 0, FAST);
    pass(rig);
    rig->tell.violation(rig->tell.context, 0, "nonsense", rig->now);
    assert_true(rig->slots[0].killed);
    ends(rig, 0, (struct rung_exit){.by_us = true});
    pass(rig);
    ready(rig, 0);
    pass(rig);
    assert_int_equal(first_of(0), 2);
    assert_says(rig, "SELECT group_concat(kind || model) FROM failures", "protocol1");
    rig_close(rig);
}

static void a_worker_that_is_gone_gives_both_back(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "\"retries\":0", 1);
    answers(rig, 0, FAST);
    pass(rig);
    ends(rig, 0, (struct rung_exit){.worker_gone = true});
    pass(rig);
    ready(rig, 0);
    pass(rig);
    assert_int_equal(first_of(0), 1);
    assert_says(rig, "SELECT group_concat(kind || model) FROM failures", "lost1");
    rig_close(rig);
}

static void a_failed_job_is_followed_by_the_next(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "\"retries\":0", 1);
    answers(rig, 0, FAST);
    pass(rig);
    rig->slots[0].job = waiting[0].jobs[0].job;
    drop_first(0);
    fail_job(rig, 0, "no", true);
    pass(rig);
    assert_int_equal(first_of(0), 2);
    answers(rig, 0, FAST);
    pass(rig);
    assert_false(rig->slots[0].killed);
    assert_says(rig, "SELECT group_concat(kind || model) FROM failures", "failure1");
    assert_says(rig, "SELECT count(*) FROM models WHERE status = 'completed'", "2");
    rig_close(rig);
}

/* It answered and left, and its worker had given it the next job meanwhile. */
static void a_job_ahead_that_was_not_read_was_not_tried(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(40), "\"retries\":0", 1);
    for (int times = 0; times < 30; times++) { /* more often than a job may be lost */
        answers(rig, 0, FAST);
        if (times == 0)
            pass(rig);
        if (times > 0) {
            closes(rig, 0, true);
            ends(rig, 0, (struct rung_exit){0});
            pass(rig);
            ready(rig, 0);
            pass(rig);
            answers(rig, 0, FAST);
            pass(rig);
        }
        if (waiting[0].count < 2)
            break;
    }
    assert_says(rig, "SELECT count(*) FROM failures", "0");
    assert_says(rig, "SELECT count(*) FROM models WHERE status = 'failed'", "0");
    rig_close(rig);
}

static void what_is_given_back_goes_to_others(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "\"retries\":0", 2);
    answers(rig, 0, FAST);
    pass(rig);
    assert_int_equal(waiting[0].count, 2);
    uint32_t model = waiting[0].jobs[1].model;
    rig->tell.returned(rig->tell.context, 0, waiting[0].jobs[0].job,
                       rig->now); /* that is none to be returned */
    rig->tell.returned(rig->tell.context, 0, waiting[0].jobs[1].job, rig->now);
    waiting[0].count = 1;
    answers(rig, 1, SLOW);
    pass(rig);
    assert_int_equal(first_of(1), model);
    answers(rig, 0, SLOW);
    pass(rig);
    assert_int_equal(waiting[0].count, 1);
    assert_says(rig, "SELECT count(*) FROM failures", "0");
    rig_close(rig);
}

/* Of several that wait the one in the middle comes back. */
static void the_others_keep_their_order(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(20), "\"retries\":0", 1);
    answers(rig, 0, FASTEST);
    pass(rig);
    assert_int_equal(waiting[0].count, 4);
    uint32_t back = waiting[0].jobs[2].model;
    rig->tell.returned(rig->tell.context, 0, waiting[0].jobs[2].job, rig->now);
    waiting[0].jobs[2] = waiting[0].jobs[3];
    waiting[0].count = 3;
    for (int i = 0; i < 3; i++) {
        answers(rig, 0, SLOW);
        pass(rig);
    }
    assert_int_equal(waiting[0].count, 1);
    assert_int_equal(first_of(0), back);
    assert_says(rig, "SELECT count(*) FROM history", "4");
    assert_says(rig, "SELECT count(*) FROM failures", "0");
    assert_false(rig->slots[0].killed);
    ends(rig, 0, (struct rung_exit){.worker_gone = true});
    rig_close(rig);
}

static void a_late_result_makes_the_one_ahead_void(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "\"retries\":0", 1);
    answers(rig, 0, FAST);
    pass(rig);
    struct slot ahead = waiting[0].jobs[1];
    struct rung_late late = {.identity = rung_record_identity(rig->record),
                             .job = 1000,
                             .model = ahead.model,
                             .to = 1,
                             .trainer = 7};
    struct rung_proto_message message = {.type = RUNG_PROTO_RESULT,
                                         .job = late.job,
                                         .has_score = true,
                                         .score = 0.875,
                                         .metric = NAN,
                                         .fit_seconds = 1,
                                         .score_seconds = NAN,
                                         .examples = RUNG_UNSET};
    rig->tell.late(rig->tell.context, &late, &message, 1, rig->now);
    pass(rig);
    answers(rig, 0, FAST);
    assert_int_equal(first_of(0), ahead.model);
    answers(rig, 0, FAST); /* of what nobody wants any more */
    pass(rig);
    assert_int_equal(access(ahead.state_out, F_OK), -1);
    while (waiting[0].count > 0) {
        answers(rig, 0, FAST);
        pass(rig);
    }
    assert_says(rig, "SELECT group_concat(score) FROM history WHERE score > 0.6", "0.875");
    assert_says(rig, "SELECT count(*) FROM history", "9");
    assert_says(rig, "SELECT count(*) FROM failures", "0");
    assert_false(rig->slots[0].killed);
    rig_close(rig);
}

static void an_interrupt_waits_for_both(void **state)
{
    (void)state;
    struct rig *rig = far_rig(RANDOM(9), "", 1);
    answers(rig, 0, FAST);
    pass(rig);
    rung_engine_interrupt(rig->engine, rig->now);
    pass(rig);
    answers(rig, 0, FAST);
    pass(rig);
    assert_false(rig->slots[0].stopped);
    answers(rig, 0, FAST);
    pass(rig);
    assert_true(rig->slots[0].stopped);
    assert_int_equal(waiting[0].count, 0);
    assert_says(rig, "SELECT count(*) FROM history", "3");
    rig_close(rig);
}

/* All of a search, whose trainers are as fast as `how` says; the numbers of its history. */
static void search_through(int how, char history[8192])
{
    struct rig *rig = far_rig("\"algorithm\":\"hyperband\",\"max_iter\":27", "", 3);
    size_t most = 0;
    for (int slot = 0; waiting[0].count + waiting[1].count + waiting[2].count > 0; slot = (slot + 1) % 3) {
        most = waiting[slot].count > most ? waiting[slot].count : most;
        if (waiting[slot].count == 0)
            continue;
        rig->now += seconds_of[how];
        rig->slots[slot] = waiting[slot].jobs[0];
        struct slot done = rig->slots[slot];
        drop_first(slot);
        answer(rig, slot, (done.model * 37 % 101 + (uint32_t)done.to) / 200.0, 10);
        pass(rig);
    }
    assert_int_equal(most, how == FASTEST ? 4 : how == FAST ? 2 : 1);
    snprintf(history, 8192, "%s",
             says(rig, "SELECT group_concat(model || ':' || partial_fit_calls || ':' || score, ' ') FROM "
                       "(SELECT * FROM history ORDER BY model, partial_fit_calls)"));
    assert_says(rig, "SELECT count(*) FROM models WHERE status IN ('completed', 'stopped')", "49");
    rig_close(rig);
}

static void results_are_the_same(void **state)
{
    static char histories[3][8192];
    for (int how = FASTEST; how <= SLOW; how++) {
        search_through(how, histories[how]);
        remove_folder(state);
        make_folder(state);
    }
    assert_true(strlen(histories[SLOW]) > 500);
    assert_string_equal(histories[FAST], histories[SLOW]);
    assert_string_equal(histories[FASTEST], histories[SLOW]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_fast_has_his_next_job_already),
        TEST(who_is_very_fast_has_up_to_three_more),
        TEST(who_is_slow_has_one_job_at_a_time),
        TEST(what_every_trainer_could_begin_at_once_is_not_sent_ahead),
        TEST(its_time_begins_when_the_one_before_it_is_over),
        TEST(a_trainer_that_ends_has_tried_its_first_job_alone),
        TEST(a_trainer_that_breaks_the_protocol_has_tried_its_first_job_alone),
        TEST(a_worker_that_is_gone_gives_both_back),
        TEST(a_failed_job_is_followed_by_the_next),
        TEST(a_job_ahead_that_was_not_read_was_not_tried),
        TEST(what_is_given_back_goes_to_others),
        TEST(the_others_keep_their_order),
        TEST(a_late_result_makes_the_one_ahead_void),
        TEST(an_interrupt_waits_for_both),
        TEST(results_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
