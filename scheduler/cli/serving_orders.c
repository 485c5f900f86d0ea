/* What callers want of a daemon: a search of a spec they bring, one that goes on, one that stops. */
#include "cli/serving_private.h"

#include "base/mem.h"
#include "base/shell.h"
#include "cli/asking.h"
#include "cli/newsearch.h"
#include "cli/specfile.h"
#include "dispatch/said.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASSIGNMENTS_MAX 1000

/* ---- a new search ---- */

/* Who submits from elsewhere may have no such folder here. */
static void find_folder(struct rung_visit *visit, struct rung_stored *stored)
{
    char here[PATH_MAX];
    struct stat info;

    if (visit->folder && visit->folder[0] == '/' && stat(visit->folder, &info) == 0 &&
        S_ISDIR(info.st_mode)) {
        stored->row.folder = rung_mem_strdup(visit->folder);
        return;
    }
    if (!realpath(rung_store_path(visit->serving->store), here))
        snprintf(here, sizeof here, "/");
    char *slash = strrchr(here, '/');
    slash[slash == here ? 1 : 0] = '\0';
    stored->row.folder = rung_mem_strdup(here);
    char *note = rung_mem_printf("%s is no folder on the daemon's machine: its trainers work in %s",
                                 visit->folder ? visit->folder : "the spec's", here);
    rung_visit_note(visit, note);
    free(note);
}

/* Where a program is not, one of the same name beside this rung or on PATH is taken, as workers do. */
static int find_program(struct rung_visit *visit, struct rung_stored *stored, struct rung_err *err)
{
    struct rung_spec *spec = stored->spec;
    struct rung_err why;
    char *note;

    if (rung_specfile_find_program(stored->json, spec, stored->row.folder, &stored->row.program, err) == 0)
        return 0;
    char *wanted = spec->trainer.command[0];
    const char *slash = strrchr(wanted, '/');
    spec->trainer.command[0] = rung_mem_strdup(slash ? slash + 1 : wanted);
    if (slash &&
        rung_specfile_find_program(stored->json, spec, stored->row.folder, &stored->row.program, &why) == 0) {
        note = rung_mem_printf("%s is not on the daemon's machine: %s is taken", wanted,
                               spec->trainer.command[0]);
    } else if (visit->serving->options->listen && visit->program) {
        free(spec->trainer.command[0]);
        spec->trainer.command[0] = rung_mem_strdup(wanted);
        stored->row.program = rung_mem_strdup(visit->program);
        note = rung_specfile_leave_program(stored->json, spec, stored->row.folder, "the daemon's machine");
    } else {
        free(wanted);
        return RUNG_EUSE;
    }
    free(wanted);
    rung_visit_note(visit, note);
    free(note);
    return 0;
}

static int read_spec(struct rung_visit *visit, struct rung_stored *stored, struct rung_err *err)
{
    int code;

    stored->json = rung_json_parse(rung_buf_cstr(&visit->spec), visit->spec.length, 0, err);
    rung_buf_free(&visit->spec);
    if (!stored->json)
        return RUNG_EUSE;
    if (!rung_json_is(stored->json, RUNG_JSON_OBJECT))
        return rung_err_set(err, RUNG_EUSE, "the spec is no object");
    if ((code = rung_spec_read(&stored->spec, stored->json, "search", err)) < 0 ||
        (code = rung_specfile_check_settings(stored->spec, err)) < 0 ||
        (code = rung_serving_check(stored->spec, err)) < 0 ||
        (code = rung_search_create(&stored->search, &stored->spec->search, err)) < 0)
        return code;
    find_folder(visit, stored);
    return find_program(visit, stored, err);
}

static int record_search(struct rung_visit *visit, struct rung_stored *stored, struct rung_record **record,
                         struct rung_err *err)
{
    struct rung_store *store = visit->serving->store;
    struct rung_buf text;
    int code = rung_newsearch_name(&stored->row.name, store, stored->spec->name, visit->way, NULL, err);

    if (code < 0)
        return code;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_json_write(&text, stored->json);
    struct rung_newsearch what = {stored->spec, text.data, stored->row.folder, stored->row.program};
    code = rung_newsearch_record(record, store, stored->row.name, &what, stored->search, true, err);
    rung_buf_free(&text);
    return code;
}

static void take_spec(struct rung_visit *visit)
{
    struct rung_stored stored = {0};
    struct rung_record *record = NULL;
    struct rung_served *search = NULL;
    struct rung_err err;
    int code;

    if ((code = read_spec(visit, &stored, &err)) == 0 &&
        (code = record_search(visit, &stored, &record, &err)) == 0)
        code = rung_serving_add(visit->serving, &stored, record, &search, &err);
    if (code < 0) {
        if (!search)
            rung_store_rollback(visit->serving->store);
        rung_visit_fail(visit, &err);
    } else {
        rung_serving_log(visit->serving, search->stored.row.name, "queued");
        rung_visit_accepted(visit, search, "queued");
    }
    rung_stored_free(&stored);
}

void rung_visit_spec(struct rung_visit *visit, const struct rung_json *message)
{
    rung_buf_text(&visit->spec, rung_said_string(message, "text"));
    if (visit->spec.overflow || visit->spec.length > visit->expected)
        rung_visit_end(visit, 2, "the spec is longer than was said", "");
    else if (visit->spec.length == visit->expected)
        take_spec(visit);
}

void rung_visit_submit(struct rung_visit *visit, const struct rung_json *message)
{
    visit->expected = (size_t)rung_said_integer(message, "bytes", 0);
    if (visit->expected == 0 || visit->expected > RUNG_SERVING_SPEC_MAX)
        rung_visit_end(visit, 2, "the daemon takes no spec of this length", "");
    else
        visit->state = RUNG_VISIT_GATHERING; /* and its parts follow */
}

/* ---- a search that goes on ---- */

/* 1: it runs, and the visit waits for it or is over. */
static int attach(struct rung_visit *visit, const char *name, bool changes, struct rung_err *err)
{
    struct rung_served *search = rung_serving_find(visit->serving, name);

    if (!search)
        return 0;
    if (search->stops > 0)
        return rung_err_set(err, RUNG_EUSE, "%s: is being stopped", name);
    if (changes) {
        rung_err_set(err, RUNG_EUSE, "%s: runs, and cannot be changed meanwhile", name);
        char *line = rung_shell_command("stop", name, visit->way);
        rung_err_way_out(err, "%s", line);
        free(line);
        return RUNG_EUSE;
    }
    rung_visit_accepted(visit, search, "running");
    return 1;
}

/* 1: it is finished, and that was shown. */
static int show_finished(struct rung_visit *visit, const char *name, bool changes, struct rung_err *err)
{
    struct rung_search_row row = {0};
    int code = rung_record_find(visit->serving->store, name, &row, err);

    if (code == 0 && strcmp(row.status, "finished") == 0) {
        struct rung_finish finish = rung_visit_finish(visit, name, true);
        if (changes)
            rung_visit_note(visit, "the search is finished: --set changes nothing");
        rung_visit_leaderboard(visit, &finish);
        rung_visit_end(visit, 0, "", "");
        code = 1;
    }
    rung_search_row_free(&row);
    return code;
}

/* One that was recorded elsewhere may be too large. */
static int check_size(struct rung_visit *visit, const char *name, struct rung_err *err)
{
    struct rung_finish finish = {.database = visit->database, .search = name, .named = true};
    struct rung_stored stored = {0};
    int code = rung_stored_load(&stored, visit->serving->store, name, err);

    if (code == 0 && (code = rung_serving_check(stored.spec, err)) < 0 && visit->database) {
        rung_err_remedy(err, "end the daemon");
        rung_finish_way_out(&finish, "resume", err);
    }
    rung_stored_free(&stored);
    return code;
}

static void go_on(struct rung_visit *visit, const char *name, const char *const *assignments, size_t count)
{
    struct rung_serving *serving = visit->serving;
    struct rung_finish finish = rung_visit_finish(visit, name, true);
    struct rung_served *search = NULL;
    const char *key = NULL;
    struct rung_err err;
    char *note = NULL;
    int code = rung_serving_resume(serving, name, assignments, count, &search, &note, &key, &err);

    if (code == 3) {
        char *line = rung_asking_resume("--resume", name, key, visit->way);
        rung_visit_end(visit, 3, err.text, line);
        free(line);
    } else if (code < 0) {
        rung_store_rollback(serving->store);
        if (code == RUNG_EFAIL && !err.way_out[0] && visit->database)
            rung_finish_way_out(&finish, "logs", &err);
        rung_visit_fail(visit, &err);
    } else {
        if (note)
            rung_visit_note(visit, note);
        rung_serving_log(serving, name, "goes on");
        rung_visit_accepted(visit, search, "queued");
    }
    free(note);
}

void rung_visit_resume(struct rung_visit *visit, const struct rung_json *message)
{
    const char *name = rung_said_string(message, "search");
    const struct rung_json *set = rung_json_get(message, "set");
    const char *assignments[ASSIGNMENTS_MAX];
    struct rung_err err = {.text = ""};
    size_t count = 0;

    for (const struct rung_json *one = rung_json_is(set, RUNG_JSON_ARRAY) ? rung_json_first(set) : NULL;
         one && count < ASSIGNMENTS_MAX; one = rung_json_next(one))
        assignments[count++] = rung_json_is(one, RUNG_JSON_STRING) ? rung_json_string(one) : "";
    int code = count == ASSIGNMENTS_MAX
                   ? rung_err_set(&err, RUNG_EUSE, "--set: more than %d", ASSIGNMENTS_MAX - 1)
                   : attach(visit, name, count > 0, &err);
    if (code == 0)
        code = show_finished(visit, name, count > 0, &err);
    if (code == 0)
        code = check_size(visit, name, &err);
    if (code < 0)
        rung_visit_fail(visit, &err);
    else if (code == 0)
        go_on(visit, name, assignments, count);
}

/* ---- a search that stops ---- */

/* Its reason begins with the limit. */
static const char *limit_of(const struct rung_search_row *row)
{
    static const char *const keys[] = {"limits.time", "limits.calls", "limits.score", "limits.state_bytes"};

    for (size_t i = 0; row->reason && i < sizeof keys / sizeof *keys; i++)
        if (strncmp(row->reason, keys[i], strlen(keys[i])) == 0 && row->reason[strlen(keys[i])] == ':')
            return keys[i];
    return NULL;
}

static void tell_status(struct rung_visit *visit, const char *name)
{
    struct rung_search_row row = {0};
    struct rung_err err;

    if (rung_record_find(visit->serving->store, name, &row, &err) < 0) {
        rung_visit_fail(visit, &err);
    } else {
        rung_visit_stopped(visit, name, row.status, limit_of(&row));
        rung_visit_end(visit, 0, "", "");
    }
    rung_search_row_free(&row);
}

/* Who asks a second time does not want to wait for the jobs that run. */
void rung_visit_stop(struct rung_visit *visit, const struct rung_json *message)
{
    const char *name = rung_said_string(message, "search");
    struct rung_served *search = rung_serving_find(visit->serving, name);
    int wanted = rung_said_flag(message, "now") || (search && search->stops > 0) ? 2 : 1;

    if (!search) {
        tell_status(visit, name);
        return;
    }
    visit->state = RUNG_VISIT_STOPPING;
    visit->search = search;
    while (search->stops < wanted) {
        search->stops++;
        rung_daemon_stop(visit->serving->daemon, search->handle);
    }
}
