/*
 * Allocation, and what happens when there is none left.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one mutable global: a fault hook has to reach allocations that know of no object. */
static size_t fail_countdown;

void rung_mem_fail_after(size_t n)
{
    fail_countdown = n;
}

void rung_mem_out(void)
{
    fputs("rung: out of memory\n", stderr);
    exit(1);
}

static size_t checked_size(size_t count, size_t size)
{
    if (fail_countdown != 0 && --fail_countdown == 0)
        rung_mem_out();
    if (size != 0 && count > PTRDIFF_MAX / size)
        rung_mem_out();
    return count * size != 0 ? count * size : 1;
}

void *rung_mem_zalloc(size_t count, size_t size)
{
    void *block = calloc(1, checked_size(count, size));
    if (!block)
        rung_mem_out();
    return block;
}

void *rung_mem_resize(void *old, size_t count, size_t size)
{
    void *block = realloc(old, checked_size(count, size));
    if (!block)
        rung_mem_out();
    return block;
}

void *rung_mem_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity < 4 ? 8 : *capacity * 2;
    array = rung_mem_resize(array, wanted, size);
    *capacity = wanted;
    return array;
}

static char *copy(const char *text, size_t length)
{
    char *block = rung_mem_resize(NULL, length + 1, 1);
    memcpy(block, text, length);
    block[length] = '\0';
    return block;
}

void *rung_mem_copy(const void *old, size_t count, size_t size)
{
    void *copy;
    if (old == NULL)
        return NULL;
    copy = rung_mem_resize(NULL, count, size);
    if (count > 0)
        memcpy(copy, old, count * size);
    return copy;
}

char *rung_mem_strdup(const char *text)
{
    return text ? copy(text, strlen(text)) : NULL;
}

char *rung_mem_strndup(const char *text, size_t length)
{
    return text ? copy(text, strnlen(text, length)) : NULL;
}

char *rung_mem_printf(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        rung_mem_out();
    char *text = rung_mem_resize(NULL, (size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
