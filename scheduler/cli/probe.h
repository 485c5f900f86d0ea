/* Measuring a trainer before there is a search of it: a few calls of a few models, chosen to tell the most.
 */
#ifndef RUNG_CLI_PROBE_H
#define RUNG_CLI_PROBE_H

#include "base/err.h"
#include "cli/experience.h"
#include "cli/specfile.h"

/* Runs short searches of the spec's trainer in a database of their own, which is deleted again, until about a
 * second of training was measured; appends to basis what was done. It lies beside `database`, the one that
 * the search itself would have, so that states cost what they will cost, or else in TMPDIR. The spec's
 * program must have been found. RUNG_EFAIL when the trainer does not work. */
int rung_probe(struct rung_experience *experience, const struct rung_specfile *file, const char *database,
               struct rung_buf *basis, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
