#include "dispatch/share_private.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

/* ---- who has too few, and too many ---- */

static size_t lack(const struct rung_tenant *tenant)
{
    size_t held = rung_tenant_held(tenant);
    return tenant->due > held ? tenant->due - held : 0;
}

static size_t surplus(const struct rung_tenant *tenant)
{
    size_t held = rung_tenant_held(tenant);
    return held > tenant->due ? held - tenant->due : 0;
}

static size_t all_lack(const struct rung_share *share)
{
    size_t sum = 0;
    for (size_t i = 0; i < share->count; i++)
        sum += lack(share->tenants[i]);
    return sum;
}

/* Who is to get the slot: of those that lack one, and have not given this one up, the one with the fewest. */
static struct rung_tenant *taker(const struct rung_share *share, int slot)
{
    struct rung_tenant *best = NULL;
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        if (lack(tenant) > 0 && !rung_tenant_barred(tenant, slot) &&
            (!best || rung_tenant_held(tenant) < rung_tenant_held(best)))
            best = tenant;
    }
    return best;
}

/* Without slots that are of use to others a tenant gives back any, where that leads to an exchange. */
bool rung_tenant_recalled(const struct rung_tenant *tenant, int slot)
{
    const struct rung_share *share = tenant->share;
    if (!share->choosy || (share->any_slot && tenant->useful == 0))
        return share->wanting;
    return taker(share, slot) != NULL;
}

static void look_who_lacks(struct rung_share *share)
{
    share->hungry = share->wanting = share->choosy = false;
    for (size_t i = 0; i < share->count; i++) {
        share->hungry |= rung_tenant_held(share->tenants[i]) < rung_tenant_useful_demand(share->tenants[i]);
        share->wanting |= lack(share->tenants[i]) > 0;
        share->choosy |= lack(share->tenants[i]) > 0 && share->tenants[i]->barred_count > 0;
    }
}

/* ---- slots change hands ---- */

static void lend(struct rung_tenant *tenant, int slot, double now)
{
    tenant->share->places[slot].tenant = tenant;
    rung_share_move(tenant->share, slot, &tenant->empty);
    rung_share_touch(tenant);
    tenant->listener.joined(tenant->listener.context, slot, now);
}

static void take_back(struct rung_share *share, int slot, double now)
{
    struct rung_tenant *tenant = share->places[slot].tenant;
    share->places[slot].tenant = NULL;
    rung_share_move(share, slot, &share->free);
    rung_share_touch(tenant);
    tenant->listener.left(tenant->listener.context, slot, now);
}

static void bar(struct rung_tenant *tenant, int slot)
{
    size_t room = tenant->barred_room;
    if (rung_tenant_barred(tenant, slot))
        return;
    if ((size_t)slot >= room) {
        tenant->barred_room = (size_t)slot + 1 > 2 * room ? (size_t)slot + 1 : 2 * room;
        tenant->barred = rung_mem_resize(tenant->barred, tenant->barred_room, sizeof *tenant->barred);
        memset(tenant->barred + room, 0, tenant->barred_room - room);
    }
    tenant->barred[slot] = true;
    tenant->barred_count++;
}

/* Where a trainer of it cannot start, and none ever could, no other one can: not on the same machine. */
static void bar_machine(struct rung_tenant *tenant, int slot, double now)
{
    struct rung_share *share = tenant->share;
    struct rung_executor *below = share->below;
    const char *machine = below->place(below->self, slot).host;
    for (int other = 0; (size_t)other < below->slots; other++) {
        struct rung_share_place *place = &share->places[other];
        if (!place->list || strcmp(below->place(below->self, other).host, machine) != 0)
            continue;
        bar(tenant, other);
        if (place->list == &tenant->empty)
            take_back(share, other, now);
    }
}

static void take_given_up(struct rung_share *share, double now)
{
    int slot;
    while ((slot = share->given_up.first) >= 0) {
        struct rung_tenant *tenant = share->places[slot].tenant;
        bar(tenant, slot);
        take_back(share, slot, now);
        if (!tenant->proven)
            bar_machine(tenant, slot, now);
    }
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        if (tenant->lost_slot >= 0 && !tenant->proven)
            bar_machine(tenant, tenant->lost_slot, now);
        tenant->lost_slot = -1;
    }
}

/* Those where a trainer was being started when its machine was barred. */
static void take_barred(struct rung_share *share, double now)
{
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        for (int slot = tenant->barred_count > 0 ? tenant->empty.first : -1, next; slot >= 0; slot = next) {
            next = share->places[slot].next;
            if (rung_tenant_barred(tenant, slot))
                take_back(share, slot, now);
        }
    }
}

static void lend_free(struct rung_share *share, double now)
{
    size_t wanted = all_lack(share);
    for (int slot = share->free.first, next; slot >= 0 && wanted > 0; slot = next) {
        struct rung_tenant *tenant = taker(share, slot);
        next = share->places[slot].next;
        if (!tenant)
            continue;
        lend(tenant, slot, now);
        wanted--;
    }
}

/* From those who have more than is due to them, when somebody has use for it. */
static void take_empty(struct rung_share *share, double now)
{
    size_t lacking = all_lack(share);
    for (size_t i = 0; i < share->count && lacking > 0; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        for (int slot = tenant->empty.first, next; slot >= 0 && surplus(tenant) > 0 && lacking > 0;
             slot = next) {
            struct rung_tenant *other = taker(share, slot);
            next = share->places[slot].next;
            if (!other)
                continue;
            take_back(share, slot, now);
            lend(other, slot, now);
            lacking--;
        }
    }
}

/* ---- exchanges, where not every slot is of use to those who lack some ---- */

static size_t useful_slots(const struct rung_tenant *tenant)
{
    const struct rung_place_list *lists[] = {&tenant->empty, &tenant->taken};
    const struct rung_share *share = tenant->share;
    size_t count = 0;
    for (int i = 0; i < 2; i++)
        for (int slot = lists[i]->first; slot >= 0; slot = share->places[slot].next)
            count += taker(share, slot) != NULL;
    return count;
}

/* Slots that may be asked of a tenant: beyond what is due to him, and of use. */
static size_t reach(const struct rung_tenant *tenant)
{
    const struct rung_share *share = tenant->share;
    size_t most = surplus(tenant);
    if (!share->choosy || (share->any_slot && tenant->useful == 0))
        return most;
    return tenant->useful < most ? tenant->useful : most;
}

static size_t all_reach(const struct rung_share *share)
{
    size_t sum = 0;
    for (size_t i = 0; i < share->count; i++)
        sum += reach(share->tenants[i]);
    return sum;
}

/* Free slots are of no use to who lacks some, but to somebody whose slots are: he gets one of those, and owes
 * one of his instead. */
static bool exchange_one(struct rung_share *share, double now)
{
    for (int slot = share->free.first; slot >= 0; slot = share->places[slot].next)
        for (size_t i = 0; i < share->count; i++) {
            struct rung_tenant *tenant = share->tenants[i];
            if (lack(tenant) == 0 && !rung_tenant_barred(tenant, slot) && tenant->useful > surplus(tenant)) {
                lend(tenant, slot, now);
                return true;
            }
        }
    return false;
}

/* What is empty with those who have too many, and nothing that is of use, becomes free for an exchange. */
static void take_for_exchange(struct rung_share *share, size_t wanted, double now)
{
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        while (tenant->useful == 0 && surplus(tenant) > 0 && tenant->empty.count > 0 && wanted > 0) {
            take_back(share, tenant->empty.first, now);
            wanted--;
        }
    }
}

static void exchange(struct rung_share *share, double now)
{
    size_t lacking = all_lack(share);
    for (size_t i = 0; i < share->count; i++)
        share->tenants[i]->useful = useful_slots(share->tenants[i]);
    size_t found = all_reach(share);
    while (found < lacking && exchange_one(share, now))
        found++;
    if (found < lacking)
        take_for_exchange(share, lacking - found, now);
    while (found < lacking && exchange_one(share, now))
        found++;
    share->any_slot = found < lacking;
}

/* ---- slots that are asked for ---- */

/* One slot at a time from whom has most beyond what is due to him; of several, from the youngest. */
static void choose_recalls(const struct rung_share *share, size_t *reaches, size_t *recalls)
{
    for (size_t wanted = all_lack(share); wanted > 0; wanted--) {
        size_t from = 0;
        for (size_t i = 0; i < share->count; i++)
            if (reaches[i] >= reaches[from])
                from = i;
        if (reaches[from] == 0)
            return;
        reaches[from]--;
        recalls[from]++;
    }
}

static void recall(struct rung_share *share)
{
    size_t *recalls = share->dues;
    for (size_t i = 0; i < share->count; i++) {
        share->demands[i] = reach(share->tenants[i]);
        recalls[i] = 0;
    }
    if (share->wanting)
        choose_recalls(share, share->demands, recalls);
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        if (tenant->recalled == recalls[i])
            continue;
        tenant->recalled = recalls[i];
        tenant->options.recall(tenant->options.context, recalls[i]);
        rung_share_touch(tenant);
    }
}

static void tell_hopeless(struct rung_share *share, double now)
{
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *tenant = share->tenants[i];
        if (share->present == 0 || tenant->barred_count < share->present || rung_tenant_held(tenant) > 0)
            continue;
        tenant->options.hopeless(tenant->options.context, now);
        rung_share_touch(tenant);
    }
}

/* ---- all of it ---- */

double rung_share_wake_at(const struct rung_share *share)
{
    return share->dirty || share->touched ? -INFINITY : share->wake_at;
}

void rung_share_balance(struct rung_share *share, double now)
{
    share->now = now;
    if (!share->dirty && now < share->wake_at)
        return;
    share->dirty = share->any_slot = false;
    rung_share_tally(share, now);
    take_given_up(share, now);
    take_barred(share, now);
    rung_share_divide(share, now);
    lend_free(share, now);
    take_empty(share, now);
    look_who_lacks(share);
    if (share->choosy)
        exchange(share, now);
    recall(share);
    tell_hopeless(share, now);
    for (size_t i = 0; i < share->count && share->hungry; i++)
        share->wake_at =
            fmin(share->wake_at, share->tenants[i]->dip_at + rung_tenant_moment(share->tenants[i]));
}
