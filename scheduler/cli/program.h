/* The trainer's program: finding it, and saying which one it is. */
#ifndef RUNG_CLI_PROGRAM_H
#define RUNG_CLI_PROGRAM_H

#include "base/err.h"

/* word, the first of the trainer's command, as an absolute path: without a slash it is looked up beside the
 * running rung, then on PATH; with one it is relative to folder. RUNG_EUSE when it is not found or cannot be
 * executed. The caller frees *path. */
int rung_program_resolve(char **path, const char *word, const char *folder,
                         struct rung_err *err) RUNG_CHECK_RESULT;

/* "PATH sha256:HEX", freed by the caller. RUNG_EUSE when it cannot be read. */
int rung_program_describe(char **out, const char *path, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
