#include "dispatch/events.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rung_events {
    FILE *file;
    bool to_stdout, reported;
    char *path;
    struct rung_buf line;
};

int rung_events_open(struct rung_events **out, const char *path, struct rung_err *err)
{
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *file = to_stdout ? stdout : fopen(path, "ae");
    if (!file)
        return rung_err_set(err, RUNG_EUSE, "--events %s: %s", path, strerror(errno));
    struct rung_events *events = rung_mem_zalloc(1, sizeof *events);
    events->file = file;
    events->to_stdout = to_stdout;
    events->path = rung_mem_strdup(path);
    rung_buf_init(&events->line, RUNG_BUF_UNLIMITED);
    *out = events;
    return 0;
}

static void key(struct rung_buf *line, const char *name)
{
    rung_buf_char(line, ',');
    rung_json_write_string(line, name);
    rung_buf_char(line, ':');
}

static void integer(struct rung_buf *line, const char *name, int64_t value)
{
    key(line, name);
    rung_json_write_integer(line, value);
}

static void model(struct rung_buf *line, const char *name, uint32_t value)
{
    key(line, name);
    if (value == RUNG_NO_MODEL)
        rung_buf_text(line, "null");
    else
        rung_json_write_integer(line, value);
}

static void number(struct rung_buf *line, const char *name, double value)
{
    key(line, name);
    rung_json_write_number(line, value);
}

static void text(struct rung_buf *line, const char *name, const char *value)
{
    key(line, name);
    if (value)
        rung_json_write_string(line, value);
    else
        rung_buf_text(line, "null");
}

static void write_job(struct rung_buf *line, const struct rung_note *note)
{
    integer(line, "job", note->job);
    model(line, "model", note->model);
    integer(line, "from", note->from);
    integer(line, "to", note->to);
    integer(line, "trainer", note->trainer);
}

static void write_result(struct rung_buf *line, const struct rung_note *note)
{
    model(line, "model", note->model);
    integer(line, "bracket", note->bracket);
    key(line, "rung");
    if (note->rung == RUNG_NO_RUNG)
        rung_buf_text(line, "null");
    else
        rung_json_write_integer(line, note->rung);
    integer(line, "from", note->from);
    integer(line, "to", note->to);
    number(line, "score", note->score);
    number(line, "fit_seconds", note->seconds);
    integer(line, "trainer", note->trainer);
}

static void write_failure(struct rung_buf *line, const struct rung_note *note)
{
    model(line, "model", note->model);
    text(line, "kind", note->kind);
    text(line, "reason", note->reason);
    integer(line, "trainer", note->trainer);
    key(line, "final");
    rung_buf_text(line, note->final ? "true" : "false");
}

static void write_model(struct rung_buf *line, const struct rung_note *note)
{
    model(line, "model", note->model);
    integer(line, "bracket", note->bracket);
    key(line, "parameters");
    rung_buf_text(line, note->parameters ? note->parameters : "null");
}

static void write_stop(struct rung_buf *line, const struct rung_note *note)
{
    model(line, "model", note->model);
    integer(line, "bracket", note->bracket);
    text(line, "reason", note->kind);
}

static void write_rung(struct rung_buf *line, const struct rung_note *note)
{
    integer(line, "bracket", note->bracket);
    integer(line, "rung", note->rung);
    integer(line, "kept", note->kept);
}

static void write_bracket(struct rung_buf *line, const struct rung_note *note)
{
    integer(line, "bracket", note->bracket);
    model(line, "winner", note->model);
}

static void write_trainer(struct rung_buf *line, const struct rung_note *note)
{
    integer(line, "trainer", note->trainer);
    text(line, "status", note->status);
    text(line, "reason", note->reason);
}

static void write_status(struct rung_buf *line, const struct rung_note *note)
{
    text(line, "status", note->status);
    text(line, "reason", note->reason);
}

static void write_warning(struct rung_buf *line, const struct rung_note *note)
{
    text(line, "reason", note->reason);
}

static const struct {
    const char *name;
    void (*write)(struct rung_buf *line, const struct rung_note *note);
} kinds[] = {
    [RUNG_NOTE_SEARCH] = {"search", write_status},
    [RUNG_NOTE_MODEL] = {"model", write_model},
    [RUNG_NOTE_JOB] = {"job", write_job},
    [RUNG_NOTE_RESULT] = {"result", write_result},
    [RUNG_NOTE_FAILURE] = {"failure", write_failure},
    [RUNG_NOTE_STOP] = {"stop", write_stop},
    [RUNG_NOTE_RUNG] = {"rung", write_rung},
    [RUNG_NOTE_BRACKET] = {"bracket", write_bracket},
    [RUNG_NOTE_TRAINER] = {"trainer", write_trainer},
    [RUNG_NOTE_WARNING] = {"warning", write_warning},
};

static void on_note(void *context, const struct rung_note *note)
{
    struct rung_events *events = context;
    struct rung_buf *line = &events->line;
    char at[RUNG_TIME_TEXT];
    rung_time_format(note->at, at);
    rung_buf_clear(line);
    rung_buf_text(line, "{\"seq\":");
    if (note->type == RUNG_NOTE_RESULT)
        rung_json_write_integer(line, note->seq);
    else
        rung_buf_text(line, "null");
    text(line, "at", at);
    text(line, "type", kinds[note->type].name);
    kinds[note->type].write(line, note);
    rung_buf_text(line, "}\n");
    fwrite(line->data, 1, line->length, events->file);
}

static void on_batch_end(void *context)
{
    struct rung_events *events = context;
    if (fflush(events->file) == 0 || events->reported)
        return;
    events->reported = true;
    fprintf(stderr, "rung: --events %s: %s\n", events->path, strerror(errno));
}

struct rung_watcher rung_events_watcher(struct rung_events *events)
{
    return (struct rung_watcher){.context = events, .note = on_note, .batch_end = on_batch_end};
}

void rung_events_close(struct rung_events *events)
{
    if (!events)
        return;
    if (!events->to_stdout)
        fclose(events->file);
    rung_buf_free(&events->line);
    free(events->path);
    free(events);
}
