/*
 * Logarithm and exponential, reduced to a short interval and summed as series (Horner). Both are
 * within 2 units in the last place of the true value.
 */
#include "core/elementary.h"

#include <float.h>
#include <math.h>

/* ln 2 in two parts; the first has 32 bits, so that its product with an exponent is exact. */
#define LN2_HIGH  0x1.62e42feep-1
#define LN2_LOW   0x1.a39ef35793c76p-33
#define SQRT_HALF 0x1.6a09e667f3bcdp-1

double rung_elementary_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    if (m < SQRT_HALF) {
        m *= 2;
        exponent--;
    }
    /* ln m = 2 artanh s = 2 (s + s³/3 + s⁵/5 + …), |s| <= 0.172 */
    double f = m - 1, s = f / (2 + f), z = s * s, sum = 0;
    for (int k = 23; k >= 3; k -= 2)
        sum = sum * z + 2.0 / k;
    /* 2 s = f - s f: the rounding of s stays out of the leading term */
    double tail = s * (z * sum - f) + exponent * LN2_LOW;
    return exponent * LN2_HIGH + (f + tail);
}

double rung_elementary_exp(double x)
{
    if (x >= 709.78)
        return DBL_MAX;
    if (x <= -708.39)
        return DBL_MIN;
    double k = floor(x * (1 / 0x1.62e42fefa39efp-1) + 0.5);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW, sum = 1;
    for (int n = 14; n >= 2; n--)
        sum = 1 + sum * r / n;
    /* r sum is added last, where its rounding weighs least */
    return ldexp(1 + r * sum, (int)k);
}
