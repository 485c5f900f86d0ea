/* What a trainer printed: an append-only file, cut when it grows too long, read back from its end. */
#ifndef RUNG_DISPATCH_LOGFILE_H
#define RUNG_DISPATCH_LOGFILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

#define RUNG_LOG_MAX (10 * 1024 * 1024) /* bytes; over it the older half is dropped */

/* Opens FOLDER/SLOT.log for appending (close-on-exec); *start is its length. The descriptor, or RUNG_EFAIL.
 */
int rung_logfile_open(const char *folder, int slot, off_t *start, struct rung_err *err) RUNG_CHECK_RESULT;
/* Cuts the file when it is over RUNG_LOG_MAX; *start is moved with what it pointed at. */
void rung_logfile_trim(int fd, off_t *start);
/* Appends the last `lines` lines written at or after start, without the last newline. */
void rung_logfile_tail(int fd, off_t start, size_t lines, struct rung_buf *out);

#endif
