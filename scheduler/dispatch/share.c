#include "dispatch/share_private.h"

#include "base/mem.h"
#include "dispatch/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- places ---- */

static void leave_list(struct rung_share *share, int slot)
{
    struct rung_share_place *place = &share->places[slot];
    if (!place->list)
        return;
    if (place->previous >= 0)
        share->places[place->previous].next = place->next;
    else
        place->list->first = place->next;
    if (place->next >= 0)
        share->places[place->next].previous = place->previous;
    place->list->count--;
}

void rung_share_move(struct rung_share *share, int slot, struct rung_place_list *list)
{
    struct rung_share_place *place = &share->places[slot];
    leave_list(share, slot);
    place->list = list;
    if (!list)
        return;
    place->previous = -1;
    place->next = list->first;
    if (list->first >= 0)
        share->places[list->first].previous = slot;
    list->first = slot;
    list->count++;
}

void rung_share_touch(struct rung_tenant *tenant)
{
    if (tenant->touched)
        return;
    tenant->touched = true;
    tenant->next_touched = tenant->share->touched;
    tenant->share->touched = tenant;
}

void *rung_share_touched(struct rung_share *share)
{
    struct rung_tenant *tenant = share->touched;
    if (!tenant)
        return NULL;
    share->touched = tenant->next_touched;
    tenant->touched = false;
    return tenant->options.context;
}

bool rung_tenant_barred(const struct rung_tenant *tenant, int slot)
{
    return (size_t)slot < tenant->barred_room && tenant->barred[slot];
}

/* ---- what the executor beneath says ---- */

/* Who has the slot, and is about to be told something of it. */
static struct rung_tenant *holder(struct rung_share *share, int slot)
{
    struct rung_tenant *tenant = share->places[slot].tenant;
    if (tenant)
        rung_share_touch(tenant);
    return tenant;
}

static void on_message(void *context, int slot, const struct rung_proto_message *message, double now)
{
    struct rung_tenant *tenant = holder(context, slot);
    if (!tenant)
        return;
    if (message->type == RUNG_PROTO_READY) {
        struct rung_share_place *place = &tenant->share->places[slot];
        tenant->share->dirty |= !tenant->proven;
        tenant->proven = place->ready = true;
        tenant->start_seconds = now - place->started_at;
    }
    tenant->listener.message(tenant->listener.context, slot, message, now);
}

static void on_violation(void *context, int slot, const char *reason, double now)
{
    struct rung_tenant *tenant = holder(context, slot);
    if (tenant)
        tenant->listener.violation(tenant->listener.context, slot, reason, now);
}

static void on_closing(void *context, int slot, bool unread, double now)
{
    struct rung_tenant *tenant = holder(context, slot);
    if (tenant)
        tenant->listener.closing(tenant->listener.context, slot, unread, now);
}

static void on_returned(void *context, int slot, int64_t job, double now)
{
    struct rung_tenant *tenant = holder(context, slot);
    if (tenant)
        tenant->listener.returned(tenant->listener.context, slot, job, now);
}

static void start_failed(struct rung_tenant *tenant, int slot, double now)
{
    tenant->share->dirty = true;
    if (tenant->share->places[slot].started_at <= tenant->failed_at)
        return;
    tenant->failed_at = now;
    if (++tenant->failures % RUNG_POOL_START_FAILURES == 0)
        tenant->lost_slot = slot;
}

static void on_gone(void *context, int slot, const struct rung_exit *how, double now)
{
    struct rung_share *share = context;
    struct rung_tenant *tenant = holder(share, slot);
    if (!tenant)
        return;
    if (!tenant->proven && !how->worker_gone && !share->places[slot].recalled)
        start_failed(tenant, slot, now);
    rung_share_move(share, slot, &tenant->empty); /* first: the tenant may give it up */
    share->dirty = true;
    tenant->listener.gone(tenant->listener.context, slot, how, now);
}

static void on_joined(void *context, int slot, double now)
{
    struct rung_share *share = context;
    (void)now;
    rung_share_move(share, slot, &share->free);
    share->present++;
    share->dirty = true;
}

/* Who gave it up may have another one of that number, which is another place. */
static void on_left(void *context, int slot, double now)
{
    struct rung_share *share = context;
    struct rung_tenant *tenant = holder(share, slot);
    if (tenant)
        tenant->listener.left(tenant->listener.context, slot, now);
    rung_share_move(share, slot, NULL);
    share->places[slot].tenant = NULL;
    share->present--;
    share->dirty = true;
    for (size_t i = 0; i < share->count; i++) {
        struct rung_tenant *other = share->tenants[i];
        if (other->lost_slot == slot)
            other->lost_slot = -1;
        if (!rung_tenant_barred(other, slot))
            continue;
        other->barred[slot] = false;
        other->barred_count--;
    }
}

static struct rung_tenant *tenant_of(struct rung_share *share, const struct rung_late *late)
{
    for (size_t i = 0; i < share->count; i++)
        if (strcmp(share->tenants[i]->options.identity, late->identity) == 0)
            return share->tenants[i];
    return NULL;
}

static bool on_wanted(void *context, const struct rung_late *late, struct rung_late_wanted *wanted,
                      double now)
{
    struct rung_tenant *tenant = tenant_of(context, late);
    if (tenant)
        rung_share_touch(tenant);
    return tenant && tenant->listener.wanted(tenant->listener.context, late, wanted, now);
}

static void on_late(void *context, const struct rung_late *late, const struct rung_proto_message *messages,
                    size_t count, double now)
{
    struct rung_tenant *tenant = tenant_of(context, late);
    if (!tenant)
        return;
    rung_share_touch(tenant);
    tenant->listener.late(tenant->listener.context, late, messages, count, now);
}

struct rung_executor_listener rung_share_listener(struct rung_share *share)
{
    return (struct rung_executor_listener){.context = share,
                                           .message = on_message,
                                           .violation = on_violation,
                                           .closing = on_closing,
                                           .returned = on_returned,
                                           .gone = on_gone,
                                           .joined = on_joined,
                                           .left = on_left,
                                           .wanted = on_wanted,
                                           .late = on_late};
}

/* ---- what a tenant's executor does ---- */

static struct rung_executor *below(void *self)
{
    return ((struct rung_tenant *)self)->share->below;
}

static struct rung_place place(void *self, int slot)
{
    return below(self)->place(below(self)->self, slot);
}

static int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct rung_tenant *tenant = self;
    int rc = below(self)->start(below(self)->self, slot, message, err);
    struct rung_share_place *place = &tenant->share->places[slot];
    place->started_at = tenant->share->now;
    place->ready = place->recalled = false;
    if (rc == 0)
        rung_share_move(tenant->share, slot, &tenant->taken);
    else if (!tenant->proven)
        start_failed(tenant, slot, tenant->share->now);
    return rc;
}

static void job(void *self, int slot, const struct rung_proto_job *message)
{
    below(self)->job(below(self)->self, slot, message);
}

static bool takes_ahead(void *self, int slot)
{
    return below(self)->takes_ahead && below(self)->takes_ahead(below(self)->self, slot);
}

static void evaluate(void *self, int slot, const struct rung_proto_job *message)
{
    below(self)->evaluate(below(self)->self, slot, message);
}

static void forget(void *self, int slot, uint32_t model)
{
    below(self)->forget(below(self)->self, slot, model);
}

static void stop(void *self, int slot)
{
    below(self)->stop(below(self)->self, slot);
}

/* A start that is ended for others takes longer than was known. */
static void end(void *self, int slot)
{
    struct rung_tenant *tenant = self;
    struct rung_share_place *place = &tenant->share->places[slot];
    if (tenant->recalled > 0 && !place->ready) {
        place->recalled = true;
        tenant->start_seconds = fmax(tenant->start_seconds, tenant->share->now - place->started_at);
    }
    below(self)->kill(below(self)->self, slot);
}

static void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    below(self)->log_tail(below(self)->self, slot, lines, out);
}

/* The next balance takes it: nobody is told anything from within. */
static void given_up(void *self, int slot)
{
    struct rung_share *share = ((struct rung_tenant *)self)->share;
    rung_share_move(share, slot, &share->given_up);
    share->dirty = true;
}

static bool recalled(void *self, int slot)
{
    return rung_tenant_recalled(self, slot);
}

static struct rung_executor executor_of(struct rung_tenant *tenant)
{
    return (struct rung_executor){.self = tenant,
                                  .slots = tenant->share->below->slots,
                                  .absent = tenant->share->below->slots,
                                  .place = place,
                                  .start = start,
                                  .job = job,
                                  .takes_ahead = takes_ahead,
                                  .evaluate = evaluate,
                                  .forget = forget,
                                  .stop = stop,
                                  .kill = end,
                                  .log_tail = log_tail,
                                  .given_up = given_up,
                                  .recalled = recalled};
}

/* ---- tenants ---- */

struct rung_tenant *rung_share_join(struct rung_share *share, const struct rung_tenant_options *options)
{
    struct rung_tenant *tenant = rung_mem_zalloc(1, sizeof *tenant);
    tenant->share = share;
    tenant->options = *options;
    tenant->executor = executor_of(tenant);
    tenant->empty.first = tenant->taken.first = -1;
    tenant->dip_at = INFINITY;
    tenant->fresh = true;
    tenant->lost_slot = -1;
    tenant->failed_at = -INFINITY;
    share->tenants = rung_mem_grow(share->tenants, share->count, &share->capacity, sizeof *share->tenants);
    share->tenants[share->count++] = tenant;
    share->demands = rung_mem_resize(share->demands, share->count, sizeof *share->demands);
    share->dues = rung_mem_resize(share->dues, share->count, sizeof *share->dues);
    share->keys = rung_mem_resize(share->keys, share->count, sizeof *share->keys);
    return tenant;
}

static void leave_places(struct rung_tenant *tenant, struct rung_place_list *from, struct rung_place_list *to)
{
    struct rung_share *share = tenant->share;
    for (int slot = from->first, next; slot >= 0; slot = next) {
        next = share->places[slot].next;
        if (share->places[slot].tenant != tenant)
            continue;
        share->places[slot].tenant = NULL;
        rung_share_move(share, slot, to);
    }
}

static void free_tenant(struct rung_tenant *tenant)
{
    free(tenant->barred);
    free(tenant);
}

void rung_share_leave(struct rung_tenant *tenant)
{
    struct rung_share *share = tenant->share;
    leave_places(tenant, &tenant->empty, &share->free);
    leave_places(tenant, &share->given_up, &share->free);
    leave_places(tenant, &tenant->taken, NULL);
    for (struct rung_tenant **at = &share->touched; *at; at = &(*at)->next_touched)
        if (*at == tenant) {
            *at = tenant->next_touched;
            break;
        }
    size_t index = 0;
    while (share->tenants[index] != tenant)
        index++;
    share->count--;
    memmove(share->tenants + index, share->tenants + index + 1,
            (share->count - index) * sizeof *share->tenants);
    share->dirty = true;
    free_tenant(tenant);
}

struct rung_executor *rung_tenant_executor(struct rung_tenant *tenant)
{
    return &tenant->executor;
}

void rung_tenant_listen(struct rung_tenant *tenant, struct rung_executor_listener listener)
{
    tenant->listener = listener;
}

size_t rung_tenant_held(const struct rung_tenant *tenant)
{
    return tenant->empty.count + tenant->taken.count;
}

/* ---- life ---- */

struct rung_share *rung_share_create(struct rung_executor *executor)
{
    struct rung_share *share = rung_mem_zalloc(1, sizeof *share);
    share->below = executor;
    share->places = rung_mem_zalloc(executor->slots, sizeof *share->places);
    share->free.first = share->given_up.first = -1;
    share->wake_at = INFINITY;
    for (size_t slot = executor->slots - executor->absent; slot-- > 0;)
        on_joined(share, (int)slot, 0);
    return share;
}

void rung_share_free(struct rung_share *share)
{
    if (!share)
        return;
    for (size_t i = 0; i < share->count; i++)
        free_tenant(share->tenants[i]);
    free(share->tenants);
    free(share->demands);
    free(share->dues);
    free(share->keys);
    free(share->places);
    free(share);
}
