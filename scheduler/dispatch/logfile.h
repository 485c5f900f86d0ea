/* What a trainer printed: an append-only file, cut when it grows too long, read back from its end. */
#ifndef RUNG_DISPATCH_LOGFILE_H
#define RUNG_DISPATCH_LOGFILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define RUNG_LOG_MAX (10 * 1024 * 1024) /* bytes; over it the older half is dropped */

/* Opens FOLDER/SLOT.log for appending (close-on-exec); *start is its length. The descriptor, or RUNG_EFAIL.
 */
int rung_logfile_open(const char *folder, int slot, off_t *start, struct rung_err *err) RUNG_CHECK_RESULT;
/* Cuts the file when it is over RUNG_LOG_MAX; the marks are moved with what they pointed at. */
void rung_logfile_trim(int fd, off_t *marks, size_t count);
/* Appends the last `lines` lines written at or after start, without the last newline. */
void rung_logfile_tail(int fd, off_t start, size_t lines, struct rung_buf *out);
/* Appends what was written at or after *from, at most `most` bytes, and moves *from behind it; a line that
 * has not ended only when this is the end. Of what is much older only the last part is read, which is said in
 * the place of the rest. */
void rung_logfile_follow(int fd, off_t *from, size_t most, bool end, struct rung_buf *out);
/* Appends to FOLDER/SLOT.log what was printed elsewhere, and cuts it as above. *start is where what was added
 * begins; -1: that is here. What cannot be written is lost. */
void rung_logfile_add(const char *folder, int slot, const char *text, off_t *start);
/* rung_logfile_tail of FOLDER/SLOT.log. */
void rung_logfile_tail_of(const char *folder, int slot, off_t start, size_t lines, struct rung_buf *out);

#endif
