/* Sockets of this machine, each a file that only its owner may open: who gets through needs no key. */
#ifndef RUNG_DISPATCH_UNIX_SOCKET_H
#define RUNG_DISPATCH_UNIX_SOCKET_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct rung_unix_file { /* which file a listener made: another may have taken its place */
    dev_t device;
    ino_t inode;
};

/* A non-blocking listener, its file of mode 0600 from its first moment on. A socket that nobody listens to
 * any more is replaced. RUNG_EUSE: somebody listens there, it is another kind of file, the path is too long.
 */
int rung_unix_listen(int *fd, struct rung_unix_file *file, const char *path,
                     struct rung_err *err) RUNG_CHECK_RESULT;
/* What is at path now, whatever it is: false, and zeros, when nothing is. */
bool rung_unix_find(struct rung_unix_file *found, const char *path);
bool rung_unix_same(const struct rung_unix_file *one, const struct rung_unix_file *other);
/* Removes the listener's file, unless it is another one by now. */
void rung_unix_remove(const struct rung_unix_file *file, const char *path);

/* A non-blocking connection. RUNG_EUSE: nobody listens there, or somebody of another user. */
int rung_unix_connect(int *fd, const char *path, struct rung_err *err) RUNG_CHECK_RESULT;

/* Whether the other side of a connection is of this user, or of root. */
bool rung_unix_is_ours(int fd);

#endif
