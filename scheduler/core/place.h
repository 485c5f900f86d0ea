/*
 * Where in a spec a value stands, and errors that begin with it: "search.first_calls: WHY". Places are
 * chains on the stack, written out only when something is wrong; elements of arrays are named by number
 * ("first.0.alpha"), as --set takes them.
 */
#ifndef RUNG_CORE_PLACE_H
#define RUNG_CORE_PLACE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <stddef.h>

struct rung_place {
    const struct rung_place *in; /* NULL: at the top of the spec */
    const char *key;             /* NULL: element `index` of an array */
    size_t index;
};

/* Sets err to "PLACE: WHY", WHY from a format, and is RUNG_EUSE. place NULL is the whole spec. */
#define rung_place_error(err, place, ...)                                                                    \
    (rung_err_set((err), RUNG_EUSE, __VA_ARGS__), rung_place_prefix((err), (place)))
int rung_place_prefix(struct rung_err *err, const struct rung_place *place);

/* "PLACE: expected WHAT, found VALUE", VALUE shortened. */
int rung_place_expected(struct rung_err *err, const struct rung_place *place, const char *what,
                        const struct rung_json *found);

/* "PLACE: unknown key (did you mean …?)" for the key that place ends with; known lists what there is. */
int rung_place_unknown(struct rung_err *err, const struct rung_place *place, const char *const *known,
                       size_t count);

/* Appends a value as errors quote it: its JSON where that is short, else what it is. */
void rung_place_quote(struct rung_buf *out, const struct rung_json *value);

#endif
