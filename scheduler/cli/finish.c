/* The end of run and resume. */
#include "cli/finish.h"

#include "base/mem.h"
#include "cli/human.h"
#include "cli/rows.h"
#include "store/query.h"
#include "store/record.h"
#include "store/states.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
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

    return rung_rows_view(finish->out, RUNG_FORMAT_TABLE, store, RUNG_VIEW_LEADERBOARD, &filter, columns,
                          err);
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

/* "rung VERB DB [--search NAME]", as it can be typed. */
static char *command_line(const struct rung_finish *finish, const char *verb)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, "rung %s ", verb);
    rung_human_shell(&text, finish->database);
    if (finish->named) {
        rung_buf_text(&text, " --search ");
        rung_human_shell(&text, finish->search);
    }
    char *line = rung_mem_strdup(rung_buf_cstr(&text));
    rung_buf_free(&text);
    return line;
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
        rung_states_look(&states, finish->database, finish->search, NULL) == 0) {
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
    const char *const next[][3] = {
        {"top", "", "all models, best first"},
        {"best", state ? " --state FILE" : "",
         state ? "the best model's parameters, and its state" : "the best model's parameters"},
        {"export", "", "every result, as CSV"}};

    char *lines[sizeof next / sizeof *next];
    int width = 0;

    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        char *line = command_line(finish, next[i][0]);
        lines[i] = rung_mem_printf("%s%s", line, next[i][1]);
        free(line);
        width = (int)strlen(lines[i]) > width ? (int)strlen(lines[i]) : width;
    }
    fputc('\n', finish->out);
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        fprintf(finish->out, "%-*s  # %s\n", width, lines[i], next[i][2]);
        free(lines[i]);
    }
}

int rung_finish_print(const struct rung_finish *finish, struct rung_err *err)
{
    struct rung_search_row row = {0};
    struct rung_store *store;
    int code = rung_store_open(&store, finish->database, RUNG_STORE_READ, err);

    if (code < 0)
        return code;
    if ((code = rung_record_find(store, finish->search, &row, err)) == 0 &&
        (code = print_leaderboard(finish, store, err)) == 0) {
        print_test(finish, row.test_metrics);
        print_next(finish, best_has_state(finish, store));
    }
    rung_search_row_free(&row);
    rung_store_close(store);
    return code;
}

/* ---- the exit status ---- */

static int stopped(const struct rung_finish *finish, const char *how, const char *reason, int status)
{
    char *line = command_line(finish, "resume");
    bool more = *reason && strcmp(reason, how) != 0;

    fprintf(stderr, "rung: %s: %s%s%s\n%s\n", finish->search, how, more ? ": " : "", more ? reason : "",
            line);
    free(line);
    return status;
}

void rung_finish_way_out(const struct rung_finish *finish, const char *verb, struct rung_err *err)
{
    char *line = command_line(finish, verb);

    rung_err_way_out(err, "%s", line);
    free(line);
}

int rung_finish_status(const struct rung_finish *finish, const struct rung_session_result *result,
                       struct rung_err *err)
{
    switch (result->end) {
    case RUNG_END_INTERRUPTED:
        return stopped(finish, "interrupted", result->reason, 130);
    case RUNG_END_LIMIT:
        return stopped(finish, "stopped by a limit", result->reason, 3);
    case RUNG_END_FINISHED:
        if (result->best != RUNG_NO_MODEL)
            return 0;
        break;
    case RUNG_END_FAILED:
        break;
    }
    rung_err_set(err, RUNG_EFAIL, "%s: %s", finish->search,
                 *result->reason ? result->reason : "ended without one usable model");
    rung_finish_way_out(finish, finish->done ? "logs" : "resume", err);
    return RUNG_EFAIL;
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
    if (rung_store_open(&store, finish->database, RUNG_STORE_READ, NULL) == 0 &&
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
    rung_store_close(store);
}

#define SETTINGS 4

static char **make_environment(const struct rung_finish *finish)
{
    char path[PATH_MAX], *status, *score;
    size_t count = 0;

    while (environ[count])
        count++;
    char **out = rung_mem_zalloc(count + SETTINGS + 1, sizeof *out);
    read_outcome(finish, &status, &score);
    out[0] = setting("RUNG_DB", realpath(finish->database, path) ? path : finish->database);
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

static void free_environment(char **environment)
{
    for (size_t i = 0; i < SETTINGS; i++)
        free(environment[i]);
    free(environment);
}

/* With default signals and nothing on standard input; what it prints goes to standard error, where our own
 * words go. */
static int spawn(pid_t *pid, char *const *argv, const char *folder, char **environment)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int why = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return why;
}

void rung_finish_on_end(const struct rung_finish *finish, char *const *on_end, const char *folder)
{
    int status = 0;
    pid_t pid;

    if (!on_end)
        return;
    fflush(NULL);
    char **environment = make_environment(finish);
    int why = spawn(&pid, on_end, folder, environment);
    free_environment(environment);
    if (why) {
        fprintf(stderr, "rung: note: on_end: %s: %s\n", on_end[0], strerror(why));
        return;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFSIGNALED(status))
        fprintf(stderr, "rung: note: on_end: %s: ended by signal %d\n", on_end[0], WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        fprintf(stderr, "rung: note: on_end: %s: exit status %d\n", on_end[0], WEXITSTATUS(status));
}
