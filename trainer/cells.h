/* The cells of a CSV text (RFC 4180), row by row. Private to the CSV reader. */
#ifndef RUNG_TRAINER_CELLS_H
#define RUNG_TRAINER_CELLS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_cell {
    const char *text; /* blanks around it cut, quotes removed; a byte that is no part of it follows */
    size_t length;
    bool quoted;
};

struct rung_cells {
    struct rung_cell *cells; /* of the current row; valid until the next */
    size_t count, capacity;
    int64_t line;  /* where the current row begins, from 1 */
    bool unclosed; /* a quote was not closed */
    char separator;
    const char *p, *stop;
    int64_t next_line;
    struct rung_buf unquoted; /* cells with a doubled quote in them */
};

/* separator 0: the one of tab, semicolon, comma that the first line holds, in this order; a blank where
 * it holds none of them. The text must stay, with a NUL behind it. */
void rung_cells_open(struct rung_cells *row, const char *text, size_t length, char separator);
bool rung_cells_next(struct rung_cells *row); /* false at the end; empty lines are skipped */
void rung_cells_close(struct rung_cells *row);

#endif
