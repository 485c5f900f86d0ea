/*
 * Opening, damage, and transactions with others around.
 */
#include "store_help.h"

static void creates_once_and_opens_again(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    refuses_mode(path, RUNG_STORE_READ, "No such file");
    refuses_mode(path, RUNG_STORE_WRITE, "No such file");
    assert_false(is_there(path));
    struct rung_store *store = open_store(path, RUNG_STORE_CREATE);
    assert_string_equal(rung_store_path(store), path);
    rung_store_close(store);
    assert_false(is_there(in_folder("a.db.lock")));
    assert_false(is_there(in_folder("a.db-wal")));
    for (int mode = RUNG_STORE_READ; mode <= RUNG_STORE_CREATE; mode++)
        rung_store_close(open_store(path, (enum rung_store_mode)mode));
    assert_sql(path, "PRAGMA journal_mode", "wal");
    assert_sql(path, "PRAGMA integrity_check", "ok");
    assert_sql(path, "SELECT count(*) FROM searches", "0");
}

/* The newer version is in the WAL only, the header of the file still has the old one. */
static int raise_version_and_die(void *context)
{
    sqlite3 *db;
    sqlite3_open(context, &db);
    sqlite3_exec(db, "PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 99", NULL, NULL, NULL);
    raise(SIGKILL);
    return 0;
}

static void refuses_a_newer_schema_in_the_wal(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(in_child(raise_version_and_die, (void *)path), -SIGKILL);
    refuses(path, "schema version 99");
}

static void refuses_a_truncated_database(void **state)
{
    (void)state;
    const char *path = some_database();
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size / 2), 0);
    refuses(path, "is damaged");
    assert_int_equal(truncate(path, 1000), 0);
    refuses(path, "is damaged");
}

/* Page by page: whatever is broken, it is an error with the file's name, or a row less, and never a crash. */
static void reports_damage_wherever_it_is(void **state)
{
    (void)state;
    const char *path = some_database();
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    char *good = rung_mem_resize(NULL, (size_t)info.st_size, 1),
         *bad = rung_mem_resize(NULL, (size_t)info.st_size, 1);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(good, 1, (size_t)info.st_size, file), info.st_size);
    fclose(file);
    int damaged = 0;
    for (off_t page = 1024; page < info.st_size; page += 1024) {
        memcpy(bad, good, (size_t)info.st_size);
        memset(bad + page, 0x5a, 1024);
        write_file(path, bad, (size_t)info.st_size);
        struct rung_store *store;
        struct rung_err err = {0};
        int rc = rung_store_open(&store, path, RUNG_STORE_READ, &err);
        for (int view = RUNG_VIEW_LEADERBOARD; rc == 0 && view <= RUNG_VIEW_TRAINERS; view++) {
            int rows = count_rows(store, (enum rung_query_view)view, &err);
            rc = rows < 0 ? rows : 0;
        }
        rung_store_close(store);
        if (rc == 0)
            continue;
        damaged++;
        if (rc != RUNG_EUSE || !strstr(err.text, "is damaged"))
            fail_msg("page at %lld: %s", (long long)page, err.text);
        assert_non_null(strstr(err.way_out, ".recover"));
    }
    assert_true(damaged > 10);
    free(good);
    free(bad);
}

static void transactions_nest_as_one_and_roll_back(void **state)
{
    (void)state;
    const char *path = some_database();
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    assert_int_equal(rung_store_begin(store, NULL), 0);
    assert_int_equal(rung_record_delete(store, 1, NULL), 0);
    assert_int_equal(rung_store_begin(store, NULL), 0);
    rung_store_rollback(store);
    rung_store_rollback(store);
    assert_int_equal(rung_store_commit(store, NULL), 0);
    assert_sql(path, "SELECT count(*) FROM history", "22");
    assert_int_equal(rung_record_delete(store, 1, NULL), 0);
    assert_int_equal(rung_store_commit(store, NULL), 0);
    assert_int_equal(rung_store_commit(store, NULL), 0);
    assert_sql(path, "SELECT count(*) FROM history", "0");
    rung_store_close(store);
    store = open_store(path, RUNG_STORE_READ);
    struct rung_err err = {0};
    assert_int_equal(rung_store_begin(store, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "reading only"));
    rung_store_close(store);
}

static void closing_undoes_an_open_transaction(void **state)
{
    (void)state;
    const char *path = some_database();
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    assert_int_equal(rung_record_delete(store, 1, NULL), 0);
    rung_store_close(store);
    assert_sql(path, "SELECT count(*) FROM history", "22");
}

/* Someone else's write between two of ours makes the read lock that we keep stale. */
static void another_tools_write_in_between_is_no_obstacle(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "x", &spec);
    live_start(&live);
    live_answer(&live, some_score);
    sql(path, "UPDATE search SET notes = '[\"hello\"]'");
    live_answer(&live, some_score);
    sql(path, "PRAGMA wal_checkpoint(PASSIVE)");
    live_finish(&live, some_score);
    live_close(&live);
    assert_sql(path, "SELECT notes FROM searches", "[\"hello\"]");
    assert_sql(path, "SELECT count(*) FROM history", "22");
}

static void readers_see_each_commit_at_once(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "x", &spec);
    live_start(&live);
    for (int i = 1; i <= 9; i++) {
        char count[16];
        live_answer(&live, some_score);
        snprintf(count, sizeof count, "%d", i);
        assert_sql(path, "SELECT count(*) FROM history", count);
    }
    struct rung_event event = help_answer(live.search, live.jobs[live.taken].model, 0.5);
    live_event(&live, &event, NULL); /* not committed: not seen */
    assert_sql(path, "SELECT count(*) FROM history", "9");
    live_close(&live);
}

/* ---- files that others take away ---- */

static void is_missed(struct rung_store *store, const char *what)
{
    struct rung_err err = {0};
    assert_int_equal(rung_store_look(store, &err), RUNG_EFAIL);
    if (!strstr(err.text, what))
        fail_msg("no \"%s\" in %s", what, err.text);
}

static void notices_who_takes_the_database_away(void **state)
{
    (void)state;
    const char *path = in_folder("a.db"), *away = in_folder("b.db");
    struct rung_err err = {0};
    struct rung_store *store = open_store(path, RUNG_STORE_CREATE),
                      *reader = open_store(path, RUNG_STORE_READ);
    assert_int_equal(rung_store_look(store, &err), 0);
    assert_int_equal(rung_store_look(reader, &err), 0);
    assert_int_equal(rename(path, away), 0);
    is_missed(store, "a.db: was removed or moved away");
    write_file(path, "x", 1);
    is_missed(store, "a.db: another file has taken its place");
    assert_int_equal(rename(away, path), 0);
    assert_int_equal(rung_store_look(store, &err), 0);
    assert_int_equal(rename(in_folder("a.db-wal"), away), 0);
    is_missed(store, "a.db-wal: was removed");
    rung_store_close(reader);
    rung_store_close(store);
}

static void notices_that_the_index_of_the_wal_is_gone(void **state)
{
    (void)state;
    const char *path = in_folder("a.db"), *shm = in_folder("a.db-shm"), *away = in_folder("b.db-shm");
    struct rung_err err = {0};
    struct rung_store *store = open_store(path, RUNG_STORE_CREATE),
                      *reader = open_store(path, RUNG_STORE_READ);
    assert_int_equal(rename(shm, away), 0);
    is_missed(store, "a.db-shm: was removed");
    assert_int_equal(rung_store_look(reader, &err), 0); /* records nothing */
    write_file(shm, "x", 1);
    is_missed(store, "a.db-shm: was removed");
    assert_int_equal(rename(away, shm), 0);
    assert_int_equal(rung_store_look(store, &err), 0);
    rung_store_close(reader);
    rung_store_close(store);
}

/* The program: a forked child alone would have this process's SQLite, and all that it knows of the file. */
static int shell(void *context)
{
    const char *const *words = context;
    if (!freopen("/dev/null", "w", stdout))
        return 126;
    execlp("sqlite3", "sqlite3", words[0], words[1], (char *)NULL);
    return 127;
}

/* Another one wrote behind an index of his own, into the file and the WAL: closing does not undo half of it.
 */
static void what_others_wrote_without_the_index_is_left_whole(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "x", &spec);
    live_start(&live);
    live_answer(&live, some_score);
    assert_int_equal(rung_store_commit(live.store, NULL), 0);
    assert_int_equal(unlink(in_folder("a.db-shm")), 0);
    const char *const words[] = {
        path, "CREATE TABLE theirs AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
              " i < 300) SELECT i, hex(randomblob(400)) AS x FROM n; CREATE INDEX theirs_x ON theirs(x);"
              " PRAGMA wal_checkpoint; DELETE FROM theirs WHERE i % 3 = 0;"};
    assert_int_equal(in_child(shell, (void *)words), 0); /* and nobody has looked since */
    live_close(&live);
    assert_sql(path, "PRAGMA integrity_check", "ok");
    assert_sql(path, "SELECT count(*) FROM theirs", "200");
    assert_sql(path, "SELECT count(*) FROM history", "1");
}

static void notices_that_the_database_was_emptied(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    struct rung_store *store = open_store(path, RUNG_STORE_CREATE);
    assert_int_equal(truncate(path, 0), 0);
    is_missed(store, "a.db: was emptied while it was open");
    rung_store_close(store);
}

/* What was recorded is in the file when it is put back. */
static void what_was_recorded_goes_with_the_file(void **state)
{
    (void)state;
    const char *path = in_folder("a.db"), *away = in_folder("b.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "x", &spec);
    live_start(&live);
    live_answer(&live, some_score);
    assert_int_equal(rename(path, away), 0);
    live_close(&live);
    assert_int_equal(rename(away, path), 0);
    assert_sql(path, "SELECT count(*) FROM history", "1");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(creates_once_and_opens_again),
        TEST(refuses_a_newer_schema_in_the_wal),
        TEST(refuses_a_truncated_database),
        TEST(reports_damage_wherever_it_is),
        TEST(transactions_nest_as_one_and_roll_back),
        TEST(closing_undoes_an_open_transaction),
        TEST(another_tools_write_in_between_is_no_obstacle),
        TEST(readers_see_each_commit_at_once),
        TEST(notices_who_takes_the_database_away),
        TEST(notices_that_the_index_of_the_wal_is_gone),
        TEST(what_others_wrote_without_the_index_is_left_whole),
        TEST(notices_that_the_database_was_emptied),
        TEST(what_was_recorded_goes_with_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
