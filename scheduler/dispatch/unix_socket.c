#include "dispatch/unix_socket.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WAITING      128 /* connections that have not been accepted */
#define TRIES        200 /* of a connection that finds no room among these, */
#define TRY_AGAIN_MS 50  /* so long after each other */

union address {
    struct sockaddr any;
    struct sockaddr_un path;
};

static int name(union address *address, const char *path, struct rung_err *err)
{
    *address = (union address){.path.sun_family = AF_UNIX};
    if (strlen(path) < sizeof address->path.sun_path) {
        strcpy(address->path.sun_path, path);
        return 0;
    }
    rung_err_set(err, RUNG_EUSE, "%s: is too long for the path of a socket, which has at most %zu bytes",
                 path, sizeof address->path.sun_path - 1);
    return rung_err_way_out(err, "change to the database's folder, and name it from there");
}

static int make(int *fd, const char *path, struct rung_err *err)
{
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return *fd < 0 ? rung_err_set(err, RUNG_EFAIL, "%s: %s", path, strerror(errno)) : 0;
}

bool rung_unix_is_ours(int fd)
{
    struct ucred other;
    socklen_t length = sizeof other;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &length) == 0 &&
           (other.uid == geteuid() || other.uid == 0);
}

/* ---- listening ---- */

/* 0, or errno. */
static int bind_and_listen(int fd, const union address *address)
{
    mode_t mask = umask(0177);
    int failed = bind(fd, &address->any, sizeof address->path);
    int why = errno;

    umask(mask);
    return failed ? why : listen(fd, WAITING) < 0 ? errno : 0;
}

/* A socket whose listener has died refuses. */
static int remove_stale(const char *path, struct rung_err *err)
{
    struct stat info;
    union address address;
    int fd, code;

    if (lstat(path, &info) == 0 && !S_ISSOCK(info.st_mode))
        return rung_err_set(err, RUNG_EUSE, "%s: is there, and no socket", path);
    if ((code = name(&address, path, err)) < 0 || (code = make(&fd, path, err)) < 0)
        return code;
    bool alive =
        connect(fd, &address.any, sizeof address.path) == 0 || (errno != ECONNREFUSED && errno != ENOENT);
    close(fd);
    if (alive)
        return rung_err_set(err, RUNG_EUSE, "%s: another process listens there", path);
    return unlink(path) < 0 && errno != ENOENT
               ? rung_err_set(err, RUNG_EUSE, "%s: cannot be replaced: %s", path, strerror(errno))
               : 0;
}

int rung_unix_listen(int *fd, struct rung_unix_file *file, const char *path, struct rung_err *err)
{
    union address address;
    struct stat info;
    int code;

    if ((code = name(&address, path, err)) < 0 || (code = make(fd, path, err)) < 0)
        return code;
    int why = bind_and_listen(*fd, &address);
    if (why == EADDRINUSE && (code = remove_stale(path, err)) == 0)
        why = bind_and_listen(*fd, &address);
    if (code == 0 && (why || lstat(path, &info) < 0))
        code =
            rung_err_set(err, RUNG_EUSE, "%s: cannot be listened to: %s", path, strerror(why ? why : errno));
    if (code < 0) {
        close(*fd);
        return code;
    }
    *file = (struct rung_unix_file){info.st_dev, info.st_ino};
    return 0;
}

bool rung_unix_find(struct rung_unix_file *found, const char *path)
{
    struct stat info;

    *found = (struct rung_unix_file){0};
    if (lstat(path, &info) < 0)
        return false;
    *found = (struct rung_unix_file){info.st_dev, info.st_ino};
    return true;
}

bool rung_unix_same(const struct rung_unix_file *one, const struct rung_unix_file *other)
{
    return one->device == other->device && one->inode == other->inode;
}

void rung_unix_remove(const struct rung_unix_file *file, const char *path)
{
    struct rung_unix_file found;

    if (rung_unix_find(&found, path) && rung_unix_same(&found, file))
        unlink(path);
}

/* ---- connecting ---- */

int rung_unix_connect(int *fd, const char *path, struct rung_err *err)
{
    union address address;
    int code, failed = -1;

    if ((code = name(&address, path, err)) < 0 || (code = make(fd, path, err)) < 0)
        return code;
    for (int i = 0; failed < 0 && i < TRIES; i++) {
        failed = connect(*fd, &address.any, sizeof address.path);
        if (failed < 0 && errno != EAGAIN && errno != EINTR)
            break;
        if (failed < 0)
            poll(NULL, 0, TRY_AGAIN_MS);
    }
    if (failed < 0)
        code = rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(errno));
    else if (!rung_unix_is_ours(*fd))
        code = rung_err_set(err, RUNG_EUSE, "%s: another user listens there", path);
    if (code < 0)
        close(*fd);
    return code;
}
