/* A folder for a while: of this process, and removed by the next one that needs such a folder where this one
 * was killed. And files without a name, which go with their last descriptor. */
#ifndef RUNG_CLI_SCRATCH_H
#define RUNG_CLI_SCRATCH_H

#include "base/err.h"

#include <stdbool.h>

/* Makes PARENT/NAME-XXXXXX, or where it cannot be made there (parent NULL: there is none) in TMPDIR; absolute
 * where the parent is. The caller frees *path. RUNG_EFAIL. */
int rung_scratch_make(char **path, const char *parent, const char *name,
                      struct rung_err *err) RUNG_CHECK_RESULT;
/* With all that is in it; frees path. NULL is allowed. */
void rung_scratch_remove(char *path);

/* The folder of this machine for what is temporary: TMPDIR, or /tmp. */
const char *rung_scratch_folder(void);
/* A file in it, open for reading and writing; -1 with errno. */
int rung_scratch_file(void);
/* The same; where that folder takes none, though not for want of room, *beside: in the one where path's file
 * lies. errno is the first folder's. */
int rung_scratch_file_or_beside(const char *path, bool *beside);

#endif
