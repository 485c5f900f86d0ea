/* The secret that a scheduler and its workers share: 32 random bytes, as 64 hexadecimal digits in a file that
 * only its owner can read. */
#ifndef RUNG_DISPATCH_KEY_H
#define RUNG_DISPATCH_KEY_H

#include "base/err.h"

#define RUNG_KEY_BYTES 32

struct rung_key {
    unsigned char bytes[RUNG_KEY_BYTES];
};

/* Makes a new file with mode 0600. RUNG_EUSE: it exists (it is never replaced), or cannot be made. */
int rung_key_make(const char *path, struct rung_err *err) RUNG_CHECK_RESULT;
/* RUNG_EUSE: not there, no key, readable by group or others (way out: chmod 600), or of a user who is neither
 * we nor root (way out: chown). */
int rung_key_read(struct rung_key *key, const char *path, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
