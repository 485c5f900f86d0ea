/*
 * What workers say to a scheduler: greetings, messages, pieces of states, in any order and over up to four
 * connections. The engine is one that starts a trainer wherever there is room and gives each a job. However
 * it goes, a trainer is heard of only between its start and its end, whatever is said back is an object, and
 * no half of a state is left.
 *
 * The input is lines, of which the first letter says what happens:
 *
 *     h N            worker N (0 to 3) connects; goes on with its session where it has one
 *     H JSON         somebody connects and says that
 *     m JSON         the connection says that
 *     n MEMBERS}     … with the next number before it
 *     k KIND         … of the trainer of slot 0: {"type":KIND} and "slot" and "life" as they are
 *     s LINE         … what that trainer said
 *     r TEXT         … the result of its job, with a state of these bytes
 *     b              … a beat that confirms what was sent
 *     p TEXT         a piece of that job's state;  q TEXT: of some other stream
 *     c, C           the connection is lost; it was broken
 *     w              the next connection;  d: it has drained;  f: it is full
 *     t              time passes
 */
#include "fake_wire.h"

#include "dispatch/greeter.h"
#include "dispatch/peer.h"
#include "dispatch/remote.h"
#include "dispatch/stream.h"

#include <math.h>

#define SLOTS 8 /* that get work */
#define LEASE 3.0

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rung_greeter {
    struct rung_greeter_options options;
};

struct slot {
    bool joined, alive;
    int64_t life, job;
};

struct scene {
    struct event_base *base;
    struct rung_greeter *greeter;
    struct rung_remote *remote;
    struct slot slots[RUNG_REMOTE_SLOTS];
    size_t current; /* of wires */
    char sessions[WIRES][RUNG_SAID_ID_TEXT];
    int64_t jobs;
};

static struct scene scene;
static char folder[64];
static struct rung_trainer_spec trainer;
static struct rung_json *settings;

/* ---- instead of a door ---- */

struct rung_greeter *rung_greeter_create(struct event_base *base, int fd,
                                         const struct rung_greeter_options *options)
{
    (void)base, (void)fd;
    scene.greeter = rung_mem_zalloc(1, sizeof *scene.greeter);
    scene.greeter->options = *options;
    return scene.greeter;
}

void rung_greeter_free(struct rung_greeter *greeter)
{
    free(greeter);
}

int rung_address_listen(int *fd, int *port, const struct rung_address *address, struct rung_err *err)
{
    (void)address, (void)err;
    *fd = -1;
    *port = 4711;
    return 0;
}

int rung_address_port(int fd)
{
    return fd;
}

/* ---- an engine ---- */

static void start(int slot)
{
    struct rung_executor *executor = rung_remote_executor(scene.remote);
    struct rung_err err;
    struct rung_start message = {
        .line = {.search = "fuzz", .seed = 1, .trainer = slot, .threads = 1, .settings = settings},
        .trainer = &trainer,
        .identity = "fuzz",
        .metric = "loss",
        .folder = folder,
        .log_folder = folder};

    require(strlen(executor->place(executor->self, slot).host) < 256);
    require(executor->start(executor->self, slot, &message, &err) == 0);
    scene.slots[slot].alive = true;
    scene.slots[slot].life++;
}

static void give_job(int slot)
{
    struct rung_executor *executor = rung_remote_executor(scene.remote);
    char *in = rung_mem_printf("%s/in", folder),
         *out = rung_mem_printf("%s/out%lld", folder, (long long)scene.jobs);
    struct rung_proto_job job = {.job = scene.jobs,
                                 .model = (uint32_t)scene.jobs,
                                 .parameters = "{\"a\":1}",
                                 .to = 3,
                                 .state_in = scene.jobs % 2 ? in : NULL,
                                 .state_out = scene.jobs % 3 ? out : NULL};

    (scene.jobs % 5 ? executor->job : executor->evaluate)(executor->self, slot, &job);
    executor->forget(executor->self, slot, 7);
    scene.slots[slot].job = scene.jobs++;
    free(in);
    free(out);
}

/* After what was heard, as an engine does it. */
static void act(void)
{
    for (int i = 0; i < SLOTS; i++) {
        if (!scene.slots[i].joined || scene.slots[i].alive)
            continue;
        start(i);
        give_job(i);
    }
}

static struct slot *alive(int slot)
{
    require(slot >= 0 && slot < RUNG_REMOTE_SLOTS && scene.slots[slot].joined && scene.slots[slot].alive);
    return &scene.slots[slot];
}

static void on_message(void *context, int slot, const struct rung_proto_message *message, double now)
{
    (void)context, (void)now;
    alive(slot);
    require(message->job >= 0 && !isinf(message->score) && message->json);
}

static void on_violation(void *context, int slot, const char *reason, double now)
{
    (void)context, (void)now;
    alive(slot);
    require(reason != NULL);
}

static void on_closing(void *context, int slot, bool unread, double now)
{
    (void)context, (void)unread, (void)now;
    alive(slot);
}

static void on_gone(void *context, int slot, const struct rung_exit *how, double now)
{
    struct rung_executor *executor = rung_remote_executor(scene.remote);
    struct rung_buf tail;

    (void)context, (void)now;
    require(how->number >= 0 && how->number <= 255);
    alive(slot)->alive = false;
    rung_buf_init(&tail, RUNG_BUF_UNLIMITED);
    executor->log_tail(executor->self, slot, 5, &tail);
    rung_buf_free(&tail);
}

static void on_joined(void *context, int slot, double now)
{
    (void)context, (void)now;
    require(slot >= 0 && slot < RUNG_REMOTE_SLOTS && !scene.slots[slot].joined && !scene.slots[slot].alive);
    scene.slots[slot].joined = true;
}

static void on_left(void *context, int slot, double now)
{
    (void)context, (void)now;
    require(slot >= 0 && slot < RUNG_REMOTE_SLOTS && scene.slots[slot].joined && !scene.slots[slot].alive);
    scene.slots[slot].joined = false;
}

static bool on_wanted(void *context, const struct rung_late *late, struct rung_late_wanted *wanted,
                      double now)
{
    (void)context, (void)now;
    require(late->job >= 0 && late->from >= 0 && late->to > late->from && late->identity);
    rung_buf_clear(wanted->state);
    if (late->has_state)
        rung_buf_printf(wanted->state, "%s/late", folder);
    wanted->metric = "loss";
    return late->model % 2 == 0;
}

static void on_late(void *context, const struct rung_late *late, const struct rung_proto_message *lines,
                    size_t count, double now)
{
    (void)context, (void)now;
    require(count > 0 && lines[0].json && late->model % 2 == 0);
}

/* ---- workers ---- */

static struct rung_wire *current_wire(void)
{
    for (size_t i = 0; i < WIRES; i++, scene.current = (scene.current + 1) % WIRES)
        if (wires[scene.current])
            return wires[scene.current];
    return NULL;
}

static bool lives(const struct rung_wire *wire)
{
    for (size_t i = 0; i < WIRES; i++)
        if (wires[i] == wire)
            return true;
    return false;
}

/* worker: whose session is remembered, or -1. */
static void connect_with(const char *text, size_t length, int worker)
{
    static const struct rung_wire_listener nobody;
    struct rung_err err;
    struct rung_json *hello = rung_json_parse(text, length, 0, &err);
    size_t place = 0;

    while (place < WIRES && wires[place])
        place++;
    if (place == WIRES || !hello || !rung_json_is(hello, RUNG_JSON_OBJECT)) {
        rung_json_free(hello);
        return;
    }
    struct rung_wire *wire = rung_wire_create(NULL, NULL, -1, true, &nobody);
    if (scene.greeter->options.hello(scene.greeter->options.context, wire, hello) != NULL)
        rung_wire_free(wire);
    else
        require(lives(wire) && strcmp(rung_said_string(wire->greeting, "type"), "welcome") == 0);
    if (lives(wire)) {
        scene.current = place;
        wire->expected = 1 + (uint64_t)rung_said_integer(wire->greeting, "received", 0);
        if (worker >= 0)
            snprintf(scene.sessions[worker], sizeof *scene.sessions, "%s",
                     rung_said_string(wire->greeting, "session"));
    }
    rung_json_free(hello);
}

static void connect_worker(const char *which)
{
    int worker = (unsigned char)*which % WIRES;
    char *text = rung_mem_printf(
        "{\"type\":\"hello\",\"protocol\":%d,\"worker\":\"%032d\",\"session\":\"%s\","
        "\"trainers\":%d,\"received\":%zu,\"host\":\"w\"}",
        RUNG_REMOTE_PROTOCOL, worker, scene.sessions[worker], worker + 1, *which ? strlen(which) - 1 : 0);

    connect_with(text, strlen(text), worker);
    free(text);
}

static void say_result(struct rung_wire *wire, const char *state)
{
    const struct slot *slot = &scene.slots[0];
    char *members = rung_mem_printf(
        "\"type\":\"said\",\"slot\":0,\"life\":%lld,\"line\":{\"type\":\"result\",\"job\":%lld,"
        "\"score\":0.5,\"metrics\":{\"loss\":1}}}",
        (long long)slot->life, (long long)slot->job);

    deliver_file(wire, rung_stream_of_job(0, slot->job), state, strlen(state), members);
    free(members);
}

static void say_of_trainer(struct rung_wire *wire, const char *type, const char *line)
{
    char *members = rung_mem_printf(
        "\"type\":\"%s\",\"slot\":0,\"life\":%lld,\"job\":%lld,\"log\":\"a\\nb\",\"text\":\"x\"%s%s}", type,
        (long long)scene.slots[0].life, (long long)scene.slots[0].job, *line ? ",\"line\":" : "", line);

    deliver_numbered(wire, members);
    free(members);
}

static void happen_on(struct rung_wire *wire, char what, const char *rest)
{
    switch (what) {
    case 'm':
        deliver_text(wire, rest, strlen(rest));
        break;
    case 'n':
        deliver_numbered(wire, rest);
        break;
    case 'k':
        say_of_trainer(wire, rest, "");
        break;
    case 's':
        say_of_trainer(wire, "said", rest);
        break;
    case 'r':
        say_result(wire, rest);
        break;
    case 'p':
        deliver_piece(wire, rung_stream_of_job(0, scene.slots[0].job), rest, strlen(rest));
        break;
    case 'q':
        deliver_piece(wire, strlen(rest) * 0x9e3779b97f4a7c15, rest, strlen(rest));
        break;
    case 'c':
    case 'C':
        deliver_closed(wire, what == 'C');
        break;
    case 'd':
        deliver_drained(wire);
        break;
    case 'f':
        wire->full = true;
        break;
    default:
        break;
    }
}

static void happen(char *line)
{
    struct rung_wire *wire = current_wire();

    if (line[0] == 'h')
        connect_worker(line + 1);
    else if (line[0] == 'H')
        connect_with(line + 1, strlen(line + 1), -1);
    else if (line[0] == 'w')
        scene.current = (scene.current + 1) % WIRES;
    else if (line[0] == 't')
        pass_time(scene.base, LEASE / 2);
    else if (wire && line[0])
        happen_on(wire, line[0], line + 1);
    event_base_loop(scene.base, EVLOOP_NONBLOCK);
    act();
}

/* ---- one input ---- */

static void open_scene(void)
{
    struct rung_remote_options options = {.beat = LEASE / RUNG_PEER_SILENCES};
    struct rung_err err;

    memset(&scene, 0, sizeof scene);
    char *in = rung_mem_printf("%s/in", folder);
    FILE *state = fopen(in, "w");
    require(state && fputs("a state", state) >= 0 && fclose(state) == 0);
    free(in);
    scene.base = event_base_new();
    require(rung_remote_create(&scene.remote, scene.base, &options, &err) == 0);
    rung_remote_listen(scene.remote, (struct rung_executor_listener){.message = on_message,
                                                                     .violation = on_violation,
                                                                     .closing = on_closing,
                                                                     .gone = on_gone,
                                                                     .joined = on_joined,
                                                                     .left = on_left,
                                                                     .wanted = on_wanted,
                                                                     .late = on_late});
}

static bool is_half(const char *name)
{
    return strstr(name, ".part") != NULL;
}

static void close_scene(void)
{
    for (size_t i = 0; i < WIRES; i++)
        if (wires[i])
            deliver_closed(wires[i], false);
    rung_remote_send_home(scene.remote);
    rung_remote_free(scene.remote);
    event_base_free(scene.base);
    sweep(folder, is_half);
}

static void set_up(void)
{
    static char *command[] = {"trainer", NULL};
    struct rung_err err;

    snprintf(folder, sizeof folder, "%s/fuzz-remote-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(folder) != NULL);
    trainer = (struct rung_trainer_spec){.command = command, .words = 1, .threads = 1};
    settings = rung_json_parse("{}", 2, 0, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = rung_mem_strndup((const char *)data, size), *rest = text;

    if (!folder[0])
        set_up();
    open_scene();
    for (char *line; (line = next_line(&rest)) != NULL;)
        happen(line);
    close_scene();
    free(text);
    return 0;
}
