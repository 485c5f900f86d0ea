/*
 * State and log files: their names, what is kept, what a sweep and a deletion take.
 */
#include "store_help.h"

#include "store/states.h"

#include <fcntl.h>

static const char *db;
static struct rung_states *states;

static int setup(void **state)
{
    int rc = make_folder(state);
    db = in_folder("a.db");
    states = NULL;
    return rc != 0 ? rc : rung_states_open(&states, db, "one", NULL);
}

static int teardown(void **state)
{
    rung_states_free(states);
    return remove_folder(state);
}

/* The path under the folder, for the eye; also checks that it is absolute. */
static void path_is(const struct rung_buf *buf, const char *name)
{
    assert_int_equal(rung_buf_cstr(buf)[0], '/');
    assert_string_equal(rung_buf_cstr(buf) + strlen(rung_buf_cstr(buf)) - strlen(name), name);
}

static void put_attempt(uint32_t model, int64_t calls, int64_t job, const char *content)
{
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_states_attempt_path(states, model, calls, job, &buf);
    write_file(rung_buf_cstr(&buf), content, strlen(content));
    rung_buf_free(&buf);
}

static void put_state(uint32_t model, int64_t calls, const char *content)
{
    put_attempt(model, calls, 1, content);
    assert_int_equal(rung_states_adopt(states, model, calls, 1, NULL), 0);
}

static void names_lie_beside_the_database(void **state)
{
    (void)state;
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_states_path(states, 5, 9, &buf);
    path_is(&buf, "/a.db.states/one/5.9");
    rung_states_attempt_path(states, 4294967294u, 9007199254740991, 17, &buf);
    path_is(&buf, "/a.db.states/one/4294967294.9007199254740991.17");
    rung_buf_free(&buf);
    assert_string_equal(rung_states_log_folder(states) + strlen(rung_states_log_folder(states)) - 14,
                        "/a.db.logs/one");
    assert_true(is_there(in_folder("a.db.logs/one")));
    assert_true(is_there(in_folder("a.db.states/one")));
}

static void paths_are_absolute_and_behind_links(void **state)
{
    (void)state;
    struct rung_states *other;
    struct rung_buf buf;
    char before[500];
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("real", 0777), 0);
    assert_int_equal(symlink("real/x.db", "link.db"), 0);
    assert_int_equal(rung_states_open(&other, "link.db", "two", NULL), 0);
    assert_int_equal(chdir(before), 0);
    rung_states_path(other, 1, 2, &buf);
    path_is(&buf, "/real/x.db.states/two/1.2");
    assert_true(is_there(in_folder("real/x.db.states/two")));
    rung_buf_free(&buf);
    rung_states_free(other);
}

static void an_attempt_becomes_the_state(void **state)
{
    (void)state;
    assert_int_equal(rung_states_attempt_size(states, 5, 9, 17), -1);
    assert_int_equal(rung_states_adopt(states, 5, 9, 17, NULL), RUNG_EFAIL);
    put_attempt(5, 9, 17, "hello");
    assert_int_equal(rung_states_attempt_size(states, 5, 9, 17), 5);
    assert_int_equal(rung_states_size(states, 5, 9), -1);
    assert_int_equal(rung_states_adopt(states, 5, 9, 17, NULL), 0);
    assert_int_equal(rung_states_attempt_size(states, 5, 9, 17), -1);
    assert_int_equal(rung_states_size(states, 5, 9), 5);
    put_attempt(5, 9, 18, "longer than before");
    assert_int_equal(rung_states_adopt(states, 5, 9, 18, NULL), 0);
    assert_int_equal(rung_states_size(states, 5, 9), 18);
    rung_states_remove(states, 5, 9);
    rung_states_remove(states, 5, 9);
    assert_int_equal(rung_states_size(states, 5, 9), -1);
    put_attempt(5, 9, 19, "");
    assert_int_equal(rung_states_attempt_size(states, 5, 9, 19), 0);
    rung_states_remove_attempt(states, 5, 9, 19);
    rung_states_remove_attempt(states, 5, 9, 19);
    assert_int_equal(rung_states_attempt_size(states, 5, 9, 19), -1);
}

static void a_folder_is_no_state(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("a.db.states/one/5.9"), 0777), 0);
    assert_int_equal(rung_states_size(states, 5, 9), -1);
}

static void adopting_says_what_is_wrong(void **state)
{
    (void)state;
    struct rung_err err = {0};
    assert_int_equal(rung_states_adopt(states, 5, 9, 17, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "5.9.17: cannot become the model's state: No such file"));
}

static bool keep_model_3(void *context, uint32_t model, int64_t calls)
{
    ++*(int *)context;
    return model == 3 && calls == 9;
}

static void sweep_takes_what_no_row_names_and_leaves_foreign_files(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "README", "3",    "3.",   ".9",    "3.9.", "3.9.1.2",      "03.9",
        "3.09",   "+3.9", "3.9x", "3.9.x", "3 .9", "4294967296.1", "3.99999999999999999999"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        char name[100];
        snprintf(name, sizeof name, "a.db.states/one/%s", foreign[i]);
        write_file(in_folder(name), "x", 1);
    }
    assert_int_equal(mkdir(in_folder("a.db.states/one/7.7"), 0777), 0);
    put_state(3, 9, "kept");
    put_state(3, 3, "old");
    put_state(0, 0, "zero");
    put_state(4294967294u, 1, "far");
    put_attempt(3, 9, 44, "orphan");
    put_attempt(4, 27, 45, "orphan");
    int asked = 0;
    rung_states_sweep(states, keep_model_3, &asked);
    assert_int_equal(asked, 5); /* states are asked for, attempts are not; 7.7 is spared by being a folder */
    assert_int_equal(rung_states_size(states, 3, 9), 4);
    assert_int_equal(rung_states_size(states, 3, 3), -1);
    assert_int_equal(rung_states_size(states, 0, 0), -1);
    assert_int_equal(rung_states_size(states, 4294967294u, 1), -1);
    assert_int_equal(rung_states_attempt_size(states, 3, 9, 44), -1);
    assert_int_equal(rung_states_attempt_size(states, 4, 27, 45), -1);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        char name[100];
        snprintf(name, sizeof name, "a.db.states/one/%s", foreign[i]);
        if (!is_there(in_folder(name)))
            fail_msg("%s was swept", foreign[i]);
    }
    assert_true(is_there(in_folder("a.db.states/one/7.7")));
}

static const char *content_of(const char *path)
{
    static char text[200];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void copies_replace_a_file_whole(void **state)
{
    (void)state;
    struct rung_err err = {0};
    put_state(5, 9, "state of 5");
    mode_t mask = umask(027);
    assert_int_equal(rung_states_copy(states, 5, 9, in_folder("best.bin"), NULL), 0);
    umask(mask);
    assert_string_equal(content_of(in_folder("best.bin")), "state of 5");
    struct stat info;
    assert_int_equal(stat(in_folder("best.bin"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    put_state(6, 9, "state of 6");
    assert_int_equal(rung_states_copy(states, 6, 9, in_folder("best.bin"), NULL), 0);
    assert_string_equal(content_of(in_folder("best.bin")), "state of 6");
    assert_int_equal(rung_states_copy(states, 7, 9, in_folder("best.bin"), &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "7.9: cannot be read: No such file"));
    assert_string_equal(content_of(in_folder("best.bin")), "state of 6");
    assert_int_equal(rung_states_copy(states, 6, 9, in_folder("none/best.bin"), &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "none/best.bin: cannot be written: No such file"));
    assert_int_equal(rung_states_copy(states, 6, 9, folder, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "is a directory"));
    assert_int_equal(rung_states_copy(states, 6, 9, "/dev/null", &err), 0);
    assert_int_equal(rung_states_copy(states, 6, 9, "/dev/full", &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "/dev/full: cannot be written: No space left"));
    assert_true(is_there("/dev/null"));
}

static void large_states_are_copied_byte_for_byte(void **state)
{
    (void)state;
    struct rung_buf buf;
    size_t length = 300001;
    unsigned char *bytes = rung_mem_resize(NULL, length, 1), *copy = rung_mem_zalloc(length, 1);
    uint64_t random = 1;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)help_random(&random);
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    rung_states_path(states, 1, 1, &buf);
    write_file(rung_buf_cstr(&buf), bytes, length);
    assert_int_equal(rung_states_copy(states, 1, 1, in_folder("copy"), NULL), 0);
    FILE *file = fopen(in_folder("copy"), "rb");
    assert_int_equal(fread(copy, 1, length, file), length);
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    assert_memory_equal(bytes, copy, length);
    rung_buf_free(&buf);
    free(bytes);
    free(copy);
}

static void delete_takes_one_searchs_folders(void **state)
{
    (void)state;
    struct rung_states *two;
    put_state(5, 9, "x");
    write_file(in_folder("a.db.logs/one/0.log"), "x", 1);
    assert_int_equal(rung_states_open(&two, db, "two", NULL), 0);
    rung_states_free(two);
    assert_int_equal(rung_states_delete(db, "one", NULL), 0);
    assert_false(is_there(in_folder("a.db.states/one")));
    assert_false(is_there(in_folder("a.db.logs/one")));
    assert_true(is_there(in_folder("a.db.states/two")));
    assert_int_equal(rung_states_delete(db, "two", NULL), 0);
    assert_false(is_there(in_folder("a.db.states")));
    assert_false(is_there(in_folder("a.db.logs")));
    assert_int_equal(rung_states_delete(db, "two", NULL), 0);
}

static void delete_says_what_it_cannot_remove(void **state)
{
    (void)state;
    struct rung_err err = {0};
    assert_int_equal(mkdir(in_folder("a.db.states/one/mine"), 0777), 0);
    write_file(in_folder("a.db.states/one/mine/file"), "x", 1);
    assert_int_equal(rung_states_delete(db, "one", &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "a.db.states/one: cannot be removed: Directory not empty"));
    assert_true(is_there(in_folder("a.db.states/one/mine/file")));
    write_file(in_folder("b.db.logs"), "x", 1);
    assert_int_equal(rung_states_delete(in_folder("b.db"), "one", &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "b.db.logs: cannot be removed: Not a directory"));
    assert_string_equal(err.way_out, "move it away");
}

static void names_that_leave_the_folder_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"", ".", "..", "../x", "a/b", "/etc"};
    write_file(in_folder("x"), "x", 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct rung_states *other;
        struct rung_err err = {0};
        assert_int_equal(rung_states_open(&other, db, names[i], &err), RUNG_EUSE);
        assert_null(other);
        assert_int_equal(rung_states_delete(db, names[i], &err), RUNG_EUSE);
    }
    assert_true(is_there(in_folder("x")));
}

static void folders_that_cannot_be_made_are_an_error(void **state)
{
    (void)state;
    struct rung_states *other;
    struct rung_err err = {0};
    write_file(in_folder("b.db.states"), "x", 1);
    assert_int_equal(rung_states_open(&other, in_folder("b.db"), "one", &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "b.db.states: cannot be made: File exists"));
    assert_null(other);
    assert_int_equal(rung_states_open(&other, in_folder("none/b.db"), "one", &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "No such file"));
}

static void folders_are_made_again(void **state)
{
    (void)state;
    const char *made = "";
    struct rung_err err = {0};
    assert_int_equal(rung_states_keep(states, &made, &err), 0);
    assert_null(made);
    assert_int_equal(rmdir(in_folder("a.db.logs/one")), 0);
    assert_int_equal(rung_states_keep(states, &made, &err), 0);
    assert_non_null(strstr(made, "a.db.logs/one"));
    assert_int_equal(rmdir(in_folder("a.db.states/one")), 0);
    assert_int_equal(rmdir(in_folder("a.db.states")), 0);
    assert_int_equal(rung_states_keep(states, &made, &err), 0);
    assert_non_null(strstr(made, "a.db.states/one"));
    put_attempt(3, 1, 7, "x");
    assert_int_equal(rung_states_adopt(states, 3, 1, 7, &err), 0);
    rung_states_remove(states, 3, 1);
    assert_int_equal(rmdir(in_folder("a.db.states/one")), 0);
    write_file(in_folder("a.db.states/one"), "x", 1);
    assert_int_equal(rung_states_keep(states, &made, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "a.db.states/one: cannot be made: File exists"));
    assert_string_equal(err.way_out, "move it away");
    assert_int_equal(unlink(in_folder("a.db.states/one")), 0);
    assert_int_equal(rmdir(in_folder("a.db.states")), 0);
    write_file(in_folder("a.db.states"), "x", 1);
    assert_int_equal(rung_states_keep(states, &made, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "a.db.states: cannot be made: File exists"));
    assert_string_equal(err.way_out, "move it away");
    assert_int_equal(unlink(in_folder("a.db.states")), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_lie_beside_the_database),
        TEST(paths_are_absolute_and_behind_links),
        TEST(an_attempt_becomes_the_state),
        TEST(a_folder_is_no_state),
        TEST(adopting_says_what_is_wrong),
        TEST(sweep_takes_what_no_row_names_and_leaves_foreign_files),
        TEST(copies_replace_a_file_whole),
        TEST(large_states_are_copied_byte_for_byte),
        TEST(delete_takes_one_searchs_folders),
        TEST(delete_says_what_it_cannot_remove),
        TEST(names_that_leave_the_folder_are_refused),
        TEST(folders_that_cannot_be_made_are_an_error),
        TEST(folders_are_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
