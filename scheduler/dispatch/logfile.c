#include "dispatch/logfile.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_BYTES (64 * 1024)

static off_t length_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_size : 0;
}

int rung_logfile_open(const char *folder, int slot, off_t *start, struct rung_err *err)
{
    char *path = rung_mem_printf("%s/%d.log", folder, slot);
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) {
        rung_err_set(err, RUNG_EFAIL, "cannot open the log %s: %s", path, strerror(errno));
        free(path);
        return RUNG_EFAIL;
    }
    free(path);
    rung_logfile_trim(fd, start);
    *start = length_of(fd);
    return fd;
}

/* The trainer may write between the reading and the cutting: what it writes then is lost, which a log over
 * its limit bears. */
void rung_logfile_trim(int fd, off_t *start)
{
    static const char mark[] = "[... older lines were cut ...]\n";
    off_t length = length_of(fd);
    if (length <= RUNG_LOG_MAX)
        return;
    size_t keep = RUNG_LOG_MAX / 2;
    char *tail = rung_mem_zalloc(keep, 1);
    ssize_t got = pread(fd, tail, keep, length - (off_t)keep);
    const char *line = got > 0 ? memchr(tail, '\n', (size_t)got) : NULL;
    if (ftruncate(fd, 0) == 0 && write(fd, mark, sizeof mark - 1) >= 0 && line) {
        size_t rest = (size_t)(tail + got - (line + 1));
        if (write(fd, line + 1, rest) < 0)
            got = 0; /* a full disk: the log is lost, the search goes on */
    }
    free(tail);
    *start = *start > length - (off_t)keep ? *start - (length - (off_t)keep) : 0;
}

void rung_logfile_tail(int fd, off_t start, size_t lines, struct rung_buf *out)
{
    off_t end = length_of(fd);
    off_t from = end - start > TAIL_BYTES ? end - TAIL_BYTES : start;
    if (from >= end)
        return;
    char *text = rung_mem_zalloc((size_t)(end - from), 1);
    ssize_t got = pread(fd, text, (size_t)(end - from), from);
    size_t length = got > 0 ? (size_t)got : 0;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    size_t first = length, seen = 0;
    while (first > 0 && !(text[first - 1] == '\n' && ++seen == lines))
        first--;
    rung_buf_append(out, text + first, length - first);
    free(text);
}
