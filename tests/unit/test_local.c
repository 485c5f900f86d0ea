/* Trainers as processes: what they have read when they end, and in which order they are told. */
#include "store_help.h"

#include "dispatch/local.h"

#include <event2/event.h>

/* A shell whose read takes one byte at a time, so that it has read the lines that it asked for and no other.
 */
#define LINE "read -r line <&$RUNG_FD; "

struct trial {
    struct event_base *base;
    struct rung_json *settings;
    struct rung_trainer_spec trainer;
    struct rung_local *local;
    struct rung_executor *executor;
    bool closed, unread, gone;
    struct rung_exit how;
};

static void on_message(void *context, int slot, const struct rung_proto_message *message, double now)
{
    (void)context;
    (void)slot;
    (void)message;
    (void)now;
    fail_msg("it says something");
}

static void on_violation(void *context, int slot, const char *reason, double now)
{
    (void)context;
    (void)slot;
    (void)now;
    fail_msg("%s", reason);
}

static void on_closing(void *context, int slot, bool unread, double now)
{
    struct trial *trial = context;
    (void)slot;
    (void)now;
    trial->closed = true;
    trial->unread = unread;
}

static void on_gone(void *context, int slot, const struct rung_exit *how, double now)
{
    struct trial *trial = context;
    (void)slot;
    (void)now;
    trial->gone = true;
    trial->how = *how;
}

/* Starts a trainer that is this script. */
static void begin(struct trial *trial, const char *script)
{
    static char *command[] = {"/bin/sh", "-c", NULL, NULL};
    struct rung_err err = {0};
    *trial = (struct trial){.base = event_base_new(), .settings = rung_json_parse("{}", 2, 0, &err)};
    command[2] = (char *)script;
    trial->trainer = (struct rung_trainer_spec){
        .command = command, .words = 3, .settings = trial->settings, .count = 1, .threads = 1};
    trial->local = rung_local_create(trial->base, 1);
    trial->executor = rung_local_executor(trial->local);
    rung_local_listen(trial->local, (struct rung_executor_listener){.context = trial,
                                                                    .message = on_message,
                                                                    .violation = on_violation,
                                                                    .closing = on_closing,
                                                                    .gone = on_gone});
    struct rung_start start = {.line = {.search = "x", .threads = 1, .settings = trial->settings},
                               .trainer = &trial->trainer,
                               .metric = "score",
                               .folder = folder,
                               .log_folder = folder};
    if (trial->executor->start(trial->executor->self, 0, &start, &err) != 0)
        fail_msg("%s", err.text);
}

static void send_job(struct trial *trial)
{
    struct rung_proto_job job = {.job = 1, .model = 2, .parameters = "{}", .to = 1};
    trial->executor->job(trial->executor->self, 0, &job);
}

/* Until it has ended; its exit status. */
static int finish(struct trial *trial)
{
    while (!trial->gone)
        assert_int_equal(event_base_loop(trial->base, EVLOOP_ONCE), 0);
    assert_true(trial->closed);
    assert_false(trial->how.signaled);
    rung_local_free(trial->local);
    event_base_free(trial->base);
    rung_json_free(trial->settings);
    return trial->how.number;
}

static void a_job_that_was_read_is_known_whatever_waits_for_the_next_one(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial, LINE LINE "exit 7");
    send_job(&trial);
    trial.executor->forget(trial.executor->self, 0, 1);
    assert_int_equal(finish(&trial), 7);
    assert_false(trial.unread);
}

/* The socket takes a part of the line, the rest of it waits here; the forget must not follow it into the
 * socket, where the trainer would leave it unread. */
static void a_long_job_that_was_read_is_known_too(void **state)
{
    struct trial trial;
    (void)state;
    enum { LENGTH = 400000 };
    char *parameters = rung_mem_resize(NULL, LENGTH + 3, 1);
    memset(parameters, ' ', LENGTH);
    memcpy(parameters + LENGTH, "{}", 3);
    struct rung_proto_job job = {.job = 1, .model = 2, .parameters = parameters, .to = 1};
    begin(&trial, LINE LINE "exit 7");
    trial.executor->job(trial.executor->self, 0, &job);
    trial.executor->forget(trial.executor->self, 0, 1);
    assert_int_equal(finish(&trial), 7);
    assert_false(trial.unread);
    free(parameters);
}

static void a_job_that_was_not_read_is_not_known(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial, LINE "exit 7");
    send_job(&trial);
    assert_int_equal(finish(&trial), 7);
    assert_true(trial.unread);
}

static void a_model_is_forgotten_before_the_next_job_and_before_the_end(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial, LINE LINE "case $line in *forget*) ;; *) exit 3;; esac; " LINE
                            "case $line in *parameters*) exit 0;; esac; exit 4");
    trial.executor->forget(trial.executor->self, 0, 1);
    send_job(&trial);
    assert_int_equal(finish(&trial), 0);
    begin(&trial, LINE LINE "case $line in *forget*) ;; *) exit 3;; esac; " LINE
                            "case $line in *stop*) exit 0;; esac; exit 4");
    trial.executor->forget(trial.executor->self, 0, 1);
    trial.executor->stop(trial.executor->self, 0);
    assert_int_equal(finish(&trial), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_that_was_read_is_known_whatever_waits_for_the_next_one),
        TEST(a_long_job_that_was_read_is_known_too),
        TEST(a_job_that_was_not_read_is_not_known),
        TEST(a_model_is_forgotten_before_the_next_job_and_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
