/*
 * Scores are kept in order as far as P can reach, so that threshold and median are looked up, and in a heap
 * beyond. A decision point costs what has changed in the bracket since the last one, whatever the bracket's
 * size and P.
 *
 * Why 2 P + 1 are enough: ties at the threshold belong to the worst, and may go on in the heap. But then they
 * are more than all below them, the median is their own score, and which of the two their priority is makes
 * no difference. Invariants:
 *   1. who is near comes before who is far, by (score, model);
 *   2. after a decision point everyone with a score up to low_to is near.
 */
#include "core/worst.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

void rung_worst_init(struct rung_worst *worst)
{
    *worst = (struct rung_worst){.low_to = -INFINITY, .shared = NAN};
    rung_ordered_init(&worst->near);
    rung_heap_init(&worst->far);
}

void rung_worst_free(struct rung_worst *worst)
{
    rung_ordered_free(&worst->near);
    rung_heap_free(&worst->far);
}

/* NaN: it is not alive, or has no finite score. */
static double score_of(const struct rung_roster *roster, uint32_t model)
{
    const struct rung_model *m = &roster->models[model];
    bool alive = !m->ended && (m->status == RUNG_MODEL_TRAINING || m->status == RUNG_MODEL_PAUSED ||
                               m->status == RUNG_MODEL_PLATEAUED);
    return alive ? rung_roster_oriented(roster, m->score) : NAN;
}

static void put_far(struct rung_worst *worst, uint32_t id, double score)
{
    rung_heap_put(&worst->far, id, -score, id);
}

static void take_out(struct rung_worst *worst, uint32_t id)
{
    if (!rung_heap_remove(&worst->far, id))
        rung_ordered_remove(&worst->near, id);
}

static void put_in(struct rung_worst *worst, uint32_t id, double score)
{
    const struct rung_heap_item *nearest = rung_heap_top(&worst->far);
    bool is_near = nearest == NULL || score < -nearest->key || (score == -nearest->key && id <= nearest->id);
    if (!is_near) {
        rung_ordered_remove(&worst->near, id);
        put_far(worst, id, score);
        return;
    }
    rung_heap_remove(&worst->far, id);
    rung_ordered_put(&worst->near, id, score);
}

/* How many there are to look at when all are. */
static size_t count_all(const struct rung_roster *roster, size_t bracket)
{
    const struct rung_bracket *source = &roster->brackets[bracket];
    return source->alive != NULL ? source->alive_count : roster->model_count;
}

static void sort_all(struct rung_worst *worst, const struct rung_roster *roster, size_t bracket,
                     size_t wanted)
{
    const struct rung_bracket *source = &roster->brackets[bracket];
    uint32_t first = (uint32_t)source->plan->first_model;
    size_t all = count_all(roster, bracket), count = 0;
    struct rung_ordered_item *items = rung_mem_resize(NULL, all, sizeof *items);
    for (size_t i = 0; i < all; i++) {
        uint32_t model = source->alive != NULL ? source->alive[i] : (uint32_t)i;
        double score = score_of(roster, model);
        if (!isnan(score))
            items[count++] = (struct rung_ordered_item){score, model - first};
    }
    rung_ordered_sort(items, count);
    rung_ordered_fill(&worst->near, items, count < wanted ? count : wanted);
    rung_heap_clear(&worst->far);
    for (size_t i = wanted; i < count; i++)
        put_far(worst, items[i].id, items[i].key);
    free(items);
}

/* Brings it up to date; after a rung, which changes most of them, by sorting. */
static void follow(struct rung_worst *worst, const struct rung_roster *roster, size_t bracket, size_t wanted)
{
    struct rung_changes changes = rung_roster_changes(roster, bracket, &worst->cursor);
    uint32_t first = (uint32_t)roster->brackets[bracket].plan->first_model;
    if (changes.all || changes.count > 16 + count_all(roster, bracket) / 4) {
        sort_all(worst, roster, bracket, wanted);
        return;
    }
    for (size_t i = 0; i < changes.count; i++) {
        double score = score_of(roster, changes.models[i]);
        if (isnan(score))
            take_out(worst, changes.models[i] - first);
        else
            put_in(worst, changes.models[i] - first, score);
    }
}

/* As many as are wanted, and all that had the shared priority. */
static void fetch(struct rung_worst *worst, size_t wanted)
{
    while (worst->far.count > 0) {
        struct rung_heap_item item = *rung_heap_top(&worst->far);
        if (rung_ordered_count(&worst->near) >= wanted && -item.key > worst->low_to)
            return;
        rung_heap_remove(&worst->far, item.id);
        rung_ordered_put(&worst->near, item.id, -item.key);
    }
}

/* Half of them, when there are many more than wanted. */
static void send_away(struct rung_worst *worst, size_t wanted)
{
    size_t count = rung_ordered_count(&worst->near);
    if (count <= 4 * wanted)
        return;
    for (; count > 2 * wanted; count--) {
        uint32_t id = rung_ordered_at(&worst->near, count - 1);
        put_far(worst, id, rung_ordered_key(&worst->near, id));
        rung_ordered_remove(&worst->near, id);
    }
}

static double score_at(const struct rung_worst *worst, size_t rank)
{
    return rung_ordered_key(&worst->near, rung_ordered_at(&worst->near, rank));
}

/* Sets low_to and shared; returns how many are low. */
static size_t find_low(struct rung_worst *worst, size_t trainers)
{
    size_t count = rung_ordered_count(&worst->near);
    worst->low_to = -INFINITY;
    if (count == 0)
        return 0;
    double threshold = score_at(worst, (trainers < count ? trainers : count) - 1);
    size_t low = rung_ordered_count_to(&worst->near, threshold);
    if (low == count && worst->far.count > 0) {
        worst->shared = threshold;
        low = rung_ordered_count_below(&worst->near, threshold);
    } else {
        double middle = score_at(worst, low / 2), below = score_at(worst, (low - 1) / 2);
        worst->shared = middle == below ? middle : 0.5 * middle + 0.5 * below;
    }
    if (low > 0)
        worst->low_to = score_at(worst, low - 1);
    return low;
}

void rung_worst_decide(struct rung_worst *worst, const struct rung_roster *roster, size_t bracket,
                       size_t trainers, size_t *first, size_t *end)
{
    size_t wanted = 2 * trainers + 1;
    send_away(worst, wanted);
    follow(worst, roster, bracket, wanted);
    fetch(worst, wanted);
    size_t was_low = rung_ordered_count_to(&worst->near, worst->low_to);
    size_t low = find_low(worst, trainers);
    *first = low < was_low ? low : was_low;
    *end = low < was_low ? was_low : low;
}
