/*
 * The engine: what trainers answer becomes events, events are stepped through the search, steps are recorded,
 * and after the commit jobs go out. It sees the search, the store and an executor, and neither a clock nor a
 * socket: all times come in.
 *
 * One pass: the executor's callbacks feed results; rung_engine_turn ends the pass, rung_engine_act sends what
 * follows from it. All results of a pass share one commit.
 */
#ifndef RUNG_DISPATCH_ENGINE_H
#define RUNG_DISPATCH_ENGINE_H

#include "base/err.h"
#include "dispatch/executor.h"
#include "dispatch/session.h"
#include "store/states.h"

#include <stdbool.h>

struct rung_engine;

struct rung_engine_options {
    const struct rung_session_options *session;
    struct rung_executor *executor;
    struct rung_states *states;
    double epoch; /* seconds since 1970 at time 0 of the clock that times come from */
    /* Its slots are shared with other searches: they come and go, and there may be none for a while. Its
     * status is "queued", and its time stands still, until its first trainer is ready. */
    bool shared;
};

/* Loads what a resumed search needs (attempts, states), sweeps dead states, and feeds START to a fresh
 * search. Everything in options is borrowed while the engine lives. */
int rung_engine_create(struct rung_engine **out, const struct rung_engine_options *options, double now,
                       struct rung_err *err) RUNG_CHECK_RESULT;
void rung_engine_free(struct rung_engine *engine); /* NULL is allowed */

struct rung_executor_listener rung_engine_listener(struct rung_engine *engine);

/* Ends a pass: deadlines, limits, starts, assignment, commit. RUNG_EFAIL: recording failed, nothing may be
 * sent, the search must be given up (what was committed before stays). */
int rung_engine_turn(struct rung_engine *engine, double now, struct rung_err *err) RUNG_CHECK_RESULT;
/* The same without the commit, which is the caller's: several searches of one store share it. */
int rung_engine_decide(struct rung_engine *engine, double now, struct rung_err *err) RUNG_CHECK_RESULT;
/* What a turn committed goes out. A time of its own: a commit may wait for seconds, for the disk or for
 * another who writes, and no trainer is to pay for that. */
void rung_engine_act(struct rung_engine *engine, double now);
/* A turn would now judge somebody by how long he was silent: what has been said should be heard first. */
bool rung_engine_judges(const struct rung_engine *engine, double now);
/* When it wants a turn although nothing happens; INFINITY: never. */
double rung_engine_wake_at(const struct rung_engine *engine, double now);

/* Trainers that it could keep busy now: those that are, and one for each job that waits. */
size_t rung_engine_demand(const struct rung_engine *engine);
/* So many of the slots that the executor calls recalled are to be left, those included that are being left:
 * from the next turn on idle trainers go, and busy ones after their job. */
void rung_engine_recall(struct rung_engine *engine, size_t slots);
/* It has given up every slot there is: it fails. */
void rung_engine_abandon(struct rung_engine *engine, double now);
/* Where it ends by an interrupt, it is to go on when its process is started again: its status is "queued"
 * instead of "interrupted". */
void rung_engine_park(struct rung_engine *engine, bool parked);
bool rung_engine_parked(const struct rung_engine *engine); /* it has ended so; once it is closed */

/* The clock of the outside world may jump, and runs on while the machine sleeps: seconds since 1970 at time 0
 * of the clock that times come from, as of now. */
void rung_engine_set_epoch(struct rung_engine *engine, double epoch);

/* To be called now and then: whether the database and the folders beside it are still there. A folder is made
 * again, and models whose states were in it are trained again; without the database it fails at the next
 * turn. True: a turn has something to say. */
bool rung_engine_look(struct rung_engine *engine, double now);
#define RUNG_ENGINE_LOOKS 1.0 /* seconds between two of them */

/* A note for the user. */
void rung_engine_tell(struct rung_engine *engine, double now, const char *text);

/* The user wants to stop: hand out no more, wait for the running jobs. A second time: end the running ones
 * too. */
void rung_engine_interrupt(struct rung_engine *engine, double now);

/* True when it has ended and no trainer is left; *result (reason included) is then complete. */
bool rung_engine_over(const struct rung_engine *engine, struct rung_session_result *result);
/* Commits the search's last status. To be called once, when it is over. */
int rung_engine_close(struct rung_engine *engine, double now, struct rung_err *err) RUNG_CHECK_RESULT;

void rung_engine_view(const struct rung_engine *engine, double now, struct rung_session_view *view);

#endif
