#include "dispatch/hiring.h"

#include <math.h>

void rung_hiring_init(struct rung_hiring *hiring, size_t most, size_t trainers, double grace)
{
    *hiring = (struct rung_hiring){
        .most = most, .trainers = trainers, .grace = grace, .surplus_since = INFINITY, .ask_at = -INFINITY};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t workers_needed(const struct rung_hiring *hiring, const struct rung_hiring_facts *facts)
{
    size_t trainers = facts->demand > facts->others ? facts->demand - facts->others : 0;

    return least(hiring->most, trainers / hiring->trainers + (trainers % hiring->trainers > 0));
}

static size_t idle_for(const struct rung_hiring_facts *facts, double seconds, double now)
{
    size_t count = 0;

    for (size_t i = 0; i < facts->idle; i++)
        count += now - facts->idle_since[i] >= seconds;
    return count;
}

struct rung_hiring_orders rung_hiring_decide(struct rung_hiring *hiring,
                                             const struct rung_hiring_facts *facts, double now)
{
    struct rung_hiring_orders orders = {0};
    size_t needed = workers_needed(hiring, facts), asked = facts->here + facts->coming;

    if (asked <= needed) {
        hiring->surplus_since = INFINITY;
        if (now >= hiring->ask_at)
            orders.ask = needed - asked;
        orders.dismiss = needed > 0 ? idle_for(facts, RUNG_HIRING_USELESS, now) : 0;
        if (orders.dismiss > 0)
            orders.useless = rung_hiring_failed(hiring, now);
        return orders;
    }
    size_t surplus = asked - needed, coming = least(surplus, facts->coming);
    hiring->surplus_since = fmin(hiring->surplus_since, now);
    if (now - hiring->surplus_since >= hiring->grace)
        orders.cancel = coming;
    orders.dismiss = least(surplus - coming, idle_for(facts, hiring->grace, now));
    return orders;
}

bool rung_hiring_failed(struct rung_hiring *hiring, double now)
{
    double wait = RUNG_HIRING_WAIT_FIRST * exp2(fmin(hiring->failures, 30));

    hiring->failures++;
    hiring->ask_at = now + fmin(wait, RUNG_HIRING_WAIT_MOST);
    return hiring->failures == RUNG_HIRING_TROUBLE;
}

void rung_hiring_worked(struct rung_hiring *hiring)
{
    hiring->failures = 0;
    hiring->ask_at = -INFINITY;
}
