/* rung submit SPEC, rung submit --resume NAME */
#include "base/json.h"
#include "base/mem.h"
#include "base/shell.h"
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/serving.h"
#include "cli/specfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART ((size_t)512 * 1024) /* bytes of a spec in one message, where they may take twice the room */

struct submission {
    struct rung_asking asking;
    struct rung_specfile file;
    bool wait, live;
};

/* ---- what one may want next ---- */

struct next {
    char *wait, *stop, *top;
};

static struct next next_of(const struct rung_asking *asking)
{
    const char *name = asking->search, *way = asking->way;
    struct rung_buf top;

    rung_buf_init(&top, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&top, "rung top %s --search ", way);
    rung_shell_word(&top, name);
    return (struct next){.wait = rung_asking_resume("--wait --resume", name, NULL, way),
                         .stop = rung_shell_command("stop", name, way),
                         .top = top.data};
}

static void free_next(struct next *next)
{
    free(next->wait);
    free(next->stop);
    free(next->top);
}

/* ---- while it waits ---- */

static void add_size(struct rung_buf *text)
{
    size_t columns, lines;

    rung_progress_size(STDERR_FILENO, &columns, &lines);
    rung_buf_printf(text, ",\"columns\":%zu,\"lines\":%zu", columns, lines);
}

static void tell_size(void *context, struct rung_client *client)
{
    struct rung_buf text;

    (void)context;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_text(&text, "{\"type\":\"resize\"");
    add_size(&text);
    rung_buf_char(&text, '}');
    rung_client_say(client, rung_buf_cstr(&text));
    rung_buf_free(&text);
}

static void leave(void *context, struct rung_client *client)
{
    const struct submission *submission = context;
    const struct rung_asking *asking = &submission->asking;

    if (submission->live && asking->shown)
        fputc('\n', stderr); /* what follows is no part of the display */
    if (asking->search) {
        struct next next = next_of(asking);
        fprintf(stderr,
                "rung: %s: goes on, nobody waits for it now\n"
                "%s  # to wait again\n"
                "%s  # to stop it\n",
                asking->search, next.wait, next.stop);
        free_next(&next);
    } else {
        fprintf(stderr, "rung: interrupted\n");
    }
    rung_client_done(client, 130);
}

/* ---- the command ---- */

/* In parts that end where a character does. */
static void send_spec(void *context, struct rung_client *client)
{
    const struct submission *submission = context;
    const char *text = submission->file.text;
    size_t left = strlen(text);
    struct rung_buf message;

    rung_buf_init(&message, RUNG_BUF_UNLIMITED);
    while (left > 0) {
        size_t length = left < PART ? left : PART;
        while (length < left && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
        char *part = rung_mem_strndup(text, length);
        rung_buf_clear(&message);
        rung_buf_text(&message, "{\"type\":\"spec\",\"text\":");
        rung_json_write_string(&message, part);
        rung_buf_char(&message, '}');
        rung_client_say(client, rung_buf_cstr(&message));
        free(part);
        text += length;
        left -= length;
    }
    rung_buf_free(&message);
}

/* What it is refused for holds for the daemon, too; here it costs nothing. */
static int check_size(const struct rung_specfile *file, size_t length, struct rung_err *err)
{
    int code = rung_serving_check(file->spec, err);

    if (code == 0 && length > RUNG_SERVING_SPEC_MAX)
        code = rung_err_set(err, RUNG_EUSE,
                            "%s: has %zu bytes with its configurations; a daemon takes %zu at most",
                            file->path, length, RUNG_SERVING_SPEC_MAX);
    if (code < 0) {
        struct rung_buf run;
        rung_buf_init(&run, RUNG_BUF_UNLIMITED);
        rung_buf_text(&run, "rung run ");
        rung_shell_file(&run, file->path);
        rung_err_way_out(err, "%s", rung_buf_cstr(&run));
        rung_buf_free(&run);
    }
    return code;
}

static int add_spec(struct submission *submission, const char *path, const struct rung_arguments *arguments,
                    struct rung_err *err)
{
    struct rung_asking *asking = &submission->asking;
    struct rung_specfile *file = &submission->file;
    int code;

    if ((code = rung_specfile_read(file, path, arguments, true, err)) < 0)
        return code;
    size_t length = strlen(file->text);
    if ((code = check_size(file, length, err)) < 0)
        return code;
    if (!asking->quiet)
        rung_specfile_notes(file->spec);
    rung_asking_add(asking, "folder", file->folder);
    rung_asking_add(asking, "program", file->program);
    rung_buf_printf(&asking->command, ",\"bytes\":%zu", length);
    asking->begun = send_spec;
    return 0;
}

static void add_name(struct rung_asking *asking, const char *name, const struct rung_arguments *arguments)
{
    const char *assignment, *gap = "";
    size_t cursor = 0;

    rung_asking_add(asking, "search", name);
    rung_buf_text(&asking->command, ",\"set\":[");
    while ((assignment = rung_options_each(arguments, "set", &cursor))) {
        rung_buf_text(&asking->command, gap);
        rung_json_write_string(&asking->command, assignment);
        gap = ",";
    }
    rung_buf_char(&asking->command, ']');
}

static void add_terminal(struct submission *submission)
{
    struct rung_asking *asking = &submission->asking;

    submission->live = rung_progress_mode(STDERR_FILENO) == RUNG_PROGRESS_LIVE;
    rung_buf_printf(&asking->command, ",\"wait\":true,\"live\":%s,\"colour\":%s",
                    submission->live ? "true" : "false", rung_progress_colour() ? "true" : "false");
    add_size(&asking->command);
    asking->resized = tell_size;
}

static void print_next(const struct rung_asking *asking)
{
    struct next next = next_of(asking);

    printf("%s is %s\n\n", asking->search, asking->status);
    printf("%s  # how it goes, until it ends\n", next.wait);
    printf("%s  # it stays resumable\n", next.stop);
    printf("%s  # all models, best first\n", next.top);
    free_next(&next);
}

static int submit(struct submission *submission, const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_asking *asking = &submission->asking;
    const char *name = rung_options_value(arguments, "resume");
    int code = rung_asking_open(asking, arguments, name ? "resume" : "submit", err);

    if (code < 0)
        return code;
    asking->context = submission;
    if (name)
        add_name(asking, name, arguments);
    else if ((code = add_spec(submission, arguments->words[0], arguments, err)) < 0)
        return code;
    if (submission->wait) {
        asking->interrupted = leave;
        add_terminal(submission);
    }
    code = rung_asking_give(asking, err);
    if (code == 0 && asking->search && !submission->wait && !asking->quiet)
        print_next(asking);
    return code;
}

int rung_cmd_submit(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct submission submission = {.wait = rung_options_has(arguments, "wait")};
    bool resume = rung_options_has(arguments, "resume");

    if (resume == (arguments->word_count > 0)) {
        rung_err_set(err, RUNG_EUSE,
                     resume ? "submit: a spec is named, and --resume"
                            : "submit: an operand is missing: SPEC");
        return rung_err_way_out(err, "rung submit --help");
    }
    int code = submit(&submission, arguments, err);
    rung_asking_close(&submission.asking);
    rung_specfile_free(&submission.file);
    return code;
}
