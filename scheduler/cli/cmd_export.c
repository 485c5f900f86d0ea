/* rung export DB */
#include "base/suggest.h"
#include "cli/cmd.h"
#include "cli/reading.h"

#include <stdio.h>
#include <string.h>

static const char *const view_names[] = {
    [RUNG_VIEW_LEADERBOARD] = "leaderboard",
    [RUNG_VIEW_HISTORY] = "history",
    [RUNG_VIEW_CALLS] = "calls",
    [RUNG_VIEW_BRACKETS] = "brackets",
    [RUNG_VIEW_MODELS] = "models",
    [RUNG_VIEW_SEARCHES] = "searches",
    [RUNG_VIEW_FAILURES] = "failures",
    [RUNG_VIEW_TRAINERS] = "trainers",
};
#define VIEWS (sizeof view_names / sizeof *view_names)

static int find_view(const char *name, enum rung_query_view *view, struct rung_err *err)
{
    for (size_t i = 0; name && i < VIEWS; i++) {
        if (strcmp(view_names[i], name) == 0) {
            *view = (enum rung_query_view)i;
            return 0;
        }
    }
    if (!name)
        return 0;
    const char *near = rung_suggest(name, view_names, VIEWS);
    if (near)
        rung_err_set(err, RUNG_EUSE, "--what: there is no view \"%s\" (did you mean \"%s\"?)", name, near);
    else
        rung_err_set(err, RUNG_EUSE, "--what: there is no view \"%s\"", name);
    return rung_err_way_out(err, "rung export --help");
}

int rung_cmd_export(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_reading reading = {0};
    enum rung_query_view view = RUNG_VIEW_HISTORY;
    int code;

    if ((code = find_view(rung_options_value(arguments, "what"), &view, err)) == 0 &&
        (code = rung_reading_open(&reading, arguments, RUNG_FORMAT_CSV, err)) == 0) {
        if (reading.format == RUNG_FORMAT_JSON)
            reading.format = RUNG_FORMAT_LINES;
        code = rung_reading_view(&reading, view, NULL, err);
    }
    return rung_reading_end(&reading, code, err);
}
