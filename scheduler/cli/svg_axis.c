/*
 * Ticks at 1, 2 or 5 times a power of ten (Heckbert, "Nice Numbers for Graph Labels", Graphics Gems, 1990);
 * on a logarithmic axis at powers of ten, or between them where it spans few.
 */
#include "cli/svg_axis.h"

#include <math.h>

#define LARGEST 1e300 /* beyond, ranges overflow */
#define TICKS   6     /* about so many */

bool rung_svg_axis_shows(bool log, double value)
{
    return fabs(value) <= LARGEST && (!log || value > 0);
}

/* The round number nearest to a rough step. */
static double round_step(double rough)
{
    double power = pow(10, floor(log10(rough)));
    double share = rough / power;

    return power * (share < 1.5 ? 1 : share < 3 ? 2 : share < 7 ? 5 : 10);
}

static void add_tick(struct rung_svg_axis *axis, double tick, double place)
{
    double slack = (axis->high - axis->low) * 1e-9;

    if (axis->tick_count < RUNG_SVG_TICKS_MAX && place >= axis->low - slack && place <= axis->high + slack)
        axis->ticks[axis->tick_count++] = tick;
}

static void linear_ticks(struct rung_svg_axis *axis)
{
    axis->step = round_step((axis->high - axis->low) / TICKS);
    double first = ceil(axis->low / axis->step - 1e-9);

    for (int i = 0; i < RUNG_SVG_TICKS_MAX; i++) {
        double tick = (first + i) * axis->step;
        add_tick(axis, fabs(tick) < axis->step * 1e-6 ? 0 : tick, tick);
    }
}

/* Every so many powers of ten, with 2 and 5 times them between where there is room. */
static void log_ticks(struct rung_svg_axis *axis)
{
    static const double between[] = {1, 2, 5};
    double span = axis->high - axis->low, every = fmax(1, ceil(span / TICKS));
    int parts = span < 3 ? 3 : 1;

    for (double power = floor(axis->low / every) * every; power <= axis->high; power += every)
        for (int i = 0; i < parts; i++)
            add_tick(axis, between[i] * pow(10, power), power + log10(between[i]));
}

/* On a short piece of a logarithmic axis powers of ten are too far apart: ticks as on a linear one. */
static void short_log_ticks(struct rung_svg_axis *axis)
{
    double low = pow(10, axis->low), high = pow(10, axis->high);

    axis->tick_count = 0;
    axis->step = round_step((high - low) / TICKS);
    double first = ceil(low / axis->step - 1e-9);
    for (int i = 0; i < RUNG_SVG_TICKS_MAX; i++)
        add_tick(axis, (first + i) * axis->step, log10((first + i) * axis->step));
}

void rung_svg_axis_make(struct rung_svg_axis *axis, bool log, double low, double high, double margin)
{
    *axis = (struct rung_svg_axis){.log = log};
    if (low > high) {
        low = log ? 1 : 0;
        high = log ? 10 : 1;
    }
    axis->low = log ? log10(low) : low;
    axis->high = log ? log10(high) : high;
    double size = fmax(fabs(axis->low), fabs(axis->high)), span = axis->high - axis->low;
    if (span <= size * 1e-9 || span <= 0) { /* one value: some room around it */
        double room = log ? 0.5 : size > 0 ? size * 0.1 : 1;
        axis->low -= room;
        axis->high += room;
    } else {
        axis->low -= span * margin;
        axis->high += span * margin;
    }
    if (!log)
        linear_ticks(axis);
    else
        log_ticks(axis);
    if (log && axis->tick_count < 2)
        short_log_ticks(axis);
}

double rung_svg_axis_place(const struct rung_svg_axis *axis, double value)
{
    return ((axis->log ? log10(value) : value) - axis->low) / (axis->high - axis->low);
}

void rung_svg_axis_label(struct rung_buf *out, const struct rung_svg_axis *axis, double tick)
{
    double size = fabs(tick);
    int decimals = axis->step > 0 ? (int)fmax(0, -floor(log10(axis->step) + 1e-9)) : 0;

    if (axis->step > 0 && decimals <= 6 && size < 1e7)
        rung_buf_printf(out, "%.*f", decimals, tick);
    else if (axis->step > 0 && size > 0) /* digits down to the step, in powers of ten */
        rung_buf_printf(out, "%.*g",
                        (int)fmin(15, fmax(1, 1 + floor(log10(size)) - floor(log10(axis->step) + 1e-9))),
                        tick);
    else
        rung_buf_printf(out, "%g", tick);
}
