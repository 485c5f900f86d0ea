/* What the files of a recording share, and nobody else uses. */
#ifndef RUNG_FORECAST_RECORDING_PARTS_H
#define RUNG_FORECAST_RECORDING_PARTS_H

#include "forecast/recording.h"

bool rung_recording_of_model(const struct rung_recorded_job *job); /* a result or a failure */
struct rung_recorded_model *rung_recording_next_model(struct rung_recording *recording, uint32_t bracket);
/* The jobs of each model: by_model, model_jobs, first and next. The jobs' models exist. */
void rung_recording_index(struct rung_recording *recording);

/* Sets every job's sharing. begins: per job, when it was handed over, or the earliest it can have been; NaN:
 * not known. */
void rung_recording_share(struct rung_recording *recording, const double *begins);

#endif
