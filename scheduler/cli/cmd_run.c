/* rung run SPEC */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/launch.h"
#include "cli/specfile.h"
#include "cli/stored.h"

#include <stdlib.h>

/* ---- the name ---- */

/* 1: no search of that name, 0: one that has ended, RUNG_EUSE: one that can be resumed. */
static int is_free(struct rung_store *store, const char *name, struct rung_err *err)
{
    struct rung_stored stored = {0};
    struct rung_buf database;
    int code = rung_record_exists(store, name, NULL, err);

    if (code <= 0)
        return code < 0 ? code : 1;
    if ((code = rung_stored_load(&stored, store, name, err)) == 0 &&
        (code = rung_stored_ended(&stored, store, err)) == 0) {
        rung_buf_init(&database, RUNG_BUF_UNLIMITED);
        rung_human_shell(&database, rung_store_path(store));
        code = rung_err_set(err, RUNG_EUSE, "%s: holds an unfinished search called %s",
                            rung_store_path(store), name);
        rung_err_way_out(err, "rung resume %s --search %s", rung_buf_cstr(&database), name);
        rung_buf_free(&database);
    } else if (code > 0) {
        code = 0;
    }
    rung_stored_free(&stored);
    return code;
}

/* NAME, or NAME-2, NAME-3, … behind searches that have ended. The caller frees *name. */
static int choose_name(char **name, struct rung_store *store, const char *wanted, struct rung_err *err)
{
    for (int number = 1;; number++) {
        char *candidate = number == 1 ? rung_mem_strdup(wanted) : rung_mem_printf("%s-%d", wanted, number);
        int code = is_free(store, candidate, err);
        if (code == 1) {
            *name = candidate;
            return 0;
        }
        free(candidate);
        if (code < 0)
            return code;
    }
}

/* ---- the command ---- */

static int run_file(const struct rung_specfile *file, const char *database, struct rung_launch *launch,
                    struct rung_search *core, struct rung_err *err)
{
    struct rung_launch_search search = {
        .database = database, .folder = file->folder, .spec = file->spec, .search = core};
    char *name = NULL;
    int code;

    if ((code = rung_store_open(&search.store, database, RUNG_STORE_CREATE, err)) < 0 ||
        (code = choose_name(&name, search.store, file->spec->name, err)) < 0 ||
        (code = rung_launch_record(&search.record, search.store, name, file, core, err)) < 0) {
        rung_launch_cancel(launch);
    } else {
        search.name = name;
        code = rung_launch_run(launch, &search, err);
    }
    rung_record_free(search.record);
    rung_store_close(search.store);
    free(name);
    return code;
}

int rung_cmd_run(const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *given = rung_options_value(arguments, "db");
    struct rung_search *search = NULL;
    struct rung_specfile file;
    struct rung_launch launch;
    char *database = NULL;
    int code;

    if ((code = rung_specfile_read(&file, arguments->words[0], arguments, true, err)) < 0)
        goto out;
    if ((code = rung_search_create(&search, &file.spec->search, err)) < 0) {
        rung_err_prefix(err, "%s", file.path);
        goto out;
    }
    database = given ? rung_mem_strdup(given) : rung_mem_printf("%s.db", file.spec->name);
    if ((code = rung_launch_prepare(&launch, arguments, file.spec, database, err)) < 0)
        goto out;
    if (!launch.quiet)
        rung_specfile_notes(file.spec);
    code = run_file(&file, database, &launch, search, err);
out:
    free(database);
    rung_search_free(search);
    rung_specfile_free(&file);
    return code;
}
