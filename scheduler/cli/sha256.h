/* SHA-256 (FIPS 180-4) of a file: which trainer program a search ran. */
#ifndef RUNG_CLI_SHA256_H
#define RUNG_CLI_SHA256_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define RUNG_SHA256_HEX 65 /* 64 digits and a NUL */

struct rung_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};

void rung_sha256_init(struct rung_sha256 *sha);
void rung_sha256_update(struct rung_sha256 *sha, const void *data, size_t length);
void rung_sha256_final(struct rung_sha256 *sha, char hex[RUNG_SHA256_HEX]);

/* RUNG_EUSE, text "PATH: WHY", when it cannot be read. */
int rung_sha256_file(const char *path, char hex[RUNG_SHA256_HEX], struct rung_err *err) RUNG_CHECK_RESULT;

#endif
