#include "dispatch/daemon.h"

#include "base/heap.h"
#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/control.h"
#include "dispatch/engine.h"
#include "dispatch/fleet.h"
#include "dispatch/local.h"
#include "dispatch/loop.h"
#include "dispatch/remote.h"
#include "dispatch/share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rung_daemon_search {
    struct rung_daemon *daemon;
    uint32_t index; /* in searches, and in wakes */
    void *context;
    struct rung_session_options options;
    struct rung_states *states;
    struct rung_tenant *tenant;
    struct rung_engine *engine;
    bool pending; /* has a turn in this pass */
    bool stopped; /* by a command */
};

struct rung_daemon {
    const struct rung_daemon_options *options;
    struct rung_loop loop;
    struct rung_local *local;
    struct rung_remote *remote; /* NULL: not listening */
    struct rung_control *control;
    struct rung_fleet fleet;
    struct rung_share *share;
    struct rung_daemon_search **searches; /* with gaps, which are NULL */
    size_t room, capacity, count;
    struct rung_heap wakes; /* searches that want a turn at a time; key -time */
    struct rung_daemon_search **pending;
    size_t pending_count, pending_capacity;
    double look_at;              /* the next look at what others can remove */
    bool ending, opened, failed; /* failed: `failure` says why */
    struct rung_err failure;
};

/* ---- searches ---- */

static void on_recall(void *context, size_t slots)
{
    rung_engine_recall(((struct rung_daemon_search *)context)->engine, slots);
}

static void on_hopeless(void *context, double now)
{
    rung_engine_abandon(((struct rung_daemon_search *)context)->engine, now);
}

static uint32_t free_index(struct rung_daemon *daemon)
{
    for (size_t i = 0; i < daemon->room; i++)
        if (!daemon->searches[i])
            return (uint32_t)i;
    daemon->searches =
        rung_mem_grow(daemon->searches, daemon->room, &daemon->capacity, sizeof *daemon->searches);
    daemon->searches[daemon->room] = NULL;
    return (uint32_t)daemon->room++;
}

static void free_search(struct rung_daemon_search *search)
{
    rung_engine_free(search->engine);
    if (search->tenant)
        rung_share_leave(search->tenant);
    rung_states_free(search->states);
    free((void *)search->options.watchers);
    free(search);
}

static int open_engine(struct rung_daemon_search *search, struct rung_err *err)
{
    const struct rung_session_options *options = &search->options;
    struct rung_tenant_options tenant = {.identity = rung_record_identity(options->record),
                                         .context = search,
                                         .recall = on_recall,
                                         .hopeless = on_hopeless};
    double now = rung_clock_monotonic();
    int rc = rung_states_open(&search->states, rung_store_path(options->store), options->name, err);
    if (rc < 0)
        return rc;
    search->tenant = rung_share_join(search->daemon->share, &tenant);
    struct rung_engine_options engine = {.session = options,
                                         .executor = rung_tenant_executor(search->tenant),
                                         .states = search->states,
                                         .epoch = rung_clock_wall() - now,
                                         .shared = true};
    if ((rc = rung_engine_create(&search->engine, &engine, now, err)) < 0)
        return rc;
    rung_tenant_listen(search->tenant, rung_engine_listener(search->engine));
    rung_share_touch(search->tenant);
    return rung_store_commit(options->store, err);
}

int rung_daemon_add(struct rung_daemon *daemon, const struct rung_session_options *options,
                    void *search_context, struct rung_daemon_search **out, struct rung_err *err)
{
    if (daemon->ending)
        return rung_err_set(err, RUNG_EUSE, "the daemon is ending: it takes no more searches");
    struct rung_daemon_search *search = rung_mem_zalloc(1, sizeof *search);
    search->daemon = daemon;
    search->context = search_context;
    search->options = *options;
    search->options.listen = NULL;
    search->options.watchers =
        rung_mem_copy(options->watchers, options->watcher_count, sizeof *options->watchers);
    int rc = open_engine(search, err);
    if (rc < 0) {
        free_search(search);
        return rc;
    }
    search->index = free_index(daemon);
    daemon->searches[search->index] = search;
    daemon->count++;
    *out = search;
    return 0;
}

void rung_daemon_stop(struct rung_daemon *daemon, struct rung_daemon_search *search)
{
    (void)daemon;
    search->stopped = true;
    rung_engine_park(search->engine, false);
    rung_engine_interrupt(search->engine, rung_clock_monotonic());
    rung_share_touch(search->tenant);
}

void rung_daemon_view(struct rung_daemon *daemon, struct rung_daemon_search *search,
                      struct rung_session_view *view)
{
    (void)daemon;
    rung_engine_view(search->engine, rung_clock_monotonic(), view);
}

void rung_daemon_tick(struct rung_daemon *daemon, double hz, void (*tick)(void *context), void *context)
{
    rung_loop_tick(&daemon->loop, hz, tick, context);
}

struct event_base *rung_daemon_base(struct rung_daemon *daemon)
{
    return daemon->loop.base;
}

/* The first time searches that were stopped by a command go on ending as they do. */
static void on_stop_signal(void *context)
{
    struct rung_daemon *daemon = context;
    for (size_t i = 0; i < daemon->room; i++) {
        struct rung_daemon_search *search = daemon->searches[i];
        if (!search || (search->stopped && !daemon->ending))
            continue;
        rung_engine_park(search->engine, !search->stopped);
        rung_engine_interrupt(search->engine, rung_clock_monotonic());
        rung_share_touch(search->tenant);
    }
    daemon->ending = true;
}

/* ---- one pass ---- */

static void add_pending(struct rung_daemon_search *search)
{
    struct rung_daemon *daemon = search->daemon;
    if (search->pending)
        return;
    search->pending = true;
    daemon->pending = rung_mem_grow(daemon->pending, daemon->pending_count, &daemon->pending_capacity,
                                    sizeof *daemon->pending);
    daemon->pending[daemon->pending_count++] = search;
}

/* Who was told something, and whose time has come. */
static void gather(struct rung_daemon *daemon, double now)
{
    const struct rung_heap_item *first;
    struct rung_daemon_search *search;
    while ((search = rung_share_touched(daemon->share)))
        add_pending(search);
    while ((first = rung_heap_top(&daemon->wakes)) && -first->key <= now) {
        add_pending(daemon->searches[first->id]);
        rung_heap_remove(&daemon->wakes, first->id);
    }
}

static bool judges(void *context, double now)
{
    struct rung_daemon *daemon = context;
    gather(daemon, now);
    for (size_t i = 0; i < daemon->pending_count; i++)
        if (rung_engine_judges(daemon->pending[i]->engine, now))
            return true;
    return false;
}

static int decide(struct rung_daemon *daemon, double now, struct rung_err *err)
{
    double epoch = rung_clock_wall() - now;
    for (size_t i = 0; i < daemon->pending_count; i++) {
        rung_engine_set_epoch(daemon->pending[i]->engine, epoch);
        int rc = rung_engine_decide(daemon->pending[i]->engine, now, err);
        if (rc < 0)
            return rc;
    }
    return daemon->pending_count ? rung_store_commit(daemon->options->store, err) : 0;
}

static int end_search(struct rung_daemon_search *search, struct rung_err *err)
{
    struct rung_daemon *daemon = search->daemon;
    struct rung_session_result result;
    int rc = rung_engine_close(search->engine, rung_clock_monotonic(), err);
    if (rc < 0)
        return rc;
    rung_engine_over(search->engine, &result);
    bool parked = rung_engine_parked(search->engine);
    rung_heap_remove(&daemon->wakes, search->index);
    daemon->options->ended(daemon->options->context, search, search->context, &result, parked);
    daemon->searches[search->index] = NULL;
    daemon->count--;
    free_search(search);
    return 0;
}

/* After the commit: what was decided goes out. */
static int act(struct rung_daemon *daemon, struct rung_err *err)
{
    struct rung_session_result result;
    double now = rung_clock_monotonic();
    for (size_t i = 0; i < daemon->pending_count; i++) {
        struct rung_daemon_search *search = daemon->pending[i];
        rung_engine_act(search->engine, now);
        rung_tenant_want(search->tenant, rung_engine_demand(search->engine), now);
        double wake_at = rung_engine_wake_at(search->engine, now);
        if (isfinite(wake_at))
            rung_heap_put(&daemon->wakes, search->index, -wake_at, search->index);
        else
            rung_heap_remove(&daemon->wakes, search->index);
        search->pending = false;
    }
    size_t count = daemon->pending_count;
    daemon->pending_count = 0;
    for (size_t i = 0; i < count; i++) {
        int rc =
            rung_engine_over(daemon->pending[i]->engine, &result) ? end_search(daemon->pending[i], err) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Now and then: what others can take away. */
static int look(struct rung_daemon *daemon, double now, struct rung_err *err)
{
    if (now < daemon->look_at)
        return 0;
    daemon->look_at = now + RUNG_ENGINE_LOOKS;
    int rc = rung_store_look(daemon->options->store, err);
    if (rc < 0)
        return rc;
    rung_control_look(daemon->control);
    for (size_t i = 0; i < daemon->room; i++)
        if (daemon->searches[i] && rung_engine_look(daemon->searches[i]->engine, now))
            add_pending(daemon->searches[i]);
    return 0;
}

static int run_loop(struct rung_daemon *daemon, struct rung_err *err)
{
    while (!daemon->ending || daemon->count > 0) {
        double now = rung_loop_hear(&daemon->loop, judges, daemon);
        if (daemon->failed) {
            *err = daemon->failure;
            return RUNG_EFAIL;
        }
        int rc = look(daemon, now, err);
        if (rc < 0)
            return rc;
        rung_share_balance(daemon->share, now);
        gather(daemon, now);
        rc = decide(daemon, now, err);
        if (rc == 0)
            rc = act(daemon, err);
        if (rc < 0)
            return rc;
        if (daemon->ending && daemon->count == 0)
            break;
        const struct rung_heap_item *first = rung_heap_top(&daemon->wakes);
        double wake_at = fmin(first ? -first->key : (double)INFINITY, daemon->look_at);
        rung_loop_wait(&daemon->loop, fmin(wake_at, rung_share_wake_at(daemon->share)),
                       rung_clock_monotonic());
    }
    return 0;
}

/* ---- life ---- */

static void on_warning(void *context, const char *text)
{
    const struct rung_daemon *daemon = context;
    daemon->options->warn(daemon->options->context, text);
}

/* What searches have written in this pass is committed first: who is called may roll his own writing back. */
static void on_said(void *context, struct rung_caller *caller, const struct rung_json *message)
{
    struct rung_daemon *daemon = context;
    if (!daemon->failed)
        daemon->failed = rung_store_look(daemon->options->store, &daemon->failure) < 0 ||
                         rung_store_commit(daemon->options->store, &daemon->failure) < 0;
    if (!daemon->failed)
        daemon->options->said(daemon->options->context, caller, message);
}

static void on_hung_up(void *context, struct rung_caller *caller)
{
    const struct rung_daemon *daemon = context;
    daemon->options->hung_up(daemon->options->context, caller);
}

static bool on_first_message(void *context, struct rung_wire *wire, const struct rung_json *message,
                             const char **why)
{
    struct rung_daemon *daemon = context;
    if (!rung_control_is_command(message))
        return false;
    *why = rung_control_take(daemon->control, wire, message);
    return true;
}

static int open_remote(struct rung_daemon *daemon, struct rung_err *err)
{
    const struct rung_session_listen *listen = daemon->options->listen;
    struct rung_remote_options remote = {.address = listen->address,
                                         .key = listen->key,
                                         .beat = listen->beat,
                                         .first_slot = (int)daemon->options->trainers,
                                         .context = daemon,
                                         .warn = on_warning,
                                         .tell = on_warning,
                                         .other = on_first_message,
                                         .other_context = daemon};
    return rung_remote_create(&daemon->remote, daemon->loop.base, &remote, err);
}

static int open_daemon(struct rung_daemon *daemon, struct rung_err *err)
{
    const struct rung_daemon_options *options = daemon->options;
    struct rung_control_options control = {.socket = options->socket,
                                           .context = daemon,
                                           .said = on_said,
                                           .hung_up = on_hung_up,
                                           .warn = on_warning};
    int rc = rung_loop_open(&daemon->loop, err);
    if (rc == 0)
        rc = rung_control_create(&daemon->control, daemon->loop.base, &control, err);
    if (rc < 0)
        return rc;
    daemon->local = rung_local_create(daemon->loop.base, options->trainers);
    struct rung_executor *executor = rung_local_executor(daemon->local);
    if (options->listen) {
        if ((rc = open_remote(daemon, err)) < 0)
            return rc;
        rung_fleet_init(&daemon->fleet, executor, rung_remote_executor(daemon->remote));
        executor = &daemon->fleet.executor;
    }
    daemon->share = rung_share_create(executor);
    rung_local_listen(daemon->local, rung_share_listener(daemon->share));
    if (daemon->remote)
        rung_remote_listen(daemon->remote, rung_share_listener(daemon->share));
    rung_loop_watch(&daemon->loop, on_stop_signal, daemon);
    daemon->opened = true;
    return options->opened(options->context, daemon, daemon->remote ? rung_remote_port(daemon->remote) : 0,
                           err);
}

/* Searches that did not come to their end, since recording failed, go when nobody can speak to them any more.
 * Workers stay: what there is to do is for the next daemon, and for them. */
static void close_daemon(struct rung_daemon *daemon)
{
    rung_loop_still(&daemon->loop);
    rung_control_free(daemon->control);
    rung_remote_free(daemon->remote);
    rung_local_free(daemon->local);
    for (size_t i = 0; i < daemon->room; i++)
        if (daemon->searches[i])
            free_search(daemon->searches[i]);
    if (daemon->opened && daemon->options->closing)
        daemon->options->closing(daemon->options->context);
    rung_share_free(daemon->share);
    rung_heap_free(&daemon->wakes);
    free(daemon->searches);
    free(daemon->pending);
    rung_loop_close(&daemon->loop);
}

int rung_daemon_run(const struct rung_daemon_options *options, struct rung_err *err)
{
    struct rung_daemon daemon = {.options = options};
    rung_heap_init(&daemon.wakes);
    int rc = open_daemon(&daemon, err);
    if (rc == 0)
        rc = run_loop(&daemon, err);
    if (rc < 0 && daemon.opened && options->failed)
        options->failed(options->context, err);
    close_daemon(&daemon);
    return rc;
}
