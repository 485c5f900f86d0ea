/* Frames: read back however the bytes are cut, and refused as soon as it is clear that they are none. */
#include "dispatch/frame.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGE_MAX 1000
#define PIECE_MAX   300

static struct rung_buf written(void)
{
    struct rung_buf buf;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    return buf;
}

static void write_frame(struct rung_buf *buf, enum rung_frame_type type, uint64_t stream, const char *data,
                        size_t length)
{
    unsigned char header[RUNG_FRAME_HEADER_MAX];
    rung_buf_append(buf, header, rung_frame_header(header, type, stream, length));
    rung_buf_append(buf, data, length);
}

/* Reads the bytes in parts of `step`, and writes what came as lines. */
static int read_in_steps(const struct rung_buf *bytes, size_t step, struct rung_buf *out,
                         struct rung_err *err)
{
    struct rung_frame_reader reader;
    struct rung_frame frame;
    int code = 0;

    rung_frame_reader_init(&reader, MESSAGE_MAX, PIECE_MAX);
    for (size_t at = 0; at < bytes->length && code >= 0; at += step) {
        size_t length = bytes->length - at < step ? bytes->length - at : step;
        char *part = rung_mem_copy(bytes->data + at, length, 1); /* so that reading beyond it is seen */
        const char *data = part;
        while ((code = rung_frame_next(&reader, &data, &length, &frame, err)) > 0) {
            rung_buf_printf(out, "%c %llu %zu:", frame.type, (unsigned long long)frame.stream, frame.length);
            rung_buf_append(out, frame.data, frame.length);
            rung_buf_char(out, '\n');
        }
        free(part);
    }
    rung_frame_reader_free(&reader);
    return code;
}

static void frames_are_read_back_however_they_are_cut(void **state)
{
    (void)state;
    struct rung_buf bytes = written(), expected = written();
    char data[MESSAGE_MAX];
    struct rung_err err;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)('a' + i % 26);
    size_t sizes[] = {1, 2, 255, 256, PIECE_MAX, 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t stream = UINT64_MAX - i * 0x0102030405060708u;
        write_frame(&bytes, RUNG_FRAME_MESSAGE, 0, data, sizes[i]);
        write_frame(&bytes, RUNG_FRAME_PIECE, stream, data + 1, sizes[i]);
        rung_buf_printf(&expected, "J 0 %zu:%.*s\n", sizes[i], (int)sizes[i], data);
        rung_buf_printf(&expected, "S %llu %zu:%.*s\n", (unsigned long long)stream, sizes[i], (int)sizes[i],
                        data + 1);
    }
    write_frame(&bytes, RUNG_FRAME_MESSAGE, 0, data, MESSAGE_MAX);
    rung_buf_printf(&expected, "J 0 %d:%.*s\n", MESSAGE_MAX, MESSAGE_MAX, data);
    for (size_t step = 1; step <= bytes.length; step++) {
        struct rung_buf out = written();
        assert_int_equal(read_in_steps(&bytes, step, &out, &err), 0);
        assert_string_equal(rung_buf_cstr(&out), expected.data);
        rung_buf_free(&out);
    }
    rung_buf_free(&bytes);
    rung_buf_free(&expected);
}

static void bytes_are_as_documented(void **state)
{
    (void)state;
    unsigned char header[RUNG_FRAME_HEADER_MAX];
    assert_int_equal(rung_frame_header(header, RUNG_FRAME_MESSAGE, 0, 0x01020304), 5);
    assert_memory_equal(header, "\x01\x02\x03\x05J", 5);
    assert_int_equal(rung_frame_header(header, RUNG_FRAME_PIECE, 0x1122334455667788u, 3), 13);
    assert_memory_equal(header,
                        "\0\0\0\x0cS"
                        "\x11\x22\x33\x44\x55\x66\x77\x88",
                        13);
}

static void refuses(const char *start, size_t length, const char *reason)
{
    struct rung_err err;
    for (size_t step = 1; step <= length; step++) {
        struct rung_buf bytes = written(), out = written();
        rung_buf_append(&bytes, start, length);
        assert_int_equal(read_in_steps(&bytes, step, &out, &err), RUNG_EFAIL);
        assert_string_equal(err.text, reason);
        assert_int_equal(out.length, 0);
        rung_buf_free(&bytes);
        rung_buf_free(&out);
    }
}

static void what_is_no_frame_is_refused_at_its_type(void **state)
{
    (void)state;
    refuses("\xff\xff\xff\xffJ", 5, "a frame of 4294967295 bytes");
    refuses("\xff\xff\xff\xffS", 5, "a frame of 4294967295 bytes");
    refuses("\0\0\0\0J", 5, "a frame of 0 bytes");
    refuses("\0\0\0\x05K", 5, "a frame of the unknown type 75");
    refuses("\0\0\0\x01J", 5, "a message of 0 bytes");
    refuses("\0\0\x03\xeaJ", 5, "a message of 1001 bytes");
    refuses("\0\0\0\x09S", 5, "a piece of 0 bytes");
    refuses("\0\0\0\x01S", 5, "a piece of 0 bytes");
    refuses("\0\0\x01\x36S", 5, "a piece of 301 bytes");
    refuses("GET /", 5, "a frame of 1195725856 bytes");
}

static void a_length_alone_takes_no_memory(void **state)
{
    (void)state;
    struct rung_frame_reader reader;
    struct rung_frame frame;
    struct rung_err err;
    const char *data = "\0\x1f\xff\xffJxx";
    size_t length = 5;

    rung_frame_reader_init(&reader, 2 * 1024 * 1024, PIECE_MAX);
    assert_int_equal(rung_frame_next(&reader, &data, &length, &frame, &err), 0);
    assert_int_equal(reader.body.capacity, 0);
    length = 2;
    assert_int_equal(rung_frame_next(&reader, &data, &length, &frame, &err), 0);
    assert_true(reader.body.capacity < 1024);
    rung_frame_reader_free(&reader);
}

static void an_idle_reader_holds_no_memory(void **state)
{
    (void)state;
    struct rung_frame_reader reader;
    struct rung_frame frame;
    struct rung_err err;
    const char *first = "\0\0\0\x03J{", *second = "}";
    size_t length = 6;

    rung_frame_reader_init(&reader, MESSAGE_MAX, PIECE_MAX);
    assert_int_equal(rung_frame_next(&reader, &first, &length, &frame, &err), 0);
    length = 1;
    assert_int_equal(rung_frame_next(&reader, &second, &length, &frame, &err), 1);
    assert_int_equal(frame.length, 2);
    assert_memory_equal(frame.data, "{}", 2);
    assert_int_equal(rung_frame_next(&reader, &second, &length, &frame, &err), 0);
    assert_null(reader.body.data);
    rung_frame_reader_free(&reader);
}

static void the_middle_of_a_frame_is_known(void **state)
{
    (void)state;
    struct rung_frame_reader reader;
    struct rung_frame frame;
    struct rung_buf bytes = written();
    struct rung_err err;

    write_frame(&bytes, RUNG_FRAME_MESSAGE, 0, "{}", 2);
    write_frame(&bytes, RUNG_FRAME_PIECE, 7, "abc", 3);
    size_t first = 7;
    rung_frame_reader_init(&reader, MESSAGE_MAX, PIECE_MAX);
    assert_true(rung_frame_is_between(&reader));
    for (size_t at = 0; at < bytes.length; at++) {
        const char *data = bytes.data + at;
        size_t length = 1;
        bool last = at + 1 == first || at + 1 == bytes.length;
        assert_int_equal(rung_frame_next(&reader, &data, &length, &frame, &err), last);
        assert_int_equal(rung_frame_is_between(&reader), last);
    }
    rung_frame_reader_free(&reader);
    rung_buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_read_back_however_they_are_cut),
        cmocka_unit_test(bytes_are_as_documented),
        cmocka_unit_test(what_is_no_frame_is_refused_at_its_type),
        cmocka_unit_test(a_length_alone_takes_no_memory),
        cmocka_unit_test(an_idle_reader_holds_no_memory),
        cmocka_unit_test(the_middle_of_a_frame_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
