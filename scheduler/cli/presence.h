/*
 * How many trainers a search has, and has had lately: those on other machines come and go, and those of a
 * daemon are other searches' in turn. Told by notes, it reads no clock.
 */
#ifndef RUNG_CLI_PRESENCE_H
#define RUNG_CLI_PRESENCE_H

#include "dispatch/note.h"

#include <stdbool.h>
#include <stddef.h>

#define RUNG_PRESENCE_LATELY 30.0 /* seconds */

struct rung_presence {
    size_t local; /* slots of this machine, the first ones */
    bool *ready;  /* per slot that was heard of */
    size_t known, count, remote;
    double since, at, mean; /* at: of the last change, as of which the mean is; since: the first */
};

void rung_presence_init(struct rung_presence *presence, size_t local);
void rung_presence_free(struct rung_presence *presence);
void rung_presence_hear(struct rung_presence *presence, const struct rung_note *note);
/* Trainers on other machines that are ready. */
size_t rung_presence_remote(const struct rung_presence *presence);
/* Ready trainers, the mean of the last while; at: seconds since 1970. NaN: none ever was. */
double rung_presence_mean(const struct rung_presence *presence, double at);

#endif
