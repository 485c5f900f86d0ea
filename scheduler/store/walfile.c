/*
 * The WAL file's methods: xWrite collects, every other method that depends on the content writes first.
 *
 * Why collecting is safe: SQLite makes frames visible to other processes only after the write of the commit
 * frame has returned (walFrames, then walIndexWriteHdr), and reads back its own frames through xRead.
 */
#include "store/walfile.h"

#include "base/mem.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX       65536
#define WAL_HEADER_SIZE   32 /* https://sqlite.org/fileformat.html, "WAL File Format" */
#define FRAME_HEADER_SIZE 24

struct rung_walfile {
    sqlite3_vfs vfs; /* first: SQLite hands this pointer back */
    sqlite3_vfs *under;
    char name[40];
};

struct file {
    sqlite3_file base; /* first, likewise */
    sqlite3_file *real;
    unsigned char *pending; /* written by SQLite, not yet by us: `length` bytes that belong at `offset` */
    size_t length;
    sqlite3_int64 offset;
    sqlite3_int64 end; /* of what was appended since the WAL began */
    bool committing;   /* the newest frame header carries the commit mark */
};

static int flush(struct file *file)
{
    size_t length = file->length;
    file->length = 0;
    file->committing = false;
    return length == 0 ? SQLITE_OK
                       : file->real->pMethods->xWrite(file->real, file->pending, (int)length, file->offset);
}

static int wal_close(sqlite3_file *handle)
{
    struct file *file = (struct file *)handle;
    int rc = flush(file), closed = file->real->pMethods->xClose(file->real);
    free(file->pending);
    return rc != SQLITE_OK ? rc : closed;
}

static int wal_read(sqlite3_file *handle, void *data, int length, sqlite3_int64 offset)
{
    struct file *file = (struct file *)handle;
    int rc = flush(file);
    return rc != SQLITE_OK ? rc : file->real->pMethods->xRead(file->real, data, length, offset);
}

/* Only what is appended is collected: the end of a WAL that begins anew is that of its header. Elsewhere
 * SQLite goes over frames that a large transaction has written already, and says nothing when it is done. */
static bool appends(struct file *file, int length, sqlite3_int64 offset)
{
    bool header = offset < WAL_HEADER_SIZE, append = !header && offset >= file->end;
    if (header || append)
        file->end = offset + length;
    return append && length <= PENDING_MAX;
}

static int wal_write(sqlite3_file *handle, const void *data, int length, sqlite3_int64 offset)
{
    static const unsigned char none[4];
    struct file *file = (struct file *)handle;
    bool append = appends(file, length, offset);
    if (!append || offset != file->offset + (sqlite3_int64)file->length ||
        (size_t)length > PENDING_MAX - file->length) {
        int rc = flush(file);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (!append)
        return file->real->pMethods->xWrite(file->real, data, length, offset);
    if (file->length == 0)
        file->offset = offset;
    memcpy(file->pending + file->length, data, (size_t)length);
    file->length += (size_t)length;
    if (length != FRAME_HEADER_SIZE)
        return file->committing ? flush(file) : SQLITE_OK;
    /* bytes 4 to 7: the size of the database after a commit, else 0 */
    file->committing = memcmp((const unsigned char *)data + 4, none, sizeof none) != 0;
    return SQLITE_OK;
}

static int wal_truncate(sqlite3_file *handle, sqlite3_int64 size)
{
    struct file *file = (struct file *)handle;
    int rc = flush(file);
    return rc != SQLITE_OK ? rc : file->real->pMethods->xTruncate(file->real, size);
}

static int wal_sync(sqlite3_file *handle, int flags)
{
    struct file *file = (struct file *)handle;
    int rc = flush(file);
    return rc != SQLITE_OK ? rc : file->real->pMethods->xSync(file->real, flags);
}

static int wal_size(sqlite3_file *handle, sqlite3_int64 *size)
{
    struct file *file = (struct file *)handle;
    int rc = flush(file);
    return rc != SQLITE_OK ? rc : file->real->pMethods->xFileSize(file->real, size);
}

static int wal_lock(sqlite3_file *handle, int level)
{
    struct file *file = (struct file *)handle;
    return file->real->pMethods->xLock(file->real, level);
}

static int wal_unlock(sqlite3_file *handle, int level)
{
    struct file *file = (struct file *)handle;
    return file->real->pMethods->xUnlock(file->real, level);
}

static int wal_reserved(sqlite3_file *handle, int *reserved)
{
    struct file *file = (struct file *)handle;
    return file->real->pMethods->xCheckReservedLock(file->real, reserved);
}

static int wal_control(sqlite3_file *handle, int operation, void *argument)
{
    struct file *file = (struct file *)handle;
    return file->real->pMethods->xFileControl(file->real, operation, argument);
}

static int wal_sector(sqlite3_file *handle)
{
    struct file *file = (struct file *)handle;
    return file->real->pMethods->xSectorSize(file->real);
}

static int wal_device(sqlite3_file *handle)
{
    struct file *file = (struct file *)handle;
    return file->real->pMethods->xDeviceCharacteristics(file->real);
}

/* Version 1: a WAL is neither mapped nor has shared memory of its own; both belong to the database file. */
static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_reserved,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector,
    .xDeviceCharacteristics = wal_device,
};

/* Only the WAL is ours, all other files are opened as if this layer did not exist. */
static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *handle, int flags, int *granted)
{
    sqlite3_vfs *under = ((struct rung_walfile *)vfs)->under;
    if (!(flags & SQLITE_OPEN_WAL))
        return under->xOpen(under, name, handle, flags, granted);
    struct file *file = (struct file *)handle;
    memset(file, 0, sizeof *file);
    file->real = (sqlite3_file *)(file + 1);
    int rc = under->xOpen(under, name, file->real, flags, granted);
    if (rc != SQLITE_OK)
        return rc;
    file->pending = rung_mem_resize(NULL, PENDING_MAX, 1);
    file->base.pMethods = &wal_methods;
    return SQLITE_OK;
}

struct rung_walfile *rung_walfile_create(void)
{
    struct rung_walfile *layer = rung_mem_zalloc(1, sizeof *layer);
    sqlite3_initialize();
    layer->under = sqlite3_vfs_find(NULL);
    /* a copy, as SQLite's own variants of one layer are: the other methods work on it unchanged */
    layer->vfs = *layer->under;
    layer->vfs.pNext = NULL;
    layer->vfs.szOsFile += (int)sizeof(struct file);
    layer->vfs.xOpen = open_file;
    snprintf(layer->name, sizeof layer->name, "rung-%p", (void *)layer);
    layer->vfs.zName = layer->name;
    sqlite3_vfs_register(&layer->vfs, 0);
    return layer;
}

const char *rung_walfile_name(const struct rung_walfile *layer)
{
    return layer->name;
}

void rung_walfile_release(struct rung_walfile *layer)
{
    if (!layer)
        return;
    sqlite3_vfs_unregister(&layer->vfs);
    free(layer);
}
