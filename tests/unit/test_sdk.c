/* The job loop, driven over a socket pair: what it does when all goes well. */
#include "sdk_help.h"
#include "trainer/sdk.h"

static void start_is_answered_by_ready(void **state)
{
    (void)state;
    begin(&numbers);
    say("{'type':'start','protocol':1,'search':'s','seed':42,'settings':{'x':1},'unknown':true}");
    hear("ready");
    assert_string_equal(text_of("name"), "numbers");
    assert_string_equal(text_of("platform"), "a \"test\"");
    assert_int_equal(number_of("protocol"), 1);
    assert_true(rung_json_bool(rung_json_get(answer, "evaluate")));
    assert_null(rung_json_get(answer, "state"));
    assert_int_equal(end(), 0);
}

static void job_gives_progress_per_call_and_a_result(void **state)
{
    (void)state;
    start(&numbers);
    job(17, 5, 0, 3, NULL, in_folder("a"), "{}");
    for (int call = 1; call <= 3; call++) {
        hear("progress");
        assert_int_equal(number_of("job"), 17);
        assert_int_equal(number_of("call"), call);
        assert_true(number_of("fit_seconds") >= 0);
        assert_true(metric("loss") == 1.0 / call);
    }
    hear("result");
    assert_int_equal(number_of("job"), 17);
    assert_int_equal(number_of("examples"), 30);
    assert_true(number_of("score") > 0 && number_of("score") < 1);
    assert_true(number_of("fit_seconds") >= 0 && number_of("score_seconds") >= 0);
    assert_int_equal(metric("creates"), 1);
    assert_int_equal(access(in_folder("a"), R_OK), 0);
    assert_int_equal(end(), 0);
}

static void model_in_memory_goes_on_without_reading_its_state(void **state)
{
    (void)state;
    start(&numbers);
    job(1, 5, 0, 1, NULL, in_folder("a"), "{}");
    score_of(1, 1);
    unlink(in_folder("a"));
    job(2, 5, 1, 2, in_folder("a"), in_folder("b"), "{}");
    score_of(2, 1);
    assert_int_equal(metric("loads"), 0);
    assert_int_equal(end(), 0);
}

static void forgotten_model_and_other_call_are_read_from_state(void **state)
{
    (void)state;
    start(&numbers);
    job(1, 5, 0, 2, NULL, in_folder("a"), "{}");
    score_of(1, 2);
    say("{'type':'forget','model':5}");
    job(2, 5, 2, 4, in_folder("a"), in_folder("b"), "{}");
    score_of(2, 2);
    assert_int_equal(metric("loads"), 1);
    job(3, 5, 2, 4, in_folder("a"), in_folder("c"), "{}"); /* a retry: memory stands at 4 */
    score_of(3, 2);
    assert_int_equal(metric("loads"), 2);
    assert_int_equal(end(), 0);
}

static void memory_is_bounded(void **state)
{
    struct rung_trainer small = numbers;
    char name[2][20];

    (void)state;
    small.memory = 1000; /* room for about seven */
    start(&small);
    for (int model = 0; model < 20; model++) {
        snprintf(name[0], sizeof name[0], "m%d", model);
        job(model, model, 0, 1, NULL, in_folder(name[0]), "{}");
        score_of(model, 1);
    }
    for (int model = 0; model < 20; model++) {
        snprintf(name[0], sizeof name[0], "m%d", model);
        snprintf(name[1], sizeof name[1], "n%d", model);
        job(100 + model, model, 1, 2, in_folder(name[0]), in_folder(name[1]), "{}");
        score_of(100 + model, 1);
    }
    assert_in_range(metric("loads"), 13, 20);
    assert_int_equal(end(), 0);
}

static void state_files_carry_on_bit_for_bit(void **state)
{
    double whole;

    (void)state;
    start(&numbers);
    job(1, 5, 0, 9, NULL, in_folder("whole"), "{'add':3}");
    whole = score_of(1, 9);
    end();
    for (int cut = 1; cut < 9; cut++) {
        start(&numbers);
        job(1, 5, 0, cut, NULL, in_folder("half"), "{'add':3}");
        score_of(1, cut);
        end();
        start(&numbers);
        job(2, 5, cut, 9, in_folder("half"), in_folder("rest"), "{'add':3}");
        assert_true(score_of(2, 9 - cut) == whole);
        assert_int_equal(metric("loads"), 1);
        end();
    }
}

static void evaluate_reads_the_state_and_answers_metrics(void **state)
{
    (void)state;
    start(&numbers);
    job(1, 5, 0, 4, NULL, in_folder("a"), "{}");
    score_of(1, 4);
    job(2, 5, 4, 6, in_folder("a"), in_folder("b"), "{}");
    score_of(2, 2);
    say("{'type':'evaluate','job':99,'model':5,'parameters':{},'state_in':'%s'}", in_folder("a"));
    hear("result");
    assert_int_equal(number_of("job"), 99);
    assert_int_equal(metric("test_score"), 4);
    job(3, 5, 6, 7, in_folder("b"), in_folder("c"), "{}"); /* still in memory */
    score_of(3, 1);
    assert_int_equal(metric("loads"), 1);
    assert_int_equal(end(), 0);
}

static void trainer_without_states_or_evaluation(void **state)
{
    struct rung_trainer bare = numbers;

    (void)state;
    bare.save = NULL;
    bare.load = NULL;
    bare.evaluate = NULL;
    bare.setup = NULL;
    bare.teardown = NULL;
    bare.platform = NULL;
    begin(&bare);
    say("{'type':'start','protocol':1,'seed':1,'settings':{}}");
    hear("ready");
    assert_string_equal(text_of("state"), "none");
    assert_false(rung_json_bool(rung_json_get(answer, "evaluate")));
    assert_null(rung_json_get(answer, "platform"));
    job(1, 5, 0, 2, NULL, NULL, "{}");
    score_of(1, 2);
    job(2, 5, 0, 4, NULL, NULL, "{}");
    score_of(2, 4);
    say("{'type':'evaluate','job':3,'model':5,'parameters':{},'state_in':null}");
    hear("failure");
    assert_false(rung_json_bool(rung_json_get(answer, "retry")));
    assert_int_equal(end(), 0);
}

static void stop_and_end_of_file_leave_well(void **state)
{
    (void)state;
    start(&numbers);
    say("{'type':'stop'}");
    assert_int_equal(end(), 0);
    begin(&numbers);
    assert_int_equal(end(), 0);
}

static void messages_may_come_in_pieces_and_together(void **state)
{
    static const char text[] =
        "{\"type\":\"start\",\"protocol\":1,\"seed\":1}\n{\"type\":\"job\",\"job\":1,\"model\":1,\"seed\":1,"
        "\"parameters\":{},\"from\":0,\"to\":1}\n{\"type\":\"job\",\"job\":2,\"model\":2,\"seed\":1,"
        "\"parameters\":{},\"from\":0,\"to\":1}\n";

    (void)state;
    for (int step = 1; step < 200; step += 66) {
        begin(&numbers);
        for (size_t i = 0; i < sizeof text - 1; i += (size_t)step) {
            size_t left = sizeof text - 1 - i;

            fwrite(text + i, 1, left < (size_t)step ? left : (size_t)step, to);
            fflush(to);
        }
        hear("ready");
        score_of(1, 1);
        score_of(2, 1);
        assert_int_equal(end(), 0);
    }
}

static void metrics_are_bounded(void **state)
{
    struct rung_trainer_report report = {.examples = 0};
    char name[100];

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "metric %d of a name that is longer than there is room for it", i);
        rung_trainer_metric(&report, name, i);
    }
    assert_int_equal(report.count, RUNG_TRAINER_METRICS_MAX);
    assert_int_equal(strlen(report.metrics[3].name), RUNG_TRAINER_NAME_MAX - 1);
    rung_trainer_metric(&report, report.metrics[3].name, 99);
    assert_int_equal(report.count, RUNG_TRAINER_METRICS_MAX);
    assert_true(report.metrics[3].value == 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_is_answered_by_ready),
        cmocka_unit_test(job_gives_progress_per_call_and_a_result),
        cmocka_unit_test(model_in_memory_goes_on_without_reading_its_state),
        cmocka_unit_test(forgotten_model_and_other_call_are_read_from_state),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(state_files_carry_on_bit_for_bit),
        cmocka_unit_test(evaluate_reads_the_state_and_answers_metrics),
        cmocka_unit_test(trainer_without_states_or_evaluation),
        cmocka_unit_test(stop_and_end_of_file_leave_well),
        cmocka_unit_test(messages_may_come_in_pieces_and_together),
        cmocka_unit_test(metrics_are_bounded),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
