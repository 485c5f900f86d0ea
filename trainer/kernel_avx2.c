/*
 * The kernels compiled for AVX2.
 */
#include "kernel.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx,avx2"))), apply_to = function)
#else
#pragma GCC target("avx,avx2")
#endif

#define KERNEL_NAME    "avx2"
#define KERNEL_TABLE   rung_kernel_avx2
#define LANES_WIDTH    8
#define TILE_ROWS      4
#define TILE_BLOCKS    1
#define WEIGHT_ROWS    2
#define WEIGHT_COLUMNS 2
#define KERNEL_SQRT(x) ((rung_lanes)_mm256_sqrt_ps((__m256)(x)))
#include "kernel_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
