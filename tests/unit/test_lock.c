/*
 * The write lock between processes, and within one.
 */
#include "store_help.h"

#include <fcntl.h>

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
    int file = open(in_folder("a.db.lock"), O_RDONLY);
    assert_true(read(file, text, sizeof text - 1) > 0);
    snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    assert_string_equal(text, pid);
    close(file);
    rung_store_close(store);
    assert_false(is_there(in_folder("a.db.lock")));
    store = open_store(path, RUNG_STORE_READ);
    assert_int_equal(rung_store_owner(store), 0);
    rung_store_close(store);
}

/* Started anew, since a mere fork would inherit what SQLite here believes to hold. */
static int look_with_a_tool(void *path)
{
    execl("/proc/self/exe", "test_store", "look", (char *)path, (char *)NULL);
    return 1;
}

/* Closing any descriptor of a file drops the POSIX locks that the process has on it: ours, and SQLite's. */
static void looking_beside_an_open_store_lets_no_lock_go(void **state)
{
    (void)state;
    const char *path = some_database();
    struct rung_store *store = open_store(path, RUNG_STORE_WRITE), *second = NULL;
    struct rung_err err = {0};
    char pid[32];
    snprintf(pid, sizeof pid, "(%d)", (int)getpid());
    assert_int_equal(rung_store_begin(store, NULL), 0);
    assert_int_equal(rung_store_commit(store, NULL), 0);
    assert_int_equal(rung_store_open(&second, path, RUNG_STORE_WRITE, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, pid));
    second = open_store(path, RUNG_STORE_READ);
    assert_int_equal(rung_store_owner(second), getpid());
    rung_store_close(second);
    assert_int_equal(in_child(is_refused_with_owner, &(struct lock_try){path, getpid()}), 0);
    assert_int_equal(in_child(look_with_a_tool, (void *)path), 0);
    assert_true(is_there(in_folder("a.db-wal"))); /* the tool did not take itself for the last to close */
    assert_int_equal(rung_record_delete(store, 1, NULL), 0);
    assert_int_equal(rung_store_commit(store, NULL), 0);
    rung_store_close(store);
    assert_sql(path, "SELECT count(*) FROM searches", "0");
}

static void is_held_without_its_lock_file(const char *path, const char *lock, enum rung_store_mode mode)
{
    struct rung_store *store = open_store(path, mode);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(in_child(is_refused_with_owner, &(struct lock_try){path, getpid()}), 0);
    assert_false(is_there(lock)); /* whoever was refused took its own away again */
    rung_store_close(store);
    rung_store_close(open_store(path, RUNG_STORE_WRITE));
}

static void a_lock_file_that_is_removed_lets_nobody_in(void **state)
{
    (void)state;
    const char *path = some_database(), *lock = in_folder("a.db.lock");
    is_held_without_its_lock_file(path, lock, RUNG_STORE_WRITE);
    assert_int_equal(in_child(record_and_die, (void *)path), -SIGKILL);
    assert_true(is_there(in_folder("a.db-wal"))); /* which is locked before the database is opened */
    is_held_without_its_lock_file(path, lock, RUNG_STORE_WRITE);
    is_held_without_its_lock_file(in_folder("new.db"), in_folder("new.db.lock"), RUNG_STORE_CREATE);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "look") == 0)
        return *sql(argv[2], "SELECT count(*) FROM searches") ? 0 : 1;
    const struct CMUnitTest tests[] = {
        TEST(one_process_writes_and_the_other_learns_its_id),
        TEST(looking_beside_an_open_store_lets_no_lock_go),
        TEST(a_lock_file_that_is_removed_lets_nobody_in),
        TEST(two_names_share_the_lock),
        TEST(a_dead_owner_leaves_no_lock_and_its_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
