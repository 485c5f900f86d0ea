/*
 * The door: takes connections, and hands each to its owner once the other side has proven that it has the key
 * and has said who it is. Who says nothing is closed; of too many at once the oldest goes.
 */
#ifndef RUNG_DISPATCH_GREETER_H
#define RUNG_DISPATCH_GREETER_H

#include "base/json.h"
#include "dispatch/wire.h"

#include <stdbool.h>

struct rung_greeter;

struct rung_greeter_options {
    struct rung_wire_tls *tls; /* NULL: none, as of wires */
    int protocol;              /* that is told to who is refused */
    void *context;
    /* Of a connection that was accepted: whether it may say something; NULL: any may. */
    bool (*admit)(void *context, int fd);
    /* The first message. NULL: the wire is the owner's from now on; else the reason for which it is refused.
     */
    const char *(*hello)(void *context, struct rung_wire *wire, const struct rung_json *message);
    void (*warn)(void *context, const char *text);
};

/* fd: a listening socket, which it owns from now on. */
struct rung_greeter *rung_greeter_create(struct event_base *base, int fd,
                                         const struct rung_greeter_options *options);
void rung_greeter_free(struct rung_greeter *greeter); /* NULL is allowed */

#endif
