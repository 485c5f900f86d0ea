/* State files: what is put comes back, and everything else is refused. */
#include "trainer/state.h"
#include "trainer_help.h"

#include <sys/stat.h>

static const struct rung_state_id id = {"kind", 7, 12};

static int read_as(struct rung_state *state, const char *path, const char *kind, uint32_t version,
                   int64_t calls, struct rung_err *err)
{
    struct rung_state_id expected = {kind, version, calls};

    return rung_state_read(state, path, &expected, err);
}

static void what_was_put_comes_back(void **unused)
{
    static const size_t sizes[] = {0, 1, 7, 4095, 4096, 100000, 3, 5000, 4, 1 << 20, 12};
    const size_t count = sizeof sizes / sizeof *sizes;
    struct rung_state *state = rung_state_new();
    struct rung_state_id got = {"kind", 7, -1};
    unsigned char *blocks[16], *back;
    size_t total = 0;
    struct rung_err err;

    (void)unused;
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(sizes[i] + 1);
        for (size_t j = 0; j < sizes[i]; j++)
            blocks[i][j] = (unsigned char)(i * 31 + j * 7 + (j >> 8));
        rung_state_put(state, blocks[i], sizes[i]);
        total += sizes[i];
    }
    assert_int_equal(rung_state_size(state), total);
    assert_int_equal(rung_state_write(state, in_folder("a"), &id, &err), 0);
    rung_state_free(state);
    state = rung_state_new();
    assert_int_equal(rung_state_read(state, in_folder("a"), &got, &err), 0);
    assert_int_equal(got.calls, 12);
    assert_int_equal(rung_state_left(state), total);
    for (size_t i = 0; i < count; i++) {
        back = malloc(sizes[i] + 1);
        assert_true(rung_state_get(state, back, sizes[i]));
        assert_memory_equal(back, blocks[i], sizes[i]);
        free(back);
        free(blocks[i]);
    }
    assert_int_equal(rung_state_left(state), 0);
    assert_false(rung_state_get(state, &total, 1));
    rung_state_free(state);
}

/* More pieces than go into one system call, copied and uncopied in turn. */
static void many_pieces_come_back(void **unused)
{
    struct rung_state *state = rung_state_new();
    struct rung_state_id got = {"kind", 7, 12};
    static char big[5000], back[5000];
    struct rung_err err;
    int small;

    (void)unused;
    memset(big, 'b', sizeof big);
    for (int i = 0; i < 300; i++) {
        rung_state_put(state, &i, sizeof i);
        rung_state_put(state, big, sizeof big);
    }
    assert_int_equal(rung_state_write(state, in_folder("many"), &id, &err), 0);
    assert_int_equal(rung_state_read(state, in_folder("many"), &got, &err), 0);
    for (int i = 0; i < 300; i++) {
        assert_true(rung_state_get(state, &small, sizeof small));
        assert_int_equal(small, i);
        assert_true(rung_state_get(state, back, sizeof back));
        assert_memory_equal(back, big, sizeof big);
    }
    rung_state_free(state);
}

static void write_sample(const char *path, size_t length)
{
    struct rung_state *state = rung_state_new();
    char *data = calloc(length + 1, 1);
    struct rung_err err;

    for (size_t i = 0; i < length; i++)
        data[i] = (char)(i * 13);
    rung_state_put(state, data, length);
    assert_int_equal(rung_state_write(state, path, &id, &err), 0);
    rung_state_free(state);
    free(data);
}

static void foreign_files_are_refused_with_a_reason(void **unused)
{
    struct rung_state *state = rung_state_new();
    const char *path = in_folder("b");
    struct rung_err err;

    (void)unused;
    write_sample(path, 100);
    assert_int_equal(read_as(state, path, "kind", 7, 12, &err), 0);
    assert_int_equal(read_as(state, path, "other", 7, 12, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "state of another trainer (\"kind\", not \"other\")"));
    assert_int_equal(read_as(state, path, "kind", 8, 12, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "state version 7, this trainer reads 8"));
    assert_int_equal(read_as(state, path, "kind", 7, 13, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "a model at call 12, expected call 13"));
    assert_int_equal(read_as(state, in_folder("none"), "kind", 7, 12, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "none: No such file"));
    assert_int_equal(read_as(state, folder, "kind", 7, 12, &err), RUNG_EFAIL);
    assert_int_equal(rung_state_left(state), 0);
    rung_state_free(state);
}

/* Every bit counts: header, payload, length. */
static void every_flipped_bit_is_noticed(void **unused)
{
    struct rung_state *state = rung_state_new();
    struct rung_err err;
    char *data;
    size_t length;

    (void)unused;
    write_sample(in_folder("c"), 61);
    length = read_bytes(in_folder("c"), &data);
    assert_int_equal(length, RUNG_STATE_HEADER + 61);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        struct rung_state_id any = {"kind", 7, -1};

        data[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(rung_state_parse(state, data, length, &any, &err), RUNG_EFAIL);
        assert_int_equal(rung_state_left(state), 0);
        data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t shorter = 0; shorter < length; shorter++) {
        struct rung_state_id any = {"kind", 7, -1};

        assert_int_equal(rung_state_parse(state, data, shorter, &any, &err), RUNG_EFAIL);
    }
    free(data);
    rung_state_free(state);
}

static void longer_file_is_refused(void **unused)
{
    struct rung_state *state = rung_state_new();
    struct rung_err err;
    char *data;
    size_t length;

    (void)unused;
    write_sample(in_folder("d"), 10);
    length = read_bytes(in_folder("d"), &data);
    write_bytes(in_folder("d"), data, length + 1);
    assert_int_equal(read_as(state, in_folder("d"), "kind", 7, 12, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "too long"));
    free(data);
    rung_state_free(state);
}

static void empty_payload_is_a_state(void **unused)
{
    struct rung_state *state = rung_state_new();
    struct rung_err err;

    (void)unused;
    write_sample(in_folder("e"), 0);
    assert_int_equal(read_as(state, in_folder("e"), "kind", 7, 12, &err), 0);
    assert_int_equal(rung_state_left(state), 0);
    rung_state_free(state);
}

static void failed_write_leaves_no_file(void **unused)
{
    struct rung_state *state = rung_state_new();
    struct rung_err err;
    struct stat info;

    (void)unused;
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(symlink("/dev/full", in_folder("full")), 0);
    rung_state_put(state, "x", 1);
    assert_int_equal(rung_state_write(state, in_folder("full"), &id, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "No space left on device"));
    assert_int_not_equal(lstat(in_folder("full"), &info), 0);
    rung_state_free(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_comes_back),
        cmocka_unit_test(many_pieces_come_back),
        cmocka_unit_test(foreign_files_are_refused_with_a_reason),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(longer_file_is_refused),
        cmocka_unit_test(empty_payload_is_a_state),
        cmocka_unit_test(failed_write_leaves_no_file),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
