/*
 * The grid: every combination of the parameters' values, the last parameter fastest. Where `when` leaves a
 * parameter out, the combinations that would differ in it alone are one, which stands where that
 * parameter's first value would.
 *
 * The k-th combination is found without listing those before it: parameter by parameter, by counting how
 * many combinations begin with each of its values. Which parameters are there depends only on those that
 * decide (others name them in `when`), so a count is a sum over their combinations, of the product of what
 * all others have left.
 */
#include "core/space_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define DECIDING_MAX 65536 /* combinations of deciding parameters: a count takes time in proportion */

struct counting {
    const struct rung_space *space;
    struct rung_value *values; /* of the deciding parameters and those fixed so far */
    int64_t *fixed;            /* by parameter: the index of its value, or -1 */
};

static int64_t times(int64_t a, int64_t b)
{
    return a > 0 && b > INT64_MAX / a ? INT64_MAX : a * b;
}

static int64_t plus(int64_t a, int64_t b)
{
    return b > INT64_MAX - a ? INT64_MAX : a + b;
}

/* Combinations of the parameters from position `from` of the order on. */
static int64_t count_from(struct counting *counting, size_t from)
{
    const struct rung_space *space = counting->space;
    int64_t product = 1;
    for (size_t i = from; i < space->count; i++) {
        size_t index = space->order[i];
        const struct rung_parameter *parameter = &space->parameters[index];
        int64_t fixed = counting->fixed[index];
        bool active = rung_space_active(space, index, counting->values);
        counting->values[index] = (struct rung_value){.kind = RUNG_VALUE_ABSENT};
        if (!active && fixed > 0)
            return 0;
        if (!active)
            continue;
        if (!parameter->decides) {
            product = times(product, fixed < 0 ? parameter->options : 1);
            continue;
        }
        int64_t sum = 0, last = fixed < 0 ? parameter->options - 1 : fixed;
        for (int64_t k = fixed < 0 ? 0 : fixed; k <= last; k++) {
            counting->values[index] = rung_form_option(&parameter->form, k);
            sum = plus(sum, count_from(counting, i + 1));
        }
        return times(product, sum);
    }
    return product;
}

static struct counting counting_start(const struct rung_space *space, struct rung_value *values)
{
    struct counting counting = {space, values, rung_mem_zalloc(space->count, sizeof *counting.fixed)};
    for (size_t i = 0; i < space->count; i++)
        counting.fixed[i] = -1;
    return counting;
}

int rung_space_count_grid(struct rung_space *space, const struct rung_place *place, struct rung_err *err)
{
    int64_t deciding = 1;
    for (size_t i = 0; i < space->count; i++) {
        struct rung_parameter *parameter = &space->parameters[i];
        parameter->options = rung_form_count(&parameter->form);
        if (parameter->decides)
            deciding = times(deciding, parameter->options);
    }
    if (deciding > DECIDING_MAX)
        return rung_place_error(err, place,
                                "%lld combinations of the parameters that a \"when\" names (a grid takes %d)",
                                (long long)deciding, DECIDING_MAX);
    struct rung_value *values = rung_mem_zalloc(space->count, sizeof *values);
    struct counting counting = counting_start(space, values);
    space->limit = count_from(&counting, 0);
    free(counting.fixed);
    free(values);
    if (space->limit > INT32_MAX)
        return rung_place_error(err, place, "a grid of %lld combinations (at most %d)",
                                (long long)space->limit, INT32_MAX);
    return 0;
}

/* Fixes parameter `index` to the value that the k-th combination of what is fixed so far has; what is left
 * of k is for the parameters after it. */
static int64_t fix(struct counting *counting, size_t index, int64_t k)
{
    const struct rung_parameter *parameter = &counting->space->parameters[index];
    for (int64_t option = 0;; option++) {
        counting->fixed[index] = option;
        int64_t below = count_from(counting, 0);
        if (k < below)
            return k;
        k -= below;
        if (option == 0 || parameter->decides)
            continue;
        /* all values but the first have as many: only the first also stands for being absent */
        counting->fixed[index] = option + k / below + 1;
        return k % below;
    }
}

void rung_space_grid_point(const struct rung_space *space, int64_t k, struct rung_value *values)
{
    struct counting counting = counting_start(space, values);
    for (size_t i = 0; i < space->count; i++)
        k = fix(&counting, i, k);
    for (size_t i = 0; i < space->count; i++) {
        size_t index = space->order[i];
        values[index] = (struct rung_value){.kind = RUNG_VALUE_ABSENT};
        if (rung_space_active(space, index, values))
            values[index] = rung_form_option(&space->parameters[index].form, counting.fixed[index]);
    }
    free(counting.fixed);
}
