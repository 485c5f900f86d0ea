/* rung show DB [MODEL] */
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/reading.h"

#include <stdio.h>
#include <string.h>

/* What is shown of a thing: its own row, then rows of other views that belong to it. */
struct part {
    enum rung_query_view view;
    const char *key;            /* in JSON, and the heading of its table */
    const char *const *columns; /* of the table */
};

static const char *const bracket_columns[] = {"bracket",    "models", "calls_planned", "calls_done",
                                              "best_score", "status", "rungs",         NULL};
static const char *const trainer_columns[] = {"trainer",   "host",    "kind",   "jobs", "busy_seconds",
                                              "joined_at", "left_at", "reason", NULL};
static const char *const history_columns[] = {
    "seq",     "rung",        "partial_fit_calls", "score", "partial_fit_time",
    "trainer", "finished_at", "metrics",           NULL};
static const char *const failure_columns[] = {"from_call", "to_call", "attempt", "trainer",
                                              "kind",      "at",      "reason",  NULL};

static const struct part search_parts[] = {{RUNG_VIEW_BRACKETS, "brackets", bracket_columns},
                                           {RUNG_VIEW_TRAINERS, "trainers", trainer_columns}};
static const struct part model_parts[] = {{RUNG_VIEW_HISTORY, "history", history_columns},
                                          {RUNG_VIEW_FAILURES, "failures", failure_columns}};
#define PARTS 2

/* ---- as JSON ---- */

static int append_rows(struct rung_buf *out, const struct rung_reading *reading, const struct part *part,
                       struct rung_err *err)
{
    struct rung_query *query;
    int code = rung_query_open(&query, reading->store, part->view, &reading->filter, err);

    if (code < 0)
        return code;
    rung_buf_printf(out, ",\"%s\":[", part->key);
    for (const char *gap = ""; (code = rung_query_next(query, err)) == 1; gap = ",") {
        rung_buf_text(out, gap);
        rung_rows_object(out, query);
    }
    rung_buf_char(out, ']');
    rung_query_close(query);
    return code;
}

static int show_json(const struct rung_reading *reading, struct rung_query *query, const struct part *parts,
                     struct rung_err *err)
{
    struct rung_buf out;
    int code = 0;

    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_rows_object(&out, query);
    out.length--; /* the row's closing brace: more members follow */
    for (size_t i = 0; i < PARTS && code == 0; i++)
        code = append_rows(&out, reading, &parts[i], err);
    rung_buf_char(&out, '}');
    if (code == 0)
        fprintf(reading->out, "%s\n", rung_buf_cstr(&out));
    rung_buf_free(&out);
    return code;
}

/* ---- for people ---- */

static void print_field(FILE *out, const char *name, const struct rung_cell *cell)
{
    size_t width = rung_rows_width(stdout);
    struct rung_buf text, line;

    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (cell->type == RUNG_CELL_REAL)
        rung_human_number(&text, cell->real);
    else if (cell->type == RUNG_CELL_INTEGER)
        rung_buf_printf(&text, "%lld", (long long)cell->integer);
    else if (cell->type == RUNG_CELL_JSON && strcmp(name, "parameters") == 0)
        rung_human_json(&text, cell->text);
    else
        rung_human_text(&text, cell->text);
    rung_buf_printf(&line, "%-14s %s", name, rung_buf_cstr(&text));
    rung_buf_clear(&text);
    rung_human_clip(&text, rung_buf_cstr(&line), width ? width : SIZE_MAX);
    fprintf(out, "%s\n", rung_buf_cstr(&text));
    rung_buf_free(&line);
    rung_buf_free(&text);
}

/* A heading and the rows below it; nothing where there are none. */
static int show_part(const struct rung_reading *reading, const struct part *part, struct rung_err *err)
{
    struct rung_query *query;
    int code = rung_query_open(&query, reading->store, part->view, &reading->filter, err);

    if (code < 0)
        return code;
    code = rung_query_next(query, err);
    rung_query_close(query);
    if (code <= 0)
        return code;
    fprintf(reading->out, "\n%s\n", part->key);
    return rung_reading_view(reading, part->view, part->columns, err);
}

static int show_table(const struct rung_reading *reading, struct rung_query *query, const struct part *parts,
                      struct rung_err *err)
{
    for (size_t i = 0; i < rung_query_columns(query); i++) {
        struct rung_cell cell = rung_rows_cell(query, i);
        if (cell.type != RUNG_CELL_NULL)
            print_field(reading->out, rung_query_column(query, i), &cell);
    }
    for (size_t i = 0; i < PARTS; i++) {
        int code = show_part(reading, &parts[i], err);
        if (code < 0)
            return code;
    }
    return 0;
}

/* ---- the command ---- */

static int show(const struct rung_reading *reading, struct rung_err *err)
{
    bool model = reading->filter.model != RUNG_QUERY_ANY;
    const struct part *parts = model ? model_parts : search_parts;
    enum rung_query_view own = model ? RUNG_VIEW_MODELS : RUNG_VIEW_SEARCHES;
    struct rung_query *query;
    int code;

    /* One table to a CSV file: a model's history, a search's row. */
    if (reading->format == RUNG_FORMAT_CSV)
        return rung_reading_view(reading, model ? RUNG_VIEW_HISTORY : own, NULL, err);
    if ((code = rung_query_open(&query, reading->store, own, &reading->filter, err)) < 0)
        return code;
    if ((code = rung_query_next(query, err)) == 1)
        code = reading->format == RUNG_FORMAT_JSON ? show_json(reading, query, parts, err)
                                                   : show_table(reading, query, parts, err);
    rung_query_close(query);
    return code;
}

int rung_cmd_show(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_reading reading;
    bool asked;
    int code = rung_asking_question("show", arguments, &asked, err);

    if (asked || code < 0)
        return code;
    code = rung_reading_open(&reading, arguments, RUNG_FORMAT_TABLE, err);
    if (code == 0)
        code = show(&reading, err);
    return rung_reading_end(&reading, code, err);
}
