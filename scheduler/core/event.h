/*
 * What a search is told (events) and what it answers (decisions). Plain values, no pointers: copied
 * freely, owned by nobody.
 *
 * To add a kind: here, core/search.c, core/trace.c, store/schema.c and store/replay.c, and a transcript.
 */
#ifndef RUNG_CORE_EVENT_H
#define RUNG_CORE_EVENT_H

#include <stddef.h>
#include <stdint.h>

enum rung_event_kind {
    RUNG_EVENT_START,   /* the search begins; the first event, once */
    RUNG_EVENT_RESULT,  /* model reached calls with score (as reported; NaN when not finite) */
    RUNG_EVENT_FAILURE, /* model failed for good on its way from calls (its recorded total) */
    RUNG_EVENT_ASK,     /* asha: a trainer is free and nothing is ready */
    RUNG_EVENT_RETRY    /* the user gives a failed model another chance; its rung is undecided */
};

struct rung_event {
    enum rung_event_kind kind;
    uint32_t model; /* RESULT, FAILURE, RETRY */
    int64_t calls;  /* RESULT: total after the job; FAILURE, RETRY: the model's recorded total */
    double score;   /* RESULT */
};

enum rung_decision_kind {
    RUNG_DECISION_MODEL,   /* model exists from now on, in bracket */
    RUNG_DECISION_TRAIN,   /* take model from `from` to `to` calls and score it */
    RUNG_DECISION_STOP,    /* model was cut by halving in `rung` */
    RUNG_DECISION_PLATEAU, /* model trains no further; keeps its place and its last score */
    RUNG_DECISION_FINISH,  /* model ended its bracket's last rung */
    RUNG_DECISION_RUNG,    /* bracket's rung is decided, `kept` models go on (0 in the last rung) */
    RUNG_DECISION_BRACKET, /* bracket has ended; model = its winner or RUNG_NO_MODEL */
    RUNG_DECISION_DONE     /* the search has ended; model = the best or RUNG_NO_MODEL */
};

#define RUNG_NO_MODEL UINT32_MAX
#define RUNG_NO_RUNG  (-1)

struct rung_decision {
    enum rung_decision_kind kind;
    uint32_t model;
    uint32_t bracket; /* the user's number: s of Hyperband, 0 elsewhere */
    int32_t rung;     /* TRAIN: the rung its score decides, RUNG_NO_RUNG when none; STOP, RUNG */
    int64_t from, to; /* TRAIN: calls */
    int64_t kept;     /* RUNG */
};

/* A growing list that the caller owns and reuses: clear before each step. */
struct rung_decisions {
    struct rung_decision *items;
    size_t count, capacity;
};

void rung_decisions_clear(struct rung_decisions *list); /* keeps the memory */
void rung_decisions_free(struct rung_decisions *list);
void rung_decisions_add(struct rung_decisions *list, const struct rung_decision *decision);

#endif
