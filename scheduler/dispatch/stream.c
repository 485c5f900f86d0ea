#include "dispatch/stream.h"

#define PLACES (2 * RUNG_STREAM_TRAINERS) /* from RUNG_STREAM_TRAINERS on: late results */

uint64_t rung_stream_of_job(int index, int64_t job)
{
    return (uint64_t)job * PLACES + (uint64_t)index;
}

uint64_t rung_stream_of_late(uint64_t number)
{
    return number * PLACES + RUNG_STREAM_TRAINERS;
}

int rung_stream_index(uint64_t stream)
{
    uint64_t place = stream % PLACES;
    return place < RUNG_STREAM_TRAINERS ? (int)place : -1;
}

uint64_t rung_stream_number(uint64_t stream)
{
    return stream / PLACES;
}
