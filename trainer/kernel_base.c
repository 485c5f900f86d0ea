/*
 * The kernels compiled for plain C: SSE2 on x86-64.
 */
#include "kernel.h"
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#define KERNEL_SQRT(x) ((rung_lanes)_mm_sqrt_ps((__m128)(x)))
#else
#include <math.h>
#define KERNEL_SQRT(x) ((rung_lanes){sqrtf((x)[0]), sqrtf((x)[1]), sqrtf((x)[2]), sqrtf((x)[3])})
#endif

#define KERNEL_NAME    "base"
#define KERNEL_TABLE   rung_kernel_base
#define LANES_WIDTH    4
#define TILE_ROWS      2
#define TILE_BLOCKS    1
#define WEIGHT_ROWS    2
#define WEIGHT_COLUMNS 2
#include "kernel_body.h"
