/*
 * What every process that runs searches has around them: the event base, one timer, the signals that end it,
 * a clock tick for displays.
 */
#ifndef RUNG_DISPATCH_LOOP_H
#define RUNG_DISPATCH_LOOP_H

#include "base/err.h"

#include <stdbool.h>

#define RUNG_LOOP_SIGNALS 3 /* SIGINT, SIGTERM, SIGHUP */

struct event;
struct event_base;

/* Owned by whoever embeds it; zeroed before it is opened. */
struct rung_loop {
    struct event_base *base;
    struct event *timer, *tick, *signals[RUNG_LOOP_SIGNALS];
    double timer_at; /* when the timer is due; INFINITY: not armed */
    void (*stop)(void *context);
    void *stop_context;
    void (*ticked)(void *context);
    void *tick_context;
};

int rung_loop_open(struct rung_loop *loop, struct rung_err *err) RUNG_CHECK_RESULT; /* RUNG_EFAIL */
/* Ends the timer, the tick and the watch for signals: what is closed now still needs the base. */
void rung_loop_still(struct rung_loop *loop);
void rung_loop_close(struct rung_loop *loop); /* also of one that was never opened */

/* From now on the signals that ask to end (SIGHUP: not where it was ignored before) call stop, each time. */
void rung_loop_watch(struct rung_loop *loop, void (*stop)(void *context), void *context);
/* Calls tick so many times a second; 0: no more. */
void rung_loop_tick(struct rung_loop *loop, double hz, void (*tick)(void *context), void *context);

/* After a stall answers lie in the sockets whose deadlines have passed meanwhile: they are read before
 * somebody is judged for his silence, which judges() tells for a time. Returns the time then. */
double rung_loop_hear(struct rung_loop *loop, bool (*judges)(void *context, double now), void *context);
/* Waits until something has happened, or until `at` (INFINITY: as long as it takes). */
void rung_loop_wait(struct rung_loop *loop, double at, double now);

#endif
