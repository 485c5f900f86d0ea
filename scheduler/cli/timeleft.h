/*
 * How long a running search will still take, and where its best model is going: learnt from its own results
 * as they come (and before, from earlier searches of the same trainer), re-fitted no more often than 1 % of
 * the processor pays for.
 */
#ifndef RUNG_CLI_TIMELEFT_H
#define RUNG_CLI_TIMELEFT_H

#include "cli/experience.h"
#include "core/search.h"
#include "core/spec.h"
#include "dispatch/note.h"
#include "dispatch/session.h"

#include <stdbool.h>
#include <stddef.h>

struct rung_timeleft;

struct rung_timeleft_options {
    const struct rung_spec *spec;
    const struct rung_search *search; /* the live one */
    size_t trainers;
    double elapsed_before;    /* seconds of earlier starts */
    double time_limit;        /* of this start, seconds; INFINITY: none */
    double now;               /* seconds since 1970 */
    struct rung_store *store; /* earlier searches are read from it here; NULL: none */
    const char *name;         /* of this search in it: what was recorded of it before is read, too */
    bool own_only;            /* and nothing else */
};

/* What options point to is borrowed while it lives, but for the store. */
struct rung_timeleft *rung_timeleft_create(const struct rung_timeleft_options *options);
void rung_timeleft_free(struct rung_timeleft *timeleft); /* NULL is allowed */

/* Forecasts are for so many trainers from now on; less than one is one for a part of the time. */
void rung_timeleft_trainers(struct rung_timeleft *timeleft, double trainers);

struct rung_watcher rung_timeleft_watcher(struct rung_timeleft *timeleft);

/* Puts the forecasts, where there are any, in the place of the view's estimates. context: the timeleft; at:
 * seconds since 1970. */
void rung_timeleft_fill(const void *context, double at, struct rung_session_view *view);

/* Expected time of training model from `from` to `to` calls and scoring it, in mean calls, which it also is
 * while nothing is known: context is the timeleft. */
double rung_timeleft_expect(void *context, uint32_t model, int64_t from, int64_t to);

#endif
