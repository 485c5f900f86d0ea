#include "dispatch/report.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void rung_report_add(struct rung_report *report, int64_t call, double fit_seconds, const char *metrics)
{
    size_t bytes = metrics ? strlen(metrics) : 0;
    if (report->count == RUNG_REPORT_CALLS_MAX || report->bytes + bytes > RUNG_REPORT_BYTES_MAX)
        return;
    report->calls = rung_mem_grow(report->calls, report->count, &report->capacity, sizeof *report->calls);
    report->calls[report->count++] = (struct rung_report_call){
        .call = call, .fit_seconds = fit_seconds, .metrics = rung_mem_strdup(metrics)};
    report->bytes += bytes;
}

void rung_report_clear(struct rung_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        free(report->calls[i].metrics);
    report->count = report->bytes = 0;
}

void rung_report_free(struct rung_report *report)
{
    rung_report_clear(report);
    free(report->calls);
    memset(report, 0, sizeof *report);
}
