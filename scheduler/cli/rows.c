/* Rows as table, JSON and CSV. */
#include "cli/rows.h"

#include "base/json.h"
#include "base/mem.h"
#include "cli/human.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct rung_rows {
    FILE *out;
    enum rung_format format;
    const char *const *names;
    size_t columns, width;
    size_t rows; /* added so far */
    struct rung_buf line;
    /* of a table */
    char **cells; /* rows * columns */
    size_t cell_count, cell_capacity;
    bool *right; /* per column: all its cells are numbers */
};

/* ---- one cell ---- */

static void cell_json(struct rung_buf *out, const struct rung_cell *cell)
{
    switch (cell->type) {
    case RUNG_CELL_NULL:
        rung_buf_text(out, "null");
        break;
    case RUNG_CELL_INTEGER:
        rung_json_write_integer(out, cell->integer);
        break;
    case RUNG_CELL_REAL:
        rung_json_write_number(out, cell->real);
        break;
    case RUNG_CELL_JSON:
        rung_buf_text(out, cell->text);
        break;
    case RUNG_CELL_TEXT:
    case RUNG_CELL_TIME:
        rung_json_write_string(out, cell->text);
        break;
    }
}

static void csv_field(struct rung_buf *out, const char *text)
{
    if (text[0] && !strpbrk(text, "\",\r\n")) {
        rung_buf_text(out, text);
        return;
    }
    rung_buf_char(out, '"'); /* an empty text too, to tell it from null */
    for (; *text; text++) {
        if (*text == '"')
            rung_buf_char(out, '"');
        rung_buf_char(out, *text);
    }
    rung_buf_char(out, '"');
}

static void cell_csv(struct rung_buf *out, const struct rung_cell *cell)
{
    bool text = cell->type == RUNG_CELL_TEXT || cell->type == RUNG_CELL_TIME || cell->type == RUNG_CELL_JSON;

    if (text)
        csv_field(out, cell->text);
    else if (cell->type == RUNG_CELL_INTEGER || (cell->type == RUNG_CELL_REAL && isfinite(cell->real)))
        cell_json(out, cell);
}

/* A time to the second is enough to read. */
static void cell_time(struct rung_buf *out, const char *text)
{
    const char *dot = strchr(text, '.');

    rung_buf_append(out, text, dot ? (size_t)(dot - text) : strlen(text));
    if (dot)
        rung_buf_char(out, 'Z');
}

static void cell_human(struct rung_buf *out, const struct rung_cell *cell)
{
    switch (cell->type) {
    case RUNG_CELL_NULL:
        rung_buf_char(out, '-');
        break;
    case RUNG_CELL_INTEGER:
        rung_json_write_integer(out, cell->integer);
        break;
    case RUNG_CELL_REAL:
        rung_human_number(out, cell->real);
        break;
    case RUNG_CELL_JSON:
        rung_human_json(out, cell->text);
        break;
    case RUNG_CELL_TEXT:
        rung_human_text(out, cell->text);
        break;
    case RUNG_CELL_TIME:
        cell_time(out, cell->text);
        break;
    }
}

/* ---- rows ---- */

static void write_line(struct rung_rows *rows)
{
    fwrite(rung_buf_cstr(&rows->line), 1, rows->line.length, rows->out);
    rung_buf_clear(&rows->line);
}

static void csv_header(struct rung_rows *rows)
{
    for (size_t i = 0; i < rows->columns; i++) {
        rung_buf_text(&rows->line, i ? "," : "");
        csv_field(&rows->line, rows->names[i]);
    }
    rung_buf_char(&rows->line, '\n');
    write_line(rows);
}

struct rung_rows *rung_rows_create(FILE *out, enum rung_format format, const char *const *names, size_t count,
                                   size_t width)
{
    struct rung_rows *rows = rung_mem_zalloc(1, sizeof *rows);

    *rows =
        (struct rung_rows){.out = out, .format = format, .names = names, .columns = count, .width = width};
    rung_buf_init(&rows->line, RUNG_BUF_UNLIMITED);
    rows->right = rung_mem_zalloc(count, sizeof *rows->right);
    for (size_t i = 0; i < count; i++)
        rows->right[i] = true;
    if (format == RUNG_FORMAT_CSV)
        csv_header(rows);
    return rows;
}

static void add_object(struct rung_buf *line, const char *const *names, const struct rung_cell *cells,
                       size_t count)
{
    rung_buf_char(line, '{');
    for (size_t i = 0; i < count; i++) {
        rung_buf_text(line, i ? "," : "");
        rung_json_write_string(line, names[i]);
        rung_buf_char(line, ':');
        cell_json(line, &cells[i]);
    }
    rung_buf_char(line, '}');
}

static void keep_cells(struct rung_rows *rows, const struct rung_cell *cells)
{
    for (size_t i = 0; i < rows->columns; i++) {
        cell_human(&rows->line, &cells[i]);
        rows->right[i] =
            rows->right[i] && (cells[i].type == RUNG_CELL_INTEGER || cells[i].type == RUNG_CELL_REAL ||
                               cells[i].type == RUNG_CELL_NULL);
        rows->cells = rung_mem_grow(rows->cells, rows->cell_count, &rows->cell_capacity, sizeof *rows->cells);
        rows->cells[rows->cell_count++] = rung_mem_strdup(rung_buf_cstr(&rows->line));
        rung_buf_clear(&rows->line);
    }
}

void rung_rows_add(struct rung_rows *rows, const struct rung_cell *cells)
{
    switch (rows->format) {
    case RUNG_FORMAT_TABLE:
        keep_cells(rows, cells);
        break;
    case RUNG_FORMAT_JSON:
        rung_buf_text(&rows->line, rows->rows ? ",\n " : "[");
        add_object(&rows->line, rows->names, cells, rows->columns);
        break;
    case RUNG_FORMAT_LINES:
        add_object(&rows->line, rows->names, cells, rows->columns);
        rung_buf_char(&rows->line, '\n');
        break;
    case RUNG_FORMAT_CSV:
        for (size_t i = 0; i < rows->columns; i++) {
            rung_buf_text(&rows->line, i ? "," : "");
            cell_csv(&rows->line, &cells[i]);
        }
        rung_buf_char(&rows->line, '\n');
        break;
    }
    write_line(rows);
    rows->rows++;
}

/* ---- the table ---- */

static void table_line(struct rung_rows *rows, const char *const *texts, const size_t *widths)
{
    struct rung_buf *line = &rows->line;
    struct rung_buf clipped;

    for (size_t i = 0; i < rows->columns; i++) {
        int pad = (int)(widths[i] - rung_human_width(texts[i]));
        bool last = i + 1 == rows->columns;
        rung_buf_printf(line, "%s%*s%s", i ? "  " : "", rows->right[i] ? pad : 0, "", texts[i]);
        if (!rows->right[i] && !last)
            rung_buf_printf(line, "%*s", pad, "");
    }
    while (line->length > 0 && line->data[line->length - 1] == ' ')
        line->data[--line->length] = '\0';
    rung_buf_init(&clipped, RUNG_BUF_UNLIMITED);
    rung_human_clip(&clipped, rung_buf_cstr(line), rows->width ? rows->width : SIZE_MAX);
    rung_buf_char(&clipped, '\n');
    fwrite(clipped.data, 1, clipped.length, rows->out);
    rung_buf_free(&clipped);
    rung_buf_clear(line);
}

static void print_table(struct rung_rows *rows)
{
    size_t *widths = rung_mem_zalloc(rows->columns, sizeof *widths);

    for (size_t i = 0; i < rows->columns; i++)
        widths[i] = rung_human_width(rows->names[i]);
    for (size_t i = 0; i < rows->cell_count; i++) {
        size_t width = rung_human_width(rows->cells[i]);
        if (width > widths[i % rows->columns])
            widths[i % rows->columns] = width;
    }
    table_line(rows, rows->names, widths);
    for (size_t i = 0; i < rows->cell_count && !ferror(rows->out); i += rows->columns)
        table_line(rows, (const char *const *)rows->cells + i, widths);
    free(widths);
}

void rung_rows_end(struct rung_rows *rows)
{
    if (rows->format == RUNG_FORMAT_TABLE)
        print_table(rows);
    if (rows->format == RUNG_FORMAT_JSON)
        fputs(rows->rows ? "]\n" : "[]\n", rows->out);
    for (size_t i = 0; i < rows->cell_count; i++)
        free(rows->cells[i]);
    free(rows->cells);
    free(rows->right);
    rung_buf_free(&rows->line);
    free(rows);
}

/* ---- queries ---- */

struct rung_cell rung_rows_cell(const struct rung_query *query, size_t column)
{
    struct rung_cell cell = {.type = rung_query_type(query, column)};

    if (cell.type == RUNG_CELL_INTEGER)
        cell.integer = rung_query_integer(query, column);
    else if (cell.type == RUNG_CELL_REAL)
        cell.real = rung_query_real(query, column);
    else if (cell.type != RUNG_CELL_NULL)
        cell.text = rung_query_text(query, column);
    return cell;
}

void rung_rows_object(struct rung_buf *out, const struct rung_query *query)
{
    size_t count = rung_query_columns(query);
    const char **names = rung_mem_zalloc(count, sizeof *names);
    struct rung_cell *cells = rung_mem_zalloc(count, sizeof *cells);

    for (size_t i = 0; i < count; i++) {
        names[i] = rung_query_column(query, i);
        cells[i] = rung_rows_cell(query, i);
    }
    add_object(out, names, cells, count);
    free(names);
    free(cells);
}

/* Which columns of the query are printed: *places, freed by the caller, and their names. */
static size_t choose_columns(const struct rung_query *query, const char *const *columns, size_t **places,
                             const char ***names)
{
    size_t all = rung_query_columns(query), count = 0;

    *places = rung_mem_zalloc(all, sizeof **places);
    *names = rung_mem_zalloc(all, sizeof **names);
    for (size_t i = 0; columns ? columns[i] != NULL : i < all; i++) {
        int place = columns ? rung_query_find(query, columns[i]) : (int)i;
        if (place < 0)
            continue;
        (*names)[count] = rung_query_column(query, (size_t)place);
        (*places)[count++] = (size_t)place;
    }
    return count;
}

static int print_query(FILE *out, size_t width, enum rung_format format, struct rung_query *query,
                       const char *const *columns, struct rung_err *err)
{
    size_t *places;
    const char **names;
    size_t count = choose_columns(query, format == RUNG_FORMAT_TABLE ? columns : NULL, &places, &names);
    struct rung_cell *cells = rung_mem_zalloc(count, sizeof *cells);
    struct rung_rows *rows = rung_rows_create(out, format, names, count, width);
    int code;

    while ((code = rung_query_next(query, err)) == 1 && !ferror(out)) {
        for (size_t i = 0; i < count; i++)
            cells[i] = rung_rows_cell(query, places[i]);
        rung_rows_add(rows, cells);
    }
    rung_rows_end(rows);
    free(cells);
    free(names);
    free(places);
    return code < 0 ? code : 0;
}

int rung_rows_view_within(FILE *out, size_t width, enum rung_format format, struct rung_store *store,
                          enum rung_query_view view, const struct rung_query_filter *filter,
                          const char *const *columns, struct rung_err *err)
{
    struct rung_query *query;
    int code = rung_query_open(&query, store, view, filter, err);

    if (code < 0)
        return code;
    code = print_query(out, width, format, query, columns, err);
    rung_query_close(query);
    return code;
}

int rung_rows_format(const struct rung_arguments *arguments, enum rung_format fallback,
                     enum rung_format *format, struct rung_err *err)
{
    static const struct {
        const char *name;
        enum rung_format format;
    } formats[] = {{"table", RUNG_FORMAT_TABLE}, {"json", RUNG_FORMAT_JSON}, {"csv", RUNG_FORMAT_CSV}};
    const char *name = rung_options_value(arguments, "format");

    *format = fallback;
    if (!name)
        return 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *format = formats[i].format;
            return 0;
        }
    }
    return rung_err_set(err, RUNG_EUSE, "--format: \"%s\" is none of table, json and csv", name);
}

size_t rung_rows_width(FILE *out)
{
    const char *told = getenv("RUNG_COLUMNS");
    struct winsize size;
    int fd = fileno(out);

    if (fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0)
        return size.ws_col;
    return told ? strtoul(told, NULL, 10) : 0;
}
