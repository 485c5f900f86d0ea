/*
 * What the engine makes of trainers that close, fail or stay away, of stalls, of limits and of interrupts.
 */
#include "engine_help.h"

/* ---- time ---- */

static void a_commit_that_waits_costs_no_trainer_its_time(void **state)
{
    (void)state;
    struct rig *rig = rig_open(SPEC("\"algorithm\":\"random\",\"models\":2,\"max_iter\":1",
                                    "\"job_timeout\":10,\"start_timeout\":100,\"retries\":0"),
                               1);
    ready(rig, 0);
    must(rung_engine_turn(rig->engine, 1, &err)); /* it takes 20 s */
    assert_int_equal(busy(rig), 0);
    rung_engine_act(rig->engine, 21);
    assert_int_equal(busy(rig), 1);
    assert_false(rung_engine_judges(rig->engine, 30));
    assert_true(rung_engine_wake_at(rig->engine, 30) == 31);
    rig->now = 30;
    pass(rig);
    assert_false(rig->slots[0].killed);
    answer(rig, 0, 0.5, 10);
    pass(rig);
    assert_says(rig, "SELECT busy_seconds FROM trainers", "9.0");
    rig->now = 40;
    assert_true(rung_engine_judges(rig->engine, rig->now));
    pass(rig);
    assert_true(rig->slots[0].killed);
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "timeout");
    rig_close(rig);
}

/* ---- the end ---- */

/* One model, trained; its test score is asked for. */
static struct rig *trained(const char *limits)
{
    char spec[400];
    snprintf(spec, sizeof spec, SPEC("\"algorithm\":\"random\",\"models\":1,\"max_iter\":1", "%s"), limits);
    struct rig *rig = rig_open(spec, 1);
    all_ready(rig);
    answer(rig, 0, 0.5, 10);
    return rig;
}

static void ended_as_finished(struct rig *rig)
{
    goes(rig, 0, (struct rung_exit){.by_us = true});
    pass(rig);
    assert_true(over(rig));
    must(rung_engine_close(rig->engine, rig->now, &err));
    assert_true(over(rig));
    assert_int_equal(rig->result.end, RUNG_END_FINISHED);
    assert_int_equal(rig->result.best, 0);
    assert_says(rig, "SELECT status FROM searches", "finished");
    rig_close(rig);
}

static void a_running_evaluation_is_waited_for_until_the_second_interrupt(void **state)
{
    (void)state;
    struct rig *rig = trained("");
    pass(rig);
    assert_true(rig->slots[0].evaluating);
    rung_engine_interrupt(rig->engine, 0);
    pass(rig);
    assert_false(rig->slots[0].stopped || rig->slots[0].killed);
    rung_engine_interrupt(rig->engine, 0);
    assert_true(rig->slots[0].killed);
    ended_as_finished(rig);
}

static void an_evaluation_that_waits_for_a_trainer_ends_at_the_first_interrupt(void **state)
{
    (void)state;
    struct rig *rig = trained("");
    goes(rig, 0, (struct rung_exit){.signaled = true, .number = 9});
    pass(rig);
    assert_true(rig->slots[0].starts == 2 && rig->slots[0].job == 0);
    rung_engine_interrupt(rig->engine, 0);
    pass(rig);
    assert_true(rig->slots[0].killed);
    ended_as_finished(rig);
}

static void an_interrupt_before_the_last_result_leaves_the_evaluation_out(void **state)
{
    (void)state;
    struct rig *rig = rig_open(SPEC("\"algorithm\":\"random\",\"models\":1,\"max_iter\":1", ""), 1);
    all_ready(rig);
    rung_engine_interrupt(rig->engine, 0);
    pass(rig);
    answer(rig, 0, 0.5, 10);
    pass(rig);
    assert_true(rig->slots[0].stopped && !rig->slots[0].evaluating);
    ended_as_finished(rig);
}

static void a_second_interrupt_kills_who_was_told_to_stop(void **state)
{
    (void)state;
    struct rig *rig = rig_open(SPEC("\"algorithm\":\"random\",\"models\":9,\"max_iter\":1", ""), 1);
    all_ready(rig);
    rung_engine_interrupt(rig->engine, 0);
    pass(rig);
    answer(rig, 0, 0.5, 10);
    pass(rig);
    assert_true(rig->slots[0].stopped && !rig->slots[0].killed);
    rung_engine_interrupt(rig->engine, 0);
    assert_true(rig->slots[0].killed);
    goes(rig, 0, (struct rung_exit){.by_us = true});
    pass(rig);
    assert_true(over(rig));
    assert_int_equal(rig->result.end, RUNG_END_INTERRUPTED);
    rig_close(rig);
}

static void an_evaluation_ends_with_the_time(void **state)
{
    (void)state;
    struct rig *rig = trained("\"time\":100");
    pass(rig);
    assert_true(rig->slots[0].evaluating);
    assert_true(rung_engine_wake_at(rig->engine, 0) == 100);
    rig->now = 100;
    pass(rig);
    assert_true(rig->slots[0].killed);
    ended_as_finished(rig);
}

static void an_evaluation_is_worth_one_start(void **state)
{
    (void)state;
    struct rig *rig = trained("\"start_timeout\":5");
    goes(rig, 0, (struct rung_exit){.signaled = true, .number = 9});
    pass(rig);
    rig->now = 5;
    pass(rig);
    assert_true(rig->slots[0].killed);
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "start");
    ended_as_finished(rig);
}

/* ---- bytes of states ---- */

static void models_that_wait_for_bytes_do_not_hide_those_that_have_states(void **state)
{
    (void)state;
    struct rig *rig = rig_open(SPEC("\"algorithm\":\"random\",\"models\":4,\"max_iter\":4,\"patience\":2,"
                                    "\"tol\":null,\"priority\":\"fifo\"",
                                    "\"state_bytes\":150"),
                               1);
    all_ready(rig);
    answer(rig, 0, 0.1, 100);
    pass(rig);
    answer(rig, 0, 0.2, 100);
    pass(rig); /* 200 bytes: of the jobs of 2, 3, 0 and 1, in this order, the first two wait */
    assert_int_equal(rig->slots[0].model, 0);
    answer(rig, 0, 0.3, 100);
    pass(rig);
    assert_int_equal(rig->slots[0].model, 1);
    answer(rig, 0, 0.1, 100); /* 0 won: the state of 1 goes */
    pass(rig);
    assert_int_equal(rig->slots[0].model, 2);
    rig_close(rig);
}

/* Three results let one climb; a new model has waited for bytes since the second. */
static void models_that_wait_for_bytes_do_not_hide_those_that_may_climb(void **state)
{
    (void)state;
    struct rig *rig =
        rig_open(SPEC("\"algorithm\":\"asha\",\"models\":9,\"max_iter\":9", "\"state_bytes\":150"), 3);
    all_ready(rig);
    assert_int_equal(busy(rig), 3);
    answer(rig, 0, 0.1, 80);
    answer(rig, 1, 0.9, 80);
    pass(rig);
    assert_int_equal(busy(rig), 1);
    answer(rig, 2, 0.2, 80);
    pass(rig);
    assert_int_equal(busy(rig), 1);
    assert_int_equal(rig->slots[1].model, 1);
    assert_int_equal(rig->slots[1].to, 3);
    answer(rig, 1, 0.9, 80);
    pass(rig); /* nobody may climb, no new one may start */
    assert_int_equal(busy(rig), 0);
    for (int slot = 0; slot < 3; slot++)
        goes(rig, slot, (struct rung_exit){.by_us = true});
    pass(rig);
    assert_true(over(rig));
    assert_int_equal(rig->result.end, RUNG_END_LIMIT);
    assert_non_null(strstr(rig->result.reason, "limits.state_bytes"));
    rig_close(rig);
}

/* ---- trainers that close ---- */

static void an_idle_trainer_that_has_closed_its_socket_gets_no_job(void **state)
{
    (void)state;
    struct rig *rig =
        rig_open(SPEC("\"algorithm\":\"random\",\"models\":3,\"max_iter\":1", "\"retries\":0"), 1);
    all_ready(rig);
    answer(rig, 0, 0.5, 10);
    closes(rig, 0, false); /* within the pass of its answer */
    pass(rig);
    assert_int_equal(rig->slots[0].job, 0);
    goes(rig, 0, (struct rung_exit){0});
    pass(rig);
    ready(rig, 0);
    pass(rig);
    assert_int_equal(rig->slots[0].model, 1);
    assert_says(rig, "SELECT count(*) FROM failures", "0");
    rig_close(rig);
}

static void a_job_that_was_not_read_is_lost_and_no_attempt(void **state)
{
    (void)state;
    struct rig *rig =
        rig_open(SPEC("\"algorithm\":\"random\",\"models\":3,\"max_iter\":1", "\"retries\":0"), 1);
    all_ready(rig);
    for (int model = 0; model < 3; model++) {
        answer(rig, 0, 0.5, 10);
        pass(rig);
        if (model == 2)
            break;
        assert_int_equal(rig->slots[0].model, model + 1);
        closes(rig, 0, true);
        goes(rig, 0, (struct rung_exit){0}); /* of its own will */
        pass(rig);
        ready(rig, 0);
        pass(rig);
        assert_int_equal(rig->slots[0].model, model + 1);
    }
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "lost,lost");
    assert_says(rig, "SELECT count(*) FROM models WHERE status = 'completed'", "3");
    rig_close(rig);
}

static void a_trainer_that_leaves_before_it_reads_its_first_job_failed_to_start(void **state)
{
    (void)state;
    struct rig *rig =
        rig_open(SPEC("\"algorithm\":\"random\",\"models\":3,\"max_iter\":1", "\"retries\":0"), 1);
    for (int times = 0; times < 3; times++) {
        assert_int_equal(rig->slots[0].starts, times + 1);
        all_ready(rig);
        assert_int_equal(busy(rig), 1);
        closes(rig, 0, true);
        goes(rig, 0, (struct rung_exit){0});
        rig->now += 10; /* longer than the next start is put off */
        pass(rig);
    }
    pass(rig);
    assert_true(over(rig));
    assert_int_equal(rig->result.end, RUNG_END_FAILED);
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "start,start,start");
    assert_says(rig, "SELECT count(*) FROM models WHERE status = 'failed'", "0");
    rig_close(rig);
}

static void a_trainer_that_closes_its_socket_with_a_job_that_it_knows_fails_it(void **state)
{
    (void)state;
    struct rig *rig =
        rig_open(SPEC("\"algorithm\":\"random\",\"models\":2,\"max_iter\":1", "\"retries\":0"), 1);
    all_ready(rig);
    closes(rig, 0, false);
    pass(rig);
    goes(rig, 0, (struct rung_exit){.signaled = true, .number = 15, .by_us = true});
    pass(rig);
    assert_says(rig, "SELECT kind || ': ' || reason FROM failures", "exit: it closed its socket");
    assert_says(rig, "SELECT group_concat(model) FROM models WHERE status = 'failed'", "0");
    rig_close(rig);
}

/* ---- jobs ---- */

static void fifo_is_strictly_by_age(void **state)
{
    (void)state;
    struct rig *rig = rig_open(SPEC("\"algorithm\":\"random\",\"models\":4,\"max_iter\":8,\"patience\":2,"
                                    "\"tol\":null,\"priority\":\"fifo\"",
                                    ""),
                               1);
    all_ready(rig);
    for (int i = 0; i < 16; i++) {
        answer(rig, 0, 0.5, 10);
        pass(rig);
    }
    assert_int_equal(rig->sent_count, 16);
    for (uint32_t i = 0; i < 16; i++)
        assert_int_equal(rig->sent[i], i % 4); /* though its trainer holds the model before */
    rig_close(rig);
}

static void parameters_that_fit_into_no_message_fail_their_model(void **state)
{
    (void)state;
    static char spec[2400000];
    static char huge[1048576 + 1], large[1048576 - 1000 + 1];
    memset(huge, 'h', sizeof huge - 1);
    memset(large, 'l', sizeof large - 1);
    int length = snprintf(spec, sizeof spec,
                          "{\"name\":\"sim\",\"trainer\":{\"command\":[\"none\"]},\"configurations\":[{\"x\":"
                          "\"%s\"},{\"x\":\"%s\"},{\"x\":1}],"
                          "\"search\":{\"algorithm\":\"random\",\"models\":3,\"max_iter\":1}}",
                          huge, large);
    assert_true(length > 0 && (size_t)length < sizeof spec);
    struct rig *rig = rig_open(spec, 1);
    all_ready(rig);
    assert_int_equal(busy(rig), 0);
    assert_true(rung_engine_wake_at(rig->engine, rig->now) <= rig->now);
    pass(rig);
    assert_int_equal(rig->slots[0].model, 1); /* near the limit, and yet within it */
    answer(rig, 0, 0.5, 10);
    pass(rig);
    assert_int_equal(rig->slots[0].model, 2);
    assert_says(rig, "SELECT group_concat(kind || model || attempt) FROM failures", "failure01");
    assert_says(
        rig, "SELECT group_concat(model) FROM models WHERE status = 'failed' AND reason LIKE '%1 MiB%'", "0");
    assert_false(rig->slots[0].killed);
    rig_close(rig);
}

/* ---- a full disk ---- */

static void a_failure_for_want_of_room_stops_the_search(void **state)
{
    (void)state;
    for (int retry = 0; retry < 2; retry++) {
        struct rung_err err = {0};
        struct rig *rig = rig_open(SPEC("\"algorithm\":\"random\",\"models\":2,\"max_iter\":1", ""), 1);
        all_ready(rig);
        fail_job(rig, 0, "state.npz: [Errno 28] No space left on device", retry);
        assert_int_equal(rung_engine_turn(rig->engine, 0, &err), RUNG_EFAIL);
        assert_non_null(strstr(err.text, "the disk is full"));
        assert_says(rig, "SELECT (SELECT count(*) FROM failures) || status FROM searches", "0running");
        rig_close(rig);
        assert_int_equal(remove_folder(NULL), 0);
        assert_int_equal(make_folder(NULL), 0);
    }
}

/* ---- late results ---- */

static const struct rung_exit worker_gone = {.worker_gone = true};

/* Two models on two trainers, of which the first is lost with its worker while it has a job. */
static struct rig *lost_one(struct rung_late *late)
{
    struct rig *rig =
        rig_open(SPEC("\"algorithm\":\"random\",\"models\":3,\"max_iter\":2,\"priority\":\"fifo\"", ""), 2);
    all_ready(rig);
    *late = (struct rung_late){.identity = rung_record_identity(rig->record),
                               .model = rig->slots[0].model,
                               .job = rig->slots[0].job,
                               .to = rig->slots[0].to,
                               .trainer = 0,
                               .has_state = true};
    goes(rig, 0, worker_gone);
    pass(rig);
    return rig;
}

static bool wanted(struct rig *rig, const struct rung_late *late, char path[512])
{
    struct rung_buf state;
    struct rung_late_wanted what = {.state = &state};
    rung_buf_init(&state, RUNG_BUF_UNLIMITED);
    bool is = rig->tell.wanted(rig->tell.context, late, &what, rig->now);
    snprintf(path, 512, "%s", rung_buf_cstr(&state));
    if (is)
        assert_string_equal(what.metric, "score");
    rung_buf_free(&state);
    return is;
}

/* With progress at call 1 and a score of 0.75. */
static void bring(struct rig *rig, const struct rung_late *late)
{
    struct rung_proto_message messages[2] = {
        {.type = RUNG_PROTO_PROGRESS, .job = late->job, .call = 1, .fit_seconds = 0.5},
        {.type = RUNG_PROTO_RESULT,
         .job = late->job,
         .has_score = true,
         .score = 0.75,
         .metric = NAN,
         .fit_seconds = NAN,
         .score_seconds = NAN}};
    rig->tell.late(rig->tell.context, late, messages, 2, rig->now);
    pass(rig);
}

static void a_result_of_a_job_that_waits_is_taken(void **state)
{
    struct rung_late late;
    char path[512];
    (void)state;
    struct rig *rig = lost_one(&late);
    assert_true(wanted(rig, &late, path));
    write_file(path, "xyz", 3);
    bring(rig, &late);
    assert_says(rig,
                "SELECT model || ' ' || partial_fit_calls || ' ' || score || ' ' || trainer FROM history",
                late.model == 0 ? "0 2 0.75 0" : "1 2 0.75 0");
    assert_says(rig, "SELECT partial_fit_time IS NULL FROM history", "1");
    assert_says(rig, "SELECT call || ' ' || fit_seconds FROM calls", "1 0.5");
    assert_false(wanted(rig, &late, path)); /* once */
    rig_close(rig);
}

static void who_does_it_again_is_ended(void **state)
{
    struct rung_late late;
    char path[512];
    (void)state;
    struct rig *rig = lost_one(&late);
    answer(rig, 1, 0.5, 10);
    pass(rig);
    assert_int_equal(rig->slots[1].model, late.model);
    assert_true(wanted(rig, &late, path));
    write_file(path, "xyz", 3);
    bring(rig, &late);
    assert_true(rig->slots[1].killed);
    goes(rig, 1, (struct rung_exit){.by_us = true, .signaled = true, .number = 9});
    pass(rig);
    assert_says(rig, "SELECT count(*) FROM history", "2");
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "lost");
    rig_close(rig);
}

static void a_result_that_does_not_fit_is_not_wanted(void **state)
{
    struct rung_late late;
    char path[512];
    (void)state;
    struct rig *rig = lost_one(&late);
    struct rung_late other = late;
    other.identity = "another search";
    assert_false(wanted(rig, &other, path));
    other = late;
    other.to = 1;
    assert_false(wanted(rig, &other, path));
    other = late;
    other.from = 1;
    assert_false(wanted(rig, &other, path));
    other = late;
    other.model = 3;
    assert_false(wanted(rig, &other, path));
    other.model = UINT32_MAX;
    assert_false(wanted(rig, &other, path));
    assert_true(wanted(rig, &late, path));
    bring(rig, &late); /* without its state */
    assert_says(rig, "SELECT count(*) FROM history", "0");
    rig_close(rig);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_commit_that_waits_costs_no_trainer_its_time),
        TEST(a_running_evaluation_is_waited_for_until_the_second_interrupt),
        TEST(an_evaluation_that_waits_for_a_trainer_ends_at_the_first_interrupt),
        TEST(an_interrupt_before_the_last_result_leaves_the_evaluation_out),
        TEST(a_second_interrupt_kills_who_was_told_to_stop),
        TEST(an_evaluation_ends_with_the_time),
        TEST(an_evaluation_is_worth_one_start),
        TEST(models_that_wait_for_bytes_do_not_hide_those_that_have_states),
        TEST(models_that_wait_for_bytes_do_not_hide_those_that_may_climb),
        TEST(an_idle_trainer_that_has_closed_its_socket_gets_no_job),
        TEST(a_job_that_was_not_read_is_lost_and_no_attempt),
        TEST(a_trainer_that_leaves_before_it_reads_its_first_job_failed_to_start),
        TEST(a_trainer_that_closes_its_socket_with_a_job_that_it_knows_fails_it),
        TEST(fifo_is_strictly_by_age),
        TEST(parameters_that_fit_into_no_message_fail_their_model),
        TEST(a_failure_for_want_of_room_stops_the_search),
        TEST(a_result_of_a_job_that_waits_is_taken),
        TEST(who_does_it_again_is_ended),
        TEST(a_result_that_does_not_fit_is_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
