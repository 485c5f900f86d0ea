/* Stop on plateau: the records of one model and the rule that reads them. */
#ifndef RUNG_CORE_PATIENCE_H
#define RUNG_CORE_PATIENCE_H

#include "core/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_patience_record {
    int64_t calls;
    double score; /* oriented; NaN when not finite */
};

/* True when a model at `calls` calls has improved on the oldest finite score of its window by at most tol.
 * records are in order of calls, the last one is at `calls`. The window is, for `exact` and `table`, from the
 * newest record at least `patience` calls back on (no such record: false); for `dask`, the records at most
 * `patience` calls back (Dask-ML, _stop_on_plateau). Fewer than two finite scores in it: false. tol NaN:
 * false. */
bool rung_patience_plateau(const struct rung_patience_record *records, size_t count, int64_t calls,
                           const struct rung_search_spec *spec);

/* The first record that the rule reads at `calls` calls or can read later; those before it may be forgotten.
 */
size_t rung_patience_window(const struct rung_patience_record *records, size_t count, int64_t calls,
                            const struct rung_search_spec *spec);

#endif
