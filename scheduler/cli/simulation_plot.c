/* Simulated runs as plots. */
#include "base/mem.h"
#include "cli/human.h"
#include "cli/simulation.h"
#include "cli/svg.h"

#include <stdlib.h>

struct curve {
    char *name;
    double *x, *y;
    size_t count;
};

static void free_curves(struct curve *curves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(curves[i].name);
        free(curves[i].x);
        free(curves[i].y);
    }
    free(curves);
}

/* What tells this run, or with trainers 0 this kind of runs, from the others. */
static char *name_of(const struct rung_simulation_report *report, const struct rung_simulation_run *run,
                     size_t trainers)
{
    struct rung_buf name;
    rung_buf_init(&name, RUNG_BUF_UNLIMITED);
    if (trainers > 0)
        rung_human_count(&name, (int64_t)trainers, "trainer");
    if (report->priorities || trainers == 0)
        rung_buf_printf(&name, "%s%s", name.length ? ", " : "", rung_priority_name(run->priority));
    if (report->orders)
        rung_buf_printf(&name, "%s%s", name.length ? ", " : "", run->order);
    char *text = rung_mem_strdup(rung_buf_cstr(&name));
    rung_buf_free(&name);
    return text;
}

static struct curve make_curve(char *name, size_t room)
{
    return (struct curve){name, rung_mem_zalloc(room, sizeof(double)), rung_mem_zalloc(room, sizeof(double)),
                          0};
}

static void add_point(struct curve *curve, double x, double y)
{
    curve->x[curve->count] = x;
    curve->y[curve->count++] = y;
}

static struct rung_svg_series series_of(const struct curve *curve, enum rung_svg_style style, size_t colour)
{
    return (struct rung_svg_series){curve->name, style, curve->x, curve->y, NULL, curve->count, colour};
}

/* Best score so far against time, to the end of each run. */
static int plot_scores(const struct rung_simulation_report *report, const char *path, struct rung_err *err)
{
    struct curve *curves = rung_mem_zalloc(report->count, sizeof *curves);
    struct rung_svg_series *series = rung_mem_zalloc(report->count, sizeof *series);

    for (size_t i = 0; i < report->count; i++) {
        const struct rung_simulation_run *run = &report->runs[i];
        const struct rung_virtual_result *result = &run->result;
        curves[i] = make_curve(name_of(report, run, run->trainers), result->point_count + 1);
        for (size_t k = 0; k < result->point_count; k++)
            add_point(&curves[i], result->points[k].seconds, result->points[k].score);
        add_point(&curves[i], run->seconds, rung_simulation_best(run));
        series[i] = series_of(&curves[i], RUNG_SVG_STEPS, i);
    }
    struct rung_svg_plot plot = {.title = report->source->name,
                                 .x_label = "seconds",
                                 .y_label = "best score so far",
                                 .series = series,
                                 .series_count = report->count};
    int code = rung_svg_write(path, &plot, err);
    free_curves(curves, report->count);
    free(series);
    return code;
}

static bool same_kind(const struct rung_simulation_run *a, const struct rung_simulation_run *b)
{
    return a->priority == b->priority && a->order == b->order;
}

/* Time against trainers, a line per kind of run, and what bounds it: the work spread evenly, one model alone.
 */
static int plot_times(const struct rung_simulation_report *report, const char *path, struct rung_err *err)
{
    struct curve *curves = rung_mem_zalloc(report->count + 2, sizeof *curves);
    struct rung_svg_series *series = rung_mem_zalloc(2 * report->count + 2, sizeof *series);
    size_t kinds = 0, drawn = 0;

    for (size_t i = 0; i < report->count; i++) {
        const struct rung_simulation_run *run = &report->runs[i];
        if (i == 0 || !same_kind(run, run - 1))
            curves[kinds++] = make_curve(name_of(report, run, 0), report->count);
        add_point(&curves[kinds - 1], (double)run->trainers, run->seconds);
    }
    curves[kinds] = make_curve(rung_mem_strdup("work / trainers"), report->count);
    curves[kinds + 1] = make_curve(rung_mem_strdup("longest model alone"), report->count);
    for (size_t i = 0; i < curves[0].count; i++) {
        add_point(&curves[kinds], curves[0].x[i], report->runs[0].work / curves[0].x[i]);
        add_point(&curves[kinds + 1], curves[0].x[i], report->runs[0].longest);
    }
    for (size_t i = 0; i < kinds; i++) {
        series[drawn++] = series_of(&curves[i], RUNG_SVG_LINE, i);
        series[drawn] = series_of(&curves[i], RUNG_SVG_POINTS, i);
        series[drawn++].name = NULL;
    }
    series[drawn++] = series_of(&curves[kinds], RUNG_SVG_DASHES, kinds);
    series[drawn++] = series_of(&curves[kinds + 1], RUNG_SVG_DASHES, kinds + 1);
    struct rung_svg_plot plot = {.title = report->source->name,
                                 .x_label = "trainers",
                                 .y_label = "seconds",
                                 .log_x = true,
                                 .log_y = true,
                                 .series = series,
                                 .series_count = drawn};
    int code = rung_svg_write(path, &plot, err);
    free_curves(curves, kinds + 2);
    free(series);
    return code;
}

int rung_simulation_plot(const struct rung_simulation_report *report, const char *scores_path,
                         const char *times_path, struct rung_err *err)
{
    int code = scores_path ? plot_scores(report, scores_path, err) : 0;

    return code == 0 && times_path ? plot_times(report, times_path, err) : code;
}
