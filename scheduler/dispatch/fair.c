#include "dispatch/fair.h"

/* Water rises in all vessels alike: each round fills those that are full before the others are level. A round
 * fills at least one for good, or is the last. */
void rung_fair_divide(size_t slots, const size_t *demands, size_t count, size_t *shares)
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
    for (size_t i = 0; i < count && slots > 0; i++)
        if (demands[i] > level) {
            shares[i]++;
            slots--;
        }
}
