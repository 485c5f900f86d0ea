/*
 * What a search has recorded, without what depends on time and place: to be compared with what it records in
 * other circumstances.
 */
#ifndef TESTS_DIGEST_HELP_H
#define TESTS_DIGEST_HELP_H

#include "sim_help.h"

static inline int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rows of a view without the columns of time and place, sorted; owned by the caller. */
static inline char *digest(const char *database, const char *search, enum rung_query_view view,
                           const char *const *left_out)
{
    struct rung_err err = {0};
    struct rung_store *store;
    struct rung_query *query;
    struct rung_query_filter all = {.search = search, .model = RUNG_QUERY_ANY, .limit = RUNG_QUERY_ANY};
    char **rows = NULL;
    size_t count = 0, capacity = 0;
    must(rung_store_open(&store, database, RUNG_STORE_READ, &err));
    must(rung_query_open(&query, store, view, &all, &err));
    while (rung_query_next(query, &err) == 1) {
        struct rung_buf row;
        rung_buf_init(&row, RUNG_BUF_UNLIMITED);
        for (size_t c = 0; c < rung_query_columns(query); c++) {
            bool out = false;
            for (const char *const *name = left_out; *name; name++)
                out |= strcmp(*name, rung_query_column(query, c)) == 0;
            const char *text = out ? "-" : rung_query_text(query, c);
            rung_buf_printf(&row, "%s|", text ? text : "null");
        }
        rows = rung_mem_grow(rows, count, &capacity, sizeof *rows);
        rows[count++] = row.data;
    }
    rung_query_close(query);
    rung_store_close(store);
    struct rung_buf all_rows;
    rung_buf_init(&all_rows, RUNG_BUF_UNLIMITED);
    if (count)
        qsort(rows, count, sizeof *rows, by_text);
    for (size_t i = 0; i < count; i++) {
        rung_buf_printf(&all_rows, "%s\n", rows[i]);
        free(rows[i]);
    }
    free(rows);
    return all_rows.data ? all_rows.data : rung_mem_strdup("");
}

static const char *const history_out[] = {
    "seq", "trainer", "partial_fit_time", "score_time", "elapsed_wall_time", "finished_at", NULL};
static const char *const leaderboard_out[] = {"fit_seconds", NULL};

#endif
