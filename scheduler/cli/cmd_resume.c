/* rung resume DB */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/finish.h"
#include "cli/human.h"
#include "cli/launch.h"
#include "cli/specfile.h"
#include "cli/stored.h"
#include "dispatch/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- changes of the stored spec ---- */

/* What decides anything is as it was when the search began. */
static bool may_change(const char *key, size_t length)
{
    static const char *const roots[] = {"limits", "trainer"};
    static const char priority[] = "search.priority";

    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        size_t root = strlen(roots[i]);
        if (length >= root && memcmp(key, roots[i], root) == 0 && (length == root || key[root] == '.'))
            return true;
    }
    return length == sizeof priority - 1 && memcmp(key, priority, length) == 0;
}

static int override_stored(struct rung_stored *stored, const struct rung_arguments *arguments,
                           struct rung_err *err)
{
    const char *assignment;
    size_t cursor = 0;

    while ((assignment = rung_options_each(arguments, "set", &cursor))) {
        size_t length = strcspn(assignment, "=");
        if (!may_change(assignment, length)) {
            rung_err_set(err, RUNG_EUSE, "--set %.*s: cannot be changed once a search has begun", (int)length,
                         assignment);
            return rung_err_way_out(err, "only limits.*, search.priority and trainer.* can");
        }
        if (rung_spec_override(stored->json, assignment, err) < 0)
            return RUNG_EUSE;
    }
    return rung_stored_read_spec(stored, err);
}

static void write_or_absent(struct rung_buf *out, const struct rung_json *value)
{
    if (value)
        rung_json_write(out, value);
    else
        rung_buf_text(out, "absent");
}

/* "trainer.KEY was OLD, is NEW" for each key of the trainer that changed; its count only says how many there
 * are. */
static void compare_trainers(struct rung_buf *note, const struct rung_json *before,
                             const struct rung_json *after)
{
    static const char *const keys[] = {"command", "settings", "env", "threads"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct rung_json *old = rung_json_get(before, keys[i]), *new = rung_json_get(after, keys[i]);
        if ((!old && !new) || (old && new &&rung_json_equal(old, new)))
            continue;
        rung_buf_printf(note, "; trainer.%s was ", keys[i]);
        write_or_absent(note, old);
        rung_buf_text(note, ", is ");
        write_or_absent(note, new);
    }
}

struct changes {
    char *spec;    /* the spec's new text */
    char *program; /* what the trainer's program is now */
    char *note;    /* NULL: nothing that a result can depend on has changed */
};

static void free_changes(struct changes *changes)
{
    free(changes->spec);
    free(changes->program);
    free(changes->note);
}

/* Overrides, finds the program again, and says what is not as it was. */
static int change(struct changes *changes, struct rung_stored *stored, const struct rung_arguments *arguments,
                  struct rung_err *err)
{
    struct rung_json *before = rung_json_copy(stored->json);
    struct rung_buf note, text;
    int code = override_stored(stored, arguments, err);

    if (code == 0)
        code = rung_specfile_check_settings(stored->spec, err);
    if (code == 0)
        code = rung_specfile_find_program(stored->json, stored->spec, stored->row.folder, &changes->program,
                                          err);
    if (code < 0) {
        rung_json_free(before);
        return code;
    }
    rung_buf_init(&note, RUNG_BUF_UNLIMITED);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_human_time(&note, rung_clock_wall());
    size_t start = note.length;
    compare_trainers(&note, rung_json_get(before, "trainer"), rung_json_get(stored->json, "trainer"));
    if (stored->row.program && strcmp(stored->row.program, changes->program) != 0)
        rung_buf_printf(&note, "; program was %s, is %s", stored->row.program, changes->program);
    if (note.length > start) {
        note.data[start] = ':'; /* in the place of the first ';' */
        changes->note = rung_mem_strdup(note.data);
    }
    rung_json_write(&text, stored->json);
    changes->spec = rung_mem_strdup(rung_buf_cstr(&text));
    rung_buf_free(&note);
    rung_buf_free(&text);
    rung_json_free(before);
    return 0;
}

/* ---- limits ---- */

/* Says which limit is reached already, and the --set that lifts it; false when none is. */
static bool limit_reached(const struct rung_stored *stored, char reason[256], const char **key)
{
    const struct rung_limits *limits = &stored->spec->limits;
    const struct rung_search *search = stored->search;
    uint32_t leader = rung_search_leader(search);
    double best = leader == RUNG_NO_MODEL ? NAN : rung_search_model(search, leader).score;
    long long calls = rung_stored_calls(stored);
    struct rung_buf text;

    rung_buf_init(&text, 255);
    if (stored->row.elapsed >= limits->time) {
        *key = "limits.time";
        rung_human_duration(&text, stored->row.elapsed);
        rung_buf_text(&text, " of running time, the limit is ");
        rung_human_duration(&text, limits->time);
    } else if (calls >= limits->calls) {
        *key = "limits.calls";
        rung_buf_printf(&text, "%lld calls, the limit is %lld", calls, (long long)limits->calls);
    } else if (rung_search_oriented(search, best) >= rung_search_oriented(search, limits->score)) {
        *key = "limits.score";
        rung_buf_text(&text, "the best score is ");
        rung_json_write_number(&text, best);
        rung_buf_text(&text, ", the limit ");
        rung_json_write_number(&text, limits->score);
    } else {
        return false;
    }
    snprintf(reason, 256, "%s", rung_buf_cstr(&text));
    rung_buf_free(&text);
    return true;
}

static bool refuse_limit(const struct rung_stored *stored, const char *database)
{
    char reason[256];
    const char *key;
    struct rung_buf path;

    if (rung_search_done(stored->search) || !limit_reached(stored, reason, &key))
        return false;
    rung_buf_init(&path, RUNG_BUF_UNLIMITED);
    rung_human_shell(&path, database);
    fprintf(stderr, "rung: %s: %s is reached: %s\nrung resume %s --search %s --set %s=null\n",
            stored->row.name, key, reason, rung_buf_cstr(&path), stored->row.name, key);
    rung_buf_free(&path);
    return true;
}

/* ---- the command ---- */

/* The search as it goes on: recorded as running, its changes noted. */
static int reopen(struct rung_record **record, struct rung_store *store, const struct rung_stored *stored,
                  const struct changes *changes, bool changed, bool quiet, struct rung_err *err)
{
    int code =
        rung_record_reopen(record, store, &stored->row, stored->spec->space, stored->spec->search.seed, err);

    if (code == 0 && changed)
        code = rung_record_change(*record, changes->spec, changes->program, changes->note, err);
    if (code == 0)
        code = rung_store_commit(store, err);
    if (code == 0 && changes->note && !quiet)
        fprintf(stderr, "rung: note: %s\n", changes->note);
    return code;
}

/* A search without one usable model has nothing left to do either: its ending is said again. */
static int refuse_ended(const struct rung_launch_search *search, const struct rung_stored *stored,
                        struct rung_err *err)
{
    struct rung_finish finish = {
        .database = search->database, .search = search->name, .named = search->named};
    const char *reason = stored->row.reason;

    if (strcmp(stored->row.status, "failed") != 0 || !rung_search_done(stored->search))
        return 0;
    rung_err_set(err, RUNG_EFAIL, "%s: %s", search->name, reason ? reason : "ended without one usable model");
    rung_finish_way_out(&finish, "logs", err);
    return RUNG_EFAIL;
}

static int go_on(struct rung_launch_search *search, struct rung_stored *stored,
                 const struct rung_arguments *arguments, struct rung_err *err)
{
    struct changes changes = {0};
    struct rung_launch launch;
    int code;

    if ((code = rung_stored_replay(stored, search->store, err)) < 0 ||
        (code = refuse_ended(search, stored, err)) < 0 ||
        (code = change(&changes, stored, arguments, err)) < 0)
        goto out;
    if (refuse_limit(stored, search->database)) {
        code = 3;
        goto out;
    }
    if ((code = rung_launch_prepare(&launch, arguments, stored->spec, search->database, err)) < 0)
        goto out;
    if (!launch.quiet)
        rung_specfile_notes(stored->spec);
    bool changed = changes.note || strcmp(changes.spec, stored->row.spec) != 0;
    code = reopen(&search->record, search->store, stored, &changes, changed, launch.quiet, err);
    if (code < 0) {
        rung_launch_cancel(&launch);
        goto out;
    }
    search->spec = stored->spec;
    search->search = stored->search;
    code = rung_launch_run(&launch, search, err);
out:
    free_changes(&changes);
    return code;
}

/* 1 when the search is finished and its ending was printed, without a lock and without a change. */
static int print_finished(const char *database, const char *name, bool quiet, bool set, struct rung_err *err)
{
    struct rung_search_row row = {0};
    struct rung_store *store;
    int code = rung_store_open(&store, database, RUNG_STORE_READ, err);

    if (code < 0)
        return code;
    code = rung_record_find(store, name, &row, err);
    rung_store_close(store);
    if (code == 0 && strcmp(row.status, "finished") == 0) {
        struct rung_launch_search search = {.database = database, .name = row.name, .named = name != NULL};
        if (set)
            fprintf(stderr, "rung: note: %s is finished: --set changes nothing\n", row.name);
        code = rung_launch_print(&search, quiet, err);
        code = code < 0 ? code : 1;
    }
    rung_search_row_free(&row);
    return code;
}

static int choose_database(const struct rung_arguments *arguments, const char **database,
                           struct rung_err *err)
{
    const char *word = arguments->word_count ? arguments->words[0] : NULL;
    const char *option = rung_options_value(arguments, "db");

    *database = word ? word : option;
    if (word && option && strcmp(word, option) != 0)
        return rung_err_set(err, RUNG_EUSE, "resume: two databases are named, %s and --db %s", word, option);
    if (!*database) {
        rung_err_set(err, RUNG_EUSE, "resume: an operand is missing: DB");
        return rung_err_way_out(err, "rung resume --help");
    }
    return 0;
}

int rung_cmd_resume(const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *name = rung_options_value(arguments, "search");
    struct rung_launch_search search = {.named = name != NULL};
    struct rung_stored stored = {0};
    int code;

    if ((code = choose_database(arguments, &search.database, err)) < 0)
        return code;
    code = print_finished(search.database, name, rung_options_has(arguments, "quiet"),
                          rung_options_has(arguments, "set"), err);
    if (code != 0)
        return code < 0 ? code : 0;
    if ((code = rung_store_open(&search.store, search.database, RUNG_STORE_WRITE, err)) == 0 &&
        (code = rung_stored_load(&stored, search.store, name, err)) == 0) {
        search.name = stored.row.name;
        search.folder = stored.row.folder;
        search.elapsed = stored.row.elapsed;
        code = go_on(&search, &stored, arguments, err);
    }
    rung_record_free(search.record);
    rung_store_close(search.store);
    rung_stored_free(&stored);
    return code;
}
