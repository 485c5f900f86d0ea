#include "dispatch/remote_private.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/control.h"
#include "dispatch/greeter.h"
#include "dispatch/logfile.h"
#include "dispatch/peer.h"
#include "dispatch/said.h"
#include "dispatch/stream.h"
#include "rung/version.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOODBYE     2.0         /* seconds that workers get to hear it */
#define LEASE_CHECK 0.5         /* seconds between looks at who is silent, at most */
#define LOG_BYTES   (64 * 1024) /* of what a trainer printed last, at most */

static int slot_of(const struct rung_remote_slot *place)
{
    const struct rung_remote *remote = place->worker->remote;
    return remote->options.first_slot + (int)(place - remote->places);
}

/* ---- places ---- */

/* While a message is heard that says what its trainer printed last: else that is in the log here. */
static void keep_log(struct rung_remote_slot *place, const struct rung_json *message)
{
    const struct rung_json *log = rung_json_get(message, "log");

    if (!rung_json_is(log, RUNG_JSON_STRING))
        return;
    const char *text = rung_json_string(log);
    size_t length = strlen(text);
    free(place->log);
    place->log = rung_mem_strdup(text + (length > LOG_BYTES ? length - LOG_BYTES : 0));
}

static void drop_log(struct rung_remote_slot *place)
{
    free(place->log);
    place->log = NULL;
}

static void trainer_gone(struct rung_remote_slot *place, const struct rung_exit *how)
{
    struct rung_remote *remote = place->worker->remote;

    if (!place->alive)
        return;
    place->alive = false;
    while (place->job_count > 0)
        rung_remote_clear_job(place, place->jobs);
    remote->listener.gone(remote->listener.context, slot_of(place), how, rung_clock_monotonic());
    if (!place->alive)
        place->log_folder = NULL;
}

/* ---- the end of a worker ---- */

static void free_worker(struct rung_remote_worker *worker)
{
    rung_peer_free(worker->peer);
    rung_remote_free_awaited(worker);
    free(worker->slots);
    free(worker);
}

static void give_up_places(struct rung_remote_worker *worker, const struct rung_exit *how)
{
    struct rung_remote *remote = worker->remote;

    for (size_t i = 0; i < worker->count; i++) {
        struct rung_remote_slot *place = rung_remote_slot_at(remote, worker->slots[i]);
        trainer_gone(place, how);
        remote->listener.left(remote->listener.context, worker->slots[i], rung_clock_monotonic());
        place->worker = NULL;
        drop_log(place);
    }
}

static void remove_worker(struct rung_remote_worker *worker, const char *why)
{
    struct rung_exit lost = {.worker_gone = true, .parted = worker->parted};
    struct rung_remote *remote = worker->remote;

    for (struct rung_remote_worker **at = &remote->workers; *at; at = &(*at)->next)
        if (*at == worker) {
            *at = worker->next;
            break;
        }
    rung_remote_tell_gone(worker, why);
    give_up_places(worker, &lost);
    struct rung_remote_use use = rung_remote_worker_use(worker, rung_clock_monotonic());
    remote->past.workers++;
    remote->past.held += use.held;
    remote->past.busy += use.busy;
    free_worker(worker);
}

void rung_remote_dismiss(struct rung_remote *remote, const char *launched)
{
    static const struct rung_exit dismissed = {.worker_gone = true, .dismissed = true};
    struct rung_remote_worker *worker = rung_remote_find(remote, launched);

    if (!worker)
        return;
    give_up_places(worker, &dismissed);
    worker->count = 0;
    worker->dismissed = true;
    worker->cut_at = rung_clock_monotonic();
    rung_peer_send(worker->peer, "{\"type\":\"goodbye\"}");
}

void rung_remote_bury(struct rung_remote *remote, const char *launched)
{
    struct rung_remote_worker *worker = rung_remote_find(remote, launched);

    if (worker)
        remove_worker(worker, "it has ended");
}

static bool lease_is_over(const struct rung_remote_worker *worker, double now)
{
    return now - worker->cut_at > RUNG_PEER_SILENCES * worker->remote->options.beat;
}

static void on_lease(evutil_socket_t fd, short what, void *context)
{
    struct rung_remote *remote = context;
    double now = rung_clock_monotonic();

    (void)fd;
    (void)what;
    for (struct rung_remote_worker *worker = remote->workers, *next; worker; worker = next) {
        next = worker->next;
        bool absent = worker->dismissed || !rung_peer_is_connected(worker->peer);
        if (absent && lease_is_over(worker, now))
            remove_worker(worker, worker->why);
    }
}

static void on_lost(void *context, bool broken, const char *reason)
{
    struct rung_remote_worker *worker = context;
    char text[512];

    worker->cut_at = rung_peer_heard_at(worker->peer);
    snprintf(worker->why, sizeof worker->why, "%s", reason);
    if (worker->remote->closing)
        return;
    snprintf(text, sizeof text,
             broken ? "the worker on %s did not keep to the protocol: %s"
                    : "the worker on %s is out of reach: %s",
             worker->host, reason);
    if (broken || !lease_is_over(worker, rung_clock_monotonic())) /* else it is gone, with the same words */
        rung_remote_warn(worker->remote, text);
    if (broken) /* it would do so again: others get its jobs, and it has to begin anew */
        remove_worker(worker, "it did not keep to the protocol");
}

/* ---- what a worker says ---- */

/* The place that a message speaks of, when its trainer is still the one that was meant; else NULL. */
static struct rung_remote_slot *place_of_message(struct rung_remote_worker *worker,
                                                 const struct rung_json *message)
{
    int64_t index, life;

    if (!rung_json_integer(rung_json_get(message, "slot"), 0, (int64_t)worker->count - 1, &index) ||
        !rung_json_integer(rung_json_get(message, "life"), 0, RUNG_SAID_INTEGER_MAX, &life))
        return NULL;
    struct rung_remote_slot *place = rung_remote_slot_at(worker->remote, worker->slots[index]);
    return place->alive && place->life == life ? place : NULL;
}

static void hear_line(struct rung_remote_slot *place, const struct rung_json *message)
{
    struct rung_executor_listener *tell = &place->worker->remote->listener;
    struct rung_proto_message line;
    struct rung_err err;
    double now = rung_clock_monotonic();
    int code = rung_proto_read_json(&line, rung_json_get(message, "line"), place->metric, &err);
    place->ready |= code == 0 && line.type == RUNG_PROTO_READY;
    bool answer = code == 0 && (line.type == RUNG_PROTO_RESULT || line.type == RUNG_PROTO_FAILURE);
    struct rung_remote_job *job = answer ? rung_remote_job(place, line.job) : NULL;
    if (job)
        rung_remote_clear_job(place, job);
    if (code == 0)
        tell->message(tell->context, slot_of(place), &line, now);
    else
        tell->violation(tell->context, slot_of(place), err.text, now);
    rung_proto_free(&line);
}

static void send_state(struct rung_remote_slot *place, const struct rung_json *message)
{
    struct rung_remote *remote = place->worker->remote;
    int64_t job;

    struct rung_remote_job *asked;

    if (!rung_json_integer(rung_json_get(message, "job"), 0, RUNG_SAID_INTEGER_MAX, &job) ||
        !(asked = rung_remote_job(place, job)) || !asked->state_in)
        return;
    rung_buf_clear(&remote->text);
    rung_buf_printf(&remote->text, "{\"type\":\"state\",\"slot\":%d,\"life\":%lld,\"job\":%lld}",
                    place->index, (long long)place->life, (long long)job);
    rung_peer_send_file(place->worker->peer, rung_buf_cstr(&remote->text), asked->state_in,
                        rung_stream_of_job(place->index, job), false);
    free(asked->state_in); /* once is enough: what waits to be sent has a maximum */
    asked->state_in = NULL;
}

static void hear_returned(struct rung_remote_slot *place, const struct rung_json *message)
{
    struct rung_executor_listener *tell = &place->worker->remote->listener;
    struct rung_remote_job *job = rung_remote_job(place, rung_said_integer(message, "job", -1));

    if (!job || job == place->jobs)
        return;
    int64_t number = job->number;
    rung_remote_clear_job(place, job);
    tell->returned(tell->context, slot_of(place), number, rung_clock_monotonic());
}

static void hear_gone(struct rung_remote_slot *place, const struct rung_json *message)
{
    int64_t number = 0;

    (void)rung_json_integer(rung_json_get(message, "number"), 0, 255, &number);
    struct rung_exit how = {.signaled = rung_said_flag(message, "signaled"),
                            .number = (int)number,
                            .by_us = rung_said_flag(message, "by_us"),
                            .out_of_memory = rung_said_flag(message, "out_of_memory")};
    trainer_gone(place, &how);
}

static void hear_of_trainer(struct rung_remote_slot *place, const char *type, const struct rung_json *message)
{
    struct rung_executor_listener *tell = &place->worker->remote->listener;
    const struct rung_json *reason = rung_json_get(message, "reason");
    int slot = slot_of(place);

    keep_log(place, message);
    if (strcmp(type, "printed") == 0)
        rung_logfile_add(place->log_folder, slot, rung_said_string(message, "text"), &place->log_start);
    if (strcmp(type, "said") == 0)
        hear_line(place, message);
    else if (strcmp(type, "need") == 0)
        send_state(place, message);
    else if (strcmp(type, "returned") == 0)
        hear_returned(place, message);
    else if (strcmp(type, "violation") == 0)
        tell->violation(tell->context, slot,
                        rung_json_is(reason, RUNG_JSON_STRING) ? rung_json_string(reason)
                                                               : "it gave no reason",
                        rung_clock_monotonic());
    else if (strcmp(type, "closing") == 0)
        tell->closing(tell->context, slot, rung_said_flag(message, "unread"), rung_clock_monotonic());
    else if (strcmp(type, "gone") == 0)
        hear_gone(place, message);
    drop_log(place);
}

static void on_worker_message(void *context, const struct rung_json *message, const char *file)
{
    struct rung_remote_worker *worker = context;
    const struct rung_json *type = rung_json_get(message, "type");

    if (!rung_json_is(type, RUNG_JSON_STRING))
        return;
    worker->parted |= strcmp(rung_json_string(type), "goodbye") == 0;
    if (worker->remote->closing)
        return;
    if (worker->parted) {
        remove_worker(worker, "it has left");
        return;
    }
    if (strcmp(rung_json_string(type), "late") == 0) {
        rung_remote_hear_late(worker, message, file);
        return;
    }
    struct rung_remote_slot *place = place_of_message(worker, message);
    if (place)
        hear_of_trainer(place, rung_json_string(type), message);
}

/* A state that comes with a result lies where a trainer here would have put it: who takes the result takes it
 * from there, and otherwise it is removed. */
static char *on_place(void *context, uint64_t stream)
{
    struct rung_remote_worker *worker = context;

    int index = rung_stream_index(stream);

    if (index < 0)
        return rung_remote_late_place(worker, stream);
    if ((size_t)index >= worker->count)
        return NULL;
    const struct rung_remote_slot *place = rung_remote_slot_at(worker->remote, worker->slots[index]);
    const struct rung_remote_job *job = rung_remote_job(place, (int64_t)rung_stream_number(stream));
    return place->alive && job ? rung_mem_strdup(job->state_out) : NULL;
}

/* ---- a worker's beginning ---- */

struct hello {
    const char *id, *host, *session, *launched;
    int64_t protocol, trainers, received;
};

static size_t take_places(struct rung_remote_worker *worker, size_t count)
{
    struct rung_remote *remote = worker->remote;

    worker->slots = rung_mem_zalloc(count, sizeof *worker->slots);
    for (int i = 0; i < RUNG_REMOTE_SLOTS && worker->count < count; i++) {
        struct rung_remote_slot *place = &remote->places[i];
        if (place->worker)
            continue;
        place->worker = worker;
        place->index = (int)worker->count;
        place->alive = false;
        worker->slots[worker->count++] = remote->options.first_slot + i;
    }
    return worker->count;
}

static struct rung_remote_worker *add_worker(struct rung_remote *remote, const struct hello *hello)
{
    struct rung_remote_worker *worker = rung_mem_zalloc(1, sizeof *worker);
    struct rung_peer_listener listener = {
        .context = worker, .message = on_worker_message, .place = on_place, .lost = on_lost};

    worker->remote = remote;
    worker->joined_at = worker->idle_since = rung_clock_monotonic();
    snprintf(worker->id, sizeof worker->id, "%s", hello->id);
    snprintf(worker->host, sizeof worker->host, "%s", hello->host);
    snprintf(worker->launched, sizeof worker->launched, "%s", hello->launched);
    if (!rung_said_id(worker->session) || take_places(worker, (size_t)hello->trainers) == 0) {
        free_worker(worker);
        return NULL;
    }
    worker->trainers = worker->count;
    worker->peer = rung_peer_create(remote->base, remote->options.beat, &listener);
    worker->next = remote->workers;
    remote->workers = worker;
    return worker;
}

static struct rung_remote_worker *find_worker(struct rung_remote *remote, const char *id)
{
    struct rung_remote_worker *worker = remote->workers;

    while (worker && strcmp(worker->id, id) != 0)
        worker = worker->next;
    return worker;
}

static void welcome(struct rung_remote_worker *worker, struct rung_wire *wire, bool resumed)
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
    rung_buf_char(text, '}');
    rung_wire_send(wire, text->data, text->length);
}

static void tell_joined(struct rung_remote_worker *worker)
{
    struct rung_executor_listener *tell = &worker->remote->listener;

    rung_remote_tell_joined(worker);
    for (size_t i = 0; i < worker->count; i++)
        tell->joined(tell->context, worker->slots[i], rung_clock_monotonic());
}

/* ---- greetings ---- */

static const char *read_hello(struct hello *hello, const struct rung_json *message)
{
    const char *type = rung_said_string(message, "type");

    *hello = (struct hello){.id = rung_said_string(message, "worker"),
                            .host = rung_said_string(message, "host"),
                            .launched = rung_said_string(message, "launched"),
                            .session = rung_said_string(message, "session")};
    if (rung_control_is_command(message))
        return "a search takes workers there, and no commands, which only rung serve does";
    if (strcmp(type, "hello") != 0 ||
        !rung_json_integer(rung_json_get(message, "protocol"), 0, RUNG_SAID_INTEGER_MAX, &hello->protocol))
        return "it did not say hello";
    if (hello->protocol != RUNG_REMOTE_PROTOCOL)
        return "it speaks another version of the protocol between schedulers and workers: both need the same "
               "rung";
    if (strlen(hello->id) != RUNG_SAID_ID_TEXT - 1 ||
        !rung_json_integer(rung_json_get(message, "trainers"), 1, RUNG_STREAM_TRAINERS, &hello->trainers) ||
        !rung_json_integer(rung_json_get(message, "received"), 0, RUNG_SAID_INTEGER_MAX, &hello->received))
        return "its hello is not complete";
    return NULL;
}

/* The wire is the worker's from now on, or why not. */
static const char *on_hello(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct rung_remote *remote = context;
    struct hello hello;
    const char *why = NULL;

    if (remote->options.other && remote->options.other(remote->options.other_context, wire, message, &why))
        return why;
    if ((why = read_hello(&hello, message)) != NULL)
        return why;
    struct rung_remote_worker *worker = find_worker(remote, hello.id);
    bool resumed = worker && strcmp(hello.session, worker->session) == 0;
    if (worker && !resumed)
        remove_worker(worker, "it has begun anew");
    if (!resumed)
        worker = add_worker(remote, &hello);
    if (!worker)
        return "there is no room for more trainers";
    welcome(worker, wire, resumed);
    if (!rung_peer_connected(worker->peer, wire, resumed ? (uint64_t)hello.received : 0)) {
        remove_worker(worker, "it has messages that were never sent");
        return "it has messages that were never sent";
    }
    if (!resumed)
        tell_joined(worker);
    return NULL;
}

/* ---- life ---- */

static void on_greeter_warning(void *context, const char *text)
{
    rung_remote_warn(context, text);
}

static int open_listener(struct rung_remote *remote, struct rung_err *err)
{
    int fd, code = rung_wire_tls_create(&remote->tls, &remote->options.key, err);

    if (code < 0)
        return code;
    if (remote->options.socket) {
        fd = *remote->options.socket;
        *remote->options.socket = -1;
        remote->port = rung_address_port(fd);
    } else if ((code = rung_address_listen(&fd, &remote->port, &remote->options.address, err)) < 0) {
        return code;
    }
    struct rung_greeter_options greeter = {.tls = remote->tls,
                                           .protocol = RUNG_REMOTE_PROTOCOL,
                                           .context = remote,
                                           .hello = on_hello,
                                           .warn = on_greeter_warning};
    remote->greeter = rung_greeter_create(remote->base, fd, &greeter);
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
    remote->executor = rung_remote_orders(remote);
    *out = remote;
    return 0;
}

static bool all_parted(const struct rung_remote *remote)
{
    for (const struct rung_remote_worker *worker = remote->workers; worker; worker = worker->next)
        if (rung_peer_is_connected(worker->peer) && !worker->parted)
            return false;
    return true;
}

/* Workers that have heard it say it, too, and leave. */
static void say_goodbye(struct rung_remote *remote)
{
    double until = rung_clock_monotonic() + GOODBYE;
    struct timeval tick = {.tv_usec = 20000};

    for (struct rung_remote_worker *worker = remote->workers; worker; worker = worker->next)
        rung_peer_send(worker->peer, "{\"type\":\"goodbye\"}");
    while (!all_parted(remote) && rung_clock_monotonic() < until) {
        event_base_loopexit(remote->base, &tick);
        event_base_dispatch(remote->base);
    }
}

static void close_doors(struct rung_remote *remote)
{
    remote->closing = true;
    rung_greeter_free(remote->greeter);
    remote->greeter = NULL;
    if (remote->leases)
        event_free(remote->leases);
    remote->leases = NULL;
}

void rung_remote_send_home(struct rung_remote *remote)
{
    if (!remote)
        return;
    close_doors(remote);
    say_goodbye(remote);
}

void rung_remote_free(struct rung_remote *remote)
{
    if (!remote)
        return;
    close_doors(remote);
    for (size_t i = 0; i < RUNG_REMOTE_SLOTS; i++) {
        if (remote->places[i].life == 0) /* nothing was ever here */
            continue;
        while (remote->places[i].job_count > 0)
            rung_remote_clear_job(&remote->places[i], remote->places[i].jobs);
        free(remote->places[i].log);
    }
    while (remote->workers) {
        struct rung_remote_worker *worker = remote->workers;
        remote->workers = worker->next;
        free_worker(worker);
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
