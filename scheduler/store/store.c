/*
 * Opening and closing the database, and its transactions.
 *
 * Three habits make a commit cheap (tests/bench/store.c measures them): small pages, since a commit writes
 * whole ones; frames written at once (walfile.h); and a read lock that is kept from one transaction to the
 * next, where SQLite would let it go and take it again. Other processes may read at any time.
 */
#include "store/store.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/shell.h"
#include "rung/version.h"
#include "store/file.h"
#include "store/handle.h"
#include "store/record.h"
#include "store/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_SIZE         "1024"
#define CACHE_KIB         "4096"
#define WAL_FRAMES_MAX    16000      /* of 1048 bytes: what a checkpoint lets the WAL grow to */
#define WAL_BYTES_KEPT    "33554432" /* what a WAL that a reader held up is cut to afterwards */
#define HEADER_BYTES      100        /* with which each database begins */
#define BUSY_MILLISECONDS 10000      /* for a person with the sqlite3 shell */

/* The way out is a command, around the database. */
static int offer(const struct rung_store *store, const char *before, const char *after, struct rung_err *err)
{
    struct rung_buf file;
    rung_buf_init(&file, RUNG_BUF_UNLIMITED);
    rung_shell_file(&file, store->path);
    int code = rung_err_way_out(err, "%s %s %s", before, rung_buf_cstr(&file), after);
    rung_buf_free(&file);
    return code;
}

static int report_damage(struct rung_store *store, struct rung_err *err)
{
    rung_err_set(err, RUNG_EUSE, "%s: is damaged: %s", store->path, sqlite3_errmsg(store->db));
    offer(store, "save what can be read: sqlite3", ".recover | sqlite3 NEW.db", err);
    return RUNG_EUSE;
}

int rung_store_error(struct rung_store *store, const char *what, struct rung_err *err)
{
    int os = errno; /* SQLite keeps it as system_errno, but not when a commit fails */
    int code = sqlite3_errcode(store->db) & 0xff;
    const char *why = sqlite3_errmsg(store->db);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return report_damage(store, err);
    os = sqlite3_system_errno(store->db) ? sqlite3_system_errno(store->db) : os;
    bool by_system = (code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && os != 0;
    if (by_system)
        rung_err_set(err, RUNG_EFAIL, "%s: %s: %s (%s)", store->path, what, why, strerror(os));
    else
        rung_err_set(err, RUNG_EFAIL, "%s: %s: %s", store->path, what, why);
    if (code == SQLITE_FULL || (by_system && (os == ENOSPC || os == EDQUOT)))
        rung_err_remedy(err, RUNG_STORE_FREE_SPACE);
    return RUNG_EFAIL;
}

int rung_store_misfit(struct rung_store *store, struct rung_err *err)
{
    bool misfit = (sqlite3_errcode(store->db) & 0xff) == SQLITE_ERROR;
    return misfit ? report_damage(store, err) : rung_store_error(store, "cannot be read", err);
}

static int on_commit(void *context, sqlite3 *db, const char *name, int frames)
{
    struct rung_store *store = context;
    (void)db;
    (void)name;
    if (frames < store->wal_frames)
        store->checkpoint_at = WAL_FRAMES_MAX; /* the WAL began anew */
    store->wal_frames = frames;
    return SQLITE_OK;
}

static int run_pragmas(struct rung_store *store, const char *pragmas, struct rung_err *err)
{
    if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return rung_store_error(store, "cannot be opened", err);
}

static int check_version(struct rung_store *store, int version, struct rung_err *err)
{
    if (version > RUNG_SCHEMA_VERSION) {
        rung_err_set(err, RUNG_EUSE, "%s: has schema version %d, this rung (%s) knows versions up to %d",
                     store->path, version, RUNG_VERSION, RUNG_SCHEMA_VERSION);
        return rung_err_way_out(err, "use the rung that wrote it, or a newer one");
    }
    if (version == RUNG_SCHEMA_VERSION || store->mode != RUNG_STORE_READ)
        return 0;
    if (version == 0) /* its writer ended after the file was looked at */
        return rung_file_unmade(store->path, err);
    rung_err_set(err, RUNG_EUSE, "%s: has schema version %d, older than this rung's, %d", store->path,
                 version, RUNG_SCHEMA_VERSION);
    return offer(store, "rung resume", "brings it up to date", err);
}

static int open_at(struct rung_store *store, const char *name, int flags, struct rung_err *err)
{
    sqlite3_close(store->db);
    store->db = NULL;
    int rc = sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             store->layer ? rung_walfile_name(store->layer) : NULL);
    if (!store->db)
        rung_mem_out();
    if (rc != SQLITE_OK)
        return rung_store_error(store, "cannot be opened", err);
    sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS);
    return run_pragmas(store, "PRAGMA cache_size = -" CACHE_KIB, err);
}

/* The first read is what finds out whether the file can be used at all. */
static int read_version(struct rung_store *store, struct rung_err *err)
{
    int version, rc = rung_schema_version(store, &version, err);
    if (rc == 0)
        rc = check_version(store, version, err);
    if (rc == 0)
        rc = run_pragmas(store, "SELECT 1 FROM sqlite_schema", err);
    return rc;
}

static bool has_wal(const struct rung_store *store)
{
    char *name = rung_mem_printf("%s-wal", store->real);
    struct stat info;
    bool there = stat(name, &info) == 0 && info.st_size > 0;
    free(name);
    return there;
}

/* The file as it is, without lock or WAL: in a folder where neither can be made. Nobody can be writing it
 * then. */
static int open_immutable(struct rung_store *store, struct rung_err *err)
{
    struct rung_buf uri;
    rung_buf_init(&uri, RUNG_BUF_UNLIMITED);
    rung_buf_text(&uri, "file:");
    for (const char *c = store->real; *c; c++)
        rung_buf_printf(&uri, strchr("%?#", *c) ? "%%%02x" : "%c", (unsigned char)*c);
    rung_buf_text(&uri, "?immutable=1");
    int rc = open_at(store, rung_buf_cstr(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    rung_buf_free(&uri);
    return rc != 0 ? rc : read_version(store, err);
}

/*
 * Where we may write, the file is opened so that SQLite can make its -shm beside it and remove it again; a
 * WAL that a dead writer left is read but stays for the next writer. query_only keeps the content ours to
 * read only.
 */
static int open_reading(struct rung_store *store, struct rung_err *err)
{
    bool wal = has_wal(store), writable = rung_file_writable(store->real);
    int rc = open_at(store, store->real, writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, err);
    if (rc == 0 && wal)
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc == 0)
        rc = read_version(store, err);
    if (rc == RUNG_EFAIL && !writable && !has_wal(store))
        rc = open_immutable(store, err);
    if (rc == RUNG_EFAIL && !writable) {
        err->code = rc = RUNG_EUSE; /* nothing failed: it cannot be read from where it lies */
        rung_err_way_out(err, "copy %s and %s-wal to a folder where you may write", store->path, store->path);
    }
    return rc == 0 ? run_pragmas(store, "PRAGMA query_only = 1", err) : rc;
}

static int use_wal(struct rung_store *store, struct rung_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    int code = 0;
    if (!mode)
        code = rung_store_error(store, "cannot be opened", err);
    else if (strcmp(mode, "wal") != 0)
        code = rung_err_set(err, RUNG_EUSE, "%s: lies where SQLite cannot keep a WAL", store->path);
    sqlite3_finalize(stmt);
    return code;
}

/* We hold the lock, so whoever the record calls present or running is not. */
#define BURY_THE_DEAD                                                                                        \
    "UPDATE trainer SET model = NULL, reason = 'its scheduler ended', left_at = max(joined_at,"              \
    " coalesce((SELECT e.at FROM event e WHERE e.id BETWEEN trainer.id >> 40 << 40"                          \
    " AND (trainer.id >> 40 << 40) + 0xffffffffff ORDER BY e.id DESC LIMIT 1), 0.0))"                        \
    " WHERE left_at IS NULL;"                                                                                \
    "UPDATE search SET status = 'interrupted', reason = '" RUNG_RECORD_ORPHAN "' WHERE status = 'running'"

/*
 * A new database gets its tables in one rollback-journal transaction, so that it is there whole or not at
 * all. Is it new? SQLite knows, once it has undone what a writer began that was killed. In a WAL they would
 * be no good: the header of the file, by which others know whose it is, would say so only after a checkpoint.
 */
static int make_tables(struct rung_store *store, struct rung_err *err)
{
    int tables, rc = rung_schema_tables(store, &tables, err);
    if (rc == 0 && tables > 0) /* another program's, made since the file was looked at */
        rc = rung_err_set(err, RUNG_EUSE, "%s: is a database of another program, not of rung", store->path);
    return rc != 0 ? rc : rung_schema_migrate(store, rung_schema_steps, RUNG_SCHEMA_VERSION, err);
}

static int open_writing(struct rung_store *store, bool empty, struct rung_err *err)
{
    store->layer = rung_walfile_create();
    int flags = SQLITE_OPEN_READWRITE | (empty ? SQLITE_OPEN_CREATE : 0), version;
    int rc = open_at(store, store->real, flags, err);
    if (rc == 0)
        rc = rung_schema_version(store, &version, err);
    if (rc == 0)
        rc = check_version(store, version, err);
    if (rc == 0)
        rc = run_pragmas(store,
                         "PRAGMA page_size = " PAGE_SIZE "; PRAGMA synchronous = NORMAL;"
                         "PRAGMA journal_size_limit = " WAL_BYTES_KEPT,
                         err);
    if (rc == 0 && version == 0)
        rc = make_tables(store, err);
    if (rc == 0)
        rc = use_wal(store, err);
    if (rc == 0)
        rc = rung_schema_migrate(store, rung_schema_steps, RUNG_SCHEMA_VERSION, err);
    if (rc == 0)
        rc = rung_lock_wal(store->lock, store->path, err);
    if (rc == 0)
        rc = run_pragmas(store, BURY_THE_DEAD, err);
    store->checkpoint_at = WAL_FRAMES_MAX;
    if (rc == 0)
        sqlite3_wal_hook(store->db, on_commit, store);
    return rc;
}

static int open_checked(struct rung_store *store, struct rung_err *err)
{
    bool empty;
    int rc = rung_file_check(store->path, store->real, store->mode, &empty, err);
    if (rc != 0 || store->mode == RUNG_STORE_READ)
        return rc != 0 ? rc : open_reading(store, err);
    rc = rung_lock_take(&store->lock, store->real, store->path, err);
    if (rc == 0) /* again: until now another process may have been making it */
        rc = rung_file_check(store->path, store->real, store->mode, &empty, err);
    if (rc != 0)
        return rc;
    bool missing = access(store->real, F_OK) != 0;
    rc = open_writing(store, empty, err);
    if (rc != 0 && missing)
        unlink(store->real);
    return rc;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/*
 * The index of the WAL, through which all who have the database open know of each other: SQLite makes it
 * once, and none again while we have it open. It can be known by its numbers, since ours stays open.
 */
static bool has_index(struct rung_store *store)
{
    char *name = rung_mem_printf("%s-shm", store->real);
    struct stat info;
    bool there = stat(name, &info) == 0, unsaid = !there && errno != ENOENT && errno != ENOTDIR;
    free(name);
    if (store->index.st_ino == 0 && there)
        store->index = info;
    return store->index.st_ino == 0 || unsaid || (there && same_file(&info, &store->index));
}

/* The WAL may hold what others wrote behind an index of their own, and we know nothing of: the next one reads
 * it, and moving our part of it into the database would undo half of theirs. */
static bool is_cut_off(struct rung_store *store)
{
    return store->lock && rung_lock_has_wal(store->lock) && !has_index(store);
}

int rung_store_open(struct rung_store **out, const char *path, enum rung_store_mode mode,
                    struct rung_err *err)
{
    struct rung_err own;
    struct rung_store *store = rung_mem_zalloc(1, sizeof *store);
    *out = NULL;
    err = err ? err : &own;
    store->path = rung_mem_strdup(path);
    store->mode = mode;
    store->real = rung_file_resolve(path);
    int rc = store->real ? open_checked(store, err)
                         : rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(errno));
    if (rc != 0) {
        rung_store_close(store);
        return rc;
    }
    if (stat(store->real, &store->opened) != 0)
        store->opened = (struct stat){0}; /* gone already, as the first look will say */
    if (store->lock)
        has_index(store);
    *out = store;
    return 0;
}

int rung_store_look(struct rung_store *store, struct rung_err *err)
{
    struct stat info;
    const char *file = "", *what = "another file has taken its place";
    const char *remedy = "put it back, with all that was recorded until then";
    bool there = stat(store->real, &info) == 0;
    if (!there && errno != ENOENT && errno != ENOTDIR)
        return 0; /* it cannot be said */
    if (!there) {
        what = "was removed or moved away";
    } else if (same_file(&info, &store->opened)) {
        bool empty = info.st_size < HEADER_BYTES, wal = !store->lock || rung_lock_has_wal(store->lock);
        if (!empty && wal && (!store->lock || has_index(store)))
            return 0;
        file = empty ? "" : wal ? "-shm" : "-wal";
        what = empty ? "was emptied" : "was removed, moved away or replaced";
        remedy = empty ? "put a copy of it back" : NULL;
    }
    rung_err_set(err, RUNG_EFAIL, "%s%s: %s while it was open: what is recorded from now on would be lost",
                 store->path, file, what);
    return remedy ? rung_err_remedy(err, "%s", remedy) : RUNG_EFAIL;
}

void rung_store_close(struct rung_store *store)
{
    if (!store)
        return;
    rung_store_rollback(store);
    rung_stmt_finalize_all(store);
    if (store->db && is_cut_off(store))
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    else if (store->db && store->mode != RUNG_STORE_READ)
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    sqlite3_close(store->db);
    rung_walfile_release(store->layer);
    rung_lock_release(store->lock);
    free(store->path);
    free(store->real);
    free(store);
}

const char *rung_store_path(const struct rung_store *store)
{
    return store->path;
}

int64_t rung_store_owner(const struct rung_store *store)
{
    return store->lock ? (int64_t)getpid() : rung_lock_owner(store->real);
}

static void release_snapshot(struct rung_store *store)
{
    if (store->snapshot)
        sqlite3_reset(store->statements[RUNG_STMT_SNAPSHOT]);
    store->snapshot = false;
}

/* A statement left open on a row: SQLite keeps the connection's read lock for as long as it is. */
static int take_snapshot(struct rung_store *store, struct rung_err *err)
{
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_SNAPSHOT, err);
    int rc = stmt ? rung_stmt_next(store, stmt, err) : rung_stmt_code(err);
    store->snapshot = rc > 0;
    return rc < 0 ? rc : 0;
}

/* SQLite waits for others only while the connection holds no read lock. So when one is in the way (a reader
 * that looks twice, a person's write since our last), ours is let go first. */
static int begin_at_last(struct rung_store *store, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    if ((rc & 0xff) != SQLITE_BUSY || !store->snapshot)
        return rc;
    sqlite3_reset(stmt);
    release_snapshot(store);
    store->rollbacks++; /* what was read before may be older than that write */
    return sqlite3_step(stmt);
}

int rung_store_begin(struct rung_store *store, struct rung_err *err)
{
    if (store->open)
        return 0;
    if (store->mode == RUNG_STORE_READ)
        return rung_err_set(err, RUNG_EFAIL, "%s: is open for reading only", store->path);
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_BEGIN, err);
    if (!stmt)
        return rung_stmt_code(err);
    int rc = begin_at_last(store, stmt) == SQLITE_DONE ? 0 : rung_store_error(store, "cannot record", err);
    sqlite3_reset(stmt);
    store->open = rc == 0;
    if (rc == 0 && !store->snapshot)
        rc = take_snapshot(store, err);
    if (rc != 0)
        rung_store_rollback(store);
    return rc;
}

/* What cannot be moved into the database now (a reader is in the way, the disk is full) stays safe in the
 * WAL. */
static void checkpoint(struct rung_store *store)
{
    release_snapshot(store);
    if (!is_cut_off(store))
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    store->checkpoint_at = store->wal_frames + WAL_FRAMES_MAX;
}

int rung_store_commit(struct rung_store *store, struct rung_err *err)
{
    if (!store->open)
        return 0;
    sqlite3_stmt *stmt = rung_stmt_get(store, RUNG_STMT_COMMIT, err);
    int rc = stmt ? rung_stmt_run(store, stmt, err) : rung_stmt_code(err);
    if (rc != 0) {
        rung_store_rollback(store);
        return rc;
    }
    store->open = false;
    if (store->wal_frames >= store->checkpoint_at)
        checkpoint(store);
    return 0;
}

void rung_store_rollback(struct rung_store *store)
{
    if (!store->open)
        return;
    store->open = false;
    store->rollbacks++;
    struct rung_err ignored; /* a failed rollback leaves nothing to do: closing undoes the rest */
    sqlite3_stmt *stmt =
        sqlite3_get_autocommit(store->db) ? NULL : rung_stmt_get(store, RUNG_STMT_ROLLBACK, &ignored);
    if (stmt) {
        sqlite3_step(stmt);
        sqlite3_reset(stmt);
    }
    release_snapshot(store);
}
