#include "dispatch/frame.h"

#include <string.h>

#define START  5 /* the length and the type */
#define NUMBER 8 /* of the stream */

static uint64_t get(const unsigned char *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void put(unsigned char *bytes, size_t count, uint64_t value)
{
    for (size_t i = count; i-- > 0; value >>= 8)
        bytes[i] = (unsigned char)value;
}

void rung_frame_reader_init(struct rung_frame_reader *reader, size_t message_max, size_t piece_max)
{
    memset(reader, 0, sizeof *reader);
    reader->message_max = message_max;
    reader->piece_max = piece_max;
    rung_buf_init(&reader->body, message_max > piece_max ? message_max : piece_max);
}

void rung_frame_reader_free(struct rung_frame_reader *reader)
{
    rung_buf_free(&reader->body);
}

/* Of the length and the type. */
static int judge(struct rung_frame_reader *reader, struct rung_err *err)
{
    uint64_t length = get(reader->header, START - 1);
    unsigned char type = reader->header[START - 1];
    uint64_t extra = type == RUNG_FRAME_PIECE ? 1 + NUMBER : 1;
    size_t max = type == RUNG_FRAME_PIECE ? reader->piece_max : reader->message_max;

    if (length < 1 || length > 1 + NUMBER + (uint64_t)reader->body.limit)
        return rung_err_set(err, RUNG_EFAIL, "a frame of %llu bytes", (unsigned long long)length);
    if (type != RUNG_FRAME_MESSAGE && type != RUNG_FRAME_PIECE)
        return rung_err_set(err, RUNG_EFAIL, "a frame of the unknown type %d", type);
    if (length <= extra || length - extra > max)
        return rung_err_set(err, RUNG_EFAIL, "a %s of %llu bytes",
                            type == RUNG_FRAME_PIECE ? "piece" : "message",
                            (unsigned long long)(length > extra ? length - extra : 0));
    reader->wanted = (size_t)(length - extra);
    return 0;
}

/* 1: the header is complete. */
static int read_header(struct rung_frame_reader *reader, const char **data, size_t *length,
                       struct rung_err *err)
{
    for (;;) {
        size_t size = START;
        if (reader->header_length >= START && reader->header[START - 1] == RUNG_FRAME_PIECE)
            size += NUMBER;
        if (reader->header_length == size)
            return 1;
        if (*length == 0)
            return 0;
        size_t take = size - reader->header_length < *length ? size - reader->header_length : *length;
        memcpy(reader->header + reader->header_length, *data, take);
        reader->header_length += take;
        *data += take;
        *length -= take;
        if (reader->header_length == START && judge(reader, err) < 0)
            return RUNG_EFAIL;
    }
}

/* The body as it lies in the bytes where it is whole there, else gathered. */
static const char *read_body(struct rung_frame_reader *reader, const char **data, size_t *length)
{
    size_t missing = reader->wanted - reader->body.length;
    size_t take = missing < *length ? missing : *length;
    const char *start = *data;

    *data += take;
    *length -= take;
    if (take == reader->wanted)
        return start;
    if (take > 0) {
        /* A piece is small enough to take its memory at once; that of a message grows with it. */
        if (reader->header[START - 1] == RUNG_FRAME_PIECE)
            rung_buf_reserve(&reader->body, missing);
        rung_buf_append(&reader->body, start, take);
    }
    return take == missing ? reader->body.data : NULL;
}

int rung_frame_next(struct rung_frame_reader *reader, const char **data, size_t *length,
                    struct rung_frame *frame, struct rung_err *err)
{
    if (reader->wanted > 0 && reader->body.length == reader->wanted) {
        rung_buf_free(&reader->body); /* thousands of connections are idle: none keeps memory */
        reader->wanted = 0;
    }
    int code = read_header(reader, data, length, err);
    if (code <= 0)
        return code;
    const char *body = read_body(reader, data, length);
    if (!body)
        return 0;
    frame->type = (enum rung_frame_type)reader->header[START - 1];
    frame->stream = frame->type == RUNG_FRAME_PIECE ? get(reader->header + START, NUMBER) : 0;
    frame->data = body;
    frame->length = reader->wanted;
    reader->header_length = 0;
    return 1;
}

bool rung_frame_is_between(const struct rung_frame_reader *reader)
{
    return reader->header_length == 0;
}

size_t rung_frame_header(unsigned char header[RUNG_FRAME_HEADER_MAX], enum rung_frame_type type,
                         uint64_t stream, size_t length)
{
    size_t extra = type == RUNG_FRAME_PIECE ? NUMBER : 0;

    put(header, START - 1, 1 + extra + length);
    header[START - 1] = (unsigned char)type;
    put(header + START, extra, stream);
    return START + extra;
}
