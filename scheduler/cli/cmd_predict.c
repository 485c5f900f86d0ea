/* rung predict DB MODEL */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/observed.h"
#include "cli/reading.h"
#include "cli/svg.h"
#include "cost/curvefit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CALLS_MAX     ((int64_t)1000000000000000)
#define LEVEL         0.8
#define TABLE_SEEN    20 /* rows of a table up to the last observation, */
#define TABLE_AHEAD   10 /* … and beyond it */
#define PROGRAM_AHEAD 1000
#define PLOT_POINTS   300

struct prediction {
    const struct rung_reading *reading;
    struct rung_observed observed;
    struct rung_curve *curve;
    int64_t last, to; /* calls of the last observation, and up to which the curve is forecast */
    bool chosen;      /* `to` was asked for */
    double level;
};

static const char *const columns[] = {"call", "score", "predicted", "low", "high"};
#define COLUMNS (sizeof columns / sizeof *columns)

/* ---- options ---- */

static int read_level(const struct rung_arguments *arguments, double *level, struct rung_err *err)
{
    const char *text = rung_options_value(arguments, "level");
    char *end;

    *level = LEVEL;
    if (!text)
        return 0;
    *level = strtod(text, &end);
    if (end == text || *end || !(*level > 0 && *level < 1))
        return rung_err_set(err, RUNG_EUSE, "--level: \"%s\" is no number between 0 and 1, such as 0.8",
                            text);
    return 0;
}

/* The plot must not replace what is read. */
static int check_path(const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *path = rung_options_value(arguments, "svg");
    struct stat source, target;

    if (path && stat(arguments->words[0], &source) == 0 && stat(path, &target) == 0 &&
        source.st_dev == target.st_dev && source.st_ino == target.st_ino)
        return rung_err_set(err, RUNG_EUSE, "--svg %s: is the database", path);
    return 0;
}

/* ---- the fit ---- */

static int fit(struct prediction *prediction, struct rung_err *err)
{
    const struct rung_observed *observed = &prediction->observed;
    struct rung_curve_point *points = rung_mem_zalloc(observed->count, sizeof *points);
    struct rung_curve_options options = {observed->maximize, NAN, NAN, prediction->level};

    for (size_t i = 0; i < observed->count; i++)
        points[i] = (struct rung_curve_point){(double)observed->list[i].calls, observed->list[i].value};
    int code = rung_curve_fit(&prediction->curve, points, observed->count, &options, err);
    free(points);
    return code;
}

/* Where the forecast ends: as asked, else at the bracket's last rung, else at twice the calls seen. */
static int choose_end(struct prediction *prediction, const struct rung_arguments *arguments,
                      struct rung_err *err)
{
    const struct rung_observed *observed = &prediction->observed;

    prediction->last = observed->list[observed->count - 1].calls;
    prediction->chosen = rung_options_has(arguments, "to");
    prediction->to = observed->end > 0                  ? observed->end
                     : prediction->last < CALLS_MAX / 2 ? 2 * prediction->last
                                                        : CALLS_MAX;
    return rung_options_integer(arguments, "to", 1, CALLS_MAX, &prediction->to, err);
}

/* ---- rows ---- */

typedef void row_fn(void *context, int64_t calls, double value, const struct rung_curve_guess *guess);

/* At most `seen` observations and `ahead` calls beyond them, evenly, the last ones among them. */
static void each_row(const struct prediction *prediction, size_t seen, size_t ahead, row_fn *row,
                     void *context)
{
    const struct rung_observed *observed = &prediction->observed;
    int64_t rest = prediction->to - prediction->last, before = prediction->last;
    size_t steps = rest < (int64_t)ahead ? (size_t)(rest > 0 ? rest : 0) : ahead;

    for (size_t i = 0; i < observed->count; i++) {
        /* row k of n ends where ceil((k + 1) count / n) does */
        if (observed->count > seen && (i + 1) * seen / observed->count == i * seen / observed->count)
            continue;
        struct rung_curve_guess guess = rung_curve_at(prediction->curve, (double)observed->list[i].calls);
        row(context, observed->list[i].calls, observed->list[i].value, &guess);
    }
    for (size_t i = 1; i <= steps; i++) {
        int64_t calls = prediction->last + (int64_t)((double)rest * (double)i / (double)steps);
        struct rung_curve_guess guess = rung_curve_at(prediction->curve, (double)calls);
        if (calls > before)
            row(context, calls, NAN, &guess);
        before = calls;
    }
}

static struct rung_cell number(double value)
{
    return (struct rung_cell){.type = isfinite(value) ? RUNG_CELL_REAL : RUNG_CELL_NULL, .real = value};
}

static void add_cells(void *context, int64_t calls, double value, const struct rung_curve_guess *guess)
{
    struct rung_rows *rows = context;
    const struct rung_cell cells[COLUMNS] = {{.type = RUNG_CELL_INTEGER, .integer = calls},
                                             number(value),
                                             number(guess->value),
                                             number(guess->low),
                                             number(guess->high)};
    rung_rows_add(rows, cells);
}

static void print_csv(const struct prediction *prediction)
{
    struct rung_rows *rows = rung_rows_create(stdout, RUNG_FORMAT_CSV, columns, COLUMNS, 0);

    each_row(prediction, prediction->observed.count, PROGRAM_AHEAD, add_cells, rows);
    rung_rows_end(rows);
}

static void add_object(void *context, int64_t calls, double value, const struct rung_curve_guess *guess)
{
    struct rung_buf *out = context;
    const double numbers[] = {value, guess->value, guess->low, guess->high};

    rung_buf_printf(out, "%s{\"call\":%lld", out->data[out->length - 1] == '[' ? "" : ",", (long long)calls);
    for (size_t i = 0; i < 4; i++) {
        rung_buf_printf(out, ",\"%s\":", columns[i + 1]);
        rung_json_write_number(out, numbers[i]);
    }
    rung_buf_char(out, '}');
}

static void print_json(const struct prediction *prediction)
{
    struct rung_curve_guess end = rung_curve_at(prediction->curve, (double)prediction->to);
    struct rung_buf out;

    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_buf_text(&out, "{\"search\":");
    rung_json_write_string(&out, prediction->reading->row.name);
    rung_buf_printf(&out, ",\"model\":%lld,\"metric\":", (long long)prediction->reading->filter.model);
    rung_json_write_string(&out, prediction->observed.name);
    rung_buf_printf(&out, ",\"goal\":\"%s\",\"to\":%lld,\"level\":",
                    prediction->observed.maximize ? "maximize" : "minimize", (long long)prediction->to);
    rung_json_write_number(&out, prediction->level);
    rung_buf_printf(&out, ",\"observations\":%zu,\"basis\":", end.observations);
    rung_json_write_string(&out, end.basis);
    rung_buf_text(&out, ",\"limit\":");
    rung_json_write_number(&out, rung_curve_limit(prediction->curve));
    rung_buf_text(&out, ",\"form\":");
    rung_json_write_string(&out, rung_curve_form(prediction->curve));
    rung_buf_text(&out, ",\"curve\":[");
    each_row(prediction, prediction->observed.count, PROGRAM_AHEAD, add_object, &out);
    rung_buf_text(&out, "]}");
    puts(rung_buf_cstr(&out));
    rung_buf_free(&out);
}

/* ---- for people ---- */

static void print_forecast(const struct prediction *prediction, const struct rung_curve_guess *end)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (prediction->to <= prediction->last) {
        rung_buf_printf(&text, "model %lld has been trained to call %lld",
                        (long long)prediction->reading->filter.model, (long long)prediction->last);
        if (!prediction->chosen)
            rung_buf_text(&text, ", the last of its bracket; --to looks further");
    } else {
        rung_human_text(&text, prediction->observed.name);
        rung_buf_printf(&text, " at call %lld: ", (long long)prediction->to);
        rung_human_number(&text, end->value);
        rung_buf_text(&text, " (");
        rung_human_number(&text, end->low);
        rung_buf_text(&text, " to ");
        rung_human_number(&text, end->high);
        rung_buf_printf(&text, ", %.6g %%)", 100 * prediction->level);
    }
    puts(rung_buf_cstr(&text));
    rung_buf_free(&text);
}

static void print_table(const struct prediction *prediction)
{
    const struct rung_observed *observed = &prediction->observed;
    struct rung_curve_guess end = rung_curve_at(prediction->curve, (double)prediction->to);
    const char *names[COLUMNS];
    struct rung_rows *rows;

    memcpy(names, columns, sizeof names);
    names[1] = observed->name;
    rows = rung_rows_create(stdout, RUNG_FORMAT_TABLE, names, COLUMNS, rung_rows_width(stdout));
    each_row(prediction, TABLE_SEEN, TABLE_AHEAD, add_cells, rows);
    rung_rows_end(rows);
    putchar('\n');
    print_forecast(prediction, &end);
    printf("rests on %s\n", end.basis);
    if (observed->finite < observed->count)
        printf("left out: %zu of %zu that are not finite numbers%s\n", observed->count - observed->finite,
               observed->count,
               isfinite(observed->list[observed->count - 1].value) ? "" : ", the last among them");
    if (observed->guessed)
        printf("%s values are taken to be better%s\n", observed->maximize ? "larger" : "smaller",
               observed->moved ? ": so they have moved" : "");
    if (observed->end == 0 && !prediction->chosen)
        puts("forecast to twice the calls seen: its bracket has no last rung");
    printf("curve: %s\n", rung_curve_form(prediction->curve));
}

/* ---- the plot ---- */

struct plot {
    double at[2][PLOT_POINTS], value[2][PLOT_POINTS], low[2][PLOT_POINTS], high[2][PLOT_POINTS];
    double *seen_at, *seen;
    struct rung_svg_series series[5];
    size_t count;
};

/* Part 0: up to the last observation; part 1: from there to the end. */
static void fill_part(struct plot *plot, const struct prediction *prediction, int part)
{
    double from = (double)(part == 0 ? prediction->observed.list[0].calls : prediction->last);
    double to = (double)(part == 0 ? prediction->last : prediction->to);

    for (int i = 0; i < PLOT_POINTS; i++) {
        double at = from + (to - from) * i / (PLOT_POINTS - 1);
        struct rung_curve_guess guess = rung_curve_at(prediction->curve, at);
        plot->at[part][i] = at;
        plot->value[part][i] = guess.value;
        plot->low[part][i] = guess.low;
        plot->high[part][i] = guess.high;
    }
    plot->series[plot->count++] = (struct rung_svg_series){part == 0 ? NULL : "interval",
                                                           RUNG_SVG_BAND,
                                                           plot->at[part],
                                                           plot->low[part],
                                                           plot->high[part],
                                                           PLOT_POINTS,
                                                           0};
    plot->series[plot->count++] = (struct rung_svg_series){part == 0 ? "fitted" : "forecast",
                                                           part == 0 ? RUNG_SVG_LINE : RUNG_SVG_DASHES,
                                                           plot->at[part],
                                                           plot->value[part],
                                                           NULL,
                                                           PLOT_POINTS,
                                                           0};
}

static int write_plot(const struct prediction *prediction, const char *path, struct rung_err *err)
{
    const struct rung_observed *observed = &prediction->observed;
    struct plot *plot = rung_mem_zalloc(1, sizeof *plot);
    char *title = rung_mem_printf("%s, model %lld", prediction->reading->row.name,
                                  (long long)prediction->reading->filter.model);

    plot->seen_at = rung_mem_zalloc(observed->count, sizeof *plot->seen_at);
    plot->seen = rung_mem_zalloc(observed->count, sizeof *plot->seen);
    for (size_t i = 0; i < observed->count; i++) {
        plot->seen_at[i] = (double)observed->list[i].calls;
        plot->seen[i] = observed->list[i].value;
    }
    fill_part(plot, prediction, 0);
    if (prediction->to > prediction->last)
        fill_part(plot, prediction, 1);
    plot->series[plot->count++] = (struct rung_svg_series){
        "recorded", RUNG_SVG_POINTS, plot->seen_at, plot->seen, NULL, observed->count, 1};
    struct rung_svg_plot picture = {.title = title,
                                    .x_label = "calls",
                                    .y_label = observed->name,
                                    .series = plot->series,
                                    .series_count = plot->count};
    int code = rung_svg_write(path, &picture, err);
    free(plot->seen_at);
    free(plot->seen);
    free(plot);
    free(title);
    return code;
}

/* ---- the command ---- */

static int predict(struct prediction *prediction, const struct rung_arguments *arguments,
                   struct rung_err *err)
{
    const char *path = rung_options_value(arguments, "svg");
    int code;

    if ((code = rung_observed_read(&prediction->observed, prediction->reading,
                                   rung_options_value(arguments, "metric"), err)) < 0 ||
        (code = choose_end(prediction, arguments, err)) < 0 || (code = fit(prediction, err)) < 0 ||
        (path && (code = write_plot(prediction, path, err)) < 0))
        return code;
    if (prediction->reading->format == RUNG_FORMAT_JSON)
        print_json(prediction);
    else if (prediction->reading->format == RUNG_FORMAT_CSV)
        print_csv(prediction);
    else
        print_table(prediction);
    return 0;
}

int rung_cmd_predict(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_reading reading = {0};
    struct prediction prediction = {.reading = &reading};
    int code;

    if ((code = read_level(arguments, &prediction.level, err)) == 0 &&
        (code = check_path(arguments, err)) == 0 &&
        (code = rung_reading_open(&reading, arguments, RUNG_FORMAT_TABLE, err)) == 0)
        code = predict(&prediction, arguments, err);
    rung_curve_free(prediction.curve);
    rung_observed_free(&prediction.observed);
    rung_reading_close(&reading);
    return code;
}
