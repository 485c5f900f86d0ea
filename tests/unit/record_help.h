/* What the tests of records share: one database, and a search of four models in it. */
#ifndef RUNG_TESTS_RECORD_HELP_H
#define RUNG_TESTS_RECORD_HELP_H

#include "store_help.h"

static const char *path;

static int setup(void **state)
{
    int rc = make_folder(state);
    path = in_folder("a.db");
    return rc;
}

#define is(text, expected) assert_sql(path, text, expected)

static void commit(struct live *live)
{
    live_need(live, rung_store_commit(live->store, &live->err));
}

static void begin(struct live *live, const char *name)
{
    struct rung_search_spec spec = four_models();
    live_create(live, path, name, &spec);
    live_start(live);
}

#endif
