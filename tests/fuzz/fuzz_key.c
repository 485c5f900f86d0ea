/* A key file with anything in it: it is a key of 64 digits, perhaps with the end of their line, or refused in
 * one line that tells nothing of what is in the file. */
#include "dispatch/key.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static int value_of(uint8_t digit)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *found = digit ? strchr(digits, digit) : NULL;

    if (!found)
        return -1;
    return found - digits < 16 ? (int)(found - digits) : (int)(found - digits) - 6;
}

/* As the file should be read. */
static bool is_key(const uint8_t *data, size_t size, unsigned char key[RUNG_KEY_BYTES])
{
    for (size_t i = 0; i < RUNG_KEY_BYTES; i++) {
        if (size < 2 * i + 2 || value_of(data[2 * i]) < 0 || value_of(data[2 * i + 1]) < 0)
            return false;
        key[i] = (unsigned char)(value_of(data[2 * i]) * 16 + value_of(data[2 * i + 1]));
    }
    for (size_t i = (size_t)2 * RUNG_KEY_BYTES; i < size; i++)
        if (data[i] != '\r' && data[i] != '\n')
            return false;
    return size <= (size_t)2 * RUNG_KEY_BYTES + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char expected[RUNG_KEY_BYTES];
    struct rung_key key;
    struct rung_err err = {0};
    char path[64];
    int fd = memfd_create("key", MFD_CLOEXEC);

    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    require(fchmod(fd, 0640) == 0 && rung_key_read(&key, path, &err) == RUNG_EUSE);
    require(fchmod(fd, 0600) == 0);
    int code = rung_key_read(&key, path, &err);
    if (is_key(data, size, expected))
        require(code == 0 && memcmp(key.bytes, expected, sizeof expected) == 0);
    else
        require(code == RUNG_EUSE && err.text[0] && !strchr(err.text, '\n'));
    close(fd);
    return 0;
}
