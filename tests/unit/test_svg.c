/*
 * Plots: round ticks, lines that NaN breaks, text that cannot break out, files that are whole or not there.
 * Every picture that is drawn here is checked to be well-formed.
 */
#include "cli/svg.h"
#include "cli/svg_axis.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[200], path[300];

static int setup(void **state)
{
    (void)state;
    const char *top = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rung-svg-XXXXXX", top && strlen(top) < 150 ? top : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/plot.svg", folder);
    return 0;
}

static int teardown(void **state)
{
    char command[500];
    (void)state;
    snprintf(command, sizeof command, "chmod -R u+rwX '%s'; rm -rf '%s'", folder, folder);
    return system(command);
}

static char *contents(const char *name)
{
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    rewind(file);
    char *text = rung_mem_zalloc((size_t)length + 1, 1);
    assert_int_equal(fread(text, 1, (size_t)length, file), length);
    fclose(file);
    return text;
}

/* Elements nest, attributes are quoted, no ampersand stands alone. */
static void well_formed(const char *text)
{
    const char *open[32];
    size_t depth = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '&' && strncmp(c, "&lt;", 4) != 0 && strncmp(c, "&gt;", 4) != 0 &&
            strncmp(c, "&amp;", 5) != 0)
            fail_msg("a bare &: %.40s", c);
        if (*c != '<')
            continue;
        const char *end = strchr(c, '>');
        assert_non_null(end);
        size_t quotes = 0;
        for (const char *q = c; q < end; q++)
            quotes += *q == '"';
        assert_int_equal(quotes % 2, 0);
        if (c[1] == '?') {
            continue;
        } else if (c[1] == '/') {
            assert_true(depth > 0);
            size_t length = (size_t)(end - c) - 2;
            assert_memory_equal(open[--depth], c + 2, length);
        } else if (end[-1] != '/') {
            assert_true(depth < 32);
            open[depth++] = c + 1;
        }
        c = end;
    }
    assert_int_equal(depth, 0);
    if (strstr(text, "nan") || strstr(text, "inf") || strstr(text, "-0.00"))
        fail_msg("a coordinate that is none: %s", text);
}

static char *plotted(const struct rung_svg_plot *plot)
{
    struct rung_err err = {0};
    if (rung_svg_write(path, plot, &err) != 0)
        fail_msg("%s", err.text);
    char *text = contents(path);
    well_formed(text);
    return text;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *c = text; (c = strstr(c, what)); c += strlen(what))
        count++;
    return count;
}

/* The d of the path that draws the i-th series (their paths have a class of their own). */
static char *line(const char *text, size_t i)
{
    const char *c = text;
    for (size_t n = 0; n <= i; n++) {
        c = strstr(c, "<path class=\"l\"");
        assert_non_null(c);
        c++;
    }
    c = strstr(c, " d=\"") + 4;
    return rung_mem_strndup(c, strcspn(c, "\""));
}

static const double ups[] = {0, 1, 2, 3, 4}, downs[] = {8, 4, 2, 1, 0.5};

static struct rung_svg_plot one_series(struct rung_svg_series *series, enum rung_svg_style style,
                                       const double *x, const double *y, size_t count)
{
    *series = (struct rung_svg_series){.name = "one", .style = style, .x = x, .y = y, .count = count};
    return (struct rung_svg_plot){"a title", "across", "upwards", false, false, series, 1};
}

/* ---- axes ---- */

static void ticks_are(bool log, double low, double high, const char *expected)
{
    struct rung_svg_axis axis;
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_svg_axis_make(&axis, log, low, high, 0);
    for (size_t i = 0; i < axis.tick_count; i++) {
        rung_svg_axis_label(&out, &axis, axis.ticks[i]);
        rung_buf_char(&out, ' ');
        double place = rung_svg_axis_place(&axis, axis.ticks[i]);
        assert_true(place > -1e-6 && place < 1 + 1e-6);
    }
    assert_string_equal(rung_buf_cstr(&out), expected);
    rung_buf_free(&out);
}

static void ticks_are_round(void **state)
{
    (void)state;
    ticks_are(false, 0, 711, "0 100 200 300 400 500 600 700 ");
    ticks_are(false, 0, 1, "0.0 0.2 0.4 0.6 0.8 1.0 ");
    ticks_are(false, -0.03, 0.05, "-0.03 -0.02 -0.01 0.00 0.01 0.02 0.03 0.04 0.05 ");
    ticks_are(false, 0.90, 0.921, "0.900 0.905 0.910 0.915 0.920 ");
    ticks_are(false, 0, 0.124, "0.00 0.02 0.04 0.06 0.08 0.10 0.12 ");
    ticks_are(false, 0, 3e9, "0 5e+08 1e+09 1.5e+09 2e+09 2.5e+09 3e+09 ");
    ticks_are(false, 1e-9, 5e-9, "1e-09 1.5e-09 2e-09 2.5e-09 3e-09 3.5e-09 4e-09 4.5e-09 5e-09 ");
    ticks_are(false, 12345678, 12345682,
              "12345678 12345678.5 12345679 12345679.5 12345680 12345680.5 12345681 12345681.5 12345682 ");
    ticks_are(false, 7, 7, "6.4 6.6 6.8 7.0 7.2 7.4 7.6 ");
    ticks_are(false, 0, 0, "-1.0 -0.5 0.0 0.5 1.0 ");
    ticks_are(true, 1, 1000, "1 10 100 1000 ");
    ticks_are(true, 1, 64, "1 2 5 10 20 50 ");
    ticks_are(true, 1e-12, 1, "1e-12 1e-10 1e-08 1e-06 0.0001 0.01 1 ");
    ticks_are(true, 0.11, 0.13, "0.110 0.115 0.120 0.125 0.130 ");
    ticks_are(true, 30, 900, "50 100 200 500 ");
    ticks_are(false, INFINITY, -INFINITY, "0.0 0.2 0.4 0.6 0.8 1.0 ");
    ticks_are(true, INFINITY, -INFINITY, "1 2 5 10 ");
}

static void every_range_has_ticks(void **state)
{
    (void)state;
    for (int e = -290; e <= 290; e += 29)
        for (int width = -16; width <= 3; width++)
            for (int log = 0; log <= 1; log++) {
                struct rung_svg_axis axis;
                double low = pow(10, e), high = low * (1 + pow(10, width));
                rung_svg_axis_make(&axis, log, low, high, 0.05);
                if (axis.tick_count < 2 || axis.tick_count >= RUNG_SVG_TICKS_MAX)
                    fail_msg("%zu ticks from %g to %g", axis.tick_count, low, high);
                assert_true(rung_svg_axis_place(&axis, low) >= 0 && rung_svg_axis_place(&axis, high) <= 1);
            }
}

/* ---- series ---- */

static void a_line_runs_through_its_points(void **state)
{
    (void)state;
    struct rung_svg_series series;
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_LINE, ups, downs, 5);
    char *text = plotted(&plot), *d = line(text, 0);
    double x[5], y[5];
    assert_int_equal(sscanf(d, "M%lf %lfL%lf %lfL%lf %lfL%lf %lfL%lf %lf", &x[0], &y[0], &x[1], &y[1], &x[2],
                            &y[2], &x[3], &y[3], &x[4], &y[4]),
                     10);
    for (int i = 0; i < 5; i++) { /* both axes are linear */
        assert_true(fabs((x[i] - x[0]) / (x[4] - x[0]) - i / 4.0) < 1e-3);
        assert_true(fabs((y[i] - y[0]) / (y[4] - y[0]) - (8 - downs[i]) / 7.5) < 1e-3);
    }
    assert_true(y[4] > y[0]); /* downwards is larger */
    assert_int_equal(count_of(text, ">one</text>"), 1);
    assert_int_equal(count_of(text, ">a title</text>"), 1);
    assert_int_equal(count_of(text, ">across</text>"), 1);
    assert_int_equal(count_of(text, ">upwards</text>"), 1);
    free(d);
    free(text);
}

static void steps_keep_their_level(void **state)
{
    (void)state;
    struct rung_svg_series series;
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_STEPS, ups, downs, 3);
    char *text = plotted(&plot), *d = line(text, 0);
    assert_int_equal(count_of(d, "M"), 1);
    assert_int_equal(count_of(d, "H"), 2);
    assert_int_equal(count_of(d, "V"), 2);
    assert_true(strchr(d, 'H') < strchr(d, 'V'));
    free(d);
    free(text);
}

static void what_is_no_number_breaks_the_line(void **state)
{
    (void)state;
    static const double y[] = {NAN, 1, 2, INFINITY, 3, 1e308, 2, 1};
    static const double x[] = {0, 1, 2, 3, 4, 5, 6, NAN};
    struct rung_svg_series series;
    static const enum rung_svg_style lines[] = {RUNG_SVG_LINE, RUNG_SVG_STEPS, RUNG_SVG_DASHES};
    for (size_t i = 0; i < 3; i++) {
        struct rung_svg_plot plot = one_series(&series, lines[i], x, y, 8);
        char *text = plotted(&plot), *d = line(text, 0);
        assert_int_equal(count_of(d, "M"), 3);
        assert_int_equal(count_of(text, "stroke-dasharray"), lines[i] == RUNG_SVG_DASHES ? 2 : 0);
        free(d);
        free(text);
    }
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_POINTS, x, y, 8);
    char *text = plotted(&plot);
    assert_int_equal(count_of(text, "<circle"), 4 + 1);
    free(text);
}

static void logarithms_leave_out_what_has_none(void **state)
{
    (void)state;
    static const double y[] = {1, 0, 100, -5, 10000}, x[] = {1, 10, 100, 1000, 10000};
    struct rung_svg_series series;
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_LINE, x, y, 5);
    plot.log_x = plot.log_y = true;
    char *text = plotted(&plot), *d = line(text, 0);
    double at[6];
    assert_int_equal(sscanf(d, "M%lf %lfM%lf %lfM%lf %lf", &at[0], &at[1], &at[2], &at[3], &at[4], &at[5]),
                     6);
    assert_true(fabs((at[2] - at[0]) - (at[4] - at[2])) < 0.05);
    assert_true(fabs((at[3] - at[1]) - (at[5] - at[3])) < 0.05);
    assert_int_equal(count_of(text, ">10000</text>"), 2);
    free(d);
    free(text);
}

static void a_band_is_closed(void **state)
{
    (void)state;
    static const double x[] = {0, 1, 2, 3, 4}, low[] = {1, 1, NAN, 1, 1}, high[] = {2, 3, 4, 5, 60};
    struct rung_svg_series series;
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_BAND, x, low, 5);
    series.high = high;
    char *text = plotted(&plot);
    assert_int_equal(count_of(text, "Z\"") + count_of(text, "ZM"), 2);
    assert_int_equal(count_of(text, ">60</text>"), 1); /* the axis reaches its upper edge */
    free(text);
}

static void colours_repeat_by_number(void **state)
{
    (void)state;
    struct rung_svg_series series[9];
    struct rung_svg_plot plot = {.series = series, .series_count = 9};
    for (size_t i = 0; i < 9; i++)
        series[i] = (struct rung_svg_series){.x = ups, .y = downs, .count = 5, .colour = i % 8};
    series[8].colour = SIZE_MAX;
    char *text = plotted(&plot); /* no names, no title, no labels */
    assert_int_equal(count_of(text, "stroke=\"#0072b2\""), 2);
    free(text);
}

static void nothing_to_draw_is_an_empty_frame(void **state)
{
    (void)state;
    static const double nothing[] = {NAN, INFINITY};
    struct rung_svg_series series;
    for (size_t count = 0; count <= 2; count += 2) {
        struct rung_svg_plot plot = one_series(&series, RUNG_SVG_LINE, nothing, nothing, count);
        char *text = plotted(&plot);
        free(text);
        plot.log_x = plot.log_y = true;
        text = plotted(&plot);
        free(text);
    }
    struct rung_svg_plot plot = {0};
    free(plotted(&plot));
}

static void text_cannot_break_out(void **state)
{
    (void)state;
    struct rung_svg_series series;
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_LINE, ups, downs, 5);
    plot.title = "</text><script>alert(\"1\")</script> & \x01\n\xff\xc0\xaf\xed\xa0\x80";
    series.name = "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2";
    char *text = plotted(&plot);
    assert_null(strstr(text, "<script"));
    assert_non_null(strstr(text, "&lt;/text&gt;&lt;script&gt;alert(\"1\")&lt;/script&gt; &amp; ??????"));
    assert_non_null(strstr(text, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 ?"));
    free(text);
}

static void a_million_points_are_a_small_file(void **state)
{
    (void)state;
    size_t count = 1000000;
    double *x = rung_mem_resize(NULL, count, sizeof *x), *y = rung_mem_resize(NULL, count, sizeof *y);
    for (size_t i = 0; i < count; i++) {
        x[i] = (double)i;
        y[i] = sqrt((double)i);
    }
    struct rung_svg_series series;
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_LINE, x, y, count);
    char *text = plotted(&plot);
    assert_true(strlen(text) < 2000000);
    free(text);
    free(x);
    free(y);
}

/* ---- files ---- */

static void refuses(const char *where, int code, const char *why)
{
    struct rung_svg_series series;
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_LINE, ups, downs, 5);
    struct rung_err err = {0};
    assert_int_equal(rung_svg_write(where, &plot, &err), code);
    assert_int_equal(err.code, code);
    if (strncmp(err.text, where, strlen(where)) != 0 || !strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static size_t files_in_folder(void)
{
    char command[300];
    int count = -1;
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
    FILE *pipe = popen(command, "r");
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return (size_t)count;
}

static void files_that_cannot_be(void **state)
{
    (void)state;
    char below[400];
    snprintf(below, sizeof below, "%s/missing/plot.svg", folder);
    refuses(below, RUNG_EUSE, strerror(ENOENT));
    refuses(folder, RUNG_EUSE, strerror(EISDIR));
    refuses("/dev/full", RUNG_EFAIL, strerror(ENOSPC));
    assert_int_equal(files_in_folder(), 0);
}

static void a_link_stays_one(void **state)
{
    (void)state;
    char link[400];
    struct stat info;
    struct rung_svg_series series;
    struct rung_svg_plot plot = one_series(&series, RUNG_SVG_LINE, ups, downs, 5);
    struct rung_err err = {0};
    free(plotted(&plot));
    snprintf(link, sizeof link, "%s/link.svg", folder);
    assert_int_equal(symlink(path, link), 0);
    plot.title = "another";
    assert_int_equal(rung_svg_write(link, &plot, &err), 0);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    char *text = contents(path);
    assert_non_null(strstr(text, "another"));
    free(text);
    assert_int_equal(files_in_folder(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(every_range_has_ticks),
        cmocka_unit_test_setup_teardown(a_line_runs_through_its_points, setup, teardown),
        cmocka_unit_test_setup_teardown(steps_keep_their_level, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_number_breaks_the_line, setup, teardown),
        cmocka_unit_test_setup_teardown(logarithms_leave_out_what_has_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_band_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(colours_repeat_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_to_draw_is_an_empty_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(text_cannot_break_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_million_points_are_a_small_file, setup, teardown),
        cmocka_unit_test_setup_teardown(files_that_cannot_be, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_stays_one, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
