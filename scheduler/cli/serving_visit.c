/* Callers of a daemon: what they are told while they wait, and their last word. */
#include "cli/serving_private.h"

#include "base/mem.h"
#include "dispatch/said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_A_SECOND 10.0
#define KEEPS_UP        (64 * 1024) /* bytes that wait for a caller who is still shown frames */
#define WORD_MAX        8192        /* bytes of a name, folder or option that a caller gives */

enum { STREAM_OUT = 1, STREAM_ERR = 2 };

/* ---- what is said ---- */

static void say(struct rung_visit *visit, struct rung_buf *text)
{
    rung_buf_char(text, '}');
    rung_caller_say(visit->caller, rung_buf_cstr(text));
    rung_buf_free(text);
}

static struct rung_buf begin(const char *type)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, "{\"type\":\"%s\"", type);
    return text;
}

static void add_string(struct rung_buf *text, const char *key, const char *value)
{
    rung_buf_printf(text, ",\"%s\":", key);
    rung_json_write_string(text, value);
}

void rung_visit_end(struct rung_visit *visit, int status, const char *text, const char *way_out)
{
    struct rung_buf message = begin("end");

    rung_buf_printf(&message, ",\"status\":%d", status);
    add_string(&message, "text", text);
    add_string(&message, "way_out", way_out);
    say(visit, &message);
    visit->state = RUNG_VISIT_OVER;
    rung_caller_close(visit->caller);
}

void rung_visit_fail(struct rung_visit *visit, const struct rung_err *err)
{
    rung_visit_end(visit, rung_err_exit_status(err->code), err->text, err->way_out);
}

void rung_visit_note(struct rung_visit *visit, const char *text)
{
    struct rung_buf message = begin("note");

    add_string(&message, "text", text);
    say(visit, &message);
}

/* ---- displays ---- */

void rung_visit_tick(void *context)
{
    struct rung_serving *serving = context;
    struct rung_session_view view;

    for (struct rung_served *search = serving->searches; search; search = search->next) {
        bool watched = false;
        for (struct rung_visit *visit = serving->visits; visit && !watched; visit = visit->next)
            watched = visit->search == search && visit->progress && visit->live;
        if (!watched)
            continue;
        rung_daemon_view(serving->daemon, search->handle, &view);
        rung_attend_display(search->attend, &view);
    }
}

/* Nothing ticks while nobody looks. */
static void draw_as_needed(struct rung_serving *serving)
{
    bool needed = false;

    for (struct rung_visit *visit = serving->visits; visit; visit = visit->next)
        needed |= visit->progress && visit->live;
    if (needed == serving->drawing)
        return;
    serving->drawing = needed;
    rung_daemon_tick(serving->daemon, needed ? FRAMES_A_SECOND : 0, rung_visit_tick, serving);
}

static void put_on_screen(void *context, const char *data, size_t length)
{
    struct rung_visit *visit = context;

    if (visit->caller)
        rung_caller_pour(visit->caller, STREAM_ERR, data, length);
}

static bool keeps_up(void *context)
{
    const struct rung_visit *visit = context;

    return visit->caller && rung_caller_backlog(visit->caller) < KEEPS_UP;
}

static void show(struct rung_visit *visit)
{
    struct rung_progress_screen screen = {.context = visit,
                                          .write = put_on_screen,
                                          .keeps_up = keeps_up,
                                          .columns = visit->columns,
                                          .lines = visit->lines,
                                          .colour = visit->colour};
    struct rung_served *search = visit->search;

    visit->progress =
        rung_progress_create_elsewhere(&screen, visit->live ? RUNG_PROGRESS_LIVE : RUNG_PROGRESS_LINES,
                                       search->stored.row.name, visit->database, search->stored.search);
    rung_attend_add(search->attend, visit->progress);
    draw_as_needed(visit->serving);
}

static void hide(struct rung_visit *visit)
{
    if (!visit->progress)
        return;
    rung_attend_remove(visit->search->attend, visit->progress);
    rung_progress_free(visit->progress);
    visit->progress = NULL;
}

static void resize(struct rung_visit *visit, const struct rung_json *message)
{
    visit->columns = (size_t)rung_said_integer(message, "columns", 0);
    visit->lines = (size_t)rung_said_integer(message, "lines", 0);
    if (visit->progress)
        rung_progress_resize(visit->progress, visit->columns, visit->lines);
}

/* ---- waiting for a search ---- */

void rung_visit_accepted(struct rung_visit *visit, struct rung_served *search, const char *status)
{
    struct rung_buf message = begin("accepted");

    add_string(&message, "search", search->stored.row.name);
    add_string(&message, "status", status);
    say(visit, &message);
    if (!visit->wait) {
        rung_visit_end(visit, 0, "", "");
        return;
    }
    visit->state = RUNG_VISIT_WAITING;
    visit->search = search;
    if (!visit->quiet)
        show(visit);
}

struct rung_finish rung_visit_finish(const struct rung_visit *visit, const char *name, bool done)
{
    const struct rung_serving *serving = visit->serving;

    return (struct rung_finish){.database = visit->database ? visit->database : serving->options->database,
                                .search = name,
                                .named = true,
                                .done = done,
                                .columns = visit->table,
                                .store = serving->store,
                                .daemon = visit->way,
                                .elsewhere = !visit->database};
}

void rung_visit_leaderboard(struct rung_visit *visit, const struct rung_finish *finish)
{
    struct rung_finish to_text = *finish;
    struct rung_err err;
    char *text = NULL;
    size_t length = 0;

    if (visit->quiet || !(to_text.out = open_memstream(&text, &length)))
        return;
    int code = rung_finish_print(&to_text, &err);
    fclose(to_text.out);
    if (code < 0)
        rung_visit_note(visit, err.text);
    else
        rung_caller_pour(visit->caller, STREAM_OUT, text, length);
    free(text);
}

static void tell_end(struct rung_visit *visit, const struct rung_session_result *result, bool parked)
{
    const struct rung_served *search = visit->search;
    struct rung_finish finish =
        rung_visit_finish(visit, search->stored.row.name, rung_search_done(search->stored.search));
    struct rung_err err = {.code = RUNG_EINT};

    if (parked) {
        rung_err_set(&err, RUNG_EINT,
                     "%s: interrupted: the daemon was ended, and goes on with it when it is started again",
                     finish.search);
        if (visit->database)
            rung_err_way_out(&err, "rung serve %s", visit->way);
        rung_visit_fail(visit, &err);
        return;
    }
    if (result->best != RUNG_NO_MODEL)
        rung_visit_leaderboard(visit, &finish);
    int status = rung_finish_outcome(&finish, result, &err);
    rung_visit_end(visit, status, status ? err.text : "", status ? err.way_out : "");
}

void rung_visit_stopped(struct rung_visit *visit, const char *name, const char *status, const char *limit)
{
    struct rung_buf message = begin("stopped");

    add_string(&message, "search", name);
    add_string(&message, "status", status);
    if (limit)
        add_string(&message, "limit", limit);
    say(visit, &message);
}

/* What was to be stopped may have come to its end before. */
static void tell_stopped(struct rung_visit *visit, const struct rung_session_result *result, bool parked)
{
    static const char *const ends[] = {[RUNG_END_FINISHED] = "finished",
                                       [RUNG_END_FAILED] = "failed",
                                       [RUNG_END_LIMIT] = "interrupted",
                                       [RUNG_END_INTERRUPTED] = "interrupted"};

    rung_visit_stopped(visit, visit->search->stored.row.name, parked ? "queued" : ends[result->end],
                       result->end == RUNG_END_LIMIT ? result->limit : NULL);
    rung_visit_end(visit, 0, "", "");
}

void rung_visit_search_ended(struct rung_served *search, const struct rung_session_result *result,
                             bool parked)
{
    struct rung_serving *serving = search->serving;

    for (struct rung_visit *visit = serving->visits; visit; visit = visit->next) {
        if (visit->search != search)
            continue;
        hide(visit);
        if (visit->state == RUNG_VISIT_WAITING)
            tell_end(visit, result, parked);
        else if (visit->state == RUNG_VISIT_STOPPING)
            tell_stopped(visit, result, parked);
        visit->search = NULL;
    }
    draw_as_needed(serving);
}

void rung_visit_daemon_failed(struct rung_serving *serving, const struct rung_err *why)
{
    for (struct rung_visit *visit = serving->visits; visit; visit = visit->next) {
        struct rung_err err = *why;
        char *line = rung_mem_printf("rung serve %s", visit->way);
        if (visit->state == RUNG_VISIT_OVER) {
            free(line);
            continue;
        }
        hide(visit);
        rung_visit_forget_question(visit);
        rung_err_prefix(&err, "%s%sthe daemon had to end",
                        visit->search ? visit->search->stored.row.name : "", visit->search ? ": " : "");
        if (visit->database)
            rung_err_then(&err, line);
        rung_visit_end(visit, 1, err.text, visit->database ? err.way_out : "");
        free(line);
    }
}

/* ---- coming and going ---- */

/* NULL: not given, or too long. */
static char *word_of(const struct rung_json *message, const char *key)
{
    const char *word = rung_said_string(message, key);

    return *word && strlen(word) <= WORD_MAX ? rung_mem_strdup(word) : NULL;
}

static void read_visitor(struct rung_visit *visit, const struct rung_json *message)
{
    visit->way = word_of(message, "way");
    visit->database = word_of(message, "database");
    visit->wait = rung_said_flag(message, "wait");
    visit->quiet = rung_said_flag(message, "quiet");
    visit->live = rung_said_flag(message, "live");
    visit->colour = rung_said_flag(message, "colour");
    visit->table = (size_t)rung_said_integer(message, "table", 0);
    visit->folder = word_of(message, "folder");
    visit->program = word_of(message, "program");
    if (!visit->way)
        visit->way = rung_mem_strdup(visit->serving->way);
    resize(visit, message);
}

static void obey(struct rung_visit *visit, const struct rung_json *message)
{
    static const struct {
        const char *name;
        rung_visit_order *order;
    } orders[] = {{"submit", rung_visit_submit}, {"resume", rung_visit_resume}, {"stop", rung_visit_stop},
                  {"list", rung_visit_ask},      {"top", rung_visit_ask},       {"show", rung_visit_ask}};
    const char *command = rung_said_string(message, "command");

    read_visitor(visit, message);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(orders[i].name, command) == 0) {
            orders[i].order(visit, message);
            return;
        }
    rung_visit_end(visit, 2, "the daemon does not know this command", "");
}

void rung_visit_said(void *context, struct rung_caller *caller, const struct rung_json *message)
{
    struct rung_serving *serving = context;
    struct rung_visit *visit = rung_caller_context(caller);

    if (!visit) {
        visit = rung_mem_zalloc(1, sizeof *visit);
        visit->serving = serving;
        visit->caller = caller;
        visit->next = serving->visits;
        serving->visits = visit;
        rung_buf_init(&visit->spec, RUNG_SERVING_SPEC_MAX);
        rung_caller_set_context(caller, visit);
        obey(visit, message);
    } else if (visit->state == RUNG_VISIT_GATHERING) {
        rung_visit_spec(visit, message);
    } else if (strcmp(rung_said_string(message, "type"), "resize") == 0) {
        resize(visit, message);
    }
}

static void free_visit(struct rung_visit *visit)
{
    struct rung_serving *serving = visit->serving;

    for (struct rung_visit **at = &serving->visits; *at; at = &(*at)->next)
        if (*at == visit) {
            *at = visit->next;
            break;
        }
    visit->caller = NULL; /* it hears nothing any more */
    hide(visit);
    rung_visit_forget_question(visit);
    rung_buf_free(&visit->spec);
    free(visit->way);
    free(visit->database);
    free(visit->folder);
    free(visit->program);
    free(visit);
}

void rung_visit_hung_up(void *context, struct rung_caller *caller)
{
    struct rung_visit *visit = rung_caller_context(caller);

    if (visit)
        free_visit(visit);
    draw_as_needed(context);
}
