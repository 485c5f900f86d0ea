/*
 * Questions to a daemon: the plain command, run as a process of its own that reads the database, so that one
 * that takes long holds up no search. Of what a caller says only known options get into its command line.
 *
 * The process prints into a file without a name, and is sent to the caller when it has ended: a caller who
 * reads slowly, or not at all, never keeps a query open, behind which the database's log would grow. In a
 * file, not in memory: an answer may be as long as its database, and many callers slow at one time. Its
 * standard error, a line or two, comes by a pipe and is kept here, since it has to say when the file is full.
 */
#include "cli/serving_private.h"

#include "base/mem.h"
#include "cli/scratch.h"
#include "dispatch/answer.h"
#include "dispatch/said.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUESTIONS    32            /* whose processes run at one time */
#define ANSWERS      128           /* that are being sent at one time */
#define ANSWER_BYTES (1024L << 20) /* … which do not have more than this in files, but for the last ones */
#define ERROR_BYTES  16384         /* of what a process says on standard error */
#define PATIENCE     60            /* seconds for which a caller may take nothing of its answer */
#define WORDS        16
#define PROGRAM      "/proc/self/exe"

enum { STREAM_OUT = 1, STREAM_ERR = 2 };

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

struct rung_question {
    struct rung_child *child;   /* NULL: it has ended */
    int output;                 /* what it prints; -1: the answer's now */
    bool beside;                /* … into the folder of the database */
    struct rung_answer *answer; /* is being sent; NULL: not yet, or not any more */
    off_t length;               /* of it */
    struct rung_buf errors;
    int status; /* of waitpid */
};

void rung_visit_forget_question(struct rung_visit *visit)
{
    struct rung_question *question = visit->question;

    if (!question)
        return;
    visit->question = NULL;
    visit->serving->questions -= question->child ? 1 : 0;
    visit->serving->answers -= question->answer ? 1 : 0;
    visit->serving->answer_bytes -= question->answer ? question->length : 0;
    rung_child_free(question->child);
    rung_answer_free(question->answer);
    if (question->output >= 0)
        close(question->output);
    rung_buf_free(&question->errors);
    free(question);
}

static void end_without_room(struct rung_visit *visit, bool beside, int why)
{
    bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;
    char text[RUNG_ERR_TEXT_MAX], way_out[120];

    snprintf(text, sizeof text, "the daemon cannot keep its answer in %s: %s",
             beside ? "the folder of the database" : rung_scratch_folder(), strerror(why));
    snprintf(way_out, sizeof way_out, "%sstart rung serve with TMPDIR=… for another folder",
             full ? "ask for less, or " : "");
    rung_visit_end(visit, 1, text, why == EMFILE || why == ENFILE ? "ask again in a moment" : way_out);
}

/* The last word, after what the process printed. */
static void end_as_it_did(struct rung_visit *visit, const struct rung_question *question)
{
    int status = question->status;
    char text[80] = "";

    if (question->errors.length > 0)
        rung_caller_pour(visit->caller, STREAM_ERR, question->errors.data, question->errors.length);
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "the daemon's answer was ended by signal %d", WTERMSIG(status));
    rung_visit_end(visit, WIFSIGNALED(status) ? 1 : WEXITSTATUS(status), text, "");
}

static void on_sent(void *context, int why)
{
    struct rung_visit *visit = context;
    struct rung_question *question = visit->question;
    char text[120];

    visit->serving->answers--;
    visit->serving->answer_bytes -= question->length;
    question->answer = NULL;
    if (why == 0) {
        end_as_it_did(visit, question);
    } else {
        snprintf(text, sizeof text, "the daemon's answer: %s",
                 why == ETIMEDOUT ? "nothing of it was taken for too long" : strerror(why));
        rung_visit_end(visit, 1, text, "");
    }
    rung_visit_forget_question(visit);
}

static void on_printed(void *context, int stream, const char *data, size_t length)
{
    struct rung_visit *visit = context;

    (void)stream; /* standard error: the other one has a file */
    rung_buf_append(&visit->question->errors, data, length);
}

/* errno, where a process that failed may have failed since there was no room for what it printed. */
static int lacks_room(const struct rung_question *question)
{
    if (WIFSIGNALED(question->status))
        return WTERMSIG(question->status) == SIGXFSZ ? EFBIG : 0;
    bool full = WEXITSTATUS(question->status) == 1 &&
                fallocate(question->output, FALLOC_FL_KEEP_SIZE, question->length, RUNG_WIRE_PIECE_MAX) < 0 &&
                (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
    return full ? errno : 0;
}

static void on_ended(void *context, struct rung_child *child, int status)
{
    struct rung_visit *visit = context;
    struct rung_question *question = visit->question;
    struct rung_serving *serving = visit->serving;
    struct rung_answer_options answer = {.caller = visit->caller,
                                         .file = question->output,
                                         .stream = STREAM_OUT,
                                         .patience = PATIENCE,
                                         .context = visit,
                                         .ended = on_sent};

    (void)child;
    question->child = NULL;
    question->status = status;
    question->length = lseek(question->output, 0, SEEK_END);
    serving->questions--;
    int why = lacks_room(question);
    if (why != 0) {
        end_without_room(visit, question->beside, why);
        rung_visit_forget_question(visit);
        return;
    }
    question->output = -1;
    serving->answers++;
    serving->answer_bytes += question->length;
    question->answer = rung_answer_send(rung_daemon_base(serving->daemon), &answer);
}

/* ---- the question ---- */

static int start(struct rung_visit *visit, const struct question *question, const struct rung_json *message,
                 struct rung_err *err)
{
    struct rung_serving *serving = visit->serving;
    struct words words = command_line(question, message, serving->options->database);
    size_t last;
    char **environment = environment_of(visit, &last);
    struct rung_child_options child = {.argv = words.list,
                                       .environment = environment,
                                       .output = visit->question->output,
                                       .context = visit,
                                       .printed = on_printed,
                                       .ended = on_ended};
    int code = rung_child_start(&visit->question->child, rung_daemon_base(serving->daemon), &child, err);

    for (size_t i = 0; i < words.count; i++)
        free(words.list[i]);
    free(environment[last]);
    free(environment);
    return code;
}

static void ask(struct rung_visit *visit, const struct question *question, const struct rung_json *message)
{
    bool beside;
    int output = rung_scratch_file_or_beside(visit->serving->options->database, &beside);
    struct rung_err err;

    if (output < 0) {
        end_without_room(visit, false, errno);
        return;
    }
    visit->question = rung_mem_zalloc(1, sizeof *visit->question);
    visit->question->output = output;
    visit->question->beside = beside;
    rung_buf_init(&visit->question->errors, ERROR_BYTES);
    visit->state = RUNG_VISIT_ASKING;
    if (start(visit, question, message, &err) < 0) {
        rung_visit_fail(visit, &err);
        rung_visit_forget_question(visit);
    } else {
        visit->serving->questions++;
    }
}

void rung_visit_ask(struct rung_visit *visit, const struct rung_json *message)
{
    const char *command = rung_said_string(message, "command");
    const struct question *question = questions;
    const struct rung_serving *serving = visit->serving;

    while (strcmp(question->command, command) != 0) /* it is one of them: that is why we are called */
        question++;
    if (serving->questions >= QUESTIONS || serving->answers >= ANSWERS ||
        serving->answer_bytes >= ANSWER_BYTES)
        rung_visit_end(visit, 1, "the daemon is asked too much at once", "ask again in a moment");
    else
        ask(visit, question, message);
}
