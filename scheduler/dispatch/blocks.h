/*
 * Blocks of memory that go round: what a connection sends lies in them until the kernel has it. Taken from
 * the heap and given back for every megabyte of a state, they would be most of what sending costs: the heap's
 * end moves back and forth, and each new page of it is a fault.
 *
 * A block may come back after the owner is gone: the last one takes the rest with it.
 */
#ifndef RUNG_DISPATCH_BLOCKS_H
#define RUNG_DISPATCH_BLOCKS_H

#include <stddef.h>

#define RUNG_BLOCK_BYTES (64 * 1024) /* four records of TLS */

struct rung_blocks; /* those that wait for use */
struct rung_block {
    struct rung_blocks *home;
    struct rung_block *next; /* while it waits */
    size_t used;
    unsigned char data[RUNG_BLOCK_BYTES];
};

struct rung_blocks *rung_blocks_create(void);
void rung_blocks_free(struct rung_blocks *blocks); /* NULL is allowed */

struct rung_block *rung_blocks_take(struct rung_blocks *blocks); /* with nothing used */
void rung_block_give_back(struct rung_block *block);             /* NULL is allowed */
size_t rung_blocks_waiting(const struct rung_blocks *blocks);

#endif
