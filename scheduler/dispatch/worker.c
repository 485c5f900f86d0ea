#include "dispatch/worker_private.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/remote.h"
#include "dispatch/trainer_text.h"

#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEAT_LEAST     0.001 /* seconds between life signs that make sense */
#define BEAT_MOST      86400.0
#define BACK_OFF_FIRST 0.1 /* seconds until it connects again; doubled each time */
#define BACK_OFF_MOST  1.0
#define FAREWELL       5.0 /* seconds in which what is done still gets to the scheduler */
#define LOG_LINES      20
#define LOG_BYTES      (64 * 1024) /* of these lines, at most; and of what is printed in LOG_TICKS */
#define TICK           0.1         /* seconds between looks at what has become of time */
#define LOG_TICKS      5           /* between looks at what trainers have printed */

static const int stop_signals[RUNG_WORKER_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

static void tell(struct rung_worker *worker, const char *format, const char *argument)
{
    char text[600];

    snprintf(text, sizeof text, format, argument);
    if (worker->options->tell)
        worker->options->tell(worker->options->tell_context, text);
}

static void finish(struct rung_worker *worker)
{
    worker->over = true;
    event_base_loopbreak(worker->base);
}

/* ---- what the scheduler is told ---- */

void rung_worker_begin_report(struct rung_worker *worker, const char *type, int slot)
{
    rung_buf_clear(&worker->text);
    rung_buf_text(&worker->text, "{\"type\":\"");
    rung_buf_text(&worker->text, type);
    rung_buf_text(&worker->text, "\",\"slot\":");
    rung_json_write_integer(&worker->text, slot);
    rung_buf_text(&worker->text, ",\"life\":");
    rung_json_write_integer(&worker->text, worker->work[slot].life);
}

void rung_worker_add_log(struct rung_worker *worker, int slot)
{
    struct rung_executor *executor = rung_local_executor(worker->local);
    struct rung_buf log;

    rung_buf_init(&log, RUNG_BUF_UNLIMITED);
    executor->log_tail(executor->self, slot, LOG_LINES, &log);
    rung_buf_text(&worker->text, ",\"log\":");
    rung_json_write_string(&worker->text,
                           rung_buf_cstr(&log) + (log.length > LOG_BYTES ? log.length - LOG_BYTES : 0));
    rung_buf_free(&log);
}

void rung_worker_end_report(struct rung_worker *worker)
{
    rung_buf_char(&worker->text, '}');
    rung_peer_send(worker->peer, rung_buf_cstr(&worker->text));
}

/* What cannot be sent now stays in the trainer's log. */
static void tell_printed(struct rung_worker *worker, int slot)
{
    struct rung_buf printed;

    if (!rung_peer_is_connected(worker->peer))
        return;
    rung_buf_init(&printed, RUNG_BUF_UNLIMITED);
    rung_local_follow_log(worker->local, slot, LOG_BYTES, &printed);
    if (printed.length > 0) {
        rung_worker_begin_report(worker, "printed", slot);
        rung_buf_text(&worker->text, ",\"text\":");
        rung_json_write_string(&worker->text, rung_buf_cstr(&printed));
        rung_worker_end_report(worker);
    }
    rung_buf_free(&printed);
}

static void on_violation(void *context, int slot, const char *reason, double now)
{
    struct rung_worker *worker = context;

    (void)now;
    rung_worker_begin_report(worker, "violation", slot);
    rung_worker_add_log(worker, slot);
    rung_buf_text(&worker->text, ",\"reason\":");
    rung_json_write_string(&worker->text, reason);
    rung_worker_end_report(worker);
}

static void on_closing(void *context, int slot, bool unread, double now)
{
    struct rung_worker *worker = context;

    (void)now;
    rung_worker_begin_report(worker, "closing", slot);
    rung_buf_printf(&worker->text, ",\"unread\":%s", unread ? "true" : "false");
    rung_worker_end_report(worker);
}

static void on_gone(void *context, int slot, const struct rung_exit *how, double now)
{
    struct rung_worker *worker = context;

    (void)now;
    worker->work[slot].alive = false;
    rung_worker_drop_jobs(worker, slot);
    tell_printed(worker, slot);
    rung_worker_begin_report(worker, "gone", slot);
    rung_worker_add_log(worker, slot);
    rung_buf_printf(&worker->text, ",\"number\":%d,\"signaled\":%s,\"by_us\":%s,\"out_of_memory\":%s",
                    how->number, how->signaled ? "true" : "false", how->by_us ? "true" : "false",
                    how->out_of_memory ? "true" : "false");
    rung_worker_end_report(worker);
}

/* ---- trainers ---- */

static void forget_trainer(struct rung_work *work)
{
    rung_trainer_text_free(&work->trainer);
    work->trainer = (struct rung_trainer_spec){0};
    free(work->metric);
    free(work->identity);
    work->metric = work->identity = NULL;
}

static void start_trainer(struct rung_worker *worker, int slot, const struct rung_json *message)
{
    struct rung_executor *executor = rung_local_executor(worker->local);
    const struct rung_json *line = rung_json_get(message, "start");
    struct rung_err err;
    struct rung_work *work = &worker->work[slot];
    struct rung_start start = {
        .line = {.search = rung_said_string(line, "search"),
                 .seed = (uint64_t)rung_said_integer(line, "seed", 0),
                 .trainer = rung_said_integer(line, "trainer", 0),
                 .threads = rung_said_integer(line, "threads", 1),
                 .settings = rung_json_get(line, "settings"),
                 .examples_per_call = rung_said_integer(line, "examples_per_call", RUNG_UNSET)},
        .trainer = &work->trainer,
        .folder = rung_cache_work_folder(worker->cache),
        .log_folder = rung_cache_log_folder(worker->cache)};

    work->life = rung_said_integer(message, "life", 0);
    forget_trainer(work);
    start.metric = work->metric = rung_mem_strdup(rung_said_string(message, "metric"));
    work->identity = rung_mem_strdup(rung_said_string(message, "identity"));
    work->search = rung_cache_search(worker->cache, work->identity);
    work->number = start.line.trainer;
    bool sound =
        rung_trainer_text_read(&work->trainer, rung_json_get(message, "trainer")) && start.line.settings;
    work->alive = sound && executor->start(executor->self, slot, &start, &err) == 0;
    if (work->alive)
        return;
    rung_worker_begin_report(worker, "gone", slot);
    rung_buf_text(&worker->text, ",\"number\":127,\"log\":");
    rung_json_write_string(&worker->text,
                           sound ? err.text : "a start that makes no sense: both need the same rung");
    rung_worker_end_report(worker);
}

/* ---- what the scheduler says ---- */

static void leave(struct rung_worker *worker)
{
    if (isfinite(worker->leave_at))
        return;
    worker->leave_at = rung_clock_monotonic() + FAREWELL;
    if (!worker->peer || !rung_peer_is_connected(worker->peer)) {
        finish(worker);
        return;
    }
    rung_peer_send(worker->peer, "{\"type\":\"goodbye\"}");
}

static void on_order(void *context, const struct rung_json *message, const char *file)
{
    struct rung_worker *worker = context;
    struct rung_executor *executor = rung_local_executor(worker->local);
    const char *type = rung_said_string(message, "type");
    int64_t slot;

    if (strcmp(type, "goodbye") == 0) {
        leave(worker);
        return;
    }
    if (strcmp(type, "want") == 0)
        rung_lates_send(&worker->lates, (uint64_t)rung_said_integer(message, "late", -1), worker->peer);
    if (strcmp(type, "drop") == 0)
        rung_lates_drop(&worker->lates, (uint64_t)rung_said_integer(message, "late", -1));
    if (!rung_json_integer(rung_json_get(message, "slot"), 0, (int64_t)worker->options->trainers - 1, &slot))
        return;
    struct rung_work *work = &worker->work[slot];
    /* A trainer may have ended while an order for it was on its way. */
    if (work->alive != (strcmp(type, "start") != 0))
        return;
    if (!work->alive)
        start_trainer(worker, (int)slot, message);
    else if (rung_said_integer(message, "life", -1) != work->life)
        return;
    else if (strcmp(type, "job") == 0 || strcmp(type, "evaluate") == 0)
        rung_worker_take_job(worker, (int)slot, message, type[0] == 'e');
    else if (strcmp(type, "state") == 0)
        rung_worker_take_state(worker, (int)slot, message, file);
    else if (strcmp(type, "forget") == 0)
        rung_worker_forget(worker, (int)slot, (uint32_t)rung_said_integer(message, "model", 0));
    else if (strcmp(type, "stop") == 0)
        executor->stop(executor->self, (int)slot);
    else if (strcmp(type, "kill") == 0)
        executor->kill(executor->self, (int)slot);
}

static char *on_place(void *context, uint64_t stream)
{
    return rung_worker_state_place(context, stream);
}

/* ---- a session ---- */

static bool trainer_of(void *context, int64_t slot, int64_t life, struct rung_lates_trainer *trainer)
{
    struct rung_worker *worker = context;

    if (slot >= (int64_t)worker->options->trainers || worker->work[slot].life != life ||
        !worker->work[slot].identity)
        return false;
    *trainer = (struct rung_lates_trainer){worker->work[slot].identity, worker->work[slot].number};
    return true;
}

static void end_session(struct rung_worker *worker)
{
    if (worker->peer)
        rung_lates_collect(&worker->lates, worker->peer, worker->cache, trainer_of, worker);
    rung_local_free(worker->local);
    worker->local = NULL;
    rung_peer_free(worker->peer);
    worker->peer = NULL;
    for (size_t i = 0; i < worker->options->trainers; i++) {
        rung_worker_drop_jobs(worker, (int)i);
        forget_trainer(&worker->work[i]);
        worker->work[i].alive = false;
    }
    rung_cache_clear(worker->cache);
}

static void on_lost(void *context, bool broken, const char *reason);

static bool begin_session(struct rung_worker *worker, const struct rung_json *welcome)
{
    struct rung_peer_listener listener = {
        .context = worker, .message = on_order, .place = on_place, .lost = on_lost};
    const struct rung_json *beat = rung_json_get(welcome, "beat");
    double seconds = rung_json_is(beat, RUNG_JSON_NUMBER) ? rung_json_number(beat) : 0;

    end_session(worker);
    if (!(seconds >= BEAT_LEAST && seconds <= BEAT_MOST))
        return false;
    snprintf(worker->session, sizeof worker->session, "%s", rung_said_string(welcome, "session"));
    worker->local = rung_local_create(worker->base, worker->options->trainers);
    rung_local_listen(worker->local, (struct rung_executor_listener){.context = worker,
                                                                     .message = rung_worker_heard,
                                                                     .violation = on_violation,
                                                                     .closing = on_closing,
                                                                     .gone = on_gone});
    worker->peer = rung_peer_create(worker->base, seconds, &listener);
    return true;
}

/* ---- connecting ---- */

static void set_why(struct rung_worker *worker, const char *reason)
{
    char address[RUNG_ADDRESS_TEXT];

    rung_address_write(address, &worker->options->address);
    size_t length = strlen(address);
    bool named = strncmp(reason, address, length) == 0 && reason[length] == ':';
    snprintf(worker->why, sizeof worker->why, "%s%s%s", named ? "" : address, named ? "" : ": ", reason);
}

/* The same is told once: it is tried every second. */
static void tell_why(struct rung_worker *worker)
{
    double left = worker->alone_since + worker->options->orphan_timeout - rung_clock_monotonic();
    char text[RUNG_WORKER_WHY + 64];

    for (size_t i = 0; i < worker->why_count; i++)
        if (strcmp(worker->whys[i], worker->why) == 0)
            return;
    if (worker->why_count == RUNG_WORKER_WHYS || left <= 0)
        return;
    worker->whys[worker->why_count++] = rung_mem_strdup(worker->why);
    snprintf(text, sizeof text, "%s; trying again for %g s", worker->why,
             left > 10 ? ceil(left) : ceil(10 * left) / 10);
    tell(worker, "%s", text);
}

static void forget_whys(struct rung_worker *worker)
{
    while (worker->why_count > 0)
        free(worker->whys[--worker->why_count]);
    worker->why[0] = '\0';
}

static void connect_later(struct rung_worker *worker)
{
    struct timeval delay = {.tv_sec = (time_t)worker->back_off,
                            .tv_usec = (suseconds_t)(fmod(worker->back_off, 1) * 1e6)};

    worker->back_off = fmin(2 * worker->back_off, BACK_OFF_MOST);
    event_add(worker->again, &delay);
}

static void on_lost(void *context, bool broken, const char *reason)
{
    struct rung_worker *worker = context;

    (void)broken;
    worker->alone_since = rung_clock_monotonic();
    if (isfinite(worker->leave_at)) {
        finish(worker);
        return;
    }
    set_why(worker, reason);
    tell(worker, "the scheduler is out of reach: %s", reason);
    connect_later(worker);
}

static void fail(struct rung_worker *worker, int code, const char *format, const char *argument)
{
    char text[500];

    snprintf(text, sizeof text, format, argument);
    rung_err_set(&worker->end, code, "%s", text);
    finish(worker);
}

static void on_welcome(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct rung_worker *worker = context;
    bool resumed = rung_said_flag(message, "resumed") && worker->peer;

    worker->greeting = NULL;
    if (strcmp(rung_said_string(message, "type"), "welcome") != 0) {
        fail(worker, RUNG_EUSE, "the scheduler refuses this worker: %s", rung_said_string(message, "reason"));
        rung_wire_free(wire);
        return;
    }
    if (!resumed && !begin_session(worker, message)) {
        rung_wire_free(wire);
        fail(worker, RUNG_EUSE, "%s", "the scheduler's welcome makes no sense: both need the same rung");
        return;
    }
    worker->back_off = BACK_OFF_FIRST;
    worker->alone_since = NAN;
    forget_whys(worker);
    tell(worker, resumed ? "connected again to %s" : "connected to %s", rung_wire_peer(wire));
    if (!rung_peer_connected(worker->peer, wire,
                             resumed ? (uint64_t)rung_said_integer(message, "received", 0) : 0)) {
        rung_wire_free(wire);
        fail(worker, RUNG_EFAIL, "%s", "the scheduler has messages that were never sent");
        return;
    }
    if (!resumed)
        rung_lates_offer(&worker->lates, worker->peer);
}

static void on_open(void *context, struct rung_wire *wire)
{
    struct rung_worker *worker = context;
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    rung_buf_clear(&worker->text);
    rung_buf_printf(
        &worker->text,
        "{\"type\":\"hello\",\"protocol\":%d,\"worker\":\"%s\",\"session\":\"%s\",\"trainers\":%zu,"
        "\"received\":%llu,\"host\":",
        RUNG_REMOTE_PROTOCOL, worker->id, worker->session, worker->options->trainers,
        (unsigned long long)(worker->peer ? rung_peer_received(worker->peer) : 0));
    rung_json_write_string(&worker->text, host);
    if (worker->options->launched) {
        rung_buf_text(&worker->text, ",\"launched\":");
        rung_json_write_string(&worker->text, worker->options->launched);
    }
    rung_buf_char(&worker->text, '}');
    rung_wire_send(wire, worker->text.data, worker->text.length);
}

static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    (void)context, (void)wire, (void)stream, (void)data, (void)length;
}

static void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    struct rung_worker *worker = context;

    worker->greeting = NULL;
    rung_wire_free(wire);
    if (broken) {
        fail(worker, RUNG_EUSE, "the scheduler cannot be spoken to: %s", reason);
        return;
    }
    set_why(worker, reason);
    tell_why(worker);
    connect_later(worker);
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
    struct rung_worker *worker = context;
    struct rung_wire_listener listener = {
        .context = worker, .open = on_open, .message = on_welcome, .piece = on_piece, .closed = on_closed};
    struct rung_err err = {.text = "cannot make a connection"};
    int socket;

    (void)fd;
    (void)what;
    if (rung_address_connect(&socket, &worker->options->address, &err) == 0)
        worker->greeting = rung_wire_create(worker->tls, worker->base, socket, false, &listener);
    if (worker->greeting)
        return;
    set_why(worker, err.text);
    tell_why(worker);
    connect_later(worker);
}

/* Nobody has refused anything: what it waits for is an answer. */
static void give_up(struct rung_worker *worker)
{
    char text[RUNG_WORKER_WHY + 64];

    if (!worker->why[0])
        set_why(worker, "no answer");
    snprintf(text, sizeof text, "no scheduler for %g s: %s", worker->options->orphan_timeout, worker->why);
    fail(worker, RUNG_EFAIL, "%s", text);
}

/* ---- life ---- */

static void on_watch(evutil_socket_t fd, short what, void *context)
{
    struct rung_worker *worker = context;
    double now = rung_clock_monotonic();

    (void)fd;
    (void)what;
    worker->ticks++;
    for (size_t i = 0; worker->local && worker->ticks % LOG_TICKS == 0 && i < worker->options->trainers; i++)
        tell_printed(worker, (int)i);
    if (worker->peer)
        rung_worker_give_back(worker, now);
    bool said = worker->peer && rung_peer_is_connected(worker->peer) && rung_peer_idle(worker->peer);
    if (now >= worker->leave_at || (isfinite(worker->leave_at) && said))
        finish(worker);
    if (now - worker->alone_since > worker->options->orphan_timeout)
        give_up(worker);
}

static void on_stop_signal(evutil_socket_t fd, short what, void *context)
{
    struct rung_worker *worker = context;

    (void)fd;
    (void)what;
    if (worker->end.code == RUNG_EINT)
        finish(worker);
    rung_err_set(&worker->end, RUNG_EINT, "interrupted");
    leave(worker);
}

static int open_worker(struct rung_worker *worker, struct rung_err *err)
{
    struct timeval tick = {.tv_usec = (suseconds_t)(TICK * 1e6)};
    int code = rung_wire_tls_create(&worker->tls, &worker->options->key, err);

    if (code < 0 || (code = rung_cache_create(&worker->cache, worker->options->folder, err)) < 0)
        return code;
    worker->base = event_base_new();
    if (!worker->base || !rung_said_id(worker->id))
        return rung_err_set(err, RUNG_EFAIL, "cannot make an event loop");
    worker->work = rung_mem_zalloc(worker->options->trainers, sizeof *worker->work);
    worker->again = evtimer_new(worker->base, on_again, worker);
    worker->watch = event_new(worker->base, -1, EV_PERSIST, on_watch, worker);
    event_add(worker->watch, &tick);
    for (int i = 0; i < RUNG_WORKER_SIGNALS; i++) {
        worker->signals[i] = evsignal_new(worker->base, stop_signals[i], on_stop_signal, worker);
        evsignal_add(worker->signals[i], NULL);
    }
    return 0;
}

static void close_worker(struct rung_worker *worker)
{
    if (worker->work)
        end_session(worker);
    rung_wire_free(worker->greeting);
    for (int i = 0; i < RUNG_WORKER_SIGNALS; i++)
        if (worker->signals[i])
            event_free(worker->signals[i]);
    if (worker->again)
        event_free(worker->again);
    if (worker->watch)
        event_free(worker->watch);
    forget_whys(worker);
    rung_lates_free(&worker->lates);
    rung_cache_free(worker->cache);
    rung_wire_tls_free(worker->tls);
    if (worker->base)
        event_base_free(worker->base);
    rung_buf_free(&worker->text);
    for (size_t i = 0; worker->work && i < worker->options->trainers; i++)
        rung_worker_free_jobs(&worker->work[i]);
    free(worker->work);
}

int rung_worker_run(const struct rung_worker_options *options, struct rung_err *err)
{
    struct rung_worker worker = {.options = options,
                                 .back_off = BACK_OFF_FIRST,
                                 .alone_since = rung_clock_monotonic(),
                                 .leave_at = INFINITY};

    rung_buf_init(&worker.text, RUNG_BUF_UNLIMITED);
    int code = open_worker(&worker, err);
    if (code == 0) {
        on_again(-1, 0, &worker);
        while (!worker.over)
            event_base_loop(worker.base, EVLOOP_ONCE);
        *err = worker.end;
        code = worker.end.code;
    }
    close_worker(&worker);
    return code;
}
