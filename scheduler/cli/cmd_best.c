/* rung best DB */
#include "cli/cmd.h"
#include "cli/reading.h"
#include "store/states.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rung_cell cell_of(const struct rung_query *query, const char *column)
{
    return rung_rows_cell(query, (size_t)rung_query_find(query, column));
}

/* A file that is there is replaced, as cp does; not what it comes from. */
static bool is_database(const char *path, const char *database)
{
    struct stat a, b;

    return stat(path, &a) == 0 && stat(database, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int copy_state(const struct rung_reading *reading, const struct rung_query *query, const char *to,
                      struct rung_err *err)
{
    uint32_t model = (uint32_t)cell_of(query, "model").integer;
    int64_t calls = cell_of(query, "calls").integer;
    struct rung_states *states;
    int code;

    if (is_database(to, rung_store_path(reading->store)))
        return rung_err_set(err, RUNG_EUSE, "--state %s: is the database", to);
    code = rung_states_look(&states, rung_store_path(reading->store), reading->row.name, err);
    if (code < 0)
        return code;
    code = rung_states_copy(states, model, calls, to, err);
    rung_states_free(states);
    return code;
}

/* The leaderboard's first row, as the model's parameters or in the format that was asked for. */
static int print_best(const struct rung_arguments *arguments, const struct rung_reading *reading,
                      struct rung_query *query, struct rung_err *err)
{
    const char *state = rung_options_value(arguments, "state");
    int code = rung_query_next(query, err);

    if (code < 0)
        return code;
    struct rung_cell score = code == 1 ? cell_of(query, "score") : (struct rung_cell){.type = RUNG_CELL_NULL};
    if (score.type == RUNG_CELL_NULL)
        return rung_err_set(err, RUNG_EFAIL, "%s: %s: no model has a score", rung_store_path(reading->store),
                            reading->row.name);
    if (strcmp(cell_of(query, "status").text, "failed") == 0) /* they rank last: there is no other */
        return rung_err_set(err, RUNG_EFAIL, "%s: %s: every model with a score has failed",
                            rung_store_path(reading->store), reading->row.name);
    if (state && (code = copy_state(reading, query, state, err)) < 0)
        return code;
    if (!rung_options_has(arguments, "format")) {
        fprintf(reading->out, "%s\n", rung_query_text(query, (size_t)rung_query_find(query, "parameters")));
    } else if (reading->format == RUNG_FORMAT_JSON) {
        struct rung_buf object;
        rung_buf_init(&object, RUNG_BUF_UNLIMITED);
        rung_rows_object(&object, query);
        fprintf(reading->out, "%s\n", rung_buf_cstr(&object));
        rung_buf_free(&object);
    } else {
        return rung_reading_view(reading, RUNG_VIEW_LEADERBOARD, NULL, err);
    }
    return 0;
}

int rung_cmd_best(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_reading reading;
    struct rung_query *query = NULL;
    int code;

    if ((code = rung_reading_open(&reading, arguments, RUNG_FORMAT_TABLE, err)) == 0) {
        reading.filter.limit = 1;
        code = rung_query_open(&query, reading.store, RUNG_VIEW_LEADERBOARD, &reading.filter, err);
        if (code == 0)
            code = print_best(arguments, &reading, query, err);
        rung_query_close(query);
    }
    return rung_reading_end(&reading, code, err);
}
