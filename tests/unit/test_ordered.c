/*
 * The ordered set against a sorted list.
 */
#include "base/ordered.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define IDS 400

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* Returns the size of the tree below id. */
static uint32_t assert_tree(const struct rung_ordered *set, uint32_t id)
{
    if (id == RUNG_ORDERED_NONE)
        return 0;
    const struct rung_ordered_node *node = &set->nodes[id];
    uint32_t left = assert_tree(set, node->left), right = assert_tree(set, node->right);
    assert_int_equal(node->size, left + right + 1);
    assert_true(left + 1 <= 3 * (right + 1) && right + 1 <= 3 * (left + 1));
    return node->size;
}

static void assert_equal_to(const struct rung_ordered *set, const double *keys)
{
    size_t count = 0, rank = 0;
    double last = -INFINITY;
    uint32_t last_id = 0;
    for (size_t id = 0; id < IDS; id++)
        count += !isnan(keys[id]);
    assert_int_equal(rung_ordered_count(set), count);
    assert_int_equal(assert_tree(set, set->root), count);
    for (; rank < count; rank++) {
        uint32_t id = rung_ordered_at(set, rank);
        double key = rung_ordered_key(set, id);
        assert_true(key == keys[id]);
        assert_true(rank == 0 || key > last || (key == last && id > last_id));
        last = key;
        last_id = id;
    }
    for (double key = -1; key <= 11; key += 0.5) {
        size_t below = 0, equal = 0;
        for (size_t id = 0; id < IDS; id++) {
            below += keys[id] < key;
            equal += keys[id] == key;
        }
        assert_int_equal(rung_ordered_count_below(set, key), below);
        assert_int_equal(rung_ordered_count_to(set, key), below + equal);
    }
}

static void test_empty_set(void **state)
{
    (void)state;
    struct rung_ordered set;
    rung_ordered_init(&set);
    assert_int_equal(rung_ordered_count(&set), 0);
    assert_int_equal(rung_ordered_count_to(&set, INFINITY), 0);
    assert_false(rung_ordered_remove(&set, 3));
    rung_ordered_fill(&set, NULL, 0);
    assert_int_equal(rung_ordered_count(&set), 0);
    rung_ordered_free(&set);
}

/* Few keys, so that ties abound; now and then it is filled anew. */
static void test_random_operations_agree_with_a_list(void **state)
{
    (void)state;
    struct rung_ordered set;
    double keys[IDS];
    uint64_t seed = 5;
    rung_ordered_init(&set);
    for (size_t id = 0; id < IDS; id++)
        keys[id] = NAN;
    for (int i = 0; i < 20000; i++) {
        uint32_t id = (uint32_t)(next_random(&seed) % IDS);
        bool grows = i / 3000 % 2 == 0;
        if (next_random(&seed) % 10 < (grows ? 7u : 3u)) {
            keys[id] = (double)(next_random(&seed) % 20) / 2;
            rung_ordered_put(&set, id, keys[id]);
        } else {
            assert_int_equal(rung_ordered_remove(&set, id), !isnan(keys[id]));
            keys[id] = NAN;
        }
        if (i % 997 == 0) {
            struct rung_ordered_item items[IDS];
            size_t count = 0;
            for (uint32_t k = 0; k < IDS; k++) {
                keys[k] = next_random(&seed) % 2 ? NAN : (double)(next_random(&seed) % 9);
                if (!isnan(keys[k]))
                    items[count++] = (struct rung_ordered_item){keys[k], k};
            }
            for (size_t k = 0; k < count; k++) { /* out of order */
                size_t other = (size_t)(next_random(&seed) % count);
                struct rung_ordered_item kept = items[k];
                items[k] = items[other];
                items[other] = kept;
            }
            rung_ordered_sort(items, count);
            rung_ordered_fill(&set, items, count);
        }
        if (i % 53 == 0 || i % 997 == 0)
            assert_equal_to(&set, keys);
    }
    rung_ordered_free(&set);
}

static void test_sorted_input_stays_balanced(void **state)
{
    (void)state;
    struct rung_ordered set;
    rung_ordered_init(&set);
    for (uint32_t id = 0; id < 20000; id++)
        rung_ordered_put(&set, id, (double)id);
    assert_int_equal(assert_tree(&set, set.root), 20000);
    for (uint32_t id = 0; id < 15000; id++)
        assert_true(rung_ordered_remove(&set, id));
    assert_int_equal(assert_tree(&set, set.root), 5000);
    assert_int_equal(rung_ordered_at(&set, 0), 15000);
    assert_int_equal(rung_ordered_at(&set, 4999), 19999);
    rung_ordered_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_set),
        cmocka_unit_test(test_random_operations_agree_with_a_list),
        cmocka_unit_test(test_sorted_input_stays_balanced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
