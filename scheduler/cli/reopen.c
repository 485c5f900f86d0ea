/* What resume and a daemon do before a search goes on. */
#include "cli/reopen.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/human.h"
#include "cli/specfile.h"
#include "dispatch/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- changes of the stored spec ---- */

/* What decides anything is as it was when the search began. */
static bool may_change(const char *key, size_t length)
{
    static const char *const roots[] = {"limits", "trainer", "cluster"};
    static const char priority[] = "search.priority";

    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        size_t root = strlen(roots[i]);
        if (length >= root && memcmp(key, roots[i], root) == 0 && (length == root || key[root] == '.'))
            return true;
    }
    return length == sizeof priority - 1 && memcmp(key, priority, length) == 0;
}

static int override_stored(struct rung_stored *stored, const char *const *assignments, size_t count,
                           struct rung_err *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(assignments[i], "=");
        if (!may_change(assignments[i], length)) {
            rung_err_set(err, RUNG_EUSE, "--set %.*s: cannot be changed once a search has begun", (int)length,
                         assignments[i]);
            return rung_err_way_out(err, "only limits.*, search.priority, trainer.* and cluster.* can");
        }
        if (rung_spec_override(stored->json, assignments[i], err) < 0)
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

void rung_reopen_free(struct rung_reopen *reopen)
{
    free(reopen->spec);
    free(reopen->program);
    free(reopen->absent);
    free(reopen->note);
    *reopen = (struct rung_reopen){0};
}

static int find_program(struct rung_reopen *out, struct rung_stored *stored, bool anywhere,
                        struct rung_err *err)
{
    int code = rung_specfile_find_program(stored->json, stored->spec, stored->row.folder, &out->program, err);

    if (code == 0 || !anywhere || !stored->row.program)
        return code;
    out->absent = rung_specfile_leave_program(stored->json, stored->spec, stored->row.folder, "this machine");
    const char *path = stored->spec->trainer.command[0];
    size_t length = strlen(path);
    bool as_before = strncmp(stored->row.program, path, length) == 0 &&
                     (stored->row.program[length] == ' ' || stored->row.program[length] == '\0');
    out->program = rung_mem_strdup(as_before ? stored->row.program : path);
    return 0;
}

int rung_reopen_change(struct rung_reopen *out, struct rung_stored *stored, const char *const *assignments,
                       size_t count, bool anywhere, struct rung_err *err)
{
    struct rung_json *before = rung_json_copy(stored->json);
    struct rung_buf note, text;
    int code = override_stored(stored, assignments, count, err);

    *out = (struct rung_reopen){0};
    if (code == 0)
        code = rung_specfile_check_settings(stored->spec, err);
    if (code == 0)
        code = find_program(out, stored, anywhere, err);
    if (code < 0) {
        rung_json_free(before);
        return code;
    }
    rung_buf_init(&note, RUNG_BUF_UNLIMITED);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_human_time(&note, rung_clock_wall());
    size_t start = note.length;
    compare_trainers(&note, rung_json_get(before, "trainer"), rung_json_get(stored->json, "trainer"));
    if (stored->row.program && strcmp(stored->row.program, out->program) != 0)
        rung_buf_printf(&note, "; program was %s, is %s", stored->row.program, out->program);
    if (note.length > start) {
        note.data[start] = ':'; /* in the place of the first ';' */
        out->note = rung_mem_strdup(note.data);
    }
    rung_json_write(&text, stored->json);
    out->spec = rung_mem_strdup(rung_buf_cstr(&text));
    rung_buf_free(&note);
    rung_buf_free(&text);
    rung_json_free(before);
    return 0;
}

/* ---- limits ---- */

bool rung_reopen_limit(const struct rung_stored *stored, const char **key, struct rung_err *err)
{
    const struct rung_limits *limits = &stored->spec->limits;
    const struct rung_search *search = stored->search;
    uint32_t leader = rung_search_leader(search);
    double best = leader == RUNG_NO_MODEL ? NAN : rung_search_model(search, leader).score;
    long long calls = rung_stored_calls(stored);
    struct rung_buf text;

    if (rung_search_done(search))
        return false;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
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
    rung_err_set(err, RUNG_EINT, "%s: %s is reached: %s", stored->row.name, *key, rung_buf_cstr(&text));
    rung_buf_free(&text);
    return true;
}

/* ---- going on ---- */

int rung_reopen_ended(const struct rung_stored *stored, struct rung_err *err)
{
    const char *reason = stored->row.reason;

    if (strcmp(stored->row.status, "failed") != 0 || !rung_search_done(stored->search))
        return 0;
    return rung_err_set(err, RUNG_EFAIL, "%s: %s", stored->row.name,
                        reason ? reason : "ended without one usable model");
}

int rung_reopen_record(struct rung_record **record, struct rung_store *store,
                       const struct rung_stored *stored, const struct rung_reopen *reopen, bool queued,
                       struct rung_err *err)
{
    bool changed = reopen->note || strcmp(reopen->spec, stored->row.spec) != 0;
    int code =
        rung_record_reopen(record, store, &stored->row, stored->spec->space, stored->spec->search.seed, err);

    if (code == 0 && changed)
        code = rung_record_change(*record, reopen->spec, reopen->program, reopen->note, err);
    if (code == 0 && queued)
        code = rung_record_status(*record, "queued", NULL, NAN, NAN, err);
    return code == 0 ? rung_store_commit(store, err) : code;
}
