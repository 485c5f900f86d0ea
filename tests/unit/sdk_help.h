/* A small trainer in a child, and the test as its scheduler at the other end of a socket pair. */
#ifndef RUNG_TESTS_SDK_HELP_H
#define RUNG_TESTS_SDK_HELP_H

#include "trainer/sdk.h"
#include "trainer_help.h"

#include <math.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The trainer under test: a model is a number that each call changes. */

struct number {
    uint64_t calls, value;
    double add, fail_at;
    const char *fail_how;
};

struct counts {
    int creates, loads;
};

static int count_setup(const struct rung_trainer_start *start, void **context, struct rung_err *err)
{
    if (rung_trainer_has(start->settings, "refuse"))
        return rung_trainer_fail(err, false, "settings.refuse: %s",
                                 rung_trainer_text(start->settings, "refuse", ""));
    *context = calloc(1, sizeof(struct counts));
    return 0;
}

static void count_teardown(void *context)
{
    free(context);
}

static struct number *new_number(const struct rung_trainer_task *task)
{
    static const char *const ways[] = {"", "retry", "final", "silent"};
    struct number *number = calloc(1, sizeof *number);

    number->value = task->seed;
    number->add = rung_trainer_number(task->parameters, "add", 1);
    number->fail_at = rung_trainer_number(task->parameters, "fail_at", -1);
    number->fail_how = "";
    for (size_t i = 0; i < 4; i++)
        if (strcmp(rung_trainer_text(task->parameters, "how", "retry"), ways[i]) == 0)
            number->fail_how = ways[i];
    return number;
}

static int number_create(void *context, const struct rung_trainer_task *task, void **model,
                         struct rung_err *err)
{
    if (rung_trainer_bool(task->parameters, "bad", false))
        return rung_trainer_fail(err, false, "parameters.bad: must be \"false\"");
    if (context)
        ((struct counts *)context)->creates++;
    *model = new_number(task);
    return 0;
}

static void number_destroy(void *context, void *model)
{
    (void)context;
    free(model);
}

static int number_train(void *context, void *model, int64_t call, struct rung_trainer_report *report,
                        struct rung_err *err)
{
    struct number *number = model;

    (void)context;
    if ((double)call == number->fail_at && strcmp(number->fail_how, "silent") == 0)
        return -1;
    if ((double)call == number->fail_at)
        return rung_trainer_fail(err, strcmp(number->fail_how, "retry") == 0, "call %d\nfailed", (int)call);
    assert_int_equal(number->calls, call);
    number->calls++;
    number->value = number->value * 6364136223846793005u + (uint64_t)call + (uint64_t)number->add;
    report->examples = 10;
    rung_trainer_metric(report, "loss", 1.0 / (double)(call + 1));
    return 0;
}

static int number_score(void *context, void *model, double *score, struct rung_trainer_report *report,
                        struct rung_err *err)
{
    const struct number *number = model;
    const struct counts *counts = context;

    (void)err;
    *score = number->add == 13 ? (double)NAN : (double)(number->value >> 12) * 0x1p-52;
    rung_trainer_metric(report, "creates", counts ? counts->creates : -1);
    rung_trainer_metric(report, "loads", counts ? counts->loads : -1);
    return 0;
}

static int number_evaluate(void *context, void *model, struct rung_trainer_report *report,
                           struct rung_err *err)
{
    (void)context;
    (void)err;
    rung_trainer_metric(report, "test_score", (double)((struct number *)model)->calls);
    return 0;
}

static int number_save(void *context, const void *model, struct rung_state *state, struct rung_err *err)
{
    const struct number *number = model;

    (void)context;
    (void)err;
    rung_state_put(state, &number->calls, sizeof number->calls);
    rung_state_put(state, &number->value, sizeof number->value);
    if (number->add == 5) /* more than load gets */
        rung_state_put(state, "surplus", 7);
    return 0;
}

static int number_load(void *context, const struct rung_trainer_task *task, struct rung_state *state,
                       void **model, struct rung_err *err)
{
    struct number *number = new_number(task);

    ((struct counts *)context)->loads++;
    *model = number;
    if (!rung_state_get(state, &number->calls, sizeof number->calls) ||
        !rung_state_get(state, &number->value, sizeof number->value))
        return rung_trainer_fail(err, true, "too short");
    return 0;
}

static UNUSED const struct rung_trainer numbers = {
    .name = "numbers",
    .version = 3,
    .platform = "a \"test\"",
    .setup = count_setup,
    .teardown = count_teardown,
    .create = number_create,
    .destroy = number_destroy,
    .train = number_train,
    .score = number_score,
    .evaluate = number_evaluate,
    .save = number_save,
    .load = number_load,
};

/* The other end */

static FILE *to, *from;
static pid_t child;
static struct rung_json *answer;

static UNUSED void begin(const struct rung_trainer *trainer)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        close(ends[0]);
        fclose(stderr);
        exit(rung_sdk_serve(trainer, ends[1]));
    }
    close(ends[1]);
    to = fdopen(ends[0], "w");
    from = fdopen(dup(ends[0]), "r");
}

/* Sends a line; ' stands for ". */
static UNUSED void say(const char *format, ...)
{
    char text[2048];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    fprintf(to, "%s\n", text);
    fflush(to);
}

/* The next answer, of this type; it lives until the one after it. */
static UNUSED const struct rung_json *hear(const char *type)
{
    char line[65536];
    struct rung_err err;

    rung_json_free(answer);
    answer = NULL;
    if (!fgets(line, sizeof line, from))
        fail_msg("no answer, expected %s", type);
    answer = rung_json_parse(line, strlen(line) - 1, 0, &err);
    if (!answer)
        fail_msg("%s: %s", line, err.text);
    if (strcmp(rung_json_string(rung_json_get(answer, "type")), type) != 0)
        fail_msg("expected %s, not %s", type, line);
    return answer;
}

static UNUSED double number_of(const char *key)
{
    return rung_json_number(rung_json_get(answer, key));
}

static UNUSED double metric(const char *key)
{
    return rung_json_number(rung_json_get(rung_json_get(answer, "metrics"), key));
}

static UNUSED const char *text_of(const char *key)
{
    return rung_json_string(rung_json_get(answer, key));
}

static UNUSED int end(void)
{
    int status;

    fflush(to);
    shutdown(fileno(to), SHUT_WR);
    assert_int_equal(fgetc(from), EOF);
    fclose(to);
    fclose(from);
    rung_json_free(answer);
    answer = NULL;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static UNUSED void start(const struct rung_trainer *trainer)
{
    begin(trainer);
    say("{'type':'start','protocol':1,'search':'s','seed':42,'trainer':0,'threads':1,'settings':{}}");
    hear("ready");
}

/* A job without parameters of note; its answer is read up to the result or failure. */
static UNUSED void job(int number, int model, int first, int last, const char *in, const char *out,
                       const char *parameters)
{
    char quoted[2][400];

    snprintf(quoted[0], sizeof quoted[0], in ? "'%s'" : "null", in);
    snprintf(quoted[1], sizeof quoted[1], out ? "'%s'" : "null", out);
    say("{'type':'job','job':%d,'model':%d,'seed':77,'parameters':%s,'from':%d,'to':%d,'state_in':%s,"
        "'state_out':%s,'later':[1]}",
        number, model, parameters, first, last, quoted[0], quoted[1]);
}

static UNUSED double score_of(int number, int calls)
{
    for (int i = 0; i < calls; i++)
        hear("progress");
    hear("result");
    assert_int_equal(number_of("job"), number);
    return number_of("score");
}

#endif
