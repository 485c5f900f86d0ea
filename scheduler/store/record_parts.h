/*
 * The record as its three files share it: record.c (its life), record_step.c (events), record_facts.c (what
 * happens around them).
 */
#ifndef RUNG_STORE_RECORD_PARTS_H
#define RUNG_STORE_RECORD_PARTS_H

#include "base/buf.h"
#include "store/handle.h"
#include "store/record.h"

#include <stdint.h>

struct rung_record {
    struct rung_store *store;
    int64_t id;
    const struct rung_space *space;
    uint64_t seed;
    int64_t events, results, failures, trainers; /* the last number given in each table */
    uint64_t rollbacks;                          /* the store's when they were read */
    char *identity;
    struct rung_buf text; /* scratch */
};

/* Opens a transaction when none is open, and counts anew when one was undone since. */
int rung_record_begin(struct rung_record *record, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
