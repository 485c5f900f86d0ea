#include "dispatch/session.h"

#include "dispatch/clock.h"
#include "dispatch/crew.h"
#include "dispatch/engine.h"
#include "dispatch/fleet.h"
#include "dispatch/local.h"
#include "dispatch/loop.h"
#include "dispatch/remote.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct session {
    const struct rung_session_options *options;
    struct rung_loop loop;
    struct rung_states *states;
    struct rung_local *local;
    struct rung_remote *remote; /* NULL: no workers */
    struct rung_crew *crew;     /* NULL: none of them come from Slurm */
    struct rung_fleet fleet;
    struct rung_engine *engine;
};

static void on_stop(void *context)
{
    rung_engine_interrupt(((struct session *)context)->engine, rung_clock_monotonic());
}

static void show(void *context)
{
    struct session *session = context;
    struct rung_session_view view;
    if (!session->options->display)
        return;
    rung_engine_view(session->engine, rung_clock_monotonic(), &view);
    session->options->display(session->options->display_context, &view);
}

static bool judges(void *context, double now)
{
    return rung_engine_judges(((struct session *)context)->engine, now);
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
                                         .socket = options->socket,
                                         .key = options->listen->key,
                                         .beat = options->listen->beat,
                                         .first_slot = (int)options->trainers,
                                         .context = session,
                                         .warn = on_remote_warning,
                                         .tell = on_remote_warning};
    return rung_remote_create(&session->remote, session->loop.base, &remote, err);
}

static void tell_where(struct session *session)
{
    char text[128];
    rung_remote_listen(session->remote, rung_engine_listener(session->engine));
    snprintf(text, sizeof text, "workers are taken at port %d", rung_remote_port(session->remote));
    on_remote_warning(session, text);
}

static size_t demand(void *context)
{
    return rung_engine_demand(((struct session *)context)->engine);
}

static int open_crew(struct session *session, struct rung_err *err)
{
    const struct rung_session_slurm *slurm = session->options->slurm;
    const char *logs = slurm->folder ? slurm->folder : rung_states_log_folder(session->states);
    struct rung_crew_options crew = {.remote = session->remote,
                                     .job = {.cluster = &session->options->spec->cluster,
                                             .name = session->options->name,
                                             .program = slurm->program,
                                             .key = slurm->key,
                                             .log_folder = logs,
                                             .host = slurm->host,
                                             .port = rung_remote_port(session->remote),
                                             .orphan_timeout = slurm->orphan_timeout},
                                     .most = slurm->most,
                                     .others = session->options->trainers,
                                     .context = session,
                                     .demand = demand,
                                     .tell = on_remote_warning};
    return rung_crew_create(&session->crew, session->loop.base, &crew, err);
}

static int open_session(struct session *session, struct rung_err *err)
{
    const struct rung_session_options *options = session->options;
    int rc = rung_states_open(&session->states, rung_store_path(options->store), options->name, err);
    if (rc)
        return rc;
    if ((rc = rung_loop_open(&session->loop, err)) < 0)
        return rc;
    session->local = rung_local_create(session->loop.base, options->trainers);
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
    if (options->slurm && (rc = open_crew(session, err)) < 0)
        return rc;
    rung_loop_watch(&session->loop, on_stop, session);
    if (options->display)
        rung_loop_tick(&session->loop, options->display_hz, show, session);
    return 0;
}

/* The workers leave first, then nothing of them stays with Slurm. */
static void close_session(struct session *session, struct rung_session_result *result)
{
    rung_loop_still(&session->loop);
    rung_crew_stop(session->crew);
    rung_remote_send_home(session->remote);
    rung_remote_free(session->remote);
    rung_local_free(session->local);
    if (session->crew && !rung_crew_end(session->crew))
        snprintf(result->left, sizeof result->left, "%s", rung_crew_name(session->crew));
    rung_crew_free(session->crew);
    rung_engine_free(session->engine);
    rung_loop_close(&session->loop);
    rung_states_free(session->states);
}

static int run_loop(struct session *session, struct rung_session_result *result, struct rung_err *err)
{
    double look_at = rung_clock_monotonic() + RUNG_ENGINE_LOOKS;
    for (;;) {
        double now = rung_loop_hear(&session->loop, judges, session);
        if (now >= look_at) {
            rung_engine_look(session->engine, now);
            look_at = now + RUNG_ENGINE_LOOKS;
        }
        rung_engine_set_epoch(session->engine, rung_clock_wall() - now);
        int rc = rung_engine_turn(session->engine, now, err);
        if (rc)
            return rc;
        now = rung_clock_monotonic();
        rung_engine_act(session->engine, now);
        if (rung_engine_over(session->engine, result))
            break;
        rung_loop_wait(&session->loop, fmin(rung_engine_wake_at(session->engine, now), look_at), now);
    }
    if (session->crew)
        rung_crew_report(session->crew);
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
    close_session(&session, result);
    return rc;
}
