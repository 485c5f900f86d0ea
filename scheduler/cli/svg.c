/*
 * The drawing: a frame with ticks and grid, the series in it, their names beside it.
 *
 * The colours are those of Okabe and Ito (Color Universal Design, 2008), the yellow left out, which is hard
 * to see on white; series of one style beyond them begin again. Coordinates have two decimals: points that
 * would be drawn on the same spot are drawn once, so that a line of a million points is a small file.
 */
#include "cli/svg.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/svg_axis.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEFT           80.0 /* the frame, in units of the picture */
#define TOP            48.0
#define WIDTH          560.0
#define HEIGHT         380.0
#define BOTTOM         64.0 /* below it */
#define KEY            24.0 /* from the frame to the names beside it */
#define LETTER         7.0  /* about so wide, at 12 */
#define NAME_MAX_WIDTH 36   /* letters of a name that there is always room for */

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#56b4e9", "#e69f00", "#000000"};
#define COLOURS (sizeof colours / sizeof *colours)

struct drawing {
    const struct rung_svg_plot *plot;
    struct rung_svg_axis x, y;
    struct rung_buf out;
    double width; /* of the picture */
};

/* ---- text ---- */

/* Length of the UTF-8 character at c that XML 1.0 may hold, 0 when it is none. */
static size_t character(const unsigned char *c)
{
    size_t length = c[0] < 0x80 ? 1 : c[0] >= 0xc2 && c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
    uint32_t code = length == 1 ? c[0] : c[0] & (0x7fu >> length);

    if (c[0] >= 0x80 && c[0] < 0xc2)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (c[i] & 0x3f);
    }
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    bool none = (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff || code > 0x10ffff;
    return control || overlong || none ? 0 : length;
}

static void escape(struct rung_buf *out, const char *text)
{
    while (*text) {
        size_t length = character((const unsigned char *)text);
        if (length == 0)
            rung_buf_char(out, '?');
        else if (*text == '<')
            rung_buf_text(out, "&lt;");
        else if (*text == '>')
            rung_buf_text(out, "&gt;");
        else if (*text == '&')
            rung_buf_text(out, "&amp;");
        else
            rung_buf_append(out, text, length);
        text += length > 0 ? length : 1;
    }
}

static void put_text(struct drawing *drawing, double x, double y, const char *attributes, const char *text)
{
    rung_buf_printf(&drawing->out, "<text x=\"%.2f\" y=\"%.2f\"%s>", x, y, attributes);
    escape(&drawing->out, text);
    rung_buf_text(&drawing->out, "</text>\n");
}

/* ---- frame ---- */

static double at_x(const struct drawing *drawing, double value)
{
    return LEFT + WIDTH * rung_svg_axis_place(&drawing->x, value);
}

static double at_y(const struct drawing *drawing, double value)
{
    return TOP + HEIGHT * (1 - rung_svg_axis_place(&drawing->y, value));
}

static void draw_ticks(struct drawing *drawing)
{
    struct rung_buf label;

    rung_buf_init(&label, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < drawing->x.tick_count; i++) {
        double x = at_x(drawing, drawing->x.ticks[i]);
        rung_buf_clear(&label);
        rung_svg_axis_label(&label, &drawing->x, drawing->x.ticks[i]);
        rung_buf_printf(&drawing->out, "<path class=\"g\" d=\"M%.2f %.2fV%.2f\"/>\n", x, TOP, TOP + HEIGHT);
        put_text(drawing, x, TOP + HEIGHT + 18, " class=\"m\"", rung_buf_cstr(&label));
    }
    for (size_t i = 0; i < drawing->y.tick_count; i++) {
        double y = at_y(drawing, drawing->y.ticks[i]);
        rung_buf_clear(&label);
        rung_svg_axis_label(&label, &drawing->y, drawing->y.ticks[i]);
        rung_buf_printf(&drawing->out, "<path class=\"g\" d=\"M%.2f %.2fH%.2f\"/>\n", LEFT, y, LEFT + WIDTH);
        put_text(drawing, LEFT - 8, y + 4, " class=\"e\"", rung_buf_cstr(&label));
    }
    rung_buf_free(&label);
}

static void draw_frame(struct drawing *drawing)
{
    const struct rung_svg_plot *plot = drawing->plot;
    char turned[100];

    draw_ticks(drawing);
    rung_buf_printf(&drawing->out,
                    "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"none\" "
                    "stroke=\"#444\"/>\n",
                    LEFT, TOP, WIDTH, HEIGHT);
    if (plot->title)
        put_text(drawing, LEFT + WIDTH / 2, TOP - 18, " class=\"m\" font-size=\"15\"", plot->title);
    if (plot->x_label)
        put_text(drawing, LEFT + WIDTH / 2, TOP + HEIGHT + 46, " class=\"m\"", plot->x_label);
    snprintf(turned, sizeof turned, " class=\"m\" transform=\"rotate(-90 %.2f %.2f)\"", 20.0,
             TOP + HEIGHT / 2);
    if (plot->y_label)
        put_text(drawing, 20, TOP + HEIGHT / 2, turned, plot->y_label);
}

/* ---- series ---- */

static bool shown(const struct drawing *drawing, const struct rung_svg_series *series, size_t i)
{
    return rung_svg_axis_shows(drawing->plot->log_x, series->x[i]) &&
           rung_svg_axis_shows(drawing->plot->log_y, series->y[i]) &&
           (series->style != RUNG_SVG_BAND || rung_svg_axis_shows(drawing->plot->log_y, series->high[i]));
}

/* What was drawn last, in hundredths. */
struct pen {
    bool down;
    long long x, y;
};

static void draw_to(struct drawing *drawing, struct pen *pen, double x, double y, bool step)
{
    long long to_x = llround(x * 100), to_y = llround(y * 100);

    if (pen->down && to_x == pen->x && to_y == pen->y)
        return;
    if (pen->down && step)
        rung_buf_printf(&drawing->out, "H%.2fV%.2f", x, y);
    else
        rung_buf_printf(&drawing->out, "%c%.2f %.2f", pen->down ? 'L' : 'M', x, y);
    *pen = (struct pen){true, to_x, to_y};
}

static void draw_line(struct drawing *drawing, const struct rung_svg_series *series)
{
    struct pen pen = {0};
    const char *dashes = series->style == RUNG_SVG_DASHES ? " stroke-dasharray=\"6 4\"" : "";

    rung_buf_printf(&drawing->out, "<path class=\"l\" stroke=\"%s\"%s d=\"",
                    colours[series->colour % COLOURS], dashes);
    for (size_t i = 0; i < series->count; i++)
        if (shown(drawing, series, i))
            draw_to(drawing, &pen, at_x(drawing, series->x[i]), at_y(drawing, series->y[i]),
                    series->style == RUNG_SVG_STEPS);
        else
            pen.down = false;
    rung_buf_text(&drawing->out, "\"/>\n");
}

static void draw_points(struct drawing *drawing, const struct rung_svg_series *series)
{
    struct pen pen = {0};

    rung_buf_printf(&drawing->out, "<g fill=\"%s\">\n", colours[series->colour % COLOURS]);
    for (size_t i = 0; i < series->count; i++) {
        if (!shown(drawing, series, i))
            continue;
        double x = at_x(drawing, series->x[i]), y = at_y(drawing, series->y[i]);
        if (pen.down && llround(x * 100) == pen.x && llround(y * 100) == pen.y)
            continue;
        pen = (struct pen){true, llround(x * 100), llround(y * 100)};
        rung_buf_printf(&drawing->out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"3\"/>\n", x, y);
    }
    rung_buf_text(&drawing->out, "</g>\n");
}

/* Along the lower edge, and back along the higher one. */
static void draw_band(struct drawing *drawing, const struct rung_svg_series *series)
{
    rung_buf_printf(&drawing->out, "<path fill=\"%s\" fill-opacity=\"0.2\" stroke=\"none\" d=\"",
                    colours[series->colour % COLOURS]);
    for (size_t first = 0, end; first < series->count; first = end + 1) {
        struct pen pen = {0};
        for (end = first; end < series->count && shown(drawing, series, end); end++)
            draw_to(drawing, &pen, at_x(drawing, series->x[end]), at_y(drawing, series->y[end]), false);
        for (size_t i = end; i-- > first;)
            draw_to(drawing, &pen, at_x(drawing, series->x[i]), at_y(drawing, series->high[i]), false);
        if (end > first)
            rung_buf_char(&drawing->out, 'Z');
    }
    rung_buf_text(&drawing->out, "\"/>\n");
}

static void draw_series(struct drawing *drawing, const struct rung_svg_series *series)
{
    if (series->style == RUNG_SVG_BAND)
        draw_band(drawing, series);
    else if (series->style == RUNG_SVG_POINTS)
        draw_points(drawing, series);
    else
        draw_line(drawing, series);
}

/* ---- names ---- */

static void draw_key(struct drawing *drawing)
{
    double x = LEFT + WIDTH + KEY, y = TOP + 12;

    for (size_t i = 0; i < drawing->plot->series_count; i++) {
        const struct rung_svg_series *series = &drawing->plot->series[i];
        const char *colour = colours[series->colour % COLOURS];
        if (!series->name)
            continue;
        if (series->style == RUNG_SVG_POINTS)
            rung_buf_printf(&drawing->out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"3\" fill=\"%s\"/>\n", x + 12,
                            y - 4, colour);
        else if (series->style == RUNG_SVG_BAND)
            rung_buf_printf(&drawing->out,
                            "<rect x=\"%.2f\" y=\"%.2f\" width=\"24\" height=\"8\" fill=\"%s\" "
                            "fill-opacity=\"0.2\"/>\n",
                            x, y - 8, colour);
        else
            rung_buf_printf(&drawing->out, "<path class=\"l\" stroke=\"%s\"%s d=\"M%.2f %.2fH%.2f\"/>\n",
                            colour, series->style == RUNG_SVG_DASHES ? " stroke-dasharray=\"6 4\"" : "", x,
                            y - 4, x + 24);
        put_text(drawing, x + 32, y, "", series->name);
        y += 18;
    }
}

static double picture_width(const struct rung_svg_plot *plot)
{
    size_t longest = 0;

    for (size_t i = 0; i < plot->series_count; i++)
        if (plot->series[i].name && strlen(plot->series[i].name) > longest)
            longest = strlen(plot->series[i].name);
    if (longest == 0)
        return LEFT + WIDTH + KEY;
    return LEFT + WIDTH + KEY + 32 + LETTER * (double)(longest < NAME_MAX_WIDTH ? longest : NAME_MAX_WIDTH) +
           8;
}

static double picture_height(const struct rung_svg_plot *plot)
{
    double names = 0;

    for (size_t i = 0; i < plot->series_count; i++)
        names += plot->series[i].name ? 18 : 0;
    return TOP + fmax(HEIGHT + BOTTOM, names + 24);
}

/* ---- the whole ---- */

static void make_axes(struct drawing *drawing)
{
    const struct rung_svg_plot *plot = drawing->plot;
    double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;

    for (size_t s = 0; s < plot->series_count; s++) {
        const struct rung_svg_series *series = &plot->series[s];
        for (size_t i = 0; i < series->count; i++) {
            if (!shown(drawing, series, i))
                continue;
            double top = series->style == RUNG_SVG_BAND ? series->high[i] : series->y[i];
            low_x = fmin(low_x, series->x[i]);
            high_x = fmax(high_x, series->x[i]);
            low_y = fmin(low_y, fmin(series->y[i], top));
            high_y = fmax(high_y, fmax(series->y[i], top));
        }
    }
    rung_svg_axis_make(&drawing->x, plot->log_x, low_x, high_x, 0.02);
    rung_svg_axis_make(&drawing->y, plot->log_y, low_y, high_y, 0.05);
}

static void draw(struct drawing *drawing)
{
    double height = picture_height(drawing->plot);

    make_axes(drawing);
    rung_buf_printf(&drawing->out,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" "
                    "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" "
                    "font-size=\"12\" fill=\"#222\">\n"
                    "<style>.g{stroke:#ddd}.l{fill:none;stroke-width:1.6;stroke-linejoin:round}"
                    ".m{text-anchor:middle}.e{text-anchor:end}</style>\n"
                    "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                    drawing->width, height, drawing->width, height);
    draw_frame(drawing);
    for (size_t i = 0; i < drawing->plot->series_count; i++)
        draw_series(drawing, &drawing->plot->series[i]);
    draw_key(drawing);
    rung_buf_text(&drawing->out, "</svg>\n");
}

/* ---- the file ---- */

static int failed(const char *path, int code, const char *verb, struct rung_err *err)
{
    return rung_err_set(err, code, "%s: %s: %s", path, verb, strerror(errno));
}

static int write_to(FILE *file, const struct rung_buf *text, const char *path, struct rung_err *err)
{
    bool whole = fwrite(text->data, 1, text->length, file) == text->length;
    int reason = whole ? 0 : errno;

    if (fclose(file) == 0 && whole)
        return 0;
    errno = reason ? reason : errno;
    return failed(path, RUNG_EFAIL, "cannot be written", err);
}

/* A file that is there keeps its content until the new one is whole; what is no file (a pipe, a device) is
 * written to as it is. */
static int write_file(const char *path, const struct rung_buf *text, struct rung_err *err)
{
    struct stat info;
    char *real = realpath(path, NULL);
    bool direct = !*path || (real && stat(real, &info) == 0 && !S_ISREG(info.st_mode));
    char *target = real ? real : rung_mem_strdup(path);
    char *part = direct ? rung_mem_strdup(target) : rung_mem_printf("%s.part-%ld", target, (long)getpid());
    FILE *file = fopen(part, "wb");
    int code = file ? write_to(file, text, path, err)
                    : failed(*path ? path : "\"\"", RUNG_EUSE, "cannot be made", err);

    if (code == 0 && !direct && rename(part, target) != 0)
        code = failed(path, RUNG_EFAIL, "cannot be written", err);
    if (code < 0 && file && !direct)
        unlink(part);
    free(part);
    free(target);
    return code;
}

int rung_svg_write(const char *path, const struct rung_svg_plot *plot, struct rung_err *err)
{
    struct drawing drawing = {.plot = plot, .width = picture_width(plot)};

    rung_buf_init(&drawing.out, RUNG_BUF_UNLIMITED);
    draw(&drawing);
    int code = write_file(path, &drawing.out, err);
    rung_buf_free(&drawing.out);
    return code;
}
