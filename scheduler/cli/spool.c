/*
 * A stream into memory, which goes on in a file once it is long: most answers are short and need no folder
 * where files can be made, an export may be as long as its database and must not be held in memory.
 */
#include "cli/spool.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/scratch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IN_MEMORY (1024 * 1024) /* bytes */
#define PIECE     (64 * 1024)

struct rung_spool {
    FILE *stream; /* standard output itself, where that is a file */
    struct rung_buf kept;
    int file; /* what there is before what is kept; -1: none */
    int why;  /* errno of a file that cannot be made or written, 0 */
};

static bool move_to_file(struct rung_spool *spool)
{
    size_t moved = 0;

    if (spool->file < 0 && (spool->file = rung_scratch_file()) < 0)
        return false;
    while (moved < spool->kept.length) {
        ssize_t put = write(spool->file, spool->kept.data + moved, spool->kept.length - moved);
        if (put < 0 && errno != EINTR)
            return false;
        moved += put > 0 ? (size_t)put : 0;
    }
    rung_buf_clear(&spool->kept);
    return true;
}

static ssize_t on_write(void *context, const char *data, size_t length)
{
    struct rung_spool *spool = context;

    if (spool->why == 0 && spool->kept.length + length > IN_MEMORY && !move_to_file(spool))
        spool->why = errno;
    if (spool->why != 0)
        return 0; /* an error, to stdio */
    rung_buf_append(&spool->kept, data, length);
    return (ssize_t)length;
}

struct rung_spool *rung_spool_create(void)
{
    struct rung_spool *spool = rung_mem_zalloc(1, sizeof *spool);
    struct stat info;

    rung_buf_init(&spool->kept, RUNG_BUF_UNLIMITED);
    spool->file = -1;
    spool->stream = fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode)
                        ? stdout
                        : fopencookie(spool, "w", (cookie_io_functions_t){.write = on_write});
    if (!spool->stream)
        rung_mem_out();
    return spool;
}

FILE *rung_spool_stream(const struct rung_spool *spool)
{
    return spool->stream;
}

static bool print_file(const struct rung_spool *spool)
{
    char *data = rung_mem_zalloc(PIECE, 1);
    ssize_t got = 0;

    for (off_t at = 0; !ferror(stdout) && (got = pread(spool->file, data, PIECE, at)) > 0; at += got)
        fwrite(data, 1, (size_t)got, stdout);
    free(data);
    return got >= 0;
}

static int no_room(const struct rung_spool *spool, struct rung_err *err)
{
    int code = rung_err_set(err, RUNG_EFAIL, "%s: what is to be printed cannot be kept there: %s",
                            rung_scratch_folder(), strerror(spool->why));

    rung_err_way_out(err, "TMPDIR=… names another folder; what is printed to a file (> FILE) needs none");
    return code;
}

int rung_spool_end(struct rung_spool *spool, int code, struct rung_err *err)
{
    if (!spool)
        return code;
    if (spool->stream != stdout)
        fflush(spool->stream);
    if (spool->why == 0 && spool->file >= 0 && !print_file(spool))
        spool->why = errno;
    if (spool->why == 0)
        fwrite(rung_buf_cstr(&spool->kept), 1, spool->kept.length, stdout);
    else if (code == 0)
        code = no_room(spool, err);
    rung_spool_free(spool);
    return code;
}

void rung_spool_free(struct rung_spool *spool)
{
    if (!spool)
        return;
    if (spool->stream != stdout)
        fclose(spool->stream);
    if (spool->file >= 0)
        close(spool->file);
    rung_buf_free(&spool->kept);
    free(spool);
}
