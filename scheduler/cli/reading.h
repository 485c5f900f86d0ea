/* What the commands that only read have in common: a database open for reading, the search and model they are
 * asked for. */
#ifndef RUNG_CLI_READING_H
#define RUNG_CLI_READING_H

#include "base/err.h"
#include "cli/options.h"
#include "cli/rows.h"
#include "cli/spool.h"
#include "store/query.h"
#include "store/record.h"
#include "store/store.h"

#include <stdint.h>

struct rung_reading {
    struct rung_store *store;
    struct rung_search_row row;      /* of the search asked for by --search, or the newest */
    struct rung_query_filter filter; /* that search; the model, where the second operand names one */
    enum rung_format format;
    struct rung_spool *spool;
    FILE *out; /* the spool's: for all that is printed while a row is being read */
};

/* Reads the operands DB and MODEL and the options --search and --format. RUNG_EUSE where one of them names
 * nothing. Close with rung_reading_close, also after a failure. */
int rung_reading_open(struct rung_reading *reading, const struct rung_arguments *arguments,
                      enum rung_format fallback, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_reading_close(struct rung_reading *reading);
/* Closes, then prints what was written to out. Returns code, as of rung_spool_end. */
int rung_reading_end(struct rung_reading *reading, int code, struct rung_err *err);
/* Writes all rows of a view to out: its search's and model's, in its format; columns as of
 * rung_rows_view_within. */
int rung_reading_view(const struct rung_reading *reading, enum rung_query_view view,
                      const char *const *columns, struct rung_err *err) RUNG_CHECK_RESULT;

/* The operand MODEL as a number, RUNG_QUERY_ANY without. */
int rung_reading_model(const struct rung_arguments *arguments, int64_t *model,
                       struct rung_err *err) RUNG_CHECK_RESULT;

#endif
