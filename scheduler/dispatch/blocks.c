#include "dispatch/blocks.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>

#define WAITING_MAX 32 /* 2 MiB: some connections that send at full speed */

struct rung_blocks {
    struct rung_block *waiting;
    size_t waiting_count;
    size_t taken; /* that are out */
    bool owned;
};

struct rung_blocks *rung_blocks_create(void)
{
    struct rung_blocks *blocks = rung_mem_zalloc(1, sizeof *blocks);

    blocks->owned = true;
    return blocks;
}

static void free_when_done(struct rung_blocks *blocks)
{
    if (!blocks->owned && blocks->taken == 0)
        free(blocks);
}

void rung_blocks_free(struct rung_blocks *blocks)
{
    struct rung_block *block;

    if (!blocks)
        return;
    while ((block = blocks->waiting)) {
        blocks->waiting = block->next;
        free(block);
    }
    blocks->owned = false;
    free_when_done(blocks);
}

struct rung_block *rung_blocks_take(struct rung_blocks *blocks)
{
    struct rung_block *block = blocks->waiting;

    if (block) {
        blocks->waiting = block->next;
        blocks->waiting_count--;
    } else {
        block = rung_mem_resize(NULL, 1, sizeof *block); /* not zeroed: it is about to be filled */
    }
    block->home = blocks;
    block->next = NULL;
    block->used = 0;
    blocks->taken++;
    return block;
}

void rung_block_give_back(struct rung_block *block)
{
    if (!block)
        return;
    struct rung_blocks *blocks = block->home;
    blocks->taken--;
    if (blocks->owned && blocks->waiting_count < WAITING_MAX) {
        block->next = blocks->waiting;
        blocks->waiting = block;
        blocks->waiting_count++;
    } else {
        free(block);
    }
    free_when_done(blocks);
}

size_t rung_blocks_waiting(const struct rung_blocks *blocks)
{
    return blocks->waiting_count;
}
