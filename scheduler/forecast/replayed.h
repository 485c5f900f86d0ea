/*
 * The oracle over a recorded search: scores and durations as they were, or durations that are fixed. Models
 * draw the same parameters whatever the brackets, so a recorded score holds for its model and number of calls
 * in every search of the same models.
 */
#ifndef RUNG_FORECAST_REPLAYED_H
#define RUNG_FORECAST_REPLAYED_H

#include "forecast/recording.h"
#include "forecast/virtual.h"

#include <stdbool.h>
#include <stdint.h>

struct rung_replayed_options {
    double fit_seconds, score_seconds; /* per call, per score; NaN: as recorded */
    double overhead_seconds;           /* that the clock adds to every job */
    bool whole; /* recorded durations are from hand-over to hand-over where that is known, overhead_seconds of
                   which the clock adds; else what trainers said */
    bool losses; /* with the seconds of the attempts that failed */
    bool last;   /* a score that is not recorded is the model's last one before it, its time in proportion to
                    the   calls; else the job is unknown */
};

/* Of the jobs asked for since the last look. */
struct rung_replayed_counts {
    int64_t guessed; /* scores that are the last one before */
    int64_t untimed; /* jobs that recorded no time, which got the mean */
};

struct rung_replayed;

/* recording is completed and stays the caller's. Free with rung_replayed_free. */
struct rung_replayed *rung_replayed_create(const struct rung_recording *recording,
                                           const struct rung_replayed_options *options);
void rung_replayed_free(struct rung_replayed *replayed);

struct rung_oracle rung_replayed_oracle(struct rung_replayed *replayed);
/* For the clock's expect: by the model's mean seconds per call over its whole record, in which a live search
 * believes after its first jobs. context: the struct. */
double rung_replayed_expect(void *context, uint32_t model, int64_t from, int64_t to);
struct rung_replayed_counts rung_replayed_take_counts(struct rung_replayed *replayed);

#endif
