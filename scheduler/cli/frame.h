/* The picture of a running search, as lines of text: what is drawn, not how it gets to the terminal. */
#ifndef RUNG_CLI_FRAME_H
#define RUNG_CLI_FRAME_H

#include "base/buf.h"
#include "dispatch/session.h"

#include <stdbool.h>
#include <stddef.h>

struct rung_frame_size {
    size_t width, height; /* columns and lines that a frame may take */
    bool colour;
};

/* Appends a frame: lines of at most width columns, each ended by a newline. */
void rung_frame_draw(struct rung_buf *out, const char *name, const struct rung_session_view *view,
                     const struct rung_frame_size *size);

/* Lines that a drawn frame takes on a terminal of that many columns, which breaks longer lines. */
size_t rung_frame_height(const char *frame, size_t width);

#endif
