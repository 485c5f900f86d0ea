/* SHA-256 against the examples of FIPS 180-4 and of NIST's message tests. */
#include "cli/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
    const char *text, *hex;
} VECTORS[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrs"
     "tnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        struct rung_sha256 sha;
        char hex[RUNG_SHA256_HEX];
        rung_sha256_init(&sha);
        rung_sha256_update(&sha, VECTORS[i].text, strlen(VECTORS[i].text));
        rung_sha256_final(&sha, hex);
        assert_string_equal(hex, VECTORS[i].hex);
    }
}

static void test_a_million_letters_in_parts(void **state)
{
    (void)state;
    struct rung_sha256 sha;
    char part[1000], hex[RUNG_SHA256_HEX];
    size_t left = 1000000;
    memset(part, 'a', sizeof part);
    rung_sha256_init(&sha);
    for (size_t size = 1; left > 0; size = size % 997 + 1) {
        size_t now = size < left ? size : left;
        rung_sha256_update(&sha, part, now);
        left -= now;
    }
    rung_sha256_final(&sha, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Every length around the two places where the padding takes another block: halves hashed apart give the
 * whole. */
static void test_every_split_agrees(void **state)
{
    (void)state;
    char text[200];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 37);
    for (size_t length = 0; length <= sizeof text; length++) {
        struct rung_sha256 whole, parts;
        char a[RUNG_SHA256_HEX], b[RUNG_SHA256_HEX];
        rung_sha256_init(&whole);
        rung_sha256_update(&whole, text, length);
        rung_sha256_final(&whole, a);
        rung_sha256_init(&parts);
        rung_sha256_update(&parts, text, length / 3);
        rung_sha256_update(&parts, text + length / 3, length - length / 3);
        rung_sha256_final(&parts, b);
        assert_string_equal(a, b);
    }
}

static void test_file(void **state)
{
    (void)state;
    char path[] = "/tmp/rung-sha256-XXXXXX", hex[RUNG_SHA256_HEX];
    struct rung_err err;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    assert_int_equal(rung_sha256_file(path, hex, &err), 0);
    assert_string_equal(hex, VECTORS[1].hex);
    unlink(path);
    assert_int_equal(rung_sha256_file(path, hex, &err), RUNG_EUSE);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(rung_sha256_file("/", hex, &err), RUNG_EUSE);
    assert_string_equal(err.text, "/: Is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_a_million_letters_in_parts),
        cmocka_unit_test(test_every_split_agrees),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
