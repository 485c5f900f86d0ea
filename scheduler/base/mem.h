/*
 * Allocation that ends the process when memory is out: a kill at any moment is harmless by
 * design, so there is nothing to unwind. Everything is freed with free().
 */
#ifndef RUNG_BASE_MEM_H
#define RUNG_BASE_MEM_H

#include <stddef.h>

/* count * size bytes, zeroed. Never NULL, also for count 0. */
void *rung_mem_zalloc(size_t count, size_t size);

/* realloc to count * size bytes with the multiplication checked; new bytes are not zeroed. */
void *rung_mem_resize(void *old, size_t count, size_t size);

/* Room for one more element in an array of *capacity elements: doubles it when count == *capacity.
 * Returns the array, moved or not:  a = rung_mem_grow(a, count, &capacity, sizeof *a); a[count++] = … */
void *rung_mem_grow(void *array, size_t count, size_t *capacity, size_t size);

/* A copy of count * size bytes; NULL gives NULL. */
void *rung_mem_copy(const void *old, size_t count, size_t size);

char *rung_mem_strdup(const char *text); /* NULL gives NULL */
char *rung_mem_strndup(const char *text, size_t length);
char *rung_mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2), nonnull(1)));

/* What running out does: for libraries that allocate by themselves and say so by returning NULL. */
_Noreturn void rung_mem_out(void);

/* Fault hook for tests: the n-th allocation from now on (1 = the next) finds no memory; 0 switches
 * it off. Running out prints "rung: out of memory" and exits with status 1. */
void rung_mem_fail_after(size_t n);

#endif
