/*
 * What a full disk, a kill, a slow reader and large transactions leave of the log and in the database.
 */
#include "store_help.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* Appends results until that fails; what then is recorded must be what was committed. */
static void fills_up(struct live *live, const char *path, const char *why)
{
    int committed = 0, rc = 0;
    while (rc == 0 && committed < 100000) {
        struct rung_event event = {
            .kind = RUNG_EVENT_RESULT, .model = (uint32_t)committed % 9, .calls = 1, .score = 1};
        rc = rung_record_append(live->record, &event, &(struct rung_decisions){0}, NULL, &live->err);
        if (rc == 0)
            rc = rung_store_commit(live->store, &live->err);
        committed += rc == 0;
    }
    assert_int_equal(rc, RUNG_EFAIL);
    if (!strstr(live->err.text, "cannot record") || !strstr(live->err.text, why) ||
        !strstr(live->err.text, path))
        fail_msg("'%s' does not say '%s'", live->err.text, why);
    char count[16];
    snprintf(count, sizeof count, "%d", committed);
    assert_true(committed > 0);
    assert_sql(path, "SELECT count(*) FROM event WHERE kind = 1", count);
    assert_sql(path, "PRAGMA integrity_check", "ok");
}

static void a_full_database_is_a_clean_error(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "x", &spec);
    live_start(&live);
    assert_int_equal(sqlite3_exec(live.store->db, "PRAGMA max_page_count = 100", NULL, NULL, NULL),
                     SQLITE_OK);
    fills_up(&live, path, "database or disk is full");
    /* with room again the same record goes on, numbered as if nothing had happened */
    assert_int_equal(sqlite3_exec(live.store->db, "PRAGMA max_page_count = 1000", NULL, NULL, NULL),
                     SQLITE_OK);
    int64_t results = rung_record_results(live.record);
    struct rung_event event = {.kind = RUNG_EVENT_RESULT, .model = 0, .calls = 1, .score = 1};
    live_need(&live, rung_record_append(live.record, &event, &(struct rung_decisions){0}, NULL, &live.err));
    live_need(&live, rung_store_commit(live.store, &live.err));
    assert_true(rung_record_results(live.record) <= results + 1);
    assert_sql(path, "SELECT max(seq) = count(*) FROM history", "1");
    live_close(&live);
}

static void a_full_disk_is_a_clean_error(void **state)
{
    (void)state;
    if (mount("tmpfs", folder, "tmpfs", 0, "size=400k") != 0) {
        print_message("skipped: no right to mount: %s\n", strerror(errno));
        skip();
    }
    const char *path = in_folder("a.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "x", &spec);
    live_start(&live);
    fills_up(&live, path, "database or disk is full");
    live_close(&live);
    assert_sql(path, "PRAGMA integrity_check", "ok");
    assert_int_equal(umount2(folder, MNT_DETACH), 0);
}

static int write_beyond_the_file_limit(void *path)
{
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    signal(SIGXFSZ, SIG_IGN);
    live_create(&live, path, "x", &spec);
    live_start(&live);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){200000, 200000}) != 0)
        return 1;
    fills_up(&live, path, "disk I/O error (File too large)");
    live_close(&live);
    return 0;
}

static void an_io_error_is_a_clean_error(void **state)
{
    (void)state;
    assert_int_equal(in_child(write_beyond_the_file_limit, (void *)in_folder("a.db")), 0);
}

static int create_without_room(void *path)
{
    struct rung_store *store;
    struct rung_err err = {0};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){4000, 4000}) != 0)
        return 1;
    return rung_store_open(&store, path, RUNG_STORE_CREATE, &err) == RUNG_EFAIL && !store ? 0 : 2;
}

static void a_database_that_cannot_be_made_is_not_left_behind(void **state)
{
    (void)state;
    assert_int_equal(in_child(create_without_room, (void *)in_folder("a.db")), 0);
    assert_false(is_there(in_folder("a.db")));
    assert_false(is_there(in_folder("a.db.lock")));
}

static off_t wal_size(void)
{
    struct stat info;
    return stat(in_folder("a.db-wal"), &info) == 0 ? info.st_size : 0;
}

static void the_wal_stays_bounded_unless_a_reader_holds_it(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "x", &spec);
    live_start(&live);
    record_many(&live, 30000);
    off_t bound = wal_size();
    assert_in_range(bound, 1 << 20, 32 << 20);
    sqlite3 *reader;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(reader, "SELECT id FROM event", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    record_many(&live, 20000);
    assert_true(wal_size() > bound);
    sqlite3_finalize(stmt);
    sqlite3_close(reader);
    record_many(&live, 20000);
    assert_in_range(wal_size(), 1 << 20, 40 << 20);
    assert_sql(path, "SELECT count(*) FROM history", "70000");
    live_close(&live);
    assert_sql(path, "PRAGMA integrity_check", "ok");
}

/* Larger than the cache, so that frames are written and written over before the commit; then a kill. Not the
 * first commit of a WAL, after which SQLite asks for the file's size and so has it written. */
static int commit_much_and_die(void *path)
{
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    sqlite3 *db = store->db;
    assert_int_equal(rung_store_begin(store, NULL), 0);
    assert_int_equal(sqlite3_exec(db, "UPDATE search SET notes = '[1]'", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(rung_store_commit(store, NULL), 0);
    assert_int_equal(sqlite3_exec(db, "PRAGMA cache_size = 10", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(rung_store_begin(store, NULL), 0);
    assert_int_equal(
        sqlite3_exec(db,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                     " INSERT INTO call SELECT 9, i * 7919 % 3000, i, 0.5, zeroblob(200) FROM n;"
                     "UPDATE call SET fit_seconds = model WHERE search = 9;"
                     "UPDATE call SET fit_seconds = fit_seconds + call WHERE search = 9;"
                     "UPDATE search SET notes = '[]'",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(rung_store_commit(store, NULL), 0);
    raise(SIGKILL);
    return 0;
}

static void a_commit_larger_than_the_cache_survives_a_kill(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(in_child(commit_much_and_die, (void *)path), -SIGKILL);
    assert_sql(path, "SELECT count(*) FROM call WHERE search = 9 AND fit_seconds = model + call", "3000");
    assert_sql(path, "SELECT notes FROM searches", "[]");
    assert_sql(path, "PRAGMA integrity_check", "ok");
}

static void a_rollback_larger_than_the_cache_leaves_nothing(void **state)
{
    (void)state;
    const char *path = some_database();
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    assert_int_equal(sqlite3_exec(store->db, "PRAGMA cache_size = 10", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rung_store_begin(store, NULL), 0);
        assert_int_equal(
            sqlite3_exec(store->db,
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                         " INSERT INTO call SELECT 9, i * 7919 % 3000, i, 0.5, zeroblob(200) FROM n",
                         NULL, NULL, NULL),
            SQLITE_OK);
        if (i < 2)
            rung_store_rollback(store);
        else
            assert_int_equal(rung_store_commit(store, NULL), 0);
        assert_sql(path, "SELECT count(*) FROM call WHERE search = 9", i < 2 ? "0" : "3000");
    }
    rung_store_close(store);
    assert_sql(path, "PRAGMA integrity_check", "ok");
}

struct counted {
    const char *path;
    volatile int *commits;
};

static int commit_until_killed(void *context)
{
    struct counted *counted = context;
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, counted->path, "x", &spec);
    live_start(&live);
    for (; *counted->commits >= 0; ++*counted->commits)
        record_many(&live, 1);
    return 0;
}

/* While a reader looks and checkpoints run: what had been committed when the kill came is there, and in
 * order. */
static void no_commit_is_lost_by_a_kill(void **state)
{
    (void)state;
    char path[320]; /* of its own: in_folder is called often here */
    volatile int *commits =
        mmap(NULL, sizeof *commits, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(path, sizeof path, "%s/a.db", folder);
    for (int round = 0; round < 6; round++) {
        struct counted counted = {path, commits};
        int goal = 1 + round * round * 700, kept, status;
        *commits = 0;
        unlink(path);
        unlink(in_folder("a.db-wal"));
        unlink(in_folder("a.db-shm"));
        pid_t child = fork();
        if (child == 0)
            _exit(commit_until_killed(&counted));
        while (*commits < goal && waitpid(child, &status, WNOHANG) == 0)
            if (*commits > 0)
                sql(path, "SELECT count(*) FROM history");
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        kept = atoi(sql(path, "SELECT count(*) FROM history"));
        assert_in_range(kept, *commits, *commits + 1);
        assert_sql(path, "SELECT min(seq) = 1 AND max(seq) = count(*) FROM history", "1");
        assert_sql(path, "PRAGMA integrity_check", "ok");
    }
    munmap((void *)commits, sizeof *commits);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_database_is_a_clean_error),
        TEST(a_full_disk_is_a_clean_error),
        TEST(an_io_error_is_a_clean_error),
        TEST(a_database_that_cannot_be_made_is_not_left_behind),
        TEST(the_wal_stays_bounded_unless_a_reader_holds_it),
        TEST(a_commit_larger_than_the_cache_survives_a_kill),
        TEST(a_rollback_larger_than_the_cache_leaves_nothing),
        TEST(no_commit_is_lost_by_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
