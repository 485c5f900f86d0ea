/*
 * What simulations of the engine share: a search opened on a database in a folder of its own, as a start of
 * the program opens it.
 */
#ifndef TESTS_SIM_HELP_H
#define TESTS_SIM_HELP_H

#include "base/mem.h"
#include "dispatch/engine.h"
#include "store/query.h"
#include "store/replay.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SPEC(search, limits)                                                                                 \
    "{\"name\":\"sim\",\"trainer\":{\"command\":[\"none\"]},\"parameters\":{\"x\":{\"uniform\":[0,1]}},"     \
    "\"search\":{" search "},\"limits\":{\"job_timeout\":200,\"retries\":1000" limits "}}"

static char folder[] = "/tmp/rung-sim-engine-XXXXXX";

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static inline struct rung_spec *read_spec(const char *text)
{
    struct rung_err err = {0};
    struct rung_spec *spec = NULL;
    struct rung_json *json = rung_json_parse(text, strlen(text), 0, &err);
    if (!json || rung_spec_read(&spec, json, "sim", &err))
        fail_msg("%s", err.text);
    rung_json_free(json);
    return spec;
}

#define must(call)                                                                                           \
    do {                                                                                                     \
        struct rung_err *shown = &err;                                                                       \
        if (call)                                                                                            \
            fail_msg("%s: %s", #call, shown->text);                                                          \
    } while (0)

struct opened {
    struct rung_spec *spec;
    struct rung_store *store;
    struct rung_record *record;
    struct rung_search *search;
    struct rung_states *states;
    struct rung_search_row row;
};

/* A search among others of the store. Its row is made at the first start. */
static inline struct opened open_named(const char *spec, struct rung_store *store, const char *name)
{
    struct rung_err err = {0};
    struct opened o = {.spec = read_spec(spec), .store = store};
    must(rung_search_create(&o.search, &o.spec->search, &err));
    int found = rung_record_exists(o.store, name, &o.row, &err);
    if (found == 1) {
        must(rung_record_reopen(&o.record, o.store, &o.row, o.spec->space, o.spec->search.seed, &err));
        must(rung_replay(o.store, o.row.id, o.search, &err));
    } else {
        struct rung_search_row row = {.name = (char *)name,
                                      .status = "running",
                                      .spec = (char *)spec,
                                      .folder = "/",
                                      .algorithm = "hyperband",
                                      .goal = "maximize",
                                      .metric = "score",
                                      .version = "0",
                                      .host = "nowhere",
                                      .program = "none",
                                      .finished_at = NAN};
        must(rung_record_create(&o.record, o.store, &row, rung_search_plan(o.search), o.spec->space,
                                o.spec->search.seed, &err));
    }
    must(rung_store_commit(o.store, &err));
    must(rung_states_open(&o.states, rung_store_path(store), name, &err));
    return o;
}

static inline void close_named(struct opened *o)
{
    rung_states_free(o->states);
    rung_search_free(o->search);
    rung_record_free(o->record);
    rung_spec_free(o->spec);
    rung_search_row_free(&o->row);
}

static inline struct opened open_search(const char *spec, const char *database)
{
    struct rung_err err = {0};
    struct rung_store *store;
    must(rung_store_open(&store, database, RUNG_STORE_CREATE, &err));
    return open_named(spec, store, "sim");
}

static inline void close_search(struct opened *o)
{
    struct rung_store *store = o->store;
    close_named(o);
    rung_store_close(store);
}

#endif
