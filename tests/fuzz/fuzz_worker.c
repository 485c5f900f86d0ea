/*
 * What a scheduler says to a worker: welcomes, orders, pieces of states, in any order, over connections that
 * break; and what the worker's trainers say meanwhile. No trainer is started: they are the fuzzer's. However
 * it goes, a trainer is started only where there is none, told of jobs only while it lives, and nothing is
 * left in the worker's folder.
 *
 * The input is lines, of which the first letter says what happens:
 *
 *     W              the scheduler welcomes the worker;  R: to its session
 *     m JSON         the connection says that
 *     n MEMBERS}     … with the next number before it
 *     S              … to start a trainer in slot 0
 *     J N            … a job of model N for it: the state that it needs is odd, the state to save is even in
 * N / 2 F TEXT         … the state that the last job waits for, of these bytes k KIND         … {"type":KIND}
 * of slot 0 and its life b              … a beat that confirms what was sent p TEXT         a piece of that
 * state;  q TEXT: of some other stream c, C           the connection is lost; it was broken;  x: nobody can
 * be reached from now on, or again d, f           it has drained; it is full s LINE         the trainer of
 * slot 0 says that r              … the result of its job, and has saved its state g, v, l        it has
 * ended; did not keep to its protocol; has closed its socket t              time passes
 */
#include "fake_wire.h"

#include "dispatch/address.h"
#include "dispatch/local.h"
#include "dispatch/stream.h"
#include "dispatch/worker.h"

#define TRAINERS 2
#define STEPS    400 /* of one input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trainer {
    bool alive;
    int64_t job; /* that it has, or -1 */
    char *state_out, *metric;
};

struct rung_local {
    struct rung_executor executor;
    struct rung_executor_listener listener;
    struct trainer trainers[TRAINERS];
};

static struct {
    struct event_base *base;
    struct rung_local *local;
    char *rest; /* of the input */
    int64_t life, job;
    bool unreachable, scheduled;
    int steps;
} scene;
static char folder[64];

/* ---- trainers ---- */

static struct trainer *trainer_at(void *self, int slot)
{
    require(self == scene.local && slot >= 0 && slot < TRAINERS);
    return &scene.local->trainers[slot];
}

static void end_trainer(struct trainer *trainer)
{
    free(trainer->state_out);
    free(trainer->metric);
    *trainer = (struct trainer){.job = -1};
}

static int start_trainer(void *self, int slot, const struct rung_start *start, struct rung_err *err)
{
    struct trainer *trainer = trainer_at(self, slot);

    require(!trainer->alive && start->trainer->words > 0 && start->trainer->command[0] && start->metric);
    require(start->line.settings && start->line.search && start->folder && start->log_folder);
    if (start->line.seed == 13)
        return rung_err_set(err, RUNG_EFAIL, "cannot be started");
    *trainer = (struct trainer){.alive = true, .job = -1, .metric = rung_mem_strdup(start->metric)};
    return 0;
}

static void take_job(void *self, int slot, const struct rung_proto_job *job)
{
    struct trainer *trainer = trainer_at(self, slot);

    require(trainer->alive && job->parameters);
    require(!job->state_in || access(job->state_in, R_OK) == 0);
    require(!job->state_out || strncmp(job->state_out, folder, strlen(folder)) == 0);
    free(trainer->state_out);
    trainer->state_out = job->state_out ? rung_mem_strdup(job->state_out) : NULL;
    trainer->job = job->job;
}

static void forget(void *self, int slot, uint32_t model)
{
    (void)model;
    require(trainer_at(self, slot)->alive);
}

static void stop(void *self, int slot)
{
    trainer_at(self, slot);
}

static void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    (void)lines;
    trainer_at(self, slot);
    rung_buf_text(out, "Traceback\n\xff\n");
}

struct rung_local *rung_local_create(struct event_base *base, size_t slots)
{
    struct rung_local *local = rung_mem_zalloc(1, sizeof *local);

    (void)base;
    require(slots == TRAINERS && !scene.local);
    scene.local = local;
    for (int i = 0; i < TRAINERS; i++)
        local->trainers[i].job = -1;
    local->executor = (struct rung_executor){.self = local,
                                             .slots = slots,
                                             .start = start_trainer,
                                             .job = take_job,
                                             .evaluate = take_job,
                                             .forget = forget,
                                             .stop = stop,
                                             .kill = stop,
                                             .log_tail = log_tail};
    return local;
}

void rung_local_free(struct rung_local *local)
{
    if (!local)
        return;
    for (int i = 0; i < TRAINERS; i++)
        end_trainer(&local->trainers[i]);
    free(local);
    scene.local = NULL;
}

struct rung_executor *rung_local_executor(struct rung_local *local)
{
    return &local->executor;
}

void rung_local_listen(struct rung_local *local, struct rung_executor_listener listener)
{
    local->listener = listener;
}

void rung_local_follow_log(struct rung_local *local, int slot, size_t most, struct rung_buf *out)
{
    require(most > 8);
    if (trainer_at(local, slot)->alive)
        rung_buf_text(out, "a line\n");
}

static void trainer_says(const char *text)
{
    struct trainer *trainer = &scene.local->trainers[0];
    struct rung_proto_message message;
    struct rung_err err;
    int code = rung_proto_read(&message, text, strlen(text), trainer->metric, &err);

    if (code == 0)
        scene.local->listener.message(scene.local->listener.context, 0, &message, fake_now);
    else
        scene.local->listener.violation(scene.local->listener.context, 0, err.text, fake_now);
    rung_proto_free(&message);
}

static void trainer_answers(void)
{
    struct trainer *trainer = &scene.local->trainers[0];
    FILE *state = trainer->state_out ? fopen(trainer->state_out, "w") : NULL;
    char *text = rung_mem_printf("{\"type\":\"result\",\"job\":%lld,\"score\":1,\"metrics\":{\"loss\":1}}",
                                 (long long)trainer->job);

    if (state)
        require(fputs("a state", state) >= 0 && fclose(state) == 0);
    trainer_says(text);
    free(text);
}

static void trainer_ends(void)
{
    struct rung_exit how = {.signaled = true, .number = 9};

    end_trainer(&scene.local->trainers[0]);
    scene.local->listener.gone(scene.local->listener.context, 0, &how, fake_now);
}

static void happen_to_trainer(char what, const char *rest)
{
    if (!scene.local || !scene.local->trainers[0].alive)
        return;
    if (what == 's')
        trainer_says(rest);
    else if (what == 'r')
        trainer_answers();
    else if (what == 'g')
        trainer_ends();
    else if (what == 'v')
        scene.local->listener.violation(scene.local->listener.context, 0, "it talks", fake_now);
    else if (what == 'l')
        scene.local->listener.closing(scene.local->listener.context, 0, true, fake_now);
}

/* ---- the scheduler ---- */

int rung_address_connect(int *fd, const struct rung_address *address, struct rung_err *err)
{
    (void)address;
    *fd = -1;
    return scene.unreachable ? rung_err_set(err, RUNG_EFAIL, "nobody") : 0;
}

void rung_address_write(char text[RUNG_ADDRESS_TEXT], const struct rung_address *address)
{
    snprintf(text, RUNG_ADDRESS_TEXT, "%s:%d", address->host, address->port);
}

/* The worker has said hello: it goes on after the messages that it has. */
static void welcome(struct rung_wire *wire, bool resumed)
{
    char *text = rung_mem_printf("{\"type\":\"welcome\",\"protocol\":1,\"session\":\"%s\",\"resumed\":%s,"
                                 "\"received\":%d,\"beat\":0.5}",
                                 resumed ? "again" : "new", resumed ? "true" : "false", resumed ? 1 : 0);

    wire->expected = resumed ? 1 + (uint64_t)rung_said_integer(wire->greeting, "received", 0) : 1;
    deliver_text(wire, text, strlen(text));
    free(text);
}

static void order_start(struct rung_wire *wire)
{
    char *text = rung_mem_printf(
        "\"type\":\"start\",\"slot\":0,\"life\":%lld,\"start\":{\"type\":\"start\",\"search\":\"s\",\"seed\":"
        "1,"
        "\"trainer\":5,\"threads\":1,\"settings\":{}},\"identity\":\"i\",\"metric\":\"loss\",\"trainer\":{"
        "\"command\":[\"t\"],\"env\":{\"A\":\"b\"},\"threads\":1}}",
        (long long)++scene.life);

    deliver_numbered(wire, text);
    free(text);
}

static void order_job(struct rung_wire *wire, const char *rest)
{
    int which = *rest ? *rest & 15 : 0;
    char *text = rung_mem_printf(
        "\"type\":\"%s\",\"slot\":0,\"life\":%lld,\"job\":{\"type\":\"job\",\"job\":%lld,\"model\":%d,"
        "\"seed\":1,"
        "\"parameters\":{\"a\":1},\"from\":%d,\"to\":3,\"state_in\":null,\"state_out\":null},"
        "\"state\":%s,\"save\":%s}",
        which == 7 ? "evaluate" : "job", (long long)scene.life, (long long)++scene.job, which / 4,
        which & 1 ? 3 : 0, which & 1 ? "true" : "false", which & 2 ? "true" : "false");

    deliver_numbered(wire, text);
    free(text);
}

static void order(struct rung_wire *wire, const char *type)
{
    char *text =
        rung_mem_printf("\"type\":\"%s\",\"slot\":0,\"life\":%lld,\"model\":1}", type, (long long)scene.life);

    deliver_numbered(wire, text);
    free(text);
}

static void send_state(struct rung_wire *wire, const char *state)
{
    char *text = rung_mem_printf("\"type\":\"state\",\"slot\":0,\"life\":%lld,\"job\":%lld}",
                                 (long long)scene.life, (long long)scene.job);

    deliver_file(wire, rung_stream_of_job(0, scene.job), state, strlen(state), text);
    free(text);
}

/* What a wire that is no more the worker's greeting can be told. */
static void happen_on(struct rung_wire *wire, char what, const char *rest)
{
    if (what == 'W' || what == 'R')
        welcome(wire, what == 'R');
    else if (what == 'm')
        deliver_text(wire, rest, strlen(rest));
    else if (what == 'n')
        deliver_numbered(wire, rest);
    else if (what == 'S')
        order_start(wire);
    else if (what == 'J')
        order_job(wire, rest);
    else if (what == 'k')
        order(wire, rest);
    else if (what == 'F')
        send_state(wire, rest);
    else if (what == 'b')
        deliver_text(wire, "{\"type\":\"beat\",\"received\":1}", 28);
    else if (what == 'p')
        deliver_piece(wire, rung_stream_of_job(0, scene.job), rest, strlen(rest));
    else if (what == 'q')
        deliver_piece(wire, strlen(rest) * 0x9e3779b97f4a7c15, rest, strlen(rest));
    else if (what == 'c' || what == 'C')
        deliver_closed(wire, what == 'C');
    else if (what == 'd')
        deliver_drained(wire);
    else if (what == 'f')
        wire->full = true;
}

/* ---- one thing after another, from within the worker's loop ---- */

static struct rung_wire *the_wire(void)
{
    for (size_t i = 0; i < WIRES; i++)
        if (wires[i])
            return wires[i];
    return NULL;
}

static void happen(char *line)
{
    struct rung_wire *wire = the_wire();

    if (wire && !wire->greeting && wire->listener.open)
        deliver_open(wire);
    if (line[0] == 't')
        pass_time(scene.base, 0.4);
    else if (line[0] == 'x')
        scene.unreachable = !scene.unreachable;
    else if (line[0] && strchr("srgvl", line[0]))
        happen_to_trainer(line[0], line + 1);
    else if (wire && line[0])
        happen_on(wire, line[0], line + 1);
}

/* The scheduler says goodbye; a worker that it cannot tell is alone from now on, and gives up. */
static void end_it(void)
{
    struct rung_wire *wire = the_wire();

    scene.unreachable = true;
    if (wire && scene.local && !wire->closing)
        deliver_numbered(wire, "\"type\":\"goodbye\"}");
    if ((wire = the_wire()) != NULL)
        deliver_closed(wire, false);
    pass_time(scene.base, 100);
}

static void go_on(evutil_socket_t fd, short what, void *context);

static void schedule(struct event_base *base)
{
    struct timeval now = {0};

    scene.base = base;
    event_base_once(base, -1, EV_TIMEOUT, go_on, NULL, &now);
}

static void go_on(evutil_socket_t fd, short what, void *context)
{
    char *line = scene.steps++ < STEPS ? next_line(&scene.rest) : NULL;

    (void)fd, (void)what, (void)context;
    if (line)
        happen(line);
    else
        end_it();
    schedule(scene.base);
}

static void created(struct event_base *base)
{
    if (!scene.base)
        schedule(base);
}

/* ---- one input ---- */

static void set_up(void)
{
    snprintf(folder, sizeof folder, "%s/fuzz-worker-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(folder) != NULL);
    fake_created = created;
}

/* What trainers save of jobs that were taken from them meanwhile is theirs: the folder goes with it. */
static bool is_left(const char *name)
{
    return strncmp(name, "out.", 4) != 0;
}

static void clean_up(void)
{
    char *logs = rung_mem_printf("%s/logs", folder);

    for (size_t i = 0; i < WIRES; i++)
        require(!wires[i]);
    require(!scene.local && rmdir(logs) == 0);
    sweep(folder, is_left);
    free(logs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_worker_options options = {.trainers = TRAINERS, .folder = folder, .orphan_timeout = 30};
    struct rung_err err = {0};
    char *text = rung_mem_strndup((const char *)data, size);

    if (!folder[0])
        set_up();
    memset(&scene, 0, sizeof scene);
    scene.rest = text;
    int code = rung_worker_run(&options, &err);
    require(code == 0 || (code < 0 && err.code == code && err.text[0] && !strchr(err.text, '\n')));
    clean_up();
    free(text);
    return 0;
}
