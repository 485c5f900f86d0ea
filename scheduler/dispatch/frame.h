/*
 * Frames as bytes: 4 bytes (big endian) with the length of what follows, a byte that is the type, and the
 * body.
 *
 *     J  a message: its text
 *     S  a piece of a stream: 8 bytes (big endian) that are the stream's number, then 1 byte or more of it
 *
 * Pure: bytes in, frames out. What came is judged as soon as the length and the type are there, and memory is
 * taken as bytes come, so that a length alone costs nothing.
 */
#ifndef RUNG_DISPATCH_FRAME_H
#define RUNG_DISPATCH_FRAME_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_FRAME_HEADER_MAX 13 /* bytes before a piece; 5 before a message */

enum rung_frame_type { RUNG_FRAME_MESSAGE = 'J', RUNG_FRAME_PIECE = 'S' };

struct rung_frame {
    enum rung_frame_type type;
    uint64_t stream;  /* of a piece */
    const char *data; /* until the next call with the reader, and while the bytes that it was fed are there */
    size_t length;
};

struct rung_frame_reader {
    size_t message_max, piece_max; /* bytes of a message's text and of a piece's data */
    unsigned char header[RUNG_FRAME_HEADER_MAX];
    size_t header_length;
    size_t wanted; /* bytes of the body, once the header is there */
    struct rung_buf body;
};

void rung_frame_reader_init(struct rung_frame_reader *reader, size_t message_max, size_t piece_max);
void rung_frame_reader_free(struct rung_frame_reader *reader);

/* Takes bytes from *data, at most to the end of a frame, and advances *data and *length over them. Returns 1
 * with a frame; 0 when all bytes are taken and no frame is complete; RUNG_EFAIL when they are none ("a frame
 * of 4294967295 bytes"), after which the reader is only freed. */
int rung_frame_next(struct rung_frame_reader *reader, const char **data, size_t *length,
                    struct rung_frame *frame, struct rung_err *err) RUNG_CHECK_RESULT;

/* Nothing of a frame has come that is not complete. */
bool rung_frame_is_between(const struct rung_frame_reader *reader);

/* What goes before length bytes of a frame of that type: writes it, returns how long it is. */
size_t rung_frame_header(unsigned char header[RUNG_FRAME_HEADER_MAX], enum rung_frame_type type,
                         uint64_t stream, size_t length);

#endif
