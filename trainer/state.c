/* Owns model state files: what was put, in order, behind a header with a checksum. */
#include "state.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC            "RUNGSTAT"
#define BYTE_ORDER_PROBE 0x01020304u
#define COPY_BELOW       4096
#define PIECES           64 /* given to one writev; POSIX promises 16, Linux takes 1024 */

/* A run of bytes: the caller's own, or (data NULL) the next `length` of `copied`. */
struct piece {
    const void *data;
    size_t length;
};

struct rung_state {
    struct piece *pieces;
    size_t count, capacity;
    char *copied; /* writing: the small blocks, one after the other; reading: the payload */
    size_t used, room;
    size_t read; /* bytes that rung_state_get has given out */
    size_t size;
};

struct header {
    char magic[8];
    uint32_t format, order;
    char kind[RUNG_STATE_KIND_MAX];
    uint32_t version, zero;
    int64_t calls;
    uint64_t length, checksum;
};

_Static_assert(sizeof(struct header) == RUNG_STATE_HEADER, "the header is written as it lies in memory");

/*
 * The checksum: four lanes of multiply and rotate over 32 bytes at a time, after the plan of xxHash
 * (Collet). A byte-wise FNV-1a or CRC-32 would cost more than writing the file: 10 ms for 10 MB.
 */
#define LANES 4
#define PRIME 0x9e3779b185ebca87u

struct sum {
    uint64_t lane[LANES];
    unsigned char rest[8 * LANES];
    size_t have;
    uint64_t length;
};

static void sum_start(struct sum *sum)
{
    memset(sum, 0, sizeof *sum);
    for (size_t i = 0; i < LANES; i++)
        sum->lane[i] = (i + 1) * 0xc2b2ae3d27d4eb4fu;
}

static uint64_t mix(uint64_t lane, uint64_t word)
{
    lane += word * 0xc2b2ae3d27d4eb4fu;
    lane = (lane << 31) | (lane >> 33);
    return lane * PRIME;
}

static void sum_blocks(struct sum *sum, const unsigned char *data, size_t blocks)
{
    for (; blocks > 0; blocks--, data += sizeof sum->rest) {
        uint64_t word[LANES];

        memcpy(word, data, sizeof word);
        for (size_t i = 0; i < LANES; i++)
            sum->lane[i] = mix(sum->lane[i], word[i]);
    }
}

static void sum_add(struct sum *sum, const void *data, size_t length)
{
    const unsigned char *p = data;

    sum->length += length;
    if (sum->have > 0) {
        size_t take = sizeof sum->rest - sum->have < length ? sizeof sum->rest - sum->have : length;

        memcpy(sum->rest + sum->have, p, take);
        sum->have += take;
        p += take;
        length -= take;
        if (sum->have < sizeof sum->rest)
            return;
        sum_blocks(sum, sum->rest, 1);
        sum->have = 0;
    }
    sum_blocks(sum, p, length / sizeof sum->rest);
    sum->have = length % sizeof sum->rest;
    if (sum->have > 0)
        memcpy(sum->rest, p + (length - sum->have), sum->have);
}

static uint64_t sum_end(struct sum *sum)
{
    uint64_t h = sum->length * PRIME;

    if (sum->have > 0) {
        memset(sum->rest + sum->have, 0, sizeof sum->rest - sum->have);
        sum_blocks(sum, sum->rest, 1);
    }
    for (size_t i = 0; i < LANES; i++)
        h = mix(h ^ sum->lane[i], (uint64_t)i + 1);
    h ^= h >> 33;
    h *= 0xc2b2ae3d27d4eb4fu;
    return h ^ (h >> 29);
}

struct rung_state *rung_state_new(void)
{
    return rung_mem_zalloc(1, sizeof(struct rung_state));
}

void rung_state_free(struct rung_state *state)
{
    if (!state)
        return;
    free(state->pieces);
    free(state->copied);
    free(state);
}

void rung_state_reset(struct rung_state *state)
{
    state->count = state->used = state->read = state->size = 0;
}

size_t rung_state_size(const struct rung_state *state)
{
    return state->size;
}

static char *reserve(struct rung_state *state, size_t length)
{
    if (state->room - state->used < length) {
        size_t room = state->room ? 2 * state->room : 4096;

        if (room < state->used + length)
            room = state->used + length;
        state->copied = rung_mem_resize(state->copied, room, 1);
        state->room = room;
    }
    return state->copied + state->used;
}

void rung_state_put(struct rung_state *state, const void *data, size_t length)
{
    bool copy = length < COPY_BELOW;

    if (length == 0)
        return;
    if (copy) {
        memcpy(reserve(state, length), data, length);
        state->used += length;
    }
    state->size += length;
    if (copy && state->count > 0 && !state->pieces[state->count - 1].data) {
        state->pieces[state->count - 1].length += length;
        return;
    }
    state->pieces = rung_mem_grow(state->pieces, state->count, &state->capacity, sizeof *state->pieces);
    state->pieces[state->count].data = copy ? NULL : data;
    state->pieces[state->count++].length = length;
}

bool rung_state_get(struct rung_state *state, void *data, size_t length)
{
    if (length > rung_state_left(state))
        return false;
    if (length > 0)
        memcpy(data, state->copied + state->read, length);
    state->read += length;
    return true;
}

size_t rung_state_left(const struct rung_state *state)
{
    return state->used - state->read;
}

static void fill_header(struct header *header, const struct rung_state_id *id)
{
    size_t length = strlen(id->kind);

    memset(header, 0, sizeof *header);
    memcpy(header->magic, MAGIC, sizeof header->magic);
    header->format = RUNG_STATE_FORMAT;
    header->order = BYTE_ORDER_PROBE;
    memcpy(header->kind, id->kind, length < RUNG_STATE_KIND_MAX ? length : RUNG_STATE_KIND_MAX - 1);
    header->version = id->version;
}

/* write all of it, whatever writev takes at a time. */
static int write_all(int fd, struct iovec *io, int count)
{
    while (count > 0) {
        ssize_t n = writev(fd, io, count);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        while (count > 0 && (size_t)n >= io->iov_len) {
            n -= (ssize_t)io->iov_len;
            io++;
            count--;
        }
        if (count > 0) {
            io->iov_base = (char *)io->iov_base + n;
            io->iov_len -= (size_t)n;
        }
    }
    return 0;
}

/* The header with its checksum, then the pieces, PIECES at a time. */
static int write_state(const struct rung_state *state, int fd, struct header *header)
{
    struct iovec io[PIECES];
    struct sum sum;
    const char *copied = state->copied;
    int count = 0;

    sum_start(&sum);
    sum_add(&sum, header, offsetof(struct header, checksum));
    for (size_t i = 0; i < state->count; i++) {
        const struct piece *piece = &state->pieces[i];

        sum_add(&sum, piece->data ? piece->data : copied, piece->length);
        copied += piece->data ? 0 : piece->length;
    }
    header->checksum = sum_end(&sum);
    io[count++] = (struct iovec){header, sizeof *header};
    copied = state->copied;
    for (size_t i = 0; i < state->count; i++) {
        const struct piece *piece = &state->pieces[i];
        const void *data = piece->data ? piece->data : copied;

        copied += piece->data ? 0 : piece->length;
        io[count++] = (struct iovec){(void *)(uintptr_t)data, piece->length};
        if (count == PIECES) {
            if (write_all(fd, io, count) < 0)
                return -1;
            count = 0;
        }
    }
    return write_all(fd, io, count);
}

int rung_state_write(struct rung_state *state, const char *path, const struct rung_state_id *id,
                     struct rung_err *err)
{
    struct header header;
    int fd, failed, cause;

    fill_header(&header, id);
    header.calls = id->calls;
    header.length = state->size;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return rung_err_set(err, RUNG_EFAIL, "%s: %s", path, strerror(errno));
    failed = write_state(state, fd, &header);
    cause = errno;
    if (close(fd) < 0 && !failed) {
        failed = -1;
        cause = errno;
    }
    if (failed) {
        (void)unlink(path);
        return rung_err_set(err, RUNG_EFAIL, "%s: %s", path, strerror(cause));
    }
    return 0;
}

static int damaged(struct rung_state *state, struct rung_err *err, const char *why)
{
    rung_state_reset(state);
    return rung_err_set(err, RUNG_EFAIL, "%s", why);
}

static int check_header(const struct header *header, const struct rung_state_id *id, size_t length,
                        struct rung_err *err)
{
    struct header expected;

    fill_header(&expected, id);
    if (memcmp(header->magic, MAGIC, sizeof header->magic) != 0)
        return rung_err_set(err, RUNG_EFAIL, "not a model state");
    if (header->order != expected.order)
        return rung_err_set(err, RUNG_EFAIL, "written on a machine with another byte order");
    if (header->format != RUNG_STATE_FORMAT)
        return rung_err_set(err, RUNG_EFAIL, "state format %u, this trainer reads %d",
                            (unsigned)header->format, RUNG_STATE_FORMAT);
    if (memcmp(header->kind, expected.kind, sizeof header->kind) != 0)
        return rung_err_set(err, RUNG_EFAIL, "state of another trainer (\"%.*s\", not \"%s\")",
                            RUNG_STATE_KIND_MAX, header->kind, expected.kind);
    if (header->version != id->version)
        return rung_err_set(err, RUNG_EFAIL, "state version %u, this trainer reads %u",
                            (unsigned)header->version, (unsigned)id->version);
    if (header->length != length)
        return rung_err_set(err, RUNG_EFAIL, "%s: %llu bytes of state announced, %llu there",
                            header->length > length ? "truncated" : "too long",
                            (unsigned long long)header->length, (unsigned long long)length);
    if (header->calls < 0 || (id->calls >= 0 && header->calls != id->calls))
        return rung_err_set(err, RUNG_EFAIL, "a model at call %lld, expected call %lld",
                            (long long)header->calls, (long long)id->calls);
    return 0;
}

/* Checks header against the payload that state holds. */
static int check_state(struct rung_state *state, const struct header *header, struct rung_state_id *id,
                       struct rung_err *err)
{
    struct sum sum;

    if (check_header(header, id, state->used, err) < 0) {
        rung_state_reset(state);
        return err->code;
    }
    sum_start(&sum);
    sum_add(&sum, header, offsetof(struct header, checksum));
    sum_add(&sum, state->copied, state->used);
    if (sum_end(&sum) != header->checksum)
        return damaged(state, err, "damaged (its checksum differs)");
    id->calls = header->calls;
    return 0;
}

int rung_state_parse(struct rung_state *state, const void *data, size_t length, struct rung_state_id *id,
                     struct rung_err *err)
{
    struct header header;

    rung_state_reset(state);
    if (length < sizeof header)
        return damaged(state, err, "truncated: shorter than its header");
    memcpy(&header, data, sizeof header);
    length -= sizeof header;
    reserve(state, length ? length : 1);
    if (length > 0)
        memcpy(state->copied, (const char *)data + sizeof header, length);
    state->used = state->size = length;
    return check_state(state, &header, id, err);
}

/* Bytes read, short only at end of file; -1 with errno. */
static ssize_t read_all(int fd, void *data, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = read(fd, (char *)data + done, length - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int read_state(struct rung_state *state, int fd, struct rung_state_id *id, struct rung_err *err)
{
    struct header header;
    struct stat info;
    ssize_t n;
    size_t length;

    if (fstat(fd, &info) < 0)
        return damaged(state, err, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return damaged(state, err, "not a regular file");
    if ((size_t)info.st_size < sizeof header)
        return damaged(state, err, "truncated: shorter than its header");
    length = (size_t)info.st_size - sizeof header;
    reserve(state, length ? length : 1);
    n = read_all(fd, &header, sizeof header);
    if (n == (ssize_t)sizeof header) {
        n = read_all(fd, state->copied, length);
        state->used = state->size = n < 0 ? 0 : (size_t)n;
    }
    if (n < 0)
        return damaged(state, err, strerror(errno));
    return check_state(state, &header, id, err);
}

int rung_state_read(struct rung_state *state, const char *path, struct rung_state_id *id,
                    struct rung_err *err)
{
    int fd, code;

    rung_state_reset(state);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return rung_err_set(err, RUNG_EFAIL, "%s: %s", path, strerror(errno));
    code = read_state(state, fd, id, err);
    close(fd);
    return code < 0 ? rung_err_prefix(err, "%s", path) : 0;
}
