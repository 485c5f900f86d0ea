/*
 * The rows of a search are read as they were written, nulls and other searches included; a damaged one is
 * said.
 */
#include "store/history.h"

#include "record_help.h"

/* ---- rows as text ---- */

static struct rung_buf text;

static void number(double value)
{
    rung_buf_char(&text, ' ');
    rung_json_write_number(&text, value);
}

static void whole(int64_t value)
{
    if (value == RUNG_NO_VALUE)
        rung_buf_text(&text, " -");
    else
        rung_buf_printf(&text, " %lld", (long long)value);
}

static void see_model(void *context, const struct rung_history_model *model)
{
    (void)context;
    rung_buf_printf(&text, "model %u bracket %u", model->model, model->bracket);
    whole(model->state_bytes);
    rung_buf_text(&text, strstr(model->parameters, "alpha") ? "\n" : " ?\n");
}

static void see_trainer(void *context, const struct rung_history_trainer *trainer)
{
    (void)context;
    rung_buf_printf(&text, "trainer %lld on %s", (long long)trainer->trainer, trainer->host);
    number(trainer->joined_at);
    number(trainer->left_at);
    whole(trainer->jobs);
    number(trainer->busy_seconds);
    rung_buf_char(&text, '\n');
}

static void see_failure(void *context, const struct rung_history_failure *failure)
{
    (void)context;
    rung_buf_printf(&text, "failure of %u at", failure->model);
    whole(failure->trainer);
    number(failure->at);
    rung_buf_char(&text, '\n');
}

static void see_event(void *context, const struct rung_history_event *event)
{
    (void)context;
    rung_buf_printf(&text, "event %d", (int)event->kind);
    whole(event->model == RUNG_NO_MODEL ? RUNG_NO_VALUE : (int64_t)event->model);
    whole(event->calls);
    number(event->score);
    number(event->fit_seconds);
    number(event->score_seconds);
    whole(event->examples);
    whole(event->trainer);
    number(event->elapsed);
    number(event->at);
    rung_buf_char(&text, '\n');
}

static const struct rung_history_readers readers = {NULL, see_event, see_model, see_trainer, see_failure};

static const char *read_search(int64_t id)
{
    struct rung_store *store = open_store(path, RUNG_STORE_READ);
    struct rung_err err = {0};
    rung_buf_clear(&text);
    if (rung_history_read(store, id, &readers, &err) != 0) {
        assert_int_equal(err.code, RUNG_EUSE);
        rung_buf_clear(&text);
        rung_buf_text(&text, err.text);
    }
    rung_store_close(store);
    return rung_buf_cstr(&text);
}

static int start(void **state)
{
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    return setup(state);
}

static int stop(void **state)
{
    rung_buf_free(&text);
    return remove_folder(state);
}

/* ---- tests ---- */

static double nan_for_1(uint32_t model, int64_t calls)
{
    return model == 1 ? (double)NAN : (double)calls + 0.5;
}

/* Two results, an attempt that failed, a model that did. */
static void a_little_history(struct live *live)
{
    int64_t row;
    begin(live, "first");
    live_need(live, rung_record_trainer_join(live->record, 3, "here", "local", NULL, 1795167000.5, &row,
                                             &live->err));
    live_need(live, rung_record_trainer_job(live->record, row, 0, 2, 1.5, &live->err));
    live_need(live,
              rung_record_trainer_join(live->record, 4, NULL, "local", NULL, 1795167001, &row, &live->err));
    live_need(live, rung_record_trainer_leave(live->record, row, "killed", 1795167002, &live->err));
    live_answer(live, nan_for_1);
    live_answer(live, nan_for_1);
    struct rung_failure_facts failure = {.model = 2,
                                         .attempt = 1,
                                         .trainer = 3,
                                         .kind = RUNG_FAILURE_EXIT,
                                         .reason = "it ended",
                                         .at = 1795167004};
    live_need(live, rung_record_failure(live->record, &failure, &live->err));
    failure.model = RUNG_NO_MODEL;
    failure.kind = RUNG_FAILURE_START;
    live_need(live, rung_record_failure(live->record, &failure, &live->err));
    struct rung_event event = {.kind = RUNG_EVENT_FAILURE, .model = 2};
    struct rung_result_facts facts = rung_result_facts_at(NAN, 1795167004);
    live_event(live, &event, &facts);
    commit(live);
}

static void rows_come_in_order(void **state)
{
    (void)state;
    struct live live = {0};
    a_little_history(&live);
    live_close(&live);
    assert_string_equal(read_search(1), "model 0 bracket 0 10\n"
                                        "model 1 bracket 0 11\n"
                                        "model 2 bracket 0 -\n"
                                        "model 3 bracket 0 -\n"
                                        "trainer 3 on here 1795167000.5 null 2 1.5\n"
                                        "trainer 4 on  1795167001 1795167002 0 0\n"
                                        "failure of 2 at 3 1795167004\n"
                                        "event 0 - 0 null null null - - null null\n"
                                        "event 1 0 1 1.5 0.25 0.125 100 0 1 1795167001\n"
                                        "event 1 1 1 null 0.25 0.125 100 0 2 1795167002\n"
                                        "event 2 2 0 null null null - - null 1795167004\n");
}

static void of_that_search_alone(void **state)
{
    (void)state;
    struct live live = {0}, other = {0};
    a_little_history(&live);
    other.store = live.store;
    begin(&other, "second");
    commit(&other);
    assert_string_equal(read_search(2), "model 0 bracket 0 -\nmodel 1 bracket 0 -\n"
                                        "model 2 bracket 0 -\nmodel 3 bracket 0 -\n"
                                        "event 0 - 0 null null null - - null null\n");
    assert_string_equal(read_search(3), "");
    other.store = NULL;
    live_close(&other);
    live_close(&live);
}

static void only_what_is_asked_for(void **state)
{
    (void)state;
    struct live live = {0};
    struct rung_history_readers none = {0};
    a_little_history(&live);
    rung_buf_clear(&text);
    live_need(&live, rung_history_read(live.store, 1, &none, &live.err));
    assert_int_equal(text.length, 0);
    live_close(&live);
}

static void damage_is_said(void **state)
{
    (void)state;
    static const char *const harm[][2] = {
        {"UPDATE event SET kind = 17 WHERE seq = 1", "event 2 is none"},
        {"UPDATE event SET kind = 1, model = NULL WHERE seq = 1", "event 2 is none"},
        {"UPDATE event SET model = -1 WHERE seq = 1", "event 2 is none"},
        {"UPDATE event SET model = 0; UPDATE failure SET model = 1 << 40 WHERE model = 2",
         "a failure's model"},
        {"UPDATE failure SET model = 2 WHERE model = 1 << 40; UPDATE model SET bracket = -1",
         "model 0 is none"},
    };
    struct live live = {0};
    a_little_history(&live);
    live_close(&live);
    for (size_t i = 0; i < sizeof harm / sizeof *harm; i++) {
        sql(path, harm[i][0]);
        if (!strstr(read_search(1), harm[i][1]))
            fail_msg("'%s' does not say '%s'", rung_buf_cstr(&text), harm[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_in_order, start, stop),
        cmocka_unit_test_setup_teardown(of_that_search_alone, start, stop),
        cmocka_unit_test_setup_teardown(only_what_is_asked_for, start, stop),
        cmocka_unit_test_setup_teardown(damage_is_said, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
