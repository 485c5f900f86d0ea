/* What earlier searches in a database teach about the cost of another one with the same trainer. */
#ifndef RUNG_CLI_EXPERIENCE_H
#define RUNG_CLI_EXPERIENCE_H

#include "base/err.h"
#include "core/spec.h"
#include "forecast/knowledge.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_experience {
    struct rung_knowledge knowledge;
    size_t searches; /* whose trainer has the same command, settings, environment and threads */
    int64_t largest; /* jobs planned of a search, to be read; 0: any */
    size_t jobs;     /* learnt from */
};

void rung_experience_init(struct rung_experience *experience);
void rung_experience_free(struct rung_experience *experience);

/* Learns from the newest searches that match, until it has jobs_max jobs. except: the name of a search that
 * is left out, or NULL. Searches that cannot be read are left out, too: they are no reason not to go on. */
int rung_experience_load(struct rung_experience *experience, struct rung_store *store,
                         const struct rung_spec *spec, const char *except, size_t jobs_max,
                         struct rung_err *err) RUNG_CHECK_RESULT;

/* Numbers, in the knowledge, of the first models that spec will draw: at most `count`, fewer where it has
 * fewer. Returned array: *cast_count entries, at least one; the caller frees it. */
size_t *rung_experience_cast(struct rung_experience *experience, const struct rung_spec *spec, size_t count,
                             size_t *cast_count);

#endif
