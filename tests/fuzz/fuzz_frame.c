/* Bytes from the other side: the frames that are read are those that were written, however the bytes are cut,
 * and each is within its limits. The first byte says how they are cut. */
#include "dispatch/frame.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 512
#define PIECE_MAX   128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends every frame as it was on the wire; what is left over is a prefix of one more. */
static int read_cut(const uint8_t *bytes, size_t size, size_t step, struct rung_buf *out)
{
    struct rung_frame_reader reader;
    struct rung_frame frame;
    struct rung_err err = {0};
    int code = 0;

    rung_frame_reader_init(&reader, MESSAGE_MAX, PIECE_MAX);
    for (size_t at = 0; at < size && code >= 0; at += step) {
        size_t length = size - at < step ? size - at : step;
        char *part = rung_mem_copy(bytes + at, length, 1);
        const char *data = part;
        while ((code = rung_frame_next(&reader, &data, &length, &frame, &err)) > 0) {
            unsigned char header[RUNG_FRAME_HEADER_MAX];
            size_t max = frame.type == RUNG_FRAME_PIECE ? PIECE_MAX : MESSAGE_MAX;
            if (frame.length < 1 || frame.length > max)
                abort();
            rung_buf_append(out, header, rung_frame_header(header, frame.type, frame.stream, frame.length));
            rung_buf_append(out, frame.data, frame.length);
        }
        if (reader.body.capacity > MESSAGE_MAX + 1 || (code == 0 && length != 0))
            abort();
        free(part);
    }
    if (code < 0 && (code != RUNG_EFAIL || err.text[0] == '\0' || strchr(err.text, '\n')))
        abort();
    rung_frame_reader_free(&reader);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_buf whole, cut;

    if (size < 2)
        return 0;
    rung_buf_init(&whole, RUNG_BUF_UNLIMITED);
    rung_buf_init(&cut, RUNG_BUF_UNLIMITED);
    int code = read_cut(data + 1, size - 1, size, &whole);
    if (read_cut(data + 1, size - 1, 1 + (size_t)data[0], &cut) != code)
        abort();
    if (whole.length != cut.length || whole.length > size - 1)
        abort();
    if (whole.length > 0 &&
        (memcmp(whole.data, cut.data, whole.length) || memcmp(whole.data, data + 1, whole.length)))
        abort();
    rung_buf_free(&whole);
    rung_buf_free(&cut);
    return 0;
}
