#include "dispatch/loop.h"

#include "dispatch/clock.h"

#include <event2/event.h>
#include <math.h>
#include <signal.h>

static const int stop_signals[RUNG_LOOP_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    ((struct rung_loop *)context)->timer_at = INFINITY; /* the turn that follows does the work */
}

static void on_signal(evutil_socket_t fd, short what, void *context)
{
    struct rung_loop *loop = context;
    (void)fd;
    (void)what;
    loop->stop(loop->stop_context);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct rung_loop *loop = context;
    (void)fd;
    (void)what;
    loop->ticked(loop->tick_context);
}

int rung_loop_open(struct rung_loop *loop, struct rung_err *err)
{
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (!loop->base)
        return rung_err_set(err, RUNG_EFAIL, "cannot make an event loop");
    loop->timer = evtimer_new(loop->base, on_timer, loop);
    loop->timer_at = INFINITY;
    return 0;
}

static void free_event(struct event **event)
{
    if (*event)
        event_free(*event);
    *event = NULL;
}

void rung_loop_still(struct rung_loop *loop)
{
    free_event(&loop->timer);
    free_event(&loop->tick);
    for (int i = 0; i < RUNG_LOOP_SIGNALS; i++)
        free_event(&loop->signals[i]);
}

void rung_loop_close(struct rung_loop *loop)
{
    rung_loop_still(loop);
    if (loop->base)
        event_base_free(loop->base);
    loop->base = NULL;
}

/* A signal that whoever started us had blocked would never be heard of, a trainer's end among them. */
static void unblock_signals(void)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    for (int i = 0; i < RUNG_LOOP_SIGNALS; i++)
        sigaddset(&wanted, stop_signals[i]);
    sigprocmask(SIG_UNBLOCK, &wanted, NULL);
}

void rung_loop_watch(struct rung_loop *loop, void (*stop)(void *context), void *context)
{
    loop->stop = stop;
    loop->stop_context = context;
    unblock_signals();
    for (int i = 0; i < RUNG_LOOP_SIGNALS; i++) {
        struct sigaction present;
        sigaction(stop_signals[i], NULL, &present);
        if (present.sa_handler == SIG_IGN && stop_signals[i] == SIGHUP)
            continue; /* started with nohup */
        loop->signals[i] = evsignal_new(loop->base, stop_signals[i], on_signal, loop);
        evsignal_add(loop->signals[i], NULL);
    }
}

void rung_loop_tick(struct rung_loop *loop, double hz, void (*tick)(void *context), void *context)
{
    free_event(&loop->tick);
    if (!(hz > 0))
        return;
    double period = fmin(1 / hz, 86400);
    struct timeval interval = {.tv_sec = (time_t)period,
                               .tv_usec = (suseconds_t)((period - floor(period)) * 1e6)};
    loop->ticked = tick;
    loop->tick_context = context;
    loop->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
    event_add(loop->tick, &interval);
}

/* A pass reads so many sockets at most, hence the repetition. */
double rung_loop_hear(struct rung_loop *loop, bool (*judges)(void *context, double now), void *context)
{
    double now = rung_clock_monotonic();
    for (int pass = 0; pass < 16 && judges(context, now); pass++) {
        event_base_loop(loop->base, EVLOOP_NONBLOCK);
        now = rung_clock_monotonic();
    }
    return now;
}

/* The timer may be due too early, never too late: moving it for every job would cost more than a turn for
 * nothing. */
void rung_loop_wait(struct rung_loop *loop, double at, double now)
{
    if (at < loop->timer_at) {
        double delay = fmin(fmax(at - now, 0), 86400);
        struct timeval after = {.tv_sec = (time_t)delay,
                                .tv_usec = (suseconds_t)((delay - floor(delay)) * 1e6)};
        event_add(loop->timer, &after);
        loop->timer_at = now + delay;
    }
    event_base_loop(loop->base, EVLOOP_ONCE);
}
