/*
 * The kernels compiled for AVX-512.
 */
#include "kernel.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx,avx2,avx512f,avx512bw,avx512dq,avx512vl"))),         \
                             apply_to = function)
#else
#pragma GCC target("avx,avx2,avx512f,avx512bw,avx512dq,avx512vl")
#endif

#define KERNEL_NAME    "avx512"
#define KERNEL_TABLE   rung_kernel_avx512
#define LANES_WIDTH    16
#define TILE_ROWS      4
#define TILE_BLOCKS    4
#define WEIGHT_ROWS    4
#define WEIGHT_COLUMNS 4
#define KERNEL_SQRT(x) ((rung_lanes)_mm512_sqrt_ps((__m512)(x)))
#include "kernel_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
