/* Owns reading whole files, compressed or not, guessing what they are, and numbers in text. */
#include "base/mem.h"
#include "table.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define FILE_BYTES_MAX ((size_t)8 << 30)
#define PIECE          ((size_t)1 << 20)
#define SNIFF_LINES    20

void rung_table_free(struct rung_table *table)
{
    free(table->floats);
    free(table->owner);
    free(table->start);
    free(table->column);
    free(table->value);
    free(table->flag);
    free(table->answer);
    memset(table, 0, sizeof *table);
}

static int read_stream(gzFile stream, const char *path, size_t room, struct rung_file *file,
                       struct rung_err *err)
{
    int n, cause;

    do {
        if (room - file->length < PIECE + 1) {
            room *= 2;
            if (room > FILE_BYTES_MAX)
                return rung_err_set(err, RUNG_EUSE, "%s: more than 8 GiB", path);
            file->text = rung_mem_resize(file->text, room, 1);
        }
        n = gzread(stream, file->text + file->length, (unsigned int)PIECE);
        if (n < 0) {
            const char *why = gzerror(stream, &cause);

            return rung_err_set(err, RUNG_EUSE, "%s: %s", path, cause == Z_ERRNO ? strerror(errno) : why);
        }
        file->length += (size_t)n;
    } while (n > 0);
    file->text = rung_mem_resize(file->text, file->length + 1, 1); /* images stay here: give the rest back */
    file->text[file->length] = '\0';
    (void)gzerror(stream, &cause);
    if (cause == Z_BUF_ERROR) /* the compressed stream ended in the middle */
        return rung_err_set(err, RUNG_EUSE, "%s: truncated gzip file", path);
    return 0;
}

int rung_file_read(const char *path, struct rung_file *file, struct rung_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    gzFile stream;
    size_t room;
    int code;

    memset(file, 0, sizeof *file);
    if (fd < 0)
        return rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(errno));
    if (fstat(fd, &info) < 0 || S_ISDIR(info.st_mode)) {
        code = rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(S_ISDIR(info.st_mode) ? EISDIR : errno));
        close(fd);
        return code;
    }
    stream = gzdopen(fd, "rb");
    if (!stream) {
        close(fd);
        return rung_err_set(err, RUNG_EFAIL, "%s: out of memory", path);
    }
    gzbuffer(stream, (unsigned int)PIECE / 4);
    /* One piece more than a plain file has; a compressed one usually opens to under four times. */
    room = (size_t)info.st_size * (gzdirect(stream) ? 1 : 4) + 2 * PIECE;
    file->text = rung_mem_resize(NULL, room, 1);
    code = read_stream(stream, path, room, file, err);
    gzclose(stream);
    if (code < 0) {
        free(file->text);
        memset(file, 0, sizeof *file);
    }
    return code;
}

/* "LABEL INDEX:VALUE …" */
static bool is_libsvm_line(const char *line, const char *end)
{
    const char *p = line;
    double number;

    if (!rung_text_number(&p, &number) || p >= end || (*p != ' ' && *p != '\t'))
        return false;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end || !isdigit((unsigned char)*p))
        return false;
    while (p < end && isdigit((unsigned char)*p))
        p++;
    return p < end && *p == ':';
}

enum rung_format rung_file_format(const struct rung_file *file)
{
    const char *line = file->text, *stop = file->text + file->length;

    if (file->length >= 4 && line[0] == 0 && line[1] == 0)
        return RUNG_FORMAT_IDX;
    for (int i = 0; i < SNIFF_LINES && line < stop; i++) { /* an example without features says nothing */
        const char *end = memchr(line, '\n', (size_t)(stop - line));

        end = end ? end : stop;
        if (is_libsvm_line(line, end))
            return RUNG_FORMAT_LIBSVM;
        line = end + 1;
    }
    return RUNG_FORMAT_CSV;
}

/* Up to 15 digits and a power of ten up to 10^22 are both exact doubles, so one rounding is left
 * (Clinger 1990), as in strtod; everything else goes to strtod. */
bool rung_text_number(const char **p, double *number)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *s = *p;
    bool negative = *s == '-';
    uint64_t mantissa = 0;
    int digits = 0, exponent = 0;
    char *end;

    s += *s == '-' || *s == '+';
    for (; isdigit((unsigned char)*s); s++, digits++)
        mantissa = mantissa * 10 + (uint64_t)(*s - '0');
    if (*s == '.')
        for (s++; isdigit((unsigned char)*s); s++, digits++, exponent--)
            mantissa = mantissa * 10 + (uint64_t)(*s - '0');
    if (digits == 0)
        return false; /* also "nan" and "inf", which strtod would take */
    if (digits <= 15 && *s != 'e' && *s != 'E' && *s != 'x' && *s != 'X') {
        *number = exponent < 0 ? (double)mantissa / power[-exponent] : (double)mantissa;
        if (negative)
            *number = -*number;
        *p = s;
        return true;
    }
    if (*s == 'x' || *s == 'X')
        return false;
    *number = strtod(*p, &end);
    *p = end;
    return isfinite(*number);
}
