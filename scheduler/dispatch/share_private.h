/* What the share's files share. share.c: tenants, and what goes through them. share_divide.c: who is to have
 * how many slots. share_balance.c: who gets which. */
#ifndef RUNG_DISPATCH_SHARE_PRIVATE_H
#define RUNG_DISPATCH_SHARE_PRIVATE_H

#include "dispatch/share.h"

/* A list of places, linked through them. */
struct rung_place_list {
    int first; /* -1: empty */
    size_t count;
};

struct rung_share_place {
    struct rung_place_list *list; /* that it is in; NULL: absent */
    struct rung_tenant *tenant;   /* NULL: free */
    int next, previous;
    /* Of its trainer, while taken: */
    double started_at;
    bool ready, recalled; /* recalled: it was ended since the slot is wanted back */
};

struct rung_tenant {
    struct rung_share *share;
    struct rung_tenant_options options;
    struct rung_executor executor;
    struct rung_executor_listener listener;
    struct rung_place_list empty, taken; /* taken: a trainer was started and is not gone */
    bool *barred;                        /* slots that it has given up; of barred_room many */
    size_t barred_room, barred_count;
    bool proven;          /* a trainer of it was ready */
    double start_seconds; /* that the last start took, or was given, until it was ended */
    /* While it is not proven: starts in a row that have failed, and where the last of them did once they are
     * enough, or -1. */
    int failures, lost_slot;
    double failed_at; /* the last of them; of those that were under way then no other one counts */

    /* What it wants: now; as far as others are concerned; since when it wants less than that, and the most
     * that it wanted since. */
    size_t demand, steady, peak;
    double dip_at; /* INFINITY: it does not want less */

    /* As of the last balance: what it may have, of how many it was told that they are wanted back, and how
     * many it has that are of use to who lacks some. */
    size_t due, recalled, useful;

    /* Turns: slot seconds while slots were short; it wants more than everybody gets, and has its turn. */
    double used;
    bool fresh, contends, extra;
    bool waits_to_prove; /* scratch */

    bool touched;
    struct rung_tenant *next_touched;
};

struct rung_share {
    struct rung_executor *below;
    struct rung_share_place *places; /* per slot */
    size_t present;                  /* slots that are not absent */
    struct rung_place_list free, given_up;
    struct rung_tenant **tenants; /* the oldest first */
    size_t count, capacity;
    struct rung_tenant *touched;
    size_t *demands, *dues; /* scratch, per tenant */
    double *keys;           /* likewise */

    double now;     /* of the last pass */
    bool contended; /* slots are short: what is used counts */
    double tallied_at;
    /* Where the number of slots is odd: who has the one that cannot be halved, and seconds that each had it.
     */
    bool odd_to_unproven, odd_contested;
    double odd_of_proven, odd_of_unproven;

    bool dirty;    /* something has changed since the last balance */
    bool hungry;   /* somebody has less than he wants */
    bool wanting;  /* somebody has less than is due to him */
    bool choosy;   /* one of those has given up slots: not every slot is of use to him */
    bool any_slot; /* also who has none that is of use to those is to give some back, to be exchanged */
    double wake_at;
};

/* So long must it want less before others get what it does not want: a start is not undone for less. */
double rung_tenant_moment(const struct rung_tenant *tenant);
/* How many trainers it could keep busy in the slots that there are for it. */
size_t rung_tenant_useful_demand(const struct rung_tenant *tenant);
/* Counts what was used since the last time: before anything changes hands. */
void rung_share_tally(struct rung_share *share, double now);
/* Says what is due to each, and sets wake_at to when that may change by itself. */
void rung_share_divide(struct rung_share *share, double now);
void rung_share_move(struct rung_share *share, int slot, struct rung_place_list *list);
bool rung_tenant_barred(const struct rung_tenant *tenant, int slot);
/* Of the tenant's slots this is one that is wanted back, when some are. */
bool rung_tenant_recalled(const struct rung_tenant *tenant, int slot);

#endif
