/*
 * Model state files. A file is a header and the bytes that a trainer put; numbers are in the
 * machine's byte order, which the header names, so that a file from elsewhere is refused.
 *
 *     offset  bytes
 *      0       8    magic "RUNGSTAT"
 *      8       4    format version (RUNG_STATE_FORMAT)
 *     12       4    0x01020304, byte order
 *     16      24    kind: the trainer's name, padded with zeros
 *     40       4    version of the trainer's own bytes
 *     44       4    zero
 *     48       8    calls the model has behind it
 *     56       8    length of the payload
 *     64       8    checksum of bytes 0 to 63 and the payload
 *     72            payload; nothing behind it
 *
 * To change the format: raise RUNG_STATE_FORMAT; older files are then refused, and rung rebuilds
 * their models by training from call 0.
 */
#ifndef RUNG_TRAINER_STATE_H
#define RUNG_TRAINER_STATE_H

#include "base/err.h"
#include "rung/trainer.h"

#define RUNG_STATE_FORMAT   1
#define RUNG_STATE_HEADER   72
#define RUNG_STATE_KIND_MAX 24

/* Who wrote a state, and where its model stands. */
struct rung_state_id {
    const char *kind;
    uint32_t version;
    int64_t calls; /* reading: the calls expected, or -1 for any; then filled with the file's */
};

struct rung_state *rung_state_new(void);
void rung_state_free(struct rung_state *state);
void rung_state_reset(struct rung_state *state);        /* empty again; keeps its memory */
size_t rung_state_size(const struct rung_state *state); /* bytes put, or read from the file */

/* Creates path (or truncates it) and writes header and payload, closes it, checks every step. On
 * failure the file is removed. RUNG_EFAIL. */
int rung_state_write(struct rung_state *state, const char *path, const struct rung_state_id *id,
                     struct rung_err *err) RUNG_CHECK_RESULT;

/* Resets state to what path holds, checked against id (kind, version, calls) and checksum. On
 * failure state is empty. RUNG_EFAIL. */
int rung_state_read(struct rung_state *state, const char *path, struct rung_state_id *id,
                    struct rung_err *err) RUNG_CHECK_RESULT;

/* The same from length bytes of memory, which are copied. */
int rung_state_parse(struct rung_state *state, const void *data, size_t length, struct rung_state_id *id,
                     struct rung_err *err) RUNG_CHECK_RESULT;

#endif
