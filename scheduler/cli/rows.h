/*
 * Rows printed as a table for people, or as JSON or CSV for programs. Programs get every digit: numbers as
 * the shortest text that reads back, times as text, JSON cells as JSON (in CSV as a quoted field), null as
 * null or empty.
 */
#ifndef RUNG_CLI_ROWS_H
#define RUNG_CLI_ROWS_H

#include "base/buf.h"
#include "base/err.h"
#include "cli/options.h"
#include "store/query.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum rung_format {
    RUNG_FORMAT_TABLE, /* aligned columns, the last cut at the width; kept in memory until the end */
    RUNG_FORMAT_JSON,  /* one array of objects */
    RUNG_FORMAT_LINES, /* an object a line */
    RUNG_FORMAT_CSV    /* RFC 4180, with a header */
};

struct rung_cell {
    enum rung_query_type type;
    int64_t integer;
    double real;
    const char *text;
};

struct rung_rows;

/* names are borrowed until the end. width: of the terminal, 0 without limit. */
struct rung_rows *rung_rows_create(FILE *out, enum rung_format format, const char *const *names, size_t count,
                                   size_t width);
void rung_rows_add(struct rung_rows *rows, const struct rung_cell *cells);
void rung_rows_end(struct rung_rows *rows); /* prints what is left, frees */

/* Prints all rows of a view, of a table only the columns named (NULL: all; the list ends with NULL), within
 * so many columns of a terminal, 0 without limit. Stops early when out takes no more, which is left to out's
 * owner to report. */
int rung_rows_view_within(FILE *out, size_t width, enum rung_format format, struct rung_store *store,
                          enum rung_query_view view, const struct rung_query_filter *filter,
                          const char *const *columns, struct rung_err *err) RUNG_CHECK_RESULT;

struct rung_cell rung_rows_cell(const struct rung_query *query, size_t column); /* of its present row */
/* Appends the query's present row as a JSON object. */
void rung_rows_object(struct rung_buf *out, const struct rung_query *query);

/* --format; fallback when it is not given. RUNG_EUSE when it is none of table, json and csv. */
int rung_rows_format(const struct rung_arguments *arguments, enum rung_format fallback,
                     enum rung_format *format, struct rung_err *err) RUNG_CHECK_RESULT;
/* Columns of the terminal that out is; where it is none, as many as RUNG_COLUMNS in the environment says, or
 * 0 without limit. */
size_t rung_rows_width(FILE *out);

#endif
