/* Owns the cutting of CSV text into cells. */
#include "cells.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static char guess(const char *text, const char *stop)
{
    static const char candidates[] = "\t;,";
    const char *end;

    while (text < stop && (*text == '\n' || *text == '\r'))
        text++;
    end = memchr(text, '\n', (size_t)(stop - text));
    for (const char *c = candidates; *c; c++)
        if (memchr(text, *c, (size_t)((end ? end : stop) - text)))
            return *c;
    return ' ';
}

void rung_cells_open(struct rung_cells *row, const char *text, size_t length, char separator)
{
    memset(row, 0, sizeof *row);
    row->stop = text + length;
    row->p = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text; /* byte order mark */
    row->separator = separator ? separator : guess(row->p, row->stop);
    row->next_line = 1;
    rung_buf_init(&row->unquoted, RUNG_BUF_UNLIMITED);
}

void rung_cells_close(struct rung_cells *row)
{
    free(row->cells);
    rung_buf_free(&row->unquoted);
}

static bool is_blank(const struct rung_cells *row, char c)
{
    return (c == ' ' || c == '\t') && c != row->separator;
}

static bool at_row_end(const struct rung_cells *row)
{
    return row->p == row->stop || *row->p == '\n' ||
           (*row->p == '\r' && row->p + 1 < row->stop && row->p[1] == '\n') ||
           (*row->p == '\r' && row->p + 1 == row->stop);
}

/* Behind an opening quote. Offsets into `unquoted` stand in for addresses until the row is whole,
 * since the buffer may move. */
static void quoted_cell(struct rung_cells *row, struct rung_cell *cell)
{
    const char *begin = row->p;
    size_t offset = row->unquoted.length;
    bool doubled = false;

    for (; row->p < row->stop; row->p++) {
        row->next_line += *row->p == '\n';
        if (*row->p != '"')
            continue;
        if (row->p + 1 == row->stop || row->p[1] != '"')
            break;
        rung_buf_append(&row->unquoted, begin, (size_t)(row->p + 1 - begin));
        begin = ++row->p + 1;
        doubled = true;
    }
    row->unclosed = row->p == row->stop;
    cell->quoted = true;
    if (doubled) {
        rung_buf_append(&row->unquoted, begin, (size_t)(row->p - begin));
        cell->text = NULL;
        cell->length = row->unquoted.length - offset;
    } else {
        cell->text = begin;
        cell->length = (size_t)(row->p - begin);
    }
    row->p += row->p < row->stop;
    while (row->p < row->stop && *row->p != row->separator && !at_row_end(row))
        row->p++;
}

static void plain_cell(struct rung_cells *row, struct rung_cell *cell)
{
    const char *end;

    cell->text = row->p;
    while (row->p < row->stop && *row->p != row->separator && !at_row_end(row))
        row->p++;
    end = row->p;
    while (end > cell->text && is_blank(row, end[-1]))
        end--;
    cell->length = (size_t)(end - cell->text);
    cell->quoted = false;
}

static void next_cell(struct rung_cells *row)
{
    row->cells = rung_mem_grow(row->cells, row->count, &row->capacity, sizeof *row->cells);
    while (row->p < row->stop && is_blank(row, *row->p))
        row->p++;
    if (row->p < row->stop && *row->p == '"') {
        row->p++;
        quoted_cell(row, &row->cells[row->count++]);
    } else {
        plain_cell(row, &row->cells[row->count++]);
    }
}

/* With blanks as separators, several are one, and those at the ends are none. */
static void skip_separators(struct rung_cells *row)
{
    while (row->separator == ' ' && row->p < row->stop && *row->p == ' ')
        row->p++;
}

static void next_row(struct rung_cells *row)
{
    size_t offset = 0;

    row->count = 0;
    rung_buf_clear(&row->unquoted);
    skip_separators(row);
    next_cell(row);
    skip_separators(row);
    while (!at_row_end(row)) {
        row->p += row->separator != ' ';
        next_cell(row);
        skip_separators(row);
    }
    row->p += row->p < row->stop && *row->p == '\r';
    row->p += row->p < row->stop;
    row->next_line++;
    for (size_t i = 0; i < row->count; i++) {
        if (!row->cells[i].text) {
            row->cells[i].text = row->unquoted.data + offset;
            offset += row->cells[i].length;
        }
    }
}

bool rung_cells_next(struct rung_cells *row)
{
    while (row->p < row->stop) {
        row->line = row->next_line;
        next_row(row);
        if (row->unclosed || row->count > 1 || row->cells[0].length > 0 || row->cells[0].quoted)
            return true;
    }
    return false;
}
