/* Who is to have how many slots: equal shares, and turns for what does not divide. */
#include "dispatch/share_private.h"

#include "dispatch/fair.h"

#include <math.h>

#define TURNS_APART 0.1   /* seconds between two looks at whose turn it is, at least */
#define BEFORE      0.001 /* slot seconds: so much less brings one before all others */

/* ---- what is wanted ---- */

static size_t capped(const struct rung_share *share, size_t trainers)
{
    return trainers < share->present ? trainers : share->present;
}

double rung_tenant_moment(const struct rung_tenant *tenant)
{
    return fmax(RUNG_SHARE_MOMENT, fmin(tenant->start_seconds, RUNG_SHARE_TURN));
}

void rung_tenant_want(struct rung_tenant *tenant, size_t trainers, double now)
{
    struct rung_share *share = tenant->share;
    tenant->demand = trainers;
    if (trainers >= tenant->steady) {
        share->dirty |= capped(share, trainers) != capped(share, tenant->steady);
        tenant->steady = trainers;
        tenant->dip_at = INFINITY;
    } else if (isinf(tenant->dip_at)) {
        tenant->dip_at = now;
        tenant->peak = trainers;
        if (share->hungry)
            share->wake_at = fmin(share->wake_at, now + rung_tenant_moment(tenant));
    } else if (trainers > tenant->peak) {
        tenant->peak = trainers;
    }
}

/* A dip that has lasted is no dip. */
static void settle(struct rung_tenant *tenant, double now)
{
    if (now < tenant->dip_at + rung_tenant_moment(tenant)) /* as wake_at says it, rounding included */
        return;
    tenant->steady = tenant->peak;
    tenant->dip_at = tenant->demand < tenant->peak ? now : (double)INFINITY;
    tenant->peak = tenant->demand;
}

size_t rung_tenant_useful_demand(const struct rung_tenant *tenant)
{
    size_t places = tenant->share->present - tenant->barred_count;
    return tenant->steady < places ? tenant->steady : places;
}

/* ---- whose turn it is ---- */

/* What a tenant has used counts only while slots are short. */
void rung_share_tally(struct rung_share *share, double now)
{
    double passed = share->contended ? now - share->tallied_at : 0;
    size_t unproven = 0;
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        size_t held = rung_tenant_held(tenant);
        tenant->used += (double)held * passed;
        unproven += tenant->proven ? 0 : held;
    }
    *(unproven > share->present / 2 ? &share->odd_of_unproven : &share->odd_of_proven) += passed;
    share->tallied_at = now;
}

static double least_used(const struct rung_share *share)
{
    double least = INFINITY;
    for (size_t i = 0; i < share->count; i++)
        if (share->tenants[i]->contends)
            least = fmin(least, share->tenants[i]->used);
    return isfinite(least) ? least : 0;
}

/* Who had what he wanted has not saved anything up meanwhile, and owes nothing where nobody was short. Who
 * comes anew is the next, so that it shows what it is. */
static void even_out(struct rung_share *share)
{
    double least = least_used(share);
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        if (tenant->fresh && tenant->steady > 0)
            tenant->used = least - BEFORE;
        else if (!share->contended)
            tenant->used = 0;
        else if (!tenant->contends)
            tenant->used = fmax(tenant->used, least);
        tenant->fresh &= tenant->steady == 0;
    }
}

static double turn_of(const struct rung_tenant *tenant)
{
    return fmax(RUNG_SHARE_TURN, RUNG_SHARE_STARTS * tenant->start_seconds);
}

/* The smallest get what does not divide. Who is at it stays until another has had so much less; one whose
 * trainer has still to show that it can be ready stays until that is known. */
static double key_of(const struct rung_tenant *tenant)
{
    if (!tenant->proven && tenant->taken.count > 0)
        return -INFINITY;
    return tenant->used - (tenant->extra ? turn_of(tenant) : 0);
}

/* ---- those of which no trainer was ever ready ---- */

/* Whether somebody wants slots who is proven, or is not. */
static bool want(const struct rung_share *share, bool proven)
{
    for (size_t i = 0; i < share->count; i++)
        if (share->tenants[i]->proven == proven && share->demands[i] > 0)
            return true;
    return false;
}

static size_t starting(const struct rung_share *share)
{
    size_t count = 0;
    for (size_t i = 0; i < share->count; i++)
        count += !share->tenants[i]->proven && share->tenants[i]->taken.count > 0;
    return count;
}

/* The slot that cannot be halved goes to and fro, each time when who has it has had it a turn longer. */
static void pass_odd_on(struct rung_share *share)
{
    share->odd_contested = share->present % 2 && want(share, true) && want(share, false);
    if (!share->odd_contested) {
        share->odd_to_unproven = true;
        share->odd_of_proven = share->odd_of_unproven = 0;
    }
    double lead = share->odd_of_unproven - share->odd_of_proven;
    if (share->odd_to_unproven ? lead >= RUNG_SHARE_TURN : -lead >= RUNG_SHARE_TURN)
        share->odd_to_unproven = !share->odd_to_unproven;
}

/* They may be many, and take minutes each to fail: half of the slots are for them, and no start is ended
 * that is under way. The others come last. */
static void put_unproven_back(struct rung_share *share)
{
    double *keys = share->keys;
    size_t under_way = starting(share), room = share->present / 2;
    if (share->present % 2 && share->odd_to_unproven)
        room++;
    room = room > under_way ? room : under_way;
    for (size_t i = 0; i < share->count; i++)
        share->tenants[i]->waits_to_prove = !share->tenants[i]->proven && share->demands[i] > 0;
    while (room-- > 0) {
        size_t first = share->count;
        for (size_t i = 0; i < share->count; i++)
            if (share->tenants[i]->waits_to_prove && (first == share->count || keys[i] < keys[first]))
                first = i;
        if (first == share->count)
            return;
        share->tenants[first]->waits_to_prove = false;
    }
    for (size_t i = 0; i < share->count; i++)
        if (share->tenants[i]->waits_to_prove)
            keys[i] = INFINITY;
}

/* ---- the division ---- */

/* Among those that are ready; one that is not needs no second trainer to show what it is. */
static void divide_by_turns(struct rung_share *share)
{
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        size_t most = rung_tenant_useful_demand(tenant);
        share->demands[i] = tenant->proven || most == 0 ? most : 1;
        share->keys[i] = key_of(tenant);
    }
    pass_odd_on(share);
    put_unproven_back(share);
    size_t level = rung_fair_divide(share->present, share->demands, share->keys, share->count, share->dues);
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        tenant->due = share->dues[i];
        tenant->contends = share->demands[i] > level;
        tenant->extra = tenant->due > level;
    }
}

/* What nobody else wants is for those that are not ready. */
static void divide_rest(struct rung_share *share)
{
    size_t rest = share->present;
    for (size_t i = 0; i < share->count; i++)
        rest -= share->tenants[i]->due;
    for (size_t i = 0; i < share->count; i++) {
        share->demands[i] = rung_tenant_useful_demand(share->tenants[i]) - share->tenants[i]->due;
        share->keys[i] = 0;
    }
    rung_fair_divide(rest, share->demands, share->keys, share->count, share->dues);
    for (size_t i = 0; i < share->count; i++)
        share->tenants[i]->due += share->dues[i];
}

/* When another has had so much less than somebody whose turn it is. */
static double turn_ends_at(const struct rung_share *share, double now)
{
    double least = INFINITY, rest = INFINITY;
    for (size_t i = 0; i < share->count; i++)
        if (share->tenants[i]->contends && !share->tenants[i]->extra)
            least = fmin(least, share->tenants[i]->used);
    for (size_t i = 0; i < share->count && isfinite(least); i++) {
        const struct rung_tenant *tenant = share->tenants[i];
        if (tenant->extra && tenant->proven)
            rest = fmin(rest, turn_of(tenant) - (tenant->used - least));
    }
    if (share->odd_contested)
        rest = fmin(rest, RUNG_SHARE_TURN - (share->odd_to_unproven ? 1 : -1) *
                                                (share->odd_of_unproven - share->odd_of_proven));
    return now + fmax(rest, TURNS_APART);
}

void rung_share_divide(struct rung_share *share, double now)
{
    even_out(share);
    for (size_t i = 0; i < share->count; i++)
        settle(share->tenants[i], now);
    divide_by_turns(share);
    divide_rest(share);
    share->contended = false;
    for (size_t i = 0; i < share->count; i++)
        share->contended |= share->tenants[i]->contends;
    share->wake_at = share->contended ? turn_ends_at(share, now) : INFINITY;
}
