/*
 * Numbers of the streams in which states travel between a scheduler and one of its workers: of a job's state,
 * by the worker's trainer that has the job (searches count their jobs each for itself), and of late results'.
 */
#ifndef RUNG_DISPATCH_STREAM_H
#define RUNG_DISPATCH_STREAM_H

#include <stdint.h>

#define RUNG_STREAM_TRAINERS 1024 /* of one worker, at most */

/* index: of the worker's trainers. job < 2^42. */
uint64_t rung_stream_of_job(int index, int64_t job);
uint64_t rung_stream_of_late(uint64_t number);
/* Of a job's: its trainer's index, else -1. */
int rung_stream_index(uint64_t stream);
/* The job's number, or the late result's. */
uint64_t rung_stream_number(uint64_t stream);

#endif
