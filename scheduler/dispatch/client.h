/*
 * Who gives a daemon a command: connects to it, by its socket or by address and key, and hears what it
 * answers until there is nothing more to hear.
 */
#ifndef RUNG_DISPATCH_CLIENT_H
#define RUNG_DISPATCH_CLIENT_H

#include "base/err.h"
#include "base/json.h"
#include "dispatch/address.h"
#include "dispatch/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_client;

struct rung_client_options {
    const char *socket; /* path; NULL: */
    const struct rung_address *address;
    const struct rung_key *key;
    const char *command; /* the first message */
    void *context;
    /* The command is on its way, and what belongs to it may follow; may be NULL. */
    void (*begun)(void *context, struct rung_client *client);
    void (*said)(void *context, struct rung_client *client, const struct rung_json *message);
    void (*poured)(void *context, struct rung_client *client, uint64_t stream, const void *data,
                   size_t length);
    /* SIGINT, SIGTERM or SIGHUP. NULL: they end the process. */
    void (*interrupted)(void *context, struct rung_client *client);
    void (*resized)(void *context, struct rung_client *client); /* SIGWINCH; may be NULL */
};

/* Until rung_client_done, with its status in *status. RUNG_EUSE: nobody is there, or somebody who refuses,
 * has another key, or is of another user. RUNG_EFAIL: the connection is lost. */
int rung_client_run(const struct rung_client_options *options, int *status,
                    struct rung_err *err) RUNG_CHECK_RESULT;
/* text: a JSON object of at most RUNG_WIRE_MESSAGE_MAX bytes. */
void rung_client_say(struct rung_client *client, const char *text);
void rung_client_done(struct rung_client *client, int status);

/* Whether somebody listens at a socket. */
bool rung_client_answers(const char *socket);

#endif
