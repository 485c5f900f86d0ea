/*
 * The growing text buffer. Invariants:
 *   1. length <= limit, and capacity > length once data is there, so a NUL always has its place.
 *   2. What the buffer holds is a prefix of what was appended: an append over the limit is cut.
 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rung_buf_init(struct rung_buf *buf, size_t limit)
{
    *buf = (struct rung_buf){.limit = limit < RUNG_BUF_UNLIMITED ? limit : RUNG_BUF_UNLIMITED};
}

void rung_buf_free(struct rung_buf *buf)
{
    free(buf->data);
    rung_buf_init(buf, buf->limit);
}

void rung_buf_clear(struct rung_buf *buf)
{
    buf->length = 0;
    buf->overflow = false;
    if (buf->data)
        buf->data[0] = '\0';
}

/* Memory for length + room bytes and a NUL; the sum is within the limit. */
static void make_room(struct rung_buf *buf, size_t room)
{
    size_t need = buf->length + room + 1;
    if (need <= buf->capacity)
        return;
    size_t wanted = buf->capacity < 64 ? 64 : buf->capacity * 2;
    if (wanted > buf->limit + 1)
        wanted = buf->limit + 1;
    if (wanted < need)
        wanted = need;
    buf->data = rung_mem_resize(buf->data, wanted, 1);
    buf->capacity = wanted;
}

void rung_buf_append(struct rung_buf *buf, const void *data, size_t length)
{
    if (length > buf->limit - buf->length) {
        length = buf->limit - buf->length;
        buf->overflow = true;
    }
    make_room(buf, length);
    if (length > 0)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void rung_buf_text(struct rung_buf *buf, const char *text)
{
    rung_buf_append(buf, text, strlen(text));
}

void rung_buf_char(struct rung_buf *buf, char c)
{
    if (buf->length + 1 < buf->capacity && buf->length < buf->limit) {
        buf->data[buf->length++] = c;
        buf->data[buf->length] = '\0';
        return;
    }
    rung_buf_append(buf, &c, 1);
}

void rung_buf_printf(struct rung_buf *buf, const char *format, ...)
{
    char small[256];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (length > 0 && (size_t)length < sizeof small) {
        rung_buf_append(buf, small, (size_t)length);
    } else if (length > 0) {
        char *large = rung_mem_resize(NULL, (size_t)length + 1, 1);
        vsnprintf(large, (size_t)length + 1, format, again);
        rung_buf_append(buf, large, (size_t)length);
        free(large);
    }
    va_end(again);
}

void rung_buf_consume(struct rung_buf *buf, size_t length)
{
    if (length == 0 || buf->length == 0)
        return;
    if (length > buf->length)
        length = buf->length;
    buf->length -= length;
    memmove(buf->data, buf->data + length, buf->length);
    buf->data[buf->length] = '\0';
}

char *rung_buf_reserve(struct rung_buf *buf, size_t room)
{
    if (room > buf->limit - buf->length)
        return NULL;
    make_room(buf, room);
    return buf->data + buf->length;
}

const char *rung_buf_cstr(const struct rung_buf *buf)
{
    if (!buf->data)
        return "";
    buf->data[buf->length] = '\0'; /* length may have been raised behind a reserve */
    return buf->data;
}
