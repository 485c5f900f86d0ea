#include "dispatch/client.h"

#include "base/mem.h"
#include "dispatch/said.h"
#include "dispatch/unix_socket.h"
#include "dispatch/wire.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIGNALS = 4 };
static const int signals[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};

/* A daemon whose machine has vanished is noticed after so many seconds, and by so many questions 5 s apart.
 */
#define ALIVE_AFTER  15
#define ALIVE_EVERY  5
#define ALIVE_PROBES 3

struct rung_client {
    const struct rung_client_options *options;
    char *where; /* for errors */
    struct event_base *base;
    struct rung_wire_tls *tls;
    struct rung_wire *wire;
    struct event *events[SIGNALS];
    bool open, over;
    int status, code;
    struct rung_err *err;
};

static void end(struct rung_client *client, int code)
{
    if (client->over)
        return;
    client->over = true;
    client->code = code;
    event_base_loopbreak(client->base);
}

void rung_client_done(struct rung_client *client, int status)
{
    client->status = status;
    end(client, 0);
}

void rung_client_say(struct rung_client *client, const char *text)
{
    if (client->wire)
        rung_wire_send(client->wire, text, strlen(text));
}

/* ---- what comes ---- */

static void on_open(void *context, struct rung_wire *wire)
{
    (void)wire;
    ((struct rung_client *)context)->open = true;
}

static void on_message(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct rung_client *client = context;

    (void)wire;
    if (client->over)
        return;
    if (strcmp(rung_said_string(message, "type"), "refused") == 0)
        end(client, rung_err_set(client->err, RUNG_EUSE, "%s: refuses: %s", client->where,
                                 rung_said_string(message, "reason")));
    else
        client->options->said(client->options->context, client, message);
}

static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    struct rung_client *client = context;

    (void)wire;
    if (!client->over)
        client->options->poured(client->options->context, client, stream, data, length);
}

static void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    struct rung_client *client = context;

    (void)wire, (void)broken;
    if (client->over) /* the last word may have come with it */
        return;
    end(client,
        rung_err_set(client->err, client->open ? RUNG_EFAIL : RUNG_EUSE, "%s: %s", client->where, reason));
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct rung_client *client = context;

    (void)what;
    if (client->over)
        return;
    if (number == SIGWINCH)
        client->options->resized(client->options->context, client);
    else
        client->options->interrupted(client->options->context, client);
}

/* ---- connecting ---- */

static void keep_alive(int fd)
{
    int on = 1, after = ALIVE_AFTER, every = ALIVE_EVERY, probes = ALIVE_PROBES;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after, sizeof after);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static int connect_to(struct rung_client *client, struct rung_err *err)
{
    const struct rung_client_options *options = client->options;
    struct rung_wire_listener listener = {
        .context = client, .open = on_open, .message = on_message, .piece = on_piece, .closed = on_closed};
    int fd, code;

    if (options->socket) {
        code = rung_unix_connect(&fd, options->socket, err);
    } else if ((code = rung_wire_tls_create(&client->tls, options->key, err)) == 0) {
        code = rung_address_connect(&fd, options->address, err);
        if (code < 0)
            code = err->code = RUNG_EUSE; /* nothing failed: nobody is there */
        else
            keep_alive(fd);
    }
    if (code < 0)
        return code;
    client->wire = rung_wire_create(client->tls, client->base, fd, false, &listener);
    if (!client->wire)
        return rung_err_set(err, RUNG_EFAIL, "%s: no connection can be had", client->where);
    rung_client_say(client, options->command);
    if (options->begun)
        options->begun(options->context, client);
    return 0;
}

static void watch_signals(struct rung_client *client)
{
    sigset_t wanted;

    sigemptyset(&wanted);
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction present;
        bool heard =
            signals[i] == SIGWINCH ? client->options->resized != NULL : client->options->interrupted != NULL;
        sigaction(signals[i], NULL, &present);
        if (!heard || (present.sa_handler == SIG_IGN && signals[i] == SIGHUP)) /* started with nohup */
            continue;
        client->events[i] = evsignal_new(client->base, signals[i], on_signal, client);
        evsignal_add(client->events[i], NULL);
        sigaddset(&wanted, signals[i]);
    }
    sigprocmask(SIG_UNBLOCK, &wanted, NULL);
}

static char *name_of(const struct rung_client_options *options)
{
    if (options->socket)
        return rung_mem_strdup(options->socket);
    return rung_mem_printf("%s:%d", options->address->host, options->address->port);
}

int rung_client_run(const struct rung_client_options *options, int *status, struct rung_err *err)
{
    struct rung_client client = {.options = options, .where = name_of(options), .err = err};

    if (!(client.base = event_base_new()))
        rung_mem_out();
    watch_signals(&client);
    client.code = connect_to(&client, err);
    while (client.code == 0 && !client.over)
        event_base_loop(client.base, EVLOOP_ONCE);
    *status = client.status;
    rung_wire_free(client.wire);
    for (int i = 0; i < SIGNALS; i++)
        if (client.events[i])
            event_free(client.events[i]);
    rung_wire_tls_free(client.tls);
    event_base_free(client.base);
    free(client.where);
    return client.code;
}

bool rung_client_answers(const char *socket)
{
    struct rung_err err;
    int fd;

    if (rung_unix_connect(&fd, socket, &err) < 0)
        return false;
    close(fd);
    return true;
}
