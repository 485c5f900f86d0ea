#include "dispatch/fleet.h"

static struct rung_executor *executor_of(void *self, int slot)
{
    struct rung_fleet *fleet = self;
    return (size_t)slot < fleet->near->slots ? fleet->near : fleet->far;
}

static struct rung_place place(void *self, int slot)
{
    struct rung_executor *executor = executor_of(self, slot);
    return executor->place(executor->self, slot);
}

static int start(void *self, int slot, const struct rung_start *message, struct rung_err *err)
{
    struct rung_executor *executor = executor_of(self, slot);
    return executor->start(executor->self, slot, message, err);
}

static void job(void *self, int slot, const struct rung_proto_job *message)
{
    struct rung_executor *executor = executor_of(self, slot);
    executor->job(executor->self, slot, message);
}

static bool takes_ahead(void *self, int slot)
{
    struct rung_executor *executor = executor_of(self, slot);
    return executor->takes_ahead && executor->takes_ahead(executor->self, slot);
}

static void evaluate(void *self, int slot, const struct rung_proto_job *message)
{
    struct rung_executor *executor = executor_of(self, slot);
    executor->evaluate(executor->self, slot, message);
}

static void forget(void *self, int slot, uint32_t model)
{
    struct rung_executor *executor = executor_of(self, slot);
    executor->forget(executor->self, slot, model);
}

static void stop(void *self, int slot)
{
    struct rung_executor *executor = executor_of(self, slot);
    executor->stop(executor->self, slot);
}

static void end(void *self, int slot)
{
    struct rung_executor *executor = executor_of(self, slot);
    executor->kill(executor->self, slot);
}

static void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    struct rung_executor *executor = executor_of(self, slot);
    executor->log_tail(executor->self, slot, lines, out);
}

void rung_fleet_init(struct rung_fleet *fleet, struct rung_executor *near, struct rung_executor *far)
{
    *fleet = (struct rung_fleet){.near = near, .far = far};
    fleet->executor = (struct rung_executor){.self = fleet,
                                             .slots = near->slots + far->slots,
                                             .absent = far->absent,
                                             .place = place,
                                             .start = start,
                                             .job = job,
                                             .takes_ahead = takes_ahead,
                                             .evaluate = evaluate,
                                             .forget = forget,
                                             .stop = stop,
                                             .kill = end,
                                             .log_tail = log_tail};
}
