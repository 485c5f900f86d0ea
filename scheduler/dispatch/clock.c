#include "dispatch/clock.h"

#include <time.h>

static double seconds(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double rung_clock_monotonic(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double rung_clock_wall(void)
{
    return seconds(CLOCK_REALTIME);
}
