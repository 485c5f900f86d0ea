/* The end of a search. */
#include "cli/finish.h"

#include "base/mem.h"
#include "base/shell.h"
#include "cli/asking.h"
#include "cli/human.h"
#include "cli/rows.h"
#include "dispatch/child.h"
#include "store/query.h"
#include "store/record.h"
#include "store/states.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEST_SHOWN 5

extern char **environ;

/* ---- printing ---- */

static int print_leaderboard(const struct rung_finish *finish, struct rung_store *store, struct rung_err *err)
{
    static const char *const columns[] = {"rank",    "model", "score",      "status",
                                          "bracket", "calls", "parameters", NULL};
    struct rung_query_filter filter = {finish->search, RUNG_QUERY_ANY, BEST_SHOWN};

    size_t width = finish->columns ? finish->columns : rung_rows_width(finish->out);
    return rung_rows_view_within(finish->out, width, RUNG_FORMAT_TABLE, store, RUNG_VIEW_LEADERBOARD, &filter,
                                 columns, err);
}

static void print_test(const struct rung_finish *finish, const char *metrics)
{
    struct rung_json *test = metrics ? rung_json_parse(metrics, strlen(metrics), 0, NULL) : NULL;
    const struct rung_json *score = rung_json_get(test, "test_score");
    struct rung_buf text;

    if (!test)
        return;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (rung_json_is(score, RUNG_JSON_NUMBER)) {
        rung_buf_text(&text, "test score of the best: ");
        rung_human_number(&text, rung_json_number(score));
    } else {
        rung_buf_text(&text, "test of the best: ");
        rung_human_value(&text, test);
    }
    fprintf(finish->out, "\n%s\n", rung_buf_cstr(&text));
    rung_buf_free(&text);
    rung_json_free(test);
}

/* "rung VERB DB [--search NAME]", as it can be typed; what a daemon ran goes on there. */
static char *command_line(const struct rung_finish *finish, const char *verb)
{
    struct rung_buf text;
    bool resume = strcmp(verb, "resume") == 0;

    if (resume && finish->daemon)
        return rung_asking_resume("--resume", finish->search, finish->limit, finish->daemon);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, "rung %s ", verb);
    if (finish->daemon && finish->elsewhere)
        rung_buf_text(&text, finish->daemon);
    else
        rung_shell_file(&text, finish->database);
    if (finish->named) {
        rung_buf_text(&text, " --search ");
        rung_shell_word(&text, finish->search);
    }
    if (resume && finish->again)
        rung_buf_text(&text, finish->again);
    if (resume && finish->limit)
        rung_buf_printf(&text, " --set %s=null", finish->limit);
    return text.data;
}

/* Rank 1 may have been stopped before those who went on came to nothing, or its trainer cannot save. */
static bool best_has_state(const struct rung_finish *finish, struct rung_store *store)
{
    struct rung_query_filter filter = {finish->search, RUNG_QUERY_ANY, 1};
    struct rung_states *states = NULL;
    struct rung_query *query = NULL;
    bool there = false;

    if (rung_query_open(&query, store, RUNG_VIEW_LEADERBOARD, &filter, NULL) == 0 &&
        rung_query_next(query, NULL) == 1 &&
        rung_states_look(&states, rung_store_path(store), finish->search, NULL) == 0) {
        struct rung_cell model = rung_rows_cell(query, (size_t)rung_query_find(query, "model"));
        struct rung_cell calls = rung_rows_cell(query, (size_t)rung_query_find(query, "calls"));
        there = rung_states_size(states, (uint32_t)model.integer, calls.integer) >= 0;
    }
    rung_states_free(states);
    rung_query_close(query);
    return there;
}

static void print_next(const struct rung_finish *finish, bool state)
{
    const char *const here[][3] = {
        {"top", "", "all models, best first"},
        {"best", state ? " --state FILE" : "",
         state ? "the best model's parameters, and its state" : "the best model's parameters"},
        {"export", "", "every result, as CSV"}};
    const char *const elsewhere[][3] = {{"top", "", "all models, best first"},
                                        {"show", "", "its brackets and trainers"}};
    const char *const(*next)[3] = finish->elsewhere ? elsewhere : here;
    size_t count = finish->elsewhere ? sizeof elsewhere / sizeof *elsewhere : sizeof here / sizeof *here;

    char *lines[sizeof here / sizeof *here];
    int width = 0;

    for (size_t i = 0; i < count; i++) {
        char *line = command_line(finish, next[i][0]);
        lines[i] = rung_mem_printf("%s%s", line, next[i][1]);
        free(line);
        width = (int)strlen(lines[i]) > width ? (int)strlen(lines[i]) : width;
    }
    fputc('\n', finish->out);
    for (size_t i = 0; i < count; i++) {
        fprintf(finish->out, "%-*s  # %s\n", width, lines[i], next[i][2]);
        free(lines[i]);
    }
}

/* The database: ours to be closed where nobody has it open. */
static int open_store(struct rung_store **store, const struct rung_finish *finish, struct rung_err *err)
{
    *store = finish->store;
    return *store ? 0 : rung_store_open(store, finish->database, RUNG_STORE_READ, err);
}

static void close_store(struct rung_store *store, const struct rung_finish *finish)
{
    if (!finish->store)
        rung_store_close(store);
}

int rung_finish_print(const struct rung_finish *finish, struct rung_err *err)
{
    struct rung_search_row row = {0};
    struct rung_store *store;
    int code = open_store(&store, finish, err);

    if (code < 0)
        return code;
    if ((code = rung_record_find(store, finish->search, &row, err)) == 0 &&
        (code = print_leaderboard(finish, store, err)) == 0) {
        print_test(finish, row.test_metrics);
        print_next(finish, best_has_state(finish, store));
    }
    rung_search_row_free(&row);
    close_store(store, finish);
    return code;
}

/* ---- the exit status ---- */

static int stopped(const struct rung_finish *finish, const char *how,
                   const struct rung_session_result *result, int status, struct rung_err *err)
{
    struct rung_finish next = *finish;
    const char *reason = result->reason;
    bool more = *reason && strcmp(reason, how) != 0;

    next.limit = result->limit;
    rung_err_set(err, RUNG_EINT, "%s: %s%s%s", finish->search, how, more ? ": " : "", more ? reason : "");
    rung_finish_way_out(&next, "resume", err);
    return status;
}

void rung_finish_way_out(const struct rung_finish *finish, const char *verb, struct rung_err *err)
{
    char *line = command_line(finish, verb);

    rung_err_then(err, line);
    free(line);
}

int rung_finish_outcome(const struct rung_finish *finish, const struct rung_session_result *result,
                        struct rung_err *err)
{
    switch (result->end) {
    case RUNG_END_INTERRUPTED:
        return stopped(finish, "interrupted", result, 130, err);
    case RUNG_END_LIMIT:
        return stopped(finish, "stopped by a limit", result, 3, err);
    case RUNG_END_FINISHED:
        if (result->best != RUNG_NO_MODEL)
            return 0;
        break;
    case RUNG_END_FAILED:
        break;
    }
    rung_err_set(err, RUNG_EFAIL, "%s: %s", finish->search,
                 *result->reason ? result->reason : "ended without one usable model");
    if (!finish->done || !finish->elsewhere)
        rung_finish_way_out(finish, finish->done ? "logs" : "resume", err);
    return 1;
}

int rung_finish_status(const struct rung_finish *finish, const struct rung_session_result *result,
                       struct rung_err *err)
{
    int status = rung_finish_outcome(finish, result, err);

    if (status == 1)
        return RUNG_EFAIL;
    if (status != 0)
        fprintf(stderr, "rung: %s\n%s\n", err->text, err->way_out);
    return status;
}

/* ---- on_end ---- */

/* NAME=VALUE into a fresh environment of count entries; the caller frees the texts. */
static char *setting(const char *name, const char *value)
{
    return rung_mem_printf("%s=%s", name, value);
}

/* What the searches view says of the search. A database that cannot be read (the disk that made it fail) is a
 * failed search. */
static void read_outcome(const struct rung_finish *finish, char **status, char **score)
{
    struct rung_query_filter filter = {finish->search, RUNG_QUERY_ANY, 1};
    struct rung_store *store = NULL;
    struct rung_query *query = NULL;
    struct rung_buf number;

    *status = *score = NULL;
    rung_buf_init(&number, RUNG_BUF_UNLIMITED);
    if (open_store(&store, finish, NULL) == 0 &&
        rung_query_open(&query, store, RUNG_VIEW_SEARCHES, &filter, NULL) == 0 &&
        rung_query_next(query, NULL) == 1) {
        struct rung_cell best = rung_rows_cell(query, (size_t)rung_query_find(query, "best_score"));
        *status = rung_mem_strdup(rung_query_text(query, (size_t)rung_query_find(query, "status")));
        if (best.type == RUNG_CELL_REAL)
            rung_json_write_number(&number, best.real);
        else if (best.type == RUNG_CELL_INTEGER)
            rung_json_write_integer(&number, best.integer);
    }
    *score = rung_mem_strdup(rung_buf_cstr(&number));
    if (!*status)
        *status = rung_mem_strdup("failed");
    rung_buf_free(&number);
    rung_query_close(query);
    close_store(store, finish);
}

#define SETTINGS 4

char **rung_finish_environment(const struct rung_finish *finish)
{
    char path[PATH_MAX], *status, *score;
    size_t count = 0;

    while (environ[count])
        count++;
    char **out = rung_mem_zalloc(count + SETTINGS + 1, sizeof *out);
    read_outcome(finish, &status, &score);
    const char *database = finish->store ? rung_store_path(finish->store) : finish->database;
    out[0] = setting("RUNG_DB", realpath(database, path) ? path : database);
    out[1] = setting("RUNG_SEARCH", finish->search);
    out[2] = setting("RUNG_STATUS", status);
    out[3] = setting("RUNG_BEST_SCORE", score);
    free(status);
    free(score);
    size_t used = SETTINGS;
    for (size_t i = 0; i < count; i++) {
        bool ours = false;
        for (size_t k = 0; k < SETTINGS; k++)
            ours |= strncmp(environ[i], out[k], strcspn(out[k], "=") + 1) == 0;
        if (!ours)
            out[used++] = environ[i];
    }
    return out;
}

void rung_finish_free_environment(char **environment)
{
    for (size_t i = 0; i < SETTINGS; i++)
        free(environment[i]);
    free(environment);
}

void rung_finish_on_end_note(struct rung_buf *out, const char *program, int status)
{
    if (WIFSIGNALED(status))
        rung_buf_printf(out, "on_end: %s: ended by signal %d", program, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        rung_buf_printf(out, "on_end: %s: exit status %d", program, WEXITSTATUS(status));
}

/* What it prints goes to standard error, where our own words go. */
void rung_finish_on_end(const struct rung_finish *finish, char *const *on_end, const char *folder)
{
    struct rung_buf note;
    int status = 0;
    pid_t pid;

    if (!on_end)
        return;
    fflush(NULL);
    char **environment = rung_finish_environment(finish);
    struct rung_child_options child = {.argv = on_end, .environment = environment, .folder = folder};
    int why = rung_child_spawn(&pid, &child, STDERR_FILENO, STDERR_FILENO);
    rung_finish_free_environment(environment);
    while (why == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    rung_buf_init(&note, RUNG_BUF_UNLIMITED);
    if (why)
        rung_buf_printf(&note, "on_end: %s: %s", on_end[0], strerror(why));
    else
        rung_finish_on_end_note(&note, on_end[0], status);
    if (note.length > 0)
        fprintf(stderr, "rung: note: %s\n", note.data);
    rung_buf_free(&note);
}
