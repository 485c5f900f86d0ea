/*
 * Looking at a database file from outside: links, kind, header, permissions, file system.
 */
#include "store/file.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/shell.h"
#include "rung/version.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's own limit */

/* The folder of path, "." and "/" included. The caller frees it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return rung_mem_strdup(".");
    return slash == path ? rung_mem_strdup("/") : rung_mem_strndup(path, (size_t)(slash - path));
}

/* What the symbolic link at path points to, seen from the working directory; NULL when it is no link. */
static char *link_target(const char *path)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0)
        return NULL;
    target[length] = '\0';
    if (target[0] == '/')
        return rung_mem_strdup(target);
    char *folder = folder_of(path);
    char *joined = rung_mem_printf("%s/%s", folder, target);
    free(folder);
    return joined;
}

/* path exists in no form, not even as a link: its folder resolved, its last part as it is. */
static char *resolve_missing(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (!*name) {
        errno = EISDIR;
        return NULL;
    }
    char *folder = folder_of(path);
    char *real = realpath(folder, NULL);
    free(folder);
    if (!real)
        return NULL;
    char *joined = rung_mem_printf("%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
    free(real);
    return joined;
}

char *rung_file_resolve(const char *path)
{
    if (!*path) {
        errno = ENOENT;
        return NULL;
    }
    char *at = rung_mem_strdup(path), *real = realpath(path, NULL);
    for (int links = 0; !real && errno == ENOENT; links++) {
        char *next = links < LINKS_MAX ? link_target(at) : NULL;
        if (!next) {
            real = resolve_missing(at);
            break;
        }
        free(at);
        at = next;
        real = realpath(at, NULL);
    }
    int saved = errno;
    free(at);
    errno = saved;
    return real;
}

const char *rung_file_network(unsigned long magic)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } known[] = {
        {0x6969, "nfs"},        {0xff534d42, "cifs"}, {0x517b, "smb"},      {0xfe534d42, "smb"},
        {0x0bd00bd0, "lustre"}, {0x65735546, "fuse"}, {0x01021997, "9p"},   {0x5346414f, "afs"},
        {0x6b414653, "afs"},    {0x73757245, "coda"}, {0x00c36400, "ceph"}, {0x47504653, "gpfs"},
        {0x19830326, "beegfs"},
    };
    /* statfs's type is signed on some machines, and then negative above 2^31 */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((magic & 0xffffffff) == known[i].magic)
            return known[i].name;
    return NULL;
}

static int check_local(const char *path, const char *at, struct rung_err *err)
{
    struct statfs fs;
    const char *name = statfs(at, &fs) == 0 ? rung_file_network((unsigned long)fs.f_type) : NULL;
    if (!name)
        return 0;
    rung_err_set(err, RUNG_EUSE,
                 "%s: lies on a network file system (%s), where SQLite cannot share a database", path, name);
    return rung_err_way_out(err, "use --db FILE with a FILE on a local disk");
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The database header (https://sqlite.org/fileformat.html): magic at 0, user_version at 60, application_id
 * at 68. */
static int check_header(const char *path, const unsigned char *header, struct rung_err *err)
{
    if (memcmp(header, "SQLite format 3", 16) != 0)
        return rung_err_set(err, RUNG_EUSE, "%s: is no SQLite database", path);
    if (big_endian(header + 68) != RUNG_FILE_APPLICATION)
        return rung_err_set(err, RUNG_EUSE, "%s: is a database of another program, not of rung", path);
    uint32_t version = big_endian(header + 60);
    if (version <= RUNG_SCHEMA_VERSION)
        return 0;
    rung_err_set(err, RUNG_EUSE, "%s: has schema version %u, this rung (%s) knows versions up to %d", path,
                 version, RUNG_VERSION, RUNG_SCHEMA_VERSION);
    return rung_err_way_out(err, "use the rung that wrote it, or a newer one");
}

/* Through SQLite's own layer: to open and close the file beside it would let go of every POSIX lock that
 * another connection of this process has on it. */
static int read_bytes(const char *real, void *bytes, int count)
{
    sqlite3_initialize();
    sqlite3_vfs *layer = sqlite3_vfs_find(NULL);
    sqlite3_file *file = rung_mem_zalloc(1, (size_t)layer->szOsFile);
    sqlite3_filename name = sqlite3_create_filename(real, "", "", 0, NULL);
    if (!name)
        rung_mem_out();
    errno = 0;
    int rc = layer->xOpen(layer, name, file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, NULL);
    if (rc == SQLITE_OK)
        rc = file->pMethods->xRead(file, bytes, count, 0);
    int saved = errno;
    if (file->pMethods)
        file->pMethods->xClose(file);
    sqlite3_free_filename(name);
    free(file);
    errno = saved;
    return rc;
}

/* The first transaction did not end: the rollback journal beside the file
 * (https://sqlite.org/fileformat.html, "The Rollback Journal") says that there were no pages before it, so
 * that SQLite, if it undoes it, leaves none. A journal is never locked, so that it may be read without
 * SQLite. */
static bool is_unmade(const char *real)
{
    static const unsigned char magic[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    unsigned char start[28] = {0}; /* at 16: how many pages there were */
    char *name = rung_mem_printf("%s-journal", real);
    int file = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    free(name);
    if (file < 0)
        return false;
    bool whole = read(file, start, sizeof start) == (ssize_t)sizeof start;
    close(file);
    return whole && memcmp(start, magic, sizeof magic) == 0 && big_endian(start + 16) == 0;
}

/* *empty: it was never made whole. Only a header that is ours, or was never written, makes it so: who lets
 * SQLite undo what is another program's would delete it. */
static int read_header(const char *path, const char *real, bool *empty, struct rung_err *err)
{
    static const unsigned char blank[100];
    unsigned char header[sizeof blank];
    int rc = read_bytes(real, header, sizeof header); /* what is missing at the end is filled with zeros */
    bool whole = rc == SQLITE_OK;
    if (!whole && rc != SQLITE_IOERR_SHORT_READ)
        return rung_err_set(err, (rc & 0xff) == SQLITE_CANTOPEN ? RUNG_EUSE : RUNG_EFAIL,
                            "%s: cannot be read: %s", path, errno ? strerror(errno) : sqlite3_errstr(rc));
    bool unmade = is_unmade(real);
    if (unmade && memcmp(header, blank, sizeof blank) == 0)
        rc = 0;
    else if (whole)
        rc = check_header(path, header, err);
    else
        rc = rung_err_set(err, RUNG_EUSE, "%s: is no SQLite database", path);
    *empty = rc == 0 && unmade;
    return rc;
}

int rung_file_unmade(const char *path, struct rung_err *err)
{
    rung_err_set(err, RUNG_EUSE, "%s: is not made yet, no search is in it", path);
    struct rung_buf shown;
    rung_buf_init(&shown, RUNG_BUF_UNLIMITED);
    rung_shell_word(&shown, path);
    rung_err_way_out(err, "rung run FILE --db %s makes it and starts a search in it", rung_buf_cstr(&shown));
    rung_buf_free(&shown);
    return RUNG_EUSE;
}

static int check_content(const char *path, const char *real, enum rung_store_mode mode, bool *empty,
                         struct rung_err *err)
{
    struct stat info;
    *empty = false;
    if (stat(real, &info) != 0) {
        *empty = true;
        if (errno != ENOENT || mode != RUNG_STORE_CREATE)
            return rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(errno));
        return 0;
    }
    if (!S_ISREG(info.st_mode))
        return rung_err_set(err, RUNG_EUSE, "%s: is %s, not a database file", path,
                            S_ISDIR(info.st_mode) ? "a directory" : "a device or pipe");
    *empty = info.st_size == 0;
    if (*empty)
        return mode == RUNG_STORE_CREATE ? 0
                                         : rung_err_set(err, RUNG_EUSE, "%s: is empty, no database", path);
    if (mode != RUNG_STORE_READ && info.st_nlink > 1) {
        rung_err_set(err, RUNG_EUSE,
                     "%s: has a second name (a hard link), under which it could be written at once", path);
        return rung_err_way_out(err, "copy it, or remove the other name");
    }
    int rc = read_header(path, real, empty, err);
    return *empty && mode != RUNG_STORE_CREATE ? rung_file_unmade(path, err) : rc;
}

static int may_write(const char *at)
{
    return faccessat(AT_FDCWD, at, W_OK, AT_EACCESS);
}

/* Also for root, whom permissions do not stop: a file system mounted read-only, an immutable file. */
static int check_writable(const char *path, const char *real, const char *folder, struct rung_err *err)
{
    if (may_write(folder) != 0)
        return rung_err_set(err, RUNG_EUSE, "%s: its folder %s cannot be written: %s", path, folder,
                            strerror(errno));
    if (may_write(real) != 0 && errno != ENOENT)
        return rung_err_set(err, RUNG_EUSE, "%s: cannot be written: %s", path, strerror(errno));
    return 0;
}

bool rung_file_writable(const char *real)
{
    char *folder = folder_of(real);
    bool writable = may_write(folder) == 0 && may_write(real) == 0;
    free(folder);
    return writable;
}

int rung_file_check(const char *path, const char *real, enum rung_store_mode mode, bool *empty,
                    struct rung_err *err)
{
    int rc = check_content(path, real, mode, empty, err);
    if (rc != 0 || mode == RUNG_STORE_READ)
        return rc;
    char *folder = folder_of(real);
    struct stat info;
    rc = check_local(path, stat(real, &info) == 0 ? real : folder, err);
    if (rc == 0)
        rc = check_local(path, folder, err);
    if (rc == 0)
        rc = check_writable(path, real, folder, err);
    free(folder);
    return rc;
}
