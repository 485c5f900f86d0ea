/* One axis of a plot: its range, its ticks at round numbers, and where a value lies on it. */
#ifndef RUNG_CLI_SVG_AXIS_H
#define RUNG_CLI_SVG_AXIS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define RUNG_SVG_TICKS_MAX 16

struct rung_svg_axis {
    bool log;
    double low, high; /* of what is shown; log: as logarithms to base 10 */
    double ticks[RUNG_SVG_TICKS_MAX];
    size_t tick_count;
    double step; /* between ticks; 0 where they are not evenly spaced (log) */
};

/* Whether an axis of that kind can show a value: finite, of a size that can be drawn, above 0 where log. */
bool rung_svg_axis_shows(bool log, double value);

/* From the least and the largest value that it must show (low > high: there is none). margin: share of the
 * range that is added at both ends. */
void rung_svg_axis_make(struct rung_svg_axis *axis, bool log, double low, double high, double margin);

/* 0 at the low end, 1 at the high one. */
double rung_svg_axis_place(const struct rung_svg_axis *axis, double value);

/* A tick as text, with as many digits as the ticks differ by. */
void rung_svg_axis_label(struct rung_buf *out, const struct rung_svg_axis *axis, double tick);

#endif
