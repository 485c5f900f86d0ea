/*
 * How many trainers were at work while each job ran: the sum of all jobs' intervals on a host, as a function
 * of time whose integral tells the mean over any of them.
 */
#include "forecast/recording_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A job begins (+1) or ends (-1). */
struct edge {
    double at;
    int64_t host;
    int change;
    double busy;     /* trainers at work from here on */
    double integral; /* of that up to here */
};

struct interval {
    double begin, end;
    int64_t host; /* -1: the job has no interval */
};

/* ---- whose job it was ---- */

/* Per trainer row, a number for its host. */
static int64_t *number_hosts(const struct rung_recording *recording)
{
    int64_t *hosts = rung_mem_resize(NULL, recording->trainer_count, sizeof *hosts);
    size_t *firsts = rung_mem_resize(NULL, recording->trainer_count, sizeof *firsts);
    size_t count = 0, at = 0;

    for (size_t i = 0; i < recording->trainer_count; i++) {
        const char *host = recording->trainers[i].host;
        if (count == 0 || strcmp(recording->trainers[firsts[at]].host, host) != 0)
            for (at = 0; at < count && strcmp(recording->trainers[firsts[at]].host, host) != 0;)
                at++;
        if (at == count)
            firsts[count++] = i;
        hosts[i] = (int64_t)at;
    }
    free(firsts);
    return hosts;
}

/* The slot's trainer rows follow each other in time; cursor[slot] is the present one, next[row] the one
 * after. */
struct slots {
    int64_t *cursor, *next;
};

static struct slots chain_rows(const struct rung_recording *recording)
{
    struct slots slots = {rung_mem_resize(NULL, recording->slots, sizeof *slots.cursor),
                          rung_mem_resize(NULL, recording->trainer_count, sizeof *slots.next)};

    for (size_t i = 0; i < recording->slots; i++)
        slots.cursor[i] = -1;
    for (size_t i = recording->trainer_count; i-- > 0;) {
        slots.next[i] = slots.cursor[recording->trainers[i].trainer];
        slots.cursor[recording->trainers[i].trainer] = (int64_t)i;
    }
    return slots;
}

static int64_t host_of(const struct rung_recording *recording, const struct slots *slots,
                       const int64_t *hosts, const struct rung_recorded_job *job)
{
    if (job->trainer < 0)
        return -1;
    int64_t row = slots->cursor[job->trainer];
    while (row >= 0 && slots->next[row] >= 0 && recording->trainers[slots->next[row]].joined < job->elapsed)
        row = slots->cursor[job->trainer] = slots->next[row];
    return row < 0 ? 0 : hosts[row];
}

/* ---- intervals ---- */

/* Where the hand-over is not known the job took what its trainer said, but no longer than it can have had it.
 */
static struct interval interval_of(const struct rung_recording *recording,
                                   const struct rung_recorded_job *job, double begin, int64_t host)
{
    double score = isfinite(job->score_seconds) ? job->score_seconds : 0;
    double overhead = isfinite(recording->overhead_seconds) ? recording->overhead_seconds : 0;
    struct interval interval = {.begin = begin, .end = job->elapsed, .host = host};

    if (!isfinite(job->seconds)) {
        double said = job->elapsed - job->fit_seconds - score - overhead;
        interval.begin = isnan(begin) ? said : fmax(begin, said); /* of a NaN and a number: the number */
    }
    if (job->kind != RUNG_EVENT_RESULT || !(interval.begin <= interval.end))
        interval.host = -1;
    return interval;
}

static struct interval *make_intervals(const struct rung_recording *recording, const double *begins)
{
    struct interval *intervals = rung_mem_zalloc(recording->job_count, sizeof *intervals);
    struct slots slots = chain_rows(recording);
    int64_t *hosts = number_hosts(recording);

    for (size_t i = 0; i < recording->job_count; i++) {
        const struct rung_recorded_job *job = &recording->jobs[i];
        bool result = job->kind == RUNG_EVENT_RESULT;
        intervals[i] = result ? interval_of(recording, job, begins[i], host_of(recording, &slots, hosts, job))
                              : (struct interval){.host = -1};
    }
    free(hosts);
    free(slots.cursor);
    free(slots.next);
    return intervals;
}

/* ---- the integral ---- */

static int by_time(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    if (x->host != y->host)
        return x->host < y->host ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static struct edge *make_edges(const struct interval *intervals, size_t jobs, size_t *count)
{
    struct edge *edges = rung_mem_resize(NULL, jobs, 2 * sizeof *edges);

    *count = 0;
    for (size_t i = 0; i < jobs; i++) {
        if (intervals[i].host < 0)
            continue;
        edges[(*count)++] = (struct edge){intervals[i].begin, intervals[i].host, 1, 0, 0};
        edges[(*count)++] = (struct edge){intervals[i].end, intervals[i].host, -1, 0, 0};
    }
    qsort(edges, *count, sizeof *edges, by_time);
    for (size_t i = 0; i < *count; i++) {
        bool same = i > 0 && edges[i - 1].host == edges[i].host;
        edges[i].busy = (same ? edges[i - 1].busy : 0) + edges[i].change;
        edges[i].integral =
            same ? edges[i - 1].integral + edges[i - 1].busy * (edges[i].at - edges[i - 1].at) : 0;
    }
    return edges;
}

/* The integral up to `at`, where an edge of that host lies. */
static double integral_at(const struct edge *edges, size_t count, int64_t host, double at)
{
    struct edge key = {.at = at, .host = host};
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_time(&edges[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return edges[low].integral;
}

void rung_recording_share(struct rung_recording *recording, const double *begins)
{
    struct interval *intervals = make_intervals(recording, begins);
    size_t count;
    struct edge *edges = make_edges(intervals, recording->job_count, &count);

    for (size_t i = 0; i < recording->job_count; i++) {
        const struct interval *at = &intervals[i];
        double length = at->end - at->begin;
        recording->jobs[i].sharing = 1;
        if (at->host >= 0 && length > 0)
            recording->jobs[i].sharing = fmax(1, (integral_at(edges, count, at->host, at->end) -
                                                  integral_at(edges, count, at->host, at->begin)) /
                                                     length);
    }
    free(edges);
    free(intervals);
}
