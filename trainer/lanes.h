/*
 * Several floats at a time, and exp, log and their kin on them.
 *
 * The vectors are GCC's, LANES_WIDTH floats wide: as many as one register of the target holds. No
 * step here or in the kernels is fused or reordered, so that every width gives the same bits.
 * Polynomials and range reductions are those of Cephes' single-precision functions (Moshier 1992),
 * good to about two units in the last place. NaN goes through all of them.
 */
#ifndef RUNG_TRAINER_LANES_H
#define RUNG_TRAINER_LANES_H

#include <stdint.h>

#ifndef LANES_WIDTH
#define LANES_WIDTH 4
#endif

typedef float rung_lanes __attribute__((vector_size(4 * LANES_WIDTH), aligned(16), may_alias));
typedef int32_t rung_masks __attribute__((vector_size(4 * LANES_WIDTH), aligned(16), may_alias));

#define LANES_INLINE static inline __attribute__((always_inline, unused))

LANES_INLINE rung_lanes lanes_splat(float x)
{
    return x - (rung_lanes){0};
}

/* yes where the mask is set, no elsewhere. */
LANES_INLINE rung_lanes lanes_pick(rung_masks mask, rung_lanes yes, rung_lanes no)
{
    return (rung_lanes)((mask & (rung_masks)yes) | (~mask & (rung_masks)no));
}

/* a where it is larger, else b; b also where either is NaN. */
LANES_INLINE rung_lanes lanes_max(rung_lanes a, rung_lanes b)
{
    return lanes_pick(a > b, a, b);
}

LANES_INLINE rung_lanes lanes_min(rung_lanes a, rung_lanes b)
{
    return lanes_pick(a < b, a, b);
}

LANES_INLINE rung_lanes lanes_abs(rung_lanes x)
{
    return (rung_lanes)((rung_masks)x & 0x7fffffff);
}

/* exp(x) = *power * (1 + result), *power a power of two, |result| < 0.42. x is held within
 * [-87.33, 88.37], where the power is a normal number. */
LANES_INLINE rung_lanes lanes_exp_parts(rung_lanes x, rung_lanes *power)
{
    const rung_lanes round = lanes_splat(12582912.0F); /* 1.5 * 2^23: adding it rounds to whole */
    x = lanes_max(lanes_splat(-87.33F), lanes_min(lanes_splat(88.37F), x));
    rung_lanes shifted = x * 1.44269504088896341F + round;
    rung_lanes n = shifted - round;
    *power = (rung_lanes)(((rung_masks)shifted - (rung_masks)round + 127) << 23);
    rung_lanes r = x - n * 0.693359375F - n * -2.12194440e-4F;
    rung_lanes p = r * 1.9875691500e-4F + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    return p * (r * r) + r;
}

LANES_INLINE rung_lanes lanes_exp(rung_lanes x)
{
    rung_lanes power, part = lanes_exp_parts(x, &power);
    return (part + 1.0F) * power;
}

/* exp(x) - 1 without cancellation near 0. */
LANES_INLINE rung_lanes lanes_expm1(rung_lanes x)
{
    rung_lanes power, part = lanes_exp_parts(x, &power);
    return part * power + (power - 1.0F);
}

/* Natural logarithm of normal, finite, positive x. Infinity gives NaN. */
LANES_INLINE rung_lanes lanes_log(rung_lanes x)
{
    rung_masks bits = (rung_masks)x;
    rung_masks exponent = ((bits >> 23) & 0xff) - 126;
    rung_lanes m = (rung_lanes)((bits & 0x007fffff) | 0x3f000000); /* in [0.5, 1) */
    rung_masks low = m < 0.707106781186547524F;
    rung_lanes e = __builtin_convertvector(exponent + low, rung_lanes);
    m = m - 1.0F + (rung_lanes)(low & (rung_masks)m);
    rung_lanes z = m * m;
    rung_lanes y = m * 7.0376836292e-2F - 1.1514610310e-1F;
    y = y * m + 1.1676998740e-1F;
    y = y * m - 1.2420140846e-1F;
    y = y * m + 1.4249322787e-1F;
    y = y * m - 1.6668057665e-1F;
    y = y * m + 2.0000714765e-1F;
    y = y * m - 2.4999993993e-1F;
    y = y * m + 3.3333331174e-1F;
    y = y * m * z + e * -2.12194440e-4F - 0.5F * z;
    return m + y + e * 0.693359375F + (x - x);
}

LANES_INLINE rung_lanes lanes_logistic(rung_lanes x)
{
    return 1.0F / (1.0F + lanes_exp(-x));
}

LANES_INLINE rung_lanes lanes_tanh(rung_lanes x)
{
    rung_lanes size = lanes_abs(x), z = x * x;
    rung_lanes p = z * -5.70498872745e-3F + 2.06390887954e-2F;
    p = p * z - 5.37397155531e-2F;
    p = p * z + 1.33314422036e-1F;
    p = p * z - 3.33332819422e-1F;
    rung_lanes near = p * z * x + x;
    rung_lanes far = 1.0F - 2.0F / (lanes_exp(size + size) + 1.0F);
    far = (rung_lanes)((rung_masks)far | ((rung_masks)x & INT32_MIN));
    return lanes_pick(size < 0.625F, near, far);
}

#endif
