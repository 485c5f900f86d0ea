/*
 * A text buffer that grows up to a limit set at creation. Going over the limit sets `overflow`
 * and drops what does not fit, so that a chain of appends needs one check at its end.
 */
#ifndef RUNG_BASE_BUF_H
#define RUNG_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct rung_buf {
    char *data;    /* always NUL-terminated once anything was appended; NULL before */
    size_t length; /* bytes, without the NUL */
    size_t capacity;
    size_t limit; /* most bytes this buffer may hold */
    bool overflow;
};

#define RUNG_BUF_UNLIMITED ((size_t)-1 / 4)

void rung_buf_init(struct rung_buf *buf, size_t limit);
void rung_buf_free(struct rung_buf *buf);
void rung_buf_clear(struct rung_buf *buf); /* keeps the memory, clears overflow */
void rung_buf_append(struct rung_buf *buf, const void *data, size_t length);
void rung_buf_text(struct rung_buf *buf, const char *text); /* appends a C string */
void rung_buf_char(struct rung_buf *buf, char c);
void rung_buf_printf(struct rung_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rung_buf_consume(struct rung_buf *buf, size_t length); /* drops bytes from the front */
/* At least `room` writable bytes behind data + length (the caller then adds to length), or NULL
 * when that would go over the limit. */
char *rung_buf_reserve(struct rung_buf *buf, size_t room);
/* The text, "" when nothing was ever appended. */
const char *rung_buf_cstr(const struct rung_buf *buf);

#endif
