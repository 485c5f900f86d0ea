/*
 * The order of models. Being total (models have different numbers), it gives one result whatever the
 * order of its input, so sorting need not be stable.
 */
#include "core/rank.h"

#include <math.h>

bool rung_rank_before(struct rung_ranked a, struct rung_ranked b)
{
    bool finite = isfinite(a.score), other = isfinite(b.score);
    if (finite != other)
        return finite;
    if (finite && a.score != b.score)
        return a.score > b.score;
    return a.model < b.model;
}

static void swap(struct rung_ranked *a, struct rung_ranked *b)
{
    struct rung_ranked kept = *a;
    *a = *b;
    *b = kept;
}

/* Restores the heap (last of the order at its root) below index. */
static void sift_down(struct rung_ranked *items, size_t count, size_t index)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= count)
            return;
        if (child + 1 < count && rung_rank_before(items[child], items[child + 1]))
            child++;
        if (!rung_rank_before(items[index], items[child]))
            return;
        swap(&items[index], &items[child]);
        index = child;
    }
}

/* Heapsort: in place, no recursion, and no input that makes it slow. */
void rung_rank_sort(struct rung_ranked *items, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(items, count, i);
    for (size_t left = count; left > 1; left--) {
        swap(&items[0], &items[left - 1]);
        sift_down(items, left - 1, 0);
    }
}

/* Moves the median of the first, middle and last item to the end. */
static void choose_pivot(struct rung_ranked *items, size_t count)
{
    struct rung_ranked *first = &items[0], *middle = &items[count / 2], *last = &items[count - 1];
    if (rung_rank_before(*middle, *first))
        swap(middle, first);
    if (rung_rank_before(*last, *first))
        swap(last, first);
    if (rung_rank_before(*middle, *last))
        swap(middle, last);
}

/* Puts what comes before the pivot in front of it; returns where the pivot lies. */
static size_t partition(struct rung_ranked *items, size_t count)
{
    choose_pivot(items, count);
    struct rung_ranked pivot = items[count - 1];
    size_t front = 0;
    for (size_t i = 0; i + 1 < count; i++)
        if (rung_rank_before(items[i], pivot))
            swap(&items[front++], &items[i]);
    swap(&items[front], &items[count - 1]);
    return front;
}

/* Quickselect; when pivots keep being bad, what is left is sorted instead. */
void rung_rank_select(struct rung_ranked *items, size_t count, size_t k)
{
    size_t rounds = 8;
    for (size_t left = count; left > 1; left /= 2)
        rounds += 2;
    while (k > 0 && k < count) {
        if (rounds-- == 0) {
            rung_rank_sort(items, count);
            return;
        }
        size_t pivot = partition(items, count);
        if (k <= pivot) {
            count = pivot;
        } else {
            items += pivot + 1;
            count -= pivot + 1;
            k -= pivot + 1;
        }
    }
}
