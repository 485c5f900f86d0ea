/*
 * What lies at a path, seen before SQLite touches it: no file, no database, no permission, a link, a network.
 */
#include "store_help.h"

#include "rung/version.h"
#include "store/file.h"

#include <sys/mount.h>

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

/* ---- databases whose making was cut off ---- */

/* The journal of a transaction that a kill cut off before it had changed any page; there were so many. */
static void write_journal(const char *path, unsigned char pages)
{
    unsigned char header[512] = {0xd9, 0xd5, 0x05, 0xf9,
                                 0x20, 0xa1, 0x63, 0xd7}; /* then: 0 pages are in it */
    char name[340];
    header[19] = pages;
    header[22] = 2; /* sectors of 512 bytes */
    header[26] = 4; /* pages of 1024 */
    snprintf(name, sizeof name, "%s-journal", path);
    write_file(name, header, sizeof header);
}

/* As a kill leaves it that many bytes into the first commit. */
static const char *cut_off(off_t bytes)
{
    const char *path = in_folder("a.db");
    rung_store_close(open_store(path, RUNG_STORE_CREATE));
    sql(path, "PRAGMA journal_mode = delete");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, bytes < info.st_size ? bytes : info.st_size), 0);
    write_journal(path, 0);
    return path;
}

static void stays_as_it_is(const char *path, enum rung_store_mode mode, const char *why)
{
    struct stat before, after;
    char journal[340];
    snprintf(journal, sizeof journal, "%s-journal", path);
    assert_int_equal(stat(path, &before), 0);
    refuses_mode(path, mode, why);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_true(is_there(journal));
}

/* Made anew, and known as ours from outside while nothing but the WAL has been written since. */
static void is_made_anew(const char *path)
{
    assert_int_equal(in_child(record_and_die, (void *)path), -SIGKILL);
    struct rung_store *store = open_store(path, RUNG_STORE_READ);
    assert_int_equal(count_rows(store, RUNG_VIEW_HISTORY, NULL), 2);
    rung_store_close(store);
    rung_store_close(open_store(path, RUNG_STORE_WRITE));
    assert_sql(path, "PRAGMA integrity_check", "ok");
    assert_sql(path, "SELECT count(*) FROM searches", "1");
    assert_int_equal(unlink(path), 0);
}

static void what_a_kill_left_half_made_is_made_anew(void **state)
{
    (void)state;
    const off_t lengths[] = {1024, 5 * 1024, 1 << 30};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const char *path = cut_off(lengths[i]);
        stays_as_it_is(path, RUNG_STORE_READ, "is not made yet, no search is in it");
        stays_as_it_is(path, RUNG_STORE_WRITE, "is not made yet, no search is in it");
        is_made_anew(path);
    }
}

/* SQLite's own pages and journal, the first page not among them: a transaction too large for its cache. */
static int make_half_and_die(void *path)
{
    sqlite3 *db;
    sqlite3_open(path, &db);
    int rc = sqlite3_exec(db,
                          "PRAGMA page_size = 1024; PRAGMA cache_size = 10; BEGIN; CREATE TABLE one(x);"
                          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200)"
                          " INSERT INTO one SELECT randomblob(900) FROM n",
                          NULL, NULL, NULL);
    raise(rc == SQLITE_OK ? SIGKILL : SIGABRT);
    return 0;
}

static void a_first_page_that_was_not_written_is_half_made_too(void **state)
{
    (void)state;
    static const unsigned char zeros[3000];
    const char *path = in_folder("a.db");
    assert_int_equal(in_child(make_half_and_die, (void *)path), -SIGKILL);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size > 100 * 1024);
    stays_as_it_is(path, RUNG_STORE_READ, "is not made yet");
    is_made_anew(path);
    const size_t lengths[] = {1, 99, 3000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_file(path, zeros, lengths[i]);
        refuses_mode(path, RUNG_STORE_CREATE, "is no SQLite database");
        write_journal(path, 0);
        stays_as_it_is(path, RUNG_STORE_WRITE, "is not made yet");
        is_made_anew(path);
    }
}

static void a_journal_makes_nothing_else_a_database_of_ours(void **state)
{
    (void)state;
    const char *path = in_folder("a.db");
    for (int mode = RUNG_STORE_READ; mode <= RUNG_STORE_CREATE; mode++) {
        write_file(path, "letters to a friend", 19);
        write_journal(path, 0);
        stays_as_it_is(path, (enum rung_store_mode)mode, "is no SQLite database");
        write_file(path, "\0\0\0\0", 4); /* there was something before */
        write_journal(path, 1);
        stays_as_it_is(path, (enum rung_store_mode)mode, "is no SQLite database");
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(in_folder("a.db-journal")), 0);
    sql(path, "CREATE TABLE bookmarks(url TEXT)");
    for (int mode = RUNG_STORE_READ; mode <= RUNG_STORE_CREATE; mode++) {
        write_journal(path, 0);
        stays_as_it_is(path, (enum rung_store_mode)mode, "of another program");
    }
}

static void a_later_transaction_that_was_cut_off_is_undone(void **state)
{
    (void)state;
    const char *path = some_database();
    sql(path, "PRAGMA journal_mode = delete");
    int pages = atoi(sql(path, "PRAGMA page_count"));
    assert_in_range(pages, 1, 255);
    for (int mode = RUNG_STORE_READ; mode <= RUNG_STORE_CREATE; mode++) {
        write_journal(path, (unsigned char)pages);
        struct rung_store *store = open_store(path, (enum rung_store_mode)mode);
        assert_int_equal(count_rows(store, RUNG_VIEW_HISTORY, NULL), HISTORY_ROWS);
        rung_store_close(store);
        assert_false(is_there(in_folder("a.db-journal")));
        sql(path, "PRAGMA journal_mode = delete");
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refuses_a_missing_folder),
        TEST(refuses_directories_and_devices),
        TEST(refuses_what_is_no_database),
        TEST(refuses_a_database_of_something_else),
        TEST(refuses_a_newer_schema_and_says_both),
        TEST(refuses_to_write_in_a_read_only_folder_and_reads_there),
        TEST(refuses_to_write_a_read_only_file_and_reads_it),
        TEST(refuses_to_write_on_a_read_only_file_system),
        TEST(reads_a_dead_writers_wal_in_a_read_only_folder),
        TEST(odd_names_are_opened_too),
        TEST(knows_network_file_systems_by_their_magic),
        TEST(refuses_hard_links),
        TEST(follows_symbolic_links),
        TEST(what_a_kill_left_half_made_is_made_anew),
        TEST(a_first_page_that_was_not_written_is_half_made_too),
        TEST(a_journal_makes_nothing_else_a_database_of_ours),
        TEST(a_later_transaction_that_was_cut_off_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
