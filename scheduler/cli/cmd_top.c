/* rung top DB */
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/reading.h"

#include <stdio.h>

/* Without -n, a table ends where a screen does. */
#define ROWS_SHOWN 20

static int count_models(const struct rung_reading *reading, int64_t *count, struct rung_err *err)
{
    struct rung_query_filter all = {reading->filter.search, RUNG_QUERY_ANY, RUNG_QUERY_ANY};
    struct rung_query *query;
    int code = rung_query_open(&query, reading->store, RUNG_VIEW_MODELS, &all, err);

    if (code < 0)
        return code;
    for (*count = 0; (code = rung_query_next(query, err)) == 1; (*count)++)
        continue;
    rung_query_close(query);
    return code;
}

/* What a table that was cut leaves out. */
static int print_rest(const struct rung_reading *reading, struct rung_err *err)
{
    struct rung_buf line;
    int64_t count;
    int code = count_models(reading, &count, err);

    if (code < 0 || count <= reading->filter.limit)
        return code;
    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_human_count(&line, count - reading->filter.limit, "more model");
    fprintf(reading->out, "%s (-n 0 for all)\n", rung_buf_cstr(&line));
    rung_buf_free(&line);
    return 0;
}

int rung_cmd_top(const struct rung_arguments *arguments, struct rung_err *err)
{
    static const char *const columns[] = {"rank",  "model",       "score",      "status", "bracket",
                                          "calls", "fit_seconds", "parameters", NULL};
    struct rung_reading reading;
    int64_t limit = 0;
    bool asked;
    int code = rung_asking_question("top", arguments, &asked, err);

    if (asked || code < 0)
        return code;
    code = rung_reading_open(&reading, arguments, RUNG_FORMAT_TABLE, err);
    if (code == 0 && (code = rung_options_integer(arguments, "n", 0, INT64_MAX, &limit, err)) == 0) {
        bool cut = reading.format == RUNG_FORMAT_TABLE && !rung_options_has(arguments, "n");
        reading.filter.limit = cut ? ROWS_SHOWN : limit > 0 ? limit : RUNG_QUERY_ANY;
        code = rung_reading_view(&reading, RUNG_VIEW_LEADERBOARD, columns, err);
        if (code == 0 && cut)
            code = print_rest(&reading, err);
    }
    return rung_reading_end(&reading, code, err);
}
