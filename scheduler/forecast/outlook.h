/*
 * What a search, or the rest of one, will take: futures drawn on the virtual clock, in which jobs take what
 * the model of time says and models score what the model of score says, each with its spread.
 */
#ifndef RUNG_FORECAST_OUTLOOK_H
#define RUNG_FORECAST_OUTLOOK_H

#include "base/err.h"
#include "core/search.h"
#include "forecast/knowledge.h"
#include "forecast/virtual.h"

#include <stddef.h>
#include <stdint.h>

/* With an interval that is to hold 8 times of 10. */
struct rung_amount {
    double value, low, high;
};

struct rung_outlook_options {
    const struct rung_knowledge *knowledge; /* fitted */
    const struct rung_search_spec *spec;    /* of a search that has not begun; or: */
    const struct rung_search *search;       /* one that goes on from where it is; not changed */
    const struct rung_virtual_running *running;
    size_t running_count;
    const size_t *cast; /* the knowledge's numbers of the models 0, stride, 2 * stride, …; those between are
                           like these, and those beyond like one of them drawn at random */
    size_t cast_count;  /* >= 1 */
    size_t cast_stride; /* 0: 1 */
    enum rung_priority priority;
    size_t trainers, processors; /* processors: more trainers than these do not slow each other further */
    bool jobs_only;              /* without the seconds before the first and after the last job */
    size_t draws_max;            /* futures, at least 1; fewer where jobs_max is reached before */
    int64_t jobs_max;            /* simulated in all; a search of more is summed up from its plan */
};

struct rung_outlook {
    struct rung_amount seconds;         /* on the wall */
    struct rung_amount trainer_seconds; /* training and scoring */
    struct rung_amount *brackets;       /* trainer_seconds of each, in the plan's order */
    double *bracket_calls;              /* mean of each: patience and failures end models early */
    size_t bracket_count;
    double calls, scores;              /* means */
    double idle_barrier, idle_no_work; /* trainer-seconds, means */
    double overhead;                   /* trainer-seconds of hand-over, states and commits, mean */
    double utilisation;                /* trainer_seconds / (trainers * seconds) */
    double states_peak;                /* models with a state at one time, mean */
    size_t draws;                      /* 0: summed up, what only a simulation tells is NaN */
    size_t observations;               /* jobs behind it */
};

/* RUNG_EUSE when the search cannot be made. Free out with rung_outlook_free, also after a failure. */
int rung_outlook_make(struct rung_outlook *out, const struct rung_outlook_options *options,
                      struct rung_err *err) RUNG_CHECK_RESULT;
void rung_outlook_free(struct rung_outlook *outlook);

#endif
