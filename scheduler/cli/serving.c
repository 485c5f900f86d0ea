/* The daemon's searches: those that the database has left, those that come, and what follows their end. */
#include "cli/serving_private.h"

#include "base/mem.h"
#include "cli/asking.h"
#include "cli/human.h"
#include "cli/reopen.h"
#include "store/record.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- words for who watches ---- */

void rung_serving_log(const struct rung_serving *serving, const char *name, const char *format, ...)
{
    char text[RUNG_ERR_TEXT_MAX];
    struct rung_buf line;
    va_list arguments;

    if (serving->options->quiet)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_human_text(&line, text);
    fprintf(stderr, "%s%s%s\n", name ? name : "rung: note", ": ", rung_buf_cstr(&line));
    rung_buf_free(&line);
}

static void on_warning(void *context, const char *text)
{
    rung_serving_log(context, NULL, "%s", text);
}

/* What a search says that does not show in its record. */
static void noted(void *context, const struct rung_note *note)
{
    const struct rung_served *search = context;
    const char *reason = note->reason ? note->reason : "no reason given";

    if (note->type == RUNG_NOTE_WARNING)
        rung_serving_log(search->serving, search->stored.row.name, "%s", reason);
    else if (note->type == RUNG_NOTE_TRAINER && note->status && strcmp(note->status, "given up") == 0)
        rung_serving_log(search->serving, search->stored.row.name, "trainer %lld is given up: %s",
                         (long long)note->trainer, reason);
}

/* ---- on_end ---- */

struct rung_ending {
    struct rung_serving *serving;
    struct rung_ending *next;
    struct rung_child *child;
    char *name, *program;
};

static void free_ending(struct rung_ending *ending)
{
    for (struct rung_ending **at = &ending->serving->endings; *at; at = &(*at)->next)
        if (*at == ending) {
            *at = ending->next;
            break;
        }
    free(ending->name);
    free(ending->program);
    free(ending);
}

static void on_end_over(void *context, struct rung_child *child, int status)
{
    struct rung_ending *ending = context;
    struct rung_buf note;

    (void)child;
    rung_buf_init(&note, RUNG_BUF_UNLIMITED);
    rung_finish_on_end_note(&note, ending->program, status);
    if (note.length > 0)
        rung_serving_log(ending->serving, ending->name, "%s", note.data);
    rung_buf_free(&note);
    free_ending(ending);
}

static void run_on_end(struct rung_served *search)
{
    struct rung_serving *serving = search->serving;
    char *const *on_end = search->stored.spec->on_end;
    struct rung_finish finish = {
        .database = serving->options->database, .search = search->stored.row.name, .store = serving->store};
    struct rung_err err;

    if (!on_end)
        return;
    struct rung_ending *ending = rung_mem_zalloc(1, sizeof *ending);
    char **environment = rung_finish_environment(&finish);
    struct rung_child_options child = {.argv = on_end,
                                       .environment = environment,
                                       .folder = search->stored.row.folder,
                                       .context = ending,
                                       .ended = on_end_over};
    ending->serving = serving;
    ending->name = rung_mem_strdup(search->stored.row.name);
    ending->program = rung_mem_strdup(on_end[0]);
    ending->next = serving->endings;
    serving->endings = ending;
    if (rung_child_start(&ending->child, rung_daemon_base(serving->daemon), &child, &err) < 0) {
        rung_serving_log(serving, ending->name, "on_end: %s", err.text);
        free_ending(ending);
    }
    rung_finish_free_environment(environment);
}

/* ---- a search's life ---- */

struct rung_served *rung_serving_find(const struct rung_serving *serving, const char *name)
{
    struct rung_served *search = serving->searches;

    while (search && strcmp(search->stored.row.name, name) != 0)
        search = search->next;
    return search;
}

static void free_search(struct rung_served *search)
{
    for (struct rung_served **at = &search->serving->searches; *at; at = &(*at)->next)
        if (*at == search) {
            *at = search->next;
            break;
        }
    rung_attend_free(search->attend);
    rung_record_free(search->record);
    rung_stored_free(&search->stored);
    free(search);
}

int rung_serving_add(struct rung_serving *serving, struct rung_stored *stored, struct rung_record *record,
                     struct rung_served **out, struct rung_err *err)
{
    struct rung_served *search = rung_mem_zalloc(1, sizeof *search);

    search->serving = serving;
    search->stored = *stored;
    *stored = (struct rung_stored){0};
    search->record = record;
    search->watchers[0] = (struct rung_watcher){.context = search, .note = noted};
    search->session = (struct rung_session_options){.spec = search->stored.spec,
                                                    .store = serving->store,
                                                    .record = record,
                                                    .search = search->stored.search,
                                                    .name = search->stored.row.name,
                                                    .folder = search->stored.row.folder,
                                                    .trainers = serving->options->trainers,
                                                    .elapsed_before = search->stored.row.elapsed,
                                                    .time_limit = INFINITY,
                                                    .watchers = search->watchers,
                                                    .watcher_count = 1};
    search->attend = rung_attend_create(&search->session, &search->watchers[1], true);
    search->next = serving->searches;
    serving->searches = search;
    int code = rung_daemon_add(serving->daemon, &search->session, search, &search->handle, err);
    if (code < 0)
        free_search(search);
    else
        *out = search;
    return code;
}

static void log_end(const struct rung_served *search, const struct rung_session_result *result, bool parked)
{
    static const char *const ends[] = {[RUNG_END_FINISHED] = "finished",
                                       [RUNG_END_FAILED] = "failed",
                                       [RUNG_END_LIMIT] = "stopped by a limit",
                                       [RUNG_END_INTERRUPTED] = "interrupted"};
    const char *how = parked ? "waits until rung serve is started again" : ends[result->end];
    bool more = !parked && result->reason[0] && strcmp(result->reason, how) != 0;
    struct rung_buf best;

    rung_buf_init(&best, RUNG_BUF_UNLIMITED);
    if (!parked && result->best != RUNG_NO_MODEL) {
        rung_buf_text(&best, ", best ");
        rung_human_number(&best, rung_search_model(search->stored.search, result->best).score);
        rung_buf_printf(&best, " (model %u)", result->best);
    }
    rung_serving_log(search->serving, search->stored.row.name, "%s%s%s%s", how, more ? ": " : "",
                     more ? result->reason : "", rung_buf_cstr(&best));
    rung_buf_free(&best);
}

static void on_ended(void *context, struct rung_daemon_search *handle, void *search_context,
                     const struct rung_session_result *result, bool parked)
{
    struct rung_served *search = search_context;
    struct rung_serving *serving = context;
    struct rung_session_view view;

    rung_daemon_view(serving->daemon, handle, &view);
    rung_attend_display(search->attend, &view);
    log_end(search, result, parked);
    rung_visit_search_ended(search, result, parked);
    if (!parked)
        run_on_end(search);
    free_search(search);
}

/* ---- going on ---- */

int rung_serving_resume(struct rung_serving *serving, const char *name, const char *const *assignments,
                        size_t count, struct rung_served **out, char **note, const char **key,
                        struct rung_err *err)
{
    struct rung_stored stored = {0};
    struct rung_reopen reopen = {0};
    struct rung_record *record = NULL;
    int code;

    *note = NULL;
    if ((code = rung_stored_load(&stored, serving->store, name, err)) < 0 ||
        (code = rung_stored_replay(&stored, serving->store, err)) < 0 ||
        (code = rung_reopen_ended(&stored, err)) < 0 ||
        (code = rung_reopen_change(&reopen, &stored, assignments, count, serving->options->listen != NULL,
                                   err)) < 0)
        goto out;
    if (rung_reopen_limit(&stored, key, err)) {
        code = 3;
        goto out;
    }
    if ((code = rung_reopen_record(&record, serving->store, &stored, &reopen, true, err)) < 0)
        goto out;
    *note = reopen.note;
    reopen.note = NULL;
    code = rung_serving_add(serving, &stored, record, out, err);
out:
    rung_reopen_free(&reopen);
    rung_stored_free(&stored);
    return code;
}

/* It stays as it is, but for its status, and is left to its user. */
static int set_aside(struct rung_serving *serving, const struct rung_search_row *row, const char *reason,
                     struct rung_err *err)
{
    struct rung_record *record = NULL;
    int code = rung_record_reopen(&record, serving->store, row, NULL, 0, err);

    if (code == 0)
        code = rung_record_status(record, "interrupted", reason, NAN, NAN, err);
    rung_record_free(record);
    return code == 0 ? rung_store_commit(serving->store, err) : code;
}

static void offer_resume(const struct rung_serving *serving, const char *name, const char *key)
{
    char *line = rung_asking_resume("--resume", name, key, serving->way);

    if (!serving->options->quiet)
        fprintf(stderr, "%s\n", line);
    free(line);
}

static int take_up(struct rung_serving *serving, const char *name, struct rung_err *err)
{
    struct rung_search_row row = {0};
    struct rung_served *search;
    const char *key = NULL;
    struct rung_err why;
    char *note = NULL;
    int code = rung_record_find(serving->store, name, &row, err);

    if (code < 0)
        return code;
    bool orphan =
        strcmp(row.status, "interrupted") == 0 && row.reason && strcmp(row.reason, RUNG_RECORD_ORPHAN) == 0;
    if (orphan || strcmp(row.status, "queued") == 0) {
        if (rung_serving_resume(serving, name, NULL, 0, &search, &note, &key, &why) == 0) {
            rung_serving_log(serving, name, "goes on");
            if (note)
                rung_serving_log(serving, name, "%s", note);
        } else {
            rung_serving_log(serving, name, "is left as it is: %s", why.text);
            if (key)
                offer_resume(serving, name, key);
            code = set_aside(serving, &row, why.text, err);
        }
    }
    free(note);
    rung_search_row_free(&row);
    return code;
}

struct names {
    char **list;
    size_t count, capacity;
};

static void keep_name(void *context, const char *name)
{
    struct names *names = context;

    names->list = rung_mem_grow(names->list, names->count, &names->capacity, sizeof *names->list);
    names->list[names->count++] = rung_mem_strdup(name);
}

/* What a daemon that was ended or killed has left, the oldest first. */
static int take_up_all(struct rung_serving *serving, struct rung_err *err)
{
    struct names names = {0};
    int code = rung_record_names(serving->store, keep_name, &names, err);

    for (size_t i = names.count; i-- > 0;) {
        if (code == 0)
            code = take_up(serving, names.list[i], err);
        free(names.list[i]);
    }
    free(names.list);
    return code;
}

/* ---- the daemon ---- */

static int on_opened(void *context, struct rung_daemon *daemon, int port, struct rung_err *err)
{
    struct rung_serving *serving = context;

    serving->daemon = daemon;
    rung_serving_log(serving, NULL, "commands are taken at %s", serving->options->socket);
    if (serving->options->listen)
        rung_serving_log(serving, NULL, "workers and commands are taken at port %d", port);
    return take_up_all(serving, err);
}

/* Visits have ended with their callers. An on_end goes on by itself. */
static void on_closing(void *context)
{
    struct rung_serving *serving = context;

    while (serving->endings) {
        rung_child_leave(serving->endings->child);
        free_ending(serving->endings);
    }
}

static void on_failed(void *context, const struct rung_err *err)
{
    rung_visit_daemon_failed(context, err);
}

/* With what the daemon has ended. */
static void tell_way_out(const struct rung_serving *serving, struct rung_err *err)
{
    char *line = rung_mem_printf("rung serve %s", serving->way);

    rung_err_then(err, line);
    free(line);
}

int rung_serving_run(const struct rung_serving_options *options, struct rung_err *err)
{
    struct rung_serving serving = {.options = options};
    struct rung_daemon_options daemon = {.trainers = options->trainers,
                                         .listen = options->listen,
                                         .socket = options->socket,
                                         .context = &serving,
                                         .ended = on_ended,
                                         .said = rung_visit_said,
                                         .hung_up = rung_visit_hung_up,
                                         .opened = on_opened,
                                         .closing = on_closing,
                                         .failed = on_failed,
                                         .warn = on_warning};
    bool made = access(options->database, F_OK) < 0;
    int code = rung_store_open(&serving.store, options->database, RUNG_STORE_CREATE, err);

    if (code < 0)
        return code;
    serving.way = rung_asking_way(options->database);
    daemon.store = serving.store;
    code = rung_daemon_run(&daemon, err);
    while (serving.searches) /* where recording failed */
        free_search(serving.searches);
    rung_store_close(serving.store);
    if (code == RUNG_EFAIL)
        tell_way_out(&serving, err);
    if (code == RUNG_EUSE && made) /* nowhere to listen: there was no daemon */
        unlink(options->database);
    free(serving.way);
    return code < 0 ? code : 130;
}
