#include "dispatch/remote.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/peer.h"
#include "rung/version.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define ID_TEXT     33   /* 128 bits in hexadecimal digits */
#define GREETINGS   64   /* connections that have not said who they are, at one time */
#define TRAINERS    1024 /* of one worker, at most */
#define WARNINGS    32   /* different ones that are told */
#define GOODBYE     2.0  /* seconds that workers get to hear it */
#define LEASE_CHECK 0.5  /* seconds between looks at who is silent, at most */

struct worker {
    struct rung_remote *remote;
    struct worker *next;
    char id[ID_TEXT], session[ID_TEXT];
    char host[256];
    struct rung_peer *peer;
    double cut_at; /* when its connection went; meaningless while it has one */
    int *slots;
    size_t count;
};

struct place {
    struct worker *worker; /* NULL: absent */
    int index;             /* of the worker's trainers */
    bool alive;
    int64_t life;    /* how often a trainer was started here */
    int64_t job;     /* that it has, or -1 */
    char *state_in;  /* of that job, NULL: none */
    char *state_out; /* likewise */
    char *log;       /* what it printed last, as far as it was told */
};

/* A connection whose other side has not said who it is. */
struct greeting {
    struct rung_remote *remote;
    struct greeting *next;
    struct rung_wire *wire;
};

struct rung_remote {
    struct event_base *base;
    struct rung_remote_options options;
    struct rung_executor executor;
    struct rung_executor_listener listener;
    struct rung_wire_tls *tls;
    int port;
    struct event *accepting, *leases;
    struct greeting *greetings;
    size_t greeting_count;
    struct worker *workers;
    struct place *places; /* RUNG_REMOTE_SLOTS */
    char *warnings[WARNINGS];
    size_t warning_count;
    struct rung_buf text, line;
    bool closing; /* nobody listens any more */
};

static struct place *place_at(void *self, int slot)
{
    struct rung_remote *remote = self;
    return &remote->places[slot - remote->options.first_slot];
}

static int slot_of(const struct place *place)
{
    const struct rung_remote *remote = place->worker->remote;
    return remote->options.first_slot + (int)(place - remote->places);
}

/* ---- warnings ---- */

static void warn(struct rung_remote *remote, const char *text)
{
    for (size_t i = 0; i < remote->warning_count; i++)
        if (strcmp(remote->warnings[i], text) == 0)
            return;
    if (remote->warning_count == WARNINGS)
        return;
    remote->warnings[remote->warning_count++] = rung_mem_strdup(text);
    if (remote->options.warn)
        remote->options.warn(remote->options.warn_context, text);
}

/* ---- places ---- */

static void clear_job(struct place *place)
{
    free(place->state_in);
    free(place->state_out);
    place->state_in = place->state_out = NULL;
    place->job = -1;
}

static void keep_log(struct place *place, const struct rung_json *message)
{
    const struct rung_json *log = rung_json_get(message, "log");

    if (!rung_json_is(log, RUNG_JSON_STRING))
        return;
    free(place->log);
    place->log = rung_mem_strdup(rung_json_string(log));
}

static void trainer_gone(struct place *place, const struct rung_exit *how)
{
    struct rung_remote *remote = place->worker->remote;

    if (!place->alive)
        return;
    place->alive = false;
    clear_job(place);
    remote->listener.gone(remote->listener.context, slot_of(place), how, rung_clock_monotonic());
}

/* ---- the end of a worker ---- */

static void free_worker(struct worker *worker)
{
    rung_peer_free(worker->peer);
    free(worker->slots);
    free(worker);
}

static void remove_worker(struct worker *worker)
{
    static const struct rung_exit lost = {.worker_gone = true};
    struct rung_remote *remote = worker->remote;

    for (struct worker **at = &remote->workers; *at; at = &(*at)->next)
        if (*at == worker) {
            *at = worker->next;
            break;
        }
    for (size_t i = 0; i < worker->count; i++) {
        struct place *place = place_at(remote, worker->slots[i]);
        trainer_gone(place, &lost);
        remote->listener.left(remote->listener.context, worker->slots[i], rung_clock_monotonic());
        place->worker = NULL;
        free(place->log);
        place->log = NULL;
    }
    free_worker(worker);
}

static void on_lease(evutil_socket_t fd, short what, void *context)
{
    struct rung_remote *remote = context;
    double now = rung_clock_monotonic(), lease = RUNG_PEER_SILENCES * remote->options.beat;

    (void)fd;
    (void)what;
    for (struct worker *worker = remote->workers, *next; worker; worker = next) {
        next = worker->next;
        if (!rung_peer_is_connected(worker->peer) && now - worker->cut_at > lease)
            remove_worker(worker);
    }
}

static void on_lost(void *context, bool broken, const char *reason)
{
    struct worker *worker = context;
    char text[512];

    worker->cut_at = rung_peer_heard_at(worker->peer);
    if (!broken)
        return;
    snprintf(text, sizeof text, "the worker on %s did not keep to the protocol: %s", worker->host, reason);
    warn(worker->remote, text);
}

/* ---- what a worker says ---- */

/* The place that a message speaks of, when its trainer is still the one that was meant; else NULL. */
static struct place *place_of_message(struct worker *worker, const struct rung_json *message)
{
    int64_t index, life;

    if (!rung_json_integer(rung_json_get(message, "slot"), 0, (int64_t)worker->count - 1, &index) ||
        !rung_json_integer(rung_json_get(message, "life"), 0, RUNG_PEER_INTEGER_MAX, &life))
        return NULL;
    struct place *place = place_at(worker->remote, worker->slots[index]);
    return place->alive && place->life == life ? place : NULL;
}

static void hear_line(struct place *place, const struct rung_json *message, const char *file)
{
    struct rung_remote *remote = place->worker->remote;
    struct rung_executor_listener *tell = &remote->listener;
    struct rung_proto_message line;
    struct rung_err err;
    double now = rung_clock_monotonic();
    const struct rung_json *said = rung_json_get(message, "line");

    rung_buf_clear(&remote->line);
    if (said)
        rung_json_write(&remote->line, said);
    int code = rung_proto_read(&line, rung_buf_cstr(&remote->line), remote->line.length,
                               remote->options.metric, &err);
    if (code == 0 && line.type == RUNG_PROTO_RESULT && line.job == place->job && place->state_out && file &&
        rename(file, place->state_out) != 0)
        rung_err_set(&err, RUNG_EFAIL, "its state cannot be kept");
    if (code == 0 && (line.type == RUNG_PROTO_RESULT || line.type == RUNG_PROTO_FAILURE) &&
        line.job == place->job)
        clear_job(place);
    if (code == 0)
        tell->message(tell->context, slot_of(place), &line, now);
    else
        tell->violation(tell->context, slot_of(place), err.text, now);
    rung_proto_free(&line);
}

static void send_state(struct place *place, const struct rung_json *message)
{
    struct rung_remote *remote = place->worker->remote;
    int64_t job;

    if (!rung_json_integer(rung_json_get(message, "job"), 0, RUNG_PEER_INTEGER_MAX, &job) ||
        job != place->job || !place->state_in)
        return;
    rung_buf_clear(&remote->text);
    rung_buf_printf(&remote->text, "{\"type\":\"state\",\"slot\":%d,\"life\":%lld,\"job\":%lld}",
                    place->index, (long long)place->life, (long long)job);
    rung_peer_send_file(place->worker->peer, rung_buf_cstr(&remote->text), place->state_in, (uint64_t)job,
                        false);
}

static bool flag(const struct rung_json *message, const char *key)
{
    const struct rung_json *value = rung_json_get(message, key);

    return rung_json_is(value, RUNG_JSON_BOOL) && rung_json_bool(value);
}

static void hear_gone(struct place *place, const struct rung_json *message)
{
    int64_t number = 0;

    (void)rung_json_integer(rung_json_get(message, "number"), 0, 255, &number);
    struct rung_exit how = {.signaled = flag(message, "signaled"),
                            .number = (int)number,
                            .by_us = flag(message, "by_us"),
                            .out_of_memory = flag(message, "out_of_memory")};
    trainer_gone(place, &how);
}

static void hear_of_trainer(struct place *place, const char *type, const struct rung_json *message,
                            const char *file)
{
    struct rung_executor_listener *tell = &place->worker->remote->listener;
    const struct rung_json *reason = rung_json_get(message, "reason");
    int slot = slot_of(place);

    keep_log(place, message);
    if (strcmp(type, "said") == 0)
        hear_line(place, message, file);
    else if (strcmp(type, "need") == 0)
        send_state(place, message);
    else if (strcmp(type, "violation") == 0)
        tell->violation(tell->context, slot,
                        rung_json_is(reason, RUNG_JSON_STRING) ? rung_json_string(reason)
                                                               : "it gave no reason",
                        rung_clock_monotonic());
    else if (strcmp(type, "closing") == 0)
        tell->closing(tell->context, slot, flag(message, "unread"), rung_clock_monotonic());
    else if (strcmp(type, "gone") == 0)
        hear_gone(place, message);
}

static void on_worker_message(void *context, const struct rung_json *message, const char *file)
{
    struct worker *worker = context;
    const struct rung_json *type = rung_json_get(message, "type");

    if (worker->remote->closing || !rung_json_is(type, RUNG_JSON_STRING))
        return;
    if (strcmp(rung_json_string(type), "goodbye") == 0) {
        remove_worker(worker);
        return;
    }
    struct place *place = place_of_message(worker, message);
    if (place)
        hear_of_trainer(place, rung_json_string(type), message, file);
}

/* A state belongs beside the path that it will have. */
static char *on_place(void *context, uint64_t stream)
{
    struct worker *worker = context;

    for (size_t i = 0; i < worker->count; i++) {
        const struct place *place = place_at(worker->remote, worker->slots[i]);
        if (place->alive && place->job == (int64_t)stream && place->state_out)
            return rung_mem_printf("%s.part", place->state_out);
    }
    return NULL;
}

/* ---- a worker's beginning ---- */

static bool random_id(char id[ID_TEXT])
{
    unsigned char bytes[(ID_TEXT - 1) / 2];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static size_t take_places(struct worker *worker, size_t count)
{
    struct rung_remote *remote = worker->remote;

    worker->slots = rung_mem_zalloc(count, sizeof *worker->slots);
    for (int i = 0; i < RUNG_REMOTE_SLOTS && worker->count < count; i++) {
        struct place *place = &remote->places[i];
        if (place->worker)
            continue;
        place->worker = worker;
        place->index = (int)worker->count;
        place->alive = false;
        place->job = -1;
        worker->slots[worker->count++] = remote->options.first_slot + i;
    }
    return worker->count;
}

static struct worker *add_worker(struct rung_remote *remote, const char *id, const char *host,
                                 int64_t trainers)
{
    struct worker *worker = rung_mem_zalloc(1, sizeof *worker);
    struct rung_peer_listener listener = {
        .context = worker, .message = on_worker_message, .place = on_place, .lost = on_lost};

    worker->remote = remote;
    snprintf(worker->id, sizeof worker->id, "%s", id);
    snprintf(worker->host, sizeof worker->host, "%s", host);
    if (!random_id(worker->session) || take_places(worker, (size_t)trainers) == 0) {
        free_worker(worker);
        return NULL;
    }
    worker->peer = rung_peer_create(remote->base, remote->options.beat, &listener);
    worker->next = remote->workers;
    remote->workers = worker;
    return worker;
}

static struct worker *find_worker(struct rung_remote *remote, const char *id)
{
    struct worker *worker = remote->workers;

    while (worker && strcmp(worker->id, id) != 0)
        worker = worker->next;
    return worker;
}

static void write_trainer(struct rung_buf *out, const struct rung_trainer_spec *trainer)
{
    rung_buf_text(out, "{\"command\":[");
    for (size_t i = 0; i < trainer->words; i++) {
        rung_buf_text(out, i ? "," : "");
        rung_json_write_string(out, trainer->command[i]);
    }
    rung_buf_text(out, "],\"env\":{");
    for (size_t i = 0; i < trainer->env_count; i++) {
        rung_buf_text(out, i ? "," : "");
        rung_json_write_string(out, trainer->env_names[i]);
        rung_buf_char(out, ':');
        rung_json_write_string(out, trainer->env_values[i]);
    }
    rung_buf_printf(out, "},\"threads\":%lld}", (long long)trainer->threads);
}

static void welcome(struct worker *worker, struct rung_wire *wire, bool resumed)
{
    struct rung_remote *remote = worker->remote;
    struct rung_buf *text = &remote->text;

    rung_buf_clear(text);
    rung_buf_printf(
        text,
        "{\"type\":\"welcome\",\"protocol\":%d,\"session\":\"%s\",\"resumed\":%s,\"received\":%llu,\"beat\":",
        RUNG_REMOTE_PROTOCOL, worker->session, resumed ? "true" : "false",
        (unsigned long long)rung_peer_received(worker->peer));
    rung_json_write_number(text, remote->options.beat);
    rung_buf_text(text, ",\"search\":");
    rung_json_write_string(text, remote->options.search);
    rung_buf_text(text, ",\"metric\":");
    rung_json_write_string(text, remote->options.metric);
    rung_buf_text(text, ",\"trainer\":");
    write_trainer(text, remote->options.trainer);
    rung_buf_char(text, '}');
    rung_wire_send(wire, text->data, text->length);
}

static void tell_joined(struct worker *worker)
{
    struct rung_executor_listener *tell = &worker->remote->listener;

    for (size_t i = 0; i < worker->count; i++)
        tell->joined(tell->context, worker->slots[i], rung_clock_monotonic());
}

/* ---- greetings ---- */

static void forget_greeting(struct greeting *greeting)
{
    struct rung_remote *remote = greeting->remote;

    for (struct greeting **at = &remote->greetings; *at; at = &(*at)->next)
        if (*at == greeting) {
            *at = greeting->next;
            break;
        }
    remote->greeting_count--;
    free(greeting);
}

static void refuse(struct greeting *greeting, const char *reason)
{
    struct rung_remote *remote = greeting->remote;
    char text[400];

    snprintf(text, sizeof text, "a connection from %.100s was refused: %.200s",
             rung_wire_peer(greeting->wire), reason);
    rung_buf_clear(&remote->text);
    rung_buf_printf(&remote->text, "{\"type\":\"refused\",\"protocol\":%d,\"reason\":", RUNG_REMOTE_PROTOCOL);
    rung_json_write_string(&remote->text, reason);
    rung_buf_char(&remote->text, '}');
    rung_wire_send(greeting->wire, remote->text.data, remote->text.length);
    rung_wire_close(greeting->wire); /* on_greeting_closed follows */
    warn(remote, text);
}

struct hello {
    const char *id, *host, *session;
    int64_t protocol, trainers, received;
};

static const char *string_of(const struct rung_json *message, const char *key)
{
    const struct rung_json *value = rung_json_get(message, key);

    return rung_json_is(value, RUNG_JSON_STRING) ? rung_json_string(value) : NULL;
}

static const char *read_hello(struct hello *hello, const struct rung_json *message)
{
    const char *type = string_of(message, "type");

    *hello = (struct hello){.id = string_of(message, "worker"),
                            .host = string_of(message, "host"),
                            .session = string_of(message, "session")};
    if (!type || strcmp(type, "hello") != 0 ||
        !rung_json_integer(rung_json_get(message, "protocol"), 0, RUNG_PEER_INTEGER_MAX, &hello->protocol))
        return "it did not say hello";
    if (hello->protocol != RUNG_REMOTE_PROTOCOL)
        return "it speaks another version of the protocol between schedulers and workers: both need the same "
               "rung";
    if (!hello->id || strlen(hello->id) != ID_TEXT - 1 || !hello->host ||
        !rung_json_integer(rung_json_get(message, "trainers"), 1, TRAINERS, &hello->trainers) ||
        !rung_json_integer(rung_json_get(message, "received"), 0, RUNG_PEER_INTEGER_MAX, &hello->received))
        return "its hello is not complete";
    return NULL;
}

static void on_hello(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct greeting *greeting = context;
    struct rung_remote *remote = greeting->remote;
    struct hello hello;
    const char *why = read_hello(&hello, message);

    if (why) {
        refuse(greeting, why);
        return;
    }
    struct worker *worker = find_worker(remote, hello.id);
    bool resumed = worker && hello.session && strcmp(hello.session, worker->session) == 0;
    if (worker && !resumed)
        remove_worker(worker);
    if (!resumed)
        worker = add_worker(remote, hello.id, hello.host, hello.trainers);
    if (!worker) {
        refuse(greeting, "there is no room for more trainers");
        return;
    }
    forget_greeting(greeting);
    welcome(worker, wire, resumed);
    if (!rung_peer_connected(worker->peer, wire, resumed ? (uint64_t)hello.received : 0)) {
        rung_wire_free(wire);
        remove_worker(worker);
        return;
    }
    if (!resumed)
        tell_joined(worker);
}

static void on_greeting_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    struct greeting *greeting = context;
    struct rung_remote *remote = greeting->remote;
    char text[400];

    if (broken) {
        snprintf(text, sizeof text, "a connection was refused: %.300s", reason);
        warn(remote, text);
    }
    forget_greeting(greeting);
    rung_wire_free(wire);
}

/* Workers greet first. */
static void on_greeting_open(void *context, struct rung_wire *wire)
{
    (void)context, (void)wire;
}

static void on_greeting_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data,
                              size_t length)
{
    (void)context, (void)wire, (void)stream, (void)data, (void)length;
}

static void on_connection(evutil_socket_t fd, short what, void *context)
{
    struct rung_remote *remote = context;
    int socket;

    (void)what;
    while ((socket = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (remote->greeting_count >= GREETINGS) { /* the oldest has had its time */
            struct greeting *oldest = remote->greetings;
            while (oldest->next)
                oldest = oldest->next;
            rung_wire_free(oldest->wire);
            forget_greeting(oldest);
        }
        struct greeting *greeting = rung_mem_zalloc(1, sizeof *greeting);
        struct rung_wire_listener listener = {.context = greeting,
                                              .open = on_greeting_open,
                                              .message = on_hello,
                                              .piece = on_greeting_piece,
                                              .closed = on_greeting_closed};
        greeting->remote = remote;
        greeting->next = remote->greetings;
        remote->greetings = greeting;
        remote->greeting_count++;
        greeting->wire = rung_wire_create(remote->tls, remote->base, socket, true, &listener);
        if (!greeting->wire)
            forget_greeting(greeting);
    }
}

/* ---- the executor ---- */

static void tell_worker(struct place *place, const char *type, const char *more)
{
    struct rung_buf *text = &place->worker->remote->text;

    rung_buf_clear(text);
    rung_buf_printf(text, "{\"type\":\"%s\",\"slot\":%d,\"life\":%lld%s}", type, place->index,
                    (long long)place->life, more);
    rung_peer_send(place->worker->peer, rung_buf_cstr(text));
}

/* As a member: ,"NAME":LINE without its newline. */
static const char *line_member(struct rung_remote *remote, const char *name)
{
    struct rung_buf whole;

    rung_buf_init(&whole, RUNG_BUF_UNLIMITED);
    if (remote->line.length > 0 && remote->line.data[remote->line.length - 1] == '\n')
        remote->line.data[--remote->line.length] = '\0';
    rung_buf_printf(&whole, ",\"%s\":", name);
    rung_buf_append(&whole, remote->line.data, remote->line.length);
    rung_buf_free(&remote->line);
    remote->line = whole;
    return rung_buf_cstr(&remote->line);
}

static int start_trainer(void *self, int slot, const struct rung_proto_start *start, struct rung_err *err)
{
    struct rung_remote *remote = self;
    struct place *place = place_at(self, slot);

    rung_buf_clear(&remote->line);
    rung_proto_write_start(&remote->line, start);
    if (remote->line.length > RUNG_PEER_TEXT_MAX / 2)
        return rung_err_set(err, RUNG_EFAIL,
                            "trainer.settings do not fit into a message to a worker: %zu bytes",
                            remote->line.length);
    place->alive = true;
    place->life++;
    place->job = -1;
    free(place->log);
    place->log = NULL;
    tell_worker(place, "start", line_member(remote, "start"));
    return 0;
}

static void send_work(void *self, int slot, const struct rung_proto_job *job, const char *type)
{
    struct rung_remote *remote = self;
    struct place *place = place_at(self, slot);
    struct rung_proto_job bare = *job;

    clear_job(place);
    place->job = job->job;
    place->state_in = job->state_in ? rung_mem_strdup(job->state_in) : NULL;
    place->state_out = job->state_out ? rung_mem_strdup(job->state_out) : NULL;
    bare.state_in = bare.state_out = NULL;
    rung_buf_clear(&remote->line);
    rung_proto_write_job(&remote->line, &bare);
    line_member(remote, "job");
    rung_buf_printf(&remote->line, ",\"state\":%s,\"save\":%s", job->state_in ? "true" : "false",
                    job->state_out ? "true" : "false");
    tell_worker(place, type, rung_buf_cstr(&remote->line));
}

static void send_job(void *self, int slot, const struct rung_proto_job *job)
{
    send_work(self, slot, job, "job");
}

static void send_evaluate(void *self, int slot, const struct rung_proto_job *job)
{
    send_work(self, slot, job, "evaluate");
}

static void send_forget(void *self, int slot, uint32_t model)
{
    char more[64];

    snprintf(more, sizeof more, ",\"model\":%u", model);
    tell_worker(place_at(self, slot), "forget", more);
}

static void stop_trainer(void *self, int slot)
{
    if (place_at(self, slot)->alive)
        tell_worker(place_at(self, slot), "stop", "");
}

static void kill_trainer(void *self, int slot)
{
    if (place_at(self, slot)->alive)
        tell_worker(place_at(self, slot), "kill", "");
}

static void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    const char *log = place_at(self, slot)->log;
    size_t length = log ? strlen(log) : 0, from = length;

    while (from > 0 && (log[from - 1] != '\n' || from == length || lines-- > 1))
        from--;
    rung_buf_append(out, log ? log + from : "", length - from);
}

static struct rung_place place_of(void *self, int slot)
{
    const struct place *place = place_at(self, slot);

    return (struct rung_place){place->worker ? place->worker->host : "", "remote"};
}

/* ---- life ---- */

static int open_listener(struct rung_remote *remote, struct rung_err *err)
{
    int fd, code = rung_wire_tls_create(&remote->tls, &remote->options.key, err);

    if (code == 0)
        code = rung_address_listen(&fd, &remote->port, &remote->options.address, err);
    if (code < 0)
        return code;
    remote->accepting = event_new(remote->base, fd, EV_READ | EV_PERSIST, on_connection, remote);
    event_add(remote->accepting, NULL);
    return 0;
}

int rung_remote_create(struct rung_remote **out, struct event_base *base,
                       const struct rung_remote_options *options, struct rung_err *err)
{
    struct rung_remote *remote = rung_mem_zalloc(1, sizeof *remote);
    double check = options->beat < LEASE_CHECK ? options->beat : LEASE_CHECK;
    struct timeval period = {.tv_usec = (suseconds_t)(check * 1e6)};

    remote->base = base;
    remote->options = *options;
    rung_buf_init(&remote->text, RUNG_BUF_UNLIMITED);
    rung_buf_init(&remote->line, RUNG_BUF_UNLIMITED);
    remote->places = rung_mem_zalloc(RUNG_REMOTE_SLOTS, sizeof *remote->places);
    int code = open_listener(remote, err);
    if (code < 0) {
        rung_remote_free(remote);
        return code;
    }
    remote->leases = event_new(base, -1, EV_PERSIST, on_lease, remote);
    event_add(remote->leases, &period);
    remote->executor = (struct rung_executor){.self = remote,
                                              .slots = RUNG_REMOTE_SLOTS,
                                              .absent = RUNG_REMOTE_SLOTS,
                                              .place = place_of,
                                              .start = start_trainer,
                                              .job = send_job,
                                              .evaluate = send_evaluate,
                                              .forget = send_forget,
                                              .stop = stop_trainer,
                                              .kill = kill_trainer,
                                              .log_tail = log_tail};
    *out = remote;
    return 0;
}

static bool all_idle(const struct rung_remote *remote)
{
    for (const struct worker *worker = remote->workers; worker; worker = worker->next)
        if (rung_peer_is_connected(worker->peer) && !rung_peer_idle(worker->peer))
            return false;
    return true;
}

/* Workers that have heard it confirm it, and leave. */
static void say_goodbye(struct rung_remote *remote)
{
    double until = rung_clock_monotonic() + GOODBYE;
    struct timeval tick = {.tv_usec = 20000};

    for (struct worker *worker = remote->workers; worker; worker = worker->next)
        rung_peer_send(worker->peer, "{\"type\":\"goodbye\"}");
    while (!all_idle(remote) && rung_clock_monotonic() < until) {
        event_base_loopexit(remote->base, &tick);
        event_base_dispatch(remote->base);
    }
}

void rung_remote_free(struct rung_remote *remote)
{
    if (!remote)
        return;
    remote->closing = true;
    if (remote->accepting) {
        int fd = event_get_fd(remote->accepting);
        event_free(remote->accepting);
        close(fd);
    }
    if (remote->leases)
        event_free(remote->leases);
    say_goodbye(remote);
    while (remote->workers) {
        struct worker *worker = remote->workers;
        remote->workers = worker->next;
        free_worker(worker);
    }
    while (remote->greetings) {
        rung_wire_free(remote->greetings->wire);
        forget_greeting(remote->greetings);
    }
    for (size_t i = 0; i < RUNG_REMOTE_SLOTS; i++) {
        clear_job(&remote->places[i]);
        free(remote->places[i].log);
    }
    for (size_t i = 0; i < remote->warning_count; i++)
        free(remote->warnings[i]);
    rung_wire_tls_free(remote->tls);
    rung_buf_free(&remote->text);
    rung_buf_free(&remote->line);
    free(remote->places);
    free(remote);
}

int rung_remote_port(const struct rung_remote *remote)
{
    return remote->port;
}

struct rung_executor *rung_remote_executor(struct rung_remote *remote)
{
    return &remote->executor;
}

void rung_remote_listen(struct rung_remote *remote, struct rung_executor_listener listener)
{
    remote->listener = listener;
}
