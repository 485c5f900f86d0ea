/*
 * The steps of the schema, and running those that a database lacks. Their SQL lies in schema/, from where the
 * Makefile turns each file into a string constant.
 */
#include "store/schema.h"

#include "rung/version.h"
#include "store/handle.h"

const char *const rung_schema_steps[] = {
#include "store/schema/1_tables.sql.h"
#include "store/schema/views.sql.h"
};

_Static_assert(sizeof rung_schema_steps / sizeof *rung_schema_steps == RUNG_SCHEMA_VERSION,
               "a step per version");

static int read_number(struct rung_store *store, const char *sql, int *number, struct rung_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
        rung_store_error(store, "cannot be opened", err);
        sqlite3_finalize(stmt);
        return err ? err->code : RUNG_EFAIL;
    }
    *number = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return 0;
}

int rung_schema_version(struct rung_store *store, int *version, struct rung_err *err)
{
    return read_number(store, "PRAGMA user_version", version, err);
}

int rung_schema_tables(struct rung_store *store, int *count, struct rung_err *err)
{
    return read_number(store, "SELECT count(*) FROM sqlite_schema", count, err);
}

static int run_step(struct rung_store *store, const char *sql, int version, struct rung_err *err)
{
    char cookie[48];
    sqlite3_snprintf(sizeof cookie, cookie, "PRAGMA user_version = %d", version);
    const char *const parts[] = {"BEGIN IMMEDIATE", sql, cookie, "COMMIT"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (sqlite3_exec(store->db, parts[i], NULL, NULL, NULL) == SQLITE_OK)
            continue;
        int rc = rung_store_error(store, "cannot be given the present schema", err);
        if (!sqlite3_get_autocommit(store->db))
            sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        return rc;
    }
    return 0;
}

int rung_schema_migrate(struct rung_store *store, const char *const *steps, int target, struct rung_err *err)
{
    int version, rc = rung_schema_version(store, &version, err);
    for (; rc == 0 && version < target; version++)
        rc = run_step(store, steps[version], version + 1, err);
    return rc;
}
