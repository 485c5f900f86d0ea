/*
 * The strict pass over JSON text that comes before cJSON sees it, and UTF-8.
 */
#ifndef RUNG_BASE_SCAN_H
#define RUNG_BASE_SCAN_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

/* Checks text against RFC 8259 and the limits in json.h; flags are enum rung_json_flags. Where cJSON
 * cannot read the text as it is (comments, NaN, numbers too long for it), clean holds what it should
 * read instead; otherwise clean stays empty. On failure err is filled with RUNG_EUSE. */
int rung_scan_check(const char *text, size_t length, int flags, struct rung_buf *clean,
                    struct rung_err *err) RUNG_CHECK_RESULT;

/* Fills err with "line L, column C: duplicate key "NAME"" for the n-th key (from 0, in the order of
 * the text) of a text that passed the check. Returns RUNG_EUSE. */
int rung_scan_duplicate(const char *text, size_t length, int flags, size_t n, const char *name,
                        struct rung_err *err);

/* Bytes of the valid UTF-8 character at text, 1 to 4; 0 when there is none. length >= 1. */
size_t rung_scan_utf8(const char *text, size_t length);

#endif
