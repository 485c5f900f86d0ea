/* rung advise DB... */
#include "base/json.h"
#include "base/mem.h"
#include "cli/advising.h"
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/rows.h"
#include "core/spec.h"
#include "store/record.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

static int read_number(const struct rung_arguments *arguments, const char *key, double *out,
                       struct rung_err *err)
{
    const char *text = rung_options_value(arguments, key);

    *out = NAN;
    if (!text)
        return 0;
    struct rung_json *value = rung_json_parse(text, strlen(text), 0, NULL);
    if (rung_json_is(value, RUNG_JSON_NUMBER))
        *out = rung_json_number(value);
    rung_json_free(value);
    return isfinite(*out) ? 0 : rung_err_set(err, RUNG_EUSE, "--%s: \"%s\" is no number", key, text);
}

static int read_deadline(const struct rung_arguments *arguments, double *out, struct rung_err *err)
{
    const char *text = rung_options_value(arguments, "deadline");

    *out = NAN;
    if (!text || (rung_spec_duration_text(text, out) && *out > 0 && isfinite(*out)))
        return 0;
    return rung_err_set(err, RUNG_EUSE, "--deadline: \"%s\" is no time above 0, such as 90, 10m or 2h", text);
}

static int read_request(struct rung_advising_request *request, const struct rung_arguments *arguments,
                        struct rung_err *err)
{
    int code;

    *request = (struct rung_advising_request){0};
    if ((code = read_number(arguments, "goal", &request->goal, err)) < 0 ||
        (code = read_number(arguments, "limit", &request->limit, err)) < 0 ||
        (code = read_deadline(arguments, &request->deadline, err)) < 0 ||
        (code = rung_options_list(arguments, "candidates", 1, UINT32_MAX, request->others,
                                  RUNG_ADVISING_MACHINES, &request->other_count, err)) < 0)
        return code;
    if (request->goal <= 0)
        return rung_err_set(err, RUNG_EUSE, "--goal: a distance to the limit is above 0");
    if (isnan(request->goal) == isnan(request->deadline)) {
        rung_err_set(err, RUNG_EUSE, "advise: %s",
                     isnan(request->goal) ? "neither --goal nor --deadline says what for"
                                          : "--goal and --deadline ask for different things");
        return rung_err_way_out(err, "rung advise --help");
    }
    return 0;
}

/* ---- histories ---- */

struct names {
    char **names;
    size_t count, capacity;
};

static void keep_name(void *context, const char *name)
{
    struct names *names = context;

    names->names = rung_mem_grow(names->names, names->count, &names->capacity, sizeof *names->names);
    names->names[names->count++] = rung_mem_strdup(name);
}

/* The searches of one database, or the one asked for, if it is there. */
static int read_database(struct rung_degrees *degrees, const char *path, const char *search, size_t *found,
                         struct rung_err *err)
{
    struct names names = {0};
    struct rung_store *store;
    int code = rung_store_open(&store, path, RUNG_STORE_READ, err);

    if (code < 0)
        return code;
    code = rung_record_names(store, keep_name, &names, err);
    for (size_t k = names.count; k-- > 0 && code == 0;) { /* the oldest first */
        if (search && strcmp(search, names.names[k]) != 0)
            continue;
        ++*found;
        code = rung_degrees_add(degrees, store, names.names[k], err);
    }
    for (size_t k = 0; k < names.count; k++)
        free(names.names[k]);
    free(names.names);
    rung_store_close(store);
    return code;
}

static int read_histories(struct rung_degrees *degrees, const struct rung_arguments *arguments,
                          struct rung_err *err)
{
    const char *search = rung_options_value(arguments, "search");
    size_t found = 0;
    int code = 0;

    *degrees = (struct rung_degrees){.machines_name = rung_options_value(arguments, "machines"),
                                     .algorithm_name = rung_options_value(arguments, "algorithm"),
                                     .metric_name = rung_options_value(arguments, "metric"),
                                     .bound_name = rung_options_value(arguments, "bound"),
                                     .larger = rung_options_has(arguments, "maximize"),
                                     .bound = NAN};
    for (size_t k = 0; k < arguments->word_count && code == 0; k++)
        code = read_database(degrees, arguments->words[k], search, &found, err);
    if (code < 0)
        return code;
    if (found == 0 && search)
        return rung_err_set(err, RUNG_EUSE, "advise: no database has a search %s", search);
    if (found == 0)
        return rung_err_set(err, RUNG_EUSE, "advise: there is no search to learn from");
    if (degrees->machines_name && !degrees->has_machines)
        return rung_err_set(err, RUNG_EUSE, "--machines: no model has a parameter %s",
                            degrees->machines_name);
    if (degrees->machines_name && degrees->left_out == degrees->runs)
        return rung_err_set(err, RUNG_EUSE, "--machines: no model's %s is a number of 1 or more",
                            degrees->machines_name);
    if (degrees->algorithm_name && !degrees->has_algorithm)
        return rung_err_set(err, RUNG_EUSE, "--algorithm: no model has a parameter %s",
                            degrees->algorithm_name);
    if (degrees->bound_name && !degrees->has_bound)
        return rung_err_set(err, RUNG_EUSE, "--bound: no metric is called %s", degrees->bound_name);
    if (degrees->bound_name && isnan(degrees->bound))
        return rung_err_set(err, RUNG_EUSE, "--bound: no %s is a finite number", degrees->bound_name);
    rung_degrees_sort(degrees);
    return 0;
}

/* What was done with the histories that may not be what was meant. */
static void note_histories(const struct rung_degrees *degrees)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (degrees->repeated > 0)
        rung_buf_printf(
            &text, "rung: note: %s: %zu search%s there already: of copies only the one named first counts\n",
            degrees->repeated_in, degrees->repeated, degrees->repeated == 1 ? " is" : "es are");
    for (size_t k = 0; k < degrees->count; k++) {
        const struct rung_degrees_algorithm *algorithm = &degrees->algorithms[k];
        if (algorithm->different < 2)
            continue;
        rung_buf_text(&text, "rung: note: ");
        rung_human_text(&text, algorithm->name);
        rung_buf_printf(&text,
                        ": %zu models with %zu different settings of other parameters count as one curve\n",
                        algorithm->models, algorithm->different);
    }
    fputs(rung_buf_cstr(&text), stderr);
    rung_buf_free(&text);
}

/* ---- rows ---- */

enum column {
    ALGORITHM,
    MACHINES,
    BEST,
    FEASIBLE,
    ITERATIONS,
    PER_ITERATION = ITERATIONS + 3,
    SECONDS = PER_ITERATION + 3,
    VALUE = SECONDS + 3,
    DISTANCE = VALUE + 3,
    OBSERVATIONS,
    TIMINGS,
    MEASURED,
    ERROR,
    LIMIT,
    LIMIT_RULE,
    REASON,
    COLUMNS
};

static const char *const names[COLUMNS] = {"algorithm",
                                           "machines",
                                           "best",
                                           "feasible",
                                           "iterations",
                                           "iterations_low",
                                           "iterations_high",
                                           "seconds_per_iteration",
                                           "seconds_per_iteration_low",
                                           "seconds_per_iteration_high",
                                           "seconds",
                                           "seconds_low",
                                           "seconds_high",
                                           "value",
                                           "value_low",
                                           "value_high",
                                           "distance",
                                           "observations",
                                           "timings",
                                           "measured",
                                           "log_error",
                                           "limit",
                                           "limit_rule",
                                           "reason"};

static struct rung_cell real(double value)
{
    return (struct rung_cell){.type = isfinite(value) ? RUNG_CELL_REAL : RUNG_CELL_NULL, .real = value};
}

static struct rung_cell integer(size_t value)
{
    return (struct rung_cell){.type = RUNG_CELL_INTEGER, .integer = (int64_t)value};
}

static struct rung_cell text(const char *value)
{
    return (struct rung_cell){.type = value[0] ? RUNG_CELL_TEXT : RUNG_CELL_NULL, .text = value};
}

static struct rung_cell truth(bool value)
{
    return (struct rung_cell){.type = RUNG_CELL_JSON, .text = value ? "true" : "false"};
}

static void span(struct rung_cell *cells, const struct rung_advising_span *value)
{
    cells[0] = real(value->value);
    cells[1] = real(value->low);
    cells[2] = real(value->high);
}

/* As it was reported. */
static struct rung_advising_span reported(const struct rung_degrees *degrees, struct rung_advising_span loss)
{
    return degrees->maximize ? (struct rung_advising_span){-loss.value, -loss.high, -loss.low} : loss;
}

static void make_cells(struct rung_cell *cells, const struct rung_advising_line *line,
                       const struct rung_advising *advising, const struct rung_degrees *degrees)
{
    struct rung_advising_span value = reported(degrees, line->loss);

    cells[ALGORITHM] = text(line->algorithm);
    cells[MACHINES] = real(line->machines);
    cells[BEST] = truth(line->best);
    cells[FEASIBLE] = truth(line->feasible);
    span(cells + ITERATIONS, &line->iterations);
    span(cells + PER_ITERATION, &line->per_iteration);
    span(cells + SECONDS, &line->seconds);
    span(cells + VALUE, &value);
    cells[DISTANCE] = real(line->distance);
    cells[OBSERVATIONS] = integer(line->observations);
    cells[TIMINGS] = integer(line->timings);
    cells[MEASURED] = truth(line->measured);
    cells[ERROR] = real(line->error);
    cells[LIMIT] = real(degrees->maximize ? -advising->limit : advising->limit);
    cells[LIMIT_RULE] = text(rung_hemingway_rule_name(advising->rule));
    cells[REASON] = text(line->reason);
}

/* Columns of the table for people. */
static const enum column of_goal[] = {ALGORITHM,   MACHINES,    ITERATIONS,   PER_ITERATION, SECONDS,
                                      SECONDS + 1, SECONDS + 2, OBSERVATIONS, TIMINGS,       REASON};
static const enum column of_deadline[] = {ALGORITHM, MACHINES, ITERATIONS,   PER_ITERATION, VALUE, VALUE + 1,
                                          VALUE + 2, DISTANCE, OBSERVATIONS, TIMINGS,       REASON};

static void print_rows(const struct rung_advising *advising, const struct rung_degrees *degrees,
                       enum rung_format format, bool by_goal)
{
    bool table = format == RUNG_FORMAT_TABLE;
    const enum column *which = by_goal ? of_goal : of_deadline;
    size_t count = !table    ? COLUMNS
                   : by_goal ? sizeof of_goal / sizeof *of_goal
                             : sizeof of_deadline / sizeof *of_deadline;
    const char *chosen[COLUMNS];
    struct rung_cell cells[COLUMNS], row[COLUMNS];

    for (size_t k = 0; k < count; k++)
        chosen[k] = names[table ? which[k] : (enum column)k];
    struct rung_rows *rows = rung_rows_create(stdout, format, chosen, count, rung_rows_width(stdout));
    for (size_t l = 0; l < advising->count; l++) {
        make_cells(cells, &advising->lines[l], advising, degrees);
        for (size_t k = 0; k < count; k++)
            row[k] = cells[table ? which[k] : (enum column)k];
        rung_rows_add(rows, row);
    }
    rung_rows_end(rows);
}

/* ---- in words ---- */

static void say_interval(struct rung_buf *out, double low, double high,
                         void (*write)(struct rung_buf *out, double number))
{
    if (isnan(low) || isnan(high))
        return;
    rung_buf_text(out, " (");
    write(out, low);
    if (isinf(high)) {
        rung_buf_text(out, " or more)");
        return;
    }
    rung_buf_text(out, " to ");
    write(out, high);
    rung_buf_char(out, ')');
}

static void say_best(struct rung_buf *out, const struct rung_advising *advising,
                     const struct rung_degrees *degrees, const struct rung_advising_request *request)
{
    const struct rung_advising_line *best = advising->best;
    bool by_goal = !isnan(request->goal);

    if (!best) {
        rung_buf_text(out, by_goal ? "\nnothing reaches the goal\n"
                                   : "\nnothing ends an iteration by the deadline\n");
        return;
    }
    rung_buf_text(out, "\nbest: ");
    rung_human_text(out, best->algorithm);
    rung_buf_printf(out, " on %g machine%s: ", best->machines, best->machines == 1 ? "" : "s");
    if (by_goal) {
        rung_buf_printf(out, "within %g of the limit after ", request->goal);
        rung_human_seconds(out, best->seconds.value);
        say_interval(out, best->seconds.low, best->seconds.high, rung_human_seconds);
    } else {
        struct rung_advising_span value = reported(degrees, best->loss);
        rung_human_text(out, degrees->metric);
        rung_buf_char(out, ' ');
        rung_human_number(out, value.value);
        if (isfinite(value.low) && isfinite(value.high))
            say_interval(out, value.low, value.high, rung_human_number);
        rung_buf_text(out, " after ");
        rung_human_seconds(out, request->deadline);
    }
    rung_buf_printf(out, ", %.0f iteration%s\n", best->iterations.value,
                    best->iterations.value == 1 ? "" : "s");
}

static void say_limit(struct rung_buf *out, const struct rung_advising *advising,
                      const struct rung_degrees *degrees)
{
    static const char *const rules[] = {
        [RUNG_HEMINGWAY_KNOWN] = "known, as --limit says",
        [RUNG_HEMINGWAY_BOUND] = "the best bound that was reported, which was met within 1e-8",
        [RUNG_HEMINGWAY_FITTED] =
            "fitted: the best value and a distance beyond it with which curves predict best"};

    rung_buf_text(out, "limit of ");
    rung_human_text(out, degrees->metric);
    rung_buf_printf(out, ": %.7g (%s", degrees->maximize ? -advising->limit : advising->limit,
                    rules[advising->rule]);
    if (advising->rule == RUNG_HEMINGWAY_FITTED)
        rung_buf_printf(out, "; %.7g to %.7g nearly as well",
                        degrees->maximize ? -advising->limit_high : advising->limit_low,
                        degrees->maximize ? -advising->limit_low : advising->limit_high);
    rung_buf_text(out, ")\n");
    if (degrees->not_finite > 0)
        rung_buf_printf(out, "left out: %zu value%s that %s not finite\n", degrees->not_finite,
                        degrees->not_finite == 1 ? "" : "s", degrees->not_finite == 1 ? "is" : "are");
    if (degrees->left_out > 0)
        rung_buf_printf(out, "left out: %zu model%s without a number of machines, 1 or more\n",
                        degrees->left_out, degrees->left_out == 1 ? "" : "s");
}

static void say(const struct rung_advising *advising, const struct rung_degrees *degrees,
                const struct rung_advising_request *request)
{
    struct rung_buf out;

    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    say_best(&out, advising, degrees, request);
    say_limit(&out, advising, degrees);
    fputs(rung_buf_cstr(&out), stdout);
    rung_buf_free(&out);
}

/* ---- the command ---- */

static int advise(const struct rung_degrees *degrees, struct rung_advising_request *request,
                  enum rung_format format, struct rung_err *err)
{
    struct rung_advising advising;

    if (degrees->maximize)
        request->limit = -request->limit;
    int code = rung_advising_make(&advising, degrees, request, err);
    if (code == 0) {
        print_rows(&advising, degrees, format, !isnan(request->goal));
        if (format == RUNG_FORMAT_TABLE)
            say(&advising, degrees, request);
    } else {
        rung_err_prefix(err, "advise");
    }
    rung_advising_free(&advising);
    return code;
}

int rung_cmd_advise(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_advising_request request;
    struct rung_degrees degrees = {0};
    enum rung_format format;
    int code;

    if ((code = rung_rows_format(arguments, RUNG_FORMAT_TABLE, &format, err)) < 0 ||
        (code = read_request(&request, arguments, err)) < 0)
        return code;
    if ((code = read_histories(&degrees, arguments, err)) == 0)
        code = advise(&degrees, &request, format, err);
    if (code == 0)
        note_histories(&degrees);
    rung_degrees_free(&degrees);
    return code;
}
