/* Two executors as one: trainers of this machine first, then those of workers. */
#ifndef RUNG_DISPATCH_FLEET_H
#define RUNG_DISPATCH_FLEET_H

#include "dispatch/executor.h"

/* The slots of `near` keep their numbers; those of `far` go on from there, and far itself counts so. */
struct rung_fleet {
    struct rung_executor executor; /* the interface */
    struct rung_executor *near, *far;
};

/* Both are borrowed. */
void rung_fleet_init(struct rung_fleet *fleet, struct rung_executor *near, struct rung_executor *far);

#endif
