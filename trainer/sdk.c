/*
 * Owns the job loop of a trainer: messages on the descriptor to calls of a struct rung_trainer, and
 * what comes of them to answers.
 */
#include "sdk.h"
#include "answer.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "models.h"
#include "rung/version.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_DEFAULT ((size_t)256 << 20)
#define READ_SIZE      65536

enum next { GO_ON, LEAVE_WELL, LEAVE_BADLY };

struct sdk {
    const struct rung_trainer *trainer;
    struct rung_answer answer;
    struct rung_buf in;
    size_t seen;             /* bytes of `in` known to hold no newline */
    struct rung_json *start; /* NULL until it came; lives on, settings point into it */
    void *context;
    struct rung_models *models;
    struct rung_state *state;
};

/* A job or evaluate message. */
struct job {
    int64_t number, from, to;
    struct rung_trainer_task task;
    const char *state_in, *state_out; /* NULL: none */
};

static void complain(const struct sdk *sdk, const char *text)
{
    fprintf(stderr, "%s: %s\n", sdk->trainer->name, text);
    fflush(stderr);
}

/* Jobs */

static void destroy(struct sdk *sdk, void *model)
{
    if (model && sdk->trainer->destroy)
        sdk->trainer->destroy(sdk->context, model);
}

/* A function that failed without a word still has failed. */
static int failed(struct rung_err *err, const char *what)
{
    if (err->code == RUNG_OK)
        rung_err_set(err, RUNG_EFAIL, "%s failed", what);
    return err->code;
}

static int load_model(struct sdk *sdk, const struct job *job, int64_t calls, void **model,
                      struct rung_err *err)
{
    struct rung_state_id id = {sdk->trainer->name, sdk->trainer->version, calls};

    if (!job->state_in || !sdk->trainer->load)
        return rung_err_set(err, RUNG_EFAIL, "model %lld: no state to go on from",
                            (long long)job->task.model);
    if (rung_state_read(sdk->state, job->state_in, &id, err) < 0)
        return err->code;
    if (sdk->trainer->load(sdk->context, &job->task, sdk->state, model, err) != 0) {
        failed(err, "load");
        return err->code == RUNG_EUSE ? err->code : rung_err_prefix(err, "%s", job->state_in);
    }
    if (rung_state_left(sdk->state) > 0)
        return rung_err_set(err, RUNG_EFAIL, "%s: %zu bytes too many", job->state_in,
                            rung_state_left(sdk->state));
    return 0;
}

static int get_model(struct sdk *sdk, const struct job *job, void **model, struct rung_err *err)
{
    if (job->from == 0) {
        rung_models_forget(sdk->models, job->task.model);
        return sdk->trainer->create(sdk->context, &job->task, model, err) != 0 ? failed(err, "create") : 0;
    }
    *model = rung_models_take(sdk->models, job->task.model, job->from);
    return *model ? 0 : load_model(sdk, job, job->from, model, err);
}

static int train_model(struct sdk *sdk, const struct job *job, void *model, struct rung_outcome *outcome,
                       struct rung_err *err)
{
    double before = rung_answer_clock(), after;

    for (int64_t call = job->from; call < job->to; call++) {
        struct rung_trainer_report report = {.examples = 0};

        if (sdk->trainer->train(sdk->context, model, call, &report, err) != 0)
            return failed(err, "train");
        after = rung_answer_clock();
        outcome->fit_seconds += after - before;
        outcome->examples += report.examples;
        rung_answer_progress(&sdk->answer, job->number, call + 1, after - before, &report);
        before = after;
        if (sdk->answer.gone)
            return rung_err_set(err, RUNG_EFAIL, "rung has gone");
    }
    return 0;
}

static int score_model(struct sdk *sdk, void *model, struct rung_outcome *outcome, struct rung_err *err)
{
    double before = rung_answer_clock();

    if (sdk->trainer->score(sdk->context, model, &outcome->score, &outcome->report, err) != 0)
        return failed(err, "score");
    outcome->score_seconds = rung_answer_clock() - before;
    return 0;
}

static int save_model(struct sdk *sdk, const struct job *job, void *model, struct rung_err *err)
{
    struct rung_state_id id = {sdk->trainer->name, sdk->trainer->version, job->to};

    rung_state_reset(sdk->state);
    if (!sdk->trainer->save || !job->state_out)
        return 0;
    if (sdk->trainer->save(sdk->context, model, sdk->state, err) != 0)
        return failed(err, "save");
    return rung_state_write(sdk->state, job->state_out, &id, err);
}

static void do_job(struct sdk *sdk, const struct job *job)
{
    struct rung_outcome outcome = {.score = 0};
    struct rung_err err = {.code = RUNG_OK};
    void *model = NULL;
    int code;

    sdk->answer.sent_at = rung_answer_clock();
    code = get_model(sdk, job, &model, &err);
    if (code == 0)
        code = train_model(sdk, job, model, &outcome, &err);
    if (code == 0)
        code = score_model(sdk, model, &outcome, &err);
    if (code == 0)
        code = save_model(sdk, job, model, &err);
    if (code == 0) {
        rung_answer_result(&sdk->answer, job->number, &outcome);
        if (sdk->trainer->save) { /* without states, no job ever goes on from here */
            rung_models_put(sdk->models, job->task.model, job->to, model, rung_state_size(sdk->state));
            model = NULL;
        }
    } else {
        rung_answer_failure(&sdk->answer, job->number, &err);
    }
    destroy(sdk, model);
}

/* The model of memory is not used: the message does not say at which call it stands. */
static void do_evaluate(struct sdk *sdk, const struct job *job)
{
    struct rung_trainer_report report = {.examples = 0};
    struct rung_err err = {.code = RUNG_OK};
    void *model = NULL;
    int code;

    if (sdk->trainer->evaluate)
        code = load_model(sdk, job, -1, &model, &err);
    else
        code = rung_err_set(&err, RUNG_EUSE, "this trainer has no evaluation");
    if (code == 0 && sdk->trainer->evaluate(sdk->context, model, &report, &err) != 0)
        code = failed(&err, "evaluate");
    if (code == 0)
        rung_answer_evaluation(&sdk->answer, job->number, &report);
    else
        rung_answer_failure(&sdk->answer, job->number, &err);
    destroy(sdk, model);
}

/* Messages */

static bool get_integer(const struct rung_json *message, const char *key, int64_t *out)
{
    const struct rung_json *value = rung_json_get(message, key);

    return value && rung_json_integer(value, 0, (int64_t)RUNG_JSON_INTEGER_MAX, out);
}

static const char *get_text(const struct rung_json *message, const char *key)
{
    const struct rung_json *value = rung_json_get(message, key);

    return rung_json_is(value, RUNG_JSON_STRING) ? rung_json_string(value) : NULL;
}

/* The name of the first field that is missing or wrong, or NULL. */
static const char *read_job(const struct rung_json *message, bool whole, struct job *job)
{
    int64_t seed = 0;

    job->state_in = get_text(message, "state_in");
    job->state_out = get_text(message, "state_out");
    job->task.parameters = rung_json_get(message, "parameters");
    if (!get_integer(message, "model", &job->task.model))
        return "model";
    if (!rung_json_is(job->task.parameters, RUNG_JSON_OBJECT))
        return "parameters";
    if (!get_integer(message, "seed", &seed) && whole)
        return "seed";
    job->task.seed = (uint64_t)seed;
    if (whole && !get_integer(message, "from", &job->from))
        return "from";
    if (whole && (!get_integer(message, "to", &job->to) || job->to <= job->from))
        return "to";
    return NULL;
}

static enum next take_job(struct sdk *sdk, const struct rung_json *message, bool whole)
{
    struct job job = {.number = 0};
    struct rung_err err;
    const char *wrong;

    if (!get_integer(message, "job", &job.number)) {
        complain(sdk, "a job without a number");
        return LEAVE_BADLY;
    }
    wrong = sdk->start ? read_job(message, whole, &job) : "start (it has not come yet)";
    if (wrong) {
        rung_err_set(&err, RUNG_EFAIL, "message not understood: %s", wrong);
        rung_answer_failure(&sdk->answer, job.number, &err);
    } else if (whole) {
        do_job(sdk, &job);
    } else {
        do_evaluate(sdk, &job);
    }
    return GO_ON;
}

/* Reads start; keeps message alive as sdk->start, which the strings and settings point into. */
static void read_start(struct sdk *sdk, struct rung_json *message, struct rung_trainer_start *start)
{
    int64_t seed = 0;

    if (!rung_json_is(rung_json_get(message, "settings"), RUNG_JSON_OBJECT))
        rung_json_set(message, "settings", rung_json_new_object());
    start->settings = rung_json_get(message, "settings");
    start->search = get_text(message, "search");
    if (!start->search)
        start->search = "";
    if (get_integer(message, "seed", &seed))
        start->seed = (uint64_t)seed;
    get_integer(message, "trainer", &start->trainer);
    if (!get_integer(message, "threads", &start->threads) || start->threads < 1)
        start->threads = 1;
    get_integer(message, "examples_per_call", &start->examples_per_call);
    sdk->start = message;
}

static enum next take_start(struct sdk *sdk, struct rung_json *message)
{
    const struct rung_trainer *trainer = sdk->trainer;
    struct rung_trainer_start start = {.threads = 1};
    struct rung_err err = {.code = RUNG_OK};
    int64_t protocol = 0;
    bool known = get_integer(message, "protocol", &protocol) && protocol == RUNG_PROTOCOL_VERSION;

    if (sdk->start || !known) {
        complain(sdk, sdk->start ? "a second start message" : "rung speaks another protocol");
        rung_json_free(message);
        return LEAVE_BADLY;
    }
    read_start(sdk, message, &start);
    if (trainer->setup && trainer->setup(&start, &sdk->context, &err) != 0) {
        failed(&err, "setup");
        complain(sdk, err.text);
        if (*err.way_out)
            complain(sdk, err.way_out);
        return LEAVE_BADLY;
    }
    sdk->models =
        rung_models_new(trainer->memory ? trainer->memory : MEMORY_DEFAULT, trainer->destroy, sdk->context);
    rung_answer_ready(&sdk->answer, trainer);
    return GO_ON;
}

static enum next take_message(struct sdk *sdk, const char *line, size_t length)
{
    struct rung_err err;
    struct rung_json *message = rung_json_parse(line, length, 0, &err);
    const char *type = message ? get_text(message, "type") : NULL;
    enum next next = GO_ON;
    int64_t model;

    if (!message) {
        complain(sdk, err.text);
        return LEAVE_BADLY;
    }
    if (type && strcmp(type, "start") == 0)
        return take_start(sdk, message);
    if (type && strcmp(type, "job") == 0)
        next = take_job(sdk, message, true);
    else if (type && strcmp(type, "evaluate") == 0)
        next = take_job(sdk, message, false);
    else if (type && strcmp(type, "forget") == 0 && sdk->models && get_integer(message, "model", &model))
        rung_models_forget(sdk->models, model);
    else if (type && strcmp(type, "stop") == 0)
        next = LEAVE_WELL;
    rung_json_free(message); /* types not known are ignored */
    return next;
}

/* The loop */

/* All whole lines of `in`. */
static enum next take_lines(struct sdk *sdk)
{
    enum next next = GO_ON;
    size_t begin = 0;
    const char *end;

    while (next == GO_ON && (end = memchr(sdk->in.data + begin + sdk->seen, '\n',
                                          sdk->in.length - begin - sdk->seen)) != NULL) {
        size_t length = (size_t)(end - (sdk->in.data + begin));

        next = take_message(sdk, sdk->in.data + begin, length);
        begin += length + 1;
        sdk->seen = 0;
    }
    rung_buf_consume(&sdk->in, begin);
    sdk->seen = sdk->in.length;
    if (next == GO_ON && sdk->in.length > RUNG_SDK_MESSAGE_MAX) {
        complain(sdk, "a message of more than 1 MiB");
        next = LEAVE_BADLY;
    }
    return next;
}

static enum next read_some(struct sdk *sdk)
{
    char *room = rung_buf_reserve(&sdk->in, READ_SIZE);
    ssize_t n;

    do
        n = read(sdk->answer.fd, room, READ_SIZE);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != ECONNRESET) {
        complain(sdk, strerror(errno));
        return LEAVE_BADLY;
    }
    if (n <= 0)
        return LEAVE_WELL;
    sdk->in.length += (size_t)n;
    return take_lines(sdk);
}

int rung_sdk_serve(const struct rung_trainer *trainer, int fd)
{
    struct sdk sdk = {.trainer = trainer, .answer = {.fd = fd}};
    enum next next = GO_ON;

    rung_buf_init(&sdk.in, RUNG_SDK_MESSAGE_MAX + 2 * READ_SIZE);
    rung_buf_init(&sdk.answer.out, RUNG_BUF_UNLIMITED);
    sdk.state = rung_state_new();
    while (next == GO_ON && !sdk.answer.gone)
        next = read_some(&sdk);
    rung_models_free(sdk.models);
    if (trainer->teardown && sdk.context)
        trainer->teardown(sdk.context);
    rung_state_free(sdk.state);
    rung_json_free(sdk.start);
    rung_buf_free(&sdk.in);
    rung_buf_free(&sdk.answer.out);
    close(fd);
    return next == LEAVE_BADLY ? 1 : 0;
}

int rung_trainer_main(const struct rung_trainer *trainer)
{
    const char *text = getenv("RUNG_FD");
    char *end = NULL;
    long fd = text ? strtol(text, &end, 10) : -1;

    if (!text || end == text || *end || fd < 0 || fd > 1 << 20 || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0) {
        fprintf(stderr,
                "%s: $RUNG_FD names no open descriptor: this is a trainer, started by rung run SPEC\n",
                trainer->name);
        return 2;
    }
    return rung_sdk_serve(trainer, (int)fd);
}
