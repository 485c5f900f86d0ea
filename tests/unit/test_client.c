/* Who gives a daemon a command: what it hears, and what it says where none answers. */
#include "control_help.h"

#include <sys/wait.h>

/* A daemon of a few words: answers each command in the way that it names. */
static void answer(void *context, struct rung_caller *caller, const struct rung_json *message)
{
    const char *command = rung_said_string(message, "command");
    (void)context;
    if (strcmp(command, "end") == 0) {
        rung_caller_pour(caller, 7, "xyz", 3);
        rung_caller_say(caller, "{\"type\":\"end\",\"status\":42}");
    } else if (strcmp(command, "die") == 0) {
        _exit(0);
    }
}

static void gone(void *context, struct rung_caller *caller)
{
    (void)context, (void)caller;
}

static void quiet(void *context, const char *text)
{
    (void)context, (void)text;
}

/* It listens when we come: the socket is made before the process. */
static pid_t start_daemon(struct rung_control **control)
{
    struct rung_control_options options = {.socket = path, .said = answer, .hung_up = gone, .warn = quiet};
    struct rung_err err;
    if (rung_control_create(control, base, &options, &err) < 0)
        fail_msg("%s", err.text);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(PATIENCE);
        if (event_reinit(base) == 0)
            event_base_dispatch(base);
        _exit(1);
    }
    return pid;
}

static void end_daemon(pid_t pid, struct rung_control *control)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    rung_control_free(control);
}

static void client_said(void *context, struct rung_client *client, const struct rung_json *message)
{
    assert_int_equal(*(size_t *)context, 3);
    rung_client_done(client, (int)rung_said_integer(message, "status", 0));
}

static void client_poured(void *context, struct rung_client *client, uint64_t stream, const void *data,
                          size_t length)
{
    (void)client;
    assert_int_equal(stream, 7);
    assert_memory_equal(data, "xyz", length);
    *(size_t *)context += length;
}

static int give(const char *command, int *status, struct rung_err *err)
{
    size_t poured = 0;
    struct rung_client_options options = {
        .socket = path, .command = command, .context = &poured, .said = client_said, .poured = client_poured};
    *err = (struct rung_err){0};
    return rung_client_run(&options, status, err);
}

static void a_client_hears_its_answer(void **state)
{
    (void)state;
    struct rung_err err;
    struct rung_control *control;
    int status = 0;
    pid_t pid = start_daemon(&control);
    assert_int_equal(give("{\"type\":\"command\",\"protocol\":1,\"command\":\"end\"}", &status, &err), 0);
    assert_int_equal(status, 42);
    end_daemon(pid, control);
}

static void a_client_says_what_is_wrong(void **state)
{
    (void)state;
    struct rung_err err;
    struct rung_control *control;
    int status = 0;
    assert_int_equal(give("{}", &status, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "No such file"));
    pid_t pid = start_daemon(&control);
    assert_int_equal(give("{\"type\":\"command\",\"protocol\":9,\"command\":\"end\"}", &status, &err),
                     RUNG_EUSE);
    assert_non_null(strstr(err.text, "refuses: it is another version of rung"));
    assert_int_equal(give("{\"type\":\"command\",\"protocol\":1,\"command\":\"die\"}", &status, &err),
                     RUNG_EFAIL);
    assert_non_null(strstr(err.text, "closed by the other side"));
    end_daemon(pid, control);
    assert_int_equal(give("{}", &status, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_hears_its_answer),
        TEST(a_client_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
