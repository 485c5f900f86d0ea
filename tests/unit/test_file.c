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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
