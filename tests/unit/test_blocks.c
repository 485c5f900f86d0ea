/* Blocks go round, and outlive their owner where they are still out. */
#include "dispatch/blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_block_is_used_again(void **state)
{
    (void)state;
    struct rung_blocks *blocks = rung_blocks_create();
    struct rung_block *first = rung_blocks_take(blocks), *second = rung_blocks_take(blocks);

    assert_ptr_not_equal(first, second);
    memset(first->data, 1, sizeof first->data);
    first->used = 10;
    rung_block_give_back(first);
    assert_ptr_equal(rung_blocks_take(blocks), first);
    assert_int_equal(first->used, 0);
    rung_block_give_back(first);
    rung_block_give_back(second);
    rung_block_give_back(NULL);
    rung_blocks_free(blocks);
}

static void only_some_wait(void **state)
{
    (void)state;
    struct rung_blocks *blocks = rung_blocks_create();
    struct rung_block *all[100];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++)
            all[i] = rung_blocks_take(blocks);
        for (int i = 0; i < 100; i++)
            for (int j = 0; j < i; j++)
                assert_ptr_not_equal(all[i], all[j]);
        for (int i = 0; i < 100; i++)
            rung_block_give_back(all[i]);
    }
    assert_in_range(rung_blocks_waiting(blocks), 1, 99);
    rung_blocks_free(blocks);
}

static void blocks_outlive_their_owner(void **state)
{
    (void)state;
    struct rung_blocks *blocks = rung_blocks_create();
    struct rung_block *first = rung_blocks_take(blocks), *second = rung_blocks_take(blocks);
    struct rung_block *third = rung_blocks_take(blocks);

    rung_block_give_back(second);
    rung_blocks_free(blocks);
    memset(first->data, 1, sizeof first->data);
    rung_block_give_back(first);
    memset(third->data, 1, sizeof third->data);
    rung_block_give_back(third); /* and nothing leaks, which the sanitizer sees */
    rung_blocks_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_used_again),
        cmocka_unit_test(only_some_wait),
        cmocka_unit_test(blocks_outlive_their_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
