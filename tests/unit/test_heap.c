/*
 * The heap against a plain list that is searched from end to end.
 */
#include "base/heap.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define IDS 200

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void assert_invariants(const struct rung_heap *heap)
{
    size_t present = 0;
    for (size_t i = 0; i < heap->count; i++) {
        assert_int_equal(heap->place[heap->items[i].id], i + 1);
        if (i > 0) {
            const struct rung_heap_item *parent = &heap->items[(i - 1) / 2], *item = &heap->items[i];
            assert_true(parent->key > item->key ||
                        (parent->key == item->key && parent->order <= item->order));
        }
    }
    for (size_t id = 0; id < heap->ids; id++)
        present += heap->place[id] != 0;
    assert_int_equal(present, heap->count);
}

static void test_empty_heap(void **state)
{
    (void)state;
    struct rung_heap heap;
    rung_heap_init(&heap);
    assert_null(rung_heap_top(&heap));
    assert_null(rung_heap_get(&heap, 0));
    assert_false(rung_heap_has(&heap, 7));
    assert_false(rung_heap_remove(&heap, 7));
    rung_heap_clear(&heap);
    rung_heap_free(&heap);
}

static void test_largest_key_first_ties_by_order(void **state)
{
    (void)state;
    struct rung_heap heap;
    static const uint32_t EXPECTED[] = {4, 1, 0, 3, 2};
    rung_heap_init(&heap);
    rung_heap_put(&heap, 0, 1.0, 10);
    rung_heap_put(&heap, 1, 1.0, 5);
    rung_heap_put(&heap, 2, -INFINITY, 0);
    rung_heap_put(&heap, 3, 0.5, 1);
    rung_heap_put(&heap, 4, INFINITY, 99);
    for (size_t i = 0; i < 5; i++) {
        const struct rung_heap_item *top = rung_heap_top(&heap);
        assert_int_equal(top->id, EXPECTED[i]);
        assert_true(rung_heap_remove(&heap, top->id));
    }
    assert_null(rung_heap_top(&heap));
    rung_heap_free(&heap);
}

static void test_put_again_changes_key_and_order(void **state)
{
    (void)state;
    struct rung_heap heap;
    rung_heap_init(&heap);
    for (uint32_t id = 0; id < 20; id++)
        rung_heap_put(&heap, id, (double)id, id);
    rung_heap_put(&heap, 3, 100.0, 7);
    assert_int_equal(heap.count, 20);
    assert_int_equal(rung_heap_top(&heap)->id, 3);
    assert_true(rung_heap_get(&heap, 3)->key == 100.0);
    assert_int_equal(rung_heap_get(&heap, 3)->order, 7);
    rung_heap_put(&heap, 3, -1.0, 7);
    assert_int_equal(rung_heap_top(&heap)->id, 19);
    rung_heap_put(&heap, 5, 19.0, 1);
    assert_int_equal(rung_heap_top(&heap)->id, 5);
    assert_invariants(&heap);
    rung_heap_free(&heap);
}

static void test_ids_may_be_sparse(void **state)
{
    (void)state;
    struct rung_heap heap;
    rung_heap_init(&heap);
    rung_heap_put(&heap, 1000000, 1.0, 0);
    rung_heap_put(&heap, 3, 2.0, 1);
    assert_true(rung_heap_has(&heap, 1000000));
    assert_false(rung_heap_has(&heap, 999999));
    assert_false(rung_heap_has(&heap, UINT32_MAX));
    assert_int_equal(rung_heap_top(&heap)->id, 3);
    assert_invariants(&heap);
    rung_heap_free(&heap);
}

static void test_clear_forgets_all_and_can_be_used_again(void **state)
{
    (void)state;
    struct rung_heap heap;
    rung_heap_init(&heap);
    for (uint32_t id = 0; id < 50; id++)
        rung_heap_put(&heap, id, 1.0, id);
    rung_heap_clear(&heap);
    assert_null(rung_heap_top(&heap));
    assert_false(rung_heap_has(&heap, 17));
    rung_heap_put(&heap, 17, 2.0, 0);
    assert_int_equal(heap.count, 1);
    assert_invariants(&heap);
    rung_heap_free(&heap);
}

struct listed {
    bool present;
    double key;
    uint64_t order;
};

static int first_of(const struct listed list[IDS])
{
    int best = -1;
    for (int id = 0; id < IDS; id++)
        if (list[id].present && (best < 0 || list[id].key > list[best].key ||
                                 (list[id].key == list[best].key && list[id].order < list[best].order)))
            best = id;
    return best;
}

static void test_random_operations_agree_with_a_list(void **state)
{
    (void)state;
    struct listed list[IDS] = {0};
    struct rung_heap heap;
    uint64_t seed = 20260101;
    rung_heap_init(&heap);
    for (uint64_t round = 0; round < 20000; round++) {
        uint32_t id = (uint32_t)(next_random(&seed) % IDS);
        if (next_random(&seed) % 5 < 3) {
            double key = (double)(next_random(&seed) % 10); /* many ties */
            list[id] = (struct listed){true, key, round};
            rung_heap_put(&heap, id, key, round);
        } else {
            assert_int_equal(rung_heap_remove(&heap, id), list[id].present);
            list[id].present = false;
        }
        int best = first_of(list);
        const struct rung_heap_item *top = rung_heap_top(&heap);
        assert_int_equal(top ? (int)top->id : -1, best);
        if (round % 100 == 0)
            assert_invariants(&heap);
    }
    rung_heap_free(&heap);
}

static void test_removing_the_top_sorts(void **state)
{
    (void)state;
    struct rung_heap heap;
    uint64_t seed = 7;
    rung_heap_init(&heap);
    for (uint32_t id = 0; id < 10000; id++)
        rung_heap_put(&heap, id, (double)(next_random(&seed) % 1000), id);
    double key = INFINITY;
    uint64_t order = 0;
    for (size_t left = 10000; left > 0; left--) {
        struct rung_heap_item top = *rung_heap_top(&heap);
        assert_true(top.key < key || (top.key == key && top.order > order));
        key = top.key;
        order = top.order;
        rung_heap_remove(&heap, top.id);
        assert_int_equal(heap.count, left - 1);
    }
    rung_heap_free(&heap);
}

static void test_a_copy_is_independent(void **state)
{
    (void)state;
    struct rung_heap heap, copy;
    rung_heap_init(&heap);
    copy = rung_heap_copy(&heap);
    assert_null(rung_heap_top(&copy));
    for (uint32_t id = 0; id < 100; id++)
        rung_heap_put(&heap, id, (double)(id * 37 % 100), id);
    copy = rung_heap_copy(&heap);
    rung_heap_clear(&heap);
    rung_heap_put(&heap, 3, 1000, 0);
    assert_invariants(&copy);
    assert_false(rung_heap_remove(&copy, 150));
    for (uint32_t left = 100; left-- > 0;) {
        struct rung_heap_item top = *rung_heap_top(&copy);
        assert_true(top.key == (double)left);
        rung_heap_remove(&copy, top.id);
    }
    rung_heap_put(&copy, 400, 1, 1);
    assert_int_equal(heap.count, 1);
    rung_heap_free(&heap);
    rung_heap_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_heap),
        cmocka_unit_test(test_largest_key_first_ties_by_order),
        cmocka_unit_test(test_put_again_changes_key_and_order),
        cmocka_unit_test(test_ids_may_be_sparse),
        cmocka_unit_test(test_clear_forgets_all_and_can_be_used_again),
        cmocka_unit_test(test_random_operations_agree_with_a_list),
        cmocka_unit_test(test_removing_the_top_sorts),
        cmocka_unit_test(test_a_copy_is_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
