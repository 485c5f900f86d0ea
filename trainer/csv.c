/*
 * Owns CSV: cells, columns of numbers and of texts, the header, the target. Texts become one column of
 * 0 and 1 per different text. The first file fixes the columns, so that a test file gets the same.
 */
#include "base/mem.h"
#include "cells.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX 1000 /* different texts in a column */

struct column {
    char *name; /* from the header, or NULL */
    bool text;  /* holds something that is no number */
    bool ignored, target;
    bool known;   /* held anything yet */
    char **texts; /* sorted once all are there */
    size_t count, capacity;
    int64_t first; /* its first column among the features */
};

struct rung_csv {
    struct rung_csv_options options;
    struct column *columns;
    size_t count, capacity;
    bool fixed; /* the first file was read */
    int64_t features;
    int target; /* column, -1: none */
};

/* A pass over the rows of a file. */
struct pass {
    struct rung_csv *csv;
    const char *path;
    struct rung_table *table;
    struct rung_err *err;
    int64_t row;
};

struct rung_csv *rung_csv_new(const struct rung_csv_options *options)
{
    struct rung_csv *csv = rung_mem_zalloc(1, sizeof *csv);

    csv->options = *options;
    csv->target = -1;
    return csv;
}

void rung_csv_free(struct rung_csv *csv)
{
    if (!csv)
        return;
    for (size_t i = 0; i < csv->count; i++) {
        free(csv->columns[i].name);
        for (size_t j = 0; j < csv->columns[i].count; j++)
            free(csv->columns[i].texts[j]);
        free(csv->columns[i].texts);
    }
    free(csv->columns);
    free(csv);
}

bool rung_csv_target_is_text(const struct rung_csv *csv)
{
    return csv->target >= 0 && csv->columns[csv->target].text;
}

static bool is_missing(const struct rung_cell *cell)
{
    static const char *const words[] = {"NA", "N/A", "NaN", "nan", "NULL", "null", "?"};

    if (cell->length == 0)
        return !cell->quoted;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == cell->length && memcmp(words[i], cell->text, cell->length) == 0)
            return true;
    return false;
}

static bool is_number(const struct rung_cell *cell, double *number)
{
    const char *p = cell->text;

    return !cell->quoted && cell->length > 0 && rung_text_number(&p, number) &&
           p == cell->text + cell->length;
}

static const char *column_name(const struct rung_csv *csv, size_t i, char *text, size_t size)
{
    if (csv->columns[i].name)
        snprintf(text, size, "column \"%.60s\"", csv->columns[i].name);
    else
        snprintf(text, size, "column %zu", i);
    return text;
}

/* The column that a name or an index (from the end when negative) means; -1 with err. */
static int find_column(const struct rung_csv *csv, const char *what, const struct rung_json *value,
                       struct rung_err *err)
{
    int64_t count = (int64_t)csv->count, index;

    if (rung_json_integer(value, -count, count - 1, &index))
        return (int)(index < 0 ? index + count : index);
    if (rung_json_is(value, RUNG_JSON_STRING)) {
        for (size_t i = 0; i < csv->count; i++)
            if (csv->columns[i].name && strcmp(csv->columns[i].name, rung_json_string(value)) == 0)
                return (int)i;
        rung_err_set(err, RUNG_EUSE, "settings.data.%s: no column \"%.200s\"%s", what,
                     rung_json_string(value),
                     csv->count > 0 && csv->columns[0].name ? "" : " (the file has no header)");
    } else {
        rung_err_set(err, RUNG_EUSE, "settings.data.%s: must be a column's name or its number, -%lld to %lld",
                     what, (long long)count, (long long)count - 1);
    }
    return -1;
}

static int mark_columns(struct rung_csv *csv, struct rung_err *err)
{
    const struct rung_json *ignore = csv->options.ignore;
    int i;

    for (const struct rung_json *v = ignore ? rung_json_first(ignore) : NULL; v; v = rung_json_next(v)) {
        i = find_column(csv, "ignore", v, err);
        if (i < 0)
            return err->code;
        csv->columns[i].ignored = true;
    }
    if (csv->options.target) {
        csv->target = find_column(csv, "target", csv->options.target, err);
        if (csv->target < 0)
            return err->code;
    } else if (!csv->options.no_target) {
        csv->target = (int)csv->count - 1;
    }
    if (csv->target >= 0 && csv->columns[csv->target].ignored)
        return rung_err_set(err, RUNG_EUSE, "settings.data.ignore: names the target");
    if (csv->target >= 0)
        csv->columns[csv->target].target = true;
    return 0;
}

/* Header or not: a header has no number in any cell. */
static bool has_header(const struct rung_csv *csv, const struct rung_cells *row)
{
    double number;

    if (csv->options.header >= 0)
        return csv->options.header;
    for (size_t i = 0; i < row->count; i++)
        if (is_number(&row->cells[i], &number))
            return false;
    return true;
}

static int check_width(const struct pass *pass, const struct rung_cells *row)
{
    if (row->count == pass->csv->count)
        return 0;
    return rung_err_set(pass->err, RUNG_EUSE, "%s:%lld: %zu cells, not %zu", pass->path, (long long)row->line,
                        row->count, pass->csv->count);
}

/* The first row of the first file: how many columns, and their names. */
static int first_row(struct pass *pass, const struct rung_cells *row, bool header)
{
    struct rung_csv *csv = pass->csv;

    for (size_t i = 0; i < row->count; i++) {
        csv->columns = rung_mem_grow(csv->columns, csv->count, &csv->capacity, sizeof *csv->columns);
        memset(&csv->columns[csv->count], 0, sizeof *csv->columns);
        if (header)
            csv->columns[csv->count].name = rung_mem_strndup(row->cells[i].text, row->cells[i].length);
        csv->count++;
    }
    return mark_columns(csv, pass->err);
}

/* Runs `each` over the rows behind the header. */
static int for_rows(struct pass *pass, const struct rung_file *file,
                    int (*each)(struct pass *, const struct rung_cells *))
{
    struct rung_cells row;
    int code = 0;
    bool first = true;

    rung_cells_open(&row, file->text, file->length, pass->csv->options.separator);
    while (code == 0 && rung_cells_next(&row)) {
        bool header = first && has_header(pass->csv, &row);

        if (row.unclosed) {
            code = rung_err_set(pass->err, RUNG_EUSE, "%s:%lld: a quote is not closed", pass->path,
                                (long long)row.line);
            break;
        }
        if (first && pass->csv->count == 0)
            code = first_row(pass, &row, header);
        first = false;
        if (code == 0)
            code = check_width(pass, &row);
        if (code == 0 && !header)
            code = each(pass, &row);
    }
    rung_cells_close(&row);
    return code;
}

/* First pass: which columns hold texts. */
static int find_kinds(struct pass *pass, const struct rung_cells *row)
{
    double number;

    for (size_t i = 0; i < row->count; i++) {
        struct column *column = &pass->csv->columns[i];

        if (column->text || column->ignored || is_missing(&row->cells[i]))
            continue;
        column->known = true;
        column->text = !is_number(&row->cells[i], &number);
    }
    pass->row++;
    return 0;
}

static int find_text(const struct column *column, const struct rung_cell *cell, size_t *place)
{
    size_t lo = 0, hi = column->count;

    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        const char *text = column->texts[middle];
        int order = strncmp(text, cell->text, cell->length);

        if (order == 0 && text[cell->length] != '\0')
            order = 1;
        if (order == 0) {
            *place = middle;
            return true;
        }
        if (order < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    *place = lo;
    return false;
}

/* Second pass, where there are texts: which ones. They are kept sorted, so that the features do
 * not depend on the order of rows. */
static int find_texts(struct pass *pass, const struct rung_cells *row)
{
    char name[80];

    for (size_t i = 0; i < row->count; i++) {
        struct column *column = &pass->csv->columns[i];
        size_t place;

        if (!column->text || column->ignored || is_missing(&row->cells[i]) ||
            find_text(column, &row->cells[i], &place))
            continue;
        if (column->count == TEXTS_MAX)
            return rung_err_set(pass->err, RUNG_EUSE, "%s:%lld: %s: more than %d different texts", pass->path,
                                (long long)row->line, column_name(pass->csv, i, name, sizeof name),
                                TEXTS_MAX);
        column->texts = rung_mem_grow(column->texts, column->count, &column->capacity, sizeof *column->texts);
        memmove(column->texts + place + 1, column->texts + place,
                (column->count - place) * sizeof *column->texts);
        column->texts[place] = rung_mem_strndup(row->cells[i].text, row->cells[i].length);
        column->count++;
    }
    return 0;
}

static int read_target(struct pass *pass, const struct rung_cells *row, size_t i)
{
    const struct column *column = &pass->csv->columns[i];
    const struct rung_cell *cell = &row->cells[i];
    double *out = &pass->table->answer[pass->row];
    char name[80];
    size_t place;

    column_name(pass->csv, i, name, sizeof name);
    if (is_missing(cell))
        return rung_err_set(pass->err, RUNG_EUSE, "%s:%lld: %s: the target is missing", pass->path,
                            (long long)row->line, name);
    if (column->text && find_text(column, cell, &place))
        *out = (double)place;
    else if (column->text || !is_number(cell, out))
        return rung_err_set(pass->err, RUNG_EUSE, "%s:%lld: %s: \"%.*s\" %s", pass->path,
                            (long long)row->line, name, cell->length > 40 ? 40 : (int)cell->length,
                            cell->text,
                            column->text ? "does not occur in the training file" : "is no number");
    return 0;
}

static int read_feature(struct pass *pass, const struct rung_cells *row, size_t i, float *values)
{
    const struct column *column = &pass->csv->columns[i];
    const struct rung_cell *cell = &row->cells[i];
    char name[80];
    double number;
    size_t place;

    if (is_missing(cell)) {
        if (pass->csv->options.missing_is_error)
            return rung_err_set(pass->err, RUNG_EUSE, "%s:%lld: %s: the value is missing", pass->path,
                                (long long)row->line, column_name(pass->csv, i, name, sizeof name));
        if (!column->text) /* a missing text is none of them: all zeros */
            values[column->first] = NAN;
    } else if (column->text) {
        if (find_text(column, cell, &place))
            values[column->first + (int64_t)place] = 1;
    } else if (is_number(cell, &number)) {
        values[column->first] = (float)number;
    } else {
        return rung_err_set(pass->err, RUNG_EUSE, "%s:%lld: %s: \"%.*s\" is no number", pass->path,
                            (long long)row->line, column_name(pass->csv, i, name, sizeof name),
                            cell->length > 40 ? 40 : (int)cell->length, cell->text);
    }
    return 0;
}

/* Last pass: the values. */
static int read_row(struct pass *pass, const struct rung_cells *row)
{
    float *values = pass->table->floats + pass->row * pass->table->features;

    for (size_t i = 0; i < row->count; i++) {
        const struct column *column = &pass->csv->columns[i];
        int code = 0;

        if (column->target)
            code = read_target(pass, row, i);
        else if (!column->ignored)
            code = read_feature(pass, row, i, values);
        if (code < 0)
            return code;
    }
    pass->row++;
    return 0;
}

static int count_row(struct pass *pass, const struct rung_cells *row)
{
    (void)row;
    pass->row++;
    return 0;
}

/* Fixes the columns by the first file: kinds, texts, places among the features. */
static int fix_columns(struct pass *pass, const struct rung_file *file)
{
    struct rung_csv *csv = pass->csv;
    char name[80];
    bool texts = false;

    if (for_rows(pass, file, find_kinds) < 0)
        return pass->err->code;
    for (size_t i = 0; i < csv->count; i++)
        texts = texts || (csv->columns[i].text && !csv->columns[i].ignored);
    if (texts && for_rows(pass, file, find_texts) < 0)
        return pass->err->code;
    for (size_t i = 0; i < csv->count; i++) {
        struct column *column = &csv->columns[i];

        if (column->ignored || column->target)
            continue;
        if (!column->known && pass->row > 0)
            return rung_err_set(pass->err, RUNG_EUSE,
                                "%s: %s holds no value (settings.data.ignore can name it)", pass->path,
                                column_name(csv, i, name, sizeof name));
        column->first = csv->features;
        csv->features += column->text ? (int64_t)column->count : 1;
    }
    if (csv->features == 0 && pass->row > 0)
        return rung_err_set(pass->err, RUNG_EUSE, "%s: no column of input beside the target", pass->path);
    csv->fixed = true;
    return 0;
}

int rung_csv_read(struct rung_csv *csv, const char *path, const struct rung_file *file,
                  struct rung_table *table, struct rung_err *err)
{
    struct pass pass = {.csv = csv, .path = path, .table = table, .err = err};

    if (memchr(file->text, '\0', file->length))
        return rung_err_set(err, RUNG_EUSE, "%s: not a text file (it holds a NUL byte)", path);
    if (!csv->fixed ? fix_columns(&pass, file) < 0 : for_rows(&pass, file, count_row) < 0)
        return err->code;
    if (pass.row == 0)
        return rung_err_set(err, RUNG_EUSE, "%s: no examples", path);
    if (pass.row > RUNG_TABLE_ROWS_MAX)
        return rung_err_set(err, RUNG_EUSE, "%s: more than 2^32 examples", path);
    table->name = path;
    table->rows = pass.row;
    table->features = csv->features;
    table->storage = RUNG_STORE_FLOATS;
    table->floats = rung_mem_zalloc((size_t)(table->rows * table->features), sizeof *table->floats);
    table->flag = rung_mem_zalloc((size_t)table->features, sizeof *table->flag);
    for (size_t i = 0; i < csv->count; i++)
        if (csv->columns[i].text && !csv->columns[i].ignored && !csv->columns[i].target)
            memset(table->flag + csv->columns[i].first, 1, csv->columns[i].count);
    if (csv->target >= 0)
        table->answer = rung_mem_zalloc((size_t)table->rows, sizeof *table->answer);
    pass.row = 0;
    return for_rows(&pass, file, read_row);
}
