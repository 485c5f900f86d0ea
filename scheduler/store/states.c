/*
 * Names of state and log files, and what is done with them. Nothing is synced: a state that a power cut took
 * is rebuilt by training.
 */
#include "store/states.h"

#include "base/mem.h"
#include "store/file.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct rung_states {
    char *states, *logs; /* folders of this search */
};

static int fail(struct rung_err *err, const char *path, const char *what)
{
    int why = errno;
    rung_err_set(err, RUNG_EFAIL, "%s: %s: %s", path, what, strerror(why));
    return why == ENOSPC || why == EDQUOT ? rung_err_remedy(err, RUNG_STORE_FREE_SPACE) : RUNG_EFAIL;
}

/* A search's name is one part of a path; the check of the spec has made sure, a database from elsewhere has
 * not. */
static int check_name(const char *search, struct rung_err *err)
{
    if (*search && *search != '.' && !strchr(search, '/'))
        return 0;
    return rung_err_set(err, RUNG_EUSE, "search '%s': is no name for a folder", search);
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int make_folder(const char *path, struct rung_err *err)
{
    if (mkdir(path, 0777) == 0)
        return 0;
    int why = errno;
    if (why == EEXIST && is_folder(path))
        return 0;
    errno = why;
    int code = fail(err, path, "cannot be made");
    return why == EEXIST ? rung_err_remedy(err, "move it away") : code;
}

#define TRIES 100 /* of making a folder in one that somebody is removing */

/* FILE.SUFFIX/SEARCH, and the folder that it lies in. */
static int make_folders(const char *folder, struct rung_err *err)
{
    char *parent = rung_mem_strndup(folder, (size_t)(strrchr(folder, '/') - folder));
    int rc = -1;
    for (int i = 0; i < TRIES && rc != 0; i++)
        if ((rc = make_folder(parent, err)) != 0 || (rc = make_folder(folder, err)) == 0 || is_folder(parent))
            break;
    free(parent);
    return rc;
}

int rung_states_look(struct rung_states **out, const char *database, const char *search, struct rung_err *err)
{
    *out = NULL;
    int rc = check_name(search, err);
    if (rc != 0)
        return rc;
    char *real = rung_file_resolve(database);
    if (!real)
        return fail(err, database, "has no folder");
    struct rung_states *states = rung_mem_zalloc(1, sizeof *states);
    states->states = rung_mem_printf("%s.states/%s", real, search);
    states->logs = rung_mem_printf("%s.logs/%s", real, search);
    free(real);
    *out = states;
    return 0;
}

int rung_states_open(struct rung_states **out, const char *database, const char *search, struct rung_err *err)
{
    int rc = rung_states_look(out, database, search, err);
    if (rc == 0)
        rc = make_folders((*out)->states, err);
    if (rc == 0)
        rc = make_folders((*out)->logs, err);
    if (rc != 0) {
        rung_states_free(*out);
        *out = NULL;
    }
    return rc;
}

int rung_states_keep(struct rung_states *states, const char **made, struct rung_err *err)
{
    char *const folders[] = {states->states, states->logs};
    int rc = 0;
    *made = NULL;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && rc == 0; i++) {
        if (is_folder(folders[i]))
            continue;
        rc = make_folders(folders[i], err);
        *made = *made ? *made : folders[i];
    }
    return rc;
}

void rung_states_free(struct rung_states *states)
{
    if (!states)
        return;
    free(states->states);
    free(states->logs);
    free(states);
}

void rung_states_path(const struct rung_states *states, uint32_t model, int64_t calls, struct rung_buf *buf)
{
    rung_buf_clear(buf);
    rung_buf_printf(buf, "%s/%u.%lld", states->states, model, (long long)calls);
}

void rung_states_attempt_path(const struct rung_states *states, uint32_t model, int64_t calls, int64_t job,
                              struct rung_buf *buf)
{
    rung_states_path(states, model, calls, buf);
    rung_buf_printf(buf, ".%lld", (long long)job);
}

const char *rung_states_log_folder(const struct rung_states *states)
{
    return states->logs;
}

static char *state_name(const struct rung_states *states, uint32_t model, int64_t calls)
{
    struct rung_buf name;
    rung_buf_init(&name, RUNG_BUF_UNLIMITED);
    rung_states_path(states, model, calls, &name);
    return name.data;
}

static char *attempt_name(const struct rung_states *states, uint32_t model, int64_t calls, int64_t job)
{
    struct rung_buf name;
    rung_buf_init(&name, RUNG_BUF_UNLIMITED);
    rung_states_attempt_path(states, model, calls, job, &name);
    return name.data;
}

static int64_t size_of(char *path)
{
    struct stat info;
    int64_t size = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? (int64_t)info.st_size : -1;
    free(path);
    return size;
}

int64_t rung_states_size(const struct rung_states *states, uint32_t model, int64_t calls)
{
    return size_of(state_name(states, model, calls));
}

int64_t rung_states_attempt_size(const struct rung_states *states, uint32_t model, int64_t calls, int64_t job)
{
    return size_of(attempt_name(states, model, calls, job));
}

int64_t rung_states_room(const struct rung_states *states)
{
    struct statvfs info;
    if (statvfs(states->states, &info) != 0)
        return INT64_MAX;
    return (int64_t)info.f_bavail * (int64_t)info.f_frsize;
}

int rung_states_adopt(struct rung_states *states, uint32_t model, int64_t calls, int64_t job,
                      struct rung_err *err)
{
    char *from = attempt_name(states, model, calls, job), *to = state_name(states, model, calls);
    int rc = rename(from, to) == 0 ? 0 : fail(err, from, "cannot become the model's state");
    free(from);
    free(to);
    return rc;
}

static void remove_file(char *path)
{
    unlink(path);
    free(path);
}

void rung_states_remove(struct rung_states *states, uint32_t model, int64_t calls)
{
    remove_file(state_name(states, model, calls));
}

void rung_states_remove_attempt(struct rung_states *states, uint32_t model, int64_t calls, int64_t job)
{
    remove_file(attempt_name(states, model, calls, job));
}

/* A number as we write it, ended by `end`: no sign, no leading zero. */
static bool read_number(const char **text, char end, int64_t most, int64_t *number)
{
    const char *c = *text;
    if (*c < '0' || *c > '9' || (*c == '0' && c[1] != end))
        return false;
    for (*number = 0; *c >= '0' && *c <= '9'; c++) {
        if (*number > (most - (*c - '0')) / 10)
            return false;
        *number = *number * 10 + (*c - '0');
    }
    *text = c + (*c != '\0');
    return *c == end;
}

enum name_kind { FOREIGN, STATE, ATTEMPT };

static enum name_kind read_name(const char *name, int64_t *model, int64_t *calls)
{
    int64_t job;
    if (!read_number(&name, '.', UINT32_MAX, model))
        return FOREIGN;
    const char *rest = name;
    if (read_number(&name, '\0', INT64_MAX, calls))
        return STATE;
    return read_number(&rest, '.', INT64_MAX, calls) && read_number(&rest, '\0', INT64_MAX, &job) ? ATTEMPT
                                                                                                  : FOREIGN;
}

void rung_states_sweep(struct rung_states *states, rung_states_keep_fn *keep, void *context)
{
    DIR *folder = opendir(states->states);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        int64_t model, calls;
        enum name_kind kind = read_name(entry->d_name, &model, &calls);
        if (kind == ATTEMPT || (kind == STATE && !keep(context, (uint32_t)model, calls)))
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
}

static int copy_bytes(int from, int to, const char *from_name, const char *to_name, struct rung_err *err)
{
    char block[65536];
    for (;;) {
        ssize_t got = read(from, block, sizeof block);
        if (got <= 0)
            return got == 0 ? 0 : fail(err, from_name, "cannot be read");
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, block + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR)
                return fail(err, to_name, "cannot be written");
            done += put < 0 ? 0 : put;
        }
    }
}

static int refuse_target(const char *to, struct rung_err *err)
{
    int code = errno == ENOSPC || errno == EIO ? RUNG_EFAIL : RUNG_EUSE;
    return rung_err_set(err, code, "%s: cannot be written: %s", to, strerror(errno));
}

/* Beside the target and renamed onto it, so that no half of a copy ever bears its name. */
static int copy_beside(int from, const char *from_name, const char *to, struct rung_err *err)
{
    char *beside = rung_mem_printf("%s.XXXXXX", to);
    int file = mkostemp(beside, O_CLOEXEC);
    if (file < 0) {
        free(beside);
        return refuse_target(to, err);
    }
    mode_t mask = umask(0);
    umask(mask);
    int rc = copy_bytes(from, file, from_name, to, err);
    if (rc == 0 && fchmod(file, 0666 & ~mask) != 0)
        rc = refuse_target(to, err);
    if (close(file) != 0 && rc == 0)
        rc = refuse_target(to, err);
    if (rc == 0 && rename(beside, to) != 0)
        rc = refuse_target(to, err);
    if (rc != 0)
        unlink(beside);
    free(beside);
    return rc;
}

/* A pipe or a device is written as it is: there is nothing to put in its place. */
static int copy_into(int from, const char *from_name, const char *to, struct rung_err *err)
{
    int file = open(to, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return refuse_target(to, err);
    int rc = copy_bytes(from, file, from_name, to, err);
    if (close(file) != 0 && rc == 0)
        rc = refuse_target(to, err);
    return rc;
}

int rung_states_copy(const struct rung_states *states, uint32_t model, int64_t calls, const char *to,
                     struct rung_err *err)
{
    char *name = state_name(states, model, calls);
    struct stat info;
    int from = open(name, O_RDONLY | O_CLOEXEC), rc;
    if (from < 0)
        rc = rung_err_set(err, RUNG_EUSE, "%s: cannot be read: %s", name, strerror(errno));
    else if (stat(to, &info) == 0 && !S_ISREG(info.st_mode))
        rc = S_ISDIR(info.st_mode) ? rung_err_set(err, RUNG_EUSE, "%s: is a directory", to)
                                   : copy_into(from, name, to, err);
    else
        rc = copy_beside(from, name, to, err);
    if (from >= 0)
        close(from);
    free(name);
    return rc;
}

/* The files in FILE.SUFFIX/SEARCH, the folder, and FILE.SUFFIX when nothing is left in it. */
static int delete_folder(const char *database, const char *suffix, const char *search, struct rung_err *err)
{
    char *parent = rung_mem_printf("%s.%s", database, suffix),
         *path = rung_mem_printf("%s/%s", parent, search);
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
    int rc = 0;
    if (rmdir(path) != 0 && errno != ENOENT) {
        bool file = errno == ENOTDIR;
        rc = fail(err, file && !is_folder(parent) ? parent : path, "cannot be removed");
        rc = file ? rung_err_remedy(err, "move it away") : rc;
    }
    rmdir(parent); /* fails while other searches have theirs in it */
    free(parent);
    free(path);
    return rc;
}

int rung_states_delete(const char *database, const char *search, struct rung_err *err)
{
    int rc = check_name(search, err);
    if (rc != 0)
        return rc;
    char *real = rung_file_resolve(database);
    if (!real)
        return fail(err, database, "has no folder");
    rc = delete_folder(real, "states", search, err);
    if (rc == 0)
        rc = delete_folder(real, "logs", search, err);
    free(real);
    return rc;
}
