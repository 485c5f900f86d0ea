#include "dispatch/remote_private.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void rung_remote_warn(struct rung_remote *remote, const char *text)
{
    for (size_t i = 0; i < remote->warning_count; i++)
        if (strcmp(remote->warnings[i], text) == 0)
            return;
    if (remote->warning_count == RUNG_REMOTE_WARNINGS)
        return;
    remote->warnings[remote->warning_count++] = rung_mem_strdup(text);
    if (remote->options.warn)
        remote->options.warn(remote->options.context, text);
}

static void tell(const struct rung_remote *remote, const char *text)
{
    if (remote->options.tell)
        remote->options.tell(remote->options.context, text);
}

void rung_remote_tell_joined(const struct rung_remote_worker *worker)
{
    char text[sizeof worker->host + 64];

    snprintf(text, sizeof text, "worker %s has joined: %zu trainer%s", worker->host, worker->count,
             worker->count == 1 ? "" : "s");
    tell(worker->remote, text);
}

/* Who gave it back has said so. */
void rung_remote_tell_gone(const struct rung_remote_worker *worker, const char *why)
{
    char text[sizeof worker->host + sizeof worker->why + 32];

    if (worker->dismissed)
        return;
    if (worker->parted)
        snprintf(text, sizeof text, "worker %s has left", worker->host);
    else
        snprintf(text, sizeof text, "worker %s is gone: %s", worker->host, why);
    tell(worker->remote, text);
}
