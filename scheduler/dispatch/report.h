/* What one running job has reported call by call, until its result is recorded. Bounded: what is over the
 * bound is dropped. */
#ifndef RUNG_DISPATCH_REPORT_H
#define RUNG_DISPATCH_REPORT_H

#include <stddef.h>
#include <stdint.h>

#define RUNG_REPORT_CALLS_MAX 100000             /* of one job */
#define RUNG_REPORT_BYTES_MAX (16 * 1024 * 1024) /* of metrics of one job */

struct rung_report_call {
    int64_t call;
    double fit_seconds; /* NaN: not said */
    char *metrics;      /* JSON object text or NULL; owned */
};

struct rung_report {
    struct rung_report_call *calls;
    size_t count, capacity, bytes;
};

void rung_report_add(struct rung_report *report, int64_t call, double fit_seconds, const char *metrics);
void rung_report_clear(struct rung_report *report); /* keeps the memory of the array */
void rung_report_free(struct rung_report *report);

#endif
