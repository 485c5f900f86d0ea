/*
 * How many workers to ask a cluster for, and when to give them back. Pure: it is told the time and what is
 * there, and asks nobody itself.
 *
 *   1. No more workers are asked for than could have a job now, and than the user allows.
 *   2. Too many: those that have not come yet are cancelled first, then who has no job is given back, both
 * only after some seconds: when a rung ends, all but one wait for a moment.
 *   3. Who gets no job for long although there are some is of no use, as where no trainer starts: another one
 *      takes its place.
 *   4. Where asking comes to nothing, the next attempt waits, twice as long each time.
 */
#ifndef RUNG_DISPATCH_HIRING_H
#define RUNG_DISPATCH_HIRING_H

#include <stdbool.h>
#include <stddef.h>

#define RUNG_HIRING_WAIT_FIRST 1.0   /* seconds, after the first failure */
#define RUNG_HIRING_WAIT_MOST  120.0 /* seconds, after any */
#define RUNG_HIRING_USELESS    30.0  /* seconds of rule 3: longer than trainers are started again and again */
#define RUNG_HIRING_TROUBLE    3     /* failures in a row that a user should know of */

struct rung_hiring {
    size_t most;          /* workers at one time */
    size_t trainers;      /* of a worker */
    double grace;         /* seconds of rule 2 */
    double surplus_since; /* when there came to be too many; INFINITY: there are not */
    double ask_at;        /* not before that */
    unsigned failures;    /* in a row */
};

struct rung_hiring_facts {
    size_t demand;            /* trainers that could have a job now, those that have one among them */
    size_t others;            /* trainers that are there without having been asked for */
    size_t here;              /* workers that were asked for and are there */
    size_t coming;            /* that were asked for, and are not there yet or out of reach */
    const double *idle_since; /* of those here that have no job, in any order */
    size_t idle;
};

struct rung_hiring_orders {
    size_t ask;     /* workers to be asked for */
    size_t cancel;  /* of those that are coming */
    size_t dismiss; /* of those that are idle, the longest first */
    bool useless;   /* by rule 3, so many times in a row that somebody should be told; once */
};

void rung_hiring_init(struct rung_hiring *hiring, size_t most, size_t trainers, double grace);
struct rung_hiring_orders rung_hiring_decide(struct rung_hiring *hiring,
                                             const struct rung_hiring_facts *facts, double now);
/* Asking came to nothing, or who was asked for ended before it came or was of no use. True: it did so often
 * enough in a row that somebody should be told; once. */
bool rung_hiring_failed(struct rung_hiring *hiring, double now);
/* A worker has come, and done a job. */
void rung_hiring_worked(struct rung_hiring *hiring);

#endif
