/*
 * Opening and refusing databases, the lock between processes, transactions, migrations, and what a full disk
 * or a kill leaves behind.
 */
#include "store_help.h"

#include "rung/version.h"
#include "store/file.h"
#include "store/schema.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/vfs.h>

static void refuses_mode(const char *path, enum rung_store_mode mode, const char *why)
{
    struct rung_store *store = (void *)1;
    struct rung_err err = {0};
    int rc = rung_store_open(&store, path, mode, &err);
    if (rc != RUNG_EUSE)
        fail_msg("%s: %d, not refused as %s: %s", path, rc, why, err.text);
    assert_null(store);
    assert_int_equal(err.code, RUNG_EUSE);
    if (!strstr(err.text, why) || strncmp(err.text, path, strlen(path)) != 0)
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static void refuses(const char *path, const char *why)
{
    refuses_mode(path, RUNG_STORE_READ, why);
    refuses_mode(path, RUNG_STORE_WRITE, why);
    assert_false(is_there(in_folder("a.db.lock")));
}

/* A database at a.db with one finished search of 9 models. */
static const char *some_database(void)
{
    const char *path = in_folder("a.db");
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "first", &spec);
    live_start(&live);
    live_finish(&live, some_score);
    live_close(&live);
    return path;
}

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

static void refuses_a_missing_folder(void **state)
{
    (void)state;
    refuses_mode(in_folder("none/a.db"), RUNG_STORE_CREATE, "No such file or directory");
    refuses_mode("", RUNG_STORE_CREATE, "No such file or directory");
}

static void refuses_directories_and_devices(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    assert_int_equal(mkdir(path, 0777), 0);
    refuses(path, "is a directory");
    refuses_mode(path, RUNG_STORE_CREATE, "is a directory");
    refuses_mode(in_folder("a.db/"), RUNG_STORE_CREATE, "is a directory");
    refuses_mode("/dev/null", RUNG_STORE_CREATE, "device");
}

static void refuses_what_is_no_database(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    unsigned char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7919 >> 3);
    const size_t lengths[] = {1, 15, 99, 5000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_file(path, bytes, lengths[i]);
        refuses(path, "is no SQLite database");
        refuses_mode(path, RUNG_STORE_CREATE, "is no SQLite database");
    }
    write_file(path, "SQLite format 3", 16);
    refuses(path, "is no SQLite database");
    write_file(path, "", 0);
    refuses(path, "is empty");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 0);
}

static void refuses_a_database_of_something_else(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    sql(path, "CREATE TABLE bookmarks(url TEXT); INSERT INTO bookmarks VALUES('x')");
    refuses(path, "of another program");
    refuses_mode(path, RUNG_STORE_CREATE, "of another program");
    sql(path, "PRAGMA application_id = 252006673");
    refuses_mode(path, RUNG_STORE_CREATE, "of another program");
    assert_sql(path, "SELECT count(*) FROM sqlite_schema", "1");
    assert_sql(path, "PRAGMA journal_mode", "delete");
}

static void refuses_a_newer_schema_and_says_both(void **state)
{
    (void)state;
    const char *path = some_database();
    char text[80];
    snprintf(text, sizeof text, "PRAGMA user_version = %d", RUNG_SCHEMA_VERSION + 6);
    sql(path, text);
    snprintf(text, sizeof text, "schema version %d", RUNG_SCHEMA_VERSION + 6);
    refuses(path, text);
    snprintf(text, sizeof text, "versions up to %d", RUNG_SCHEMA_VERSION);
    refuses_mode(path, RUNG_STORE_CREATE, text);
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

static int count_rows(struct rung_store *store, enum rung_query_view view, struct rung_err *err)
{
    struct rung_query *query;
    int rc = rung_query_open(&query, store, view, NULL, err), rows = 0;
    while (rc == 0 && (rc = rung_query_next(query, err)) > 0) {
        rows++;
        rc = 0;
    }
    rung_query_close(query);
    return rc < 0 ? rc : rows;
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

/* As a user whom permissions bind. */
static int unprivileged(const char *path, enum rung_store_mode mode)
{
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 100;
    struct rung_store *store;
    struct rung_err err = {0};
    int rc = rung_store_open(&store, path, mode, &err);
    if (rc == 0) {
        rc = count_rows(store, RUNG_VIEW_HISTORY, &err);
        rung_store_close(store);
        return rc < 0 ? 101 : rc;
    }
    fprintf(stderr, "%s\n", err.text);
    return rc == RUNG_EUSE && strstr(err.text, "cannot be written") ? 102 : 103;
}

static int writing_unprivileged(void *path)
{
    return unprivileged(path, RUNG_STORE_WRITE);
}

static int creating_unprivileged(void *path)
{
    return unprivileged(path, RUNG_STORE_CREATE);
}

static int reading_unprivileged(void *path)
{
    return unprivileged(path, RUNG_STORE_READ);
}

#define HISTORY_ROWS 22 /* scores of the plan of (9, 3) */

static void refuses_to_write_in_a_read_only_folder_and_reads_there(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(in_child(writing_unprivileged, (void *)path), 102);
    assert_int_equal(in_child(creating_unprivileged, (void *)in_folder("new.db")), 102);
    assert_int_equal(in_child(reading_unprivileged, (void *)path), HISTORY_ROWS);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_false(is_there(in_folder("a.db-shm")));
}

static void refuses_to_write_a_read_only_file_and_reads_it(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(in_child(writing_unprivileged, (void *)path), 102);
    assert_int_equal(in_child(reading_unprivileged, (void *)path), HISTORY_ROWS);
}

/* A mount that forbids writing binds root too; where we may not mount, the two tests before this one have
 * said it all. */
static void refuses_to_write_on_a_read_only_file_system(void **state)
{
    (void)state;
    const char *path = some_database();
    if (mount(folder, folder, NULL, MS_BIND, NULL) != 0) {
        print_message("skipped: no right to mount: %s\n", strerror(errno));
        skip();
    }
    bool readonly = mount(NULL, folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;
    struct rung_store *store = NULL;
    struct rung_err err = {0};
    int writing = rung_store_open(&store, path, RUNG_STORE_WRITE, &err);
    int reading = rung_store_open(&store, path, RUNG_STORE_READ, NULL);
    int rows = reading == 0 ? count_rows(store, RUNG_VIEW_HISTORY, NULL) : -1;
    rung_store_close(store);
    assert_int_equal(umount2(folder, MNT_DETACH), 0);
    assert_true(readonly);
    assert_int_equal(writing, RUNG_EUSE);
    assert_non_null(strstr(err.text, "Read-only file system"));
    assert_int_equal(rows, HISTORY_ROWS);
}

static void knows_network_file_systems_by_their_magic(void **state)
{
    (void)state;
    assert_string_equal(rung_file_network(0x6969), "nfs");
    assert_string_equal(rung_file_network(0xff534d42), "cifs");
    assert_string_equal(rung_file_network((unsigned long)(int)0xff534d42), "cifs"); /* sign-extended */
    assert_string_equal(rung_file_network(0xfe534d42), "smb");
    assert_string_equal(rung_file_network(0x0bd00bd0), "lustre");
    assert_string_equal(rung_file_network(0x65735546), "fuse");
    const unsigned long local[] = {0xef53, 0x9123683e, 0x58465342, 0x01021994, 0x794c7630, 0x2fc12fc1, 0};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        assert_null(rung_file_network(local[i]));
}

static void refuses_hard_links(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(link(path, in_folder("b.db")), 0);
    refuses_mode(path, RUNG_STORE_WRITE, "hard link");
    refuses_mode(in_folder("b.db"), RUNG_STORE_CREATE, "hard link");
    rung_store_close(open_store(path, RUNG_STORE_READ));
}

static void follows_symbolic_links(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("real"), 0777), 0);
    assert_int_equal(symlink("real/x.db", in_folder("a.db")), 0); /* to nothing yet */
    assert_int_equal(symlink("a.db", in_folder("b.db")), 0);
    rung_store_close(open_store(in_folder("b.db"), RUNG_STORE_CREATE));
    assert_true(is_there(in_folder("real/x.db")));
    char *real = rung_file_resolve(in_folder("b.db"));
    assert_non_null(strstr(real, "/real/x.db"));
    free(real);
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    refuses_mode(in_folder("loop"), RUNG_STORE_CREATE, "symbolic links");
}

struct lock_try {
    const char *path;
    pid_t owner;
};

static int is_refused_with_owner(void *context)
{
    struct lock_try *try = context;
    struct rung_store *store;
    struct rung_err err = {0};
    char pid[32];
    snprintf(pid, sizeof pid, "(%d)", (int)try->owner);
    if (rung_store_open(&store, try->path, RUNG_STORE_WRITE, &err) != RUNG_EUSE || !strstr(err.text, pid))
        return 1;
    if (rung_store_open(&store, try->path, RUNG_STORE_READ, &err) != 0)
        return 2;
    int right = rung_store_owner(store) == try->owner;
    rung_store_close(store);
    return right ? 0 : 3;
}

static void one_process_writes_and_the_other_learns_its_id(void **state)
{
    (void)state;
    const char *path = some_database();
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    assert_int_equal(rung_store_owner(store), getpid());
    assert_int_equal(in_child(is_refused_with_owner, &(struct lock_try){path, getpid()}), 0);
    char text[32] = "", pid[32];
    int file = open(in_folder("a.db.lock"),
                    O_RDONLY); /* not closed while the lock is needed: that would let it go */
    assert_true(read(file, text, sizeof text - 1) > 0);
    snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    assert_string_equal(text, pid);
    rung_store_close(store);
    close(file);
    assert_false(is_there(in_folder("a.db.lock")));
    store = open_store(path, RUNG_STORE_READ);
    assert_int_equal(rung_store_owner(store), 0);
    rung_store_close(store);
}

static void two_names_share_the_lock(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(symlink(path, in_folder("other.db")), 0);
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    assert_int_equal(in_child(is_refused_with_owner, &(struct lock_try){in_folder("other.db"), getpid()}), 0);
    rung_store_close(store);
    store = open_store(in_folder("other.db"), RUNG_STORE_WRITE);
    assert_int_equal(in_child(is_refused_with_owner, &(struct lock_try){path, getpid()}), 0);
    rung_store_close(store);
}

/* Commits a search, begins a transaction that it does not end, and dies. */
static int record_and_die(void *path)
{
    struct rung_search_spec spec = help_spec(9, 3);
    struct live live = {0};
    live_create(&live, path, "killed", &spec);
    live_start(&live);
    live_answer(&live, some_score);
    live_answer(&live, some_score);
    struct rung_event event = help_answer(live.search, 2, 0.5);
    live_event(&live, &event, NULL);
    raise(SIGKILL);
    return 0;
}

static void a_dead_owner_leaves_no_lock_and_its_commits(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(in_child(record_and_die, (void *)path), -SIGKILL);
    assert_true(is_there(in_folder("a.db.lock")));
    struct stat wal;
    assert_int_equal(stat(in_folder("a.db-wal"), &wal), 0);
    assert_true(wal.st_size > 0);
    struct rung_store *store = open_store(path, RUNG_STORE_READ);
    assert_int_equal(rung_store_owner(store), 0);
    assert_int_equal(count_rows(store, RUNG_VIEW_HISTORY, NULL), HISTORY_ROWS + 2);
    rung_store_close(store);
    assert_int_equal(stat(in_folder("a.db-wal"), &wal), 0); /* reading left it to the next writer */
    assert_true(wal.st_size > 0);
    rung_store_close(open_store(path, RUNG_STORE_WRITE));
    assert_false(is_there(in_folder("a.db-wal")));
    assert_false(is_there(in_folder("a.db.lock")));
    assert_sql(path, "SELECT count(*) FROM history", "24");
    assert_sql(path, "PRAGMA integrity_check", "ok");
}

static void reads_a_dead_writers_wal_in_a_read_only_folder(void **state)
{
    (void)state;
    const char *path = some_database();
    assert_int_equal(in_child(record_and_die, (void *)path), -SIGKILL);
    const char *names[] = {path, in_folder("a.db-wal"), in_folder("a.db-shm")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(chmod(names[i], 0644), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(in_child(reading_unprivileged, (void *)path), HISTORY_ROWS + 2);
    assert_int_equal(chmod(folder, 0777), 0);
}

static void odd_names_are_opened_too(void **state)
{
    (void)state;
    const char *path = in_folder("a ?b#c%41.db");
    rung_store_close(open_store(path, RUNG_STORE_CREATE));
    assert_true(is_there(path));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(in_child(reading_unprivileged, (void *)path), 0);
    assert_int_equal(chmod(folder, 0777), 0);
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

static off_t wal_size(void)
{
    struct stat info;
    return stat(in_folder("a.db-wal"), &info) == 0 ? info.st_size : 0;
}

static void record_many(struct live *live, int count)
{
    for (int i = 0; i < count; i++) {
        struct rung_event event = {
            .kind = RUNG_EVENT_RESULT, .model = (uint32_t)i % 9, .calls = 1, .score = 1};
        live_need(live,
                  rung_record_append(live->record, &event, &(struct rung_decisions){0}, NULL, &live->err));
        live_need(live, rung_store_commit(live->store, &live->err));
    }
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

/* Larger than the cache, so that frames are written and written over before the commit; then a kill. */
static int commit_much_and_die(void *path)
{
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE);
    sqlite3 *db = store->db;
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
        TEST(creates_once_and_opens_again),
        TEST(refuses_a_missing_folder),
        TEST(refuses_directories_and_devices),
        TEST(refuses_what_is_no_database),
        TEST(refuses_a_database_of_something_else),
        TEST(refuses_a_newer_schema_and_says_both),
        TEST(refuses_a_newer_schema_in_the_wal),
        TEST(refuses_a_truncated_database),
        TEST(reports_damage_wherever_it_is),
        TEST(refuses_to_write_in_a_read_only_folder_and_reads_there),
        TEST(refuses_to_write_a_read_only_file_and_reads_it),
        TEST(refuses_to_write_on_a_read_only_file_system),
        TEST(knows_network_file_systems_by_their_magic),
        TEST(refuses_hard_links),
        TEST(follows_symbolic_links),
        TEST(one_process_writes_and_the_other_learns_its_id),
        TEST(two_names_share_the_lock),
        TEST(a_dead_owner_leaves_no_lock_and_its_commits),
        TEST(reads_a_dead_writers_wal_in_a_read_only_folder),
        TEST(odd_names_are_opened_too),
        TEST(transactions_nest_as_one_and_roll_back),
        TEST(closing_undoes_an_open_transaction),
        TEST(another_tools_write_in_between_is_no_obstacle),
        TEST(readers_see_each_commit_at_once),
        TEST(a_full_database_is_a_clean_error),
        TEST(a_full_disk_is_a_clean_error),
        TEST(an_io_error_is_a_clean_error),
        TEST(a_database_that_cannot_be_made_is_not_left_behind),
        TEST(an_empty_file_is_migrated_from_version_0),
        TEST(each_migration_is_whole_or_not_at_all),
        TEST(a_kill_in_a_migration_undoes_it),
        TEST(the_wal_stays_bounded_unless_a_reader_holds_it),
        TEST(a_commit_larger_than_the_cache_survives_a_kill),
        TEST(a_rollback_larger_than_the_cache_leaves_nothing),
        TEST(no_commit_is_lost_by_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
