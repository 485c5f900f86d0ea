/* New searches in a database. */
#include "cli/newsearch.h"

#include "base/mem.h"
#include "cli/finish.h"
#include "cli/stored.h"
#include "dispatch/clock.h"
#include "rung/version.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the name ---- */

static int refuse(struct rung_store *store, const char *name, const char *daemon, const char *again,
                  struct rung_err *err)
{
    struct rung_finish finish = {
        .database = rung_store_path(store), .search = name, .named = true, .daemon = daemon, .again = again};

    rung_err_set(err, RUNG_EUSE, "%s: holds an unfinished search called %s", rung_store_path(store), name);
    rung_finish_way_out(&finish, "resume", err);
    return RUNG_EUSE;
}

/* 1: no search of that name, 0: one that has ended, RUNG_EUSE: one that can be resumed. */
static int is_free(struct rung_store *store, const char *name, const char *daemon, const char *again,
                   struct rung_err *err)
{
    struct rung_stored stored = {0};
    int code = rung_record_exists(store, name, NULL, err);

    if (code <= 0)
        return code < 0 ? code : 1;
    if ((code = rung_stored_load(&stored, store, name, err)) == 0 &&
        (code = rung_stored_ended(&stored, store, err)) == 0)
        code = refuse(store, name, daemon, again, err);
    rung_stored_free(&stored);
    return code < 0 ? code : 0;
}

int rung_newsearch_name(char **name, struct rung_store *store, const char *wanted, const char *daemon,
                        const char *again, struct rung_err *err)
{
    for (int number = 1;; number++) {
        char *candidate = number == 1 ? rung_mem_strdup(wanted) : rung_mem_printf("%s-%d", wanted, number);
        int code = is_free(store, candidate, daemon, again, err);
        if (code == 1) {
            *name = candidate;
            return 0;
        }
        free(candidate);
        if (code < 0)
            return code;
    }
}

/* ---- the row ---- */

int rung_newsearch_record(struct rung_record **record, struct rung_store *store, char *name,
                          const struct rung_newsearch *what, const struct rung_search *search, bool queued,
                          struct rung_err *err)
{
    const struct rung_spec *spec = what->spec;
    char host[256] = "";
    char minimize[] = "minimize", maximize[] = "maximize", version[] = RUNG_VERSION, running[] = "running";
    char *algorithm = rung_mem_strdup(rung_algorithm_name(spec->search.algorithm));

    gethostname(host, sizeof host - 1);
    struct rung_search_row row = {.name = name,
                                  .status = running,
                                  .spec = what->text,
                                  .folder = what->folder,
                                  .algorithm = algorithm,
                                  .goal = spec->search.maximize ? maximize : minimize,
                                  .metric = spec->metric,
                                  .version = version,
                                  .host = host,
                                  .program = what->program,
                                  .started_at = rung_clock_wall(),
                                  .finished_at = NAN};
    int code = rung_record_create(record, store, &row, rung_search_plan(search), spec->space,
                                  spec->search.seed, err);
    free(algorithm);
    if (code == 0 && queued)
        code = rung_record_status(*record, "queued", NULL, NAN, NAN, err);
    return code == 0 ? rung_store_commit(store, err) : code;
}
