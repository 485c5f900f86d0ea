/*
 * A file that is sent to a caller of a daemon, piece by piece as it takes it, so that nothing of it is held
 * in memory; one that takes nothing is not waited for without end.
 */
#ifndef RUNG_DISPATCH_ANSWER_H
#define RUNG_DISPATCH_ANSWER_H

#include <stdint.h>

struct event_base;
struct rung_answer;
struct rung_caller;

struct rung_answer_options {
    struct rung_caller *caller; /* to which nothing else is said meanwhile; outlives the answer */
    int file;                   /* is sent from its beginning to its end; belongs to the answer */
    uint64_t stream;
    double patience; /* seconds for which the caller may take nothing */
    void *context;
    /* 0: the kernel has all of it, none waits here; ETIMEDOUT: patience is at its end; else errno of the
     * file. The answer is freed after the call, which comes from the loop. */
    void (*ended)(void *context, int why);
};

/* Takes what the caller's on_drained calls. */
struct rung_answer *rung_answer_send(struct event_base *base, const struct rung_answer_options *options);
/* What was not sent is not. NULL is allowed. */
void rung_answer_free(struct rung_answer *answer);

#endif
