/* rung submit SPEC, rung submit --resume NAME */
#include "base/json.h"
#include "base/mem.h"
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/serving.h"
#include "cli/specfile.h"
#include "core/search.h"

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
    if (asking->search)
        fprintf(stderr,
                "rung: %s: goes on, nobody waits for it now\n"
                "rung submit --wait --resume %s %s  # to wait again\n"
                "rung stop %s %s  # to stop it\n",
                asking->search, asking->search, asking->way, asking->search, asking->way);
    else
        fprintf(stderr, "rung: interrupted\n");
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

static int add_spec(struct submission *submission, const char *path, const struct rung_arguments *arguments,
                    struct rung_err *err)
{
    struct rung_asking *asking = &submission->asking;
    struct rung_specfile *file = &submission->file;
    struct rung_search *search = NULL;
    int code;

    if ((code = rung_specfile_read(file, path, arguments, true, err)) < 0)
        return code;
    if ((code = rung_search_create(&search, &file->spec->search, err)) < 0)
        return rung_err_prefix(err, "%s", file->path);
    rung_search_free(search);
    size_t length = strlen(file->text);
    if (length > RUNG_SERVING_SPEC_MAX) {
        rung_err_set(err, RUNG_EUSE, "%s: has %zu bytes with its configurations; a daemon takes %zu at most",
                     path, length, RUNG_SERVING_SPEC_MAX);
        return rung_err_way_out(err, "rung run %s", path);
    }
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
    const char *name = asking->search, *way = asking->way;

    printf("%s is %s\n\n", name, asking->status);
    printf("rung submit --wait --resume %s %s  # how it goes, until it ends\n", name, way);
    printf("rung stop %s %s  # it stays resumable\n", name, way);
    printf("rung top %s --search %s  # all models, best first\n", way, name);
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
