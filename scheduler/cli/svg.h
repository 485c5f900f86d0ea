/*
 * A plot of lines over two axes as an SVG 1.1 document: readable in any browser, no script, no font of its
 * own, colours that tell apart also without colour sight.
 */
#ifndef RUNG_CLI_SVG_H
#define RUNG_CLI_SVG_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum rung_svg_style { RUNG_SVG_LINE, RUNG_SVG_STEPS, RUNG_SVG_POINTS, RUNG_SVG_DASHES, RUNG_SVG_BAND };

struct rung_svg_series {
    const char *name; /* for the legend; NULL: none */
    enum rung_svg_style style;
    const double *x, *y;
    const double *high; /* BAND: from y to high; else NULL */
    size_t count;       /* points that are not finite break the line */
    size_t colour;      /* series with the same number have the same colour */
};

struct rung_svg_plot {
    const char *title, *x_label, *y_label;
    bool log_x, log_y; /* points not above 0 are left out */
    const struct rung_svg_series *series;
    size_t series_count;
};

/* Writes the file (replacing it when it is whole). RUNG_EUSE "PATH: WHY" when it cannot be made; RUNG_EFAIL:
 * disk full, I/O error. */
int rung_svg_write(const char *path, const struct rung_svg_plot *plot,
                   struct rung_err *err) RUNG_CHECK_RESULT;

#endif
