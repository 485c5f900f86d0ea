/*
 * Which kernels this processor can run, and memory aligned for them.
 */
#include "kernel.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

const struct rung_kernel *rung_kernel_at(int index)
{
    const struct rung_kernel *known[4];
    int count = 0;
    known[count++] = &rung_kernel_base;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        known[count++] = &rung_kernel_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        known[count++] = &rung_kernel_avx512;
#endif
    return index < count ? known[index] : NULL;
}

const struct rung_kernel *rung_kernel_best(void)
{
    int last = 0;
    while (rung_kernel_at(last + 1))
        last++;
    return rung_kernel_at(last);
}

void rung_kernel_flush_tiny(void)
{
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040); /* flush to zero, denormals are zero */
#endif
}

float *rung_kernel_alloc(size_t count)
{
    /* One line more than needed: the pointer that malloc gave is kept in front of the block. */
    char *raw = rung_mem_zalloc(count + 2 * RUNG_ALIGN / sizeof(float), sizeof(float));
    size_t over = (uintptr_t)raw % RUNG_ALIGN;
    char *block = raw + 2 * RUNG_ALIGN - over;
    ((char **)(void *)block)[-1] = raw;
    return (float *)(void *)block;
}

void rung_kernel_free(float *block)
{
    if (block)
        free(((char **)(void *)block)[-1]);
}
