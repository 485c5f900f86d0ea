/* rung resume DB */
#include "base/mem.h"
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/finish.h"
#include "cli/launch.h"
#include "cli/reopen.h"
#include "cli/specfile.h"
#include "cli/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- refusals ---- */

static bool refuse_limit(const struct rung_stored *stored, const struct rung_launch_search *search)
{
    struct rung_err why;
    const char *key;

    if (!rung_reopen_limit(stored, &key, &why))
        return false;
    struct rung_finish finish = {.database = search->database,
                                 .search = stored->row.name,
                                 .named = true,
                                 .again = search->again,
                                 .limit = key};
    rung_finish_way_out(&finish, "resume", &why);
    fprintf(stderr, "rung: %s\n%s\n", why.text, why.way_out);
    return true;
}

static int refuse_ended(const struct rung_launch_search *search, const struct rung_stored *stored,
                        struct rung_err *err)
{
    struct rung_finish finish = {
        .database = search->database, .search = search->name, .named = search->named};
    int code = rung_reopen_ended(stored, err);

    if (code < 0)
        rung_finish_way_out(&finish, "logs", err);
    return code;
}

/* ---- the command ---- */

static int change(struct rung_reopen *reopen, struct rung_stored *stored,
                  const struct rung_arguments *arguments, struct rung_err *err)
{
    const char **assignments = rung_mem_zalloc(arguments->given_count + 1, sizeof *assignments);
    size_t cursor = 0, count = 0;

    while ((assignments[count] = rung_options_each(arguments, "set", &cursor)))
        count++;
    bool elsewhere = rung_launch_elsewhere(arguments, stored->spec);
    int code = rung_reopen_change(reopen, stored, assignments, count, elsewhere, err);
    free(assignments);
    return code;
}

static int go_on(struct rung_launch_search *search, struct rung_stored *stored,
                 const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_reopen reopen = {0};
    struct rung_launch launch;
    int code;

    if ((code = rung_stored_replay(stored, search->store, err)) < 0 ||
        (code = refuse_ended(search, stored, err)) < 0 ||
        (code = change(&reopen, stored, arguments, err)) < 0)
        goto out;
    if (refuse_limit(stored, search)) {
        code = 3;
        goto out;
    }
    if ((code = rung_launch_prepare(&launch, arguments, stored->spec, search->database, search->folder,
                                    err)) < 0)
        goto out;
    if (!launch.quiet)
        rung_specfile_notes(stored->spec);
    code = rung_reopen_record(&search->record, search->store, stored, &reopen, false, err);
    if (code < 0) {
        rung_launch_cancel(&launch);
        goto out;
    }
    if (reopen.absent && !launch.quiet)
        fprintf(stderr, "rung: note: %s\n", reopen.absent);
    if (reopen.note && !launch.quiet)
        fprintf(stderr, "rung: note: %s\n", reopen.note);
    search->spec = stored->spec;
    search->search = stored->search;
    code = rung_launch_run(&launch, search, err);
out:
    rung_reopen_free(&reopen);
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

static void offer(const char *database, const char *name, struct rung_err *err)
{
    char *way = rung_asking_way(database), *line = rung_asking_resume("--resume", name, NULL, way);

    rung_asking_instead(err, database, line);
    free(line);
    free(way);
}

/* Where a daemon has the database, it is who can go on with the search. */
static void offer_daemon(const char *database, const char *name, struct rung_err *err)
{
    struct rung_search_row row = {0};
    struct rung_store *store;

    if (rung_store_open(&store, database, RUNG_STORE_READ, NULL) < 0)
        return;
    if (rung_record_find(store, name, &row, NULL) == 0)
        offer(database, row.name, err);
    rung_search_row_free(&row);
    rung_store_close(store);
}

int rung_cmd_resume(const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *name = rung_options_value(arguments, "search");
    struct rung_launch_search search = {.named = name != NULL};
    struct rung_stored stored = {0};
    char *again;
    int code;

    if ((code = choose_database(arguments, &search.database, err)) < 0 ||
        (code = rung_launch_check(arguments, err)) < 0)
        return code;
    code = print_finished(search.database, name, rung_options_has(arguments, "quiet"),
                          rung_options_has(arguments, "set"), err);
    if (code != 0)
        return code < 0 ? code : 0;
    search.again = again = rung_launch_again(arguments);
    if ((code = rung_store_open(&search.store, search.database, RUNG_STORE_WRITE, err)) == 0 &&
        (code = rung_stored_load(&stored, search.store, name, err)) == 0) {
        search.name = stored.row.name;
        search.folder = stored.row.folder;
        search.elapsed = stored.row.elapsed;
        code = go_on(&search, &stored, arguments, err);
    } else if (code == RUNG_EUSE && !search.store) {
        offer_daemon(search.database, name, err);
    }
    rung_record_free(search.record);
    rung_store_close(search.store);
    rung_stored_free(&stored);
    free(again);
    return code;
}
