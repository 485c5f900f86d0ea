#include "dispatch/fair.h"

/* Of those that want more than they have, which is the level, the one with the smallest key; count: none. */
static size_t first_in_turn(const size_t *demands, const double *keys, size_t count, const size_t *shares,
                            size_t level)
{
    size_t first = count;
    for (size_t i = 0; i < count; i++)
        if (demands[i] > level && shares[i] == level && (first == count || keys[i] < keys[first]))
            first = i;
    return first;
}

/* Water rises in all vessels alike: each round fills those that are full before the others are level. A round
 * fills at least one for good, or is the last. */
size_t rung_fair_divide(size_t slots, const size_t *demands, const double *keys, size_t count, size_t *shares)
{
    size_t level = 0, open = 0;
    for (size_t i = 0; i < count; i++) {
        shares[i] = 0;
        open += demands[i] > 0;
    }
    while (open > 0 && slots / open > 0) {
        size_t rise = slots / open;
        for (size_t i = 0; i < count; i++) {
            if (demands[i] <= level)
                continue;
            size_t more = demands[i] - level < rise ? demands[i] - level : rise;
            shares[i] += more;
            slots -= more;
        }
        level += rise;
        open = 0;
        for (size_t i = 0; i < count; i++)
            open += demands[i] > level;
    }
    for (size_t next; slots > 0 && (next = first_in_turn(demands, keys, count, shares, level)) < count;
         slots--)
        shares[next]++;
    return level;
}
