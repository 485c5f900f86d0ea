#include "dispatch/key.h"

#include "base/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS ((size_t)2 * RUNG_KEY_BYTES)

static int use_error(struct rung_err *err, const char *path, const char *what)
{
    return rung_err_set(err, RUNG_EUSE, "%s: %s: %s", path, what, strerror(errno));
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        }
    }
    return 0;
}

/* A line of hexadecimal digits. */
static void write_digits(char text[DIGITS + 1], const unsigned char *bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < RUNG_KEY_BYTES; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[DIGITS] = '\n';
}

static int open_new(const char *path, struct rung_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    if (errno != EEXIST)
        return use_error(err, path, "cannot be made");
    rung_err_set(err, RUNG_EUSE, "%s: it exists, and a key is never replaced", path);
    rung_err_way_out(err, "take another name, or remove it first");
    return RUNG_EUSE;
}

int rung_key_make(const char *path, struct rung_err *err)
{
    struct rung_key key;
    char text[DIGITS + 1];
    int code = 0;

    if (getrandom(key.bytes, sizeof key.bytes, 0) != (ssize_t)sizeof key.bytes)
        return rung_err_set(err, RUNG_EFAIL, "%s: the system gives no random bytes: %s", path,
                            strerror(errno));
    write_digits(text, key.bytes);
    explicit_bzero(&key, sizeof key);
    int fd = open_new(path, err);
    if (fd < 0) {
        code = fd;
        goto out;
    }
    /* The mode that was asked for passed through the umask, which can take the owner's rights, too. */
    if (fchmod(fd, 0600) < 0 || write_all(fd, text, sizeof text) < 0 || fsync(fd) < 0)
        code = use_error(err, path, "cannot be written");
    if (close(fd) < 0 && code == 0)
        code = use_error(err, path, "cannot be written");
    if (code < 0)
        unlink(path);
out:
    explicit_bzero(text, sizeof text);
    return code;
}

static int digit(char c)
{
    if ('0' <= c && c <= '9')
        return c - '0';
    if ('a' <= c && c <= 'f')
        return c - 'a' + 10;
    return 'A' <= c && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Only the digits, and at most the end of their line. */
static int read_digits(unsigned char *bytes, const char *text, size_t length)
{
    if (length < DIGITS || length > DIGITS + 2)
        return -1;
    if (strspn(text + DIGITS, "\r\n") != length - DIGITS)
        return -1;
    for (size_t i = 0; i < RUNG_KEY_BYTES; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

static int key_way_out(struct rung_err *err, const char *format, const char *path)
{
    struct rung_buf word;

    rung_buf_init(&word, RUNG_BUF_UNLIMITED);
    rung_shell_file(&word, path);
    int code = rung_err_way_out(err, format, rung_buf_cstr(&word));
    rung_buf_free(&word);
    return code;
}

static int check_file(int fd, const char *path, struct rung_err *err)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return use_error(err, path, "cannot be read");
    if (!S_ISREG(status.st_mode))
        return rung_err_set(err, RUNG_EUSE, "%s: it is no file with a key", path);
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        rung_err_set(err, RUNG_EUSE, "%s: it belongs to another user (%u), who can read it, too", path,
                     (unsigned)status.st_uid);
        return key_way_out(
            err, geteuid() == 0 ? "chown 0 %s" : "install -m 600 %s FILE makes one that is yours", path);
    }
    if ((status.st_mode & 077) == 0)
        return 0;
    rung_err_set(err, RUNG_EUSE, "%s: others than its owner can use it (mode %04o)", path,
                 (unsigned)status.st_mode & 07777);
    return key_way_out(err, "chmod 600 %s", path);
}

static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t length = 0;

    while (length < size) {
        ssize_t n = read(fd, text + length, size - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        length += (size_t)n;
    }
    return (ssize_t)length;
}

int rung_key_read(struct rung_key *key, const char *path, struct rung_err *err)
{
    char text[DIGITS + 4] = {0}; /* more than a key has, so that too long is seen, and a NUL */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO is refused, not waited for */

    if (fd < 0) {
        bool missing = errno == ENOENT;
        use_error(err, path, "the key cannot be read");
        if (missing)
            rung_err_way_out(err, "rung key %s makes one; scheduler and workers need the same", path);
        return RUNG_EUSE;
    }
    int code = check_file(fd, path, err);
    if (code == 0) {
        ssize_t length = read_all(fd, text, sizeof text - 1);
        if (length < 0)
            code = use_error(err, path, "the key cannot be read");
        else if (read_digits(key->bytes, text, (size_t)length) < 0)
            code = rung_err_set(err, RUNG_EUSE, "%s: it holds no key (%d hexadecimal digits)", path,
                                (int)DIGITS);
    }
    close(fd);
    explicit_bzero(text, sizeof text);
    return code;
}
