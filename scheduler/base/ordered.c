/*
 * A weight-balanced tree (Nievergelt & Reingold 1973) with the parameters 3 and 2, which keep it balanced
 * whatever is added and removed (Hirai & Yamamoto: Balancing weight-balanced trees, J. Functional Programming
 * 21, 2011). An id is its node's index. Invariants, for every node in the tree:
 *   1. what is to its left comes before it, what is to its right after it;
 *   2. size is 1 + the sizes of both sides;
 *   3. no side's weight, size + 1, is more than 3 times the other's.
 */
#include "base/ordered.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NONE  RUNG_ORDERED_NONE
#define DELTA 3
#define GAMMA 2

void rung_ordered_init(struct rung_ordered *set)
{
    *set = (struct rung_ordered){.root = NONE};
}

void rung_ordered_free(struct rung_ordered *set)
{
    free(set->nodes);
    rung_ordered_init(set);
}

static void know_id(struct rung_ordered *set, uint32_t id)
{
    if (id < set->ids)
        return;
    size_t wanted = set->ids < 8 ? 16 : set->ids * 2;
    if (wanted <= id)
        wanted = (size_t)id + 1;
    set->nodes = rung_mem_resize(set->nodes, wanted, sizeof *set->nodes);
    memset(set->nodes + set->ids, 0, (wanted - set->ids) * sizeof *set->nodes);
    set->ids = wanted;
}

static uint64_t weight(const struct rung_ordered_node *nodes, uint32_t id)
{
    return id == NONE ? 1 : (uint64_t)nodes[id].size + 1;
}

static uint32_t size(const struct rung_ordered_node *nodes, uint32_t id)
{
    return id == NONE ? 0 : nodes[id].size;
}

static void count(struct rung_ordered_node *nodes, uint32_t id)
{
    nodes[id].size = size(nodes, nodes[id].left) + size(nodes, nodes[id].right) + 1;
}

static bool before(const struct rung_ordered_node *nodes, uint32_t a, uint32_t b)
{
    return nodes[a].key != nodes[b].key ? nodes[a].key < nodes[b].key : a < b;
}

static uint32_t rotate_left(struct rung_ordered_node *nodes, uint32_t id)
{
    uint32_t top = nodes[id].right;
    nodes[id].right = nodes[top].left;
    nodes[top].left = id;
    count(nodes, id);
    count(nodes, top);
    return top;
}

static uint32_t rotate_right(struct rung_ordered_node *nodes, uint32_t id)
{
    uint32_t top = nodes[id].left;
    nodes[id].left = nodes[top].right;
    nodes[top].right = id;
    count(nodes, id);
    count(nodes, top);
    return top;
}

/* The top of id's tree, one side of which may have become too heavy or too light by one. */
static uint32_t balance(struct rung_ordered_node *nodes, uint32_t id)
{
    struct rung_ordered_node *node = &nodes[id];
    uint64_t left = weight(nodes, node->left), right = weight(nodes, node->right);
    if (right > DELTA * left) {
        const struct rung_ordered_node *heavy = &nodes[node->right];
        if (weight(nodes, heavy->left) >= GAMMA * weight(nodes, heavy->right))
            node->right = rotate_right(nodes, node->right);
        return rotate_left(nodes, id);
    }
    if (left > DELTA * right) {
        const struct rung_ordered_node *heavy = &nodes[node->left];
        if (weight(nodes, heavy->right) >= GAMMA * weight(nodes, heavy->left))
            node->left = rotate_left(nodes, node->left);
        return rotate_right(nodes, id);
    }
    node->size = (uint32_t)(left + right - 1);
    return id;
}

static uint32_t insert(struct rung_ordered_node *nodes, uint32_t root, uint32_t id)
{
    if (root == NONE)
        return id;
    if (before(nodes, id, root))
        nodes[root].left = insert(nodes, nodes[root].left, id);
    else
        nodes[root].right = insert(nodes, nodes[root].right, id);
    return balance(nodes, root);
}

static uint32_t take_first(struct rung_ordered_node *nodes, uint32_t root, uint32_t *first)
{
    if (nodes[root].left == NONE) {
        *first = root;
        return nodes[root].right;
    }
    nodes[root].left = take_first(nodes, nodes[root].left, first);
    return balance(nodes, root);
}

static uint32_t take_last(struct rung_ordered_node *nodes, uint32_t root, uint32_t *last)
{
    if (nodes[root].right == NONE) {
        *last = root;
        return nodes[root].left;
    }
    nodes[root].right = take_last(nodes, nodes[root].right, last);
    return balance(nodes, root);
}

/* The two sides of a node that goes, under the neighbour that takes its place. */
static uint32_t join(struct rung_ordered_node *nodes, uint32_t left, uint32_t right)
{
    uint32_t top = NONE;
    if (left == NONE)
        return right;
    if (right == NONE)
        return left;
    if (nodes[left].size > nodes[right].size)
        left = take_last(nodes, left, &top);
    else
        right = take_first(nodes, right, &top);
    nodes[top].left = left;
    nodes[top].right = right;
    count(nodes, top);
    return top;
}

static uint32_t take_out(struct rung_ordered_node *nodes, uint32_t root, uint32_t id)
{
    if (root == id)
        return join(nodes, nodes[id].left, nodes[id].right);
    if (before(nodes, id, root))
        nodes[root].left = take_out(nodes, nodes[root].left, id);
    else
        nodes[root].right = take_out(nodes, nodes[root].right, id);
    return balance(nodes, root);
}

void rung_ordered_put(struct rung_ordered *set, uint32_t id, double key)
{
    know_id(set, id);
    if (set->nodes[id].size > 0 && set->nodes[id].key == key)
        return;
    rung_ordered_remove(set, id);
    set->nodes[id] = (struct rung_ordered_node){.key = key, .left = NONE, .right = NONE, .size = 1};
    set->root = insert(set->nodes, set->root, id);
}

bool rung_ordered_remove(struct rung_ordered *set, uint32_t id)
{
    if (id >= set->ids || set->nodes[id].size == 0)
        return false;
    set->root = take_out(set->nodes, set->root, id);
    set->nodes[id].size = 0;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct rung_ordered_item *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

void rung_ordered_sort(struct rung_ordered_item *items, size_t length)
{
    if (length > 0)
        qsort(items, length, sizeof *items, by_key);
}

static uint32_t build(struct rung_ordered_node *nodes, const struct rung_ordered_item *items, size_t length)
{
    size_t middle = length / 2;
    if (length == 0)
        return NONE;
    uint32_t id = items[middle].id;
    nodes[id] = (struct rung_ordered_node){.key = items[middle].key,
                                           .left = build(nodes, items, middle),
                                           .right = build(nodes, items + middle + 1, length - middle - 1),
                                           .size = (uint32_t)length};
    return id;
}

static void forget(struct rung_ordered_node *nodes, uint32_t root)
{
    if (root == NONE)
        return;
    forget(nodes, nodes[root].left);
    forget(nodes, nodes[root].right);
    nodes[root].size = 0;
}

void rung_ordered_fill(struct rung_ordered *set, const struct rung_ordered_item *items, size_t length)
{
    forget(set->nodes, set->root);
    for (size_t i = 0; i < length; i++)
        know_id(set, items[i].id);
    set->root = build(set->nodes, items, length);
}

size_t rung_ordered_count(const struct rung_ordered *set)
{
    return size(set->nodes, set->root);
}

uint32_t rung_ordered_at(const struct rung_ordered *set, size_t rank)
{
    const struct rung_ordered_node *nodes = set->nodes;
    uint32_t id = set->root;
    for (;;) {
        size_t left = size(nodes, nodes[id].left);
        if (rank == left)
            return id;
        if (rank < left) {
            id = nodes[id].left;
        } else {
            rank -= left + 1;
            id = nodes[id].right;
        }
    }
}

double rung_ordered_key(const struct rung_ordered *set, uint32_t id)
{
    return set->nodes[id].key;
}

static size_t count_before(const struct rung_ordered *set, double key, bool equal)
{
    const struct rung_ordered_node *nodes = set->nodes;
    size_t found = 0;
    for (uint32_t id = set->root; id != NONE;) {
        if (nodes[id].key < key || (equal && nodes[id].key == key)) {
            found += (size_t)size(nodes, nodes[id].left) + 1;
            id = nodes[id].right;
        } else {
            id = nodes[id].left;
        }
    }
    return found;
}

size_t rung_ordered_count_below(const struct rung_ordered *set, double key)
{
    return count_before(set, key, false);
}

size_t rung_ordered_count_to(const struct rung_ordered *set, double key)
{
    return count_before(set, key, true);
}
