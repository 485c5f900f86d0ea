/* rung run SPEC */
#include "base/mem.h"
#include "base/shell.h"
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/launch.h"
#include "cli/newsearch.h"
#include "cli/specfile.h"

#include <stdio.h>
#include <stdlib.h>

/* Where a daemon has the database, it is who can run it. */
static void offer_daemon(const char *database, const char *path, struct rung_err *err)
{
    char *way = rung_asking_way(database), *line = rung_shell_command("submit", path, way);

    rung_asking_instead(err, database, line);
    free(line);
    free(way);
}

static int run_file(const struct rung_specfile *file, const char *database, struct rung_launch *launch,
                    struct rung_search *core, const char *again, struct rung_err *err)
{
    struct rung_launch_search search = {
        .database = database, .folder = file->folder, .spec = file->spec, .search = core, .again = again};
    struct rung_newsearch what = {file->spec, file->text, file->folder, file->program};
    char *name = NULL;
    int code;

    if ((code = rung_store_open(&search.store, database, RUNG_STORE_CREATE, err)) < 0 ||
        (code = rung_newsearch_name(&name, search.store, file->spec->name, NULL, again, err)) < 0 ||
        (code = rung_newsearch_record(&search.record, search.store, name, &what, core, false, err)) < 0) {
        rung_launch_cancel(launch);
        if (code == RUNG_EUSE && !search.store)
            offer_daemon(database, file->path, err);
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
    char *database = NULL, *again = rung_launch_again(arguments), *absent = NULL;
    int code;

    if ((code = rung_specfile_read(&file, arguments->words[0], arguments, false, err)) < 0 ||
        (code = rung_specfile_locate(&file, rung_launch_elsewhere(arguments, file.spec), &absent, err)) < 0)
        goto out;
    if ((code = rung_search_create(&search, &file.spec->search, err)) < 0) {
        rung_err_prefix(err, "%s", file.path);
        goto out;
    }
    database = given ? rung_mem_strdup(given) : rung_mem_printf("%s.db", file.spec->name);
    if ((code = rung_launch_prepare(&launch, arguments, file.spec, database, file.folder, err)) < 0)
        goto out;
    if (!launch.quiet)
        rung_specfile_notes(file.spec);
    if (absent && !launch.quiet)
        fprintf(stderr, "rung: note: %s\n", absent);
    code = run_file(&file, database, &launch, search, again, err);
out:
    free(database);
    free(again);
    free(absent);
    rung_search_free(search);
    rung_specfile_free(&file);
    return code;
}
