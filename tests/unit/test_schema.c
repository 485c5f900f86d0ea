/*
 * Migrations: from nothing, one by one, whole or not at all.
 */
#include "store_help.h"

#include "rung/version.h"
#include "store/schema.h"

static void an_empty_file_is_migrated_from_version_0(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    write_file(path, "", 0);
    rung_store_close(open_store(path, RUNG_STORE_CREATE));
    char version[16];
    snprintf(version, sizeof version, "%d", RUNG_SCHEMA_VERSION);
    assert_sql(path, "PRAGMA user_version", version);
    assert_sql(path, "PRAGMA application_id", "1381322311");
    assert_sql(
        path,
        "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY 1)",
        "brackets calls failures history leaderboard models searches trainers");
}

static void each_migration_is_whole_or_not_at_all(void **state)
{
    (void)state;
    const char *path = some_database();
    const char *steps[RUNG_SCHEMA_VERSION + 3];
    memcpy(steps, rung_schema_steps, sizeof(char *) * RUNG_SCHEMA_VERSION);
    steps[RUNG_SCHEMA_VERSION] = "CREATE TABLE one(x); INSERT INTO one VALUES(1)";
    steps[RUNG_SCHEMA_VERSION + 1] =
        "ALTER TABLE search ADD COLUMN two; DELETE FROM model; CREATE TABLE one(x)";
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    struct rung_err err = {0};
    assert_int_equal(rung_schema_migrate(store, steps, RUNG_SCHEMA_VERSION + 2, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "table one already exists"));
    int version;
    assert_int_equal(rung_schema_version(store, &version, &err), 0);
    assert_int_equal(version, RUNG_SCHEMA_VERSION + 1); /* the step before it stays */
    rung_store_close(store);
    assert_sql(path, "SELECT count(*) FROM one", "1");
    assert_sql(path, "SELECT count(*) > 0 FROM model", "1");
    assert_sql(path, "SELECT count(*) FROM pragma_table_info('search') WHERE name = 'two'", "0");
}

static int die_in_a_migration(void *path)
{
    const char *steps[] = {rung_schema_steps[0], "CREATE TABLE half(x); DELETE FROM model; SELECT die()"};
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    /* the process ends inside the step: what SQLite calls is this */
    sqlite3_create_function(store->db, "die", 0, SQLITE_UTF8, NULL,
                            (void (*)(sqlite3_context *, int, sqlite3_value **))abort, NULL, NULL);
    return rung_schema_migrate(store, steps, 2, NULL);
}

static void a_kill_in_a_migration_undoes_it(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(RUNG_SCHEMA_VERSION, 1);
    assert_int_equal(in_child(die_in_a_migration, (void *)path), -SIGABRT);
    rung_store_close(open_store(path, RUNG_STORE_WRITE));
    assert_sql(path, "SELECT count(*) > 0 FROM model", "1");
    assert_sql(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'", "0");
}

/* It says that it is ours, and has no version: nobody's migration leads from there. */
static void version_0_is_made_from_nothing_only(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    sql(path, "PRAGMA application_id = 1381322311");
    refuses_mode(path, RUNG_STORE_READ, "is not made yet, no search is in it");
    sql(path, "CREATE TABLE bookmarks(url TEXT)");
    refuses_mode(path, RUNG_STORE_WRITE, "of another program");
    refuses_mode(path, RUNG_STORE_CREATE, "of another program");
    assert_sql(path, "SELECT group_concat(name) FROM sqlite_schema", "bookmarks");
    assert_sql(path, "PRAGMA journal_mode", "delete");
    sql(path, "DROP TABLE bookmarks");
    rung_store_close(open_store(path, RUNG_STORE_CREATE));
    assert_sql(path, "SELECT count(*) FROM searches", "0");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_file_is_migrated_from_version_0),
        TEST(each_migration_is_whole_or_not_at_all),
        TEST(a_kill_in_a_migration_undoes_it),
        TEST(version_0_is_made_from_nothing_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
