/* rung delete DB SEARCH */
#include "cli/asking.h"
#include "cli/cmd.h"
#include "store/record.h"
#include "store/states.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

int rung_cmd_delete(const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *database = arguments->words[0], *name = arguments->words[1];
    struct rung_search_row row = {0};
    struct rung_store *store;
    /* The lock that writing takes is what a running search holds: its own is never deleted. */
    int code = rung_store_open(&store, database, RUNG_STORE_WRITE, err);

    if (code < 0) {
        char *line = rung_options_line("delete", arguments);
        rung_asking_afterwards(err, database, line);
        free(line);
        return code;
    }
    /* Rows first: files that no row names are swept, rows without files would be redone. */
    if ((code = rung_record_find(store, name, &row, err)) == 0 &&
        (code = rung_record_delete(store, row.id, err)) == 0 && (code = rung_store_commit(store, err)) == 0 &&
        (code = rung_states_delete(database, row.name, err)) == 0)
        printf("%s: %s is deleted\n", database, row.name);
    rung_search_row_free(&row);
    rung_store_close(store);
    return code;
}
