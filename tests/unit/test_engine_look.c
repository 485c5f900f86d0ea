/* What the engine makes of files that others remove: of states, and of the database. */
#include "engine_help.h"

/* One model of two calls whose first has been recorded, and which is sent for the second. */
static struct rig *half_trained(void)
{
    struct rig *rig = rig_open(SPEC("\"algorithm\":\"incremental\",\"models\":1,\"max_iter\":2",
                                    "\"retries\":0,\"job_timeout\":1000"),
                               1);
    all_ready(rig);
    rig->now = 1;
    answer(rig, 0, 0.5, 10);
    pass(rig);
    assert_int_equal(rig->slots[0].to, 2);
    return rig;
}

static void take_states_away(void)
{
    char command[500];
    snprintf(command, sizeof command, "rm -r '%s'", in_folder("a.db.states"));
    assert_int_equal(system(command), 0);
}

static void who_finds_no_states_folder_is_not_charged(void **state)
{
    (void)state;
    struct rig *rig = half_trained();
    take_states_away();
    rig->now = 2;
    fail_job(rig, 0, "No such file or directory", false);
    pass(rig);
    assert_true(is_there(in_folder("a.db.states/sim")));
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "lost");
    assert_says(rig, "SELECT status FROM models", "running");
    assert_int_equal(rig->slots[0].to, 1); /* from call 0 again */
    answer(rig, 0, 0.5, 10);
    pass(rig);
    assert_int_equal(rig->slots[0].to, 2);
    answer(rig, 0, 0.5, 10);
    pass(rig);
    assert_says(rig, "SELECT count(*) FROM history", "2");
    rig_close(rig);
}

/* The folder is back when the trainer fails that looked for it before. */
static void who_was_sent_before_it_was_made_again_is_not_charged(void **state)
{
    (void)state;
    struct rig *rig = half_trained();
    assert_false(rung_engine_look(rig->engine, 2));
    take_states_away();
    assert_true(rung_engine_look(rig->engine, 2));
    assert_false(rung_engine_look(rig->engine, 3));
    rig->now = 4;
    fail_job(rig, 0, "No such file or directory", true);
    pass(rig);
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "lost");
    rig->now = 5; /* this one is sent again, and fails by itself */
    fail_job(rig, 0, "cannot", true);
    pass(rig);
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "lost,failure");
    assert_says(rig, "SELECT status FROM models", "failed");
    rig_close(rig);
}

/* The folder is there, what the trainer has put into it is not. */
static void whose_state_was_removed_is_not_charged(void **state)
{
    (void)state;
    struct rig *rig = half_trained();
    assert_int_equal(unlink(in_folder("a.db.states/sim/0.1")), 0); /* and what it has made */
    rig->now = 2;
    struct rung_proto_message message = {.type = RUNG_PROTO_RESULT,
                                         .job = rig->slots[0].job,
                                         .has_score = true,
                                         .score = 0.5,
                                         .metric = NAN,
                                         .fit_seconds = 1,
                                         .score_seconds = NAN};
    rig->tell.message(rig->tell.context, 0, &message, rig->now);
    assert_says(rig, "SELECT group_concat(kind) FROM failures", "lost");
    rig_close(rig);
}

static void without_its_database_it_fails(void **state)
{
    (void)state;
    struct rig *rig = half_trained();
    struct rung_err err = {0};
    assert_int_equal(unlink(in_folder("a.db")), 0);
    assert_true(rung_engine_look(rig->engine, 2));
    assert_int_equal(rung_engine_turn(rig->engine, 2, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "a.db: was removed or moved away while it was open"));
    assert_true(err.remedy);
    rig_close(rig);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_finds_no_states_folder_is_not_charged),
        TEST(who_was_sent_before_it_was_made_again_is_not_charged),
        TEST(whose_state_was_removed_is_not_charged),
        TEST(without_its_database_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
