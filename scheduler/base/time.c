#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define YEAR_10000 253402300800.0

void rung_time_format(double seconds, char text[RUNG_TIME_TEXT])
{
    struct tm parts;
    text[0] = '\0';
    if (!(seconds >= 0 && seconds < YEAR_10000 - 1))
        return;
    double whole_ms = floor(seconds * 1000 + 0.5);
    time_t whole = (time_t)floor(whole_ms / 1000);
    gmtime_r(&whole, &parts);
    size_t length = strftime(text, RUNG_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + length, RUNG_TIME_TEXT - length, ".%03dZ", (int)(whole_ms - (double)whole * 1000));
}
