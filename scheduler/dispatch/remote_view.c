#include "dispatch/remote_private.h"

#include "dispatch/clock.h"

#include <string.h>

struct rung_remote_worker *rung_remote_find(const struct rung_remote *remote, const char *launched)
{
    struct rung_remote_worker *worker = remote->workers;

    while (worker && (worker->dismissed || strcmp(worker->launched, launched) != 0))
        worker = worker->next;
    return worker;
}

static size_t occupied(const struct rung_remote_worker *worker)
{
    size_t count = 0;

    for (size_t i = 0; i < worker->count; i++) {
        const struct rung_remote_slot *place = rung_remote_slot_at(worker->remote, worker->slots[i]);
        count += place->alive && (!place->ready || place->job_count > 0);
    }
    return count;
}

void rung_remote_look(const struct rung_remote *remote,
                      void (*seen)(void *context, const struct rung_remote_view *view), void *context)
{
    for (const struct rung_remote_worker *worker = remote->workers; worker; worker = worker->next) {
        struct rung_remote_view view = {.launched = worker->launched,
                                        .trainers = worker->count,
                                        .occupied = occupied(worker),
                                        .connected = rung_peer_is_connected(worker->peer),
                                        .worked = worker->busy_seconds > 0,
                                        .idle_since = worker->idle_since};
        if (!worker->dismissed)
            seen(context, &view);
    }
}

struct rung_remote_use rung_remote_worker_use(const struct rung_remote_worker *worker, double now)
{
    double trainer_seconds = worker->busy_seconds;

    for (size_t i = 0; i < worker->count; i++) {
        const struct rung_remote_slot *place = rung_remote_slot_at(worker->remote, worker->slots[i]);
        if (place->worker == worker && place->alive && place->job_count > 0)
            trainer_seconds += now - place->job_at;
    }
    return (struct rung_remote_use){1, now - worker->joined_at, trainer_seconds / (double)worker->trainers};
}

struct rung_remote_use rung_remote_use(const struct rung_remote *remote)
{
    struct rung_remote_use all = remote->past;

    for (const struct rung_remote_worker *worker = remote->workers; worker; worker = worker->next) {
        struct rung_remote_use use = rung_remote_worker_use(worker, rung_clock_monotonic());
        all.workers++;
        all.held += use.held;
        all.busy += use.busy;
    }
    return all;
}
