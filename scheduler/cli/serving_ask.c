/*
 * Questions to a daemon: the plain command, run as a process of its own that reads the database, so that one
 * that takes long holds up no search. Of what a caller says only known options get into its command line.
 */
#include "cli/serving_private.h"

#include "base/mem.h"
#include "dispatch/said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define QUESTIONS 32 /* at one time */
#define WORDS     16
#define PROGRAM   "/proc/self/exe"

extern char **environ;

/* What a command may be told beside its database. */
static const struct question {
    const char *command;
    const char *options[4]; /* "-n": by its letter */
    bool model;             /* a second operand */
} questions[] = {{"list", {"--format"}, false},
                 {"top", {"-n", "--search", "--format"}, false},
                 {"show", {"--search", "--format"}, true}};

struct words {
    char *list[WORDS];
    size_t count;
};

/* --name=VALUE, -nVALUE: a value cannot be taken for an option. */
static void add_options(struct words *words, const struct question *question, const struct rung_json *given)
{
    for (const char *const *option = question->options; *option; option++) {
        bool letter = (*option)[1] != '-';
        const char *value = rung_said_string(given, *option + (letter ? 1 : 2));
        if (*value)
            words->list[words->count++] = rung_mem_printf("%s%s%s", *option, letter ? "" : "=", value);
    }
}

static struct words command_line(const struct question *question, const struct rung_json *message,
                                 const char *database)
{
    const char *model = rung_said_string(message, "model");
    struct words words = {.count = 0};

    words.list[words.count++] = rung_mem_strdup(PROGRAM);
    words.list[words.count++] = rung_mem_strdup(question->command);
    add_options(&words, question, rung_json_get(message, "options"));
    words.list[words.count++] = rung_mem_strdup("--");
    words.list[words.count++] = rung_mem_strdup(database);
    if (question->model && *model)
        words.list[words.count++] = rung_mem_strdup(model);
    return words;
}

/* Ours, and how wide the caller's terminal is. The last entry but one is ours to be freed. */
static char **environment_of(const struct rung_visit *visit, size_t *last)
{
    size_t count = 0, used = 0;

    while (environ[count])
        count++;
    char **out = rung_mem_zalloc(count + 2, sizeof *out);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "RUNG_COLUMNS=", strlen("RUNG_COLUMNS=")) != 0)
            out[used++] = environ[i];
    out[used] = rung_mem_printf("RUNG_COLUMNS=%zu", visit->table);
    *last = used;
    return out;
}

/* ---- its answer ---- */

static void on_drained(void *context)
{
    struct rung_visit *visit = context;

    if (visit->child)
        rung_child_rest(visit->child, false);
}

/* A caller that reads slowly slows the answer down. */
static void on_printed(void *context, int stream, const char *data, size_t length)
{
    struct rung_visit *visit = context;

    rung_caller_pour(visit->caller, (uint64_t)stream, data, length);
    if (rung_caller_backlog(visit->caller) >= RUNG_WIRE_FULL)
        rung_child_rest(visit->child, true);
}

static void on_ended(void *context, struct rung_child *child, int status)
{
    struct rung_visit *visit = context;
    char text[80] = "";

    (void)child;
    visit->child = NULL;
    visit->serving->questions--;
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "the daemon's answer was ended by signal %d", WTERMSIG(status));
    rung_visit_end(visit, WIFSIGNALED(status) ? 1 : WEXITSTATUS(status), text, "");
}

void rung_visit_forget_question(struct rung_visit *visit)
{
    if (!visit->child)
        return;
    rung_child_free(visit->child);
    visit->child = NULL;
    visit->serving->questions--;
}

/* ---- the question ---- */

static int ask(struct rung_visit *visit, const struct question *question, const struct rung_json *message,
               struct rung_err *err)
{
    struct rung_serving *serving = visit->serving;
    struct words words = command_line(question, message, serving->options->database);
    size_t last;
    char **environment = environment_of(visit, &last);
    struct rung_child_options child = {.argv = words.list,
                                       .environment = environment,
                                       .context = visit,
                                       .printed = on_printed,
                                       .ended = on_ended};
    int code = rung_child_start(&visit->child, rung_daemon_base(serving->daemon), &child, err);

    for (size_t i = 0; i < words.count; i++)
        free(words.list[i]);
    free(environment[last]);
    free(environment);
    return code;
}

void rung_visit_ask(struct rung_visit *visit, const struct rung_json *message)
{
    const char *command = rung_said_string(message, "command");
    const struct question *question = questions;
    struct rung_serving *serving = visit->serving;
    struct rung_err err;

    while (strcmp(question->command, command) != 0) /* it is one of them: that is why we are called */
        question++;
    if (serving->questions == QUESTIONS) {
        rung_visit_end(visit, 1, "the daemon is asked too much at once", "ask again in a moment");
        return;
    }
    visit->state = RUNG_VISIT_ASKING;
    rung_caller_on_drained(visit->caller, on_drained, visit);
    if (ask(visit, question, message, &err) < 0)
        rung_visit_fail(visit, &err);
    else
        serving->questions++;
}
