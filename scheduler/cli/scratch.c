#include "cli/scratch.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ATTEMPTS 16

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static void remove_all(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- whose process has ended ---- */

/* A folder is locked by its process for as long as that lives, whatever ends it. */
static bool lock(const char *path)
{
    struct stat here, there;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &here) == 0 && stat(path, &there) == 0 &&
        here.st_ino == there.st_ino)
        return true; /* fd stays open */
    if (fd >= 0)
        close(fd);
    return false;
}

/* Removes what processes of this user left behind that were killed. */
static void sweep(const char *parent, const char *name)
{
    size_t length = strlen(name);
    struct dirent *entry;
    struct stat info;
    DIR *folder = opendir(parent);

    while (folder && (entry = readdir(folder))) {
        if (strncmp(entry->d_name, name, length) != 0 || entry->d_name[length] != '-' ||
            strlen(entry->d_name) != length + sizeof "-XXXXXX" - 1)
            continue;
        char *path = rung_mem_printf("%s/%s", parent, entry->d_name);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &info) == 0 && info.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
            remove_all(path);
        if (fd >= 0)
            close(fd);
        free(path);
    }
    if (folder)
        closedir(folder);
}

/* Between its making and its lock a folder may pass for one that was left behind. */
static bool make_in(char **path, const char *parent, const char *name)
{
    sweep(parent, name);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        free(*path);
        *path = rung_mem_printf("%s/%s-XXXXXX", parent, name);
        if (!mkdtemp(*path))
            return false;
        if (lock(*path))
            return true;
        remove_all(*path);
    }
    return false;
}

const char *rung_scratch_folder(void)
{
    const char *folder = getenv("TMPDIR");

    return folder && *folder ? folder : "/tmp";
}

/* Not every file system makes files that have no name. */
static int open_in(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    char *path = rung_mem_printf("%s/rung-XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

int rung_scratch_file(void)
{
    return open_in(rung_scratch_folder());
}

int rung_scratch_file_or_beside(const char *path, bool *beside)
{
    int fd = rung_scratch_file(), why = errno;

    *beside = false;
    if (fd >= 0 || why == ENOSPC || why == EDQUOT || why == EMFILE || why == ENFILE)
        return fd;
    char *real = realpath(path, NULL);
    if (real) {
        *(strrchr(real, '/') + (strrchr(real, '/') == real)) = '\0';
        fd = open_in(real);
        *beside = fd >= 0;
    }
    free(real);
    errno = why;
    return fd;
}

int rung_scratch_make(char **path, const char *parent, const char *name, struct rung_err *err)
{
    *path = NULL;
    if ((parent && make_in(path, parent, name)) || make_in(path, rung_scratch_folder(), name))
        return 0;
    int code = rung_err_set(err, RUNG_EFAIL, "%s: %s", *path, strerror(errno));
    free(*path);
    *path = NULL;
    return rung_err_way_out(err, "TMPDIR=… names another folder"), code;
}

void rung_scratch_remove(char *path)
{
    if (path)
        remove_all(path);
    free(path);
}
