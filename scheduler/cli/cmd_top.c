/* rung top DB */
#include "cli/cmd.h"
#include "cli/reading.h"

#include <stdio.h>

int rung_cmd_top(const struct rung_arguments *arguments, struct rung_err *err)
{
    static const char *const columns[] = {"rank",  "model",       "score",      "status", "bracket",
                                          "calls", "fit_seconds", "parameters", NULL};
    struct rung_reading reading;
    int64_t limit = RUNG_QUERY_ANY;
    int code = rung_reading_open(&reading, arguments, RUNG_FORMAT_TABLE, err);

    if (code == 0 && (code = rung_options_integer(arguments, "n", 0, INT64_MAX, &limit, err)) == 0) {
        reading.filter.limit = limit;
        code = rung_rows_view(stdout, reading.format, reading.store, RUNG_VIEW_LEADERBOARD, &reading.filter,
                              columns, err);
    }
    rung_reading_close(&reading);
    return code;
}
