/* A model's values call by call, read from the database: its scores, or one of its metrics. */
#ifndef RUNG_CLI_OBSERVED_H
#define RUNG_CLI_OBSERVED_H

#include "base/err.h"
#include "cli/reading.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_observation {
    int64_t calls;
    double value; /* as reported; NaN where it was not finite */
};

struct rung_observed {
    char *name; /* of what is observed */
    struct rung_observation *list;
    size_t count, capacity; /* calls rising */
    size_t finite;
    bool maximize;
    bool guessed; /* maximize is not the search's goal but the direction in which the values have moved, */
    bool moved;   /* … if they have */
    int64_t end;  /* calls of the last rung of the model's bracket; 0: not known in advance */
};

/* The values of the model that reading is about. metric NULL: the objective. A metric is taken from single
 * calls (view `calls`) where it is there, else from results (view `history`). RUNG_EUSE: no result has that
 * metric, or no value is finite. Free out with rung_observed_free, also after a failure. */
int rung_observed_read(struct rung_observed *out, const struct rung_reading *reading, const char *metric,
                       struct rung_err *err) RUNG_CHECK_RESULT;
void rung_observed_free(struct rung_observed *observed);

#endif
