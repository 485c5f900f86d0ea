/* Points made ready for fitting: few enough, without glitches; and smoothed, to be shown. */
#include "cost/curve_parts.h"

#include <math.h>
#include <string.h>

#define GLITCH 6.0 /* times the median deviation from the median of five neighbours */
#define AROUND 2   /* neighbours on each side */
#define SMOOTH                                                                                               \
    20 /* a smoothed value is the mean over count / SMOOTH points on each side, fewer near the ends */

size_t rung_curve_thin(double *at, double *value, size_t count)
{
    if (count <= RUNG_CURVE_POINTS)
        return count;
    double last = at[count - 1];
    for (size_t block = 0; block < RUNG_CURVE_POINTS; block++) {
        size_t from = block * count / RUNG_CURVE_POINTS, to = (block + 1) * count / RUNG_CURVE_POINTS;
        double calls = 0, sum = 0;
        for (size_t i = from; i < to; i++) {
            calls += at[i] / (double)(to - from);
            sum += value[i] / (double)(to - from);
        }
        at[block] = calls;
        value[block] = sum;
    }
    at[RUNG_CURVE_POINTS - 1] = last;
    return RUNG_CURVE_POINTS;
}

/* Sorts and returns the middle one. */
static double middle(double *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        double value = values[i];
        size_t j = i;
        for (; j > 0 && values[j - 1] > value; j--)
            values[j] = values[j - 1];
        values[j] = value;
    }
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void rung_curve_clean(double *value, size_t count)
{
    double medians[RUNG_CURVE_POINTS], off[RUNG_CURVE_POINTS], sorted[RUNG_CURVE_POINTS];
    double near[2 * AROUND + 1];

    if (count < 2 * AROUND + 2)
        return;
    for (size_t i = AROUND; i < count - AROUND; i++) {
        memcpy(near, value + i - AROUND, sizeof near);
        medians[i] = middle(near, 2 * AROUND + 1);
        off[i] = fabs(value[i] - medians[i]);
    }
    memcpy(sorted, off + AROUND, (count - 2 * AROUND) * sizeof *sorted);
    double usual = middle(sorted, count - 2 * AROUND);
    for (size_t i = AROUND; i < count - AROUND; i++)
        if (off[i] > GLITCH * usual)
            value[i] = medians[i];
}

/* A parabola through the points on both sides, by least squares (Savitzky and Golay, 1964): a mean would
 * flatten the bend of a curve. */
void rung_curve_smooth(double *out, const double *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t reach = count / SMOOTH, end = count - 1 - i;
        double sum = 0;
        reach = reach < i ? reach : i;
        reach = reach < end ? reach : end;
        double m = (double)reach, all = (2 * m - 1) * (2 * m + 1) * (2 * m + 3) / 3;
        for (size_t j = i - reach; j <= i + reach; j++) {
            double d = (double)j - (double)i;
            sum += (3 * m * m + 3 * m - 1 - 5 * d * d) / all * value[j];
        }
        out[i] = sum;
    }
}
