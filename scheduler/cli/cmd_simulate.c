/* rung simulate DB|SPEC */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/simulation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TRAINERS_MAX 100000
#define LIST_MAX     32
#define BRACKETS_MAX 64
#define SECONDS_MAX  1e12
#define MODELS_MAX   20000000 /* which take some 5 GB */
#define FEW          32       /* trainers up to which a spec is simulated where none are named */

/* An order of brackets: its text, and their numbers (none: as planned). */
struct order {
    const char *text;
    uint32_t brackets[BRACKETS_MAX];
    size_t count;
    bool reversed;
};

struct request {
    enum rung_format format;
    int64_t trainers[LIST_MAX];
    size_t trainer_count;
    enum rung_priority priorities[3];
    size_t priority_count;
    struct order orders[LIST_MAX];
    size_t order_count;
    struct rung_simulation_times times;
    struct rung_virtual_options options;
    const char *scores_path, *times_path;
};

/* ---- options ---- */

static int read_seconds(const struct rung_arguments *arguments, const char *key, double *value,
                        struct rung_err *err)
{
    const char *text = rung_options_value(arguments, key);

    if (text && (!rung_spec_duration_text(text, value) || *value > SECONDS_MAX))
        return rung_err_set(err, RUNG_EUSE, "--%s: \"%s\" is no duration such as 1.5, 10m or 2h", key, text);
    return 0;
}

static int read_priorities(struct request *request, const char *text, struct rung_err *err)
{
    while (text) {
        size_t length = strcspn(text, ","), kind = 0;
        while (kind < 3 && (strlen(rung_priority_name((enum rung_priority)kind)) != length ||
                            memcmp(rung_priority_name((enum rung_priority)kind), text, length) != 0))
            kind++;
        if (kind == 3)
            return rung_err_set(err, RUNG_EUSE, "--priority: \"%.*s\" is none of score, fifo and critical",
                                (int)(length < 100 ? length : 100), text);
        for (size_t i = 0; i < request->priority_count; i++)
            if (request->priorities[i] == (enum rung_priority)kind)
                return rung_err_set(err, RUNG_EUSE, "--priority: %.*s is named twice", (int)length, text);
        request->priorities[request->priority_count++] = (enum rung_priority)kind;
        text = text[length] ? text + length + 1 : NULL;
    }
    return 0;
}

static int read_order(struct order *order, const char *text, struct rung_err *err)
{
    *order = (struct order){.text = text, .reversed = strcmp(text, "reversed") == 0};
    if (order->reversed || strcmp(text, "planned") == 0)
        return 0;
    for (const char *part = text; part;) {
        char *number = rung_mem_strndup(part, strcspn(part, ","));
        int64_t value = 0;
        int code = order->count == BRACKETS_MAX
                       ? rung_err_set(err, RUNG_EUSE, "--bracket-order: more than %d brackets", BRACKETS_MAX)
                       : rung_options_number(number, "--bracket-order", 0, UINT32_MAX, &value, err);
        free(number);
        if (code < 0)
            return rung_err_way_out(err,
                                    "planned, reversed, or the numbers of those that start first: 2,0,1");
        order->brackets[order->count++] = (uint32_t)value;
        part = strchr(part, ',') ? strchr(part, ',') + 1 : NULL;
    }
    return 0;
}

static int read_orders(struct request *request, const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *text;
    size_t cursor = 0;
    int code = 0;

    while (code == 0 && (text = rung_options_each(arguments, "bracket-order", &cursor))) {
        if (request->order_count == LIST_MAX)
            return rung_err_set(err, RUNG_EUSE, "--bracket-order: more than %d orders", LIST_MAX);
        code = read_order(&request->orders[request->order_count++], text, err);
    }
    if (request->order_count == 0)
        request->orders[request->order_count++] = (struct order){.text = "planned"};
    return code;
}

static int read_word(const struct rung_arguments *arguments, const char *key, const char *first,
                     const char *second, bool *is_second, struct rung_err *err)
{
    const char *text = rung_options_value(arguments, key);

    *is_second = text && strcmp(text, second) == 0;
    if (text && !*is_second && strcmp(text, first) != 0)
        return rung_err_set(err, RUNG_EUSE, "--%s: \"%s\" is neither %s nor %s", key, text, first, second);
    return 0;
}

/* A number of JSON's form, which no locale changes. */
static bool read_number(const char *text, double *value)
{
    struct rung_json *number = rung_json_parse(text, strlen(text), 0, NULL);
    bool valid = rung_json_is(number, RUNG_JSON_NUMBER);

    if (valid)
        *value = rung_json_number(number);
    rung_json_free(number);
    return valid;
}

static int read_slow(struct request *request, const char *text, struct rung_err *err)
{
    const char *colon = strchr(text, ':');
    char *number = rung_mem_strndup(text, colon ? (size_t)(colon - text) : strlen(text));
    int64_t count = 0;
    int code = rung_options_number(number, "--slow", 1, TRAINERS_MAX, &count, err);

    free(number);
    if (code == 0 && (!colon || !read_number(colon + 1, &request->options.slow_factor) ||
                      !(request->options.slow_factor > 0) || request->options.slow_factor > 1e6))
        code = rung_err_set(err, RUNG_EUSE,
                            "--slow: \"%s\" is not as in 2:3, 2 trainers that take 3 times as long", text);
    request->options.slow_trainers = (size_t)count;
    return code;
}

static int read_losses(struct request *request, const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *loss = rung_options_value(arguments, "loss"), *slow = rung_options_value(arguments, "slow");
    double *rate = &request->options.loss_rate;
    int64_t seed = 0;

    if (loss && (!read_number(loss, rate) || !(*rate >= 0 && *rate <= 0.99)))
        return rung_err_set(err, RUNG_EUSE, "--loss: \"%s\" is no share from 0 to 0.99", loss);
    if (rung_options_integer(arguments, "seed", 0, (int64_t)RUNG_JSON_INTEGER_MAX, &seed, err) < 0 ||
        (slow && read_slow(request, slow, err) < 0))
        return err->code;
    request->options.seed = request->times.seed = (uint64_t)seed;
    request->times.losses = *rate > 0;
    return 0;
}

static int read_request(struct request *request, const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_simulation_times *times = &request->times;
    bool by_call;

    *request = (struct request){.scores_path = rung_options_value(arguments, "svg"),
                                .times_path = rung_options_value(arguments, "svg-time")};
    *times = (struct rung_simulation_times){
        NAN, NAN, NAN, NAN, false, false, rung_options_value(arguments, "model"), 0};
    rung_virtual_defaults(&request->options);
    if (rung_rows_format(arguments, RUNG_FORMAT_TABLE, &request->format, err) < 0 ||
        rung_options_list(arguments, "trainers", 1, TRAINERS_MAX, request->trainers, LIST_MAX,
                          &request->trainer_count, err) < 0 ||
        read_priorities(request, rung_options_value(arguments, "priority"), err) < 0 ||
        read_orders(request, arguments, err) < 0 ||
        read_word(arguments, "unit", "job", "call", &by_call, err) < 0 ||
        read_word(arguments, "unknown", "leave", "last", &times->last, err) < 0 ||
        read_seconds(arguments, "fit-seconds", &times->fit_seconds, err) < 0 ||
        read_seconds(arguments, "score-seconds", &times->score_seconds, err) < 0 ||
        read_seconds(arguments, "overhead-seconds", &times->overhead_seconds, err) < 0 ||
        read_seconds(arguments, "start-seconds", &times->start_seconds, err) < 0 ||
        read_seconds(arguments, "transfer-seconds", &request->options.transfer_seconds, err) < 0 ||
        read_losses(request, arguments, err) < 0)
        return err->code;
    request->options.unit = by_call ? RUNG_UNIT_CALL : RUNG_UNIT_JOB;
    return 0;
}

/* Where the path leads to, a file that is not there yet included. */
static char *place_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *place = realpath(path, NULL);
    char *folder = slash ? rung_mem_strndup(path, (size_t)(slash - path) + 1) : rung_mem_strdup(".");

    if (!place && (place = realpath(folder, NULL))) {
        char *whole = rung_mem_printf("%s/%s", place, slash ? slash + 1 : path);
        free(place);
        place = whole;
    }
    free(folder);
    return place ? place : rung_mem_strdup(path);
}

static bool same_place(const char *a, const char *b)
{
    char *one = place_of(a), *other = place_of(b);
    bool same = strcmp(one, other) == 0;

    free(one);
    free(other);
    return same;
}

/* The plots must not replace what is simulated. */
static int check_paths(const struct request *request, const char *operand, struct rung_err *err)
{
    const char *const paths[] = {request->scores_path, request->times_path};
    struct stat source, target;

    for (size_t i = 0; i < 2; i++)
        if (paths[i] && stat(operand, &source) == 0 && stat(paths[i], &target) == 0 &&
            source.st_dev == target.st_dev && source.st_ino == target.st_ino)
            return rung_err_set(err, RUNG_EUSE, "%s %s: is what is simulated", i ? "--svg-time" : "--svg",
                                paths[i]);
    if (paths[0] && paths[1] && same_place(paths[0], paths[1]))
        return rung_err_set(err, RUNG_EUSE, "--svg-time %s: is the file of --svg", paths[1]);
    return 0;
}

/* ---- what is not said ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Powers of two, up to twice the recorded number, which is among them; of a spec up to FEW. */
static void choose_trainers(struct request *request, const struct rung_simulation_source *source)
{
    int64_t recorded = source->recorded ? (int64_t)source->recording.slots : 0;
    int64_t most = source->recorded ? (recorded > 4 ? 2 * recorded : 8) : FEW;

    if (request->trainer_count > 0)
        return;
    for (int64_t count = 1; count <= most && count <= TRAINERS_MAX; count *= 2)
        request->trainers[request->trainer_count++] = count;
    if (recorded > 0 && recorded <= TRAINERS_MAX && (recorded & (recorded - 1)) != 0)
        request->trainers[request->trainer_count++] = recorded;
    qsort(request->trainers, request->trainer_count, sizeof *request->trainers, by_size);
}

static void complete_request(struct request *request, const struct rung_simulation_source *source)
{
    struct rung_virtual_options *options = &request->options;

    choose_trainers(request, source);
    if (request->priority_count == 0)
        request->priorities[request->priority_count++] = source->spec.priority;
    options->overhead_seconds = source->overhead_seconds;
    options->start_seconds = options->restart_seconds = source->start_seconds;
    options->holders = source->own_times; /* as in the run that it was recorded in */
}

/* ---- runs ---- */

static bool has_bracket(const struct rung_plan *plan, uint32_t number)
{
    for (size_t i = 0; i < plan->bracket_count; i++)
        if (plan->brackets[i].bracket == number)
            return true;
    return false;
}

/* Each is there, and named once. reversed: from the last to start to the first. */
static int check_order(struct order *order, const struct rung_plan *plan, struct rung_err *err)
{
    for (size_t i = plan->bracket_count; order->reversed && i-- > 0 && order->count < BRACKETS_MAX;)
        order->brackets[order->count++] = plan->brackets[i].bracket;
    for (size_t i = 0; i < order->count; i++) {
        if (!has_bracket(plan, order->brackets[i]))
            return rung_err_set(err, RUNG_EUSE, "--bracket-order %s: there is no bracket %u", order->text,
                                order->brackets[i]);
        for (size_t k = 0; k < i; k++)
            if (order->brackets[k] == order->brackets[i])
                return rung_err_set(err, RUNG_EUSE, "--bracket-order %s: bracket %u is named twice",
                                    order->text, order->brackets[i]);
    }
    return 0;
}

static int check_plan(struct request *request, const struct rung_search_spec *spec, struct rung_err *err)
{
    struct rung_plan plan = {0};
    int code = rung_plan_make(&plan, spec, err);

    if (code == 0 && plan.models > MODELS_MAX) {
        rung_err_set(err, RUNG_EUSE, "search: %lld models, more than the %d that can be simulated",
                     (long long)plan.models, MODELS_MAX);
        code = rung_err_way_out(err, "a smaller search.max_iter, or fewer search.models");
    }
    for (size_t i = 0; i < request->order_count && code == 0; i++)
        code = check_order(&request->orders[i], &plan, err);
    rung_plan_free(&plan);
    return code;
}

static int run_order(struct rung_simulation_run **next, const struct request *request,
                     const struct order *order, struct rung_simulation_source *source, struct rung_err *err)
{
    struct rung_virtual_options options = request->options;
    int code = 0;

    options.bracket_order = order->brackets;
    options.bracket_order_count = order->count;
    for (size_t p = 0; p < request->priority_count && code == 0; p++)
        for (size_t t = 0; t < request->trainer_count && code == 0; t++) {
            options.priority = request->priorities[p];
            options.trainers = (size_t)request->trainers[t];
            (*next)->order = order->text;
            code = rung_simulation_run((*next)++, source, &options, err);
        }
    return code;
}

static int simulate(const struct request *request, struct rung_simulation_source *source,
                    struct rung_err *err)
{
    size_t count = request->order_count * request->priority_count * request->trainer_count;
    struct rung_simulation_run *runs = rung_mem_zalloc(count, sizeof *runs), *next = runs;
    struct rung_simulation_report report = {.source = source,
                                            .runs = runs,
                                            .count = count,
                                            .unit = request->options.unit,
                                            .priorities = request->priority_count > 1,
                                            .orders = request->order_count > 1};
    int code = 0;

    for (size_t i = 0; i < request->order_count && code == 0; i++)
        code = run_order(&next, request, &request->orders[i], source, err);
    if (code == 0)
        code = rung_simulation_plot(&report, request->scores_path, request->times_path, err);
    if (code == 0)
        rung_simulation_print(&report, request->format);
    for (size_t i = 0; i < count; i++)
        rung_virtual_free(&runs[i].result);
    free(runs);
    return code;
}

int rung_cmd_simulate(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_simulation_source source = {0};
    struct request request;
    int code = read_request(&request, arguments, err);

    if (code == 0)
        code = check_paths(&request, arguments->words[0], err);
    if (code == 0)
        code = rung_simulation_open(&source, arguments, &request.times, err);
    if (code == 0) {
        complete_request(&request, &source);
        code = check_plan(&request, &source.spec, err);
    }
    if (code == 0)
        code = simulate(&request, &source, err);
    rung_simulation_close(&source);
    return code;
}
