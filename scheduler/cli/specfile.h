/*
 * A spec as a file: read, overridden, made independent of where it lies (the trainer's program absolute, the
 * content of a `configurations` file in the place of its path), checked, and written again as the text that
 * the database keeps.
 */
#ifndef RUNG_CLI_SPECFILE_H
#define RUNG_CLI_SPECFILE_H

#include "base/err.h"
#include "base/json.h"
#include "cli/options.h"
#include "core/spec.h"

#include <stdbool.h>

struct rung_specfile {
    char *path;             /* as given: what errors begin with */
    char *folder;           /* absolute, of the file; where it is a pipe, the current one */
    struct rung_json *json; /* after overrides; with its name */
    struct rung_spec *spec;
    char *text;    /* json as one line */
    char *program; /* "PATH sha256:HEX", PATH where it is not here; NULL when it was not looked for */
};

/* Reads the file at path and applies every --set of arguments, in order. find_program: also finds the
 * trainer's program, or fails. RUNG_EUSE with "PATH: WHERE: WHY". Free out with rung_specfile_free, also
 * after a failure. */
int rung_specfile_read(struct rung_specfile *out, const char *path, const struct rung_arguments *arguments,
                       bool find_program, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_specfile_free(struct rung_specfile *file);

/* Prints the spec's notes to standard error, a line each. */
void rung_specfile_notes(const struct rung_spec *spec);

/* Finds the trainer's program after all. anywhere: it need not be here; then *note says that it is not. */
int rung_specfile_locate(struct rung_specfile *file, bool anywhere, char **note,
                         struct rung_err *err) RUNG_CHECK_RESULT;

/* Puts an absolute path in the place of trainer.command[0], in json and spec; *program as above (the caller
 * frees it). Errors begin with "trainer.command: ". */
int rung_specfile_find_program(struct rung_json *json, struct rung_spec *spec, const char *folder,
                               char **program, struct rung_err *err) RUNG_CHECK_RESULT;

/* For one that is not here: only its path is made absolute. machine: which one, such as "this machine". What
 * a user should know of it; the caller frees that. */
char *rung_specfile_leave_program(struct rung_json *json, struct rung_spec *spec, const char *folder,
                                  const char *machine);

/* The settings must fit into the message that a trainer is started with. RUNG_EUSE "trainer.settings: …". */
int rung_specfile_check_settings(const struct rung_spec *spec, struct rung_err *err) RUNG_CHECK_RESULT;

/* A whole file, at most limit bytes. RUNG_EUSE "PATH: WHY". */
int rung_specfile_load(struct rung_buf *out, const char *path, size_t limit,
                       struct rung_err *err) RUNG_CHECK_RESULT;

#endif
