/*
 * The queue by age against a plain list that is searched from end to end.
 */
#include "base/fifo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define IDS 300

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void assert_invariants(const struct rung_fifo *fifo)
{
    size_t present = 0;
    for (size_t i = fifo->first; i < fifo->end; i++) {
        if (fifo->items[i].id == UINT32_MAX) {
            assert_true(i > fifo->first);
            continue;
        }
        assert_int_equal(fifo->place[fifo->items[i].id], i + 1);
        present++;
    }
    assert_int_equal(present, fifo->count);
    present = 0;
    for (size_t id = 0; id < fifo->ids; id++)
        present += fifo->place[id] != 0;
    assert_int_equal(present, fifo->count);
}

static void test_empty_queue(void **state)
{
    (void)state;
    struct rung_fifo fifo;
    rung_fifo_init(&fifo);
    assert_null(rung_fifo_top(&fifo));
    assert_false(rung_fifo_has(&fifo, 0));
    assert_false(rung_fifo_remove(&fifo, 7));
    rung_fifo_free(&fifo);
    rung_fifo_free(&fifo);
}

static void test_against_a_list(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 20; run++) {
        struct rung_fifo fifo;
        uint32_t list[IDS];
        size_t count = 0;
        uint64_t seed = run;
        rung_fifo_init(&fifo);
        for (uint64_t order = 0; order < 5000; order++) {
            uint32_t id = (uint32_t)(next_random(&seed) % (run < 10 ? IDS : 20));
            size_t at = 0;
            while (at < count && list[at] != id)
                at++;
            assert_int_equal(rung_fifo_has(&fifo, id), at < count);
            if (at == count) {
                rung_fifo_put(&fifo, id, order);
                list[count++] = id;
            } else {
                at = next_random(&seed) % 3 == 0 ? at : 0;
                assert_true(rung_fifo_remove(&fifo, list[at]));
                count--;
                for (size_t i = at; i < count; i++)
                    list[i] = list[i + 1];
            }
            assert_int_equal(fifo.count, count);
            if (count > 0)
                assert_int_equal(rung_fifo_top(&fifo)->id, list[0]);
            else
                assert_null(rung_fifo_top(&fifo));
            assert_invariants(&fifo);
        }
        rung_fifo_free(&fifo);
    }
}

/* An old one that stays does not make it grow without end. */
static void test_gaps_are_closed(void **state)
{
    (void)state;
    struct rung_fifo fifo;
    rung_fifo_init(&fifo);
    rung_fifo_put(&fifo, 0, 0);
    for (uint64_t order = 1; order < 100000; order++) {
        uint32_t id = 1 + (uint32_t)(order % 10);
        rung_fifo_remove(&fifo, id);
        rung_fifo_put(&fifo, id, order);
        assert_int_equal(rung_fifo_top(&fifo)->id, 0);
    }
    assert_true(fifo.capacity <= 64);
    assert_true(rung_fifo_remove(&fifo, 0));
    assert_int_equal(rung_fifo_top(&fifo)->order, 99990);
    rung_fifo_free(&fifo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_queue),
        cmocka_unit_test(test_against_a_list),
        cmocka_unit_test(test_gaps_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
