#include "cli/scratch.h"

#include "base/mem.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_in(char **path, const char *parent, const char *name)
{
    free(*path);
    *path = rung_mem_printf("%s/%s-XXXXXX", parent, name);
    return mkdtemp(*path) != NULL;
}

int rung_scratch_make(char **path, const char *parent, const char *name, struct rung_err *err)
{
    const char *other = getenv("TMPDIR");

    *path = NULL;
    if ((parent && make_in(path, parent, name)) || make_in(path, other && *other ? other : "/tmp", name))
        return 0;
    int code = rung_err_set(err, RUNG_EFAIL, "%s: %s", *path, strerror(errno));
    free(*path);
    *path = NULL;
    return rung_err_way_out(err, "TMPDIR=… names another folder"), code;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

void rung_scratch_remove(char *path)
{
    if (path)
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}
