/* A loop that a test runs until something holds. */
#ifndef RUNG_TESTS_LOOP_HELP_H
#define RUNG_TESTS_LOOP_HELP_H

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#define PATIENCE 20 /* seconds until a test that waits for nothing fails */

static struct event_base *base;

static inline void late(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events;
    *(bool *)context = true;
}

/* Runs the loop until the expression holds. */
#define until(expression)                                                                                    \
    do {                                                                                                     \
        bool too_late = false;                                                                               \
        struct timeval most = {.tv_sec = PATIENCE};                                                          \
        struct event *watch = event_new(base, -1, 0, late, &too_late);                                       \
        event_add(watch, &most);                                                                             \
        while (!(expression) && !too_late)                                                                   \
            event_base_loop(base, EVLOOP_ONCE);                                                              \
        event_free(watch);                                                                                   \
        if (too_late)                                                                                        \
            fail_msg("this never came: %s", #expression);                                                    \
    } while (0)

#endif
