/* What the files of the spec module (spec*.c) share, and nobody else uses. */
#ifndef RUNG_CORE_SPEC_PARTS_H
#define RUNG_CORE_SPEC_PARTS_H

#include "core/fields.h"
#include "core/spec.h"

/* The keys of `search` as written, before they are compared with one another. */
struct rung_search_keys {
    int algorithm, variant, priority;
    int64_t max_iter, aggressiveness, models, first_calls,
        fits_per_score; /* RUNG_UNSET where that is possible */
    int64_t n_params, n_examples, seed;
    double decay_rate, tol;
    const struct rung_json *patience; /* NULL: false */
};

extern const struct rung_fields rung_spec_search_fields;

/* spec_search.c. Reads the object (NULL: {}); then, with the rest of spec read, fills spec->search, and
 * checks it against the space, the limits and its plan. */
int rung_spec_read_search(struct rung_search_keys *keys, const struct rung_json *search,
                          struct rung_err *err) RUNG_CHECK_RESULT;
int rung_spec_settle_search(struct rung_spec *spec, const struct rung_search_keys *keys,
                            struct rung_err *err) RUNG_CHECK_RESULT;

extern const struct rung_fields rung_spec_cluster_fields;

/* spec_cluster.c. Reads the object (NULL: {}), once the trainer is read. */
int rung_spec_read_cluster(struct rung_spec *spec, const struct rung_json *cluster,
                           struct rung_err *err) RUNG_CHECK_RESULT;
void rung_spec_free_cluster(struct rung_cluster_spec *cluster);

/* Adds a line to spec->notes, which owns it from then on. */
void rung_spec_note(struct rung_spec *spec, char *line);

#endif
