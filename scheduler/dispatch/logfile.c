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
#define LAG_BYTES  (1024 * 1024) /* that a follower may be behind */

static off_t length_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_size : 0;
}

static int open_log(const char *folder, int slot, int flags, struct rung_err *err)
{
    char *path = rung_mem_printf("%s/%d.log", folder, slot);
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0)
        rung_err_set(err, RUNG_EFAIL, "cannot open the log %s: %s", path, strerror(errno));
    free(path);
    return fd < 0 ? RUNG_EFAIL : fd;
}

int rung_logfile_open(const char *folder, int slot, off_t *start, struct rung_err *err)
{
    int fd = open_log(folder, slot, O_RDWR | O_CREAT | O_APPEND, err);
    if (fd < 0)
        return fd;
    rung_logfile_trim(fd, NULL, 0);
    *start = length_of(fd);
    return fd;
}

/* The trainer may write between the reading and the cutting: what it writes then is lost, which a log over
 * its limit bears. */
void rung_logfile_trim(int fd, off_t *marks, size_t count)
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
    for (size_t i = 0; i < count; i++)
        marks[i] = marks[i] > length - (off_t)keep ? marks[i] - (length - (off_t)keep) : 0;
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

void rung_logfile_follow(int fd, off_t *from, size_t most, bool end, struct rung_buf *out)
{
    off_t there = length_of(fd);
    if (*from > there) /* somebody has cut it */
        *from = there;
    if (there - *from > LAG_BYTES) {
        rung_buf_text(out, "[... lines were left out ...]\n");
        *from = there - LAG_BYTES / 2;
    }
    size_t length = (size_t)(there - *from) < most ? (size_t)(there - *from) : most;
    if (length == 0)
        return;
    char *text = rung_mem_zalloc(length, 1);
    ssize_t got = pread(fd, text, length, *from);
    size_t come = got > 0 ? (size_t)got : 0, taken = come;
    const char *last = memrchr(text, '\n', come);
    if (!end && come < most)
        taken = last ? (size_t)(last + 1 - text) : 0;
    else if (last && come == most)
        taken = (size_t)(last + 1 - text);
    for (char *nul; (nul = memchr(text, '\0', taken));)
        *nul = ' ';
    rung_buf_append(out, text, taken);
    *from += (off_t)taken;
    free(text);
}

void rung_logfile_tail_of(const char *folder, int slot, off_t start, size_t lines, struct rung_buf *out)
{
    struct rung_err err;
    int fd = open_log(folder, slot, O_RDONLY, &err);
    if (fd < 0)
        return;
    rung_logfile_tail(fd, start, lines, out);
    close(fd);
}

void rung_logfile_add(const char *folder, int slot, const char *text, off_t *start)
{
    struct rung_err err;
    int fd = open_log(folder, slot, O_RDWR | O_CREAT | O_APPEND, &err);
    if (fd < 0)
        return;
    bool first = *start < 0;
    rung_logfile_trim(fd, start, 1);
    if (first)
        *start = length_of(fd);
    for (size_t rest = strlen(text); rest > 0;) {
        ssize_t put = write(fd, text, rest);
        if (put <= 0 && errno != EINTR)
            break;
        text += put > 0 ? put : 0;
        rest -= put > 0 ? (size_t)put : 0;
    }
    close(fd);
}
