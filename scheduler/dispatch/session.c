#include "dispatch/session.h"

#include "dispatch/clock.h"
#include "dispatch/engine.h"
#include "dispatch/fleet.h"
#include "dispatch/local.h"
#include "dispatch/remote.h"

#include <event2/event.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { SIGNALS = 3 };
static const int stop_signals[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

struct session {
    const struct rung_session_options *options;
    struct event_base *base;
    struct rung_states *states;
    struct rung_local *local;
    struct rung_remote *remote; /* NULL: no workers */
    struct rung_fleet fleet;
    struct rung_engine *engine;
    struct event *timer, *display, *signals[SIGNALS];
    double timer_at; /* when the timer is due; INFINITY: not armed */
};

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    ((struct session *)context)->timer_at = INFINITY; /* the turn that follows does the work */
}

static void on_stop_signal(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    rung_engine_interrupt(((struct session *)context)->engine, rung_clock_monotonic());
}

static void show(struct session *session)
{
    struct rung_session_view view;
    if (!session->options->display)
        return;
    rung_engine_view(session->engine, rung_clock_monotonic(), &view);
    session->options->display(session->options->display_context, &view);
}

static void on_display(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    show(context);
}

/* After a stall (a stopped process, a slow disk) answers lie in the sockets whose deadlines have passed
 * meanwhile: they are read before deadlines are judged. A pass reads so many sockets at most, hence the
 * repetition. */
static double hear_before_judging(struct session *session, double now)
{
    for (int pass = 0; pass < 16 && rung_engine_judges(session->engine, now); pass++) {
        event_base_loop(session->base, EVLOOP_NONBLOCK);
        now = rung_clock_monotonic();
    }
    return now;
}

/* The timer may be due too early, never too late: moving it for every job would cost more than a turn for
 * nothing. */
static void arm_timer(struct session *session, double now)
{
    double at = rung_engine_wake_at(session->engine, now);
    if (!(at < session->timer_at))
        return;
    double delay = fmin(fmax(at - now, 0), 86400);
    struct timeval after = {.tv_sec = (time_t)delay, .tv_usec = (suseconds_t)((delay - floor(delay)) * 1e6)};
    event_add(session->timer, &after);
    session->timer_at = now + delay;
}

/* A signal that whoever started us had blocked would never be heard of, a trainer's end among them. */
static void unblock_signals(void)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&wanted, stop_signals[i]);
    sigprocmask(SIG_UNBLOCK, &wanted, NULL);
}

static void watch_signals(struct session *session)
{
    unblock_signals();
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction present;
        sigaction(stop_signals[i], NULL, &present);
        if (present.sa_handler == SIG_IGN && stop_signals[i] == SIGHUP)
            continue; /* started with nohup */
        session->signals[i] = evsignal_new(session->base, stop_signals[i], on_stop_signal, session);
        evsignal_add(session->signals[i], NULL);
    }
}

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void on_remote_warning(void *context, const char *text)
{
    struct session *session = context;
    rung_engine_tell(session->engine, rung_clock_monotonic(), text);
}

static int open_remote(struct session *session, struct rung_err *err)
{
    const struct rung_session_options *options = session->options;
    struct rung_remote_options remote = {.address = options->listen->address,
                                         .key = options->listen->key,
                                         .beat = options->listen->beat,
                                         .first_slot = (int)options->trainers,
                                         .warn = on_remote_warning,
                                         .warn_context = session};
    return rung_remote_create(&session->remote, session->base, &remote, err);
}

static void tell_where(struct session *session)
{
    char text[128];
    rung_remote_listen(session->remote, rung_engine_listener(session->engine));
    snprintf(text, sizeof text, "workers are taken at port %d", rung_remote_port(session->remote));
    on_remote_warning(session, text);
}

static int open_session(struct session *session, struct rung_err *err)
{
    const struct rung_session_options *options = session->options;
    int rc = rung_states_open(&session->states, rung_store_path(options->store), options->name, err);
    if (rc)
        return rc;
    session->base = make_base();
    if (!session->base)
        return rung_err_set(err, RUNG_EFAIL, "cannot make an event loop");
    session->local = rung_local_create(session->base, options->trainers);
    struct rung_executor *executor = rung_local_executor(session->local);
    if (options->listen) {
        if ((rc = open_remote(session, err)) < 0)
            return rc;
        rung_fleet_init(&session->fleet, executor, rung_remote_executor(session->remote));
        executor = &session->fleet.executor;
    }
    double now = rung_clock_monotonic();
    struct rung_engine_options engine = {.session = options,
                                         .states = session->states,
                                         .executor = executor,
                                         .epoch = rung_clock_wall() - now};
    rc = rung_engine_create(&session->engine, &engine, now, err);
    if (rc)
        return rc;
    rung_local_listen(session->local, rung_engine_listener(session->engine));
    if (session->remote)
        tell_where(session);
    session->timer = evtimer_new(session->base, on_timer, session);
    session->timer_at = INFINITY;
    watch_signals(session);
    if (options->display && options->display_hz > 0) {
        struct timeval period = {.tv_usec = (suseconds_t)(1e6 / options->display_hz)};
        session->display = event_new(session->base, -1, EV_PERSIST, on_display, session);
        event_add(session->display, &period);
    }
    return 0;
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void close_session(struct session *session)
{
    free_event(session->timer);
    free_event(session->display);
    for (int i = 0; i < SIGNALS; i++)
        free_event(session->signals[i]);
    rung_remote_free(session->remote);
    rung_local_free(session->local);
    rung_engine_free(session->engine);
    if (session->base)
        event_base_free(session->base);
    rung_states_free(session->states);
}

static int run_loop(struct session *session, struct rung_session_result *result, struct rung_err *err)
{
    for (;;) {
        double now = hear_before_judging(session, rung_clock_monotonic());
        rung_engine_set_epoch(session->engine, rung_clock_wall() - now);
        int rc = rung_engine_turn(session->engine, now, err);
        if (rc)
            return rc;
        now = rung_clock_monotonic();
        rung_engine_act(session->engine, now);
        if (rung_engine_over(session->engine, result))
            break;
        arm_timer(session, now);
        event_base_loop(session->base, EVLOOP_ONCE);
    }
    int rc = rung_engine_close(session->engine, rung_clock_monotonic(), err);
    rung_engine_over(session->engine, result);
    return rc;
}

int rung_session_run(const struct rung_session_options *options, struct rung_session_result *result,
                     struct rung_err *err)
{
    struct session session = {.options = options};
    memset(result, 0, sizeof *result);
    result->best = RUNG_NO_MODEL;
    int rc = open_session(&session, err);
    if (rc == 0)
        rc = run_loop(&session, result, err);
    if (session.engine)
        show(&session);
    close_session(&session);
    return rc;
}
