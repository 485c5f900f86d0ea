/*
 * Part of kernel_body.h: gradients of weights, sums over examples of an output's delta times an
 * input's value.
 *
 * A weight's sum is held as the sixteen places of a block. Folding adds places 8 apart, then 4, 2
 * and 1; several weights are folded together, each fold halving what one of them takes, so that
 * the last vector holds a whole sum in each lane.
 */

#define WEIGHTS (WEIGHT_ROWS * WEIGHT_COLUMNS)

#if LANES_WIDTH == 16

LANES_INLINE rung_lanes fold_8(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
           __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

LANES_INLINE rung_lanes fold_4(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

LANES_INLINE rung_lanes fold_2(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}

LANES_INLINE rung_lanes fold_1(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30) +
           __builtin_shufflevector(a, b, 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31);
}

/* folded[4 r + c] = the sum of sum[r][c], for c < columns. */
/* clang-format off */
LANES_INLINE void fold_tile(rung_lanes sum[4][4][1], const int columns, float *folded)
{
    rung_lanes part[4];
    UNROLL for (int c = 0; c < columns; c++)
        part[c] = fold_4(fold_8(sum[0][c][0], sum[1][c][0]), fold_8(sum[2][c][0], sum[3][c][0]));
    rung_lanes low = columns == 1 ? fold_2(part[0], part[0]) : fold_2(part[0], part[1]);
    rung_lanes high = columns < 3 ? low : fold_2(part[2], part[columns - 1]);
    *VECTORS(folded) = fold_1(low, high);
}
/* clang-format on */

#elif LANES_WIDTH == 8

LANES_INLINE rung_lanes fold_4(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
}

LANES_INLINE rung_lanes fold_2(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
           __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
}

LANES_INLINE rung_lanes fold_1(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14) +
           __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15);
}

/* folded[2 r + c] = the sum of sum[r][c], for c < columns. */
/* clang-format off */
LANES_INLINE void fold_tile(rung_lanes sum[2][2][2], const int columns, float *folded)
{
    rung_lanes part[2];
    UNROLL for (int c = 0; c < columns; c++)
        part[c] = fold_4(sum[0][c][0] + sum[0][c][1], sum[1][c][0] + sum[1][c][1]);
    rung_lanes both = fold_2(part[0], part[columns - 1]);
    rung_lanes whole = fold_1(both, both);
    folded[0] = whole[0];
    folded[1] = whole[1];
    folded[2] = whole[4];
    folded[3] = whole[5];
}
/* clang-format on */

#else

LANES_INLINE rung_lanes fold_2(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
}

LANES_INLINE rung_lanes fold_1(rung_lanes a, rung_lanes b)
{
    return __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
}

/* folded[2 r + c] = the sum of sum[r][c], for c < columns. */
/* clang-format off */
LANES_INLINE void fold_tile(rung_lanes sum[2][2][4], const int columns, float *folded)
{
    rung_lanes part[2][2];
    UNROLL for (int r = 0; r < 2; r++)
        UNROLL for (int c = 0; c < columns; c++)
            part[r][c] = (sum[r][c][0] + sum[r][c][2]) + (sum[r][c][1] + sum[r][c][3]);
    rung_lanes low = fold_2(part[0][0], part[0][columns - 1]);
    rung_lanes high = fold_2(part[1][0], part[1][columns - 1]);
    *VECTORS(folded) = fold_1(low, high);
}
/* clang-format on */

#endif

/* A tile: weights of `rows` outputs and `columns` inputs, the last column being the bias's where
 * `bias` says so. folded has room for WEIGHTS sums, row by row. */
/* clang-format off */
LANES_INLINE void gradient_tile(const rung_lanes *d, const rung_lanes *a, int in, int out, int64_t blocks,
                                const int rows, const int columns, const bool bias, float *folded)
{
    rung_lanes sum[WEIGHT_ROWS][WEIGHT_COLUMNS][PARTS];
    UNROLL for (int r = 0; r < WEIGHT_ROWS; r++)
        UNROLL for (int c = 0; c < WEIGHT_COLUMNS; c++)
            UNROLL for (int p = 0; p < PARTS; p++)
                sum[r][c][p] = lanes_splat(0);
    for (int64_t k = 0; k < blocks; k++, d += out * PARTS, a += in * PARTS)
        UNROLL for (int p = 0; p < PARTS; p++)
            UNROLL for (int c = 0; c < columns; c++) {
                rung_lanes value = lanes_splat(1);
                if (!bias || c < columns - 1)
                    value = a[c * PARTS + p];
                UNROLL for (int r = 0; r < rows; r++)
                    sum[r][c][p] += d[r * PARTS + p] * value;
            }
    fold_tile(sum, columns, folded);
}
/* clang-format on */

/* The last inputs' weights, fewer than a tile's columns, and the biases. */
/* clang-format off */
LANES_INLINE void gradient_rest(const rung_lanes *d, const rung_lanes *a, float *gw, float *gb, int in,
                                int out, int64_t blocks, const int rows, const int columns)
{
    float folded[WEIGHTS] __attribute__((aligned(RUNG_ALIGN)));
    gradient_tile(d, a, in, out, blocks, rows, columns + 1, true, folded);
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int c = 0; c < columns; c++)
            gw[(int64_t)r * in + c] = folded[r * WEIGHT_COLUMNS + c];
        gb[r] = folded[r * WEIGHT_COLUMNS + columns];
    }
}
/* clang-format on */

/* The weights and biases of `rows` outputs. */
/* clang-format off */
LANES_INLINE void gradient_rows(const rung_lanes *d, const rung_lanes *a, float *gw, float *gb, int in,
                                int out, int64_t blocks, const int rows)
{
    float folded[WEIGHTS] __attribute__((aligned(RUNG_ALIGN)));
    int i = 0;
    for (; i + WEIGHT_COLUMNS <= in; i += WEIGHT_COLUMNS) {
        gradient_tile(d, a + i * PARTS, in, out, blocks, rows, WEIGHT_COLUMNS, false, folded);
        UNROLL for (int r = 0; r < rows; r++)
            memcpy(gw + (int64_t)r * in + i, folded + r * WEIGHT_COLUMNS, WEIGHT_COLUMNS * sizeof(float));
    }
    a += i * PARTS;
    gw += i;
    if (WEIGHT_COLUMNS > 3 && in - i == 3)
        gradient_rest(d, a, gw, gb, in, out, blocks, rows, 3);
    else if (WEIGHT_COLUMNS > 2 && in - i == 2)
        gradient_rest(d, a, gw, gb, in, out, blocks, rows, 2);
    else if (in - i == 1)
        gradient_rest(d, a, gw, gb, in, out, blocks, rows, 1);
    else
        gradient_rest(d, a, gw, gb, in, out, blocks, rows, 0);
}
/* clang-format on */

static void gradient(const float *d, const float *a, float *gw, float *gb, int in, int out, int64_t blocks)
{
    const rung_lanes *delta = IN_VECTORS(d), *value = IN_VECTORS(a);
    int o = 0;
    for (; o + WEIGHT_ROWS <= out; o += WEIGHT_ROWS)
        gradient_rows(delta + o * PARTS, value, gw + (int64_t)o * in, gb + o, in, out, blocks, WEIGHT_ROWS);
    delta += o * PARTS;
    gw += (int64_t)o * in;
    gb += o;
    if (WEIGHT_ROWS > 3 && out - o == 3)
        gradient_rows(delta, value, gw, gb, in, out, blocks, 3);
    else if (WEIGHT_ROWS > 2 && out - o == 2)
        gradient_rows(delta, value, gw, gb, in, out, blocks, 2);
    else if (out - o == 1)
        gradient_rows(delta, value, gw, gb, in, out, blocks, 1);
}
