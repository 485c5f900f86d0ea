/* rung list DB */
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/rows.h"
#include "cli/spool.h"
#include "store/query.h"
#include "store/store.h"

#include <stdio.h>

int rung_cmd_list(const struct rung_arguments *arguments, struct rung_err *err)
{
    static const char *const columns[] = {"search",        "status",     "algorithm",  "models",
                                          "calls_planned", "calls_done", "best_score", "best_model",
                                          "started_at",    NULL};
    struct rung_query_filter all = {NULL, RUNG_QUERY_ANY, RUNG_QUERY_ANY};
    struct rung_spool *spool;
    enum rung_format format;
    struct rung_store *store;
    bool asked;
    int code = rung_asking_question("list", arguments, &asked, err);

    if (asked || code < 0)
        return code;
    if ((code = rung_rows_format(arguments, RUNG_FORMAT_TABLE, &format, err)) < 0 ||
        (code = rung_store_open(&store, arguments->words[0], RUNG_STORE_READ, err)) < 0)
        return code;
    spool = rung_spool_create();
    code = rung_rows_view_within(rung_spool_stream(spool), rung_rows_width(stdout), format, store,
                                 RUNG_VIEW_SEARCHES, &all, columns, err);
    rung_store_close(store);
    return rung_spool_end(spool, code, err);
}
