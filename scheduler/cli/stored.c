/* Searches read back from the database. */
#include "cli/stored.h"

#include <string.h>

int rung_stored_read_spec(struct rung_stored *stored, struct rung_err *err)
{
    rung_spec_free(stored->spec);
    stored->spec = NULL;
    return rung_spec_read(&stored->spec, stored->json, stored->row.name, err);
}

int rung_stored_load(struct rung_stored *out, struct rung_store *store, const char *name,
                     struct rung_err *err)
{
    *out = (struct rung_stored){0};
    int code = rung_record_find(store, name, &out->row, err);

    if (code < 0)
        return code;
    out->json = rung_json_parse(out->row.spec, strlen(out->row.spec), 0, err);
    code = out->json ? rung_stored_read_spec(out, err) : RUNG_EUSE;
    return code < 0 ? rung_err_prefix(err, "%s: stored spec of %s", rung_store_path(store), out->row.name)
                    : 0;
}

int rung_stored_replay(struct rung_stored *stored, struct rung_store *store, struct rung_err *err)
{
    int code = rung_search_create(&stored->search, &stored->spec->search, err);

    if (code == 0)
        code = rung_replay(store, stored->row.id, stored->search, err);
    return code < 0 ? rung_err_prefix(err, "%s: %s", rung_store_path(store), stored->row.name) : 0;
}

void rung_stored_free(struct rung_stored *stored)
{
    rung_search_row_free(&stored->row);
    rung_json_free(stored->json);
    rung_spec_free(stored->spec);
    rung_search_free(stored->search);
    *stored = (struct rung_stored){0};
}

int rung_stored_ended(struct rung_stored *stored, struct rung_store *store, struct rung_err *err)
{
    if (strcmp(stored->row.status, "finished") == 0)
        return 1;
    /* `failed` is both: no trainer ever came, or all was done and no model is usable. */
    if (strcmp(stored->row.status, "failed") != 0)
        return 0;
    int code = stored->search ? 0 : rung_stored_replay(stored, store, err);
    return code < 0 ? code : rung_search_done(stored->search);
}

int64_t rung_stored_calls(const struct rung_stored *stored)
{
    int64_t calls = 0;

    for (uint32_t k = 0; k < rung_search_model_count(stored->search); k++)
        calls += rung_search_model(stored->search, k).calls;
    return calls;
}
