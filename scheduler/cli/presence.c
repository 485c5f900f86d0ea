#include "cli/presence.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void rung_presence_init(struct rung_presence *presence, size_t local)
{
    *presence = (struct rung_presence){.local = local, .since = NAN, .mean = NAN};
}

void rung_presence_free(struct rung_presence *presence)
{
    free(presence->ready);
}

static void know(struct rung_presence *presence, size_t slot)
{
    size_t known = presence->known;

    if (slot < known)
        return;
    presence->known = slot + 1 > 2 * known ? slot + 1 : 2 * known;
    presence->ready = rung_mem_resize(presence->ready, presence->known, sizeof *presence->ready);
    memset(presence->ready + known, 0, (presence->known - known) * sizeof *presence->ready);
}

void rung_presence_hear(struct rung_presence *presence, const struct rung_note *note)
{
    if (note->type != RUNG_NOTE_TRAINER || note->trainer < 0 || !note->status)
        return;
    size_t slot = (size_t)note->trainer;
    bool ready = strcmp(note->status, "ready") == 0;
    know(presence, slot);
    if (presence->ready[slot] == ready)
        return;
    presence->mean = isnan(presence->since) ? 0 : rung_presence_mean(presence, note->at);
    presence->since = isnan(presence->since) ? note->at : presence->since;
    presence->at = note->at;
    presence->ready[slot] = ready;
    presence->count += ready ? 1 : (size_t)-1;
    if (slot >= presence->local)
        presence->remote += ready ? 1 : (size_t)-1;
}

size_t rung_presence_remote(const struct rung_presence *presence)
{
    return presence->remote;
}

/* What was before a while ago fades; in the first while everything counts alike. */
double rung_presence_mean(const struct rung_presence *presence, double at)
{
    double passed = fmax(0, at - presence->at), age = at - presence->since;
    double fading =
        age < RUNG_PRESENCE_LATELY ? (age > 0 ? passed / age : 1) : -expm1(-passed / RUNG_PRESENCE_LATELY);

    return presence->mean + ((double)presence->count - presence->mean) * fading;
}
