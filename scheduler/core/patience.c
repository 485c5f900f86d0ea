/* The plateau rule. */
#include "core/patience.h"

#include <math.h>

size_t rung_patience_window(const struct rung_patience_record *records, size_t count, int64_t calls,
                            const struct rung_search_spec *spec)
{
    size_t first = 0;
    if (spec->variant == RUNG_VARIANT_DASK) {
        while (first < count && calls - records[first].calls > spec->patience)
            first++;
        return first;
    }
    while (first + 1 < count && calls - records[first + 1].calls >= spec->patience)
        first++;
    return first;
}

bool rung_patience_plateau(const struct rung_patience_record *records, size_t count, int64_t calls,
                           const struct rung_search_spec *spec)
{
    if (spec->patience <= 0 || isnan(spec->tol) || count == 0)
        return false;
    size_t first = rung_patience_window(records, count, calls, spec);
    if (spec->variant != RUNG_VARIANT_DASK && calls - records[first].calls < spec->patience)
        return false;

    double oldest = NAN, best = -INFINITY;
    size_t finite = 0;
    for (size_t i = first; i < count; i++) {
        if (!isfinite(records[i].score))
            continue;
        if (finite++ == 0)
            oldest = records[i].score;
        else
            best = fmax(best, records[i].score);
    }
    /* One score alone says nothing about improvement. */
    return finite >= 2 && best - oldest <= spec->tol;
}
