/* Simulated runs as rows, for programs and for people. */
#include "cli/simulation.h"

#include "base/json.h"
#include "cli/human.h"

#include <math.h>
#include <stdio.h>

static struct rung_cell real_cell(double value)
{
    return (struct rung_cell){.type = isfinite(value) ? RUNG_CELL_REAL : RUNG_CELL_NULL, .real = value};
}

static struct rung_cell count_cell(int64_t value)
{
    return (struct rung_cell){.type = RUNG_CELL_INTEGER, .integer = value};
}

static struct rung_cell text_cell(const char *text)
{
    return (struct rung_cell){.type = RUNG_CELL_TEXT, .text = text};
}

static double share(const struct rung_simulation_run *run, double trainer_seconds)
{
    return trainer_seconds / ((double)run->trainers * run->seconds);
}

/* ---- for programs ---- */

/* CSV has all but the last two, which are arrays. */
static const char *const names[] = {"trainers",
                                    "priority",
                                    "bracket_order",
                                    "unit",
                                    "seconds",
                                    "speedup",
                                    "utilisation",
                                    "fit_seconds",
                                    "score_seconds",
                                    "overhead_seconds",
                                    "transfer_seconds",
                                    "lost_seconds",
                                    "idle_start_seconds",
                                    "idle_barrier_seconds",
                                    "idle_no_work_seconds",
                                    "models",
                                    "jobs",
                                    "calls",
                                    "scores",
                                    "lost",
                                    "unknown",
                                    "guessed",
                                    "untimed",
                                    "done",
                                    "winner",
                                    "winner_score",
                                    "best_score",
                                    "best_at",
                                    "near_best_at",
                                    "states_peak",
                                    "brackets",
                                    "points"};
#define COLUMNS (sizeof names / sizeof *names)
#define ARRAYS  2

static void write_brackets(struct rung_buf *out, const struct rung_virtual_result *result)
{
    rung_buf_char(out, '[');
    for (size_t i = 0; i < result->bracket_count; i++) {
        const struct rung_virtual_bracket *bracket = &result->brackets[i];
        rung_buf_printf(out,
                        "%s{\"bracket\":%u,\"models\":%lld,\"calls\":%lld,\"scores\":%lld,\"busy_seconds\":",
                        i ? "," : "", bracket->bracket, (long long)bracket->models, (long long)bracket->calls,
                        (long long)bracket->scores);
        rung_json_write_number(out, bracket->busy_seconds);
        rung_buf_text(out, ",\"ended_at\":");
        rung_json_write_number(out, bracket->ended);
        rung_buf_char(out, '}');
    }
    rung_buf_char(out, ']');
}

static void write_points(struct rung_buf *out, const struct rung_virtual_result *result)
{
    rung_buf_char(out, '[');
    for (size_t i = 0; i < result->point_count; i++) {
        rung_buf_text(out, i ? ",[" : "[");
        rung_json_write_number(out, result->points[i].seconds);
        rung_buf_char(out, ',');
        rung_json_write_number(out, result->points[i].score);
        rung_buf_char(out, ']');
    }
    rung_buf_char(out, ']');
}

static void add_row(struct rung_rows *rows, const struct rung_simulation_run *run,
                    enum rung_virtual_unit unit)
{
    const struct rung_virtual_result *result = &run->result;
    bool winner = result->done && result->best != RUNG_NO_MODEL;
    struct rung_buf brackets, points;

    rung_buf_init(&brackets, RUNG_BUF_UNLIMITED);
    rung_buf_init(&points, RUNG_BUF_UNLIMITED);
    write_brackets(&brackets, result);
    write_points(&points, result);
    struct rung_cell cells[] = {
        count_cell((int64_t)run->trainers),
        text_cell(rung_priority_name(run->priority)),
        text_cell(run->order),
        text_cell(unit == RUNG_UNIT_CALL ? "call" : "job"),
        real_cell(run->seconds),
        real_cell(run->work / run->seconds),
        real_cell(share(run, result->fit_seconds + result->score_seconds)),
        real_cell(result->fit_seconds),
        real_cell(result->score_seconds),
        real_cell(result->overhead_seconds),
        real_cell(result->transfer_seconds),
        real_cell(result->lost_seconds),
        real_cell(result->idle_start),
        real_cell(result->idle_barrier),
        real_cell(result->idle_no_work),
        count_cell(result->models),
        count_cell(result->jobs),
        count_cell(result->calls),
        count_cell(result->scores),
        count_cell(result->lost),
        count_cell(result->unknown),
        count_cell(run->counts.guessed),
        count_cell(run->counts.untimed),
        {.type = RUNG_CELL_JSON, .text = result->done ? "true" : "false"},
        winner ? count_cell(result->best) : (struct rung_cell){.type = RUNG_CELL_NULL},
        real_cell(winner ? result->best_score : NAN),
        real_cell(rung_simulation_best(run)),
        real_cell(run->best_at),
        real_cell(run->near_at),
        count_cell(result->states_peak),
        {.type = RUNG_CELL_JSON, .text = rung_buf_cstr(&brackets)},
        {.type = RUNG_CELL_JSON, .text = rung_buf_cstr(&points)},
    };
    _Static_assert(sizeof cells / sizeof *cells == COLUMNS, "a cell per name");
    rung_rows_add(rows, cells);
    rung_buf_free(&brackets);
    rung_buf_free(&points);
}

static void print_rows(const struct rung_simulation_report *report, enum rung_format format)
{
    struct rung_rows *rows =
        rung_rows_create(stdout, format, names, format == RUNG_FORMAT_CSV ? COLUMNS - ARRAYS : COLUMNS, 0);

    for (size_t i = 0; i < report->count; i++)
        add_row(rows, &report->runs[i], report->unit);
    rung_rows_end(rows);
}

/* ---- for people ---- */

#define SHOWN_MAX 16

/* Cells of a row of the table with their texts, column by column. */
struct line {
    struct rung_cell cells[SHOWN_MAX];
    struct rung_buf texts[SHOWN_MAX];
    const char *names[SHOWN_MAX];
    size_t count;
};

static struct rung_buf *add_text(struct line *line, const char *name)
{
    struct rung_buf *text = &line->texts[line->count];
    rung_buf_clear(text);
    line->names[line->count] = name;
    line->cells[line->count++].type = RUNG_CELL_TEXT;
    return text;
}

static void add_duration(struct line *line, const char *name, double seconds)
{
    rung_human_seconds(add_text(line, name), seconds);
}

static void add_share(struct line *line, const char *name, double value)
{
    if (isfinite(value))
        rung_buf_printf(add_text(line, name), "%.0f %%", 100 * value);
    else
        rung_buf_char(add_text(line, name), '-');
}

/* Which columns there are must not depend on the run. */
static bool any(const struct rung_simulation_report *report,
                double (*what)(const struct rung_virtual_result *))
{
    for (size_t i = 0; i < report->count; i++)
        if (what(&report->runs[i].result) > 0)
            return true;
    return false;
}

static double starting(const struct rung_virtual_result *result)
{
    return result->idle_start;
}

static double overhead(const struct rung_virtual_result *result)
{
    return result->overhead_seconds;
}

static double transfer(const struct rung_virtual_result *result)
{
    return result->transfer_seconds;
}

static double lost(const struct rung_virtual_result *result)
{
    return result->lost_seconds;
}

static void add_causes(struct line *line, const struct rung_simulation_report *report,
                       const struct rung_simulation_run *run)
{
    const struct rung_virtual_result *result = &run->result;

    if (any(report, overhead))
        add_share(line, "hand-over", share(run, result->overhead_seconds));
    if (any(report, starting))
        add_share(line, "starting", share(run, result->idle_start));
    if (any(report, transfer))
        add_share(line, "transfer", share(run, result->transfer_seconds));
    if (any(report, lost))
        add_share(line, "lost", share(run, result->lost_seconds));
    add_share(line, "barrier", share(run, result->idle_barrier));
    add_share(line, "no work", share(run, result->idle_no_work));
}

static void fill_line(struct line *line, const struct rung_simulation_report *report,
                      const struct rung_simulation_run *run)
{
    line->count = 0;
    line->names[line->count] = "trainers";
    line->cells[line->count++] = count_cell((int64_t)run->trainers);
    if (report->priorities)
        rung_buf_text(add_text(line, "priority"), rung_priority_name(run->priority));
    if (report->orders)
        rung_buf_text(add_text(line, "brackets"), run->order);
    add_duration(line, "time", run->seconds);
    if (run->seconds > 0)
        rung_buf_printf(add_text(line, "speed-up"), "%.1f", run->work / run->seconds);
    else
        rung_buf_char(add_text(line, "speed-up"), '-');
    add_share(line, "busy", share(run, run->result.fit_seconds + run->result.score_seconds));
    add_causes(line, report, run);
    line->names[line->count] = "best score";
    line->cells[line->count++] = real_cell(rung_simulation_best(run));
    add_duration(line, "reached", run->best_at);
    add_duration(line, "95 %", run->near_at);
    for (size_t i = 0; i < line->count; i++)
        if (line->cells[i].type == RUNG_CELL_TEXT)
            line->cells[i].text = rung_buf_cstr(&line->texts[i]);
}

static void print_table(const struct rung_simulation_report *report)
{
    struct line line = {0};
    struct rung_rows *rows = NULL;

    for (size_t i = 0; i < SHOWN_MAX; i++)
        rung_buf_init(&line.texts[i], RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < report->count; i++) {
        fill_line(&line, report, &report->runs[i]);
        if (!rows)
            rows =
                rung_rows_create(stdout, RUNG_FORMAT_TABLE, line.names, line.count, rung_rows_width(stdout));
        rung_rows_add(rows, line.cells);
    }
    rung_rows_end(rows);
    for (size_t i = 0; i < SHOWN_MAX; i++)
        rung_buf_free(&line.texts[i]);
}

static void print_heading(const struct rung_simulation_report *report)
{
    const struct rung_simulation_source *source = report->source;
    const struct rung_virtual_result *result = &report->runs[0].result;
    const struct rung_recording *recording = &source->recording;

    printf("%s: %s, %lld models, %lld calls, %lld scores", source->name,
           rung_algorithm_name(source->spec.algorithm), (long long)result->models, (long long)result->calls,
           (long long)result->scores);
    if (!report->priorities)
        printf(", priority %s", rung_priority_name(report->runs[0].priority));
    if (source->own_times)
        printf("; durations as recorded with %zu %s\n\n", recording->slots,
               recording->slots == 1 ? "trainer" : "trainers");
    else
        printf("\n\n");
}

/* The most of it in any run: they differ where the order of results matters. */
static int64_t most(const struct rung_simulation_report *report,
                    int64_t (*what)(const struct rung_simulation_run *))
{
    int64_t count = 0;
    for (size_t i = 0; i < report->count; i++)
        if (what(&report->runs[i]) > count)
            count = what(&report->runs[i]);
    return count;
}

static int64_t unknown(const struct rung_simulation_run *run)
{
    return run->result.unknown;
}

static int64_t guessed(const struct rung_simulation_run *run)
{
    return run->counts.guessed;
}

static int64_t untimed(const struct rung_simulation_run *run)
{
    return run->counts.untimed;
}

/* What the numbers leave out or take for granted, a sentence each. */
static void say_gaps(const struct rung_simulation_report *report, FILE *out)
{
    const struct {
        int64_t count;
        const char *one, *several, *what;
    } gaps[] = {
        {most(report, unknown), "job is", "jobs are",
         "not recorded: the search goes as far as it can without them, not to its end"},
        {most(report, guessed), "score is", "scores are",
         "not recorded: the model's last one before was taken"},
        {most(report, untimed), "job is", "jobs are", "recorded without a time: the mean was taken"},
    };
    const char *before = out == stdout ? "\n" : "rung: ";

    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        if (gaps[i].count == 0)
            continue;
        fprintf(out, "%s%lld %s %s\n", before, (long long)gaps[i].count,
                gaps[i].count == 1 ? gaps[i].one : gaps[i].several, gaps[i].what);
        before = out == stdout ? "" : "rung: ";
    }
    if (report->source->own_times && !report->source->recording.one_start)
        fprintf(out, "%sthe search was stopped and resumed: it is simulated as if it had run in one go\n",
                before);
}

void rung_simulation_print(const struct rung_simulation_report *report, enum rung_format format)
{
    if (format == RUNG_FORMAT_TABLE) {
        print_heading(report);
        print_table(report);
        say_gaps(report, stdout);
    } else {
        print_rows(report, format);
        say_gaps(report, stderr);
    }
}
