/* A database open for reading. */
#include "cli/reading.h"

int rung_reading_model(const struct rung_arguments *arguments, int64_t *model, struct rung_err *err)
{
    *model = RUNG_QUERY_ANY;
    return arguments->word_count < 2
               ? 0
               : rung_options_number(arguments->words[1], "model", 0, UINT32_MAX - 1, model, err);
}

/* A model that is not there is an error of the user's, not a search without results. */
static int model_exists(const struct rung_reading *reading, struct rung_err *err)
{
    struct rung_query *query;
    int code = rung_query_open(&query, reading->store, RUNG_VIEW_MODELS, &reading->filter, err);

    if (code < 0)
        return code;
    code = rung_query_next(query, err);
    rung_query_close(query);
    if (code != 0)
        return code < 0 ? code : 0;
    return rung_err_set(err, RUNG_EUSE, "%s: %s has no model %lld", rung_store_path(reading->store),
                        reading->row.name, (long long)reading->filter.model);
}

int rung_reading_open(struct rung_reading *reading, const struct rung_arguments *arguments,
                      enum rung_format fallback, struct rung_err *err)
{
    int code;

    *reading = (struct rung_reading){.filter = {NULL, RUNG_QUERY_ANY, RUNG_QUERY_ANY}};
    reading->spool = rung_spool_create();
    reading->out = rung_spool_stream(reading->spool);
    if ((code = rung_rows_format(arguments, fallback, &reading->format, err)) < 0 ||
        (code = rung_reading_model(arguments, &reading->filter.model, err)) < 0 ||
        (code = rung_store_open(&reading->store, arguments->words[0], RUNG_STORE_READ, err)) < 0 ||
        (code = rung_record_find(reading->store, rung_options_value(arguments, "search"), &reading->row,
                                 err)) < 0)
        return code;
    reading->filter.search = reading->row.name;
    return reading->filter.model == RUNG_QUERY_ANY ? 0 : model_exists(reading, err);
}

void rung_reading_close(struct rung_reading *reading)
{
    rung_search_row_free(&reading->row);
    rung_store_close(reading->store);
    rung_spool_free(reading->spool);
}

int rung_reading_end(struct rung_reading *reading, int code, struct rung_err *err)
{
    struct rung_spool *spool = reading->spool;

    reading->spool = NULL;
    rung_reading_close(reading);
    return rung_spool_end(spool, code, err);
}

int rung_reading_view(const struct rung_reading *reading, enum rung_query_view view,
                      const char *const *columns, struct rung_err *err)
{
    return rung_rows_view_within(reading->out, rung_rows_width(stdout), reading->format, reading->store, view,
                                 &reading->filter, columns, err);
}
