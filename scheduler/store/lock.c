/*
 * The lock file: taken, read by others, removed again.
 */
#include "store/lock.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rung_lock {
    char *path, *wal_path;
    int file, wal; /* -1: not taken yet */
};

enum { NAMING_BYTE, DECIDING_BYTE };

static struct flock lock_of(int byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return lock;
}

/* The path still names the file that is open: a former owner may have removed it in between. */
static bool same_file(const char *path, int file)
{
    struct stat named, opened;
    return stat(path, &named) == 0 && fstat(file, &opened) == 0 && named.st_ino == opened.st_ino &&
           named.st_dev == opened.st_dev;
}

/* has_text: the file holds its owner's id. */
static int64_t owner_of(int file, bool has_text)
{
    struct flock lock = lock_of(DECIDING_BYTE);
    if (fcntl(file, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return 0;
    lock = lock_of(NAMING_BYTE);
    if (fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
        return lock.l_pid;
    if (!has_text)
        return -1;
    char text[32]; /* this process itself, or one of another container: the file has its id */
    ssize_t length = pread(file, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    long long pid = strtoll(text, NULL, 10);
    return pid > 0 ? pid : -1;
}

static int refuse(int64_t owner, const char *shown, struct rung_err *err)
{
    if (owner <= 0)
        return rung_err_set(err, RUNG_EUSE, "%s: is being written by another process", shown);
    rung_err_set(err, RUNG_EUSE, "%s: is being written by another process (%lld)", shown, (long long)owner);
    return rung_err_way_out(err, "wait until it ends, or stop it: kill -INT %lld", (long long)owner);
}

/* The lock is had already: what fails here costs no more than the name. */
static void name_owner(int file, bool has_text)
{
    struct flock lock = lock_of(NAMING_BYTE);
    fcntl(file, F_SETLK, &lock);
    if (!has_text)
        return;
    char text[32];
    int length = snprintf(text, sizeof text, "%lld\n", (long long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)length, 0) != length)
        return;
}

/* 1: taken, 0: the file was removed meanwhile, try again. */
static int try_take(const char *path, const char *shown, int *file, struct rung_err *err)
{
    *file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (*file < 0)
        return rung_err_set(err, errno == ENOSPC || errno == EIO ? RUNG_EFAIL : RUNG_EUSE,
                            "%s: cannot be locked: %s: %s", shown, path, strerror(errno));
    struct flock lock = lock_of(DECIDING_BYTE);
    int rc;
    if (fcntl(*file, F_OFD_SETLK, &lock) == 0) {
        if (same_file(path, *file))
            return 1;
        rc = 0;
    } else if (errno == EAGAIN || errno == EACCES) {
        int64_t owner = owner_of(*file, true);
        rc = owner == 0 ? 0 : refuse(owner, shown, err);
    } else {
        rc = rung_err_set(err, RUNG_EFAIL, "%s: cannot be locked: %s: %s", shown, path, strerror(errno));
    }
    close(*file);
    return rc;
}

int rung_lock_take(struct rung_lock **out, const char *database, const char *shown, struct rung_err *err)
{
    char *path = rung_mem_printf("%s.lock", database);
    int file = -1, rc = 0;
    *out = NULL;
    for (int tries = 0; rc == 0 && tries < 1000; tries++)
        rc = try_take(path, shown, &file, err);
    if (rc <= 0) {
        free(path);
        return rc < 0 ? rc : refuse(0, shown, err);
    }
    name_owner(file, true);
    struct rung_lock *lock = rung_mem_zalloc(1, sizeof *lock);
    lock->path = path;
    lock->wal_path = rung_mem_printf("%s-wal", database);
    lock->file = file;
    lock->wal = -1;
    rc = rung_lock_wal(lock, shown, err);
    if (rc == 0)
        *out = lock;
    else
        rung_lock_release(lock);
    return rc;
}

int rung_lock_wal(struct rung_lock *lock, const char *shown, struct rung_err *err)
{
    struct flock wanted = lock_of(DECIDING_BYTE);
    if (lock->wal >= 0 && same_file(lock->wal_path, lock->wal))
        return 0;
    if (lock->wal >= 0) /* SQLite has made a new one */
        close(lock->wal);
    lock->wal = open(lock->wal_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock->wal < 0) /* none yet; where it cannot be opened SQLite says so */
        return 0;
    if (fcntl(lock->wal, F_OFD_SETLK, &wanted) != 0 && (errno == EAGAIN || errno == EACCES))
        return refuse(owner_of(lock->wal, false), shown, err);
    name_owner(lock->wal, false);
    return 0;
}

bool rung_lock_has_wal(const struct rung_lock *lock)
{
    return lock->wal < 0 || same_file(lock->wal_path, lock->wal);
}

void rung_lock_release(struct rung_lock *lock)
{
    if (!lock)
        return;
    if (same_file(lock->path, lock->file))
        unlink(lock->path); /* while it is still locked: nobody else can have taken it */
    close(lock->file);
    if (lock->wal >= 0)
        close(lock->wal);
    free(lock->path);
    free(lock->wal_path);
    free(lock);
}

static int64_t owner_by(const char *database, const char *suffix, bool has_text)
{
    char *path = rung_mem_printf("%s%s", database, suffix);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (file < 0)
        return 0;
    int64_t owner = owner_of(file, has_text);
    close(file);
    return owner;
}

int64_t rung_lock_owner(const char *database)
{
    int64_t owner = owner_by(database, ".lock", true);
    return owner != 0 ? owner : owner_by(database, "-wal", false);
}
