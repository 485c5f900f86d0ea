/* --slurm of run and resume: what is needed so that Slurm can start workers, checked before anything is made.
 */
#ifndef RUNG_CLI_HIRE_H
#define RUNG_CLI_HIRE_H

#include "base/err.h"
#include "cli/options.h"
#include "core/spec.h"
#include "dispatch/session.h"

#include <stdbool.h>

/* Owned by whoever embeds it; zeroed, it hires nobody. */
struct rung_hire {
    struct rung_session_slurm slurm; /* most 0: without --slurm */
    char *program, *key, *folder, *host;
    bool key_made;
};

/* Reads --slurm, for workers of so many trainers, and --orphan-timeout. RUNG_EUSE. */
int rung_hire_read(struct rung_hire *hire, const struct rung_arguments *arguments, int64_t trainers,
                   struct rung_err *err) RUNG_CHECK_RESULT;
/* Reads --slurm, --orphan-timeout, --key and the spec's cluster. folder: of the spec, to which cluster.folder
 * is relative. RUNG_EUSE: Slurm's commands are not here, or what was given cannot be used. Free hire also
 * then. */
int rung_hire_prepare(struct rung_hire *hire, const struct rung_arguments *arguments,
                      const struct rung_spec *spec, const char *database, const char *folder,
                      struct rung_err *err) RUNG_CHECK_RESULT;
/* listening: where the scheduler does, whose host workers are told unless the spec says another. */
void rung_hire_listening(struct rung_hire *hire, const struct rung_address *listening);
/* Makes a key where none was named and none is there. RUNG_EUSE. */
int rung_hire_key(struct rung_hire *hire, bool named, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_hire_free(struct rung_hire *hire);
void rung_hire_cancel(struct rung_hire *hire); /* takes a new key away again; frees nothing */

#endif
