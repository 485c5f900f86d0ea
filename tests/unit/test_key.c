/* Keys: made once, read back, and refused where they are none or where others can read them. */
#include "dispatch/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/rung-test-key-XXXXXX";
static char path[100];

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static int choose_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/k", folder);
    return 0;
}

static int remove_key(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void write_file(const char *text, size_t length, mode_t mode)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void refuses(const char *reason, const char *way_out)
{
    struct rung_key key;
    struct rung_err err = {0};
    assert_int_equal(rung_key_read(&key, path, &err), RUNG_EUSE);
    assert_memory_equal(err.text, path, strlen(path));
    assert_string_equal(err.text + strlen(path), reason);
    if (way_out)
        assert_non_null(strstr(err.way_out, way_out));
}

static void a_made_key_is_read_back(void **state)
{
    (void)state;
    struct rung_key one, two, other;
    struct rung_err err;
    struct stat status;

    mode_t old = umask(0777); /* the mode does not depend on it */
    assert_int_equal(rung_key_make(path, &err), 0);
    umask(old);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, 2 * RUNG_KEY_BYTES + 1);
    assert_int_equal(rung_key_read(&one, path, &err), 0);
    assert_int_equal(rung_key_read(&two, path, &err), 0);
    assert_memory_equal(one.bytes, two.bytes, RUNG_KEY_BYTES);
    unlink(path);
    assert_int_equal(rung_key_make(path, &err), 0);
    assert_int_equal(rung_key_read(&other, path, &err), 0);
    assert_memory_not_equal(one.bytes, other.bytes, RUNG_KEY_BYTES);
}

static void a_key_is_never_replaced(void **state)
{
    (void)state;
    struct rung_err err;
    struct stat status;

    write_file("mine", 4, 0600);
    assert_int_equal(rung_key_make(path, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, "it exists"));
    assert_true(err.way_out[0] != '\0');
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 4);
    unlink(path);
    assert_int_equal(symlink("/nowhere/else", path), 0); /* nor is a link followed */
    assert_int_equal(rung_key_make(path, &err), RUNG_EUSE);
    assert_int_equal(rung_key_make("/nowhere/k", &err), RUNG_EUSE);
    assert_string_equal(err.text, "/nowhere/k: cannot be made: No such file or directory");
}

#define DIGITS "00112233445566778899aabbCCDDEEFF0123456789abcdef0123456789ABCDEF"

static void digits_are_read(void **state)
{
    (void)state;
    struct rung_key key;
    struct rung_err err;
    const char *ends[] = {"", "\n", "\r\n"};

    for (int i = 0; i < 3; i++) {
        char text[80];
        int length = snprintf(text, sizeof text, "%s%s", DIGITS, ends[i]);
        write_file(text, (size_t)length, 0400);
        assert_int_equal(rung_key_read(&key, path, &err), 0);
        assert_memory_equal(key.bytes, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
                            16);
        assert_memory_equal(key.bytes + 16, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    }
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    const char *texts[] = {"", "00", DIGITS "0", DIGITS "\n\n\n", DIGITS "\n" DIGITS, DIGITS " \n"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(texts[i], strlen(texts[i]), 0600);
        refuses(": it holds no key (64 hexadecimal digits)", NULL);
    }
    char wrong[65] = DIGITS;
    for (int i = 0; i < 64; i++) {
        char right = wrong[i];
        wrong[i] = i % 2 ? 'g' : '\0';
        write_file(wrong, 64, 0600);
        refuses(": it holds no key (64 hexadecimal digits)", NULL);
        wrong[i] = right;
    }
}

static void a_key_that_others_can_use_is_refused(void **state)
{
    (void)state;
    char reason[80];

    for (mode_t bit = 01; bit <= 040; bit <<= 1) {
        write_file(DIGITS "\n", 65, 0600 | bit);
        snprintf(reason, sizeof reason, ": others than its owner can use it (mode %04o)", 0600 | bit);
        refuses(reason, "chmod 600");
    }
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    unlink(path);
    refuses(": the key cannot be read: No such file or directory", "rung key");
    assert_int_equal(mkfifo(path, 0600), 0);
    refuses(": it is no file with a key", NULL);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    refuses(": it is no file with a key", NULL);
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_made_key_is_read_back, choose_path, remove_key),
        cmocka_unit_test_setup_teardown(a_key_is_never_replaced, choose_path, remove_key),
        cmocka_unit_test_setup_teardown(digits_are_read, choose_path, remove_key),
        cmocka_unit_test_setup_teardown(what_is_no_key_is_refused, choose_path, remove_key),
        cmocka_unit_test_setup_teardown(a_key_that_others_can_use_is_refused, choose_path, remove_key),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, choose_path, remove_key),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
