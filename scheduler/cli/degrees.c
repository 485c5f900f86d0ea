/* Losses and times by algorithm and machines. */
#include "cli/degrees.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/query.h"
#include "store/record.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE SIZE_MAX

/* A model of the search that is being read. */
struct run {
    size_t algorithm; /* NOWHERE: left out */
    size_t degree;    /* of the algorithm */
    double machines;
    size_t number; /* over all searches */
    double calls;  /* of its last row of the history */
};

struct reader {
    struct rung_degrees *degrees;
    struct rung_store *store;
    struct rung_query_filter filter;
    struct rung_search_row row;
    struct rung_json *spec;
    struct run *runs; /* by model number */
    size_t run_count, run_capacity;
    bool losses, times; /* some were found */
};

/* ---- what a model is ---- */

static size_t find_algorithm(struct rung_degrees *degrees, const char *name)
{
    for (size_t k = 0; k < degrees->count; k++)
        if (strcmp(degrees->algorithms[k].name, name) == 0)
            return k;
    degrees->algorithms =
        rung_mem_grow(degrees->algorithms, degrees->count, &degrees->capacity, sizeof *degrees->algorithms);
    degrees->algorithms[degrees->count] =
        (struct rung_degrees_algorithm){.name = rung_mem_strdup(name), .least = INFINITY};
    return degrees->count++;
}

/* *name: of the parameter that tells; NULL: none does. */
static double machines_of(const struct reader *reader, const struct rung_json *parameters, const char **name)
{
    static const char *const names[] = {"machines", "workers", "m", "parallelism"};
    struct rung_degrees *degrees = reader->degrees;
    const struct rung_json *value = NULL;

    *name = degrees->machines_name;
    if (*name)
        value = rung_json_get(parameters, *name);
    for (size_t k = 0; !degrees->machines_name && !value && k < sizeof names / sizeof *names; k++)
        if ((value = rung_json_get(parameters, names[k])))
            *name = names[k];
    degrees->has_machines = degrees->has_machines || value;
    if (!value && !degrees->machines_name) {
        value = rung_json_get(rung_json_get(reader->spec, "trainer"), "threads");
        if (!value)
            return 1;
    }
    double machines = rung_json_is(value, RUNG_JSON_NUMBER) ? rung_json_number(value) : NAN;
    return machines >= 1 && isfinite(machines) ? machines : NAN;
}

static const char *algorithm_key(const struct rung_degrees *degrees)
{
    return degrees->algorithm_name ? degrees->algorithm_name : "algorithm";
}

static size_t algorithm_of(const struct reader *reader, const struct rung_json *parameters)
{
    struct rung_degrees *degrees = reader->degrees;
    const struct rung_json *value = rung_json_get(parameters, algorithm_key(degrees));
    struct rung_buf text;

    degrees->has_algorithm = degrees->has_algorithm || value;
    if (!value)
        value = rung_json_get(reader->spec, "name"); /* the row's may end in -2 */
    if (!value)
        return find_algorithm(degrees, reader->row.name);
    if (rung_json_is(value, RUNG_JSON_STRING))
        return find_algorithm(degrees, rung_json_string(value));
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_json_write(&text, value);
    size_t found = find_algorithm(degrees, rung_buf_cstr(&text));
    rung_buf_free(&text);
    return found;
}

static size_t find_degree(struct rung_degrees_algorithm *algorithm, double machines)
{
    for (size_t k = 0; k < algorithm->degree_count; k++)
        if (algorithm->degrees[k].machines == machines)
            return k;
    algorithm->degrees = rung_mem_grow(algorithm->degrees, algorithm->degree_count,
                                       &algorithm->degree_capacity, sizeof *algorithm->degrees);
    algorithm->degrees[algorithm->degree_count] = (struct rung_degree){.machines = machines};
    return algorithm->degree_count++;
}

static int by_key(const void *a, const void *b)
{
    const struct rung_json *x = *(const struct rung_json *const *)a, *y = *(const struct rung_json *const *)b;
    return strcmp(rung_json_key(x), rung_json_key(y));
}

/* The parameters but two as text, whatever their order. Caller frees. */
static char *settings_of(const struct rung_json *parameters, const char *machines, const char *algorithm)
{
    const struct rung_json **members = rung_mem_zalloc(rung_json_size(parameters) + 1, sizeof *members);
    struct rung_buf text;
    size_t count = 0;

    for (struct rung_json *member = rung_json_first(parameters); member; member = rung_json_next(member)) {
        const char *key = rung_json_key(member);
        if ((!machines || strcmp(key, machines) != 0) && strcmp(key, algorithm) != 0)
            members[count++] = member;
    }
    qsort(members, count, sizeof *members, by_key);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (size_t k = 0; k < count; k++) {
        rung_json_write_string(&text, rung_json_key(members[k]));
        rung_json_write(&text, members[k]);
    }
    char *settings = rung_mem_strdup(rung_buf_cstr(&text));
    rung_buf_free(&text);
    free(members);
    return settings;
}

static void add_settings(struct rung_degrees_algorithm *algorithm, char *settings)
{
    algorithm->settings = rung_mem_grow(algorithm->settings, algorithm->models, &algorithm->model_capacity,
                                        sizeof *algorithm->settings);
    algorithm->settings[algorithm->models++] = settings;
}

static void add_run(struct reader *reader, size_t model, const char *parameters)
{
    const char *name;
    struct rung_json *json = rung_json_parse(parameters, strlen(parameters), 0, NULL);

    while (reader->run_count <= model) {
        reader->runs =
            rung_mem_grow(reader->runs, reader->run_count, &reader->run_capacity, sizeof *reader->runs);
        reader->runs[reader->run_count++] = (struct run){.algorithm = NOWHERE};
    }
    struct run *run = &reader->runs[model];
    run->machines = machines_of(reader, json, &name);
    run->number = reader->degrees->runs++;
    if (isnan(run->machines)) {
        reader->degrees->left_out++;
    } else {
        run->algorithm = algorithm_of(reader, json);
        struct rung_degrees_algorithm *algorithm = &reader->degrees->algorithms[run->algorithm];
        run->degree = find_degree(algorithm, run->machines);
        add_settings(algorithm, settings_of(json, name, algorithm_key(reader->degrees)));
    }
    rung_json_free(json);
}

/* ---- rows ---- */

static void add_loss(struct reader *reader, const struct run *run, double iteration, double value)
{
    struct rung_degrees *degrees = reader->degrees;
    struct rung_degrees_algorithm *algorithm = &degrees->algorithms[run->algorithm];

    reader->losses = true;
    if (!isfinite(value)) {
        degrees->not_finite++;
        return;
    }
    if (degrees->maximize)
        value = -value;
    algorithm->rows =
        rung_mem_grow(algorithm->rows, algorithm->count, &algorithm->capacity, sizeof *algorithm->rows);
    algorithm->rows[algorithm->count++] =
        (struct rung_hemingway_row){iteration, run->machines, value, run->number};
    algorithm->least = fmin(algorithm->least, value);
}

/* So many seconds for so many iterations together. */
static void add_time(struct reader *reader, const struct run *run, double iterations, double seconds)
{
    struct rung_degree *degree = &reader->degrees->algorithms[run->algorithm].degrees[run->degree];

    if (!(seconds > 0) || !isfinite(seconds) || !(iterations > 0))
        return;
    degree->timings++;
    degree->iterations += iterations;
    degree->seconds += seconds;
    degree->squares += seconds * seconds / iterations;
    reader->times = true;
}

/* The number called name in a JSON object; *found where the name is there, whatever it is. */
static double number_in(const struct rung_json *metrics, const char *name, bool *found)
{
    const struct rung_json *value = rung_json_get(metrics, name);

    *found = value != NULL;
    return rung_json_is(value, RUNG_JSON_NUMBER) ? rung_json_number(value) : NAN;
}

static void add_bound(struct rung_degrees *degrees, const struct rung_json *metrics)
{
    bool found = false;
    double bound = degrees->bound_name ? number_in(metrics, degrees->bound_name, &found) : NAN;

    degrees->has_bound = degrees->has_bound || found;
    if (degrees->maximize)
        bound = -bound;
    if (isfinite(bound) && !(degrees->bound >= bound))
        degrees->bound = bound;
}

/* ---- views ---- */

struct columns {
    size_t model, iteration, seconds, metrics, score;
};

static size_t column(const struct rung_query *query, const char *name)
{
    int found = rung_query_find(query, name);
    return found < 0 ? NOWHERE : (size_t)found;
}

static struct run *run_of(struct reader *reader, int64_t model)
{
    bool known = model >= 0 && (uint64_t)model < reader->run_count;
    return known && reader->runs[model].algorithm != NOWHERE ? &reader->runs[model] : NULL;
}

static struct rung_json *metrics_of(const struct rung_query *query, size_t place)
{
    const char *text = rung_query_text(query, place);
    return text ? rung_json_parse(text, strlen(text), RUNG_JSON_NONFINITE, NULL) : NULL;
}

static void add_call(struct reader *reader, const struct rung_query *query, const struct columns *at)
{
    struct run *run = run_of(reader, rung_query_integer(query, at->model));
    struct rung_json *metrics = run ? metrics_of(query, at->metrics) : NULL;
    bool found;

    if (!run)
        return;
    double value = number_in(metrics, reader->degrees->metric, &found);
    if (found)
        add_loss(reader, run, (double)rung_query_integer(query, at->iteration), value);
    add_bound(reader->degrees, metrics);
    add_time(reader, run, 1, rung_query_real(query, at->seconds));
    rung_json_free(metrics);
}

/* A row of the history: one loss, and the time of its calls since the row before. */
static void add_result(struct reader *reader, const struct rung_query *query, const struct columns *at,
                       bool losses, bool times)
{
    struct run *run = run_of(reader, rung_query_integer(query, at->model));
    struct rung_json *metrics = run ? metrics_of(query, at->metrics) : NULL;
    double calls = (double)rung_query_integer(query, at->iteration);
    bool objective = strcmp(reader->degrees->metric, reader->row.metric) == 0, found = objective;

    if (!run)
        return;
    if (losses) {
        double value = objective ? rung_query_real(query, at->score)
                                 : number_in(metrics, reader->degrees->metric, &found);
        if (found)
            add_loss(reader, run, calls, value);
    }
    add_bound(reader->degrees, metrics);
    if (times)
        add_time(reader, run, calls - run->calls, rung_query_real(query, at->seconds));
    run->calls = calls;
    rung_json_free(metrics);
}

static int read_models(struct reader *reader, struct rung_err *err)
{
    struct rung_query *query;
    int code = rung_query_open(&query, reader->store, RUNG_VIEW_MODELS, &reader->filter, err);

    if (code < 0)
        return code;
    size_t model = column(query, "model"), parameters = column(query, "parameters");
    while ((code = rung_query_next(query, err)) == 1)
        add_run(reader, (size_t)rung_query_integer(query, model), rung_query_text(query, parameters));
    rung_query_close(query);
    return code;
}

static int read_calls(struct reader *reader, struct rung_err *err)
{
    struct rung_query *query;
    int code = rung_query_open(&query, reader->store, RUNG_VIEW_CALLS, &reader->filter, err);

    if (code < 0)
        return code;
    struct columns at = {.model = column(query, "model"),
                         .iteration = column(query, "call"),
                         .seconds = column(query, "fit_seconds"),
                         .metrics = column(query, "metrics")};
    while ((code = rung_query_next(query, err)) == 1)
        add_call(reader, query, &at);
    rung_query_close(query);
    return code;
}

static int read_history(struct reader *reader, bool losses, bool times, struct rung_err *err)
{
    struct rung_query *query;
    int code = rung_query_open(&query, reader->store, RUNG_VIEW_HISTORY, &reader->filter, err);

    if (code < 0)
        return code;
    struct columns at = {.model = column(query, "model"),
                         .iteration = column(query, "partial_fit_calls"),
                         .seconds = column(query, "partial_fit_time"),
                         .metrics = column(query, "metrics"),
                         .score = column(query, "score")};
    while ((code = rung_query_next(query, err)) == 1)
        add_result(reader, query, &at, losses, times);
    rung_query_close(query);
    return code;
}

/* ---- a search ---- */

static int settle_metric(struct reader *reader, struct rung_err *err)
{
    struct rung_degrees *degrees = reader->degrees;
    const char *metric = degrees->metric_name ? degrees->metric_name : reader->row.metric;
    bool own = strcmp(metric, reader->row.metric) == 0;
    bool maximize = degrees->larger || (own && strcmp(reader->row.goal, "maximize") == 0);

    if (!degrees->metric) {
        degrees->metric = rung_mem_strdup(metric);
        degrees->maximize = maximize;
        degrees->bound = NAN;
    }
    if (strcmp(degrees->metric, metric) == 0 && degrees->maximize == maximize)
        return 0;
    rung_err_set(err, RUNG_EUSE, "%s: %s %ss %s, the searches before it %s %s: not to be compared",
                 rung_store_path(reader->store), reader->row.name, maximize ? "maximize" : "minimize", metric,
                 degrees->maximize ? "maximize" : "minimize", degrees->metric);
    return rung_err_way_out(err, "--metric NAME, or --search NAME");
}

/* Whether the search was added before, under whatever path its database has. */
static bool seen_before(struct rung_degrees *degrees, const struct rung_search_row *row, const char *path)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_search_row_identity(&text, row);
    for (size_t k = 0; k < degrees->seen_count; k++) {
        if (strcmp(degrees->seen[k], rung_buf_cstr(&text)) == 0) {
            rung_buf_free(&text);
            if (degrees->repeated++ == 0)
                degrees->repeated_in = rung_mem_strdup(path);
            return true;
        }
    }
    degrees->seen =
        rung_mem_grow(degrees->seen, degrees->seen_count, &degrees->seen_capacity, sizeof *degrees->seen);
    degrees->seen[degrees->seen_count++] = rung_mem_strdup(rung_buf_cstr(&text));
    rung_buf_free(&text);
    return false;
}

int rung_degrees_add(struct rung_degrees *degrees, struct rung_store *store, const char *search,
                     struct rung_err *err)
{
    struct reader reader = {.degrees = degrees,
                            .store = store,
                            .filter = {.search = search, .model = RUNG_QUERY_ANY, .limit = RUNG_QUERY_ANY}};
    int code = rung_record_find(store, search, &reader.row, err);

    if (code == 0 && seen_before(degrees, &reader.row, rung_store_path(store)))
        goto out;
    if (code == 0)
        code = settle_metric(&reader, err);
    if (code == 0 && !(reader.spec = rung_json_parse(reader.row.spec, strlen(reader.row.spec), 0, err)))
        code = rung_err_prefix(err, "%s: %s: its spec", rung_store_path(store), search);
    if (code == 0)
        code = read_models(&reader, err);
    if (code == 0)
        code = read_calls(&reader, err);
    if (code == 0 && (!reader.losses || !reader.times || degrees->bound_name))
        code = read_history(&reader, !reader.losses, !reader.times, err);
out:
    rung_search_row_free(&reader.row);
    rung_json_free(reader.spec);
    free(reader.runs);
    return code;
}

static int by_machines(const void *a, const void *b)
{
    double x = ((const struct rung_degree *)a)->machines, y = ((const struct rung_degree *)b)->machines;
    return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct rung_degrees_algorithm *)a)->name,
                  ((const struct rung_degrees_algorithm *)b)->name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void count_different(struct rung_degrees_algorithm *algorithm)
{
    if (algorithm->models > 0)
        qsort(algorithm->settings, algorithm->models, sizeof *algorithm->settings, by_text);
    algorithm->different = 0;
    for (size_t k = 0; k < algorithm->models; k++)
        algorithm->different += k == 0 || by_text(&algorithm->settings[k], &algorithm->settings[k - 1]) != 0;
}

void rung_degrees_sort(struct rung_degrees *degrees)
{
    if (degrees->count > 0)
        qsort(degrees->algorithms, degrees->count, sizeof *degrees->algorithms, by_name);
    for (size_t k = 0; k < degrees->count; k++) {
        struct rung_degrees_algorithm *algorithm = &degrees->algorithms[k];
        if (algorithm->degree_count > 0)
            qsort(algorithm->degrees, algorithm->degree_count, sizeof *algorithm->degrees, by_machines);
        count_different(algorithm);
    }
}

void rung_degrees_free(struct rung_degrees *degrees)
{
    for (size_t k = 0; k < degrees->count; k++) {
        free(degrees->algorithms[k].name);
        free(degrees->algorithms[k].rows);
        free(degrees->algorithms[k].degrees);
        for (size_t j = 0; j < degrees->algorithms[k].models; j++)
            free(degrees->algorithms[k].settings[j]);
        free(degrees->algorithms[k].settings);
    }
    for (size_t k = 0; k < degrees->seen_count; k++)
        free(degrees->seen[k]);
    free(degrees->seen);
    free(degrees->algorithms);
    free(degrees->repeated_in);
    free(degrees->metric);
}
