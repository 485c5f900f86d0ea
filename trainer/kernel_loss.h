/*
 * Part of kernel_body.h: activations over whole matrices, losses, and the ways into and out of
 * blocks.
 */

static void activate(float *z, int64_t count, enum rung_activation activation)
{
    rung_lanes *at = VECTORS(z), *end = VECTORS(z + count);
    switch (activation) {
    case RUNG_ACT_LOGISTIC:
        for (; at < end; at++)
            *at = lanes_logistic(*at);
        break;
    case RUNG_ACT_TANH:
        for (; at < end; at++)
            *at = lanes_tanh(*at);
        break;
    case RUNG_ACT_RELU:
        for (; at < end; at++)
            *at = bend(*at, RUNG_ACT_RELU);
        break;
    case RUNG_ACT_LEAKY_RELU:
        for (; at < end; at++)
            *at = bend(*at, RUNG_ACT_LEAKY_RELU);
        break;
    case RUNG_ACT_ELU:
        for (; at < end; at++)
            *at = lanes_pick(*at > 0.0F, *at, lanes_expm1(*at));
        break;
    default:
        break;
    }
}

static void derive(const float *a, float *d, int64_t count, enum rung_activation activation)
{
    const rung_lanes *from = IN_VECTORS(a);
    rung_lanes *at = VECTORS(d);
    for (int64_t i = 0; i < count / LANES_WIDTH; i++)
        at[i] = slope(from[i], at[i], activation);
}

static void prelu(const float *z, float *a, int64_t count, float below)
{
    const rung_lanes *from = IN_VECTORS(z);
    rung_lanes *to = VECTORS(a);
    for (int64_t i = 0; i < count / LANES_WIDTH; i++)
        to[i] = lanes_pick(from[i] < 0.0F, from[i] * below, from[i]);
}

/* Sums in double, one for each place of a block, folded at the end as weights' gradients are. */
struct places {
    double sum[RUNG_BLOCK];
};

LANES_INLINE void places_add(struct places *places, int64_t part, rung_lanes x)
{
    double *sum = places->sum + part % PARTS * LANES_WIDTH;
    for (int i = 0; i < LANES_WIDTH; i++)
        sum[i] += (double)x[i];
}

static double places_fold(struct places *places)
{
    for (int half = RUNG_BLOCK / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            places->sum[i] += places->sum[i + half];
    return places->sum[0];
}

static double prelu_derive(const float *z, float *d, int64_t count, float below)
{
    const rung_lanes *from = IN_VECTORS(z);
    rung_lanes *at = VECTORS(d);
    struct places total = {{0}};
    for (int64_t i = 0; i < count / LANES_WIDTH; i++) {
        rung_masks under = from[i] < 0.0F;
        places_add(&total, i, (rung_lanes)(under & (rung_masks)(at[i] * from[i])));
        at[i] = lanes_pick(under, at[i] * below, at[i]);
    }
    return places_fold(&total);
}

/* Set in the lanes of vector v of examples that hold one of count examples. */
LANES_INLINE rung_masks filled(int64_t v, int64_t count)
{
#if LANES_WIDTH == 16
    const rung_masks lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif LANES_WIDTH == 8
    const rung_masks lane = {0, 1, 2, 3, 4, 5, 6, 7};
#else
    const rung_masks lane = {0, 1, 2, 3};
#endif
    int64_t left = count - v * LANES_WIDTH;
    return lane < (int32_t)(left < 0 ? 0 : left < LANES_WIDTH ? left : LANES_WIDTH);
}

/* Vectors of examples in the blocks of count examples. */
LANES_INLINE int64_t vectors(int64_t count)
{
    return (count + RUNG_BLOCK - 1) / RUNG_BLOCK * PARTS;
}

LANES_INLINE rung_lanes keep(rung_masks mask, rung_lanes x)
{
    return (rung_lanes)(mask & (rung_masks)x);
}

/* The softmax loss of one vector of examples, whose outputs lie PARTS vectors apart; they become the
 * gradient. All are shifted by the largest, so that exp cannot overflow. */
LANES_INLINE rung_lanes softmax_vector(rung_lanes *z, rung_masks label, int outputs, rung_masks mask,
                                       float scale)
{
    rung_lanes largest = z[0], sum = lanes_splat(0), own = lanes_splat(0);
    for (int o = 1; o < outputs; o++)
        largest = lanes_max(z[o * PARTS], largest);
    for (int o = 0; o < outputs; o++) {
        rung_lanes shifted = z[o * PARTS] - largest, power = lanes_exp(shifted);
        own += keep(label == o, shifted);
        sum += power;
        z[o * PARTS] = power;
    }
    rung_lanes factor = scale / sum;
    for (int o = 0; o < outputs; o++)
        z[o * PARTS] = keep(mask, z[o * PARTS] * factor - keep(label == o, lanes_splat(scale)));
    return keep(mask, lanes_log(sum) - own);
}

static double softmax(float *z, const int32_t *label, int outputs, int64_t count, float scale)
{
    const rung_masks *labels = (const void *)label;
    struct places total = {{0}};
    for (int64_t v = 0; v < vectors(count); v++)
        places_add(
            &total, v,
            softmax_vector(VECTORS(z) + AT(v, 0, outputs), labels[v], outputs, filled(v, count), scale));
    return places_fold(&total);
}

static double logistic(float *z, const int32_t *label, int64_t count, float scale)
{
    rung_lanes *at = VECTORS(z);
    const rung_masks *labels = (const void *)label;
    struct places total = {{0}};
    for (int64_t v = 0; v < vectors(count); v++) {
        rung_lanes y = keep(labels[v] != 0, lanes_splat(1)), x = at[v];
        rung_lanes loss = lanes_max(lanes_splat(0), x) - x * y + lanes_log(1.0F + lanes_exp(-lanes_abs(x)));
        places_add(&total, v, keep(filled(v, count), loss));
        at[v] = keep(filled(v, count), (lanes_logistic(x) - y) * scale);
    }
    return places_fold(&total);
}

static double squared(float *z, const float *y, int outputs, int64_t count, bool squash, float scale)
{
    struct places total = {{0}};
    for (int64_t v = 0; v < vectors(count); v++) {
        rung_lanes *at = VECTORS(z) + AT(v, 0, outputs);
        const rung_lanes *target = IN_VECTORS(y) + AT(v, 0, outputs);
        rung_masks mask = filled(v, count);
        for (int o = 0; o < outputs; o++) {
            rung_lanes p = squash ? lanes_logistic(at[o * PARTS]) : at[o * PARTS];
            rung_lanes error = keep(mask, p - target[o * PARTS]), change = error * scale;
            places_add(&total, v, error * error);
            at[o * PARTS] = squash ? change * (p * (1.0F - p)) : change * 1.0F;
        }
    }
    return places_fold(&total);
}

static int64_t correct(const float *z, const int32_t *label, int outputs, int64_t count)
{
    const rung_masks *labels = (const void *)label;
    rung_masks hits = {0};
    for (int64_t v = 0; v < vectors(count); v++) {
        const rung_lanes *at = IN_VECTORS(z) + AT(v, 0, outputs);
        rung_lanes best = *at;
        rung_masks guess = (best > 0.0F) & (outputs == 1);
        for (int o = 1; o < outputs; o++) {
            rung_masks better = at[o * PARTS] > best;
            guess = (better & o) | (~better & guess);
            best = lanes_pick(better, at[o * PARTS], best);
        }
        hits -= (guess == labels[v]) & filled(v, count);
    }
    int64_t total = 0;
    for (int i = 0; i < LANES_WIDTH; i++)
        total += hits[i];
    return total;
}

static void gather(const float *x, int64_t stride, const uint32_t *rows, int values, int64_t count,
                   float *blocks)
{
    for (int64_t first = 0; first < count; first += RUNG_BLOCK, blocks += (int64_t)RUNG_BLOCK * values) {
        int lanes = count - first < RUNG_BLOCK ? (int)(count - first) : RUNG_BLOCK;
        if (lanes < RUNG_BLOCK)
            memset(blocks, 0, sizeof(float) * RUNG_BLOCK * (size_t)values);
        for (int lane = 0; lane < lanes; lane++) {
            const float *row = x + (rows ? (int64_t)rows[first + lane] : first + lane) * stride;
            for (int i = 0; i < values; i++)
                blocks[i * RUNG_BLOCK + lane] = row[i];
        }
    }
}

static void scatter(const float *blocks, int values, int64_t count, float *x, int64_t stride)
{
    for (int64_t r = 0; r < count; r++) {
        const float *column = blocks + r / RUNG_BLOCK * RUNG_BLOCK * values + r % RUNG_BLOCK;
        for (int i = 0; i < values; i++)
            x[r * stride + i] = column[i * RUNG_BLOCK];
    }
}

static void add_rows(const float *x, int64_t stride, int64_t count, int values, float *sum)
{
    for (int64_t r = 0; r < count; r++, x += stride)
        for (int i = 0; i < values; i += LANES_WIDTH)
            *VECTORS(sum + i) += *IN_VECTORS(x + i);
}

static void add_to_rows(float *x, int64_t stride, int64_t count, int values, const float *b)
{
    for (int64_t r = 0; r < count; r++, x += stride)
        for (int i = 0; i < values; i += LANES_WIDTH)
            *VECTORS(x + i) += *IN_VECTORS(b + i);
}
