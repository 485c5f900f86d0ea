/*
 * Part of kernel_body.h: dense layers over blocks of examples, forward and backward.
 */
#include "lanes.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#define PARTS         (RUNG_BLOCK / LANES_WIDTH) /* vectors that make a block's row */
#define VECTORS(p)    ((rung_lanes *)(void *)(p))
#define IN_VECTORS(p) ((const rung_lanes *)(const void *)(p))
#define TILE_MANY     (TILE_BLOCKS * PARTS)

/* Where vector c of row r lies: c counts through the parts of one block, then the next block. */
#define AT(c, r, rows) (((int64_t)((c) / PARTS) * (rows) + (r)) * PARTS + (c) % PARTS)

/* Activations cheap enough to be applied while the sums are still in registers. */
LANES_INLINE rung_lanes bend(rung_lanes z, enum rung_activation activation)
{
    if (activation == RUNG_ACT_RELU)
        return lanes_pick(z < 0.0F, lanes_splat(0), z);
    if (activation == RUNG_ACT_LEAKY_RELU)
        return lanes_pick(z < 0.0F, z * RUNG_LEAKY_SLOPE, z);
    return z;
}

/* d times the slope of the activation whose output is a. */
LANES_INLINE rung_lanes slope(rung_lanes a, rung_lanes d, enum rung_activation activation)
{
    switch (activation) {
    case RUNG_ACT_LOGISTIC:
        return d * (a * (1.0F - a));
    case RUNG_ACT_TANH:
        return d * (1.0F - a * a);
    case RUNG_ACT_RELU:
        return lanes_pick(a > 0.0F, d, lanes_splat(0));
    case RUNG_ACT_LEAKY_RELU:
        return lanes_pick(a > 0.0F, d, d * RUNG_LEAKY_SLOPE);
    case RUNG_ACT_ELU:
        return lanes_pick(a > 0.0F, d, d * (a + 1.0F));
    default:
        return d;
    }
}

/* A tile: `rows` outputs, `many` vectors of examples. */
/* clang-format off */
LANES_INLINE void forward_tile(const float *w, const float *b, const rung_lanes *x, rung_lanes *z, int in,
                               int out, const int rows, const int many, enum rung_activation activation)
{
    rung_lanes sum[TILE_ROWS][TILE_MANY], value[TILE_MANY];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < many; c++)
            sum[r][c] = lanes_splat(b[r]);
    for (int i = 0; i < in; i++) {
        UNROLL for (int c = 0; c < many; c++)
            value[c] = x[AT(c, i, in)];
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < many; c++)
                sum[r][c] += value[c] * w[(int64_t)r * in + i];
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < many; c++)
            z[AT(c, r, out)] = bend(sum[r][c], activation);
}
/* clang-format on */

LANES_INLINE void forward_bent(const float *w, const float *b, const rung_lanes *x, rung_lanes *z, int in,
                               int out, const int rows, const int many, enum rung_activation activation)
{
    if (activation == RUNG_ACT_RELU)
        forward_tile(w, b, x, z, in, out, rows, many, RUNG_ACT_RELU);
    else if (activation == RUNG_ACT_LEAKY_RELU)
        forward_tile(w, b, x, z, in, out, rows, many, RUNG_ACT_LEAKY_RELU);
    else
        forward_tile(w, b, x, z, in, out, rows, many, RUNG_ACT_IDENTITY);
}

LANES_INLINE void forward_blocks(const float *w, const float *b, const rung_lanes *x, rung_lanes *z, int in,
                                 int out, const int many, enum rung_activation activation)
{
    int o = 0;
    for (; o + TILE_ROWS <= out; o += TILE_ROWS)
        forward_bent(w + (int64_t)o * in, b + o, x, z + o * PARTS, in, out, TILE_ROWS, many, activation);
    w += (int64_t)o * in;
    b += o;
    z += o * PARTS;
    if (TILE_ROWS > 3 && out - o == 3)
        forward_bent(w, b, x, z, in, out, 3, many, activation);
    else if (TILE_ROWS > 2 && out - o == 2)
        forward_bent(w, b, x, z, in, out, 2, many, activation);
    else if (out - o == 1)
        forward_bent(w, b, x, z, in, out, 1, many, activation);
}

static void forward(const float *w, const float *b, const float *x, float *z, int in, int out, int64_t blocks,
                    enum rung_activation activation)
{
    int64_t k = 0, step_in = (int64_t)RUNG_BLOCK * in, step_out = (int64_t)RUNG_BLOCK * out;
    for (; k + TILE_BLOCKS <= blocks; k += TILE_BLOCKS)
        forward_blocks(w, b, IN_VECTORS(x + k * step_in), VECTORS(z + k * step_out), in, out, TILE_MANY,
                       activation);
    if (TILE_BLOCKS > 2 && k + 2 <= blocks) {
        forward_blocks(w, b, IN_VECTORS(x + k * step_in), VECTORS(z + k * step_out), in, out, 2 * PARTS,
                       activation);
        k += 2;
    }
    if (TILE_BLOCKS > 1 && k < blocks)
        forward_blocks(w, b, IN_VECTORS(x + k * step_in), VECTORS(z + k * step_out), in, out, PARTS,
                       activation);
}

/* clang-format off */
LANES_INLINE void backward_end(rung_lanes sum[TILE_ROWS][TILE_MANY], rung_lanes *a, int in, const int rows,
                               const int many, enum rung_activation activation)
{
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < many; c++)
            a[AT(c, r, in)] = slope(a[AT(c, r, in)], sum[r][c], activation);
}
/* clang-format on */

/* A tile: `rows` inputs, `many` vectors of examples. */
/* clang-format off */
LANES_INLINE void backward_tile(const float *w, const rung_lanes *d, rung_lanes *a, int in, int out,
                                const int rows, const int many, enum rung_activation activation)
{
    rung_lanes sum[TILE_ROWS][TILE_MANY], value[TILE_MANY];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < many; c++)
            sum[r][c] = lanes_splat(0);
    for (int o = 0; o < out; o++) {
        UNROLL for (int c = 0; c < many; c++)
            value[c] = d[AT(c, o, out)];
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < many; c++)
                sum[r][c] += value[c] * w[(int64_t)o * in + r];
    }
    switch (activation) {
    case RUNG_ACT_RELU:
        backward_end(sum, a, in, rows, many, RUNG_ACT_RELU);
        break;
    case RUNG_ACT_LEAKY_RELU:
        backward_end(sum, a, in, rows, many, RUNG_ACT_LEAKY_RELU);
        break;
    case RUNG_ACT_LOGISTIC:
        backward_end(sum, a, in, rows, many, RUNG_ACT_LOGISTIC);
        break;
    case RUNG_ACT_TANH:
        backward_end(sum, a, in, rows, many, RUNG_ACT_TANH);
        break;
    case RUNG_ACT_ELU:
        backward_end(sum, a, in, rows, many, RUNG_ACT_ELU);
        break;
    default:
        backward_end(sum, a, in, rows, many, RUNG_ACT_IDENTITY);
    }
}
/* clang-format on */

LANES_INLINE void backward_blocks(const float *w, const rung_lanes *d, rung_lanes *a, int in, int out,
                                  const int many, enum rung_activation activation)
{
    int i = 0;
    for (; i + TILE_ROWS <= in; i += TILE_ROWS)
        backward_tile(w + i, d, a + i * PARTS, in, out, TILE_ROWS, many, activation);
    w += i;
    a += i * PARTS;
    if (TILE_ROWS > 3 && in - i == 3)
        backward_tile(w, d, a, in, out, 3, many, activation);
    else if (TILE_ROWS > 2 && in - i == 2)
        backward_tile(w, d, a, in, out, 2, many, activation);
    else if (in - i == 1)
        backward_tile(w, d, a, in, out, 1, many, activation);
}

static void backward(const float *w, const float *d, float *a, int in, int out, int64_t blocks,
                     enum rung_activation activation)
{
    int64_t k = 0, step_in = (int64_t)RUNG_BLOCK * in, step_out = (int64_t)RUNG_BLOCK * out;
    for (; k + TILE_BLOCKS <= blocks; k += TILE_BLOCKS)
        backward_blocks(w, IN_VECTORS(d + k * step_out), VECTORS(a + k * step_in), in, out, TILE_MANY,
                        activation);
    if (TILE_BLOCKS > 2 && k + 2 <= blocks) {
        backward_blocks(w, IN_VECTORS(d + k * step_out), VECTORS(a + k * step_in), in, out, 2 * PARTS,
                        activation);
        k += 2;
    }
    if (TILE_BLOCKS > 1 && k < blocks)
        backward_blocks(w, IN_VECTORS(d + k * step_out), VECTORS(a + k * step_in), in, out, PARTS,
                        activation);
}
